"""Captions of what sounds, "[hammer strikes anvil]": as SubRip, as WebVTT, and as what a text track holds."""

from __future__ import annotations

from html import escape

from rhythmic_foley.export.spotting import Spotting
from rhythmic_foley.media.text_track import Caption

_SHORTEST_S = 0.001  # both formats count in milliseconds


def captions_of(spotting: Spotting) -> tuple[Caption, ...]:
    """A caption for each stretch during which the same sounds are heard; one line for each sound."""
    edges = sorted({round(edge, 3) for event in spotting.events for edge in (event.start_s, event.end_s)})
    found: list[Caption] = []
    for start_s, end_s in zip(edges, edges[1:], strict=False):
        heard = (event for event in spotting.events if event.start_s < end_s - 1e-6 and event.end_s > start_s + 1e-6)
        text = "\n".join(dict.fromkeys(f"[{' '.join(event.label.split())}]" for event in heard))
        if found and found[-1].text == text and found[-1].end_s == start_s:
            found[-1] = Caption(found[-1].start_s, end_s, text)
        elif text and end_s - start_s >= _SHORTEST_S:
            found.append(Caption(start_s, end_s, text))
    return tuple(found)


def subrip(spotting: Spotting) -> str:
    """The captions as an .srt file."""
    return "".join(
        f"{number}\n{_clock(one.start_s, ',')} --> {_clock(one.end_s, ',')}\n{one.text}\n\n"
        for number, one in enumerate(captions_of(spotting), start=1)
    )


def webvtt(spotting: Spotting) -> str:
    """The captions as a .vtt file (W3C WebVTT), whose text escapes what stands for markup."""
    cues = (
        f"{_clock(one.start_s, '.')} --> {_clock(one.end_s, '.')}\n{escape(one.text, quote=False)}\n\n"
        for one in captions_of(spotting)
    )
    return "WEBVTT\n\n" + "".join(cues)


def _clock(time_s: float, point: str) -> str:
    """ "00:01:02.500"."""
    seconds, thousandths = divmod(round(1000 * time_s), 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{point}{thousandths:03d}"
