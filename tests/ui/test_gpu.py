"""Work on a borrowed GPU: for how long, and that it behaves as it does without one."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from ui.fake_studio import FakeStudio

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.requests import Controls
from rhythmic_foley.ui.gpu import on_gpu, seconds_needed


def test_time_grows_with_windows_takes_and_steps_between_two_limits(clip: Path) -> None:
    *_, analysis = FakeStudio().analyse(clip)
    asked = [
        seconds_needed(analysis, controls, Path("runs"), "mini")
        for controls in (Controls(), Controls(takes=4, steps=50), Controls(takes=8, steps=100))
    ]
    assert asked == [15, 32, 104]
    ranged = Controls(takes=4, steps=50, range_s=(0.0, 60.0))
    assert seconds_needed(analysis, ranged, Path("runs"), "mini") == 248


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


def test_items_errors_and_closing_pass_through(machine: list[int], request: pytest.FixtureRequest) -> None:
    closed: list[bool] = []

    def work(last: int) -> Iterator[int]:
        try:
            yield from range(last)
            raise FoleyError("Enough.")
        finally:
            closed.append(True)

    called = on_gpu(work, lambda last: 10 * last)
    items = called(3)
    assert [next(items) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(FoleyError, match="Enough"):
        next(items)
    assert machine == ([30] if request.node.callspec.params["machine"] == "with" else [])
    items = called(2)
    next(items)
    items.close()
    assert closed == [True, True]
