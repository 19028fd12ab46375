"""Trains an adapter of the full-size model while everything else stays as published (paper, section III)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import DDPMScheduler, UNet2DConditionModel
from torch import nn
from torch.nn import functional as F
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from rhythmic_foley.models.adapters import Adapter, onset_timeline
from rhythmic_foley.models.cond_stage import CondStage
from rhythmic_foley.models.text_encoder import embed_tokens
from rhythmic_foley.pipeline.conditions import WINDOW_TOKENS, lay_events
from rhythmic_foley.schedulers import NOISE_SCHEDULE
from rhythmic_foley.training.full.examples import WINDOW_S, Batch, Shards
from rhythmic_foley.training.loop import Schedule, train

Conditioning = Callable[[Batch, torch.Tensor, torch.Generator], tuple[torch.Tensor, torch.Tensor]]


@dataclass(frozen=True)
class Base:
    """What is published and stays as it is."""

    unet: UNet2DConditionModel
    cond_stage: CondStage


@dataclass(frozen=True)
class Words:
    """Embeds descriptions."""

    tokenizer: PreTrainedTokenizerBase
    text_encoder: PreTrainedModel

    def tokens(self, captions: Sequence[str]) -> torch.Tensor:
        """(B, L, text), zeros for no caption, as the pipeline gives them."""
        hidden, _ = embed_tokens([caption or "-" for caption in captions], self.tokenizer, self.text_encoder)
        return hidden * torch.tensor([bool(c) for c in captions], device=hidden.device)[:, None, None]

    def tracks(self, batch: Batch) -> torch.Tensor:
        """(B, text + 1, 32), what sounds when."""
        tracks = [
            lay_events(events, self.tokenizer, self.text_encoder, WINDOW_TOKENS, WINDOW_S) for events in batch.events
        ]
        return torch.cat(tracks).transpose(1, 2)


@dataclass(frozen=True)
class Dropped:
    """Share of windows in which each is left out; the base was trained with a fifth of its pictures left out."""

    picture: float = 0.2
    words: float = 0.1
    events: float = 0.1
    onsets: float = 0.1


@dataclass(frozen=True)
class Training:
    """One run.

    Attributes:
        batch_size: windows a step and process.
        gradient_checkpointing: less memory for a third more time.
        seed: of the data's order and the noise.
    """

    schedule: Schedule
    batch_size: int
    dropped: Dropped = Dropped()
    gradient_checkpointing: bool = False
    seed: int = 0


def train_semantic(adapter: Adapter, base: Base, words: Words, data: Shards, training: Training, run: Path) -> None:
    """Words as context, the event track as timeline."""

    def condition(batch: Batch, _: torch.Tensor, rng: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        tokens = _drop(words.tokens(batch.captions), training.dropped.words, rng)
        return tokens, _drop(words.tracks(batch), training.dropped.events, rng)

    _train(adapter, base, data, condition, training, run)


def train_temporal(adapter: Adapter, base: Base, data: Shards, training: Training, run: Path) -> None:
    """The base's own tokens as context, onset strengths (or: unknown) as timeline."""

    def condition(batch: Batch, tokens: torch.Tensor, rng: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        timeline = onset_timeline(batch.onset_mask).to(tokens.device)
        return tokens, _drop(timeline, training.dropped.onsets, rng)

    _train(adapter, base, data, condition, training, run)


def _train(adapter: Adapter, base: Base, data: Shards, condition: Conditioning, training: Training, run: Path) -> None:
    unet, cond_stage = (part.requires_grad_(False).eval() for part in (base.unet, base.cond_stage))
    if training.gradient_checkpointing:
        unet.enable_gradient_checkpointing()
        adapter.controlnet.enable_gradient_checkpointing()
    scheduler = DDPMScheduler(**NOISE_SCHEDULE)
    before = _digest(unet)

    def loss_of(draw: int) -> torch.Tensor:
        rng = torch.Generator().manual_seed(training.seed * 1_000_003 + draw)
        batch = data.draw(draw, training.batch_size, seed=training.seed)
        device = unet.device
        noise = torch.randn(batch.latents.shape, generator=rng)
        steps = torch.randint(scheduler.config.num_train_timesteps, (training.batch_size,), generator=rng)
        noisy, steps = scheduler.add_noise(batch.latents, noise, steps).to(device), steps.to(device)
        with torch.no_grad():
            # Dropped after the cond stage, since that is how the base is asked without a picture.
            tokens = _drop(cond_stage(batch.features.to(device)), training.dropped.picture, rng)
        downs, middle = adapter(noisy, steps, *condition(batch, tokens, rng))
        predicted = unet(
            noisy, steps, tokens, down_block_additional_residuals=downs, mid_block_additional_residual=middle
        ).sample
        return F.mse_loss(predicted.float(), noise.to(device))

    train(adapter, loss_of, training.schedule, run)
    if _digest(unet) != before:
        raise RuntimeError("The base has changed while an adapter was trained.")


def _drop(x: torch.Tensor, share: float, rng: torch.Generator) -> torch.Tensor:
    """Zeros in place of a share of the rows."""
    kept = (torch.rand(len(x), generator=rng) >= share).to(x)
    return x * kept.view(-1, *[1] * (x.ndim - 1))


def _digest(network: nn.Module) -> str:
    digest = hashlib.sha256()
    for parameter in network.parameters():
        digest.update(parameter.detach().double().sum().cpu().numpy().tobytes())
    return digest.hexdigest()
