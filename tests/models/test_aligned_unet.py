"""The embedded base: nothing of the layout at first, then tokens count where they are in time."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from rhythmic_foley.models.aligned_unet import AlignedUNet
from rhythmic_foley.models.sizes import TOY, new_unet

Inputs = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


@pytest.fixture
def inputs() -> Inputs:
    """Latent (2, 4, 16, 64), timestep, tokens (2, 32, 8)."""
    generator = torch.Generator().manual_seed(0)
    return (
        torch.randn(2, 4, 16, 64, generator=generator),
        torch.tensor(500),
        torch.randn(2, 32, 8, generator=generator),
    )


def _trained() -> AlignedUNet:
    torch.manual_seed(0)
    unet = new_unet(TOY).eval()
    nn.init.normal_(unet.token_layout.output.weight)
    return unet


@torch.no_grad()
def test_untrained_the_order_of_tokens_counts_for_nothing(inputs: Inputs) -> None:
    """What cross-attention alone makes of them: a bag."""
    sample, timestep, tokens = inputs
    unet = new_unet(TOY).eval()
    torch.testing.assert_close(
        unet(sample, timestep, tokens).sample, unet(sample, timestep, tokens.flip(1)).sample, rtol=0, atol=1e-5
    )


@torch.no_grad()
def test_tokens_count_where_they_are(inputs: Inputs) -> None:
    sample, timestep, tokens = inputs
    unet = _trained()
    moved = tokens.flip(1)
    assert (unet(sample, timestep, tokens).sample - unet(sample, timestep, moved).sample).abs().max() > 0.01
    one = tokens.clone()
    one[:, 4] += 1
    change = (unet.token_layout(one.mT) - unet.token_layout(tokens.mT)).abs().amax(dim=(0, 1, 2))
    assert set(change.nonzero().flatten().tolist()) <= set(range(6, 12)), "token 4 is on columns 8 and 9"


def test_the_layout_learns(inputs: Inputs) -> None:
    sample, timestep, tokens = inputs
    unet = new_unet(TOY)
    unet(sample, timestep, tokens).sample.square().mean().backward()
    assert unet.token_layout.output.weight.grad.abs().max() > 0


@torch.no_grad()
def test_saved_and_loaded_it_answers_the_same(inputs: Inputs, tmp_path: Path) -> None:
    unet = _trained()
    unet.save_pretrained(tmp_path)
    again = AlignedUNet.from_pretrained(tmp_path).eval()
    assert torch.equal(unet(*inputs).sample, again(*inputs).sample)
