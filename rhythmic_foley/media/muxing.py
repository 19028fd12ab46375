"""Clips out: the dubbed file, and a stretch cut from a clip. Picture packets are copied wherever MP4 can hold them."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
import numpy as np
from av.container import OutputContainer
from av.video.frame import VideoFrame

from rhythmic_foley.audio.signal import fit_length
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.media.container import (
    OpenClip,
    audio_frame,
    decoded_frames,
    open_clip,
    picture_packets,
    with_decode_times,
)
from rhythmic_foley.media.encoding import BT_709, ENCODER_THREADS, add_encoded, encoded_packets
from rhythmic_foley.media.timeline import Span, Timeline
from rhythmic_foley.media.tone_mapping import is_hdr
from rhythmic_foley.runtime.atomic import move_into_place
from rhythmic_foley.runtime.isolation import isolated

# What MP4 holds and today's players show; anything else (VP8, MPEG-4 part 2, ProRes, MJPEG ...) becomes H.264.
_COPIED_CODECS = ("h264", "hevc", "vp9", "av1")
AAC_RATES_HZ = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000)
_AAC_BITS_PER_SAMPLE = 6  # the most that AAC allows for one channel
_AAC_MAX_BIT_RATE = {1: 192_000, 2: 256_000}  # by channels
_AUDIO_BLOCK = 1024
_TRIED_PACKETS = 100


@dataclass(frozen=True)
class MuxReport:
    """How the picture got into the file: copied untouched, or re-encoded and why; what else a person should know."""

    copied: bool
    note: str


@dataclass(frozen=True)
class Cut:
    """A stretch of a clip, from the start of one frame to the end of another, in seconds from its first picture.

    Attributes:
        copied: whether its packets can be copied, because it begins on a key frame (or where the clip does).
    """

    start_s: float
    end_s: float
    copied: bool


@isolated
def plan_cut(path: str | Path, start_s: float, end_s: float) -> Cut:
    """The frames that are on screen between two times.

    Where packets can be copied the end may move on by a few frames, because the last ones refer to them.

    Raises:
        FoleyError: if the clip cannot be read or is over before the stretch begins.
    """
    with open_clip(path) as clip:
        timeline = clip.timeline
        if start_s >= timeline.duration_s:
            raise FoleyError(f"The range starts at {start_s:g} s, but the clip is {timeline.duration_s:.2f} s long.")
        starts_s = (timeline.ticks - timeline.start) * float(timeline.time_base) - timeline.slack_s
        first = max(0, int(np.searchsorted(starts_s, start_s, side="right")) - 1)
        last = max(first, int(np.searchsorted(starts_s, end_s - 2 * timeline.slack_s)) - 1)
        begin = int(np.flatnonzero(timeline.coded == timeline.ticks[first])[0])
        copied = _copying_problem(clip) is None and (first == 0 or bool(timeline.keys[begin]))
        if copied:
            # Whatever is decoded before the last frame wanted must stay, even if it is shown later.
            order = np.searchsorted(timeline.ticks, timeline.coded)
            stop = int(np.flatnonzero((order >= first) & (order <= last))[-1])
            last = int(order[: stop + 1].max())
        tick = int(timeline.ticks[last])
        return Cut(
            start_s=timeline.seconds(int(timeline.ticks[first])),
            end_s=timeline.seconds(tick + timeline.shown_ticks[tick]),
            copied=copied,
        )


@isolated
def write_cut(path: str | Path, cut: Cut, out_path: str | Path) -> None:
    """Writes an MP4 with a stretch of the picture and without sound.

    Raises:
        FoleyError: as for `mux`.
    """

    def write(clip: OpenClip, part: Path) -> MuxReport:
        problem = None if cut.copied else "its stretch does not begin on a key frame"
        return _write_picture(part, clip, Span.between(clip.timeline, cut.start_s, cut.end_s), None, problem)

    _write_file(path, Path(out_path), write)


@isolated
def mux(video_path: str | Path, wave: np.ndarray, sample_rate_hz: int, out_path: str | Path) -> MuxReport:
    """Writes the dubbed MP4: the picture's packets copied untouched, with `wave` as its only sound (AAC).

    Packets keep their bytes, spacing, rotation and codec; time stamps move as one so that the picture starts at zero.
    The picture is re-encoded as H.264 only if MP4 cannot hold it as it is. The sound is cut, or filled up with
    silence, to exactly the picture's duration. Nothing is left behind if writing fails.

    Args:
        wave: float (N,) mono or (N, 2) stereo in -1..1; louder samples are clipped.
        sample_rate_hz: one of `AAC_RATES_HZ`.
        out_path: a name ending in .mp4; a file of that name is replaced.

    Raises:
        FoleyError: if the clip cannot be read or the target cannot be written.
    """
    wave = np.asarray(wave, dtype=np.float32)
    if wave.shape[1:] not in ((), (2,)) or not np.isfinite(wave).all() or sample_rate_hz not in AAC_RATES_HZ:
        raise ValueError(f"cannot write a wave of shape {wave.shape} at {sample_rate_hz} Hz")

    def write(clip: OpenClip, part: Path) -> MuxReport:
        sound = _Sound(_fitted(wave, clip.timeline, sample_rate_hz), sample_rate_hz)
        return _write_picture(part, clip, Span.all_of(clip.timeline), sound, None)

    return _write_file(video_path, Path(out_path), write)


def write_frames(
    frames: Iterable[np.ndarray],
    size: tuple[int, int],
    fps: float,
    wave: np.ndarray,
    sample_rate_hz: int,
    out_path: Path,
) -> None:
    """Writes an MP4 (H.264, AAC) from pictures at a steady rate.

    Args:
        frames: uint8 (H, W, 3) RGB; what yields them may use the same array again.
        size: (width, height) in pixels, both even.
        wave: float (N,) mono or (N, 2) stereo.

    Raises:
        FoleyError: if the target cannot be written.
    """
    part = out_path.with_name(f".{uuid.uuid4().hex}.part.mp4")
    rate, sound = (
        Fraction(fps).limit_denominator(1001),
        _Sound(np.clip(wave, -1, 1).astype(np.float32), sample_rate_hz),
    )

    def packets(video: av.VideoStream) -> Iterator[av.Packet]:
        for index, image in enumerate(frames):
            frame = VideoFrame.from_ndarray(image, format="rgb24").reformat(format="yuv420p", dst_colorspace="ITU709")
            frame.pts, frame.time_base = index, 1 / rate
            yield from video.encode(frame)
        yield from video.encode(None)

    try:
        with av.open(str(part), mode="w", format="mp4", options={"movflags": "+faststart"}) as out:
            video = out.add_stream("libx264", rate=rate, options={"preset": "fast", "crf": "18"})
            video.width, video.height, video.pix_fmt = *size, "yuv420p"
            video.codec_context.thread_count = ENCODER_THREADS
            for name in ("colorspace", "color_primaries", "color_trc"):
                setattr(video.codec_context, name, BT_709)
            _interleave(out, packets(video), _aac_packets(_add_aac(out, sound), sound))
        move_into_place(part, out_path)
    except OSError as error:
        raise FoleyError(f"{out_path.name} cannot be written; check the folder and its free space.") from error
    finally:
        part.unlink(missing_ok=True)


@dataclass(frozen=True)
class _Sound:
    wave: np.ndarray  # float32 (N,) or (N, 2)
    rate_hz: int

    @property
    def channels(self) -> int:
        return 1 if self.wave.ndim == 1 else self.wave.shape[1]


def _write_file(video_path: str | Path, out_path: Path, write: Callable[[OpenClip, Path], MuxReport]) -> MuxReport:
    """Has a file written beside its place and moves it there when it is complete."""
    if out_path.suffix.lower() != ".mp4":
        raise FoleyError(f"The dubbed video is an MP4 file; give {out_path.name} a name that ends in .mp4.")
    if _same_file(out_path, Path(video_path)):
        raise FoleyError(f"{out_path.name} is the clip itself; choose another name for the dubbed video.")
    part = out_path.with_name(f".{uuid.uuid4().hex}.part.mp4")
    with open_clip(video_path) as clip:
        try:
            report = write(clip, part)
            move_into_place(part, out_path)
        except OSError as error:
            raise FoleyError(f"{out_path.name} cannot be written; check the folder and its free space.") from error
        finally:
            part.unlink(missing_ok=True)
    return report


def _same_file(one: Path, other: Path) -> bool:
    return one.exists() and other.exists() and one.samefile(other)


def _fitted(wave: np.ndarray, timeline: Timeline, sample_rate_hz: int) -> np.ndarray:
    """float32 (N,) or (N, 2) cut or filled up with silence to the picture's duration."""
    return np.clip(fit_length(wave, round(timeline.duration_s * sample_rate_hz)), -1.0, 1.0)


def _copying_problem(clip: OpenClip) -> str | None:
    """Why a clip's packets cannot be copied into an MP4 file, as far as one sees without trying."""
    codec = clip.codec_name
    if codec not in _COPIED_CODECS:
        return f"its codec ({codec}) does not belong in an MP4 file"
    if not clip.timeline.timed:
        return f"its {clip.container_name} file does not say when each frame is shown"
    return None


def _write_picture(part: Path, clip: OpenClip, span: Span, sound: _Sound | None, problem: str | None) -> MuxReport:
    """Copies packets unless there is a problem with that, or one shows up."""
    codec = clip.codec_name
    problem = problem or _copying_problem(clip)
    if problem is None:
        try:
            written = _write(part, clip, span, sound, _add_copied, _copied_packets)
            _check_copy(part, written)
            return MuxReport(True, "The picture is HEVC, which some browsers cannot play." if codec == "hevc" else "")
        except (av.error.ArgumentError, av.error.InvalidDataError, ValueError):
            problem = f"its {codec} packets could not be copied into an MP4 file"
    _write(part, clip, span, sound, add_encoded, encoded_packets)
    return MuxReport(False, f"The picture was re-encoded as H.264 because {problem}{_changed(clip)}.")


def _changed(clip: OpenClip) -> str:
    """What re-encoding did to the picture beside that."""
    hdr = is_hdr(next(decoded_frames(clip))[1])
    done = ["its HDR colours were mapped to BT.709"] * hdr + ["it was deinterlaced"] * clip.interlaced
    return "; " + " and ".join(done) if done else ""


def _write(
    part: Path,
    clip: OpenClip,
    span: Span,
    sound: _Sound | None,
    add_video: Callable[[OutputContainer, OpenClip], av.VideoStream],
    packets: Callable[[av.VideoStream, OpenClip, Span], Iterator[av.Packet]],
) -> int:
    """One MP4 with the index in front (so that it plays while loading), picture and sound side by side in the file.

    Returns:
        How many packets of picture were given to the muxer.
    """
    with av.open(str(part), mode="w", format="mp4", options={"movflags": "+faststart"}) as out:
        video = add_video(out, clip)
        sound_packets = iter(()) if sound is None else _aac_packets(_add_aac(out, sound), sound)
        return _interleave(out, packets(video, clip, span), sound_packets)


def _check_copy(part: Path, packets: int) -> None:
    """Raises ValueError where the muxer has swallowed packets without a word, or the copy does not decode."""
    with av.open(str(part)) as copy:
        video = copy.streams.video[0]
        kept = sum(entry.size > 0 for entry in video.index_entries)
        if kept != packets:
            raise ValueError(f"the muxer kept {kept} of {packets} packets")
        for packet in islice(copy.demux(video), _TRIED_PACKETS):
            with suppress(av.error.InvalidDataError):
                if video.decode(packet):
                    return
    raise ValueError("the copy does not decode")


def _interleave(out: OutputContainer, packets: Iterator[av.Packet], sound_packets: Iterator[av.Packet]) -> int:
    """Muxes picture and sound; returns how many packets of picture there were."""
    count = 0
    for packet in packets:
        count += 1
        # The muxer holds packets back until both streams have reached a time, so the sound must keep up.
        for sound_packet in sound_packets:
            out.mux(sound_packet)
            if sound_packet.dts * sound_packet.time_base > packet.dts * packet.time_base:
                break
        out.mux(packet)
    out.mux(sound_packets)
    return count


def _add_aac(out: OutputContainer, sound: _Sound) -> av.AudioStream:
    audio = out.add_stream("aac", rate=sound.rate_hz)
    audio.codec_context.layout = "mono" if sound.channels == 1 else "stereo"
    most = _AAC_BITS_PER_SAMPLE * sound.rate_hz * sound.channels
    audio.codec_context.bit_rate = min(_AAC_MAX_BIT_RATE[sound.channels], most)
    return audio


def _aac_packets(stream: av.AudioStream, sound: _Sound) -> Iterator[av.Packet]:
    for start in range(0, len(sound.wave), _AUDIO_BLOCK):
        yield from stream.encode(audio_frame(sound.wave[start : start + _AUDIO_BLOCK], sound.rate_hz, pts=start))
    yield from stream.encode(None)


def _add_copied(out: OutputContainer, clip: OpenClip) -> av.VideoStream:
    video = out.add_stream_from_template(clip.video, opaque=True)
    if clip.codec_name == "hevc":
        video.codec_context.codec_tag = "hvc1"  # the only HEVC tag that Apple's players accept
    return video


def _copied_packets(video: av.VideoStream, clip: OpenClip, span: Span) -> Iterator[av.Packet]:
    timeline, decoded = clip.timeline, None
    held: av.Packet | None = None
    end = span.end - span.first
    clip.rewind()
    for packet in with_decode_times(picture_packets(clip), timeline):
        if not span.holds(packet.pts):
            continue
        if decoded is not None and packet.dts <= decoded:
            raise ValueError("time goes backwards in a damaged file, which the muxer would swallow silently")
        decoded = packet.dts
        # The muxer derives the track's length from the time shown; demuxers give the time to the next packet, if any.
        packet.duration = timeline.shown_ticks.get(packet.pts, packet.duration)
        packet.pts -= span.first
        packet.dts -= span.first
        packet.stream = video
        if held is None:
            decoded_until = end - (packet.pts - packet.dts)  # the first frame waits that long between both
        else:
            yield held
        held = packet
    if held is not None:
        _fill_track(held, end, decoded_until)
        yield held


def _fill_track(last: av.Packet, end: int, decoded_until: int) -> None:
    """Have a track that is shown until `end` last until then, by the packet that is decoded last.

    An MP4 track is as long as the steps between decoding times. Where frames are decoded in another order than shown,
    and those at the end stay longer than those at the start, as in slow motion, that is less than what is shown.
    """
    missing = decoded_until - (last.dts + last.duration)
    if missing > 0:
        longer = min(missing, max(0, end - last.pts - last.duration))  # the frame itself must not outlast the picture
        last.duration += longer
        last.dts += missing - longer
