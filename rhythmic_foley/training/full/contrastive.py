"""Trains CAVP: picture and sound of a clip find each other, among other videos and among times of the same one.

Diff-Foley's stage 1 (SPEC section 5.3): semantic contrast over the whole batch, temporal contrast within each video.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import distributed
from torch.distributed.nn.functional import all_gather
from torch.nn import functional as F

from rhythmic_foley.models.cavp import MAX_LOGIT_SCALE, Cavp
from rhythmic_foley.training.full.pairs import CLIPS, Pairs
from rhythmic_foley.training.loop import Schedule, train


@dataclass(frozen=True)
class Contrast:
    """One run.

    Attributes:
        batch_size: videos a step and process; with several processes each sees the others' as negatives.
        temporal: weight of the contrast within a video.
        seed: of the data's order.
    """

    schedule: Schedule
    batch_size: int
    temporal: float = 1.0
    seed: int = 0


def train_cavp(cavp: Cavp, data: Pairs, contrast: Contrast, run: Path) -> None:
    """Trains both encoders, their projections and the temperature; goes on where an earlier run stopped."""

    def loss_of(draw: int) -> torch.Tensor:
        frames, mels = data.draw(draw, contrast.batch_size, seed=contrast.seed)
        # Dropout as the number of the draw says, so that a run that goes on is like an unbroken one.
        torch.manual_seed(contrast.seed * 1_000_003 + draw)
        with torch.no_grad():
            cavp.logit_scale.clamp_(0.0, MAX_LOGIT_SCALE)
        video, audio, scale = cavp(frames.to(cavp.device), mels.to(cavp.device))
        return contrastive_loss(gathered(video[:, 0]), gathered(audio[:, 0]), scale, contrast.temporal)

    train(cavp, loss_of, contrast.schedule, run)


def contrastive_loss(
    video: torch.Tensor, audio: torch.Tensor, scale: torch.Tensor, temporal: float = 1.0
) -> torch.Tensor:
    """Semantic plus temporal contrast.

    Args:
        video, audio: (N, D) features of length 1, three clips of each video behind one another.
        scale: factor for similarities.
        temporal: weight of the second part.
    """
    video, audio = video.float(), audio.float()
    one_video = video.unflatten(0, (-1, CLIPS)), audio.unflatten(0, (-1, CLIPS))
    return _symmetric((video @ audio.T * scale)[None]) + temporal * _symmetric(
        one_video[0] @ one_video[1].transpose(1, 2) * scale
    )


def gathered(features: torch.Tensor) -> torch.Tensor:
    """(N, D) of every process, (processes x N, D); the gradient finds its way back to all of them."""
    if not (distributed.is_initialized() and distributed.get_world_size() > 1):
        return features
    return torch.cat(all_gather(features.contiguous()))


def _symmetric(similarity: torch.Tensor) -> torch.Tensor:
    """Mean of both directions' cross-entropy over (B, N, N), whose diagonals belong together."""
    wanted = torch.arange(similarity.shape[1], device=similarity.device).expand(len(similarity), -1)
    return (F.cross_entropy(similarity, wanted) + F.cross_entropy(similarity.transpose(1, 2), wanted)) / 2
