"""`rhythmic-foley evaluate mini`: the figures of the embedded model's card, and its gallery."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rhythmic_foley.errors import FoleyError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rhythmic_foley.evaluation.experiments.ear import EarReport
    from rhythmic_foley.pipeline.pipeline import RhythmicFoleyPipeline

HEARD = ("recognised", "real")  # on recordings
COMPOSED = ("fd", "kl", "tags", "timing", "speed")  # on prepared scenes, or on none
WHAT = (*HEARD, *COMPOSED)


def add_mini_command(kinds: argparse._SubParsersAction) -> None:
    """Adds `mini` to the kinds of `evaluate`."""
    parser = kinds.add_parser(
        "mini",
        help="the embedded model on held-out sounds: recognised, real, likeness, tags, timing, speed",
        description="Measures checkpoints on sounds that were never trained on: whether what was asked for is "
        "recognised and sounds real (with --data), likeness to composed scenes, timing, speed. Several checkpoints "
        "get the same windows and the same noise.",
    )
    parser.add_argument(
        "--checkpoint", action="append", metavar="FOLDER", help="name or folder; repeat it to compare (default: mini)"
    )
    parser.add_argument("--scenes", type=Path, default=Path("runs/held_out"), help="as `train prepare` leaves them")
    parser.add_argument(
        "--data", type=Path, metavar="CSV", help="sounds.csv with kind and split, for recognised and real"
    )
    parser.add_argument(
        "--only",
        type=_parts,
        metavar="LIST",
        help=f"some of {','.join(WHAT)} (default: all; recognised and real only with --data)",
    )
    parser.add_argument("--each", type=int, default=2, help="windows of each kind for recognised, real (%(default)s)")
    parser.add_argument("--taught", type=int, default=24, help="recordings of each kind for the probe (%(default)s)")
    parser.add_argument("--guidance-scale", type=float, help="for recognised and real (default: the model's)")
    parser.add_argument("--windows", type=int, default=64, help="held-out windows for fd, kl and tags (%(default)s)")
    parser.add_argument("--masks", type=int, default=20, help="random onset masks for timing (%(default)s)")
    parser.add_argument("--steps", type=int, help="denoising steps (default: the model's)")
    parser.add_argument("--seed", type=int, default=0, help="chooses windows, masks and noise")
    parser.add_argument("--batch", type=int, default=8, help="windows denoised together (%(default)s)")
    parser.add_argument(
        "--quick", action="store_true", help="bfloat16: three times as fast on newer Xeons; slower without its support"
    )
    parser.add_argument("--ablations", action="store_true", help="also with parts of the model switched off")
    parser.add_argument(
        "--onset-guidance",
        action="store_true",
        help="with and without the temporal adapter and the onset guidance that needs none, instead of other rows",
    )
    parser.add_argument("--coded", action="store_true", help="also real windows through autoencoder and vocoder")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything there as well")
    parser.add_argument(
        "--gallery",
        type=Path,
        metavar="DIR",
        help="instead write a page to look at and hear: 24 captions x 2 seeds; "
        "with --data 40 kinds, real, sampled and generated",
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

    for name in ("windows", "masks", "batch", "each", "taught"):
        if getattr(arguments, name) < 1:
            raise FoleyError(f"--{name} must be at least 1, not {getattr(arguments, name)}.")
    only = arguments.only or (COMPOSED if arguments.data is None else WHAT)
    if arguments.data is None and set(HEARD) & set(only):
        raise FoleyError("Whether a sound is recognised or real is judged on recordings: give --data sounds.csv.")
    folders = {name: find_checkpoint(name) for name in arguments.checkpoint or ["mini"]}
    pipelines = {name: load_pipeline(folder) for name, folder in folders.items()}
    if arguments.gallery:
        return _gallery(arguments, next(iter(pipelines.values())))

    from rhythmic_foley.evaluation.experiments.mini import MiniReport, measure_speed

    report = MiniReport(
        tuple(folders),
        arguments.steps,
        arguments.windows,
        only,
        ear=_ear(arguments, pipelines, only) if set(HEARD) & set(only) else None,
        quality=_quality(arguments, pipelines) if {"fd", "kl", "tags"} & set(only) else (),
        timing=_timing(arguments, pipelines) if "timing" in only else None,
        speed={name: measure_speed(folder, steps=arguments.steps) for name, folder in folders.items()}
        if "speed" in only
        else None,
    )
    print(report.to_markdown(), end="")
    if arguments.json:
        arguments.json.write_text(report.to_json(), encoding="utf-8")
    return 0


def _ear(arguments: argparse.Namespace, pipelines: dict[str, RhythmicFoleyPipeline], only: Sequence[str]) -> EarReport:
    from rhythmic_foley.evaluation.experiments.ear import VARIANTS, EarOptions, evaluate_ear
    from rhythmic_foley.evaluation.metrics.networks import YamnetOutputs

    options = EarOptions(
        recognised="recognised" in only,
        real="real" in only,
        each=arguments.each,
        taught=arguments.taught,
        seed=arguments.seed,
        steps=arguments.steps,
        guidance_scale=arguments.guidance_scale,
        batch=arguments.batch,
        quick=arguments.quick,
    )
    return evaluate_ear(
        pipelines,
        YamnetOutputs.load().network,
        arguments.data,
        options,
        variants=VARIANTS if arguments.ablations else None,
        progress=_say,
    )


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
    from rhythmic_foley.evaluation.report.kind_gallery import write_kind_gallery

    options = {name: getattr(arguments, name) for name in ("steps", "seed", "batch", "quick")}
    if arguments.data is None:
        print(write_gallery(pipeline, arguments.gallery, progress=_say, **options))
    else:
        print(write_kind_gallery(pipeline, arguments.data, arguments.gallery, progress=_say, **options))
    return 0


def _say(line: str) -> None:
    print(line, file=sys.stderr)
