"""The stopwatch: it times whole windows and leaves the first one out."""

from __future__ import annotations

import time

import pytest

from rhythmic_foley.evaluation.speed import seconds_per_window


def test_median_without_the_first_run() -> None:
    waits_s = iter((0.5, 0.02, 0.03, 0.04))
    asked: list[int] = []

    def pipeline(*, steps: int, **_: object) -> None:
        asked.append(steps)
        time.sleep(next(waits_s))

    assert seconds_per_window(pipeline, steps=7, runs=3) == pytest.approx(0.03, abs=0.015)
    assert asked == [7] * 4
