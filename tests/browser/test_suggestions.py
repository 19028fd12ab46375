"""Chips, completion and notes about words in a real browser, by mouse and by keyboard."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Browser, expect
from studio_page import says, visitor

PATIENCE_MS = 60_000  # the first word loads the text encoder


def test_a_chip_names_what_the_describer_is_not_sure_of(browser: Browser, app: str, moving_clip: Path) -> None:
    with visitor(browser, app) as one:
        one.upload(moving_clip)
        one.run("describe")
        chips = one["events"].get_by_role("group", name="Suggested sounds").get_by_role("button")
        expect(chips).to_have_count(5)
        field = one.sound(0, "Sound")
        expect(field).to_have_value("")
        expect(field).to_have_attribute("placeholder", "Pick what sounds, or type it")
        expect(one.page.get_by_text("unknown")).to_have_count(0)
        label = re.sub(r"\s*\d+ %$", "", chips.nth(1).inner_text())
        chips.nth(1).click()
        expect(field).to_have_value(label)
        says(one["timeline"], label)
        # Another one instead, by keyboard.
        chips.nth(2).focus()
        one.page.keyboard.press("Enter")
        expect(field).not_to_have_value(label)
        expect(one["events"].get_by_role("listitem")).to_have_count(1)


def test_names_complete_and_are_taken_by_keyboard(browser: Browser, app: str, moving_clip: Path) -> None:
    with visitor(browser, app) as one:
        one.upload(moving_clip)
        one["events"].get_by_role("button", name="Add a sound").click()
        field = one.sound(0, "Sound")
        field.press_sequentially("hamm")
        options = one["events"].locator("#ev-list").get_by_role("option")  # not those of "Made of"
        expect(options.first).to_be_visible(timeout=PATIENCE_MS)
        expect(options.first).to_contain_text("hammer")
        field.press("ArrowDown")
        field.press("ArrowDown")
        second = options.nth(1).inner_text()
        expect(options.nth(1)).to_have_attribute("aria-selected", "true")
        field.press("Enter")
        expect(field).to_have_value(second)
        expect(options).to_have_count(0)
        says(one["timeline"], second)
        field.fill("")
        field.press_sequentially("rain")
        expect(options.first).to_be_visible(timeout=PATIENCE_MS)
        field.press("Escape")
        expect(options).to_have_count(0)
        expect(field).to_have_value("rain")


def test_what_is_not_understood_is_said_under_the_field(browser: Browser, app: str, moving_clip: Path) -> None:
    with visitor(browser, app) as one:
        one.upload(moving_clip)
        one["events"].get_by_role("button", name="Add a sound").click()
        field, note = one.sound(0, "Sound"), one["events"].get_by_role("status")
        field.fill("chien qui aboie")
        field.press("Tab")
        expect(note).to_contain_text("looks French", timeout=PATIENCE_MS)
        note.get_by_role("button", name="dog barking", exact=True).click()
        expect(field).to_have_value("dog barking")
        expect(note).to_be_hidden()
        field.fill("hammer, no music")
        field.press("Tab")
        note.get_by_role("button", name="Move").click(timeout=PATIENCE_MS)
        expect(field).to_have_value("hammer")
        expect(one.text("negative")).to_have_value("music")
        one.text("text").fill("pluie qui tombe")
        one.text("text").press("Tab")
        says(one["words"], "looks French")
