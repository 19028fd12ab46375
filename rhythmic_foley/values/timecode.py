"""Timecode: hours, minutes, seconds and frames, with and without drop-frame (SMPTE ST 12-1)."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from fractions import Fraction

from rhythmic_foley.errors import FoleyError, quoted

_NTSC = Fraction(1000, 1001)
_STANDARD = tuple(Fraction(whole) for whole in (24, 25, 30, 48, 50, 60, 100, 120))
_RATES = (*_STANDARD, *(rate * _NTSC for rate in _STANDARD if rate % 24 == 0 or rate % 30 == 0))
_NEAR = 0.0004  # 23.976 and 24 differ by 0.001
_DAY_HOURS = 24
_TEXT = re.compile(r"(\d{1,2}):(\d{2}):(\d{2})([:;.,])(\d{2,3})")
_FRAME_SLACK = 1e-6  # a time that was written as frame / rate falls back into that frame


def exact_rate(fps: float) -> Fraction:
    """The broadcast rate that a measured one stands for (30000/1001 for 29.97), else the nearest whole number."""
    nearest = min(_RATES, key=lambda rate: abs(float(rate) - fps))
    return nearest if abs(float(nearest) / fps - 1) < _NEAR else Fraction(max(1, round(fps)))


def can_drop(rate: Fraction) -> bool:
    """Whether drop-frame counting exists for a rate: 29.97 and its multiples."""
    return rate.denominator == 1001 and round(rate) % 30 == 0


@dataclass(frozen=True)
class Timecode:
    """A frame's number, and how it is written.

    Attributes:
        frame: counted from 00:00:00:00, within a day.
        rate: frames per second, exact.
        drop: whether numbers are dropped (two a minute at 29.97, but for every tenth) so that the text follows the
            clock. No frame of the picture is lost.
    """

    frame: int
    rate: Fraction
    drop: bool = False

    def __post_init__(self) -> None:
        if self.drop and not can_drop(self.rate):
            raise FoleyError(f"Drop-frame timecode exists at 29.97 and 59.94 fps, not at {float(self.rate):g} fps.")

    @classmethod
    def parse(cls, text: str, rate: Fraction) -> Timecode:
        """Read "01:00:00:00", or with drop-frame "01:00:00;00" (";", "." and "," before the frames mean that).

        Raises:
            FoleyError: if it is no timecode, or has no such frame.
        """
        found = _TEXT.fullmatch(text.strip())
        if found is None:
            raise FoleyError(f"{quoted(text)} is no timecode; write hours, minutes, seconds, frames: 01:00:00:00.")
        hours, minutes, seconds, frames = (int(found[n]) for n in (1, 2, 3, 5))
        drop, per_s = found[4] != ":", round(rate)
        if hours >= _DAY_HOURS or minutes > 59 or seconds > 59 or frames >= per_s:
            raise FoleyError(f"{quoted(text)} is no timecode at {float(rate):g} fps; its frames count to {per_s - 1}.")
        if drop and can_drop(rate) and seconds == 0 and minutes % 10 and frames < _dropped(rate):
            raise FoleyError(f"Drop-frame timecode has no {text.strip()}; the next frame is {_dropped(rate):02d}.")
        total_minutes = 60 * hours + minutes
        skipped = _dropped(rate) * (total_minutes - total_minutes // 10) if drop and can_drop(rate) else 0
        return cls((60 * total_minutes + seconds) * per_s + frames - skipped, rate, drop)

    @classmethod
    def zero(cls, rate: Fraction) -> Timecode:
        """Midnight; drop-frame where that exists, since it follows the clock."""
        return cls(0, rate, can_drop(rate))

    @property
    def seconds(self) -> float:
        """Real seconds since midnight."""
        return float(self.frame / self.rate)

    def at(self, time_s: float) -> Timecode:
        """The frame on screen `time_s` seconds after this one."""
        return self._plus(math.floor(time_s * self.rate + _FRAME_SLACK))

    def until(self, time_s: float) -> Timecode:
        """The first frame that begins no earlier than `time_s` seconds after this one, as an exclusive end."""
        return self._plus(math.ceil(time_s * self.rate - _FRAME_SLACK))

    @property
    def following(self) -> Timecode:
        """The next frame."""
        return self._plus(1)

    def _plus(self, frames: int) -> Timecode:
        per_day = _DAY_HOURS * 3600 * round(self.rate)
        if self.drop:
            per_day -= _dropped(self.rate) * _DAY_HOURS * 54
        return Timecode((self.frame + frames) % per_day, self.rate, self.drop)

    def __str__(self) -> str:
        """ "01:00:00:00", with ";" before the frames where numbers are dropped."""
        per_s, number = round(self.rate), self.frame
        if self.drop:
            dropped = _dropped(self.rate)
            per_minute, per_ten = 60 * per_s - dropped, 600 * per_s - 9 * dropped
            tens, rest = divmod(number, per_ten)
            number += 9 * dropped * tens + dropped * max(0, (rest - dropped) // per_minute)
        seconds, frames = divmod(number, per_s)
        hours, rest = divmod(seconds, 3600)
        mark = ";" if self.drop else ":"
        return f"{hours:02d}:{rest // 60:02d}:{rest % 60:02d}{mark}{frames:02d}"


def _dropped(rate: Fraction) -> int:
    """How many frame numbers are left out in each minute but every tenth."""
    return round(rate) // 15
