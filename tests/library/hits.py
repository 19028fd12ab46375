"""Recordings of hits and of sounds that go on, made of noise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

RATE_HZ = 44_100


def hit(
    seed: int = 0, *, at_s: float = 0.1, loud: float = 0.5, decay_s: float = 0.05, length_s: float = 0.6
) -> np.ndarray:
    """A burst of noise that decays; silence before it. Returns float32 (N,)."""
    noise = np.random.default_rng(seed).uniform(-1.0, 1.0, round(length_s * RATE_HZ))
    clock_s = np.arange(len(noise)) / RATE_HZ - at_s
    return (loud * noise * np.where(clock_s >= 0, np.exp(-clock_s / decay_s), 0.0)).astype(np.float32)


def rain(seed: int = 0, *, length_s: float = 4.0, loud: float = 0.1) -> np.ndarray:
    """Steady noise. Returns float32 (N,)."""
    return (loud * np.random.default_rng(seed).standard_normal(round(length_s * RATE_HZ))).astype(np.float32)


def write(folder: Path, name: str, wave: np.ndarray, rate_hz: int = RATE_HZ) -> Path:
    """Write a sound file of the kind that its name ends in."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, wave, rate_hz)
    return path


def doors(folder: Path, count: int = 20) -> Path:
    """A folder with recordings of one door, from soft to loud."""
    for number in range(count):
        write(folder, f"front_door_{number:02d}.wav", hit(number, loud=0.1 + 0.8 * number / count))
    return folder
