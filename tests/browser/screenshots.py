"""Pictures of the page's main states, to look at: python tests/browser/screenshots.py FOLDER [--url ADDRESS]

Without an address the app of the browser tests is started, whose sounds are noise.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[2])]

from pages import PATIENCE_MS, chromium, served, visit  # noqa: E402
from playwright.sync_api import Browser, expect  # noqa: E402

# Width, colour scheme, and how they are called in the file's name.
LOOKS = ((1280, "light"), (1600, "dark"), (390, "light"), (390, "dark"))


def main() -> None:
    """Shoot all looks."""
    options = argparse.ArgumentParser(description=main.__doc__)
    options.add_argument("folder", type=Path)
    options.add_argument("--url", help="address of an app that runs")
    options.add_argument("--looks", type=int, nargs="*", default=range(len(LOOKS)), help="places in LOOKS")
    asked = options.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = asked.url or stack.enter_context(served(Path(__file__).with_name("serve.py"), place))
        browser = stack.enter_context(chromium())
        for number in asked.looks:
            shoot(browser, url, asked.folder, *LOOKS[number])


def shoot(browser: Browser, url: str, folder: Path, width: int, scheme: str) -> None:
    """One visit, from the empty page to compared takes."""
    with visit(browser, url, width, 900, color_scheme=scheme) as page:

        def shot(name: str) -> None:
            page.wait_for_timeout(1500)
            page.screenshot(path=folder / f"{width}-{scheme}-{name}.png", full_page=True)

        expect(page.locator("#describe")).to_have_count(1, timeout=PATIENCE_MS)
        shot("1-empty")
        page.locator("#examples").get_by_text("Hammer anvil").click()
        page.locator("#facts dl").wait_for()
        page.locator("#describe").click()
        page.locator("#describer p").wait_for()
        shot("2-understood")
        for name in ("sound", "advanced"):
            page.locator(f"#{name} button").first.click()
        steps = page.locator("#steps input[type=number]")
        steps.fill("12")
        steps.press("Tab")
        page.locator("#generate").click()
        page.locator("#generate-preview img").wait_for()
        shot("3-generating")
        expect(page.locator("#generate")).to_be_enabled(timeout=PATIENCE_MS)
        page.locator("#twin-time").click()
        expect(page.locator("#twin-time")).to_be_disabled()
        expect(page.locator("#twin-time")).to_be_enabled(timeout=PATIENCE_MS)
        page.locator("#compare img").first.wait_for()
        for name in ("fixing", "sharing"):
            page.locator(f"#{name} button").first.click()
        shot("4-takes")


if __name__ == "__main__":
    main()
