"""Work on a borrowed GPU: for how long, and that it behaves as it does without one."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from ui.fake_studio import FakeStudio

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.ui.gpu import Pace, on_gpu, steps_of
from rhythmic_foley.values.controls import Controls, Fix
from rhythmic_foley.values.events import SoundEvent
from rhythmic_foley.values.results import Analysis, Progress


@pytest.fixture
def analysis(clip: Path) -> Analysis:
    *_, analysis = FakeStudio().analyse(clip)
    return analysis


def test_steps_grow_with_windows_takes_and_stems(analysis: Analysis) -> None:
    minute = {"steps": 19, "range_s": (0.0, 60.0)}
    sounds = (SoundEvent("glass"), SoundEvent("wind"))
    assert steps_of(analysis, Controls(steps=19)) == 20
    assert steps_of(analysis, Controls(**minute, takes=4)) == 10 * 4 * 20
    assert steps_of(analysis, Controls(**minute, events=sounds)) == 10 * 2 * 20
    fix = Fix(Path("take"), 30.0, 31.0)
    assert steps_of(analysis, Controls(**minute, events=sounds, fix=fix)) == 3 * 2 * 20


def test_the_gpu_is_borrowed_for_what_a_step_took_lately(analysis: Analysis) -> None:
    pace, long = Pace(), Controls(steps=99, range_s=(0.0, 30.0))
    assert pace.seconds(analysis, Controls(), Path("runs"), "mini") == 15
    assert pace.seconds(analysis, long, Path("runs"), "mini") == 8 + 500 * 0.12

    def steps(eta_s: float | None) -> Iterator[Progress]:
        yield Progress(0.0, "Loading")
        for number in range(1, 4):  # of 500 steps 5 at a time, as of five windows together
            time.sleep(0.2)
            yield Progress(number * 0.01, "Take 1", eta_s)

    for eta_s in (None, 1.0):  # without: windows that were made before, which say nothing
        before = pace.seconds(analysis, long, Path("runs"), "mini")
        assert len(list(pace.follow(steps(eta_s), analysis, long, "mini"))) == 4
    # 0.2 s for a hundredth are 20 s for the whole, and half as much to spare.
    assert before == 68 and 8 + 20 * 1.5 <= pace.seconds(analysis, long, Path("runs"), "mini") <= 60
    assert pace.seconds(analysis, long, Path("runs"), "another") == 68


@pytest.fixture(params=["without", "with"])
def machine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """With the package of a Space, whose decorator notes the seconds asked for, and without it."""
    asked: list[int] = []

    def borrow(work: Callable, duration: Callable) -> Callable:
        def borrowed(*args: object) -> Iterator[object]:
            asked.append(duration(*args))
            yield from work(*args)

        return borrowed

    there = request.param == "with"
    monkeypatch.setitem(sys.modules, "spaces", SimpleNamespace(GPU=borrow) if there else None)
    return asked


def test_items_errors_and_closing_pass_through(
    machine: list[int], analysis: Analysis, request: pytest.FixtureRequest
) -> None:
    closed: list[bool] = []

    def work(analysis: Analysis, controls: Controls, folder: Path, model: str | None) -> Iterator[int]:
        try:
            yield from range(controls.takes)
            raise FoleyError("Enough.")
        finally:
            closed.append(True)

    called = on_gpu(work, Pace())
    items = called(analysis, Controls(takes=3, steps=20), Path("runs"), None)
    assert [next(items) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(FoleyError, match="Enough"):
        next(items)
    assert machine == ([16] if request.node.callspec.params["machine"] == "with" else [])
    items = called(analysis, Controls(takes=2), Path("runs"), None)
    next(items)
    items.close()
    assert closed == [True, True]
