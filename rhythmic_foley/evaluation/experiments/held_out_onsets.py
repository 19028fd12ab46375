"""How well onsets are seen in drawn clips that were kept from training, for several mixtures with the motion curve.

    python -m rhythmic_foley.evaluation.experiments.held_out_onsets RUNS/event-detector/calibration [--shares 0 0.5]

The folder is what `rhythmic-foley train event-detector` leaves. For each share of the motion curve the detector is
judged as it is: mean over the clips.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rhythmic_foley.evaluation.experiments.video_onsets import format_rows, score_curves
from rhythmic_foley.evaluation.metrics.seen_onsets import Judged, Row, mean_row
from rhythmic_foley.models.event_detector import EventDetector
from rhythmic_foley.pipeline.loading import find_checkpoint
from rhythmic_foley.training.event_detector.data import Example, load
from rhythmic_foley.training.event_detector.fit import MOTION_SHARE, onset_logits
from rhythmic_foley.values.curve import DEFAULT_THRESHOLD, Curve
from rhythmic_foley.vision.onset_detector import RATE_HZ, load_detector, mixed


def evaluate_held_out(
    detector: EventDetector, sources: dict[str, Sequence[Example]], shares: Sequence[float]
) -> list[Row]:
    """Mean rows of every source of clips and share; clips in which nothing sounds have no score."""
    rows = []
    for share in shares:
        for name, examples in sources.items():
            known = [item for item in examples if len(item.onsets_s)]
            clips = [Judged(name, item.onsets_s, 0.0, np.inf, item.unclear_s) for item in known]
            curves = [_proposal(detector, item, share) for item in known]
            scored = score_curves(f"{name}, share {share:g}", clips, curves, DEFAULT_THRESHOLD)
            rows.append(mean_row(scored, "mean"))
    return rows


def _proposal(detector: EventDetector, item: Example, share: float) -> Curve:
    """What `detection.detect` would say of such a clip."""
    times_s = np.arange(len(item.motion)) / RATE_HZ
    odds = detector.config.slope * onset_logits(detector, item).astype(np.float64) + detector.config.offset
    network = Curve(times_s, 1 / (1 + np.exp(-odds)))
    return mixed(network, Curve(times_s, item.motion), share)


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Score onsets seen in clips that were kept from training.")
    parser.add_argument("folder", type=Path, help="holds drawn/")
    parser.add_argument("--shares", type=float, nargs="+", default=[MOTION_SHARE], help="of the motion curve")
    parser.add_argument("--model", default="mini", help="checkpoint whose event detector is judged")
    options = parser.parse_args(arguments)
    sources = {"drawn": load(options.folder / "drawn")}
    print(format_rows(evaluate_held_out(load_detector(find_checkpoint(options.model)), sources, options.shares)))


if __name__ == "__main__":
    main()
