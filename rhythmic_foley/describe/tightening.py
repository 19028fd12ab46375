"""Described sounds lose the time around them in which nothing can make them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from rhythmic_foley.describe.parsing import BACKGROUND
from rhythmic_foley.describe.sounds import kind_of
from rhythmic_foley.values.events import UNKNOWN, SoundEvent

# Chosen on drawn clips so that no true onset was lost; docs/describers.md has the measure.
LEAST_PEAK = 0.12
_LEAD_S, _TAIL_S = 0.2, 0.75
_HIT = re.compile(
    r"\b(?:bang|beat|blow|bounc|clang|clank|clap|clatter|click|clink|collision|crack|crash|drop|explo|footstep|gunshot"
    r"|hammer|hit|impact|jump|kick|knock|land|pop|punch|shot|slam|slap|smash|snap|splash|step|stomp|strik|strum|tap|thud"
    r"|thump)\w*",
    re.IGNORECASE,
)


def is_hit(label: str) -> bool:
    """Whether a sound comes in single hits, by the table of sounds or else by its words; False where that is open."""
    kind = kind_of(label)
    return kind == "impulsive" if kind else label != UNKNOWN and bool(_HIT.search(label))


def tightened(events: Sequence[SoundEvent], peaks_s: Sequence[float], duration_s: float) -> tuple[SoundEvent, ...]:
    """Give sounds that come in hits the stretch from the first to the last peak within their time, and a little more.

    Args:
        events: as described.
        peaks_s: every time at which the picture gives the least reason for a hit: peaks above `LEAST_PEAK`.
        duration_s: length of the clip.

    Returns:
        The events in order of start. One without a peak stays as it was; so does what goes on, or is background.
    """
    return tuple(sorted((_tight(event, peaks_s, duration_s) for event in events), key=lambda event: event.start_s))


def _tight(event: SoundEvent, peaks_s: Sequence[float], duration_s: float) -> SoundEvent:
    end_s = duration_s if event.end_s is None else event.end_s
    within = [peak_s for peak_s in peaks_s if event.start_s <= peak_s <= end_s]
    if not within or event.detail == BACKGROUND or not is_hit(event.label):
        return event
    start_s, stop_s = max(event.start_s, within[0] - _LEAD_S), within[-1] + _TAIL_S
    return replace(event, start_s=round(start_s, 3), end_s=event.end_s if stop_s >= end_s else round(stop_s, 3))
