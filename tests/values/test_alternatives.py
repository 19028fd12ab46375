"""Other readings of onsets: half of them, the other phase of a swing, the strongest."""

from __future__ import annotations

import numpy as np
import pytest

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.values.alternatives import alternative, every_second, other_phase, strongest
from rhythmic_foley.values.curve import Curve
from rhythmic_foley.values.onsets import Onsets

TOPS = Onsets.of([1.0, 2.0, 3.0, 4.0], [0.9, 0.6, 0.8, 0.5])


def curve_with(peaks: dict[float, float], length_s: float = 6.0) -> Curve:
    times_s = np.arange(round(length_s * 20)) / 20
    values = np.zeros_like(times_s)
    for time_s, height in peaks.items():
        values[round(time_s * 20)] = height
    return Curve(times_s, values)


def test_every_second_keeps_the_stronger_half():
    assert every_second(TOPS) == Onsets.of([1.0, 3.0], [0.9, 0.8])
    weak_first = Onsets.of([1.0, 2.0, 3.0], [0.1, 0.9, 0.2])
    assert every_second(weak_first).times_s == (2.0,)
    assert every_second(Onsets()) == Onsets()


def test_strongest_keeps_time_order_and_the_earlier_of_equal_ones():
    assert strongest(TOPS, 2).times_s == (1.0, 3.0)
    assert strongest(Onsets.of([1.0, 2.0]), 1).times_s == (1.0,)
    assert strongest(TOPS, 99) == TOPS
    assert strongest(TOPS, 0) == Onsets()


def test_the_other_phase_lies_on_the_peaks_between_and_keeps_strengths():
    curve = curve_with({0.45: 0.3, 1.0: 0.9, 1.55: 0.3, 1.1: 0.8, 2.0: 0.6, 3.0: 0.8, 4.0: 0.5})
    found = other_phase(TOPS, curve)
    # A peak half a gap before the first, one at 1.55 (that at 1.1 is too near), and middles where there is no peak.
    assert found.times_s == pytest.approx((0.45, 1.55, 2.5, 3.5, 4.5))
    assert found.strengths == (0.9, 0.9, 0.6, 0.8, 0.5)


def test_a_pause_has_no_hit_in_its_middle_and_none_lies_past_the_end():
    onsets = Onsets.of([0.5, 1.5, 2.5, 9.0, 10.0])
    assert other_phase(onsets, curve_with({}, 10.2)).times_s == pytest.approx((1.0, 2.0, 3.0, 9.5))
    assert other_phase(Onsets(), curve_with({})) == Onsets()


def test_choices_go_by_name():
    curve = curve_with({})
    assert alternative(TOPS, curve, "every-second") == every_second(TOPS)
    assert alternative(TOPS, curve, "other-phase") == other_phase(TOPS, curve)
    assert alternative(TOPS, curve, "strongest:3") == strongest(TOPS, 3)
    for wrong in ("", "strongest", "strongest:-1", "strongest:x", "third"):
        with pytest.raises(FoleyError, match=r"every-second, other-phase or strongest:N\.$"):
            alternative(TOPS, curve, wrong)
