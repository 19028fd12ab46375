"""The timeline's value: made from an analysis, and read back strictly, because anyone may send anything.

To the browser goes a dictionary with

    clip          a name of the clip; with another one the browser starts afresh
    duration_s, fps
    curve         {"times_s": [...], "values": [...]}: how likely a contact is, for moving the threshold
    threshold     0..1
    onsets        [{"time_s", "strength"}], what is wanted now
    detected      the same, what "Reset to detected" goes back to (with `detected_threshold`)
    events        [{"label", "detail", "start_s", "end_s" (null: to the end), "confidence"}]
    thumbnails    {"url", "count", "columns"}: pictures side by side, evenly spaced over the clip; or null
    waveform      [[min, max], ...] of the clip's own sound, evenly spaced, -1..1; or null
    selection     {"start_s", "end_s"} or null: a stretch that the person marked
    video_id      element id of the video to follow; may be left out

Keys that are left out keep what the browser has, so {"onsets": [...]} changes the onsets alone, which can be undone
like a change of the person's own. With a curve the clip counts as looked at again: the rest may still be left out, but
undo ends there. What comes back holds only what a person can change: clip, duration_s, fps, threshold, onsets, events
and selection.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.ui.timeline.pictures import filmstrip, waveform
from rhythmic_foley.values.events import SoundEvent
from rhythmic_foley.values.limits import MAX_EVENTS, MAX_ONSETS, MAX_TEXT
from rhythmic_foley.values.onsets import Onsets
from rhythmic_foley.values.results import Analysis

_SLACK_S = 0.5  # the browser's idea of a clip's length may differ by a frame of a very slow clip


def timeline_value(
    analysis: Analysis,
    *,
    onsets: Onsets | None = None,
    events: Iterable[SoundEvent] | None = None,
    pictures: bool = True,
) -> dict[str, Any]:
    """All that the timeline shows of an analysed clip.

    Args:
        onsets: wanted ones, if not those that were proposed; likewise `events`.
        pictures: also read the clip for its filmstrip and its waveform, which takes a moment.
    """
    clip = analysis.clip
    detected = onsets_to_value(analysis.onsets)
    return {
        "clip": analysis.digest[:16],
        "duration_s": round(clip.duration_s, 6),
        "fps": round(clip.fps, 6),
        "curve": {
            "times_s": [round(float(time_s), 6) for time_s in analysis.curve.times_s],
            "values": [round(float(value), 6) for value in analysis.curve.values],
        },
        "threshold": analysis.threshold,
        "onsets": detected if onsets is None else onsets_to_value(onsets),
        "detected": detected,
        "detected_threshold": analysis.threshold,
        "events": events_to_value(analysis.events if events is None else events),
        "thumbnails": filmstrip(clip) if pictures else None,
        "waveform": waveform(clip) if pictures else None,
        "selection": None,
    }


def onsets_to_value(onsets: Onsets) -> list[dict[str, float]]:
    """The "onsets" part of a value."""
    return [
        {"time_s": round(time_s, 6), "strength": round(strength, 6)}
        for time_s, strength in zip(onsets.times_s, onsets.strengths, strict=True)
    ]


def events_to_value(events: Iterable[SoundEvent]) -> list[dict[str, Any]]:
    """The "events" part of a value."""
    return [
        {
            "label": event.label,
            "detail": event.detail,
            "start_s": event.start_s,
            "end_s": event.end_s,
            "confidence": event.confidence,
            "source": event.source,
        }
        for event in events
    ]


def onsets_from_value(value: Any, duration_s: float) -> Onsets:
    """The onsets that a person left on the timeline.

    Args:
        value: what came from the browser.
        duration_s: the clip's true length; later onsets are refused.

    Raises:
        FoleyError: if the value is not one that the timeline can have made.
    """
    items = _items(value, "onsets", MAX_ONSETS)
    times_s = [_within(item, "time_s", duration_s + _SLACK_S, "An onset") for item in items]
    return Onsets.of(
        [min(time_s, duration_s) for time_s in times_s],
        [_within({"strength": 1.0} | item, "strength", 1.0, "An onset") for item in items],
    )


def events_from_value(value: Any, duration_s: float) -> tuple[SoundEvent, ...]:
    """The sounds that a person left on the timeline, in their order; arguments and errors as `onsets_from_value`."""
    return tuple(_event(item, duration_s + _SLACK_S) for item in _items(value, "events", MAX_EVENTS))


def threshold_from_value(value: Any) -> float:
    """Where the person put the threshold, 0..1; errors as `onsets_from_value`."""
    return _within(_checked(value), "threshold", 1.0, "The timeline")


def selection_from_value(value: Any, duration_s: float) -> tuple[float, float] | None:
    """The stretch that a person marked, in seconds; None if there is none. Errors as `onsets_from_value`."""
    marked = _checked(value).get("selection")
    if marked is None:
        return None
    if not isinstance(marked, dict):
        raise _odd("its selection is not a stretch of time")
    start_s, end_s = (_within(marked, name, duration_s + _SLACK_S, "The selection") for name in ("start_s", "end_s"))
    if start_s >= end_s:
        raise _odd("its selection ends before it starts")
    return start_s, min(end_s, duration_s)


def _event(item: dict[str, Any], limit_s: float) -> SoundEvent:
    end_s = item.get("end_s")
    return SoundEvent(
        label=_text(item, "label"),
        detail=_text({"detail": ""} | item, "detail"),
        start_s=_within({"start_s": 0.0} | item, "start_s", limit_s, "A sound"),
        end_s=None if end_s is None else _within(item, "end_s", limit_s, "A sound"),
        confidence=_within({"confidence": 1.0} | item, "confidence", 1.0, "A sound"),
    )


def _items(value: Any, name: str, most: int) -> list[dict[str, Any]]:
    items = _checked(value).get(name)
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise _odd(f"it has no list of {name}")
    if len(items) > most:
        raise FoleyError(f"There are {len(items)} {name} on the timeline; the limit is {most}.")
    return items


def _checked(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _odd("it is empty")
    return value


def _within(item: dict[str, Any], name: str, limit: float, whose: str) -> float:
    """A number from 0 to `limit`; neither text, nor true or false, nor something endless."""
    number = item.get(name)
    if isinstance(number, bool) or not isinstance(number, int | float) or number != number:
        raise _odd(f"{name} of {whose.lower()} is not a number")
    if not 0 <= number <= limit:
        raise FoleyError(f"{whose} on the timeline has a {name} of {number!s:.12}; it must be from 0 to {limit:g}.")
    return float(number)


def _text(item: dict[str, Any], name: str) -> str:
    text = item.get(name)
    if not isinstance(text, str) or len(text) > MAX_TEXT:
        raise _odd(f"the {name} of a sound is not a short text")
    return " ".join(text.split())


def _odd(what: str) -> FoleyError:
    return FoleyError(f"The timeline cannot be read ({what}); describe the clip again.")
