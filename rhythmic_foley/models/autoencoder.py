"""The small mel autoencoder: a linear encoder found by PCA, and a decoder that starts there and learns the rest."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.autoencoders.vae import DecoderOutput
from diffusers.models.modeling_utils import ModelMixin
from diffusers.utils.accelerate_utils import apply_forward_hook
from torch import nn
from torch.nn import functional as F

PATCH = 8


@dataclass(frozen=True)
class PointDistribution:
    """The posterior of a deterministic encoder: a single point, behind the interface of diffusers' autoencoders."""

    point: torch.Tensor

    def mode(self) -> torch.Tensor:
        return self.point

    def sample(self, generator: torch.Generator | None = None) -> torch.Tensor:
        return self.point


@dataclass(frozen=True)
class EncoderOutput:
    latent_dist: PointDistribution


class MelAutoencoder(ModelMixin, ConfigMixin):
    """Log-mel pictures to latents 8 times smaller in time and mel, and back.

    The encoder projects each 8x8 patch on the first principal components of such patches, scaled so that the latent
    has unit variance; it is fixed once found, so a better decoder never makes a trained diffusion model obsolete.

    Args:
        latent_channels: principal components kept for a patch.
        width: channels of the decoder's residual blocks.
        depth: how many of them.
    """

    @register_to_config
    def __init__(
        self,
        in_channels: int = 1,
        latent_channels: int = 8,
        width: int = 160,
        depth: int = 4,
        scaling_factor: float = 1.0,
    ) -> None:
        super().__init__()
        self.encoder = nn.Conv2d(1, latent_channels, PATCH, PATCH)
        self.linear_decoder = nn.ConvTranspose2d(latent_channels, 1, PATCH, PATCH)
        self.project = nn.Conv2d(latent_channels, width, 3, padding=1)
        self.blocks = nn.Sequential(*(_ResidualBlock(width) for _ in range(depth)))
        self.detail = nn.ConvTranspose2d(width, 8, PATCH // 2, PATCH // 2)
        self.finish = nn.ConvTranspose2d(8, 1, 4, 2, padding=1)
        nn.init.zeros_(self.finish.weight)
        nn.init.zeros_(self.finish.bias)

    def set_principal_components(self, mean: torch.Tensor, components: torch.Tensor, scales: torch.Tensor) -> None:
        """Sets the encoder, and the decoder's starting point, to a PCA.

        Args:
            mean: (64,) mean patch, row by row.
            components: (latent_channels, 64) orthonormal rows.
            scales: (latent_channels,) factor from a component's coefficient to its latent.
        """
        with torch.no_grad():
            encode = components * scales[:, None]
            self.encoder.weight.copy_(encode.view(-1, 1, PATCH, PATCH))
            self.encoder.bias.copy_(-encode @ mean)
            self.linear_decoder.weight.copy_((components / scales[:, None]).view(-1, 1, PATCH, PATCH))
            # A transposed convolution has one bias for the whole patch; the mean patch is nearly flat.
            self.linear_decoder.bias.fill_(mean.mean())

    @apply_forward_hook
    def encode(self, mel: torch.Tensor) -> EncoderOutput:
        """(B, 1, 128, T) log-mel in [0, 1] -> latent (B, C, 16, T / 8)."""
        return EncoderOutput(PointDistribution(self.encoder(mel)))

    @apply_forward_hook
    def decode(self, latent: torch.Tensor) -> DecoderOutput:
        """Latent (B, C, 16, L) -> log-mel (B, 1, 128, 8 L), nominally in [0, 1]."""
        features = self.blocks(self.project(latent))
        return DecoderOutput(sample=self.linear_decoder(latent) + self.finish(F.silu(self.detail(features))))

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        return self.decode(self.encode(mel).latent_dist.mode()).sample


class _ResidualBlock(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(min(16, width), width)
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.conv2.weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.conv2(F.silu(self.conv1(F.silu(self.norm(x)))))
