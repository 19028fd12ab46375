"""Attacks that are heard, as a curve that thresholds and timeline treat like the one that the picture gives."""

from __future__ import annotations

import numpy as np

from rhythmic_foley.audio.onset_detection import refine_attack
from rhythmic_foley.values.curve import DEFAULT_THRESHOLD, Curve
from rhythmic_foley.values.onsets import Onsets

_RATE_HZ = 16_000
_HOP = 160  # 10 ms
_N_FFT, _BANDS = 1024, 64
_LAG = 2  # frames over which the spectrum must rise, so that slow attacks of a voice count too
_AROUND_S = 0.4  # the surroundings above which a peak must stand
_CLEAR = 0.12  # height above them, relative to the clip's strongest attack, from which a peak is surely an attack
_LEAST = 0.03
_MIN_GAP_S = 0.08
_RANGE_DB = 40.0  # an attack so far below the loudest counts as the softest
_SILENCE_DB = -75.0
_EDGE_S = 0.004  # how wide an attack stands in the curve; far less than the gap between two


def heard_curve(wave: np.ndarray, sample_rate_hz: int) -> Curve:
    """The attacks of a sound as a curve with a spike at each.

    An attack is a peak of the spectral flux (rise of the log-mel spectrum over 20 ms, as in Boeck and Widmer's
    SuperFlux, DAFx 2013), put where the energy changes most. Clear attacks reach above the default threshold, the louder
    the higher; doubtful ones stay below it, so that a lower threshold brings them in.

    Args:
        wave: (N,) mono.

    Returns:
        A curve that is 0 but for the attacks. It is empty where nothing is heard.
    """
    attacks = heard_onsets(wave, sample_rate_hz)
    times_s = [time_s + edge for time_s in attacks.times_s for edge in (-_EDGE_S, 0.0, _EDGE_S)]
    values = [height for strength in attacks.strengths for height in (0.0, strength, 0.0)]
    return Curve(np.asarray(times_s, dtype=np.float64), np.asarray(values, dtype=np.float64))


def heard_onsets(wave: np.ndarray, sample_rate_hz: int) -> Onsets:
    """All attacks, doubtful ones too; strengths as the heights in `heard_curve`."""
    import soxr

    wave = np.asarray(wave, dtype=np.float32)
    if sample_rate_hz != _RATE_HZ:
        wave = soxr.resample(wave, sample_rate_hz, _RATE_HZ, quality="HQ")
    energy = np.square(wave.astype(np.float64))
    if not len(energy) or 10 * np.log10(energy.max() + 1e-20) < _SILENCE_DB:
        return Onsets()
    flux = _flux(wave)
    rises, frames = _peaks(flux)
    times_s = [refine_attack(energy, frame * _HOP, _RATE_HZ) / _RATE_HZ for frame in frames]
    loudness = _loudness(energy, times_s)
    sure = np.clip(rises / _CLEAR, 0, 1)
    heights = np.where(rises >= _CLEAR, DEFAULT_THRESHOLD + (1 - DEFAULT_THRESHOLD) * loudness, 0.0)
    heights = np.maximum(heights, 0.98 * DEFAULT_THRESHOLD * sure)
    return Onsets.of(times_s, heights.tolist()).merge(_MIN_GAP_S)


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


def _loudness(energy: np.ndarray, times_s: list[float]) -> np.ndarray:
    """Level in the 60 ms after each time, 1 at the loudest, 0 at `_RANGE_DB` below."""
    if not times_s:
        return np.zeros(0)
    level_db = []
    for time_s in times_s:
        start = int(time_s * _RATE_HZ)
        level_db.append(10 * np.log10(energy[start : start + 960].mean() + 1e-12) if start < len(energy) else -120.0)
    found = np.asarray(level_db)
    return np.clip(1 + (found - found.max()) / _RANGE_DB, 0, 1)
