"""Work that only reports its progress to a function, as a generator that can be stopped between two reports."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator
from typing import TypeVar

Result = TypeVar("Result")


class _Stopped(Exception):
    """Raised inside the work at its next report after nobody wants it any more."""


def stepping(work: Callable[[Callable[[float], None]], Result]) -> Generator[float, None, Result]:
    """Runs `work(report)` in a thread of its own; yields each share of 1 that it reports, returns what it returns.

    Closing the generator ends the work at its next report.
    """
    reports: queue.Queue[float | None] = queue.Queue()
    stopped = threading.Event()
    outcome: dict[str, Result | BaseException] = {}

    def report(share: float) -> None:
        if stopped.is_set():
            raise _Stopped
        reports.put(float(share))

    def run() -> None:
        try:
            outcome["result"] = work(report)
        except BaseException as error:
            outcome["error"] = error
        finally:
            reports.put(None)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        while (share := reports.get()) is not None:
            yield share
    finally:
        stopped.set()
        thread.join()
    if "error" in outcome:
        raise outcome["error"]
    return outcome["result"]
