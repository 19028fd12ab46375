"""A whole long clip in the browser: python scripts/benchmarks/ten_minutes.py [--minutes 10] [--model mini]

Uploads it, dubs it with Quick dub and compares it with its own sound; prints seconds and memory. Only on Linux, for
whose /proc it asks. The toy model of the tests shows what the page costs; `--model mini` is the real thing.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from clips import make_clip  # noqa: E402
from pages import chromium, served, visit  # noqa: E402
from playwright.sync_api import expect  # noqa: E402
from studio_page import Visitor  # noqa: E402

from rhythmic_foley.media.reading import probe, read_audio  # noqa: E402

SIZE, FPS = (640, 360), 25
FOREVER_MS = 6 * 3600 * 1000


def main() -> None:
    """Print all of it."""
    options = argparse.ArgumentParser(description=main.__doc__)
    options.add_argument("--minutes", type=float, default=10)
    options.add_argument("--model", help="one of the page's models; by default the toy")
    asked = options.parse_args()
    script = ROOT / "tests" / "browser" / "serve.py"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        seconds = 60 * asked.minutes
        contacts = tuple(range(2, int(seconds), 3))
        clip = make_clip(folder / "long.mp4", seconds, FPS, SIZE, contact_times_s=contacts, audio="tone")
        print(f"{seconds:g} s of {SIZE[0]} x {SIZE[1]} at {FPS} fps, {clip.stat().st_size / 2**20:.0f} MiB")
        with served(script, folder) as url, chromium() as browser, visit(browser, url) as page:
            one = Visitor(page)
            page.set_default_timeout(FOREVER_MS)
            server = _pid_of(script, folder)
            with _stage("upload, facts, film", server):
                one.upload(clip)
            if asked.model:
                one.unfold("advanced")
                one.choose("model", asked.model)
            with _stage("describe and find onsets", server):
                _run(one, "describe")
            with _stage("Quick dub", server):
                _run(one, "quick")
            with _stage("compared with its own sound", server):
                expect(one["compare"].locator("img").nth(2)).to_be_visible(timeout=FOREVER_MS)
            heap = page.evaluate("performance.memory.usedJSHeapSize")
            print(f"{'the page, JavaScript':28} {heap / 2**20:8.0f} MiB")
            out = folder / "dub.mp4"
            out.write_bytes(one.download("download-video"))
            made, heard_s = probe(out), len(read_audio(out, 8000)) / 8000
            print(f"dubbed: {made.duration_s:.2f} s of picture, {heard_s:.2f} s of sound")
            print(one["take-facts"].inner_text().replace("\n", " "))


def _run(one: Visitor, job: str) -> None:
    one[job].click()
    expect(one[job]).to_be_disabled()
    expect(one[job]).to_be_enabled(timeout=FOREVER_MS)


@contextmanager
def _stage(name: str, server: int) -> Iterator[None]:
    clock_s, cpu_s = time.perf_counter(), _cpu_s(server)
    yield
    spent_s, cpu_s = time.perf_counter() - clock_s, _cpu_s(server) - cpu_s
    print(f"{name:28} {spent_s:8.1f} s clock {cpu_s:8.1f} s CPU of the server, peak {_peak_mib(server):.0f} MiB")


def _pid_of(script: Path, folder: Path) -> int:
    for place in Path("/proc").glob("[0-9]*"):
        words = (place / "cmdline").read_bytes().split(b"\0")
        if os.fsencode(script) in words and os.fsencode(folder) in words:
            return int(place.name)
    raise SystemExit("the server's process is not found")


def _cpu_s(pid: int) -> float:
    user, system = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def _peak_mib(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


if __name__ == "__main__":
    main()
