"""Lay samples at onsets, to the sample: several recordings in turn, by strength, each a little different."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from rhythmic_foley.audio.signal import resample
from rhythmic_foley.audio.wav import read_wav
from rhythmic_foley.library.looping import loop
from rhythmic_foley.library.sample import STRETCH, Sample
from rhythmic_foley.library.variation import vary
from rhythmic_foley.values.onsets import Onsets

# Onset strength 0 lies this far below strength 1, as `attack_times` measures it.
_RANGE_DB = 40.0
# Levels of the loudest 20 ms of a hit of strength 1, and of a stretch: hits stand out of what goes on.
_HIT_DB, _STRETCH_DB = -10.0, -24.0
_PEAK = 0.95  # which no recording exceeds
_LEAD_S = 0.001  # of what precedes the attack, faded in so that it does not begin with a click
_RELEASE_S = 0.03  # how fast a sound is cut off by the next
_FADE_OUT_S = 0.15


@dataclass(frozen=True)
class Ready:
    """A sample cut out of its recording, at the rate of the take.

    Attributes:
        wave: float32 (N,) with its loudest part at a fixed level.
        attack: index of the sample at which it strikes.
        level_db: how loud it was recorded, for choosing by strength.
        rings: whether it may ring on under the next hit.
    """

    wave: np.ndarray
    attack: int
    level_db: float
    rings: bool


@dataclass(frozen=True)
class Layout:
    """When an event sounds, in samples of the take.

    Attributes:
        onsets: when it hits; none for a sound that goes on.
        start, end: between which it is heard.
        length: of the take.
    """

    onsets: Onsets
    start: int
    end: int
    length: int


def lay_event(samples: Sequence[Sample], layout: Layout, sample_rate_hz: int, seed: int) -> np.ndarray:
    """The sound of one event. Returns float32 (layout.length,).

    Args:
        samples: all hits or all stretches, at least one.
        seed: the same seed lays the same sound.

    Raises:
        FoleyError: if a recording cannot be read.
    """
    rng = np.random.default_rng(seed)
    ready = [prepare(sample, sample_rate_hz) for sample in samples]
    if samples[0].cut.use == STRETCH:
        return _lay_stretch(ready, layout, sample_rate_hz, rng)
    return _lay_hits(ready, layout, sample_rate_hz, rng)


@lru_cache(maxsize=256)
def prepare(sample: Sample, sample_rate_hz: int) -> Ready:
    """Cut a sample out of its recording."""
    wave, rate_hz = read_wav(Path(sample.path))
    cut = sample.cut
    begin = max(0, round((cut.attack_s - _LEAD_S) * rate_hz))
    wave = wave[begin : round(cut.end_s * rate_hz)]
    gain = min(10 ** ((_HIT_DB - cut.level_db) / 20), _PEAK / max(float(np.abs(wave).max(initial=0.0)), 1e-9))
    attack = (round(cut.attack_s * rate_hz) - begin) * sample_rate_hz / rate_hz
    wave = resample(np.ascontiguousarray(wave), rate_hz, sample_rate_hz) * np.float32(gain)
    wave[: round(attack)] *= np.linspace(0.0, 1.0, round(attack), dtype=np.float32) ** 2
    tail = min(len(wave), round(0.01 * sample_rate_hz))
    wave[len(wave) - tail :] *= np.linspace(1.0, 0.0, tail, dtype=np.float32)
    return Ready(wave, round(attack), cut.level_db, cut.rings)


def _lay_hits(ready: Sequence[Ready], layout: Layout, rate_hz: int, rng: np.random.Generator) -> np.ndarray:
    wave = np.zeros(layout.length, np.float32)
    turns = take_turns([one.level_db for one in ready], layout.onsets.strengths, rng)
    starts = [round(time_s * rate_hz) for time_s in layout.onsets.times_s]
    release = round(_RELEASE_S * rate_hz)
    for number, (turn, start, strength) in enumerate(zip(turns, starts, layout.onsets.strengths, strict=True)):
        one = ready[turn]
        sound, attack = vary(one.wave, one.attack, rng)
        sound = sound * np.float32(10 ** ((strength - 1) * _RANGE_DB / 20))
        end = layout.length
        if not one.rings and number + 1 < len(starts):
            end = min(end, starts[number + 1])
        _add(wave, sound, start - attack, end, release)
    return wave


def take_turns(levels_db: Sequence[float], strengths: Sequence[float], rng: np.random.Generator) -> list[int]:
    """Which recording each hit gets: as soft as the hit is, the longest unused first, never one twice in a row.

    Args:
        levels_db: of the recordings as they were made.
        strengths: of the hits, 0..1.
    """
    order = np.argsort(levels_db, kind="stable")
    count = len(order)
    width = min(count, max(3, (count + 1) // 2))  # so many are near enough in level to take turns
    last_used = np.full(count, -1)
    turns: list[int] = []
    for hit, strength in enumerate(strengths):
        first = round(strength * (count - width))
        near = [index for index in order[first : first + width] if not turns or count == 1 or index != turns[-1]]
        oldest = min(last_used[index] for index in near)
        turn = int(rng.choice([index for index in near if last_used[index] == oldest]))
        last_used[turn] = hit
        turns.append(turn)
    return turns


def _lay_stretch(ready: Sequence[Ready], layout: Layout, rate_hz: int, rng: np.random.Generator) -> np.ndarray:
    wave = np.zeros(layout.length, np.float32)
    start, end = max(0, layout.start), min(layout.end, layout.length)
    if end <= start:
        return wave
    order = rng.permutation(len(ready))
    bodies = [ready[index].wave[ready[index].attack :] for index in order]
    sound = loop(bodies, end - start, rate_hz, rng) * np.float32(10 ** ((_STRETCH_DB - _HIT_DB) / 20))
    if start > 0:
        sound = _faded(sound, round(_RELEASE_S * rate_hz), 0)
    if layout.end < layout.length:
        sound = _faded(sound, 0, round(_FADE_OUT_S * rate_hz))
    wave[start:end] = sound
    return wave


def _add(wave: np.ndarray, sound: np.ndarray, start: int, end: int, release: int) -> None:
    """Add a sound from `start` on; what would last beyond `end` is faded out before it."""
    if start < 0:
        sound, start = sound[-start:], 0
    if start + len(sound) > end and end < len(wave):
        sound = _faded(sound[: max(0, end - start)], 0, release)
    piece = sound[: max(0, len(wave) - start)]
    wave[start : start + len(piece)] += piece


def _faded(sound: np.ndarray, fade_in: int, fade_out: int) -> np.ndarray:
    sound = sound.copy()
    fade_in, fade_out = min(fade_in, len(sound)), min(fade_out, len(sound))
    sound[:fade_in] *= np.linspace(0.0, 1.0, fade_in, dtype=np.float32)
    sound[len(sound) - fade_out :] *= np.linspace(1.0, 0.0, fade_out, dtype=np.float32)
    return sound
