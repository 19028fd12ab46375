"""How well onsets are seen in the picture: average precision and F1 against true times, method by method.

    rhythmic-foley evaluate onsets-from-video FOLDER CLIPS.csv

Methods: the event detector ("network"), the curve of braking that optical flow shows ("motion"), the mean of both, and
as baselines plain frame difference and chance. The table has one row a clip and method and a mean over the clips.
Columns read from the csv: `clip` (file name without .mp4), `sync_judgeable` (only rows with "yes" count),
`judge_from_s`, `judge_to_s` and `attack_refined_s`, the true times.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path

import cv2
import numpy as np

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.evaluation.given_tables import read_rows
from rhythmic_foley.media.reading import probe, read_frames
from rhythmic_foley.models.event_detector import EventDetector
from rhythmic_foley.pipeline.loading import find_checkpoint
from rhythmic_foley.values.curve import DEFAULT_THRESHOLD, Curve, pick_onsets
from rhythmic_foley.values.onsets import Onsets, match_onsets
from rhythmic_foley.vision.motion import curve_of_steps, steps
from rhythmic_foley.vision.onset_detector import detect_steps, load_detector, mixed

TOLERANCES_S = (0.05, 0.1)
_CHANCE_DRAWS = 200
_MEAN = "mean"

Frames = Iterable[tuple[float, np.ndarray]]


@dataclass(frozen=True)
class Row:
    """Scores of one method on one clip (or the mean over all). Offset: found minus true, mean over the 0.1 s hits."""

    clip: str
    method: str
    true: float
    found: float
    ap_50ms: float
    ap_100ms: float
    f1_50ms: float
    f1_100ms: float
    offset_ms: float


@dataclass(frozen=True)
class Judged:
    """A clip and its true times: found ones count from `from_s` to `to_s`, but not in stretches (m, 2) `unclear_s`."""

    name: str
    true_s: np.ndarray
    from_s: float
    to_s: float
    unclear_s: np.ndarray = field(default_factory=lambda: np.zeros((0, 2)))

    def judged(self, onsets: Onsets) -> Onsets:
        inside = [i for i, time_s in enumerate(onsets.times_s) if self._counts(time_s)]
        return Onsets.of([onsets.times_s[i] for i in inside], [onsets.strengths[i] for i in inside])

    def _counts(self, time_s: float) -> bool:
        unclear = (self.unclear_s[:, 0] < time_s) & (time_s < self.unclear_s[:, 1])
        return self.from_s <= time_s < self.to_s and not unclear.any()


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


def evaluate_clips(
    folder: str | Path, table: str | Path, seed: int = 0, *, detector: EventDetector | None = None
) -> tuple[Row, ...]:
    """Scores of every method on the judgeable seconds of each clip.

    F1 is taken at `DEFAULT_THRESHOLD` and, in its favour, at the one threshold that serves it best on these very clips
    for the frame difference. Chance throws as many onsets as there are true ones, anywhere.

    Args:
        folder: holds CLIP.mp4 for every row of the table.
        table: csv file, columns as the module says.
        seed: of the chance baseline.
        detector: of a checkpoint; without one the methods that need it are left out.

    Returns:
        Rows by method, each method's mean over the clips last.
    """
    clips = _read_table(Path(table))
    if not clips:
        raise FoleyError(f"The clip table {table} has no row with sync_judgeable = yes.")
    curves = [_curves(Path(folder) / f"{clip.name}.mp4", detector) for clip in clips]
    by_method = {method: [of_clip[method] for of_clip in curves] for method in curves[0]}
    difference = by_method["frame difference"]
    best = max(np.arange(0.05, 1.0, 0.05), key=lambda threshold: _mean_f1(clips, difference, threshold))
    thresholds = {"frame difference": best}
    rows = [
        row
        for method, of_method in by_method.items()
        for row in scores(method, clips, of_method, thresholds.get(method, DEFAULT_THRESHOLD))
    ]
    generator = np.random.default_rng(seed)
    chance = [_chance(clip, generator) for clip in clips]
    return (*rows, *chance, _mean_row(chance))


def format_rows(rows: Sequence[Row]) -> str:
    """Rows as a Markdown table."""
    names = [column.name for column in fields(Row)]
    lines = ["| " + " | ".join(names) + " |", "|" + " --- |" * len(names)]
    for row in rows:
        cells = [row.clip, row.method, f"{row.true:.3g}", f"{row.found:.3g}"]
        cells += [f"{getattr(row, name):.2f}" for name in names[4:8]]
        lines.append("| " + " | ".join([*cells, f"{row.offset_ms:+.0f}"]) + " |")
    return "\n".join(lines)


def _read_table(path: Path) -> list[Judged]:
    needed = ("clip", "sync_judgeable", "judge_from_s", "judge_to_s", "attack_refined_s")
    chosen = [row for row in read_rows(path, needed) if row.cells["sync_judgeable"] == "yes"]
    return [
        Judged(
            row.text("clip"),
            np.array([t for t in row.numbers("attack_refined_s") if start_s <= t < end_s]),
            start_s,
            end_s,
        )
        for row in chosen
        for start_s, end_s in [(row.number_in("judge_from_s"), row.number_in("judge_to_s"))]
    ]


class _Difference:
    """Measures frame difference on frames that pass by on their way to somebody else."""

    def __init__(self) -> None:
        self.times_s: list[float] = []
        self.values: list[float] = []

    def watch(self, frames: Frames) -> Frames:
        last = None
        for time_s, frame in frames:
            grey = cv2.resize(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), (192, 108), interpolation=cv2.INTER_AREA)
            if last is not None:
                self.times_s.append((last[0] + time_s) / 2)
                self.values.append(float(cv2.absdiff(grey, last[1]).mean()))
            last = (time_s, grey)
            yield time_s, frame

    def curve(self) -> Curve:
        heights = np.asarray(self.values, dtype=np.float64)
        if heights.size:
            usual, strong = np.quantile(heights, (0.5, 0.99))
            heights = np.clip((heights - usual) / max(strong - usual, 1e-6), 0.0, 1.0)
        return Curve(np.asarray(self.times_s, dtype=np.float64), heights)


def _curves(path: Path, detector: EventDetector | None) -> dict[str, Curve]:
    """Every method's curve of a clip, which is read once."""
    difference = _Difference()
    found = list(steps(difference.watch(read_frames(path, probe(path).fps))))
    curves = {"motion": curve_of_steps(found), "frame difference": difference.curve()}
    if detector is None:
        return curves
    network = detect_steps(found, detector).curve
    return {
        "network": network,
        "network + motion": mixed(network, curves["motion"], detector.config.motion_share),
        **curves,
    }


def _mean_f1(clips: Sequence[Judged], curves: Sequence[Curve], threshold: float) -> float:
    found = (clip.judged(pick_onsets(curve, threshold)) for clip, curve in zip(clips, curves, strict=True))
    return float(np.mean([match_onsets(clip.true_s, f.times_s, 0.1).f1 for clip, f in zip(clips, found, strict=True)]))


def scores(method: str, clips: Sequence[Judged], curves: Sequence[Curve], threshold: float) -> list[Row]:
    """One row a clip, the mean last."""
    rows = []
    for clip, curve in zip(clips, curves, strict=True):
        ranked, picked = (clip.judged(pick_onsets(curve, level)) for level in (0.0, threshold))
        rows.append(_row(clip, method, ranked, picked))
    return [*rows, _mean_row(rows)]


def _row(clip: Judged, method: str, ranked: Onsets, picked: Onsets) -> Row:
    """Average precision over all peaks (`ranked`), F1 and offset over those above the threshold (`picked`)."""
    aps = [average_precision(clip.true_s, ranked, tolerance_s) for tolerance_s in TOLERANCES_S]
    f1s = [match_onsets(clip.true_s, picked.times_s, tolerance_s).f1 for tolerance_s in TOLERANCES_S]
    return Row(clip.name, method, len(clip.true_s), len(picked), *aps, *f1s, _offset_ms(clip.true_s, picked))


def _offset_ms(true_s: np.ndarray, found: Onsets) -> float:
    """Mean of found minus nearest true time over those within the widest tolerance; 0 without any."""
    if not len(true_s) or not len(found):
        return 0.0
    apart_s = np.asarray(found.times_s)[:, None] - np.asarray(true_s)[None, :]
    nearest_s = apart_s[np.arange(len(found)), np.abs(apart_s).argmin(axis=1)]
    close_s = nearest_s[np.abs(nearest_s) <= TOLERANCES_S[-1]]
    return float(close_s.mean() * 1000) if close_s.size else 0.0


def _chance(clip: Judged, generator: np.random.Generator) -> Row:
    draws = []
    for _ in range(_CHANCE_DRAWS):
        times_s = generator.uniform(clip.from_s, clip.to_s, len(clip.true_s))
        thrown = Onsets.of(times_s, generator.uniform(0, 1, len(clip.true_s)))
        draws.append(_row(clip, "chance", thrown, thrown))
    return _mean_row(draws, clip.name)


def _mean_row(rows: Sequence[Row], name: str = _MEAN) -> Row:
    numbers = [column.name for column in fields(Row)][2:]
    means = {number: float(np.mean([getattr(row, number) for row in rows])) for number in numbers}
    return Row(clip=name, method=rows[0].method, **means)


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(description="Score the onsets seen in the picture against true times.")
    parser.add_argument("folder", type=Path, help="folder with the clips (CLIP.mp4)")
    parser.add_argument("table", type=Path, help="csv file with clip, sync_judgeable, judge_*_s, attack_refined_s")
    parser.add_argument("--model", default="mini", help="checkpoint whose event detector takes part")
    options = parser.parse_args(arguments)
    try:
        detector = load_detector(find_checkpoint(options.model))
        print(format_rows(evaluate_clips(options.folder, options.table, detector=detector)))
    except FoleyError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
