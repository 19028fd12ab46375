"""Renders stills of the example scenes from other cameras, which `train describer --renders` learns from.

    MUJOCO_GL=osmesa python examples/render_stills.py FOLDER

Needs what render.py needs. Each still is named SCENE-CAMERA-NUMBER.png; the same stills come out every time.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import cv2
import mujoco
import numpy as np
from model import Scene
from render import Studio, simulate
from scenes import SCENES

CAMERAS, STILLS = 7, 3
LONG_PX, SHORT_PX = 320, 180


def main() -> None:
    """Render all stills into the folder that is named."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(5)
    for name, make in SCENES.items():
        scene = make()
        model = mujoco.MjModel.from_xml_string(scene.xml, scene.assets)
        motion = simulate(scene, model)
        for camera in range(CAMERAS):
            studio = Studio(from_another_camera(scene, rng), model)
            for number in range(STILLS):
                picture = studio.picture(motion, rng.uniform(0.3, scene.duration_s - 0.2))
                upright = picture.shape[0] > picture.shape[1]
                small = cv2.resize(picture, (SHORT_PX, LONG_PX) if upright else (LONG_PX, SHORT_PX))
                cv2.imwrite(str(folder / f"{name}-{camera}-{number}.png"), cv2.cvtColor(small, cv2.COLOR_RGB2BGR))


def from_another_camera(scene: Scene, rng: np.random.Generator) -> Scene:
    """The scene seen from elsewhere around its target, nearer or farther, higher or lower, in other light."""
    target = np.array(scene.target, dtype=float)
    angle = rng.choice([-1, 1]) * rng.uniform(0.25, 0.9)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    view = turn @ (np.array(scene.camera, dtype=float) - target) * rng.uniform(0.75, 1.35)
    view[2] *= rng.uniform(0.6, 1.6)
    return replace(scene, camera=tuple(target + view), exposure=scene.exposure * rng.uniform(0.7, 1.3))


if __name__ == "__main__":
    main()
