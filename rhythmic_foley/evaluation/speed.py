"""How long a window takes."""

from __future__ import annotations

import time
from statistics import median

from rhythmic_foley.events import SoundEvent
from rhythmic_foley.onsets import Onsets
from rhythmic_foley.pipeline import RhythmicFoleyPipeline


def seconds_per_window(pipeline: RhythmicFoleyPipeline, *, steps: int = 20, runs: int = 5) -> float:
    """Median time of a window with all conditions on, after one run to warm up."""
    taken_s = []
    for _ in range(runs + 1):
        start_s = time.perf_counter()
        pipeline(events=[SoundEvent("hammering wood")], onsets=Onsets.of([1.0, 2.0, 4.5]), steps=steps)
        taken_s.append(time.perf_counter() - start_s)
    return median(taken_s[1:])
