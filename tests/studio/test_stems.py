"""A take is the sum of its events' stems, which samples and the model make, and a fix goes stem by stem."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from clips import make_clip
from library.hits import doors
from toy import save_toy_checkpoint

from rhythmic_foley.audio.onset_detection import attack_times
from rhythmic_foley.runtime.cache import Cache
from rhythmic_foley.studio.dub_plan import DubPlan, Stretch
from rhythmic_foley.studio.stems import split_into_stems
from rhythmic_foley.studio.studio import Analysis, Controls, Fix, Studio, Take
from rhythmic_foley.values.events import UNKNOWN, SoundEvent
from rhythmic_foley.values.interval import Interval
from rhythmic_foley.values.onsets import Onsets

DOG, RAIN = SoundEvent("dog barking"), SoundEvent("rain falling")
ONSETS = Onsets.of([0.25, 0.8, 1.4])
QUICK = Controls(steps=1, seed=3, onsets=ONSETS)


@pytest.fixture(scope="module")
def shared_studio(tmp_path_factory: pytest.TempPathFactory) -> Studio:
    return Studio(save_toy_checkpoint(tmp_path_factory.mktemp("toy")), cache=Cache(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def studio(shared_studio: Studio, monkeypatch: pytest.MonkeyPatch) -> Studio:
    return shared_studio


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("clips") / "clip.mp4", duration_s=2.0)


@pytest.fixture
def analysis(studio: Studio, long_clip: Path) -> Analysis:
    *_, analysis = studio.analyse(long_clip, describe=False, find_onsets=False)
    return analysis


@pytest.fixture
def no_model(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fails whoever loads the model."""

    def refuse(*_: object) -> None:
        raise AssertionError("the model was loaded")

    studio.__dict__.pop("pipeline", None)
    monkeypatch.setattr("rhythmic_foley.studio.studio.load_pipeline", refuse)
    yield
    studio.__dict__.pop("pipeline", None)


def dub(studio: Studio, analysis: Analysis, controls: Controls, out: Path) -> Take:
    (take,) = (item for item in studio.dub(analysis, controls, out) if isinstance(item, Take))
    return take


def steps(path: Path) -> np.ndarray:
    """Samples in 16-bit steps."""
    return soundfile.read(path, dtype="int16")[0].astype(int)


def split(*events: SoundEvent, onsets: Onsets = ONSETS) -> list[tuple[str, tuple[float, ...]]]:
    plan = DubPlan(Controls(), events, onsets, 1, Stretch(Path("clip.mp4"), Interval(0.0, 2.0)))
    return [(stem.label, stem.onsets.times_s) for stem in split_into_stems(plan)]


def test_each_event_has_the_onsets_of_its_own_time():
    early, late = replace(DOG, end_s=0.5), SoundEvent("door closing", start_s=0.5)
    assert split(early, late) == [("dog barking", (0.25,)), ("door closing", (0.8, 1.4))]
    assert split(DOG, RAIN) == [("dog barking", ONSETS.times_s), ("rain falling", ())]
    assert split(DOG) == [("dog barking", ONSETS.times_s)]
    assert split(DOG, SoundEvent(UNKNOWN)) == [("dog barking", ONSETS.times_s), (UNKNOWN, ONSETS.times_s)]
    assert split(SoundEvent(UNKNOWN), SoundEvent(UNKNOWN)) == [(UNKNOWN, ONSETS.times_s)]


def test_an_onset_outside_of_every_event_goes_to_the_nearest_that_hits():
    early, late = replace(DOG, end_s=0.5), SoundEvent("door closing", start_s=1.2, end_s=1.5)
    assert split(early, late) == [("dog barking", (0.25, 0.8)), ("door closing", (1.4,))]


def test_samples_alone_need_no_model_and_say_whom_they_are_owed_to(studio, analysis, tmp_path, no_model):
    controls = replace(QUICK, events=(DOG, RAIN), source="samples", takes=1)
    take = dub(studio, analysis, controls, tmp_path)
    assert [path.name for path in take.stems] == ["01-dog_barking.wav", "02-rain_falling.wav"]
    np.testing.assert_array_equal(sum(map(steps, take.stems)), steps(take.wav))
    assert soundfile.info(take.wav).samplerate == 44_100
    dog, rate_hz = soundfile.read(take.stems[0])
    np.testing.assert_allclose(attack_times(dog, rate_hz).times_s[0], 0.25, atol=0.02)
    assert "OpenClonk" in take.credits.read_text() or "openclonk" in take.credits.read_text()
    assert any(note.startswith("Credit ") for note in take.notes)
    assert any(note.startswith("Made: dog barking of ") for note in take.notes)
    # The settings make the same take again.
    again = dub(studio, analysis, Controls.from_json(take.settings.read_text(), take.folder), tmp_path)
    np.testing.assert_array_equal(steps(again.wav), steps(take.wav))
    assert "revision" not in json.loads(take.settings.read_text())


def test_ones_own_door_is_at_every_onset(studio, analysis, tmp_path, no_model):
    folder = doors(tmp_path / "doors")
    controls = replace(QUICK, text="wooden door slam", source="auto", library=(folder,))
    take = dub(studio, analysis, controls, tmp_path / "out")
    wave, rate_hz = soundfile.read(take.wav)
    np.testing.assert_allclose(attack_times(wave, rate_hz).times_s, ONSETS.times_s, atol=0.001)
    assert "20 samples of your own" in " ".join(take.notes)
    assert "your own recording" in take.credits.read_text()


def test_model_and_samples_are_added(studio, analysis, tmp_path):
    events = (replace(DOG, source="samples"), replace(RAIN, source="model"))
    take = dub(studio, analysis, replace(QUICK, events=events), tmp_path)
    np.testing.assert_array_equal(sum(map(steps, take.stems)), steps(take.wav))
    assert steps(take.stems[1]).any()


def test_faders_change_the_mix_and_make_nothing_anew(studio, analysis, tmp_path):
    events = (DOG, SoundEvent("door closing"))
    flat = replace(QUICK, events=events, loudness_lufs=None)
    plain = dub(studio, analysis, flat, tmp_path)
    softer = (replace(DOG, gain_db=-6.0), replace(events[1], muted=True))
    studio.__dict__.pop("pipeline").stream_together = None  # whoever generates now fails
    mixed = dub(studio, analysis, replace(flat, events=softer), tmp_path)
    assert not steps(mixed.stems[1]).any()
    np.testing.assert_allclose(steps(mixed.stems[0]), steps(plain.stems[0]) * 10 ** (-6 / 20), atol=1.01)
    np.testing.assert_array_equal(sum(map(steps, mixed.stems)), steps(mixed.wav))


def test_a_fix_makes_the_stretch_of_each_stem_anew(studio, analysis, tmp_path):
    events = (replace(DOG, source="samples"), replace(RAIN, source="samples"))
    take = dub(studio, analysis, replace(QUICK, events=events), tmp_path)
    fixed = dub(studio, analysis, Controls(seed=9, fix=Fix(take.folder, 0.7, 1.2)), tmp_path)
    np.testing.assert_array_equal(sum(map(steps, fixed.stems)), steps(fixed.wav))
    for old, new in zip(take.stems, fixed.stems, strict=True):
        changed_s = np.flatnonzero(steps(old) != steps(new)) / 44_100
        assert len(changed_s) and 0.66 < changed_s[0] and changed_s[-1] < 1.24


def test_a_fix_may_bring_another_event(studio, analysis, tmp_path):
    events = (replace(DOG, source="samples"), replace(RAIN, source="samples"))
    take = dub(studio, analysis, replace(QUICK, events=events), tmp_path)
    door = SoundEvent("wooden door closing", source="samples")
    asked = Controls(seed=9, events=(events[1], door), onsets=ONSETS, fix=Fix(take.folder, 0.7, 1.2))
    fixed = dub(studio, analysis, asked, tmp_path)
    assert [path.stem[3:] for path in fixed.stems] == ["dog_barking", "rain_falling", "wooden_door_closing"]
    dog, _, slam = map(steps, fixed.stems)
    assert not dog[round(0.71 * 44_100) : round(1.19 * 44_100)].any() and dog[: round(0.5 * 44_100)].any()
    assert slam[round(0.8 * 44_100) : round(0.9 * 44_100)].any() and not slam[: round(0.6 * 44_100)].any()


def test_samples_and_their_settings_travel_with_a_take(studio, analysis, tmp_path, no_model):
    folder = doors(tmp_path / "doors", 2)
    event = SoundEvent("gate", source="samples", samples=tuple(sorted(folder.iterdir())))
    take = dub(studio, analysis, replace(QUICK, events=(event,)), tmp_path / "out")
    assert len(list((take.folder / "samples").iterdir())) == 2
    for path in folder.iterdir():
        path.unlink()
    again = dub(studio, analysis, Controls.from_json(take.settings.read_text(), take.folder), tmp_path / "again")
    np.testing.assert_array_equal(steps(again.wav), steps(take.wav))
