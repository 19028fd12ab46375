"""Features of drawn clips on disk, and batches cut from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from rhythmic_foley.detection import RATE_HZ, features
from rhythmic_foley.motion import steps
from rhythmic_foley.training.event_detector.scenes import draw_clip

SHARD_CLIPS = 50
HELD_OUT_SEED = 1_000_000  # clips from this seed on are for calibration and tests, never for training
ROWS, COLUMNS = 9, 16
WINDOW_FRAMES = 72
_LABEL_S = 0.03  # how far a label is smeared: pictures and microphones agree no better than that
_RING_S, _PAUSE_S = 0.3, 0.8  # how long a contact sounds; shorter pauses still belong to the event


@dataclass(frozen=True)
class Example:
    """One clip: features float16 (T, 8, rows, columns) and (T, 5), targets (T, 2) 0..1, weights (T,) 0 or 1."""

    grids: np.ndarray
    clips: np.ndarray
    targets: np.ndarray
    weights: np.ndarray
    onsets_s: np.ndarray


def example(seed: int) -> Example:
    """The drawn clip of a seed as the detector sees it; the longer side of its grid lies across."""
    clip = draw_clip(seed)
    read = features(list(steps(clip.frames())))
    times_s = np.arange(len(read.grids)) / RATE_HZ
    weights = np.ones(len(times_s), np.float32)
    for start_s, end_s in clip.unclear_s:
        weights[(times_s > start_s) & (times_s < end_s)] = 0
    grids, clips = across(read.grids, read.clips)
    targets = np.stack([onset_target(times_s, clip.onsets_s), sounding_target(times_s, clip.onsets_s)], axis=1)
    return Example(grids.astype(np.float16), clips.astype(np.float16), targets, weights, clip.onsets_s)


def across(grids: np.ndarray, clips: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Features of a clip with the longer side of the grid lying across, as the detector is trained."""
    if grids.shape[2] <= grids.shape[3]:
        return grids, clips
    return grids.swapaxes(2, 3)[:, [1, 0, *range(2, grids.shape[1])]], clips[:, [1, 0, *range(2, clips.shape[1])]]


def onset_target(times_s: np.ndarray, onsets_s: np.ndarray) -> np.ndarray:
    """(T,) float32: a bell at each onset."""
    apart = np.abs(times_s[:, None] - onsets_s).min(axis=1, initial=np.inf)
    return np.exp(-0.5 * (apart / _LABEL_S) ** 2).astype(np.float32)


def sounding_target(times_s: np.ndarray, onsets_s: np.ndarray) -> np.ndarray:
    """(T,) float32: 1 from the first contact of a run to a little after its last."""
    sounding = np.zeros(len(times_s), np.float32)
    for onset_s, next_s in zip(onsets_s, np.append(onsets_s, np.inf)[1:], strict=True):
        end_s = next_s if next_s - onset_s < _PAUSE_S else onset_s + _RING_S
        sounding[(times_s >= onset_s - 0.5 / RATE_HZ) & (times_s < end_s)] = 1
    return sounding


def prepare(folder: Path, clips: int, first_seed: int = 0) -> None:
    """Draws clips and keeps their features in shards; goes on where it was stopped."""
    folder.mkdir(parents=True, exist_ok=True)
    for shard in range(-(-clips // SHARD_CLIPS)):
        path = folder / f"{shard:04d}.npz"
        if path.exists():
            continue
        first = first_seed + shard * SHARD_CLIPS
        count = min(SHARD_CLIPS, clips - shard * SHARD_CLIPS)
        fields = {f"{n}.{k}": v for n in range(count) for k, v in vars(example(first + n)).items()}
        partial = path.with_suffix(".partial")
        with open(partial, "wb") as file:
            np.savez(file, **fields)
        partial.rename(path)
        print(f"{path.name}: clips {first} to {first + count - 1}", flush=True)


def load(folder: Path) -> list[Example]:
    """All clips that `prepare` left."""
    examples = []
    for path in sorted(folder.glob("*.npz")):
        with np.load(path) as stored:
            count = len(stored.files) // 5
            examples += [
                Example(*(stored[f"{n}.{k}"] for k in ("grids", "clips", "targets", "weights", "onsets_s")))
                for n in range(count)
            ]
    return examples


@dataclass(frozen=True)
class Batch:
    """Tensors float32: grids (B, T, 8, rows, columns), clips (B, T, 5), targets (B, T, 2), weights (B, T)."""

    grids: torch.Tensor
    clips: torch.Tensor
    targets: torch.Tensor
    weights: torch.Tensor

    def to(self, device: torch.device) -> Batch:
        return Batch(*(part.to(device) for part in vars(self).values()))


def draw_batch(examples: Sequence[Example], step: int, size: int, *, seed: int = 0) -> Batch:
    """Windows of a step: cut, mirrored, stretched in time, scaled and with parts of the features missing at times."""
    rng = np.random.default_rng((seed, step))
    rows = [_window(examples[rng.integers(len(examples))], rng) for _ in range(size)]
    return Batch(*(torch.from_numpy(np.stack(column)) for column in zip(*rows, strict=True)))


def _window(item: Example, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    stretch = rng.uniform(0.8, 1.25)
    length = len(item.targets)
    start = rng.integers(-WINDOW_FRAMES // 4, max(1, length - 3 * WINDOW_FRAMES // 4))
    index = start + np.round(np.arange(WINDOW_FRAMES) * stretch).astype(int)
    inside = (index >= 0) & (index < length)
    index = np.clip(index, 0, length - 1)
    grids, clips = _fitted(item.grids[index].astype(np.float32), rng), item.clips[index].astype(np.float32)
    for axis, channel in ((3, 0), (2, 1)):
        if rng.random() < 0.5:
            grids = np.flip(grids, axis).copy()
            grids[:, channel] *= -1
            clips[:, channel] *= -1
    grids[:, :3] *= np.exp(rng.normal(0, 0.2))
    grids[:, 3:5] *= np.exp(rng.normal(0, 0.2))
    grids[:, 5:7] *= np.exp(rng.normal(0, 0.2))
    for channels in (slice(0, 3), slice(3, 5), slice(5, 7), slice(7, 8)):
        if rng.random() < 0.05:
            grids[:, channels] = 0
    grids += rng.uniform(0, 0.1) * rng.standard_normal(grids.shape, dtype=np.float32)
    return grids, clips, item.targets[index], item.weights[index] * inside


def _fitted(grids: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(T, C, rows, columns) cut or filled up to the size of a batch, at a random place."""
    for axis, size in ((2, ROWS), (3, COLUMNS)):
        more = grids.shape[axis] - size
        if more > 0:
            start = rng.integers(0, more + 1)
            grids = np.take(grids, range(start, start + size), axis)
        elif more < 0:
            before = rng.integers(0, 1 - more)
            widths = [(0, 0)] * 4
            widths[axis] = (before, -more - before)
            grids = np.pad(grids, widths)
    return np.ascontiguousarray(grids)
