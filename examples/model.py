"""Puts MuJoCo models together: textures, turned meshes, lamps, and hinges that strike in rhythm."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction

import cv2
import mujoco
import numpy as np

Control = Callable[[mujoco.MjModel, mujoco.MjData], None]


@dataclass(frozen=True)
class Scene:
    """One clip. `heard` names the pairs of bodies (numbers at the end of a name left off) whose contacts sound."""

    name: str
    description: str
    label: str
    detail: str
    xml: str
    assets: dict[str, bytes]
    heard: tuple[tuple[str, str], ...]
    camera: tuple[float, float, float]
    target: tuple[float, float, float]
    fovy_deg: float
    duration_s: float
    control: Control | None = None
    fps: Fraction = Fraction(30)
    width: int = 640
    height: int = 360
    aperture: float = 0.012
    lamp_spreads: tuple[float, ...] = (0.12, 0.75)
    exposure: float = 1.0
    crf: int = 20


@dataclass
class Builder:
    """Collects textures, materials, meshes and bodies of a model."""

    assets: dict[str, bytes] = field(default_factory=dict)
    asset_xml: list[str] = field(default_factory=list)
    world_xml: list[str] = field(default_factory=list)

    def surface(self, name: str, picture: np.ndarray, *, flat: bool = False, repeat: str = "1 1", **look: str) -> None:
        """A material from a picture; `flat` for planes and meshes with texture coordinates, else wrapped as a cube."""
        self.assets[f"{name}.png"] = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))[1].tobytes()
        kind = "2d" if flat else "cube"
        self.asset_xml.append(f'<texture name="{name}" type="{kind}" file="{name}.png"/>')
        more = " ".join(f'{key}="{value}"' for key, value in look.items())
        self.asset_xml.append(f'<material name="{name}" texture="{name}" texrepeat="{repeat}" {more}/>')

    def plain(self, name: str, rgba: str, **look: str) -> None:
        """A material of one colour."""
        more = " ".join(f'{key}="{value}"' for key, value in look.items())
        self.asset_xml.append(f'<material name="{name}" rgba="{rgba}" {more}/>')

    def lathe(self, name: str, profile: list[tuple[float, float]], segments: int = 64) -> None:
        """A mesh turned about z from (radius, height) points, its texture running around and along."""
        points = np.asarray(profile, float)
        steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
        along = np.concatenate([[0], np.cumsum(steps)]) / steps.sum()
        turn = np.linspace(0, 2 * np.pi, segments + 1)
        lines = [
            line
            for (radius, height), v in zip(points, along, strict=True)
            for a, u in zip(turn, np.linspace(0, 1, segments + 1), strict=True)
            for line in (f"v {radius * np.cos(a):.5f} {radius * np.sin(a):.5f} {height:.5f}", f"vt {u:.4f} {v:.4f}")
        ]
        lines.sort(key=lambda line: line.split()[0] != "v")
        for row in range(len(points) - 1):
            for column in range(segments):
                a, b = row * (segments + 1) + column + 1, (row + 1) * (segments + 1) + column + 1
                lines += [f"f {a}/{a} {a + 1}/{a + 1} {b + 1}/{b + 1}", f"f {a}/{a} {b + 1}/{b + 1} {b}/{b}"]
        self.assets[f"{name}.obj"] = "\n".join(lines).encode()
        self.asset_xml.append(f'<mesh name="{name}" file="{name}.obj" inertia="shell"/>')

    def add(self, *xml: str) -> None:
        """Bodies and geoms of the world."""
        self.world_xml += xml

    def xml(
        self,
        scene_size: float,
        centre: str,
        *,
        key: str = "0.5 0.55 -0.8",
        key_light: str = ".62 .58 .5",
        sky_light: str = ".3 .32 .36",
        ambient: str = ".16 .16 .18",
        width: int = 640,
        height: int = 360,
        fovy_deg: float = 35,
        step_s: float = 0.0005,
    ) -> str:
        """The model: key lamp (first light) and a wide sky from above the camera (second light)."""
        return f"""<mujoco>
  <option timestep="{step_s}" integrator="implicitfast" cone="elliptic"/>
  <statistic extent="{scene_size}" center="{centre}"/>
  <visual>
    <global offwidth="{width}" offheight="{height}" fovy="{fovy_deg}"/>
    <quality shadowsize="1024" offsamples="0"/>
    <map znear="0.02" zfar="30" shadowclip="1.3"/>
    <headlight ambient="{ambient}" diffuse="0 0 0" specular="0 0 0"/>
  </visual>
  <asset>{"".join(self.asset_xml)}
    <texture type="skybox" builtin="gradient" rgb1=".55 .5 .45" rgb2=".2 .18 .17" width="256" height="256"/>
  </asset>
  <worldbody>
    <camera name="main" fovy="{fovy_deg}"/>
    <light type="directional" dir="{key}" diffuse="{key_light}" specular=".5 .5 .5" castshadow="true"/>
    <light type="directional" dir="0 0.8 -1" diffuse="{sky_light}" specular=".12 .12 .12" castshadow="true"/>
    {"".join(self.world_xml)}
  </worldbody>
</mujoco>"""


def striker(strokes: dict[str, tuple[tuple[float, float], ...]], lead_s: float) -> Control:
    """Swings hinges down on (time_s, height_rad) strokes and lifts them again; the blow itself is physics."""

    def wanted(plan: tuple[tuple[float, float], ...], time_s: float) -> tuple[float, float, float]:
        """Angle, speed, acceleration: falls with s^2 to the surface, then lifts smoothly to the next height."""
        after = [stroke for stroke in plan if stroke[0] > time_s]
        before = [stroke for stroke in plan if stroke[0] <= time_s]
        height = after[0][1] if after else 0.5
        if after and after[0][0] - time_s < lead_s:
            fallen_s = lead_s - (after[0][0] - time_s)
            pull = -2 * height / lead_s**2
            return height + pull * fallen_s**2 / 2, pull * fallen_s, pull
        if before:
            room_s = (after[0][0] - lead_s if after else np.inf) - before[-1][0]
            lift_s = min(0.3, room_s)
            share = (time_s - before[-1][0]) / lift_s
            if share < 1:
                turn = np.pi * share
                return height * (1 - np.cos(turn)) / 2, height * np.pi / lift_s / 2 * np.sin(turn), 0.0
        return height, 0.0, 0.0

    def control(model: mujoco.MjModel, data: mujoco.MjData) -> None:
        for joint, plan in strokes.items():
            dof, place = model.joint(joint).dofadr[0], model.joint(joint).qposadr[0]
            angle, speed, push = wanted(plan, data.time)
            if data.time == 0:
                data.qpos[place] = angle
            inertia, grip = model.dof_M0[dof], 45.0
            pull = grip**2 * (angle - data.qpos[place]) + 1.4 * grip * (speed - data.qvel[dof]) + push
            data.qfrc_applied[dof] = inertia * pull + data.qfrc_bias[dof]

    return control
