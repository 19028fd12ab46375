"""Many windows at once, with parts of the model switched off by name; the noise hangs on each window's seed alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import torch

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.pipeline.pipeline import RhythmicFoleyPipeline
from rhythmic_foley.pipeline.window_request import WindowRequest
from rhythmic_foley.values.events import SoundEvent
from rhythmic_foley.values.onsets import Onsets


@dataclass(frozen=True)
class Request:
    """One window: what sounds, when it hits, and the seed of its noise."""

    events: tuple[SoundEvent, ...]
    onsets: Onsets
    seed: int


@dataclass(frozen=True)
class Parts:
    """Which parts of the model take part.

    The base model keeps its own tokens in any case: they stand for what Diff-Foley sees in the picture.

    Attributes:
        semantic_scale, temporal_scale: strengths of the adapters; 0 leaves one out.
        words: whether the semantic adapter reads the description's words.
        track: whether it reads what sounds when.
        onset_guidance: strength of the steering towards onsets that needs no adapter; 0 leaves it out.
    """

    semantic_scale: float = 1.0
    temporal_scale: float = 1.0
    words: bool = True
    track: bool = True
    onset_guidance: float = 0.0


ABLATIONS: Mapping[str, Parts] = MappingProxyType(
    {
        "everything": Parts(),
        "without temporal adapter": Parts(temporal_scale=0.0),
        "without semantic adapter": Parts(semantic_scale=0.0),
        "event track only": Parts(temporal_scale=0.0, words=False),
        "text only": Parts(temporal_scale=0.0, track=False),
        "base alone": Parts(semantic_scale=0.0, temporal_scale=0.0),
    }
)
GUIDED: Mapping[str, Parts] = MappingProxyType(
    {
        "everything": ABLATIONS["everything"],
        "without temporal adapter": ABLATIONS["without temporal adapter"],
        "onset guidance instead of it": Parts(temporal_scale=0.0, onset_guidance=1.0),
        "both": Parts(onset_guidance=1.0),
    }
)


@dataclass(frozen=True)
class Generated:
    """One window's wave (samples,), its rate in Hz, and its log-mel (128, frames)."""

    wave: np.ndarray
    sample_rate_hz: int
    mel: np.ndarray


@torch.no_grad()
def generate(
    pipeline: RhythmicFoleyPipeline,
    requests: Sequence[Request],
    parts: Parts = ABLATIONS["everything"],
    *,
    steps: int | None = None,
    guidance_scale: float | None = None,
    batch: int = 8,
    quick: bool = False,
) -> Iterator[Generated]:
    """What `pipeline` gives for each request alone.

    Args:
        pipeline: a model whose base reads described events.
        requests: windows in any number.
        parts: which parts take part.
        steps: denoising steps; None is the model's default.
        guidance_scale: None is the model's default.
        batch: windows that are denoised together.
        quick: let the networks of the loop work in bfloat16: three times as fast on a Xeon with AMX, slower on CPUs
            without. Numbers compare only with others that were made so.

    Raises:
        FoleyError: if the model makes its sound from the picture.
    """
    if pipeline.aligned_encoder is None:
        raise FoleyError("This evaluation describes the sounds in words; the model makes them from the picture.")
    windows = [
        WindowRequest(
            events=request.events,
            onsets=request.onsets,
            semantic_scale=parts.semantic_scale,
            temporal_scale=parts.temporal_scale,
            onset_guidance=parts.onset_guidance,
            guidance_scale=guidance_scale,
            steps=steps,
            generator=torch.Generator().manual_seed(request.seed),
        )
        for request in requests
    ]
    for start in range(0, len(windows), batch):
        with (
            torch.autocast(pipeline.unet.device.type, torch.bfloat16, enabled=quick),
            _reading(pipeline, parts),
        ):
            *_, (latents, _) = pipeline.denoise(windows[start : start + batch])
        mel = pipeline.decode(latents)
        for wave, picture in zip(pipeline.vocoder(mel).cpu(), mel.cpu(), strict=True):
            yield Generated(wave.numpy(), pipeline.vocoder.sample_rate_hz, picture.numpy())


@contextmanager
def _reading(pipeline: RhythmicFoleyPipeline, parts: Parts) -> Iterator[None]:
    """Keeps from the semantic adapter what it should not read."""

    def hide(_: object, inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        sample, timestep, text, track = inputs
        return sample, timestep, text * parts.words, track * parts.track

    hook = pipeline.semantic_adapter.register_forward_pre_hook(hide)
    try:
        yield
    finally:
        hook.remove()
