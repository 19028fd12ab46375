"""AV-Align (TempoTokens, as in Seeing-and-Hearing): do peaks of motion and onsets of sound fall together?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rhythmic_foley.audio.onset_detection import DETECTOR_RATE_HZ
from rhythmic_foley.evaluation.metrics.onset_metrics import resample


@dataclass(frozen=True)
class MotionPeaks:
    """Moments of most motion in a clip, and the rate of its frames, which is the tolerance."""

    times_s: tuple[float, ...]
    fps: float

    def before(self, end_s: float) -> MotionPeaks:
        """Those in the first `end_s` seconds."""
        return MotionPeaks(tuple(time_s for time_s in self.times_s if time_s < end_s), self.fps)


def video_peaks(path: str | Path, *, max_side: int | None = None) -> MotionPeaks:
    """Peaks of the mean Farneback flow of a clip at its own frame rate.

    Args:
        max_side: frames are scaled down so that no side is longer; None takes them as they are, as published (slow).

    Raises:
        FoleyError: if the clip cannot be read.
    """
    from rhythmic_foley.media.reading import probe, read_frames

    fps = probe(path).fps
    size = (max_side, max_side) if max_side else None
    flow = mean_flow(image for _, image in read_frames(path, fps, size, fit="inside"))
    return MotionPeaks(tuple(index / fps for index in local_maxima(flow)), fps)


def mean_flow(frames: Iterable[np.ndarray]) -> np.ndarray:
    """Mean length of the flow into each frame, in pixels; the first one's is taken from the second.

    Args:
        frames: uint8 (H, W, 3) RGB.

    Returns:
        (frames,).
    """
    import cv2

    lengths, last = [], None
    for frame in frames:
        grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
        if last is not None:
            flow = cv2.calcOpticalFlowFarneback(last, grey, None, 0.5, 3, 15, 3, 5, 1.2, 0)
            lengths.append(float(cv2.mean(cv2.magnitude(flow[..., 0], flow[..., 1]))[0]))
        last = grey
    return np.array(lengths[:1] + lengths)


def local_maxima(values: Sequence[float]) -> list[int]:
    """Indices that exceed both neighbours; the ends have none."""
    middle = np.asarray(values, dtype=np.float64)
    if len(middle) < 3:
        return []
    return [int(i) + 1 for i in np.flatnonzero((middle[1:-1] > middle[:-2]) & (middle[1:-1] > middle[2:]))]


def audio_peaks(wave: np.ndarray, sample_rate_hz: int) -> tuple[float, ...]:
    """librosa's onsets of (N,) with its own defaults at 22,050 Hz, in seconds: more than `detect_onsets` finds."""
    import librosa

    wave = resample(wave, sample_rate_hz, DETECTOR_RATE_HZ)
    return tuple(float(t) for t in librosa.onset.onset_detect(y=wave, sr=DETECTOR_RATE_HZ, units="time"))


def av_align(sound_s: Sequence[float], motion_s: Sequence[float], fps: float) -> float | None:
    """Intersection over union of sound and motion peaks; None where there is neither.

    A sound peak counts as shared if a motion peak lies less than a frame away. As published, several sound peaks may
    share one motion peak, so that a dense sound can even pass 1.
    """
    shared = sum(any(abs(sound - motion) < 1 / fps for motion in motion_s) for sound in sound_s)
    union = len(sound_s) + len(motion_s) - shared
    return shared / union if union else None
