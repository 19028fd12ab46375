"""Synthetic clips for tests: small, quick to make, and known to the frame and to the sample."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import cycle
from pathlib import Path

import av
import numpy as np

INDEX_BITS = 12
VIDEO_CODECS = {
    ".mp4": "libx264",
    ".mov": "libx264",
    ".mkv": "libx264",
    ".webm": "libvpx-vp9",
    ".avi": "mpeg4",
    ".ogg": "libvpx",
}
AUDIO_CODECS = {
    ".mp4": "aac",
    ".mov": "aac",
    ".mkv": "aac",
    ".webm": "libopus",
    ".avi": "pcm_s16le",
    ".ogg": "libopus",
}
_VARIABLE_PATTERN = (0.6, 1.0, 1.7, 0.8, 1.4, 0.5)  # frame lengths in units of 1 / fps; their mean is 1
_TICKS_PER_S = 90_000


def exact_rate(fps: float) -> Fraction:
    """The broadcast fraction for 23.976, 29.97 and 59.94; the number itself otherwise."""
    for whole in (24, 30, 60):
        if abs(fps - whole * 1000 / 1001) < 0.005:
            return Fraction(whole * 1000, 1001)
    return Fraction(fps).limit_denominator(1001)


def frame_times(duration_s: float, fps: float, variable: bool = False) -> tuple[np.ndarray, float]:
    """Start of each frame (frames,) and the end of the last one, in seconds."""
    rate = exact_rate(fps)
    if not variable:
        count = max(1, round(duration_s * rate))
        return np.array([float(n / rate) for n in range(count)]), float(count / rate)
    edges, lengths = [0.0], cycle(_VARIABLE_PATTERN)
    while edges[-1] < duration_s - 1e-9:
        edges.append(min(duration_s, round((edges[-1] + next(lengths) / float(rate)) * 1000) / 1000))
    return np.array(edges[:-1]), edges[-1]


def click_track(duration_s: float, rate_hz: int, times_s: Sequence[float]) -> np.ndarray:
    """float32 (N,): a 20 ms decaying 1 kHz burst at each time, silence elsewhere."""
    wave = np.zeros(round(duration_s * rate_hz), dtype=np.float32)
    t = np.arange(round(0.02 * rate_hz)) / rate_hz
    burst = (0.8 * np.exp(-t * 200) * np.cos(2 * np.pi * 1000 * t)).astype(np.float32)
    for time_s in times_s:
        start = round(time_s * rate_hz)
        end = min(len(wave), start + len(burst))
        wave[start:end] += burst[: end - start]
    return wave


def attack_times(wave: np.ndarray, rate_hz: int, threshold: float = 0.2, quiet_s: float = 0.05) -> list[float]:
    """Times at which the sound first exceeds the threshold after being quiet."""
    loud = np.flatnonzero(np.abs(wave) > threshold)
    starts = loud[np.diff(loud, prepend=-round(10 * rate_hz)) > quiet_s * rate_hz]
    return [float(sample / rate_hz) for sample in starts]


def make_clip(
    path: str | Path,
    duration_s: float = 1.0,
    fps: float = 25,
    size: tuple[int, int] = (160, 120),
    rotation: int = 0,
    variable: bool = False,
    audio: str | None = None,
    click_times_s: Sequence[float] = (),
    *,
    contact_times_s: Sequence[float] = (),
    indexed: bool = False,
    codec: str | None = None,
    audio_codec: str | None = None,
    audio_rate_hz: int = 44100,
    audio_offset_s: float = 0.0,
    start_s: float = 0.0,
    hidden_frames: int = 0,
    b_frames: int = 0,
) -> Path:
    """Writes a clip whose container follows from the suffix of `path`.

    Args:
        size: width and height as a player shows them.
        rotation: degrees clockwise that a player must turn the stored picture (0, 90, 180, 270; mp4, mov, mkv).
        variable: uneven frame lengths (see `frame_times`).
        audio: None, "tone" (440 Hz) or "clicks" (at `click_times_s`, which alone also implies clicks).
        contact_times_s: a ball hits the ground at these times; without them a box drifts sideways.
        indexed: draw each frame's number as bars that `read_index` reads back.
        audio_offset_s: how much later than the picture the sound track starts (times of clicks stay those of the
            picture).
        start_s: time stamp of the first frame.
        hidden_frames: so many frames at the start lie before the edit's start: stored, but never shown (mp4, mov).
        b_frames: consecutive B-frames allowed (H.264).

    Returns:
        The path.
    """
    path = Path(path)
    times_s, end_s = frame_times(duration_s, fps, variable)
    picture = _Picture(size, rotation, contact_times_s, indexed)
    with av.open(str(path), mode="w") as container:
        video = _add_video(container, codec or VIDEO_CODECS.get(path.suffix, "libx264"), fps, picture, b_frames)
        kind = audio or ("clicks" if len(click_times_s) else None)
        sound = None
        if kind:
            name = audio_codec or AUDIO_CODECS.get(path.suffix, "aac")
            audio_rate_hz = 48000 if name == "libopus" else audio_rate_hz
            sound = container.add_stream(name, rate=audio_rate_hz)
            sound.codec_context.layout = "mono"
        clock = Fraction(1, _TICKS_PER_S) if variable or start_s else 1 / exact_rate(fps)
        for packet in _video_packets(video, picture, np.append(times_s, end_s) + start_s, clock, hidden_frames):
            container.mux(packet)
        if sound is not None:
            wave = _sound(kind, end_s, audio_rate_hz, click_times_s)[max(0, round(audio_offset_s * audio_rate_hz)) :]
            _mux_sound(container, sound, wave, audio_rate_hz, start_s + max(0.0, audio_offset_s))
    return path


def read_index(image: np.ndarray) -> int:
    """The frame number drawn by ``make_clip(indexed=True)``, from an upright uint8 (H, W, 3) image of any size."""
    height, width = image.shape[:2]
    row = image[height // 16 : max(height // 16 + 1, height // 6)].mean(axis=(0, 2))
    centres = ((np.arange(INDEX_BITS) + 0.5) * width / INDEX_BITS).astype(int)
    return int(sum(1 << bit for bit, x in enumerate(centres) if row[x] > 128))


class _Picture:
    """Draws the scene upright and turns it for storage: the top left corner is red, the rest is shades of grey."""

    def __init__(self, size: tuple[int, int], rotation: int, contact_times_s: Sequence[float], indexed: bool) -> None:
        self.width, self.height = size
        self.rotation = rotation % 360
        self.contacts = sorted(contact_times_s)
        self.indexed = indexed
        shade = np.linspace(40, 90, self.height)[:, None] + np.linspace(0, 30, self.width)[None]
        self.ground = np.repeat(shade[..., None], 3, axis=2).astype(np.uint8)  # (H, W, 3)
        self.ground[-max(1, self.height // 10) :] = 25
        self.ground[: self.height // 4, : self.width // 4] = (230, 20, 20)

    @property
    def stored_size(self) -> tuple[int, int]:
        return (self.height, self.width) if self.rotation % 180 else (self.width, self.height)

    def draw(self, index: int, time_s: float) -> np.ndarray:
        image = self.ground.copy()
        box = max(4, self.height // 6)
        floor = self.height - max(1, self.height // 10) - box
        if self.contacts:
            left = (self.width - box) // 2
            top = round(floor - self._lift(time_s) * floor * 0.7)
        else:
            left = round((0.5 + 0.5 * np.sin(2 * time_s)) * (self.width - box))
            top = floor
        image[top : top + box, left : left + box] = 235
        if self.indexed:
            edges = np.linspace(0, self.width, INDEX_BITS + 1).astype(int)
            for bit in range(INDEX_BITS):
                image[: self.height // 4, edges[bit] : edges[bit + 1]] = 255 if index >> bit & 1 else 0
        return np.ascontiguousarray(np.rot90(image, self.rotation // 90))  # counter-clockwise: the player turns back

    def _lift(self, time_s: float) -> float:
        """Height of the ball above the ground, 0..1: falling, bouncing at each contact, finally rising away."""
        before = [t for t in self.contacts if t <= time_s]
        after = [t for t in self.contacts if t > time_s]
        if not before:
            return 1 - (time_s / after[0]) ** 2
        if not after:
            return float(1 - np.exp(-4 * (time_s - before[-1])))
        span = after[0] - before[-1]
        u = (time_s - before[-1]) / span
        return 4 * u * (1 - u) * min(1.0, span * span)


def _add_video(container, codec: str, fps: float, picture: _Picture, b_frames: int):
    rate = exact_rate(fps)
    video = container.add_stream(codec, rate=rate)
    video.width, video.height = picture.stored_size
    odd = video.width % 2 or video.height % 2
    video.pix_fmt = {"mjpeg": "yuvj420p", "ffv1": "yuv444p"}.get(codec, "yuv444p" if odd else "yuv420p")
    if codec == "libx264":
        video.options = {"preset": "ultrafast", "crf": "18", "g": "25", "bf": str(b_frames)}
    elif codec == "libx265":
        video.options = {"preset": "ultrafast", "x265-params": "log-level=none:pools=1:frame-threads=1"}
    elif codec.startswith("libvpx"):
        video.options = {"deadline": "realtime", "cpu-used": "8", "crf": "20", "b": "0"}
    elif codec == "libsvtav1":
        video.options = {"preset": "12", "svtav1-params": "lp=1"}
    else:
        video.options = {"q": "3"}
    video.codec_context.thread_count = 1
    if picture.rotation:
        video.set_display_rotation(-picture.rotation)
    return video


def _video_packets(video, picture: _Picture, edges_s: np.ndarray, clock: Fraction, hidden_frames: int):
    """Packets of frames that each last from one edge to the next."""
    video.codec_context.time_base = clock
    ticks = [round(float(t) / float(clock)) for t in edges_s]
    lengths = dict(zip(ticks, np.diff(ticks).tolist(), strict=False))
    hidden = ticks[hidden_frames] - ticks[0]

    def finish(packets):
        for packet in packets:
            # The encoder leaves durations out, and with uneven frames the last one cannot be guessed.
            packet.duration = lengths[packet.pts]
            packet.pts -= hidden
            packet.dts -= hidden
            yield packet

    for index, time_s in enumerate(edges_s[:-1] - edges_s[0]):
        frame = av.VideoFrame.from_ndarray(picture.draw(index, float(time_s)), format="rgb24")
        frame.pts, frame.time_base = ticks[index], clock
        yield from finish(video.encode(frame.reformat(format=video.pix_fmt)))
    yield from finish(video.encode(None))


def _sound(kind: str, duration_s: float, rate_hz: int, click_times_s: Sequence[float]) -> np.ndarray:
    if kind == "clicks":
        return click_track(duration_s, rate_hz, click_times_s)
    return (0.3 * np.sin(2 * np.pi * 440 * np.arange(round(duration_s * rate_hz)) / rate_hz)).astype(np.float32)


def _mux_sound(container, stream, wave: np.ndarray, rate_hz: int, start_s: float) -> None:
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(wave)[None], format="fltp", layout="mono")
    frame.sample_rate, frame.time_base = rate_hz, Fraction(1, rate_hz)
    frame.pts = round(start_s * rate_hz)
    container.mux(stream.encode(frame))
    container.mux(stream.encode(None))
