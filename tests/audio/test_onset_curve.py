"""Attacks that are heard in taps, hums and noise, as a curve."""

from __future__ import annotations

import numpy as np
import pytest

from rhythmic_foley.audio.onset_curve import clarity_db, heard_curve, heard_onsets, hit_levels_db
from rhythmic_foley.values.curve import pick_onsets
from rhythmic_foley.values.onsets import match_onsets

RATE_HZ = 16_000
TIMES_S = (0.4, 0.9, 1.25, 2.0, 2.6, 3.3)
GAINS = (1.0, 0.3, 0.6, 0.15, 0.8, 0.4)


def taps(noise: float = 0.0, decay_s: float = 0.06, rate_hz: int = RATE_HZ) -> np.ndarray:
    rng = np.random.default_rng(0)
    wave = noise * rng.standard_normal(4 * rate_hz)
    length = np.arange(round(0.4 * rate_hz))
    for time_s, gain in zip(TIMES_S, GAINS, strict=True):
        start = round(time_s * rate_hz)
        burst = gain * 0.5 * rng.standard_normal(len(length)) * np.exp(-length / rate_hz / decay_s)
        wave[start : start + len(length)] += burst
    return wave.astype(np.float32)


def hums() -> np.ndarray:
    """A voice that says "mm" with soft starts."""
    time_s = np.arange(4 * RATE_HZ) / RATE_HZ
    wave = np.zeros_like(time_s)
    for start_s in TIMES_S:
        along = time_s - start_s
        shape = np.clip(along / 0.03, 0, 1) * np.exp(-np.maximum(along, 0) / 0.09) * (along > 0)
        for harmonic in range(1, 8):
            wave += shape * np.sin(2 * np.pi * 140 * harmonic * time_s) / harmonic
    return (0.2 * wave).astype(np.float32)


@pytest.mark.parametrize("wave", [taps(), taps(noise=0.002), taps(decay_s=0.2), hums()])
def test_clean_hits_are_found_within_50_ms(wave):
    found = pick_onsets(heard_curve(wave, RATE_HZ))
    assert match_onsets(TIMES_S, found.times_s, 0.05).f1 == 1.0


def test_times_are_right_to_a_few_milliseconds_at_any_rate():
    for rate_hz in (RATE_HZ, 44_100):
        found = pick_onsets(heard_curve(taps(rate_hz=rate_hz), rate_hz))
        assert found.times_s == pytest.approx(TIMES_S, abs=0.006)


def test_louder_hits_are_stronger():
    found = pick_onsets(heard_curve(taps(), RATE_HZ))
    assert np.argsort(found.strengths).tolist() == np.argsort(GAINS).tolist()
    assert max(found.strengths) == 1.0


def test_a_lower_threshold_only_adds():
    curve = heard_curve(taps(noise=0.05), RATE_HZ)
    assert set(pick_onsets(curve).times_s) < set(pick_onsets(curve, 0.05).times_s)


def test_silence_and_nothing_have_no_attacks():
    for wave in (np.zeros(RATE_HZ), np.zeros(0), np.full(RATE_HZ, 1e-6)):
        assert len(heard_onsets(wave, RATE_HZ)) == 0
        assert len(pick_onsets(heard_curve(wave, RATE_HZ))) == 0


def test_a_sound_that_is_there_at_once_starts_at_0():
    wave = taps()[round(0.4 * RATE_HZ) :]
    assert pick_onsets(heard_curve(wave, RATE_HZ)).times_s[0] == pytest.approx(0.0, abs=0.01)


def test_clarity_tells_clean_from_noisy():
    assert clarity_db(taps(), RATE_HZ, TIMES_S) > 20
    assert clarity_db(taps(noise=0.2), RATE_HZ, TIMES_S) < 10
    assert clarity_db(taps(), RATE_HZ, ()) == 0.0


def test_levels_after_each_time():
    levels = hit_levels_db(taps(), RATE_HZ, [*TIMES_S, 9.0])
    assert levels[0] - levels[1] == pytest.approx(20 * np.log10(1 / 0.3), abs=1.5)
    assert levels[-1] == -120.0
