"""Memory: large models take turns in it, unused memory goes back, and too little of it is said clearly."""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rhythmic_foley.errors import FoleyError

SMALLER_BATCHES = "The GPU's memory was too small to calculate everything at once; it was done in parts."


class Memory:
    """Who is in memory: models of one kind at a time, so that its peak is that of the largest and not of all together.

    Whoever comes in while another kind is there makes that leave first. Jobs that run at the same time keep what they
    work with until they are done.
    """

    def __init__(self) -> None:
        self._kind = ""
        self._leave: dict[int, Callable[[], None]] = {}
        self._lock = threading.Lock()

    def enter(self, kind: str, who: object, leave: Callable[[], None]) -> None:
        """To be called before a model is loaded.

        Args:
            kind: models of the same kind may be there together.
            who: whose model it is; nobody is noted twice.
            leave: gives the memory back; the next use loads the model again.
        """
        with self._lock:
            if kind != self._kind:
                for others_leave in self._leave.values():
                    others_leave()
                self._kind, self._leave = kind, {}
            self._leave[id(who)] = leave


def give_back() -> None:
    """Has the C library return what it holds without using it, which grows from job to job; glibc's alone can."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)


@contextmanager
def enough_memory() -> Iterator[None]:
    """Says it in one sentence when memory runs out inside.

    Raises:
        FoleyError: instead of torch's error.
    """
    import torch

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
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()
