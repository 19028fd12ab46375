"""The describer that comes with the project: sees objects with EfficientNet-lite0, says what those sound like.

It looks at single frames, so it knows things and not actions: a dog is taken to bark. What it does not recognise for
certain it leaves to the person.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import torch

from rhythmic_foley.describe.base import Describer, unknown
from rhythmic_foley.describe.sounds import SoundTable
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.models.efficientnet_lite import EfficientNetLite, central_square, preprocess
from rhythmic_foley.values.events import SoundEvent

MIN_FRAMES = 10
MAX_FRAMES = 60
FRAME_EVERY_S = 2.0
BATCH_FRAMES = 2  # two views of each: more do not fit into a CPU's cache, which takes twice the time

# By cross-validation on labelled pictures, a wrong answer costing two right ones: see docs/describers.md.
SURE = 0.37
# A frame that shows a sure sound this much weaker still belongs to its span.
FAINT = 0.25
MAX_EVENTS = 3
# What a class is given anywhere: without it 118 breeds of dog would add up to a bark in every picture.
NOISE = 0.001


class EmbeddedDescriber(Describer):
    """Names what sounds from a few frames of a clip, on a laptop CPU in about a second.

    Args:
        network: an image classifier over the classes of `table`.
        table: what the classes sound like.
        sure: smallest confidence of an answer.
    """

    name = "embedded"

    def __init__(self, network: EfficientNetLite, table: SoundTable | None = None, sure: float = SURE):
        self.network = network.eval()
        self.table = table or SoundTable.load()
        self.sure = sure

    @classmethod
    def from_pretrained(cls, folder: str | Path) -> EmbeddedDescriber:
        """Load the network from a folder with config.json and safetensors weights: checkpoints/mini/describer."""
        if not (Path(folder) / "config.json").is_file():
            raise FoleyError(
                f"There is no describer in {folder}; give the folder that holds its config.json and weights."
            )
        network = EfficientNetLite.from_pretrained(folder).fuse_norms()
        return cls(network.to(memory_format=torch.channels_last))

    def describe(self, frames: Iterable[tuple[float, np.ndarray]], duration_s: float) -> tuple[SoundEvent, ...]:
        """Say what sounds, at most three sounds; see `Describer.describe`."""
        return self.rank(frames, duration_s)[0]

    def rank(
        self, frames: Iterable[tuple[float, np.ndarray]], duration_s: float
    ) -> tuple[tuple[SoundEvent, ...], list[tuple[str, float]]]:
        """What sounds, and every sound there is with what speaks for it over the whole clip, the likeliest first."""
        times_s, probabilities = self._look(spread(frames, duration_s))
        if not times_s:
            return (unknown(),), []
        mass = self.table.pool(probabilities).mean(axis=0)
        ranking = [(self.table.labels[column], float(mass[column])) for column in np.argsort(-mass, kind="stable")]
        return self.events(times_s, probabilities), ranking

    def events(self, times_s: list[float], probabilities: np.ndarray) -> tuple[SoundEvent, ...]:
        """Turn what was seen into sounds: probabilities (F, classes) at `times_s` (F,) -> events in order of start."""
        mass = self.table.pool(probabilities)  # (F, labels)
        found = []
        for column, label in enumerate(self.table.labels):
            for first, last in sure_runs(mass[:, column], self.sure, FAINT * self.sure):
                start_s, end_s = _span(times_s, first, last)
                confidence = _confidence(mass[first : last + 1, column])
                detail = self.table.detail(label, probabilities[first : last + 1])
                found.append((last + 1 - first, SoundEvent(label, detail, start_s, end_s, confidence)))
        if not found:
            return (unknown(_confidence(mass.mean(axis=0).max(keepdims=True))),)
        found.sort(key=lambda item: -item[0] * item[1].confidence)
        return tuple(sorted((event for _, event in found[:MAX_EVENTS]), key=lambda event: event.start_s))

    def _look(self, frames: Iterable[tuple[float, np.ndarray]]) -> tuple[list[float], np.ndarray]:
        """Classify frames, a few at a time to save memory: their times and probabilities (F, classes)."""
        times_s, batch, seen = [], [], [np.zeros((0, self.network.config.n_classes), dtype=np.float32)]
        for time_s, frame in frames:
            times_s.append(time_s)
            batch.append(self._views(frame))
            if len(batch) == BATCH_FRAMES:
                seen.append(self._classify(torch.stack(batch)))
                batch = []
        if batch:
            seen.append(self._classify(torch.stack(batch)))
        return times_s, np.concatenate(seen)

    def _views(self, frame: np.ndarray) -> torch.Tensor:  # (2, 3, size, size)
        size = self.network.config.image_size
        return torch.stack([preprocess(central_square(frame), size), preprocess(frame, size)])

    @torch.no_grad()
    def _classify(self, views: torch.Tensor) -> np.ndarray:
        """Views (F, 2, 3, size, size) -> probabilities (F, classes) that both views agree on; rows sum to 1 or less.

        The geometric mean costs a wrong guess, which changes with the crop, more than a right one.
        """
        flat = views.flatten(0, 1).to(self.network.device)
        logs = self.network(flat).log_softmax(dim=-1).unflatten(0, views.shape[:2])  # (F, 2, classes)
        return (logs.mean(dim=1).exp() - NOISE).clamp(min=0).cpu().numpy()


def spread(frames: Iterable[tuple[float, np.ndarray]], duration_s: float) -> Iterator[tuple[float, np.ndarray]]:
    """Choose frames evenly over a clip out of a stream: 10 of a short clip, one in 2 s of a longer one, 60 at most.

    The clip is cut into as many slots as frames are wanted; of each slot the frame nearest its middle is chosen.
    """
    n_slots = min(max(round(duration_s / FRAME_EVERY_S), MIN_FRAMES), MAX_FRAMES)
    slot_s = max(duration_s, 1e-3) / n_slots
    slot, chosen = 0, None
    for time_s, frame in frames:
        this_slot = min(int(time_s / slot_s), n_slots - 1)
        if chosen is not None and this_slot != slot:
            yield chosen
            chosen = None
        slot, middle_s = this_slot, (this_slot + 0.5) * slot_s
        if chosen is None or abs(time_s - middle_s) < abs(chosen[0] - middle_s):
            chosen = (time_s, frame)
    if chosen is not None:
        yield chosen


def sure_runs(mass: np.ndarray, sure: float, faint: float) -> list[tuple[int, int]]:
    """Where a sound is seen for certain: (first, last) frame of each run.

    A run is a stretch of frames with at least `faint` mass, one weaker frame at a time allowed between them, whose
    mean is at least `sure`. A single frame is not enough unless the clip has only one.

    Args:
        mass: (F,) what speaks for the sound in every frame.
        sure: smallest mean of a run.
        faint: smallest mass of a frame at either end of a run.
    """
    runs: list[tuple[int, int]] = []
    for frame in np.flatnonzero(mass >= faint).tolist():
        if runs and frame - runs[-1][1] <= 2:
            runs[-1] = (runs[-1][0], frame)
        else:
            runs.append((frame, frame))
    shortest = min(2, len(mass))
    return [run for run in runs if run[1] + 1 - run[0] >= shortest and mass[run[0] : run[1] + 1].mean() >= sure]


def _span(times_s: list[float], first: int, last: int) -> tuple[float, float | None]:
    """From midway to the frame before to midway to the frame after; the clip's own ends where there is none."""
    start_s = 0.0 if first == 0 else (times_s[first - 1] + times_s[first]) / 2
    end_s = None if last == len(times_s) - 1 else round((times_s[last] + times_s[last + 1]) / 2, 3)
    return round(start_s, 3), end_s


def _confidence(mass: np.ndarray) -> float:
    return round(min(float(mass.mean()), 1.0), 3)
