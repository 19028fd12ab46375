"""Tiny published files, converted, through the ordinary pipeline."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
import torch
from torch.nn import functional as F
from weights.fill import det
from weights.sampling import Networks, relative_l2, trajectory

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.models.cavp import frames_to_video
from rhythmic_foley.models.vocoder import GriffinLim
from rhythmic_foley.pipeline.loading import load_pipeline
from rhythmic_foley.pipeline.pipeline import RhythmicFoleyPipeline
from rhythmic_foley.schedulers import UnroundedDPMSolver, ddim, plms
from rhythmic_foley.values.events import SoundEvent
from rhythmic_foley.values.onsets import Onsets
from rhythmic_foley.weights.convert import Conversion

NOISE = det("ldm/x_T", (1, 4, 16, 64))
FEATURES = F.normalize(det("cls/feat", (1, 33, 512)), dim=-1)


@pytest.fixture(scope="module")
def pipeline(conversion: Conversion) -> RhythmicFoleyPipeline:
    pipeline = load_pipeline(conversion.folder, device="cpu")
    assert isinstance(pipeline.vocoder, GriffinLim)
    pipeline.vocoder = GriffinLim(iterations=1)
    return pipeline


def run(pipeline: RhythmicFoleyPipeline, **changes: object) -> torch.Tensor:
    """The latent of a short run. It is not decoded, which would take longer than all of the steps."""
    request = {"features": FEATURES[0], "noise": NOISE[0], "steps": 2} | changes
    with patch.object(pipeline, "decode", lambda latent: torch.zeros(1, 128, 8)):
        return pipeline(**request).latent


def test_asks_for_the_picture_and_has_the_published_defaults(pipeline: RhythmicFoleyPipeline) -> None:
    assert pipeline.needs_video
    assert (pipeline.default_steps, pipeline.default_guidance_scale) == (25, 4.5)
    assert pipeline.semantic_adapter is None and pipeline.temporal_adapter is None
    with pytest.raises(FoleyError, match="from the picture and was given none"):
        run(pipeline, features=None)


@pytest.mark.parametrize("classifier_scale", [0.0, 50.0])
@pytest.mark.parametrize("scheduler", ["dpm", "ddim", "plms"])
def test_follows_the_published_sampling(
    scheduler: str, classifier_scale: float, pipeline: RhythmicFoleyPipeline, networks: Networks
) -> None:
    schedulers = {"dpm": UnroundedDPMSolver.published, "ddim": ddim, "plms": plms}
    pipeline.scheduler, own = schedulers[scheduler](), pipeline.scheduler
    try:
        if scheduler == "plms" and classifier_scale:
            with pytest.raises(FoleyError, match="cannot guide the PLMS sampler"):
                run(pipeline, classifier_scale=classifier_scale)
            return
        found = run(pipeline, steps=2, classifier_scale=classifier_scale)
        wanted = trajectory(
            networks, schedulers[scheduler](), 2, NOISE, FEATURES, double_guidance=classifier_scale > 0
        )[-1]
    finally:
        pipeline.scheduler = own
    assert relative_l2(found, wanted[0].numpy()) < 1e-6


def test_the_mel_is_taken_as_it_is(pipeline: RhythmicFoleyPipeline, networks: Networks) -> None:
    output = pipeline(features=FEATURES[0], noise=NOISE[0], steps=2)
    with torch.no_grad():
        wanted = networks.vae.decode(output.latent[None] / networks.vae.config.scaling_factor).sample[0, 0]
    assert torch.allclose(output.mel, wanted, atol=1e-5)
    assert output.mel.min() < 0
    assert output.wave.shape == (131_072,) and torch.isfinite(output.wave).all()


def test_each_window_sees_its_own_stretch(pipeline: RhythmicFoleyPipeline) -> None:
    """Counted on the clip's time: 7.168 s is nearest to feature 29. After the end the last picture stays."""
    clip = F.normalize(det("clip", (45, 512)), dim=-1)
    later = torch.cat([clip[29:], clip[-1:].expand(16, -1)])
    assert torch.equal(run(pipeline, features=clip, start_s=7.168), run(pipeline, features=later))
    assert not torch.equal(run(pipeline, features=clip), run(pipeline, features=later))


def test_a_clip_shorter_than_a_window(pipeline: RhythmicFoleyPipeline) -> None:
    short = torch.cat([FEATURES[0, :3], FEATURES[0, 2:3].expand(29, -1)])
    assert torch.equal(run(pipeline, features=FEATURES[0, :3]), run(pipeline, features=short))


def test_what_has_no_adapter_is_left_out(pipeline: RhythmicFoleyPipeline) -> None:
    told = {"events": [SoundEvent("dog barking")], "onsets": Onsets.of([1.0]), "negative": "music"}
    assert torch.equal(run(pipeline), run(pipeline, **told))


def test_features_of_a_picture(pipeline: RhythmicFoleyPipeline) -> None:
    """In chunks of 10 s, as published."""
    frames = np.random.default_rng(0).integers(0, 256, (42, 20, 30, 3), dtype=np.uint8)
    found = pipeline.encode_video(iter(frames))
    with torch.no_grad():
        wanted = pipeline.cavp.encode_video(frames_to_video(torch.from_numpy(frames)))
    assert found.shape == (42, 512)
    assert torch.allclose(found, wanted[0], atol=1e-6)


def test_without_the_classifiers_file(
    pipeline: RhythmicFoleyPipeline, conversion: Conversion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "classifier", None)
    with pytest.raises(FoleyError, match="came without a classifier"):
        run(pipeline, classifier_scale=50.0)
    assert torch.isfinite(run(pipeline)).all()


def test_saves_and_loads(pipeline: RhythmicFoleyPipeline, tmp_path: Path) -> None:
    pipeline.save_pretrained(tmp_path)
    again = load_pipeline(tmp_path, device="cpu")
    assert again.default_steps == 25 and again.aligned_encoder is None
    assert torch.equal(run(pipeline), run(again))
