"""What the page's controls say, and the request that they make."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rhythmic_foley.errors import FoleyError, quoted
from rhythmic_foley.ui.timeline.value import events_to_value, onsets_from_value, onsets_to_value
from rhythmic_foley.values.controls import Controls
from rhythmic_foley.values.events import BLEND, MODEL, UNKNOWN, SoundEvent
from rhythmic_foley.values.onsets import Onsets
from rhythmic_foley.values.results import Analysis
from rhythmic_foley.values.seconds import parse_time
from rhythmic_foley.values.seeds import read_seed

ROW_LENGTH = 5  # start, end, label, detail, source


@dataclass(frozen=True)
class Form:
    """Values of the page's controls when a button is pressed; each field is the name of one control."""

    events: Sequence[Sequence[Any]] | None
    text: str
    negative: str
    timeline: dict[str, Any] | None
    range_from: float | None
    range_to: float | None
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
    source: str
    library: Sequence[str] | None
    samples: Sequence[str] | None
    reference_strength: float
    stems: bool
    classifier_scale: float
    onset_guidance: float
    onsets_from: str
    guide: str | None

    def controls(self, analysis: Analysis, *, proposed: bool) -> Controls:
        """The request to the studio.

        Args:
            proposed: the analysis was made just now, so that an empty table or timeline means "as proposed" rather
                than "none".
        """
        events = events_from_rows(self.events or (), analysis.events)
        onsets = onsets_from_value(self.timeline, analysis.clip.duration_s) if self.timeline else Onsets()
        return Controls(
            events=None if proposed and not events else events,
            onsets=None if proposed and not len(onsets) else onsets,
            text=self.text.strip() or None,
            negative=self.negative.strip(),
            semantic_scale=float(self.semantic_scale),
            temporal_scale=float(self.temporal_scale),
            guidance_scale=float(self.guidance_scale),
            steps=int(self.steps),
            seed=read_seed(self.seed),
            takes=int(self.takes),
            keep_original_db=float(self.keep_original_db) if self.keep_original else None,
            loudness_lufs=float(self.loudness_lufs) if self.normalise else None,
            range_s=span_of(self.range_from, self.range_to, analysis.clip.duration_s),
            source=self.source,
            library=tuple(map(Path, self.library or ())),
            samples=tuple(map(Path, self.samples or ())),
            reference_strength=float(self.reference_strength),
            stems=bool(self.stems),
            classifier_scale=float(self.classifier_scale),
            onset_guidance=float(self.onset_guidance),
            onsets_from=self.onsets_from,
            guide=Path(self.guide) if self.guide else None,
        )


def values_from_controls(controls: Controls, duration_s: float) -> dict[str, Any]:
    """Inverse of `Form.controls`: what the page's controls would say."""
    start_s, end_s = controls.range_s or (0.0, duration_s)
    samples, source = controls.samples, controls.source
    if controls.reference is not None:  # as older settings name it
        samples, source = (*samples, controls.reference), BLEND if source == MODEL else source
    return {
        "events": rows_from_events(controls.events or ()),
        "text": controls.text or "",
        "negative": controls.negative,
        "timeline": marks(controls.onsets or Onsets(), controls.events or ()),
        "range_from": round(start_s, 3),
        "range_to": round(end_s, 3),
        "semantic_scale": controls.semantic_scale,
        "temporal_scale": controls.temporal_scale,
        "guidance_scale": controls.guidance_scale,
        "steps": controls.steps,
        "seed": "" if controls.seed is None else str(controls.seed),
        "takes": controls.takes,
        "keep_original": controls.keep_original_db is not None,
        **({} if controls.keep_original_db is None else {"keep_original_db": controls.keep_original_db}),
        "normalise": controls.loudness_lufs is not None,
        **({} if controls.loudness_lufs is None else {"loudness_lufs": controls.loudness_lufs}),
        "source": source,
        "library": [str(folder) for folder in controls.library],
        "samples": [str(path) for path in samples] or None,
        "reference_strength": controls.reference_strength,
        "stems": controls.stems,
        "classifier_scale": controls.classifier_scale,
        "onset_guidance": controls.onset_guidance,
        "onsets_from": controls.onsets_from,
        "guide": None if controls.guide is None else str(controls.guide),
    }


def marks(onsets: Onsets, events: Sequence[SoundEvent]) -> dict[str, Any]:
    """Onsets and sounds for the timeline, which keeps the rest of what it shows."""
    return {"onsets": onsets_to_value(onsets), "events": events_to_value(events)}


def span_of(start_s: float | None, end_s: float | None, duration_s: float) -> tuple[float, float] | None:
    """The stretch between two number fields; None if that is the whole clip. An empty field is the clip's edge.

    An end after the clip's stays, so that the studio says that there is nothing.
    """
    start_s = 0.0 if start_s is None else float(start_s)
    end_s = duration_s if end_s is None else float(end_s)
    # The fields show milliseconds, the clip's end may lie between two.
    return None if start_s <= 0 and abs(end_s - duration_s) <= 0.001 else (start_s, end_s)


def rows_from_events(events: Sequence[SoundEvent]) -> list[list[Any]]:
    """Rows of the events table; an open end is an empty cell.

    What is unknown shows no detail: a describer's request to name it would stay behind once it is named.
    """
    return [
        [
            _short(event.start_s),
            _short(event.end_s),
            event.label,
            "" if event.label == UNKNOWN else event.detail,
            event.source or "",
        ]
        for event in events
    ]


def events_from_rows(rows: Sequence[Sequence[Any]], proposed: Sequence[SoundEvent] = ()) -> tuple[SoundEvent, ...]:
    """Events as the person left them in the table; untouched proposals keep how sure the describer was."""
    known = {tuple(row): event for row, event in zip(rows_from_events(proposed), proposed, strict=True)}
    events = []
    for number, row in enumerate(rows, start=1):
        start, end, label, detail, source = (_cell(value) for value in (*row, *[""] * ROW_LENGTH)[:ROW_LENGTH])
        if not (label or detail or end):
            continue
        if not label:
            raise FoleyError(f"Row {number} of the sounds has no name; write what sounds there or delete the row.")
        start_s = _seconds(start, number) or 0.0
        end_s = _seconds(end, number)
        untouched = known.get((_short(start_s), _short(end_s), label, detail, source))
        events.append(untouched or SoundEvent(label, detail, start_s, end_s, source=source or None))
    return tuple(events)


def _short(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.3f}".rstrip("0").rstrip(".")


def _cell(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return str(value).strip()


def _seconds(cell: str, number: int) -> float | None:
    if not cell:
        return None
    seconds = parse_time(cell)
    if seconds is None:
        raise FoleyError(f"{quoted(cell)} in row {number} of the sounds is not a time; write seconds such as 1.5.")
    return seconds
