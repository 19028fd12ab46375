"""When each frame of a clip's picture is shown."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np

_MAX_SLACK_S = 0.0006


@dataclass(frozen=True)
class Timeline:
    """When each frame of the picture is shown, in ticks of `time_base`.

    Attributes:
        ticks: int64 (frames,), ascending; frames that the container hides (before an edit's start) are left out.
        last_ticks: how long the last frame stays on screen.
        coded: int64 (frames,), the same ticks in the order of decoding.
        keys: bool (frames,), which of `coded` are key frames: decoding can begin there.
        timed: whether every packet says when its frame is shown and when it is decoded, without which it cannot be
            copied (Matroska leaves out the decoding times of the first few, which can be filled in).
    """

    ticks: np.ndarray
    last_ticks: int
    time_base: Fraction
    timed: bool
    coded: np.ndarray
    keys: np.ndarray

    @property
    def start(self) -> int:
        return int(self.ticks[0])

    @property
    def duration_s(self) -> float:
        """From the start of the first frame to the end of the last one."""
        return float((int(self.ticks[-1]) + self.last_ticks - self.start) * self.time_base)

    @property
    def intervals_s(self) -> np.ndarray:
        """(frames - 1,) seconds from each frame to the next."""
        return np.diff(self.ticks) * float(self.time_base)

    @property
    def usual_ticks(self) -> int:
        """Ticks from one frame to the next, typically; the last frame's length if there is no other."""
        return int(np.median(np.diff(self.ticks))) if len(self.ticks) > 1 else self.last_ticks

    @property
    def variable(self) -> bool:
        """Whether frames are spaced unevenly, beyond what rounding to the container's clock explains."""
        gaps = self.intervals_s
        return gaps.size > 0 and bool(np.abs(gaps - np.median(gaps)).max() > max(0.0021, 0.05 * np.median(gaps)))

    @cached_property
    def shown_ticks(self) -> dict[int, int]:
        """How long each frame stays on screen, by the tick at which it appears."""
        return dict(zip(self.ticks.tolist(), [*np.diff(self.ticks).tolist(), self.last_ticks], strict=True))

    @property
    def slack_s(self) -> float:
        """How much early a frame counts as shown: its time was rounded to the container's clock (1 ms in Matroska)."""
        return min(_MAX_SLACK_S, 0.0001 + 0.5 * float(self.time_base))

    def seconds(self, tick: int) -> float:
        """Time of a tick, counted from the start of the picture."""
        return float((tick - self.start) * self.time_base)


@dataclass(frozen=True)
class Span:
    """The ticks of what is written, without the end; hidden frames before the clip's start belong to its beginning."""

    first: int
    end: int
    whole_start: bool = True

    @classmethod
    def all_of(cls, timeline: Timeline) -> Span:
        return cls(timeline.start, int(timeline.ticks[-1]) + timeline.last_ticks)

    @classmethod
    def between(cls, timeline: Timeline, start_s: float, end_s: float) -> Span:
        first, end = (timeline.start + round(time_s / timeline.time_base) for time_s in (start_s, end_s))
        return cls(first, end, first == timeline.start)

    def holds(self, tick: int) -> bool:
        return (self.whole_start or tick >= self.first) and tick < self.end
