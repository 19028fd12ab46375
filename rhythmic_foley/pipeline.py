"""`RhythmicFoleyPipeline`: what sounds and when goes in, mel and waveform of one window come out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass

import torch
from diffusers import DiffusionPipeline, SchedulerMixin, UNet2DConditionModel
from torch import nn
from torch.nn import functional as F
from transformers import BertModel, PreTrainedTokenizerBase

from rhythmic_foley.audio import HOP, SAMPLE_RATE_HZ
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.events import UNKNOWN, SoundEvent
from rhythmic_foley.models.adapters import Adapter, Residuals, add_residuals
from rhythmic_foley.models.aligned_encoder import AlignedEncoder, event_timeline
from rhythmic_foley.models.autoencoder import PATCH
from rhythmic_foley.models.text_encoder import embed_text, embed_tokens
from rhythmic_foley.models.vocoder import GriffinLim
from rhythmic_foley.onsets import Onsets
from rhythmic_foley.schedulers import clean_estimate

MAX_SCALE = 3.0


@dataclass(frozen=True)
class Step:
    """One denoising step done.

    Attributes:
        number: of the step, from 1.
        latent: (C, 16, columns), the finished latent as the network expects it at this step; `decode` shows it.
    """

    number: int
    latent: torch.Tensor


@dataclass(frozen=True)
class FoleyOutput:
    """One window.

    Attributes:
        wave: (samples,) at the pipeline's `sample_rate_hz`.
        mel: (128, frames) log-mel in [0, 1].
        latent: (C, 16, columns), as the last step left it.
    """

    wave: torch.Tensor
    mel: torch.Tensor
    latent: torch.Tensor


@dataclass(frozen=True)
class _Conditions:
    """What the networks read, as a batch of [unconditional, conditional] (or of the latter alone)."""

    tokens: torch.Tensor  # (B, 32, D) for the UNet and the temporal adapter
    text: torch.Tensor  # (B, L, text) for the semantic adapter
    event_track: torch.Tensor  # (B, text + 1, 32)
    onset_mask: torch.Tensor  # (B, 1, 512)


class RhythmicFoleyPipeline(DiffusionPipeline):
    """Latent diffusion of log-mel pictures with a semantic and a temporal adapter (Rhythmic Foley, section III).

    Args:
        unet: the base model; cross-attends to audio-visual tokens.
        vae: log-mel autoencoder (`MelAutoencoder` or diffusers' `AutoencoderKL`).
        scheduler: any diffusers scheduler.
        aligned_encoder: turns described events into tokens.
        text_encoder, tokenizer: embed the descriptions.
        semantic_adapter: reads the description's words and what sounds when.
        temporal_adapter: reads onset strengths, one for each mel frame.
        vocoder: mel to waveform.
    """

    model_cpu_offload_seq = "text_encoder->aligned_encoder->semantic_adapter->temporal_adapter->unet->vae->vocoder"

    def __init__(
        self,
        unet: UNet2DConditionModel,
        vae: nn.Module,
        scheduler: SchedulerMixin,
        aligned_encoder: AlignedEncoder,
        text_encoder: BertModel,
        tokenizer: PreTrainedTokenizerBase,
        semantic_adapter: Adapter,
        temporal_adapter: Adapter,
        vocoder: GriffinLim,  # imported here so that loading a saved pipeline finds it
    ) -> None:
        super().__init__()
        self.register_modules(
            unet=unet,
            vae=vae,
            scheduler=scheduler,
            aligned_encoder=aligned_encoder,
            text_encoder=text_encoder,
            tokenizer=tokenizer,
            semantic_adapter=semantic_adapter,
            temporal_adapter=temporal_adapter,
            vocoder=vocoder,
        )

    @property
    def latent_shape(self) -> tuple[int, int, int]:
        """(channels, rows, columns) of one window."""
        return (self.unet.config.in_channels, *self.unet.config.sample_size)

    @property
    def window_s(self) -> float:
        return self.latent_shape[2] * PATCH * HOP / SAMPLE_RATE_HZ

    @property
    def column_s(self) -> float:
        """Length of one latent column."""
        return PATCH * HOP / SAMPLE_RATE_HZ

    @property
    def sample_rate_hz(self) -> int:
        """Of the waveforms that come out."""
        return self.vocoder.sample_rate_hz

    def __call__(self, **request: object) -> FoleyOutput:
        """Generates one window; see `stream` for the arguments."""
        *_, output = self.stream(**request)
        return output

    @torch.no_grad()
    def stream(
        self,
        *,
        events: Sequence[SoundEvent] = (),
        onsets: Onsets | None = None,
        negative: str = "",
        semantic_scale: float = 1.0,
        temporal_scale: float = 1.0,
        guidance_scale: float = 3.0,
        steps: int = 20,
        generator: torch.Generator | None = None,
        noise: torch.Tensor | None = None,
        keep: tuple[torch.Tensor, torch.Tensor] | None = None,
        start_from: tuple[torch.Tensor, float] | None = None,
    ) -> Iterator[Step | FoleyOutput]:
        """Generates one window, yielding each step when it is done and the output at the end.

        Args:
            events: what sounds when, in seconds from the window's beginning; unknown events are left out.
            onsets: when something hits, in seconds from the window's beginning.
            negative: what should not be heard.
            semantic_scale: strength of the semantic adapter; 0 leaves it out.
            temporal_scale: strength of the temporal adapter; 0 leaves it out.
            guidance_scale: of classifier-free guidance; 1 switches it off.
            steps: denoising steps.
            generator: draws the noise.
            noise: (C, 16, columns) instead, for windows that share noise where they overlap.
            keep: latent (C, 16, columns) of a sound of which a part stays, and a mask (columns,) that is above 0 where
                the sound is made anew. What stays is at the end equal to the bit.
            start_from: latent (C, 16, columns) of a sound to begin with, and how much of the way from pure noise is
                gone: at 1 nothing is left of that sound, near 0 little changes and few of the steps are run (SDEdit).

        Raises:
            FoleyError: if a number is out of its range.
        """
        # 1. Check
        strength = 1.0 if start_from is None else start_from[1]
        self.check_inputs(semantic_scale, temporal_scale, guidance_scale, steps, strength)

        # 2. Conditions
        conditions = self.encode_conditions(events, onsets or Onsets(), negative, guided=guidance_scale != 1.0)

        # 3. Timesteps, on a copy of the scheduler: it keeps state, and other requests may be under way
        scheduler = deepcopy(self.scheduler)
        scheduler.set_timesteps(steps, device=self.device)

        timesteps = scheduler.timesteps[-max(1, round(strength * len(scheduler.timesteps))) :]

        # 4. Latent
        if noise is None:
            noise = torch.randn(self.latent_shape, generator=generator)
        noise = noise[None].to(self.device)
        if strength < 1:
            latent = scheduler.add_noise(start_from[0][None].to(noise), noise, timesteps[:1])
        else:
            latent = noise * scheduler.init_noise_sigma
        if keep is not None:
            kept, anew = keep[0][None].to(noise), keep[1].to(self.device) > 0

        # 5. Denoise
        for index, timestep in enumerate(timesteps):
            sample = scheduler.scale_model_input(latent, timestep)
            predicted = self._predict(sample, timestep, conditions, semantic_scale, temporal_scale)
            if guidance_scale != 1.0:
                without, with_ = predicted.chunk(2)
                predicted = without + guidance_scale * (with_ - without)
            estimate = clean_estimate(scheduler, sample, timestep, predicted)
            latent = scheduler.step(predicted, timestep, latent, return_dict=False)[0]
            if keep is not None:
                following = timesteps[index + 1 : index + 2]
                stays = scheduler.add_noise(kept, noise, following) if len(following) else kept
                latent = torch.where(anew, latent, stays)
                estimate = torch.where(anew, estimate, kept)
            yield Step(index + 1, estimate[0])

        # 6. Mel and waveform
        mel = self.decode(latent)
        yield FoleyOutput(self.vocoder(mel)[0].cpu(), mel[0].cpu(), latent[0].cpu())

    def check_inputs(
        self, semantic_scale: float, temporal_scale: float, guidance_scale: float, steps: int, strength: float = 1.0
    ) -> None:
        """Raises a sentence for the first number out of its range."""
        for name, scale in (("semantic", semantic_scale), ("temporal", temporal_scale)):
            if not 0 <= scale <= MAX_SCALE:
                raise FoleyError(f"The {name} strength must be between 0 and {MAX_SCALE:g}, not {scale:g}.")
        if not 1 <= guidance_scale <= 20:
            raise FoleyError(f"The guidance scale must be between 1 and 20, not {guidance_scale:g}.")
        if not 1 <= steps <= 200:
            raise FoleyError(f"The number of steps must be between 1 and 200, not {steps}.")
        if not 0 < strength <= 1:
            raise FoleyError(f"The share of a sound made anew must be above 0 and at most 1, not {strength:g}.")

    def encode_conditions(
        self, events: Sequence[SoundEvent], onsets: Onsets, negative: str, *, guided: bool
    ) -> _Conditions:
        """Embeds descriptions and lays events and onsets on the window.

        The unconditional half has zeros for tokens, events and onsets; its text is the negative text.
        """
        known = [event for event in events if event.label != UNKNOWN and event.start_s < self.window_s]
        track = self._event_track(known)  # (1, 32, text + 1)
        tokens = self.aligned_encoder.encode_events(track) if known else self._zero_tokens()
        text = self._embed_words(", ".join(event.text for event in known))
        frames = self.temporal_adapter.config.timeline_length
        mask = torch.from_numpy(onsets.to_mask(frames, frames / self.window_s)).to(self.device)[None, None]
        track = track.transpose(1, 2)
        if not guided:
            return _Conditions(tokens, text, track, mask)
        return _Conditions(
            torch.cat([self._zero_tokens(), tokens]),
            torch.cat([self._embed_words(negative), text]),
            torch.cat([torch.zeros_like(track), track]),
            # Guidance is about when as well: with the mask in both halves hits were heard between the wanted ones.
            torch.cat([torch.zeros_like(mask), mask]),
        )

    @torch.no_grad()
    def encode(self, mel: torch.Tensor) -> torch.Tensor:
        """Log-mel (128, frames) in [0, 1] -> latent (C, 16, columns), silence added up to whole columns."""
        mel = F.pad(mel, (0, -mel.shape[-1] % PATCH)).to(self.device)
        picture = mel.expand(1, self.vae.config.in_channels, -1, -1)
        return self.vae.encode(picture).latent_dist.mode()[0] * self.vae.config.scaling_factor

    @torch.no_grad()
    def decode(self, latent: torch.Tensor) -> torch.Tensor:
        """Latent (B, C, 16, L) -> log-mel (B, 128, 8 L). Of three equal channels the first is kept."""
        return self.vae.decode(latent.to(self.device) / self.vae.config.scaling_factor).sample[:, 0].clamp(0, 1)

    def _predict(
        self,
        sample: torch.Tensor,
        timestep: torch.Tensor,
        conditions: _Conditions,
        semantic_scale: float,
        temporal_scale: float,
    ) -> torch.Tensor:
        """The UNet's answer under both adapters; an adapter of strength 0 is not run at all."""
        sample = sample.expand(len(conditions.tokens), -1, -1, -1)
        parts: list[tuple[Residuals, float]] = []
        if semantic_scale > 0:
            residuals = self.semantic_adapter(sample, timestep, conditions.text, conditions.event_track)
            parts.append((residuals, semantic_scale))
        if temporal_scale > 0:
            residuals = self.temporal_adapter(sample, timestep, conditions.tokens, conditions.onset_mask)
            parts.append((residuals, temporal_scale))
        downs, middle = add_residuals(parts) or (None, None)
        return self.unet(
            sample,
            timestep,
            conditions.tokens,
            down_block_additional_residuals=downs,
            mid_block_additional_residual=middle,
        ).sample

    def _event_track(self, events: Sequence[SoundEvent]) -> torch.Tensor:
        config = self.aligned_encoder.config
        if not events:
            return torch.zeros(1, config.tokens, config.text_dim + 1, device=self.device)
        embeddings = embed_text([event.text for event in events], self.tokenizer, self.text_encoder)
        spans_s = [(e.start_s, self.window_s if e.end_s is None else e.end_s) for e in events]
        spans_s = torch.tensor(spans_s, device=self.device)
        return event_timeline(embeddings[None], spans_s[None], config.tokens, self.window_s)

    def _embed_words(self, text: str) -> torch.Tensor:
        """Token states (1, L, text); zeros for no text, as in training."""
        hidden, _ = embed_tokens([text or "-"], self.tokenizer, self.text_encoder)
        return hidden if text else torch.zeros_like(hidden)

    def _zero_tokens(self) -> torch.Tensor:
        config = self.aligned_encoder.config
        return torch.zeros(1, config.tokens, config.token_dim, device=self.device)
