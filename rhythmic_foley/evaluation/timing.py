"""Does a generated hit come when it was asked for? Random onset masks, with and without the temporal adapter."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from rhythmic_foley.audio import SAMPLE_RATE_HZ
from rhythmic_foley.events import SoundEvent
from rhythmic_foley.onsets import Onsets, attack_times, detect_onsets, match_onsets
from rhythmic_foley.pipeline import RhythmicFoleyPipeline

PERCUSSIVE = (
    "hammering wood",
    "snare drum",
    "pickaxe striking stone",
    "footstep on gravel",
    "axe chopping wood",
    "swords clashing",
    "kick drum",
    "glass breaking",
    "door closing",
    "hand drum hit",
)
TOLERANCES_S = (0.05, 0.1)
SCALES = (0.0, 0.5, 1.0, 1.5)

Detector = Callable[[np.ndarray, int], Onsets]
DETECTORS: dict[str, Detector] = {"reference": detect_onsets, "attacks": attack_times}


@dataclass(frozen=True)
class TimingRow:
    """Pooled over all masks: of the wanted onsets the share that was hit, of the found ones the share that was wanted.

    Attributes:
        detector: "reference" (librosa, delta 0.3, paper's protocol) or "attacks" (finer, ours).
    """

    temporal_scale: float
    detector: str
    tolerance_s: float
    precision: float
    recall: float
    f1: float


def random_onsets(rng: np.random.Generator, window_s: float) -> Onsets:
    """4 to 10 onsets, at least 0.3 s apart and 0.2 s away from the edges, of full strength."""
    count = int(rng.integers(4, 11))
    slack_s = window_s - 0.4 - 0.3 * (count - 1)
    return Onsets.of(np.sort(rng.uniform(0, slack_s, count)) + 0.2 + 0.3 * np.arange(count))


def evaluate_timing(
    pipeline: RhythmicFoleyPipeline,
    *,
    masks: int = 20,
    scales: Sequence[float] = SCALES,
    steps: int = 20,
    seed: int = 0,
    report: Callable[[str], None] = lambda line: None,
) -> list[TimingRow]:
    """Generates a percussive window for each mask and strength, and looks where its hits are.

    The same noise is used at every strength, so that only the strength differs.
    """
    rng = np.random.default_rng(seed)
    wanted = [random_onsets(rng, pipeline.window_s) for _ in range(masks)]
    rows: list[TimingRow] = []
    for scale in scales:
        waves = []
        for number, onsets in enumerate(wanted):
            events = [SoundEvent(PERCUSSIVE[number % len(PERCUSSIVE)])]
            generator = torch.Generator().manual_seed(seed * 1000 + number)
            output = pipeline(events=events, onsets=onsets, temporal_scale=scale, steps=steps, generator=generator)
            waves.append(output.wave.numpy())
            report(f"strength {scale:g}: mask {number + 1} of {masks}")
        rows += _score(scale, wanted, waves)
    return rows


def _score(scale: float, wanted: Sequence[Onsets], waves: Sequence[np.ndarray]) -> Iterator[TimingRow]:
    for name, detector in DETECTORS.items():
        found = [detector(wave, SAMPLE_RATE_HZ) for wave in waves]
        for tolerance_s in TOLERANCES_S:
            matches = [match_onsets(w.times_s, f.times_s, tolerance_s) for w, f in zip(wanted, found, strict=True)]
            hits = sum(m.hits for m in matches)
            precision = hits / max(1, sum(m.found for m in matches))
            recall = hits / max(1, sum(m.wanted for m in matches))
            f1 = 2 * precision * recall / max(1e-9, precision + recall)
            yield TimingRow(scale, name, tolerance_s, precision, recall, f1)


def print_timing(rows: Sequence[TimingRow]) -> str:
    """The rows as a Markdown table."""
    lines = [
        "| temporal strength | detector | tolerance | precision | recall | F1 |",
        "|---:|---|---:|---:|---:|---:|",
    ]
    for r in rows:
        lines.append(
            f"| {r.temporal_scale:g} | {r.detector} | {r.tolerance_s * 1000:.0f} ms "
            f"| {r.precision:.2f} | {r.recall:.2f} | {r.f1:.2f} |"
        )
    return "\n".join(lines)
