"""Tiny published files and the checkpoint made from them."""

from __future__ import annotations

from pathlib import Path

import pytest
from diffusers import AutoencoderKL, UNet2DConditionModel
from weights.fill import save_published
from weights.sampling import Networks
from weights.tiny import TINY, save_tiny_files

from rhythmic_foley import cli
from rhythmic_foley.models.alignment_classifier import AlignmentClassifier
from rhythmic_foley.models.cavp import Cavp
from rhythmic_foley.models.cond_stage import CondStage
from rhythmic_foley.weights.convert import ROLES, Conversion, convert_diff_foley
from rhythmic_foley.weights.diff_foley import published_file


@pytest.fixture(scope="session")
def tiny_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The three published files at tiny size, by role."""
    return save_tiny_files(tmp_path_factory.mktemp("published"))


@pytest.fixture(scope="session")
def conversion(tiny_files: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Conversion:
    out = tmp_path_factory.mktemp("checkpoints") / "diff-foley"
    return convert_diff_foley(**tiny_files, out=out, sizes=TINY)


@pytest.fixture(scope="session")
def networks(conversion: Conversion) -> Networks:
    """The converted networks, loaded the ordinary way."""
    return load_networks(conversion.folder)


@pytest.fixture(scope="session")
def full_size(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The published sizes, filled by rule, through files and the ordinary command: minutes, 9 GB of disk."""
    work = tmp_path_factory.mktemp("full")
    files = {role: save_published(published_file(role), work / f"{role}.ckpt") for role in ROLES}
    options = [part for role, path in files.items() for part in (f"--{role}", str(path))]
    assert cli.main(["convert", "diff-foley", *options, "--out", str(work / "diff-foley")]) == 0
    for path in files.values():
        path.unlink()
    return work / "diff-foley"


def load_networks(folder: Path) -> Networks:
    return Networks(
        unet=UNet2DConditionModel.from_pretrained(folder / "unet").eval(),
        vae=AutoencoderKL.from_pretrained(folder / "vae").eval(),
        cond_stage=CondStage.from_pretrained(folder / "cond_stage").eval(),
        classifier=AlignmentClassifier.from_pretrained(folder / "classifier").eval(),
        cavp=Cavp.from_pretrained(folder / "cavp").eval(),
    )
