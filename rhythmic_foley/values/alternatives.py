"""Other readings of the same onsets, for a person to choose where the first proposal is wrong in a common way."""

from __future__ import annotations

import re

import numpy as np

from rhythmic_foley.errors import FoleyError, quoted
from rhythmic_foley.values.curve import Curve, pick_onsets
from rhythmic_foley.values.onsets import Onsets

EVERY_SECOND, OTHER_PHASE, STRONGEST = "every-second", "other-phase", "strongest"
READINGS = (EVERY_SECOND, OTHER_PHASE)  # those that need no number
_PAUSE = 1.5  # a gap this many times the usual one is a pause and holds no turning point in its middle
_NEAR, _FAR = 0.25, 0.75  # where in a gap the other turning point is looked for


def alternative(onsets: Onsets, curve: Curve, choice: str) -> Onsets:
    """Other onsets by the name of the choice: "every-second", "other-phase", or "strongest:N".

    Raises:
        FoleyError: if there is no such choice.
    """
    if choice == EVERY_SECOND:
        return every_second(onsets)
    if choice == OTHER_PHASE:
        return other_phase(onsets, curve)
    number = re.fullmatch(rf"{STRONGEST}:(\d{{1,6}})", choice)
    if number is None:
        raise FoleyError(
            f"{quoted(choice)} is no choice of onsets; write {EVERY_SECOND}, {OTHER_PHASE} or {STRONGEST}:N."
        )
    return strongest(onsets, int(number[1]))


def every_second(onsets: Onsets) -> Onsets:
    """Every second onset, of the two ways to count the one whose strengths add up to more."""
    offset = int(sum(onsets.strengths[1::2]) > sum(onsets.strengths[0::2]))
    return Onsets(onsets.times_s[offset::2], onsets.strengths[offset::2])


def strongest(onsets: Onsets, number: int) -> Onsets:
    """The `number` strongest onsets in time order; of equal ones the earlier."""
    order = sorted(range(len(onsets)), key=lambda index: (-onsets.strengths[index], onsets.times_s[index]))
    kept = sorted(order[:number])
    return Onsets(tuple(onsets.times_s[i] for i in kept), tuple(onsets.strengths[i] for i in kept))


def other_phase(onsets: Onsets, curve: Curve) -> Onsets:
    """Onsets at the other turning points of what swings: one after each onset, on the way to the next.

    Each lies on the highest peak of the curve in the middle half of the gap, or in the gap's middle without a peak. It
    keeps its onset's strength. After the last onset, and before a pause, the usual gap counts. Where the curve has a
    peak half a gap before the first onset, one is put there too.
    """
    if not len(onsets):
        return onsets
    times_s = np.asarray(onsets.times_s)
    gaps_s = np.diff(times_s)
    usual_s = float(np.median(gaps_s)) if len(gaps_s) else 1.0
    gaps_s = np.append(np.where(gaps_s > _PAUSE * usual_s, usual_s, gaps_s), usual_s)
    peaks = pick_onsets(curve, 0.0)
    end_s = float(curve.times_s[-1]) if len(curve.times_s) else np.inf
    found = [
        (_turning_s(peaks, time_s, gap_s) or time_s + gap_s / 2, strength)
        for time_s, gap_s, strength in zip(times_s, gaps_s, onsets.strengths, strict=True)
    ]
    first_s = _turning_s(peaks, times_s[0] - usual_s, usual_s)
    if first_s is not None:
        found.append((first_s, onsets.strengths[0]))
    found = [(time_s, strength) for time_s, strength in found if 0 <= time_s <= end_s]
    return Onsets.of([time_s for time_s, _ in found], [strength for _, strength in found])


def _turning_s(peaks: Onsets, start_s: float, gap_s: float) -> float | None:
    """Time of the highest peak in the middle half of a gap; None without one."""
    inside = [
        (strength, -time_s)
        for time_s, strength in zip(peaks.times_s, peaks.strengths, strict=True)
        if start_s + _NEAR * gap_s <= time_s <= start_s + _FAR * gap_s
    ]
    return -max(inside)[1] if inside else None
