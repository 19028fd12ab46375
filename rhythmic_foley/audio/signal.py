"""Change a waveform's rate or length."""

from __future__ import annotations

import numpy as np


def resample(wave: np.ndarray, from_hz: int, to_hz: int) -> np.ndarray:
    """(N,) or (N, C) at another rate; the same array where nothing changes."""
    import soxr

    return wave if from_hz == to_hz or not len(wave) else soxr.resample(wave, from_hz, to_hz)


def fit_length(wave: np.ndarray, samples: int) -> np.ndarray:
    """(N,) or (N, C) cut, or followed by silence, so that it has `samples`."""
    silence = np.zeros((max(0, samples - len(wave)), *wave.shape[1:]), wave.dtype)
    return np.concatenate([wave[:samples], silence])
