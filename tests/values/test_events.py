"""Sound events, their text and JSON, and the event track."""

from __future__ import annotations

import numpy as np
import pytest

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.values.events import (
    UNKNOWN,
    SoundEvent,
    event_track,
    events_from_json,
    events_to_json,
    format_events,
    parse_events,
)


def test_text_is_label_and_detail():
    assert SoundEvent("dog barking", "small, close").text == "dog barking, small, close"
    assert SoundEvent(UNKNOWN).text == "unknown"


@pytest.mark.parametrize(
    "fields, said",
    [
        ({"label": " "}, "name"),
        ({"label": "dog", "start_s": -1.0}, "start"),
        ({"label": "dog", "start_s": 2.0, "end_s": 2.0}, "end after"),
        ({"label": "dog", "confidence": 1.2}, "confidence"),
        ({"label": "dog", "start_s": float("nan")}, "start"),
    ],
)
def test_wrong_events_are_refused_with_a_sentence(fields, said):
    with pytest.raises(FoleyError, match=said):
        SoundEvent(**fields)


@pytest.mark.parametrize(
    "line, event",
    [
        ("0.0-2.5 dog barking (small, close)", SoundEvent("dog barking", "small, close", 0.0, 2.5)),
        ("dog barking", SoundEvent("dog barking")),
        ("  rain (on a tin roof) ", SoundEvent("rain", "on a tin roof")),
        ("3- wind", SoundEvent("wind", start_s=3.0)),
        ("1.5s - 2s: door", SoundEvent("door", start_s=1.5, end_s=2.0)),
        (".5\u20131 hit", SoundEvent("hit", start_s=0.5, end_s=1.0)),
        ("2 dogs", SoundEvent("2 dogs")),
        ("3-piece band", SoundEvent("3-piece band")),
        ("0-2 siren", SoundEvent("siren", end_s=2.0)),
    ],
)
def test_parse_one_line(line, event):
    assert parse_events(line) == (event,)


def test_parse_keeps_order_and_skips_empty_lines():
    assert [event.label for event in parse_events("2-3 b\n\n 0-1 a \n")] == ["b", "a"]
    assert parse_events(" \n ") == ()


@pytest.mark.parametrize(
    "line, said", [("0-2", "names no sound"), ("(loud)", "names no sound"), ("2-1 dog", "end after")]
)
def test_lines_that_say_nothing_are_refused(line, said):
    with pytest.raises(FoleyError, match=said):
        parse_events(line)


def test_format_is_the_inverse_of_parse():
    events = (
        SoundEvent("dog barking", "small", 0.0, 2.5),
        SoundEvent("rain"),
        SoundEvent("wind", "low", 1.125),
        SoundEvent("hit", start_s=10.0, end_s=20.0),
    )
    assert format_events(events).splitlines()[:3] == ["0.0-2.5 dog barking (small)", "rain", "1.125- wind (low)"]
    assert parse_events(format_events(events)) == events
    assert format_events(()) == ""


def test_json_round_trip_is_exact():
    events = (SoundEvent("dog \u00e9", "small", 1 / 3, 2.0, 0.4), SoundEvent(UNKNOWN))
    assert events_from_json(events_to_json(events)) == events


def test_json_reads_what_a_person_writes():
    assert events_from_json('{"describer": "x", "events": [{"label": "a\\n b", "detail": null, "end_s": 1}]}') == (
        SoundEvent("a b", end_s=1.0),
    )
    for wrong in ("", "3", '{"sounds": []}', '[{"name": "dog"}]', '["dog"]', '[{"label": "dog", "start_s": "x"}]'):
        with pytest.raises(FoleyError, match="JSON"):
            events_from_json(wrong)


def test_track_is_one_where_anything_sounds():
    track = event_track([SoundEvent("a", start_s=0.1, end_s=0.3), SoundEvent("b", start_s=0.75)], 10, 10.0)
    assert track.dtype == np.float32
    np.testing.assert_array_equal(track, [0, 1, 1, 0, 0, 0, 0, 1, 1, 1])
    assert event_track([], 4, 10.0).tolist() == [0, 0, 0, 0]
    assert event_track([SoundEvent("late", start_s=9.0, end_s=99.0)], 4, 10.0).tolist() == [0, 0, 0, 0]


def test_a_short_event_marks_at_least_one_frame():
    assert event_track([SoundEvent("click", start_s=0.52, end_s=0.53)], 10, 10.0).sum() == 1
