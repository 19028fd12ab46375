"""What the page's controls say, and the request that they make."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.events import UNKNOWN, SoundEvent
from rhythmic_foley.motion import pick_onsets
from rhythmic_foley.onsets import Onsets
from rhythmic_foley.studio import Analysis, Controls

MAX_SEED = 2**31 - 1
EVENT_HEADERS = ("start", "end", "sound", "detail")


@dataclass(frozen=True)
class Form:
    """Values of the page's controls when a button is pressed; each field is the name of one control."""

    events: Sequence[Sequence[Any]]
    text: str
    negative: str
    onsets: str
    threshold: float
    semantic_scale: float
    temporal_scale: float
    guidance_scale: float
    steps: int
    seed: str
    takes: int
    keep_original: bool
    keep_original_db: float
    normalise: bool
    loudness_lufs: float

    def controls(self, analysis: Analysis, *, proposed: bool) -> Controls:
        """The request to the studio.

        Args:
            proposed: the analysis was made just now, so that an empty table or field means "as proposed" rather than
                "none".
        """
        events = events_from_rows(self.events, analysis.events)
        onsets = onsets_from_text(self.onsets, analysis, self.threshold)
        return Controls(
            events=None if proposed and not events else events,
            onsets=None if proposed and not self.onsets.strip() else onsets,
            text=self.text.strip() or None,
            negative=self.negative.strip(),
            semantic_scale=float(self.semantic_scale),
            temporal_scale=float(self.temporal_scale),
            guidance_scale=float(self.guidance_scale),
            steps=int(self.steps),
            seed=_seed(self.seed),
            takes=int(self.takes),
            keep_original_db=float(self.keep_original_db) if self.keep_original else None,
            loudness_lufs=float(self.loudness_lufs) if self.normalise else None,
        )


def rows_from_events(events: Sequence[SoundEvent]) -> list[list[Any]]:
    """Rows of the events table; an open end is an empty cell.

    What is unknown shows no detail: a describer's request to name it would stay behind once it is named.
    """
    return [
        [_short(event.start_s), _short(event.end_s), event.label, "" if event.label == UNKNOWN else event.detail]
        for event in events
    ]


def events_from_rows(rows: Sequence[Sequence[Any]], proposed: Sequence[SoundEvent] = ()) -> tuple[SoundEvent, ...]:
    """Events as the person left them in the table; untouched proposals keep how sure the describer was."""
    known = {tuple(row): event for row, event in zip(rows_from_events(proposed), proposed, strict=True)}
    events = []
    for number, row in enumerate(rows, start=1):
        # The table lets people add columns, which mean nothing here.
        start, end, label, detail = (_cell(value) for value in row[: len(EVENT_HEADERS)])
        if not (label or detail or end):
            continue
        if not label:
            raise FoleyError(f"Row {number} of the sounds has no name; write what sounds there or delete the row.")
        start_s = _seconds(start, number) or 0.0
        end_s = _seconds(end, number)
        untouched = known.get((_short(start_s), _short(end_s), label, detail))
        events.append(untouched or SoundEvent(label, detail, start_s, end_s))
    return tuple(events)


def onsets_from_text(text: str, analysis: Analysis | None, threshold: float) -> Onsets:
    """Typed times; those that were picked from the curve keep their strength, new ones hit as hard as any."""
    typed = Onsets.parse(text)
    picked = analysis.onsets if analysis is None or threshold == analysis.threshold else None
    if analysis is not None and picked is None:
        picked = pick_onsets(analysis.curve, threshold)
    known = dict(zip((round(time_s, 3) for time_s in picked.times_s), picked.strengths, strict=True)) if picked else {}
    strengths = [
        known.get(round(time_s, 3), 1.0) if strength == 1.0 else strength
        for time_s, strength in zip(typed.times_s, typed.strengths, strict=True)
    ]
    return Onsets.of(typed.times_s, strengths)


def _short(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.3f}".rstrip("0").rstrip(".")


def _seed(text: str) -> int | None:
    text = text.strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and int(text) <= MAX_SEED):
        raise FoleyError(f'"{text}" is not a seed; write a whole number from 0 to {MAX_SEED}, or nothing.')
    return int(text)


def _cell(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return str(value).strip()


def _seconds(cell: str, number: int) -> float | None:
    if not cell:
        return None
    try:
        seconds = float(cell.replace(",", "."))
    except ValueError:
        seconds = math.nan
    if not (math.isfinite(seconds) and seconds >= 0):
        raise FoleyError(f'"{cell}" in row {number} of the sounds is not a time; write seconds such as 1.5.')
    return seconds
