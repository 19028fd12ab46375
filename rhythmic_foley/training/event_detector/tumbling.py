"""Things that physics moves: they fall, roll, topple and swing into one another, and MuJoCo says when they touch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

import mujoco
import numpy as np

from rhythmic_foley.training.event_detector.actors import material

STEP_S = 0.001
_QUIET_S = 0.03  # a pair of bodies that was apart for this long makes a new contact when it touches
_IMPULSE_S = 0.02  # the force is summed over this long
_MERGE_S = 0.03
_SETTLED_S = 0.05  # what touches before this lay there from the start
_HEARD, _SURELY_HEARD = 0.04, 0.12  # shares of the hardest contact's impulse

Control = Callable[[mujoco.MjModel, mujoco.MjData], None]


@dataclass(frozen=True)
class Tumble:
    """XML of bodies, and what pushes them while physics runs."""

    xml: str
    control: Control


@dataclass(frozen=True)
class Motion:
    """What physics did: states (steps, nq) every `STEP_S`; contacts (k,), where (k, 3), and those too soft to tell."""

    states: np.ndarray
    hits_s: np.ndarray
    places: np.ndarray
    unclear_s: np.ndarray


def simulate(model: mujoco.MjModel, control: Control, duration_s: float) -> Motion:
    """Runs the physics; contacts of any two bodies are heard."""
    data, steps = mujoco.MjData(model), round(duration_s / STEP_S)
    states = np.empty((steps, model.nq))
    touches: dict[tuple[int, int], list[list]] = defaultdict(list)  # [start, impulse, place], the last still going on
    last_s: dict[tuple[int, int], float] = defaultdict(lambda: -np.inf)
    force = np.zeros(6)
    for step in range(steps):
        control(model, data)
        states[step] = data.qpos
        mujoco.mj_step(model, data)
        time_s = step * STEP_S
        for index in range(data.ncon):
            contact = data.contact[index]
            pair = tuple(sorted(int(model.geom_bodyid[geom]) for geom in contact.geom))
            mujoco.mj_contactForce(model, data, index, force)
            if force[0] <= 0:
                continue
            if time_s - last_s[pair] > _QUIET_S:
                touches[pair].append([time_s, 0.0, contact.pos.copy()])
            last_s[pair] = time_s
            if time_s - touches[pair][-1][0] <= _IMPULSE_S:
                touches[pair][-1][1] += float(force[0]) * STEP_S
    events = sorted((t for series in touches.values() for t in series if t[0] > _SETTLED_S), key=lambda t: t[0])
    merged: list[list] = []
    for time_s, impulse, place in events:
        if merged and time_s - merged[-1][0] < _MERGE_S:
            merged[-1][1] += impulse
        else:
            merged.append([time_s, impulse, place])
    hardest = max((impulse for _, impulse, _ in merged), default=0.0)
    sure = [(t, p) for t, impulse, p in merged if impulse >= _SURELY_HEARD * hardest]
    soft = [t for t, impulse, _ in merged if _HEARD * hardest <= impulse < _SURELY_HEARD * hardest]
    places = np.array([place for _, place in sure]).reshape(-1, 3)
    return Motion(states, np.array([t for t, _ in sure]), places, np.array(soft))


def _thing(rng: np.random.Generator, place: tuple[float, float, float], size: float, kind: str, mass: float) -> str:
    sizes = {
        "sphere": f"{size:.3f}",
        "box": f"{size:.3f} {size * rng.uniform(0.4, 1):.3f} {size * rng.uniform(0.4, 1):.3f}",
        "capsule": f"{size * 0.4:.3f} {size:.3f}",
        "cylinder": f"{size * rng.uniform(0.3, 0.9):.3f} {size:.3f}",
        "ellipsoid": f"{size:.3f} {size * 0.7:.3f} {size * 0.6:.3f}",
    }
    spring, damping = rng.uniform(4e4, 1.2e5), rng.uniform(20, 250)
    return (
        f'<body pos="{place[0]:.3f} {place[1]:.3f} {place[2]:.3f}"><freejoint/>'
        f'<geom type="{kind}" size="{sizes[kind]}" mass="{mass:.2f}" '
        f'material="{material(rng)}" solref="-{spring:.0f} -{damping:.0f}" priority="1"/></body>'
    )


def fall(rng: np.random.Generator) -> Tumble:
    """Things are dropped or thrown on the ground, at times with steps on it."""
    count = rng.choice([1, 1, 2, 3])
    places = rng.uniform((-0.6, -0.2, 0.4), (0.6, 0.3, 1.2), (count, 3))
    releases_s = np.sort(rng.uniform(0.1, 1.8, count))
    pushes = np.concatenate([rng.normal(0, 0.5, (count, 2)), rng.uniform(-1, 1, (count, 1))], axis=1)
    spins, gravity = rng.normal(0, 4, (count, 3)), rng.uniform(3, 9.8)
    kinds = rng.choice(["sphere", "sphere", "box", "capsule", "cylinder", "ellipsoid"], count)
    xml = "".join(_thing(rng, p, rng.uniform(0.05, 0.18), kind, 0.4) for p, kind in zip(places, kinds, strict=True))
    for _ in range(rng.integers(0, 3)):
        x, size = rng.uniform(-0.6, 0.6), rng.uniform(0.05, 0.25)
        xml += f'<geom type="box" size="{size:.2f} .2 {size:.2f}" pos="{x:.2f} 0 0" material="{material(rng)}"/>'

    def control(model: mujoco.MjModel, data: mujoco.MjData) -> None:
        model.opt.gravity[2] = -gravity
        for index, release_s in enumerate(releases_s):
            if data.time < release_s:
                data.qpos[7 * index : 7 * index + 7] = model.qpos0[7 * index : 7 * index + 7]
                data.qvel[6 * index : 6 * index + 6] = (*pushes[index], *spins[index])

    return Tumble(xml, control)


def _shove(shoves: list[tuple[int, float, tuple[float, ...]]]) -> Control:
    """Gives bodies (by number) a velocity (6,) at a time."""

    def control(model: mujoco.MjModel, data: mujoco.MjData) -> None:
        for number, time_s, velocity in shoves:
            if time_s <= data.time < time_s + STEP_S:
                data.qvel[6 * number : 6 * number + 6] = velocity

    return control


def roll(rng: np.random.Generator) -> Tumble:
    """Balls roll into balls, blocks and walls."""
    count, size = rng.integers(2, 5), rng.uniform(0.06, 0.14)
    places = np.linspace(-0.8, 0.8, count) + rng.uniform(-0.1, 0.1, count)
    kinds = np.where(np.arange(count) == 0, "sphere", rng.choice(["sphere", "sphere", "box"], count))
    xml = "".join(
        _thing(rng, (x, rng.uniform(-0.03, 0.03), size), size, kind, rng.uniform(0.2, 1))
        for x, kind in zip(places, kinds, strict=True)
    )
    for side in (-1.2, 1.2):
        xml += f'<geom type="box" size=".04 .5 .15" pos="{side} 0 .15" material="{material(rng)}"/>'
    starts_s, speeds = np.sort(rng.uniform(0.1, 1.8, 2)), rng.uniform(0.8, 3.0, 2)
    shoves = [(0, t, (s, 0, 0, 0, s / size, 0)) for t, s in zip(starts_s, speeds, strict=True)]
    if rng.random() < 0.4:
        shoves.append((int(count - 1), starts_s[1] + 0.3, (-speeds[1], 0, 0, 0, -speeds[1] / size, 0)))
    return Tumble(xml, _shove(shoves))


def topple(rng: np.random.Generator) -> Tumble:
    """Blocks and bottles stand in a row or a stack; one is pushed or a ball is thrown at them."""
    count, high = rng.integers(2, 7), rng.uniform(0.1, 0.3)
    stacked, round_ones = rng.random() < 0.4, rng.random() < 0.4
    gap, xml = rng.uniform(0.7, 1.3) * high, ""
    for index in range(count):
        spot = (0.1, 0.0, high * (2 * index + 1)) if stacked else (-0.5 + gap * index, 0.0, high)
        size = f"{0.35 * high:.3f} {high:.3f}" if round_ones else f"{0.3 * high:.3f} {0.5 * high:.3f} {high:.3f}"
        if stacked and not round_ones:
            size = f"{high:.3f} {high:.3f} {high:.3f}"
        xml += (
            f'<body pos="{spot[0]:.3f} {spot[1]:.3f} {spot[2]:.3f}"><freejoint/><geom '
            f'type="{"cylinder" if round_ones else "box"}" size="{size}" mass="{rng.uniform(0.3, 1):.2f}" '
            f'material="{material(rng)}" solref="-{rng.uniform(3e4, 8e4):.0f} -{rng.uniform(60, 200):.0f}"/></body>'
        )
    start_s, speed = rng.uniform(0.2, 1.5), rng.uniform(0.8, 2.5)
    xml += _thing(rng, (-1.2, 0, 0.25 + high), 0.09, "sphere", 1.0)
    throw = (2.2 * speed, 0, rng.uniform(0, 1.5), 0, 0, 0)
    if stacked or rng.random() < 0.5:
        return Tumble(xml, _shove([(int(count), start_s, throw)]))
    return Tumble(xml, _shove([(0, start_s, (high * speed, 0, 0, 0, speed, 0))]))


def swing(rng: np.random.Generator) -> Tumble:
    """Balls on strings swing into one another or into a post."""
    count, length, size = rng.integers(1, 5), rng.uniform(0.4, 0.8), rng.uniform(0.06, 0.12)
    xml = ""
    for index in range(count):
        x = 2.02 * size * index
        xml += (
            f'<body pos="{x:.3f} 0 1"><joint axis="0 1 0" damping="{rng.uniform(0, 0.02):.3f}"/><geom type="capsule" '
            f'size=".006" fromto="0 0 0 0 0 -{length:.3f}" mass=".01" contype="0" conaffinity="0" rgba=".2 .2 .2 1"/>'
            f'<geom type="sphere" size="{size:.3f}" pos="0 0 -{length:.3f}" mass=".5" material="{material(rng)}" '
            f'solref="-{rng.uniform(4e4, 1e5):.0f} -{rng.uniform(10, 120):.0f}" priority="1"/></body>'
        )
    if count == 1 or rng.random() < 0.5:
        x = 2.02 * size * (count - 1) + size + rng.uniform(0.03, 0.15)
        xml += f'<geom type="box" size=".03 .2 .6" pos="{x + 0.03:.3f} 0 .5" material="{material(rng)}"/>'
    release_s, height = rng.uniform(0.1, 0.8), rng.uniform(0.3, 1.2)

    def control(model: mujoco.MjModel, data: mujoco.MjData) -> None:
        if data.time < release_s:
            data.qpos[0], data.qvel[0] = height, 0.0

    return Tumble(xml, control)


TUMBLING: dict[str, tuple[Callable[[np.random.Generator], Tumble], float]] = {
    "fall": (fall, 3),
    "roll": (roll, 1.5),
    "topple": (topple, 1.5),
    "swing": (swing, 1.5),
}
