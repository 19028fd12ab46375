"""Diff-Foley's alignment classifier: is a noisy latent in step with the picture, and which way would it be more so."""

from __future__ import annotations

import torch
from diffusers import UNet2DConditionModel
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import nn
from torch.nn import functional as F

from rhythmic_foley.models.cond_stage import CondStage


class AlignmentClassifier(ModelMixin, ConfigMixin):
    """The encoder half of a UNet with a score on top.

    Args:
        channels: of the three levels; the first has no cross-attention.
        in_channels: of the latent.
        feature_dim: size of a CAVP feature, which cross-attention reads without a cond stage in between.
        attention_heads: heads at every level.
        norm_num_groups: groups of the normalisations.
        max_tokens: positions of the cond stage.
    """

    @register_to_config
    def __init__(
        self,
        channels: tuple[int, int, int] = (128, 256, 256),
        in_channels: int = 4,
        feature_dim: int = 512,
        attention_heads: int = 8,
        norm_num_groups: int = 32,
        max_tokens: int = 40,
    ) -> None:
        super().__init__()
        self.trunk = _unet_encoder(channels, in_channels, feature_dim, attention_heads, norm_num_groups)
        self.norm_out = nn.GroupNorm(norm_num_groups, channels[-1])
        self.conv_out = nn.Conv2d(channels[-1], channels[0], 3, padding=1)
        self.score = nn.Linear(channels[0], 1)
        # Used when it was trained and in the alignment metric; guidance as published reads the features directly.
        self.cond_stage = CondStage(feature_dim, feature_dim, max_tokens)

    def forward(self, latent: torch.Tensor, timestep: torch.Tensor, context: torch.Tensor) -> torch.Tensor:
        """Logit of "in step with the picture".

        Args:
            latent: (B, C, H, W) noisy.
            timestep: scalar or (B,), may lie between two steps.
            context: (B, L, feature_dim). For guidance CAVP features, those of the whole clip in every window as
                published; for the metric `cond_stage` of a window's.

        Returns:
            (B, 1); its sigmoid is the probability.
        """
        timestep = torch.as_tensor(timestep, device=latent.device).expand(len(latent))
        time = self.trunk.time_embedding(self.trunk.time_proj(timestep).to(latent.dtype))
        x = self.trunk.conv_in(latent)
        for block in self.trunk.down_blocks:
            if getattr(block, "has_cross_attention", False):
                x, _ = block(hidden_states=x, temb=time, encoder_hidden_states=context)
            else:
                x, _ = block(hidden_states=x, temb=time)
        x = self.trunk.mid_block(x, time, encoder_hidden_states=context)
        x = self.conv_out(F.silu(self.norm_out(x)))
        return self.score(x.mean(dim=(2, 3)))

    @torch.enable_grad()
    def gradient(self, latent: torch.Tensor, timestep: torch.Tensor, context: torch.Tensor) -> torch.Tensor:
        """Gradient of the log-probability by the latent, (B, C, H, W); arguments as for `forward`.

        Double guidance takes it from the noise prediction after classifier-free guidance:
        ``eps - scale * sigma * gradient`` with sigma from `schedulers.noise_level` (published scale: 50).
        """
        latent = latent.detach().requires_grad_()
        log_probability = F.logsigmoid(self(latent, timestep, context))
        return torch.autograd.grad(log_probability.sum(), latent)[0]


def _unet_encoder(
    channels: tuple[int, ...], in_channels: int, context_dim: int, heads: int, groups: int
) -> UNet2DConditionModel:
    unet = UNet2DConditionModel(
        in_channels=in_channels,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        block_out_channels=tuple(channels),
        layers_per_block=1,
        cross_attention_dim=context_dim,
        attention_head_dim=heads,
        norm_num_groups=groups,
    )
    del unet.up_blocks, unet.conv_norm_out, unet.conv_act, unet.conv_out
    return unet
