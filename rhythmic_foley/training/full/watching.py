"""Trains the event detector on film: what moves in the picture, and when and while the clip's own sound is heard."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from rhythmic_foley.audio.mel import SAMPLE_RATE_HZ
from rhythmic_foley.audio.onset_detection import attack_times
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.media.reading import read_frames
from rhythmic_foley.models.event_detector import EventDetector
from rhythmic_foley.training.event_detector.data import Example, across, draw_batch, motion_at, onset_target
from rhythmic_foley.training.event_detector.fit import calibrate, loss
from rhythmic_foley.training.full.prepare import read_sound
from rhythmic_foley.training.full.shards import Record, Records, pack, unpack
from rhythmic_foley.training.full.sources import CLIP_S, Clip
from rhythmic_foley.training.loop import Schedule, train
from rhythmic_foley.vision.motion import steps
from rhythmic_foley.vision.onset_detector import RATE_HZ, features

# Something sounds where its level is within this of the clip's loudest, over a tenth of a second.
_SOUNDING_DB, _SOUNDING_S = 30.0, 0.1


@dataclass(frozen=True)
class Watching:
    """One run: `batch_size` windows of 2.4 s a step and process, `seed` of their order."""

    schedule: Schedule
    batch_size: int
    seed: int = 0


def motion_record(clip: Clip) -> Record | None:
    """What the detector reads of a clip and should say of it; None if it does not sound.

    Raises:
        FoleyError: if it cannot be read, or has a single picture.
    """
    wave = read_sound(clip)
    if wave is None:
        return None
    found = list(steps(read_frames(clip.path, RATE_HZ, end_s=CLIP_S)))
    if not found:
        raise FoleyError(f"Nothing moves in {clip.path}.")
    read = features(found)
    times_s = np.arange(len(read.grids)) / RATE_HZ
    onsets_s = np.array(attack_times(wave, SAMPLE_RATE_HZ).times_s)
    grids, clips = across(read.grids, read.clips)
    return {
        "grids.npy": pack(grids.astype(np.float16)),
        "clips.npy": pack(clips.astype(np.float16)),
        "motion.npy": pack(motion_at(found, times_s)),
        "targets.npy": pack(np.stack([onset_target(times_s, onsets_s), sounding(wave, times_s)], axis=1)),
        "onsets.npy": pack(onsets_s),
    }


class Watched:
    """Examples of all shards in a folder, as `draw_batch` takes them."""

    def __init__(self, folder: Path) -> None:
        """
        Raises:
            FoleyError: if there are none.
        """
        self._records = Records(folder)

    def __len__(self) -> int:
        return len(self._records)

    def __getitem__(self, index: int) -> Example:
        record = self._records[index]
        names = ("grids", "clips", "motion", "targets", "onsets")
        grids, clips, motion, targets, onsets_s = (unpack(record[f"{name}.npy"]) for name in names)
        weights, unclear_s = np.ones(len(targets), np.float32), np.zeros((0, 2))
        return Example(grids, clips, motion, targets, weights, onsets_s, unclear_s, np.array("film"))


def train_on_film(detector: EventDetector, data: Watched, held_out: Watched, watching: Watching, run: Path) -> None:
    """Trains and then calibrates on clips that were not trained on; goes on where an earlier run stopped."""

    def loss_of(draw: int) -> torch.Tensor:
        batch = draw_batch([(1.0, data)], draw, watching.batch_size, seed=watching.seed)
        return loss(detector, batch.to(detector.device))

    train(detector, loss_of, watching.schedule, run)
    calibrate(detector.cpu(), [held_out[index] for index in range(len(held_out))])


def sounding(wave: np.ndarray, times_s: np.ndarray) -> np.ndarray:
    """(T,) float32: 1 where the sound (N,) at 16 kHz is heard at these times."""
    half = round(_SOUNDING_S / 2 * SAMPLE_RATE_HZ)
    energy = np.concatenate([[0.0], np.cumsum(np.square(wave, dtype=np.float64))])
    middle = np.round(times_s * SAMPLE_RATE_HZ).astype(int)
    first, last = (np.clip(middle + way * half, 0, len(wave)) for way in (-1, 1))
    level = (energy[last] - energy[first]) / (2 * half)
    return (level > level.max(initial=0.0) * 10 ** (-_SOUNDING_DB / 10)).astype(np.float32)
