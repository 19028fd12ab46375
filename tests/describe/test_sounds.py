"""The table of sounding things: whole, unambiguous, and pooled the way it says."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np
import pytest

from rhythmic_foley.describe.sounds import KINDS, SoundingThing, SoundTable
from rhythmic_foley.values.events import SoundEvent, format_events, parse_events


@pytest.fixture(scope="module")
def table() -> SoundTable:
    return SoundTable.load()


@pytest.fixture
def toy() -> SoundTable:
    things = (
        SoundingThing("puppy", "dog barking", "small", "vocal", 1.0),
        SoundingThing("hound", "dog barking", "large", "vocal", 1.0),
        SoundingThing("cup", "pottery clinking", "", "impulsive", 0.5),
    )
    return SoundTable(things, ("pug", "collie", "teacup", "desk"), ("puppy", "hound", "cup", ""))


def test_every_class_is_named_once(table: SoundTable):
    assert len(table.class_names) == len(table.class_things) == 1000
    assert len(set(table.class_names)) == 1000 and all(name.strip() == name != "" for name in table.class_names)


def test_known_classes_stand_at_their_index(table: SoundTable):
    names = {0: "tench", 7: "cock", 151: "Chihuahua", 541: "drum", 763: "revolver", 999: "toilet paper"}
    assert {index: table.class_names[index] for index in names} == names


def test_every_thing_is_listed_once_and_seen_by_some_class(table: SoundTable):
    things = Counter(thing.thing for thing in table.things)
    assert max(things.values()) == 1
    assert set(table.class_things) - {""} == set(things)


def test_every_row_is_complete(table: SoundTable):
    for thing in table.things:
        assert thing.label.strip() == thing.label != "" and thing.kind in KINDS and 0 < thing.trust <= 1


def test_one_label_has_one_kind(table: SoundTable):
    kinds = defaultdict(set)
    for thing in table.things:
        kinds[thing.label].add(thing.kind)
    assert {label for label, several in kinds.items() if len(several) > 1} == set()
    assert table.kind("gunshot") == "impulsive" and table.kind("dog barking") == "vocal"


def test_every_sound_survives_the_text_field(table: SoundTable):
    events = tuple(SoundEvent(thing.label, thing.detail, 0.5, 2.0) for thing in table.things)
    assert parse_events(format_events(events)) == events


def test_all_dogs_bark(table: SoundTable):
    assert all("dog" in thing for thing in table.class_things[151:269])


def test_probability_of_one_sound_adds_up_over_classes(toy: SoundTable):
    pooled = toy.pool(np.array([[0.3, 0.25, 0.2, 0.25], [0.0, 0.0, 1.0, 0.0]], dtype=np.float32))
    assert toy.labels == ("dog barking", "pottery clinking")
    np.testing.assert_allclose(pooled, [[0.55, 0.1], [0.0, 0.5]], atol=1e-6)


def test_detail_needs_half_of_the_label(toy: SoundTable):
    assert toy.detail("dog barking", np.array([[0.4, 0.1, 0.0, 0.5]], dtype=np.float32)) == "small"
    assert toy.detail("dog barking", np.array([[0.1, 0.4, 0.0, 0.5]], dtype=np.float32)) == "large"
    three = SoundTable(
        (*toy.things, SoundingThing("fox", "dog barking", "hoarse", "vocal", 1.0)),
        toy.class_names,
        ("puppy", "hound", "fox", ""),
    )
    assert three.detail("dog barking", np.array([[0.3, 0.3, 0.3, 0.1]], dtype=np.float32)) == ""
