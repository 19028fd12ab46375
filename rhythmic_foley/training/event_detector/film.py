"""From a roll of film to clips as people have them: cut out, shaken, blurred, grainy, compressed, at any rate."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import av
import cv2
import numpy as np

from rhythmic_foley.training.event_detector.paths import kicks, wander

if TYPE_CHECKING:
    from rhythmic_foley.training.event_detector.stage import Roll

_LONG_SIDE_PX = 192
_SHAPES = (16 / 9, 16 / 9, 16 / 9, 4 / 3, 1.0, 9 / 16)  # width over height
_SPEEDS = (1.0, 1.0, 1.0, 1.0, 0.5, 2.0)  # slow motion and time lapse
_SLOWEST_HZ, _FASTEST_HZ = 11.5, 61.0
_LONGEST_S = 4.0
_HIDDEN = 0.06  # contacts that lie further than this outside of the picture cannot be known


@dataclass(frozen=True)
class Cut:
    """A clip made of a roll: frames (time_s, uint8 (H, W, 3)), contacts, stretches (m, 2) where nothing is known."""

    shown: list[tuple[float, np.ndarray]]
    onsets_s: np.ndarray
    unclear_s: np.ndarray

    def frames(self) -> Iterator[tuple[float, np.ndarray]]:
        yield from self.shown


@dataclass(frozen=True)
class _Shot:
    """Which frames of the roll are seen, and the part of the picture: left, top, width, height as shares of it."""

    picked: np.ndarray
    start_s: float
    window: np.ndarray
    mirrored: bool


def develop(roll: Roll, seed: int) -> Cut:
    """One of the many clips that a roll gives."""
    rng = np.random.default_rng((seed, 3))
    speed = rng.choice(_SPEEDS)
    steps = [k for k in range(1, 11) if _SLOWEST_HZ <= roll.rate_hz * speed / k <= _FASTEST_HZ]
    usual = np.array([1.0 if roll.rate_hz * speed / k < 31 else 0.25 for k in steps])
    step = int(rng.choice(steps, p=usual / usual.sum()))
    rate_hz = roll.rate_hz * speed / step
    open_frames = int(rng.integers(1, max(1, round(0.8 * step)) + 1))
    shots = _shots(rng, roll, step, rate_hz, open_frames)
    # A frame's time is the middle of its exposure.
    late_s = (open_frames - 1) / 2 / roll.rate_hz
    size = _size(shots[0].window[2:] * roll.frames.shape[:0:-1])
    pictures = [_exposed(roll, shot, index, open_frames, size) for shot in shots for index in shot.picked]
    times_s = np.arange(len(pictures)) / rate_hz
    pictures = _treated(rng, pictures, times_s)
    hits, hidden = [], []
    for shot in shots:
        for moments_s, spots in (
            (roll.hits_s, roll.spots),
            (roll.unclear_s, np.full((len(roll.unclear_s), 2), np.inf)),
        ):
            at_s = shot.start_s + (moments_s - late_s - shot.picked[0] / roll.rate_hz) / speed
            inside = (at_s >= shot.start_s - 0.5 / rate_hz) & (at_s < shot.start_s + len(shot.picked) / rate_hz)
            seen = (np.abs((spots - shot.window[:2]) / shot.window[2:] - 0.5) < 0.5 + _HIDDEN).all(axis=1)
            hits += list(at_s[inside & seen])
            hidden += list(at_s[inside & ~seen])
    numbers = _lost(rng, len(pictures))
    shown = [(float(times_s[i]), np.repeat(pictures[n][..., None], 3, axis=2)) for i, n in numbers]
    apart = np.sort([t for t in hits if t >= 0])
    apart = apart[np.diff(apart, prepend=-1.0) >= 0.05]
    around = np.array(hidden).reshape(-1, 1) + (-0.1, 0.1)
    return Cut(shown, apart, around)


def _shots(rng: np.random.Generator, roll: Roll, step: int, rate_hz: float, open_frames: int) -> list[_Shot]:
    """The whole roll, or two or three pieces of it, each with its own view."""
    last = len(roll.frames) - open_frames
    count = min(last // step, int(_LONGEST_S * rate_hz))
    shape = float(rng.choice(_SHAPES)) * len(roll.frames[0]) / len(roll.frames[0][0])  # in shares of the picture
    shots, done = [], 0
    cuts = [[], [rng.uniform(0.2, 0.8)], [0.35, 0.7]][rng.choice(3, p=[0.75, 0.15, 0.1])]
    for until in (*(int(count * cut) for cut in cuts), count):
        first = int(rng.integers(0, last - step * (until - done) + 1))
        height = rng.uniform(0.5 if shape > 0.7 else 0.8, 1.0)
        width = height * shape
        corner = rng.uniform(0, 1, 2) * (1 - np.array([width, height]))
        picked = first + step * np.arange(until - done)
        window = np.array([*corner, width, height])
        if len(picked):
            shots.append(_Shot(picked, done / rate_hz, window, bool(rng.random() < 0.5)))
        done = until
    return shots


def _size(seen_px: np.ndarray) -> tuple[int, int]:
    """Width and height, both even as codecs want them, that the part (2,) of a picture is brought to."""
    width, height = np.round(seen_px * _LONG_SIDE_PX / seen_px.max() / 2).astype(int) * 2
    return int(width), int(height)


def _exposed(roll: Roll, shot: _Shot, index: int, open_frames: int, size: tuple[int, int]) -> np.ndarray:
    """float32 (height, width): the mean of the frames while the shutter is open."""
    height, width = roll.frames.shape[1:]
    left, top, wide, high = np.round(shot.window * (width, height, width, height)).astype(int)
    seen = (
        roll.frames[index : index + open_frames, top : top + high, left : left + wide].astype(np.float32).mean(axis=0)
    )
    seen = cv2.resize(seen, size, interpolation=cv2.INTER_AREA if wide > size[0] else cv2.INTER_LINEAR)
    return seen[:, ::-1] if shot.mirrored else seen


def _treated(rng: np.random.Generator, pictures: list[np.ndarray], times_s: np.ndarray) -> list[np.ndarray]:
    """What hands, lamps, film and files do to pictures."""
    count = len(pictures)
    height, width = pictures[0].shape
    shift, zoom = np.zeros((count, 2)), np.ones(count)
    if rng.random() < 0.3:
        size, rate_hz = width * np.exp(rng.uniform(np.log(0.001), np.log(0.01))), rng.uniform(0.5, 6)
        shift = np.stack([wander(times_s, rng, rate_hz, size) for _ in range(2)], axis=1)
        zoom = 1.03 + wander(times_s, rng, 1.0, rng.choice([0.0, 0.01]))
    light = np.ones(count)
    kind = rng.choice(["steady", "slow", "flicker", "flashes"], p=[0.75, 0.12, 0.08, 0.05])
    if kind == "slow":
        light = light + wander(times_s, rng, 0.8, 0.15)
    elif kind == "flicker":
        light = light + wander(times_s, rng, 12.0, 0.04)
    elif kind == "flashes":
        light = light + kicks(times_s, rng.uniform(0, times_s[-1] + 0.1, 2), np.full(2, rng.uniform(0.1, 0.6)), 0.03)
    contrast, level = rng.uniform(0.5, 1.2), rng.uniform(-20, 40)
    blur, grain = rng.choice([0.0, rng.uniform(0.4, 1.5)]), rng.choice([0.0, rng.uniform(0.3, 2), rng.uniform(2, 6)])
    over = _overlay(rng, height, width)
    out = []
    for index, picture in enumerate(pictures):
        if zoom[index] != 1 or shift[index].any():
            middle = np.array([width, height]) / 2
            way = np.array([[zoom[index], 0, 0], [0, zoom[index], 0]])
            way[:, 2] = middle * (1 - zoom[index]) + shift[index]
            picture = cv2.warpAffine(picture, way, (width, height), None, cv2.INTER_LINEAR, cv2.BORDER_REFLECT)
        picture = (picture - 110) * contrast + 110 * light[index] + level
        if blur:
            picture = cv2.GaussianBlur(picture, (0, 0), blur)
        if grain:
            picture = picture + grain * rng.standard_normal(picture.shape, dtype=np.float32)
        if over is not None:
            picture = np.where(np.isnan(over), picture, over)
        out.append(np.clip(picture, 0, 255).astype(np.uint8))
    return _compressed(rng, out) if rng.random() < 0.75 else out


def _overlay(rng: np.random.Generator, height: int, width: int) -> np.ndarray | None:
    """Black bars or a sign that stand still, NaN where the picture shows."""
    kind = rng.choice(["none", "bars", "sign"], p=[0.84, 0.08, 0.08])
    if kind == "none":
        return None
    over = np.full((height, width), np.nan, np.float32)
    if kind == "bars":
        bar = int(height * rng.uniform(0.05, 0.2))
        over[:bar] = over[height - bar :] = 0
    else:
        top, left = int(rng.uniform(0, 0.85) * height), int(rng.uniform(0, 0.6) * width)
        sign = over[top : top + int(0.12 * height), left : left + int(0.35 * width)]
        sign[rng.random(sign.shape) < 0.5] = rng.choice([0, 255])
    return over


def _compressed(rng: np.random.Generator, pictures: list[np.ndarray]) -> list[np.ndarray]:
    """Through a video codec and back."""
    height, width = pictures[0].shape
    codec, options = "mpeg4", {"q": str(rng.integers(3, 14))}
    if rng.random() < 0.75:
        codec, options = "libx264", {"crf": str(rng.integers(20, 38)), "preset": "veryfast"}
    # One thread and a fixed rate: the same bytes on any machine.
    options |= {"g": str(rng.choice([12, 30, 250])), "threads": "1"}
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as container:
        stream = container.add_stream(codec, rate=Fraction(30))
        stream.width, stream.height, stream.pix_fmt, stream.options = width, height, "yuv420p", options
        for picture in pictures:
            frame = av.VideoFrame.from_ndarray(picture, format="gray").reformat(format="yuv420p")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    file.seek(0)
    with av.open(file) as container:
        return [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]


def _lost(rng: np.random.Generator, count: int) -> list[tuple[int, int]]:
    """Pairs (which time, which picture): all, or some missing, or some shown again in place of the next."""
    kind = rng.choice(["all", "missing", "repeated"], p=[0.8, 0.1, 0.1])
    if kind == "missing":
        kept = rng.random(count) > rng.uniform(0.02, 0.15)
        return [(index, index) for index in range(count) if kept[index] or index == 0]
    if kind == "repeated":
        share = rng.uniform(0.75, 0.95)
        return [(index, int(int(index * share) / share)) for index in range(count)]
    return [(index, index) for index in range(count)]
