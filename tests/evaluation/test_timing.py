"""Scoring of generated hits: with a pipeline that clicks where it is told, and with one that does not listen."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from rhythmic_foley.audio import SAMPLE_RATE_HZ
from rhythmic_foley.evaluation.timing import evaluate_timing, print_timing, random_onsets
from rhythmic_foley.onsets import Onsets

WINDOW_S = 8.192


class Clicker:
    """Clicks at the onsets if the temporal strength is above 0, else at random times."""

    window_s = WINDOW_S

    def __init__(self) -> None:
        self.rng = np.random.default_rng(1)

    def __call__(self, *, onsets: Onsets, temporal_scale: float, **_: object) -> SimpleNamespace:
        times_s = onsets.times_s if temporal_scale else self.rng.uniform(0.2, 8, len(onsets))
        wave = np.zeros(131_072, np.float32)
        burst = self.rng.standard_normal(800) * np.exp(-np.arange(800) / 200)
        for time_s in times_s:
            start = round(time_s * SAMPLE_RATE_HZ)
            wave[start : start + 800] += burst
        return SimpleNamespace(wave=torch.from_numpy(wave))


def test_random_onsets_keep_their_distance() -> None:
    for seed in range(50):
        onsets = random_onsets(np.random.default_rng(seed), WINDOW_S)
        assert 4 <= len(onsets) <= 10
        assert np.diff(onsets.times_s).min() >= 0.3 - 1e-9
        assert onsets.times_s[0] >= 0.2 and onsets.times_s[-1] <= WINDOW_S - 0.2 + 1e-9


def test_one_who_obeys_scores_and_one_who_does_not_is_near_chance() -> None:
    rows = evaluate_timing(Clicker(), masks=6, scales=(0.0, 1.0))
    assert len(rows) == 8  # strengths x detectors x tolerances
    by_key = {(r.temporal_scale, r.detector, r.tolerance_s): r for r in rows}
    for detector in ("reference", "attacks"):
        assert by_key[1.0, detector, 0.05].f1 > 0.95
        assert by_key[0.0, detector, 0.05].f1 < 0.35
        assert by_key[0.0, detector, 0.05].recall <= by_key[0.0, detector, 0.1].recall


def test_table_has_a_line_a_row() -> None:
    rows = evaluate_timing(Clicker(), masks=1, scales=(1.0,))
    table = print_timing(rows).splitlines()
    assert len(table) == 2 + len(rows)
    assert table[2].startswith("| 1 | reference | 50 ms |")


@pytest.mark.parametrize("seed", [0, 3])
def test_masks_come_from_the_seed_alone(seed: int) -> None:
    first, again = (random_onsets(np.random.default_rng(seed), WINDOW_S) for _ in range(2))
    assert first == again
