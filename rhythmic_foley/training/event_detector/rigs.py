"""Things that make a sound by contact, and things that move without one, as parts with known moments of contact.

A rig is built around the origin, where the contact is, about one unit large, y downwards; whoever uses it turns,
scales and places it. Everything random is drawn before times are looked at, so that the same seed gives the same
contacts at any frame rate.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from rhythmic_foley.training.event_detector.drawing import Part, part, rod, sprite
from rhythmic_foley.training.event_detector.paths import (
    Blow,
    beats,
    bounces,
    eased,
    kicks,
    rings,
    strokes,
    wander,
)

_SHAPES = ("oval", "box", "blob")


@dataclass(frozen=True)
class Rig:
    """Parts from back to front, and contacts: (k,) times and (k, 2) where."""

    parts: list[Part]
    hits_s: np.ndarray = field(default_factory=lambda: np.zeros(0))
    places: np.ndarray = field(default_factory=lambda: np.zeros((0, 2)))


@dataclass(frozen=True)
class Moment:
    """What a rig is built for: `times_s` (n,), and the stretch in which it acts."""

    times_s: np.ndarray
    start_s: float
    end_s: float


Builder = Callable[[np.random.Generator, Moment], Rig]


def _blow(rng: np.random.Generator, soft: bool = False) -> Blow:
    return Blow(
        fall_s=float(np.exp(rng.uniform(np.log(0.06), np.log(0.45)))),
        power=rng.uniform(1.3, 3.0),
        stay_s=float(rng.choice([0.0, rng.uniform(0.02, 0.6)])),
        lift_s=rng.uniform(0.08, 0.7),
        springy=bool(rng.random() < 0.4),
        soft=soft,
    )


def _gap_s(rng: np.random.Generator, least: float = 0.16, most: float = 1.8) -> float:
    return float(np.exp(rng.uniform(np.log(least), np.log(most))))


def _at_origin(hits_s: np.ndarray, x: float = 0.0, y: float = 0.0) -> np.ndarray:
    return np.tile((x, y), (len(hits_s), 1)).reshape(-1, 2)


def _some(rng: np.random.Generator, hits_s: np.ndarray) -> np.ndarray:
    return rng.uniform(0.4, 1.0, len(hits_s))


def striker(rng: np.random.Generator, at: Moment, soft: bool = False) -> Rig:
    """A stick, hammer or arm on a hinge, one or two of them, and what they hit."""
    times_s, arms = at.times_s, rng.choice([1, 1, 2])
    blow, gap_s, uneven = _blow(rng, soft), _gap_s(rng), rng.choice([0.02, 0.15, 0.4])
    hits, parts = [], []
    length, thickness, reach = rng.uniform(0.5, 1.3), rng.uniform(0.02, 0.12), rng.uniform(0.1, 1.1)
    head, hand = rng.random() < 0.5, rng.random() < 0.7
    for arm in range(arms):
        hits_s = beats(rng, at.start_s, at.end_s, gap_s * arms, uneven)
        height = strokes(times_s, hits_s, reach * _some(rng, hits_s), blow)
        side = 1.0 if arm else -1.0
        x = side * length + wander(times_s, rng, 1.5, rng.choice([0.0, 0.03]))
        y = -rng.uniform(0.0, 0.5) * length - rng.uniform(0, 1.0) * height * length
        tip_x = side * rng.uniform(0.0, 0.1)
        # The tip goes along an arc about the hinge; the surface is the line y = 0.
        tilt = height * rng.uniform(0.7, 1.3)
        hinge = np.stack([x, y], axis=1)
        rest = np.arctan2(-y, tip_x - x)
        angle = rest + tilt * side
        far = np.hypot(tip_x - x, y)
        tip = hinge + far[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
        parts.append(rod(sprite(rng, "rod"), hinge, tip, thickness))
        if head:
            size = (rng.uniform(0.08, 0.25), rng.uniform(0.12, 0.4))
            parts.append(part(sprite(rng, rng.choice(_SHAPES)), tip[:, 0], tip[:, 1], size, angle))
        if hand:
            size = (rng.uniform(0.15, 0.4),) * 2
            parts.append(part(sprite(rng, "blob"), hinge[:, 0], hinge[:, 1], size, angle))
        hits.append(hits_s)
    all_s = np.sort(np.concatenate(hits))
    parts.insert(int(rng.integers(0, len(parts) + 1)), _struck(rng, times_s, np.zeros(0) if soft else all_s))
    return Rig(parts) if soft else Rig(parts, all_s, _at_origin(all_s))


def _struck(rng: np.random.Generator, times_s: np.ndarray, hits_s: np.ndarray) -> Part:
    """What is hit: lies still, or jumps, wobbles or swings at each blow."""
    width, height = rng.uniform(0.2, 1.5), rng.uniform(0.1, 0.8)
    way, sizes = rng.choice(["still", "kick", "ring", "swing"], p=[0.5, 0.15, 0.2, 0.15]), _some(rng, hits_s)
    x = y = np.zeros_like(times_s)
    turn = 0.0
    if way == "kick":
        y = kicks(times_s, hits_s, rng.uniform(0.01, 0.08) * sizes, rng.uniform(0.03, 0.12))
    elif way == "ring":
        y = rings(times_s, hits_s, rng.uniform(0.01, 0.05) * sizes, rng.uniform(5, 14), rng.uniform(0.05, 0.3))
    elif way == "swing":
        turn = rings(times_s, hits_s, rng.uniform(0.05, 0.4) * sizes, rng.uniform(0.6, 2), rng.uniform(0.4, 1.5))
    kind = rng.choice(["box", "box", "oval", "blob"])
    return part(sprite(rng, kind), x, y, (width, height), turn, (0.5, 0.02))


def presser(rng: np.random.Generator, at: Moment, soft: bool = False) -> Rig:
    """Something that comes straight down: a knife, a foot, a stamp; or several fingers in turn."""
    fingers = rng.choice([1, 1, 2, 5])
    blow, parts, hits, places = _blow(rng, soft), [], [], []
    gap_s, size = _gap_s(rng) * fingers**0.7, (rng.uniform(0.1, 0.6) / fingers**0.5, rng.uniform(0.3, 1.0))
    reach = rng.uniform(0.08, 0.8) / fingers**0.5
    kind, base = rng.choice(_SHAPES), part(sprite(rng, "box"), 0 * at.times_s, 0.0, (1.6, 0.6), 0.0, (0.5, 0.0))
    for finger in range(fingers):
        hits_s = beats(rng, at.start_s, at.end_s, gap_s, rng.choice([0.02, 0.3]))
        height = strokes(at.times_s, hits_s, reach * _some(rng, hits_s), blow)
        x = (finger - (fingers - 1) / 2) * size[0] * 1.1
        slide = rng.uniform(-0.4, 0.4) * height + wander(at.times_s, rng, 0.5, rng.choice([0.0, 0.06]))
        tilt = rng.uniform(-0.3, 0.3) * height
        parts.append(part(sprite(rng, kind), x + slide, -height, size, tilt, (0.5, 1.0)))
        hits.append(hits_s)
        places.append(_at_origin(hits_s, x))
    parts.insert(0, base)
    if soft:
        return Rig(parts)
    return Rig(parts, np.concatenate(hits), np.concatenate(places))


def clapper(rng: np.random.Generator, at: Moment, soft: bool = False) -> Rig:
    """Two things that meet in the middle: hands, cymbals, boards."""
    hits_s = beats(rng, at.start_s, at.end_s, _gap_s(rng, 0.2, 1.2), rng.choice([0.02, 0.2]))
    apart = strokes(at.times_s, hits_s, rng.uniform(0.15, 0.7) * _some(rng, hits_s), _blow(rng, soft))
    kind, size = rng.choice(_SHAPES), (rng.uniform(0.1, 0.3), rng.uniform(0.3, 0.7))
    drift, share, parts = wander(at.times_s, rng, 1.0, 0.03), rng.choice([0.0, 0.5, 0.5]), []
    for side, part_of in ((-1.0, share), (1.0, 1 - share)):
        x, turn = side * (apart * part_of + 0.0), side * apart * rng.uniform(0.0, 0.8)
        parts.append(part(sprite(rng, kind), x + drift, drift, size, turn, (1.0 if side < 0 else 0.0, 0.6)))
        arm = np.stack([x + drift, drift], axis=1) + (side * size[0] / 2, 0.2)
        shoulder = np.tile((side * rng.uniform(0.6, 1.2), rng.uniform(0.4, 1.2)), (len(x), 1))
        parts.insert(0, rod(sprite(rng, "rod"), shoulder, arm, rng.uniform(0.1, 0.25)))
    return Rig(parts) if soft else Rig(parts, hits_s, _at_origin(hits_s))


def balls(rng: np.random.Generator, at: Moment) -> Rig:
    """Balls or objects that are dropped or thrown, bounce and come to rest."""
    count, parts, hits, places = rng.choice([1, 1, 2, 4]), [], [], []
    restitution = rng.choice([rng.uniform(0.55, 0.92), rng.uniform(0.0, 0.4)])
    size, kind = rng.uniform(0.08, 0.35), rng.choice(["oval", "oval", *_SHAPES])
    for _ in range(count):
        height, gravity = rng.uniform(0.4, 1.2), np.exp(rng.uniform(np.log(0.7), np.log(9)))
        release_s = at.start_s + rng.uniform(-0.3, max(0.2, 0.7 * (at.end_s - at.start_s)))
        up, hits_s = bounces(at.times_s, release_s, height, gravity, restitution, 0.015)
        speed, turn_rate = rng.normal(0, 0.25), rng.normal(0, 4)
        flying_s = np.clip(at.times_s, release_s, hits_s[-1] + (0.5 if restitution > 0.5 else 0.0)) - release_s
        start_x = rng.uniform(-0.4, 0.4)
        x, squash = start_x + speed * flying_s, np.ones((len(at.times_s), 2))
        if rng.random() < 0.3:
            close = np.exp(-up / 0.03) * (at.times_s > release_s)
            squash = 1 + close[:, None] * (0.12, -0.12)
        shown = None if rng.random() < 0.5 else (at.times_s >= release_s).astype(float)
        parts.append(part(sprite(rng, kind), x, -up, (size, size), turn_rate * flying_s, (0.5, 1.0), squash, shown))
        if shown is None and rng.random() < 0.5:  # a hand lets go
            away = eased(at.times_s, release_s, release_s + 0.6)
            parts.append(part(sprite(rng, "blob"), start_x + 0.3 + away, -height - size, (0.5, 0.3)))
        hits.append(hits_s)
        places.append(np.stack([start_x + speed * (hits_s - release_s), np.zeros(len(hits_s))], axis=1))
    floor = part(sprite(rng, "box"), 0 * at.times_s, 0.0, (rng.uniform(0.5, 3), rng.uniform(0.02, 1)), 0, (0.5, 0))
    return Rig([floor, *parts], np.concatenate(hits), np.concatenate(places))


def dribble(rng: np.random.Generator, at: Moment) -> Rig:
    """A ball kept bouncing by a hand, or going to and fro between two paddles or walls."""
    gap_s, across = rng.uniform(0.3, 1.2), rng.random() < 0.4
    hits_s = beats(rng, at.start_s - 1, at.end_s, gap_s, 0.05)
    if len(hits_s) < 2:
        return Rig([])
    index = np.clip(np.searchsorted(hits_s, at.times_s) - 1, 0, len(hits_s) - 2)
    phase = np.clip((at.times_s - hits_s[index]) / np.diff(hits_s)[index], 0, 1)
    size = rng.uniform(0.1, 0.3)
    ball = sprite(rng, "oval")
    if across:
        x = np.where(index % 2, 0.6 - 1.2 * phase, 1.2 * phase - 0.6)
        y = -rng.uniform(0.0, 0.5) * 4 * phase * (1 - phase)
        places = np.stack([np.where(np.arange(len(hits_s)) % 2, 0.6, -0.6), 0 * hits_s], axis=1)
        paddles, swing = [], rng.uniform(0.0, 0.4)
        for side in (0, 1):
            own_s = hits_s[side::2]
            nearness = np.exp(-np.abs(at.times_s[:, None] - own_s) / 0.15).sum(axis=1) if len(own_s) else 0.0
            where = (0.62 if side else -0.62) * (1 + swing * (1 - np.minimum(nearness, 1)))
            paddles.append(part(sprite(rng, "box"), where + 0 * x, 0.0, (0.08, 0.5), 0.0, (0.0 if side else 1.0, 0.5)))
        return Rig([*paddles, part(ball, x, y, (size, size), 5 * x)], hits_s, places)
    height = rng.uniform(0.4, 1.0)
    up = height * 4 * phase * (1 - phase)
    parts = [part(ball, wander(at.times_s, rng, 0.7, 0.08), -up, (size, size), 0.0, (0.5, 1.0))]
    if rng.random() < 0.7:
        hand_y = -np.maximum(up, height * 0.75) - size
        parts.append(part(sprite(rng, "blob"), 0.1 + 0 * up, hand_y, (0.4, 0.2)))
    return Rig(parts, hits_s, _at_origin(hits_s))


def walker(rng: np.random.Generator, at: Moment) -> Rig:
    """Legs that walk or run; each foot sounds as it comes down."""
    step_s, stride = rng.uniform(0.28, 0.8), rng.uniform(0.15, 0.5)
    lift, hip_y = rng.uniform(0.03, 0.25), -rng.uniform(0.7, 1.1)
    advance = rng.choice([1.0, 1.0, 0.0])  # 0 walks on the spot, or the camera goes along
    first_s = at.start_s + rng.uniform(0, step_s)
    hits_s = np.arange(first_s, at.end_s, step_s)
    if not len(hits_s):
        return Rig([])
    middle, number = (at.start_s + at.end_s) / 2, (at.times_s - first_s) / step_s
    hip_x = advance * stride * (at.times_s - middle) / step_s
    bob = rng.uniform(0.0, 0.06) * np.abs(np.sin(np.pi * number))
    leg, shoe, parts = sprite(rng, "rod"), sprite(rng, rng.choice(["oval", "box"])), []
    for foot in (0, 1):
        # A foot comes down at every second hit, rests for `rest` of the two steps and swings during the others.
        phase, rest = (number - foot) / 2, 0.6
        turn = np.floor(phase)
        swing = np.clip((phase - turn - rest) / (1 - rest), 0, 1)
        down_x = advance * stride * (first_s + (2 * turn + foot) * step_s - middle) / step_s + stride * 0.5
        moved = swing**1.5 if rng.random() < 0.5 else swing
        x = down_x + 2 * stride * advance * moved if advance else stride * (0.5 - (phase - turn) + moved * swing)
        y = -lift * np.sin(np.pi * swing) * (1 - 0.4 * swing) * (swing < 1)
        foot_at = np.stack([x, y], axis=1)
        parts.append(rod(leg, np.stack([hip_x, hip_y - bob], axis=1), foot_at - (0, 0.05), 0.14))
        parts.append(part(shoe, x, y, (0.28, 0.12), -0.5 * np.sin(np.pi * swing), (0.3, 1.0)))
    if rng.random() < 0.6:
        parts.append(part(sprite(rng, "blob"), hip_x, hip_y - bob, (0.5, 1.0), 0.0, (0.5, 0.9)))
    x = advance * stride * (hits_s - middle) / step_s + stride * 0.5
    return Rig(parts, hits_s, np.stack([x, np.zeros(len(hits_s))], axis=1))


def recoil(rng: np.random.Generator, at: Moment) -> Rig:
    """A thing at rest that jerks as it sounds, at times with a flash: a shot, a machine, a plucked string."""
    hits_s = beats(rng, at.start_s, at.end_s, _gap_s(rng, 0.25, 2.0), 0.3)
    sizes, rise_s = _some(rng, hits_s), np.exp(rng.uniform(np.log(0.02), np.log(0.12)))
    back = kicks(at.times_s, hits_s, rng.uniform(0.02, 0.25) * sizes, rise_s)
    tilt = kicks(at.times_s, hits_s, rng.uniform(0.0, 0.5) * sizes, rise_s * rng.uniform(1, 2))
    sway = wander(at.times_s, rng, 1.0, rng.choice([0.0, 0.02]))
    body = sprite(rng, rng.choice(["box", "blob"]))
    parts = [part(body, sway - back, 0.0, (rng.uniform(0.3, 1.0), rng.uniform(0.1, 0.4)), -tilt, (0.2, 0.5))]
    if rng.random() < 0.6:
        arm = np.stack([sway - back, 0 * back], axis=1)
        parts.append(rod(sprite(rng, "rod"), np.tile((-1.2, rng.uniform(0, 0.8)), (len(back), 1)), arm, 0.2))
    if rng.random() < 0.4:
        since_s = at.times_s[:, None] - hits_s
        glow = (np.exp(-since_s / rng.uniform(0.01, 0.06)) * (since_s >= 0)).max(axis=1, initial=0.0)
        reach = rng.uniform(0.15, 1.0)
        parts.append(part(sprite(rng, "blob", 255.0), 0.5 + sway, 0.0, (reach, reach), opacity=glow))
    return Rig(parts, hits_s, _at_origin(hits_s))


def caller(rng: np.random.Generator, at: Moment) -> Rig:
    """A body that barks, coughs or shouts: head and trunk jerk forward with each call, the mouth opens."""
    hits_s = beats(rng, at.start_s, at.end_s, _gap_s(rng, 0.25, 2.5), 0.4)
    sizes, rise_s = _some(rng, hits_s), rng.uniform(0.06, 0.2)
    early_s = rng.uniform(-0.04, 0.03)  # the body gathers itself a little before the sound
    jerk = kicks(at.times_s, hits_s + early_s, rng.uniform(0.04, 0.3) * sizes, rise_s)
    turn = rng.uniform(0, 2 * np.pi)
    x = jerk * np.cos(turn) + wander(at.times_s, rng, 1.2, 0.03)
    y = jerk * np.sin(turn) + wander(at.times_s, rng, 1.2, 0.03)
    grow = 1 + np.stack([jerk, jerk], axis=1) * rng.uniform(-0.3, 0.6)
    trunk = part(
        sprite(rng, "blob"), x * 0.4, y * 0.4, (rng.uniform(0.5, 1.0), rng.uniform(0.5, 1.2)), jerk * 0.3, (0.5, 0.2)
    )
    head = part(
        sprite(rng, rng.choice(["blob", "oval"])), x, y, (0.45, 0.4), jerk * rng.normal(0, 1.5), (0.5, 0.6), grow
    )
    parts = [trunk, head]
    if rng.random() < 0.6:
        opened = 0.2 + 0.8 * kicks(at.times_s, hits_s + early_s, sizes, rise_s)
        mouth = np.stack([np.ones_like(opened), np.clip(opened, 0, 1.5)], axis=1)
        parts.append(part(sprite(rng, "oval", rng.uniform(0, 60)), x, y + 0.05, (0.16, 0.14), 0.0, (0.5, 0.2), mouth))
    return Rig(parts, hits_s, _at_origin(hits_s))


def collision(rng: np.random.Generator, at: Moment) -> Rig:
    """Bodies that run into one another; the one that was hit goes off and slows down without a sound."""
    parts, hits, friction = [], [], rng.uniform(0.5, 3)
    for _ in range(rng.integers(1, 4)):
        hit_s, speed = rng.uniform(at.start_s + 0.2, at.end_s), rng.uniform(0.4, 2.5)
        kept, size = rng.uniform(-0.4, 0.4), rng.uniform(0.12, 0.35)
        before_s = np.minimum(at.times_s - hit_s, 0.0)
        after_s = np.maximum(at.times_s - hit_s, 0.0)
        slide = (1 - np.exp(-friction * after_s)) / friction * speed
        turn, kind = rng.uniform(0, 2 * np.pi), rng.choice(_SHAPES)
        along = np.array([np.cos(turn), np.sin(turn)])
        first = (speed * before_s + kept * slide)[:, None] * along - size / 2 * along
        second = ((1 - abs(kept)) * slide)[:, None] * along + size / 2 * along
        for where in (first, second):
            parts.append(part(sprite(rng, kind), where[:, 0], where[:, 1], (size, size), turn))
        hits.append(hit_s)
    hits_s = np.asarray(hits)
    return Rig(parts, hits_s, _at_origin(hits_s))


def door(rng: np.random.Generator, at: Moment, soft: bool = False) -> Rig:
    """A leaf that swings or slides shut."""
    hits_s = beats(rng, at.start_s + 0.3, at.end_s, rng.uniform(1.0, 3.0), 0.2)
    blow = Blow(rng.uniform(0.15, 0.8), rng.uniform(1.2, 2.5), rng.uniform(0, 0.5), rng.uniform(0.3, 1.0), False, soft)
    openness = strokes(at.times_s, hits_s, rng.uniform(0.4, 1.0) * _some(rng, hits_s), blow)
    size = (rng.uniform(0.4, 0.9), rng.uniform(0.6, 1.3))
    frame = part(sprite(rng, "box"), 0 * openness, 0.0, (size[0] * 1.1, size[1] * 1.1))
    if rng.random() < 0.5:
        wide = np.stack([np.cos(1.3 * openness), np.ones_like(openness)], axis=1)
        leaf = part(sprite(rng, "box"), 0 * openness - size[0] / 2, 0.0, size, 0.0, (0.0, 0.5), wide)
    else:
        leaf = part(sprite(rng, "box"), openness, 0.0, size)
    return Rig([frame, leaf]) if soft else Rig([frame, leaf], hits_s, _at_origin(hits_s))


def jumper(rng: np.random.Generator, at: Moment) -> Rig:
    """A body that crouches, jumps and lands."""
    landings_s = beats(rng, at.start_s + 0.4, at.end_s, rng.uniform(0.6, 1.8), 0.15)
    air_s, up = rng.uniform(0.25, 0.6), np.zeros_like(at.times_s)
    height = rng.uniform(0.1, 0.5)
    for landing_s in landings_s:
        phase = np.clip((at.times_s - landing_s + air_s) / air_s, 0, 1)
        up = np.maximum(up, height * 4 * phase * (1 - phase))
    squat = kicks(at.times_s, landings_s, np.full(len(landings_s), rng.uniform(0.05, 0.3)), rng.uniform(0.06, 0.15))
    stretch = np.stack([1 + 0.3 * squat, 1 - squat], axis=1)
    body = part(
        sprite(rng, "blob"), 0 * up, -up, (rng.uniform(0.2, 0.5), rng.uniform(0.5, 1.0)), 0.0, (0.5, 1.0), stretch
    )
    return Rig([body], landings_s, _at_origin(landings_s))


def burst(rng: np.random.Generator, at: Moment) -> Rig:
    """Something falls in and breaks or splashes: pieces fly from the contact."""
    hits_s = beats(rng, at.start_s + 0.2, at.end_s, rng.uniform(0.8, 3), 0.3)
    parts = []
    for hit_s in hits_s:
        fall_s, height = rng.uniform(0.15, 0.5), rng.uniform(0.4, 1.2)
        ahead = np.clip((hit_s - at.times_s) / fall_s, 0, 1)
        whole = ((at.times_s < hit_s) & (ahead < 1)).astype(float)
        parts.append(part(sprite(rng, "blob"), 0 * ahead, -height * ahead * (2 - ahead), (0.2, 0.2), opacity=whole))
        piece, after_s, life_s = sprite(rng, "blob"), np.maximum(at.times_s - hit_s, 0), rng.uniform(0.3, 1.0)
        seen = ((at.times_s >= hit_s) & (after_s < life_s)).astype(float)
        for _ in range(rng.integers(4, 9)):
            speed, gravity = rng.normal(0, 0.8, 2) - (0, 0.8), rng.uniform(1, 4)
            size = rng.uniform(0.04, 0.12)
            y = np.minimum(speed[1] * after_s + gravity / 2 * after_s**2, 0.05)
            parts.append(part(piece, speed[0] * after_s, y, (size, size), 6 * after_s, opacity=seen))
    return Rig(parts, hits_s, _at_origin(hits_s))


def soft_thing(rng: np.random.Generator, at: Moment) -> Rig:
    """What could hit but comes to rest gently."""
    return rng.choice([striker, presser, clapper, door])(rng, at, True)


def swinger(rng: np.random.Generator, at: Moment) -> Rig:
    """Arms that wave, pendulums, branches: rods and blobs that turn to and fro."""
    turn = wander(at.times_s, rng, np.exp(rng.uniform(np.log(0.4), np.log(4))), rng.uniform(0.1, 0.8))
    length, kind = rng.uniform(0.4, 1.2), rng.choice(["rod", "blob", "box"])
    size = (length, rng.uniform(0.05, 0.5))
    x, y = wander(at.times_s, rng, 0.8, 0.05), wander(at.times_s, rng, 0.8, 0.05)
    return Rig([part(sprite(rng, kind), x, y, size, turn + rng.uniform(0, 6), (0.0, 0.5))])


def drifter(rng: np.random.Generator, at: Moment) -> Rig:
    """People, cars, clouds: something that goes about, through the picture or on the spot."""
    speed = rng.normal(0, 0.4, 2) * rng.choice([0.0, 1.0])
    x = speed[0] * (at.times_s - at.start_s) + wander(at.times_s, rng, rng.uniform(0.3, 2), rng.uniform(0, 0.2))
    y = speed[1] * (at.times_s - at.start_s) + wander(at.times_s, rng, rng.uniform(0.3, 2), rng.uniform(0, 0.1))
    size = (rng.uniform(0.1, 0.9), rng.uniform(0.1, 0.9))
    spin = rng.choice([0.0, 0.0, rng.normal(0, 6)]) * at.times_s + wander(at.times_s, rng, 1.5, 0.1)
    return Rig([part(sprite(rng, rng.choice(_SHAPES)), x, y, size, spin)])


def sign(rng: np.random.Generator, at: Moment) -> Rig:
    """Writing, a lamp or a picture that comes and goes at once or fades."""
    start_s, lasting_s = rng.uniform(at.start_s, at.end_s), rng.uniform(0.1, 2.0)
    fade_s = rng.choice([0.005, 0.3])
    shown = np.clip((at.times_s - start_s) / fade_s, 0, 1) * np.clip((start_s + lasting_s - at.times_s) / fade_s, 0, 1)
    size = (rng.uniform(0.1, 0.8), rng.uniform(0.05, 0.4))
    return Rig([part(sprite(rng, rng.choice(["box", "oval"])), 0 * shown, 0.0, size, opacity=shown)])


SOUNDING: dict[Builder, float] = {
    striker: 5,
    presser: 3,
    clapper: 1.5,
    balls: 2.5,
    dribble: 1.5,
    walker: 1.5,
    recoil: 2.5,
    caller: 2.5,
    collision: 1.5,
    door: 1,
    jumper: 1,
    burst: 1,
}
SILENT: dict[Builder, float] = {soft_thing: 3, swinger: 3, drifter: 3, sign: 1}
