"""Export, project files and onsets from files, in a real Chromium."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
import soundfile
from pages import PATIENCE_MS
from playwright.sync_api import Browser, expect
from studio_page import Visitor, says, visitor

pytestmark = pytest.mark.timeout(900)


def give(one: Visitor, button: str, file: Path) -> None:
    """Choose a file with a button that asks for one."""
    with one.page.expect_file_chooser() as chooser:
        one[button].click()
    chooser.value.set_files(file)


def test_a_take_goes_out_and_a_project_comes_back(
    browser: Browser, app: str, moving_clip: Path, tmp_path: Path
) -> None:
    labels = tmp_path / "labels.txt"
    labels.write_text("0.5\t0.5\tbang\n1.2\t1.2\tbang @0.5\n")
    with visitor(browser, app) as one:
        one.upload(moving_clip)
        one.unfold("hearing", "advanced")
        give(one, "onset-file", labels)
        expect(one["timeline"].locator(".tl-mark")).to_have_count(2, timeout=PATIENCE_MS)
        one.set_number("steps", 1)
        one.run()
        assert one.settings()["onsets"] == {"times_s": [0.5, 1.2], "strengths": [1.0, 0.5]}

        one.unfold("sharing")
        one.choose("export-formats", "Hits as MIDI notes")
        one.page.keyboard.press("Escape")
        one.choose("delivery", "EBU R128 broadcast (-23 LUFS, -1 dBTP)")
        one["export-rate"].get_by_text("44.1 kHz").click()
        one.text("export-timecode").fill("10:00:00:00")
        one.run("export")
        says(one["exported"], ".mid")
        with one.page.expect_download() as download:
            one["exported"].locator("tr", has_text=".wav").locator("a").first.click(timeout=60_000)
        wav = download.value.path().read_bytes()
        assert soundfile.info(io.BytesIO(wav)).samplerate == 44_100 and b"bext" in wav[:100]

        one.text("project-notes").fill("Too dry.")
        one.run("save-project")
        project = tmp_path / "film.foley"
        project.write_bytes(one.download("saved"))
        assert any(name.startswith("clip/") for name in zipfile.ZipFile(project).namelist())
    with visitor(browser, app) as other:
        give(other, "open-project", project)
        expect(other["timeline"].locator(".tl-mark")).to_have_count(2, timeout=PATIENCE_MS)
        expect(other["chosen"].locator("label")).to_have_count(1, timeout=PATIENCE_MS)
        assert other.settings()["onsets"]["times_s"] == [0.5, 1.2]
        other.unfold("sharing")
        expect(other.text("project-notes")).to_have_value("Too dry.")
