"""`rhythmic-foley evaluate mini`: the figures of the embedded model's card, and its gallery."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rhythmic_foley.errors import FoleyError

if TYPE_CHECKING:
    from rhythmic_foley.pipeline.pipeline import RhythmicFoleyPipeline

WHAT = ("fd", "kl", "tags", "timing", "speed")


def add_mini_command(kinds: argparse._SubParsersAction) -> None:
    """Adds `mini` to the kinds of `evaluate`."""
    parser = kinds.add_parser(
        "mini",
        help="the embedded model on held-out sounds: likeness, tags, timing, speed",
        description="Measures checkpoints on scenes composed of sounds that were never trained on. Several "
        "checkpoints get the same windows and the same noise.",
    )
    parser.add_argument(
        "--checkpoint", action="append", metavar="FOLDER", help="name or folder; repeat it to compare (default: mini)"
    )
    parser.add_argument("--scenes", type=Path, default=Path("runs/held_out"), help="as `train prepare` leaves them")
    parser.add_argument("--only", type=_parts, default=WHAT, metavar="LIST", help=f"some of {','.join(WHAT)}")
    parser.add_argument("--windows", type=int, default=64, help="held-out windows for fd, kl and tags (%(default)s)")
    parser.add_argument("--masks", type=int, default=20, help="random onset masks for timing (%(default)s)")
    parser.add_argument("--steps", type=int, help="denoising steps (default: the model's)")
    parser.add_argument("--seed", type=int, default=0, help="chooses windows, masks and noise")
    parser.add_argument("--batch", type=int, default=8, help="windows denoised together (%(default)s)")
    parser.add_argument(
        "--quick", action="store_true", help="bfloat16: three times as fast on newer Xeons; slower without its support"
    )
    parser.add_argument(
        "--ablations", action="store_true", help="fd, kl and tags also with parts of the model switched off"
    )
    parser.add_argument(
        "--onset-guidance",
        action="store_true",
        help="with and without the temporal adapter and the onset guidance that needs none, instead of other rows",
    )
    parser.add_argument("--coded", action="store_true", help="also real windows through autoencoder and vocoder")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything there as well")
    parser.add_argument(
        "--gallery", type=Path, metavar="DIR", help="instead write a page of 24 captions x 2 seeds to look at and hear"
    )
    parser.set_defaults(run=run_mini)


def _parts(text: str) -> tuple[str, ...]:
    parts = tuple(text.split(","))
    if unknown := set(parts) - set(WHAT):
        raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))} is none of {', '.join(WHAT)}")
    return parts


def run_mini(arguments: argparse.Namespace) -> int:
    """Runs what `add_mini_command` parsed."""
    from rhythmic_foley.pipeline.loading import find_checkpoint, load_pipeline

    for name in ("windows", "masks", "batch"):
        if getattr(arguments, name) < 1:
            raise FoleyError(f"--{name} must be at least 1, not {getattr(arguments, name)}.")
    folders = {name: find_checkpoint(name) for name in arguments.checkpoint or ["mini"]}
    pipelines = {name: load_pipeline(folder) for name, folder in folders.items()}
    if arguments.gallery:
        return _gallery(arguments, next(iter(pipelines.values())))

    from rhythmic_foley.evaluation.experiments.mini import MiniReport, measure_speed

    report = MiniReport(
        tuple(folders),
        arguments.steps,
        arguments.windows,
        arguments.only,
        quality=_quality(arguments, pipelines) if {"fd", "kl", "tags"} & set(arguments.only) else (),
        timing=_timing(arguments, pipelines) if "timing" in arguments.only else None,
        speed={name: measure_speed(folder, steps=arguments.steps) for name, folder in folders.items()}
        if "speed" in arguments.only
        else None,
    )
    print(report.to_markdown(), end="")
    if arguments.json:
        arguments.json.write_text(report.to_json(), encoding="utf-8")
    return 0


def _quality(arguments: argparse.Namespace, pipelines: dict[str, RhythmicFoleyPipeline]) -> tuple:
    from rhythmic_foley.evaluation.experiments.held_out import select
    from rhythmic_foley.evaluation.experiments.sampling import ABLATIONS, GUIDED
    from rhythmic_foley.evaluation.metrics.networks import YamnetOutputs
    from rhythmic_foley.evaluation.metrics.quality import Listener, evaluate_quality
    from rhythmic_foley.training.prepare import SceneSet

    scenes = SceneSet.load(arguments.scenes)
    selection = select(scenes, arguments.windows, seed=arguments.seed)
    # One ear for all checkpoints, whatever their own audio side is.
    listener = Listener(YamnetOutputs.load().network, scenes, selection)
    return evaluate_quality(
        pipelines,
        listener,
        variants=GUIDED if arguments.onset_guidance else ABLATIONS if arguments.ablations else None,
        coded=arguments.coded,
        steps=arguments.steps,
        batch=arguments.batch,
        quick=arguments.quick,
        progress=_say,
    )


def _timing(arguments: argparse.Namespace, pipelines: dict[str, RhythmicFoleyPipeline]) -> dict:
    from rhythmic_foley.evaluation.experiments.sampling import GUIDED
    from rhythmic_foley.evaluation.experiments.timing import TIMING_VARIANTS, evaluate_timing

    return {
        name: evaluate_timing(
            pipeline,
            masks=arguments.masks,
            variants=GUIDED if arguments.onset_guidance else TIMING_VARIANTS,
            steps=arguments.steps,
            seed=arguments.seed,
            batch=arguments.batch,
            quick=arguments.quick,
            report=_say,
        )
        for name, pipeline in pipelines.items()
    }


def _gallery(arguments: argparse.Namespace, pipeline: RhythmicFoleyPipeline) -> int:
    from rhythmic_foley.evaluation.report.gallery import write_gallery

    page = write_gallery(
        pipeline,
        arguments.gallery,
        steps=arguments.steps,
        seed=arguments.seed,
        batch=arguments.batch,
        quick=arguments.quick,
        progress=_say,
    )
    print(page)
    return 0


def _say(line: str) -> None:
    print(line, file=sys.stderr)
