"""Whatever text people and programs give the readers is answered with its value or with one sentence."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.values.controls import _KINDS, MAX_TAKES, Controls, Fix
from rhythmic_foley.values.events import (
    SoundEvent,
    events_from_data,
    events_from_json,
    events_to_json,
    format_events,
    parse_events,
    read_events,
)
from rhythmic_foley.values.onsets import Onsets
from rhythmic_foley.values.seconds import parse_span
from rhythmic_foley.values.seeds import MAX_SEED, read_seed
from rhythmic_foley.values.tables import read_table

# The same texts each time: what fails here fails everywhere.
settings.register_profile("same", derandomize=True, deadline=None, max_examples=150, database=None)
settings.load_profile("same")

READERS = {
    "onsets": Onsets.parse,
    "onsets file": lambda text: Onsets.read(text, "hits.csv"),
    "onsets JSON": Onsets.from_json,
    "sounds": parse_events,
    "sounds file": lambda text: read_events(text, "sounds.csv"),
    "sounds JSON": events_from_json,
    "settings": Controls.from_json,
    "seed": read_seed,
    "range": parse_span,
    "captions": lambda text: [row.text("caption") for row in read_table(text, ("clip", "caption"), "captions.csv")],
}

numbers = st.one_of(st.integers(), st.floats(allow_nan=True, allow_infinity=True), st.just(10**400))
data = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, st.text(max_size=8)),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["label", "start_s", "end_s", "times_s", "onsets_s", "strengths", "events", "take", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
# Pieces that such texts are made of, in any order.
typed = st.lists(
    st.sampled_from(
        [
            "0",
            "1",
            "12",
            "0,8",
            "1.6",
            ",",
            ", ",
            ";",
            "\n",
            "\r\n",
            " ",
            "-",
            "\u2013",
            ":",
            "s",
            "@",
            ".",
            '"',
            "\ufeff",
        ]
        + ["time_s", "strength", "label", "clip", "caption", "dog", "(", ")", "[", "]", "{", "}", "\t", "nan", "1e9"]
        + ["1" * 400, "\x00", "\ud800", "\u0663", "\U0001f415"]
    ),
    max_size=14,
).map("".join)
texts = st.one_of(st.text(max_size=60), typed, data.map(json.dumps))


def answered(read: Any, given_: Any) -> None:
    """A value, or one sentence that can be shown anywhere."""
    try:
        read(given_)
    except FoleyError as error:
        sentence = str(error)
        assert "\n" not in sentence and len(sentence) < 300 and sentence.endswith((".", '."'))
        sentence.encode("utf-8")


@pytest.mark.parametrize("name", READERS)
@given(text=texts)
@example(text="[" * 100_000)
@example(text='{"onsets": ' + "[" * 100_000 + "]" * 100_000 + "}")
@example(text="9" * 5000)
@example(text="time_s\n" + '"' * 999)
def test_any_text_is_read_or_refused_in_a_sentence(name: str, text: str) -> None:
    answered(READERS[name], text)


@given(value=data)
def test_any_data_is_read_or_refused_in_a_sentence(value: Any) -> None:
    answered(Onsets.from_data, value)
    answered(events_from_data, value)


@pytest.mark.parametrize("name", [field.name for field in fields(Controls)])
@given(value=data)
def test_any_value_of_a_setting_is_read_or_refused_by_name(name: str, value: Any) -> None:
    try:
        Controls.from_json(json.dumps({name: value}))
    except FoleyError as error:
        answered(Controls.from_json, json.dumps({name: value}))
        about = (name, *name.split("_"), "stretch", "original", "onset", "sound", "letter", "confidence", "must")
        assert any(word in str(error).lower() for word in about), error
    answered(lambda one: Controls(**{name: one}), value)


def test_every_setting_has_a_kind() -> None:
    assert set(_KINDS) == {field.name for field in fields(Controls)}


times = st.integers(0, 600_000).map(lambda ms: ms / 1000)
levels = st.integers(0, 1000).map(lambda share: share / 1000)
onsets = st.dictionaries(times, levels, max_size=12).map(lambda pairs: Onsets.of(list(pairs), list(pairs.values())))
words = st.text(st.characters(categories=["L", "Zs"]), min_size=1, max_size=12).map(
    lambda text: " ".join(text.split())
)
labels = words.filter(lambda text: any(letter.isalpha() for letter in text))
events = st.lists(
    st.builds(
        lambda label, detail, start, length: SoundEvent(
            label, detail, start, None if length is None else start + length
        ),
        labels,
        words,
        times,
        st.none() | st.integers(1, 5000).map(lambda ms: ms / 1000),
    ),
    max_size=5,
).map(tuple)


@given(wanted=onsets)
def test_onsets_that_are_written_are_read_again(wanted: Onsets) -> None:
    assert Onsets.parse(wanted.format(strengths=True)) == wanted
    assert Onsets.from_json(wanted.to_json()) == wanted
    assert Onsets.from_data(json.loads(wanted.to_json())) == wanted


@given(
    wanted=onsets.filter(len),
    delimiter=st.sampled_from(",;\t"),
    end=st.sampled_from(["\n", "\r\n"]),
    comma=st.booleans(),
)
def test_onsets_tables_of_all_countries_are_read_right(wanted: Onsets, delimiter: str, end: str, comma: bool) -> None:
    file = io.StringIO()
    table = csv.writer(file, delimiter=delimiter, lineterminator=end)
    table.writerow(["time_s", "strength"])
    for pair in zip(wanted.times_s, wanted.strengths, strict=True):
        table.writerow([str(value).replace(".", ",") if comma else value for value in pair])
    assert Onsets.read("\ufeff" + file.getvalue(), "hits.csv") == wanted


@given(wanted=onsets, separator=st.sampled_from([" ", ", ", "; ", ";", "\n"]))
def test_typed_decimal_commas_are_never_read_as_other_times(wanted: Onsets, separator: str) -> None:
    text = separator.join(f"{time_s:.3f}".replace(".", ",") for time_s in wanted.times_s)
    try:
        assert Onsets.parse(text).times_s == wanted.times_s
    except FoleyError as error:
        assert len(wanted) == 1 and "may separate two times" in str(error)


@given(wanted=events)
def test_sounds_that_are_written_are_read_again(wanted: tuple[SoundEvent, ...]) -> None:
    assert events_from_json(events_to_json(wanted)) == wanted
    read = parse_events(format_events(wanted))
    assert [round(event.start_s, 3) for event in read] == [round(event.start_s, 3) for event in wanted]
    assert [event.label for event in read] == [event.label for event in wanted]


cells = st.text(st.characters(categories=["L", "N", "P", "Zs"]), max_size=12).map(str.strip)


@given(
    rows=st.lists(st.tuples(cells.filter(bool), cells.filter(bool)), max_size=6),
    delimiter=st.sampled_from(",;\t"),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_captions_tables_are_read_right(rows: list[tuple[str, str]], delimiter: str, end: str) -> None:
    file = io.StringIO()
    table = csv.writer(file, delimiter=delimiter, lineterminator=end)
    table.writerows([("clip", "caption"), *rows])
    read = read_table("\ufeff" + file.getvalue(), ("clip", "caption"), "captions.csv")
    assert [(row.text("clip"), row.text("caption")) for row in read] == rows


@given(seed=st.integers(-3, MAX_SEED + 3))
def test_seeds_are_read_exactly_or_refused(seed: int) -> None:
    try:
        assert read_seed(str(seed)) == (None if seed == -1 else seed)
    except FoleyError:
        assert not -1 <= seed <= MAX_SEED


@given(start=times, length=st.integers(1, 10_000).map(lambda ms: ms / 1000), comma=st.booleans())
def test_ranges_are_read_exactly(start: float, length: float, comma: bool) -> None:
    text = f"{start:.3f}-{start + length:.3f}"
    assert parse_span(text.replace(".", ",") if comma else text) == pytest.approx((start, start + length), abs=1e-3)


paths = st.sampled_from(["hit.wav", "dubs/a", "\u96fb/\U0001f415.wav"]).map(Path)
controls = st.builds(
    Controls,
    events=st.none() | events,
    onsets=st.none() | onsets,
    text=st.none() | words,
    negative=words,
    guidance_scale=st.floats(0, 20),
    steps=st.integers(1, 200),
    seed=st.none() | st.integers(0, MAX_SEED),
    takes=st.integers(1, MAX_TAKES),
    keep_original_db=st.none() | st.floats(-60, 12),
    loudness_lufs=st.none() | st.floats(-60, -5),
    range_s=st.none() | st.tuples(st.floats(0, 100), st.floats(101, 500)),
    fix=st.none() | st.builds(Fix, paths, st.floats(0, 1), st.floats(2, 9)),
    reference=st.none() | paths,
    stems=st.booleans(),
)


@given(wanted=controls)
def test_settings_that_are_written_are_read_again(wanted: Controls) -> None:
    assert Controls.from_json(wanted.to_json()) == wanted
