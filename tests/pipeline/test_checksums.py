"""The shipped files are the listed ones, another one is refused before it is loaded, and nothing is ever unpickled."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from toy import CHECKPOINT, save_toy_checkpoint

from rhythmic_foley import cli
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.pipeline.checksums import SUMS, check_sums, digests, read_sums, write_sums
from rhythmic_foley.pipeline.loading import load_pipeline
from rhythmic_foley.runtime.cache import Cache
from rhythmic_foley.studio.studio import Studio


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_toy_checkpoint(tmp_path_factory.mktemp("toy"))


@pytest.fixture
def listed(toy: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "toy"
    shutil.copytree(toy, folder)
    write_sums(folder)
    return folder


def test_shipped_files_are_the_listed_ones() -> None:
    """After new weights: `rhythmic-foley train sums`."""
    assert read_sums(CHECKPOINT) == digests(CHECKPOINT)
    assert {Path(name).suffix for name in digests(CHECKPOINT)} >= {".safetensors", ".json", ".csv"}


def test_no_other_weights_are_shipped() -> None:
    suffixes = {path.suffix for path in CHECKPOINT.rglob("*") if path.is_file() and path.name != SUMS}
    assert suffixes == {".safetensors", ".json", ".csv", ".md"}


@pytest.mark.parametrize("name", ["unet/diffusion_pytorch_model.safetensors", "model_index.json"])
def test_a_changed_file_is_refused(listed: Path, tmp_path: Path, name: str) -> None:
    check_sums(listed)
    data = bytearray((listed / name).read_bytes())
    data[-2] ^= 1
    (listed / name).write_bytes(data)
    studio = Studio(listed, cache=Cache(tmp_path / "cache"))
    says = f"The file {name} of the model toy is not the one that was shipped; .*train sums"
    with pytest.raises(FoleyError, match=says):
        load_pipeline(listed, "cpu")
    with pytest.raises(FoleyError, match=says):
        _ = studio.pipeline


def test_who_looks_at_a_clip_checks_only_what_looks(listed: Path, clip: Path, tmp_path: Path) -> None:
    for name in ("unet/diffusion_pytorch_model.safetensors", "describer/diffusion_pytorch_model.safetensors"):
        data = bytearray((listed / name).read_bytes())
        data[-2] ^= 1
        (listed / name).write_bytes(data)
    studio = Studio(listed, cache=Cache(tmp_path / "cache"))
    assert list(studio.analyse(clip, describe=False))
    for attempt in (lambda: studio.describer, lambda: list(studio.analyse(clip))):
        with pytest.raises(FoleyError, match="The file describer/.* is not the one that was shipped"):
            attempt()


def test_a_missing_file_is_named(listed: Path) -> None:
    (listed / "vae/config.json").unlink()
    with pytest.raises(FoleyError, match="The model toy lacks its file vae/config.json"):
        check_sums(listed)


def test_one_command_lists_the_files_as_they_are_now(listed: Path) -> None:
    (listed / "vae/config.json").write_text((listed / "vae/config.json").read_text() + "\n")
    with pytest.raises(FoleyError):
        check_sums(listed)
    assert cli.main(["train", "sums", "--checkpoint", str(listed)]) == 0
    check_sums(listed)


class _Trap:
    """What runs when somebody unpickles it."""

    def __reduce__(self) -> tuple:
        return Path.touch, (Path(self.path),)


@pytest.mark.parametrize("part", ["unet", "vae", "text_encoder", "describer"])
def test_pickled_weights_are_never_opened(toy: Path, tmp_path: Path, part: str) -> None:
    folder, sprung = tmp_path / "toy", tmp_path / "sprung"
    shutil.copytree(toy, folder)
    (weights,) = (folder / part).glob("*.safetensors")
    name = "pytorch_model.bin" if part == "text_encoder" else "diffusion_pytorch_model.bin"
    trap = _Trap()
    trap.path = str(sprung)
    torch.save(load_file(weights) | {"trap": trap}, weights.with_name(name))
    weights.unlink()
    with pytest.raises(Exception):  # noqa: B017  (a sentence for the pipeline, the library's own for the describer)
        _ = Studio(folder).describer if part == "describer" else load_pipeline(folder, "cpu")
    assert not sprung.exists()
    with open(tmp_path / "plain", "wb") as file:
        pickle.dump(trap, file)
    pickle.loads((tmp_path / "plain").read_bytes())
    assert sprung.exists()  # the trap works
