"""Composes training scenes: single sounds placed at known times, with room, pitch and tone varied.

A scene brings waveform, captioned events, and exact onsets together, without any video.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.signal import fftconvolve, resample

from rhythmic_foley.audio.mel import SAMPLE_RATE_HZ
from rhythmic_foley.training.library import Sound, SoundLibrary
from rhythmic_foley.values.events import SoundEvent
from rhythmic_foley.values.onsets import Onsets

# Longer than a window of 8.192 s, so that training crops begin and end in the middle of things, as real windows do.
SCENE_S = 12.288
SCENE_SAMPLES = int(SCENE_S * SAMPLE_RATE_HZ)

_HIT_MAX_S = 2.5  # a longer sound is placed as a stretch, not as a hit
_BEDS = {"ambience", "weather", "water", "fire", "machine", "vehicle"}


@dataclass(frozen=True)
class Scene:
    wave: np.ndarray  # (SCENE_SAMPLES,) float32, 16 kHz
    events: tuple[SoundEvent, ...]
    onsets: Onsets


@dataclass(frozen=True)
class _Source:
    wave: np.ndarray
    event: SoundEvent
    onsets: list[tuple[float, float]]  # (time_s, strength)


def compose(library: SoundLibrary, rng: np.random.Generator, *, max_sources: int = 3) -> Scene:
    """Composes one scene.

    Args:
        library: where the sounds come from.
        rng: the scene is a function of its state alone.
        max_sources: at most this many captions sound in the scene.
    """
    count = min(int(rng.choice([1, 2, 3], p=[0.6, 0.28, 0.12])), max_sources)
    sources = [_place(library.draw(rng), rng) for _ in range(count)]
    gains_db = np.append(0.0, rng.uniform(-14, 0, count - 1))
    wave = np.sum([s.wave * 10 ** (g / 20) for s, g in zip(sources, gains_db, strict=True)], axis=0)
    wave = _tone(wave, rng) if rng.random() < 0.6 else wave
    wave = _room(wave, rng) if rng.random() < 0.35 else wave
    wave *= 10 ** (rng.uniform(-9, -0.5) / 20) / max(np.abs(wave).max(), 1e-4)
    onsets = [(t, _weaken(v, g)) for s, g in zip(sources, gains_db, strict=True) for t, v in s.onsets]
    onsets = [(t, v) for t, v in onsets if v > 0.05 and t < SCENE_S]
    times_s, strengths = zip(*onsets, strict=True) if onsets else ((), ())
    events = sorted((s.event for s in sources), key=lambda e: e.start_s)
    return Scene(wave.astype(np.float32), tuple(events), Onsets.of(times_s, strengths))


def _place(pool: list[Sound], rng: np.random.Generator) -> _Source:
    first = pool[rng.integers(len(pool))]
    pitch = 2 ** (rng.uniform(-3, 3) / 12)
    if first.duration_s > _HIT_MAX_S or (first.group in _BEDS and first.duration_s > 1.0):
        return _place_stretch(first, pitch, rng)
    return _place_hits(first, pool, pitch, rng)


def _place_hits(first: Sound, pool: list[Sound], pitch: float, rng: np.random.Generator) -> _Source:
    """A rhythm of one sound, or of several sounds of one caption, with louder and softer hits."""
    wave = np.zeros(SCENE_SAMPLES, np.float32)
    onsets: list[tuple[float, float]] = []
    same = rng.random() < 0.5
    spread_db = rng.choice([0.0, 6.0, 15.0])
    hit_times_s = _rhythm(rng)
    end_s = 0.0
    for time_s in hit_times_s:
        sound = first if same else pool[rng.integers(len(pool))]
        rate = pitch * 2 ** (rng.uniform(-0.5, 0.5) / 12)
        gain_db = -rng.uniform(0, spread_db)
        piece = _repitch(sound.wave, rate) * 10 ** (gain_db / 20)
        # The hit itself, not the beginning of the recording, is put at the wanted time.
        lead_s = sound.attacks.times_s[0] / rate if len(sound.attacks) else 0.0
        _add(wave, piece, time_s - lead_s)
        onsets += [
            (time_s - lead_s + t / rate, _weaken(v, gain_db))
            for t, v in zip(sound.attacks.times_s, sound.attacks.strengths, strict=True)
        ]
        end_s = max(end_s, time_s - lead_s + len(piece) / SAMPLE_RATE_HZ)
    event = SoundEvent(first.caption, start_s=max(0.0, hit_times_s[0] - 0.05), end_s=min(end_s, SCENE_S))
    return _Source(wave, event, onsets)


def _rhythm(rng: np.random.Generator) -> list[float]:
    """Times of hits in seconds: regular, regular with jitter, in bursts, or quite irregular."""
    start_s, end_s = (0.0, SCENE_S) if rng.random() < 0.6 else sorted(rng.uniform(0, SCENE_S, 2))
    interval_s = float(np.exp(rng.uniform(np.log(0.22), np.log(3.0))))
    kind = rng.choice(["regular", "jitter", "irregular", "few"], p=[0.25, 0.25, 0.3, 0.2])
    if kind == "few":
        return sorted(rng.uniform(start_s, end_s, rng.integers(1, 5)).tolist())
    times, time_s = [], start_s + rng.uniform(0, interval_s)
    while time_s < end_s and len(times) < 40:
        times.append(time_s)
        step = {"regular": 1.0, "jitter": rng.uniform(0.7, 1.3), "irregular": 0.15 + rng.exponential(0.9)}[kind]
        time_s += interval_s * step
    return times or [start_s]


def _place_stretch(sound: Sound, pitch: float, rng: np.random.Generator) -> _Source:
    """A long sound, once or looped until the end of its stretch."""
    wave = np.zeros(SCENE_SAMPLES, np.float32)
    start_s = 0.0 if rng.random() < 0.5 else rng.uniform(0, SCENE_S * 0.7)
    end_s = SCENE_S if rng.random() < 0.5 else rng.uniform(start_s + 1.0, SCENE_S)
    piece = _repitch(sound.wave, pitch)
    fade = min(int(0.25 * SAMPLE_RATE_HZ), len(piece) // 4)
    looped = sound.group in _BEDS
    onsets: list[tuple[float, float]] = []
    position_s = start_s
    while position_s < end_s:
        part = piece.copy()
        if looped and position_s > start_s:
            part[:fade] *= np.linspace(0, 1, fade)
        if looped:
            part[-fade:] *= np.linspace(1, 0, fade)
        part = part[: int((end_s - position_s) * SAMPLE_RATE_HZ)]
        tail = min(fade, len(part))
        if tail:
            part[-tail:] *= np.linspace(1, 0, tail)
        _add(wave, part, position_s)
        if not looped or position_s == start_s:
            pairs = zip(sound.attacks.times_s, sound.attacks.strengths, strict=True)
            heard = [(position_s + t / pitch, v) for t, v in pairs if position_s + t / pitch < end_s]
            onsets += heard[:1] if looped else heard
        position_s += len(piece) / SAMPLE_RATE_HZ - fade / SAMPLE_RATE_HZ
        if not looped:
            end_s = min(end_s, position_s + fade / SAMPLE_RATE_HZ)
            break
    return _Source(wave, SoundEvent(sound.caption, start_s=start_s, end_s=min(end_s, SCENE_S)), onsets)


def _add(wave: np.ndarray, piece: np.ndarray, time_s: float) -> None:
    start = int(round(time_s * SAMPLE_RATE_HZ))
    piece = piece[max(0, -start) :]
    start = max(0, start)
    stop = min(len(wave), start + len(piece))
    wave[start:stop] += piece[: stop - start]


def _weaken(strength: float, gain_db: float) -> float:
    """Strengths are linear in dB over 40 dB, as `attack_times` gives them."""
    return float(np.clip(strength + gain_db / 40, 0.0, 1.0))


def _repitch(wave: np.ndarray, rate: float) -> np.ndarray:
    return resample(wave, max(64, int(len(wave) / rate))).astype(np.float32)


def _tone(wave: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A smooth random equaliser of at most 8 dB."""
    spectrum = np.fft.rfft(wave)
    knots = np.linspace(0, 1, 6)
    gains_db = rng.uniform(-4, 4, 6) + np.linspace(0, rng.uniform(-4, 4), 6)
    position = np.log1p(np.arange(len(spectrum)) / len(spectrum) * 50) / np.log(51)
    return np.fft.irfft(spectrum * 10 ** (np.interp(position, knots, gains_db) / 20), len(wave))


def _room(wave: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Reverberation by exponentially decaying noise; the direct sound keeps its place in time."""
    decay_s = rng.uniform(0.15, 0.8)
    n = int(decay_s * SAMPLE_RATE_HZ)
    response = rng.standard_normal(n) * np.exp(-6.9 * np.arange(n) / n)
    response /= np.sqrt((response**2).sum())
    wet = fftconvolve(wave, response)[: len(wave)]
    return wave + wet * 10 ** (rng.uniform(-20, -9) / 20)
