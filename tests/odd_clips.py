"""Clips as cameras, phones and editors write them: many channels, HDR, interlaced, several pictures and sounds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

RATE_HZ = 48_000
FPS = 25
SIZE = (96, 64)
_FAST = {
    "libx264": {"preset": "ultrafast", "crf": "16"},
    "libx265": {"preset": "ultrafast", "x265-params": "log-level=none:pools=1:frame-threads=1"},
}


@dataclass(frozen=True)
class Track:
    """A sound track: (N, C) in -1..1 at 48 kHz, its codec and FFmpeg's name of its layout."""

    wave: np.ndarray
    codec: str = "aac"
    layout: str = "mono"
    options: dict[str, Any] = field(default_factory=dict)


def tone(seconds: float = 1.0, hz: float = 1000.0, level: float = 0.2) -> np.ndarray:
    """(N,) a sine."""
    return (level * np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE_HZ)) / RATE_HZ)).astype(np.float32)


def lit(channels: int, channel: int, seconds: float = 1.0) -> np.ndarray:
    """(N, C) silence but for a sine in one channel."""
    wave = np.zeros((round(seconds * RATE_HZ), channels), np.float32)
    wave[:, channel] = tone(seconds)
    return wave


def moving_box(count: int = FPS, size: tuple[int, int] = SIZE, fps: float = FPS) -> list[np.ndarray]:
    """uint8 (H, W, 3) of a bright box that runs from left to right and back."""
    width, height = size
    box = width // 4
    images = []
    for index in range(count):
        image = np.full((height, width, 3), 40, np.uint8)
        share = abs((2 * index / fps) % 2 - 1)
        left = round((1 - share) * (width - box))
        image[height // 4 : 3 * height // 4, left : left + box] = 220
        images.append(image)
    return images


def interlaced(images: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Each picture with the even lines of the next one: two moments in one frame, bottom field first."""
    frames = []
    for first, second in zip(images[::2], images[1::2], strict=True):
        frame = first.copy()
        frame[::2] = second[::2]
        frames.append(frame)
    return frames


# What an encoder of MPEG-2 must be told for `interlaced` pictures; 4:2:2, so that lines of colour belong to one field.
INTERLACED: dict[str, Any] = {
    "codec": "mpeg2video",
    "pixel_format": "yuv422p",
    "options": {"flags": "+ildct+ilme", "field_order": "bb", "b": "6M", "profile": "0"},
}
HLG, PQ = 18, 16


def hdr_frames(signal: Sequence[float], transfer: int, size: tuple[int, int] = SIZE) -> list[av.VideoFrame]:
    """Grey frames of 10 bits in BT.2020, each with one signal level in 0..1."""
    width, height = size
    frames = []
    for level in signal:
        frame = av.VideoFrame(width, height, "yuv420p10le")
        for plane, code in zip(frame.planes, (64 + 876 * level, 512, 512), strict=True):
            plane.update(np.full((plane.height, plane.line_size // 2), round(code), "<u2").tobytes())
        frame.colorspace, frame.color_primaries, frame.color_trc, frame.color_range = 9, 9, transfer, 1
        frames.append(frame)
    return frames


def say_hdr(transfer: int) -> Callable[[av.VideoStream], None]:
    """Makes a stream say that it is HDR."""

    def prepare(stream: av.VideoStream) -> None:
        context = stream.codec_context
        context.colorspace, context.color_primaries, context.color_trc, context.color_range = 9, 9, transfer, 1

    return prepare


def write_odd_clip(
    path: Path,
    images: Sequence[np.ndarray | av.VideoFrame] | None = None,
    sounds: Sequence[Track] = (),
    *,
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    ticks: Iterable[int] | None = None,
    clock: Fraction = Fraction(1, FPS),
    options: dict[str, str] | None = None,
    first: tuple[str, np.ndarray] | None = None,
    prepare: Callable[[av.VideoStream], None] = lambda stream: None,
) -> Path:
    """Write a clip; its container follows from the suffix.

    Args:
        images: pictures as RGB, or frames in `pixel_format`; by default a second of a moving box.
        ticks: when each is shown, in units of `clock`.
        first: codec and the one picture of a picture stream that lies before the real one.
        prepare: may set what the encoder's context should say.
    """
    images = moving_box() if images is None else images
    with av.open(str(path), "w") as container:
        cover = None if first is None else container.add_stream(first[0], rate=1)
        video = container.add_stream(codec, rate=round(1 / clock), options={**_FAST.get(codec, {}), **(options or {})})
        shape = images[0].shape[:2] if isinstance(images[0], np.ndarray) else (images[0].height, images[0].width)
        video.height, video.width = shape
        video.pix_fmt, video.codec_context.time_base, video.codec_context.thread_count = pixel_format, clock, 1
        prepare(video)
        streams = [container.add_stream(track.codec, rate=RATE_HZ) for track in sounds]
        for stream, track in zip(streams, sounds, strict=True):
            stream.codec_context.layout = track.layout
            for name, value in track.options.items():
                setattr(stream.codec_context, name, value)
        if cover is not None:
            _write_cover(container, cover, first[1])
        for index, image in zip(ticks or range(len(images)), images, strict=False):
            if isinstance(image, np.ndarray):
                image = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format=pixel_format)
            image.pts, image.time_base = index, clock
            container.mux(video.encode(image))
        container.mux(video.encode(None))
        for stream, track in zip(streams, sounds, strict=True):
            container.mux(_sound_packets(stream, track))
    return path


def _write_cover(container: av.container.OutputContainer, stream: av.VideoStream, image: np.ndarray) -> None:
    stream.height, stream.width, stream.pix_fmt = *image.shape[:2], "yuvj420p"
    frame = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format="yuvj420p")
    frame.pts, frame.time_base = 0, Fraction(1)
    container.mux([*stream.encode(frame), *stream.encode(None)])


def _sound_packets(stream: av.AudioStream, track: Track) -> Iterator[av.Packet]:
    """Samples are handed over packed: with eight planes and more PyAV reads beyond a frame."""
    fitting = av.AudioResampler(stream.codec_context.format, track.layout, RATE_HZ, stream.codec_context.frame_size)
    packed = np.ascontiguousarray(np.clip(track.wave * 32767, -32768, 32767).astype("<i2").reshape(1, -1))
    channels = track.wave.shape[1]
    for start in range(0, len(track.wave), 4800):
        samples = packed[:, start * channels : (start + 4800) * channels]
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), format="s16", layout=track.layout)
        frame.sample_rate, frame.pts, frame.time_base = RATE_HZ, start, Fraction(1, RATE_HZ)
        for fitted in fitting.resample(frame):
            yield from stream.encode(fitted)
    for fitted in fitting.resample(None):
        yield from stream.encode(fitted)
    yield from stream.encode(None)
