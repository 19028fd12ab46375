"""How well onsets are seen in the picture: average precision and F1 against true times, by method and by source.

    rhythmic-foley evaluate onsets-from-video FOLDER [CLIPS.csv] [--each]

Methods: the event detector ("network"), the curve of braking that optical flow shows ("motion"), the mixture of both
that is shipped, and as baselines plain frame difference and chance. Columns read from the csv: `clip` (file name
without .mp4), `sync_judgeable` (only rows with "yes" count), the true times `attack_refined_s` or `onsets_s`; where
they are there `judge_from_s`, `judge_to_s`, and `split_key`: clips that share it count as one recording, and what
stands before its first "_" is the source.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np

from rhythmic_foley.audio.onset_curve import hit_levels_db
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.evaluation.given_tables import read_rows
from rhythmic_foley.evaluation.metrics.seen_onsets import NUMBERS, Judged, Row, Summary, mean_row, score, summarise
from rhythmic_foley.media.reading import probe, read_audio, read_frames
from rhythmic_foley.models.event_detector import EventDetector
from rhythmic_foley.pipeline.loading import find_checkpoint
from rhythmic_foley.values.curve import DEFAULT_THRESHOLD, Curve, pick_onsets
from rhythmic_foley.values.onsets import Onsets, match_onsets
from rhythmic_foley.values.tables import Row as TableRow
from rhythmic_foley.vision.motion import curve_of_steps, steps
from rhythmic_foley.vision.onset_detector import detect_steps, load_detector, mixed

_CHANCE_DRAWS = 20
_LEVEL_RATE_HZ = 16_000
MEAN = "mean"
_HEADS = {
    "true": "onsets",
    "found": "found",
    "f1_100ms": "F1 raw",
    "f1_shifted": "F1 shifted",
    "ap_100ms": "AP raw",
    "ap_shifted": "AP shifted",
    "f1_50ms": "F1 50 ms",
    "ap_50ms": "AP 50 ms",
    "loudness": "loudness",
}

Frames = Iterable[tuple[float, np.ndarray]]


def difference_curve(frames: Frames) -> Curve:
    """Baseline: plain mean difference of successive frames, scaled like a motion curve."""
    watched = _Difference()
    for _ in watched.watch(frames):
        pass
    return watched.curve()


def evaluate_clips(
    folder: str | Path, table: str | Path, seed: int = 0, *, detector: EventDetector | None = None
) -> tuple[list[Judged], dict[str, list[Row]]]:
    """Scores of every method on the judgeable seconds of each clip.

    F1 is taken at `DEFAULT_THRESHOLD` and, in its favour, at the one threshold that serves it best on these very clips
    for the frame difference. Chance throws as many onsets as there are true ones, anywhere.

    Args:
        folder: holds CLIP.mp4 for every row of the table, or has them in `clips/`.
        table: csv file, columns as the module says.
        seed: of the chance baseline.
        detector: of a checkpoint; without one the methods that need it are left out.

    Returns:
        The clips, and by method a row for each of them.
    """
    clips = read_table(Path(folder), Path(table))
    curves = [_curves(clip_path(Path(folder), clip.name), detector) for clip in clips]
    by_method = {method: [of_clip[method] for of_clip in curves] for method in curves[0]}
    difference = by_method["frame difference"]
    best = max(np.arange(0.05, 1.0, 0.05), key=lambda threshold: mean_f1(clips, difference, threshold))
    thresholds = {"frame difference": best}
    rows = {
        method: score_curves(method, clips, of_method, thresholds.get(method, DEFAULT_THRESHOLD))
        for method, of_method in by_method.items()
    }
    generator = np.random.default_rng(seed)
    return clips, rows | {"chance": [_chance(clip, generator) for clip in clips]}


def format_rows(rows: Sequence[Row]) -> str:
    """Rows as a Markdown table."""
    lines = ["| " + " | ".join(["clip", "method", *NUMBERS]) + " |", "|" + " --- |" * (len(NUMBERS) + 2)]
    for row in rows:
        numbers = [f"{getattr(row, name):.3g}" if name in ("true", "found") else _short(row, name) for name in NUMBERS]
        lines.append("| " + " | ".join([row.clip, row.method, *numbers]) + " |")
    return "\n".join(lines)


def format_summaries(found: Sequence[Summary]) -> str:
    """Means by source and method with their intervals, as a Markdown table."""
    lines = ["| clips | method | " + " | ".join(_HEADS.values()) + " |", "|---|---|" + "---:|" * len(_HEADS)]
    for one in found:
        cells = [f"{one.means.clip}, {one.clips}", one.means.method, f"{one.means.true:.1f}", f"{one.means.found:.1f}"]
        for name in list(_HEADS)[2:]:
            value = getattr(one.means, name)
            cells.append("" if np.isnan(value) else f"{value:.2f} ({one.low[name]:.2f} to {one.high[name]:.2f})")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _short(row: Row, name: str) -> str:
    value = getattr(row, name)
    return f"{value:+.0f}" if name == "offset_ms" else f"{value:.2f}"


def clip_path(folder: Path, name: str) -> Path:
    """Where a clip of a table lies: in the folder itself or in its folder `clips`."""
    beside = folder / f"{name}.mp4"
    return beside if beside.exists() else folder / "clips" / f"{name}.mp4"


def read_table(folder: Path, table: Path) -> list[Judged]:
    """The clips of a table by which sync can be judged.

    Raises:
        FoleyError: if the table cannot be read or has none.
    """
    rows = read_rows(table, ("clip", "sync_judgeable"))
    clips = [_judged(folder, row) for row in rows if row.cells["sync_judgeable"] == "yes"]
    if not clips:
        raise FoleyError(f"The clip table {table} has no row with sync_judgeable = yes.")
    return clips


def _judged(folder: Path, row: TableRow) -> Judged:
    start_s, end_s = row.number_in("judge_from_s", 0.0), row.number_in("judge_to_s", np.inf)
    column = onset_column(row)
    true_s = np.array([time_s for time_s in row.numbers(column) if start_s <= time_s < end_s])
    name = row.text("clip")
    recording = row.cells.get("split_key") or name
    source = recording.split("_")[0] if "split_key" in row.cells else ""
    path = clip_path(folder, name)
    wave = read_audio(path, _LEVEL_RATE_HZ) if path.exists() and probe(path).has_audio else None
    levels = np.zeros(0) if wave is None else hit_levels_db(wave, _LEVEL_RATE_HZ, true_s)
    return Judged(name, true_s, start_s, end_s, levels=levels, source=source, recording=recording)


def onset_column(row: TableRow) -> str:
    """The column with the true times: the refined ones where there are such.

    Raises:
        FoleyError: if the table has neither.
    """
    for column in ("attack_refined_s", "onsets_s"):
        if column in row.cells:
            return column
    raise FoleyError(f"{row.table} has neither a column attack_refined_s nor onsets_s.")


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


def mean_f1(clips: Sequence[Judged], curves: Sequence[Curve], threshold: float) -> float:
    """Mean F1 within 100 ms over clips at one threshold."""
    found = (clip.judged(pick_onsets(curve, threshold)) for clip, curve in zip(clips, curves, strict=True))
    return float(np.mean([match_onsets(clip.true_s, f.times_s, 0.1).f1 for clip, f in zip(clips, found, strict=True)]))


def score_curves(method: str, clips: Sequence[Judged], curves: Sequence[Curve], threshold: float) -> list[Row]:
    """One row a clip."""
    rows = []
    for clip, curve in zip(clips, curves, strict=True):
        ranked, picked = (clip.judged(pick_onsets(curve, level)) for level in (0.0, threshold))
        rows.append(score(clip, method, ranked, picked))
    return rows


def _chance(clip: Judged, generator: np.random.Generator) -> Row:
    draws = []
    end_s = clip.to_s if np.isfinite(clip.to_s) else float(clip.true_s.max(initial=1.0)) + 0.5
    for _ in range(_CHANCE_DRAWS):
        times_s = generator.uniform(clip.from_s, end_s, len(clip.true_s))
        thrown = Onsets.of(times_s, generator.uniform(0, 1, len(clip.true_s)))
        draws.append(score(clip, "chance", thrown, thrown))
    return mean_row(draws, clip.name)


def print_scores(clips: Sequence[Judged], by_method: dict[str, list[Row]], *, each: bool) -> None:
    """The table by source and method on stdout; with `each` also every clip's row."""
    if each:
        print(format_rows([row for rows in by_method.values() for row in rows]), end="\n\n")
    print(format_summaries([one for rows in by_method.values() for one in summarise(clips, rows)]))


def run(options: argparse.Namespace) -> None:
    """The command: evaluate and print."""
    detector = load_detector(find_checkpoint(options.model))
    clips, rows = evaluate_clips(options.folder, options.table or options.folder / "clips.csv", detector=detector)
    print_scores(clips, rows, each=options.each)
