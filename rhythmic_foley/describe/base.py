"""What every describer can do, whoever does the looking."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from rhythmic_foley.values.events import UNKNOWN, SoundEvent, Suggestion

PLEASE_DESCRIBE = "please describe"
N_SUGGESTIONS = 5


@dataclass(frozen=True)
class Description:
    """What sounds, who says so, and what a person should know about it.

    Attributes:
        events: sounds in order of their start.
        describer: name of who answered; a stand-in may have.
        notes: sentences for the person.
        suggestions: sounds to choose from, the likeliest first; also where the describer is not sure of any.
    """

    events: tuple[SoundEvent, ...]
    describer: str
    notes: tuple[str, ...] = ()
    suggestions: tuple[Suggestion, ...] = ()


class Describer:
    """Looks at a clip and says what sounds in it. Subclasses implement `describe`; everything else has a default.

    Attributes:
        name: shown to the person.
        frame_size: (width, height) in pixels; larger frames tell the describer no more.
        is_large: whether it holds so much memory that it must be closed before the sound model is loaded.
    """

    name: str = ""
    frame_size: tuple[int, int] = (320, 320)
    is_large: bool = False

    @property
    def fingerprint(self) -> str:
        """Part of cache keys: changes with whatever may change an answer."""
        return self.name

    def describe(self, frames: Iterable[tuple[float, np.ndarray]], duration_s: float) -> tuple[SoundEvent, ...]:
        """Say what sounds.

        Args:
            frames: (time in seconds, uint8 (H, W, 3) RGB) in time order; read once, as a stream.
            duration_s: length of the clip's picture.

        Returns:
            Sounds in order of their start, never none: a describer that is not sure gives one `unknown` event.
        """
        raise NotImplementedError(f"{type(self).__name__} does not say what sounds")

    def look(self, frames: Iterable[tuple[float, np.ndarray]], duration_s: float) -> Description:
        """Say what sounds and who says so, with suggestions; arguments as in `describe`."""
        events, ranking = self.rank(frames, duration_s)
        if ranking is None:
            ranking = [(event.label, event.confidence) for event in events if event.label != UNKNOWN]
        return Description(events, self.name, suggestions=best_suggestions(ranking))

    def rank(
        self, frames: Iterable[tuple[float, np.ndarray]], duration_s: float
    ) -> tuple[tuple[SoundEvent, ...], Sequence[tuple[str, float]] | None]:
        """Say what sounds, and every guess with its confidence, also those that are not sure enough to be said.

        Returns:
            The events of `describe`, and guesses as (label, confidence), best first; None if the describer has none.
        """
        return self.describe(frames, duration_s), None

    def close(self) -> None:
        """Free the memory; the next description loads the describer again."""


def best_suggestions(ranking: Iterable[tuple[str, float]]) -> tuple[Suggestion, ...]:
    """The first five different labels of a ranking as (label, confidence), best first."""
    best: dict[str, float] = {}
    for label, confidence in ranking:
        best.setdefault(label, round(min(max(float(confidence), 0.0), 1.0), 3))
        if len(best) == N_SUGGESTIONS:
            break
    return tuple(Suggestion(label, confidence) for label, confidence in best.items())


def unknown(confidence: float = 0.0) -> SoundEvent:
    """The answer of a describer that would rather ask than guess; `confidence` is that of its best guess."""
    return SoundEvent(label=UNKNOWN, detail=PLEASE_DESCRIBE, confidence=confidence)
