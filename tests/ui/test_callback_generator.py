"""Work that reports to a function, as a generator."""

from __future__ import annotations

import threading

import pytest

from rhythmic_foley.ui.callback_generator import stepping


def test_shares_come_one_by_one_and_the_result_at_the_end() -> None:
    def work(report) -> str:
        for share in (0.25, 0.5, 1.0):
            report(share)
        return "done"

    shares = []

    def watch():
        shares.append((yield from stepping(work)))

    assert list(watch()) == [0.25, 0.5, 1.0] and shares == ["done"]


def test_closing_ends_the_work_at_its_next_report() -> None:
    reports: list[int] = []
    ended = threading.Event()

    def work(report) -> None:
        try:
            for number in range(1000):
                reports.append(number)
                report(number / 1000)
                if number == 0:
                    closing.wait(10)
        finally:
            ended.set()

    closing = threading.Event()
    steps = stepping(work)
    next(steps)
    threading.Timer(0.05, closing.set).start()
    steps.close()
    assert ended.is_set() and len(reports) == 2


def test_what_goes_wrong_is_raised_where_it_is_waited_for() -> None:
    def work(report) -> None:
        report(0.5)
        raise ValueError("no picture")

    with pytest.raises(ValueError, match="no picture"):
        list(stepping(work))
