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
from rhythmic_foley.training.event_detector.recorded import Recorded, read_film, with_offsets
from rhythmic_foley.training.loop import Schedule, train
from rhythmic_foley.values.curve import Curve, pick_onsets
from rhythmic_foley.vision.onset_detector import RATE_HZ

SCHEDULE = Schedule(steps=1700, learning_rate=2.5e-3, warmup=60, weight_decay=1e-2, ema_decay=0.99)
DRAWN_CLIPS = 1050
CALIBRATION_CLIPS = 50
FILM_SCHEDULE = Schedule(steps=300, learning_rate=1e-3, warmup=40, weight_decay=1e-2, ema_decay=0.985)
# On film the beat tells the top of a swing from the hit, so the network looks 2.3 s back and ahead.
FILM_DILATIONS = (1, 2, 4, 8, 16)
_FILM_BATCH, _FILM_WINDOW = 6, 110
_FILM_SHARE, _UNSEEN_SHARE = 0.8, 0.05  # of the clips: film, and of that film in which the sounding thing is not seen
# Network and motion curve err differently; on rendered clips their plain mean ranks onsets better than either.
MOTION_SHARE = 0.5
# Calibration on film: of those tried, what gave the best F1 at the default threshold in cross-validation by recording.
FILM_SLOPE, FILM_OFFSET, FILM_MOTION_SHARE = 1.1, 1.0, 0.35
_BATCH = 10
_ONSET_WEIGHT = 3.0  # of frames with an onset; there are few
_SOUNDING_SHARE = 0.25


def train_event_detector(
    checkpoint: Path,
    runs: Path,
    steps: int | None = None,
    *,
    clips: int = DRAWN_CLIPS,
    film: Path | None = None,
    detector: EventDetector | None = None,
) -> EventDetector:
    """Makes the clips, trains on them, calibrates on others, and writes `event_detector` into the checkpoint.

    Args:
        checkpoint: folder of the components.
        runs: clips' features, logs and resumable states go to `event-detector` in it.
        steps: optimiser steps instead of the recipe's.
        clips: how many are drawn to train on.
        film: a folder of real film to tune it on in the end, see `recorded`; without it there is no such part.
        detector: an untrained one, by default of the shipped size.
    """
    run = runs / "event-detector"
    detector = train_on_drawings(run, steps, clips=clips, detector=detector)
    if film is not None:
        recordings = with_offsets(read_film(film, run / "film-features"), detector)
        detector = tune_on_film(detector, recordings, load(run / "drawn"), run / "film", steps)
    detector.to(torch.float16).save_pretrained(checkpoint / "event_detector")
    return detector.float()


def train_on_drawings(
    run: Path, steps: int | None, *, clips: int | None = None, detector: EventDetector | None = None
) -> EventDetector:
    """The part of the training that needs no film, calibrated; all files go to `run`."""
    clips = clips or DRAWN_CLIPS
    held_out = HELD_OUT_SEED + max(2, min(CALIBRATION_CLIPS, clips // 4))
    prepare(run / "drawn", drawn, range(clips))
    prepare(run / "calibration" / "drawn", drawn, range(HELD_OUT_SEED, held_out))
    torch.manual_seed(0)
    detector = (detector or EventDetector()).to(memory_format=torch.channels_last)
    pools = [(1.0, load(run / "drawn"))]
    schedule = replace(SCHEDULE, steps=steps or SCHEDULE.steps)
    train(detector, lambda step: loss(detector, draw_batch(pools, step, _BATCH)), schedule, run / "first")
    calibrate(detector, load(run / "calibration" / "drawn"))
    return detector


def tune_on_film(
    detector: EventDetector,
    film: Sequence[Recorded],
    drawings: Sequence[Example],
    run: Path,
    steps: int | None = None,
) -> EventDetector:
    """Train on real film with drawings among it; returns a detector that sees further, calibrated for film.

    Args:
        film: with offsets allowed for; clips whose onsets cannot be seen teach only when something sounds.
        run: folder for the log and the resumable state.
        steps: optimiser steps instead of the recipe's.
    """
    torch.manual_seed(0)
    wide = detector.widened(FILM_DILATIONS).to(memory_format=torch.channels_last)
    pools = film_pools(film, drawings)
    schedule = replace(FILM_SCHEDULE, steps=steps or FILM_SCHEDULE.steps)

    def loss_of(step: int) -> torch.Tensor:
        return loss(wide, draw_batch(pools, step, _FILM_BATCH, frames=_FILM_WINDOW))

    train(wide, loss_of, schedule, run)
    wide.register_to_config(slope=FILM_SLOPE, offset=FILM_OFFSET, motion_share=FILM_MOTION_SHARE)
    return wide


def film_pools(film: Sequence[Recorded], drawings: Sequence[Example]) -> list[tuple[float, Sequence[Example]]]:
    """Which share of the windows comes from where: each source of film, film without a visible source, drawings.

    A source counts by the square root of the number of its clips, so that the largest does not rule.
    """
    sources: dict[str, list[Example]] = {}
    for item in film:
        sources.setdefault(item.source if item.judgeable else "", []).append(item.example)
    unseen = sources.pop("", [])
    pools = [(len(examples) ** 0.5, examples) for examples in sources.values()]
    total = sum(root for root, _ in pools)
    pools = [(root / total * (1 - _UNSEEN_SHARE), examples) for root, examples in pools] + [(_UNSEEN_SHARE, unseen)]
    pools = [(share * _FILM_SHARE, examples) for share, examples in pools] + [(1 - _FILM_SHARE, drawings)]
    there = [(share, examples) for share, examples in pools if examples]
    total = sum(share for share, _ in there)
    return [(share / total, examples) for share, examples in there]


def loss(detector: EventDetector, batch: Batch) -> torch.Tensor:
    """Weighted cross-entropy of onsets, and some of that of the event track; what is unclear does not count."""
    logits = detector(batch.grids, batch.clips).float()
    raw = F.binary_cross_entropy_with_logits(logits, batch.targets, reduction="none")
    onset = raw[..., 0] * (1 + (_ONSET_WEIGHT - 1) * batch.targets[..., 0])
    return (onset * batch.weights[..., 0] + _SOUNDING_SHARE * raw[..., 1] * batch.weights[..., 1]).mean()


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


def proposal(detector: EventDetector, item: Example) -> np.ndarray:
    """(T,) what `detect` would propose of a clip: network and motion curve together."""
    odds = detector.config.slope * onset_logits(detector, item).astype(np.float64) + detector.config.offset
    return (1 - detector.config.motion_share) / (1 + np.exp(-odds)) + detector.config.motion_share * item.motion


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
