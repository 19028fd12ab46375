"""Stretches of time."""

from __future__ import annotations

import pytest

from rhythmic_foley.values.interval import Interval


def test_an_interval_knows_its_length_and_what_lies_in_it():
    interval = Interval(1.0, 3.5)
    assert interval.duration_s == 2.5
    assert [interval.contains(time_s) for time_s in (0.99, 1.0, 3.4, 3.5)] == [False, True, True, False]


@pytest.mark.parametrize(
    ("other", "overlap"),
    [((0.0, 1.0), False), ((0.0, 1.1), True), ((2.0, 2.5), True), ((3.0, 9.0), False)],
)
def test_intervals_that_only_touch_do_not_overlap(other, overlap):
    assert Interval(1.0, 3.0).overlaps(Interval(*other)) is overlap


def test_an_interval_is_shifted_and_clipped():
    assert Interval(1.0, 3.0).shift(-0.5) == Interval(0.5, 2.5)
    assert Interval(1.0, 3.0).clip(Interval(2.0, 9.0)) == Interval(2.0, 3.0)
    assert Interval(5.0, 6.0).clip(Interval(0.0, 2.0)) == Interval(2.0, 2.0)
