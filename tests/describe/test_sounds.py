"""The table of sounding things: whole, unambiguous, and pooled the way it says."""

from __future__ import annotations

from collections import Counter

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
        SoundingThing("puppy", "dog barking", "small", 1.0),
        SoundingThing("hound", "dog barking", "large", 1.0),
        SoundingThing("cup", "pottery clinking", "", 0.5, also=(("drinking", 0.25),)),
    )
    vocabulary = (("dog barking", "vocal"), ("pottery clinking", "impulsive"), ("drinking", "impulsive"))
    return SoundTable(things, ("pug", "collie", "teacup", "desk"), ("puppy", "hound", "cup", ""), vocabulary)


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
        for label, trust in ((thing.label, thing.trust), *thing.also):
            assert label in table.labels and 0 < trust <= 1
        assert len({thing.label, *dict(thing.also)}) == 1 + len(thing.also)


def test_every_sound_stands_once_in_the_vocabulary_and_has_a_kind(table: SoundTable):
    assert len(set(table.labels)) == len(table.labels)
    assert all(label.strip() == label != "" and kind in KINDS for label, kind in table.vocabulary)
    assert table.kind("gunshot") == "impulsive" and table.kind("dog barking") == "vocal"


def test_every_sound_survives_the_text_field(table: SoundTable):
    events = tuple(SoundEvent(thing.label, thing.detail, 0.5, 2.0) for thing in table.things)
    assert parse_events(format_events(events)) == events


def test_all_dogs_bark(table: SoundTable):
    assert all("dog" in thing for thing in table.class_things[151:269])


def test_probability_of_one_sound_adds_up_over_classes(toy: SoundTable):
    pooled = toy.pool(np.array([[0.3, 0.25, 0.2, 0.25], [0.0, 0.0, 1.0, 0.0]], dtype=np.float32))
    assert toy.labels == ("dog barking", "pottery clinking", "drinking")
    np.testing.assert_allclose(pooled, [[0.55, 0.1, 0.05], [0.0, 0.5, 0.25]], atol=1e-6)


def test_detail_needs_half_of_the_label(toy: SoundTable):
    assert toy.detail("dog barking", np.array([[0.4, 0.1, 0.0, 0.5]], dtype=np.float32)) == "small"
    assert toy.detail("dog barking", np.array([[0.1, 0.4, 0.0, 0.5]], dtype=np.float32)) == "large"
    three = SoundTable(
        (*toy.things, SoundingThing("fox", "dog barking", "hoarse", 1.0)),
        toy.class_names,
        ("puppy", "hound", "fox", ""),
        toy.vocabulary,
    )
    assert three.detail("dog barking", np.array([[0.3, 0.3, 0.3, 0.1]], dtype=np.float32)) == ""
