"""Both adapters on Diff-Foley's UNet (at tiny size), which read CLIP's words and the onsets."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import patch

import pytest
import torch
from clip_text import toy_clip
from torch import nn
from torch.nn import functional as F
from weights.fill import det

from rhythmic_foley.models.full_size import new_semantic_adapter, new_temporal_adapter
from rhythmic_foley.pipeline.loading import load_pipeline
from rhythmic_foley.pipeline.pipeline import RhythmicFoleyPipeline
from rhythmic_foley.values.events import SoundEvent
from rhythmic_foley.values.onsets import Onsets
from rhythmic_foley.weights.convert import Conversion
from rhythmic_foley.weights.diff_foley import new_unet

TEXT_DIM = 16
FEATURES = F.normalize(det("cls/feat", (33, 512)), dim=-1)


@pytest.fixture(scope="module")
def pipeline(conversion: Conversion) -> RhythmicFoleyPipeline:
    """The converted base with two new adapters."""
    base = load_pipeline(conversion.folder, device="cpu")
    tokenizer, text_encoder = toy_clip(TEXT_DIM)
    parts = base.components | {
        "tokenizer": tokenizer,
        "text_encoder": text_encoder,
        "semantic_adapter": new_semantic_adapter(base.unet, TEXT_DIM).eval(),
        "temporal_adapter": new_temporal_adapter(base.unet).eval(),
    }
    return RhythmicFoleyPipeline(**parts, default_steps=25, default_guidance_scale=4.5)


def run(pipeline: RhythmicFoleyPipeline, **changes: object) -> torch.Tensor:
    request = {
        "features": FEATURES,
        "noise": det("ldm/x_T", (4, 16, 64)),
        "steps": 1,
        "events": [SoundEvent("dog barking", start_s=1.0, end_s=3.0)],
        "onsets": Onsets.of([1.0, 2.5]),
    } | changes
    with patch.object(pipeline, "decode", lambda latent: torch.zeros(1, 128, 8)):
        return pipeline(**request).latent


def test_new_adapters_leave_the_base_as_it_is_to_the_bit(pipeline: RhythmicFoleyPipeline) -> None:
    base = run(pipeline, semantic_scale=0.0, temporal_scale=0.0)
    assert torch.equal(run(pipeline), base)


@pytest.fixture
def trained(pipeline: RhythmicFoleyPipeline) -> RhythmicFoleyPipeline:
    """As if it were trained: what began at zero is so no longer."""
    torch.manual_seed(0)
    for adapter in (pipeline.semantic_adapter, pipeline.temporal_adapter):
        for parameter in adapter.parameters():
            if not parameter.abs().sum():
                nn.init.normal_(parameter, std=0.1)
    return pipeline


@pytest.mark.parametrize(
    "change",
    [
        {"events": [SoundEvent("rain", start_s=1.0, end_s=3.0)]},
        {"events": [SoundEvent("dog barking", start_s=2.0, end_s=3.0)]},
        {"onsets": Onsets.of([1.016, 2.5])},
        {"onsets": None},
        {"negative": "music"},
        {"semantic_scale": 0.5},
        {"temporal_scale": 0.5},
    ],
    ids=["what", "where", "onset 16 ms later", "onsets unknown", "negative", "semantic strength", "temporal strength"],
)
def test_each_condition_is_heard(trained: RhythmicFoleyPipeline, change: dict[str, object]) -> None:
    assert (run(trained) - run(trained, **change)).abs().max() > 1e-5


def test_saves_and_loads(trained: RhythmicFoleyPipeline, tmp_path: Path) -> None:
    trained.save_pretrained(tmp_path)
    assert torch.equal(run(load_pipeline(tmp_path, device="cpu")), run(trained))


def test_published_size() -> None:
    """As many parameters as a ControlNet of this UNet has, but for how the timeline gets in."""
    with torch.device("meta"):
        adapter = new_temporal_adapter(new_unet())
    own = (adapter.controlnet.controlnet_cond_embedding, adapter.context_projection)
    count, apart = (sum(p.numel() for part in parts for p in part.parameters()) for parts in ((adapter,), own))
    assert count - apart == 361_278_832 - 1_086_192
