"""The vocoder's table: distances of known signals, what is compared, and what is printed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from sounds import write_library

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.evaluation.experiments.vocoder import (
    evaluate_vocoder,
    held_out_pairs,
    log_spectral_distance,
    new_pair,
    print_vocoder,
)
from rhythmic_foley.models import sizes
from rhythmic_foley.models.vocoder import FoleyVocoder


def noise(seconds: float, rate_hz: int, seed: int = 0) -> np.ndarray:
    return (0.1 * np.random.default_rng(seed).standard_normal(round(seconds * rate_hz))).astype(np.float32)


def test_distance_of_a_gain_is_its_decibels():
    wave = noise(0.5, 16_000)
    assert log_spectral_distance(wave, wave, 16_000) == 0
    assert log_spectral_distance(wave, wave / 2, 16_000) == pytest.approx(6.02, abs=0.01)


def test_distance_above_a_frequency_ignores_what_lies_below():
    clock_s = np.arange(22_050) / 44_100
    high = noise(0.5, 44_100)
    low = (np.sin(2 * np.pi * 500 * clock_s) * np.hanning(len(clock_s))).astype(np.float32)
    assert log_spectral_distance(high + low, high, 44_100, above_hz=8000) == pytest.approx(0, abs=0.2)
    assert log_spectral_distance(high + low, low, 44_100, above_hz=8000) > 20
    # A pure low tone has nothing up there that one could miss.
    assert log_spectral_distance(low, high, 44_100, above_hz=8000) is None


def test_pairs_are_of_one_length_and_held_out(tmp_path: Path):
    table = write_library(tmp_path)
    with pytest.raises(FoleyError, match=r"no held-out sounds at 44\.1 kHz"):
        list(held_out_pairs(_with_seconds(table), 5))
    (tmp_path / "sounds_44k").mkdir()
    for number in range(5):
        soundfile.write(tmp_path / "sounds_44k" / f"s{number}.ogg", noise(0.6, 44_100, number), 44_100)
    pairs = list(held_out_pairs(table, 5))
    assert len(pairs) == 2  # the packages of the other three are trained on
    for pair in pairs:
        assert len(pair.narrow) % 256 == 0
        assert len(pair.wide) == round(len(pair.narrow) / 16_000 * 44_100)
        assert np.abs(pair.wide).max() == pytest.approx(0.5, abs=0.01)


def _with_seconds(table: Path) -> Path:
    head, *rows = table.read_text(encoding="utf-8").splitlines()
    table.write_text("\n".join([f"{head},seconds", *(f"{row},1.0" for row in rows)]) + "\n", encoding="utf-8")
    return table


def test_all_methods_are_in_the_tables():
    torch.manual_seed(0)
    vocoder = FoleyVocoder(width=8, hidden=16, depth=1, iterations=1).eval()
    autoencoder = sizes.new_autoencoder(sizes.TOY).eval()
    pairs = [new_pair(noise(0.3, 44_100, seed)) for seed in range(2)]
    narrow, wide = evaluate_vocoder(vocoder, autoencoder, pairs, visqol=False)
    assert [row.sounds for row in (*narrow, *wide)] == [2] * 10
    distance = {row.method: row.lsd_db for row in wide}
    # Even the untrained guess is nearer to noise than nothing at all.
    assert distance["real sound at 16 kHz with this upper octave"] < distance["real sound at 16 kHz, resampled"] - 10
    text = print_vocoder(narrow, wide)
    assert text.count("| 2 |") == 10 and "LSD above 8 kHz" in text
