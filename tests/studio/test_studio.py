"""The job, whole, on a toy model: what is proposed, what is written, what is reproducible, what is refused."""

from __future__ import annotations

import json
import weakref
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from clips import make_clip
from torch import nn
from toy import save_toy_checkpoint

from rhythmic_foley.describe.base import Describer, Description
from rhythmic_foley.describe.image_text_to_text import LoadedTalker
from rhythmic_foley.describe.talking import Answer, TalkingDescriber
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.media.reading import probe, read_audio
from rhythmic_foley.models.event_detector import EventDetector
from rhythmic_foley.pipeline.loading import Running, load_pipeline
from rhythmic_foley.pipeline.pipeline import RhythmicFoleyPipeline
from rhythmic_foley.pipeline.window_request import WindowRequest
from rhythmic_foley.runtime.cache import Cache
from rhythmic_foley.studio.dub_plan import drop_onsets_of_sustained
from rhythmic_foley.studio.studio import UNKNOWN_NOTE, Analysis, Controls, Progress, Studio, Take
from rhythmic_foley.studio.takes import rename_take
from rhythmic_foley.values.events import UNKNOWN, SoundEvent, Suggestion
from rhythmic_foley.values.onsets import Onsets
from rhythmic_foley.values.seeds import MAX_SEED

QUICK = Controls(steps=1, seed=3, events=(SoundEvent("dog barking"),), onsets=Onsets.of([0.25, 0.7]))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_toy_checkpoint(tmp_path_factory.mktemp("toy"))


@pytest.fixture(scope="module")
def shared_studio(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Studio:
    """The model is loaded once; each test gets a cache of its own."""
    return Studio(checkpoint, cache=Cache(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def studio(shared_studio: Studio, tmp_path: Path) -> Studio:
    shared_studio.cache = Cache(tmp_path / "cache")
    return shared_studio


def analyse(studio: Studio, path: Path, **what: bool | str) -> Analysis:
    *progress, analysis = studio.analyse(path, **what)
    assert all(isinstance(item, Progress) for item in progress)
    return analysis


def dub(studio: Studio, analysis: Analysis, controls: Controls, out: Path) -> list[Take]:
    return [item for item in studio.dub(analysis, controls, out) if isinstance(item, Take)]


def samples(take: Take) -> np.ndarray:
    return soundfile.read(take.wav, dtype="int16")[0]


def test_analysis_proposes_events_and_onsets(studio: Studio, clip: Path) -> None:
    analysis = analyse(studio, clip)
    assert analysis.clip == probe(clip)
    assert len(analysis.digest) == 64
    assert analysis.events and analysis.describer == "embedded"
    assert len(analysis.curve.times_s) == len(analysis.curve.values) > 10


def test_analysis_is_found_again(studio: Studio, clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = analyse(studio, clip)
    monkeypatch.setattr("rhythmic_foley.studio.studio.read_frames", lambda *a, **k: pytest.fail("looked again"))
    second = analyse(studio, clip)
    assert second.events == first.events and second.onsets == first.onsets
    np.testing.assert_array_equal(second.curve.values, first.curve.values)


def test_a_checkpoint_with_an_event_detector_is_asked_for_onsets(
    studio: Studio, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "with_eyes"
    torch.manual_seed(0)
    EventDetector(widths=(4, 6, 8), hidden=12).save_pretrained(folder / "event_detector")
    by_motion = analyse(studio, clip, describe=False).curve
    monkeypatch.setattr(studio, "folder", folder)
    by_network = analyse(studio, clip, describe=False).curve
    assert np.allclose(np.diff(by_network.times_s), 1 / 30)
    assert not np.array_equal(by_network.values, by_motion.values)
    monkeypatch.setattr("rhythmic_foley.studio.studio.read_frames", lambda *a, **k: pytest.fail("looked again"))
    np.testing.assert_array_equal(analyse(studio, clip, describe=False).curve.values, by_network.values)


def test_only_what_is_asked_is_done(studio: Studio, clip: Path) -> None:
    analysis = analyse(studio, clip, describe=False, find_onsets=False)
    assert analysis.events == () and len(analysis.onsets) == 0 and analysis.notes == ()


def test_a_take_is_video_wav_mel_and_settings(studio: Studio, clip: Path, tmp_path: Path) -> None:
    (take,) = dub(studio, analyse(studio, clip), QUICK, tmp_path / "out")
    assert take.folder == tmp_path / "out" / "clip-seed3"
    assert sorted(p.name for p in take.folder.iterdir()) == [
        "clip-onsets.csv",
        "clip-onsets.json",
        "clip.json",
        "clip.mp4",
        "clip.npz",
        "clip.png",
        "clip.wav",
    ]
    assert [p.name for p in take.folder.parent.iterdir()] == [take.folder.name]
    assert take.mel.read_bytes().startswith(b"\x89PNG")
    assert probe(take.video).has_audio
    sound = read_audio(take.video, 16_000)
    assert np.abs(sound).max() > 0.01
    assert take.measured.wanted == 2


@pytest.mark.parametrize("duration_s", [0.3, 1.0, 9.5])
def test_sound_is_as_long_as_the_picture(studio: Studio, tmp_path: Path, duration_s: float) -> None:
    path = make_clip(tmp_path / "clip.mp4", duration_s=duration_s, fps=30)
    (take,) = dub(studio, analyse(studio, path, describe=False), QUICK, tmp_path / "out")
    assert abs(len(samples(take)) / 16_000 - probe(path).duration_s) < 0.001


def test_same_seed_same_samples_other_seed_another_take(studio: Studio, clip: Path, tmp_path: Path) -> None:
    analysis = analyse(studio, clip)
    (first,) = dub(studio, analysis, QUICK, tmp_path / "a")
    studio.cache = Cache(tmp_path / "other-cache")
    (again,) = dub(studio, analysis, QUICK, tmp_path / "b")
    (other,) = dub(studio, analysis, Controls(**{**vars(QUICK), "seed": 4}), tmp_path / "c")
    np.testing.assert_array_equal(samples(first), samples(again))
    assert not np.array_equal(samples(first), samples(other))


def test_settings_file_gives_the_same_take(studio: Studio, clip: Path, tmp_path: Path) -> None:
    analysis = analyse(studio, clip)
    wanted = Controls(steps=1, text="rain falling", negative="music", temporal_scale=0.5, loudness_lufs=-20.0)
    (first,) = dub(studio, analysis, wanted, tmp_path / "a")
    settings = first.settings.read_text(encoding="utf-8")
    assert json.loads(settings)["clip_sha256"] == analysis.digest
    assert json.loads(settings)["seed"] == first.seed
    studio.cache = Cache(tmp_path / "other-cache")
    (again,) = dub(studio, analysis, Controls.from_json(settings), tmp_path / "b")
    np.testing.assert_array_equal(samples(first), samples(again))


def test_several_takes_count_on_from_the_seed(studio: Studio, clip: Path, tmp_path: Path) -> None:
    takes = dub(studio, analyse(studio, clip), Controls(**{**vars(QUICK), "takes": 2}), tmp_path)
    assert [take.seed for take in takes] == [3, 4]
    assert len({take.folder for take in takes}) == 2


def test_takes_never_overwrite_each_other(studio: Studio, clip: Path, tmp_path: Path) -> None:
    analysis = analyse(studio, clip)
    folders = [dub(studio, analysis, QUICK, tmp_path)[0].folder.name for _ in range(2)]
    assert folders == ["clip-seed3", "clip-seed3-2"]


def test_mix_and_loudness_do_not_generate_again(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_clip(tmp_path / "clip.mp4", click_times_s=(0.25, 0.7))
    analysis = analyse(studio, path)
    (first,) = dub(studio, analysis, QUICK, tmp_path / "a")
    monkeypatch.setattr(type(studio.pipeline), "stream_together", lambda *a, **k: pytest.fail("generated again"))
    louder = Controls(**{**vars(QUICK), "loudness_lufs": -30.0})
    mixed = Controls(**{**vars(QUICK), "keep_original_db": 0.0})
    (quiet,) = dub(studio, analysis, louder, tmp_path / "b")
    (both,) = dub(studio, analysis, mixed, tmp_path / "c")
    assert np.abs(samples(quiet)).max() < np.abs(samples(first)).max()
    # The original's rate is kept with it, and its clicks stand out over the toy's hum.
    assert soundfile.info(both.wav).samplerate == analysis.clip.audio_rate_hz


def test_progress_grows_to_one_and_counts_windows(studio: Studio, tmp_path: Path) -> None:
    path = make_clip(tmp_path / "long.mp4", duration_s=9.0)
    analysis = analyse(studio, path, describe=False, find_onsets=False)
    progress = [item for item in studio.dub(analysis, QUICK, tmp_path) if isinstance(item, Progress)]
    fractions = [item.fraction for item in progress]
    assert fractions == sorted(fractions) and fractions[-1] == 1.0
    assert any("part 2 of 2" in item.message for item in progress)


def test_closing_stops_and_keeps_finished_takes(studio: Studio, clip: Path, tmp_path: Path) -> None:
    job = studio.dub(analyse(studio, clip), Controls(**{**vars(QUICK), "takes": 3}), tmp_path)
    first = next(item for item in job if isinstance(item, Take))
    next(job)
    job.close()
    assert [p.name for p in tmp_path.iterdir() if p.name != "cache"] == [first.folder.name]


def test_onsets_and_events_reach_their_window(studio: Studio, tmp_path: Path) -> None:
    """A window sees its own stretch of the timeline, in its own time."""
    path = make_clip(tmp_path / "long.mp4", duration_s=12.0)
    analysis = analyse(studio, path, describe=False, find_onsets=False)
    seen = []
    original = studio.pipeline.stream_together

    def spy(requests: Sequence[WindowRequest]):
        seen.extend(map(vars, requests))
        return original(requests)

    studio.pipeline.stream_together = spy
    try:
        events = (SoundEvent("wind", start_s=8.0),)
        controls = Controls(steps=1, seed=1, events=events, onsets=Onsets.of([2.0, 7.5, 10.0]))
        dub(studio, analysis, controls, tmp_path)
    finally:
        del studio.pipeline.stream_together
    first, second = seen
    assert first["onsets"].times_s == (2.0, 7.5)
    assert second["onsets"].times_s == pytest.approx((7.5 - 7.168, 10.0 - 7.168))
    assert [(e.label, e.start_s) for e in first["events"]] == [("wind", 8.0)]
    assert [e.label for e in second["events"]] == ["wind"]
    assert second["events"][0].start_s == pytest.approx(8.0 - 7.168)
    # Where windows overlap they start from the same noise.
    np.testing.assert_array_equal(first["noise"][..., 56:], second["noise"][..., :8])


def test_unknown_is_said(studio: Studio, clip: Path, tmp_path: Path) -> None:
    controls = Controls(**{**vars(QUICK), "events": (SoundEvent(UNKNOWN, "please describe"),)})
    seen = replace(
        analyse(studio, clip), suggestions=(Suggestion("rain falling", 0.4), Suggestion("dog barking", 0.2))
    )
    hits = replace(controls, onsets=Onsets.of([0.5]))
    (take,) = dub(studio, replace(seen, suggestions=()), replace(controls, onsets=Onsets()), tmp_path)
    assert UNKNOWN_NOTE in take.notes
    (take,) = dub(studio, seen, replace(controls, onsets=Onsets()), tmp_path)
    assert take.controls.events[0].label == "rain falling" and any('"rain falling"' in note for note in take.notes)
    (take,) = dub(
        studio, replace(seen, suggestions=(*seen.suggestions, Suggestion("hammer hit", 0.1))), hits, tmp_path
    )
    assert take.controls.events[0].label == "hammer hit", "where something hits, the first suggestion that does"


@pytest.mark.parametrize(
    ("said", "note"),
    [
        ({"text": "chien qui aboie"}, "looks French"),
        ({"events": (SoundEvent("hammer, no music"),)}, "Not to be heard"),
        ({"text": "dog barking"}, None),
    ],
)
def test_words_that_the_model_does_not_know_are_said(studio: Studio, said: dict, note: str | None) -> None:
    notes = studio.check_words(replace(QUICK, **said))
    assert any(note in one for one in notes) if note else notes == ()


def test_nothing_is_said_about_the_words_of_a_proposal(studio: Studio) -> None:
    proposed = (SoundEvent("chien qui aboie"),)
    assert studio.check_words(replace(QUICK, events=proposed), proposed) == ()


def test_what_goes_on_without_hits_is_not_chopped(studio: Studio, clip: Path, tmp_path: Path) -> None:
    """Proposed onsets are dropped for an engine, kept for a dog; onsets that a person asks for are always kept."""
    analysis = replace(analyse(studio, clip), onsets=Onsets.of([0.5]))

    def onsets_of(text: str, onsets: Onsets | None = None) -> list[float]:
        controls = Controls(steps=1, seed=1, text=text, onsets=onsets)
        (take,) = dub(studio, analysis, controls, tmp_path)
        return json.loads(take.settings.read_text())["onsets"]["times_s"]

    assert onsets_of("engine running") == []
    assert onsets_of("dog barking") == [0.5]
    assert onsets_of("engine running", Onsets.of([0.25])) == [0.25]


def test_a_doubtful_description_does_not_erase_hits() -> None:
    hits = Onsets.of([0.5, 1.0], [0.9, 0.7])
    engine, dog = "engine running", SoundEvent("dog barking", confidence=0.1)
    assert drop_onsets_of_sustained(hits, (SoundEvent(engine, confidence=0.7),)) == hits
    assert drop_onsets_of_sustained(hits, (SoundEvent(engine, confidence=0.85),)) == Onsets()
    assert drop_onsets_of_sustained(hits, (SoundEvent(engine), dog)) == hits
    assert drop_onsets_of_sustained(hits, ()) == hits


def test_text_overrides_events(studio: Studio, clip: Path, tmp_path: Path) -> None:
    controls = Controls(**{**vars(QUICK), "text": " church bell "})
    (take,) = dub(studio, analyse(studio, clip), controls, tmp_path)
    assert [e["label"] for e in json.loads(take.settings.read_text())["events"]] == ["church bell"]


def test_odd_file_names_stay_inside_the_folder(studio: Studio, tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a b<script>&'..%.mp4")
    (take,) = dub(studio, analyse(studio, path), QUICK, tmp_path / "out")
    assert take.folder.parent == tmp_path / "out"
    assert set(take.video.name) <= set("abcdefghijklmnopqrstuvwxyz_.-0123456789")


@pytest.mark.parametrize("letter", ["\U0001d4d0", "\u96fb", "x"])  # of four, three and one byte
def test_long_names_of_letters_with_many_bytes_can_be_stored(
    letter: str, studio: Studio, clip: Path, tmp_path: Path
) -> None:
    longest = tmp_path / f"{letter * (240 // len(letter.encode()))}.mp4"
    longest.write_bytes(clip.read_bytes())
    takes = dub(studio, analyse(studio, longest), Controls(**{**vars(QUICK), "seed": MAX_SEED, "takes": 2}), tmp_path)
    assert [take.seed for take in takes] == [MAX_SEED, 0]
    assert takes[0].folder.name.startswith(letter * 30)
    renamed = rename_take(takes[0], letter * 60)
    assert renamed.name == letter * 60 and len(renamed.folder.name.encode()) <= 160


def test_a_place_where_so_long_a_name_cannot_be_stored_is_told_before_the_work(
    studio: Studio, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rhythmic_foley.studio.takes._LONGEST_NAME_BYTES", 240)
    monkeypatch.setattr("rhythmic_foley.studio.takes._LONGEST_NAME", 240)
    monkeypatch.setattr(type(studio.pipeline), "stream_together", lambda *a, **k: pytest.fail("worked for nothing"))
    path = tmp_path / f"{'x' * 230}.mp4"
    path.write_bytes(clip.read_bytes())
    with pytest.raises(FoleyError, match=r"cannot be written .*name too long"):
        dub(studio, analyse(studio, path), QUICK, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_large_seeds_sound_unlike_the_small_ones_that_end_alike(studio: Studio, clip: Path, tmp_path: Path) -> None:
    analysis = analyse(studio, clip)

    def wave(seed: int) -> np.ndarray:
        (take,) = dub(studio, analysis, Controls(**{**vars(QUICK), "seed": seed}), tmp_path)
        return samples(take)

    small, large = wave(5), wave(2**32 + 5)
    assert np.array_equal(large, wave(2**32 + 5)) and not np.array_equal(small, large)


@pytest.mark.parametrize(
    ("duration_s", "sentence"), [(0.1, "at least 0.3 s"), (700.0, r"11.7 min long; the limit is 10 min")]
)
def test_too_short_or_too_long_is_refused(studio: Studio, tmp_path: Path, duration_s: float, sentence: str) -> None:
    path = make_clip(tmp_path / "clip.mp4", duration_s=duration_s, fps=10 if duration_s < 1 else 1, size=(32, 32))
    with pytest.raises(FoleyError, match=sentence):
        analyse(studio, path)


def test_unwritable_folder_is_a_sentence(studio: Studio, clip: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(FoleyError, match="cannot be written"):
        dub(studio, analyse(studio, clip), QUICK, tmp_path / "file")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"takes": 0}, "number of takes"),
        ({"seed": -2}, "seed must be"),
        ({"loudness_lufs": 3.0}, "loudness must be"),
        ({"keep_original_db": 40.0}, "gain must be"),
    ],
)
def test_controls_out_of_range_are_refused(change: dict[str, float], sentence: str) -> None:
    with pytest.raises(FoleyError, match=sentence):
        Controls(**change)


def test_controls_survive_json() -> None:
    assert Controls.from_json(QUICK.to_json(model="mini")) == QUICK
    with pytest.raises(FoleyError, match="settings cannot be read"):
        Controls.from_json("[1, 2")


def test_missing_and_damaged_models_are_sentences(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(FoleyError, match='There is no model "nothing"'):
        Studio("nothing")
    broken = save_toy_checkpoint(tmp_path / "broken")
    weights = broken / "unet" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(FoleyError, match="damaged or incomplete"):
        Studio(broken).pipeline  # noqa: B018


class Speaker(Describer):
    """A describer as large ones are: looks, may need a stand-in, and holds memory until it is closed."""

    name, fingerprint, frame_size, is_large = "speaker", "speaker-1", (64, 64), True

    def __init__(self, said: Description) -> None:
        self.said, self.looked, self.closed = said, 0, False

    def look(self, frames: Iterable[tuple[float, np.ndarray]], duration_s: float) -> Description:
        self.looked += 1
        assert all(frame.shape[0] <= 64 and frame.shape[1] <= 64 for _, frame in frames)
        return self.said

    def close(self) -> None:
        self.closed = True


def speaking(checkpoint: Path, tmp_path: Path, describer: object) -> Studio:
    return Studio(checkpoint, cache=Cache(tmp_path / "cache"), describer=describer)


def test_a_describer_of_ones_own_is_asked_once(checkpoint: Path, clip: Path, tmp_path: Path) -> None:
    speaker = Speaker(Description((SoundEvent("dog barking"),), "speaker"))
    studio = speaking(checkpoint, tmp_path, speaker)
    for _ in range(2):
        analysis = analyse(studio, clip)
        assert (analysis.events[0].label, analysis.describer, analysis.notes) == ("dog barking", "speaker", ())
    assert speaker.looked == 1


def test_a_stand_in_is_named_and_not_remembered(checkpoint: Path, clip: Path, tmp_path: Path) -> None:
    speaker = Speaker(Description((SoundEvent("door closing"),), "embedded", ("The speaker said nothing of use.",)))
    studio = speaking(checkpoint, tmp_path, speaker)
    for _ in range(2):
        analysis = analyse(studio, clip)
        assert analysis.describer == "embedded" and analysis.notes == ("The speaker said nothing of use.",)
    assert speaker.looked == 2


class Talker(LoadedTalker):
    """A model that talks, at toy size; notes of everything that is in memory when it is loaded."""

    def __init__(self, living: Callable[[], list[str]]) -> None:
        super().__init__("talker", device="cpu")
        self.living, self.beside = living, []
        self.network: weakref.ref | None = None

    def _load(self) -> nn.Module:
        self.beside.append(self.living())
        network = nn.Linear(4, 4)
        self.network = weakref.ref(network)
        return network

    def _answer(self, picture: np.ndarray, question: str, max_new_tokens: int, max_time_s: float) -> Answer:
        return Answer("1. dog barking: small")


def test_describer_and_sound_are_never_in_memory_together(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The peak is the larger of the two: whichever is loaded, not one parameter of the other is left."""
    unets: list[weakref.ref] = []
    loaded: list[bool] = []

    def load(folder: Path, device: str | None, running: Running) -> RhythmicFoleyPipeline:
        loaded.append(talker.loaded or (talker.network is not None and talker.network() is not None))
        pipeline = load_pipeline(folder, device, running)
        unets.append(weakref.ref(pipeline.unet))
        return pipeline

    talker = Talker(lambda: ["unet" for unet in unets if unet() is not None])
    monkeypatch.setattr("rhythmic_foley.studio.studio.load_pipeline", load)
    studio = speaking(checkpoint, tmp_path, TalkingDescriber(talker, way="sheet"))
    other = studio.beside(checkpoint)
    for number, one in enumerate((studio, other, studio)):
        path = make_clip(tmp_path / f"{number}.mp4", 0.5 + 0.1 * number)  # of which nothing is known yet
        analysis = analyse(one, path)
        assert analysis.describer == "talker" and talker.loaded
        next(item for item in one.dub(analysis, QUICK, tmp_path / "out") if isinstance(item, Take))
        assert not talker.loaded and sum(unet() is not None for unet in unets) == 1
    assert talker.beside == [[], [], []] and loaded == [False, False, False]


def test_a_describer_that_was_not_asked_is_not_loaded(checkpoint: Path, clip: Path, tmp_path: Path) -> None:
    talker = Talker(list)
    studio = speaking(checkpoint, tmp_path, TalkingDescriber(talker))
    assert studio.describers.names == ("talker", "embedded")
    assert analyse(studio, clip, describer="embedded").describer == "embedded"
    assert talker.beside == []
    with pytest.raises(FoleyError, match="choose talker or embedded"):
        analyse(studio, clip, describer="/etc/passwd")


def test_a_describer_by_name_that_is_not_there_is_a_sentence(checkpoint: Path, clip: Path, tmp_path: Path) -> None:
    with pytest.raises(FoleyError):
        analyse(speaking(checkpoint, tmp_path, str(tmp_path / "nothing")), clip)
