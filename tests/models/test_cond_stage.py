"""Cond stage: a linear layer and positions that start anew in every window."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from rhythmic_foley.models.cond_stage import CondStage


@torch.no_grad()
def test_tokens_are_features_plus_position() -> None:
    stage = CondStage(feature_dim=3, context_dim=5, max_tokens=4)
    features = torch.randn(2, 4, 3)
    tokens = stage(features)
    assert tokens.shape == (2, 4, 5)
    linear = stage.embedder[0]
    assert torch.allclose(tokens[1, 2], linear.weight @ features[1, 2] + linear.bias + stage.pos_emb.weight[2])
    assert torch.allclose(stage(features[:, :2]), tokens[:, :2]), "a shorter window counts from 0 as well"


def test_too_long_a_window() -> None:
    with pytest.raises(ValueError, match="at most 4"):
        CondStage(3, 5, 4)(torch.zeros(1, 5, 3))


def test_no_picture_is_zeros_after_the_stage() -> None:
    stage = CondStage(3, 5, 4)
    assert torch.equal(stage.unconditional(2, 3), torch.zeros(2, 3, 5))
    assert not torch.equal(stage(torch.zeros(2, 3, 3)), torch.zeros(2, 3, 5)), "which is not what zero features give"


def test_round_trip(tmp_path: Path) -> None:
    stage = CondStage(3, 5, 4)
    stage.save_pretrained(tmp_path)
    features = torch.randn(1, 2, 3)
    assert torch.equal(CondStage.from_pretrained(tmp_path)(features), stage(features))
    assert list(stage.state_dict()) == ["embedder.0.weight", "embedder.0.bias", "pos_emb.weight"]
