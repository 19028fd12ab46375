"""The clips that the fuzzer starts from: every kind that people bring, and the edges of what a clip can be."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

_SOUND_RATE_HZ = 48_000
_OPTIONS = {
    "libx264": {"preset": "ultrafast", "bf": "1"},
    "libx265": {"preset": "ultrafast", "x265-params": "log-level=none:pools=1:frame-threads=1"},
    "libvpx": {"deadline": "realtime", "cpu-used": "8"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8"},
    "libsvtav1": {"preset": "12", "svtav1-params": "lp=1"},
}
_FORMATS = {"ffv1": "yuv420p", "mjpeg": "yuvj420p", "prores_ks": "yuv422p10le", "huffyuv": "yuv422p"}


@dataclass(frozen=True)
class Kind:
    """How one clip is made.

    Attributes:
        ticks: time stamps of the frames, in units of `clock`.
        sound_s: length of the sound track; 0 for none.
    """

    suffix: str
    codec: str = "libx264"
    sound: str = "aac"
    ticks: tuple[int, ...] = tuple(range(8))
    clock: Fraction = Fraction(1, 12)
    size: tuple[int, int] = (64, 48)
    sound_s: float = 0.66
    patch: Callable[[bytes], bytes] = bytes

    def write(self, path: Path) -> None:
        """Writes the clip; `path` ends in the kind's suffix."""
        with av.open(str(path), "w") as container:
            rate = Fraction(1 / self.clock).limit_denominator(1001)
            video = container.add_stream(self.codec, rate=rate, options=dict(_OPTIONS.get(self.codec, {})))
            video.width, video.height = self.size
            odd = self.size[0] % 2 or self.size[1] % 2
            video.pix_fmt = "yuv444p" if odd and self.codec != "mjpeg" else _FORMATS.get(self.codec, "yuv420p")
            video.codec_context.time_base, video.codec_context.thread_count = self.clock, 1
            sound = container.add_stream(self.sound, rate=_SOUND_RATE_HZ) if self.sound_s else None
            if sound is not None:
                sound.codec_context.layout = "mono"
            for packet in self._pictures(video):
                container.mux(packet)
            if sound is not None:
                wave = (0.3 * np.sin(np.arange(round(self.sound_s * _SOUND_RATE_HZ)) / 20)).astype(np.float32)
                frame = av.AudioFrame.from_ndarray(wave[None], format="fltp", layout="mono")
                frame.sample_rate, frame.pts, frame.time_base = _SOUND_RATE_HZ, 0, Fraction(1, _SOUND_RATE_HZ)
                container.mux([*sound.encode(frame), *sound.encode(None)])
        path.write_bytes(self.patch(path.read_bytes()))

    def _pictures(self, video: av.VideoStream) -> list[av.Packet]:
        packets = []
        width, height = self.size
        for index, tick in enumerate(self.ticks):
            image = np.full((height, width, 3), 40 + 20 * (index % 8), np.uint8)
            image[: height // 2, (index * 7) % width :] = 200
            frame = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format=video.pix_fmt)
            frame.pts, frame.time_base = tick, self.clock
            packets += video.encode(frame)
        return packets + (video.encode(None) if self.ticks else [])


def _jpeg_of_16k(data: bytes) -> bytes:
    """Every JPEG inside says that it has 16,000 x 16,000 pixels."""
    out, at = bytearray(data), data.find(b"\xff\xc0")
    while at >= 0:
        out[at + 5 : at + 9] = struct.pack(">HH", 16_000, 16_000)
        at = data.find(b"\xff\xc0", at + 1)
    return bytes(out)


def _vp8_of_16k(data: bytes) -> bytes:
    """Every VP8 key frame inside says that it has 16,383 x 16,383 pixels."""
    return _replaced(data, b"\x9d\x01\x2a", struct.pack("<HH", 16_383, 16_383))


def _replaced(data: bytes, mark: bytes, value: bytes) -> bytes:
    out, at = bytearray(data), data.find(mark)
    while at >= 0:
        out[at + len(mark) : at + len(mark) + len(value)] = value
        at = data.find(mark, at + 1)
    return bytes(out)


def _without_length(data: bytes) -> bytes:
    """Length 0 in the header of film and tracks of an MP4."""
    for mark in (b"mvhd", b"mdhd"):
        data = _replaced(data, mark + data[data.find(mark) + 4 :][:16], b"\0\0\0\0")
    return data


_CLOCK = Fraction(1, 1000)

KINDS: dict[str, Kind] = {
    # What people bring
    **{f"h264-{suffix}": Kind(f".{suffix}") for suffix in ("mp4", "mov", "mkv", "ts", "flv", "m4v")},
    "h264-avi": Kind(".avi", sound="pcm_s16le"),
    **{f"hevc-{suffix}": Kind(f".{suffix}", "libx265") for suffix in ("mp4", "mov", "mkv", "ts")},
    **{f"vp9-{suffix}": Kind(f".{suffix}", "libvpx-vp9", "libopus") for suffix in ("webm", "mkv", "mp4")},
    **{f"av1-{suffix}": Kind(f".{suffix}", "libsvtav1", "libopus") for suffix in ("webm", "mp4")},
    **{f"vp8-{suffix}": Kind(f".{suffix}", "libvpx", "libopus") for suffix in ("webm", "mkv")},
    **{f"mjpeg-{suffix}": Kind(f".{suffix}", "mjpeg", "pcm_s16le") for suffix in ("avi", "mov", "mkv")},
    **{f"prores-{suffix}": Kind(f".{suffix}", "prores_ks", "pcm_s16le") for suffix in ("mov", "mkv")},
    **{f"mpeg4-{suffix}": Kind(f".{suffix}", "mpeg4", "mp3") for suffix in ("avi", "mp4")},
    "mpeg2-mpg": Kind(".mpg", "mpeg2video", "mp2", clock=Fraction(1, 25)),
    "wmv2-wmv": Kind(".wmv", "wmv2", "mp3"),
    "ffv1-mkv": Kind(".mkv", "ffv1", "flac"),
    "huffyuv-avi": Kind(".avi", "huffyuv", "pcm_s16le"),
    # Edges of time
    "no-frames-mp4": Kind(".mp4", ticks=()),
    "no-frames-mkv": Kind(".mkv", ticks=()),
    **{f"one-frame-{suffix}": Kind(f".{suffix}", ticks=(0,)) for suffix in ("mp4", "mkv", "ts")},
    "one-frame-avi": Kind(".avi", "mjpeg", "pcm_s16le", ticks=(0,)),
    "1-fps-mp4": Kind(".mp4", ticks=(0, 1, 2), clock=Fraction(1), sound_s=3),
    "1-fps-avi": Kind(".avi", "mpeg4", "mp3", ticks=(0, 1, 2), clock=Fraction(1), sound_s=3),
    "1000-fps-mp4": Kind(".mp4", ticks=tuple(range(500)), clock=_CLOCK),
    "1000-fps-avi": Kind(".avi", "mpeg4", "mp3", ticks=tuple(range(1200)), clock=_CLOCK, size=(16, 16)),
    "long-sound-mp4": Kind(".mp4", sound_s=30),
    "long-sound-mkv": Kind(".mkv", sound_s=30),
    "short-sound-mp4": Kind(".mp4", sound_s=0.05),
    "short-sound-mov": Kind(".mov", "mjpeg", "pcm_s16le", sound_s=0.001),
    "no-sound-mp4": Kind(".mp4", sound_s=0),
    "negative-mp4": Kind(".mp4", ticks=tuple(range(-400, 400, 100)), clock=_CLOCK),
    "negative-mkv": Kind(".mkv", ticks=tuple(range(-400, 400, 100)), clock=_CLOCK),
    "late-mp4": Kind(".mp4", ticks=tuple(range(50_000, 50_800, 100)), clock=_CLOCK),
    "a-jump-of-an-hour-mp4": Kind(".mp4", ticks=(0, 100, 200, 3_600_000, 3_600_100), clock=_CLOCK),
    "a-jump-of-an-hour-mkv": Kind(".mkv", ticks=(0, 100, 200, 3_600_000, 3_600_100), clock=_CLOCK),
    "a-jump-of-a-minute-ts": Kind(".ts", ticks=(0, 100, 200, 60_000, 60_100), clock=_CLOCK),
    "no-length-mp4": Kind(".mp4", patch=_without_length),
    # Edges of size
    "1x1-mkv": Kind(".mkv", "ffv1", "flac", size=(1, 1)),
    "1x1-avi": Kind(".avi", "mjpeg", "pcm_s16le", size=(1, 1)),
    "1x1-webm": Kind(".webm", "libvpx-vp9", "libopus", size=(1, 1)),
    "2x2-mp4": Kind(".mp4", size=(2, 2)),
    "2x1000-mp4": Kind(".mp4", size=(2, 1000)),
    "16k-wide-avi": Kind(".avi", "mjpeg", "pcm_s16le", ticks=(0, 1, 2, 3, 4), size=(16_384, 64)),
    "16k-high-mov": Kind(".mov", "mjpeg", "pcm_s16le", ticks=(0, 1, 2, 3, 4), size=(64, 16_384)),
    "16k-declared-avi": Kind(".avi", "mjpeg", "pcm_s16le", patch=_jpeg_of_16k),
    "16k-declared-webm": Kind(".webm", "libvpx", "libopus", patch=_vp8_of_16k),
    "16k-declared-mov": Kind(".mov", "mjpeg", "pcm_s16le", patch=_jpeg_of_16k),
}
