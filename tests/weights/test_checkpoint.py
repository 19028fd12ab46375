"""Reading checkpoints: tensors come through, everything else is left or refused, and nothing in a file is run."""

from __future__ import annotations

import argparse
import pathlib
import sys
import types
from collections import OrderedDict, defaultdict
from pathlib import Path
from typing import Any

import pytest
import torch

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.weights.checkpoint import read_state

WEIGHTS = {"a.weight": torch.arange(6.0).reshape(2, 3), "a.bias": torch.ones(2)}


def save(content: object, folder: Path) -> Path:
    path = folder / "file.ckpt"
    torch.save(content, path)
    return path


@pytest.mark.parametrize("content", [WEIGHTS, {"state_dict": WEIGHTS, "epoch": 3}, OrderedDict(WEIGHTS)])
def test_weights_at_the_top_or_under_state_dict(content: dict, tmp_path: Path) -> None:
    state = read_state(save(content, tmp_path))
    assert state.keys() == WEIGHTS.keys()
    assert torch.equal(state["a.weight"], WEIGHTS["a.weight"])


def test_training_notes_are_passed_over_without_their_packages(tmp_path: Path, monkeypatch) -> None:
    """Callbacks as keys, settings as objects: a Lightning file whose packages are not installed."""
    module = types.ModuleType("pytorch_lightning")

    class Checkpoint:
        def __init__(self) -> None:
            self.best = defaultdict(dict, {"loss": {1: 0.5}})

    Checkpoint.__module__, Checkpoint.__qualname__ = "pytorch_lightning", "Checkpoint"
    module.Checkpoint = Checkpoint
    monkeypatch.setitem(sys.modules, "pytorch_lightning", module)
    notes = {
        "callbacks": {Checkpoint: {"best_model_path": pathlib.PurePosixPath("a/b")}},
        "hyper_parameters": {"object": Checkpoint(), "any": Any, "space": argparse.Namespace(lr=1), "type": dict},
    }
    path = save({"state_dict": WEIGHTS, **notes}, tmp_path)
    monkeypatch.delitem(sys.modules, "pytorch_lightning")
    assert read_state(path).keys() == WEIGHTS.keys()
    assert "pytorch_lightning" not in sys.modules


class Trap:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder: Path, function) -> None:
        self.folder, self.function = folder, function

    def __reduce__(self):
        return self.function, (str(self.folder),)


@pytest.mark.parametrize("inside", [lambda trap: {"state_dict": WEIGHTS, "notes": trap}, lambda trap: trap])
@pytest.mark.parametrize("function", [__import__("os").mkdir, eval, Path], ids=["mkdir", "eval", "path"])
def test_code_is_refused_and_not_run(inside, function, tmp_path: Path) -> None:
    trapped = tmp_path / "sprung"
    path = save(inside(Trap(trapped, function)), tmp_path)
    if function is Path and isinstance(inside(0), dict):  # an ordinary object, beside the weights
        assert read_state(path).keys() == WEIGHTS.keys()
    else:
        with pytest.raises(FoleyError, match="program code|holds no weights"):
            read_state(path)
    assert not trapped.exists()


def test_a_whole_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FoleyError, match="program code"):
        read_state(save(torch.nn.Linear(2, 2), tmp_path))


def test_missing_and_empty(tmp_path: Path) -> None:
    with pytest.raises(FoleyError, match="There is no file"):
        read_state(tmp_path / "nothing.ckpt")
    with pytest.raises(FoleyError, match="holds no weights"):
        read_state(save({"state_dict": {}}, tmp_path))
    with pytest.raises(FoleyError, match="holds no weights"):
        read_state(save([1, 2], tmp_path))


@pytest.mark.parametrize("part", [0.0, 0.5, 0.99])
def test_truncated(part: float, tmp_path: Path) -> None:
    path = save(WEIGHTS, tmp_path)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * part)])
    with pytest.raises(FoleyError, match="cut short"):
        read_state(path)


def test_not_a_checkpoint(tmp_path: Path) -> None:
    page = tmp_path / "page.ckpt"
    page.write_text("<html>Not found</html>")
    with pytest.raises(FoleyError, match="no PyTorch checkpoint"):
        read_state(page)
    import zipfile

    with zipfile.ZipFile(tmp_path / "zip.ckpt", "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(FoleyError, match="no PyTorch checkpoint"):
        read_state(tmp_path / "zip.ckpt")
