"""How things move that hit something: positions over time whose moments of contact are known exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Blow:
    """The shape of a stroke: down, stay, up.

    Attributes:
        fall_s: how long the way down takes (less where the next blow comes early).
        power: height falls as 1 - x ** power; 2 is a constant push.
        stay_s: time spent on the surface.
        lift_s: how long the way up takes.
        springy: the way up begins at full speed (a rebound), else gently.
        soft: the way down ends gently: the surface is reached without a sound.
    """

    fall_s: float
    power: float
    stay_s: float
    lift_s: float
    springy: bool
    soft: bool = False


def strokes(times_s: np.ndarray, hits_s: Sequence[float], heights: Sequence[float], blow: Blow) -> np.ndarray:
    """Height over a surface that is hit at `hits_s`, with the height reached before each hit; (n,), 0 at the hits."""
    out = np.full(times_s.shape, heights[0] if len(heights) else 0.0)
    for index, (hit_s, height) in enumerate(zip(hits_s, heights, strict=True)):
        gap_s = hit_s - hits_s[index - 1] if index else np.inf
        fall_s, _, _ = _shares(gap_s, blow)
        falling = (times_s >= hit_s - fall_s) & (times_s < hit_s)
        x = (times_s[falling] - hit_s + fall_s) / fall_s
        out[falling] = height * ((1 + np.cos(np.pi * x)) / 2 if blow.soft else 1 - x**blow.power)
        next_gap_s = hits_s[index + 1] - hit_s if index + 1 < len(hits_s) else np.inf
        next_height = heights[min(index + 1, len(heights) - 1)]
        _, stay_s, lift_s = _shares(next_gap_s, blow)
        after = times_s >= hit_s
        x = np.clip((times_s[after] - hit_s - stay_s) / lift_s, 0.0, 1.0)
        out[after] = next_height * (np.sin(np.pi / 2 * x) if blow.springy else (1 - np.cos(np.pi * x)) / 2)
    return out


def _shares(gap_s: float, blow: Blow) -> tuple[float, float, float]:
    """Fall, stay and lift that fit between two blows."""
    fall_s, stay_s = min(blow.fall_s, 0.4 * gap_s), min(blow.stay_s, 0.2 * gap_s)
    return fall_s, stay_s, min(blow.lift_s, gap_s - fall_s - stay_s)


def bounces(
    times_s: np.ndarray, release_s: float, height: float, gravity: float, restitution: float, least: float = 0.02
) -> tuple[np.ndarray, np.ndarray]:
    """Height (n,) of a thing let go at `release_s`, and the times (k,) at which it lands.

    Arcs lower than `least` are left out: the thing lies still from there on.
    """
    out = np.where(times_s < release_s, height, 0.0)
    flight_s = np.sqrt(2 * height / gravity)
    hits = [release_s + flight_s]
    falling = (times_s >= release_s) & (times_s < hits[0])
    out[falling] = height - gravity / 2 * (times_s[falling] - release_s) ** 2
    speed = gravity * flight_s * restitution
    while speed**2 / (2 * gravity) >= least:
        until_s = hits[-1] + 2 * speed / gravity
        inside = (times_s >= hits[-1]) & (times_s < until_s)
        since_s = times_s[inside] - hits[-1]
        out[inside] = speed * since_s - gravity / 2 * since_s**2
        hits.append(until_s)
        speed *= restitution
    return out, np.asarray(hits)


def kicks(times_s: np.ndarray, hits_s: Sequence[float], sizes: Sequence[float], rise_s: float) -> np.ndarray:
    """Displacement (n,) that starts at full speed at each hit, peaks `rise_s` later and creeps back."""
    out = np.zeros(times_s.shape)
    for hit_s, size in zip(hits_s, sizes, strict=True):
        x = np.maximum(times_s - hit_s, 0.0) / rise_s
        out += size * x * np.exp(1 - x)
    return out


def rings(
    times_s: np.ndarray, hits_s: Sequence[float], sizes: Sequence[float], rate_hz: float, decay_s: float
) -> np.ndarray:
    """Displacement (n,) of something that swings or wobbles after each hit."""
    out = np.zeros(times_s.shape)
    for hit_s, size in zip(hits_s, sizes, strict=True):
        since_s = np.maximum(times_s - hit_s, 0.0)
        out += size * np.exp(-since_s / decay_s) * np.sin(2 * np.pi * rate_hz * since_s)
    return out


def eased(times_s: np.ndarray, start_s: float, end_s: float) -> np.ndarray:
    """From 0 to 1 (n,) between two times, gently at both ends."""
    x = np.clip((times_s - start_s) / (end_s - start_s), 0.0, 1.0)
    return (1 - np.cos(np.pi * x)) / 2


def wander(times_s: np.ndarray, rng: np.random.Generator, rate_hz: float, size: float) -> np.ndarray:
    """Smooth aimless movement (n,) of about `size`, nothing in it faster than `rate_hz`."""
    rates, phases = rng.uniform(0.1, 1.0, 5) * rate_hz, rng.uniform(0, 2 * np.pi, 5)
    waves = np.sin(2 * np.pi * rates * times_s[:, None] + phases)
    return size * (waves @ rng.normal(0, 0.6, 5))


def beats(rng: np.random.Generator, start_s: float, end_s: float, gap_s: float, uneven: float) -> np.ndarray:
    """Times (k,) from a random start on, `gap_s` apart give or take the share `uneven`, with pauses at times."""
    times, time_s = [], start_s + rng.uniform(0.05, 1.0) * min(gap_s, 1.5)
    pause = rng.uniform(0, 0.2)
    while time_s < end_s:
        times.append(time_s)
        step_s = gap_s * max(0.3, 1 + uneven * rng.normal())
        time_s += step_s * (rng.uniform(2, 4) if rng.random() < pause else 1)
    return np.asarray(times)
