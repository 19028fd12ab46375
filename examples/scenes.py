"""What happens in each example clip, as MuJoCo models with procedural surfaces."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import mujoco
import numpy as np
import textures
from model import Builder, Scene, striker


def bouncing_ball() -> Scene:
    """A rubber ball thrown onto a wooden floor."""
    make = Builder()
    make.surface(
        "floor",
        textures.wood((104, 62, 32), (196, 136, 84), 1, planks=8),
        flat=True,
        repeat="1.6 1.6",
        reflectance=".06",
        specular=".4",
        shininess=".5",
    )
    make.surface("wall", textures.plaster((176, 186, 184), (232, 234, 226), 2), flat=True, repeat="3 3", specular="0")
    make.surface("ball", textures.striped_ball(), specular=".35", shininess=".4")
    make.surface("crate", textures.wood((120, 84, 48), (212, 168, 112), 5, planks=4), specular=".1")
    make.surface("linen", textures.cloth((150, 86, 50), (214, 150, 96), 3), specular="0")
    make.plain("skirting", ".92 .9 .85 1", specular=".2")
    make.add(
        '<body name="floor"><geom type="plane" size="4 4 .1" material="floor" friction="0.6" '
        'solref="-160000 -52" solimp=".95 .99 .001"/></body>',
        '<geom type="plane" size="4 4 .1" pos="0 1.1 0" euler="90 0 0" material="wall" contype="0" conaffinity="0"/>',
        '<geom type="box" size="4 .012 .06" pos="0 1.085 .06" material="skirting" contype="0" conaffinity="0"/>',
        '<geom type="box" size=".26 .2 .17" pos="1.02 .78 .17" euler="0 0 -14" material="crate"/>',
        '<geom type="ellipsoid" size=".22 .19 .09" pos="1.0 .76 .42" euler="8 4 20" material="linen"/>',
        '<body name="ball" pos="-.95 .05 1.25"><freejoint/><geom type="sphere" size=".12" mass=".4" material="ball" '
        'friction="0.6" solref="-160000 -52" solimp=".95 .99 .001" priority="1"/></body>',
    )

    def throw(model: mujoco.MjModel, data: mujoco.MjData) -> None:
        if data.time == 0:
            data.qvel[:] = (0.46, 0.03, 0.0, 1.0, 5.0, 0.4)

    return Scene(
        name="bouncing_ball",
        description="a rubber ball bounces on a wooden floor",
        label="ball bouncing",
        detail="rubber, on a wooden floor",
        xml=make.xml(2.2, "0 0 .5", key=".55 .5 -.85"),
        assets=make.assets,
        heard=(("ball", "floor"),),
        camera=(0.1, -2.6, 1.25),
        target=(0.02, 0.0, 0.48),
        fovy_deg=34,
        exposure=1.7,
        duration_s=4.2,
        control=throw,
    )


def hammer_and_anvil() -> Scene:
    """A smith's hammer on a glowing bar."""
    make = Builder()
    _workshop(make)
    make.surface("iron", textures.metal((46, 48, 52), (120, 122, 128), 3), specular=".6", shininess=".5")
    make.surface("steel", textures.metal((96, 98, 104), (176, 178, 184), 5), specular=".9", shininess=".7")
    make.surface("ash", textures.wood((150, 104, 60), (222, 176, 118), 6), specular=".3")
    make.surface("block", textures.wood((70, 44, 26), (138, 94, 58), 8), specular=".05")
    # Meshes take no cube texture.
    make.plain("forged", ".33 .335 .36 1", specular=".6", shininess=".5")
    make.plain("glow", "1 .42 .1 1", emission=".9", specular=".2")
    make.plain("hot", "1 .62 .22 1", emission="1.1", specular=".2")
    make.lathe("horn", [(0.034, 0.0), (0.027, 0.05), (0.016, 0.1), (0.001, 0.14)])
    silent = 'contype="0" conaffinity="0"'
    make.add(
        f'<geom type="cylinder" size=".19 .1" pos="0 0 -.1" material="block" {silent}/>',
        f'<geom type="box" size=".11 .062 .018" pos="0 0 .018" material="iron" {silent}/>',
        f'<geom type="box" size=".06 .04 .035" pos="0 0 .06" material="iron" {silent}/>',
        f'<geom type="mesh" mesh="horn" pos="-.128 0 .126" euler="0 -90 0" material="forged" {silent}/>',
        '<body name="anvil"><geom type="box" size=".14 .05 .035" pos="0.01 0 .125" material="iron"/>'
        '<geom type="box" size=".16 .014 .008" pos="-.02 -.005 .168" material="glow" '
        'solref="-400000 -260" priority="1"/></body>',
        f'<geom type="box" size=".045 .0145 .0085" pos="-.03 -.005 .168" material="hot" {silent}/>',
        f'<geom type="capsule" size=".008" fromto="-.18 -.005 .168 -.42 -.02 .16" material="steel" {silent}/>',
        '<body name="hammer" pos=".37 -.03 .221" euler="0 0 -4"><joint name="swing" axis="0 1 0"/>'
        f'<geom type="capsule" size=".0125" fromto=".1 0 0 -.4 0 0" mass=".2" material="ash" {silent}/>'
        '<geom type="cylinder" size=".026 .045" pos="-.39 0 0" mass=".9" material="steel"/>'
        f'<geom type="box" size=".021 .021 .03" pos="-.39 0 .01" mass=".01" material="steel" {silent}/></body>',
    )
    strokes = ((0.55, 0.75), (1.15, 0.62), (1.75, 0.82), (2.1, 0.4), (2.45, 0.4), (3.05, 0.8), (3.7, 0.7), (4.3, 0.85))
    return Scene(
        name="hammer_anvil",
        description="a hammer strikes a glowing iron bar on an anvil",
        label="hammer striking metal",
        detail="anvil, workshop",
        xml=make.xml(0.9, "0 0 .15", key=".5 .6 -.75", key_light=".7 .6 .46", sky_light=".24 .27 .34"),
        assets=make.assets,
        heard=(("hammer", "anvil"),),
        camera=(-0.1, -1.05, 0.46),
        target=(0.03, 0.0, 0.245),
        fovy_deg=40,
        duration_s=4.8,
        control=striker({"swing": strokes}, lead_s=0.2),
        fps=Fraction(25),
        aperture=0.008,
        exposure=1.7,
    )


def snare_drum() -> Scene:
    """Two sticks play a short pattern."""
    make = Builder()
    make.surface(
        "stage",
        textures.wood((44, 30, 22), (98, 70, 50), 4, planks=10),
        flat=True,
        repeat="2.4 2.4",
        reflectance=".1",
        specular=".4",
    )
    make.surface("curtain", _curtain(), flat=True, repeat="2 2", specular="0")
    make.surface("skin", textures.drumhead(), specular=".15")
    make.surface("lacquer", _sparkle((120, 14, 22)), flat=True, repeat="3 1", specular=".9", shininess=".8")
    make.surface("hickory", textures.wood((188, 142, 88), (238, 204, 150), 9), specular=".4")
    make.plain("chrome", ".78 .79 .82 1", specular="1", shininess=".9")
    make.lathe("shell", [(0.17, -0.07), (0.172, -0.07), (0.172, 0.07), (0.17, 0.07)])
    ring = [(0.178 + 0.006 * np.cos(a), 0.008 * np.sin(a)) for a in np.linspace(0, 2 * np.pi, 13)]
    make.lathe("ring", ring)
    silent = 'contype="0" conaffinity="0"'
    make.add(
        '<geom type="plane" size="3 3 .1" material="stage"/>',
        f'<geom type="plane" size="3 3 .1" pos="0 .95 0" euler="90 0 0" material="curtain" {silent}/>',
        '<body name="drum" pos="0 0 .4" euler="6 0 0">'
        '<geom type="cylinder" size=".174 .004" pos="0 0 .072" material="skin" solref="-90000 -130" priority="1"/>'
        f'<geom type="mesh" mesh="shell" material="lacquer" {silent}/>'
        f'<geom type="mesh" mesh="ring" pos="0 0 .068" material="chrome" {silent}/>'
        f'<geom type="mesh" mesh="ring" pos="0 0 -.066" material="chrome" {silent}/>'
        + "".join(
            f'<geom type="capsule" size=".006 .05" pos="{0.178 * np.cos(a):.4f} {0.178 * np.sin(a):.4f} 0" '
            f'material="chrome" {silent}/>'
            for a in np.arange(8) * np.pi / 4 + 0.2
        )
        + "</body>",
        *(
            f'<geom type="capsule" size=".009" fromto="0 0 .3 {0.26 * np.cos(a):.3f} {0.26 * np.sin(a):.3f} .01" '
            f'material="chrome" {silent}/>'
            for a in (0.5, 2.6, 4.7)
        ),
    )
    for name, x, yaw in (("left", -0.28, 218), ("right", 0.28, -38)):
        make.add(
            f'<body name="{name}stick" pos="{x} -.19 .492" euler="0 0 {yaw}">'
            f'<joint name="{name}" axis="0 1 0"/>'
            f'<geom type="capsule" size=".0075" fromto=".1 0 0 -.3 0 0" mass=".05" material="hickory" {silent}/>'
            f'<geom type="capsule" size=".005" fromto="-.3 0 0 -.345 0 0" mass=".005" material="hickory" {silent}/>'
            '<geom type="ellipsoid" size=".009 .0065 .0065" pos="-.35 0 0" mass=".01" material="hickory"/></body>'
        )
    beat_s = 0.25
    right = tuple(
        (0.5 + beat_s * k, a)
        for k, a in ((0, 0.85), (2, 0.4), (4, 0.85), (6, 0.4), (8, 0.85), (10, 0.4), (12, 0.85), (14, 0.6), (15, 1.0))
    )
    left = tuple((0.5 + beat_s * k, a) for k, a in ((3, 0.7), (7, 0.7), (9, 0.35), (11, 0.7), (13, 0.5)))
    return Scene(
        name="snare_drum",
        description="two drumsticks play a rhythm on a snare drum",
        label="snare drum",
        detail="drumsticks, steady rhythm",
        xml=make.xml(1.0, "0 0 .4", key=".35 .55 -.8", key_light=".75 .68 .58", sky_light=".22 .22 .3"),
        assets=make.assets,
        heard=(("leftstick", "drum"), ("rightstick", "drum")),
        camera=(0.0, -0.95, 0.95),
        target=(0.0, -0.02, 0.47),
        fovy_deg=38,
        duration_s=4.6,
        control=striker({"left": left, "right": right}, lead_s=0.14),
        aperture=0.008,
        exposure=1.7,
    )


def marbles_on_drum() -> Scene:
    """Glass marbles drop one after another on a frame drum that leans towards the camera. Portrait."""
    make = Builder()
    make.surface("table", textures.cloth((28, 58, 84), (76, 122, 152), 4), flat=True, repeat="5 5", specular="0")
    make.surface("wall", textures.plaster((196, 170, 132), (240, 222, 190), 6), flat=True, repeat="3 3", specular="0")
    make.surface("skin", textures.drumhead(), specular=".15")
    make.surface("beech", textures.wood((138, 84, 44), (206, 146, 92), 12), flat=True, repeat="4 1", specular=".4")
    make.plain("brass", ".86 .66 .3 1", specular="1", shininess=".8")
    make.lathe("shell", [(0.196, -0.05), (0.2, -0.05), (0.2, 0.05), (0.196, 0.05)])
    make.lathe("ring", [(0.199 + 0.004 * np.cos(a), 0.006 * np.sin(a)) for a in np.linspace(0, 2 * np.pi, 13)])
    silent = 'contype="0" conaffinity="0"'
    make.add(
        '<body name="table"><geom type="plane" size="3 3 .1" material="table" solref=".02 1" friction="1"/></body>',
        f'<geom type="plane" size="3 3 .1" pos="0 .7 0" euler="90 0 0" material="wall" {silent}/>',
        '<body name="drum" pos="0 0 .09" euler="2.5 0 0">'
        '<geom type="cylinder" size=".2 .05" pos="0 0 0.001" material="skin" solref="-120000 -105" priority="1"/>'
        f'<geom type="mesh" mesh="shell" material="beech" {silent}/>'
        f'<geom type="mesh" mesh="ring" pos="0 0 .04" material="brass" {silent}/>'
        f'<geom type="mesh" mesh="ring" pos="0 0 -.04" material="brass" {silent}/></body>',
    )
    colours = (
        ((20, 70, 160), (230, 236, 246)),
        ((190, 40, 30), (250, 220, 90)),
        ((20, 120, 70), (220, 240, 200)),
        ((230, 150, 30), (120, 30, 20)),
        ((110, 40, 130), (240, 210, 240)),
        ((16, 130, 150), (250, 250, 240)),
    )
    places = ((-0.04, 0.05), (0.07, 0.02), (-0.09, 0.01), (0.02, 0.08), (0.1, 0.06), (-0.02, 0.0))
    releases_s = (0.1, 0.65, 1.1, 1.75, 2.15, 2.8)
    for index, ((colour, swirl), (x, y)) in enumerate(zip(colours, places, strict=True)):
        make.surface(f"marble{index}", textures.marble(colour, swirl, index), specular="1", shininess=".9")
        make.add(
            f'<body name="marble{index}" pos="{x} {y} .95"><freejoint/>'
            f'<geom type="sphere" size=".024" mass=".03" material="marble{index}" friction=".4 .005 .0005"/></body>'
        )

    def release(model: mujoco.MjModel, data: mujoco.MjData) -> None:
        for index, release_s in enumerate(releases_s):
            if data.time < release_s:
                data.qpos[7 * index : 7 * index + 7] = model.qpos0[7 * index : 7 * index + 7]
                if data.time < release_s - model.opt.timestep:
                    data.qpos[7 * index] += 40  # out of sight until then, shadow and all
                data.qvel[6 * index : 6 * index + 6] = (0, 0, 0, 4, 2 - index, 1)

    return Scene(
        name="marbles_drum",
        description="glass marbles drop on a frame drum",
        label="marbles dropping on a drum",
        detail="glass on a drum skin",
        xml=make.xml(1.0, "0 0 .2", key="-.5 .5 -.85", width=360, height=640, fovy_deg=46),
        assets=make.assets,
        heard=(("marble", "drum"), ("marble", "marble")),
        camera=(0.0, -1.0, 0.62),
        target=(0.0, 0.0, 0.26),
        fovy_deg=46,
        duration_s=4.2,
        control=release,
        width=360,
        height=640,
        aperture=0.008,
        exposure=1.6,
    )


def dominoes() -> Scene:
    """Tall wooden planks topple one another in a bow and slap onto a board."""
    make = Builder()
    slab = textures.stone((126, 118, 108), (204, 196, 184), 3, veins=False)
    make.surface("floor", slab, flat=True, repeat="1.2 1.2", reflectance=".08", specular=".3")
    make.surface("bricks", textures.bricks(2), flat=True, repeat="2.4 2.4", specular="0")
    woods = (((150, 96, 52), (222, 164, 104)), ((86, 48, 28), (150, 92, 58)), ((188, 150, 100), (240, 212, 164)))
    for index, (dark, light) in enumerate(woods):
        make.surface(f"wood{index}", textures.wood(dark, light, 20 + index).transpose(1, 0, 2).copy(), specular=".25")
    make.add(
        '<body name="ground"><geom type="plane" size="6 6 .1" material="floor" friction="1"/></body>',
        '<geom type="plane" size="6 6 .1" pos="0 1.7 0" euler="90 0 0" material="bricks" '
        'contype="0" conaffinity="0"/>',
    )
    count, gap = 12, 0.3
    position, heading = np.array([-1.55, -0.35]), np.radians(24)
    for index in range(count):
        make.add(
            f'<body name="plank{index}" pos="{position[0]:.4f} {position[1]:.4f} .3" '
            f'euler="0 0 {np.degrees(heading):.2f}">'
            f'<freejoint/><geom type="box" size=".03 .13 .3" mass="1.6" material="wood{index % 3}" friction=".35" '
            'solref="-60000 -120"/></body>'
        )
        position = position + gap * np.array([np.cos(heading), np.sin(heading)])
        heading -= np.radians(4.4)
    landing = position + 0.02 * np.array([np.cos(heading), np.sin(heading)])
    make.add(
        f'<body name="board"><geom type="box" size=".22 .2 .012" '
        f'pos="{landing[0] + 0.16:.3f} {landing[1] - 0.06:.3f} .012" '
        f'euler="0 0 {np.degrees(heading):.1f}" material="wood1"/></body>'
    )

    def push(model: mujoco.MjModel, data: mujoco.MjData) -> None:
        if 0.4 <= data.time < 0.4 + model.opt.timestep:
            # Body frame: about its own y axis, so that it tips along the row.
            data.qvel[3:6] = (0, 1.5, 0)
            data.qvel[0:3] = 0.3 * 1.5 * np.array([np.cos(np.radians(24)), np.sin(np.radians(24)), 0])

    return Scene(
        name="wooden_dominoes",
        description="wooden planks topple one after another like dominoes",
        label="wooden planks knocking over",
        detail="wood on wood, in quick succession",
        xml=make.xml(3.4, "0 0 .3", key=".4 .6 -.8"),
        assets=make.assets,
        heard=(("plank", "plank"), ("plank", "board")),
        camera=(0.4, -3.9, 1.6),
        target=(0.3, -0.05, 0.27),
        fovy_deg=34,
        duration_s=3.6,
        control=push,
        aperture=0.02,
        exposure=1.6,
    )


def _workshop(make: Builder) -> None:
    """Brick wall and a dark floor."""
    make.surface("bricks", textures.bricks(1), flat=True, repeat="3 3", specular="0")
    make.surface("soil", textures.stone((46, 42, 38), (96, 90, 82), 7, veins=False), flat=True, repeat="3 3")
    make.add(
        '<geom type="plane" size="2 2 .1" pos="0 0 -.2" material="soil" contype="0" conaffinity="0"/>',
        '<geom type="plane" size="2 2 .1" pos="0 .6 0" euler="90 0 0" material="bricks" contype="0" conaffinity="0"/>',
    )


def _curtain(size: int = 1024) -> np.ndarray:
    """Heavy cloth in folds."""
    fold = np.linspace(0, 1, size, dtype=np.float32)[None, :] + 0.012 * textures.noise(size, (300, 500), 3, 2)
    shade = 0.5 + 0.5 * np.sin(2 * np.pi * 9 * fold) * np.cos(2 * np.pi * 2 * fold)
    weave = textures.cloth((40, 44, 84), (74, 80, 140), 8).astype(np.float32)
    return np.clip(weave * (0.45 + 0.6 * shade[..., None]), 0, 255).astype(np.uint8)


def _sparkle(colour: tuple[int, int, int], size: int = 512) -> np.ndarray:
    """Lacquer with glitter in it."""
    glitter = np.random.default_rng(5).random((size, size), dtype=np.float32) ** 14
    base = np.float32(colour) * (0.85 + 0.3 * textures.noise(size, (80, 80), 7))[..., None]
    return np.clip(base + 210 * glitter[..., None], 0, 255).astype(np.uint8)


SCENES: dict[str, Callable[[], Scene]] = {
    "bouncing_ball": bouncing_ball,
    "hammer_anvil": hammer_and_anvil,
    "snare_drum": snare_drum,
    "marbles_drum": marbles_on_drum,
    "wooden_dominoes": dominoes,
}
