"""Scoring of generated hits: with a model that clicks where it is told, and with one that does not listen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import SimpleNamespace

import numpy as np
import pytest

from rhythmic_foley.audio.mel import SAMPLE_RATE_HZ
from rhythmic_foley.evaluation.experiments.sampling import Generated, Parts, Request
from rhythmic_foley.evaluation.experiments.timing import (
    SCALES,
    TIMING_VARIANTS,
    evaluate_timing,
    print_timing,
    random_onsets,
    timing_requests,
)

WINDOW_S = 8.192
PIPELINE = SimpleNamespace(window_s=WINDOW_S)
OFF, ON = "temporal strength 0", "temporal strength 1"


def click(pipeline: object, requests: Sequence[Request], parts: Parts, **_: object) -> Iterator[Generated]:
    """Clicks at the onsets if the temporal strength is above 0, else at random times."""
    rng = np.random.default_rng(1)
    for request in requests:
        times_s = request.onsets.times_s if parts.temporal_scale else rng.uniform(0.2, 8, len(request.onsets))
        wave = np.zeros(131_072, np.float32)
        burst = rng.standard_normal(800) * np.exp(-np.arange(800) / 200)
        for time_s in times_s:
            start = round(time_s * SAMPLE_RATE_HZ)
            wave[start : start + 800] += burst
        yield Generated(wave, SAMPLE_RATE_HZ, np.zeros((128, 512)))


def test_random_onsets_keep_their_distance() -> None:
    for seed in range(50):
        onsets = random_onsets(np.random.default_rng(seed), WINDOW_S)
        assert 4 <= len(onsets) <= 10
        assert np.diff(onsets.times_s).min() >= 0.3 - 1e-9
        assert onsets.times_s[0] >= 0.2 and onsets.times_s[-1] <= WINDOW_S - 0.2 + 1e-9


def test_one_who_obeys_scores_and_one_who_does_not_is_near_chance() -> None:
    variants = {name: SCALES[name] for name in (OFF, ON)}
    rows = evaluate_timing(PIPELINE, masks=6, variants=variants, generator=click)
    assert len(rows) == 8  # variants x detectors x tolerances
    by_key = {(r.variant, r.detector, r.tolerance_s): r for r in rows}
    for detector in ("reference", "attacks"):
        assert by_key[ON, detector, 0.05].f1 > 0.95
        assert by_key[OFF, detector, 0.05].f1 < 0.35
        assert by_key[OFF, detector, 0.05].recall <= by_key[OFF, detector, 0.1].recall


def test_table_has_a_line_for_each_variant_and_detector() -> None:
    rows = evaluate_timing(PIPELINE, masks=1, variants={ON: SCALES[ON]}, generator=click)
    table = print_timing(rows).splitlines()
    assert len(table) == 2 + 2
    assert table[2].startswith(f"| {ON} | attacks | 1.00, 1.00, **1.00** |")


def test_strengths_and_ablations_are_all_different() -> None:
    assert len(set(TIMING_VARIANTS.values())) == len(TIMING_VARIANTS) == 8
    assert [parts.temporal_scale for parts in SCALES.values()] == [0.0, 0.5, 1.0, 1.5]


@pytest.mark.parametrize("seed", [0, 3])
def test_masks_come_from_the_seed_alone(seed: int) -> None:
    assert timing_requests(3, WINDOW_S, seed) == timing_requests(4, WINDOW_S, seed)[:3]
    assert timing_requests(3, WINDOW_S, seed) != timing_requests(3, WINDOW_S, seed + 1)
