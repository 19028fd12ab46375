"""Make a sound go on without a seam: passes over recordings from changing places, cross-faded."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_OVERLAP_S = 0.4
_SHORTEST_PASS_S = 1.0  # of a pass that begins somewhere inside a recording


def loop(bodies: Sequence[np.ndarray], length: int, sample_rate_hz: int, rng: np.random.Generator) -> np.ndarray:
    """A sound of any length from the steady parts of recordings.

    Each pass begins at another place, so that no period is heard, and fades into the next with constant power, or
    with constant amplitude as far as the two are alike.

    Args:
        bodies: (N,) each.
        length: wanted samples.

    Returns:
        float32 (length,).
    """
    wave = np.zeros(length, np.float32)
    done, overlap, turn = 0, 0, 0
    while done < length:
        body = bodies[turn % len(bodies)]
        piece = body[_entry(len(body), sample_rate_hz, rng) :][: length - done + overlap]
        overlap = min(overlap, len(piece))
        begin = done - overlap
        before, after = wave[begin:done], piece[:overlap]
        fade = fade_in(overlap, _likeness(before, after))
        wave[begin:done] = before * fade[::-1] + after * fade
        wave[done : begin + len(piece)] = piece[overlap:]
        done = begin + len(piece)
        shortest = min(len(one) for one in bodies)
        overlap = min(round(_OVERLAP_S * sample_rate_hz), max(1, shortest // 3), len(piece))
        turn += 1
        if not len(piece):
            break
    return wave


def _entry(samples: int, sample_rate_hz: int, rng: np.random.Generator) -> int:
    """Where a pass begins: anywhere that leaves enough of the recording."""
    room = samples - max(round(_SHORTEST_PASS_S * sample_rate_hz), samples // 2)
    return int(rng.integers(0, room)) if room > 0 else 0


def fade_in(samples: int, likeness: float) -> np.ndarray:
    """A fade that keeps the power together with its reverse, for two sounds that correlate by `likeness`."""
    angle = (np.arange(samples) + 0.5) / max(samples, 1) * (np.pi / 2)
    return (np.sin(angle) / np.sqrt(1 + likeness * np.sin(2 * angle))).astype(np.float32)


def _likeness(one: np.ndarray, other: np.ndarray) -> float:
    """Correlation of two sounds of equal length, 0 to 1."""
    energy = float(np.sqrt(float(one @ one) * float(other @ other)))
    return max(0.0, float(one @ other) / energy) if energy else 0.0
