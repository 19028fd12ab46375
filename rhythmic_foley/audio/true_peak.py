"""Measure true peaks, which lie between samples, and hold a sound below them (ITU-R BS.1770-4, annex 2)."""

from __future__ import annotations

import numpy as np

_OVERSAMPLING = 4
# The annex's interpolation filter at 48 kHz: 12 taps for each of four phases; the last two are the first two reversed.
_PHASES = np.array(
    [
        [0.0017089843750, 0.0109863281250, -0.0196533203125, 0.0332031250000, -0.0594482421875, 0.1373291015625]
        + [0.9721679687500, -0.1022949218750, 0.0476074218750, -0.0266113281250, 0.0148925781250, -0.0083007812500],
        [-0.0291748046875, 0.0292968750000, -0.0517578125000, 0.0891113281250, -0.1665039062500, 0.4650878906250]
        + [0.7797851562500, -0.2003173828125, 0.1015625000000, -0.0582275390625, 0.0330810546875, -0.0189208984375],
    ]
)
_FILTER = np.stack([*_PHASES, *_PHASES[::-1, ::-1]], axis=1).ravel()  # (48,)
_TAPS = 12
_BLOCK = 1 << 18
_LOOKAHEAD_S = 0.008


def true_peak_dbtp(wave: np.ndarray) -> float:
    """The highest true peak of (N,) or (N, C), in dB relative to full scale; -inf for silence."""
    peak = float(_envelope(wave).max(initial=0.0))
    return 20 * float(np.log10(peak)) if peak > 0 else -np.inf


def limit_true_peak(wave: np.ndarray, sample_rate_hz: int, ceiling_dbtp: float) -> np.ndarray:
    """The sound with its true peaks at or below a ceiling, by a limiter that looks 8 ms ahead; channels move as one.

    Args:
        wave: (N,) or (N, C).

    Returns:
        float32 of the same shape; the same samples where nothing is too loud.
    """
    from scipy.ndimage import minimum_filter1d, uniform_filter1d

    wave = np.asarray(wave, dtype=np.float32)
    ceiling = 10 ** (ceiling_dbtp / 20)
    envelope = _envelope(wave)
    if not len(wave) or envelope.max() <= ceiling:
        return wave
    width = 2 * round(_LOOKAHEAD_S * sample_rate_hz) + 1
    gain = np.minimum(1.0, ceiling / np.maximum(envelope, 1e-9))
    # A mean over the width of a minimum over the same width never exceeds the gain that is needed.
    smooth = uniform_filter1d(minimum_filter1d(gain, width), width).astype(np.float32)
    limited = wave * (smooth if wave.ndim == 1 else smooth[:, None])
    # The gain changes slowly, so what is left over is a few hundredths of a dB: taken off everywhere.
    return limited * np.float32(min(1.0, ceiling / max(float(_envelope(limited).max()), 1e-9)))


def _envelope(wave: np.ndarray) -> np.ndarray:
    """float64 (N,): the highest of the samples and of the interpolated points around each, over all channels."""
    from scipy.signal import upfirdn

    channels = np.asarray(wave, dtype=np.float64)
    channels = channels[:, None] if channels.ndim == 1 else channels
    highest = np.abs(channels).max(axis=1, initial=0.0)
    delay = _TAPS // 2
    for start in range(0, len(channels), _BLOCK):
        end = min(len(channels), start + _BLOCK)
        padded = np.zeros((end - start + 2 * _TAPS, channels.shape[1]))
        first, last = max(0, start - _TAPS), min(len(channels), end + _TAPS)
        padded[first - start + _TAPS : last - start + _TAPS] = channels[first:last]
        over = np.abs(upfirdn(_FILTER, padded, up=_OVERSAMPLING, axis=0)).max(axis=1)
        points = over[: len(over) // _OVERSAMPLING * _OVERSAMPLING].reshape(-1, _OVERSAMPLING).max(axis=1)
        around = np.maximum(points[_TAPS + delay - 1 :], np.append(points[_TAPS + delay :], 0.0))
        highest[start:end] = np.maximum(highest[start:end], around[: end - start])
    return highest
