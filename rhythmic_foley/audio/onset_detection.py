"""Find onsets in sound: the paper's reference detector, and a finer one for attack times."""

from __future__ import annotations

import numpy as np

from rhythmic_foley.audio.signal import fit_length
from rhythmic_foley.values.onsets import Onsets

# The reference detector's grid: librosa's default hop at the rate that the published evaluation uses.
DETECTOR_RATE_HZ = 22_050
_DETECTOR_HOP = 512
_DETECTOR_N_FFT = 2048


def detect_onsets(wave: np.ndarray, sample_rate_hz: int, delta: float = 0.3) -> Onsets:
    """The paper's reference detector of energy onsets, for numbers that compare with published tables.

    librosa's spectral flux on a grid of 23 ms, relative to the loudest attack. Nothing is found in the first 70 ms and
    hits come out about 20 ms late: for training masks `attack_times` is the better detector.

    Args:
        wave: (N,) mono.
        delta: how far a peak must stand above its surroundings, 0..1.

    Returns:
        Onsets; strengths are the scaled flux (0..1) at each.
    """
    import librosa
    import soxr

    wave = np.asarray(wave, dtype=np.float32)
    if sample_rate_hz != DETECTOR_RATE_HZ:
        length = len(wave) * DETECTOR_RATE_HZ // sample_rate_hz
        wave = fit_length(soxr.resample(wave, sample_rate_hz, DETECTOR_RATE_HZ, quality="HQ"), length)
    wave = fit_length(wave, max(_DETECTOR_N_FFT, len(wave)))
    # Zero padding, librosa's default since 0.9, would put a false onset into sounds that start loud.
    flux = librosa.onset.onset_strength(y=wave, sr=DETECTOR_RATE_HZ, pad_mode="reflect")
    frames = librosa.onset.onset_detect(onset_envelope=flux, sr=DETECTOR_RATE_HZ, delta=delta)
    scaled = (flux - flux.min()) / max(float(np.ptp(flux)), 1e-12)
    return Onsets.of(frames * _DETECTOR_HOP / DETECTOR_RATE_HZ, np.clip(scaled[frames], 0, 1))


_ENVELOPE_HOP_S = 0.004
_ENVELOPE_KERNEL = np.array([0.5, 1.0, 1.0, 1.0, 0.5]) / 4  # 16 ms in blocks of one hop
_RANGE_DB = 40.0  # hits this far below the loudest count as silence
_SILENCE_DB = -75.0  # mean power below which a whole clip counts as silence
_MIN_RISE_DB = 6.0
_RISE_FRAMES = 4  # 16 ms: what a sudden attack takes to cross the envelope window
_PAST_FRAMES = 12  # 48 ms: the ripple of a low or rough sound repeats within this
_MIN_GAP_FRAMES = 12


def attack_times(wave: np.ndarray, sample_rate_hz: int) -> Onsets:
    """Where hits start, to a few milliseconds: the finer energy detector for training masks.

    A hit is where the short-time level rises by 6 dB over the highest level of the 48 ms before; it is put where the
    energy of the next 5 ms exceeds that of the last 5 ms most. Before the clip there is silence, so that a sound that
    is there from the first sample starts at 0.

    Args:
        wave: (N,) mono.

    Returns:
        Onsets; strengths are the peak level of each hit, linear in dB over the 40 dB below the clip's loudest.
    """
    from scipy.signal import find_peaks

    energy = np.square(np.asarray(wave, dtype=np.float64))
    hop = max(1, round(_ENVELOPE_HOP_S * sample_rate_hz))
    if not len(energy):
        return Onsets()
    level_db = _level_db(energy, hop)
    loudest_db = level_db.max()
    if loudest_db < _SILENCE_DB:
        return Onsets()
    # Silence around the clip makes a hit at either edge an ordinary peak.
    floor_db = loudest_db - _RANGE_DB
    level_db = np.pad(np.maximum(level_db, floor_db), _PAST_FRAMES + 1, constant_values=floor_db)
    past = np.lib.stride_tricks.sliding_window_view(level_db, _PAST_FRAMES - _RISE_FRAMES + 1).max(axis=1)
    rise_db = np.zeros_like(level_db)
    rise_db[_PAST_FRAMES:] = level_db[_PAST_FRAMES:] - past[: len(level_db) - _PAST_FRAMES]
    peaks, _ = find_peaks(rise_db, height=_MIN_RISE_DB, distance=_MIN_GAP_FRAMES)
    floor = 10 ** ((loudest_db - 60) / 10)
    times_s, strengths = [], []
    for number, peak in enumerate(peaks):
        end = peaks[number + 1] - _RISE_FRAMES if number + 1 < len(peaks) else len(level_db)
        hit_db = level_db[peak : max(peak + 1, min(end, peak + _PAST_FRAMES))].max()
        near = (peak - _PAST_FRAMES - 1) * hop
        times_s.append(_change_point(energy, near, hop, floor) / sample_rate_hz)
        strengths.append(float(np.clip(1 + (hit_db - loudest_db) / _RANGE_DB, 0, 1)))
    return Onsets.of(times_s, strengths)


def refine_attack(energy: np.ndarray, near: int, sample_rate_hz: int) -> int:
    """The sample around `near` at which the power of a sound changes most; `energy` (N,) holds its squared samples."""
    hop = max(1, round(_ENVELOPE_HOP_S * sample_rate_hz))
    return _change_point(energy, near, hop, 10**-6.0 * float(energy.max(initial=0.0)) + 1e-20)


def _level_db(energy: np.ndarray, hop: int) -> np.ndarray:
    """Mean power in dB over 16 ms around each block of `hop` samples. Returns (ceil(N / hop),)."""
    blocks = np.pad(energy, (0, -len(energy) % hop)).reshape(-1, hop).mean(axis=1)
    return 10 * np.log10(np.convolve(blocks, _ENVELOPE_KERNEL, mode="same")[: len(blocks)] + 1e-20)


def _change_point(energy: np.ndarray, near: int, hop: int, floor: float) -> int:
    """The sample around `near` at which the power changes most.

    Of all cuts in two, the one under which each side is best explained as noise of constant power (n log power summed
    over both sides is least): unlike the steepest slope it does not chase the grains of a rough sound.
    """
    start, end = near - 6 * hop, near + 5 * hop
    piece = np.pad(energy[max(0, start) : end], (max(0, -start), 0))  # silence before the clip
    total = np.concatenate([[0.0], np.cumsum(piece)])
    cuts = np.arange(1, max(2, len(total) - hop))
    left, right = cuts, np.maximum(len(total) - 1 - cuts, 1)
    cost = left * np.log(total[cuts] / left + floor) + right * np.log((total[-1] - total[cuts]) / right + floor)
    return max(0, start + int(cuts[np.argmin(cost)]))
