"""Clips in, through PyAV: what a clip is and its frames by time stamp; `sound` reads its sound, `muxing` writes clips.

Times count from the start of the first frame that is shown ("picture time"), whatever the container's own clock says.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

import numpy as np
from av.video.frame import VideoFrame

from rhythmic_foley.media.container import OpenClip, decoded_frames, open_clip
from rhythmic_foley.media.muxing import MuxReport, mux
from rhythmic_foley.media.pictures import Orientation, upright_rgb
from rhythmic_foley.media.sound import read_audio, read_channels
from rhythmic_foley.media.timecode import start_timecode
from rhythmic_foley.media.tone_mapping import is_hdr
from rhythmic_foley.runtime.isolation import isolated
from rhythmic_foley.values.clip import ClipInfo

__all__ = ["ClipInfo", "MuxReport", "mux", "probe", "read_audio", "read_channels", "read_frames", "read_key_frames"]


@isolated
def probe(path: str | Path) -> ClipInfo:
    """Reads what a clip is made of, and makes sure that its picture decodes.

    Raises:
        FoleyError: if the file is missing, is not a video, or holds no picture that can be decoded.
    """
    with open_clip(path) as clip:
        timeline = clip.timeline
        _, frame = next(decoded_frames(clip))
        turn = Orientation.of(frame)
        width, height = turn.displayed_size(frame, clip.video.sample_aspect_ratio)
        audio = clip.sound
        return ClipInfo(
            path=Path(path),
            duration_s=timeline.duration_s,
            fps=clip.frame_rate,
            variable_rate=timeline.variable,
            width=width,
            height=height,
            rotation=turn.rotation,
            has_audio=audio is not None,
            audio_rate_hz=audio.rate if audio is not None else None,
            codec=clip.codec_name,
            container=clip.container_name,
            frames=len(timeline.ticks),
            timecode=start_timecode(clip),
            pixel_format=clip.video.codec_context.pix_fmt or "",
            interlaced=clip.interlaced,
            hdr=is_hdr(frame),
            notes=(*clip.picture_notes, *clip.sound_choice.notes),
        )


@isolated
def read_frames(
    path: str | Path,
    rate_hz: float,
    size: tuple[int, int] | None = None,
    *,
    fit: str = "stretch",
    start_s: float = 0.0,
    end_s: float | None = None,
) -> Iterator[tuple[float, np.ndarray]]:
    """Frames at a steady rate, each the one on screen at its time, upright, decoded as a stream.

    Slot n lies at ``start_s + n / rate_hz`` and shows the last frame that has begun by then, so that any source rate,
    steady or not, comes out in time. Only the frame on screen is held in memory.

    Args:
        rate_hz: frames per second wanted.
        size: (width, height) in pixels; None for the size as displayed.
        fit: "stretch" to exactly `size`, or "inside": the largest size within it that keeps the shape, never enlarged.
        start_s: time of the first slot.
        end_s: slots lie before this time; None, or a time beyond it, stands for the end of the picture.

    Yields:
        (time in seconds of the clip, uint8 (H, W, 3) RGB). Slots that show the same frame share one array.

    Raises:
        FoleyError: as for `probe`.
    """
    if rate_hz <= 0 or fit not in ("stretch", "inside") or start_s < 0:
        raise ValueError(f"cannot read frames at {rate_hz} Hz from {start_s} s with fit={fit!r}")
    with open_clip(path) as clip:
        stop_s = clip.timeline.duration_s if end_s is None else min(end_s, clip.timeline.duration_s)
        slots = max(0, math.ceil((stop_s - start_s) * rate_hz - 1e-6))
        slot, image, shape = 0, None, None
        held: VideoFrame | None = None
        frames = decoded_frames(clip, from_s=start_s) if slots else iter(())
        # An endless last entry: the last frame stays on screen for all slots that are left.
        for begins_s, frame in chain(frames, [(math.inf, None)]):
            while held is not None and slot < slots and start_s + slot / rate_hz < begins_s - clip.timeline.slack_s:
                shape = shape or _shown_size(held, clip, size, fit)  # of the first, for all: it may change on the way
                image = upright_rgb(held, shape) if image is None else image
                yield start_s + slot / rate_hz, image
                slot += 1
            if slot == slots:
                return
            held, image = frame, None


@isolated
def read_key_frames(path: str | Path, times_s: Sequence[float], size: tuple[int, int]) -> Iterator[np.ndarray]:
    """For each time the last key frame by then, or nearly: far quicker in a long clip than decoding all of it.

    Args:
        size: (width, height) in pixels, as displayed.

    Yields:
        uint8 (H, W, 3) RGB, upright.

    Raises:
        FoleyError: as for `probe`.
    """
    with open_clip(path) as clip:
        for time_s in times_s:
            # A second more, since seeking leaves that much room.
            _, frame = next(decoded_frames(clip, from_s=min(time_s + 1.0, clip.timeline.duration_s)))
            yield upright_rgb(frame, size)


def _shown_size(frame: VideoFrame, clip: OpenClip, size: tuple[int, int] | None, fit: str) -> tuple[int, int]:
    """(width, height) of what `read_frames` gives."""
    if size is not None and fit == "stretch":
        return size
    width, height = Orientation.of(frame).displayed_size(frame, clip.video.sample_aspect_ratio)
    scale = 1.0 if size is None else min(1.0, size[0] / width, size[1] / height)
    return max(1, round(width * scale)), max(1, round(height * scale))
