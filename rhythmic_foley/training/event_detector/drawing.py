"""Grey pictures from parts that move: textured shapes laid over a backdrop, blurred by the shutter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

_SPRITE_PX = 72


@dataclass(frozen=True)
class Sprite:
    """A cut-out: float32 (h, w, 2), grey times mask, and mask; whole and at half, a quarter, an eighth of its size."""

    layers: tuple[np.ndarray, ...]


@dataclass(frozen=True)
class Part:
    """A sprite and where it is.

    Attributes:
        sprite: what is drawn.
        place: (n, 2) of its anchor.
        angle: (n,) radians, clockwise in the picture.
        size: (n, 2) width and height that the sprite is stretched to.
        anchor: point of the sprite (0..1, 0..1) that lies at `place` and about which it turns.
        opacity: (n,) 0..1.
    """

    sprite: Sprite
    place: np.ndarray
    angle: np.ndarray
    size: np.ndarray
    anchor: tuple[float, float] = (0.5, 0.5)
    opacity: np.ndarray | None = None


@dataclass(frozen=True)
class View:
    """The camera over time: what point it looks at (n, 2), how large things are (n,) and how it is turned (n,)."""

    target: np.ndarray
    zoom: np.ndarray
    roll: np.ndarray

    def seen(self, index: int, places: np.ndarray) -> np.ndarray:
        """Places (k, 2) of the scene as seen, (0, 0) the middle of the picture, its longer side 1."""
        return (places - self.target[index]) @ _turn(self.roll[index]).T * self.zoom[index]


def clouds(rng: np.random.Generator, height: int, width: int, octaves: int = 4) -> np.ndarray:
    """Fractal noise, float32 (height, width), mean 0, deviation 1."""
    total, first = np.zeros((height, width), np.float32), rng.uniform(1.5, 6)
    fade = rng.uniform(0.4, 0.9)
    for octave in range(octaves):
        cells = max(2, round(first * 2**octave))
        grid = rng.normal(size=(min(cells, height), min(cells * width // height + 1, width))).astype(np.float32)
        total += fade**octave * cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
    return (total - total.mean()) / max(float(total.std()), 1e-3)


def surface(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """A random material, float32 (height, width) grey levels: clouds, grain, stripes, shading, or nearly plain."""
    grey = np.full((height, width), rng.uniform(15, 235), np.float32)
    grey += rng.choice([2.0, 10.0, 25.0, 45.0]) * clouds(rng, height, width)
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j].astype(np.float32)
    turn = rng.uniform(0, 2 * np.pi)
    along = x * np.float32(np.cos(turn)) + y * np.float32(np.sin(turn))
    if rng.random() < 0.3:
        grey += rng.uniform(5, 50) * np.sign(np.sin(along * rng.uniform(6, 50) + rng.uniform(0, 6)))
    if rng.random() < 0.5:
        grey += rng.uniform(10, 90) * (along - along.mean())
    if rng.random() < 0.4:
        grey += rng.uniform(2, 15) * rng.normal(size=grey.shape).astype(np.float32)
    return np.clip(grey, 0, 255)


def backdrop(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """What stands behind: a surface with other surfaces on it, float32 (height, width)."""
    grey = surface(rng, height, width)
    for _ in range(rng.integers(0, 9)):
        h, w = (int(side * rng.uniform(0.05, 0.6)) for side in (height, width))
        mask = shape(rng, rng.choice(["box", "blob", "oval"]))
        mask = cv2.resize(mask, (w, h), interpolation=cv2.INTER_LINEAR)
        top, left = rng.integers(-h // 2, height - h // 2), rng.integers(-w // 2, width - w // 2)
        rows, columns = slice(max(top, 0), min(top + h, height)), slice(max(left, 0), min(left + w, width))
        inside = slice(rows.start - top, rows.stop - top), slice(columns.start - left, columns.stop - left)
        grey[rows, columns] += mask[inside] * (surface(rng, h, w)[inside] - grey[rows, columns])
    contrast = rng.uniform(0.25, 1.0)
    return (grey - grey.mean()) * contrast + np.clip(grey.mean(), 40, 210)


def shape(rng: np.random.Generator, kind: str) -> np.ndarray:
    """A mask, float32 (72, 72) 0..1: "oval", "box", "rod" (fills its frame) or "blob" (irregular)."""
    side = _SPRITE_PX
    mask = np.zeros((side, side), np.uint8)
    if kind == "oval":
        cv2.circle(mask, (side // 2, side // 2), side // 2 - 2, 255, -1, cv2.LINE_AA)
    elif kind in ("box", "rod"):
        mask[2:-2, 2:-2] = 255
    else:
        turn = np.linspace(0, 2 * np.pi, 48, endpoint=False)
        radius = 0.75 + sum(rng.normal(0, 0.12) * np.cos(k * turn + rng.uniform(0, 6)) for k in (2, 3, 4, 5))
        radius = np.clip(radius / radius.max(), 0.3, 1) * (side / 2 - 2)
        points = side / 2 + radius[:, None] * np.stack([np.cos(turn), np.sin(turn)], axis=1)
        cv2.fillPoly(mask, [np.round(points * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    return cv2.GaussianBlur(mask, (0, 0), 0.8).astype(np.float32) / 255


def sprite(rng: np.random.Generator, kind: str, grey: float | None = None) -> Sprite:
    """A shape of a random material, or of one grey level."""
    mask = shape(rng, kind)
    filling = surface(rng, *mask.shape) if grey is None else np.full_like(mask, grey)
    layers = [np.ascontiguousarray(np.stack([filling * mask, mask], axis=-1))]
    while len(layers) < 4:
        layers.append(cv2.pyrDown(layers[-1]))
    return Sprite(tuple(layers))


def part(
    sprite: Sprite,
    x: np.ndarray,
    y: np.ndarray,
    size: tuple[float, float],
    angle: np.ndarray | float = 0.0,
    anchor: tuple[float, float] = (0.5, 0.5),
    stretch: np.ndarray | None = None,
    opacity: np.ndarray | None = None,
) -> Part:
    """A part from coordinates over time; `stretch` (n, 2) multiplies its size."""
    x, y, angle = np.broadcast_arrays(np.asarray(x, float), np.asarray(y, float), np.asarray(angle, float))
    sizes = np.broadcast_to(size, (len(x), 2)) * (1.0 if stretch is None else stretch)
    return Part(sprite, np.stack([x, y], axis=1), angle, sizes, anchor, opacity)


def rod(sprite: Sprite, start: np.ndarray, end: np.ndarray, thickness: float) -> Part:
    """A rod between two points (n, 2) each."""
    along = end - start
    length = np.linalg.norm(along, axis=1)
    sizes = np.stack([length, np.full_like(length, thickness)], axis=1)
    return Part(sprite, start, np.arctan2(along[:, 1], along[:, 0]), sizes, (0.0, 0.5))


def moved(item: Part, turn: float, mirrored: bool, scale: float, place: np.ndarray) -> Part:
    """The part turned, mirrored, scaled and shifted; place (2,) or (n, 2) is where its origin goes."""
    flip = np.array([-1.0 if mirrored else 1.0, 1.0])
    places = (item.place * flip) @ _turn(turn).T * scale + place
    size = item.size * scale * flip  # a negative width mirrors the sprite
    return Part(item.sprite, places, (-item.angle if mirrored else item.angle) + turn, size, item.anchor, item.opacity)


class Canvas:
    """Paints one moment of a scene, float32 (height, width); its longer side is 1 in the scene."""

    def __init__(self, height: int, width: int, behind: np.ndarray, view: View, parts: Sequence[Part]) -> None:
        self.height, self.width, self.unit = height, width, max(height, width)
        self.behind, self.view, self.parts = behind, view, parts

    def paint(self, index: int) -> np.ndarray:
        """The picture at the index-th moment."""
        camera = np.eye(3)
        camera[:2, :2] = _turn(self.view.roll[index]) * self.view.zoom[index] * self.unit
        camera[:2, 2] = (self.width / 2, self.height / 2) - camera[:2, :2] @ self.view.target[index]
        # The backdrop is painted twice as wide as what is seen, its middle at (0, 0).
        shrink = 2 / max(self.behind.shape)
        lay = np.diag([shrink, shrink, 1.0])
        lay[:2, 2] = -shrink * np.array(self.behind.shape[::-1]) / 2
        size = (self.width, self.height)
        canvas = cv2.warpAffine(self.behind, (camera @ lay)[:2], size, None, cv2.INTER_LINEAR, cv2.BORDER_REFLECT)
        for item in self.parts:
            self._lay(canvas, item, index, camera)
        return canvas

    def _lay(self, canvas: np.ndarray, item: Part, index: int, camera: np.ndarray) -> None:
        opacity = 1.0 if item.opacity is None else item.opacity[index]
        if opacity <= 0.01:
            return
        drawn_px = np.abs(item.size[index]) * self.unit * self.view.zoom[index]
        level = int(np.clip(np.log2(_SPRITE_PX / max(drawn_px.max(), 1.0)) + 0.5, 0, 3))
        layers = item.sprite.layers[level]
        rows, columns = layers.shape[:2]
        whole = np.empty((2, 3))
        whole[:, :2] = camera[:2, :2] @ (_turn(item.angle[index]) * (item.size[index] / (columns, rows)))
        anchor = whole[:, :2] @ (item.anchor[0] * columns, item.anchor[1] * rows)
        whole[:, 2] = camera[:2, :2] @ item.place[index] + camera[:2, 2] - anchor
        corners = whole[:, :2] @ np.array([[0, columns, 0, columns], [0, 0, rows, rows]]) + whole[:, 2:]
        left, top = np.maximum(np.floor(corners.min(axis=1)).astype(int) - 1, 0)
        right = min(int(corners[0].max()) + 2, self.width)
        bottom = min(int(corners[1].max()) + 2, self.height)
        if right <= left or bottom <= top:
            return
        whole[:, 2] -= (left, top)
        laid = cv2.warpAffine(layers, whole, (right - left, bottom - top), None, cv2.INTER_LINEAR)
        region = canvas[top:bottom, left:right]
        region *= 1 - opacity * laid[..., 1]
        region += opacity * laid[..., 0]


def _turn(angle: float) -> np.ndarray:
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
