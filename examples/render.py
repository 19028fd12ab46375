"""Renders the example clips: physics and pictures by MuJoCo, contact times and impulses written beside each clip.

    MUJOCO_GL=osmesa python examples/render.py [--only NAME ...] [--still TIME_S] [--out FOLDER]

See README.md here for what it needs. Every picture is the mean of several renders, each with its own moment within
the exposure, point on the lens, place on the lamps and fraction of a pixel: that gives motion blur, depth of field,
soft shadows and smooth edges at once. The exposure is centred on the frame's time, so picture and contact times agree.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

os.environ.setdefault("MUJOCO_GL", "osmesa")

import av  # noqa: E402
import cv2  # noqa: E402
import mujoco  # noqa: E402
import numpy as np  # noqa: E402
from model import Scene  # noqa: E402
from scenes import SCENES  # noqa: E402

RENDERS_PER_FRAME = 6
SHUTTER = 0.5  # share of the frame's time that the exposure lasts
QUIET_S = 0.03  # a pair of bodies that was apart for this long makes a new contact when it touches
IMPULSE_S = 0.02  # the force is summed over this long
MIN_STRENGTH = 0.05  # softer contacts than this (against the clip's hardest) are left out
MERGE_S = 0.03


@dataclass(frozen=True)
class Motion:
    """What the physics did: states (steps, nq) every `step_s`, and contacts."""

    step_s: float
    states: np.ndarray
    onsets_s: tuple[float, ...]
    impulses_ns: tuple[float, ...]


def simulate(scene: Scene, model: mujoco.MjModel) -> Motion:
    """Runs the physics and reads contacts of the pairs of bodies that the scene says can be heard."""
    data = mujoco.MjData(model)
    step_s = model.opt.timestep
    steps = round((scene.duration_s + 0.1) / step_s)
    states = np.empty((steps, model.nq))
    forces: dict[tuple[int, int], list[tuple[float, float]]] = defaultdict(list)
    for step in range(steps):
        if scene.control is not None:
            scene.control(model, data)
        states[step] = data.qpos
        mujoco.mj_step(model, data)
        for pair, force in _heard_forces(scene, model, data).items():
            forces[pair].append((step * step_s, force))
    events = sorted(event for series in forces.values() for event in _touches(series, step_s))
    merged = _merged([(time_s, impulse) for time_s, impulse in events if time_s < scene.duration_s])
    hardest = max(impulse for _, impulse in merged)
    kept = [(time_s, impulse) for time_s, impulse in merged if impulse >= MIN_STRENGTH * hardest]
    return Motion(step_s, states, tuple(t for t, _ in kept), tuple(impulse for _, impulse in kept))


def _heard_forces(scene: Scene, model: mujoco.MjModel, data: mujoco.MjData) -> dict[tuple[int, int], float]:
    """Normal force of each touching pair of bodies that counts, in newton."""
    found: dict[tuple[int, int], float] = defaultdict(float)
    force = np.zeros(6)
    for index in range(data.ncon):
        bodies = sorted(int(model.geom_bodyid[geom]) for geom in data.contact[index].geom)
        names = {model.body(body).name.rstrip("0123456789") for body in bodies}
        if names in [set(pair) for pair in scene.heard]:
            mujoco.mj_contactForce(model, data, index, force)
            if force[0] > 0:
                found[bodies[0], bodies[1]] += float(force[0])
    return found


def _touches(series: list[tuple[float, float]], step_s: float) -> list[tuple[float, float]]:
    """(start, impulse) of each touch in one pair's force over time."""
    touches: list[list[float]] = []
    last_s = -np.inf
    for time_s, force in series:
        if time_s - last_s > QUIET_S:
            touches.append([time_s, 0.0])
        last_s = time_s
        if time_s - touches[-1][0] <= IMPULSE_S:
            touches[-1][1] += force * step_s
    return [(time_s, impulse) for time_s, impulse in touches]


def _merged(events: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Touches of different pairs that nobody could tell apart become one."""
    merged: list[list[float]] = []
    for time_s, impulse in events:
        if merged and time_s - merged[-1][0] < MERGE_S:
            merged[-1][1] += impulse
        else:
            merged.append([time_s, impulse])
    return [(time_s, impulse) for time_s, impulse in merged]


class Studio:
    """Camera and lamps: turns a state into an averaged picture."""

    def __init__(self, scene: Scene, model: mujoco.MjModel) -> None:
        self.scene, self.model, self.data = scene, model, mujoco.MjData(model)
        self.renderer = mujoco.Renderer(model, scene.height, scene.width)
        sequence = np.arange(RENDERS_PER_FRAME) + 0.5
        turn = sequence * 2.399963  # golden angle: even over a disc
        radius = np.sqrt(sequence / RENDERS_PER_FRAME)
        self.disc = np.stack([radius * np.cos(turn), radius * np.sin(turn)], axis=1)
        self.moments = (np.random.default_rng(1).permutation(RENDERS_PER_FRAME) + 0.5) / RENDERS_PER_FRAME - 0.5
        y, x = np.indices((scene.height, scene.width), dtype=np.float32)
        far = (x / scene.width - 0.5) ** 2 + (y / scene.height - 0.5) ** 2
        self.vignette = (1 - 0.55 * far)[..., None]

    def picture(self, motion: Motion, time_s: float) -> np.ndarray:
        """uint8 (H, W, 3), exposure centred on `time_s`."""
        light = np.zeros((self.scene.height, self.scene.width, 3), np.float32)
        for sample in range(RENDERS_PER_FRAME):
            moment_s = time_s + self.moments[sample] * SHUTTER / float(self.scene.fps)
            step = int(np.clip(round(moment_s / motion.step_s), 0, len(motion.states) - 1))
            self.data.qpos[:] = motion.states[step]
            mujoco.mj_forward(self.model, self.data)
            self.renderer.update_scene(self.data, "main")
            self._place_lamps(sample)
            self._place_camera(sample)
            light += (self.renderer.render().astype(np.float32) / 255) ** 2.2
        return self._developed(light / RENDERS_PER_FRAME)

    def _place_lamps(self, sample: int) -> None:
        """Lamps are discs (key small, fill a wide sky): each render uses another point of each."""
        for index in range(self.model.nlight):
            lamp = self.renderer.scene.lights[index]
            spread = self.scene.lamp_spreads[index]
            direction = np.asarray(self.model.light_dir[index], float)
            side, up = _basis(direction)
            offset = self.disc[(sample * 5 + index * 3) % RENDERS_PER_FRAME] * spread
            direction = direction + offset[0] * side + offset[1] * up
            direction /= np.linalg.norm(direction)
            lamp.dir = direction
            lamp.pos = np.asarray(self.scene.target) - direction * 3 * self.model.stat.extent

    def _place_camera(self, sample: int) -> None:
        position, target = np.asarray(self.scene.camera, float), np.asarray(self.scene.target, float)
        distance = np.linalg.norm(target - position)
        side, up = _basis(target - position)
        lens = self.disc[sample] * self.scene.aperture
        moved = position + lens[0] * side + lens[1] * up
        # A fraction of a pixel, as a shift of the point aimed at, smooths edges that are in focus.
        pixel = 2 * distance * np.tan(np.radians(self.scene.fovy_deg) / 2) / self.scene.height
        jitter = self.disc[(sample * 7 + 2) % RENDERS_PER_FRAME] * 0.6 * pixel
        forward = target + jitter[0] * side + jitter[1] * up - moved
        forward /= np.linalg.norm(forward)
        for eye in self.renderer.scene.camera:
            eye.pos, eye.forward, eye.up = moved, forward, _basis(forward)[1]

    def _developed(self, light: np.ndarray) -> np.ndarray:
        """Linear light to a picture: a gentle shoulder, a little warmth, darker corners."""
        light = light * self.vignette * np.float32((1.03, 1.0, 0.96)) * self.scene.exposure
        light = light * (1 + light / 1.8**2) / (1 + light * 0.45)
        return np.clip(np.clip(light, 0, 1) ** (1 / 2.2) * 255 + 0.5, 0, 255).astype(np.uint8)


def _basis(forward: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors to the right and upwards of a direction of view."""
    forward = forward / np.linalg.norm(forward)
    right = np.cross(forward, (0.0, 0.0, 1.0))
    if np.linalg.norm(right) < 1e-6:
        right = np.array([1.0, 0.0, 0.0])
    right /= np.linalg.norm(right)
    return right, np.cross(right, forward)


def encode(path: Path, pictures, scene: Scene) -> int:
    """H.264, one key frame a second, playable while it loads. Returns the number of frames."""
    count = 0
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=Fraction(scene.fps))
        stream.width, stream.height, stream.pix_fmt = scene.width, scene.height, "yuv420p"
        stream.options = {"crf": str(scene.crf), "preset": "slow", "g": str(round(scene.fps))}
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            count += 1
        container.mux(stream.encode())
    return count


def render(scene: Scene, out: Path) -> None:
    """Writes NAME.mp4 and NAME.json."""
    model = mujoco.MjModel.from_xml_string(scene.xml, scene.assets)
    motion = simulate(scene, model)
    studio = Studio(scene, model)
    frames = round(scene.duration_s * scene.fps)
    pictures = (studio.picture(motion, index / float(scene.fps)) for index in range(frames))
    encode(out / f"{scene.name}.mp4", pictures, scene)
    hardest = max(motion.impulses_ns)
    facts = {
        "description": scene.description,
        "events": [{"label": scene.label, "detail": scene.detail, "start_s": 0.0, "end_s": scene.duration_s}],
        "onsets_s": [round(time_s, 4) for time_s in motion.onsets_s],
        "strengths": [round(impulse / hardest, 3) for impulse in motion.impulses_ns],
        "impulses_ns": [round(impulse, 5) for impulse in motion.impulses_ns],
        "duration_s": scene.duration_s,
        "fps": float(scene.fps),
        "width": scene.width,
        "height": scene.height,
        "source": "rendered by examples/render.py with MuJoCo; Apache-2.0",
    }
    (out / f"{scene.name}.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    print(f"{scene.name}: {frames} frames, {len(motion.onsets_s)} onsets")


def write_table(folder: Path) -> None:
    """clips.csv, the same facts in the columns that rhythmic_foley.evaluation.video_onsets reads."""
    with (folder / "clips.csv").open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(["clip", "sync_judgeable", "judge_from_s", "judge_to_s", "attack_refined_s"])
        for path in sorted(folder.glob("*.json")):
            facts = json.loads(path.read_text(encoding="utf-8"))
            times = " ".join(f"{time_s:.4f}" for time_s in facts["onsets_s"])
            table.writerow([path.stem, "yes", 0, facts["duration_s"], times])


def still(scene: Scene, time_s: float, out: Path) -> None:
    """One PNG, for trying a scene."""
    model = mujoco.MjModel.from_xml_string(scene.xml, scene.assets)
    motion = simulate(scene, model)
    picture = Studio(scene, model).picture(motion, time_s)
    cv2.imwrite(str(out / f"{scene.name}_{time_s:.2f}.png"), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    print(scene.name, [f"{onset_s:.3f}" for onset_s in motion.onsets_s])


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Render the example clips.")
    parser.add_argument("--only", nargs="*", choices=sorted(SCENES), help="names of scenes; all without it")
    parser.add_argument("--still", type=float, nargs="*", help="write one PNG at each of these times instead")
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parent)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for name in options.only or SCENES:
        scene = SCENES[name]()
        if options.still:
            for time_s in options.still:
                still(scene, time_s, options.out)
        else:
            render(scene, options.out)
    if not options.still:
        write_table(options.out)


if __name__ == "__main__":
    main()
