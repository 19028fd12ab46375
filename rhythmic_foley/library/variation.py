"""Make a recording a little different each time: pitch, tone and level, as two real hits differ."""

from __future__ import annotations

import numpy as np

_PITCH = 0.035  # at most so much faster or slower, about 0.6 of a semitone
_TONE_DB = 2.0  # at most so much brighter or duller
_LEVEL_DB = 1.0
_PIVOT = 0.15  # of the one-pole filter that parts low from high; at 44.1 kHz about 1.1 kHz
_STEPS = 10_000  # pitch ratios are whole steps of 1 / 10,000


def vary(wave: np.ndarray, attack: int, rng: np.random.Generator) -> tuple[np.ndarray, int]:
    """Vary a sound.

    Args:
        wave: (N,).
        attack: index at which it strikes.

    Returns:
        The varied sound, float32 (about N,), and the index at which that strikes.
    """
    import soxr

    pitch, tone, level = rng.uniform(-1.0, 1.0, size=3)
    slower = _STEPS + round(pitch * _PITCH * _STEPS)
    # Cubic interpolation: a steeper filter rings before the attack, which is then heard 1 ms early.
    varied = soxr.resample(wave, _STEPS, slower, quality="QQ") if len(wave) else wave
    gain = 10 ** (level * _LEVEL_DB / 20)
    return (_tilt(varied, tone * _TONE_DB) * np.float32(gain)).astype(np.float32), round(attack * slower / _STEPS)


def _tilt(wave: np.ndarray, tone_db: float) -> np.ndarray:
    """Raise what lies above about 1 kHz by `tone_db`."""
    from scipy.signal import lfilter

    low = lfilter([_PIVOT], [1.0, _PIVOT - 1.0], wave)
    return low + (wave - low) * 10 ** (tone_db / 20)
