"""The describer that comes with the project: sees things with EfficientNet-lite0 and ranks every sound it knows of.

It looks at single frames, so it knows things and hardly actions. What it is not sure of it leaves to the person, with
suggestions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from rhythmic_foley.describe.base import N_SUGGESTIONS, Describer, unknown
from rhythmic_foley.describe.sounds import SoundTable
from rhythmic_foley.describe.speech import is_speech
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.models.efficientnet_lite import EfficientNetLite, central_square, preprocess
from rhythmic_foley.models.sound_head import SoundHead
from rhythmic_foley.values.events import SoundEvent

MIN_FRAMES = 10
MAX_FRAMES = 60
FRAME_EVERY_S = 2.0
BATCH_FRAMES = 2  # two views of each: more do not fit into a CPU's cache, which takes twice the time
MAX_EVENTS = 3
# What a class is given anywhere: without it 118 breeds of dog would add up to a bark in every picture.
NOISE = 0.001
# Class probabilities are softened by this temperature to see what else a thing may be.
SOFTNESS = 1.5
# Frames that are less alike than this (cosine of the roots of their features) are of different shots. Of frames 2 s
# apart within one shot of the film that the head is trained on 1 in 100 is; of frames of two clips 95 in 100.
SAME_SHOT = 0.68
HEAD = "head"


@dataclass(frozen=True)
class Look:
    """What the picture network sees in frames.

    Attributes:
        times_s: (F,).
        features: (F, D), mean over the views of a frame.
        sharp: (F, classes), probabilities that both views agree on.
        soft: (F, classes), softened probabilities, mean over the views.
    """

    times_s: np.ndarray
    features: np.ndarray
    sharp: np.ndarray
    soft: np.ndarray

    def part(self, first: int, last: int) -> Look:
        """The frames from `first` to `last`, both included."""
        rows = slice(first, last + 1)
        return Look(self.times_s[rows], self.features[rows], self.sharp[rows], self.soft[rows])


class EmbeddedDescriber(Describer):
    """Names what sounds from a few frames of a clip, on a laptop CPU in about a second.

    Args:
        network: an image classifier over the classes of `table`.
        head: ranks the sounds of `table`.
        table: what the classes sound like.
    """

    name = "embedded"

    def __init__(self, network: EfficientNetLite, head: SoundHead, table: SoundTable | None = None) -> None:
        self.network = network.eval()
        self.head = head.eval()
        self.table = table or SoundTable.load()
        if tuple(head.config.labels) != self.table.labels:
            raise FoleyError("The describer's weights are for another vocabulary; fetch them again or train them.")

    @classmethod
    def from_pretrained(cls, folder: str | Path) -> EmbeddedDescriber:
        """Load network and head from a folder with config.json and safetensors weights: checkpoints/mini/describer."""
        if not (Path(folder) / "config.json").is_file() or not (Path(folder) / HEAD / "config.json").is_file():
            raise FoleyError(
                f"There is no describer in {folder}; give the folder that holds its config.json, weights and head/."
            )
        network = EfficientNetLite.from_pretrained(folder).fuse_norms()
        head = SoundHead.from_pretrained(Path(folder) / HEAD)
        return cls(network.to(memory_format=torch.channels_last), head)

    def describe(self, frames: Iterable[tuple[float, np.ndarray]], duration_s: float) -> tuple[SoundEvent, ...]:
        """Say what sounds, at most three sounds; see `Describer.describe`."""
        return self.rank(frames, duration_s)[0]

    def rank(
        self, frames: Iterable[tuple[float, np.ndarray]], duration_s: float
    ) -> tuple[tuple[SoundEvent, ...], list[tuple[str, float]]]:
        """What sounds, and every sound there is with its confidence over the whole clip: five different ones first."""
        return self.rank_look(self.look_at(spread(frames, duration_s)))

    def rank_look(self, look: Look) -> tuple[tuple[SoundEvent, ...], list[tuple[str, float]]]:
        """The same for what was seen already."""
        if not len(look.times_s):
            return (unknown(),), []
        probabilities = self.probabilities(look)
        confidence = self.head.confidence(probabilities)
        varied = self.head.varied(probabilities, 2 * N_SUGGESTIONS)
        first = [label for label in varied if not is_speech(self.table.labels[label])][:N_SUGGESTIONS]
        first.sort(key=lambda label: -float(confidence[label]))
        rest = [label for label in torch.argsort(-probabilities, stable=True).tolist() if label not in first]
        ranking = [(self.table.labels[label], float(confidence[label])) for label in (*first, *rest)]
        return self.events(look, {self.table.labels[label] for label in first}), ranking

    def events(self, look: Look, likely: Set[str] | None = None) -> tuple[SoundEvent, ...]:
        """Name the sound of each shot that is seen for certain, in order of start; `unknown` where there is none.

        Args:
            look: what is seen.
            likely: sounds of which one shot out of several must be; None for any.
        """
        found: list[tuple[int, SoundEvent]] = []
        best, cut = 0.0, shots(look.features)
        for first, last in cut:
            part = look.part(first, last)
            confidence = self.head.confidence(self.probabilities(part))
            label = int(confidence.argmax())
            sure = round(float(confidence[label]), 3)
            best = max(best, sure)
            name = self.table.labels[label]
            strange = likely is not None and len(cut) > 1 and name not in likely
            if sure < self.head.config.sure or strange:
                continue
            start_s, end_s = _span(look.times_s, first, last)
            found.append(
                (last + 1 - first, SoundEvent(name, self.table.detail(name, part.sharp), start_s, end_s, sure))
            )
        if not found:
            return (unknown(best),)
        found = _joined(found)
        found.sort(key=lambda item: -item[0] * item[1].confidence)
        return tuple(sorted((event for _, event in found[:MAX_EVENTS]), key=lambda event: event.start_s))

    @torch.no_grad()
    def probabilities(self, look: Look) -> torch.Tensor:
        """How likely each sound is over all frames of a look, (labels,)."""
        features, masses = pooled(look, self.table)
        return self.head(torch.from_numpy(features)[None], torch.from_numpy(masses)[None])[0]

    def look_at(self, frames: Iterable[tuple[float, np.ndarray]]) -> Look:
        """Look at frames, a few at a time to save memory."""
        config = self.network.config
        times_s, batch = [], []
        seen = [(np.zeros((0, config.head_channels), np.float32), *[np.zeros((0, config.n_classes), np.float32)] * 2)]
        for time_s, frame in frames:
            times_s.append(time_s)
            batch.append(self._views(frame))
            if len(batch) == BATCH_FRAMES:
                seen.append(self._classify(torch.stack(batch)))
                batch = []
        if batch:
            seen.append(self._classify(torch.stack(batch)))
        return Look(np.array(times_s), *(np.concatenate(parts) for parts in zip(*seen, strict=True)))

    def _views(self, frame: np.ndarray) -> torch.Tensor:  # (2, 3, size, size)
        size = self.network.config.image_size
        return torch.stack([preprocess(central_square(frame), size), preprocess(frame, size)])

    @torch.no_grad()
    def _classify(self, views: torch.Tensor) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Views (F, 2, 3, size, size) -> features (F, D), sharp and soft probabilities (F, classes).

        The geometric mean costs a wrong guess, which changes with the crop, more than a right one.
        """
        features = self.network.features(views.flatten(0, 1).to(self.network.device))
        logits = self.network.classifier(features).unflatten(0, views.shape[:2])  # (F, 2, classes)
        sharp = (logits.log_softmax(dim=-1).mean(dim=1).exp() - NOISE).clamp(min=0)
        soft = (logits / SOFTNESS).softmax(dim=-1).mean(dim=1)
        return tuple(part.cpu().numpy() for part in (features.unflatten(0, views.shape[:2]).mean(dim=1), sharp, soft))


def pooled(look: Look, table: SoundTable) -> tuple[np.ndarray, np.ndarray]:
    """What the head reads: features (D,) and masses (2, labels), means over the frames of a look."""
    masses = np.stack([table.pool(look.sharp).mean(axis=0), table.pool(look.soft).mean(axis=0)])
    return look.features.mean(axis=0), masses


def shots(features: np.ndarray) -> list[tuple[int, int]]:
    """Cut where neighbouring frames are unlike: features (F, D) -> (first, last) frame of each shot.

    A shot has at least two frames, unless there is only one; a single frame that is unlike both its neighbours belongs
    to the shot before it.
    """
    roots = np.sqrt(np.maximum(features, 0))
    roots = roots / np.maximum(np.linalg.norm(roots, axis=1, keepdims=True), 1e-6)
    starts = [0]
    for frame in range(1, len(roots)):
        unlike = float(roots[frame] @ roots[frame - 1]) < SAME_SHOT
        if unlike and frame - starts[-1] >= 2 and frame <= len(roots) - 2:
            starts.append(frame)
    return [(start, stop - 1) for start, stop in zip(starts, [*starts[1:], len(roots)], strict=True)]


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


def _joined(found: list[tuple[int, SoundEvent]]) -> list[tuple[int, SoundEvent]]:
    """Neighbouring shots of one sound as one event; each item is (frames, event)."""
    joined: list[tuple[int, SoundEvent]] = []
    for frames, event in found:
        before = joined[-1] if joined else None
        if before and before[1].label == event.label and before[1].end_s == event.start_s:
            confidence = (before[0] * before[1].confidence + frames * event.confidence) / (before[0] + frames)
            event = replace(before[1], end_s=event.end_s, confidence=round(confidence, 3))
            frames += joined.pop()[0]
        joined.append((frames, event))
    return joined


def _span(times_s: np.ndarray, first: int, last: int) -> tuple[float, float | None]:
    """From midway to the frame before to midway to the frame after; the clip's own ends where there is none."""
    start_s = 0.0 if first == 0 else (times_s[first - 1] + times_s[first]) / 2
    end_s = None if last == len(times_s) - 1 else round(float(times_s[last] + times_s[last + 1]) / 2, 3)
    return round(float(start_s), 3), end_s
