"""The stopwatch: it times whole windows and leaves the first one out."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from toy import toy_pipeline

from rhythmic_foley.evaluation.experiments.speed import ON_CPU, compare_ways, measure, print_speed, seconds_per_window


def test_median_without_the_first_run() -> None:
    waits_s = iter((0.5, 0.02, 0.03, 0.04))
    asked: list[int] = []

    def pipeline(*, steps: int, **_: object) -> None:
        asked.append(steps)
        time.sleep(next(waits_s))

    assert seconds_per_window(pipeline, steps=7, runs=3) == pytest.approx(0.03, abs=0.015)
    assert asked == [7] * 4


def test_ways_of_running_are_compared(tmp_path: Path) -> None:
    """One in a process of its own, as the command does it."""
    toy_pipeline().save_pretrained(tmp_path)
    rows = [*compare_ways(tmp_path, "cpu", ON_CPU[:1], steps=1), measure(tmp_path, "cpu", ON_CPU[2], steps=1)]
    assert all(row.step_s > 0 and row.cpu_s > 0 and row.peak_gib > 0.05 for row in rows)
    table = print_speed(rows).splitlines()
    assert (
        table[2].startswith("| reference-like: float32, unbatched, plain attention |")
        and table[2].count("(1.00)") == 2
    )
    assert table[3].startswith("| float32, batched, four windows together |")
