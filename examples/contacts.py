"""Renders a set of small random clips with known contacts, for testing what sees onsets: nothing is tuned on them.

    MUJOCO_GL=osmesa python examples/contacts.py FOLDER [--clips 24]

Things fall, roll, topple, collide and are struck, among things that only move; the camera rests, shakes or pans. The
clips are small and noisy on purpose and come in several codecs and frame rates. `clips.csv` has the columns that
`rhythmic-foley evaluate onsets-from-video` reads.
"""

from __future__ import annotations

import argparse
import csv
from fractions import Fraction
from pathlib import Path

import av
import cv2
import mujoco
import numpy as np
import textures
from model import Scene, striker
from render import Motion, simulate

WIDTH, HEIGHT, DURATION_S = 192, 108, 3.0
RATES = (
    Fraction(12),
    Fraction(15),
    Fraction(15),
    Fraction(24),
    Fraction(25),
    Fraction(30000, 1001),
    Fraction(30),
    Fraction(60),
)
CODECS = (("libx264", {"crf": "20"}), ("libx264", {"crf": "33"}), ("mpeg4", {"q": "6"}), ("libx264", {"crf": "26"}))
SEED = 7
_MOST_ONSETS = 40


def scene(number: int) -> tuple[Scene, np.random.Generator]:
    """The scene of a number, and the generator that goes on to draw its camera."""
    rng = np.random.default_rng((SEED, number))
    kind = ("fall", "strike", "roll", "topple")[number % 4]
    bodies, control = {"fall": _fall, "strike": _strike, "roll": _roll, "topple": _topple}[kind](rng)
    pictures = {
        name: _material(rng, number * 4 + index) for index, name in enumerate(("floor", "wall", "thing", "other"))
    }
    assets = {f"{name}.png": cv2.imencode(".png", picture)[1].tobytes() for name, picture in pictures.items()}
    surfaces = "".join(
        f'<texture name="{name}" type="{"2d" if name in ("floor", "wall") else "cube"}" file="{name}.png"/>'
        f'<material name="{name}" texture="{name}" texrepeat="3 3" specular="{rng.uniform(0, 0.5):.2f}"/>'
        for name in pictures
    )
    silent = "".join(
        f'<body name="idle{index}" mocap="true" pos="0 0 -5"><geom type="{rng.choice(["box", "ellipsoid"])}" '
        f'size="{_three(rng, 0.05, 0.25)}" material="{rng.choice(["thing", "other"])}" contype="0" conaffinity="0"/>'
        "</body>"
        for index in range(rng.integers(0, 3))
    )
    xml = f"""<mujoco><option timestep="0.001" integrator="implicitfast"/>
      <visual><global offwidth="{WIDTH}" offheight="{HEIGHT}"/><quality shadowsize="256" offsamples="0"/>
      <headlight ambient=".3 .3 .3" diffuse=".2 .2 .2" specular="0 0 0"/></visual>
      <statistic extent="3" center="0 0 .4"/><asset>{surfaces}</asset><worldbody>
      <light type="directional" dir="{rng.uniform(-1, 1):.2f} .6 -1" diffuse=".7 .7 .7"/>
      <body name="floor"><geom type="plane" size="6 6 .1" material="floor" friction=".7" solref="-120000 -60"/></body>
      <geom type="plane" size="6 6 .1" pos="0 2 0" euler="90 0 0" material="wall" contype="0" conaffinity="0"/>
      {bodies}{silent}</worldbody></mujoco>"""
    turn, far = rng.uniform(-0.5, 0.5), rng.uniform(2.0, 3.4)
    made = Scene(
        name=f"{kind}_{number:02d}",
        description=kind,
        label=kind,
        detail="",
        xml=xml,
        assets=assets,
        heard=(("thing", "floor"), ("thing", "thing"), ("stick", "thing"), ("stick", "floor")),
        camera=(far * np.sin(turn), -far * np.cos(turn), rng.uniform(0.5, 1.6)),
        target=(0.0, 0.0, rng.uniform(0.2, 0.5)),
        fovy_deg=rng.uniform(30, 50),
        duration_s=DURATION_S,
        control=control,
        fps=RATES[rng.integers(len(RATES))],
        width=WIDTH,
        height=HEIGHT,
    )
    return made, rng


def _three(rng: np.random.Generator, least: float, most: float) -> str:
    return " ".join(f"{value:.3f}" for value in rng.uniform(least, most, 3))


def _material(rng: np.random.Generator, seed: int) -> np.ndarray:
    dark = rng.integers(10, 140, 3)
    light = np.minimum(dark + rng.integers(20, 110, 3), 255)
    make = (textures.wood, textures.stone, textures.plaster, textures.cloth)[rng.integers(4)]
    return make(tuple(dark), tuple(light), seed, size=256)


def _thing(
    rng: np.random.Generator, name: str, place: str, *, size: float | None = None, kind: str | None = None
) -> str:
    kind, size = kind or rng.choice(["sphere", "sphere", "box", "capsule"]), size or rng.uniform(0.06, 0.2)
    sizes = {
        "sphere": f"{size}",
        "box": f"{size} {size * 0.8:.3f} {size * 0.6:.3f}",
        "capsule": f"{size * 0.5:.3f} {size}",
    }
    spring, damping = rng.uniform(4e4, 1.5e5), rng.uniform(30, 220)
    return (
        f'<body name="{name}" pos="{place}"><freejoint/><geom type="{kind}" size="{sizes[kind]}" mass=".4" '
        f'material="{rng.choice(["thing", "other"])}" solref="-{spring:.0f} -{damping:.0f}" priority="1"/></body>'
    )


def _fall(rng: np.random.Generator):
    count = rng.integers(1, 5)
    places = [(rng.uniform(-0.8, 0.8), rng.uniform(-0.3, 0.5), rng.uniform(0.5, 1.3)) for _ in range(count)]
    releases_s = np.sort(rng.uniform(0.1, 1.6, count))
    pushes = rng.normal(0, 0.4, (count, 2))
    xml = "".join(_thing(rng, f"thing{i}", f"{x:.3f} {y:.3f} {z:.3f}") for i, (x, y, z) in enumerate(places))

    def control(model: mujoco.MjModel, data: mujoco.MjData) -> None:
        for index, release_s in enumerate(releases_s):
            if data.time < release_s:
                data.qpos[7 * index : 7 * index + 7] = model.qpos0[7 * index : 7 * index + 7]
                data.qvel[6 * index : 6 * index + 6] = (*pushes[index], 0, 2, 1, 0)

    return xml, control


def _strike(rng: np.random.Generator):
    length, arms = rng.uniform(0.5, 0.9), rng.integers(1, 3)
    gap_s, lead_s = rng.uniform(0.3, 0.9), rng.uniform(0.1, 0.25)
    xml = (
        '<body name="thing"><geom type="box" size=".25 .2 .1" pos="0 0 .1" material="other" '
        'solref="-100000 -200"/></body>'
    )
    strokes = {}
    for arm in range(arms):
        side, times_s = (-1) ** arm, np.arange(0.4 + arm * gap_s / 2, DURATION_S - 0.1, gap_s)
        times_s = times_s + rng.uniform(-0.15, 0.15, len(times_s)) * gap_s
        strokes[f"swing{arm}"] = tuple((t, rng.uniform(0.3, 0.9)) for t in times_s)
        xml += (
            f'<body name="stick{arm}" pos="{side * length:.3f} {rng.uniform(-0.1, 0.1):.3f} .24" '
            f'euler="0 0 {0 if side > 0 else 180}"><joint name="swing{arm}" axis="0 1 0"/>'
            f'<geom type="capsule" size=".015" fromto=".1 0 0 -{length:.3f} 0 0" mass=".1" material="thing" '
            f'contype="0" conaffinity="0"/><geom type="{rng.choice(["sphere", "box"])}" size=".035 .03 .03" '
            f'pos="-{length:.3f} 0 0" mass="{rng.uniform(0.05, 0.6):.2f}" material="thing"/></body>'
        )
    return xml, striker(strokes, lead_s=lead_s)


def _roll(rng: np.random.Generator):
    count = rng.integers(3, 6)
    xml = "".join(
        _thing(rng, f"thing{i}", f"{-0.9 + 0.42 * i:.3f} 0 .12", size=0.12, kind="sphere") for i in range(count)
    )
    starts_s, speeds = rng.uniform(0.2, 0.8, 2), rng.uniform(1.0, 2.5, 2)

    def control(model: mujoco.MjModel, data: mujoco.MjData) -> None:
        for index, way, start_s, speed in (
            (0, 1, starts_s[0], speeds[0]),
            (count - 1, -1, starts_s[1] + 1.2, speeds[1]),
        ):
            if start_s <= data.time < start_s + model.opt.timestep:
                data.qvel[6 * index : 6 * index + 6] = (way * speed, 0, 0, 0, way * speed / 0.12, 0)

    return xml, control


def _topple(rng: np.random.Generator):
    count, gap = rng.integers(3, 8), rng.uniform(0.18, 0.3)
    xml = "".join(
        f'<body name="thing{i}" pos="{-0.7 + gap * i:.3f} 0 .25"><freejoint/><geom type="box" size=".03 .12 .25" '
        f'mass="1" material="{("thing", "other")[i % 2]}" solref="-60000 -120"/></body>'
        for i in range(count)
    )
    start_s, speed = rng.uniform(0.3, 1.2), rng.uniform(0.8, 2.0)

    def control(model: mujoco.MjModel, data: mujoco.MjData) -> None:
        if start_s <= data.time < start_s + model.opt.timestep:
            data.qvel[0], data.qvel[4] = 0.25 * speed, speed

    return xml, control


class Camera:
    """Rests, shakes or pans, and sees idle things wander about."""

    def __init__(self, made: Scene, model: mujoco.MjModel, rng: np.random.Generator) -> None:
        self.scene, self.model, self.data = made, model, mujoco.MjData(model)
        self.renderer = mujoco.Renderer(model, HEIGHT, WIDTH)
        self.eye = mujoco.MjvCamera()
        self.shake = rng.choice([0.0, 0.0, 0.01, 0.03])
        self.pan = rng.choice([0.0, 0.0, 0.0, rng.normal(0, 0.12)])
        self.rates, self.phases = rng.uniform(0.4, 3, (8, 3)), rng.uniform(0, 6, (8, 3))
        self.homes = rng.uniform((-0.9, 0.3, 0.2), (0.9, 1.2, 1.0), (8, 3))
        self.blur, self.noise, self.rng = int(rng.choice([1, 1, 2])), rng.uniform(0, 4), rng

    def picture(self, motion: Motion, time_s: float) -> np.ndarray:
        """uint8 (H, W, 3): mean of some moments while the shutter is open, and noise."""
        shutter_s = 0.6 / float(self.scene.fps)
        moments = time_s + ((np.arange(self.blur) + 0.5) / self.blur - 0.5) * shutter_s
        light = sum(self._moment(motion, moment_s).astype(np.float32) for moment_s in moments) / self.blur
        light = light + self.rng.normal(0, self.noise, (*light.shape[:2], 1))
        return np.clip(light, 0, 255).astype(np.uint8)

    def _moment(self, motion: Motion, time_s: float) -> np.ndarray:
        self.data.qpos[:] = motion.states[int(np.clip(time_s / motion.step_s, 0, len(motion.states) - 1))]
        waves = np.sin(2 * np.pi * self.rates * time_s + self.phases)
        self.data.mocap_pos[:] = (self.homes + 0.3 * waves)[: self.model.nmocap]
        mujoco.mj_forward(self.model, self.data)
        away = np.asarray(self.scene.target) + self.shake * waves[6] + (self.pan * (time_s - DURATION_S / 2), 0, 0)
        sight = away - np.asarray(self.scene.camera)
        self.eye.lookat[:], self.eye.distance = away, np.linalg.norm(sight)
        self.eye.azimuth = np.degrees(np.arctan2(sight[1], sight[0]))
        self.eye.elevation = np.degrees(np.arcsin(sight[2] / self.eye.distance))
        self.renderer.update_scene(self.data, self.eye)
        return self.renderer.render()


def render(number: int, out: Path) -> list[str]:
    """Writes one clip; returns its row of the table, empty where it has no onset or too many to judge."""
    made, rng = scene(number)
    model = mujoco.MjModel.from_xml_string(made.xml, made.assets)
    motion = simulate(made, model)
    if not 0 < len(motion.onsets_s) <= _MOST_ONSETS:
        return []
    camera = Camera(made, model, rng)
    codec, options = CODECS[rng.integers(len(CODECS))]
    with av.open(str(out / f"{made.name}.mp4"), "w") as container:
        stream = container.add_stream(codec, rate=made.fps)
        stream.width, stream.height, stream.pix_fmt, stream.options = WIDTH, HEIGHT, "yuv420p", options
        for index in range(round(DURATION_S * made.fps)):
            picture = camera.picture(motion, index / float(made.fps))
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    print(f"{made.name}: {float(made.fps):.2f} fps, {codec}, {len(motion.onsets_s)} onsets", flush=True)
    return [made.name, "yes", "0", f"{DURATION_S}", " ".join(f"{onset_s:.4f}" for onset_s in motion.onsets_s)]


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Render random clips with known contacts.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--clips", type=int, default=24)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    rows = [row for row in (render(number, options.folder) for number in range(options.clips)) if row]
    with (options.folder / "clips.csv").open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(["clip", "sync_judgeable", "judge_from_s", "judge_to_s", "attack_refined_s"])
        table.writerows(rows)


if __name__ == "__main__":
    main()
