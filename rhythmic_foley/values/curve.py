"""A curve of how likely a contact is over time, and the onsets that are picked from its peaks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.values.onsets import Onsets

DEFAULT_THRESHOLD = 0.5
_SPIKE_S = 0.004  # half the width of a spike, far less than the gap between two onsets


@dataclass(frozen=True)
class Curve:
    """How likely a contact is, over time. Kept whole, so that the threshold can be moved without looking again.

    Attributes:
        times_s: (n,) ascending; the middle between successive frames.
        values: (n,) 0..1.
    """

    times_s: np.ndarray
    values: np.ndarray


@dataclass(frozen=True)
class Seen:
    """What the picture says about when something sounds.

    Attributes:
        curve: how likely a sound starts; `pick_onsets` takes its peaks.
        sounding: how likely something sounds, on the curve's times; empty without an event detector.
    """

    curve: Curve
    sounding: Curve


NOTHING_SEEN = Seen(Curve(np.zeros(0), np.zeros(0)), Curve(np.zeros(0), np.zeros(0)))


def curve_of_onsets(onsets: Onsets) -> Curve:
    """A curve that is 0 but for a spike at each onset, as high as it is strong: what `pick_onsets` undoes."""
    times_s = [time_s + edge for time_s in onsets.times_s for edge in (-_SPIKE_S, 0.0, _SPIKE_S)]
    values = [height for strength in onsets.strengths for height in (0.0, strength, 0.0)]
    return Curve(np.asarray(times_s, dtype=np.float64), np.asarray(values, dtype=np.float64))


def pick_onsets(curve: Curve, threshold: float = DEFAULT_THRESHOLD, min_gap_s: float = 0.1) -> Onsets:
    """Peaks of the curve that reach the threshold, placed between frames by interpolation.

    Args:
        curve: from `motion_curve`.
        threshold: 0..1; lower finds more.
        min_gap_s: of two peaks closer than this the weaker is dropped.

    Returns:
        Onsets whose strengths are the curve's heights.

    Raises:
        FoleyError: if the threshold is not from 0 to 1.
    """
    if not 0 <= threshold <= 1:
        raise FoleyError(f"The threshold must be between 0 and 1, not {threshold:g}.")
    times_s, values = curve.times_s, curve.values
    peaks = [
        i
        for i in range(1, len(values) - 1)
        if values[i] >= threshold and values[i] > values[i - 1] and values[i] >= values[i + 1] and values[i] > 0
    ]
    found_s = [max(0.0, _vertex_s(times_s[i - 1 : i + 2], values[i - 1 : i + 2])) for i in peaks]
    return Onsets.of(found_s, [float(values[i]) for i in peaks]).merge(min_gap_s)


def _vertex_s(times_s: np.ndarray, values: np.ndarray) -> float:
    """Top of the parabola through three points (the middle one the highest), which need not be evenly spaced."""
    left, right = times_s[1] - times_s[0], times_s[2] - times_s[1]
    rise, fall = values[1] - values[0], values[1] - values[2]
    curvature = rise * right + fall * left
    if curvature <= 0:
        return float(times_s[1])
    shift_s = (rise * right**2 - fall * left**2) / (2 * curvature)
    return float(times_s[1] + np.clip(shift_s, -left / 2, right / 2))
