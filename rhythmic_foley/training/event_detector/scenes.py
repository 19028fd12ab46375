"""Whole drawn clips: rigs, bystanders, camera, light, frame rate and compression, all from one seed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from rhythmic_foley.training.event_detector.drawing import Canvas, Part, View, backdrop, moved
from rhythmic_foley.training.event_detector.paths import kicks, rings, wander
from rhythmic_foley.training.event_detector.rigs import SILENT, SOUNDING, Builder, Moment, Rig

WIDTH = 192
_HEIGHTS = (108, 108, 108, 128, 144, 192)
_RATES_HZ = (12.0, 15.0, 15.0, 20.0, 23.976, 25.0, 29.97)
_HIDDEN = 0.06  # contacts that lie further than this outside of the picture cannot be known


@dataclass(frozen=True)
class DrawnClip:
    """A clip that draws itself.

    Attributes:
        onsets_s: (k,) contacts that can be seen.
        unclear_s: (m, 2) stretches about which nothing is said.
        duration_s: length; `rate_hz` frames a second.
    """

    seed: int
    onsets_s: np.ndarray
    unclear_s: np.ndarray
    duration_s: float
    rate_hz: float
    _shots: tuple[_Shot, ...]
    _look: _Look

    def frames(self) -> Iterator[tuple[float, np.ndarray]]:
        """(time_s, uint8 (H, W, 3)) in time order; all three channels are the same."""
        rng = np.random.default_rng((self.seed, 1))
        shown, number = None, None
        for index in range(int(self.duration_s * self.rate_hz)):
            time_s = index / self.rate_hz
            # A clip that was filmed at a lower rate shows some frames twice.
            source = int(time_s * self._look.filmed_hz + 1e-6)
            if source != number:
                number = source
                shot = next(s for s in reversed(self._shots) if s.start_s <= source / self._look.filmed_hz)
                shown = self._look.developed(shot.exposed(source), rng)
            yield time_s, np.repeat(shown[..., None], 3, axis=2)


@dataclass(frozen=True)
class _Look:
    """How the film and the file treat the light."""

    filmed_hz: float
    noise: float
    blur: float
    jpeg: int | None
    gamma: float

    def developed(self, light: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        picture = cv2.GaussianBlur(light, (0, 0), self.blur) if self.blur > 0.3 else light
        if self.noise:
            picture = picture + self.noise * rng.standard_normal(picture.shape, dtype=np.float32)
        picture = np.clip(picture, 0, 255).astype(np.uint8)
        if self.jpeg is not None:
            packed = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, self.jpeg])[1]
            picture = cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE)
        return picture


@dataclass(frozen=True)
class _Shot:
    start_s: float
    first: int  # number of the first moment's frame
    samples: int  # moments a frame
    canvas: Canvas
    gain: np.ndarray

    def exposed(self, number: int) -> np.ndarray:
        """Mean of the moments while the shutter was open."""
        moments = range((number - self.first) * self.samples, (number - self.first + 1) * self.samples)
        return sum(self.canvas.paint(m) * np.float32(self.gain[m]) for m in moments) / self.samples


def draw_clip(seed: int, *, rate_hz: float | None = None, duration_s: float | None = None) -> DrawnClip:
    """The clip of a seed. Its contacts do not depend on `rate_hz`, by default a random one."""
    rng = np.random.default_rng((seed, 0))
    length_s = rng.uniform(2.5, 4.0) if duration_s is None else duration_s
    own_rate_hz, filmed_share = rng.choice(_RATES_HZ), rng.choice([1.0, 1.0, 1.0, 1.0, 0.8])
    rate_hz = float(own_rate_hz) if rate_hz is None else rate_hz
    height = int(rng.choice(_HEIGHTS))
    size = (WIDTH, height) if rng.random() < 0.25 else (height, WIDTH)
    look = _Look(
        filmed_hz=rate_hz * filmed_share,
        noise=float(rng.choice([0.0, rng.uniform(0.3, 1.5), rng.uniform(1.5, 4)])),
        blur=float(rng.choice([0.0, rng.uniform(0.4, 1.6)])),
        jpeg=int(rng.integers(25, 90)) if rng.random() < 0.4 else None,
        gamma=1.0,
    )
    samples, shutter = int(rng.choice([1, 1, 2, 3])), rng.uniform(0.3, 1.0)
    cuts = length_s * np.array([[], [rng.uniform(0.2, 0.8)], [0.35, 0.7]][rng.choice(3, p=[0.6, 0.25, 0.15])])
    shots, hits, unclear = [], [], []
    for start_s, end_s in zip([0.0, *cuts], [*cuts, length_s], strict=True):
        first, last = _number(start_s, look.filmed_hz), _number(end_s, look.filmed_hz)
        inside_s = (np.arange(samples) - (samples - 1) / 2) / samples * shutter / look.filmed_hz
        times_s = (np.arange(first, last + 1)[:, None] / look.filmed_hz + inside_s).ravel()
        shot_rng = np.random.default_rng(rng.integers(2**63))
        canvas, gain, hits_s, seen = _shot(shot_rng, Moment(times_s, start_s, end_s), size, samples)
        shots.append(_Shot(first / look.filmed_hz, first, samples, canvas, gain))
        at = (hits_s >= start_s) & (hits_s < end_s)
        hits.append(hits_s[at & seen])
        unclear.append(hits_s[at & ~seen])
    onsets_s = _apart(np.sort(np.concatenate(hits)), 0.05)
    hidden_s = np.concatenate(unclear)
    stretches = np.stack([hidden_s - 0.1, hidden_s + 0.1], axis=1)
    return DrawnClip(seed, onsets_s, stretches, length_s, rate_hz, tuple(shots), look)


def _number(time_s: float, rate_hz: float) -> int:
    return int(np.ceil(time_s * rate_hz - 1e-6))


def _apart(times_s: np.ndarray, gap_s: float) -> np.ndarray:
    """Without those that follow another one too closely to tell them apart."""
    kept: list[float] = []
    for time_s in times_s:
        if not kept or time_s - kept[-1] >= gap_s:
            kept.append(float(time_s))
    return np.asarray(kept)


def _shot(
    rng: np.random.Generator, at: Moment, size: tuple[int, int], samples: int
) -> tuple[Canvas, np.ndarray, np.ndarray, np.ndarray]:
    """Canvas, light (n,), and the shot's contacts: times (k,) and whether each lies in the picture (k,)."""
    height, width = size
    half = np.array([width, height]) / max(size) / 2
    rigs = [_placed(rng, _pick(rng, SILENT), at, half) for _ in range(rng.choice([0, 0, 1, 2, 3]))]
    kinds = [_pick(rng, SOUNDING) for _ in range(rng.choice([0, 1, 1, 1, 1, 2]))]
    rigs += [_placed(rng, kind, at, half) for kind in kinds]
    if rng.random() < 0.3:
        rng.shuffle(rigs)
    hits_s = np.concatenate([np.zeros(0), *(rig.hits_s for rig in rigs)])
    places = np.concatenate([np.zeros((0, 2)), *(rig.places for rig in rigs)])
    parts = [item for rig in rigs for item in rig.parts]
    if rng.random() < 0.12:  # something stands in front
        parts += [_still(item) for item in _placed(rng, _pick(rng, {k: v for k, v in SILENT.items()}), at, half).parts]
    view = _view(rng, at, hits_s)
    gain = _light(rng, at)
    seen = np.array([_in_picture(view, at, hit_s, place, half) for hit_s, place in zip(hits_s, places, strict=True)])
    behind = backdrop(rng, 2 * height, 2 * width)
    return Canvas(height, width, behind, view, parts), gain, hits_s, seen.astype(bool)


def _pick(rng: np.random.Generator, kinds: dict[Builder, float]) -> Builder:
    weights = np.array(list(kinds.values()))
    return list(kinds)[rng.choice(len(weights), p=weights / weights.sum())]


def _placed(rng: np.random.Generator, kind: Builder, at: Moment, half: np.ndarray) -> Rig:
    """A rig turned, scaled and put somewhere in the picture."""
    rig = kind(rng, at)
    turn = rng.uniform(0, 2 * np.pi) if rng.random() < 0.2 else rng.normal(0, 0.15)
    scale = float(np.exp(rng.uniform(np.log(0.2), np.log(1.1))))
    place, mirrored = rng.uniform(-0.8, 0.8, 2) * half, bool(rng.random() < 0.5)
    cos, sin = np.cos(turn), np.sin(turn)
    flip = np.array([-1.0 if mirrored else 1.0, 1.0])
    places = (rig.places * flip) @ np.array([[cos, sin], [-sin, cos]]) * scale + place
    return Rig([moved(item, turn, mirrored, scale, place) for item in rig.parts], rig.hits_s, places)


def _still(item: Part) -> Part:
    n = len(item.place)
    place, size = np.tile(item.place[:1], (n, 1)), np.tile(item.size[:1], (n, 1))
    return Part(item.sprite, place, np.full(n, item.angle[0]), size, item.anchor)


def _view(rng: np.random.Generator, at: Moment, hits_s: np.ndarray) -> View:
    """Still, held by hand, panning, zooming; now and then it jolts with the hits, or for no reason."""
    n, since_s = len(at.times_s), at.times_s - (at.start_s + at.end_s) / 2
    target, zoom, roll = np.zeros((n, 2)), np.ones(n), np.zeros(n)
    if rng.random() < 0.45:
        size, rate_hz = np.exp(rng.uniform(np.log(0.001), np.log(0.02))), rng.uniform(0.5, 5)
        target = target + np.stack([wander(at.times_s, rng, rate_hz, size) for _ in range(2)], axis=1)
        roll = roll + wander(at.times_s, rng, rate_hz, size)
    if rng.random() < 0.15:
        target = target + since_s[:, None] * rng.normal(0, 0.12, 2)
    if rng.random() < 0.12:
        zoom = np.exp(since_s * rng.normal(0, 0.12) + wander(at.times_s, rng, 0.7, 0.03))
    if rng.random() < 0.1:
        jolts_s = hits_s if rng.random() < 0.6 else rng.uniform(at.start_s, at.end_s, 2)
        sizes, way = np.full(len(jolts_s), rng.uniform(0.002, 0.02)), rng.normal(size=2)
        target = target + rings(at.times_s, jolts_s, sizes, rng.uniform(4, 10), 0.1)[:, None] * way
    return View(target, zoom, roll)


def _light(rng: np.random.Generator, at: Moment) -> np.ndarray:
    """Steady mostly; else slowly changing, flickering, or with flashes that mean nothing."""
    kind = rng.choice(["steady", "slow", "flicker", "flashes"], p=[0.75, 0.12, 0.08, 0.05])
    gain = np.ones_like(at.times_s)
    if kind == "slow":
        gain = gain + wander(at.times_s, rng, 0.8, 0.15)
    elif kind == "flicker":
        gain = gain + wander(at.times_s, rng, 12.0, 0.04)
    elif kind == "flashes":
        times_s = rng.uniform(at.start_s, at.end_s, 2)
        gain = gain + kicks(at.times_s, times_s, np.full(2, rng.uniform(0.1, 0.6)), 0.03)
    return np.clip(gain, 0.2, 2.0)


def _in_picture(view: View, at: Moment, hit_s: float, place: np.ndarray, half: np.ndarray) -> bool:
    index = min(int(np.searchsorted(at.times_s, hit_s)), len(at.times_s) - 1)
    return bool((np.abs(view.seen(index, place[None])[0]) < half + _HIDDEN).all())
