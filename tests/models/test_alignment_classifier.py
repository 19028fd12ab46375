"""Alignment classifier: a score, and the gradient that steers by it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from rhythmic_foley.models.alignment_classifier import AlignmentClassifier


@pytest.fixture(scope="module")
def classifier() -> AlignmentClassifier:
    torch.manual_seed(0)
    return toy().eval()


def toy() -> AlignmentClassifier:
    return AlignmentClassifier(channels=(8, 16, 16), feature_dim=12, attention_heads=2, norm_num_groups=4)


def inputs(batch: int = 2) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    torch.manual_seed(1)
    return torch.randn(batch, 4, 16, 32), torch.tensor(480.52), torch.randn(batch, 33, 12)


@torch.no_grad()
def test_a_logit_for_each_latent(classifier: AlignmentClassifier) -> None:
    latent, timestep, context = inputs()
    logits = classifier(latent, timestep, context)
    assert logits.shape == (2, 1) and logits.isfinite().all()
    alone = torch.cat([classifier(latent[i : i + 1], timestep, context[i : i + 1]) for i in range(2)])
    assert torch.allclose(logits, alone, atol=1e-6)


@torch.no_grad()
def test_it_reads_time_and_picture(classifier: AlignmentClassifier) -> None:
    latent, timestep, context = inputs()
    logits = classifier(latent, timestep, context)
    assert not torch.allclose(logits, classifier(latent, torch.tensor(480), context), atol=1e-6), "fractions count"
    assert not torch.allclose(logits, classifier(latent, timestep, context.flip(0)), atol=1e-6)
    assert torch.allclose(logits, classifier(latent, timestep.expand(2), context))


@torch.inference_mode(False)
@torch.no_grad()
def test_gradient_is_that_of_the_log_probability(classifier: AlignmentClassifier) -> None:
    """Compared with finite differences, in float64, and available where gradients are off."""
    double = AlignmentClassifier.from_config(classifier.config).double().eval()
    double.load_state_dict(classifier.state_dict())
    latent, timestep, context = (value.double() for value in inputs(1))
    gradient = double.gradient(latent, timestep, context)
    assert gradient.shape == latent.shape and not gradient.requires_grad and not latent.requires_grad
    direction = torch.randn_like(latent)

    def log_probability(step: float) -> torch.Tensor:
        return double(latent + step * direction, timestep, context).sigmoid().log().sum()

    slope = (log_probability(1e-4) - log_probability(-1e-4)) / 2e-4
    assert slope.item() == pytest.approx((gradient * direction).sum().item(), rel=1e-4)


def test_following_the_gradient_raises_the_probability(classifier: AlignmentClassifier) -> None:
    latent, timestep, context = inputs()
    with torch.no_grad():
        before = classifier(latent, timestep, context)
        better = latent + classifier.gradient(latent, timestep, context)
        assert (classifier(better, timestep, context) > before).all()


def test_weights_gather_no_gradient(classifier: AlignmentClassifier) -> None:
    classifier.gradient(*inputs())
    assert all(parameter.grad is None for parameter in classifier.parameters())


def test_round_trip(classifier: AlignmentClassifier, tmp_path: Path) -> None:
    classifier.save_pretrained(tmp_path)
    with torch.no_grad():
        assert torch.equal(AlignmentClassifier.from_pretrained(tmp_path)(*inputs()), classifier(*inputs()))


def test_nothing_of_the_decoder_is_kept(classifier: AlignmentClassifier) -> None:
    parts = {key.split(".")[1] for key in classifier.trunk.state_dict(prefix="trunk.")}
    assert parts == {"time_embedding", "conv_in", "down_blocks", "mid_block"}
