"""Where checkpoints are looked for, and what is said when one is not there or broken."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from toy import toy_pipeline

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.pipeline.loading import Running, available, find_checkpoint, load_pipeline


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of models with one of them in it, and a folder that is none."""
    for name in ("own", "notes"):
        (tmp_path / name).mkdir()
    (tmp_path / "own" / "model_index.json").write_text("{}")
    monkeypatch.setenv("RHYTHMIC_FOLEY_CHECKPOINTS", str(tmp_path))
    return tmp_path


def test_own_models_beside_the_embedded_one(root: Path) -> None:
    assert available()[:1] == ("mini",)
    assert "own" in available() and "notes" not in available()
    assert find_checkpoint("own") == find_checkpoint(root / "own") == root / "own"
    assert find_checkpoint("mini").parent != root


def test_what_is_not_there(root: Path) -> None:
    with pytest.raises(FoleyError, match='There is no model "nothing": give mini, '):
        find_checkpoint("nothing")
    with pytest.raises(FoleyError, match="rhythmic-foley download diff-foley"):
        find_checkpoint("diff-foley")


def test_a_broken_model(tmp_path: Path) -> None:
    toy_pipeline().save_pretrained(tmp_path)
    shutil.rmtree(tmp_path / "text_encoder")
    with pytest.raises(FoleyError, match="damaged or incomplete"):
        load_pipeline(tmp_path, device="cpu")


def test_how_a_model_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Running.parse("") == Running()
    assert Running.parse("bfloat16, unbatched,compile") == Running("bfloat16", batched=False, compiled=True)
    with pytest.raises(FoleyError, match='cannot be run as "fast"; RHYTHMIC_FOLEY_RUNNING takes float32, '):
        Running.parse("fast")
    toy_pipeline().save_pretrained(tmp_path)
    assert load_pipeline(tmp_path, "cpu").unet.dtype == torch.float32
    monkeypatch.setenv("RHYTHMIC_FOLEY_RUNNING", "bfloat16 unbatched")
    pipeline = load_pipeline(tmp_path, "cpu")
    assert (pipeline.unet.dtype, pipeline.vae.dtype) == (torch.bfloat16, torch.float32)
    assert (pipeline.rows_at_once, pipeline.windows_at_once) == (1, 1)
    with pytest.raises(FoleyError, match="runs on a GPU can be offloaded"):
        load_pipeline(tmp_path, "cpu", Running(offload=True))
