"""The two adapters for Diff-Foley's UNet, in the sizes that its conditions have."""

from __future__ import annotations

from diffusers import UNet2DConditionModel

from rhythmic_foley.models.adapters import Adapter

TEXT_DIM = 768  # CLIP ViT-L/14's text encoder
TOKENS, MEL_FRAMES = 32, 512


def new_semantic_adapter(unet: UNet2DConditionModel, text_dim: int = TEXT_DIM) -> Adapter:
    """Reads the words of the description as CLIP ViT-L/14 embeds them; its timeline is the event track."""
    return Adapter.from_unet(unet, timeline_channels=text_dim + 1, timeline_length=TOKENS, context_dim=text_dim)


def new_temporal_adapter(unet: UNet2DConditionModel) -> Adapter:
    """Reads onset strengths, one for each mel frame (16 ms), and whether they are known."""
    return Adapter.from_unet(
        unet, timeline_channels=2, timeline_length=MEL_FRAMES, context_dim=unet.config.cross_attention_dim
    )
