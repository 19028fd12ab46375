"""Reproducible weights and inputs: each array is drawn from a generator seeded with its own name."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import torch

from rhythmic_foley.weights.diff_foley import SCALING_FACTOR, SCHEDULE_BUFFERS, PublishedFile

LEFT_AS_COMPUTED = {"logit_scale": 2.65926, "scale_factor": SCALING_FACTOR}


def draw(name: str, shape: Iterable[int]) -> np.ndarray:
    generator = np.random.Generator(np.random.PCG64(zlib.crc32(name.encode("utf-8"))))
    return generator.standard_normal(tuple(shape), dtype=np.float32)


def det(name: str, shape: Iterable[int]) -> torch.Tensor:
    """A standard normal input."""
    return torch.from_numpy(draw(f"input/{name}", shape))


def fill_array(key: str, shape: tuple[int, ...]) -> np.ndarray:
    """The value of one published parameter."""
    if key.endswith("num_batches_tracked"):
        return np.zeros(shape, dtype=np.int64)
    if not shape:
        return np.array(LEFT_AS_COMPUTED[key], dtype=np.float32)
    x = draw(key, shape)
    if key.endswith("running_var"):
        return np.float32(1) + np.float32(0.1) * np.abs(x)
    if key.endswith("running_mean"):
        return np.float32(0.1) * x
    if len(shape) == 1:
        return np.float32(1) + np.float32(0.1) * x if key.endswith("weight") else np.float32(0.02) * x
    return x / np.float32(np.sqrt(np.prod(shape[1:])))


def schedule_buffers() -> dict[str, torch.Tensor]:
    """The buffers a Lightning file carries; only their names, shapes and the cumulative product are looked at."""
    betas = np.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=np.float64) ** 2
    buffers = {name: torch.zeros(1000) for name in SCHEDULE_BUFFERS}
    buffers["betas"] = torch.from_numpy(betas).float()
    buffers["alphas_cumprod"] = torch.from_numpy(np.cumprod(1 - betas)).float()
    return buffers


def fill(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, torch.Tensor]:
    """A state dict of these published shapes."""
    return {key: torch.from_numpy(np.asarray(fill_array(key, tuple(shape)))) for key, shape in shapes.items()}


def published_state(file: PublishedFile) -> dict[str, torch.Tensor]:
    """The whole content of a published file, filled."""
    state = fill(file.expected)
    return {**schedule_buffers(), **state} if file.buffers else state


def save_published(file: PublishedFile, path: Path, **extra: object) -> Path:
    """Writes a file laid out as the published one: a state dict, with training notes beside it."""
    torch.save({"state_dict": published_state(file), "global_step": 7, "epoch": 1, **extra}, path)
    return path


def manifest(path: Path) -> dict[str, tuple[int, ...]]:
    """Name -> shape of every parameter, from a manifest; schedule buffers left out."""
    content = json.loads(path.read_text(encoding="utf-8"))
    return {key: tuple(shape) for key, (shape, _) in content.items() if key not in SCHEDULE_BUFFERS}
