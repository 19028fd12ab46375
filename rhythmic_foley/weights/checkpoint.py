"""Reads the tensors of a PyTorch checkpoint without running anything that is in it."""

from __future__ import annotations

import zipfile
from pathlib import Path

import torch
from torch import serialization

from rhythmic_foley.errors import FoleyError

# Training notes (callbacks, settings, best scores) lie beside the weights in a Lightning file. Types of these packages
# are read as empty stand-ins; the packages are not imported.
_NOTES = {"pytorch_lightning", "lightning", "lightning_fabric", "lightning_utilities", "omegaconf", "numpy", "typing"}
_NOTES |= {"pathlib", "datetime", "argparse"}
# Where the weights of a whole training state are.
_WEIGHTS = ("state_dict", "model")
_PLAIN = {"dict", "list", "tuple", "int", "float", "str", "bool", "object"}


class _StandIn:
    """Takes the place of an object that is of no interest: accepts everything, keeps nothing."""

    def __new__(cls, *_: object, **__: object) -> _StandIn:
        return super().__new__(cls)

    def __init__(self, *_: object, **__: object) -> None: ...

    def __setstate__(self, state: object) -> None: ...


def _empty_dict(*_: object) -> dict:
    return {}


def read_state(path: Path) -> dict[str, torch.Tensor]:
    """The state dict of a checkpoint, mapped from disk rather than read at once.

    Raises:
        FoleyError: if the file is missing, cut short, not a checkpoint, or holds more than tensors and training notes.
    """
    if not path.is_file():
        raise FoleyError(f"There is no file {path}.")
    if not zipfile.is_zipfile(path):
        raise FoleyError(f"{path} is no PyTorch checkpoint or was cut short on its way; fetch it again.")
    try:
        content = _read_tensors(path)
    except FoleyError:
        raise
    except Exception as error:  # torch raises kinds of its own for each way a file can be damaged
        raise FoleyError(f"{path} is damaged, or is no PyTorch checkpoint; fetch it again.") from error
    content = content if isinstance(content, dict) else {}
    state = next((content[key] for key in _WEIGHTS if isinstance(content.get(key), dict)), content)
    tensors = {key: value for key, value in state.items() if isinstance(value, torch.Tensor) and isinstance(key, str)}
    if not tensors:
        raise FoleyError(f"{path} holds no weights.")
    return tensors


def _read_tensors(path: Path) -> object:
    foreign = serialization.get_unsafe_globals_in_checkpoint(path)
    code = sorted(name for name in foreign if not _is_note(name))
    if code:
        raise FoleyError(f"{path} holds program code ({code[0]}) and is not opened; fetch the published file.")
    with serialization.safe_globals([(_stand_in(name), name) for name in foreign]):
        return torch.load(path, map_location="cpu", weights_only=True, mmap=True)


def _is_note(name: str) -> bool:
    module, _, attribute = name.rpartition(".")
    if module in ("builtins", "__builtin__"):
        return attribute in _PLAIN
    return module.split(".")[0] in _NOTES or name in ("collections.defaultdict", "copyreg._reconstructor")


def _stand_in(name: str) -> object:
    if name.endswith(("defaultdict", "builtins.dict", "__builtin__.dict")):
        return _empty_dict
    return type(name.rpartition(".")[2], (_StandIn,), {})
