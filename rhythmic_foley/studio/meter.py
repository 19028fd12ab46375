"""Count the steps of a dub and say how long the rest will take."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rhythmic_foley.values.results import Progress

if TYPE_CHECKING:
    import numpy as np


@dataclass
class Meter:
    """Counts steps and says how long the rest will take."""

    total: int
    label: str = ""
    done: int = 0
    began_s: float | None = None
    counted: int = 0

    def named(self, label: str) -> Meter:
        self.label = label
        return self

    def tick(self, message: str, preview: np.ndarray | None = None, steps: int = 1) -> Progress:
        now_s = time.monotonic()
        self.done += steps
        eta_s = None
        if self.began_s is None:
            self.began_s = now_s  # the first step pays for warming up
        else:
            self.counted += steps
            eta_s = (now_s - self.began_s) / self.counted * (self.total - self.done)
        return Progress(self.done / self.total, message, eta_s, preview)

    def skip(self, steps: int, message: str) -> Progress:
        self.done += steps
        return Progress(self.done / self.total, f"{message}: made before")
