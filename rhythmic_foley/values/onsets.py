"""When something hits: the `Onsets` value type, and how well two lists of onsets agree."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rhythmic_foley.errors import MALFORMED, FoleyError, quoted, shown
from rhythmic_foley.values.limits import LATEST_S
from rhythmic_foley.values.seconds import parse_number, parse_time
from rhythmic_foley.values.tables import columns_of, read_table
from rhythmic_foley.values.typed_lists import split_times

# A time that was written as frame / rate must fall back into that frame although the division rounds down.
_FRAME_SLACK = 1e-6


@dataclass(frozen=True)
class Onsets:
    """Moments at which a sound starts. Every editing method returns a new value.

    Attributes:
        times_s: strictly ascending, >= 0.
        strengths: one per onset, 0..1 (1 is the loudest hit).
    """

    times_s: tuple[float, ...] = ()
    strengths: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if len(self.times_s) != len(self.strengths):
            raise FoleyError(f"There are {len(self.times_s)} onset times but {len(self.strengths)} strengths.")
        for time_s in self.times_s:
            if not 0 <= time_s < LATEST_S:
                raise FoleyError(f"An onset time must be a number of seconds from 0 on, not {time_s}.")
        for strength in self.strengths:
            if not 0 <= strength <= 1:
                raise FoleyError(f"An onset strength must lie between 0 and 1, not {strength}.")
        if any(later <= earlier for earlier, later in zip(self.times_s, self.times_s[1:], strict=False)):
            raise FoleyError("Onset times must be in ascending order without repeats.")

    @classmethod
    def of(cls, times_s: Iterable[float], strengths: Iterable[float] | None = None) -> Onsets:
        """Onsets from times in any order; of equal times the strongest stays. Strengths default to 1."""
        times = [float(time_s) for time_s in times_s]
        levels = [1.0] * len(times) if strengths is None else [float(strength) for strength in strengths]
        if len(times) != len(levels):
            raise FoleyError(f"There are {len(times)} onset times but {len(levels)} strengths.")
        kept: dict[float, float] = {}
        for time_s, strength in sorted(zip(times, levels, strict=True)):
            kept[time_s] = max(strength, kept.get(time_s, 0.0))
        return cls(tuple(kept), tuple(kept.values()))

    def __len__(self) -> int:
        return len(self.times_s)

    def add(self, time_s: float, strength: float = 1.0) -> Onsets:
        """With one more onset."""
        return Onsets.of((*self.times_s, time_s), (*self.strengths, strength))

    def remove(self, index: int) -> Onsets:
        """Without the onset at `index` in time order."""
        index = self._checked(index)
        return Onsets(
            self.times_s[:index] + self.times_s[index + 1 :], self.strengths[:index] + self.strengths[index + 1 :]
        )

    def move(self, index: int, time_s: float) -> Onsets:
        """With the onset at `index` put to `time_s`, its strength kept."""
        return self.remove(index).add(time_s, self.strengths[self._checked(index)])

    def shift(self, offset_s: float) -> Onsets:
        """All onsets later by `offset_s` (earlier if negative); what would start before 0 is dropped."""
        pairs = [(time_s + offset_s, strength) for time_s, strength in self._pairs() if time_s + offset_s >= 0]
        return Onsets.of([time_s for time_s, _ in pairs], [strength for _, strength in pairs])

    def between(self, start_s: float, end_s: float) -> Onsets:
        """The onsets in [start_s, end_s), counted from `start_s`."""
        inside = [(time_s - start_s, strength) for time_s, strength in self._pairs() if start_s <= time_s < end_s]
        return Onsets.of([time_s for time_s, _ in inside], [strength for _, strength in inside])

    def merge(self, min_gap_s: float) -> Onsets:
        """Thinned so that no two are closer than `min_gap_s`; the stronger, then the earlier, stays."""
        kept: list[tuple[float, float]] = []
        for time_s, strength in sorted(self._pairs(), key=lambda pair: (-pair[1], pair[0])):
            if all(abs(time_s - other_s) >= min_gap_s for other_s, _ in kept):
                kept.append((time_s, strength))
        return Onsets.of([time_s for time_s, _ in kept], [strength for _, strength in kept])

    def to_mask(self, n_frames: int, frame_rate_hz: float) -> np.ndarray:
        """Strength at the frame that holds each onset, 0 elsewhere; onsets past the end are left out.

        Returns:
            float32 (n_frames,); of several onsets in a frame the strongest counts.
        """
        mask = np.zeros(n_frames, dtype=np.float32)
        for time_s, strength in self._pairs():
            frame = math.floor(time_s * frame_rate_hz + _FRAME_SLACK)
            if frame < n_frames:
                mask[frame] = max(mask[frame], strength)
        return mask

    @classmethod
    def from_mask(cls, mask: np.ndarray, frame_rate_hz: float) -> Onsets:
        """An onset at the start of every frame that is not 0. Inverse of `to_mask` up to one frame."""
        frames = np.flatnonzero(mask)
        return cls.of(frames / frame_rate_hz, np.asarray(mask, dtype=np.float64)[frames])

    def to_json(self) -> str:
        """Both lists as JSON text, exact."""
        return json.dumps({"times_s": list(self.times_s), "strengths": list(self.strengths)})

    @classmethod
    def from_json(cls, text: str) -> Onsets:
        """Inverse of `to_json`; a missing strength list means 1 for each."""
        try:
            data = json.loads(text)
            return cls.of(data["times_s"], data.get("strengths"))
        except MALFORMED:
            raise FoleyError('Onsets must be JSON such as {"times_s": [0.5], "strengths": [1.0]}.') from None

    @classmethod
    def from_data(cls, data: Any) -> Onsets:
        """Onsets from what JSON holds: a list of times, an object as `onsets` prints it, or text as `parse` reads it.

        Raises:
            FoleyError: if it is none of these, naming what is wrong.
        """
        if isinstance(data, str):
            return cls.parse(data)
        strengths = None
        if isinstance(data, dict):
            data, strengths = data.get("onsets_s", data.get("times_s")), data.get("strengths")
        elif _is_number(data):
            data = [data]
        if not isinstance(data, list | tuple):
            raise FoleyError('Onsets must be a list of seconds like [0.5, 1.25], or {"onsets_s": [0.5, 1.25]}.')
        times_s = [_item(item, number, "time", parse_time) for number, item in enumerate(data, start=1)]
        if strengths is None:
            return cls.of(times_s)
        if not isinstance(strengths, list | tuple):
            raise FoleyError("The strengths of onsets must be a list of numbers from 0 to 1.")
        return cls.of(times_s, [_item(item, number, "strength") for number, item in enumerate(strengths, start=1)])

    @classmethod
    def read(cls, text: str, name: str) -> Onsets:
        """Onsets from a file: JSON, a table with the column time_s as takes have it, or times as `parse` reads them.

        Args:
            name: of the file, for sentences.

        Raises:
            FoleyError: if it is none of these, naming the row and the column where it can.
        """
        text = text.removeprefix("\ufeff")
        if text.lstrip().startswith(("{", "[")):
            try:
                data = json.loads(text)
            except (ValueError, RecursionError):
                raise FoleyError(f'{name} is not JSON with onsets like {{"onsets_s": [0.5]}}.') from None
            return cls.from_data(data)
        if "time_s" in columns_of(text):
            rows = read_table(text, ("time_s",), name)
            return cls.of([row.number_in("time_s") for row in rows], [row.number_in("strength", 1.0) for row in rows])
        return cls.parse(text)

    @classmethod
    def parse(cls, text: str) -> Onsets:
        """Times as a person types them: "0.5, 1.25 2", "0,5 1,25", with strength "0.5@0.8", with minutes "1:02.5"."""
        pairs = [_parse_onset(piece) for piece in split_times(text)]
        return cls.of([time_s for time_s, _ in pairs], [strength for _, strength in pairs])

    def format(self, *, strengths: bool = False) -> str:
        """Text for `parse`, to the millisecond: "0.5, 1.25, 2"; with strengths "0.5@0.8, 1.25, 2"."""
        levels = [f"@{_short(level)}" if strengths and level < 1 else "" for level in self.strengths]
        return ", ".join(_short(time_s) + level for time_s, level in zip(self.times_s, levels, strict=True))

    def _pairs(self) -> list[tuple[float, float]]:
        return list(zip(self.times_s, self.strengths, strict=True))

    def _checked(self, index: int) -> int:
        if not 0 <= index < len(self):
            raise FoleyError(f"There is no onset number {index + 1}; this clip has {len(self)}.")
        return index


def _parse_onset(piece: str) -> tuple[float, float]:
    typed, at, level = piece.partition("@")
    time_s, strength = parse_time(typed), parse_number(level) if at else 1.0
    if time_s is None or strength is None:
        raise FoleyError(f"{quoted(piece)} is not a time in seconds; write onsets like 0.5, 1.25, 2.")
    return time_s, strength


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _item(value: Any, number: int, what: str, parse: Callable[[str], float | None] | None = None) -> float:
    """A number in a list; text where `parse` can read it."""
    read = parse(value) if parse is not None and isinstance(value, str) else value if _is_number(value) else None
    try:
        if read is not None:
            return float(read)
    except OverflowError:  # a whole number of hundreds of digits
        pass
    raise FoleyError(f"The {what} of onset {number} must be a number, not {shown(value)}.")


def _short(number: float) -> str:
    return f"{number:.3f}".rstrip("0").rstrip(".")


@dataclass(frozen=True)
class OnsetMatch:
    """How well found onsets meet the wanted ones. With nothing wanted and nothing found all rates are 1.

    Attributes:
        hits: wanted onsets that have a found one within the tolerance, each used once.
        mean_error_s: mean distance of the hits, 0 without hits.
    """

    hits: int
    wanted: int
    found: int
    precision: float
    recall: float
    f1: float
    mean_error_s: float


def match_onsets(wanted_s: Sequence[float], found_s: Sequence[float], tolerance_s: float) -> OnsetMatch:
    """Pair wanted and found onsets one to one, nearest pairs first, none further apart than `tolerance_s`."""
    pairs = sorted(
        (abs(found - wanted), i, j)
        for i, wanted in enumerate(wanted_s)
        for j, found in enumerate(found_s)
        if abs(found - wanted) <= tolerance_s
    )
    used_wanted: set[int] = set()
    used_found: set[int] = set()
    errors_s = []
    for error_s, i, j in pairs:
        if i not in used_wanted and j not in used_found:
            used_wanted.add(i)
            used_found.add(j)
            errors_s.append(error_s)
    hits, wanted, found = len(errors_s), len(wanted_s), len(found_s)
    nothing = float(wanted == found == 0)
    return OnsetMatch(
        hits=hits,
        wanted=wanted,
        found=found,
        precision=hits / found if found else nothing,
        recall=hits / wanted if wanted else nothing,
        f1=2 * hits / (wanted + found) if wanted + found else nothing,
        mean_error_s=sum(errors_s) / hits if hits else 0.0,
    )
