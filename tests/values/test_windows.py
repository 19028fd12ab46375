"""Window plans and stitching."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rhythmic_foley.values.windows import Window, in_rounds, plan_windows, stitch

RATE_HZ = 16_000


@pytest.mark.parametrize("duration_s", [0.3, 8.0, 8.192, 8.2, 15.36, 15.37, 61.0, 600.0])
def test_plan_covers_the_clip_with_equal_windows(duration_s):
    windows = plan_windows(duration_s)
    assert [window.index for window in windows] == list(range(len(windows)))
    assert windows[0].start_s == 0 and windows[-1].end_s >= duration_s - 1e-6
    for one, other in zip(windows, windows[1:], strict=False):
        assert one.end_s - other.start_s == pytest.approx(1.024)
    assert all(window.end_s - window.start_s == pytest.approx(8.192) for window in windows)
    # No window is there for the sake of the overlap alone.
    assert len(windows) == 1 or windows[-2].end_s < duration_s


def test_short_clips_give_one_window():
    assert plan_windows(0.3) == (Window(0, 0.0, 8.192),)
    assert len(plan_windows(8.192)) == 1 and len(plan_windows(15.36)) == 2 and len(plan_windows(15.361)) == 3


def test_plan_without_overlap_and_with_too_much():
    assert [window.start_s for window in plan_windows(3.0, 1.0, 0.0)] == [0.0, 1.0, 2.0]
    with pytest.raises(ValueError, match="overlap_s"):
        plan_windows(3.0, 1.0, 0.6)


def test_stitched_noise_keeps_its_power():
    windows = plan_windows(30.0)
    random = np.random.default_rng(0)
    waves = [random.standard_normal(131_072) for _ in windows]
    sound = stitch(waves, windows, RATE_HZ, 30 * RATE_HZ)
    assert sound.dtype == np.float32 and sound.shape == (30 * RATE_HZ,)
    blocks = sound.reshape(-1, 4000).std(axis=1)
    assert 0.94 < blocks.min() and blocks.max() < 1.06


def test_fades_have_equal_power():
    windows = plan_windows(15.0)
    silent, ones = np.zeros(131_072), np.ones(131_072)
    falling = stitch([ones, silent], windows, RATE_HZ, 15 * RATE_HZ)
    rising = stitch([silent, ones], windows, RATE_HZ, 15 * RATE_HZ)
    np.testing.assert_allclose(falling**2 + rising**2, 1.0, atol=1e-6)
    assert falling[0] == 1 and rising[-1] == 1 and np.all(np.diff(falling) <= 1e-6)


@pytest.mark.parametrize("likeness", [0.0, 0.5, 1.0])
def test_a_joint_is_as_loud_as_its_windows_however_alike_they_are(likeness):
    windows = plan_windows(15.0)
    random = np.random.default_rng(0)
    shared, own = random.standard_normal(16_384), random.standard_normal((2, 131_072))
    own[0, -16_384:] = math.sqrt(likeness) * shared + math.sqrt(1 - likeness) * own[0, -16_384:]
    own[1, :16_384] = math.sqrt(likeness) * shared + math.sqrt(1 - likeness) * own[1, :16_384]
    sound = stitch(own, windows, RATE_HZ, 15 * RATE_HZ)
    start = round(windows[1].start_s * RATE_HZ)
    blocks = sound[start : start + 16_384].reshape(8, -1).std(axis=1)
    assert 0.95 < blocks.min() and blocks.max() < 1.05
    if likeness == 1:
        np.testing.assert_allclose(sound[start : start + 16_384], shared, atol=1e-5)


@pytest.mark.parametrize("rate_hz", [16_000, 22_050, 44_100])
def test_nothing_drifts_in_ten_minutes(rate_hz):
    """A click placed by time in its window comes out at that time in the clip."""
    windows = plan_windows(600.0)
    waves = []
    for _ in windows:
        wave = np.zeros(round(8.192 * rate_hz))
        wave[round(4.0 * rate_hz)] = 1.0
        waves.append(wave)
    sound = stitch(waves, windows, rate_hz, 600 * rate_hz)
    clicks_s = np.flatnonzero(sound) / rate_hz
    wanted_s = [window.start_s + 4.0 for window in windows if window.start_s + 4.0 < 600]
    np.testing.assert_allclose(clicks_s, wanted_s, atol=1 / rate_hz)


def test_waves_may_be_a_little_off_in_length_and_the_clip_shorter_than_a_window():
    windows = plan_windows(10.0)
    sound = stitch([np.ones(130_816), np.ones(140_000)], windows, RATE_HZ, 10 * RATE_HZ)
    assert sound.shape == (160_000,) and np.isfinite(sound).all()
    assert stitch([np.ones(131_072)], plan_windows(0.3), RATE_HZ, 4800).tolist() == [1.0] * 4800
    with pytest.raises(ValueError, match="2 waves"):
        stitch([np.ones(4), np.ones(4)], plan_windows(0.3), RATE_HZ, 4)


@pytest.mark.parametrize(
    ("at_once", "rounds"), [(1, [[0], [2], [4], [1], [3]]), (2, [[0, 2], [4], [1, 3]]), (8, [[0, 2, 4], [1, 3]])]
)
def test_windows_of_a_round_do_not_overlap(at_once: int, rounds: list[list[int]]) -> None:
    windows = plan_windows(36.0)
    assert [[window.index for window in round_] for round_ in in_rounds(windows, at_once)] == rounds
