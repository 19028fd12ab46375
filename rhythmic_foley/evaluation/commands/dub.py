"""`rhythmic-foley evaluate dub`: dub a folder of clips, whole and with parts switched off, and score the results."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.evaluation.commands.report import (
    add_metric_options,
    compare,
    named_folders,
    say,
    say_paths,
    write_run,
)
from rhythmic_foley.evaluation.given_tables import read_descriptions

SEMANTIC = ("without-events", "without-semantics")
TEMPORAL = ("without-temporal",)
_CORRECTED = "corrected-onsets"
_VIDEO_TRAINED = "temporal adapter trained by video features"


def add_dub_command(kinds: argparse._SubParsersAction) -> None:
    """Adds `dub` to the kinds of `evaluate`."""
    parser = kinds.add_parser(
        "dub",
        help="dub clips, whole and with parts switched off, and write the paper's tables",
        description="Dubs every clip that has a sound of its own, as `dub` does it without any correction, and "
        "compares with that sound: tables I, II, IV and V, figure 3 and a page to see and hear everything. A run that "
        "was stopped goes on where it stopped.",
    )
    parser.add_argument("--clips", type=Path, required=True, metavar="DIR", help="the real clips")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="for the sounds and the results")
    parser.add_argument("--model", default="mini", help="name or folder of a checkpoint (%(default)s)")
    parser.add_argument(
        "--ablations",
        type=_names,
        default=("without-semantics", "without-temporal"),
        metavar="LIST",
        help=f"some of {', '.join((*SEMANTIC, *TEMPORAL))}; none (without-semantics,without-temporal)",
    )
    parser.add_argument(
        "--corrected", action="store_true", help="also with the onsets corrected to those of the real sound"
    )
    parser.add_argument(
        "--descriptions",
        type=Path,
        metavar="CSV",
        help="what sounds in each clip, as a person would type it, instead of what the describer says; columns clip "
        "and caption (or class_guess)",
    )
    parser.add_argument(
        "--video-trained", metavar="MODEL", help="a checkpoint whose temporal adapter was trained by video features"
    )
    parser.add_argument(
        "--baseline",
        action="append",
        default=[],
        metavar="NAME=DIR",
        help="sounds that another method left for the same clips; repeat it for several",
    )
    parser.add_argument("--seeds", type=int, default=1, help="samples of each clip (%(default)s)")
    parser.add_argument("--first-seed", type=int, default=0, help="of the first sample (%(default)s)")
    parser.add_argument("--steps", type=int, help="denoising steps (default: the model's)")
    parser.add_argument(
        "--ray", metavar="ADDRESS", help="dub on the machines of a Ray cluster that all see these folders"
    )
    add_metric_options(parser)
    parser.set_defaults(run=run_dub)


def _names(text: str) -> tuple[str, ...]:
    names = () if text == "none" else tuple(text.split(","))
    if unknown := set(names) - {*SEMANTIC, *TEMPORAL}:
        known = ", ".join((*SEMANTIC, *TEMPORAL))
        raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))} is none of {known}")
    return names


def run_dub(arguments: argparse.Namespace) -> int:
    """Runs what `add_dub_command` parsed."""
    from rhythmic_foley.evaluation.experiments.dubbing import FULL

    if arguments.seeds < 1:
        raise FoleyError(f"--seeds must be at least 1, not {arguments.seeds}.")
    baselines = named_folders(arguments.baseline)
    variants = (FULL, *arguments.ablations, *([_CORRECTED] if arguments.corrected else []))
    folders = _dubbed(arguments, arguments.model, arguments.out / "sounds", variants)
    name = Path(arguments.model).name
    rows = {variant: name if variant == FULL else f"{name}, {variant.replace('-', ' ')}" for variant in variants}
    methods = baselines | {rows[variant]: folder for variant, folder in folders.items()}
    temporal = [rows[variant] for variant in arguments.ablations if variant in TEMPORAL]
    left_out = []
    if arguments.video_trained:
        row = f"{name}, {_VIDEO_TRAINED}"
        methods |= {row: _dubbed(arguments, arguments.video_trained, arguments.out / "video-trained", (FULL,))[FULL]}
        temporal.append(row)
    else:
        left_out.append(f"The row of a {_VIDEO_TRAINED} is left out: give --video-trained with such a checkpoint.")
    if arguments.descriptions:
        left_out.append(f"What sounds was told to {name} as a person would ({arguments.descriptions.name}).")
    report = compare(arguments, arguments.clips, methods, bounds=True, left_out=left_out)
    print(report.to_markdown(), end="")
    say_paths(
        write_run(
            arguments,
            report,
            arguments.clips,
            methods,
            arguments.out,
            full=rows[FULL],
            semantic=[rows[variant] for variant in arguments.ablations if variant in SEMANTIC],
            temporal=temporal,
        )
    )
    return 0


def _dubbed(arguments: argparse.Namespace, model: str, out: Path, variants: tuple[str, ...]) -> dict[str, Path]:
    from rhythmic_foley.evaluation.experiments.dubbing import DubRun, dub_clips
    from rhythmic_foley.studio.studio import Studio

    studio = Studio(model)
    controls = replace(studio.defaults, source="model", seed=arguments.first_seed)
    if arguments.steps is not None:
        controls = replace(controls, steps=arguments.steps)
    descriptions = read_descriptions(arguments.descriptions) if arguments.descriptions else {}
    run = DubRun(arguments.clips, out, variants, arguments.seeds, controls, descriptions)
    return dub_clips(studio, run, say, arguments.ray)
