"""Whole scenes in space, rendered by MuJoCo: light, materials, a camera, what happens, and a roll of film of it.

Needs the extra `render` (MuJoCo) and, without a screen, MUJOCO_GL=osmesa and the system's OSMesa (libosmesa6).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import mujoco
import numpy as np

from rhythmic_foley.training.event_detector.actors import MATERIALS, SILENT, SOUNDING, Cast, box, material
from rhythmic_foley.training.event_detector.drawing import surface
from rhythmic_foley.training.event_detector.paths import wander
from rhythmic_foley.training.event_detector.tumbling import STEP_S, TUMBLING, Control, simulate

WIDTH, HEIGHT, DURATION_S = 256, 144, 3.3
KINDS = (*SOUNDING, *TUMBLING, "silent")
# Multiples of the rates that clips are cut at.
_RATES_HZ = (60.0, 60.0, 60 / 1.001, 50.0, 48 / 1.001)
_TEXTURE_PX = 96


@dataclass(frozen=True)
class Roll:
    """A scene on film.

    Attributes:
        kind: what happens, one of `KINDS`.
        frames: uint8 (n, H, W) grey, `rate_hz` a second.
        hits_s: (k,) contacts; `spots` (k, 2) says where in the picture, 0..1 if inside.
        unclear_s: moments about which nothing is known.
    """

    kind: str
    frames: np.ndarray
    rate_hz: float
    hits_s: np.ndarray
    spots: np.ndarray
    unclear_s: np.ndarray


@dataclass(frozen=True)
class _Camera:
    """Where it looks (n, 3), from how far (n,), from which side and how high (n,), in degrees."""

    target: np.ndarray
    distance: np.ndarray
    azimuth: np.ndarray
    elevation: np.ndarray
    fovy_deg: float

    def spot(self, index: int, place: np.ndarray) -> np.ndarray:
        """Where a point (3,) lies in the picture, (0, 0) at its top left, (1, 1) at its bottom right."""
        turn, rise = np.radians(self.azimuth[index]), np.radians(self.elevation[index])
        ahead = np.array([np.cos(rise) * np.cos(turn), np.cos(rise) * np.sin(turn), np.sin(rise)])
        right = np.array([np.sin(turn), -np.cos(turn), 0.0])
        seen = place - (self.target[index] - self.distance[index] * ahead)
        half = np.tan(np.radians(self.fovy_deg) / 2) * max(seen @ ahead, 1e-3)
        return np.array([seen @ right / half * HEIGHT / WIDTH, -(seen @ np.cross(right, ahead)) / half]) / 2 + 0.5


def film(seed: int, kinds: tuple[str, ...] = KINDS) -> Roll:
    """The scene of a seed, of one of some kinds."""
    rng = np.random.default_rng((seed, 2))
    weights = {name: weight for name, (_, weight) in (*SOUNDING.items(), *TUMBLING.items())} | {"silent": 2.5}
    chances = np.array([weights[kind] for kind in kinds])
    kind = kinds[rng.choice(len(kinds), p=chances / chances.sum())]
    rate_hz = float(rng.choice(_RATES_HZ))
    cast = Cast(np.arange(int(DURATION_S * rate_hz)) / rate_hz)
    tumble = TUMBLING[kind][0](rng) if kind in TUMBLING else None
    if kind in SOUNDING:
        SOUNDING[kind][0](rng, cast)
    names, shares = list(SILENT), np.array([weight for _, weight in SILENT.values()])
    for _ in range(rng.choice([1, 2]) if kind == "silent" else rng.choice([0, 0, 0, 1, 1, 2])):
        SILENT[names[rng.choice(len(names), p=shares / shares.sum())]][0](rng, cast)
    fovy_deg = rng.uniform(25, 60)
    model = _model(rng, cast, tumble.xml if tumble else "", fovy_deg)
    states = _played(model, cast, tumble.control) if tumble else None
    camera = _camera(rng, cast.times_s, np.array(cast.places).reshape(-1, 3), fovy_deg)
    frames = _shot(model, cast, states, camera, bool(rng.random() < 0.5))
    order = np.argsort(cast.hits_s)
    hits_s = np.array(cast.hits_s)[order]
    spots = [camera.spot(min(round(cast.hits_s[i] * rate_hz), len(frames) - 1), cast.places[i]) for i in order]
    return Roll(kind, frames, rate_hz, hits_s, np.array(spots).reshape(-1, 2), np.array(cast.unclear_s))


def _played(model: mujoco.MjModel, cast: Cast, control: Control) -> np.ndarray:
    """States (n, nq) at the cast's times; its contacts are noted."""
    motion = simulate(model, control, DURATION_S + 0.1)
    cast.hits_s += list(motion.hits_s)
    cast.places += list(motion.places)
    cast.unclear_s += list(motion.unclear_s)
    return motion.states[np.round(cast.times_s / STEP_S).astype(int)]


def _model(rng: np.random.Generator, cast: Cast, free: str, fovy_deg: float) -> mujoco.MjModel:
    names = ["floor", "wall", *(f"stuff{index}" for index in range(MATERIALS))]
    pictures = [np.clip(surface(rng, _TEXTURE_PX, _TEXTURE_PX), 0, 255).astype(np.uint8) for _ in names]
    assets = {
        f"{n}.png": cv2.imencode(".png", cv2.merge([p] * 3))[1].tobytes() for n, p in zip(names, pictures, strict=True)
    }
    looks = "".join(
        f'<texture name="{name}" type="{"2d" if name in ("floor", "wall") else "cube"}" file="{name}.png"/>'
        f'<material name="{name}" texture="{name}" texrepeat="{rng.uniform(1, 6):.1f} {rng.uniform(1, 6):.1f}" '
        f'texuniform="true" specular="{rng.uniform(0, 0.6):.2f}" shininess="{rng.uniform(0, 0.8):.2f}"/>'
        for name in names
    )
    clutter = "".join(_clutter(rng) for _ in range(rng.integers(0, 6)))
    lamps = "".join(
        f'<light type="directional" dir="{rng.uniform(-1, 1):.2f} {rng.uniform(-0.3, 1):.2f} -1" '
        f'diffuse="{" ".join([f"{rng.uniform(0.2, 0.8):.2f}"] * 3)}" '
        f'castshadow="{"true" if index == 0 else "false"}"/>'
        for index in range(rng.integers(1, 3))
    )
    ambient = f"{rng.uniform(0.1, 0.45):.2f}"
    return mujoco.MjModel.from_xml_string(
        f"""<mujoco><option timestep="{STEP_S}" integrator="implicitfast"/><statistic extent="3" center="0 0 .4"/>
        <visual><global offwidth="{WIDTH}" offheight="{HEIGHT}" fovy="{fovy_deg:.2f}"/>
        <quality shadowsize="256" offsamples="0"/><map znear="0.01" zfar="30"/>
        <headlight ambient="{ambient} {ambient} {ambient}" diffuse=".2 .2 .2" specular="0 0 0"/></visual>
        <asset>{looks}<material name="glow" emission="1"/></asset><worldbody>{lamps}
        <geom type="plane" size="6 6 .1" material="floor" friction=".7" solref="-80000 -60"/>
        <geom type="plane" size="6 6 .1" pos="0 {rng.uniform(0.8, 3):.2f} 0" euler="90 0 0" material="wall"
        contype="0" conaffinity="0"/>{clutter}{"".join(cast.still)}{free}{"".join(cast.bodies)}
        </worldbody></mujoco>""",
        assets,
    )


def _clutter(rng: np.random.Generator) -> str:
    """Furniture, which nothing touches."""
    size = tuple(rng.uniform(0.03, 0.3, 3))
    place = f"{rng.uniform(-1.5, 1.5):.2f} {rng.uniform(0.5, 1.5):.2f} {rng.uniform(0, 1):.2f}"
    geom = box(size, material(rng)) if rng.random() < 0.6 else box(size, material(rng)).replace("box", "ellipsoid")
    return f'<geom {geom} pos="{place}" euler="0 0 {rng.uniform(0, 90):.0f}" contype="0" conaffinity="0"/>'


def _camera(rng: np.random.Generator, times_s: np.ndarray, places: np.ndarray, fovy_deg: float) -> _Camera:
    """Rests, is held by hand, pans, goes round or comes nearer; near or far from where it sounds."""
    n, since_s = len(times_s), times_s - times_s[-1] / 2
    middle = np.median(places, axis=0) if len(places) else np.array([0, 0, 0.35])
    seen = float(np.exp(rng.uniform(np.log(0.35), np.log(2.2))))  # metres of the scene from top to bottom
    distance = np.full(n, max(seen / 2 / np.tan(np.radians(fovy_deg) / 2), 0.35))
    target = middle + rng.uniform(-0.35, 0.35, 3) * seen * (1, 0, 0.7) + (0, 0, 0.1 * seen)
    target = np.tile(target, (n, 1))
    azimuth, elevation = np.full(n, 90 + rng.normal(0, 30)), np.full(n, -rng.uniform(3, 40))
    if rng.random() < 0.5:
        size, rate_hz = seen * np.exp(rng.uniform(np.log(0.001), np.log(0.02))), rng.uniform(0.5, 5)
        target = target + np.stack([wander(times_s, rng, rate_hz, size) for _ in range(3)], axis=1)
    if rng.random() < 0.12:
        target = target + since_s[:, None] * rng.normal(0, 0.15, 3) * seen
    if rng.random() < 0.12:
        azimuth = azimuth + since_s * rng.normal(0, 12)
    if rng.random() < 0.12:
        distance = distance * np.exp(since_s * rng.normal(0, 0.15))
    return _Camera(target, distance, azimuth, elevation, fovy_deg)


def _shot(model: mujoco.MjModel, cast: Cast, states: np.ndarray | None, camera: _Camera, shadows: bool) -> np.ndarray:
    """uint8 (n, H, W): what the camera sees at the cast's times."""
    data, eye = mujoco.MjData(model), mujoco.MjvCamera()
    out = np.empty((len(cast.times_s), HEIGHT, WIDTH), np.uint8)
    with mujoco.Renderer(model, HEIGHT, WIDTH) as renderer:
        renderer.scene.flags[mujoco.mjtRndFlag.mjRND_SHADOW] = shadows
        for index in range(len(out)):
            if states is not None:
                data.qpos[:] = states[index]
            for body, (places, turns) in enumerate(cast.tracks):
                data.mocap_pos[body], data.mocap_quat[body] = places[index], turns[index]
            mujoco.mj_kinematics(model, data)
            mujoco.mj_camlight(model, data)
            eye.lookat[:], eye.distance = camera.target[index], camera.distance[index]
            eye.azimuth, eye.elevation = camera.azimuth[index], camera.elevation[index]
            renderer.update_scene(data, eye)
            out[index] = cv2.cvtColor(renderer.render(), cv2.COLOR_RGB2GRAY)
    return out
