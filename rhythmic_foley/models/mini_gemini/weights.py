"""The published weights of Mini-Gemini: their files, and the names of their tensors in ours."""

from __future__ import annotations

import json
import pickle
import re
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open

from rhythmic_foley.errors import FoleyError

HEAD = "language_model.lm_head.weight"

_PREFIXES = (
    ("model.vision_tower.vision_tower.vision_model.", "vision_tower."),
    ("model.vision_tower_aux.vision_stem.0.", "aux_tower.embeddings.patch_embeddings."),
    ("model.vision_tower_aux.vision_stem.1.", "aux_tower.embeddings.layernorm."),
    ("model.vlm_uni_query_projector.", "query."),
    ("model.vlm_uni_aux_projector.", "key."),
    ("model.vlm_uni_val_projector.", "value."),
    ("model.mm_projector.", "mm_projector."),
    ("model.embed_tokens.", "language_model.model.embed_tokens."),
    ("model.layers.", "language_model.model.layers."),
    ("model.norm.", "language_model.model.norm."),
    ("lm_head.", "language_model.lm_head."),
)
_STAGE = re.compile(r"model\.vision_tower_aux\.vision_stages\.(\d+)\.(?:downsample\.|blocks\.(\d+)\.)(.+)")
_BLOCK_PARTS = (
    ("gamma", "layer_scale_parameter"),
    ("conv_dw.", "dwconv."),
    ("norm.", "layernorm."),
    ("mlp.fc1.", "pwconv1."),
    ("mlp.fc2.", "pwconv2."),
)
# Buffers that older versions of the library wrote beside the weights; they are computed anew.
_COMPUTED = (".rotary_emb.inv_freq", ".embeddings.position_ids")


def renamed(key: str) -> str | None:
    """Our name of a published tensor; None where Mini-Gemini has no such part."""
    if stage := _STAGE.fullmatch(key):
        number, block, part = stage.groups()
        if block is None:
            return f"aux_tower.encoder.stages.{number}.downsampling_layer.{part}"
        ours = next((new + part.removeprefix(old) for old, new in _BLOCK_PARTS if part.startswith(old)), None)
        return ours and f"aux_tower.encoder.stages.{number}.layers.{block}.{ours}"
    return next((new + key.removeprefix(old) for old, new in _PREFIXES if key.startswith(old)), None)


def matched(
    tensors: Mapping[str, torch.Tensor], expected: Mapping[str, tuple[int, ...]], tied_head: bool
) -> dict[str, torch.Tensor]:
    """Give tensors our names and hold them against the network, name by name and shape by shape.

    Args:
        tensors: by published name, or all by ours.
        expected: shape of every tensor of the network.
        tied_head: whether the head is the embedding; a copy may then be there or not and is left out.

    Raises:
        FoleyError: naming the first tensor that is missing, of another shape or of no use.
    """
    ours = any(key.startswith(("language_model.", "aux_tower.")) for key in tensors)
    state, strange = {}, []
    for key, tensor in tensors.items():
        name = key if ours else renamed(key)
        if name in expected:
            state[name] = tensor
        elif not key.endswith(_COMPUTED):
            strange.append(key)
    optional = {HEAD} if tied_head else set()
    if missing := sorted(expected.keys() - state.keys() - optional):
        raise FoleyError(f"These weights are not a whole Mini-Gemini: {_some(missing)} missing; download them again.")
    for name, tensor in state.items():
        if tuple(tensor.shape) != tuple(expected[name]):
            shapes = f"{_size(tensor.shape)} instead of {_size(expected[name])}"
            raise FoleyError(f"These weights do not fit their config.json: {name} is {shapes}.")
    if strange:
        raise FoleyError(f"These weights hold more than a Mini-Gemini: {_some(sorted(strange))} not known.")
    return {name: tensor for name, tensor in state.items() if name not in optional}


def read_tensors(folder: Path) -> dict[str, torch.Tensor]:
    """All tensors of a folder: safetensors before bin, in shards where there is an index.

    Files are mapped into memory, so nothing is read before it is used. Bin files can run no code (weights_only).

    Raises:
        FoleyError: where weights are missing or damaged.
    """
    for name, read in (("model.safetensors", _read_safetensors), ("pytorch_model.bin", _read_bin)):
        if (folder / f"{name}.index.json").is_file():
            files = _shards(folder / f"{name}.index.json")
        elif (folder / name).is_file():
            files = [folder / name]
        else:
            continue
        return {key: tensor for file in files for key, tensor in _read(file, read).items()}
    raise FoleyError(f"There are no weights of Mini-Gemini in {folder}.")


def _read(file: Path, read) -> dict[str, torch.Tensor]:
    if not file.is_file():
        raise FoleyError(f"{file.name} is missing from {file.parent}; download Mini-Gemini again.")
    try:
        return read(file)
    except (SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError, ValueError, OSError):
        raise FoleyError(f"{file} is damaged; download Mini-Gemini again.") from None


def _read_safetensors(file: Path) -> dict[str, torch.Tensor]:
    with safe_open(file, framework="pt") as tensors:
        return {key: tensors.get_tensor(key) for key in tensors.keys()}


def _read_bin(file: Path) -> dict[str, torch.Tensor]:
    return torch.load(file, map_location="cpu", weights_only=True, mmap=True)


def _shards(index: Path) -> list[Path]:
    try:
        names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise FoleyError(f"{index} is damaged; download Mini-Gemini again.") from None
    if any(Path(name).name != name for name in names):
        raise FoleyError(f"{index} names files outside its folder; download Mini-Gemini again.")
    return [index.parent / name for name in names]


def _some(names: list[str]) -> str:
    verb = "is" if len(names) == 1 else "are"
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"{names[0]}{more} {verb}"


def _size(shape: tuple[int, ...]) -> str:
    return " x ".join(str(length) for length in shape) or "a single number"
