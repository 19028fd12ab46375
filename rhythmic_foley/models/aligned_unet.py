"""The embedded base: diffusers' UNet, which is also told its tokens where they are in time.

By cross-attention alone it reads them as a bag, since neither tokens nor latent say where they are, and a small model
learns badly from that what belongs together. The tokens of the embedded model lie on the timeline, so they are
laid on the latent's columns as well.
"""

from __future__ import annotations

from typing import Any

import torch
from diffusers import UNet2DConditionModel
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from diffusers.models.unets.unet_2d_condition import UNet2DConditionOutput

from rhythmic_foley.models.timeline import TimelineEmbedding


class AlignedUNet(ModelMixin, ConfigMixin):
    """UNet whose input is the noisy latent and, as further channels, its own tokens on the latent's columns.

    The layout starts at zero, so that an untrained one changes nothing.

    Args:
        sample_size: (rows, columns) of the latent.
        in_channels: of the latent that goes in and of the answer.
        layout_channels: of the tokens on the latent's columns.
        tokens: in a window; a divisor or a multiple of the columns.
        Others: as in diffusers' UNet.
    """

    @register_to_config
    def __init__(
        self,
        sample_size: tuple[int, int] = (16, 64),
        in_channels: int = 8,
        layout_channels: int = 48,
        tokens: int = 32,
        down_block_types: tuple[str, ...] = ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types: tuple[str, ...] = ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        block_out_channels: tuple[int, ...] = (96, 160, 256),
        layers_per_block: int = 1,
        cross_attention_dim: int = 128,
        attention_head_dim: int = 8,
        norm_num_groups: int = 16,
    ) -> None:
        super().__init__()
        self.unet = UNet2DConditionModel(
            sample_size=sample_size,
            in_channels=in_channels + layout_channels,
            out_channels=in_channels,
            down_block_types=down_block_types,
            up_block_types=up_block_types,
            block_out_channels=block_out_channels,
            layers_per_block=layers_per_block,
            cross_attention_dim=cross_attention_dim,
            attention_head_dim=attention_head_dim,
            norm_num_groups=norm_num_groups,
        )
        self.token_layout = TimelineEmbedding(cross_attention_dim, tokens, tuple(sample_size), layout_channels)

    def forward(
        self, sample: torch.Tensor, timestep: torch.Tensor, tokens: torch.Tensor, **residuals: Any
    ) -> UNet2DConditionOutput:
        """The answer, as diffusers' UNet gives it.

        Args:
            sample: (B, in_channels, rows, columns) noisy latent.
            timestep: scalar or (B,).
            tokens: (B, tokens, cross_attention_dim), in time order.
            residuals: of adapters, by the names of diffusers' UNet.
        """
        layout = self.token_layout(tokens.transpose(1, 2))
        return self.unet(torch.cat([sample, layout], dim=1), timestep, tokens, **residuals)
