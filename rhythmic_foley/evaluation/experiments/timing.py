"""Does a generated hit come when it was asked for? Random onset masks, with parts of the model switched off."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rhythmic_foley.audio.onset_detection import attack_times, detect_onsets
from rhythmic_foley.evaluation.experiments.sampling import ABLATIONS, Generated, Parts, Request, generate
from rhythmic_foley.pipeline.pipeline import RhythmicFoleyPipeline
from rhythmic_foley.values.events import SoundEvent
from rhythmic_foley.values.onsets import Onsets, match_onsets

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
SCALES: Mapping[str, Parts] = {
    f"temporal strength {scale:g}": Parts(temporal_scale=scale) for scale in (0.0, 0.5, 1.0, 1.5)
}
# Without its adapter and at strength 0 are one thing; everything is strength 1.
TIMING_VARIANTS = {
    **SCALES,
    **{name: ABLATIONS[name] for name in ("without semantic adapter", "event track only", "text only", "base alone")},
}

Detector = Callable[[np.ndarray, int], Onsets]
DETECTORS: dict[str, Detector] = {"attacks": attack_times, "reference": detect_onsets}


@dataclass(frozen=True)
class TimingRow:
    """Pooled over all masks: of the found onsets the share that was wanted, of the wanted ones the share that was hit.

    Attributes:
        variant: which parts of the model took part.
        detector: "reference" (librosa, delta 0.3, paper's protocol) or "attacks" (finer, ours).
    """

    variant: str
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


def timing_requests(masks: int, window_s: float, seed: int = 0) -> list[Request]:
    """A percussive caption for each random mask; the seed gives masks and noise."""
    rng = np.random.default_rng(seed)
    wanted = [random_onsets(rng, window_s) for _ in range(masks)]
    return [
        Request((SoundEvent(PERCUSSIVE[number % len(PERCUSSIVE)]),), onsets, seed * 1000 + number)
        for number, onsets in enumerate(wanted)
    ]


def evaluate_timing(
    pipeline: RhythmicFoleyPipeline,
    *,
    masks: int = 20,
    variants: Mapping[str, Parts] = SCALES,
    steps: int | None = None,
    seed: int = 0,
    batch: int = 8,
    quick: bool = False,
    report: Callable[[str], None] = lambda line: None,
    generator: Callable[..., Iterable[Generated]] = generate,
) -> list[TimingRow]:
    """Generates a percussive window for each mask and variant, and looks where its hits are.

    The same noise is used for every variant, so that only the variant differs.

    Args:
        generator: what makes the windows, called like `generate`.
    """
    requests = timing_requests(masks, pipeline.window_s, seed)
    rows: list[TimingRow] = []
    for name, parts in variants.items():
        sounds = []
        for sound in generator(pipeline, requests, parts, steps=steps, batch=batch, quick=quick):
            sounds.append(sound)
            report(f"{name}: mask {len(sounds)} of {masks}")
        rows += score_timing(name, [request.onsets for request in requests], sounds)
    return rows


def score_timing(name: str, wanted: Sequence[Onsets], sounds: Sequence[Generated]) -> Iterator[TimingRow]:
    """Rows for one variant."""
    for detector_name, detector in DETECTORS.items():
        found = [detector(sound.wave, sound.sample_rate_hz) for sound in sounds]
        for tolerance_s in TOLERANCES_S:
            matches = [match_onsets(w.times_s, f.times_s, tolerance_s) for w, f in zip(wanted, found, strict=True)]
            hits = sum(m.hits for m in matches)
            precision = hits / max(1, sum(m.found for m in matches))
            recall = hits / max(1, sum(m.wanted for m in matches))
            f1 = 2 * precision * recall / max(1e-9, precision + recall)
            yield TimingRow(name, detector_name, tolerance_s, precision, recall, f1)


def print_timing(rows: Sequence[TimingRow]) -> str:
    """The rows as a Markdown table, a line for each variant and detector."""
    lines = [
        "| | detector | " + " | ".join(f"P, R, F1 at {1000 * t:.0f} ms" for t in TOLERANCES_S) + " |",
        "|---|---|" + "---|" * len(TOLERANCES_S),
    ]
    cells: dict[tuple[str, str], list[str]] = {}
    for r in rows:
        cells.setdefault((r.variant, r.detector), []).append(f"{r.precision:.2f}, {r.recall:.2f}, **{r.f1:.2f}**")
    lines += [f"| {variant} | {detector} | {' | '.join(texts)} |" for (variant, detector), texts in cells.items()]
    return "\n".join(lines)
