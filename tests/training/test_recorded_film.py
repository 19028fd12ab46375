"""Real film as training clips: targets from the sound, offsets of files, and training on it at toy size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from clips import make_clip

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.evaluation.experiments.film_folds import cross_validate, deal
from rhythmic_foley.models.event_detector import EventDetector
from rhythmic_foley.training.event_detector import data, fit
from rhythmic_foley.training.event_detector.recorded import offset_of, read_film, sounding_track, with_offsets
from rhythmic_foley.vision.onset_detector import RATE_HZ, load_detector

HITS_S = (0.4, 1.0, 1.5)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four clips of two sources; in the last the sounding thing is not seen."""
    folder = tmp_path_factory.mktemp("film")
    (folder / "clips").mkdir()
    lines = ["clip,onsets_s,sync_judgeable,split_key,path"]
    for number, (key, judgeable) in enumerate((("a_1", "yes"), ("a_2", "yes"), ("b_1", "yes"), ("b_2", "no"))):
        name = f"clip{number}"
        make_clip(folder / "clips" / f"{name}.mp4", 2.0, audio="stereo", click_times_s=HITS_S, contact_times_s=HITS_S)
        lines.append(f"{name},{' '.join(map(str, HITS_S))},{judgeable},{key},{name}.mp4")
    (folder / "clips.csv").write_text("\n".join(lines), encoding="utf-8")
    return folder


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = data.draw_clip
    monkeypatch.setattr(data, "draw_clip", lambda seed: draw(seed, rate_hz=12.0, duration_s=1.2))
    monkeypatch.setattr(data, "WINDOW_FRAMES", 24)
    monkeypatch.setattr(fit, "_BATCH", 2)
    monkeypatch.setattr(fit, "_FILM_BATCH", 2)
    monkeypatch.setattr(fit, "_FILM_WINDOW", 24)
    monkeypatch.setattr(fit, "DRAWN_CLIPS", 4)


def test_film_gives_onsets_where_they_are_seen_and_sounding_everywhere(film: Path, tmp_path: Path):
    clips = read_film(film, tmp_path)
    assert [clip.recording for clip in clips] == ["a_1", "a_2", "b_1", "b_2"]
    assert [clip.source for clip in clips] == ["a", "a", "b", "b"]
    seen, unseen = clips[0].example, clips[3].example
    assert seen.targets[round(HITS_S[1] * RATE_HZ), 0] > 0.9 and seen.weights[:, 0].all()
    assert not unseen.weights[:, 0].any() and unseen.weights[:, 1].any()
    assert len(list(tmp_path.glob("*.npz"))) == 4
    assert [again.name for again in read_film(film, tmp_path)] == [clip.name for clip in clips]


def test_a_table_that_cannot_be_read_gives_one_sentence(tmp_path: Path):
    with pytest.raises(FoleyError, match="cannot be read"):
        read_film(tmp_path, tmp_path)
    (tmp_path / "clips.csv").write_text("clip\nx\n", encoding="utf-8")
    with pytest.raises(FoleyError, match="cannot be read"):
        read_film(tmp_path, tmp_path)


def test_something_sounds_while_the_level_is_high():
    rng = np.random.default_rng(0)
    wave = 0.001 * rng.standard_normal(4 * 16_000)
    wave[16_000:32_000] += 0.3 * rng.standard_normal(16_000)
    track = sounding_track(wave, 16_000)
    assert track[31:59].all() and not track[:28].any() and not track[63:].any()
    assert sounding_track(0.1 * rng.standard_normal(16_000), 16_000).all(), "what never pauses sounds throughout"
    assert not sounding_track(np.zeros(16_000), 16_000).any()


def test_a_files_offset_is_found_where_it_stands_out():
    times_s = np.arange(300) / RATE_HZ
    onsets_s = np.array([1.0, 2.3, 2.9, 4.6, 6.1, 7.7])
    seen = data.onset_target(times_s, onsets_s + 0.1)
    assert offset_of([(seen, onsets_s)]) == pytest.approx(0.1, abs=0.017)
    assert offset_of([(data.onset_target(times_s, onsets_s), onsets_s)]) == 0.0
    assert offset_of([(np.random.default_rng(0).random(300), onsets_s)]) == 0.0


def test_targets_move_with_the_offset(film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    later = data.onset_target(np.arange(60) / RATE_HZ, np.array(HITS_S) + 0.1)
    monkeypatch.setattr(fit, "proposal", lambda detector, example: later[: len(example.targets)])
    moved = with_offsets(read_film(film, tmp_path), EventDetector(widths=(4, 6, 8), hidden=12))
    assert moved[0].example.targets[round((HITS_S[1] + 0.1) * RATE_HZ), 0] > 0.8
    assert moved[3].example.targets[round(HITS_S[1] * RATE_HZ), 0] > 0.8, "nothing is known of what is not seen"


def test_training_on_film_leaves_a_calibrated_detector_that_sees_further(film: Path, tmp_path: Path, small: None):
    toy = EventDetector(widths=(4, 6, 8), hidden=12)
    fit.train_event_detector(tmp_path / "checkpoint", tmp_path, 2, clips=4, film=film, detector=toy)
    there = load_detector(tmp_path / "checkpoint")
    assert tuple(there.config.dilations) == fit.FILM_DILATIONS
    assert there.config.motion_share == fit.FILM_MOTION_SHARE
    assert (tmp_path / "event-detector" / "film").is_dir()


def test_recordings_are_dealt_whole_and_evenly(film: Path, tmp_path: Path):
    clips = read_film(film, tmp_path)
    folds = deal(clips, 2)
    assert sorted(recording for fold in folds for recording in fold) == ["a_1", "a_2", "b_1", "b_2"]
    assert [len(fold & {"a_1", "a_2"}) for fold in folds] == [1, 1]


def test_cross_validation_scores_every_judgeable_clip(
    film: Path, tmp_path: Path, small: None, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(fit, "EventDetector", lambda: EventDetector(widths=(4, 6, 8), hidden=12))
    clips, rows = cross_validate(film, tmp_path, 2, steps=1)
    assert [clip.name for clip in clips] == ["clip0", "clip1", "clip2"]
    assert {method: len(of_method) for method, of_method in rows.items()} == {
        "film, cross-validated": 3,
        "drawings alone": 3,
    }
