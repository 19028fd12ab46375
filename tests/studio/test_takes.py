"""Takes on disk, and the ways to make one that start from less than a whole clip: range, fix, stems, reference."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from clips import make_clip
from toy import save_toy_checkpoint

from rhythmic_foley.audio.wav import write_wav
from rhythmic_foley.cli import read_onsets
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.media.reading import probe
from rhythmic_foley.pipeline.window_request import WindowRequest
from rhythmic_foley.runtime.cache import Cache
from rhythmic_foley.studio.studio import Analysis, Controls, Fix, Progress, Studio, Take
from rhythmic_foley.studio.takes import delete_take, read_sound, read_take, rename_take
from rhythmic_foley.values.events import SoundEvent
from rhythmic_foley.values.onsets import Onsets

QUICK = Controls(steps=1, seed=3, events=(SoundEvent("dog barking"),), onsets=Onsets.of([0.25, 0.7]))


@pytest.fixture(scope="module")
def shared_studio(tmp_path_factory: pytest.TempPathFactory) -> Studio:
    folder = save_toy_checkpoint(tmp_path_factory.mktemp("toy"))
    return Studio(folder, cache=Cache(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def studio(shared_studio: Studio, tmp_path: Path) -> Studio:
    """The model is loaded once; each test gets a cache of its own."""
    shared_studio.cache = Cache(tmp_path / "cache")
    return shared_studio


def analyse(studio: Studio, path: Path) -> Analysis:
    *_, analysis = studio.analyse(path, describe=False, find_onsets=False)
    return analysis


def dub(studio: Studio, analysis: Analysis, controls: Controls, out: Path) -> Take:
    (take,) = (item for item in studio.dub(analysis, controls, out) if isinstance(item, Take))
    return take


def samples(path: Path) -> np.ndarray:
    return soundfile.read(path, dtype="int16")[0]


@pytest.fixture
def requests(studio: Studio) -> Iterator[list[dict]]:
    """What the pipeline is asked for, window by window."""
    seen, original = [], studio.pipeline.stream_together

    def spy(requests: Sequence[WindowRequest]):
        seen.extend(map(vars, requests))
        return original(requests)

    studio.pipeline.stream_together = spy
    yield seen
    del studio.pipeline.stream_together


def test_a_take_is_read_back_renamed_and_deleted(studio: Studio, clip: Path, tmp_path: Path) -> None:
    take = dub(studio, analyse(studio, clip), QUICK, tmp_path / "out")
    assert read_take(take.folder) == take
    renamed = rename_take(take, "  Hammer, 2nd/try ")
    assert (renamed.name, renamed.folder) == ("Hammer, 2nd/try", tmp_path / "out" / "Hammer_2nd_try")
    assert not take.folder.exists() and read_take(renamed.folder) == renamed
    assert Controls.from_json(renamed.settings.read_text()) == replace(QUICK, text=None)
    assert rename_take(renamed, "Hammer, 2nd/try").folder == renamed.folder
    with pytest.raises(FoleyError, match="needs a name"):
        rename_take(renamed, " ")
    delete_take(renamed)
    delete_take(renamed)
    assert list((tmp_path / "out").iterdir()) == []


def test_no_other_folder_is_taken_for_a_take_or_deleted(tmp_path: Path, clip: Path) -> None:
    folder = tmp_path / "holiday"
    folder.mkdir()
    (folder / "clip.mp4").write_bytes(clip.read_bytes())
    with pytest.raises(FoleyError, match="holiday is not the folder of a take"):
        read_take(folder)
    with pytest.raises(FoleyError):
        delete_take(Take("holiday", folder, *[folder / "clip.mp4"] * 4, 0, None, Controls()))
    assert (folder / "clip.mp4").exists()


def test_onsets_come_as_table_and_as_what_dub_reads(studio: Studio, clip: Path, tmp_path: Path) -> None:
    onsets = Onsets.of([0.25, 0.7], [1.0, 0.5])
    take = dub(studio, analyse(studio, clip), replace(QUICK, onsets=onsets), tmp_path)
    with open(take.onsets_csv, encoding="utf-8") as file:
        assert list(csv.reader(file)) == [["time_s", "strength"], ["0.25", "1.0"], ["0.7", "0.5"]]
    assert read_onsets(str(take.onsets_json)) == onsets
    assert take.measured.wanted == 2 and (take.mean_error_s is None) == (take.measured.hits == 0)
    assert take.notes == ()  # nothing to say about a picture that was copied


def test_previews_come_when_somebody_looks(studio: Studio, clip: Path, tmp_path: Path) -> None:
    analysis, controls = analyse(studio, clip), replace(QUICK, steps=9)
    quiet = [item for item in studio.dub(analysis, controls, tmp_path) if isinstance(item, Progress)]
    assert all(item.preview is None for item in quiet)
    studio.cache = Cache(tmp_path / "other")
    seen = [item for item in studio.dub(analysis, controls, tmp_path, previews=True) if isinstance(item, Progress)]
    previews = [item.preview for item in seen if item.preview is not None]
    assert [item.message for item in seen] == [item.message for item in quiet]
    assert len(previews) == 2  # after steps 4 and 8
    assert all(p.shape == (128, 62) and p.dtype == np.float32 and 0 <= p.min() <= p.max() <= 1 for p in previews)
    assert not np.array_equal(*previews)


def test_a_fixed_stretch_leaves_the_rest_bit_for_bit(studio: Studio, tmp_path: Path) -> None:
    path = make_clip(tmp_path / "clip.mp4", duration_s=1.5, click_times_s=(0.3,))
    analysis = analyse(studio, path)
    first = dub(studio, analysis, replace(QUICK, keep_original_db=-6.0), tmp_path / "out")
    fix = Fix(first.folder, 0.5, 0.8)
    fixed = dub(studio, analysis, Controls(steps=1, seed=9, fix=fix, loudness_lufs=-40.0), tmp_path / "out")
    before, after = samples(first.wav), samples(fixed.wav)
    rate_hz = soundfile.info(first.wav).samplerate
    changed_s = np.flatnonzero(before != after) / rate_hz
    assert 0.47 <= changed_s[0] < 0.5 and 0.8 < changed_s[-1] <= 0.83
    inside = slice(round(0.5 * rate_hz), round(0.8 * rate_hz))
    assert (before[inside] != after[inside]).mean() > 0.9
    assert rate_hz == analysis.clip.audio_rate_hz

    settings = json.loads(fixed.settings.read_text())
    assert settings["fix"] == {"take": "../clip-seed3", "start_s": 0.5, "end_s": 0.8}
    # Events, onsets and mix are those of the fixed take, and the settings make the same take again.
    assert (settings["events"][0]["label"], settings["loudness_lufs"]) == ("dog barking", QUICK.loudness_lufs)
    studio.cache = Cache(tmp_path / "other")
    again = dub(studio, analysis, Controls.from_json(fixed.settings.read_text(), fixed.folder), tmp_path / "again")
    np.testing.assert_array_equal(samples(again.wav), after)

    # A fix of a fix keeps the first one.
    twice = dub(studio, analysis, Controls(steps=1, seed=5, fix=Fix(fixed.folder, 1.0, 1.2)), tmp_path / "out")
    same = np.flatnonzero(samples(twice.wav) != after) / rate_hz
    assert 0.97 <= same[0] and same[-1] <= 1.23


def test_only_windows_that_the_stretch_touches_are_made(studio: Studio, tmp_path: Path, requests: list[dict]) -> None:
    path = make_clip(tmp_path / "long.mp4", duration_s=9.0, fps=5)
    analysis = analyse(studio, path)
    first = dub(studio, analysis, QUICK, tmp_path)
    requests.clear()
    job = studio.dub(analysis, replace(QUICK, seed=4, fix=Fix(first.folder, 8.5, 9.0)), tmp_path)
    *progress, fixed = job
    (request,) = requests
    latent, anew = request["keep"]
    assert progress[-1].fraction == 1.0
    # The second window begins at 7.168 s, and a column lasts 0.128 s.
    assert np.flatnonzero(anew).tolist() == list(range(10, 15))
    old, new = (read_sound(take)[0].stems[0].latents for take in (first, fixed))
    np.testing.assert_array_equal(latent, old[1])
    np.testing.assert_array_equal(new[0], old[0])
    np.testing.assert_array_equal(new[1][..., :10], old[1][..., :10])
    assert np.abs(new[1][..., 10:15] - old[1][..., 10:15]).min() > 0


def test_what_cannot_be_fixed_is_said(studio: Studio, clip: Path, tmp_path: Path) -> None:
    analysis = analyse(studio, clip)
    take = dub(studio, analysis, QUICK, tmp_path / "out")
    fix = replace(QUICK, fix=Fix(take.folder, 0.2, 0.4))
    with pytest.raises(FoleyError, match="made for another clip"):
        dub(studio, replace(analysis, digest="0"), fix, tmp_path)
    with pytest.raises(FoleyError, match="outside of the take, which goes from 0.00 to 1.00 s"):
        dub(studio, analysis, replace(QUICK, fix=Fix(take.folder, 1.2, 1.4)), tmp_path)
    settings = json.loads(take.settings.read_text())
    take.settings.write_text(json.dumps({**settings, "revision": "older"}))
    with pytest.raises(FoleyError, match="made with another model"):
        dub(studio, analysis, fix, tmp_path)
    take.settings.write_text(json.dumps(settings))
    take.sound.unlink()
    with pytest.raises(FoleyError, match="does not hold what is needed"):
        dub(studio, analysis, fix, tmp_path)
    with pytest.raises(FoleyError, match="is not the folder of a take"):
        dub(studio, analysis, replace(QUICK, fix=Fix(tmp_path / "gone", 0.2, 0.4)), tmp_path)


def test_a_range_is_a_clip_of_its_own(studio: Studio, tmp_path: Path, requests: list[dict]) -> None:
    path = make_clip(tmp_path / "clip.mp4", duration_s=2.0, click_times_s=(0.3, 1.3))
    analysis = analyse(studio, path)
    events = (SoundEvent("dog barking", start_s=0.5, end_s=1.5), SoundEvent("rain", end_s=0.9))
    onsets = Onsets.of([0.3, 1.3, 1.9])
    controls = replace(QUICK, events=events, onsets=onsets, range_s=(1.0, 1.6), keep_original_db=0.0)
    take = dub(studio, analysis, controls, tmp_path / "out")
    (request,) = requests
    assert request["onsets"].times_s == pytest.approx((0.3,))
    assert [(e.label, e.start_s, e.end_s) for e in request["events"]] == [("dog barking", 0.0, pytest.approx(0.5))]
    assert probe(take.video).duration_s == pytest.approx(0.6, abs=0.001)
    assert read_onsets(str(take.onsets_json)).times_s == pytest.approx((0.3,))
    assert take.notes == ()  # it begins on a key frame
    # The original's click is where it was in the picture.
    rate_hz = soundfile.info(take.wav).samplerate
    sound = samples(take.wav)
    assert len(sound) == round(0.6 * rate_hz)
    assert np.argmax(np.abs(sound)) / rate_hz == pytest.approx(0.3, abs=0.01)

    # Settings keep the clip's own times, and make the same take again.
    kept = Controls.from_json(take.settings.read_text())
    assert (kept.onsets, kept.range_s) == (onsets, (1.0, 1.6))
    np.testing.assert_array_equal(samples(dub(studio, analysis, kept, tmp_path / "again").wav), sound)

    elsewhere = dub(studio, analysis, replace(controls, range_s=(0.9, 1.6)), tmp_path / "out")
    assert "does not begin on a key frame" in elsewhere.notes[0]
    fixed = dub(studio, analysis, Controls(steps=1, fix=Fix(take.folder, 1.3, 1.4)), tmp_path / "out")
    changed_s = np.flatnonzero(samples(fixed.wav) != sound) / rate_hz
    assert 0.27 <= changed_s[0] and changed_s[-1] <= 0.43


@pytest.mark.parametrize(("range_s", "sentence"), [((1.5, 3.0), "is 1.00 s long"), ((0.9, 5.0), "at least 0.3 s")])
def test_a_range_outside_the_clip_is_said(
    studio: Studio, clip: Path, tmp_path: Path, range_s: tuple[float, float], sentence: str
) -> None:
    with pytest.raises(FoleyError, match=sentence):
        dub(studio, analyse(studio, clip), replace(QUICK, range_s=range_s), tmp_path)


def test_each_event_alone_is_a_stem(studio: Studio, clip: Path, tmp_path: Path, requests: list[dict]) -> None:
    events = (
        SoundEvent("dog barking", end_s=0.5),
        SoundEvent("engine running"),
        SoundEvent("door/closing", start_s=0.5),
    )
    analysis, controls = analyse(studio, clip), replace(QUICK, events=events)
    *progress, take = studio.dub(analysis, controls, tmp_path)
    assert [stem.name for stem in take.stems] == ["01-dog_barking.wav", "02-engine_running.wav", "03-door_closing.wav"]
    assert [len(samples(stem)) for stem in take.stems] == [len(samples(take.wav))] * 3
    # Each with the hits of its own time, an engine with none; all from the noise of the whole.
    alone = [[event.label for event in request["events"]] for request in requests]
    assert alone == [["dog barking"], ["engine running"], ["door/closing"]]
    hits = [request["onsets"] and request["onsets"].times_s for request in requests]
    assert hits == [(0.25,), None, (0.7,)]
    assert all(np.array_equal(request["noise"], requests[0]["noise"]) for request in requests)
    assert [item.fraction for item in progress][-1] == 1.0
    # The take is their sum to the 16-bit step; a single event is a stem only if that is asked for.
    np.testing.assert_array_equal(sum(samples(stem).astype(int) for stem in take.stems), samples(take.wav))
    assert dub(studio, analysis, QUICK, tmp_path).stems == ()
    (alone,) = dub(studio, analysis, replace(QUICK, stems=True), tmp_path).stems
    assert alone.name == "01-dog_barking.wav"


def test_a_reference_draws_the_sound_towards_itself(studio: Studio, clip: Path, tmp_path: Path) -> None:
    write_wav(tmp_path / "hit.wav", np.sin(np.arange(4000) * 0.3) * np.exp(-np.arange(4000) / 800), 16_000)
    analysis = analyse(studio, clip)
    controls = replace(QUICK, steps=6, reference=tmp_path / "hit.wav")

    def latent(strength: float) -> np.ndarray:
        take = dub(studio, analysis, replace(controls, reference_strength=strength), tmp_path / "out")
        return read_sound(take)[0].stems[0].latents[0]

    wanted, free = latent(0.99), latent(0.0)
    distances = [np.abs(latent(strength) - wanted).mean() for strength in (0.8, 0.2)]
    assert distances[0] < 0.5 * distances[1]
    plain = dub(studio, analysis, replace(controls, reference=None), tmp_path / "out")
    np.testing.assert_array_equal(read_sound(plain)[0].stems[0].latents[0], free)


def test_settings_bring_their_reference_along(studio: Studio, clip: Path, tmp_path: Path) -> None:
    write_wav(tmp_path / "hit.wav", np.random.default_rng(0).standard_normal(2000) * 0.3, 16_000)
    analysis = analyse(studio, clip)
    take = dub(studio, analysis, replace(QUICK, reference=tmp_path / "hit.wav"), tmp_path / "out")
    assert json.loads(take.settings.read_text())["reference"] == "samples/001-hit.wav"
    (tmp_path / "hit.wav").unlink()
    studio.cache = Cache(tmp_path / "other")
    again = dub(studio, analysis, Controls.from_json(take.settings.read_text(), take.folder), tmp_path / "again")
    np.testing.assert_array_equal(samples(again.wav), samples(take.wav))


def test_a_dub_that_was_cut_off_goes_on(studio: Studio, tmp_path: Path, requests: list[dict]) -> None:
    path = make_clip(tmp_path / "long.mp4", duration_s=20.0, fps=5)
    analysis = analyse(studio, path)
    controls = replace(QUICK, onsets=Onsets.of([1.0, 9.0, 19.0]))
    job = studio.dub(analysis, controls, tmp_path)
    while not any("part 2" in next(job).message for _ in [0]):
        pass
    job.close()
    cut_off = len(requests)
    requests.clear()
    dub(studio, analysis, controls, tmp_path)
    assert (cut_off, len(requests)) == (2, 2)  # the first of three windows was finished
    # An onset that moves makes only the window anew that sees it, and the one that joins it to the first.
    requests.clear()
    dub(studio, analysis, replace(controls, onsets=Onsets.of([1.0, 9.0, 18.5])), tmp_path)
    assert len(requests) == 2
