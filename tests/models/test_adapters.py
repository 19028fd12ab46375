"""Adapters: nothing at first, then residuals that follow the timeline."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from rhythmic_foley.models.adapters import Adapter, add_residuals, onset_timeline
from rhythmic_foley.models.sizes import TOY, new_semantic_adapter, new_temporal_adapter, new_unet


@pytest.fixture
def inputs() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Latent (2, 4, 16, 64), timestep, tokens (2, 32, 8)."""
    generator = torch.Generator().manual_seed(0)
    return (
        torch.randn(2, 4, 16, 64, generator=generator),
        torch.tensor(500),
        torch.randn(2, 32, 8, generator=generator),
    )


def test_untrained_adapters_change_nothing(inputs: tuple[torch.Tensor, ...]) -> None:
    sample, timestep, tokens = inputs
    unet = new_unet(TOY).eval()
    temporal, semantic = new_temporal_adapter(TOY, unet), new_semantic_adapter(TOY, unet)
    parts = [
        (temporal(sample, timestep, tokens, torch.rand(2, 2, 512)), 1.0),
        (semantic(sample, timestep, torch.rand(2, 7, 16), torch.rand(2, 17, 32)), 1.0),
    ]
    downs, middle = add_residuals(parts)
    with torch.no_grad():
        base = unet(sample, timestep, tokens).sample
        adapted = unet(
            sample, timestep, tokens, down_block_additional_residuals=downs, mid_block_additional_residual=middle
        ).sample
    torch.testing.assert_close(adapted, base, rtol=0, atol=0)


def test_it_starts_as_a_copy_of_the_encoder() -> None:
    unet = new_unet(TOY)
    adapter = new_temporal_adapter(TOY, unet)
    for name, value in unet.unet.down_blocks.state_dict().items():
        assert torch.equal(adapter.controlnet.down_blocks.state_dict()[name], value)
    # Its input is the latent alone, without the tokens that the base finds beside it.
    channels = unet.config.in_channels
    assert torch.equal(adapter.controlnet.conv_in.weight, unet.unet.conv_in.weight[:, :channels])


def test_gradients_reach_the_timeline_from_the_second_step_on(inputs: tuple[torch.Tensor, ...]) -> None:
    """With all connections at zero only they learn; then everything does."""
    sample, timestep, tokens = inputs
    adapter = new_temporal_adapter(TOY, new_unet(TOY))
    optimizer = torch.optim.SGD(adapter.parameters(), lr=0.1)
    for _ in range(3):
        downs, middle = adapter(sample, timestep, tokens, torch.rand(2, 2, 512))
        (sum((down - 1).square().mean() for down in downs) + (middle - 1).square().mean()).backward()
        optimizer.step()
    assert adapter.controlnet.controlnet_cond_embedding.conv1.weight.grad.abs().sum() > 0


def test_no_hits_is_something_else_than_unknown_hits() -> None:
    mask = torch.tensor([[[0.0, 0.5]], [[0.0, 0.0]]])
    timeline = onset_timeline(mask)
    assert timeline.tolist() == [[[0, 0.5], [1, 1]], [[0, 0], [1, 1]]]


def test_residuals_add_up_scaled() -> None:
    one = ([torch.ones(1), 2 * torch.ones(1)], 3 * torch.ones(1))
    two = ([10 * torch.ones(1), torch.zeros(1)], torch.ones(1))
    downs, middle = add_residuals([(one, 1.0), (two, 0.5)])
    assert [d.item() for d in downs] == [6.0, 2.0]
    assert middle.item() == 3.5
    assert add_residuals([]) is None


def test_saved_and_loaded_it_answers_the_same(inputs: tuple[torch.Tensor, ...], tmp_path: object) -> None:
    sample, timestep, tokens = inputs
    adapter = new_temporal_adapter(TOY, new_unet(TOY)).eval()
    for parameter in adapter.parameters():
        nn.init.normal_(parameter, std=0.05)
    adapter.save_pretrained(tmp_path)
    again = Adapter.from_pretrained(tmp_path)
    mask = torch.rand(2, 2, 512)
    with torch.no_grad():
        assert torch.equal(adapter(sample, timestep, tokens, mask)[1], again(sample, timestep, tokens, mask)[1])
