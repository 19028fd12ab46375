"""Diff-Foley's networks at their published sizes (or smaller), and which file holds which of their parameters."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import torch
from diffusers import AutoencoderKL, ModelMixin, UNet2DConditionModel

from rhythmic_foley.models.alignment_classifier import AlignmentClassifier
from rhythmic_foley.models.cavp import Cavp
from rhythmic_foley.models.cond_stage import CondStage
from rhythmic_foley.weights import keys

LATENT_SIZE = (16, 64)
SCALING_FACTOR = 0.18215
UNET_LAYERS_PER_BLOCK = 2
# Stable Diffusion's schedule, stored in each file; a scheduler computes it again.
SCHEDULE_BUFFERS = (
    "betas",
    "alphas_cumprod",
    "alphas_cumprod_prev",
    "sqrt_alphas_cumprod",
    "sqrt_one_minus_alphas_cumprod",
    "log_one_minus_alphas_cumprod",
    "sqrt_recip_alphas_cumprod",
    "sqrt_recipm1_alphas_cumprod",
    "posterior_variance",
    "posterior_log_variance_clipped",
    "posterior_mean_coef1",
    "posterior_mean_coef2",
)


@dataclass(frozen=True)
class Sizes:
    """Widths of all networks; the defaults are the published ones."""

    unet_width: int = 320
    context_dim: int = 768
    autoencoder_width: int = 128
    classifier_width: int = 128
    video_width: int = 64
    video_blocks: tuple[int, int, int, int] = (3, 4, 6, 3)
    audio_channels: tuple[int, int, int, int, int, int] = (64, 128, 256, 512, 1024, 2048)
    feature_dim: int = 512


PUBLISHED = Sizes()


def new_unet(sizes: Sizes = PUBLISHED) -> UNet2DConditionModel:
    width = sizes.unet_width
    return UNet2DConditionModel(
        sample_size=LATENT_SIZE,
        in_channels=4,
        out_channels=4,
        down_block_types=("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",),
        up_block_types=("UpBlock2D",) + ("CrossAttnUpBlock2D",) * 3,
        block_out_channels=(width, 2 * width, 4 * width, 4 * width),
        layers_per_block=UNET_LAYERS_PER_BLOCK,
        cross_attention_dim=sizes.context_dim,
        attention_head_dim=8,  # a historical name: it is the number of heads
    )


def new_vae(sizes: Sizes = PUBLISHED) -> AutoencoderKL:
    width = sizes.autoencoder_width
    return AutoencoderKL(
        in_channels=3,
        out_channels=3,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(width, 2 * width, 4 * width, 4 * width),
        layers_per_block=2,
        latent_channels=4,
        sample_size=512,
        scaling_factor=SCALING_FACTOR,
    )


def new_cond_stage(sizes: Sizes = PUBLISHED) -> CondStage:
    return CondStage(sizes.feature_dim, sizes.context_dim)


def new_cavp(sizes: Sizes = PUBLISHED) -> Cavp:
    return Cavp(
        video_width=sizes.video_width,
        video_blocks=sizes.video_blocks,
        audio_channels=sizes.audio_channels,
        feature_dim=sizes.feature_dim,
    )


def new_classifier(sizes: Sizes = PUBLISHED) -> AlignmentClassifier:
    width = sizes.classifier_width
    return AlignmentClassifier(channels=(width, 2 * width, 2 * width), feature_dim=sizes.feature_dim)


@dataclass(frozen=True)
class Parameter:
    """Where a published parameter goes.

    Attributes:
        name, shape: in the published file.
        ours, our_shape: in the network here.
    """

    name: str
    shape: tuple[int, ...]
    ours: str
    our_shape: tuple[int, ...]


@dataclass(frozen=True)
class Component:
    """A network as the published files know it.

    Attributes:
        name: its folder in a checkpoint.
        network: built, with its parameters on the meta device.
        parameters: every one of them.
    """

    name: str
    network: ModelMixin
    parameters: tuple[Parameter, ...]


@dataclass(frozen=True)
class PublishedFile:
    """What one of the files must hold.

    Attributes:
        role: the option of `convert` that takes it.
        what: what it holds, for sentences.
        components: made from it.
        others: parameters that belong in it and are not needed.
    """

    role: str
    what: str
    components: tuple[Component, ...]
    others: tuple[str, ...] = ()
    buffers: tuple[str, ...] = ()

    @property
    def expected(self) -> dict[str, tuple[int, ...]]:
        """Shape of each parameter that must be there."""
        shapes = {parameter.name: parameter.shape for part in self.components for parameter in part.parameters}
        return {**shapes, **dict.fromkeys(self.others, ())}

    def marks(self) -> set[str]:
        """Names that tell this file from the others."""
        return {next(p.name for p in part.parameters if len(p.shape) > 1) for part in self.components}


def published_file(role: str, sizes: Sizes = PUBLISHED) -> PublishedFile:
    """The file that the option `role` of `convert` takes: "cavp", "ldm" or "classifier"."""
    if role == "cavp":
        return PublishedFile(role, "the CAVP encoders", (_component("cavp", new_cavp, sizes),))
    if role == "ldm":
        parts = (
            _component("unet", new_unet, sizes),
            _component("vae", new_vae, sizes),
            _component("cond_stage", new_cond_stage, sizes),
        )
        return PublishedFile(role, "the latent diffusion model", parts, buffers=SCHEDULE_BUFFERS)
    if role == "classifier":
        parts = (_component("classifier", new_classifier, sizes),)
        return PublishedFile(
            role, "the double-guidance classifier", parts, others=("scale_factor",), buffers=SCHEDULE_BUFFERS
        )
    raise ValueError(role)


def _component(name: str, build: type | object, sizes: Sizes) -> Component:
    with torch.device("meta"):
        network = build(sizes)
    shapes = {key: tuple(value.shape) for key, value in network.state_dict().items()}
    parameters = tuple(
        Parameter(published, _published_shape(name, published, shapes[ours]), ours, shapes[ours])
        for ours, published in _published_names(name, shapes).items()
    )
    return Component(name, network, parameters)


def _published_names(component: str, ours: Collection[str]) -> dict[str, str]:
    if component == "unet":
        names = keys.unet_names(ours, UNET_LAYERS_PER_BLOCK)
        return {key: f"model.diffusion_model.{name}" for key, name in names.items()}
    if component == "vae":
        return {key: f"first_stage_model.{name}" for key, name in keys.vae_names(ours).items()}
    if component == "cond_stage":
        return {key: f"cond_stage_model.{key}" for key in ours}
    if component == "classifier":
        return keys.classifier_names(ours)
    return {key: key for key in ours}


def _published_shape(component: str, name: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The autoencoder's attention was published as convolutions with a kernel of 1."""
    return (*shape, 1, 1) if component == "vae" and ".attn_1." in name and len(shape) == 2 else shape
