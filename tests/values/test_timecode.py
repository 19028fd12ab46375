"""Timecode, against a package that cutting rooms use."""

from __future__ import annotations

from fractions import Fraction

import pytest
import timecode as other

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.values.timecode import Timecode, exact_rate

NTSC = Fraction(30000, 1001)
RATES = {"23.976": Fraction(24000, 1001), "24": Fraction(24), "25": Fraction(25), "29.97": NTSC, "59.94": 2 * NTSC}


@pytest.mark.parametrize("name", RATES)
@pytest.mark.parametrize("frame", [0, 1, 29, 1799, 1800, 1801, 3597, 17981, 17982, 17983, 107892, 1_000_000])
def test_text_is_what_another_program_writes(name: str, frame: int) -> None:
    rate = RATES[name]
    drop = name in ("29.97", "59.94")
    theirs = other.Timecode(name, frames=frame + 1, force_non_drop_frame=not drop)
    ours = Timecode(frame, rate, drop)
    assert str(ours).replace(";", ":") == str(theirs).replace(";", ":")
    assert Timecode.parse(str(ours), rate) == ours


def test_drop_frame_follows_the_clock() -> None:
    start = Timecode.parse("01:00:00;00", NTSC)
    assert start.seconds == pytest.approx(3600, abs=0.01)
    assert str(start.at(600.0)) == "01:10:00;00"  # 17,982 frames last 599.9994 s
    assert str(start.at(60.06)) == "01:01:00;02"
    without = Timecode.parse("01:00:00:00", NTSC)
    assert without.seconds == pytest.approx(3603.6)
    assert not without.drop


def test_ends_are_exclusive_and_days_end() -> None:
    start = Timecode.parse("23:59:59:24", Fraction(25))
    assert str(start.at(0.04)) == "00:00:00:00"
    assert (str(start.at(0.079)), str(start.until(0.079))) == ("00:00:00:00", "00:00:00:01")
    assert str(start.until(0.08)) == "00:00:00:01"


@pytest.mark.parametrize(
    ("fps", "rate"), [(29.97, NTSC), (23.98, Fraction(24000, 1001)), (25.0, Fraction(25)), (12.3, Fraction(12))]
)
def test_rates_are_exact(fps: float, rate: Fraction) -> None:
    assert exact_rate(fps) == rate


@pytest.mark.parametrize(
    ("text", "rate", "part"),
    [
        ("soon", Fraction(25), "is no timecode"),
        ("01:00:00:25", Fraction(25), "count to 24"),
        ("01:01:00;00", NTSC, "the next frame is 02"),
        ("01:00:00;00", Fraction(25), "exists at 29.97"),
        ("25:00:00:00", Fraction(25), "is no timecode"),
    ],
)
def test_what_is_none_is_said(text: str, rate: Fraction, part: str) -> None:
    with pytest.raises(FoleyError, match=part):
        Timecode.parse(text, rate)
