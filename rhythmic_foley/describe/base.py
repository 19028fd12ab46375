"""What every describer can do, whoever does the looking."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import numpy as np

from rhythmic_foley.values.events import UNKNOWN, SoundEvent

PLEASE_DESCRIBE = "please describe"


class Describer(Protocol):
    """Looks at a clip and says what sounds in it."""

    name: str

    def describe(self, frames: Iterable[tuple[float, np.ndarray]], duration_s: float) -> tuple[SoundEvent, ...]:
        """Say what sounds.

        Args:
            frames: (time in seconds, uint8 (H, W, 3) RGB) in time order; read once, as a stream.
            duration_s: length of the clip's picture.

        Returns:
            Sounds in order of their start, never none: a describer that is not sure gives one `unknown` event.
        """
        ...


def unknown(confidence: float = 0.0) -> SoundEvent:
    """The answer of a describer that would rather ask than guess; `confidence` is that of its best guess."""
    return SoundEvent(label=UNKNOWN, detail=PLEASE_DESCRIBE, confidence=confidence)
