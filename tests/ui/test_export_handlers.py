"""The page's export and its project files: every control reaches the files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import soundfile
from clips import make_clip
from ui.fake_studio import FakeStudio
from ui.forms import FORM, values

from rhythmic_foley.studio.project import open_project
from rhythmic_foley.ui.export_handlers import ExportHandlers
from rhythmic_foley.ui.handlers import Handlers
from rhythmic_foley.ui.jobs import Switch
from rhythmic_foley.ui.take_handlers import TakeHandlers
from rhythmic_foley.values.results import Take


@pytest.fixture
def export(studio: FakeStudio, tmp_path: Path) -> ExportHandlers:
    page = Handlers(studio, tmp_path / "visits")
    return ExportHandlers(page, TakeHandlers(page))


@pytest.fixture
def visit(export: ExportHandlers) -> str:
    return export.page.visits.new()


@pytest.fixture
def made(export: ExportHandlers, clip: Path, visit: str) -> Callable[..., tuple[Take, ...]]:
    """Takes from a form."""

    def make(**changes: Any) -> tuple[Take, ...]:
        form = values(replace(FORM, **changes))
        return last(export.page.generate(str(clip), None, (), visit, None, **form))["finished"]

    return make


def last(updates: Any) -> dict[str, Any]:
    """What the page shows after all updates."""
    page: dict[str, Any] = {}
    for update in updates:
        page |= update
    return page


def test_the_shown_take_is_exported_as_the_controls_say(export: ExportHandlers, visit: str, made) -> None:
    first, second = made(takes=2)
    page = last(export.export(visit, (first, second), 1, ["wav", "cues"], "netflix", 44_100, " 10:00:00:00 "))
    wav, cues = sorted(map(Path, page["exported"]["value"]), key=lambda path: path.suffix, reverse=True)
    assert wav.parent.name == f"{second.folder.name}-export"
    assert soundfile.info(wav).samplerate == 44_100
    assert ",10:00:00:" in cues.read_text(encoding="utf-8")
    assert "files are ready" in page["export_status"]["value"]


@pytest.mark.parametrize(
    ("what", "sentence"),
    [
        ((["stems"], "as-is", 48_000, ""), "has no stems"),
        (([], "as-is", 48_000, ""), "at least one format"),
        ((["wav"], "as-is", 48_000, "soon"), "is no timecode"),
    ],
)
def test_what_cannot_be_exported_is_told(
    export: ExportHandlers, visit: str, made, toasts: list[str], what: tuple, sentence: str
) -> None:
    page = last(export.export(visit, made(), 0, *what))
    assert sentence in toasts[0] and "exported" not in page


@pytest.mark.parametrize("with_clip", [True, False])
def test_a_saved_page_opens_again(export: ExportHandlers, clip: Path, visit: str, made, with_clip: bool) -> None:
    finished = made(takes=2)
    form = values(replace(FORM, negative="birds", steps=9, text="rain"))
    page = last(export.save_project(str(clip), None, finished, visit, "Too dry.", with_clip, **form))
    path = Path(page["saved"]["value"])
    assert path.name == f"{clip.stem}.foley"
    switch = Switch("generate")
    back = export.open_project(str(path), None if with_clip else str(clip), "", switch)
    assert switch.dropped and export.page.visits.knows(back["visit"]) and back["visit"] != visit
    assert Path(back["clip"]).read_bytes() == clip.read_bytes() and back["shown"] == back["clip"]
    assert (back["negative"], back["steps"], back["text"]) == ("birds", 9, "rain")
    assert [one["time_s"] for one in back["timeline"]["value"]["onsets"]] == [0.3, 0.8]
    assert back["project_notes"] == "Too dry."
    assert [take.name for take in back["finished"]] == [take.name for take in finished]
    assert Path(back["video"]).is_file() and back["chosen"]["value"] == 1
    assert [take.name for take in export.page.visits.recall(back["visit"]).takes] == ["Take 1", "Take 2"]


def test_a_project_without_its_clip_asks_for_it(
    export: ExportHandlers, clip: Path, visit: str, made, toasts: list[str], tmp_path: Path
) -> None:
    page = last(export.save_project(str(clip), None, made(), visit, "", False, **values(FORM)))
    other = make_clip(tmp_path / "other.mp4", duration_s=0.5)
    for shown in (None, str(other)):
        assert export.open_project(page["saved"]["value"], shown, visit, None) == {}
        assert toasts.pop() == f"This project does not hold its clip; open {clip.name} here first."
    assert open_project(Path(page["saved"]["value"]), tmp_path / "out").notes == ""
    (tmp_path / "bad.foley").write_bytes(b"no zip")
    assert export.open_project(str(tmp_path / "bad.foley"), None, visit, None) == {}
    assert "is damaged" in toasts.pop()
    assert export.open_project(None, None, visit, None) == {}
    assert (
        "Choose a clip first"
        in last(export.save_project(None, None, (), visit, "", True, **values(FORM)))["save_project_status"]["value"]
    )


def test_onsets_come_from_a_file(export: ExportHandlers, clip: Path, tmp_path: Path, toasts: list[str]) -> None:
    (tmp_path / "a.txt").write_text("0.25\t0.25\tbang @0.5\n0.75\t0.75\tbang\n99\t99\ttoo late\n")
    page = export.take_onsets(str(tmp_path / "a.txt"), str(clip))
    assert [(one["time_s"], one["strength"]) for one in page["timeline"]["onsets"]] == [(0.25, 0.5), (0.75, 1.0)]
    assert export.take_onsets(None, str(clip)) == {}
    assert export.take_onsets(str(tmp_path / "a.txt"), None) == {} and "Choose a clip first" in toasts[0]
    (tmp_path / "b.mid").write_bytes(b"none")
    assert export.take_onsets(str(tmp_path / "b.mid"), str(clip)) == {} and "no MIDI file" in toasts[1]
