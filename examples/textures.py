"""Procedural surfaces for the example clips: wood, stone, cloth, plaster, metal, leather, as RGB pictures."""

from __future__ import annotations

import cv2
import numpy as np

_RNG_SEED = 11


def noise(size: int, cell_px: tuple[float, float], seed: int, octaves: int = 4) -> np.ndarray:
    """Fractal clouds, float32 (size, size) in 0..1; cells of `cell_px` (x, y) pixels, each octave half as large."""
    generator = np.random.default_rng(_RNG_SEED + seed)
    total = np.zeros((size, size), np.float32)
    for octave in range(octaves):
        columns, rows = (max(2, round(size / cell * 2**octave)) for cell in cell_px)
        grid = generator.random((min(rows, size), min(columns, size)), dtype=np.float32)
        total += cv2.resize(grid, (size, size), interpolation=cv2.INTER_CUBIC) / 2**octave
    total -= total.min()
    return total / total.max()


def _blend(amount: np.ndarray, dark: tuple[int, int, int], light: tuple[int, int, int]) -> np.ndarray:
    return np.float32(dark) + np.clip(amount, 0, 1)[..., None] * (np.float32(light) - np.float32(dark))


def _to_picture(colours: np.ndarray) -> np.ndarray:
    return np.clip(colours, 0, 255).astype(np.uint8)


def wood(dark, light, seed: int = 0, planks: int = 0, size: int = 1024) -> np.ndarray:
    """Grain along x; with `planks` > 0 that many boards with seams and shades of their own."""
    warp = noise(size, (700, 160), seed, 3)
    rows = np.linspace(0, 1, size, dtype=np.float32)[:, None]
    rings = 0.5 + 0.5 * np.sin(2 * np.pi * (rows * 9 + warp * 5))
    fibres = noise(size, (260, 4), seed + 1, 3)
    pores = noise(size, (60, 2), seed + 2, 2) > 0.78
    grain = 0.45 * rings + 0.55 * fibres
    if planks:
        shades = np.random.default_rng(seed).uniform(-0.22, 0.22, planks)
        board = np.minimum((rows[:, 0] * planks).astype(int), planks - 1)
        for index in range(planks):  # every board is cut from elsewhere, else the grain runs on across the seams
            grain[board == index] = np.roll(grain[board == index], 173 * index, axis=1) + shades[index]
    colours = _blend(grain, dark, light) * np.where(pores, 0.86, 1.0)[..., None]
    if planks:
        seam = np.abs((rows[:, 0] * planks + 0.5) % 1 - 0.5) * size / planks
        colours *= np.clip(0.25 + seam / 4, 0.25, 1)[:, None, None]
    return _to_picture(colours)


def stone(dark, light, seed: int = 0, veins: bool = True, size: int = 1024) -> np.ndarray:
    """Clouded stone with fine veins."""
    clouds = noise(size, (400, 400), seed, 6)
    colours = _blend(clouds**1.3, dark, light)
    if veins:
        line = np.abs(noise(size, (500, 300), seed + 5, 5) - 0.5)
        colours *= (0.72 + 0.28 * np.clip(line / 0.018, 0, 1))[..., None]
    return _to_picture(colours)


def cloth(dark, light, seed: int = 0, threads: int = 128, size: int = 1024) -> np.ndarray:
    """Plain weave."""
    rows, columns = np.indices((size, size), dtype=np.float32) * (threads / size)
    over = (rows.astype(int) + columns.astype(int)) % 2
    along = np.where(over, np.abs(np.sin(np.pi * rows)), np.abs(np.sin(np.pi * columns)))
    return _to_picture(_blend(0.25 + 0.5 * along + 0.35 * (noise(size, (120, 120), seed) - 0.5), dark, light))


def plaster(dark, light, seed: int = 0, size: int = 1024) -> np.ndarray:
    """A wall: soft stains and a fine roughness lit from above left."""
    rough = noise(size, (24, 24), seed + 3, 4)
    relief = rough - np.roll(rough, (2, 2), (0, 1))
    return _to_picture(_blend(0.35 + 0.4 * noise(size, (500, 500), seed, 4) + 2.2 * relief, dark, light))


def bricks(seed: int = 0, rows: int = 12, columns: int = 5, size: int = 1024) -> np.ndarray:
    """Running bond, every brick its own shade."""
    generator = np.random.default_rng(seed)
    shades = generator.uniform(0, 1, (rows, columns)).astype(np.float32)
    y, x = np.indices((size, size), dtype=np.float32) / size
    row = (y * rows).astype(int) % rows
    shifted = x * columns + 0.5 * (row % 2)
    inside_y, inside_x = (y * rows) % 1, shifted % 1
    gap = np.minimum(np.minimum(inside_y, 1 - inside_y) / rows, np.minimum(inside_x, 1 - inside_x) / columns) * size
    face = 0.6 * shades[row, shifted.astype(int) % columns] + 0.6 * (noise(size, (40, 40), seed, 4) - 0.3)
    mortar = np.float32((112, 104, 98)) * (0.8 + 0.3 * noise(size, (14, 14), seed + 9))[..., None]
    mask = np.clip((gap - 3) / 3, 0, 1)[..., None]
    return _to_picture(mask * _blend(face, (88, 42, 32), (172, 92, 66)) + (1 - mask) * mortar)


def metal(dark, light, seed: int = 0, size: int = 512) -> np.ndarray:
    """Brushed metal with a few worn patches."""
    brushed = noise(size, (200, 2), seed, 2)
    return _to_picture(_blend(0.6 * brushed + 0.5 * noise(size, (90, 90), seed + 1, 5) - 0.05, dark, light))


def striped_ball(seed: int = 0, size: int = 512) -> np.ndarray:
    """Rubber ball's skin: two colours, a cream band, slightly scuffed."""
    colours = np.empty((size, size, 3), np.float32)
    colours[:] = (196, 52, 40)
    colours[: size // 2] = (38, 84, 150)
    colours[int(size * 0.43) : int(size * 0.57)] = (238, 226, 200)
    return _to_picture(colours * (0.82 + 0.25 * noise(size, (60, 60), seed, 5))[..., None])


def marble(colour, swirl, seed: int = 0, size: int = 256) -> np.ndarray:
    """Glass marble: a swirl of another colour."""
    twist = noise(size, (180, 90), seed, 3)
    rows = np.linspace(0, 1, size, dtype=np.float32)[:, None]
    return _to_picture(_blend((np.sin(2 * np.pi * (rows * 3 + twist * 3)) * 3 + 0.5), colour, swirl))


def drumhead(size: int = 512) -> np.ndarray:
    """Coated skin: cream, a worn grey patch in the middle."""
    y, x = np.indices((size, size), dtype=np.float32) / size - 0.5
    worn = np.exp(-(x**2 + y**2) / 0.02) * (0.3 + 0.9 * noise(size, (30, 60), 4, 4))
    base = np.float32((236, 228, 208)) * (0.93 + 0.09 * noise(size, (50, 50), 2, 4))[..., None]
    return _to_picture(base * (1 - 0.28 * worn[..., None]))
