"""An OpenTimelineIO timeline of a take, and what its adapters make of it: FCPXML, EDL, AAF.

OpenTimelineIO's own JSON is written here, so that it needs no package; the others need `rhythmic-foley[timeline]`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path, PurePosixPath
from typing import Any

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.export.spotting import Spotting

ADAPTERS = {"edl": "cmx_3600", "fcpxml": "fcpx_xml", "aaf": "AAF"}


@dataclass(frozen=True)
class Media:
    """A file on a track of its own, from the first frame to the last.

    Attributes:
        name: of track and clip.
        kind: "Video" or "Audio".
        file: as seen from the timeline.
    """

    name: str
    kind: str
    file: PurePosixPath


def timeline_json(spotting: Spotting, media: Sequence[Media]) -> str:
    """The text of an .otio file: a track for each file, markers at sounds and hits, timecode from the first frame."""
    rate = float(spotting.start.rate)
    frames = _frames(spotting.duration_s, spotting)
    begins = _time(spotting.start.frame, rate)
    span = {"OTIO_SCHEMA": "TimeRange.1", "start_time": begins, "duration": _time(frames, rate)}

    def clip(one: Media) -> dict[str, Any]:
        reference = {
            "OTIO_SCHEMA": "ExternalReference.1",
            "target_url": str(one.file),
            "available_range": span,
            "name": one.name,
        }
        return {
            "OTIO_SCHEMA": "Clip.2",
            "name": one.name,
            "source_range": span,
            "media_references": {"DEFAULT_MEDIA": reference},
            "active_media_reference_key": "DEFAULT_MEDIA",
            "markers": _markers(spotting) if one is media[0] else [],
        }

    tracks = [{"OTIO_SCHEMA": "Track.1", "name": one.name, "kind": one.kind, "children": [clip(one)]} for one in media]
    timeline = {
        "OTIO_SCHEMA": "Timeline.1",
        "name": spotting.name,
        "global_start_time": begins,
        "tracks": {"OTIO_SCHEMA": "Stack.1", "name": "tracks", "children": tracks},
    }
    return json.dumps(timeline, indent=2, ensure_ascii=False)


def write_by_adapter(text: str, path: Path, name: str) -> None:
    """Write a timeline in the format that an adapter of OpenTimelineIO knows.

    Raises:
        FoleyError: if the package or the adapter is not installed, or refuses the timeline.
    """
    try:
        opentimelineio = import_module("opentimelineio")
    except ImportError:
        raise FoleyError(
            f"{name} is written by OpenTimelineIO, which is not installed; install rhythmic-foley[timeline], "
            "or export otio, which needs nothing."
        ) from None
    if ADAPTERS[name] not in opentimelineio.adapters.available_adapter_names():
        raise FoleyError(f"OpenTimelineIO has no adapter for {name} here; install rhythmic-foley[timeline].")
    timeline = opentimelineio.adapters.read_from_string(text, "otio_json")
    if name == "edl":  # it holds one track of picture
        timeline.tracks[:] = [timeline.tracks[0]]
    try:
        opentimelineio.adapters.write_to_file(timeline, str(path), adapter_name=ADAPTERS[name])
    except Exception as error:
        raise FoleyError(f"OpenTimelineIO could not write {path.name} ({error}).") from error


def _markers(spotting: Spotting) -> list[dict[str, Any]]:
    sounds = [(event.start_s, event.end_s, event.text, "GREEN", {}) for event in spotting.events]
    hits = [
        (time_s, time_s, spotting.label_at(time_s), "RED", {"strength": strength})
        for time_s, strength in zip(spotting.onsets.times_s, spotting.onsets.strengths, strict=True)
    ]
    return [
        _marker(spotting, start_s, end_s, name, colour, said) for start_s, end_s, name, colour, said in sounds + hits
    ]


def _marker(
    spotting: Spotting, start_s: float, end_s: float, name: str, colour: str, said: dict[str, float]
) -> dict[str, Any]:
    rate, first = float(spotting.start.rate), _frames(start_s, spotting)
    return {
        "OTIO_SCHEMA": "Marker.2",
        "name": name,
        "color": colour,
        "metadata": {"rhythmic_foley": {"start_s": start_s, "end_s": end_s, **said}},
        "marked_range": {
            "OTIO_SCHEMA": "TimeRange.1",
            "start_time": _time(spotting.start.frame + first, rate),
            "duration": _time(max(1, _frames(end_s, spotting) - first), rate),
        },
    }


def _time(frames: int, rate: float) -> dict[str, Any]:
    return {"OTIO_SCHEMA": "RationalTime.1", "rate": rate, "value": float(frames)}


def _frames(time_s: float, spotting: Spotting) -> int:
    """The frame on screen at a time, counted from the first."""
    return int(time_s * spotting.start.rate + 1e-6)
