"""Onset Acc and Onset AP as CondFoleyGen's evaluation computes them, with its faults, and a strict AP without them.

The published AP pays misses only at score 0 and forgets those after the last match: silence scores 1.0, and one hit of
four wanted onsets may. It is computed for comparison with published tables and is never to be read alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rhythmic_foley.audio.onset_detection import DETECTOR_RATE_HZ, detect_onsets

TOLERANCE_S = 0.1
_NEIGHBOUR_S = 0.05  # both the reach of an onset's confidence to each side and the distance below which one is dropped


@dataclass(frozen=True)
class OnsetScores:
    """Scores of one clip. A clip with `real` == 0 belongs in no mean: leave it out and count it.

    Attributes:
        real: onsets in the real sound.
        generated: onsets in the generated sound, before neighbours are thinned.
        kept: samples (at 22,050 Hz) of the generated onsets that are left after thinning, in time order.
        confidences: one for each that was kept, 0..1.
        hits: for each that was kept, whether it meets a real onset.
        count_match: both sounds have the same number of onsets.
        detection_acc: share of the real onsets that were met; 0 where there is none.
        ap: average precision as published; None where neither sound has an onset.
        ap_strict: average precision over all real onsets; None where neither sound has an onset.
    """

    real: int
    generated: int
    kept: tuple[int, ...]
    confidences: tuple[float, ...]
    hits: tuple[bool, ...]
    count_match: bool
    detection_acc: float
    ap: float | None
    ap_strict: float | None


def score_sounds(
    real: np.ndarray, generated: np.ndarray, sample_rate_hz: int, *, tolerance_s: float = TOLERANCE_S
) -> OnsetScores:
    """Onset scores of a generated sound against the real one, both (N,) mono, of one rate and one length."""
    real, generated = (resample(wave, sample_rate_hz, DETECTOR_RATE_HZ) for wave in (real, generated))
    return score_onsets(onset_samples(real), onset_samples(generated), generated, tolerance_s=tolerance_s)


def resample(wave: np.ndarray, from_hz: int, to_hz: int) -> np.ndarray:
    """float32 (N,) -> float32 (N * to // from,) by soxr's high quality."""
    import soxr

    wave = np.asarray(wave, dtype=np.float32)
    if from_hz == to_hz:
        return wave
    length = len(wave) * to_hz // from_hz
    out = soxr.resample(wave, from_hz, to_hz, quality="HQ")[:length]
    return np.pad(out, (0, length - len(out)))


def onset_samples(wave: np.ndarray) -> tuple[int, ...]:
    """The reference detector's onsets in (N,) at 22,050 Hz, in samples, ascending."""
    return tuple(round(time_s * DETECTOR_RATE_HZ) for time_s in detect_onsets(wave, DETECTOR_RATE_HZ).times_s)


def score_onsets(
    real: Sequence[int], generated: Sequence[int], wave: np.ndarray, *, tolerance_s: float = TOLERANCE_S
) -> OnsetScores:
    """Scores two lists of onsets.

    Args:
        real: samples at 22,050 Hz, ascending.
        generated: likewise.
        wave: (N,) the generated sound at 22,050 Hz, which says how sure each onset is.
        tolerance_s: a real onset is met by one strictly closer than this.
    """
    level = _scaled(wave)
    confidences = {onset: _confidence(level, onset) for onset in generated}
    kept = _thinned(list(generated), confidences)
    partners = _partners(real, kept, level, tolerance_s * DETECTOR_RATE_HZ)
    hits = [onset in partners for onset in kept]
    scores = [confidences[onset] for onset in kept]
    # The published list: a row for each real onset that was visited, then one for each generated onset left over.
    labels = [True] * len(partners) + [False] * (len(hits) - sum(hits))
    ranks = [0.0 if partner is None else confidences[partner] for partner in partners]
    ranks += [score for score, hit in zip(scores, hits, strict=True) if not hit]
    return OnsetScores(
        real=len(real),
        generated=len(generated),
        kept=tuple(kept),
        confidences=tuple(scores),
        hits=tuple(hits),
        count_match=len(real) == len(generated),
        detection_acc=sum(hits) / len(real) if real else 0.0,
        ap=average_precision(labels, ranks, sum(labels)) if labels else None,
        ap_strict=average_precision(hits, scores, len(real)) if real or kept else None,
    )


def average_precision(labels: Sequence[bool], scores: Sequence[float], positives: int) -> float:
    """Sum of precision x gain in recall down the ranking, equal scores taken together.

    Args:
        labels: whether each entry is right.
        scores: how sure each is, same order.
        positives: what full recall is; more than the true labels if some were never found. 0 gives 0.
    """
    if not positives or not labels:
        return 0.0
    right, ranks = np.asarray(labels, dtype=np.float64), np.asarray(scores, dtype=np.float64)
    order = np.argsort(-ranks, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(ranks[order])), len(order) - 1)
    found = np.cumsum(right[order])[ends]
    return float(np.sum(found / (ends + 1) * np.diff(found, prepend=0.0)) / positives)


def _scaled(wave: np.ndarray) -> np.ndarray:
    """|wave| brought to 0..1; silence stays 0."""
    level = np.abs(np.asarray(wave))
    span = np.ptp(level) if len(level) else 0
    return (level - level.min()) / span if span else np.zeros(len(level))


def _confidence(level: np.ndarray, onset: int) -> float:
    reach = int(_NEIGHBOUR_S * DETECTOR_RATE_HZ)
    # The original fails on an onset in the first 50 ms, which its detector cannot give; here the window is cut there.
    return float(level[max(0, onset - reach) : onset + reach].max(initial=0.0))


def _thinned(onsets: list[int], confidences: dict[int, float]) -> list[int]:
    """The onsets without less confident neighbours, in time order.

    The original deletes from a list while it walks over it, so whatever follows a deleted onset is not looked at: of
    two adjacent neighbours the second survives. It leaves the order of equal confidences open; here the later leads.
    """
    left, kept = onsets, []
    for onset in sorted(onsets, key=lambda o: (confidences[o], o), reverse=True):
        if onset not in left:
            continue
        kept.append(onset)
        survivors, skip = [], False
        for other in left:
            if other == onset:
                continue
            skip = not skip and abs(other - onset) < _NEIGHBOUR_S * DETECTOR_RATE_HZ
            if not skip:
                survivors.append(other)
        left = survivors
    return sorted(kept)


def _partners(real: Sequence[int], kept: Sequence[int], level: np.ndarray, reach: float) -> list[int | None]:
    """For each real onset in time order the generated one that meets it; ends where no generated onset is left.

    Of several within reach the loudest at its very sample is taken, neither the nearest nor the most confident.
    """
    free, partners = list(kept), []
    for wanted in real:
        near = [onset for onset in free if abs(onset - wanted) < reach]
        partner = max(near, key=lambda onset: level[min(onset, len(level) - 1)]) if near else None
        partners.append(partner)
        if partner is not None:
            free.remove(partner)
            if not free:
                break
    return partners
