"""`rhythmic-foley train`: prepare the scenes, then the stages one after the other."""

from __future__ import annotations

import argparse
from pathlib import Path

from rhythmic_foley.training.full.cli import add_full_training_commands

STAGES = (
    "prepare",
    "autoencoder",
    "vocoder",
    "aligned-encoder",
    "base",
    "semantic",
    "temporal",
    "assemble",
    "event-detector",
    "describer",
    "sums",
)


def add_training_commands(subparsers: argparse._SubParsersAction) -> None:
    """Adds `train` to the command line."""
    parser = subparsers.add_parser("train", help="train the embedded model, stage by stage")
    parser.add_argument("stage", choices=(*STAGES, "all"))
    parser.add_argument("--data", type=Path, help="sounds.csv with sounds/ beside it, or a folder (for prepare)")
    parser.add_argument("--yamnet", type=Path, help="yamnet_fp16.npz (for prepare and aligned-encoder)")
    parser.add_argument("--checkpoint", type=Path, default=Path("checkpoints/mini"), help="folder of the components")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="scenes, logs and resumable states")
    parser.add_argument("--scenes", type=int, default=5000, help="how many training scenes to compose")
    parser.add_argument("--steps", type=int, help="optimiser steps instead of the recipe's")
    parser.add_argument(
        "--film",
        type=Path,
        metavar="DIR",
        help="folder of real film: what event-detector is tuned on in the end, what describer learns from",
    )
    parser.add_argument("--learning-rate", type=float, help="its peak, instead of the recipe's")
    parser.add_argument("--go-on", action="store_true", help="start from the checkpoint's weights, not from new ones")
    parser.add_argument("--text-noise", type=float, default=0.0, help="length of noise on the words' unit embeddings")
    parser.add_argument("--pictures", type=Path, help="a folder for each package in pictures.csv (for describer)")
    parser.add_argument("--renders", type=Path, help="stills of rendered scenes (for describer)")
    parser.add_argument("--compile", action="store_true", help="compile the networks first (needs a C++ compiler)")
    parser.set_defaults(run=run_training)
    add_full_training_commands(subparsers)


def run_training(arguments: argparse.Namespace) -> int:
    """Runs what `add_training_commands` parsed; afterwards the list of the checkpoint's hashes is up to date."""
    from rhythmic_foley.pipeline.checksums import write_sums
    from rhythmic_foley.pipeline.loading import INDEX

    try:
        _run_stages(arguments)
    finally:
        # Whatever a stage has written: the list of a checkpoint's files is never older than the files.
        if (arguments.checkpoint / INDEX).is_file():
            write_sums(arguments.checkpoint)
    return 0


def _run_stages(arguments: argparse.Namespace) -> None:
    from accelerate import PartialState

    from rhythmic_foley.errors import FoleyError
    from rhythmic_foley.training.describer.stage import train_describer
    from rhythmic_foley.training.event_detector.fit import train_event_detector
    from rhythmic_foley.training.library import read_rows, wide_paths
    from rhythmic_foley.training.prepare import prepare
    from rhythmic_foley.training.stages import Workshop
    from rhythmic_foley.training.vocoder import prepare_examples

    for stage in STAGES if arguments.stage == "all" else (arguments.stage,):
        new_encoder = stage == "aligned-encoder" and not arguments.go_on
        if (stage == "prepare" or new_encoder) and arguments.yamnet is None:
            raise FoleyError(f"The stage {stage} needs YAMNet: give --yamnet yamnet_fp16.npz.")
        if stage == "prepare":
            if arguments.data is None:
                raise FoleyError("The stage prepare needs the sounds: give --data, sounds.csv or a folder.")
            with PartialState().main_process_first():
                prepare(
                    arguments.data, arguments.yamnet, arguments.runs / "held_out", scenes=500, seed=1, held_out=True
                )
                prepare(arguments.data, arguments.yamnet, arguments.runs / "scenes", scenes=arguments.scenes)
                if arguments.data.is_file() and wide_paths(read_rows(arguments.data, held_out=False), arguments.data):
                    prepare_examples(arguments.data, arguments.runs / "vocoder")
            continue
        if stage == "sums":
            continue  # written after every stage
        if stage == "event-detector":
            train_event_detector(arguments.checkpoint, arguments.runs, arguments.steps, film=arguments.film)
            continue
        if stage == "describer":
            if arguments.film is None and arguments.stage == "all":
                continue  # there is no film: the shipped head has to do
            if arguments.film is None:
                raise FoleyError("The stage describer needs labelled film: give --film, a folder with clips.csv.")
            train_describer(
                arguments.checkpoint, arguments.runs, arguments.film, arguments.pictures, arguments.renders
            )
            continue
        if stage == "vocoder" and arguments.stage == "all" and not (arguments.runs / "vocoder").is_dir():
            continue  # there are no sounds at 44.1 kHz: Griffin-Lim has to do
        workshop = Workshop(
            arguments.runs / "scenes",
            arguments.yamnet,
            arguments.checkpoint,
            arguments.runs,
            go_on=arguments.go_on,
            compiled=arguments.compile,
            text_noise=arguments.text_noise,
        )
        if stage == "assemble":
            workshop.assemble()
        else:
            workshop.train(stage, arguments.steps, arguments.learning_rate)
