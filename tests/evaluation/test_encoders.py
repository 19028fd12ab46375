"""Figures of the encoders, on a toy whose answers can be reasoned about."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from sounds import write_library, write_toy_scenes
from toy import toy_pipeline

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.evaluation.encoders import evaluate_encoders, print_encoders
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
    assert 0 <= report.recall_at_1 <= 1
    assert "R@10 | 1.000" in print_encoders(report)


def test_sides_that_agree_find_each_other(tmp_path: Path) -> None:
    """With the event side replaced by the sound's own tokens, each scene finds itself first."""
    write_toy_scenes(tmp_path / "scenes", write_library(tmp_path / "sounds"), embedding_dim=8)
    scenes = SceneSet.load(tmp_path / "scenes")
    pipeline = toy_pipeline()
    tokens = pipeline.aligned_encoder.project_audio(torch.from_numpy(scenes.embeddings).float())
    pipeline.aligned_encoder.encode_events = lambda timeline: tokens
    assert evaluate_encoders(pipeline, scenes).recall_at_1 == 1.0


def test_no_scenes_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(FoleyError, match="no prepared scenes"):
        SceneSet.load(tmp_path)
