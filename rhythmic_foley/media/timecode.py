"""Read the timecode that a camera or an editing program has put into a clip."""

from __future__ import annotations

import re

from rhythmic_foley.media.container import OpenClip

_TIMECODE = re.compile(r"\d{2}:\d{2}:\d{2}[:;.]\d{2,3}")


def start_timecode(clip: OpenClip) -> str | None:
    """Timecode of the clip's first frame, as its `tmcd` track (MOV, MP4) or a tag says; None if neither does."""
    sources = (clip.video, *clip.container.streams.data, clip.container)
    found = (source.metadata.get(name) for source in sources for name in ("timecode", "TIMECODE"))
    return next((text for text in found if text and _TIMECODE.fullmatch(text)), None)
