"""What is said when a GPU's memory is too small."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from rhythmic_foley.errors import FoleyError

SMALLER_BATCHES = "The GPU's memory was too small to calculate everything at once; it was done in parts."


@contextmanager
def enough_memory() -> Iterator[None]:
    """Says it in one sentence when memory runs out inside.

    Raises:
        FoleyError: instead of torch's error.
    """
    try:
        yield
    except torch.OutOfMemoryError:
        free()
        raise FoleyError(
            "The GPU's memory is too small for this model; close what else uses it, or set RHYTHMIC_FOLEY_RUNNING "
            "to offload."
        ) from None


def free() -> None:
    """Gives back what torch holds without using it."""
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
