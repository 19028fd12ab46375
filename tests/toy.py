"""A toy-size pipeline with random weights: the whole way of a clip in a second or two."""

from __future__ import annotations

from pathlib import Path

import torch
from diffusers import UNet2DConditionModel
from torch import nn
from transformers import AutoTokenizer, BertConfig, BertModel

from rhythmic_foley.describe.sounds import SoundTable
from rhythmic_foley.models import sizes
from rhythmic_foley.models.efficientnet_lite import EfficientNetLite
from rhythmic_foley.models.sound_head import SoundHead
from rhythmic_foley.models.vocoder import GriffinLim
from rhythmic_foley.pipeline.pipeline import RhythmicFoleyPipeline
from rhythmic_foley.training.stages import new_sampler

CHECKPOINT = Path(__file__).resolve().parent.parent / "checkpoints" / "mini"


def toy_pipeline(seed: int = 0) -> RhythmicFoleyPipeline:
    """Every network at toy size. What starts at zero is filled, so that it does something."""
    torch.manual_seed(seed)
    tokenizer = AutoTokenizer.from_pretrained(CHECKPOINT / "tokenizer")
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=sizes.TOY.text_dim,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
    )
    unet = sizes.new_unet(sizes.TOY)
    semantic = sizes.new_semantic_adapter(sizes.TOY, unet)
    temporal = sizes.new_temporal_adapter(sizes.TOY, unet)
    for network in (semantic, temporal, unet.token_layout):
        for parameter in network.parameters():
            if not parameter.abs().sum():
                nn.init.normal_(parameter, std=0.1)
    vae = sizes.new_autoencoder(sizes.TOY)
    nn.init.constant_(vae.linear_decoder.bias, 0.4)  # loud enough to be heard, whatever the seed
    pipeline = RhythmicFoleyPipeline(
        unet=unet,
        vae=vae,
        scheduler=new_sampler(),
        aligned_encoder=sizes.new_aligned_encoder(sizes.TOY),
        text_encoder=BertModel(config, add_pooling_layer=False),
        tokenizer=tokenizer,
        semantic_adapter=semantic,
        temporal_adapter=temporal,
        vocoder=GriffinLim(iterations=1),
    )
    for component in pipeline.components.values():
        if isinstance(component, nn.Module):
            component.eval()
    return pipeline


def toy_full_size_unet() -> UNet2DConditionModel:
    """A base as Diff-Foley has it, diffusers' UNet, but in the embedded model's toy size."""
    size = sizes.TOY
    return UNet2DConditionModel(
        sample_size=(sizes.LATENT_ROWS, sizes.LATENT_COLUMNS),
        in_channels=size.latent_channels,
        out_channels=size.latent_channels,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        block_out_channels=size.unet_channels,
        layers_per_block=1,
        cross_attention_dim=size.token_dim,
        attention_head_dim=size.heads,
        norm_num_groups=size.norm_groups,
    )


def save_toy_checkpoint(folder: Path) -> Path:
    """A whole checkpoint on disk: the pipeline's components and a describer."""
    toy_pipeline().save_pretrained(folder)
    torch.manual_seed(0)
    EfficientNetLite(stages=((1, 3, 2, 1, 8),), image_size=32).save_pretrained(folder / "describer")
    SoundHead(list(SoundTable.load().labels), rank=2).save_pretrained(folder / "describer" / "head")
    return folder
