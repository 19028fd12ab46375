"""What sounds when: `SoundEvent`, its text and JSON forms, and the track that says where anything sounds."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np

from rhythmic_foley.errors import MALFORMED, FoleyError, quoted
from rhythmic_foley.values.limits import LATEST_S, MAX_TEXT

UNKNOWN = "unknown"


@dataclass(frozen=True)
class SoundEvent:
    """One thing that sounds, and from when to when.

    Attributes:
        label: what it is, such as "dog barking"; `UNKNOWN` where a describer does not know.
        detail: more about it, such as "small, close".
        start_s: >= 0.
        end_s: after `start_s`; None means to the end of the clip.
        confidence: 0..1.
    """

    label: str
    detail: str = ""
    start_s: float = 0.0
    end_s: float | None = None
    confidence: float = 1.0

    def __post_init__(self) -> None:
        if not self.label.strip():
            raise FoleyError("A sound needs a name, such as dog barking.")
        if not 0 <= self.start_s < LATEST_S:
            raise FoleyError(f"{quoted(self.label)} must start at a number of seconds from 0 on, not {self.start_s}.")
        if self.end_s is not None and not self.start_s < self.end_s < LATEST_S:
            raise FoleyError(
                f"{quoted(self.label)} must end after it starts ({self.start_s:g} s), not at {self.end_s:g} s."
            )
        if not 0 <= self.confidence <= 1:
            raise FoleyError(
                f"The confidence of {quoted(self.label)} must lie between 0 and 1, not {self.confidence}."
            )

    @property
    def text(self) -> str:
        """Label and detail, joined by a comma; the label alone if there is no detail."""
        return f"{self.label}, {self.detail}" if self.detail else self.label


def events_to_json(events: Sequence[SoundEvent]) -> str:
    """A JSON list with one object an event."""
    return json.dumps([asdict(event) for event in events], ensure_ascii=False)


def events_from_json(text: str) -> tuple[SoundEvent, ...]:
    """Inverse of `events_to_json`; also reads an object with the list under "events". Only labels are required."""
    try:
        data = json.loads(text)
        items = data["events"] if isinstance(data, dict) else data
        return tuple(_event(item) for item in items)
    except MALFORMED:
        raise FoleyError('Sounds must be JSON such as [{"label": "dog barking", "start_s": 0.5}].') from None


def _event(item: dict) -> SoundEvent:
    end_s = item.get("end_s")
    return SoundEvent(
        label=" ".join(str(item["label"]).split()),
        detail=" ".join(str(item.get("detail") or "").split()),
        start_s=float(item.get("start_s") or 0.0),
        end_s=None if end_s is None else float(end_s),
        confidence=float(item.get("confidence", 1.0)),
    )


_NUMBER = r"\d+(?:\.\d*)?|\.\d+"
_LINE = re.compile(
    rf"(?:(?P<start>{_NUMBER})\s*s?\s*[-\u2013]\s*(?:(?P<end>{_NUMBER})\s*s?)?(?:\s*:\s*|\s+))?"
    r"(?P<label>.*?)(?:\s*\((?P<detail>[^()]*)\))?\s*"
)


def parse_events(text: str) -> tuple[SoundEvent, ...]:
    """Sounds as a person types them, one a line.

    "0.0-2.5 dog barking (small, close)", "3- rain" (from 3 s to the end) or just "dog barking" (the whole clip).
    """
    lines = [line.strip() for line in text.splitlines()]
    return tuple(_parse_line(line) for line in lines if line)


def _parse_line(line: str) -> SoundEvent:
    if len(line) > 2 * MAX_TEXT:
        raise FoleyError(f"{quoted(line)} is too long for one sound; the limit is {2 * MAX_TEXT} letters.")
    found = _LINE.fullmatch(line)
    if found is None or not any(letter.isalpha() for letter in found["label"]):
        raise FoleyError(f"{quoted(line)} names no sound; write one a line like 0.0-2.5 dog barking (small, close).")
    return SoundEvent(
        label=found["label"],
        detail=(found["detail"] or "").strip(),
        start_s=float(found["start"] or 0.0),
        end_s=None if found["end"] is None else float(found["end"]),
    )


def format_events(events: Sequence[SoundEvent]) -> str:
    """Text for `parse_events`, times to the millisecond. Confidences are not written."""
    return "\n".join(_line(event) for event in events)


def _line(event: SoundEvent) -> str:
    end = "" if event.end_s is None else _short(event.end_s)
    span = "" if event.start_s == 0 and event.end_s is None else f"{_short(event.start_s)}-{end} "
    return f"{span}{event.label}" + (f" ({event.detail})" if event.detail else "")


def _short(number: float) -> str:
    text = f"{number:.3f}".rstrip("0")
    return text + "0" if text.endswith(".") else text


def event_track(events: Sequence[SoundEvent], n_frames: int, frame_rate_hz: float) -> np.ndarray:
    """1 in every frame during which something sounds, 0 elsewhere. Returns float32 (n_frames,)."""
    track = np.zeros(n_frames, dtype=np.float32)
    for event in events:
        # The slack keeps a boundary that was written as frame / rate on that frame.
        start = math.floor(event.start_s * frame_rate_hz + 1e-6)
        end = n_frames if event.end_s is None else math.ceil(event.end_s * frame_rate_hz - 1e-6)
        track[start:end] = 1.0
    return track


def events_between(events: tuple[SoundEvent, ...], start_s: float, end_s: float) -> tuple[SoundEvent, ...]:
    """Events that sound in a stretch, in seconds from its beginning."""
    inside = (e for e in events if e.start_s < end_s and (e.end_s is None or e.end_s > start_s))
    return tuple(
        replace(e, start_s=max(0.0, e.start_s - start_s), end_s=None if e.end_s is None else e.end_s - start_s)
        for e in inside
    )
