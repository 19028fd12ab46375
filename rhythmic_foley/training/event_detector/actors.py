"""Things in space that sound by contact, or only move: bodies of a rendered scene and their way through time.

Bodies are moved along known paths (MuJoCo calls that mocap), so that contacts are known exactly. Lengths are metres, z
is up, the action takes place around the origin and reaches about one metre. `tumbling` has what physics moves instead.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from rhythmic_foley.training.event_detector.paths import Blow, beats, eased, kicks, rings, strokes, wander

MATERIALS = 6
_AWAY = np.array([0.0, 0.0, -9.0])  # where what is not to be seen waits


@dataclass
class Cast:
    """What a scene is made of.

    Attributes:
        times_s: (n,) moments that are filmed.
        bodies: XML of what moves, in the order of `tracks`: places (n, 3) and turns (n, 4).
        still: XML of what never moves.
        hits_s: contacts, and where (3,) each is.
        unclear_s: moments when a sound may or may not start.
    """

    times_s: np.ndarray
    bodies: list[str] = field(default_factory=list)
    tracks: list[tuple[np.ndarray, np.ndarray]] = field(default_factory=list)
    still: list[str] = field(default_factory=list)
    hits_s: list[float] = field(default_factory=list)
    places: list[np.ndarray] = field(default_factory=list)
    unclear_s: list[float] = field(default_factory=list)

    def move(self, geom: str, place: np.ndarray, turn: np.ndarray | None = None) -> None:
        """A body of one geom that takes places (3,) or (n, 3) and turns (4,) or (n, 4)."""
        count = len(self.times_s)
        turn = np.array([1.0, 0, 0, 0]) if turn is None else turn
        self.tracks.append((np.broadcast_to(place, (count, 3)), np.broadcast_to(turn, (count, 4))))
        self.bodies.append(f'<body mocap="true"><geom {geom} contype="0" conaffinity="0"/></body>')

    def rod(self, start: np.ndarray, end: np.ndarray, thickness: float, material: str) -> None:
        """A capsule between two points (n, 3) that stay equally far apart."""
        along = np.broadcast_to(end - start, (len(self.times_s), 3))
        length = np.linalg.norm(along, axis=1)
        size = f"{thickness:.4f} {np.median(length) / 2:.4f}"
        self.move(
            f'type="capsule" size="{size}" material="{material}"', (start + end) / 2, facing(along / length[:, None])
        )

    def sound(self, hits_s: np.ndarray, place: np.ndarray) -> None:
        """Contacts at a place (3,) or at places (k, 3)."""
        self.hits_s += list(hits_s)
        self.places += list(np.broadcast_to(place, (len(hits_s), 3)))


Act = Callable[[np.random.Generator, Cast], None]


def facing(way: np.ndarray) -> np.ndarray:
    """Turns (n, 4) that bring the z axis to unit vectors (n, 3)."""
    turn = np.stack([1 + way[:, 2], -way[:, 1], way[:, 0], np.zeros(len(way))], axis=1)
    turn[way[:, 2] < -0.9999] = (0, 1, 0, 0)
    return turn / np.linalg.norm(turn, axis=1, keepdims=True)


def leaning(angle: np.ndarray, axis: int) -> np.ndarray:
    """Turns (n, 4) about one axis."""
    turn = np.zeros((len(angle), 4))
    turn[:, 0], turn[:, 1 + axis] = np.cos(angle / 2), np.sin(angle / 2)
    return turn


def material(rng: np.random.Generator) -> str:
    return f"stuff{rng.integers(MATERIALS)}"


def box(size: tuple[float, float, float], of: str) -> str:
    return f'type="box" size="{size[0]:.3f} {size[1]:.3f} {size[2]:.3f}" material="{of}"'


def ball(size: tuple[float, float, float], of: str) -> str:
    return box(size, of).replace("box", "ellipsoid")


def blow(rng: np.random.Generator, soft: bool = False, quickest_s: float = 0.07) -> Blow:
    return Blow(
        fall_s=float(np.exp(rng.uniform(np.log(quickest_s), np.log(0.4)))),
        power=rng.uniform(1.4, 3.0),
        stay_s=float(rng.choice([0.0, rng.uniform(0.02, 0.5)])),
        lift_s=rng.uniform(0.1, 0.7),
        springy=bool(rng.random() < 0.4),
        soft=soft,
    )


def rhythm(rng: np.random.Generator, cast: Cast, least_s: float = 0.16, most_s: float = 1.6) -> np.ndarray:
    gap_s = float(np.exp(rng.uniform(np.log(least_s), np.log(most_s))))
    return beats(rng, cast.times_s[0], cast.times_s[-1], gap_s, rng.choice([0.02, 0.15, 0.4]))


def _sizes(rng: np.random.Generator, hits_s: np.ndarray) -> np.ndarray:
    return rng.uniform(0.4, 1.0, len(hits_s))


def _sway(rng: np.random.Generator, cast: Cast, size: float, rate_hz: float = 1.2) -> np.ndarray:
    return np.stack([wander(cast.times_s, rng, rate_hz, size) for _ in range(3)], axis=1)


def arm(rng: np.random.Generator, cast: Cast, shoulder: np.ndarray, hand: np.ndarray, of: str, thick: float) -> None:
    """Two limbs from a shoulder to a hand, both (n, 3); the elbow hangs."""
    gap = hand - shoulder
    far = np.linalg.norm(gap, axis=1)
    limb = 0.53 * far.max()
    out = np.cross(gap, rng.normal(size=3) + (0, 0, 0.2))
    out = np.cross(out / np.linalg.norm(out, axis=1, keepdims=True), gap)
    out /= np.linalg.norm(out, axis=1, keepdims=True)
    out *= np.sign(-out[:, 2].mean() or 1.0)
    elbow = (shoulder + hand) / 2 + np.sqrt(np.maximum(limb**2 - (far / 2) ** 2, 0))[:, None] * out
    cast.rod(shoulder, elbow, thick, of)
    cast.rod(elbow, hand, 0.8 * thick, of)
    cast.move(ball((1.3 * thick, 1.5 * thick, 1.2 * thick), material(rng)), hand)


def person(rng: np.random.Generator, cast: Cast, shoulders: np.ndarray) -> None:
    """Trunk and head below and above the middle of the shoulders (n, 3)."""
    nod = np.stack([wander(cast.times_s, rng, 1.5, 0.02) for _ in range(3)], axis=1)
    cast.move(ball((0.22, 0.14, 0.36), material(rng)), shoulders - (0, 0, 0.3))
    cast.move(ball((0.1, 0.11, 0.14), material(rng)), shoulders + (0, 0, 0.24) + nod)


def striker(rng: np.random.Generator, cast: Cast, soft: bool = False) -> None:
    """Somebody beats something with sticks, hammers, mallets or bare hands: one place or several in turn."""
    arms, spots = rng.choice([1, 1, 2]), rng.choice([1, 1, 1, 2, 3])
    places = np.stack([rng.uniform(-0.3, 0.3, spots), rng.uniform(-0.1, 0.1, spots), 0.1 * rng.random(spots)], axis=1)
    if spots == 1:
        places[:] *= 0.2
    tool, skin, thick = rng.choice([0.0, rng.uniform(0.15, 0.6)]), material(rng), rng.uniform(0.03, 0.06)
    shape, head, wood = rng.choice(["stick", "hammer", "ball"]), rng.uniform(0.015, 0.06), material(rng)
    stroke, reach = blow(rng, soft), rng.uniform(0.06, 0.5)
    middle = np.array([0, rng.uniform(0.3, 0.7), rng.uniform(0.3, 0.8)]) + _sway(rng, cast, 0.02)
    all_hits = []
    for side in range(arms):
        hits_s = rhythm(rng, cast, 0.2, 1.6) if arms == 1 else rhythm(rng, cast, 0.3, 2.0)
        if not len(hits_s):
            continue
        height = strokes(cast.times_s, hits_s, reach * _sizes(rng, hits_s), stroke)
        goals = places[rng.integers(spots, size=len(hits_s))]
        tip = _between(cast.times_s, hits_s, goals, stroke)
        tip = tip + height[:, None] * np.array([0.0, rng.uniform(0, 0.6), 1.0])
        sign = 1.0 if side else -1.0
        tilt = rng.uniform(-0.2, 0.4) + rng.uniform(0.3, 1.5) * height / max(reach, 0.1)
        way = np.stack([np.full_like(tilt, sign * rng.uniform(0, 0.7)), np.cos(tilt), np.sin(tilt)], axis=1)
        hand = tip + max(tool, 0.04) * way / np.linalg.norm(way, axis=1, keepdims=True)
        if tool:
            cast.rod(tip, hand, rng.uniform(0.006, 0.02), wood)
            if shape != "stick":
                size = (head, head * rng.uniform(1, 2), head)
                cast.move(box(size, skin) if shape == "hammer" else ball(size, skin), tip + (0, 0, head))
        shoulder = middle + (sign * 0.2, 0, 0) + 0.1 * height[:, None] * np.array([0, 0, 1.0])
        arm(rng, cast, shoulder, hand, skin, thick)
        if not soft:
            cast.sound(hits_s, goals)
        all_hits.append(hits_s)
    if rng.random() < 0.6:
        person(rng, cast, middle)
    hits_s = np.concatenate(all_hits) if all_hits and not soft else np.zeros(0)
    for place in places:
        struck(rng, cast, hits_s, place)


def _between(times_s: np.ndarray, hits_s: np.ndarray, goals: np.ndarray, stroke: Blow) -> np.ndarray:
    """(n, 3): at each hit over its goal (k, 3), on the way to the next one while lifted."""
    out = np.tile(goals[0], (len(times_s), 1))
    for index in range(1, len(hits_s)):
        start_s = hits_s[index - 1] + 0.1 * (hits_s[index] - hits_s[index - 1])
        share = eased(times_s, start_s, hits_s[index] - min(0.3 * stroke.fall_s, 0.05))
        out += share[:, None] * (goals[index] - goals[index - 1])
    return out


def struck(rng: np.random.Generator, cast: Cast, hits_s: np.ndarray, place: np.ndarray) -> None:
    """What is hit, its top at `place`: lies still, jumps, trembles or swings."""
    times_s, sizes, of = cast.times_s, _sizes(rng, hits_s), material(rng)
    way = rng.choice(["still", "jump", "tremble", "swing"], p=[0.45, 0.2, 0.2, 0.15])
    wide, deep, high = rng.uniform(0.05, 0.3), rng.uniform(0.05, 0.25), rng.uniform(0.01, 0.12)
    shift, lean = np.zeros((len(times_s), 3)), np.zeros(len(times_s))
    if way == "jump":
        shift[:, 2] = kicks(times_s, hits_s, rng.uniform(0.004, 0.04) * sizes, rng.uniform(0.02, 0.1))
    elif way == "tremble":
        wave = rings(times_s, hits_s, sizes, rng.uniform(5, 14), rng.uniform(0.05, 0.3))
        shift, lean = wave[:, None] * rng.uniform(-0.02, 0.02, 3), wave * rng.uniform(0, 0.1)
    elif way == "swing":
        lean = rings(times_s, hits_s, rng.uniform(0.05, 0.3) * sizes, rng.uniform(0.5, 2), rng.uniform(0.4, 1.5))
    geom = box((wide, deep, high), of)
    if rng.random() < 0.4:
        geom = f'type="cylinder" size="{wide:.3f} {high:.3f}" material="{of}"'
    cast.move(geom, place - (0, 0, high) + shift, leaning(lean, int(rng.integers(2))))
    if rng.random() < 0.6:
        low = rng.uniform(0.1, 0.4)
        pos = f"{place[0]:.3f} {place[1]:.3f} {place[2] - 2 * high - low:.3f}"
        cast.still.append(f'<geom {box((wide + 0.2, deep + 0.1, low), material(rng))} pos="{pos}"/>')


def presser(rng: np.random.Generator, cast: Cast, soft: bool = False) -> None:
    """Knives, stamps, knuckles, feet; or several fingers in turn."""
    fingers, of = rng.choice([1, 1, 2, 5]), material(rng)
    reach, stroke = rng.uniform(0.04, 0.3) / fingers**0.5, blow(rng, soft)
    size = (rng.uniform(0.02, 0.1) / fingers**0.5, rng.uniform(0.02, 0.15), rng.uniform(0.04, 0.15))
    drift = _sway(rng, cast, rng.choice([0.0, 0.03]), 0.6) * (1, 1, 0)
    lowest = None
    for finger in range(fingers):
        hits_s = rhythm(rng, cast, 0.16 * fingers**0.7, 1.4)
        if not len(hits_s):
            continue
        height = strokes(cast.times_s, hits_s, reach * _sizes(rng, hits_s), stroke)
        home = np.array([(finger - (fingers - 1) / 2) * 2.3 * size[0], 0, 0])
        place = home + drift + height[:, None] * np.array([rng.normal(0, 0.2), rng.normal(0, 0.2), 1.0])
        geom = box(size, of) if rng.random() < 0.5 else ball(size, of)
        cast.move(geom, place + (0, 0, size[2]), leaning(height * rng.normal(0, 1.5), int(rng.integers(2))))
        lowest = place if lowest is None else np.minimum(lowest, place + (0, 0, 0.5 * reach))
        if not soft:
            cast.sound(hits_s, home)
    if lowest is not None:
        hand = lowest + (0, 0.02, 2 * size[2])
        shoulder = np.array([rng.uniform(-0.3, 0.3), 0.5, 0.6]) + _sway(rng, cast, 0.01)
        arm(rng, cast, shoulder, hand, material(rng), rng.uniform(0.03, 0.07))
    cast.still.append(f'<geom {box((0.6, 0.4, 0.1), material(rng))} pos="0 0 -.1"/>')
    if rng.random() < 0.5:
        cast.move(box((0.15, 0.1, 0.01), material(rng)), np.array([0, 0, 0.01]))


def clapper(rng: np.random.Generator, cast: Cast, soft: bool = False) -> None:
    """Hands, cymbals, boards that meet."""
    hits_s = rhythm(rng, cast, 0.2, 1.2)
    if not len(hits_s):
        return
    apart = strokes(cast.times_s, hits_s, rng.uniform(0.06, 0.35) * _sizes(rng, hits_s), blow(rng, soft))
    share, middle = rng.choice([0.0, 0.5, 0.5]), np.array([0, 0, 0.3]) + _sway(rng, cast, 0.02)
    size, skin, thick = (0.015, rng.uniform(0.03, 0.1), rng.uniform(0.05, 0.12)), material(rng), 0.045
    axis = np.array([1.0, 0, 0]) if rng.random() < 0.7 else np.array([0.3, 0, 0.95])
    shoulders = middle + (0, rng.uniform(0.25, 0.4), rng.uniform(0, 0.3))
    for sign, part in ((-1.0, share), (1.0, 1 - share)):
        hand = middle + sign * (part * apart[:, None] + size[0]) * axis
        cast.move(ball(size, skin), hand, leaning(sign * apart * rng.uniform(0, 1.5), 1))
        arm(rng, cast, shoulders + (sign * 0.22, 0, 0), hand - (0, 0, size[2]), skin, thick)
    if rng.random() < 0.7:
        person(rng, cast, shoulders)
    if not soft:
        cast.sound(hits_s, np.array([0, 0, 0.3]))


def walker(rng: np.random.Generator, cast: Cast) -> None:
    """Somebody walks or runs; each foot sounds as it comes down."""
    times_s, step_s, stride = cast.times_s, rng.uniform(0.28, 0.75), rng.uniform(0.2, 0.45)
    lift, advance = rng.uniform(0.04, 0.2), rng.choice([1.0, 1.0, 0.0])
    first_s = times_s[0] + rng.uniform(0, step_s)
    hits_s = np.arange(first_s, times_s[-1], step_s)
    middle_s, number = (times_s[0] + times_s[-1]) / 2, (times_s - first_s) / step_s
    hip_x = advance * stride * (times_s - middle_s) / step_s
    hip = np.stack([hip_x, 0 * hip_x, 0.8 + 0.03 * np.abs(np.sin(np.pi * number))], axis=1)
    skin, shoe = material(rng), material(rng)
    for foot in (0, 1):
        phase, rest = (number - foot) / 2, 0.6
        turn = np.floor(phase)
        swing = np.clip((phase - turn - rest) / (1 - rest), 0, 1)
        moved = swing**1.4
        if advance:
            x = stride * ((first_s + (2 * turn + foot) * step_s - middle_s) / step_s + 0.5 + 2 * moved)
        else:
            x = stride * (0.5 - (phase - turn) + moved * swing)
        z = lift * np.sin(np.pi * swing) * (1 - 0.4 * swing) * (swing < 1) + 0.06
        at = np.stack([x, np.full_like(x, 0.12 * (2 * foot - 1)), z], axis=1)
        arm(rng, cast, hip + (0, 0.1 * (2 * foot - 1), 0), at, skin, 0.07)
        cast.move(box((0.13, 0.05, 0.04), shoe), at + (0.05, 0, -0.02), leaning(0.5 * np.sin(np.pi * swing), 1))
    if rng.random() < 0.7:
        person(rng, cast, hip + (0, 0, 0.55))
    spots = np.zeros((len(hits_s), 3))
    spots[:, 0] = advance * stride * (hits_s - middle_s) / step_s + 0.5 * stride
    cast.sound(hits_s, spots)


def shooter(rng: np.random.Generator, cast: Cast) -> None:
    """A thing in hands jerks as it sounds, at times with a flash: a shot, a drill, a nail gun."""
    hits_s = rhythm(rng, cast, 0.25, 1.8)
    sizes, rise_s = _sizes(rng, hits_s), float(np.exp(rng.uniform(np.log(0.02), np.log(0.1))))
    back = kicks(cast.times_s, hits_s, rng.uniform(0.01, 0.12) * sizes, rise_s)
    tilt = kicks(cast.times_s, hits_s, rng.uniform(0.0, 0.5) * sizes, rise_s * rng.uniform(1, 2))
    hand = np.array([0, 0, 0.4]) + _sway(rng, cast, rng.choice([0.002, 0.015]))
    hand = hand - back[:, None] * (1, 0, 0) + tilt[:, None] * (0, 0, 0.1)
    length = rng.uniform(0.08, 0.4)
    of, skin = material(rng), material(rng)
    lean = leaning(-tilt, 1)
    cast.move(box((length, 0.02, rng.uniform(0.015, 0.05)), of), hand + (length * 0.8, 0, 0.05), lean)
    slide = kicks(cast.times_s, hits_s, 0.3 * length * np.ones(len(hits_s)), 0.03)
    cast.move(
        box((0.5 * length, 0.022, 0.02), material(rng)), hand + (0.6 * length, 0, 0.09) - slide[:, None] * (1, 0, 0)
    )
    for sign in (-1.0, 1.0):
        shoulder = np.array([-rng.uniform(0.4, 0.7), sign * 0.2, 0.45]) - 0.3 * back[:, None] * (1, 0, 0)
        arm(rng, cast, shoulder, hand, skin, 0.05)
    if rng.random() < 0.6:
        person(rng, cast, np.array([-0.55, 0, 0.45]) - 0.3 * back[:, None] * (1, 0, 0))
    if rng.random() < 0.5 and len(hits_s):
        since_s = cast.times_s[:, None] - hits_s
        burning = ((since_s >= 0) & (since_s < rng.uniform(0.02, 0.08))).any(axis=1)
        flash = np.where(burning[:, None], hand + (2 * length, 0, 0.05), _AWAY)
        size = rng.uniform(0.03, 0.2)
        cast.move(f'type="sphere" size="{size:.3f}" rgba="1 1 .9 1" material="glow"', flash)
    cast.sound(hits_s, np.array([length, 0, 0.4]))


def caller(rng: np.random.Generator, cast: Cast) -> None:
    """An animal or a head that barks, coughs or shouts: it jerks with each call, the mouth opens."""
    hits_s = rhythm(rng, cast, 0.25, 2.2)
    sizes, rise_s = _sizes(rng, hits_s), rng.uniform(0.05, 0.18)
    jerk = kicks(cast.times_s, hits_s + rng.uniform(-0.04, 0.03), rng.uniform(0.03, 0.2) * sizes, rise_s)
    way = rng.normal(size=3)
    home = np.array([0, 0, 0.4]) + _sway(rng, cast, 0.03)
    head = home + jerk[:, None] * way / np.linalg.norm(way)
    skin = material(rng)
    cast.move(ball(tuple(rng.uniform(0.1, 0.16, 3)), skin), head, leaning(jerk * rng.normal(0, 4), 1))
    trunk = (home + 0.4 * (head - home)) + (rng.uniform(0, 0.3), 0, -0.25)
    cast.move(ball((0.28, 0.16, 0.18), skin), trunk, leaning(jerk * rng.normal(0, 2), 1))
    opened = kicks(cast.times_s, hits_s, rng.uniform(0.02, 0.08) * sizes, rise_s)
    cast.move(ball((0.07, 0.05, 0.03), material(rng)), head + (-0.1, 0, -0.04) - opened[:, None] * (0, 0, 1))
    for leg in (-0.15, 0.15):
        cast.rod(trunk + (leg, 0, 0), trunk + (leg, 0, -0.3), 0.04, skin)
    cast.sound(hits_s, np.array([0, 0, 0.4]))


def door(rng: np.random.Generator, cast: Cast, soft: bool = False) -> None:
    """A leaf or a lid that falls shut, or a drawer."""
    hits_s = beats(rng, cast.times_s[0] + 0.2, cast.times_s[-1], rng.uniform(0.8, 2.5), 0.2)
    if not len(hits_s):
        return
    stroke = Blow(
        rng.uniform(0.15, 0.7), rng.uniform(1.2, 2.5), rng.uniform(0, 0.5), rng.uniform(0.3, 1.0), False, soft
    )
    opened = strokes(cast.times_s, hits_s, rng.uniform(0.3, 1.2) * _sizes(rng, hits_s), stroke)
    wide, high, of = rng.uniform(0.2, 0.45), rng.uniform(0.2, 0.6), material(rng)
    if rng.random() < 0.6:
        corner = np.array([-wide, 0, 0.3])
        along = np.stack([np.cos(opened), -np.sin(opened), 0 * opened], axis=1)
        turn = leaning(-opened, 2)
        if rng.random() < 0.4:  # a lid
            along, turn = np.stack([np.cos(opened), 0 * opened, np.sin(opened)], axis=1), leaning(-opened, 1)
            cast.move(box((wide, high, 0.015), of), corner + wide * along, turn)
        else:
            cast.move(box((wide, 0.015, high), of), corner + wide * along, turn)
    else:
        cast.move(box((wide, 0.2, high), of), np.array([0, 0, 0.3]) - opened[:, None] * (0, 0.4, 0))
    cast.still.append(f'<geom {box((wide + 0.3, 0.02, high + 0.3), material(rng))} pos="0 .25 .3"/>')
    if not soft:
        cast.sound(hits_s, np.array([0, 0, 0.3]))


def waver(rng: np.random.Generator, cast: Cast) -> None:
    """Somebody gesticulates, dances or works without a sound."""
    home, rate_hz = np.array([rng.uniform(-0.5, 0.5), rng.uniform(0, 0.8), rng.uniform(0.4, 0.8)]), rng.uniform(0.4, 4)
    middle = home + _sway(rng, cast, rng.uniform(0.01, 0.1))
    skin = material(rng)
    for sign in (-1.0, 1.0):
        hand = home + (sign * 0.3, -0.25, -0.2) + _sway(rng, cast, rng.uniform(0.02, 0.2), rate_hz)
        arm(rng, cast, middle + (sign * 0.2, 0, 0), hand, skin, 0.045)
    person(rng, cast, middle)


def passer(rng: np.random.Generator, cast: Cast) -> None:
    """Cars, people, clouds, leaves, wheels: things that go by, turn or drift."""
    for _ in range(rng.integers(1, 4)):
        since_s = cast.times_s - rng.uniform(cast.times_s[0], cast.times_s[-1])
        speed = rng.normal(0, 0.5, 3) * (1, 0.5, 0.2) * rng.choice([0.0, 1.0])
        place = rng.uniform((-0.7, 0.2, 0.1), (0.7, 1.5, 0.9)) + since_s[:, None] * speed
        place = place + _sway(rng, cast, rng.uniform(0, 0.15), rng.uniform(0.3, 3))
        size = tuple(rng.uniform(0.03, 0.3, 3))
        spin = rng.choice([0.0, rng.normal(0, 6)]) * cast.times_s + wander(cast.times_s, rng, 1.5, 0.3)
        geom = box(size, material(rng)) if rng.random() < 0.5 else ball(size, material(rng))
        cast.move(geom, place, leaning(spin, int(rng.integers(3))))


def pendulum(rng: np.random.Generator, cast: Cast) -> None:
    """Hangs and swings: a lamp, a branch, a plumb line."""
    angle = rng.uniform(0.1, 1.0) * np.sin(2 * np.pi * rng.uniform(0.4, 2) * cast.times_s + rng.uniform(0, 6))
    top, length = np.array([rng.uniform(-0.4, 0.4), rng.uniform(0, 0.6), 0.9]), rng.uniform(0.3, 0.8)
    end = top + length * np.stack([np.sin(angle), 0 * angle, -np.cos(angle)], axis=1)
    cast.rod(np.broadcast_to(top, end.shape), end, rng.uniform(0.005, 0.03), material(rng))
    cast.move(ball(tuple(rng.uniform(0.04, 0.15, 3)), material(rng)), end)


def soft_thing(rng: np.random.Generator, cast: Cast) -> None:
    """What could hit but comes to rest gently."""
    rng.choice([striker, presser, clapper, door])(rng, cast, True)


SOUNDING: dict[str, tuple[Act, float]] = {
    "striker": (striker, 4),
    "presser": (presser, 2),
    "clapper": (clapper, 1.5),
    "walker": (walker, 1.5),
    "shooter": (shooter, 2),
    "caller": (caller, 2),
    "door": (door, 1),
}
SILENT: dict[str, tuple[Act, float]] = {
    "soft": (soft_thing, 2),
    "waver": (waver, 3),
    "passer": (passer, 3),
    "pendulum": (pendulum, 1.5),
}
