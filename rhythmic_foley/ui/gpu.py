"""The GPU of a Space: on Hugging Face's ZeroGPU machines it is lent for one call at a time."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from typing import Any

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.requests import Analysis, Controls

# Of one denoising step of one window on such a GPU, with all adapters, and of what comes around the steps.
_STEP_S, _AROUND_S, _LEAST_S, _MOST_S = 0.12, 8.0, 15, 300
_WINDOW_S = 6.0  # by which each further window carries a clip on


def is_borrowed() -> bool:
    """Whether this machine lends its GPU for one call at a time."""
    return os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true")


def seconds_needed(analysis: Analysis, controls: Controls, *_: Any) -> int:
    """How long to borrow the GPU for a dub: all steps of all windows of all takes, and some more to begin and end."""
    start_s, end_s = controls.range_s or (0.0, analysis.clip.duration_s)
    windows = math.ceil(max(end_s - start_s, 0.1) / _WINDOW_S)
    steps = windows * controls.takes * (controls.steps or 25)
    return int(min(max(_LEAST_S, _AROUND_S + steps * _STEP_S), _MOST_S))


def on_gpu(work: Callable[..., Iterator[Any]], seconds: Callable[..., int]) -> Callable[..., Iterator[Any]]:
    """`work`, a generator function, on a borrowed GPU where there is one to borrow; otherwise as it is.

    Args:
        seconds: given the same arguments, for how long.
    """
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

    borrowed = spaces.GPU(spoken, duration=seconds)

    def called(*args: Any) -> Iterator[Any]:
        items = borrowed(*args)
        try:
            for item in items:
                if isinstance(item, FoleyError):
                    raise item
                yield item
        finally:
            items.close()

    return called
