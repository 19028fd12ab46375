"""Loudness and mix as two factors, and a new stretch in an old sound."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rhythmic_foley.audio.loudness import PEAK_LIMIT, as_loud_as, loudness_lufs
from rhythmic_foley.audio.mixing import Mix, with_stretch
from rhythmic_foley.audio.wav import read_wav, write_wav

RATE_HZ = 16_000


def noise(level: float, seed: int = 0, seconds: float = 2.0) -> np.ndarray:
    return (level * np.random.default_rng(seed).standard_normal(round(seconds * RATE_HZ))).astype(np.float32)


def test_a_mix_reaches_the_loudness():
    wave = noise(0.01)
    mix = Mix.of(wave, RATE_HZ, -23.0)
    assert loudness_lufs(mix.apply(wave), RATE_HZ) == pytest.approx(-23.0, abs=0.05)
    assert Mix.of(wave, RATE_HZ, None) == Mix(1.0, 0.0)
    assert Mix.of(np.zeros(RATE_HZ), RATE_HZ, -16.0) == Mix(1.0, 0.0)


def test_the_original_comes_under_it_and_peaks_keep_headroom():
    wave, original = np.full(8, 0.2, np.float32), np.full(8, 0.5, np.float32)
    mix = Mix.of(wave, RATE_HZ, None, original, -20.0)
    np.testing.assert_allclose(mix.apply(wave, original), 0.25, rtol=1e-6)
    loud = Mix.of(wave, RATE_HZ, None, 8 * original, 0.0)
    np.testing.assert_allclose(loud.apply(wave, 8 * original), PEAK_LIMIT, rtol=1e-6)
    assert loud.gain / loud.original_gain == pytest.approx(1.0)


def test_a_stretch_changes_nothing_beyond_its_fades():
    old, new = noise(0.1), noise(0.1, seed=1)
    both = with_stretch(old, new, RATE_HZ, 0.5, 0.75, fade_s=0.03)
    changed = np.flatnonzero(both != old)
    assert changed[0] / RATE_HZ == pytest.approx(0.47, abs=0.001)
    assert changed[-1] / RATE_HZ == pytest.approx(0.78, abs=0.001)
    inside = slice(round(0.5 * RATE_HZ), round(0.75 * RATE_HZ) + 1)
    np.testing.assert_allclose(both[inside], new[inside], atol=1e-7)


def test_samples_come_back_as_they_were(tmp_path: Path):
    write_wav(tmp_path / "a.wav", noise(0.5), RATE_HZ)  # some of it is clipped
    write_wav(tmp_path / "b.wav", read_wav(tmp_path / "a.wav")[0], RATE_HZ)
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()


def test_a_mono_sound_is_heard_in_both_channels_of_a_stereo_original():
    wave, original = noise(0.1), np.stack([noise(0.3, 1), -noise(0.3, 1)], axis=1)
    mix = Mix.of(wave, RATE_HZ, None, original, -6.0)
    mixed = mix.apply(wave, original)
    assert mixed.shape == original.shape
    np.testing.assert_allclose(mixed - mix.original_gain * original, mix.gain * np.stack([wave] * 2, 1), atol=1e-6)


def test_a_stretch_of_stereo():
    old, new = np.zeros((RATE_HZ, 2), np.float32), np.ones((RATE_HZ, 2), np.float32) * [1, 2]
    both = with_stretch(old, new, RATE_HZ, 0.5, 0.75)
    np.testing.assert_allclose(both[round(0.6 * RATE_HZ)], [1, 2])
    assert not both[: round(0.45 * RATE_HZ)].any()


def test_a_stereo_sound_reaches_the_loudness_and_keeps_its_sides():
    wave = np.stack([noise(0.05), 0.5 * noise(0.05, 1)], axis=1)
    loud = as_loud_as(wave, RATE_HZ, -10.0)
    assert loudness_lufs(loud, RATE_HZ) == pytest.approx(-10.0, abs=0.2)
    assert np.abs(loud).max() <= PEAK_LIMIT + 1e-6
    assert loud[:, 0].std() / loud[:, 1].std() == pytest.approx(2.0, rel=0.03)
    short = wave[:100]
    assert np.isfinite(loudness_lufs(short, RATE_HZ))
