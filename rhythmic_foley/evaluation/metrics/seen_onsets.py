"""Scores of proposed onsets on one clip, raw and with the file's own offset allowed for, and their means by source.

Files often carry a constant offset between picture and sound (up to 0.3 s in film from the web), for which no detector
that only sees the picture can be blamed. So every score is given twice: as it is, and at the one shift of all
proposals of the clip that suits it best. Since that shift is chosen on the answer, it flatters; chance gets the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields

import numpy as np

from rhythmic_foley.values.onsets import Onsets, match_onsets

TOLERANCES_S = (0.05, 0.1)
MAX_SHIFT_S, _SHIFT_STEP_S = 0.3, 0.02
SHIFTS_S = np.round(np.arange(-MAX_SHIFT_S, MAX_SHIFT_S + 1e-9, _SHIFT_STEP_S), 3)
_LEAST_PAIRS = 4  # hits from which the order of their strengths says anything
_DRAWS = 1000
_FEW = 8  # clips; sources with fewer are taken together
OTHERS, ALL = "others", "all"


@dataclass(frozen=True)
class Judged:
    """A clip and its true times: found ones count from `from_s` to `to_s`, but not in stretches (m, 2) `unclear_s`.

    Attributes:
        levels: loudness of each true onset, in any unit; empty where that is not known.
        source: where the clip comes from; `recording`: clips that share it are not independent of each other.
    """

    name: str
    true_s: np.ndarray
    from_s: float
    to_s: float
    unclear_s: np.ndarray = field(default_factory=lambda: np.zeros((0, 2)))
    levels: np.ndarray = field(default_factory=lambda: np.zeros(0))
    source: str = ""
    recording: str = ""

    def judged(self, onsets: Onsets) -> Onsets:
        inside = [i for i, time_s in enumerate(onsets.times_s) if self._counts(time_s)]
        return Onsets.of([onsets.times_s[i] for i in inside], [onsets.strengths[i] for i in inside])

    def _counts(self, time_s: float) -> bool:
        unclear = (self.unclear_s[:, 0] < time_s) & (time_s < self.unclear_s[:, 1])
        return self.from_s <= time_s < self.to_s and not unclear.any()


@dataclass(frozen=True)
class Row:
    """Scores of one method on one clip, or the mean over several.

    Attributes:
        true: number of true onsets; `found`: of proposed ones.
        ap_50ms: average precision within 50 ms; the others likewise.
        ap_shifted: within 100 ms, all proposals of the clip shifted by the one offset that suits best; `f1_shifted`.
        offset_ms: found minus true, mean over the hits within 0.1 s.
        loudness: rank correlation of strengths with how loud the hits are; nan where there are too few to say.
    """

    clip: str
    method: str
    true: float
    found: float
    ap_50ms: float
    ap_100ms: float
    f1_50ms: float
    f1_100ms: float
    offset_ms: float
    ap_shifted: float
    f1_shifted: float
    loudness: float


NUMBERS = tuple(column.name for column in fields(Row))[2:]


@dataclass(frozen=True)
class Summary:
    """Means of one method over the clips of one source, and intervals that hold 95 % of what chance would do.

    Attributes:
        means: a `Row`; its `clip` is the source.
        low, high: the ends of the intervals by the name of the number.
    """

    means: Row
    clips: int
    low: dict[str, float]
    high: dict[str, float]


def average_precision(true_s: Sequence[float], found: Onsets, tolerance_s: float) -> float:
    """Step-wise area under precision over recall: strongest onset first, each takes the nearest true time still free.

    Recall counts all true times, so what is never found costs; onsets of equal strength rank in time order.
    """
    free = list(true_s)
    hits, area = 0, 0.0
    ranked = sorted(zip(found.times_s, found.strengths, strict=True), key=lambda pair: (-pair[1], pair[0]))
    for rank, (time_s, _) in enumerate(ranked, start=1):
        nearest = min(free, key=lambda other_s: abs(other_s - time_s), default=None)
        if nearest is not None and abs(nearest - time_s) <= tolerance_s:
            free.remove(nearest)
            hits += 1
            area += hits / rank
    return area / len(true_s) if len(true_s) else float(not len(found))


def score(clip: Judged, method: str, ranked: Onsets, picked: Onsets) -> Row:
    """Average precision over all peaks (`ranked`), the rest over those above the threshold (`picked`)."""
    aps = [average_precision(clip.true_s, ranked, tolerance_s) for tolerance_s in TOLERANCES_S]
    f1s = [match_onsets(clip.true_s, picked.times_s, tolerance_s).f1 for tolerance_s in TOLERANCES_S]
    wide_s = TOLERANCES_S[-1]
    # True times are shifted instead of found ones, which must not become negative.
    best_ap = max(average_precision(clip.true_s - shift_s, ranked, wide_s) for shift_s in SHIFTS_S)
    best_f1, shift_s = max(
        (match_onsets(clip.true_s - shift_s, picked.times_s, wide_s).f1, -abs(shift_s), shift_s)
        for shift_s in SHIFTS_S
    )[::2]
    offset_ms = _offset_ms(clip.true_s, picked)
    loudness = _loudness_agreement(clip, picked, shift_s)
    return Row(clip.name, method, len(clip.true_s), len(picked), *aps, *f1s, offset_ms, best_ap, best_f1, loudness)


def mean_row(rows: Sequence[Row], name: str) -> Row:
    """Mean over rows of one method; what is not known of a clip does not count."""
    means = {number: _mean([getattr(row, number) for row in rows]) for number in NUMBERS}
    return Row(clip=name, method=rows[0].method, **means)


def summarise(clips: Sequence[Judged], rows: Sequence[Row], seed: int = 0) -> list[Summary]:
    """One method's means by source and over all clips; whole recordings are drawn again for the intervals.

    Args:
        clips: one a row, in the same order.
        rows: of one method.
    """
    counts = {clip.source: sum(other.source == clip.source for other in clips) for clip in clips}
    names = [clip.source if counts[clip.source] >= _FEW else OTHERS for clip in clips]
    pairs = list(zip(names, clips, rows, strict=True))
    sources = sorted(set(names)) if len(set(names)) > 1 else []
    found = []
    for source in [*sources, ALL]:
        members: dict[str, list[Row]] = {}
        for name, clip, row in pairs:
            if source in (name, ALL):
                members.setdefault(clip.recording or clip.name, []).append(row)
        found.append(_summary(source, list(members.values()), np.random.default_rng(seed)))
    return found


def _summary(source: str, recordings: list[list[Row]], generator: np.random.Generator) -> Summary:
    rows = [row for recording in recordings for row in recording]
    values = [np.array([[getattr(row, number) for number in NUMBERS] for row in rows]) for rows in recordings]
    draws = []
    for _ in range(_DRAWS):
        chosen = generator.integers(len(values), size=len(values))
        draws.append([_mean(column) for column in np.concatenate([values[index] for index in chosen]).T])
    low, high = np.array([_ends(column) for column in np.array(draws).T]).T
    ends = (dict(zip(NUMBERS, end.tolist(), strict=True)) for end in (low, high))
    return Summary(mean_row(rows, source), len(rows), *ends)


def _ends(draws: np.ndarray) -> np.ndarray:
    """(2,) between which 95 % of the draws that are known lie."""
    known = draws[~np.isnan(draws)]
    return np.quantile(known, (0.025, 0.975)) if len(known) else np.full(2, np.nan)


def _mean(numbers: Sequence[float]) -> float:
    known = [number for number in numbers if not np.isnan(number)]
    return float(np.mean(known)) if known else float("nan")


def _offset_ms(true_s: np.ndarray, found: Onsets) -> float:
    """Mean of found minus nearest true time over those within the widest tolerance; 0 without any."""
    if not len(true_s) or not len(found):
        return 0.0
    apart_s = np.asarray(found.times_s)[:, None] - np.asarray(true_s)[None, :]
    nearest_s = apart_s[np.arange(len(found)), np.abs(apart_s).argmin(axis=1)]
    close_s = nearest_s[np.abs(nearest_s) <= TOLERANCES_S[-1]]
    return float(close_s.mean() * 1000) if close_s.size else 0.0


def _loudness_agreement(clip: Judged, found: Onsets, shift_s: float) -> float:
    """Spearman's rank correlation of the strengths of hits with their loudness, at the shift; nan with few hits."""
    from scipy.stats import spearmanr

    if len(clip.levels) != len(clip.true_s) or not len(found):
        return float("nan")
    apart_s = np.abs(np.asarray(found.times_s)[:, None] - (clip.true_s - shift_s)[None, :])
    nearest = apart_s.argmin(axis=1) if apart_s.size else np.zeros(0, int)
    hits = [
        index for index in range(len(found)) if apart_s.size and apart_s[index, nearest[index]] <= TOLERANCES_S[-1]
    ]
    if len(hits) < _LEAST_PAIRS:
        return float("nan")
    strengths, levels = [found.strengths[index] for index in hits], clip.levels[nearest[hits]]
    if np.ptp(strengths) == 0 or np.ptp(levels) == 0:
        return float("nan")
    return float(spearmanr(strengths, levels).statistic)
