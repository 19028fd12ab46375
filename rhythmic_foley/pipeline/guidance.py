"""How strongly each thing steers the sound, and steering towards onsets without a network trained for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.nn import functional as F

from rhythmic_foley.errors import FoleyError

MAX_SCALE = 3.0

_RISE = 0.3  # of a hit, in each mel band: 30 dB
_REACH_FRAMES = 4  # around a hit in which anything may rise
_CALM = 0.5  # weight of what rises elsewhere
_STEP = 0.5  # root mean square that a latent of variance 1 is moved by at each step
_LARGEST_STEP = 2.0


@dataclass(frozen=True)
class Scales:
    """Strengths; 0 is off, but for `guidance`, where 1 is.

    Attributes:
        semantic, temporal: of the adapters.
        guidance: of classifier-free guidance.
        classifier: of Diff-Foley's second guidance.
        onsets: of the guidance towards onsets, see `towards_onsets`.

    Raises:
        FoleyError: if one is out of its range.
    """

    semantic: float
    temporal: float
    guidance: float
    classifier: float
    onsets: float

    def __post_init__(self) -> None:
        named = {"semantic": self.semantic, "temporal": self.temporal, "onset guidance's": self.onsets}
        for name, scale in named.items():
            if not 0 <= scale <= MAX_SCALE:
                raise FoleyError(f"The {name} strength must be between 0 and {MAX_SCALE:g}, not {scale:g}.")
        if not 1 <= self.guidance <= 20:
            raise FoleyError(f"The guidance scale must be between 1 and 20, not {self.guidance:g}.")
        if not self.classifier >= 0:
            raise FoleyError(f"The classifier's scale must not be below 0, not {self.classifier:g}.")


def towards_onsets(
    estimate: torch.Tensor, strengths: torch.Tensor, to_mel: Callable[[torch.Tensor], torch.Tensor], scale: float
) -> torch.Tensor:
    """Moves the finished latent, as a step expects it, so that its mel hits where it should.

    Only the decoder is asked for a gradient, not the UNet: that costs little and needs no training.

    Args:
        estimate: (B, C, 16, columns).
        strengths: (frames,) or (B, frames) 0..1 of the wanted onsets, eight frames for each column.
        to_mel: from a latent to log-mels (B, 128, frames), with a gradient.
        scale: 1 was best of what was tried.
    """
    with torch.enable_grad():
        latent = estimate.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(onset_loss(to_mel(latent), strengths), latent)
    size = gradient.square().mean(dim=(1, 2, 3), keepdim=True).sqrt()
    step = (scale * _STEP * gradient / size.clamp(min=1e-12)).clamp(-_LARGEST_STEP, _LARGEST_STEP)
    return estimate - step


def onset_loss(mel: torch.Tensor, strengths: torch.Tensor) -> torch.Tensor:
    """How far log-mels (B, 128, frames) are from rising at the wanted onsets and nowhere else; 0 at best."""
    frames = mel.shape[-1]
    padded = F.pad(mel, (3, 2))  # silence around it
    past, now = padded[..., : frames + 2].unfold(-1, 3, 1), padded[..., 3:].unfold(-1, 3, 1)
    rise = now.mean(-1) - past.amax(-1)  # of 48 ms over the loudest of the 48 ms before
    may_rise = F.max_pool1d((strengths > 0).float()[None], 2 * _REACH_FRAMES + 1, 1, _REACH_FRAMES)[0]
    missing = (_RISE - rise).clamp(min=0).square().mean(dim=1) * strengths
    unwanted = rise.clamp(min=0).square().mean(dim=1) * (1 - may_rise)
    return missing.sum() + _CALM * unwanted.sum()
