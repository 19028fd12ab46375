"""The sizes the embedded model comes in: as shipped, and as toy for tests."""

from __future__ import annotations

from dataclasses import dataclass

from rhythmic_foley.models.adapters import Adapter
from rhythmic_foley.models.aligned_encoder import AlignedEncoder
from rhythmic_foley.models.aligned_unet import AlignedUNet
from rhythmic_foley.models.autoencoder import MelAutoencoder
from rhythmic_foley.models.vocoder import FoleyVocoder

LATENT_ROWS, LATENT_COLUMNS = 16, 64
WINDOW_S = 8.192
MEL_FRAMES = 512
TOKENS = 32


@dataclass(frozen=True)
class Size:
    unet_channels: tuple[int, ...] = (96, 160, 256)
    heads: int = 8
    norm_groups: int = 16
    layout_channels: int = 48
    token_dim: int = 128
    text_dim: int = 384
    latent_channels: int = 8
    autoencoder_width: int = 160
    autoencoder_depth: int = 4
    encoder_width: int = 384
    vocoder_width: int = 256
    vocoder_depth: int = 6
    yamnet_channels: tuple[int, ...] | None = None
    yamnet_stem: int = 32


MINI = Size()
TOY = Size(
    unet_channels=(16, 16, 16),
    heads=2,
    norm_groups=4,
    layout_channels=8,
    token_dim=8,
    text_dim=16,
    latent_channels=4,
    autoencoder_width=8,
    autoencoder_depth=1,
    encoder_width=16,
    vocoder_width=8,
    vocoder_depth=1,
    yamnet_channels=(8,) * 13,
    yamnet_stem=4,
)


def new_autoencoder(size: Size) -> MelAutoencoder:
    return MelAutoencoder(
        latent_channels=size.latent_channels, width=size.autoencoder_width, depth=size.autoencoder_depth
    )


def new_aligned_encoder(size: Size) -> AlignedEncoder:
    return AlignedEncoder(
        token_dim=size.token_dim,
        text_dim=size.text_dim,
        width=size.encoder_width,
        tokens=TOKENS,
        window_s=WINDOW_S,
        yamnet_channels=size.yamnet_channels,
        yamnet_stem=size.yamnet_stem,
    )


def new_vocoder(size: Size) -> FoleyVocoder:
    return FoleyVocoder(width=size.vocoder_width, hidden=3 * size.vocoder_width, depth=size.vocoder_depth)


def new_unet(size: Size) -> AlignedUNet:
    return AlignedUNet(
        sample_size=(LATENT_ROWS, LATENT_COLUMNS),
        in_channels=size.latent_channels,
        layout_channels=size.layout_channels,
        tokens=TOKENS,
        block_out_channels=size.unet_channels,
        cross_attention_dim=size.token_dim,
        attention_head_dim=size.heads,
        norm_num_groups=size.norm_groups,
    )


def new_semantic_adapter(size: Size, unet: AlignedUNet) -> Adapter:
    """Reads the words of the description; its timeline is the event track: what sounds when."""
    return Adapter.from_unet(
        unet, timeline_channels=size.text_dim + 1, timeline_length=TOKENS, context_dim=size.text_dim
    )


def new_temporal_adapter(size: Size, unet: AlignedUNet) -> Adapter:
    """Reads onset strengths, one for each mel frame (16 ms), and whether they are known."""
    return Adapter.from_unet(unet, timeline_channels=2, timeline_length=MEL_FRAMES, context_dim=size.token_dim)
