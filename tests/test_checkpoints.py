"""Where checkpoints are looked for, and what is said when one is not there or broken."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from toy import toy_pipeline

from rhythmic_foley.checkpoints import available, find_checkpoint, load_pipeline
from rhythmic_foley.errors import FoleyError


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
