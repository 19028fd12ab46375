"""What each stem is made of: the model, samples, or a blend."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from library.hits import RATE_HZ, doors, hit, rain, write
from toy import CHECKPOINT

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.library.opening import LibraryOpener
from rhythmic_foley.library.shelf import SoundLibrary
from rhythmic_foley.runtime.cache import Cache
from rhythmic_foley.studio.sources import asked_source, needs_library, read_samples, with_sources
from rhythmic_foley.studio.stems import StemPlan, lay_samples
from rhythmic_foley.values.controls import Controls
from rhythmic_foley.values.events import UNKNOWN, SoundEvent
from rhythmic_foley.values.onsets import Onsets

DOG = SoundEvent("dog barking")


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return doors(tmp_path_factory.mktemp("sounds") / "doors", 4)


@pytest.fixture(scope="module")
def library(own: Path, tmp_path_factory: pytest.TempPathFactory) -> SoundLibrary:
    *_, library = LibraryOpener(CHECKPOINT, Cache(tmp_path_factory.mktemp("cache"))).open([own])
    return library


def plan(event: SoundEvent = DOG, onsets: Onsets | None = None, **asked: object) -> StemPlan:
    return StemPlan(Controls(**asked), (event,), Onsets.of([0.5]) if onsets is None else onsets, 1)


def test_the_model_makes_what_it_is_asked_for(library: SoundLibrary):
    sourced = with_sources([plan()], None)
    assert (sourced.plans[0].source, sourced.needs_model, sourced.notes) == ("model", True, ())
    assert not needs_library([plan(), plan(source="samples", samples=(Path("a.wav"),))])


def test_auto_takes_samples_where_there_are_any(library: SoundLibrary):
    sourced = with_sources([plan(source="auto"), plan(SoundEvent("violin note"), source="auto")], library)
    assert [one.source for one in sourced.plans] == ["samples", "model"]
    (note,) = sourced.notes
    assert note.startswith("Made: dog barking of ") and note.endswith("of the bank, violin note by the model.")
    assert sourced.needs_model


def test_ones_own_sounds_come_before_the_bank(library: SoundLibrary, own: Path):
    (door,) = with_sources([plan(SoundEvent("wooden door slam"), source="auto")], library).plans
    assert {one.path.parent for one in door.samples} == {own} and len(door.samples) == 4


def test_samples_that_are_asked_for_are_taken_though_far(library: SoundLibrary):
    sourced = with_sources([plan(SoundEvent("violin note"), source="samples")], library)
    assert sourced.plans[0].source == "samples"
    assert 'The nearest samples to "violin note"' in sourced.notes[0]


def test_an_event_has_a_source_of_its_own(library: SoundLibrary):
    assert asked_source(plan(replace(DOG, source="model"), source="samples")) == "model"
    assert asked_source(plan(replace(DOG, source="blend"))) == "blend"
    with pytest.raises(FoleyError, match="one of auto, model, samples, blend"):
        SoundEvent("rain", source="magic")


def test_the_strength_of_a_blend_goes_from_model_to_samples():
    assert asked_source(plan(source="blend", reference_strength=0.0)) == "model"
    assert asked_source(plan(source="blend", reference_strength=1.0)) == "samples"
    assert plan(source="blend", reference_strength=0.25).asked.reference_strength == 0.25


def test_an_older_reference_is_a_blend(own: Path):
    old = Controls.from_json('{"reference": "front_door_00.wav", "reference_strength": 0.3}', own)
    stem = StemPlan(old, (DOG,), Onsets.of([0.5]), 1)
    (sourced,) = with_sources([stem], None).plans
    assert (sourced.source, sourced.new_share, len(sourced.samples)) == ("blend", 0.7, 1)


def test_an_event_that_nobody_knows_is_left_to_the_model(library: SoundLibrary):
    unknown = plan(SoundEvent(UNKNOWN), source="samples")
    sourced = with_sources([unknown], library)
    assert sourced.plans[0].source == "model" and "Nobody knows" in sourced.notes[0]


def test_named_files_are_cut_into_their_hits(tmp_path: Path):
    twice = write(tmp_path, "twice.wav", np.concatenate([hit(1), hit(2)]))
    once = write(tmp_path, "once.flac", hit(3))
    assert [one.path for one in read_samples([twice, once])] == [twice, twice, once]


@pytest.mark.parametrize(
    ("name", "wave", "sentence"),
    [
        ("quiet.wav", np.zeros(8000), "quiet.wav is silent"),
        ("long.wav", np.zeros(61 * 8000), "the limit is 60 s"),
        ("text.wav", None, "not a sound file"),
        ("absent.wav", None, "no file absent.wav"),
    ],
)
def test_what_is_no_hit_is_a_sentence(tmp_path: Path, name: str, wave: np.ndarray | None, sentence: str):
    if wave is not None:
        write(tmp_path, name, wave, 8000)
    elif name == "text.wav":
        (tmp_path / name).write_text("hello")
    with pytest.raises(FoleyError, match=sentence):
        read_samples([tmp_path / name])


def test_without_onsets_a_hit_is_heard_when_its_event_begins(tmp_path: Path):
    path = write(tmp_path, "hit.wav", hit())
    stem = plan(SoundEvent("door", start_s=1.5), Onsets(), source="samples", samples=(path,))
    (sourced,) = with_sources([stem], None).plans
    wave = lay_samples(sourced, RATE_HZ, 3 * RATE_HZ)
    assert np.flatnonzero(np.abs(wave) > 0.1)[0] / RATE_HZ == pytest.approx(1.5, abs=0.001)


def test_a_long_recording_of_ones_own_is_laid_at_the_onsets_unless_it_goes_on(tmp_path: Path):
    path = write(tmp_path, "long.wav", rain(length_s=2.5))
    for label, use in (("gate", "hit"), ("rain falling", "stretch")):
        stem = plan(SoundEvent(label), source="samples", samples=(path,))
        assert with_sources([stem], None).plans[0].samples[0].cut.use == use
