"""Diff-Foley at tiny size: the published files, filled with reproducible numbers, and the checkpoint made of them."""

from __future__ import annotations

from pathlib import Path

from weights.fill import save_published

from rhythmic_foley.weights.convert import ROLES, Conversion, convert_diff_foley
from rhythmic_foley.weights.diff_foley import Sizes, published_file

# The diffusion model is as narrow as its normalisations allow, the encoders as small as they come.
TINY = Sizes(
    unet_width=32,
    context_dim=64,
    autoencoder_width=32,
    classifier_width=32,
    video_width=2,
    video_blocks=(1, 1, 1, 1),
    audio_channels=(2, 2, 2, 2, 2, 2),
)


def save_tiny_files(folder: Path) -> dict[str, Path]:
    """The three published files, by role."""
    extra = {"classifier": {"hyper_parameters": {"lr": 1e-4}}}
    return {
        role: save_published(published_file(role, TINY), folder / f"{role}.ckpt", **extra.get(role, {}))
        for role in ROLES
    }


def save_tiny_diff_foley(folder: Path, out: Path) -> Conversion:
    """The checkpoint `out`, by way of published files in `folder`."""
    return convert_diff_foley(**save_tiny_files(folder), out=out, sizes=TINY)
