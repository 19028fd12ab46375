"""Onsets seen in drawn pictures whose contact times are known exactly."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from rhythmic_foley.media.reading import probe, read_frames
from rhythmic_foley.values.curve import Curve, pick_onsets
from rhythmic_foley.values.onsets import match_onsets
from rhythmic_foley.vision.motion import motion_curve

_WIDTH, _HEIGHT = 320, 180
_FLOOR_Y = 150.0


def _texture(seed, height=_HEIGHT, width=_WIDTH):
    """uint8 (height, width, 3): smooth random clouds, something for the flow to hold on to."""
    noise = np.random.default_rng(seed).normal(size=(height, width)).astype(np.float32)
    clouds = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 3), None, 40, 215, cv2.NORM_MINMAX)
    return np.repeat(clouds[..., None], 3, axis=2).astype(np.uint8)


def _bouncing_height(time_s, period_s, drop_px, first_s):
    """Height over the floor of a ball that touches it at first_s, first_s + period_s, ... and never tires."""
    phase = (time_s - first_s) % period_s / period_s
    return drop_px * 4 * phase * (1 - phase)


def _ball_frames(fps, duration_s, height_of):
    """A dotted ball over a textured wall, sub-pixel positions; height_of(time_s) in pixels over the floor."""
    wall = _texture(1) // 2
    for index in range(round(fps * duration_s)):
        time_s = index / fps
        frame = wall.copy()
        centre = (_WIDTH / 2, _FLOOR_Y - 20 - height_of(time_s))
        fixed = tuple(round(value * 16) for value in centre)
        cv2.circle(frame, fixed, 20 * 16, (230, 200, 60), -1, cv2.LINE_AA, 4)
        cv2.circle(frame, (fixed[0] - 7 * 16, fixed[1] + 5 * 16), 5 * 16, (40, 40, 160), -1, cv2.LINE_AA, 4)
        cv2.circle(frame, (fixed[0] + 8 * 16, fixed[1] - 6 * 16), 4 * 16, (20, 90, 30), -1, cv2.LINE_AA, 4)
        yield time_s, frame


def _bounces(fps, duration_s=4.0, period_s=0.53, first_s=0.41):
    frames = _ball_frames(fps, duration_s, lambda time_s: _bouncing_height(time_s, period_s, 60, first_s))
    true_s = np.arange(first_s, duration_s - 0.1, period_s)
    return frames, true_s


@pytest.mark.parametrize("fps", [15.0, 25.0, 29.97, 60.0])
def test_every_bounce_is_found_within_25_ms_and_without_bias(fps):
    frames, true_s = _bounces(fps)
    found = pick_onsets(motion_curve(frames))
    match = match_onsets(true_s, found.times_s, 0.05)
    assert match.recall == 1.0
    assert match.precision == 1.0
    offsets_s = np.asarray(found.times_s) - true_s
    assert abs(offsets_s.mean()) < max(0.006, 0.2 / fps)
    assert np.abs(offsets_s).max() < 0.025


def test_a_thing_that_falls_and_stays_gives_one_onset_there():
    stop_s = 1.217
    frames = _ball_frames(30.0, 2.5, lambda time_s: 50 * (1 - (min(time_s, stop_s) / stop_s) ** 2))
    found = pick_onsets(motion_curve(frames))
    assert len(found) == 1
    assert found.times_s[0] == pytest.approx(stop_s, abs=0.02)
    assert found.strengths[0] == 1.0


def test_a_steady_pan_gives_no_onset():
    wide = _texture(2, width=_WIDTH * 2)
    frames = [(i / 30, wide[:, round(i * 2.6) : round(i * 2.6) + _WIDTH]) for i in range(100)]
    assert len(pick_onsets(motion_curve(frames))) == 0


def test_a_ball_is_still_found_under_a_panning_camera():
    frames, true_s = _bounces(30.0)
    shift = np.float32([[1, 0, 0], [0, 1, 0]])
    panned = []
    for index, (time_s, frame) in enumerate(frames):
        shift[0, 2] = 30 - 0.5 * index
        panned.append((time_s, cv2.warpAffine(frame, shift, (_WIDTH, _HEIGHT), borderMode=cv2.BORDER_REFLECT)))
    match = match_onsets(true_s, pick_onsets(motion_curve(panned)).times_s, 0.05)
    assert match.recall == 1.0
    assert match.precision >= 0.8


@pytest.mark.parametrize("moving", [False, True])
def test_a_cut_gives_no_onset(moving):
    wide = [_texture(seed, width=_WIDTH * 2) for seed in (3, 4, 5)]
    frames = []
    for index in range(90):
        left = round(index * 1.5) if moving else 0
        frames.append((index / 30, wide[index // 30][:, left : left + _WIDTH]))
    curve = motion_curve(frames)
    assert len(pick_onsets(curve)) == 0
    for cut_s in (1.0, 2.0):
        assert curve.values[np.abs(curve.times_s - (cut_s - 1 / 60)) < 0.04].max() == 0


def test_still_pictures_and_sensor_noise_give_no_onset():
    still = _texture(6)
    generator = np.random.default_rng(0)
    noisy = [
        (i / 30, np.clip(still + generator.normal(0, 4, still.shape), 0, 255).astype(np.uint8)) for i in range(60)
    ]
    assert len(pick_onsets(motion_curve((i / 30, still) for i in range(60)))) == 0
    assert len(pick_onsets(motion_curve(noisy))) == 0


def test_repeated_frames_of_a_slow_clip_read_fast_change_nothing():
    frames, true_s = _bounces(15.0)
    doubled = [(time_s + extra, frame) for time_s, frame in frames for extra in (0.0, 1 / 30)]
    match = match_onsets(true_s, pick_onsets(motion_curve(doubled)).times_s, 0.05)
    assert match.precision == match.recall == 1.0


def test_frames_are_taken_one_at_a_time():
    alive = []

    def counted():
        for i in range(40):
            alive.append(i)
            yield i / 30, np.roll(texture, i, axis=1)

    texture = _texture(7)
    curve = motion_curve(counted())
    assert len(alive) == 40
    assert len(curve.times_s) == len(curve.values) == 39
    assert curve.times_s[0] == pytest.approx(1 / 60)
    assert curve.values.min() >= 0 and curve.values.max() <= 1


@pytest.mark.parametrize("size", [(16, 16), (3, 500), (401, 33), (97, 55)])
def test_odd_sizes_work(size):
    frames = [(i / 30, np.full((*size, 3), i * 20, dtype=np.uint8)) for i in range(8)]
    assert len(motion_curve(frames).values) == 7


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_very_few_frames_give_an_empty_or_flat_curve(count):
    curve = motion_curve((i / 30, _texture(i)) for i in range(count))
    assert len(curve.values) == max(0, count - 1)
    assert len(pick_onsets(curve)) == 0


def test_a_curve_can_be_picked_again_with_another_threshold_and_gap():
    values = np.array([0, 0.4, 0, 0.9, 0, 0.6, 0])
    curve = Curve(np.arange(7) / 10, values)
    assert pick_onsets(curve, 0.5).times_s == pytest.approx((0.3, 0.5))
    assert pick_onsets(curve, 0.3).strengths == pytest.approx((0.4, 0.9, 0.6))
    assert pick_onsets(curve, 0.3, min_gap_s=0.25).times_s == pytest.approx((0.3,))


def test_peaks_are_placed_between_frames_on_uneven_times_too():
    times_s = np.array([0.0, 0.03, 0.08, 0.1])
    curve = Curve(times_s, 1 - 50 * (times_s - 0.042) ** 2)
    assert pick_onsets(curve, 0.5).times_s == pytest.approx((0.042,), abs=1e-9)


@pytest.mark.parametrize("name, hits", [("bouncing_ball", 0.6), ("hammer_anvil", 1.0), ("snare_drum", 0.6)])
def test_contacts_of_the_rendered_examples_are_seen(name, hits):
    path = Path(__file__).resolve().parents[2] / "examples" / f"{name}.mp4"
    facts = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    clip = probe(path)
    assert (clip.width, clip.height) == (facts["width"], facts["height"])
    assert clip.duration_s == pytest.approx(facts["duration_s"], abs=1e-3)
    found = pick_onsets(motion_curve(read_frames(path, clip.fps)))
    match = match_onsets(facts["onsets_s"], found.times_s, 0.1)
    assert match.recall >= hits
    assert match.f1 >= 0.6
