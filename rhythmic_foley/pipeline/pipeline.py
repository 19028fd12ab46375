"""`RhythmicFoleyPipeline`: what sounds and when goes in, mel and waveform of one window come out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
from diffusers import AutoencoderKL, DiffusionPipeline, PNDMScheduler, SchedulerMixin, UNet2DConditionModel
from torch import nn
from torch.nn import functional as F
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from rhythmic_foley.audio.mel import HOP, SAMPLE_RATE_HZ
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.models.adapters import Adapter, Residuals, add_residuals
from rhythmic_foley.models.aligned_encoder import AlignedEncoder
from rhythmic_foley.models.aligned_unet import AlignedUNet
from rhythmic_foley.models.alignment_classifier import AlignmentClassifier
from rhythmic_foley.models.autoencoder import PATCH
from rhythmic_foley.models.cavp import CHUNK_FRAMES, FRAME_RATE_HZ, Cavp, frames_to_video
from rhythmic_foley.models.cond_stage import CondStage
from rhythmic_foley.models.vocoder import FoleyVocoder, GriffinLim
from rhythmic_foley.pipeline.conditions import (
    WINDOW_TOKENS,
    Conditions,
    embed_words,
    lay_events,
    lay_onsets,
    together,
    window_features,
)
from rhythmic_foley.pipeline.guidance import Scales, towards_onsets
from rhythmic_foley.pipeline.window_request import WindowRequest, in_common
from rhythmic_foley.runtime.memory import free
from rhythmic_foley.schedulers import answer_for, clean_estimate, noise_level

VIDEO_RATE_HZ = FRAME_RATE_HZ
# The published frame filter rounds to the nearest: what it shows at n / 4 s is on screen an eighth of a second later.
VIDEO_START_S = 0.5 / VIDEO_RATE_HZ


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


class RhythmicFoleyPipeline(DiffusionPipeline):
    """Latent diffusion of log-mel pictures with a semantic and a temporal adapter (Rhythmic Foley, section III).

    The base's tokens come either from described events (`aligned_encoder`, the embedded model) or from the picture
    (`cavp` and `cond_stage`, Diff-Foley); whatever else is missing is left out of the generation.

    Args:
        unet: the base model; cross-attends to audio-visual tokens.
        vae: log-mel autoencoder (`MelAutoencoder` or diffusers' `AutoencoderKL`).
        scheduler: any diffusers scheduler.
        vocoder: mel to waveform.
        aligned_encoder: turns described events into tokens.
        text_encoder, tokenizer: embed the descriptions.
        semantic_adapter: reads the description's words and what sounds when.
        temporal_adapter: reads onset strengths, one for each mel frame.
        cavp: turns the picture into features, four a second.
        cond_stage: turns features of a window into tokens.
        classifier: says whether a latent is in step with the features, for double guidance.
        default_steps, default_guidance_scale: what this model was made for.
        guided_from, guided_to: training timesteps, 0 to 1000 (pure noise), between which classifier-free guidance
            acts; other steps calculate the conditional row alone, in half the time (limited interval guidance,
            arXiv:2404.07724).

    Raises:
        ValueError: if a network lacks what it reads from.
    """

    _optional_components = [
        "aligned_encoder",
        "text_encoder",
        "tokenizer",
        "semantic_adapter",
        "temporal_adapter",
        "cavp",
        "cond_stage",
        "classifier",
    ]
    # The networks of the loop take turns at every step and stay where they are once loaded.
    model_cpu_offload_seq = "cavp->text_encoder->aligned_encoder->cond_stage->unet->vae->vocoder"

    # How many windows of a clip are generated together. Only alone is a window the same to the bit whatever else is
    # made; a CPU would save a fifth of the time, a GPU saves most of it.
    windows_at_once = 1
    # Rows of a batch (windows, twice that with guidance) in one call of the networks; None is all of them. Fewer after
    # a GPU was `short_of_memory` once.
    rows_at_once: int | None = None
    short_of_memory = False

    def __init__(
        self,
        unet: UNet2DConditionModel | AlignedUNet,
        vae: nn.Module,
        scheduler: SchedulerMixin,
        vocoder: FoleyVocoder | GriffinLim,  # classes are imported here so that loading a saved pipeline finds them
        aligned_encoder: AlignedEncoder | None = None,
        text_encoder: PreTrainedModel | None = None,
        tokenizer: PreTrainedTokenizerBase | None = None,
        semantic_adapter: Adapter | None = None,
        temporal_adapter: Adapter | None = None,
        cavp: Cavp | None = None,
        cond_stage: CondStage | None = None,
        classifier: AlignmentClassifier | None = None,
        default_steps: int = 20,
        default_guidance_scale: float = 3.0,
        guided_from: float = 0.0,
        guided_to: float = 1000.0,
    ) -> None:
        super().__init__()
        if cond_stage is None and aligned_encoder is None:
            raise ValueError("it has neither an aligned_encoder nor a cond_stage")
        if text_encoder is None and not (aligned_encoder is None and semantic_adapter is None):
            raise ValueError("it has no text_encoder")
        self.register_modules(
            unet=unet,
            vae=vae,
            scheduler=scheduler,
            vocoder=vocoder,
            aligned_encoder=aligned_encoder,
            text_encoder=text_encoder,
            tokenizer=tokenizer,
            semantic_adapter=semantic_adapter,
            temporal_adapter=temporal_adapter,
            cavp=cavp,
            cond_stage=cond_stage,
            classifier=classifier,
        )
        self.register_to_config(
            default_steps=default_steps,
            default_guidance_scale=default_guidance_scale,
            guided_from=guided_from,
            guided_to=guided_to,
        )

    @property
    def needs_video(self) -> bool:
        """Whether `stream` wants features of the picture, see `encode_video`."""
        return self.cond_stage is not None

    @property
    def default_steps(self) -> int:
        return self.config.default_steps

    @property
    def default_guidance_scale(self) -> float:
        return self.config.default_guidance_scale

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

    def run_steps_in(self, precision: torch.dtype, *, compiled: bool = False) -> None:
        """Sets the numbers that the UNet and the adapters calculate with; everything else stays in float32."""
        for network in (self.unet, self.semantic_adapter, self.temporal_adapter):
            if network is None:
                continue
            if network.dtype != precision:
                network.to(precision)
            if precision != torch.float32:
                network.to(memory_format=torch.channels_last)
            if compiled:
                network.compile()

    def __call__(self, **request: object) -> FoleyOutput:
        """Generates one window; see `WindowRequest` for the arguments."""
        *_, output = self.stream(**request)
        return output

    def stream(self, **request: object) -> Iterator[Step | FoleyOutput]:
        """Generates one window, yielding each step when it is done and the output at the end; arguments as above."""
        for (item,) in self.stream_together([WindowRequest(**request)]):
            yield item

    @torch.no_grad()
    def stream_together(
        self, requests: Sequence[WindowRequest]
    ) -> Iterator[tuple[Step, ...] | tuple[FoleyOutput, ...]]:
        """Generates windows in one batch, yielding a `Step` for each of them, and a `FoleyOutput` for each at the end.

        Raises:
            FoleyError: if a number is out of its range, or the model lacks what is asked of it.
            ValueError: if the requests differ in something that windows of one batch share.
        """
        for number, (latents, estimates) in enumerate(self.denoise(requests), start=1):  # noqa: B007 used at the end
            yield tuple(Step(number, estimate) for estimate in estimates)
        outputs = tuple(self._heard(latent, r.start_s) for latent, r in zip(latents, requests, strict=True))
        self.maybe_free_model_hooks()
        yield outputs

    @torch.no_grad()
    def denoise(self, requests: Sequence[WindowRequest]) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """As `stream_together`, without mel and waveform.

        Yields:
            After each step the latents (B, C, 16, columns), and the finished ones that the networks expect by then.
        """
        # 1. Check
        shared = in_common(requests)
        scales = shared.scales(self.default_guidance_scale)
        steps = self.default_steps if shared.steps is None else shared.steps
        self._check_inputs(scales, steps, shared.features)

        # 2. Conditions
        features = None if shared.features is None else shared.features[None].to(self._execution_device)
        conditions = together([self._encode_conditions(request, features) for request in requests])
        both = conditions.guided(self._negative(shared.negative)) if scales.guidance != 1.0 else conditions
        conditions, both = (part.to(self._execution_device, self.unet.dtype) for part in (conditions, both))

        # 3. Timesteps, on a copy of the scheduler: it keeps state, and other requests may be under way
        scheduler = deepcopy(self.scheduler)
        scheduler.set_timesteps(steps, device=self._execution_device)
        timesteps = scheduler.timesteps[-max(1, round(shared.strength * len(scheduler.timesteps))) :]

        # 4. Latents, in float32 whatever the networks work in
        noise = torch.stack([request.draw(self.latent_shape) for request in requests]).to(self._execution_device)
        if shared.strength < 1:
            begun = torch.stack([request.start_from[0] for request in requests]).to(noise)
            latent = scheduler.add_noise(begun, noise, timesteps[:1])
        else:
            latent = noise * scheduler.init_noise_sigma
        kept, anew = self._kept(requests, noise)
        frames = self.latent_shape[2] * PATCH
        hits = torch.stack([request.strengths(frames, self.window_s) for request in requests]).to(noise)
        timed = torch.tensor([request.onsets is not None for request in requests], device=noise.device)

        # 5. Denoise
        for index, timestep in enumerate(timesteps):
            sample = scheduler.scale_model_input(latent, timestep)
            guided = scales.guidance != 1.0 and self._guides_at(timestep)
            predicted = self._predict(sample, timestep, both if guided else conditions, scales)
            if guided:
                without, with_ = predicted.chunk(2)
                predicted = without + scales.guidance * (with_ - without)
            if scales.classifier > 0:
                gradient = self.classifier.gradient(sample, timestep, features.expand(len(sample), -1, -1))
                predicted = predicted - scales.classifier * noise_level(scheduler, timestep).to(gradient) * gradient
            estimate = clean_estimate(scheduler, sample, timestep, predicted)
            if scales.onsets > 0 and timed.any():
                estimate[timed] = towards_onsets(estimate[timed], hits[timed], self.to_mel, scales.onsets)
                predicted[timed] = answer_for(scheduler, sample[timed], timestep, estimate[timed])
            latent = scheduler.step(predicted, timestep, latent, return_dict=False)[0]
            if not anew.all():
                following = timesteps[index + 1 : index + 2]
                stays = scheduler.add_noise(kept, noise, following) if len(following) else kept
                latent = torch.where(anew, latent, stays)
                estimate = torch.where(anew, estimate, kept)
            yield latent, estimate

    @torch.no_grad()
    def encode_video(self, frames: Iterable[np.ndarray]) -> torch.Tensor:
        """Features of a clip's picture, (T, D) on the CPU.

        Args:
            frames: uint8 (H, W, 3) RGB of any size, one each `1 / VIDEO_RATE_HZ` from `VIDEO_START_S` on; they are
                taken a chunk at a time.
        """
        frames, parts = iter(frames), []
        while chunk := [torch.from_numpy(frame) for frame in islice(frames, CHUNK_FRAMES)]:
            video = frames_to_video(chunk).to(self._execution_device, self.cavp.dtype)
            parts.append(self.cavp.encode_video(video)[0].float().cpu())
        return torch.cat(parts)

    @torch.no_grad()
    def encode(self, mel: torch.Tensor) -> torch.Tensor:
        """Log-mel (128, frames) in [0, 1] -> latent (C, 16, columns), silence added up to whole columns."""
        mel = F.pad(mel, (0, -mel.shape[-1] % PATCH)).to(self._execution_device, self.vae.dtype)
        picture = mel.expand(1, self.vae.config.in_channels, -1, -1)
        return self.vae.encode(picture).latent_dist.mode()[0].float() * self.vae.config.scaling_factor

    @torch.no_grad()
    def decode(self, latent: torch.Tensor) -> torch.Tensor:
        """Latent (B, C, 16, L) -> log-mel (B, 128, 8 L). Of three equal channels the first is kept.

        Within [0, 1] but for Diff-Foley's autoencoder, whose answer was published to be taken as it is.
        """
        mel = self.to_mel(latent.to(self._execution_device))
        return mel if isinstance(self.vae, AutoencoderKL) else mel.clamp(0, 1)

    def to_mel(self, latent: torch.Tensor) -> torch.Tensor:
        """As `decode`, but for the clamp, and with a gradient."""
        latent = latent.to(self.vae.dtype) / self.vae.config.scaling_factor
        return self.vae.decode(latent).sample[:, 0].float()

    def _check_inputs(self, scales: Scales, steps: int, features: torch.Tensor | None) -> None:
        """Raises a sentence for the first number out of its range, or the first thing that is missing."""
        if not 1 <= steps <= 200:
            raise FoleyError(f"The number of steps must be between 1 and 200, not {steps}.")
        if self.needs_video and features is None:
            raise FoleyError("This model makes sound from the picture and was given none.")
        if scales.classifier > 0 and self.classifier is None:
            raise FoleyError("This model came without a classifier; set the classifier's scale to 0.")
        if scales.classifier > 0 and isinstance(self.scheduler, PNDMScheduler):
            raise FoleyError("The classifier cannot guide the PLMS sampler; choose another sampler or its scale 0.")

    def _guides_at(self, timestep: torch.Tensor) -> bool:
        """Whether this step is guided: with both rows, where the others take half the time."""
        return self.config.guided_from <= float(timestep) <= self.config.guided_to

    def _encode_conditions(self, request: WindowRequest, features: torch.Tensor | None) -> Conditions:
        """Embeds descriptions and lays picture, events and onsets on the window, for the networks there are."""
        known = request.events_within(self.window_s)
        track = text = hits = None
        if self.text_encoder is not None:
            track = lay_events(known, self.tokenizer, self.text_encoder, WINDOW_TOKENS, self.window_s)
            track = track.to(self._execution_device)
            text = embed_words(", ".join(event.text for event in known), self.tokenizer, self.text_encoder)
        if self.needs_video:
            tokens = self.cond_stage(window_features(features, request.start_s))
        else:
            tokens = self.aligned_encoder.encode_events(track) * bool(known)
        if self.temporal_adapter is not None:
            hits = lay_onsets(request.onsets, self.temporal_adapter, self.window_s).to(tokens.device)
        return Conditions(tokens, text, None if track is None else track.transpose(1, 2), hits)

    def _negative(self, text: str) -> torch.Tensor | None:
        """The words of what should not be heard, for the model that reads words."""
        return None if self.text_encoder is None else embed_words(text, self.tokenizer, self.text_encoder)

    def _kept(self, requests: Sequence[WindowRequest], like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Latents of which something stays, and where windows are made anew, (B, 1, 1, columns); all where all is."""
        columns = self.latent_shape[2]
        kept = [torch.zeros(self.latent_shape) if r.keep is None else r.keep[0].cpu() for r in requests]
        anew = [torch.ones(columns) if r.keep is None else r.keep[1].cpu() for r in requests]
        return torch.stack(kept).to(like), (torch.stack(anew) > 0)[:, None, None].to(like.device)

    def _heard(self, latent: torch.Tensor, start_s: float) -> FoleyOutput:
        """Mel and waveform of a finished window. One at a time: they take little time, and much memory."""
        mel = self.decode(latent[None])
        return FoleyOutput(self.vocoder(mel, start_s)[0].cpu(), mel[0].cpu(), latent.cpu())

    def _predict(
        self, sample: torch.Tensor, timestep: torch.Tensor, conditions: Conditions, scales: Scales
    ) -> torch.Tensor:
        """The answer for each row of the conditions; all at once, or as many as fit into memory."""
        sample = sample.repeat(len(conditions.tokens) // len(sample), 1, 1, 1).to(self.unet.dtype)
        while True:
            rows = self.rows_at_once or len(sample)
            parts = zip(sample.split(rows), conditions.split(rows), strict=True)
            try:
                return torch.cat([self._answer(part, timestep, given, scales) for part, given in parts])
            except torch.OutOfMemoryError:
                if min(rows, len(sample)) == 1:
                    raise
                self.rows_at_once, self.short_of_memory = (min(rows, len(sample)) + 1) // 2, True
            free()  # only after the error is gone, which holds on to what was calculated

    def _answer(
        self, sample: torch.Tensor, timestep: torch.Tensor, conditions: Conditions, scales: Scales
    ) -> torch.Tensor:
        """The UNet's answer under both adapters; an adapter of strength 0 is not run at all."""
        parts: list[tuple[Residuals, float]] = []
        if self.semantic_adapter is not None and scales.semantic > 0:
            residuals = self.semantic_adapter(sample, timestep, conditions.text, conditions.event_track)
            parts.append((residuals, scales.semantic))
        if self.temporal_adapter is not None and scales.temporal > 0:
            residuals = self.temporal_adapter(sample, timestep, conditions.tokens, conditions.onset_timeline)
            parts.append((residuals, scales.temporal))
        downs, middle = add_residuals(parts) or (None, None)
        return self.unet(
            sample,
            timestep,
            conditions.tokens,
            down_block_additional_residuals=downs,
            mid_block_additional_residual=middle,
        ).sample.float()
