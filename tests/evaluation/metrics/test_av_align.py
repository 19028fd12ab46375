"""AV-Align: peaks of motion, peaks of sound, and how many fall together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rhythmic_foley.evaluation.metrics.av_align import (
    MotionPeaks,
    audio_peaks,
    av_align,
    local_maxima,
    mean_flow,
    video_peaks,
)
from rhythmic_foley.media.reading import read_audio


def texture() -> np.ndarray:
    """uint8 (96, 160): soft blobs, which optical flow can follow."""
    import cv2

    noise = np.random.default_rng(0).random((96, 160)).astype(np.float32)
    blurred = cv2.GaussianBlur(noise, (0, 0), 4)
    return (255 * (blurred - blurred.min()) / np.ptp(blurred)).astype(np.uint8)


def shaken(steps: list[int]) -> list[np.ndarray]:
    """Frames that move by so many pixels each."""
    return [np.roll(texture(), x, axis=1)[:, :, None].repeat(3, axis=2) for x in np.cumsum(steps)]


def test_the_flow_is_as_long_as_the_movement() -> None:
    flow = mean_flow(shaken([0, 0, 3, 0, 1]))
    assert flow.shape == (5,)
    assert flow[0] == flow[1]
    assert flow[1] < 0.1 and flow[3] < 0.1
    assert flow[2] == pytest.approx(3, rel=0.25)
    assert 0.5 < flow[4] < 1.5
    assert local_maxima(flow) == [2]


def test_local_maxima_are_strict_and_never_at_the_ends() -> None:
    assert local_maxima([5, 1, 2, 1, 3, 3, 1, 9]) == [2]
    assert local_maxima([1, 2]) == local_maxima([]) == []


def test_intersection_over_union() -> None:
    assert av_align([1.0, 2.0], [1.01, 3.0], fps=25) == pytest.approx(1 / 3)
    assert av_align([1.0], [1.0], fps=25) == 1.0
    assert av_align([1.0], [], fps=25) == av_align([], [1.0], fps=25) == 0.0
    assert av_align([], [], fps=25) is None


def test_a_frame_is_the_tolerance_and_does_not_count_itself() -> None:
    assert av_align([1.0], [1.25], fps=4) == 0.0
    assert av_align([1.0], [1.24], fps=4) == 1.0


def test_sounds_may_share_a_motion_peak_as_published() -> None:
    assert av_align([1.0, 1.01], [1.0], fps=25) == 2.0


def test_peaks_of_a_clip(clip: Path) -> None:
    wave = read_audio(clip, 44_100)
    assert audio_peaks(wave, 44_100) == pytest.approx((0.25, 0.7), abs=0.03)
    peaks = video_peaks(clip)
    assert peaks.fps == pytest.approx(25)
    assert peaks.times_s and all(0 < time_s < 1 for time_s in peaks.times_s)
    assert peaks.before(0.5).times_s == tuple(time_s for time_s in peaks.times_s if time_s < 0.5)
    assert peaks.times_s == tuple(round(time_s * 25) / 25 for time_s in peaks.times_s)


def test_small_frames_keep_their_number(clip: Path) -> None:
    assert video_peaks(clip, max_side=80).fps == video_peaks(clip).fps
    assert isinstance(video_peaks(clip, max_side=80), MotionPeaks)
