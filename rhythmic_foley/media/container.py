"""Opening a clip safely and walking through its picture: allowed formats, the timeline of frames, decoding.

`media` is what the rest of the program uses; this module holds what its readers and its writer share.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from itertools import chain
from pathlib import Path

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.media.animations import Film, film_of
from rhythmic_foley.media.pictures import progressive
from rhythmic_foley.media.streams import CUT_OFF, WANTED, StreamChoice, choose_picture, choose_sound
from rhythmic_foley.media.timeline import Timeline
from rhythmic_foley.runtime.isolation import decoder_call
from rhythmic_foley.values.limits import (
    MAX_CLIP_S,
    MAX_FPS,
    MAX_PIXELS,
    Stopwatch,
    check_file_size,
    check_frame_rate,
    check_length,
    check_picture_size,
)

# FFmpeg also opens playlists, subtitles, pictures and text as "video", some of which fetch other files or addresses.
# Only these demuxers may look at a file; the sound-only ones are here so that an mp3 gets the right sentence.
_CONTAINER_NAMES = {
    "mov,mp4,m4a,3gp,3g2,mj2": "mp4",
    "matroska,webm": "matroska",
    "avi": "avi",
    "mpegts": "mpegts",
    "mpeg": "mpeg",
    "flv": "flv",
    "asf": "asf",
    "ogg": "ogg",
}
_SOUND_ONLY = "wav,mp3,flac,aac,aiff"
_OPEN_OPTIONS = {
    "format_whitelist": ",".join([*_CONTAINER_NAMES, _SOUND_ONLY]),
    "protocol_whitelist": "file",
    "max_pixels": str(MAX_PIXELS),  # opening already decodes a picture or two
}
_READING_S = 10.0  # for opening a file, and for finding the next packet in it
# Titles in a broken encoding are no reason to refuse a clip; PyAV 19 lets them pass without being asked.
_LENIENT = {"metadata_errors": "replace"} if int(av.__version__.split(".")[0]) < 19 else {}
_DECODER_THREADS = 2
# What tapes are captured to; containers often do not say that such pictures are interlaced.
_CAPTURE_CODECS = ("ffv1", "huffyuv", "ffvhuff", "utvideo", "rawvideo", "v210", "prores", "dnxhd")
_PROGRESSIVE = 1  # of FFmpeg's field orders; 0 is unknown, the others are interlaced


@dataclass(frozen=True)
class OpenClip:
    """A clip that is open for reading, and its picture stream.

    Attributes:
        path: the person's file.
        film: what is opened.
        picture_notes: what a person should know about the choice of that stream.
    """

    path: Path
    film: Film
    container: InputContainer
    video: VideoStream
    timeline: Timeline
    decoding: Stopwatch
    picture_notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.path.name

    @cached_property
    def sound_choice(self) -> StreamChoice:
        """The best sound track that can be decoded; looked for when it is first asked for."""
        with opened(self.film.path, self.name) as other:  # a decoder that has tried a packet does not begin anew
            return choose_sound(other)

    @property
    def sound(self) -> AudioStream | None:
        """The sound track; None if there is none that can be decoded."""
        index = self.sound_choice.index
        return None if index is None else self.container.streams[index]

    @property
    def container_name(self) -> str:
        return self.film.animation or _container_name(self.container)

    @property
    def codec_name(self) -> str:
        """The codec, whoever decodes it ("av1", not "libdav1d")."""
        return self.film.animation or self.video.codec_context.codec.canonical_name

    @property
    def interlaced(self) -> bool:
        """Whether the stream says that its frames hold two fields each; known once a frame has been decoded."""
        return self.video.codec_context.field_order > _PROGRESSIVE

    @property
    def may_hide_fields(self) -> bool:
        """Whether its frames may hold two fields each although the file does not say so."""
        return self.video.codec_context.field_order == 0 and self.codec_name in _CAPTURE_CODECS

    @property
    def numbered(self) -> bool:
        """Whether frames have an order but no times of their own."""
        return _numbered(self.container)

    @property
    def frame_rate(self) -> float:
        """Frames per second as measured, or the declared rate where it says the same without the clock's rounding."""
        measured = len(self.timeline.ticks) / self.timeline.duration_s
        declared = float(self.video.average_rate or 0)
        steady = not self.timeline.variable and abs(declared - measured) < 0.02 * measured
        return declared if steady else measured

    @contextmanager
    def decoder_call(self) -> Iterator[None]:
        """Around each call into a decoder, which may neither hang nor, in all of them, take far too long."""
        with self.decoding.running(), decoder_call():
            yield

    def rewind(self) -> None:
        self.container.seek(0 if self.video.start_time is None else min(0, self.video.start_time), stream=self.video)


def _container_name(container: InputContainer) -> str:
    return _CONTAINER_NAMES.get(container.format.name, container.format.name)


def _numbered(container: InputContainer) -> bool:
    """AVI holds no times; FFmpeg guesses them, wrongly where frames are reordered."""
    return _container_name(container) == "avi"


def _read_timeline(name: str, container: InputContainer, video: VideoStream) -> Timeline:
    """Reads every packet once without decoding, and leaves the container at its end."""
    numbered = _numbered(container)
    shown, timed, untimed_start = [], not numbered, True
    for packet in _packets(container, video):
        untimed_start = untimed_start and packet.dts is None
        timed = timed and packet.pts is not None and (packet.dts is not None or untimed_start)
        tick = packet.dts if packet.pts is None or numbered else packet.pts
        if tick is not None and not packet.is_discard:
            shown.append((tick, packet.duration or 0, packet.is_keyframe))
        if len(shown) > MAX_FPS * MAX_CLIP_S:
            raise FoleyError(f"{name} has more than {MAX_FPS * MAX_CLIP_S:.0f} pictures; please trim it.")
    if not shown:
        raise FoleyError(f"{name} holds no picture that can be read; the file may be damaged.")
    span_s = float((max(shown)[0] - min(shown)[0]) * video.time_base)
    check_length(span_s)
    check_frame_rate(name, len(shown), span_s)
    coded = np.array([tick for tick, _, _ in shown], dtype=np.int64)
    ticks = np.sort(coded)
    return Timeline(
        ticks=ticks,
        last_ticks=_last_ticks(container, video, ticks, max(shown)[1]),
        time_base=Fraction(video.time_base),
        timed=timed and not untimed_start,
        coded=coded,
        keys=np.array([key for _, _, key in shown], dtype=bool),
    )


def _last_ticks(container: InputContainer, video: VideoStream, ticks: np.ndarray, packet_ticks: int) -> int:
    """How long the last frame is shown; some containers say so, some demuxers only claim to."""
    gaps = np.diff(ticks)
    if _container_name(container) == "mp4" and video.duration:
        # MP4 packets last until the next one is decoded, not shown; the track's length is right, but can be stale.
        declared = int(ticks[0]) + video.duration - int(ticks[-1])
        if 0 < declared <= max(gaps.max(initial=0), packet_ticks):
            return declared
    usual = int(np.median(gaps)) if len(gaps) else 0
    # A damaged file may claim that its last frame stays for hours.
    if 0 < packet_ticks * video.time_base <= max(1.0, float(10 * usual * video.time_base)):
        return packet_ticks
    if usual > 0:
        return usual
    rate = video.average_rate or video.guessed_rate or Fraction(25)
    return max(1, round(1 / (rate * video.time_base)))


@contextmanager
def open_clip(path: str | Path) -> Iterator[OpenClip]:
    """Opens a local video file.

    Raises:
        FoleyError: if there is no such file, it is not a video in an allowed container, or reading it fails.
    """
    path = Path(path)
    _check_file(path)
    with film_of(path) as film:
        # Opened several times: sound is only decoded right from its first block if nothing has been read before.
        with opened(film.path, path.name) as container:
            choice = choose_picture(path.name, container)
        with opened(film.path, path.name) as container:
            timeline = _read_timeline(path.name, container, _prepare(path.name, container.streams[choice.index]))
        if film.animation is not None:
            timeline = replace(timeline, last_ticks=round(Fraction(film.last_ms, 1000) / timeline.time_base))
        with opened(film.path, path.name) as container:
            video = _prepare(path.name, container.streams[choice.index])
            decoding = Stopwatch(path.name, timeline.duration_s)
            yield OpenClip(path, film, container, video, timeline, decoding, choice.notes)


@contextmanager
def opened(path: Path, name: str) -> Iterator[InputContainer]:
    """The container of a file, whatever it holds; `name` is what a person calls it.

    Raises:
        FoleyError: if FFmpeg cannot read it.
    """
    try:
        # An absolute path: FFmpeg would read "concat:a|b" or "http://..." as something other than a file name.
        where, options = str(path.resolve()), dict(_OPEN_OPTIONS)
        with av.open(where, "r", options=options, timeout=_READING_S, **_LENIENT) as container:
            yield container
    except av.error.FFmpegError as error:
        raise FoleyError(f"{name} is damaged or not a video that can be read; {WANTED}.") from error


def _check_file(path: Path) -> None:
    try:
        if path.is_dir():
            raise FoleyError(f"{path.name or 'This'} is a folder; choose a video file.")
        if not path.exists():
            raise FoleyError(f"There is no file named {path.name}.")
        if not path.is_file():
            raise FoleyError(f"{path.name} is not a regular file; {WANTED}.")
        with path.open("rb") as file:
            if not file.read(1):
                raise FoleyError(f"{path.name} is empty; {WANTED}.")
        check_file_size(path)
    except (OSError, ValueError) as error:
        raise FoleyError(f"{path.name} cannot be opened; check that you may read it.") from error


def _prepare(name: str, video: VideoStream) -> VideoStream:
    """Tell a stream's decoder its limits, once its size is known to keep them."""
    context = video.codec_context
    check_picture_size(name, context.width, context.height)
    context.options = {"max_pixels": str(MAX_PIXELS)}  # the size may change on the way
    context.thread_type = "AUTO"
    context.thread_count = _DECODER_THREADS
    return video


def picture_packets(clip: OpenClip) -> Iterator[av.Packet]:
    """Packets of the picture in file order, from where the container stands."""
    return _packets(clip.container, clip.video)


def _packets(container: InputContainer, video: VideoStream) -> Iterator[av.Packet]:
    """A file cut off in the middle simply ends there."""
    packets = container.demux(video)
    while True:
        try:
            packet = next(packets)
        except (StopIteration, *CUT_OFF):
            return
        if packet.size:
            yield packet


def with_decode_times(packets: Iterator[av.Packet], timeline: Timeline) -> Iterator[av.Packet]:
    """Gives the first packets the decoding times that their container left out, counting back from the first known."""
    waiting: list[av.Packet] = []
    for packet in packets:
        if packet.dts is None:
            waiting.append(packet)
            continue
        for steps, early in zip(range(len(waiting), 0, -1), waiting, strict=True):
            early.dts = packet.dts - steps * timeline.usual_ticks
        yield from waiting
        waiting.clear()
        yield packet


def decoded_frames(clip: OpenClip, from_s: float = 0.0) -> Iterator[tuple[float, VideoFrame]]:
    """Frames in showing order with their times, seconds from the start of the picture; interlaced ones deinterlaced.

    Packets that do not decode are passed over, as players do.

    Args:
        from_s: decoding may start at a later key frame, but never later than the frame shown at this time.
    """
    timeline = clip.timeline
    if from_s > 0 and not clip.numbered:
        # Seeking is only a hint in some containers, hence the second of margin and the check of where it landed.
        target = timeline.start + int(max(0.0, from_s - 1.0) / timeline.time_base)
        clip.container.seek(target, stream=clip.video)
        frames = progressive(_decode(clip), clip.may_hide_fields)
        first = next(frames, None)
        if first is not None and first[0] <= from_s:
            yield first
            yield from frames
            return
    clip.rewind()
    frames = progressive(_decode(clip), clip.may_hide_fields)
    first = next(frames, None)
    if first is None:
        raise FoleyError(f"{clip.name} holds no picture that can be decoded; the file may be damaged.")
    yield first
    yield from frames


def _decode(clip: OpenClip) -> Iterator[tuple[float, VideoFrame]]:
    timeline = clip.timeline
    for order, frame in enumerate(_frames_in_order(clip)):
        tick = frame.dts if frame.pts is None else frame.pts
        if clip.numbered:
            tick = timeline.ticks[min(order, len(timeline.ticks) - 1)]
        if tick is not None:
            yield timeline.seconds(int(tick)), frame


def _frames_in_order(clip: OpenClip) -> Iterator[VideoFrame]:
    for packet in chain(picture_packets(clip), [None]):
        try:
            with clip.decoder_call():
                frames = clip.video.decode(packet)
        except av.error.InvalidDataError:
            continue
        yield from frames


def audio_frame(samples: np.ndarray, rate_hz: int, pts: int | None = None) -> av.AudioFrame:
    """A frame of sound from float32 (N,) for mono or (N, 2) for stereo."""
    planes = np.ascontiguousarray(np.atleast_2d(samples.T))
    frame = av.AudioFrame.from_ndarray(planes, format="fltp", layout="mono" if len(planes) == 1 else "stereo")
    frame.sample_rate, frame.time_base, frame.pts = rate_hz, Fraction(1, rate_hz), pts
    return frame
