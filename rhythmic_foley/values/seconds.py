"""Times as people write them: 1.5, 1,5, 1:02.5, 1.5s."""

from __future__ import annotations

import re

from rhythmic_foley.errors import FoleyError, quoted

NUMBER = r"(?:\d+(?:[.,]\d*)?|[.,]\d+)"  # with a decimal point or a decimal comma
TIME = rf"(?:\d{{1,6}}:)?{NUMBER}"  # perhaps with minutes
_TIME = re.compile(rf"({TIME})\s*s?")
_SPAN = re.compile(rf"\s*({TIME})\s*s?\s*[-\u2013\u2014\u2212]\s*({TIME})\s*s?\s*")
_LONGEST = 40  # letters; more digits than that are no time


def parse_number(text: str) -> float | None:
    """A number with a decimal point or comma; None for anything else."""
    fits = len(text) <= _LONGEST and re.fullmatch(NUMBER, text)
    return float(text.replace(",", ".")) if fits else None


def parse_time(text: str) -> float | None:
    """Seconds from a time as written above; None for anything else."""
    found = _TIME.fullmatch(text.strip()) if len(text) <= _LONGEST else None
    if found is None:
        return None
    minutes, _, seconds = found[1].rpartition(":")
    return 60.0 * int(minutes or 0) + float(seconds.replace(",", "."))


def parse_span(text: str) -> tuple[float, float]:
    """Start and end in seconds of a stretch such as 2-6.5.

    Raises:
        FoleyError: if it is none.
    """
    found = _SPAN.fullmatch(text) if len(text) <= 2 * _LONGEST else None
    start_s, end_s = map(parse_time, found.groups()) if found else (None, None)
    if start_s is None or end_s is None:
        raise FoleyError(f"{quoted(text)} is no stretch of time; write its start and end in seconds: 2-6.5.")
    return start_s, end_s
