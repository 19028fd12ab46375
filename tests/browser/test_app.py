"""The app in a real Chromium: the whole way of a clip, Stop, refused files, narrow and wide, and the API."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from clips import make_clip
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

# Generous, because a shared machine may be ten times slower than an idle one; nothing waits longer than it must.
START_S = 900
PATIENCE_MS = 180_000
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--mute-audio",
    "--autoplay-policy=no-user-gesture-required",
)

pytestmark = pytest.mark.timeout(1800)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of the app, running in a process of its own with its own temporary files and cache."""
    folder = tmp_path_factory.mktemp("app")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {
        "GRADIO_TEMP_DIR": str(folder / "gradio"),
        "RHYTHMIC_FOLEY_CACHE": str(folder / "cache"),
        "HF_HUB_OFFLINE": "1",
    }
    command = [sys.executable, str(Path(__file__).with_name("serve.py")), str(port), str(folder)]
    with open(folder / "log", "w+") as log, subprocess.Popen(command, env=environment, stdout=log, stderr=log) as app:
        try:
            address = f"http://127.0.0.1:{port}"
            _wait_until_it_answers(address, app, folder / "log")
            yield address
        finally:
            app.terminate()


def _wait_until_it_answers(address: str, app: subprocess.Popen, log: Path) -> None:
    end = time.monotonic() + START_S
    while time.monotonic() < end and app.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=10).close()
            return
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            time.sleep(0.2)
    pytest.fail(f"the app did not start:\n{log.read_text()[-3000:]}")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, or the one that Playwright installed."""
    installed = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=installed, args=list(FLAGS))
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def moving_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds with picture, contacts and sound."""
    times_s = (0.4, 0.9, 1.5)
    path = tmp_path_factory.mktemp("clips") / "moving.mp4"
    return make_clip(path, 2.0, 25, (320, 240), click_times_s=times_s, contact_times_s=times_s)


class Visitor:
    """One person's page; remembers console errors and requests to other hosts."""

    def __init__(self, browser: Browser, url: str, width: int = 1280, height: int = 900, dark: bool = False) -> None:
        scheme = "dark" if dark else "light"
        self.context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
        self.context.set_default_timeout(PATIENCE_MS)
        self.errors: list[str] = []
        self.foreign: list[str] = []
        self.page: Page = self.context.new_page()
        self.page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        own = (url, url.replace("http", "ws"), "data:", "blob:")
        self.page.on("request", lambda r: None if r.url.startswith(own) else self.foreign.append(r.url))
        self.page.goto(url)
        self["describe"].wait_for()

    def __getitem__(self, name: str) -> Locator:
        return self.page.locator(f"#{name}")

    def upload(self, clip: Path) -> None:
        """Give the page a file and wait until it has said something about it."""
        self.page.locator("#clip input[type=file]").set_input_files(clip)
        self["facts"].locator("dl, p").first.wait_for()

    def set_number(self, name: str, value: float) -> None:
        """Type into the number field of a slider. A slider that has only just been unfolded does not listen yet, which
        no person is quick enough to notice: so again until its handle has moved."""
        field, handle = self[name].locator("input[type=number]"), self[name].locator("input[type=range]")
        for _ in range(20):
            field.fill(str(value))
            field.press("Tab")
            self.page.wait_for_timeout(250)
            if float(handle.input_value()) == value:
                return
        raise AssertionError(f"{name} does not take {value}")

    def rename_first_sound(self, label: str) -> None:
        """Edit the sound's cell in the first row of the table, as a person does: double click, type, Enter."""
        cell = self["events"].get_by_test_id("cell-0-2")
        cell.dblclick()
        field = cell.locator("textarea, input")
        field.fill(label)
        field.press("Enter")
        expect(cell).to_contain_text(label, timeout=PATIENCE_MS)

    def download(self, kind: str) -> bytes:
        """What the download button of the shown take gives."""
        with self.page.expect_download() as download:
            self[f"download-{kind}"].click()
        return download.value.path().read_bytes()

    def leave(self) -> None:
        """Close, and check that nothing went wrong on the way."""
        self.context.close()
        assert self.errors == []
        assert self.foreign == []


def shown(locator: Locator) -> None:
    """Wait until it is visible."""
    expect(locator).to_be_visible(timeout=PATIENCE_MS)


def test_a_clip_goes_in_and_a_dubbed_clip_comes_out(browser: Browser, url: str, moving_clip: Path) -> None:
    visitor = Visitor(browser, url)
    visitor.upload(moving_clip)
    expect(visitor["facts"]).to_contain_text("2.00 s")
    expect(visitor["facts"]).to_contain_text("320 × 240")

    visitor["describe"].click()
    shown(visitor["strip"].locator("svg"))
    shown(visitor["describer"])
    expect(visitor["events"].get_by_test_id("cell-0-2")).not_to_be_empty()
    visitor.rename_first_sound("glass breaking")
    onsets = visitor["onsets"].locator("textarea, input").first
    proposed = onsets.input_value()
    visitor.set_number("threshold", 0.05)
    expect(onsets).not_to_have_value(proposed, timeout=PATIENCE_MS)
    assert len(onsets.input_value().split(",")) > len(proposed.split(",")), "a lower threshold finds more"
    onsets.fill("0.4, 0.95")
    expect(visitor["strip"].locator(".onset")).to_have_count(2, timeout=PATIENCE_MS)

    visitor["seed"].locator("textarea, input").first.fill("11")
    visitor.page.get_by_text("Advanced").click()
    visitor.set_number("steps", 3)
    visitor.set_number("takes", 2)
    visitor["generate"].click()
    expect(visitor["generate-status"]).to_contain_text("2 new takes", timeout=PATIENCE_MS)
    expect(visitor["take-facts"]).to_contain_text("of 2 (")
    expect(visitor["take-facts"]).to_contain_text("12")
    visitor["chosen"].get_by_text("seed 11").click()
    expect(visitor["take-facts"]).to_contain_text("11", timeout=PATIENCE_MS)
    for picture in ("mel", "original-mel"):
        image = visitor[picture].locator("img")
        shown(image)
        visitor.page.wait_for_function("image => image.naturalWidth > 100", arg=image.element_handle())
    _plays_with_sound(visitor.page, visitor["video"].locator("video"))

    assert visitor.download("wav")[:4] == b"RIFF"
    settings = json.loads(visitor.download("settings"))
    assert settings["events"][0]["label"] == "glass breaking"
    assert settings["onsets"]["times_s"] == [0.4, 0.95]
    assert (settings["seed"], settings["steps"]) == (11, 3)

    another = Visitor(browser, url)
    expect(another["results"]).to_be_hidden()
    expect(another["facts"]).to_be_hidden()
    another.leave()
    visitor.leave()


def _plays_with_sound(page: Page, video: Locator) -> None:
    handle = video.element_handle()
    page.wait_for_function("video => video.readyState >= 2", arg=handle)
    handle.evaluate("video => { video.currentTime = 0; return video.play() }")
    page.wait_for_function("video => video.currentTime > 0.3", arg=handle)
    page.wait_for_function("video => video.webkitAudioDecodedByteCount > 0", arg=handle)
    assert handle.evaluate("video => video.duration") == pytest.approx(2.0, abs=0.1)


def test_stop_stops_and_the_next_run_starts(browser: Browser, url: str, moving_clip: Path) -> None:
    visitor = Visitor(browser, url)
    visitor.upload(moving_clip)
    visitor.page.get_by_text("Advanced").click()
    visitor.set_number("steps", 100)
    visitor.set_number("takes", 4)
    visitor["generate"].click()
    shown(visitor["generate-status"].locator("progress"))
    expect(visitor["generate"]).to_be_disabled()
    visitor["generate-stop"].click()
    expect(visitor["generate-status"]).to_contain_text("Stopped", timeout=PATIENCE_MS)
    expect(visitor["generate"]).to_be_enabled()
    expect(visitor["generate-stop"]).to_be_hidden()

    visitor.set_number("steps", 1)
    visitor.set_number("takes", 1)
    visitor["generate"].click()
    expect(visitor["generate-status"]).to_contain_text("1 new take", timeout=PATIENCE_MS)
    visitor.leave()


def test_an_example_can_be_taken_twice(browser: Browser, url: str) -> None:
    visitor = Visitor(browser, url)
    for name, length in (("hammer anvil", "4.80 s"), ("snare drum", "4.60 s"), ("hammer anvil", "4.80 s")):
        visitor["examples"].get_by_text(name).click()
        expect(visitor["facts"]).to_contain_text(length, timeout=PATIENCE_MS)
    visitor.leave()


def test_a_file_that_is_no_video_is_refused_in_one_sentence(browser: Browser, url: str, tmp_path: Path) -> None:
    text = tmp_path / "notes.mp4"
    text.write_text("This is a text.")
    visitor = Visitor(browser, url)
    visitor.upload(text)
    shown(visitor["facts"].locator(".rf-trouble"))
    assert "Traceback" not in visitor.page.content()
    visitor["describe"].click()
    shown(visitor["describe-status"].locator(".rf-trouble"))
    expect(visitor["describe"]).to_be_enabled()
    visitor.errors = [error for error in visitor.errors if "media" not in error.lower()]
    visitor.leave()


@pytest.mark.parametrize(("width", "dark"), [(390, False), (390, True), (1600, False)])
def test_nothing_sticks_out(browser: Browser, url: str, moving_clip: Path, width: int, dark: bool) -> None:
    visitor = Visitor(browser, url, width, 844, dark)
    visitor.page.get_by_text("Advanced").click()
    shown(visitor["steps"])
    visitor.upload(moving_clip)
    visitor.set_number("steps", 1)
    visitor["generate"].click()
    shown(visitor["results"])
    shown(visitor["mel"].locator("img"))
    assert visitor.page.evaluate("document.documentElement.scrollWidth") <= width
    background = visitor.page.evaluate("getComputedStyle(document.body).backgroundColor")
    brightness = sum(int(part) for part in background[4:-1].split(",")[:3]) / 3
    assert (brightness < 80) == dark
    visitor.leave()


def test_programs_can_analyse_and_dub(url: str, moving_clip: Path) -> None:
    from gradio_client import Client, handle_file

    client = Client(url, verbose=False)
    found = client.predict(clip=handle_file(moving_clip), api_name="/analyse")
    assert found["clip"]["width"] == 320 and found["clip"]["duration_s"] == pytest.approx(2.0)
    assert {"describer", "events", "onsets_s", "strengths", "threshold"} <= set(found)
    videos, wavs, result = client.predict(
        clip=handle_file(moving_clip), onsets=[0.5, 1.0], text="knocking on wood", seed=5, steps=2, api_name="/dub"
    )
    assert len(videos) == len(wavs) == 1
    assert Path(videos[0]).stat().st_size > 0 and Path(wavs[0]).read_bytes()[:4] == b"RIFF"
    (take,) = result["takes"]
    assert take["seed"] == 5 and take["measured"]["wanted"] == 2
    with pytest.raises(Exception, match="onset time must be"):
        client.predict(clip=handle_file(moving_clip), onsets=[-1], api_name="/dub")
