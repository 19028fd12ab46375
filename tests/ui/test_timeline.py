"""The timeline's value: made from an analysis, and read back without trusting it."""

from __future__ import annotations

import base64
import io
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from clips import make_clip, read_index
from PIL import Image
from ui.fake_studio import FakeStudio

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.media.reading import probe
from rhythmic_foley.ui.timeline import (
    OnsetTimeline,
    events_from_value,
    onsets_from_value,
    selection_from_value,
    threshold_from_value,
    timeline_value,
)
from rhythmic_foley.ui.timeline.pictures import filmstrip, waveform
from rhythmic_foley.values.events import SoundEvent
from rhythmic_foley.values.onsets import Onsets
from rhythmic_foley.values.results import Analysis

GOOD = {
    "clip": "x",
    "duration_s": 2.0,
    "fps": 25.0,
    "threshold": 0.4,
    "onsets": [{"time_s": 1.0, "strength": 0.25}, {"time_s": 0.5, "strength": 1}],
    "events": [{"label": " dog  barking ", "detail": "small", "start_s": 0.5, "end_s": None, "confidence": 0.5}],
    "selection": {"start_s": 0.25, "end_s": 1.5},
}


@pytest.fixture
def analysis(clip: Path) -> Analysis:
    *_, found = FakeStudio().analyse(clip)
    return found


def test_value_holds_what_the_analysis_found(analysis: Analysis):
    value = timeline_value(analysis)
    assert json.loads(json.dumps(value)) == value
    assert (value["duration_s"], value["fps"]) == (analysis.clip.duration_s, analysis.clip.fps)
    assert value["threshold"] == value["detected_threshold"] == analysis.threshold
    assert value["curve"]["times_s"] == pytest.approx(list(analysis.curve.times_s), abs=1e-6)
    assert value["curve"]["values"] == pytest.approx(list(analysis.curve.values), abs=1e-6)
    assert onsets_from_value(value, analysis.clip.duration_s) == analysis.onsets
    assert value["detected"] == value["onsets"]
    assert events_from_value(value, analysis.clip.duration_s) == analysis.events
    assert selection_from_value(value, analysis.clip.duration_s) is None


def test_wishes_replace_proposals_but_reset_still_knows_them(analysis: Analysis):
    value = timeline_value(analysis, onsets=Onsets.of([0.1], [0.5]), events=[SoundEvent("rain")], pictures=False)
    assert value["onsets"] == [{"time_s": 0.1, "strength": 0.5}]
    assert [item["time_s"] for item in value["detected"]] == pytest.approx(analysis.onsets.times_s)
    assert [event["label"] for event in value["events"]] == ["rain"]
    assert value["thumbnails"] is None and value["waveform"] is None


def test_a_clip_keeps_its_name(analysis: Analysis):
    names = {timeline_value(analysis, pictures=False)["clip"] for _ in range(2)}
    other = timeline_value(replace(analysis, digest="f" * 64), pictures=False)["clip"]
    assert names == {analysis.digest[:16]} and other not in names


def test_filmstrip_shows_evenly_spaced_pictures(tmp_path: Path):
    path = make_clip(tmp_path / "clip.mp4", 2.0, 25, (320, 180), contact_times_s=(1.0,))
    film = filmstrip(probe(path))
    assert film["count"] == 8 and film["columns"] == 8
    sheet = np.asarray(Image.open(io.BytesIO(base64.b64decode(film["url"].split(",", 1)[1]))))
    assert sheet.shape == (54, 8 * 96, 3)
    brightest = [np.argmax(sheet[:, x * 96 + 40 : x * 96 + 56].mean(axis=(1, 2))) for x in range(8)]
    assert brightest[3] > brightest[0] + 10, "the ball falls until 1 s"
    assert brightest[4] > brightest[7] + 10, "and then rises"


@pytest.mark.parametrize(("size", "width"), [((90, 320), 15), ((640, 90), 120)])
def test_filmstrip_keeps_odd_shapes_small(tmp_path: Path, size: tuple[int, int], width: int):
    film = filmstrip(probe(make_clip(tmp_path / "clip.mp4", 0.5, 25, size)))
    sheet = Image.open(io.BytesIO(base64.b64decode(film["url"].split(",", 1)[1])))
    assert sheet.width == film["columns"] * width
    assert sheet.height <= 54 * math.ceil(film["count"] / film["columns"])


def test_filmstrip_of_a_long_clip_takes_key_frames(tmp_path: Path):
    path = make_clip(tmp_path / "clip.mp4", 128.0, 5, (160, 90), indexed=True)  # a key frame every five seconds
    film = filmstrip(probe(path))
    assert film["count"] == 64
    sheet = np.asarray(Image.open(io.BytesIO(base64.b64decode(film["url"].split(",", 1)[1]))))
    places = [(i // 16 * 54, i % 16 * 96) for i in range(64)]
    shown_s = np.array([read_index(sheet[y : y + 54, x : x + 96]) / 5 for y, x in places])
    wanted_s = np.arange(64) * 2 + 1.0
    assert ((shown_s <= wanted_s + 0.2) & (shown_s > wanted_s - 7)).all()


def test_waveform_shows_the_clicks(tmp_path: Path):
    path = make_clip(tmp_path / "clip.mp4", 2.0, 25, click_times_s=(0.5, 1.5))
    pairs = np.array(waveform(probe(path)))
    assert pairs.shape == (200, 2)
    assert np.abs(pairs).max() == pytest.approx(1, abs=1e-3)
    loud_s = np.flatnonzero(pairs[:, 1] - pairs[:, 0] > 0.5) / 100
    assert {round(time_s, 1) for time_s in loud_s} == {0.5, 1.5}


def test_waveform_of_a_silent_clip_is_none(tmp_path: Path):
    assert waveform(probe(make_clip(tmp_path / "clip.mp4", 0.5, 25))) is None


def test_what_comes_back_is_read():
    assert onsets_from_value(GOOD, 2.0) == Onsets((0.5, 1.0), (1.0, 0.25))
    assert events_from_value(GOOD, 2.0) == (SoundEvent("dog barking", "small", 0.5, None, 0.5),)
    assert threshold_from_value(GOOD) == 0.4
    assert selection_from_value(GOOD, 2.0) == (0.25, 1.5)


def test_lengths_may_differ_by_a_picture():
    late = GOOD | {"onsets": [{"time_s": 2.04}], "selection": {"start_s": 1.0, "end_s": 2.04}}
    assert onsets_from_value(late, 2.0) == Onsets((2.0,), (1.0,))
    assert selection_from_value(late, 2.0) == (1.0, 2.0)


@pytest.mark.parametrize("value", [None, "", [], 3, {}, {"onsets": None}, {"onsets": {}}, {"onsets": [3]}])
def test_what_is_no_value_is_refused_in_a_sentence(value: object):
    for read in (onsets_from_value, events_from_value):
        with pytest.raises(FoleyError, match="describe the clip again"):
            read(value, 2.0)


@pytest.mark.parametrize(
    "onset",
    [
        {},
        {"time_s": "0.5"},
        {"time_s": None},
        {"time_s": True},
        {"time_s": math.nan},
        {"time_s": math.inf},
        {"time_s": -0.1},
        {"time_s": 99.0},
        {"time_s": 0.5, "strength": 1.5},
        {"time_s": 0.5, "strength": -1},
        {"time_s": 0.5, "strength": None},
        {"time_s": 0.5, "strength": [1]},
    ],
)
def test_crafted_onsets_are_refused(onset: dict):
    with pytest.raises(FoleyError, match="timeline"):
        onsets_from_value(GOOD | {"onsets": [onset]}, 2.0)


@pytest.mark.parametrize(
    "change",
    [
        {"label": ""},
        {"label": None},
        {"label": 3},
        {"label": "x" * 1001},
        {"detail": ["x"]},
        {"start_s": -1},
        {"start_s": "0"},
        {"end_s": 0.2},
        {"end_s": 99.0},
        {"confidence": 2},
    ],
)
def test_crafted_events_are_refused(change: dict):
    with pytest.raises(FoleyError):
        events_from_value(GOOD | {"events": [GOOD["events"][0] | change]}, 2.0)


def test_endless_lists_are_refused():
    with pytest.raises(FoleyError, match="limit is 10000"):
        onsets_from_value(GOOD | {"onsets": [{"time_s": 0.5}] * 10_001}, 2.0)


@pytest.mark.parametrize("marked", [3, [0, 1], {}, {"start_s": 1.0, "end_s": 0.5}, {"start_s": 0, "end_s": 99}])
def test_crafted_selections_are_refused(marked: object):
    with pytest.raises(FoleyError):
        selection_from_value(GOOD | {"selection": marked}, 2.0)


@pytest.mark.parametrize("threshold", [None, "0.5", -0.1, 1.1, math.nan])
def test_crafted_thresholds_are_refused(threshold: object):
    with pytest.raises(FoleyError):
        threshold_from_value(GOOD | {"threshold": threshold})


def test_component_travels_alone():
    timeline = OnsetTimeline(video_id="clip")
    sources = timeline.html_template + timeline.css_template + timeline.js_on_load
    assert "http" not in sources, "nothing is fetched from elsewhere"
    # Gradio reads templates as Handlebars and then as JavaScript's, where these mean something.
    for template in (timeline.html_template, timeline.css_template):
        assert not any(mark in template for mark in ("{{", "${", "`", "\\"))
    assert timeline.get_config()["props"] == {"video_id": "clip"}
    assert timeline.preprocess("") is None and timeline.preprocess(GOOD) == GOOD
    timeline_events = {event for event in ("input", "change") if hasattr(timeline, event)}
    assert timeline_events == {"input", "change"}
