"""The page's handlers against a studio without networks: what reaches it, what comes back, what people are told."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ui.fake_studio import FakeStudio, broken
from ui.forms import FORM, timeline, values

from rhythmic_foley.ui.handlers import NO_CLIP, Handlers, Studios
from rhythmic_foley.ui.jobs import CALM, NOT_BEGUN, STOPPED, in_turn, missed, pressed, stop
from rhythmic_foley.ui.samples import examples
from rhythmic_foley.values.controls import Controls
from rhythmic_foley.values.results import Analysis

Updates = dict[str, Any]


@pytest.fixture
def handlers(studio: FakeStudio, tmp_path: Path) -> Handlers:
    return Handlers(studio, tmp_path / "visits")


@pytest.fixture
def visit(handlers: Handlers) -> str:
    return handlers.visits.new()


@pytest.fixture
def generate(handlers: Handlers, clip: Path, visit: str) -> Callable[..., Iterator[Updates]]:
    """Generate with a form, for a clip that was not looked at unless an analysis is given."""

    def call(form=FORM, analysis: Analysis | None = None, finished: tuple = (), on: str | None = str(clip)):
        return handlers.generate(on, analysis, finished, visit, None, **values(form))

    return call


def merged(updates: Iterator[Updates]) -> Updates:
    """What the page shows after all updates."""
    page: Updates = {}
    for update in updates:
        page |= update
    return page


def looked_at(studio: FakeStudio, clip: Path) -> Analysis:
    *_, analysis = studio.analyse(clip)
    return analysis


def test_generate_hands_the_form_to_the_studio(generate, studio: FakeStudio, clip: Path) -> None:
    analysis = looked_at(studio, clip)
    form = replace(FORM, timeline=timeline((0.2, 1.0), (0.6, 0.5)), takes=2, temporal_scale=0.4)
    page = merged(generate(form, analysis))
    (request,) = studio.requests
    assert request == form.controls(analysis, proposed=False)
    assert len(page["finished"]) == 2
    assert len(studio.analysed) == 1, "an analysed clip is not analysed again"


def test_generate_without_an_analysis_makes_it_and_uses_the_proposals(generate, studio: FakeStudio) -> None:
    page = merged(generate(replace(FORM, events=[], timeline=None)))
    assert studio.requests[0].events is None and studio.requests[0].onsets is None
    assert page["events"]["value"] == [["0", "", "dog barking", "small, close", ""]]
    assert [one["label"] for one in page["events"]["suggestions"]] == ["dog barking", "rain falling"]
    assert [mark["time_s"] for mark in page["timeline"]["value"]["onsets"]] == [0.3, 0.8]


def test_what_was_entered_before_the_analysis_stays(generate, studio: FakeStudio) -> None:
    page = merged(generate(replace(FORM, events=[], timeline=timeline((0.9, 0.5)))))
    assert studio.requests[0].onsets.times_s == (0.9,)
    shown = page["timeline"]["value"]
    assert shown["onsets"] == [{"time_s": 0.9, "strength": 0.5}]
    assert len(shown["detected"]) == 2 and shown["events"][0]["label"] == "dog barking"


def test_quick_dub_uses_the_defaults(handlers: Handlers, studio: FakeStudio, clip: Path, visit: str) -> None:
    page = merged(handlers.quick(str(clip), (), visit, None))
    assert studio.requests == [Controls()]
    assert len(page["finished"]) == 1 and len(page["timeline"]["value"]["onsets"]) == 2
    merged(handlers.quick(str(clip), (), visit, None, 0.25, 1.0))
    assert studio.requests[1] == Controls(range_s=(0.25, 1.0))


def test_results_name_files_that_exist_and_the_measured_hits(generate) -> None:
    page = merged(generate(replace(FORM, stems=True)))
    for name in ("video", "wav"):
        assert Path(page[name]).stat().st_size > 0
    for kind in ("video", "wav", "onsets_csv", "onsets_json", "settings"):
        assert Path(page[f"download_{kind}"]["value"]).stat().st_size > 0
    assert [Path(stem).stem for stem in page["stem_files"]["value"]] == ["01-dog_barking"]
    assert "1 of 2 (50%)" in page["take_facts"] and " ms" in page["take_facts"] and ">7<" in page["take_facts"]
    assert '"seed": 7' in page["settings"]


def test_takes_of_several_runs_stay_and_lie_in_the_visitors_folder(handlers: Handlers, generate, visit: str) -> None:
    first = merged(generate())
    second = merged(generate(replace(FORM, seed="8"), finished=first["finished"]))
    assert [take.seed for take in second["finished"]] == [7, 8]
    assert [take.name for take in second["finished"]] == ["Take 1", "Take 2"]
    assert second["video"] == str(second["finished"][1].video)
    assert {take.folder.parent for take in second["finished"]} == {handlers.visits.folder(visit)}


def test_the_mel_is_seen_while_it_is_made(generate) -> None:
    pictures = {
        update["generate_preview"]["value"]
        for update in generate(replace(FORM, steps=3))
        if "generate_preview" in update
    }
    assert len([one for one in pictures if one.startswith("<img") and "image/png;base64" in one]) == 3


def test_an_error_is_told_in_its_own_words_and_the_page_rests(
    handlers: Handlers, studio: FakeStudio, clip: Path, visit: str, toasts: list[str]
) -> None:
    studio.fails = broken()
    page = merged(handlers.describe(str(clip), visit, (), None))
    assert toasts == [str(broken())]
    assert str(broken()) in page["describe_status"]["value"]
    assert page["describe"]["interactive"] is True and page["describe_stop"]["visible"] is False


def test_a_surprise_is_one_calm_sentence_with_the_traceback_in_the_log(
    handlers: Handlers,
    studio: FakeStudio,
    clip: Path,
    visit: str,
    toasts: list[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    studio.fails = RuntimeError("tensor sizes 3 and 4 disagree")
    with caplog.at_level(logging.ERROR):
        page = merged(handlers.quick(str(clip), (), visit, None))
    assert toasts == [CALM] and "tensor" not in str(page)
    assert "tensor sizes 3 and 4 disagree" in caplog.text


def test_nothing_chosen_is_told(handlers: Handlers, generate, visit: str, toasts: list[str]) -> None:
    merged(handlers.describe(None, visit, (), None))
    merged(generate(on=None))
    assert toasts == [NO_CLIP, NO_CLIP]


def test_a_page_whose_files_are_gone_is_told(handlers: Handlers, clip: Path, toasts: list[str]) -> None:
    merged(handlers.quick(str(clip), (), "0" * 32, None))
    assert len(toasts) == 1 and "reload" in toasts[0]


def test_a_file_that_is_no_video_is_told_beside_it(handlers: Handlers, tmp_path: Path, toasts: list[str]) -> None:
    text = tmp_path / "notes.mp4"
    text.write_text("not a video")
    page = handlers.show_clip(str(text), None, "")
    assert len(toasts) == 1 and page["analysis"] is None
    assert "rf-trouble" in page["facts"]["value"]


def test_an_example_is_taken_by_its_place(handlers: Handlers, visit: str) -> None:
    names = [path.stem for path in examples()]
    assert len(names) >= 4, "the project comes with at least four examples"
    page = handlers.take_example(1, visit, None)
    assert Path(page["clip"]).stem == names[1]
    assert Path(page["clip"]).is_relative_to(handlers.visits.folder(visit)), "a copy that only this visitor has"
    assert handlers.show_clip(page["clip"], page["shown"], visit) == {}, "what was said about it stays"


def test_a_new_clip_clears_what_belonged_to_the_last_and_can_be_marked_at_once(
    handlers: Handlers, clip: Path, visit: str
) -> None:
    page = handlers.show_clip(str(clip), "another.mp4", visit)
    assert "25 fps" in page["facts"]["value"]
    assert page["analysis"] is None and page["finished"] == ()
    assert (page["events"]["value"], page["events"]["suggestions"]) == ([], [])
    assert page["range_to"] == 1.0
    shown = page["timeline"]
    assert shown["visible"] is True and shown["value"]["onsets"] == [] and shown["value"]["thumbnails"]["count"] >= 4


def test_a_reload_brings_clip_marks_and_takes_back(handlers: Handlers, generate, clip: Path, visit: str) -> None:
    handlers.show_clip(str(clip), None, visit)
    before = merged(generate(replace(FORM, negative="speech")))
    page = handlers.restore(visit)
    assert page["clip"] == str(clip) and page["finished"] == before["finished"]
    assert page["negative"] == "speech" and page["seed"] == ""
    assert [mark["time_s"] for mark in page["timeline"]["value"]["onsets"]] == [0.3, 0.8]


def test_the_chosen_describer_is_asked_named_and_never_again(
    handlers: Handlers, generate, studio: FakeStudio, clip: Path, visit: str
) -> None:
    handlers.show_clip(str(clip), None, visit)
    page = merged(handlers.describe(str(clip), visit, (), None, "talker"))
    assert studio.asked == ["talker"] and "Describer talker" in page["describer"]["value"]
    merged(generate(FORM, page["analysis"]))
    again = handlers.restore(visit)
    assert studio.asked == ["talker", "nobody"], "neither a dub nor a reload asks it"
    assert again["describer"] == page["describer"] and again["events"] == page["events"]


@pytest.mark.parametrize("key", ["", "../../etc", "0" * 32, None])
def test_only_keys_that_were_given_out_open_anything(handlers: Handlers, key: str | None) -> None:
    assert handlers.restore(key) == {"visit": ""}


def test_files_that_are_too_old_go(handlers: Handlers) -> None:
    old = handlers.visits.folder(handlers.visits.new())
    os.utime(old, (0, 0))
    new = handlers.visits.folder(handlers.visits.new())
    assert new.is_dir() and not old.exists()


def test_a_model_is_opened_when_it_is_first_chosen(studio: FakeStudio, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(studio, "beside", lambda name: opened.append(name) or FakeStudio(), raising=False)
    studios = Studios(studio, ("fake", "large"))
    assert studios.names == ("fake", "large")
    assert studios["fake"] is studios[None] is studios["never heard of"] is studio and opened == []
    assert studios["large"] is studios["large"] is not studio and opened == ["large"]


def test_closing_stops_the_studio_within_a_step(generate, studio: FakeStudio) -> None:
    work = generate(replace(FORM, steps=50))
    for _ in range(8):
        next(work)
    work.close()
    assert studio.closed == 1


def begun(generate, form) -> tuple[Updates, Iterator[Updates]]:
    """What the page shows once Generate is pressed, and the run at its turn."""
    page = pressed("generate", None)
    return page, in_turn("generate", generate)(page["switch"], page["ticket"], form=form)


def test_stop_ends_the_run_after_the_step_and_keeps_finished_takes(generate, studio: FakeStudio) -> None:
    page, run = begun(generate, replace(FORM, steps=5, takes=4))
    after_stop = 0
    for update in run:
        page |= update
        if "stopped" in page:
            after_stop += 1
        elif len(page.get("finished", ())) == 1:
            page["stopped"] = stop(page["switch"])
    assert after_stop <= 2 and studio.closed == 1
    assert len(page["finished"]) == 1
    assert page["generate"]["interactive"] is True and page["generate_stop"]["visible"] is False
    assert STOPPED in page["generate_status"]["value"]


def test_a_run_that_waits_can_be_stopped_and_does_nothing_at_its_turn(generate, studio: FakeStudio) -> None:
    page, run = begun(generate, FORM)
    assert page["generate"]["interactive"] is False and page["generate_stop"]["visible"] is True
    page |= stop(page["switch"])
    assert page["generate"]["interactive"] is True and STOPPED in page["generate_status"]["value"]
    assert list(run) == [{}] and studio.requests == []

    # Pressed again, the page's state has the new press's switch when the turn of the old one comes.
    again, run = begun(generate, FORM)
    assert list(in_turn("generate", generate)(again["switch"], page["ticket"], form=FORM)) == [{}]
    assert merged(run)["finished"] and len(studio.requests) == 1


def test_a_run_that_cannot_begin_leaves_the_page_usable(generate) -> None:
    page, _ = begun(generate, FORM)
    page |= missed(page["switch"])
    assert page["generate"]["interactive"] is True and NOT_BEGUN in page["generate_status"]["value"]


def test_a_new_clip_ends_the_run_of_the_old_one_and_drops_its_results(
    handlers: Handlers, generate, studio: FakeStudio, clip: Path, visit: str
) -> None:
    page, run = begun(generate, replace(FORM, steps=3))
    next(run)
    page = handlers.show_clip(str(clip), None, visit, page["switch"])
    assert list(run) == [{}] and studio.requests == []
    assert page["generate"]["interactive"] is True


def test_stop_without_a_run_does_nothing_bad() -> None:
    assert stop(None) == missed(None) == {}


def test_opening_a_clip_takes_a_moment_only(handlers: Handlers, clip: Path, visit: str) -> None:
    started_s = time.process_time()
    handlers.show_clip(str(clip), None, visit)
    assert time.process_time() - started_s < 1


def test_every_look_at_a_clip_takes_onsets_from_where_the_page_says(
    handlers: Handlers, generate, studio: FakeStudio, clip: Path, visit: str
) -> None:
    merged(handlers.describe(str(clip), visit, (), None, None, "sound", None))
    merged(handlers.quick(str(clip), (), visit, None, onsets_from="both"))
    merged(generate(replace(FORM, guide="taps.wav")))
    assert studio.heard == [("sound", None), ("both", None), ("picture", Path("taps.wav"))]


def test_a_reload_shows_the_curve_that_was_heard(handlers: Handlers, clip: Path, visit: str) -> None:
    shown = merged(handlers.describe(str(clip), visit, (), None, None, "sound", None))
    again = handlers.restore(visit)
    assert again["timeline"]["value"]["curve"] == shown["timeline"]["value"]["curve"]
