"""What the detector reads of a clip, and what the shipped one sees in drawn pictures."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.models.event_detector import EventDetector
from rhythmic_foley.values.curve import Curve, pick_onsets
from rhythmic_foley.vision.motion import motion_curve, steps
from rhythmic_foley.vision.onset_detector import RATE_HZ, detect, features, load_detector, mixed

_CHECKPOINT = Path(__file__).resolve().parents[2] / "checkpoints" / "mini"


def _wall(seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=(120, 192)).astype(np.float32)
    return cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 3), None, 30, 130, cv2.NORM_MINMAX).astype(np.uint8)


def _bounces(fps: float, duration_s: float = 4.0, period_s: float = 0.6, first_s: float = 0.43):
    """A ball that touches the floor at first_s, first_s + period_s, ...; frames and those times."""
    wall, frames = _wall(1), []
    for index in range(round(fps * duration_s)):
        phase = (index / fps - first_s) % period_s / period_s
        centre = (96 * 16, round((90 - 55 * 4 * phase * (1 - phase)) * 16))
        grey = cv2.circle(wall.copy(), centre, 14 * 16, 220, -1, cv2.LINE_AA, 4)
        grey = cv2.circle(grey, (centre[0] - 90, centre[1] + 60), 70, 40, -1, cv2.LINE_AA, 4)
        frames.append((index / fps, np.repeat(grey[..., None], 3, axis=2)))
    return frames, np.arange(first_s, duration_s - 0.1, period_s)


@pytest.fixture
def toy() -> EventDetector:
    torch.manual_seed(0)
    return EventDetector(widths=(4, 6, 8), hidden=12).eval()


@pytest.mark.parametrize("fps", [12.0, 15.0, 23.976, 30.0, 60.0])
def test_features_come_30_times_a_second_whatever_the_frame_rate(fps: float):
    frames, true_s = _bounces(fps)
    read = features(list(steps(frames)))
    assert abs(len(read.grids) - frames[-1][0] * RATE_HZ) <= 2
    assert read.grids.shape[1:] == (8, 10, 16) and read.clips.shape == (len(read.grids), 5)
    # Motion is lost around each contact and nowhere else as much.
    lost = read.grids[:, 5].max(axis=(1, 2))
    for contact_s in true_s:
        around = slice(max(0, int((contact_s - 0.15) * RATE_HZ)), int((contact_s + 0.18) * RATE_HZ))
        assert abs((around.start + lost[around].argmax()) / RATE_HZ - contact_s) <= max(1 / 30, 1 / fps) + 1e-6


def test_nothing_is_compared_across_a_cut():
    shots = (_wall(2), 255 - _wall(3))
    frames = [(i / 30, np.repeat(np.roll(shots[i // 20], i, axis=1)[..., None], 3, axis=2)) for i in range(40)]
    read = features(list(steps(frames)))
    cut = read.clips[:, 2].argmax()
    assert abs(cut / RATE_HZ - 20 / 30) < 0.04
    assert not read.grids[cut, :7].any()
    assert not read.grids[cut - 1 : cut + 2, 5:7].any()


def test_without_a_detector_the_motion_curve_speaks():
    frames, _ = _bounces(30.0, 1.5)
    seen = detect(frames, None)
    assert np.array_equal(seen.curve.values, motion_curve(frames).values)
    assert not len(seen.sounding.values)


def test_detect_gives_both_tracks_and_works_on_next_to_nothing(toy: EventDetector):
    frames, _ = _bounces(25.0, 1.5)
    seen = detect(frames, toy)
    assert np.allclose(np.diff(seen.curve.times_s), 1 / RATE_HZ)
    assert len(seen.curve.values) == len(seen.sounding.values)
    assert 0 <= seen.curve.values.min() and seen.curve.values.max() <= 1
    for count in (0, 1, 2):
        assert len(detect(frames[:count], toy).curve.values) <= 2


def test_long_clips_are_looked_at_in_stretches_with_the_same_result(toy: EventDetector, monkeypatch):
    frames, _ = _bounces(30.0, 6.0)
    whole = detect(frames, toy)
    monkeypatch.setattr("rhythmic_foley.vision.onset_detector._CHUNK", 50)
    parts = detect(frames, toy)
    assert np.allclose(whole.curve.values, parts.curve.values, atol=1e-5)


def test_mixing_is_a_weighted_mean_on_the_networks_times():
    network = Curve(np.array([0.0, 0.1, 0.2]), np.array([0.0, 1.0, 0.0]))
    motion = Curve(np.array([0.05, 0.15]), np.array([0.4, 0.8]))
    assert mixed(network, motion, 0.5).values == pytest.approx([0.0, 0.5 + 0.3, 0.0])
    assert mixed(network, motion, 0.0).values == pytest.approx(network.values)


def test_loading(toy: EventDetector, tmp_path: Path):
    assert load_detector(tmp_path) is None
    toy.save_pretrained(tmp_path / "event_detector")
    assert load_detector(tmp_path).config.widths == [4, 6, 8]
    next((tmp_path / "event_detector").glob("*.safetensors")).write_bytes(b"broken")
    with pytest.raises(FoleyError, match="damaged"):
        load_detector(tmp_path)
    shutil.rmtree(tmp_path / "event_detector")


@pytest.mark.parametrize("fps", [12.0, 15.0, 25.0, 29.97, 60.0])
def test_the_shipped_detector_sees_a_bounce_at_the_same_time_at_any_frame_rate(fps: float):
    detector = load_detector(_CHECKPOINT)
    assert detector is not None, "the shipped checkpoint has one"
    frames, true_s = _bounces(fps)
    found_s = np.asarray(pick_onsets(detect(frames, detector).curve).times_s)
    assert len(found_s) == len(true_s)
    assert np.abs(found_s - true_s).max() <= max(1 / 30, 1 / fps)
