"""How well the event detector does on film that it was not trained on: cross-validation by recording.

    rhythmic-foley evaluate onsets-from-video FILM --cross-validate 5 [--runs RUNS]

Drawings are learnt once; then, fold by fold, film without the recordings that are judged.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rhythmic_foley.evaluation.experiments.video_onsets import read_table, score_curves
from rhythmic_foley.evaluation.metrics.seen_onsets import Judged, Row
from rhythmic_foley.models.event_detector import EventDetector
from rhythmic_foley.training.event_detector.data import load
from rhythmic_foley.training.event_detector.fit import proposal, train_on_drawings, tune_on_film
from rhythmic_foley.training.event_detector.recorded import Recorded, read_film, with_offsets
from rhythmic_foley.values.curve import DEFAULT_THRESHOLD, Curve
from rhythmic_foley.vision.onset_detector import RATE_HZ


def cross_validate(
    folder: Path, runs: Path, folds: int, steps: int | None = None
) -> tuple[list[Judged], dict[str, list[Row]]]:
    """Scores of a detector that has not seen the recording, and of drawings alone, for each judgeable clip of film.

    Args:
        folder: film, as `recorded` reads it.
        runs: where training goes; what is done already is not done again.
        folds: into how many parts the recordings are dealt.
        steps: optimiser steps of each training instead of the recipe's.
    """
    run = runs / "event-detector"
    start = train_on_drawings(run, steps)
    film = with_offsets(read_film(folder, run / "film-features"), start)
    drawings = load(run / "drawn")
    curves: dict[str, tuple[Curve, Curve]] = {}
    for number, members in enumerate(deal(film, folds)):
        others = [item for item in film if item.recording not in members]
        detector = tune_on_film(start, others, drawings, run / f"fold-{number}-of-{folds}", steps)
        for item in film:
            if item.recording in members and item.judgeable:
                curves[item.name] = (_curve(detector, item), _curve(start, item))
    clips = read_table(folder, folder / "clips.csv")
    methods = {"film, cross-validated": 0, "drawings alone": 1}
    return clips, {
        method: score_curves(method, clips, [curves[clip.name][index] for clip in clips], DEFAULT_THRESHOLD)
        for method, index in methods.items()
    }


def deal(film: Sequence[Recorded], folds: int) -> list[set[str]]:
    """The recordings of each fold, source by source, so that every fold has about as many judgeable clips of each."""
    dealt: list[set[str]] = [set() for _ in range(folds)]
    for source in sorted({item.source for item in film}):
        counts: dict[str, int] = {}
        for item in film:
            if item.source == source:
                counts[item.recording] = counts.get(item.recording, 0) + item.judgeable
        held = [0] * folds
        for recording, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])):
            fold = min(range(folds), key=lambda number: (held[number], len(dealt[number])))
            dealt[fold].add(recording)
            held[fold] += count
    return dealt


def _curve(detector: EventDetector, item: Recorded) -> Curve:
    values = proposal(detector, item.example)
    return Curve(np.arange(len(values)) / RATE_HZ, values)
