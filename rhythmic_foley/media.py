"""Clips in and out, through PyAV alone: probe, frames by time stamp, sound, and the dubbed file.

Times count from the start of the first frame that is shown ("picture time"), whatever the container's own clock says.
"""

from __future__ import annotations

import math
import os
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path

import av
import numpy as np
from av.container import OutputContainer
from av.video.frame import VideoFrame

from rhythmic_foley.container import (
    OpenClip,
    Orientation,
    Timeline,
    decoded_frames,
    display_matrix,
    open_clip,
    picture_packets,
    with_decode_times,
)
from rhythmic_foley.errors import FoleyError

# What MP4 holds and today's players show; anything else (VP8, MPEG-4 part 2, ProRes, MJPEG ...) becomes H.264.
_COPIED_CODECS = ("h264", "hevc", "vp9", "av1")
_COPY_NOTES = {"hevc": "The picture was copied untouched; it is HEVC, which some browsers cannot play."}
_AAC_RATES_HZ = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000)
_AAC_BITS_PER_SAMPLE = 6  # the most that AAC allows for one channel
_AAC_MAX_BIT_RATE = 192_000
_AUDIO_BLOCK = 1024
_ENCODER_THREADS = 2
_REENCODE_CLOCK = Fraction(1, 90_000)


@dataclass(frozen=True)
class ClipInfo:
    """What a clip is made of.

    Attributes:
        duration_s: from the start of the first frame to the end of the last one.
        fps: frames per second; the average where the rate is variable.
        width: pixels as displayed, after rotation and with square pixels; likewise `height`.
        rotation: degrees clockwise by which a player turns the stored picture (0, 90, 180, 270).
        frames: how many frames are shown.
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


@dataclass(frozen=True)
class MuxReport:
    """How the picture got into the dubbed file: copied untouched, or re-encoded and why."""

    copied: bool
    note: str


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
        audio = clip.container.streams.best("audio")
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
        slot, image = 0, None
        held: VideoFrame | None = None
        frames = decoded_frames(clip, from_s=start_s) if slots else iter(())
        # An endless last entry: the last frame stays on screen for all slots that are left.
        for begins_s, frame in chain(frames, [(math.inf, None)]):
            while held is not None and slot < slots and start_s + slot / rate_hz < begins_s - clip.timeline.slack_s:
                image = _upright_rgb(held, clip, size, fit) if image is None else image
                yield start_s + slot / rate_hz, image
                slot += 1
            if slot == slots:
                return
            held, image = frame, None


def _upright_rgb(frame: VideoFrame, clip: OpenClip, size: tuple[int, int] | None, fit: str) -> np.ndarray:
    """uint8 (H, W, 3): scaled while still as stored, so that turning touches few pixels."""
    turn = Orientation.of(frame)
    width, height = turn.displayed_size(frame, clip)
    if size is not None and fit == "inside":
        scale = min(1.0, size[0] / width, size[1] / height)
        width, height = max(1, round(width * scale)), max(1, round(height * scale))
    elif size is not None:
        width, height = size
    stored = (height, width) if turn.swap else (width, height)
    scaled = frame.reformat(*stored, format="rgb24", interpolation="AREA", threads=1)
    return turn.apply(scaled.to_ndarray())


def read_audio(path: str | Path, sample_rate_hz: int) -> np.ndarray | None:
    """The clip's sound, mixed to mono, from the moment its picture starts.

    Sound before the picture is cut, a sound track that starts later is preceded by silence, and gaps stay gaps. The
    sound may end before or after the picture.

    Returns:
        float32 (N,), or None when there is no audio track.

    Raises:
        FoleyError: as for `probe`.
    """
    with open_clip(path) as clip:
        stream = clip.container.streams.best("audio")
        if stream is None:
            return None
        start_s = float(clip.timeline.start * clip.timeline.time_base)
        wave, rate_hz = _mono_from(clip, stream, start_s)
    return wave if rate_hz == sample_rate_hz else _resample(wave, rate_hz, sample_rate_hz)


def _mono_from(clip: OpenClip, stream: av.AudioStream, start_s: float) -> tuple[np.ndarray, int]:
    """float32 (N,) at the track's own rate, and that rate; each decoded frame laid where its time stamp says."""
    as_float, pieces, rate_hz, position, end_s = None, [], stream.rate, 0, None
    for packet in _sound_packets(clip, stream):
        if packet is not None and packet.pts is not None and packet.duration:
            end_s = float((packet.pts + packet.duration) * packet.time_base) - start_s
        for frame in _decoded_sound(stream, packet):
            if as_float is None:
                rate_hz = frame.sample_rate
                as_float = av.AudioResampler(format="fltp")  # numbers only: same channels, same rate
            wanted = position if frame.time is None else round((frame.time - start_s) * rate_hz)
            if not pieces or abs(wanted - position) > 0.05 * rate_hz:  # less is rounding of the container's clock
                pieces.append(np.zeros(max(0, wanted - position), dtype=np.float32))
                position = max(wanted, position) if pieces[1:] else wanted
            for block in as_float.resample(frame):
                mono = block.to_ndarray().mean(axis=0)
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
    except av.error.InvalidDataError:
        pass  # a file cut off in the middle: what came before is still good
    yield None


def _decoded_sound(stream: av.AudioStream, packet: av.Packet | None) -> list[av.AudioFrame]:
    try:
        return stream.decode(packet)
    except av.error.InvalidDataError:
        return []


def _resample(wave: np.ndarray, from_hz: int, to_hz: int) -> np.ndarray:
    """float32 (N,) -> float32 (round(N to / from),)."""
    resampler = av.AudioResampler(format="flt", layout="mono", rate=to_hz)
    blocks = (wave[start : start + from_hz] for start in range(0, len(wave), from_hz))
    frames = chain(
        chain.from_iterable(resampler.resample(_audio_frame(block, from_hz)) for block in blocks),
        resampler.resample(None) if len(wave) else (),
    )
    out = np.zeros(round(len(wave) * to_hz / from_hz), dtype=np.float32)
    position = 0
    for frame in frames:
        samples = frame.to_ndarray()[0][: len(out) - position]
        out[position : position + len(samples)] = samples
        position += len(samples)
    return out


def _audio_frame(samples: np.ndarray, rate_hz: int, pts: int | None = None) -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples)[None], format="fltp", layout="mono")
    frame.sample_rate, frame.time_base, frame.pts = rate_hz, Fraction(1, rate_hz), pts
    return frame


def mux(video_path: str | Path, wave: np.ndarray, sample_rate_hz: int, out_path: str | Path) -> MuxReport:
    """Writes the dubbed MP4: the picture's packets copied untouched, with `wave` as its only sound (AAC).

    Packets keep their bytes, spacing, rotation and codec; time stamps move as one so that the picture starts at zero.
    The picture is re-encoded as H.264 only if MP4 cannot hold it as it is. The sound is cut, or filled up with
    silence, to exactly the picture's duration. Nothing is left behind if writing fails.

    Args:
        wave: float (N,) mono in -1..1; louder samples are clipped.
        sample_rate_hz: one of AAC's rates.
        out_path: a name ending in .mp4; a file of that name is replaced.

    Raises:
        FoleyError: if the clip cannot be read or the target cannot be written.
    """
    out_path = Path(out_path)
    wave = np.asarray(wave, dtype=np.float32)
    if wave.ndim != 1 or not np.isfinite(wave).all() or sample_rate_hz not in _AAC_RATES_HZ:
        raise ValueError(f"cannot write a wave of shape {wave.shape} at {sample_rate_hz} Hz")
    if out_path.suffix.lower() != ".mp4":
        raise FoleyError(f"The dubbed video is an MP4 file; give {out_path.name} a name that ends in .mp4.")
    if _same_file(out_path, Path(video_path)):
        raise FoleyError(f"{out_path.name} is the clip itself; choose another name for the dubbed video.")
    part = out_path.with_name(f".{uuid.uuid4().hex}.part.mp4")
    with open_clip(video_path) as clip:
        fitted = _fitted(wave, clip.timeline, sample_rate_hz)
        try:
            report = _write_dub(clip, fitted, sample_rate_hz, part)
            os.replace(part, out_path)
        except OSError as error:
            raise FoleyError(f"{out_path.name} cannot be written; check the folder and its free space.") from error
        finally:
            part.unlink(missing_ok=True)
    return report


def _same_file(one: Path, other: Path) -> bool:
    return one.exists() and other.exists() and one.samefile(other)


def _fitted(wave: np.ndarray, timeline: Timeline, sample_rate_hz: int) -> np.ndarray:
    """float32 (N,) cut or filled up with silence to the picture's duration."""
    samples = round(timeline.duration_s * sample_rate_hz)
    return np.clip(np.pad(wave[:samples], (0, max(0, samples - len(wave)))), -1.0, 1.0)


def _write_dub(clip: OpenClip, wave: np.ndarray, rate_hz: int, part: Path) -> MuxReport:
    codec = clip.codec_name
    if codec not in _COPIED_CODECS:
        reason = f"its codec ({codec}) does not belong in an MP4 file"
    elif not clip.timeline.timed:
        reason = f"its {clip.container_name} file does not say when each frame is shown"
    else:
        try:
            _write(part, clip, wave, rate_hz, _add_copied, _copied_packets)
            return MuxReport(True, _COPY_NOTES.get(codec, "The picture was copied untouched."))
        except (av.error.ArgumentError, av.error.InvalidDataError, ValueError):
            reason = f"its {codec} packets could not be copied into an MP4 file"
    _write(part, clip, wave, rate_hz, _add_encoded, _encoded_packets)
    return MuxReport(False, f"The picture was re-encoded as H.264 because {reason}.")


def _write(
    part: Path,
    clip: OpenClip,
    wave: np.ndarray,
    rate_hz: int,
    add_video: Callable[[OutputContainer, OpenClip], av.VideoStream],
    packets: Callable[[av.VideoStream, OpenClip], Iterator[av.Packet]],
) -> None:
    """One MP4 with the index in front (so that it plays while loading), picture and sound side by side in the file."""
    with av.open(str(part), mode="w", format="mp4", options={"movflags": "+faststart"}) as out:
        video = add_video(out, clip)
        audio = out.add_stream("aac", rate=rate_hz)
        audio.codec_context.layout = "mono"
        audio.codec_context.bit_rate = min(_AAC_MAX_BIT_RATE, _AAC_BITS_PER_SAMPLE * rate_hz)
        sound = _aac_packets(audio, wave, rate_hz)
        for packet in packets(video, clip):
            # The muxer holds packets back until both streams have reached a time, so the sound must keep up.
            for sound_packet in sound:
                out.mux(sound_packet)
                if sound_packet.dts * sound_packet.time_base > packet.dts * packet.time_base:
                    break
            out.mux(packet)
        out.mux(sound)


def _aac_packets(stream: av.AudioStream, wave: np.ndarray, rate_hz: int) -> Iterator[av.Packet]:
    for start in range(0, len(wave), _AUDIO_BLOCK):
        yield from stream.encode(_audio_frame(wave[start : start + _AUDIO_BLOCK], rate_hz, pts=start))
    yield from stream.encode(None)


def _add_copied(out: OutputContainer, clip: OpenClip) -> av.VideoStream:
    video = out.add_stream_from_template(clip.video, opaque=True)
    if clip.codec_name == "hevc":
        video.codec_context.codec_tag = "hvc1"  # the only HEVC tag that Apple's players accept
    return video


def _copied_packets(video: av.VideoStream, clip: OpenClip) -> Iterator[av.Packet]:
    timeline = clip.timeline
    clip.rewind()
    for packet in with_decode_times(picture_packets(clip), timeline):
        # The muxer derives the track's length from the time shown; demuxers give the time to the next packet, if any.
        packet.duration = timeline.shown_ticks.get(packet.pts, packet.duration)
        packet.pts -= timeline.start
        packet.dts -= timeline.start
        packet.stream = video
        yield packet


def _add_encoded(out: OutputContainer, clip: OpenClip) -> av.VideoStream:
    source, rate = clip.video.codec_context, Fraction(clip.frame_rate).limit_denominator(1001)
    video = out.add_stream("libx264", rate=rate, options={"preset": "fast", "crf": "18"})
    video.width, video.height = max(2, source.width // 2 * 2), max(2, source.height // 2 * 2)  # H.264 wants even sizes
    video.pix_fmt = "yuv420p"
    video.codec_context.time_base = _REENCODE_CLOCK
    video.codec_context.thread_count = _ENCODER_THREADS
    video.codec_context.sample_aspect_ratio = clip.video.sample_aspect_ratio or Fraction(1)
    for name in ("colorspace", "color_primaries", "color_trc"):
        setattr(video.codec_context, name, getattr(source, name))
    video.set_display_matrix(display_matrix(next(decoded_frames(clip))[1]))
    return video


def _encoded_packets(video: av.VideoStream, clip: OpenClip) -> Iterator[av.Packet]:
    """Every frame encoded at its own time; one is held back, since its length shows only when the next one comes."""
    lengths: dict[int, int] = {}
    held: VideoFrame | None = None

    def with_lengths(packets: list[av.Packet]) -> Iterator[av.Packet]:
        for packet in packets:
            packet.duration = lengths.pop(packet.pts)
            yield packet

    for time_s, frame in chain(decoded_frames(clip), [(clip.timeline.duration_s, None)]):
        tick = round(time_s / _REENCODE_CLOCK)
        if held is not None:
            if tick <= held.pts:  # damaged files repeat times, which an encoder refuses
                continue
            lengths[held.pts] = tick - held.pts
            yield from with_lengths(video.encode(held))
        if frame is not None:
            held = frame.reformat(video.width, video.height, format=video.pix_fmt, dst_color_range="MPEG", threads=1)
            held.pts, held.time_base, held.pict_type = tick, _REENCODE_CLOCK, 0
    yield from with_lengths(video.encode(None))
