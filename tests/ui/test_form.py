"""The form: each control changes its part of the request, and a request fills the form again."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from ui.fake_studio import FakeStudio
from ui.forms import FORM, timeline

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.ui.form import Form, events_from_rows, rows_from_events, span_of, values_from_controls
from rhythmic_foley.values.controls import Controls
from rhythmic_foley.values.events import UNKNOWN, SoundEvent
from rhythmic_foley.values.onsets import Onsets
from rhythmic_foley.values.results import Analysis

# What changing one control must change in the request, and nothing else.
CHANGES: dict[str, tuple[Any, dict[str, Any]]] = {
    "events": (
        [["0.5", "1", "cup set down", "porcelain", "blend"]],
        {"events": (SoundEvent("cup set down", "porcelain", 0.5, 1, source="blend"),)},
    ),
    "text": ("rain on a tin roof", {"text": "rain on a tin roof"}),
    "negative": ("speech", {"negative": "speech"}),
    "timeline": (timeline((0.7, 0.4)), {"onsets": Onsets.of([0.7], [0.4])}),
    "range_from": (0.25, {"range_s": (0.25, 1.0)}),
    "range_to": (0.75, {"range_s": (0.0, 0.75)}),
    "semantic_scale": (0.0, {"semantic_scale": 0.0}),
    "temporal_scale": (1.5, {"temporal_scale": 1.5}),
    "guidance_scale": (5.5, {"guidance_scale": 5.5}),
    "steps": (9, {"steps": 9}),
    "seed": ("", {"seed": None}),
    "takes": (3, {"takes": 3}),
    "keep_original": (True, {"keep_original_db": -6.0}),
    "normalise": (False, {"loudness_lufs": None}),
    "loudness_lufs": (-23.0, {"loudness_lufs": -23.0}),
    "source": ("samples", {"source": "samples"}),
    "library": (["doors"], {"library": (Path("doors"),)}),
    "samples": (["hit.wav", "knock.wav"], {"samples": (Path("hit.wav"), Path("knock.wav"))}),
    "reference_strength": (0.8, {"reference_strength": 0.8}),
    "stems": (True, {"stems": True}),
    "classifier_scale": (50.0, {"classifier_scale": 50.0}),
    "onset_guidance": (1.0, {"onset_guidance": 1.0}),
    "onsets_from": ("both", {"onsets_from": "both"}),
    "guide": ("taps.wav", {"guide": Path("taps.wav")}),
}


@pytest.fixture(scope="module")
def analysis(clip: Path) -> Analysis:
    *_, found = FakeStudio().analyse(clip)
    return found


@pytest.mark.parametrize("name", CHANGES)
def test_each_control_changes_its_part_of_the_request_only(name: str, analysis: Analysis) -> None:
    value, expected = CHANGES[name]
    before = FORM.controls(analysis, proposed=False)
    after = replace(FORM, **{name: value}).controls(analysis, proposed=False)
    assert after == replace(before, **expected)
    assert after != before


def test_the_level_of_the_original_reaches_the_request(analysis: Analysis) -> None:
    mixed = replace(FORM, keep_original=True, keep_original_db=-12)
    assert mixed.controls(analysis, proposed=False).keep_original_db == -12.0


def test_every_control_of_the_form_is_checked_here() -> None:
    assert set(CHANGES) | {"keep_original_db"} == {field.name for field in fields(Form)}


def test_the_form_can_say_all_that_a_request_can_hold() -> None:
    said = {name for _, expected in CHANGES.values() for name in expected}
    # A stretch of a take is fixed by a button of its own; the reference of older settings is shown among the samples.
    assert said | {"fix", "reference"} == {field.name for field in fields(Controls)}


@pytest.mark.parametrize("name", CHANGES)
def test_a_request_fills_the_form_that_makes_it(name: str, analysis: Analysis) -> None:
    controls = replace(FORM, **{name: CHANGES[name][0]}).controls(analysis, proposed=False)
    values = {field.name: getattr(FORM, field.name) for field in fields(Form)}
    again = Form(**values | values_from_controls(controls, analysis.clip.duration_s))
    assert again.controls(analysis, proposed=False) == controls


def test_emptied_fields_mean_none_once_proposals_were_made(analysis: Analysis) -> None:
    emptied = replace(FORM, events=[["", "", "", ""]], timeline=timeline()).controls(analysis, proposed=False)
    assert emptied.events == () and emptied.onsets == Onsets()


def test_untouched_fields_mean_as_proposed_before(analysis: Analysis) -> None:
    untouched = replace(FORM, events=[], timeline=None).controls(analysis, proposed=True)
    assert untouched.events is None and untouched.onsets is None


@pytest.mark.parametrize(
    ("fields_s", "span"),
    [
        ((0, 4.8), None),
        ((None, None), None),
        ((0, 99), (0.0, 99.0)),
        ((1, None), (1.0, 4.8)),
        ((None, 2.5), (0.0, 2.5)),
    ],
)
def test_a_range_is_what_is_less_than_the_clip(fields_s: tuple, span: tuple | None) -> None:
    assert span_of(*fields_s, 4.8) == span


def test_table_rows_and_events_are_inverse() -> None:
    events = (SoundEvent("rain", "", 0.0, None, 0.4), SoundEvent("door slam", "heavy", 1.25, 2.0, 0.9))
    rows = rows_from_events(events)
    assert events_from_rows(rows, events) == events
    rows[1][2:] = ["gate slam", "heavy", ""]
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


@pytest.mark.parametrize("seed", ["-2", "1.5", "1e3", "x", str(2**64)])
def test_seeds_that_cannot_be_used_are_told(seed: str, analysis: Analysis) -> None:
    with pytest.raises(FoleyError, match="is not a seed"):
        replace(FORM, seed=seed).controls(analysis, proposed=False)


@pytest.mark.parametrize(("typed", "seed"), [("", None), ("-1", None), ("7", 7), (str(2**64 - 1), 2**64 - 1)])
def test_seeds_of_other_tools_are_taken_and_shown_exactly(typed: str, seed: int | None, analysis: Analysis) -> None:
    controls = replace(FORM, seed=typed).controls(analysis, proposed=False)
    assert controls.seed == seed
    assert values_from_controls(controls, 1.0)["seed"] == ("" if seed is None else typed)


@pytest.mark.parametrize("typed", ["1:02,5", "62.5s", " 62,5 "])
def test_times_in_the_table_may_be_typed_as_people_do(typed: str) -> None:
    assert events_from_rows([[typed, "", "rain", ""]]) == (SoundEvent("rain", "", 62.5),)
