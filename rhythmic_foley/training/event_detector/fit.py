"""The stage that trains the event detector, and its calibration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from rhythmic_foley.models.event_detector import EventDetector
from rhythmic_foley.training.event_detector.data import (
    HELD_OUT_SEED,
    Batch,
    Example,
    draw_batch,
    drawn,
    load,
    prepare,
)
from rhythmic_foley.training.loop import Schedule, train
from rhythmic_foley.values.curve import Curve, pick_onsets
from rhythmic_foley.vision.onset_detector import RATE_HZ

SCHEDULE = Schedule(steps=1700, learning_rate=2.5e-3, warmup=60, weight_decay=1e-2, ema_decay=0.99)
DRAWN_CLIPS = 1050
CALIBRATION_CLIPS = 50
# Network and motion curve err differently; on rendered clips their plain mean ranks onsets better than either.
MOTION_SHARE = 0.5
_BATCH = 10
_ONSET_WEIGHT = 3.0  # of frames with an onset; there are few
_SOUNDING_SHARE = 0.25


def train_event_detector(
    checkpoint: Path,
    runs: Path,
    steps: int | None = None,
    *,
    clips: int = DRAWN_CLIPS,
    detector: EventDetector | None = None,
) -> EventDetector:
    """Makes the clips, trains on them, calibrates on others, and writes `event_detector` into the checkpoint.

    Args:
        checkpoint: folder of the components.
        runs: clips' features, logs and resumable states go to `event-detector` in it.
        steps: optimiser steps instead of the recipe's.
        clips: how many are drawn to train on.
        detector: an untrained one, by default of the shipped size.
    """
    run = runs / "event-detector"
    held_out = HELD_OUT_SEED + max(2, min(CALIBRATION_CLIPS, clips // 4))
    prepare(run / "drawn", drawn, range(clips))
    prepare(run / "calibration" / "drawn", drawn, range(HELD_OUT_SEED, held_out))
    torch.manual_seed(0)
    detector = (detector or EventDetector()).to(memory_format=torch.channels_last)
    pools = [(1.0, load(run / "drawn"))]
    schedule = replace(SCHEDULE, steps=steps or SCHEDULE.steps)
    train(detector, lambda step: loss(detector, draw_batch(pools, step, _BATCH)), schedule, run / "first")
    calibrate(detector, load(run / "calibration" / "drawn"))
    detector.to(torch.float16).save_pretrained(checkpoint / "event_detector")
    return detector.float()


def loss(detector: EventDetector, batch: Batch) -> torch.Tensor:
    """Weighted cross-entropy of onsets, and some of that of the event track; what is unclear does not count."""
    logits = detector(batch.grids, batch.clips).float()
    raw = F.binary_cross_entropy_with_logits(logits, batch.targets, reduction="none")
    onset = raw[..., 0] * (1 + (_ONSET_WEIGHT - 1) * batch.targets[..., 0])
    return ((onset + _SOUNDING_SHARE * raw[..., 1]) * batch.weights).mean()


def calibrate(detector: EventDetector, examples: Sequence[Example]) -> None:
    """Sets the detector's slope and offset.

    The slope makes probabilities true (Platt's scaling); then the offset moves the level at which as many onsets are
    made up as are missed to the default threshold.
    """
    logits = [onset_logits(detector, item) for item in examples]
    slope = _platt_slope(np.concatenate(logits), np.concatenate([item.targets[:, 0] for item in examples]))
    level = balanced_level(logits, [item.onsets_s for item in examples])
    detector.register_to_config(slope=slope, offset=-slope * level, motion_share=MOTION_SHARE)


@torch.no_grad()
def onset_logits(detector: EventDetector, item: Example) -> np.ndarray:
    """(T,) uncalibrated onset logits of a clip."""
    grids, clips = (torch.from_numpy(part[None].astype(np.float32)) for part in (item.grids, item.clips))
    return detector.eval()(grids, clips)[0, :, 0].numpy()


def balanced_level(logits: Sequence[np.ndarray], onsets_s: Sequence[np.ndarray]) -> float:
    """The logit above which there are as many peaks as onsets over all clips, so that precision equals recall."""
    strengths: list[float] = []
    for row in logits:
        times_s, values = np.arange(len(row)) / RATE_HZ, 1 / (1 + np.exp(-row.astype(np.float64)))
        strengths += pick_onsets(Curve(times_s, values), 0.0).strengths
    wanted = sum(map(len, onsets_s))
    level = np.sort(strengths)[::-1][min(wanted, len(strengths)) - 1] if wanted and strengths else 0.5
    return float(np.log(level / (1 - level)))


def _platt_slope(logits: np.ndarray, targets: np.ndarray) -> float:
    line = torch.tensor([1.0, 0.0], requires_grad=True)
    given, wanted = torch.from_numpy(logits).float(), torch.from_numpy(targets).float()
    optimizer = torch.optim.LBFGS([line], max_iter=50)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        value = F.binary_cross_entropy_with_logits(line[0] * given + line[1], wanted)
        value.backward()
        return value

    optimizer.step(closure)
    return float(line[0].detach())
