"""What sounds when: `SoundEvent`, its text and JSON forms, and the track that says where anything sounds."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from rhythmic_foley.errors import FoleyError, quoted, shown
from rhythmic_foley.values.limits import LATEST_S, MAX_TEXT
from rhythmic_foley.values.seconds import TIME, parse_time
from rhythmic_foley.values.tables import columns_of, read_table

UNKNOWN = "unknown"

# What a sound is made of: decided by its words, the model, samples, or samples that the model changes.
AUTO, MODEL, SAMPLES, BLEND = "auto", "model", "samples", "blend"
SOURCES = (AUTO, MODEL, SAMPLES, BLEND)
MOST_GAIN_DB = 24.0


@dataclass(frozen=True)
class SoundEvent:
    """One thing that sounds, and from when to when.

    Attributes:
        label: what it is, such as "dog barking"; `UNKNOWN` where a describer does not know.
        detail: more about it, such as "small, close".
        start_s: >= 0.
        end_s: after `start_s`; None means to the end of the clip.
        confidence: 0..1.
        source: what it is made of, one of `SOURCES`; None for what `Controls.source` says.
        samples: sound files to make it of; none for what the library has for its words.
        gain_db: by how much louder it is mixed.
        muted: whether it is left out of the mix; it is made all the same.
    """

    label: str
    detail: str = ""
    start_s: float = 0.0
    end_s: float | None = None
    confidence: float = 1.0
    source: str | None = None
    samples: tuple[Path, ...] = ()
    gain_db: float = 0.0
    muted: bool = False

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
        if self.source is not None:
            check_source(self.source)
        if not -MOST_GAIN_DB * 4 <= self.gain_db <= MOST_GAIN_DB:
            raise FoleyError(
                f"The gain of {quoted(self.label)} must lie between {-MOST_GAIN_DB * 4:g} and {MOST_GAIN_DB:g} dB, "
                f"not {self.gain_db:g}."
            )

    @property
    def text(self) -> str:
        """Label and detail, joined by a comma; the label alone if there is no detail."""
        return f"{self.label}, {self.detail}" if self.detail else self.label


@dataclass(frozen=True)
class Suggestion:
    """A sound that may be meant, for the person to pick.

    Attributes:
        label: what it is, such as "dog barking".
        confidence: 0..1, how often such a suggestion is right.
    """

    label: str
    confidence: float


def check_source(source: str) -> None:
    """Raises a sentence for a word that is no source of sounds."""
    if source not in SOURCES:
        raise FoleyError(f"A sound is made of one of {', '.join(SOURCES)}, not of {quoted(str(source))}.")


def event_as_json(event: SoundEvent) -> dict[str, Any]:
    """An event as plain values; how it is made and mixed only where somebody has said so."""
    plain = asdict(event) | {"samples": [path.as_posix() for path in event.samples]}
    untouched: dict[str, Any] = {"source": None, "samples": [], "gain_db": 0.0, "muted": False}
    return {name: value for name, value in plain.items() if name not in untouched or value != untouched[name]}


def events_to_json(events: Sequence[SoundEvent]) -> str:
    """A JSON list with one object an event."""
    return json.dumps([event_as_json(event) for event in events], ensure_ascii=False)


def events_from_json(text: str) -> tuple[SoundEvent, ...]:
    """Inverse of `events_to_json`; also reads an object with the list under "events". Only labels are required."""
    try:
        data = json.loads(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        raise _no_events() from None
    return events_from_data(data)


def events_from_data(data: Any) -> tuple[SoundEvent, ...]:
    """Sounds from what JSON holds: a list of objects, an object with the list under "events", or lines of text.

    Raises:
        FoleyError: if it is none of these, naming what is wrong.
    """
    if isinstance(data, str):
        return parse_events(data)
    if isinstance(data, dict):
        data = data.get("events")
    if not isinstance(data, list | tuple) or not all(isinstance(item, dict) for item in data):
        raise _no_events()
    return tuple(_event(item, number) for number, item in enumerate(data, start=1))


def read_events(text: str, name: str) -> tuple[SoundEvent, ...]:
    """Sounds from a file: JSON as `describe` prints it, a table with the column label, or one sound a line.

    Args:
        name: of the file, for sentences.

    Raises:
        FoleyError: if a sound cannot be read, naming it.
    """
    text = text.removeprefix("\ufeff")
    if text.lstrip().startswith(("{", "[")):
        return events_from_json(text)
    columns = columns_of(text)
    if len(columns) < 2 or "label" not in columns:
        return parse_events(text)
    return tuple(
        SoundEvent(
            row.text("label"),
            row.cells.get("detail", ""),
            row.number_in("start_s", 0.0),
            row.number_in("end_s") if row.cells.get("end_s") else None,
        )
        for row in read_table(text, ("label",), name)
    )


def _event(item: dict[str, Any], number: int) -> SoundEvent:
    if not isinstance(item.get("label"), str):
        raise FoleyError(f'Sound {number} of the JSON needs a "label" such as "dog barking".')
    detail = item.get("detail")
    if detail is not None and not isinstance(detail, str):
        raise FoleyError(f'The "detail" of sound {number} of the JSON must be text.')
    return SoundEvent(
        label=" ".join(item["label"].split()),
        detail=" ".join((detail or "").split()),
        start_s=_number(item, "start_s", number) or 0.0,
        end_s=_number(item, "end_s", number),
        confidence=1.0 if (confidence := _number(item, "confidence", number)) is None else confidence,
        source=item.get("source"),
        samples=_paths(item, number),
        gain_db=_number(item, "gain_db", number) or 0.0,
        muted=item.get("muted") is True,
    )


def _paths(item: dict[str, Any], number: int) -> tuple[Path, ...]:
    paths = item.get("samples") or ()
    if not isinstance(paths, list | tuple) or not all(isinstance(path, str) for path in paths):
        raise FoleyError(f'The "samples" of sound {number} of the JSON must be a list of files.')
    return tuple(map(Path, paths))


def _number(item: dict[str, Any], name: str, number: int) -> float | None:
    value = item.get(name)
    try:
        if value is None or isinstance(value, int | float) and not isinstance(value, bool):
            return value if value is None else float(value)
    except OverflowError:  # a whole number of hundreds of digits
        pass
    raise FoleyError(f'The "{name}" of sound {number} of the JSON must be a number, not {shown(value)}.')


def _no_events() -> FoleyError:
    return FoleyError('Sounds must be JSON such as [{"label": "dog barking", "start_s": 0.5}].')


_LINE = re.compile(
    rf"(?:(?P<start>{TIME})\s*s?\s*[-\u2013\u2014\u2212]\s*(?:(?P<end>{TIME})\s*s?)?(?:\s*:\s*|\s+))?"
    r"(?P<label>.*?)(?:\s*\((?P<detail>[^()]*)\))?\s*"
)


def parse_events(text: str) -> tuple[SoundEvent, ...]:
    """Sounds as a person types them, one a line.

    "0.0-2.5 dog barking (small, close)", "3- rain" (from 3 s to the end) or just "dog barking" (the whole clip). Times
    may have decimal commas and minutes: "0,5-2,5 rain", "1:02-1:05 rain".
    """
    lines = [line.strip() for line in text.removeprefix("\ufeff").splitlines()]
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
        start_s=0.0 if found["start"] is None else _line_time(line, found["start"]),
        end_s=None if found["end"] is None else _line_time(line, found["end"]),
    )


def _line_time(line: str, typed: str) -> float:
    time_s = parse_time(typed)
    if time_s is None:
        raise FoleyError(f"{quoted(line)} has a time that cannot be read; write seconds such as 1.5.")
    return time_s


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
