"""A REAPER project: the picture, the mix and a track for each stem, with markers at the hits and regions of sounds."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from rhythmic_foley.export.spotting import Spotting

_RPP_VERSION = '0.1 "6.0"'
_NAMES = uuid.UUID("6f0c6f9e-6a7b-4b6e-9a55-1d1a2f1f7b11")


@dataclass(frozen=True)
class Track:
    """A track with one item that starts at zero.

    Attributes:
        name: of the track.
        file: as seen from the project.
        muted: whether it is silent at first.
    """

    name: str
    file: PurePosixPath
    muted: bool = False


def reaper_project(spotting: Spotting, tracks: Sequence[Track], sample_rate_hz: int) -> str:
    """The text of an .rpp file.

    Args:
        tracks: in order; kinds of sources follow from the files' suffixes (.mp4 is shown as video).
    """
    lines = [
        f"<REAPER_PROJECT {_RPP_VERSION} 0",
        f"  SAMPLERATE {sample_rate_hz} 1 0",
        f"  PROJOFFS {spotting.start.seconds:.8f} 0 0",
        f"  TIMEMODE 1 5 -1 {_time_mode(spotting)} 0 -1",
        f"  VIDEO_CONFIG {spotting.width} {spotting.height} 256",
        *_markers(spotting),
        *(line for track in tracks for line in _track(track, spotting.duration_s)),
        ">",
    ]
    return "\n".join(lines) + "\n"


def _time_mode(spotting: Spotting) -> str:
    """Frames per second as REAPER writes it: a whole number, and how it is meant (1 drop-frame, 2 slowed by 0.1 %)."""
    rate = spotting.start.rate
    return f"{round(rate)} {1 if spotting.start.drop else 2 if rate.denominator != 1 else 0}"


def _markers(spotting: Spotting) -> Iterator[str]:
    onsets = spotting.onsets
    for number, (time_s, strength) in enumerate(zip(onsets.times_s, onsets.strengths, strict=True), start=1):
        yield f"  MARKER {number} {time_s:.8f} {_quoted(f'{spotting.label_at(time_s)} {strength:.2f}')} 0"
    for number, event in enumerate(spotting.events, start=1):  # a region is two lines: its start, and its end
        yield f"  MARKER {number} {event.start_s:.8f} {_quoted(event.text)} 1"
        yield f'  MARKER {number} {event.end_s:.8f} "" 1'


def _track(track: Track, duration_s: float) -> Iterator[str]:
    kind = {".mp4": "VIDEO", ".flac": "FLAC", ".mp3": "MP3"}.get(track.file.suffix, "WAVE")
    name = _quoted(track.name)
    yield f"  <TRACK {{{str(uuid.uuid5(_NAMES, track.name)).upper()}}}"
    yield f"    NAME {name}"
    yield f"    MUTESOLO {int(track.muted)} 0 0"
    yield "    <ITEM"
    yield "      POSITION 0"
    yield f"      LENGTH {duration_s:.8f}"
    yield "      LOOP 0"
    yield f"      NAME {name}"
    yield f"      <SOURCE {kind}"
    yield f"        FILE {_quoted(str(track.file))}"
    yield "      >"
    yield "    >"
    yield "  >"


def _quoted(text: str) -> str:
    """Text as REAPER quotes it: in the first of three marks that it does not hold."""
    text = " ".join(text.split())
    mark = next((mark for mark in "\"'`" if mark not in text), "`")
    return f"{mark}{text.replace('`', chr(39)) if mark == '`' else text}{mark}"
