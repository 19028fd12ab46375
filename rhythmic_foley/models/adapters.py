"""The two adapters: trainable copies of the UNet's encoder that read a timeline and add residuals (paper, sec. III).

A copy is diffusers' ControlNet; what is ours is how a timeline gets in. The last convolution of that way and all
connections to the UNet start at zero, so an untrained adapter changes nothing.
"""

from __future__ import annotations

import torch
from diffusers import ControlNetModel, UNet2DConditionModel
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import nn

from rhythmic_foley.models.aligned_unet import AlignedUNet
from rhythmic_foley.models.timeline import TimelineEmbedding

Residuals = tuple[list[torch.Tensor], torch.Tensor]


class Adapter(ModelMixin, ConfigMixin):
    """ControlNet on a timeline; the semantic and the temporal adapter differ only in sizes.

    Args:
        timeline_channels: numbers at each step of the timeline (temporal: 2, see `onset_timeline`; semantic: the
            text embedding of what sounds and whether anything does).
        timeline_length: steps in a window. A multiple of the latent's columns (sub-columns become channels, so that a
            hit is placed finer than a column) or a divisor of it (steps are repeated).
        context_dim: size of the tokens its cross-attention reads, projected to the UNet's own size.
        sample_size: (rows, columns) of the latent.
        Others: as in the UNet.
    """

    @register_to_config
    def __init__(
        self,
        timeline_channels: int,
        timeline_length: int,
        context_dim: int,
        sample_size: tuple[int, int] = (16, 64),
        in_channels: int = 8,
        down_block_types: tuple[str, ...] = ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        block_out_channels: tuple[int, ...] = (80, 160, 240),
        layers_per_block: int = 1,
        cross_attention_dim: int = 128,
        attention_head_dim: int = 8,
        norm_num_groups: int = 16,
    ) -> None:
        super().__init__()
        self.controlnet = ControlNetModel(
            in_channels=in_channels,
            down_block_types=down_block_types,
            mid_block_type="UNetMidBlock2DCrossAttn",
            block_out_channels=block_out_channels,
            layers_per_block=layers_per_block,
            cross_attention_dim=cross_attention_dim,
            attention_head_dim=attention_head_dim,
            norm_num_groups=norm_num_groups,
        )
        self.controlnet.controlnet_cond_embedding = TimelineEmbedding(
            timeline_channels, timeline_length, sample_size, block_out_channels[0]
        )
        self.context_projection = nn.Linear(context_dim, cross_attention_dim)

    @classmethod
    def from_unet(
        cls,
        unet: UNet2DConditionModel | AlignedUNet,
        *,
        timeline_channels: int,
        timeline_length: int,
        context_dim: int,
    ) -> Adapter:
        """An adapter that starts as a copy of the UNet's encoder."""
        config = unet.config
        adapter = cls(
            timeline_channels=timeline_channels,
            timeline_length=timeline_length,
            context_dim=context_dim,
            sample_size=tuple(config.sample_size),
            in_channels=config.in_channels,
            down_block_types=tuple(config.down_block_types),
            block_out_channels=tuple(config.block_out_channels),
            layers_per_block=config.layers_per_block,
            cross_attention_dim=config.cross_attention_dim,
            attention_head_dim=config.attention_head_dim,
            norm_num_groups=config.norm_num_groups,
        )
        encoder = unet.unet if isinstance(unet, AlignedUNet) else unet
        for part in ("time_proj", "time_embedding", "down_blocks", "mid_block"):
            getattr(adapter.controlnet, part).load_state_dict(getattr(encoder, part).state_dict())
        # Of an aligned UNet's input the adapter reads the latent alone.
        adapter.controlnet.conv_in.weight.data.copy_(encoder.conv_in.weight[:, : config.in_channels])
        adapter.controlnet.conv_in.bias.data.copy_(encoder.conv_in.bias)
        if context_dim == config.cross_attention_dim:
            nn.init.eye_(adapter.context_projection.weight)
            nn.init.zeros_(adapter.context_projection.bias)
        return adapter

    def forward(
        self, sample: torch.Tensor, timestep: torch.Tensor, context: torch.Tensor, timeline: torch.Tensor
    ) -> Residuals:
        """Residuals for the UNet.

        Args:
            sample: (B, C, H, W) noisy latent.
            timestep: scalar or (B,).
            context: (B, L, context_dim).
            timeline: (B, timeline_channels, timeline_length).

        Returns:
            Down-block residuals and the middle residual, at strength 1.
        """
        return self.controlnet(
            sample, timestep, self.context_projection(context), timeline, conditioning_scale=1.0, return_dict=False
        )


def onset_timeline(mask: torch.Tensor) -> torch.Tensor:
    """Onset strengths (B, 1, L) as the temporal adapter's timeline (B, 2, L): strengths, and that they are known.

    Zeros in both channels mean that nobody said when something hits; without the second channel that could not be told
    from a stretch where nothing should.
    """
    return torch.cat([mask, torch.ones_like(mask)], dim=1)


def add_residuals(parts: list[tuple[Residuals, float]]) -> Residuals | None:
    """Scaled sum of several adapters' residuals; None if there are none, so that the UNet runs as if alone."""
    total: Residuals | None = None
    for (downs, middle), scale in parts:
        scaled = [down * scale for down in downs], middle * scale
        if total is None:
            total = scaled
        else:
            total = [a + b for a, b in zip(total[0], scaled[0], strict=True)], total[1] + scaled[1]
    return total
