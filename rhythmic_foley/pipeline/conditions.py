"""What the networks read about one window, laid out as tensors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from rhythmic_foley.models.adapters import Adapter, onset_timeline
from rhythmic_foley.models.aligned_encoder import event_timeline
from rhythmic_foley.models.cavp import FRAME_RATE_HZ
from rhythmic_foley.models.text_encoder import embed_text, embed_tokens
from rhythmic_foley.values.events import SoundEvent
from rhythmic_foley.values.onsets import Onsets

WINDOW_TOKENS = 32


@dataclass(frozen=True)
class Conditions:
    """A batch of windows; when guided, all of them without the conditions and then all with.

    Attributes:
        tokens: (B, 32, D) for the UNet and the temporal adapter.
        text: (B, L, text) for the semantic adapter; this and the following are None where no network reads them.
        event_track: (B, text + 1, 32), what sounds when.
        onset_timeline: (B, 1 or 2, frames), what hits when.
    """

    tokens: torch.Tensor
    text: torch.Tensor | None = None
    event_track: torch.Tensor | None = None
    onset_timeline: torch.Tensor | None = None

    def guided(self, negative_text: torch.Tensor | None) -> Conditions:
        """With the unconditional half in front.

        That has zeros for tokens, events and onsets; its text is the negative text. Guidance is about when as well:
        with the onsets in both halves hits were heard between the wanted ones.
        """
        return Conditions(
            _in_front(torch.zeros_like(self.tokens), self.tokens),
            None if self.text is None else _in_front(negative_text.expand_as(self.text), self.text),
            None if self.event_track is None else _in_front(torch.zeros_like(self.event_track), self.event_track),
            None
            if self.onset_timeline is None
            else _in_front(torch.zeros_like(self.onset_timeline), self.onset_timeline),
        )

    def split(self, rows: int) -> Iterator[Conditions]:
        """So many rows of the batch at a time."""
        for start in range(0, len(self.tokens), rows):
            yield self._each(lambda part, start=start: part[start : start + rows])

    def to(self, device: torch.device, dtype: torch.dtype) -> Conditions:
        return self._each(lambda part: part.to(device, dtype))

    def _each(self, change: Callable[[torch.Tensor], torch.Tensor]) -> Conditions:
        parts = (getattr(self, field.name) for field in fields(self))
        return Conditions(*(None if part is None else change(part) for part in parts))


def together(each: Sequence[Conditions]) -> Conditions:
    """Those of several windows as one batch."""
    parts = zip(*(tuple(getattr(one, field.name) for field in fields(one)) for one in each), strict=True)
    return Conditions(*(None if part[0] is None else torch.cat(part) for part in parts))


def window_features(features: torch.Tensor, start_s: float) -> torch.Tensor:
    """CAVP features (1, 32, D) of the window that begins at `start_s`, from those of a clip (1, T, D).

    Counted on the clip's own time, so that nothing drifts. Beyond the clip's end its last picture stays on screen.
    """
    first = round(start_s * FRAME_RATE_HZ)
    rows = torch.arange(first, first + WINDOW_TOKENS).clamp(max=features.shape[1] - 1)
    return features[:, rows]


def lay_events(
    events: Sequence[SoundEvent],
    tokenizer: PreTrainedTokenizerBase,
    text_encoder: PreTrainedModel,
    tokens: int,
    window_s: float,
) -> torch.Tensor:
    """What sounds when, (1, tokens, text + 1), see `event_timeline`; zeros for no events."""
    if not events:
        return torch.zeros(1, tokens, text_encoder.config.hidden_size + 1, device=text_encoder.device)
    embeddings = embed_text([event.text for event in events], tokenizer, text_encoder)
    spans_s = [(e.start_s, window_s if e.end_s is None else e.end_s) for e in events]
    return event_timeline(embeddings[None], torch.tensor(spans_s, device=embeddings.device)[None], tokens, window_s)


def embed_words(text: str, tokenizer: PreTrainedTokenizerBase, text_encoder: PreTrainedModel) -> torch.Tensor:
    """Token states (1, L, text); zeros for no text, as in training."""
    hidden, _ = embed_tokens([text or "-"], tokenizer, text_encoder)
    return hidden if text else torch.zeros_like(hidden)


def lay_onsets(onsets: Onsets | None, adapter: Adapter, window_s: float) -> torch.Tensor:
    """What hits when, as the temporal adapter reads it, (1, channels, frames); zeros where nobody knows."""
    channels, frames = adapter.config.timeline_channels, adapter.config.timeline_length
    if onsets is None:
        return torch.zeros(1, channels, frames)
    mask = torch.from_numpy(onsets.to_mask(frames, frames / window_s))[None, None]
    return mask if channels == 1 else onset_timeline(mask)


def _in_front(unconditional: torch.Tensor, conditional: torch.Tensor) -> torch.Tensor:
    return torch.cat([unconditional, conditional])
