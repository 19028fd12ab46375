"""Stages 3 to 5: the base UNet, then with the UNet frozen the semantic and the temporal adapter (paper, sec. III)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import DDPMScheduler
from torch.nn import functional as F

from rhythmic_foley.models.adapters import Adapter, onset_timeline
from rhythmic_foley.models.aligned_encoder import AlignedEncoder
from rhythmic_foley.models.aligned_unet import AlignedUNet
from rhythmic_foley.training.batches import Batch, Windows
from rhythmic_foley.training.loop import Schedule, train

BATCH = 16

# How often a window's tokens are taken from the sound, from the described events, or left out.
_BASE_MIX = (0.25, 0.6, 0.15)
_SEMANTIC_MIX = (0.1, 0.3, 0.6)
_TEMPORAL_MIX = (0.15, 0.65, 0.2)

TextTokens = Callable[[list[str]], torch.Tensor]
Condition = Callable[[Batch, torch.Tensor, torch.Generator], tuple[torch.Tensor, torch.Tensor]]


@dataclass(frozen=True)
class Frozen:
    """What every stage of the diffusion model reads and leaves as it is."""

    encoder: AlignedEncoder
    windows: Windows
    scheduler: DDPMScheduler


def train_base(unet: AlignedUNet, parts: Frozen, schedule: Schedule, run: Path) -> None:
    """Trains the UNet on audio tokens and event tokens."""

    def loss_of(step: int) -> torch.Tensor:
        batch = parts.windows.draw(step, BATCH, seed=3).to(unet.device)
        rng = torch.Generator().manual_seed(step)
        noisy, steps, target = _add_noise(batch.latents, parts.scheduler, rng)
        return F.mse_loss(unet(noisy, steps, _tokens(batch, parts.encoder, _BASE_MIX, rng)).sample.float(), target)

    train(unet, loss_of, schedule, run)


def train_semantic(
    adapter: Adapter,
    unet: AlignedUNet,
    parts: Frozen,
    text_tokens: TextTokens,
    schedule: Schedule,
    run: Path,
) -> None:
    """Trains the semantic adapter: words as context, what sounds when as timeline; either is left out now and then."""

    def condition(batch: Batch, tokens: torch.Tensor, rng: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        context = text_tokens([", ".join(names) for names in batch.captions]).to(tokens.device)
        return _drop(context, 0.15, rng), _drop(batch.event_timeline.transpose(1, 2), 0.15, rng)

    _train_adapter(adapter, unet, parts, condition, _SEMANTIC_MIX, schedule, run)


def train_temporal(adapter: Adapter, unet: AlignedUNet, parts: Frozen, schedule: Schedule, run: Path) -> None:
    """Trains the temporal adapter: onset strengths as timeline (or: unknown), the base's own tokens as context."""

    def condition(batch: Batch, tokens: torch.Tensor, rng: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        return tokens, _drop(onset_timeline(batch.onset_mask), 0.1, rng)

    _train_adapter(adapter, unet, parts, condition, _TEMPORAL_MIX, schedule, run)


def _train_adapter(
    adapter: Adapter,
    unet: AlignedUNet,
    parts: Frozen,
    condition: Condition,
    mix: tuple[float, float, float],
    schedule: Schedule,
    run: Path,
) -> None:
    unet.requires_grad_(False).eval()

    def loss_of(step: int) -> torch.Tensor:
        batch = parts.windows.draw(step, BATCH, seed=4).to(unet.device)
        rng = torch.Generator().manual_seed(step)
        noisy, steps, target = _add_noise(batch.latents, parts.scheduler, rng)
        tokens = _tokens(batch, parts.encoder, mix, rng)
        downs, middle = adapter(noisy, steps, *condition(batch, tokens, rng))
        predicted = unet(
            noisy, steps, tokens, down_block_additional_residuals=downs, mid_block_additional_residual=middle
        ).sample
        return F.mse_loss(predicted.float(), target)

    train(adapter, loss_of, schedule, run)


def _add_noise(
    latents: torch.Tensor, scheduler: DDPMScheduler, rng: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Noisy latents, their timesteps, and what the network should answer (noise or velocity, by the scheduler)."""
    noise = torch.randn(latents.shape, generator=rng).to(latents.device)
    # Stratified: each batch sees the whole range of noise levels, which calms the loss.
    share = (torch.arange(len(latents)) + torch.rand(len(latents), generator=rng)) / len(latents)
    steps = (share * scheduler.config.num_train_timesteps).long().to(latents.device)
    noisy = scheduler.add_noise(latents, noise, steps).to(memory_format=torch.channels_last)
    if scheduler.config.prediction_type == "epsilon":
        return noisy, steps, noise
    return noisy, steps, scheduler.get_velocity(latents, noise, steps)


@torch.no_grad()
def _tokens(
    batch: Batch, encoder: AlignedEncoder, mix: tuple[float, float, float], rng: torch.Generator
) -> torch.Tensor:
    """For each window tokens from its sound, from its events, or none (zeros)."""
    kind = torch.multinomial(torch.tensor(mix), len(batch.latents), replacement=True, generator=rng)
    kind = kind.to(batch.latents.device)[:, None, None]
    events = encoder.encode_events(batch.event_timeline).float()
    return torch.where(kind == 0, batch.audio_tokens, torch.where(kind == 1, events, torch.zeros_like(events)))


def _drop(x: torch.Tensor, share: float, rng: torch.Generator) -> torch.Tensor:
    keep = (torch.rand(len(x), generator=rng) >= share).to(x.device)
    return x * keep.view(-1, *[1] * (x.ndim - 1))
