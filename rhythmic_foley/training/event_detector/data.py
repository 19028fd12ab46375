"""Features of drawn clips on disk, and batches cut from them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch

from rhythmic_foley.training.event_detector.scenes import DrawnClip, draw_clip
from rhythmic_foley.vision.motion import Step, curve_of_steps, steps
from rhythmic_foley.vision.onset_detector import RATE_HZ, features

SHARD_SEEDS = 25
HELD_OUT_SEED = 1_000_000  # clips from this seed on are for calibration and tests, never for training
TEST_SEED = HELD_OUT_SEED + 50  # those from this one on for tests alone
ROWS, COLUMNS = 9, 16
WINDOW_FRAMES = 72
FILM = "film"  # the kind of clips of real film, in which up and down differ
_LABEL_S = 0.03  # how far a label is smeared: pictures and microphones agree no better than that
_RING_S, _PAUSE_S = 0.3, 0.8  # how long a contact sounds; shorter pauses still belong to the event


@dataclass(frozen=True)
class Example:
    """One clip as the detector sees it.

    Attributes:
        grids: features float16 (T, 8, rows, columns), the longer side of the grid across; `clips` (T, 5).
        motion: (T,) the motion curve.
        targets: (T, 2) 0..1, an onset and whether something sounds; `weights` (T, 2) 0 where nothing is known, else 1.
        onsets_s: (k,) contacts that can be seen; `unclear_s` (m, 2) stretches about which nothing is known.
        kind: what happens in it, or "drawn".
    """

    grids: np.ndarray
    clips: np.ndarray
    motion: np.ndarray
    targets: np.ndarray
    weights: np.ndarray
    onsets_s: np.ndarray
    unclear_s: np.ndarray
    kind: np.ndarray


def drawn(seed: int) -> list[Example]:
    """The drawn clip of a seed."""
    return [_example(draw_clip(seed), "drawn")]


def _example(clip: DrawnClip, kind: str) -> Example:
    found = list(steps(clip.frames()))
    read = features(found)
    times_s = np.arange(len(read.grids)) / RATE_HZ
    weights = np.ones(len(times_s), np.float32)
    for start_s, end_s in clip.unclear_s:
        weights[(times_s > start_s) & (times_s < end_s)] = 0
    grids, clips = across(read.grids, read.clips)
    return Example(
        grids=grids.astype(np.float16),
        clips=clips.astype(np.float16),
        motion=motion_at(found, times_s),
        targets=np.stack([onset_target(times_s, clip.onsets_s), sounding_target(times_s, clip.onsets_s)], axis=1),
        weights=np.stack([weights, weights], axis=1),
        onsets_s=clip.onsets_s,
        unclear_s=clip.unclear_s,
        kind=np.array(kind),
    )


def motion_at(found: Sequence[Step], times_s: np.ndarray) -> np.ndarray:
    """(T,) float32: the motion curve of a clip at some times."""
    curve = curve_of_steps(found)
    return np.interp(times_s, curve.times_s, curve.values, left=0.0, right=0.0).astype(np.float32)


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


def prepare(folder: Path, source: Callable[[int], list[Example]], seeds: range) -> None:
    """Makes the clips of some seeds and keeps their features in shards; goes on where it was stopped."""
    folder.mkdir(parents=True, exist_ok=True)
    for shard, first in enumerate(seeds[::SHARD_SEEDS]):
        path = folder / f"{shard:04d}.npz"
        if path.exists():
            continue
        ours = range(first, min(first + SHARD_SEEDS, seeds.stop))
        examples = [example for seed in ours for example in source(seed)]
        entries = {f"{n}.{key}": value for n, example in enumerate(examples) for key, value in vars(example).items()}
        partial = path.with_suffix(".partial")
        with open(partial, "wb") as file:
            np.savez(file, **entries)
        partial.rename(path)
        print(f"{path}: seeds {ours.start} to {ours.stop - 1}", flush=True)


def load(folder: Path) -> list[Example]:
    """All clips that `prepare` left."""
    keys, examples = [field.name for field in fields(Example)], []
    for path in sorted(folder.glob("*.npz")):
        with np.load(path) as stored:
            count = len(stored.files) // len(keys)
            examples += [Example(**{key: stored[f"{n}.{key}"] for key in keys}) for n in range(count)]
    return examples


@dataclass(frozen=True)
class Batch:
    """Tensors float32: grids (B, T, 8, rows, columns), clips (B, T, 5), targets and weights (B, T, 2)."""

    grids: torch.Tensor
    clips: torch.Tensor
    targets: torch.Tensor
    weights: torch.Tensor

    def to(self, device: torch.device) -> Batch:
        return Batch(*(part.to(device) for part in vars(self).values()))


def draw_batch(
    pools: Sequence[tuple[float, Sequence[Example]]],
    step: int,
    size: int,
    *,
    seed: int = 0,
    frames: int | None = None,
) -> Batch:
    """Windows of a step: cut, mirrored, stretched in time, scaled and with parts of the features missing at times.

    Args:
        pools: kinds of examples, and which share of the windows is taken from each.
        step: windows depend on nothing but this and `seed`.
        size: number of windows.
        seed: of the run.
        frames: length of a window; `WINDOW_FRAMES` if left out.
    """
    rng = np.random.default_rng((seed, step))
    shares = [share for share, _ in pools]
    chosen = [pools[index][1] for index in rng.choice(len(pools), size, p=shares)]
    rows = [_window(pool[rng.integers(len(pool))], frames or WINDOW_FRAMES, rng) for pool in chosen]
    return Batch(*(torch.from_numpy(np.stack(column)) for column in zip(*rows, strict=True)))


def _window(item: Example, frames: int, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    stretch = rng.uniform(0.8, 1.25)
    length = len(item.targets)
    start = rng.integers(-frames // 4, max(1, length - 3 * frames // 4))
    index = start + np.round(np.arange(frames) * stretch).astype(int)
    inside = (index >= 0) & (index < length)
    index = np.clip(index, 0, length - 1)
    grids, clips = _fitted(item.grids[index].astype(np.float32), rng), item.clips[index].astype(np.float32)
    # Things fall down and sticks hit at the bottom: film is mirrored left and right only.
    for axis, channel in ((3, 0),) if item.kind == FILM else ((3, 0), (2, 1)):
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
    return grids, clips, item.targets[index], item.weights[index] * inside[:, None].astype(np.float32)


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
