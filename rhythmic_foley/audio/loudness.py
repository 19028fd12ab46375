"""Measure and set loudness (ITU-R BS.1770), with peaks kept below -1 dBFS."""

from __future__ import annotations

import numpy as np

PEAK_LIMIT = 10 ** (-1 / 20)  # -1 dBFS: lossy encoders overshoot a little


_LOUDNESS_BLOCK_S = 0.4


def loudness_lufs(wave: np.ndarray, sample_rate_hz: int) -> float:
    """Integrated loudness (ITU-R BS.1770) of (N,) or (N, C), -inf for silence.

    A sound under 0.4 s is repeated to measure it. The power of two channels adds up, as the recommendation says.
    """
    import pyloudnorm

    wave = np.asarray(wave, dtype=np.float64)
    if not np.any(wave):
        return -np.inf
    block = int(np.ceil(_LOUDNESS_BLOCK_S * sample_rate_hz)) + 1
    if len(wave) < block:
        wave = np.resize(wave, (block, *wave.shape[1:]))
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(pyloudnorm.Meter(sample_rate_hz).integrated_loudness(wave))


def normalise_loudness(wave: np.ndarray, sample_rate_hz: int, target_lufs: float) -> np.ndarray:
    """The sound at `target_lufs`, by gain alone; less if its peaks would pass -1 dBFS. Silence stays as it is.

    Args:
        wave: (N,).

    Returns:
        float32 (N,).
    """
    now_lufs = loudness_lufs(wave, sample_rate_hz)
    gain = 10 ** ((target_lufs - now_lufs) / 20) if np.isfinite(now_lufs) else 1.0
    return _keep_headroom(np.asarray(wave, dtype=np.float32) * np.float32(gain))


_LIMITER_S = 0.008
_LIMITER_ROUNDS = 4


def as_loud_as(wave: np.ndarray, sample_rate_hz: int, target_lufs: float) -> np.ndarray:
    """The sound at `target_lufs`, its peaks held below -1 dBFS by a limiter that looks 8 ms ahead.

    Args:
        wave: (N,) or (N, C); silence stays as it is.

    Returns:
        float32, of the same shape. Single clicks in silence may stay quieter than asked: there is nothing else to make
        louder.
    """
    loud = np.asarray(wave, dtype=np.float32)
    for _ in range(_LIMITER_ROUNDS):  # limiting takes some of the loudness away again
        now_lufs = loudness_lufs(loud, sample_rate_hz)
        if not np.isfinite(now_lufs) or abs(target_lufs - now_lufs) < 0.1:
            break
        loud = _limited(loud * np.float32(10 ** ((target_lufs - now_lufs) / 20)), sample_rate_hz)
    return loud


def _limited(wave: np.ndarray, sample_rate_hz: int) -> np.ndarray:
    from scipy.ndimage import minimum_filter1d, uniform_filter1d

    width = 2 * round(_LIMITER_S * sample_rate_hz) + 1
    loudest = np.abs(wave).max(axis=tuple(range(1, wave.ndim)))  # one gain for all channels, so that none moves
    gain = np.minimum(1.0, PEAK_LIMIT / np.maximum(loudest, 1e-9))
    # A mean over the width of a minimum over the same width never exceeds the gain that is needed.
    gain = uniform_filter1d(minimum_filter1d(gain, width), width).astype(np.float32)
    return wave * gain.reshape(-1, *(1,) * (wave.ndim - 1))


def _keep_headroom(wave: np.ndarray) -> np.ndarray:
    peak = float(np.abs(wave).max(initial=0.0))
    return wave * np.float32(PEAK_LIMIT / peak) if peak > PEAK_LIMIT else wave
