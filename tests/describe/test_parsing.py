"""Answers of models become sounds in time, and rubbish is told from answers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rhythmic_foley.describe.parsing import (
    Item,
    finished_part,
    merge_parts,
    parse_answer,
    plausible,
    plausible_items,
    same_sound,
    spread_items,
)


def labels(text: str) -> list[str]:
    return [item.label for item in parse_answer(text).items]


def test_the_reference_cases(shared_dir: Path):
    path = shared_dir / "reference" / "mini_gemini" / "fixtures" / "parse_cases.json"
    for case in json.loads(path.read_text())["cases"]:
        parsed = parse_answer(case["text"])
        wanted = case["expected"]
        assert parsed.source == wanted["source"], case["text"]
        found = [(item.label, item.detail, item.time_s and list(item.time_s)) for item in parsed.items]
        assert found == [(event["sound"], event["detail"], event["time"]) for event in wanted["events"]]
        assert plausible_items(parsed) == parsed.items


def test_a_numbered_list_with_details():
    parsed = parse_answer("Sure!\n\n1. Knock: two knocks on oak\n2. Steps - on snow,\nfar away\n\nEnjoy.")
    assert parsed.source == "list"
    assert parsed.items == (Item("Knock", "two knocks on oak"), Item("Steps", "on snow, far away"))


@pytest.mark.parametrize(
    "line",
    ["1. rain", "(1) rain", "[2] rain", "12: rain", "- rain", "* rain", "\u2022 rain", "  3) **rain**", "1. `rain`"],
)
def test_every_way_to_begin_an_entry(line: str):
    assert labels(line) == ["rain"]


def test_line_ends_of_other_systems_and_left_over_tags():
    assert labels("<h>1. wind</h>\r\n2. rain<end_of_turn>\r3. hail") == ["wind", "rain", "hail"]


def test_times_in_brackets():
    (item,) = parse_answer("1. (0.5 to 2 seconds): Clap | sharp").items
    assert item == Item("Clap", "sharp", (0.5, 2.0))


def test_a_label_keeps_its_hyphens_and_its_later_colons():
    (item,) = parse_answer("- tick-tock: wall clock: old").items
    assert item == Item("tick-tock", "wall clock: old")


def test_repeats_refusals_and_silence_are_dropped_and_eight_are_enough():
    assert labels("1. The dog barks\n2. dog barks!\n3. I cannot hear it\n4. no sound at all\n5. wind") == [
        "The dog barks",
        "wind",
    ]
    assert len(labels("\n".join(f"{i}. sound of {'abcdefghijkl'[i]}" for i in range(12)))) == 8


def test_sentences_where_there_is_no_list():
    parsed = parse_answer("Yes. A man hits a drum!\nPeople cheer")
    assert parsed.source == "sentences"
    assert labels("Yes. A man hits a drum!\nPeople cheer") == ["A man hits a drum", "People cheer"]


@pytest.mark.parametrize(
    "text", ["There is no sound.", "1. Silence", "None", "The scene is silent.", "No audible sounds in this frame."]
)
def test_an_answer_that_says_nothing_sounds(text: str):
    parsed = parse_answer(text)
    assert (parsed.source, parsed.silent) == ("none", True)


@pytest.mark.parametrize("text", ["", "   \n", "I'm sorry, as an AI I can't.", "We can\u2019t know that."])
def test_an_answer_that_says_nothing(text: str):
    assert parse_answer(text) == parse_answer("")


def test_the_background_line_needs_no_number():
    first, second = parse_answer("1. Saw: metal on wood\nBackground sound of the place: birds far away").items
    assert first == Item("Saw", "metal on wood")
    assert second.detail == "birds far away"


@pytest.mark.parametrize(
    "text", ["dog barking", "Footsteps", "a woman sings and plays an old guitar", "\u72ac\u304c\u543c\u3048\u308b"]
)
def test_words_are_plausible(text: str):
    assert plausible(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "?!",
        "12 34 56",
        "the the the the the",
        "aaaaaaa",
        "xkcd qwrtz bngh",
        "w" + "ao" * 20,
        "#a$ %b &c",
        "go " * 40,
    ],
)
def test_rubbish_is_not(text: str):
    assert not plausible(text)


def test_an_answer_that_is_mostly_rubbish_counts_for_nothing():
    assert plausible_items(parse_answer("1. dog\n2. %%%% 77\n3. qqqq")) == ()
    assert plausible_items(parse_answer("1. dog: #### 77\n2. cat")) == (Item("dog"), Item("cat"))


def test_a_line_that_was_cut_off_is_left_out():
    assert finished_part("1. dog\n2. ca") == "1. dog"
    assert finished_part("1. dog and th") == ""


def test_the_same_sound_in_other_words():
    assert same_sound("dog barking", "A dog barks")
    assert same_sound("Footsteps", "footsteps on gravel")
    assert not same_sound("car engine", "car horn")


def test_sounds_without_times_share_the_clip_in_order():
    events = spread_items([Item("a"), Item("b", "", (0.5, 2.0)), Item("c"), Item("background", "wind")], 8.0, 0.7)
    assert [(event.label, event.detail, event.start_s, event.end_s) for event in events] == [
        ("a", "", 0.0, 2.0),
        ("wind", "background", 0.0, None),
        ("b", "", 0.5, 2.0),
        ("c", "", 4.0, 6.0),
    ]
    assert {event.confidence for event in events} == {0.7}


def test_a_time_outside_the_clip_is_not_believed():
    (event,) = spread_items([Item("a", "", (9.0, 12.0))], 4.0, 1.0)
    assert (event.start_s, event.end_s) == (0.0, None)


def test_neighbouring_parts_with_the_same_sound_make_one_event():
    parts = [
        (0, [Item("dog barking"), Item("wind")], 0.8),
        (1, [Item("A dog barks", "small")], 0.6),
        (3, [Item("dog barking")], 0.5),
    ]
    events = merge_parts(parts, 4, 8.0)
    assert [(event.label, event.detail, event.start_s, event.end_s, event.confidence) for event in events] == [
        ("dog barking", "small", 0.0, 4.0, 0.7),
        ("wind", "", 0.0, 2.0, 0.8),
        ("dog barking", "", 6.0, None, 0.5),
    ]


def test_nothing_seen_gives_no_event():
    assert merge_parts([(0, [], 0.0)], 4, 8.0) == ()
    assert spread_items([], 8.0, 1.0) == ()
