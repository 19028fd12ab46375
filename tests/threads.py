"""How far takes on one and on two threads lie apart: `python tests/threads.py` says it for the shipped model."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if __name__ == "__main__":
    HERE = Path(__file__).resolve().parent
    sys.path[:0] = [str(HERE), str(HERE.parent)]
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # on a busy machine threads that wait would be in the way

if TYPE_CHECKING:
    import torch

    from rhythmic_foley.pipeline.pipeline import RhythmicFoleyPipeline


@contextmanager
def threads(count: int) -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def window_on(count: int, pipeline: RhythmicFoleyPipeline, steps: int) -> torch.Tensor:
    """One window of a fixed request, made on that many threads."""
    import torch

    from rhythmic_foley.values.events import SoundEvent
    from rhythmic_foley.values.onsets import Onsets

    with threads(count):
        return pipeline(
            events=[SoundEvent("hammering wood", "close", 0.5)],
            onsets=Onsets.of([0.5, 1.25, 3.0]),
            steps=steps,
            generator=torch.Generator().manual_seed(3),
        ).wave


def main() -> None:
    from toy import CHECKPOINT

    from rhythmic_foley.pipeline.loading import load_pipeline

    pipeline = load_pipeline(CHECKPOINT, "cpu")
    one, two, again = (window_on(count, pipeline, steps=20) for count in (1, 2, 2))
    print(f"1 and 2 threads: at most {float((one - two).abs().max()):.1e}, of a peak of {float(one.abs().max()):.2f}")
    print(f"2 threads twice: at most {float((two - again).abs().max()):.1e}")


if __name__ == "__main__":
    main()
