"""Windows made together are the windows that the pipeline makes one by one, with parts of it switched off by name."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from toy import toy_pipeline

from rhythmic_foley.evaluation.experiments.sampling import ABLATIONS, Parts, Request, generate
from rhythmic_foley.values.events import SoundEvent
from rhythmic_foley.values.onsets import Onsets

REQUESTS = (
    Request((SoundEvent("rain", start_s=1.0, end_s=5.0),), Onsets.of([1.0, 3.0], [1.0, 0.4]), 3),
    Request((), Onsets(), 4),
    Request((SoundEvent("knock"), SoundEvent("wind", "far away")), Onsets.of([0.5]), 5),
)


@pytest.fixture(scope="module")
def pipeline():
    return toy_pipeline()


@pytest.mark.parametrize(
    "parts",
    [
        Parts(),
        Parts(semantic_scale=0.0),
        Parts(semantic_scale=0.5, temporal_scale=1.5),
        Parts(temporal_scale=0.0, onset_guidance=1.0),
    ],
)
def test_together_as_one_by_one(pipeline, parts: Parts) -> None:
    together = list(generate(pipeline, REQUESTS, parts, steps=2, guidance_scale=2.0, batch=2))
    assert len(together) == len(REQUESTS)
    for request, sound in zip(REQUESTS, together, strict=True):
        alone = pipeline(
            events=request.events,
            onsets=request.onsets,
            semantic_scale=parts.semantic_scale,
            temporal_scale=parts.temporal_scale,
            onset_guidance=parts.onset_guidance,
            steps=2,
            guidance_scale=2.0,
            generator=torch.Generator().manual_seed(request.seed),
        )
        np.testing.assert_allclose(sound.mel, alone.mel.numpy(), atol=2e-4)
        assert sound.wave.shape == tuple(alone.wave.shape) and sound.sample_rate_hz == pipeline.sample_rate_hz


def test_each_ablation_changes_the_sound(pipeline) -> None:
    mels = {
        name: next(generate(pipeline, REQUESTS[:1], parts, steps=2)).mel.tobytes() for name, parts in ABLATIONS.items()
    }
    assert len(set(mels.values())) == len(ABLATIONS)


def test_without_its_reader_a_condition_does_nothing(pipeline) -> None:
    """The words and the onsets reach the sound through their adapters alone."""
    one, other = (
        Request((SoundEvent("rain", start_s=1.0, end_s=5.0),), Onsets.of(times_s), 3)
        for times_s in ([1.0], [2.0, 4.0])
    )
    first, second = (
        next(generate(pipeline, [request], ABLATIONS["base alone"], steps=2)).mel for request in (one, other)
    )
    np.testing.assert_array_equal(first, second)
