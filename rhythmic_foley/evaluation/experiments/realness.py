"""Does it sound real? How often a probe that has learnt to tell real from generated windows is wrong.

It sees what YAMNet hears and plain statistics of the mel. Kinds of sound are its folds, so that it must find what
gives generated sound away in general. An error of 0.5 is perfect.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch

from rhythmic_foley.audio.mel import MEL_FRAME_RATE_HZ, SAMPLE_RATE_HZ, log_mel
from rhythmic_foley.audio.signal import resample
from rhythmic_foley.evaluation.metrics.probe import Probe
from rhythmic_foley.evaluation.report.report import mean_estimate
from rhythmic_foley.evaluation.report.tables import Estimate

BANDS = {
    "125-600 Hz": slice(0, 32),
    "0.6-1.5 kHz": slice(32, 64),
    "1.5-3.4 kHz": slice(64, 96),
    "3.4-7.6 kHz": slice(96, 128),
}
_FOLDS = 5
_DECAY_FRAMES = 12  # 0.19 s
_QUIET = 0.25  # of the mel's scale: 25 dB above its floor
_MODULATION_HZ = (1.0, 4.0, 12.0, 31.0)


def spectral_statistics(wave: np.ndarray, sample_rate_hz: int) -> np.ndarray:
    """(samples,) -> (bands, 8) plain statistics of each band, the peak scaled to 1.

    In order: mean level; its spread over time; grain in time (mean change from frame to frame) and in frequency (from
    band to band) while it sounds; spectral flatness while it sounds; how far the level falls within 0.19 s; share of
    the level's modulation between 1 and 4 Hz and between 4 and 12 Hz.
    """
    samples = resample(wave.astype(np.float32), sample_rate_hz, SAMPLE_RATE_HZ)
    mel = log_mel(torch.from_numpy(samples / max(float(np.abs(samples).max(initial=0.0)), 1e-4))).numpy()
    return np.stack([_of_band(mel[band]) for band in BANDS.values()])


def _of_band(mel: np.ndarray) -> np.ndarray:
    level = mel.mean(axis=0)
    sounding = level > min(_QUIET, float(level.max()) - 1e-6)
    in_time = np.abs(np.diff(mel, axis=1, prepend=mel[:, :1]))[:, sounding].mean()
    in_frequency = np.abs(np.diff(mel, axis=0))[:, sounding].mean()
    power = 10 ** (10 * mel[:, sounding])  # the mel's scale is 100 dB
    flatness = np.log10(power).mean() - np.log10(power.mean(axis=0)).mean()
    fall = (level[:-_DECAY_FRAMES] - level[_DECAY_FRAMES:]).clip(0).max(initial=0.0)
    spectrum = np.abs(np.fft.rfft(level - level.mean())) ** 2
    hz = np.fft.rfftfreq(len(level), 1 / MEL_FRAME_RATE_HZ)
    within = [spectrum[(hz >= low) & (hz < high)].sum() for low, high in pairwise(_MODULATION_HZ)]
    slow, middle = np.array(within[:2]) / max(sum(within), 1e-12)
    return np.array([level.mean(), level.std(), in_time, in_frequency, flatness, fall, slow, middle], np.float32)


@dataclass(frozen=True)
class Realness:
    """Error rates of the probe; 0.5 means that it cannot tell.

    Attributes:
        everything: from embeddings and statistics of all bands.
        by_group: the same, over the windows of one group (a kind, or hits and sounds that go on).
        by_band: from the statistics of one band alone.
    """

    everything: Estimate
    by_group: Mapping[str, Estimate]
    by_band: Mapping[str, Estimate]


def realness(
    real: tuple[np.ndarray, np.ndarray],
    generated: tuple[np.ndarray, np.ndarray],
    kinds: Sequence[str],
    groups: Sequence[str],
) -> Realness:
    """Compares N real windows with N generated ones that answer the same requests.

    Args:
        real: features (N, D) as the probe of kinds takes them, and statistics (N, bands, 8).
        generated: likewise.
        kinds: of each window; no kind is both learnt from and judged.
        groups: of each window, for `by_group`.
    """
    whole = [
        np.concatenate([features, statistics.reshape(len(features), -1)], axis=1)
        for features, statistics in (real, generated)
    ]
    wrong = _errors(*whole, kinds)
    by_band = {
        band: mean_estimate(_errors(real[1][:, number], generated[1][:, number], kinds), kinds)
        for number, band in enumerate(BANDS)
    }
    by_group = {}
    for group in dict.fromkeys(groups):
        members = [index for index, name in enumerate(groups) if name == group]
        by_group[group] = mean_estimate(wrong[members], [kinds[index] for index in members])
    return Realness(mean_estimate(wrong, kinds), by_group, by_band)


def _errors(real: np.ndarray, generated: np.ndarray, kinds: Sequence[str]) -> np.ndarray:
    """(N,) for each pair the share of its two windows that a probe of the other kinds takes for what they are not."""
    folds = np.array([zlib.crc32(kind.encode()) % _FOLDS for kind in kinds])
    wrong = np.zeros(len(kinds))
    for fold in np.unique(folds):
        away = folds == fold
        if away.all():
            raise ValueError("one fold holds all kinds")
        features = np.concatenate([real[~away], generated[~away]])
        labels = ["real"] * int((~away).sum()) + ["made"] * int((~away).sum())
        probe = Probe.fit(features, labels)
        wrong[away] += np.array([heard != "real" for heard in probe.first(real[away])]) / 2
        wrong[away] += np.array([heard != "made" for heard in probe.first(generated[away])]) / 2
    return wrong
