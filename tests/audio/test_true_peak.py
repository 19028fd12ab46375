"""True peaks: the signals of EBU Tech 3341 (cases 15 to 19), and a limiter that keeps to them."""

from __future__ import annotations

import numpy as np
import pytest

from rhythmic_foley.audio.true_peak import limit_true_peak, true_peak_dbtp

RATE_HZ = 48_000


def tone(divisor: int, phase_deg: float, level: float) -> np.ndarray:
    """A second of a sine at the rate / divisor, faded in and out as the document asks."""
    samples = np.arange(RATE_HZ)
    fade = np.minimum(1.0, np.minimum(samples, samples[::-1]) / 480)
    return level * fade * np.sin(2 * np.pi * samples / divisor + np.deg2rad(phase_deg))


@pytest.mark.parametrize(
    ("divisor", "phase_deg", "level", "expected"),
    [(4, 0.0, 0.50, -6.0), (4, 45.0, 0.50, -6.0), (6, 60.0, 0.50, -6.0), (8, 67.5, 0.50, -6.0), (4, 45.0, 1.41, 3.0)],
)
def test_ebu_signals(divisor: int, phase_deg: float, level: float, expected: float) -> None:
    """The document allows +0.2 and -0.4 dB."""
    assert expected - 0.4 <= true_peak_dbtp(tone(divisor, phase_deg, level)) <= expected + 0.2


@pytest.mark.parametrize("middle", [400, 1 << 18, (1 << 18) + 3, 299_700])
def test_peaks_between_samples_are_seen_at_every_place(middle: int) -> None:
    """A burst whose samples stop at -3 dB, also where the sound is measured in two blocks."""
    wave = np.zeros(300_000)
    samples = np.arange(-200, 200)
    wave[middle - 200 : middle + 200] = np.hanning(400) * np.sin(2 * np.pi * samples / 4 + np.pi / 4)
    assert 20 * np.log10(np.abs(wave).max()) == pytest.approx(-3.0, abs=0.1)
    assert true_peak_dbtp(wave) == pytest.approx(0.0, abs=0.3)
    assert true_peak_dbtp(np.zeros(10)) == -np.inf and true_peak_dbtp(np.zeros(0)) == -np.inf


def test_the_limiter_keeps_below_and_leaves_the_quiet_alone() -> None:
    hits = 0.01 * np.random.default_rng(0).standard_normal((RATE_HZ, 2)).astype(np.float32)
    hits[RATE_HZ // 2 : RATE_HZ // 2 + 480] *= 120
    limited = limit_true_peak(hits, RATE_HZ, -2.0)
    assert true_peak_dbtp(limited) <= -2.0 + 1e-4
    quiet = limited[: RATE_HZ // 4] / hits[: RATE_HZ // 4]
    assert quiet.min() > 0.9  # a hit does not push down what is a quarter of a second away
    assert limit_true_peak(hits * 0.01, RATE_HZ, -2.0) == pytest.approx(hits * 0.01)
    assert np.abs(np.diff(limited[:, 0] / limited[:, 1] * hits[:, 1] / hits[:, 0])).max() < 1e-3  # channels as one
