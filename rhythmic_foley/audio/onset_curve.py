"""Attacks that are heard, as a curve that thresholds and timeline treat like the one that the picture gives."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rhythmic_foley.audio.onset_detection import refine_attack
from rhythmic_foley.values.curve import DEFAULT_THRESHOLD, Curve, curve_of_onsets
from rhythmic_foley.values.onsets import Onsets

_RATE_HZ = 16_000
_HOP = 160  # 10 ms
_N_FFT, _BANDS = 1024, 64
_LAG = 2  # frames over which the spectrum must rise, so that slow attacks of a voice count too
_AROUND_S = 0.4  # the surroundings above which a peak must stand
# From this height above them, relative to the clip's strongest attack, and this rise of the level on, a peak is surely
# an attack. Chosen on hits of the training sounds laid at known times, clean and over ambience.
_CLEAR, _CLEAR_DB = 0.12, 3.0
_LEAST = 0.03
_MIN_GAP_S = 0.08
_RANGE_DB = 40.0  # an attack so far below the loudest counts as the softest
_FAINT = 0.05  # what is hardly louder than that is no hit but noise that begins
_SILENCE_DB = -75.0


def heard_curve(wave: np.ndarray, sample_rate_hz: int) -> Curve:
    """The attacks of a sound as a curve with a spike at each.

    An attack is a peak of the spectral flux (rise of the log-mel spectrum over 20 ms, as in Boeck and Widmer's
    SuperFlux, DAFx 2013), put where the energy changes most. Clear attacks reach above the default threshold, the
    louder the higher; doubtful ones stay below it, so that a lower threshold brings them in.

    Args:
        wave: (N,) mono.

    Returns:
        A curve that is 0 but for the attacks. It is empty where nothing is heard.
    """
    return curve_of_onsets(heard_onsets(wave, sample_rate_hz))


def heard_onsets(wave: np.ndarray, sample_rate_hz: int) -> Onsets:
    """All attacks, doubtful ones too; strengths as the heights in `heard_curve`."""
    import soxr

    wave = np.asarray(wave, dtype=np.float32)
    if sample_rate_hz != _RATE_HZ:
        wave = soxr.resample(wave, sample_rate_hz, _RATE_HZ, quality="HQ")
    energy = np.square(wave.astype(np.float64))
    if not len(energy) or 10 * np.log10(energy.max() + 1e-20) < _SILENCE_DB:
        return Onsets()
    heights, frames = _peaks(_flux(wave))
    times_s = [refine_attack(energy, frame * _HOP, _RATE_HZ) / _RATE_HZ for frame in frames]
    loudness = _loudness(hit_levels_db(wave, _RATE_HZ, times_s))
    clear = (heights >= _CLEAR) & (loudness >= _FAINT) & (rises_db(wave, _RATE_HZ, times_s) >= _CLEAR_DB)
    strengths = np.where(
        clear,
        DEFAULT_THRESHOLD + (1 - DEFAULT_THRESHOLD) * loudness,
        0.98 * DEFAULT_THRESHOLD * np.clip(heights / _CLEAR, 0, 1),
    )
    return Onsets.of(times_s, strengths.tolist()).merge(_MIN_GAP_S)


def _flux(wave: np.ndarray) -> np.ndarray:
    """(frames,) mean rise of the log-mel spectrum; silence comes before the sound."""
    import librosa

    before = 4 * _HOP
    padded = np.pad(wave, (before + _N_FFT // 2, _N_FFT))
    mel = librosa.feature.melspectrogram(
        y=padded, sr=_RATE_HZ, n_fft=_N_FFT, hop_length=_HOP, win_length=_N_FFT // 2, n_mels=_BANDS, center=False
    )
    level = librosa.power_to_db(mel, ref=np.max, top_db=60.0)
    wide = np.maximum(level, np.maximum(np.roll(level, 1, axis=0), np.roll(level, -1, axis=0)))
    rise = np.maximum(level[:, _LAG:] - wide[:, :-_LAG], 0.0).mean(axis=0)
    return np.pad(rise, (_LAG, 0))[4:]


def _peaks(flux: np.ndarray) -> tuple[np.ndarray, list[int]]:
    """Height over the surroundings, relative to the highest, and frame of each peak."""
    from scipy.ndimage import median_filter
    from scipy.signal import find_peaks

    over = flux - median_filter(flux, round(_AROUND_S * _RATE_HZ / _HOP) | 1)
    top = max(over.max(initial=0.0), 1e-9)
    frames, _ = find_peaks(np.pad(over, 1), height=_LEAST * top, distance=round(_MIN_GAP_S * _RATE_HZ / _HOP))
    frames = frames - 1
    return over[frames] / top, frames.tolist()


def rises_db(wave: np.ndarray, sample_rate_hz: int, times_s: Sequence[float]) -> np.ndarray:
    """(n,) how much louder the 16 ms after each time are than the loudest 16 ms of the 48 before, in dB."""
    energy, length = np.square(np.asarray(wave, dtype=np.float64)), round(0.016 * sample_rate_hz)
    total = np.concatenate([[0.0], np.cumsum(energy)])

    def level_db(start: int) -> float:
        first, last = np.clip((start, start + length), 0, len(energy))
        return 10 * np.log10((total[last] - total[first]) / length + 1e-12)

    starts = [int(time_s * sample_rate_hz) for time_s in times_s]
    before = [max(level_db(start - k * length) for k in (1, 2, 3)) for start in starts]
    return np.array([level_db(start) - past for start, past in zip(starts, before, strict=True)])


def clarity_db(wave: np.ndarray, sample_rate_hz: int, times_s: Sequence[float]) -> float:
    """By how much the level rises at attacks, in dB: the median of `rises_db`; 0 without any attack."""
    return float(np.median(rises_db(wave, sample_rate_hz, times_s))) if len(times_s) else 0.0


def hit_levels_db(wave: np.ndarray, sample_rate_hz: int, times_s: Sequence[float]) -> np.ndarray:
    """(n,) mean power in dB of the 60 ms after each time: how loud a hit is; -120 after the end of the sound."""
    energy, length = np.square(np.asarray(wave, dtype=np.float64)), round(0.06 * sample_rate_hz)
    starts = [int(time_s * sample_rate_hz) for time_s in times_s]
    pieces = [energy[start : start + length] for start in starts]
    return np.array([10 * np.log10(piece.mean() + 1e-12) if len(piece) else -120.0 for piece in pieces])


def _loudness(levels_db: np.ndarray) -> np.ndarray:
    """1 at the loudest, 0 at `_RANGE_DB` below."""
    return np.clip(1 + (levels_db - levels_db.max(initial=-120.0)) / _RANGE_DB, 0, 1)
