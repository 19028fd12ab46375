"""What the pipeline is asked for: one window, or several that share everything but what happens in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.pipeline.guidance import Scales
from rhythmic_foley.values.events import UNKNOWN, SoundEvent
from rhythmic_foley.values.onsets import Onsets

_SHARED = (
    "negative",
    "features",
    "semantic_scale",
    "temporal_scale",
    "guidance_scale",
    "classifier_scale",
    "onset_guidance",
    "steps",
    "strength",
)


@dataclass(frozen=True)
class WindowRequest:
    """One window.

    Attributes:
        events: what sounds when, in seconds from the window's beginning; unknown events are left out.
        onsets: when something hits, in seconds from the window's beginning; None where nobody knows.
        negative: what should not be heard.
        features: (T, D) of the whole clip's picture, for a model that `needs_video`.
        start_s: where in the clip the window begins: of which features it is, and of which of the vocoder's noise.
        semantic_scale: strength of the semantic adapter; 0 leaves it out.
        temporal_scale: strength of the temporal adapter; 0 leaves it out.
        guidance_scale: of classifier-free guidance; 1 switches it off, None is the model's default.
        classifier_scale: of Diff-Foley's second guidance, by a classifier that says whether sound and picture are
            in step; 0 switches it off, 50 was published.
        onset_guidance: of steering towards the onsets by the gradient of the decoded mel, which needs no temporal
            adapter and a decoder pass more at each step; 0 switches it off, 1 is plenty.
        steps: denoising steps; None is the model's default.
        generator: draws the noise.
        noise: (C, 16, columns) instead, for windows that share noise where they overlap.
        keep: latent (C, 16, columns) of a sound of which a part stays, and a mask (columns,) that is above 0 where
            the sound is made anew. What stays is at the end equal to the bit.
        start_from: latent (C, 16, columns) of a sound to begin with, and how much of the way from pure noise is
            gone: at 1 nothing is left of that sound, near 0 little changes and few of the steps are run (SDEdit).
    """

    events: Sequence[SoundEvent] = ()
    onsets: Onsets | None = None
    negative: str = ""
    features: torch.Tensor | None = None
    start_s: float = 0.0
    semantic_scale: float = 1.0
    temporal_scale: float = 1.0
    guidance_scale: float | None = None
    classifier_scale: float = 0.0
    onset_guidance: float = 0.0
    steps: int | None = None
    generator: torch.Generator | None = None
    noise: torch.Tensor | None = None
    keep: tuple[torch.Tensor, torch.Tensor] | None = None
    start_from: tuple[torch.Tensor, float] | None = None

    @property
    def strength(self) -> float:
        """How much of the way from pure noise is gone."""
        return 1.0 if self.start_from is None else self.start_from[1]

    def scales(self, default_guidance: float) -> Scales:
        """All strengths.

        Raises:
            FoleyError: if one is out of its range.
        """
        guidance = default_guidance if self.guidance_scale is None else self.guidance_scale
        return Scales(self.semantic_scale, self.temporal_scale, guidance, self.classifier_scale, self.onset_guidance)

    def events_within(self, window_s: float) -> list[SoundEvent]:
        """Those that somebody knows and that begin within the window."""
        return [event for event in self.events if event.label != UNKNOWN and event.start_s < window_s]

    def strengths(self, frames: int, window_s: float) -> torch.Tensor:
        """(frames,) of the wanted onsets, 0 to 1."""
        return torch.from_numpy((self.onsets or Onsets()).to_mask(frames, frames / window_s))

    def draw(self, shape: tuple[int, ...]) -> torch.Tensor:
        """The noise to begin with."""
        return torch.randn(shape, generator=self.generator) if self.noise is None else self.noise


def in_common(requests: Sequence[WindowRequest]) -> WindowRequest:
    """Any of the requests, to read what they share.

    Raises:
        ValueError: if they differ in something that windows of one batch share.
        FoleyError: if there is no way from pure noise to go.
    """
    first = requests[0]
    for name in _SHARED:
        values = [getattr(request, name) for request in requests]
        if any(value is not values[0] and (name == "features" or value != values[0]) for value in values):
            raise ValueError(f"windows that are generated together need the same {name}")
    if not 0 < first.strength <= 1:
        raise FoleyError(f"The share of a sound made anew must be above 0 and at most 1, not {first.strength:g}.")
    return first
