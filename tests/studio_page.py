"""The whole page as one person uses it, for the tests in tests/browser."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from pages import PATIENCE_MS, visit
from playwright.sync_api import Browser, Locator, Page, expect
from timeline_page import Timeline


class Visitor:
    """What one person does on the page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        # While it is being put together, Gradio may have the page there twice.
        expect(self["describe"]).to_have_count(1, timeout=PATIENCE_MS)
        expect(self["describe"]).to_be_visible(timeout=PATIENCE_MS)

    def __getitem__(self, name: str) -> Locator:
        return self.page.locator(f"#{name}")

    def upload(self, clip: Path) -> None:
        """Give the page a file and wait until it has said something about it."""
        self.page.locator("#clip input[type=file]").set_input_files(clip)
        self["facts"].locator("dl, p").first.wait_for()

    def text(self, name: str) -> Locator:
        """The field of a control."""
        return self[name].locator("textarea, input").first

    def unfold(self, *names: str) -> None:
        """Open accordions that are closed."""
        for name in names:
            self[name].locator("button").first.click()

    def ask_the_model(self) -> None:
        """Have sounds made by the model, even those that the bank has samples of."""
        self.unfold("sampling")
        self["source"].get_by_label("The model", exact=True).check()

    def set_number(self, name: str, value: float) -> None:
        """Type into the number field of a slider. A slider that has only just been unfolded does not listen yet, which
        no person is quick enough to notice: so again until its handle has moved."""
        field, handle = self[name].locator("input[type=number]"), self[name].locator("input[type=range]")
        end = time.monotonic() + PATIENCE_MS / 1000
        while time.monotonic() < end:
            field.fill(str(value))
            field.press("Tab")
            with suppress(AssertionError):
                expect(handle).to_have_value(str(value), timeout=1000)
                return
        raise AssertionError(f"{name} does not take {value}")

    def set_onsets(self, text: str) -> None:
        """Type into the timeline's field of times."""
        field = self["timeline"].locator("textarea")
        field.fill(text)
        field.press("Tab")
        expect(self["timeline"].locator(".tl-mark")).to_have_count(len(text.split(",")), timeout=PATIENCE_MS)

    def mark(self, start_s: float, end_s: float) -> None:
        """Mark a stretch on the timeline's ruler."""
        line = Timeline(self.page)
        line.root.scroll_into_view_if_needed()
        self.page.keyboard.down("Shift")
        line.drag(line.point(start_s, 0.5, "time"), line.point(end_s, 0.5, "time"))
        self.page.keyboard.up("Shift")

    def choose(self, name: str, option: str) -> None:
        """Pick from a list that opens."""
        self.text(name).click()
        self[name].get_by_role("option", name=option, exact=True).click()

    def sound(self, row: int, name: str) -> Locator:
        """A field of the table of sounds."""
        return self["events"].get_by_role("listitem").nth(row).get_by_label(name, exact=True)

    def run(self, job: str = "generate") -> None:
        """Press a job's button and wait until it has ended. A short one may be over before its Stop is seen."""
        last_word = f"#{job}-status .rf-said"
        self.page.evaluate("name => document.querySelector(name)?.setAttribute('data-old', '')", last_word)
        self[job].click()
        self.page.wait_for_selector(f"#{job}-stop:visible, {last_word}:not([data-old])")
        self.ended(job)

    @contextmanager
    def glimpses(self, selector: str) -> Iterator[None]:
        """Something is on the page meanwhile, if only for a moment that is too short to wait for."""
        self.page.evaluate(
            """selector => {
                window.glimpsed = false;
                new MutationObserver((_, observer) => {
                    if (!document.querySelector(selector)) return;
                    window.glimpsed = true;
                    observer.disconnect();
                }).observe(document.body, { childList: true, subtree: true, attributes: true });
            }""",
            selector,
        )
        yield
        self.page.wait_for_function("window.glimpsed")

    def ended(self, job: str) -> None:
        """Wait until the page rests again."""
        expect(self[job]).to_be_enabled(timeout=PATIENCE_MS)
        expect(self[f"{job}-stop"]).to_be_hidden(timeout=PATIENCE_MS)

    def watches(self) -> None:
        """Another film than the last time has come, and nothing loads any more: files may be moved now."""
        self.page.wait_for_function(
            """() => {
                const film = document.querySelector("#video video");
                const all = [...document.querySelectorAll("video, audio")].filter((one) => one.currentSrc);
                const calm = all.every((one) => one.readyState >= 2 && one.networkState === one.NETWORK_IDLE);
                if (!film?.currentSrc || film.currentSrc === window.watched || !calm) return false;
                window.watched = film.currentSrc;
                return true;
            }"""
        )
        self.page.wait_for_timeout(500)  # what follows a first look, as posters and waveforms do

    def download(self, kind: str) -> bytes:
        """What a download button gives."""
        with self.page.expect_download() as download:
            self[kind].click()
        return download.value.path().read_bytes()

    def settings(self) -> dict[str, Any]:
        """Settings of the shown take."""
        return json.loads(self.download("download-settings"))


@contextmanager
def visitor(browser: Browser, url: str, width: int = 1280, **how: Any) -> Iterator[Visitor]:
    """A person on the page; at the end, no error in the console and no request to another host."""
    with visit(browser, url, width, **how) as page:
        yield Visitor(page)


def says(locator: Locator, text: str | re.Pattern) -> None:
    """Wait until it says so."""
    expect(locator).to_contain_text(text, timeout=PATIENCE_MS)


def plays_with_sound(page: Page, video: Locator) -> None:
    """It runs, and sound comes out of it; which browsers allow after a gesture."""
    page.locator(".rf-head").first.click()
    handle = video.element_handle()
    page.wait_for_function("video => video.readyState >= 2", arg=handle)
    handle.evaluate("video => { video.currentTime = 0; return video.play() }")
    page.wait_for_function("video => video.currentTime > 0.3", arg=handle)
    page.wait_for_function("video => video.webkitAudioDecodedByteCount > 0", arg=handle)
    handle.evaluate("video => video.pause()")
