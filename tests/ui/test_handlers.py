"""The page's handlers against a studio without networks: what reaches it, what comes back, what people are told."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from ui.fake_studio import HEIGHTS, PEAKS_S, FakeStudio, broken

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.events import UNKNOWN, SoundEvent
from rhythmic_foley.studio import Analysis, Controls
from rhythmic_foley.ui.form import Form, events_from_rows, onsets_from_text, rows_from_events
from rhythmic_foley.ui.handlers import CALM, NO_CLIP, STOPPED, Handlers, examples, new_run

FORM = Form(
    events=[["0", "", "dog barking", "small, close"]],
    text="",
    negative="music",
    onsets="0.3, 0.8",
    threshold=0.5,
    semantic_scale=1.0,
    temporal_scale=1.0,
    guidance_scale=3.0,
    steps=2,
    seed="7",
    takes=1,
    keep_original=False,
    keep_original_db=-6.0,
    normalise=True,
    loudness_lufs=-16.0,
)


@pytest.fixture
def toasts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Sentences that pop up on the page."""
    seen: list[str] = []
    monkeypatch.setattr(gr, "Warning", lambda message, **_: seen.append(message))
    return seen


@pytest.fixture
def studio() -> FakeStudio:
    return FakeStudio()


@pytest.fixture
def handlers(studio: FakeStudio, tmp_path: Path) -> Handlers:
    return Handlers(studio, tmp_path / "runs")


@pytest.fixture
def analysis(studio: FakeStudio, clip: Path) -> Analysis:
    *_, found = studio.analyse(clip)
    return found


def values(form: Form) -> dict[str, Any]:
    """A form's values by the names of its controls."""
    return {field.name: getattr(form, field.name) for field in fields(form)}


def merged(updates: Iterator[dict[str, Any]]) -> dict[str, Any]:
    """What the page shows after all updates."""
    page: dict[str, Any] = {}
    for update in updates:
        page |= update
    return page


# What changing one control must change in the request, and nothing else.
CHANGES = {
    "events": (
        [["0.5", "1", "cup set down", "porcelain"]],
        {"events": (SoundEvent("cup set down", "porcelain", 0.5, 1),)},
    ),
    "text": ("rain on a tin roof", {"text": "rain on a tin roof"}),
    "negative": ("speech", {"negative": "speech"}),
    "semantic_scale": (0.0, {"semantic_scale": 0.0}),
    "temporal_scale": (1.5, {"temporal_scale": 1.5}),
    "guidance_scale": (5.5, {"guidance_scale": 5.5}),
    "steps": (9, {"steps": 9}),
    "seed": ("", {"seed": None}),
    "takes": (3, {"takes": 3}),
    "keep_original": (True, {"keep_original_db": -6.0}),
    "normalise": (False, {"loudness_lufs": None}),
    "loudness_lufs": (-23.0, {"loudness_lufs": -23.0}),
}


@pytest.mark.parametrize("name", CHANGES)
def test_each_control_changes_its_part_of_the_request_only(name: str, analysis: Analysis) -> None:
    value, expected = CHANGES[name]
    before = FORM.controls(analysis, proposed=False)
    after = replace(FORM, **{name: value}).controls(analysis, proposed=False)
    assert after == replace(before, **expected)
    assert after != before


def test_onsets_and_level_of_the_original_reach_the_request(analysis: Analysis) -> None:
    assert replace(FORM, onsets="1.1").controls(analysis, proposed=False).onsets.times_s == (1.1,)
    mixed = replace(FORM, keep_original=True, keep_original_db=-12)
    assert mixed.controls(analysis, proposed=False).keep_original_db == -12.0


def test_every_control_of_the_form_is_checked_here() -> None:
    covered = set(CHANGES) | {"onsets", "keep_original_db", "threshold"}
    assert covered == {field.name for field in fields(Form)}


def test_the_form_can_say_all_that_a_request_can_hold(analysis: Analysis) -> None:
    said = {name for _, expected in CHANGES.values() for name in expected} | {"onsets"}
    assert said == {field.name for field in fields(Controls)}


def test_generate_hands_the_form_to_the_studio(handlers: Handlers, studio: FakeStudio, clip: Path) -> None:
    *_, analysis = studio.analyse(clip)
    form = replace(FORM, onsets="0.2, 0.6", takes=2, temporal_scale=0.4)
    page = merged(handlers.generate(str(clip), analysis, (), **values(form)))
    (request,) = studio.requests
    assert request == form.controls(analysis, proposed=False)
    assert len(page["finished"]) == 2
    assert len(studio.analysed) == 1, "an analysed clip is not analysed again"


def test_generate_without_an_analysis_makes_it_and_uses_the_proposals(
    handlers: Handlers, studio: FakeStudio, clip: Path
) -> None:
    page = merged(handlers.generate(str(clip), None, (), **values(replace(FORM, events=[], onsets=" "))))
    assert studio.requests[0].events is None and studio.requests[0].onsets is None
    assert page["events"] == [["0", "", "dog barking", "small, close"]]
    assert page["onsets"] == "0.3, 0.8"


def test_what_was_typed_before_the_analysis_stays(handlers: Handlers, studio: FakeStudio, clip: Path) -> None:
    page = merged(handlers.generate(str(clip), None, (), **values(replace(FORM, events=[], onsets="0.9"))))
    assert studio.requests[0].onsets.times_s == (0.9,)
    assert "onsets" not in page and "events" in page


def test_emptied_fields_mean_none_once_proposals_were_made(analysis: Analysis) -> None:
    emptied = replace(FORM, events=[["", "", "", ""]], onsets="").controls(analysis, proposed=False)
    assert emptied.events == () and emptied.onsets is not None and len(emptied.onsets) == 0


def test_quick_dub_uses_the_defaults(handlers: Handlers, studio: FakeStudio, clip: Path) -> None:
    page = merged(handlers.quick(str(clip), ()))
    assert studio.requests == [Controls()]
    assert len(page["finished"]) == 1 and page["onsets"] == "0.3, 0.8"


def test_results_name_files_that_exist_and_the_measured_hits(handlers: Handlers, clip: Path) -> None:
    page = merged(handlers.generate(str(clip), None, (), **values(FORM)))
    for name in ("video", "wav", "download_video", "download_wav", "download_settings"):
        assert Path(page[name]).stat().st_size > 0
    assert Path(page["mel"]["value"]).is_file()
    assert "1 of 2 (50%)" in page["take_facts"] and ">7<" in page["take_facts"]
    assert '"seed": 7' in page["settings"]


def test_takes_of_several_runs_stay_and_can_be_chosen(handlers: Handlers, clip: Path) -> None:
    first = merged(handlers.generate(str(clip), None, (), **values(FORM)))
    second = merged(handlers.generate(str(clip), None, first["finished"], **values(replace(FORM, seed="8"))))
    assert [take.seed for take in second["finished"]] == [7, 8]
    assert second["video"] == str(second["finished"][1].video)
    assert handlers.show_take(second["finished"], 0)["video"] == str(second["finished"][0].video)
    assert handlers.keep_seed(second["finished"], 0) == {"seed": "7"}


def test_every_run_has_its_own_folder(handlers: Handlers, studio: FakeStudio, clip: Path) -> None:
    for _ in range(2):
        merged(handlers.generate(str(clip), None, (), **values(FORM)))
    first, second = studio.folders
    assert first != second and first.parent == second.parent == handlers.runs


def test_runs_that_are_too_old_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = new_run(tmp_path)
    monkeypatch.setattr("rhythmic_foley.ui.handlers.KEEP_S", -1)
    assert new_run(tmp_path).is_dir() and not old.exists()


def test_threshold_picks_again_without_looking_again(
    handlers: Handlers, studio: FakeStudio, analysis: Analysis
) -> None:
    calls = len(studio.analysed)
    assert handlers.repick(analysis, 0.25)["onsets"] == "0.3, 0.8, 1.4"
    assert handlers.repick(analysis, 0.9)["onsets"] == "0.3"
    assert handlers.repick(None, 0.9) == {}
    assert len(studio.analysed) == calls


def test_picked_onsets_keep_their_strength_and_typed_ones_are_full(analysis: Analysis) -> None:
    onsets = onsets_from_text("0.3, 1.0, 1.4, 1.6@0.25", analysis, 0.25)
    assert onsets.times_s == (0.3, 1.0, 1.4, 1.6)
    assert onsets.strengths == pytest.approx((HEIGHTS[0], 1.0, HEIGHTS[2], 0.25))
    assert PEAKS_S[2] == 1.4


def test_the_strip_draws_one_line_an_onset(handlers: Handlers, analysis: Analysis) -> None:
    drawn = handlers.redraw(analysis, 0.5, "0.1, 0.5, 0.9")["strip"]["value"]
    assert drawn.count('class="onset"') == 3
    assert "onsets at 0.10, 0.50, 0.90" in drawn


def test_unreadable_onsets_are_told_beside_the_field(handlers: Handlers, analysis: Analysis) -> None:
    assert "soon" in handlers.redraw(analysis, 0.5, "0.1, soon")["strip"]["value"]


def test_table_rows_and_events_are_inverse() -> None:
    events = (SoundEvent("rain", "", 0.0, None, 0.4), SoundEvent("door slam", "heavy", 1.25, 2.0, 0.9))
    rows = rows_from_events(events)
    assert events_from_rows(rows, events) == events
    rows[1][2:] = ["gate slam", "heavy", "a column of the person's own"]
    assert events_from_rows(rows, events)[1] == SoundEvent("gate slam", "heavy", 1.25, 2.0, 1.0)


def test_an_unknown_sound_asks_for_a_name_and_leaves_nothing_behind_once_named() -> None:
    unknown = SoundEvent(UNKNOWN, "please describe", confidence=0.2)
    rows = rows_from_events([unknown])
    assert events_from_rows(rows, [unknown]) == (unknown,)
    rows[0][2] = "hammer"
    assert events_from_rows(rows, [unknown]) == (SoundEvent("hammer"),)


@pytest.mark.parametrize(
    ("row", "part"),
    [
        (["0", "1", "", "loud"], "Row 1"),
        (["x", "", "rain", ""], '"x" in row 1'),
        (["2", "1", "rain", ""], '"rain" must end after it starts'),
    ],
)
def test_rows_that_cannot_be_read_are_told(row: list[str], part: str) -> None:
    with pytest.raises(FoleyError, match=part):
        events_from_rows([row])


@pytest.mark.parametrize("seed", ["-1", "1.5", "x", str(2**31)])
def test_seeds_that_cannot_be_used_are_told(seed: str, analysis: Analysis) -> None:
    with pytest.raises(FoleyError, match="is not a seed"):
        replace(FORM, seed=seed).controls(analysis, proposed=False)


def test_an_error_is_told_in_its_own_words_and_the_page_rests(
    handlers: Handlers, studio: FakeStudio, clip: Path, toasts: list[str]
) -> None:
    studio.fails = broken()
    page = merged(handlers.describe(str(clip)))
    assert toasts == [str(broken())]
    assert str(broken()) in page["describe_status"]["value"]
    assert page["describe"]["interactive"] is True and page["describe_stop"]["visible"] is False


def test_a_surprise_is_one_calm_sentence_with_the_traceback_in_the_log(
    handlers: Handlers, studio: FakeStudio, clip: Path, toasts: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    studio.fails = RuntimeError("tensor sizes 3 and 4 disagree")
    with caplog.at_level(logging.ERROR):
        page = merged(handlers.quick(str(clip), ()))
    assert toasts == [CALM] and "tensor" not in str(page)
    assert "tensor sizes 3 and 4 disagree" in caplog.text


def test_nothing_chosen_is_told(handlers: Handlers, toasts: list[str]) -> None:
    merged(handlers.describe(None))
    merged(handlers.generate(None, None, (), **values(FORM)))
    assert toasts == [NO_CLIP, NO_CLIP]


def test_a_file_that_is_no_video_is_told_beside_it(handlers: Handlers, tmp_path: Path, toasts: list[str]) -> None:
    text = tmp_path / "notes.mp4"
    text.write_text("not a video")
    page = handlers.show_clip(str(text))
    assert len(toasts) == 1 and page["analysis"] is None
    assert "rf-trouble" in page["facts"]["value"]


def test_an_example_is_taken_by_its_place(handlers: Handlers) -> None:
    names = [path.stem for path in examples()]
    assert len(names) >= 3, "the project comes with at least three examples"
    assert [Path(handlers.take_example(i)["clip"]).stem for i in range(len(names))] == names


def test_a_new_clip_clears_what_belonged_to_the_last(handlers: Handlers, clip: Path) -> None:
    page = handlers.show_clip(str(clip))
    assert "25 pictures a second" in page["facts"]["value"]
    assert page["analysis"] is None and page["finished"] == () and page["onsets"] == "" and page["events"] == []


def test_closing_stops_the_studio_within_a_step(handlers: Handlers, studio: FakeStudio, clip: Path) -> None:
    work = handlers.generate(str(clip), None, (), **values(replace(FORM, steps=50)))
    for _ in range(8):
        next(work)
    work.close()
    assert studio.closed == 1


def test_stop_ends_the_run_after_the_step_and_keeps_finished_takes(
    handlers: Handlers, studio: FakeStudio, clip: Path
) -> None:
    page: dict[str, Any] = {}
    after_stop = 0
    for update in handlers.generate(str(clip), None, (), **values(replace(FORM, steps=5, takes=4))):
        page |= update
        if "stopped" in page:
            after_stop += 1
        elif len(page.get("finished", ())) == 1:
            page["stopped"] = handlers.stop(page["switch"])
    assert after_stop <= 2 and studio.closed == 1
    assert len(page["finished"]) == 1
    assert page["generate"]["interactive"] is True and page["generate_stop"]["visible"] is False
    assert STOPPED in page["generate_status"]["value"]


def test_a_new_clip_ends_the_run_of_the_old_one_and_drops_its_results(
    handlers: Handlers, studio: FakeStudio, clip: Path
) -> None:
    work = handlers.generate(str(clip), None, (), **values(replace(FORM, steps=3)))
    page = next(work)
    handlers.show_clip(str(clip), page["switch"])
    page = merged(work)
    assert "analysis" not in page and "finished" not in page and studio.requests == []
    assert page["generate"]["interactive"] is True


def test_stop_without_a_run_does_nothing_bad(handlers: Handlers) -> None:
    assert set(handlers.stop(None)) == {"quick_stop", "describe_stop", "generate_stop"}
