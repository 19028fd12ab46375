"""Commas in lists of times: separators, decimal commas, and those that may be either."""

from __future__ import annotations

import pytest

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.values.onsets import Onsets
from rhythmic_foley.values.seconds import parse_span, parse_time


@pytest.mark.parametrize(
    ("typed", "times_s"),
    [
        ("0,8 1,6", (0.8, 1.6)),
        ("0,8, 1,6", (0.8, 1.6)),
        ("0,8;1,6; 2", (0.8, 1.6, 2.0)),
        ("0,8 1,6 2", (0.8, 1.6, 2.0)),
        ("1:02,5 1:03,25", (62.5, 63.25)),
        ("0.8,1.6", (0.8, 1.6)),
        ("0.8,1,2", (0.8, 1.0, 2.0)),
        ("1,2,3", (1.0, 2.0, 3.0)),
        ("1, 2", (1.0, 2.0)),
        ("1 2", (1.0, 2.0)),
        ("0.5 ,1", (0.5, 1.0)),
        ("0.5\r\n1.5\r\n", (0.5, 1.5)),
        (",", ()),
    ],
)
def test_commas_are_what_they_must_be(typed, times_s):
    assert Onsets.parse(typed).times_s == times_s


def test_strengths_may_have_decimal_commas():
    assert Onsets.parse("0,5@0,8 1,5@1") == Onsets((0.5, 1.5), (0.8, 1.0))


@pytest.mark.parametrize("typed", ["0,8", "0,8,1,6", "0,8 2", "0,8 1.6", "1,2 3,4,5", "3,2,1"])
def test_a_comma_that_may_be_either_is_refused(typed):
    with pytest.raises(FoleyError, match="may separate two times or stand for a decimal point"):
        Onsets.parse(typed)


@pytest.mark.parametrize(
    ("typed", "seconds"),
    [("1", 1.0), ("1.5s", 1.5), ("1,5 s", 1.5), (".5", 0.5), ("1:02.5", 62.5), ("-1", None), ("1e3", None)]
    + [(wrong, None) for wrong in ("", "s", "1:2:3", "nan", "inf", "0x1", "1_0", "9" * 50, "1.2.3", ":5")],
)
def test_one_time(typed, seconds):
    assert parse_time(typed) == seconds


@pytest.mark.parametrize("typed", ["2-6.5", "2 - 6,5", "2s-6.5s", "0:02\u20136.5", "2\u20146.5"])
def test_a_stretch(typed):
    assert parse_span(typed) == (2.0, 6.5)


@pytest.mark.parametrize("typed", ["", "2", "2-", "-2", "2-3-4", "nan-1", "later", "1e1-2e1"])
def test_what_is_no_stretch_is_refused(typed):
    with pytest.raises(FoleyError, match="is no stretch of time"):
        parse_span(typed)
