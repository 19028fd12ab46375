"""Clips in and out, through PyAV alone: probe, frames by time stamp, sound; `muxing` writes what comes out.

Times count from the start of the first frame that is shown ("picture time"), whatever the container's own clock says.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import av
import numpy as np
from av.video.frame import VideoFrame

from rhythmic_foley.media.container import CUT_OFF, OpenClip, Orientation, audio_frame, decoded_frames, open_clip
from rhythmic_foley.media.muxing import MuxReport, mux
from rhythmic_foley.values.clip import ClipInfo
from rhythmic_foley.values.limits import bounded

__all__ = ["ClipInfo", "MuxReport", "mux", "probe", "read_audio", "read_frames"]

_AUDIO_BLOCK = 1024
_LONGER_S = 1.0  # by which sound may outlast the picture


def probe(path: str | Path) -> ClipInfo:
    """Reads what a clip is made of, and makes sure that its picture decodes.

    Raises:
        FoleyError: if the file is missing, is not a video, or holds no picture that can be decoded.
    """
    with open_clip(path) as clip:
        timeline = clip.timeline
        _, frame = next(decoded_frames(clip))
        turn = Orientation.of(frame)
        width, height = turn.displayed_size(frame, clip)
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
        )


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
                image = _upright_rgb(held, shape) if image is None else image
                yield start_s + slot / rate_hz, image
                slot += 1
            if slot == slots:
                return
            held, image = frame, None


def _shown_size(frame: VideoFrame, clip: OpenClip, size: tuple[int, int] | None, fit: str) -> tuple[int, int]:
    """(width, height) of what `read_frames` gives."""
    if size is not None and fit == "stretch":
        return size
    width, height = Orientation.of(frame).displayed_size(frame, clip)
    scale = 1.0 if size is None else min(1.0, size[0] / width, size[1] / height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def _upright_rgb(frame: VideoFrame, size: tuple[int, int]) -> np.ndarray:
    """uint8 (H, W, 3): scaled while still as stored, so that turning touches few pixels."""
    turn = Orientation.of(frame)
    width, height = size
    stored = (height, width) if turn.swap else (width, height)
    smaller = stored[0] <= frame.width and stored[1] <= frame.height
    scaled = frame.reformat(*stored, format="rgb24", interpolation="AREA" if smaller else "BICUBIC", threads=1)
    return turn.apply(scaled.to_ndarray())


def read_audio(path: str | Path, sample_rate_hz: int) -> np.ndarray | None:
    """The clip's sound, mixed to mono, from the moment its picture starts.

    Sound before the picture is cut, a sound track that starts later is preceded by silence, and gaps stay gaps. The
    sound may end before the picture or a little after it; what is heard long after it is left out.

    Returns:
        float32 (N,), or None when there is no audio track.

    Raises:
        FoleyError: as for `probe`.
    """
    with open_clip(path) as clip:
        stream = clip.sound
        if stream is None:
            return None
        start_s = float(clip.timeline.start * clip.timeline.time_base)
        wave, rate_hz = _mono_from(clip, stream, start_s)
    return wave if rate_hz == sample_rate_hz else _resample(wave, rate_hz, sample_rate_hz)


def _mono_from(clip: OpenClip, stream: av.AudioStream, start_s: float) -> tuple[np.ndarray, int]:
    """float32 (N,) at the track's own rate, and that rate; each decoded frame laid where its time stamp says."""
    as_float, pieces, rate_hz, position, end_s = None, [], stream.rate, 0, None
    last_s = clip.timeline.duration_s + _LONGER_S
    for packet in _sound_packets(clip, stream):
        if packet is not None and packet.pts is not None and packet.duration:
            end_s = float((packet.pts + packet.duration) * packet.time_base) - start_s
        for frame in _decoded_sound(clip, stream, packet):
            if as_float is None:
                rate_hz = frame.sample_rate
                as_float = av.AudioResampler(format="fltp")  # numbers only: same channels, same rate
            wanted = position if frame.time is None else round((frame.time - start_s) * rate_hz)
            if max(wanted, position) > last_s * rate_hz:
                continue
            if not pieces or abs(wanted - position) > 0.05 * rate_hz:  # less is rounding of the container's clock
                pieces.append(np.zeros(max(0, wanted - position), dtype=np.float32))
                position = max(wanted, position) if pieces[1:] else wanted
            for block in as_float.resample(frame):
                mono = bounded(block.to_ndarray()).mean(axis=0)
                pieces.append(mono[max(0, -position) :] if position < 0 else mono)
                position += len(mono)
    wave = np.concatenate(pieces).astype(np.float32) if pieces else np.zeros(0, dtype=np.float32)
    # Encoders fill up their last block; the last packet's duration says how much of it is sound.
    padding = len(wave) - round(end_s * rate_hz) if end_s is not None else 0
    return (wave[: len(wave) - padding] if 0 < padding <= 4 * _AUDIO_BLOCK else wave), rate_hz


def _sound_packets(clip: OpenClip, stream: av.AudioStream) -> Iterator[av.Packet | None]:
    packets = clip.container.demux(stream)
    try:
        yield from (packet for packet in packets if packet.size)
    except CUT_OFF:
        pass  # a file cut off in the middle: what came before is still good
    yield None


def _decoded_sound(clip: OpenClip, stream: av.AudioStream, packet: av.Packet | None) -> list[av.AudioFrame]:
    try:
        with clip.decoding.running():
            return stream.decode(packet)
    except av.error.InvalidDataError:
        return []


def _resample(wave: np.ndarray, from_hz: int, to_hz: int) -> np.ndarray:
    """float32 (N,) -> float32 (round(N to / from),)."""
    resampler = av.AudioResampler(format="flt", layout="mono", rate=to_hz)
    blocks = (wave[start : start + from_hz] for start in range(0, len(wave), from_hz))
    frames = chain(
        chain.from_iterable(resampler.resample(audio_frame(block, from_hz)) for block in blocks),
        resampler.resample(None) if len(wave) else (),
    )
    out = np.zeros(round(len(wave) * to_hz / from_hz), dtype=np.float32)
    position = 0
    for frame in frames:
        samples = frame.to_ndarray()[0][: len(out) - position]
        out[position : position + len(samples)] = samples
        position += len(samples)
    return out
