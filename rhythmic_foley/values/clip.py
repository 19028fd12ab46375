"""What a clip is made of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ClipInfo:
    """What a clip is made of.

    Attributes:
        duration_s: from the start of the first frame to the end of the last one.
        fps: frames per second; the average where the rate is variable.
        width: pixels as displayed, after rotation and with square pixels; likewise `height`.
        rotation: degrees clockwise by which a player turns the stored picture (0, 90, 180, 270).
        frames: how many frames are shown.
        timecode: of the first frame, as "01:00:00:00"; None where the clip has none.
        pixel_format: FFmpeg's name of how its pixels are stored, such as "yuv420p".
        interlaced: whether its frames hold two fields each.
        hdr: whether its colours are meant for screens of high dynamic range (HLG, PQ).
        notes: sentences for the person, such as which streams of the file were passed over.
    """

    path: Path
    duration_s: float
    fps: float
    variable_rate: bool
    width: int
    height: int
    rotation: int
    has_audio: bool
    audio_rate_hz: int | None
    codec: str
    container: str
    frames: int
    timecode: str | None = None
    pixel_format: str = ""
    interlaced: bool = False
    hdr: bool = False
    notes: tuple[str, ...] = ()
