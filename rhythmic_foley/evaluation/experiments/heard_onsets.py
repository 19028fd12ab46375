"""How well attacks are heard: hits from recordings laid at known times, clean and over ambience.

    rhythmic-foley evaluate heard-onsets SOUNDS.csv

Columns read from the csv: `file` (below the csv's folder), `split` (only "eval" counts), `caption` and `seconds`.
Hits are short recordings of struck things that have a single attack; ambience is rain, wind, engines and the like.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rhythmic_foley.audio.onset_curve import heard_curve
from rhythmic_foley.audio.onset_detection import attack_times
from rhythmic_foley.audio.signal import resample
from rhythmic_foley.audio.wav import read_wav
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.values.curve import pick_onsets
from rhythmic_foley.values.onsets import match_onsets

TOLERANCE_S = 0.05
LEVELS_DB = (None, 20.0, 10.0, 0.0)  # of the hits over the ambience; None for no ambience
_RATE_HZ = 16_000
_SCENE_S, _EDGE_S, _GAPS_S, _LONGEST_S = 10.0, 0.3, (0.25, 1.2), 0.8
_SOFTEST_DB = -12.0
_HITS = ("hammer", "knock", "drum", "metal", "wood", "glass", "click", "door", "clap", "footstep", "stick", "impact")
_AMBIENCE = ("rain", "wind", "engine", "speech", "voice", "crowd", "music", "birds")


@dataclass(frozen=True)
class Heard:
    """Means over scenes with hits at one level over the ambience."""

    level_db: float | None
    f1: float
    precision: float
    recall: float
    error_ms: float


def evaluate_heard(table: Path, scenes: int = 24, seed: int = 0) -> list[Heard]:
    """F1 of attacks within `TOLERANCE_S` at the default threshold.

    Raises:
        FoleyError: if the table cannot be read or lacks such sounds.
    """
    hits, ambience = _sounds(table, _HITS, (0.0, 1.2), 60), _sounds(table, _AMBIENCE, (3.0, np.inf), 25)
    hits = [hit for hit in map(_from_attack, hits) if len(attack_times(hit, _RATE_HZ)) == 1]
    if not hits or not ambience:
        raise FoleyError(f"{table} lists no hits or no ambience with split = eval.")
    found = []
    for level_db in LEVELS_DB:
        matches = []
        for number in range(scenes):
            wave, true_s = _scene(hits, ambience, level_db, np.random.default_rng((seed, number)))
            heard = pick_onsets(heard_curve(wave, _RATE_HZ))
            matches.append(match_onsets(true_s, heard.times_s, TOLERANCE_S))
        means = [np.mean([getattr(one, name) for one in matches]) for name in ("f1", "precision", "recall")]
        error_ms = 1000 * np.mean([one.mean_error_s for one in matches])
        found.append(Heard(level_db, *map(float, (*means, error_ms))))
    return found


def print_heard(rows: Sequence[Heard]) -> str:
    """A Markdown table."""
    lines = ["| hits over ambience | F1 within 50 ms | precision | recall | mean error |", "|---|---:|---:|---:|---:|"]
    for row in rows:
        name = "no ambience" if row.level_db is None else f"{row.level_db:.0f} dB"
        lines.append(f"| {name} | {row.f1:.3f} | {row.precision:.3f} | {row.recall:.3f} | {row.error_ms:.1f} ms |")
    return "\n".join(lines)


def _sounds(table: Path, words: Sequence[str], seconds: tuple[float, float], most: int) -> list[np.ndarray]:
    try:
        with table.open(newline="", encoding="utf-8") as stream:
            lines = [line for line in csv.DictReader(stream) if line["split"] == "eval"]
        fitting = [
            table.parent / line["file"]
            for line in lines
            if any(word in line["caption"] for word in words) and seconds[0] <= float(line["seconds"]) < seconds[1]
        ]
    except (OSError, KeyError, ValueError) as error:
        raise FoleyError(f"The table of sounds {table} cannot be read: {error}.") from error
    chosen = np.random.default_rng(0).permutation(len(fitting))[:most]
    return [resample(wave, rate_hz, _RATE_HZ) for wave, rate_hz in (read_wav(fitting[index]) for index in chosen)]


def _from_attack(wave: np.ndarray) -> np.ndarray:
    """A hit at full level from where it first reaches a twentieth of its highest power, at most `_LONGEST_S` long."""
    power = np.convolve(np.square(wave), np.ones(80) / 80, mode="same")
    start = int(np.argmax(power > 0.05 * power.max(initial=0.0)))
    cut = wave[start : start + round(_LONGEST_S * _RATE_HZ)]
    return cut / max(float(np.abs(cut).max(initial=0.0)), 1e-9)


def _scene(
    hits: Sequence[np.ndarray], ambience: Sequence[np.ndarray], level_db: float | None, rng: np.random.Generator
) -> tuple[np.ndarray, list[float]]:
    """A scene (N,) and the times of its hits; half of the scenes repeat one hit."""
    wave, time_s, true_s = np.zeros(round(_SCENE_S * _RATE_HZ), np.float32), _EDGE_S, []
    one = hits[rng.integers(len(hits))] if rng.random() < 0.5 else None
    while time_s < _SCENE_S - 2 * _EDGE_S:
        hit = hits[rng.integers(len(hits))] if one is None else one
        start = round(time_s * _RATE_HZ)
        length = min(len(hit), len(wave) - start)
        wave[start : start + length] += 10 ** (rng.uniform(_SOFTEST_DB, 0) / 20) * hit[:length]
        true_s.append(time_s)
        time_s += rng.uniform(*_GAPS_S)
    if level_db is not None:
        bed = np.resize(ambience[rng.integers(len(ambience))], len(wave))
        wave = wave + bed * (wave.std() / max(float(bed.std()), 1e-9) * 10 ** (-level_db / 20))
    return wave, true_s
