"""A page in a process of its own, and people who look at it in Chromium, for the tests in tests/browser."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

# Generous, because a shared machine may be ten times slower than an idle one; nothing waits longer than it must.
START_S = 900
PATIENCE_MS = 600_000
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--mute-audio",
)


@contextmanager
def served(script: Path, folder: Path) -> Iterator[str]:
    """Address of the page that `python script PORT FOLDER` serves, with temporary files of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {
        "GRADIO_TEMP_DIR": str(folder / "gradio"),
        "RHYTHMIC_FOLEY_CACHE": str(folder / "cache"),
        "HF_HUB_OFFLINE": "1",
    }
    command = [sys.executable, str(script), str(port), str(folder)]
    with open(folder / "log", "w+") as log:
        for last in (False, False, True):
            with subprocess.Popen(command, env=environment, stdout=log, stderr=log) as app:
                try:
                    address = f"http://127.0.0.1:{port}"
                    # Gradio gives up where a busy machine does not answer within three seconds.
                    if _answers(address, app):
                        yield address
                        return
                    if last:
                        pytest.fail(f"the page did not start:\n{(folder / 'log').read_text()[-3000:]}")
                finally:
                    app.terminate()


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, or the one that Playwright installed. Sound needs a gesture first, as for people."""
    installed = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=installed, args=list(FLAGS))
        yield browser
        browser.close()


@contextmanager
def visit(browser: Browser, url: str, width: int = 1280, height: int = 900, **how: Any) -> Iterator[Page]:
    """One person's page; at the end, nothing may stand in the console and no other host may have been asked."""
    context = browser.new_context(viewport={"width": width, "height": height}, **how)
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    troubles: list[str] = []
    own = (url, url.replace("http", "ws"), "data:", "blob:")
    page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("request", lambda r: None if r.url.startswith(own) else troubles.append(f"asked {r.url}"))
    page.goto(url)
    yield page
    context.close()
    assert not troubles, troubles


def _answers(address: str, app: subprocess.Popen) -> bool:
    """Wait until the page is there; False if its process has ended."""
    end = time.monotonic() + START_S
    while time.monotonic() < end and app.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=10).close()
            return app.poll() is None
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            time.sleep(0.2)
    return False
