"""The figures of the embedded model's card, from prepared held-out scenes: what it sounds like, when, how fast."""

from __future__ import annotations

import multiprocessing
import resource
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from rhythmic_foley.evaluation.experiments.ear import EarReport
from rhythmic_foley.evaluation.experiments.speed import seconds_per_window
from rhythmic_foley.evaluation.experiments.timing import TimingRow, print_timing
from rhythmic_foley.evaluation.metrics.quality import CEILING, COLUMNS, FLOOR, METRICS, PAIRED
from rhythmic_foley.evaluation.report.report import mean_estimate
from rhythmic_foley.evaluation.report.tables import Column, Report, Row, as_json
from rhythmic_foley.pipeline.loading import load_pipeline

_HOW = (
    "Every row is compared with real windows of the same captions that lend it no condition. `real (floor)`: the real "
    "windows whose captions and onsets the model was given. `another class (ceiling)`: each caption is answered with "
    "real sounds of a caption that shares no word with it.",
    "FD: Frechet distance of YAMNet's embeddings of patches of 0.96 s, on 64 principal axes of the real windows. It "
    "looks at the set alone, so that the ceiling, real sounds in the wrong places, is low. Within caption: mean of "
    "the distances of each window from the real ones of its caption, on 16 axes.",
    "KL: of the class scores, from each real window to the one under test. Tag agreement: one of the five best tags "
    "of the real windows is among its own five; Silence is no tag.",
)


@dataclass(frozen=True)
class Speed:
    """One window of 8.192 s in a process of its own.

    Attributes:
        seconds: median of a few runs, all conditions on.
        peak_mib: most memory that the process held, libraries and weights included.
        threads: of torch.
    """

    seconds: float
    peak_mib: float
    threads: int


@dataclass(frozen=True)
class MiniReport:
    """What was asked for of one or several checkpoints.

    Attributes:
        quality: floor, models, ceiling; empty if not asked for.
        timing, speed: by the model's name.
        ear: whether what was asked for is recognised and sounds real; None if not asked for.
    """

    models: tuple[str, ...]
    steps: int | None
    windows: int
    metrics: tuple[str, ...]
    quality: tuple[Row, ...] = ()
    timing: Mapping[str, Sequence[TimingRow]] | None = None
    speed: Mapping[str, Speed] | None = None
    ear: EarReport | None = None

    def to_markdown(self) -> str:
        parts = [] if self.ear is None else [self.ear.to_markdown()]
        if self.quality:
            columns = tuple(c for c in COLUMNS if any(c.key in METRICS[m] for m in self.metrics if m in METRICS))
            parts.append(
                Report(
                    columns, self.quality, (*_HOW, *self._agreement(columns), *self._differences(columns))
                ).to_markdown()
            )
        for model, rows in (self.timing or {}).items():
            parts.append(f"Timing, {model}:\n\n{print_timing(rows)}\n")
        for model, speed in (self.speed or {}).items():
            parts.append(
                f"Speed, {model}: {speed.seconds:.2f} s for a window of 8.192 s on {speed.threads} threads, "
                f"at most {speed.peak_mib:.0f} MiB of memory in all.\n"
            )
        return "\n".join(parts)

    def _agreement(self, columns: Sequence[Column]) -> list[str]:
        """Tag agreement as a share of what real sounds reach."""
        if "tags" not in {column.key for column in columns}:
            return []
        values = {row.method: row.estimates["tags"].value for row in self.quality}
        real = max(values[FLOOR], 1e-9)
        return [
            f"Tag agreement of {name}: {value / real:.0%} of what real sounds reach."
            for name, value in values.items()
            if name not in (FLOOR, CEILING)
        ]

    def _differences(self, columns: Sequence[Column]) -> list[str]:
        """What each further model changes, window by window: much surer than the difference of two means."""
        first, *further = [row for row in self.quality if row.method in self.models] or [None]
        sentences = []
        for row in further:
            for column in columns:
                if column.key not in PAIRED:
                    continue
                pairs = zip(first.clips, row.clips, strict=True)
                differences = [after[column.key] - before[column.key] for before, after in pairs]
                found = mean_estimate(differences, [str(number) for number in range(len(differences))])
                text = f"{column.head} of {row.method} minus that of {first.method}: {found.value:+.2f}"
                sentences.append(text + ("." if found.low is None else f" [{found.low:+.2f}, {found.high:+.2f}]."))
        return sentences

    def to_json(self) -> str:
        return as_json(self)


def measure_speed(checkpoint: Path, *, steps: int | None = None) -> Speed:
    """Time and memory in a fresh process, so that nothing else is counted."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_speed, (checkpoint, steps, torch.get_num_threads()))


def _speed(checkpoint: Path, steps: int | None, threads: int) -> Speed:
    torch.set_num_threads(threads)
    pipeline = load_pipeline(checkpoint)
    seconds = seconds_per_window(pipeline, steps=steps or pipeline.default_steps, runs=3)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return Speed(seconds, peak / (2**20 if sys.platform == "darwin" else 2**10), threads)
