"""The GPU of a Space: on Hugging Face's ZeroGPU machines it is lent for one call at a time, for so many seconds."""

from __future__ import annotations

import math
import os
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from typing import Any

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.values.controls import Controls
from rhythmic_foley.values.results import Analysis

# Until a dub has shown it: a denoising step of one window. Two CPU cores take as long for the embedded model's.
_FIRST_GUESS_S = 0.12
_SPARE = 1.5  # a step may be slower next time
_LATELY = 8  # dubs
# Of what comes around the steps, and what is never undercut and never exceeded.
_AROUND_S, _LEAST_S, _MOST_S = 8.0, 15, 300
_WINDOW_S = 6.0  # by which each further window carries a clip on


def is_borrowed() -> bool:
    """Whether this machine lends its GPU for one call at a time."""
    return os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true")


class Pace:
    """How long to borrow the GPU for a dub: by what a step of such a dub took on this machine lately."""

    def __init__(self) -> None:
        self._seen: dict[tuple, deque[float]] = defaultdict(lambda: deque(maxlen=_LATELY))

    def seconds(self, analysis: Analysis, controls: Controls, folder: Any = None, model: str | None = None) -> int:
        """For all steps of all windows of all takes and their stems, and some more to begin and end."""
        step_s = max(self._seen[_kind(controls, model)], default=_FIRST_GUESS_S / _SPARE) * _SPARE
        return math.ceil(min(max(_LEAST_S, _AROUND_S + steps_of(analysis, controls) * step_s), _MOST_S))

    def follow(self, items: Iterator[Any], analysis: Analysis, controls: Controls, model: str | None) -> Iterator[Any]:
        """A dub's items as they come; how quickly they did is remembered, even of one that was stopped."""
        done, spent_s, last, last_s = 0.0, 0.0, 0.0, math.inf
        try:
            for item in items:
                now_s, fraction = time.monotonic(), getattr(item, "fraction", last)
                # Neither loading nor windows that were made before can say how long the rest will take.
                if getattr(item, "eta_s", None) is not None:
                    done, spent_s = done + fraction - last, spent_s + max(0.0, now_s - last_s)
                last, last_s = fraction, now_s
                yield item
        finally:
            if done > 0:
                # By its share of the whole, since windows may be made several at a time.
                self._seen[_kind(controls, model)].append(spent_s / done / steps_of(analysis, controls))


def steps_of(analysis: Analysis, controls: Controls) -> int:
    """How many denoising steps a dub has, at most."""
    start_s, end_s = controls.range_s or (0.0, analysis.clip.duration_s)
    if controls.fix is not None:  # of which at least the windows on both sides of each edge are made
        start_s, end_s = controls.fix.start_s - _WINDOW_S, min(controls.fix.end_s + _WINDOW_S, end_s + _WINDOW_S)
    windows = max(1, math.ceil((end_s - start_s) / _WINDOW_S))
    events = analysis.events if controls.events is None else controls.events
    sounds = max(1, len(events))  # each is a stem
    return windows * controls.takes * sounds * (controls.steps + 1)


def _kind(controls: Controls, model: str | None) -> tuple:
    """Dubs of one kind run the same networks at each step."""
    return model, controls.onset_guidance > 0, controls.classifier_scale > 0


def on_gpu(work: Callable[..., Iterator[Any]], pace: Pace) -> Callable[..., Iterator[Any]]:
    """`work(analysis, controls, folder, model)`, a generator function that dubs, on a borrowed GPU where there is one
    to borrow; otherwise as it is."""
    try:
        import spaces
    except ImportError:
        return work

    def spoken(*args: Any) -> Iterator[Any]:
        # It runs in a process of its own, from which the class of an error would not come back.
        try:
            yield from work(*args)
        except FoleyError as error:
            yield error

    borrowed = spaces.GPU(spoken, duration=pace.seconds)

    def called(analysis: Analysis, controls: Controls, folder: Any, model: str | None) -> Iterator[Any]:
        items = borrowed(analysis, controls, folder, model)
        try:
            for item in pace.follow(items, analysis, controls, model):
                if isinstance(item, FoleyError):
                    raise item
                yield item
        finally:
            items.close()

    return called
