"""Figures of the encoders, on a toy whose answers can be reasoned about."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from sounds import write_library, write_toy_scenes
from toy import toy_pipeline

from rhythmic_foley.describe.sounds import SoundTable
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.evaluation.experiments.encoders import (
    evaluate_encoders,
    evaluate_wordings,
    print_encoders,
    print_wordings,
)
from rhythmic_foley.training.encoders import fit_autoencoder
from rhythmic_foley.training.prepare import SceneSet


def test_report(tmp_path: Path) -> None:
    write_toy_scenes(tmp_path / "scenes", write_library(tmp_path / "sounds"), embedding_dim=8)
    scenes = SceneSet.load(tmp_path / "scenes")
    pipeline = toy_pipeline()
    fitted = fit_autoencoder(pipeline.vae, scenes)
    report = evaluate_encoders(pipeline, scenes)
    # The decoder's own part is still zero, so both are the PCA's.
    assert report.mel_error == pytest.approx(report.linear_error) == pytest.approx(fitted, rel=1e-4)
    assert report.scenes == 6 and report.recall_at_10 == 1.0
    assert 0 <= report.recall_at_1 <= 1 and report.picture_recall_at_10 == 1.0
    assert "R@10 | 1.000" in print_encoders(report)


def test_sides_that_agree_find_each_other(tmp_path: Path) -> None:
    """With the event side replaced by the sound's own tokens, each scene finds itself first."""
    write_toy_scenes(tmp_path / "scenes", write_library(tmp_path / "sounds"), embedding_dim=8)
    scenes = SceneSet.load(tmp_path / "scenes")
    pipeline = toy_pipeline()
    tokens = pipeline.aligned_encoder.project_audio(torch.from_numpy(scenes.embeddings).float())
    pipeline.aligned_encoder.encode_events = lambda timeline: tokens
    report = evaluate_encoders(pipeline, scenes)
    assert report.recall_at_1 == report.picture_recall_at_1 == 1.0


def test_picture_names_stand_for_captions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With one name for all pictures nothing can be told apart by it, while captions stay what they were."""
    write_toy_scenes(tmp_path / "scenes", write_library(tmp_path / "sounds"), embedding_dim=8)
    scenes, pipeline = SceneSet.load(tmp_path / "scenes"), toy_pipeline()
    heard = []
    encode = pipeline.aligned_encoder.encode_events
    monkeypatch.setattr(SoundTable, "labels", ("rain",))
    pipeline.aligned_encoder.encode_events = lambda timeline: heard.append(timeline) or encode(timeline)
    evaluate_encoders(pipeline, scenes)
    told, seen = (timeline[..., :-1].flatten(0, 1) for timeline in heard)
    assert len(torch.unique(told, dim=0)) > 2
    assert torch.linalg.matrix_rank(seen.double(), atol=1e-4) == 1


def test_wordings_are_told_apart_from_captions(tmp_path: Path) -> None:
    """An event side that understands captions alone finds the sounds by these and by no wording."""
    write_toy_scenes(tmp_path / "scenes", write_library(tmp_path / "sounds"), embedding_dim=8, count=12)
    scenes, pipeline = SceneSet.load(tmp_path / "scenes"), toy_pipeline()
    audio = pipeline.aligned_encoder.project_audio(torch.from_numpy(scenes.embeddings).float())
    answers = iter((audio, -audio))
    pipeline.aligned_encoder.encode_events = lambda timeline: next(answers)
    report = evaluate_wordings(pipeline, scenes)
    assert (report.captions, report.scenes) == ((1.0, 1.0), 12) and report.kept[0] == 0.0
    assert "| captions find their sound among 12, R@1 | 1.000 (chance 0.083) |" in print_wordings(report)


def test_scenes_without_wordings_are_left_out(tmp_path: Path) -> None:
    write_toy_scenes(tmp_path / "scenes", write_library(tmp_path / "sounds"), embedding_dim=8)
    scenes = SceneSet.load(tmp_path / "scenes")
    own = replace(scenes, names=(*scenes.names[:-1], "a sound of my own"))
    without = (scenes.captions != len(scenes.names) - 1).all(axis=1).sum()
    assert 0 < evaluate_wordings(toy_pipeline(), own).scenes == without < len(scenes.captions)
    with pytest.raises(FoleyError, match="wording that is kept"):
        evaluate_wordings(toy_pipeline(), replace(scenes, names=("mine",) * len(scenes.names)))


def test_no_scenes_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(FoleyError, match="no prepared scenes"):
        SceneSet.load(tmp_path)
