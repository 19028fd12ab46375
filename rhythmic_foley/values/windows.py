"""Cut a long clip into overlapping windows, and stitch the sound of the windows back without drift."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

WINDOW_S = 8.192  # 512 mel frames: what the model hears at once
OVERLAP_S = 1.024


@dataclass(frozen=True)
class Window:
    """One stretch of a clip; the last of a clip may run past its end."""

    index: int
    start_s: float
    end_s: float


def plan_windows(duration_s: float, window_s: float = WINDOW_S, overlap_s: float = OVERLAP_S) -> tuple[Window, ...]:
    """Windows of `window_s` that cover [0, duration_s), each overlapping the next by `overlap_s`.

    All are equally long: the last may run past the end, and a clip shorter than a window gives one. Starts are whole
    multiples of window_s - overlap_s, so nothing adds up over a long clip.
    """
    if not 0 <= overlap_s <= window_s / 2:
        raise ValueError(f"overlap_s {overlap_s} must be between 0 and half of window_s {window_s}")
    step_s = window_s - overlap_s
    # The slack keeps a clip that is exactly covered from getting a window of nothing.
    count = 1 + max(0, math.ceil((duration_s - window_s) / step_s - 1e-6))
    return tuple(Window(index, index * step_s, index * step_s + window_s) for index in range(count))


def in_order(windows: Sequence[Window]) -> tuple[Window, ...]:
    """Windows in the order they are made: every other one, then those between, which hear both neighbours.

    One after the other would hear as much, but each would hang on all before it: whatever is changed at the beginning
    of a clip, everything would have to be made again.
    """
    return tuple(sorted(windows, key=lambda window: (window.index % 2, window.index)))


def in_rounds(windows: Sequence[Window], at_once: int) -> Iterator[tuple[Window, ...]]:
    """As `in_order`, up to `at_once` windows together; those of one round do not overlap."""
    for _, round_ in groupby(in_order(windows), key=lambda window: window.index % 2):
        apart = tuple(round_)
        for start in range(0, len(apart), at_once):
            yield apart[start : start + at_once]


def stitch(
    waves: Sequence[np.ndarray], windows: Sequence[Window], sample_rate_hz: int, total_samples: int
) -> np.ndarray:
    """The windows' sounds as one, cross-faded where two windows overlap, as loud there as they are themselves.

    Every sound is put at its window's start, rounded once from seconds, so that no error adds up. A sound may be
    a little shorter or longer than its window; what is missing is silence, what is too much is dropped.

    Args:
        waves: one (N,) a window.
        windows: in time order; only neighbours may overlap.

    Returns:
        float32 (total_samples,).
    """
    if len(waves) != len(windows):
        raise ValueError(f"{len(waves)} waves for {len(windows)} windows")
    edges = [(round(w.start_s * sample_rate_hz), round(w.end_s * sample_rate_hz)) for w in windows]
    sound = np.zeros(total_samples, dtype=np.float32)
    done = 0
    for wave, (start, end) in zip(waves, edges, strict=True):
        piece = np.zeros(end - start, dtype=np.float32)
        piece[: len(wave)] = wave[: end - start]
        piece = piece[: max(0, total_samples - start)]
        overlap = min(max(0, done - start), len(piece))
        before, after = sound[start : start + overlap], piece[:overlap]
        fade_in = _fade_in(overlap, _likeness(before, after))
        sound[start : start + overlap] = before * fade_in[::-1] + after * fade_in
        sound[start + overlap : start + len(piece)] = piece[overlap:]
        done = end
    return sound


def _fade_in(samples: int, likeness: float) -> np.ndarray:
    """A fade that keeps the power together with its reverse. Returns float32 (samples,).

    A quarter sine does for sounds that have nothing in common; equal sounds would be 3 dB louder in its middle.
    """
    angle = (np.arange(samples) + 0.5) / max(samples, 1) * (math.pi / 2)
    return (np.sin(angle) / np.sqrt(1 + likeness * np.sin(2 * angle))).astype(np.float32)


def _likeness(one: np.ndarray, other: np.ndarray) -> float:
    """Correlation of two sounds of equal length, 0 to 1."""
    energy = math.sqrt(float(one @ one) * float(other @ other))
    return max(0.0, float(one @ other) / energy) if energy else 0.0
