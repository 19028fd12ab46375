"""Real against made: nothing to find in equal sounds, and the band in which something was changed is found."""

from __future__ import annotations

import numpy as np
import pytest

from rhythmic_foley.evaluation.experiments.realness import BANDS, realness, spectral_statistics

KINDS = [f"kind {number // 3}" for number in range(60)]
GROUPS = ["hits", "sounds that go on"] * 30


def windows(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((60, 12)), rng.standard_normal((60, len(BANDS), 8))


def test_equal_sounds_cannot_be_told_apart() -> None:
    found = realness(windows(0), windows(1), KINDS, GROUPS)
    assert 0.35 < found.everything.value < 0.65
    assert set(found.by_group) == set(GROUPS) and set(found.by_band) == set(BANDS)


def test_what_gives_a_sound_away_is_found_and_where() -> None:
    features, statistics = windows(1)
    statistics[:, 2, 3] += 4.0
    found = realness(windows(0), (features, statistics), KINDS, GROUPS)
    errors = [estimate.value for estimate in found.by_band.values()]
    assert found.everything.value < 0.2 and errors[2] < 0.1
    assert min(errors[:2] + errors[3:]) > 0.3


def test_statistics_tell_tones_from_noise_and_short_from_long() -> None:
    clock_s = np.arange(131_072) / 16_000
    rng = np.random.default_rng(0)
    tone = np.sin(2 * np.pi * 1000 * clock_s)
    noise = rng.standard_normal(len(clock_s)) * 0.2
    hit = noise * np.exp(-((clock_s - 1) % 2) / 0.03)
    of_tone, of_noise, of_hit = (spectral_statistics(wave, 16_000) for wave in (tone, noise, hit))
    assert of_tone.shape == (4, 8)
    assert of_tone[1, 4] < of_noise[1, 4]  # flatness of the band that holds 1 kHz
    assert of_hit[2, 5] > of_noise[2, 5] + 0.1  # it falls, the noise does not
    np.testing.assert_allclose(spectral_statistics(0.1 * hit, 16_000), of_hit, atol=1e-4)


def test_one_fold_is_refused() -> None:
    with pytest.raises(ValueError, match="one fold"):
        realness(windows(0), windows(1), ["bell"] * 60, GROUPS)
