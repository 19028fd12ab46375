"""What a cutting room is told about a take: what sounds and hits when, and at which timecode its picture starts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction

from rhythmic_foley.errors import MALFORMED, FoleyError
from rhythmic_foley.media.reading import probe
from rhythmic_foley.values.events import UNKNOWN, SoundEvent, events_between
from rhythmic_foley.values.onsets import Onsets
from rhythmic_foley.values.results import Take
from rhythmic_foley.values.timecode import Timecode, exact_rate


@dataclass(frozen=True)
class Spotting:
    """The spotting list of a take. Times count from the first frame of its own video.

    Attributes:
        name: of the take.
        file_stem: what its files are called, without a suffix.
        duration_s: of the picture.
        width: of the picture in pixels; likewise `height`.
        start: timecode of the first frame.
        made: when the take was made.
        events: named sounds, each with its end.
        onsets: the wanted ones.
    """

    name: str
    file_stem: str
    duration_s: float
    width: int
    height: int
    start: Timecode
    made: datetime
    events: tuple[SoundEvent, ...]
    onsets: Onsets

    def label_at(self, time_s: float) -> str:
        """What hits at a time: the names of the sounds then, or "hit"."""
        return " + ".join(event.label for event in self.events if event.start_s <= time_s < event.end_s) or "hit"


def spotting_of(take: Take, timecode: str | None = None) -> Spotting:
    """Read the spotting list of a take.

    Args:
        timecode: of the first frame of the take's video; by default counted on from the clip's own, where it has one,
            else from zero.

    Raises:
        FoleyError: if the take's files cannot be read, or it is no timecode.
    """
    clip = probe(take.video)
    rate = exact_rate(clip.fps)
    said = _settings(take)
    starts_s = float(said.get("starts_s") or (take.controls.range_s or (0.0,))[0])
    return Spotting(
        name=take.name,
        file_stem=take.video.stem,
        duration_s=clip.duration_s,
        width=clip.width,
        height=clip.height,
        start=_start(timecode, said.get("timecode"), starts_s, rate),
        made=datetime.fromtimestamp(take.settings.stat().st_mtime),
        events=tuple(_within(take.controls.events or (), starts_s, clip.duration_s)),
        onsets=_wanted(take).between(0.0, clip.duration_s),
    )


def _start(asked: str | None, of_clip: str | None, starts_s: float, rate: Fraction) -> Timecode:
    if asked:
        return Timecode.parse(asked, rate)
    if of_clip:
        try:
            return Timecode.parse(of_clip, rate).at(starts_s)
        except FoleyError:  # a damaged tag, or one that counts at another rate than the picture
            pass
    return Timecode.zero(rate).at(starts_s)


def _within(events: Sequence[SoundEvent], starts_s: float, duration_s: float) -> Iterator[SoundEvent]:
    for event in events_between(tuple(events), starts_s, starts_s + duration_s):
        if event.label != UNKNOWN:
            yield replace(event, end_s=duration_s if event.end_s is None else min(event.end_s, duration_s))


def _settings(take: Take) -> dict:
    try:
        return dict(json.loads(take.settings.read_text(encoding="utf-8")))
    except (OSError, *MALFORMED):
        raise FoleyError(f"The settings of {take.name} cannot be read.") from None


def _wanted(take: Take) -> Onsets:
    if take.onsets_json is None:
        return Onsets()
    try:
        data = json.loads(take.onsets_json.read_text(encoding="utf-8"))
        return Onsets.of(data["onsets_s"], data.get("strengths"))
    except (OSError, *MALFORMED):
        raise FoleyError(f"The onsets of {take.name} cannot be read.") from None
