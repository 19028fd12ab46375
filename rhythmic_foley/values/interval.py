"""A stretch of time."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Interval:
    """A stretch of time from `start_s` to `end_s`, in seconds."""

    start_s: float
    end_s: float

    @property
    def duration_s(self) -> float:
        """How long it is."""
        return self.end_s - self.start_s

    def contains(self, time_s: float) -> bool:
        """Whether a time lies in it; the start belongs to it, the end does not."""
        return self.start_s <= time_s < self.end_s

    def overlaps(self, other: Interval) -> bool:
        """Whether the two have more than a point in common."""
        return self.start_s < other.end_s and other.start_s < self.end_s

    def shift(self, by_s: float) -> Interval:
        """The same stretch, later by `by_s`; earlier where that is negative."""
        return Interval(self.start_s + by_s, self.end_s + by_s)

    def clip(self, inside: Interval) -> Interval:
        """The part that lies inside another stretch; empty at its nearer edge where there is none."""
        start_s = min(max(self.start_s, inside.start_s), inside.end_s)
        return Interval(start_s, max(start_s, min(self.end_s, inside.end_s)))
