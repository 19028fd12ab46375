"""What programs may ask for reaches the studio."""

from __future__ import annotations

from pathlib import Path

import gradio as gr
import pytest
from ui.fake_studio import FakeStudio

from rhythmic_foley.ui.api import Endpoints
from rhythmic_foley.ui.handlers import Studios
from rhythmic_foley.ui.sessions import Visits
from rhythmic_foley.values.controls import MAX_TAKES
from rhythmic_foley.values.events import SoundEvent
from rhythmic_foley.values.onsets import Onsets


@pytest.mark.parametrize(
    ("given", "asked"),
    [({}, None), ({"describer": "mini-gemini"}, "mini-gemini"), ({"describer": "large", "text": "rain"}, "nobody")],
)
def test_a_dub_asks_the_describer_that_is_named(
    clip: Path, tmp_path: Path, given: dict[str, str], asked: str | None
) -> None:
    studio = FakeStudio()
    *_, (videos, wavs, _, about) = Endpoints(Studios(studio), Visits(tmp_path)).dub(str(clip), seed=3, **given)
    assert studio.asked == [asked]
    assert len(videos) == len(wavs) == 1 and about["takes"][0]["seed"] == 3


def test_onsets_come_from_where_a_program_says(clip: Path, tmp_path: Path) -> None:
    studio = FakeStudio()
    there = Endpoints(Studios(studio), Visits(tmp_path))
    *_, found = there.analyse(str(clip), onsets_from="both")
    list(there.dub(str(clip), seed=3, guide="taps.wav"))
    assert studio.heard == [("both", None), ("picture", Path("taps.wav"))]
    assert found["alternatives"]["every-second"] == {"onsets_s": [0.3], "strengths": [1.0]}
    assert len(found["alternatives"]["other-phase"]["onsets_s"]) == 2


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ("0.5", Onsets.of([0.5])),
        ("0.5, 0.8", Onsets.of([0.5, 0.8])),
        (0.5, Onsets.of([0.5])),
        ([0.8, 0.5], Onsets.of([0.5, 0.8])),
        ([], Onsets()),
        ({"onsets_s": [0.5], "strengths": [0.3], "threshold": 0.5}, Onsets.of([0.5], [0.3])),
    ],
)
def test_onsets_are_taken_as_programs_have_them(clip: Path, tmp_path: Path, given: object, asked: Onsets) -> None:
    studio = FakeStudio()
    list(Endpoints(Studios(studio), Visits(tmp_path)).dub(str(clip), onsets=given))
    assert studio.requests[0].onsets == asked


def test_sounds_are_taken_as_programs_have_them(clip: Path, tmp_path: Path) -> None:
    studio = FakeStudio()
    endpoints = Endpoints(Studios(studio), Visits(tmp_path))
    for given in ("0,2-0,5 dog", [{"label": "dog", "start_s": 0.2, "end_s": 0.5}]):
        list(endpoints.dub(str(clip), events=given))
        assert studio.requests[-1].events == (SoundEvent("dog", "", 0.2, 0.5),)


@pytest.mark.parametrize(("given", "seed"), [(7, 7), (7.0, 7), ("7", 7), (str(2**64 - 1), 2**64 - 1), (2**63, 2**63)])
def test_seeds_are_exact(clip: Path, tmp_path: Path, given: object, seed: int) -> None:
    *_, (_, _, _, about) = Endpoints(Studios(FakeStudio()), Visits(tmp_path)).dub(str(clip), seed=given)
    assert about["takes"][0]["seed"] == about["takes"][0]["settings"]["seed"] == seed


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"onsets": "soon"}, '"soon" is not a time in seconds; write onsets like 0.5, 1.25, 2.'),
        ({"onsets": "0,8"}, "may separate two times or stand for a decimal point"),
        ({"onsets": {"times": []}}, "Onsets must be a list of seconds"),
        ({"onsets": [None]}, "The time of onset 1 must be a number, not null."),
        ({"events": 5}, "Sounds must be JSON such as"),
        ({"events": [{"label": 5}]}, 'Sound 1 of the JSON needs a "label"'),
        ({"seed": "1e3"}, '"1e3" is not a seed'),
        ({"steps": "20"}, 'steps must be a whole number, not "20".'),
        ({"steps": 2.5}, "steps must be a whole number, not 2.5."),
        ({"takes": None}, "takes must be a whole number, not null."),
        ({"takes": MAX_TAKES + 1}, "The number of takes must be between 1 and 8, not 9."),
        ({"text": 5}, "text must be text, not 5."),
        ({"negative": None}, "negative must be text, not null."),
        ({"semantic_scale": "loud"}, 'semantic_scale must be a number, not "loud".'),
        ({"stems": "yes"}, 'stems must be true or false, not "yes".'),
        ({"start_s": "0.1"}, 'start_s must be a number of seconds, not "0.1".'),
        ({"loudness_lufs": True}, "loudness_lufs must be a number, not true."),
    ],
    ids=str,
)
def test_what_is_wrong_is_said_by_name(clip: Path, tmp_path: Path, given: dict, says: str) -> None:
    studio = FakeStudio()
    with pytest.raises(gr.Error) as raised:
        list(Endpoints(Studios(studio), Visits(tmp_path)).dub(str(clip), **given))
    assert says in raised.value.message
    assert studio.analysed == [] and list(tmp_path.iterdir()) == []


def test_the_number_of_takes_is_said_rightly() -> None:
    assert f"takes: 1 to {MAX_TAKES}." in (Endpoints.dub.__doc__ or "")
