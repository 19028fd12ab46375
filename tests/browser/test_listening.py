"""The listening test in a real Chromium: begin, listen, rate, leave, go on by code, finish; blind all the way."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from pages import PATIENCE_MS, served, visit
from playwright.sync_api import Browser, Locator, Page, expect

pytestmark = pytest.mark.timeout(1800)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("listening")


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    with served(Path(__file__).with_name("serve_listening.py"), folder) as address:
        yield address


def part(page: Page, name: str) -> Locator:
    return page.locator(f"#listening [data-part={name}]")


def listen(page: Page) -> None:
    """Hear the sound to its end."""
    part(page, "play").click()
    expect(part(page, "play")).to_have_text("Pause")
    expect(part(page, "heard")).to_contain_text("as often as you like", timeout=PATIENCE_MS)


def rate(page: Page, *ratings: int) -> None:
    for row, rating in enumerate(ratings):
        page.locator("#listening fieldset").nth(row).locator("label").nth(rating - 1).click()


def test_a_listener_begins_leaves_and_finishes(browser: Browser, url: str, folder: Path) -> None:
    with visit(browser, url) as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.locator("#begin").click()
        expect(part(page, "count")).to_have_text("1 of 6", timeout=PATIENCE_MS)
        expect(page.locator("#start")).to_be_hidden()
        code = part(page, "code").inner_text()
        expect(page.locator("#listening fieldset input").first).to_be_disabled()
        expect(part(page, "next")).to_be_disabled()

        listen(page)
        rate(page, 4, 5)
        expect(part(page, "next")).to_be_disabled()
        rate(page, 4, 2, 3)
        expect(part(page, "next")).to_be_enabled()
        part(page, "next").click()
        expect(part(page, "count")).to_have_text("2 of 6", timeout=PATIENCE_MS)
        expect(page.locator("#listening input:checked")).to_have_count(0)
        expect(part(page, "heard")).to_contain_text("at least once")
        for word in ("secret_method", "other_method", "reference", "anchor"):
            assert word not in page.content() and not any(word in address for address in asked)

    with visit(browser, url, 390, 844, color_scheme="dark") as page:
        known = page.locator("#known-code textarea, #known-code input")
        known.fill("ABCD-2345")
        page.locator("#resume").click()
        expect(page.get_by_text("Nobody has this code").first).to_be_visible(timeout=PATIENCE_MS)
        known.fill(code.lower())
        page.locator("#resume").click()
        expect(part(page, "count")).to_have_text("2 of 6", timeout=PATIENCE_MS)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        for number in range(2, 7):
            expect(part(page, "count")).to_have_text(f"{number} of 6", timeout=PATIENCE_MS)
            listen(page)
            if number == 2:  # by keys alone
                page.locator("#listening fieldset input").first.focus()
                for _ in range(3):
                    page.keyboard.press("ArrowRight")
                    page.keyboard.press("ArrowRight")
                    page.keyboard.press("Tab")
                page.keyboard.press("Enter")
            else:
                rate(page, 1, 2, 5)
                part(page, "next").click()
        expect(part(page, "done")).to_be_visible(timeout=PATIENCE_MS)
        expect(part(page, "done-code")).to_have_text(code)
        page.reload()
        expect(known).to_have_value(code, timeout=PATIENCE_MS)

    rows = list(csv.DictReader((folder / "test" / "answers" / f"{code}.csv").open()))
    assert [row["quality"] + row["semantic"] + row["timing"] for row in rows] == ["423", "333", *["125"] * 4]
    assert {row["method"] for row in rows} == {"secret_method", "other_method", "reference", "anchor"}
    assert all(row["listens"] == "1" for row in rows)
