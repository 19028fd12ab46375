"""The onset timeline on a page, in seconds and strengths instead of pixels, for the tests in tests/browser."""

from __future__ import annotations

import re

import numpy as np
import pytest
from pages import PATIENCE_MS
from playwright.sync_api import CDPSession, Locator, Page, expect

PAD_PX = 10

# Whether Python's report names so many onsets.
COUNT = "(count) => document.querySelector('#report textarea').value.split('\\n')[0].split(',').length === count"

# Paints while zooming in and out around the middle, and gives the milliseconds of each paint with its layout.
TURNS = """async () => {
  const button = (name) => document.querySelector(`#timeline [data-do="${name}"]`);
  const spent = [];
  for (const name of ['in', 'in', 'out', 'in', 'in', 'out', 'out', 'fit', 'in', 'fit']) {
    await new Promise(requestAnimationFrame);
    const start = performance.now();
    button(name).click();
    document.querySelector('#timeline .tl-stage').getBoundingClientRect();
    spent.push(performance.now() - start);
  }
  return spent;
}"""


class Timeline:
    """The component on its page, in seconds and strengths instead of pixels."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.root = page.locator("#timeline .tl")
        self.stage = self.root.locator(".tl-stage")
        self.hits = self.root.locator('[data-lane="hits"]')
        self.marks = self.root.locator(".tl-mark")
        self.said = self.root.locator(".tl-said")
        self.field = self.root.locator("textarea")
        self.duration_s = 4.2
        self.marks.first.wait_for()
        page.wait_for_function("document.querySelector('#clip video')?.readyState >= 1")
        self.duration_s = float(self.marks.first.get_attribute("aria-valuemax"))

    def do(self, name: str) -> None:
        self.root.locator(f'[data-do="{name}"]').click()

    def onsets(self) -> list[tuple[float, float]]:
        """(time, strength) of each mark that there is, in time order."""
        return sorted(
            (float(mark["time"]), float(mark["strength"]))
            for mark in self.marks.evaluate_all("marks => marks.map(mark => ({ ...mark.dataset }))")
        )

    def times(self) -> list[float]:
        return [time_s for time_s, _ in self.onsets()]

    def mark(self, time_s: float) -> Locator:
        return self.root.locator(f'.tl-mark[data-time="{time_s:g}"]')

    def point(self, time_s: float, height: float, lane: str = "hits") -> tuple[float, float]:
        """Pixels of a time while the whole clip is shown, and of a height of 0..1 in a lane."""
        box = self.root.locator(f'[data-lane="{lane}"]').bounding_box()
        room = box["height"] - 12 if lane == "hits" else box["height"]
        x = box["x"] + PAD_PX + time_s / self.duration_s * (box["width"] - 2 * PAD_PX)
        return x, box["y"] + box["height"] - height * room

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        mouse = self.page.mouse
        mouse.move(*start)
        mouse.down()
        for share in (0.25, 0.5, 0.75, 1.0):
            mouse.move(*(a + share * (b - a) for a, b in zip(start, end, strict=True)))
        mouse.up()

    def video_s(self) -> float:
        return self.page.evaluate("document.querySelector('#clip video').currentTime")

    def python_has(self, onsets: str | re.Pattern, line: int = 0) -> None:
        """Wait until Python's report has this text in a line."""
        pattern = onsets.pattern if isinstance(onsets, re.Pattern) else re.escape(onsets)
        report = re.compile("^" + r"[^\n]*\n" * line + pattern)
        expect(self.page.locator("#report textarea")).to_have_value(report, timeout=PATIENCE_MS)

    def becomes(self, times_s: list[float]) -> None:
        expect(self.marks).to_have_count(len(times_s), timeout=PATIENCE_MS)
        assert self.times() == pytest.approx(times_s, abs=1e-3)


def finger(cdp: CDPSession, kind: str, *points: tuple[float, float]) -> None:
    cdp.send(
        "Input.dispatchTouchEvent",
        {"type": kind, "touchPoints": [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(points)]},
    )


def swipe(cdp: CDPSession, start: tuple[float, float], end: tuple[float, float]) -> None:
    finger(cdp, "touchStart", start)
    for share in np.linspace(0.3, 1, 6):  # far at once: a finger that rests opens the menu
        finger(cdp, "touchMove", (start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])))
    finger(cdp, "touchEnd")
