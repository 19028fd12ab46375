"""When a sound starts, and while what sounds, seen in the picture by the event detector of a checkpoint.

Without a detector the motion curve alone speaks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from rhythmic_foley.models.event_detector import EventDetector
from rhythmic_foley.values.curve import NOTHING_SEEN, Curve, Seen
from rhythmic_foley.vision.motion import Step, curve_of_steps, motion_lost, steps

RATE_HZ = 30.0
_CHUNK = 600  # frames looked at in one go; on both sides come those that the network's outputs depend on
# Where little moves, features are not blown up beyond what these would give.
_LEAST_SPEED, _LEAST_CHANGE, _LEAST_LOSS = 0.03, 2.0, 0.3


@dataclass(frozen=True)
class Features:
    """What the detector reads of a clip, 30 times a second from 0 on.

    Attributes:
        grids: (T, 8, rows, columns): velocity (2), speed, change, brightening, motion lost, motion gained, still.
        clips: (T, 5): the camera's velocity (2), a cut, length of the step and how far into it the time lies.
    """

    grids: np.ndarray
    clips: np.ndarray


def load_detector(checkpoint: str | Path) -> EventDetector | None:
    """The event detector of a checkpoint; None if it has none.

    Raises:
        FoleyError: if its files are damaged.
    """
    folder = Path(checkpoint) / "event_detector"
    if not (folder / "config.json").is_file():
        return None
    return EventDetector.from_pretrained(folder)


def detect(frames: Iterable[tuple[float, np.ndarray]], detector: EventDetector | None) -> Seen:
    """Looks at a clip once, as a stream of (time_s, uint8 (H, W, 3) RGB), best at its own frame rate up to 30 Hz."""
    found = list(steps(frames))
    motion = curve_of_steps(found)
    if detector is None or not found:
        return Seen(motion, NOTHING_SEEN.sounding)
    seen = detect_steps(found, detector)
    return Seen(mixed(seen.curve, motion, detector.config.motion_share), seen.sounding)


def detect_steps(found: Sequence[Step], detector: EventDetector) -> Seen:
    """What the network alone says of what moves between frames."""
    onset, sounding = _looked(features(found), detector).T
    times_s = np.arange(len(onset)) / RATE_HZ
    return Seen(Curve(times_s, onset), Curve(times_s, sounding))


def mixed(network: Curve, motion: Curve, motion_share: float) -> Curve:
    """Weighted mean of two curves, on the times of the first."""
    other = np.interp(network.times_s, motion.times_s, motion.values, left=0.0, right=0.0)
    return Curve(network.times_s, (1 - motion_share) * network.values + motion_share * other)


def features(found: Sequence[Step]) -> Features:
    """Features of a clip from what moves between its frames, each channel on the clip's own scale."""
    grids = np.stack([_grid(found, index) for index in range(len(found))])
    _scale(grids)
    ends_s = np.array([step.end_s for step in found])
    starts_s = np.array([step.start_s for step in found])
    times_s = np.arange(int(ends_s[-1] * RATE_HZ) + 1) / RATE_HZ
    index = np.minimum(np.searchsorted(ends_s, times_s - 1e-6), len(found) - 1)
    lengths_s = (ends_s - starts_s)[index]
    clips = np.stack(
        [
            *np.array([np.arcsinh(step.camera / 0.1) for step in found])[index].T,
            np.array([step.is_cut for step in found])[index],
            np.minimum(lengths_s * RATE_HZ, 4) - 1,
            np.clip((times_s - starts_s[index]) / lengths_s, 0, 1) - 0.5,
        ],
        axis=1,
    )
    return Features(grids[index], clips.astype(np.float32))


def _grid(found: Sequence[Step], index: int) -> np.ndarray:
    """(8, rows, columns), not yet scaled; nothing is compared across a cut."""
    step = found[index]
    lost = gained = np.zeros_like(step.change)
    around = found[index - 1 : index + 2] if index else ()
    if len(around) == 3 and not any(item.is_cut for item in around):
        lost, gained = motion_lost(around[0], around[2]), motion_lost(around[2], around[0])
    dark = 0.0 if step.is_cut else 1.0
    moved = [*np.moveaxis(step.velocity, -1, 0) * dark, step.speed * dark, step.change * dark, step.brighter * dark]
    return np.stack([*moved, lost, gained, np.exp(-step.change)]).astype(np.float32)


def _scale(grids: np.ndarray) -> None:
    """Brings (T, 8, rows, columns) to about one, in place, by what is usual at the clip's strong moments."""
    if not grids.size:
        return
    strong = np.quantile(np.partition(grids[:, 2:7].reshape(len(grids), 5, -1), -3, axis=-1)[..., -3], 0.95, axis=0)
    speed, change, loss = max(strong[0], _LEAST_SPEED), max(strong[1], _LEAST_CHANGE), max(strong[3], _LEAST_LOSS)
    gain = max(strong[4], _LEAST_LOSS)
    for channel, scale in enumerate((speed, speed, speed, change, change, loss, gain)):
        grids[:, channel] = np.arcsinh(3 * grids[:, channel] / scale)


@torch.no_grad()
def _looked(read: Features, detector: EventDetector) -> np.ndarray:
    """(T, 2) probabilities, in stretches that overlap so that memory stays small."""
    out, frames, margin = [], len(read.grids), detector.reach_frames
    for start in range(0, frames, _CHUNK):
        first, last = max(0, start - margin), min(frames, start + _CHUNK + margin)
        grids, clips = (
            torch.from_numpy(part[None, first:last]).to(detector.device) for part in (read.grids, read.clips)
        )
        seen = detector.probabilities(grids, clips)[0].cpu().numpy()
        out.append(seen[start - first : min(start + _CHUNK, frames) - first])
    return np.concatenate(out)
