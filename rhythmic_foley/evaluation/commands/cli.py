"""`rhythmic-foley evaluate`: what the models can do, in numbers."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rhythmic_foley.evaluation.commands.describing import add_describing_command
from rhythmic_foley.evaluation.commands.dub import add_dub_command
from rhythmic_foley.evaluation.commands.listening import add_listening_command
from rhythmic_foley.evaluation.commands.mini import add_mini_command
from rhythmic_foley.evaluation.commands.report import add_comparison_command
from rhythmic_foley.evaluation.commands.vocoder import add_vocoder_command


def add_evaluation_commands(subparsers: argparse._SubParsersAction) -> None:
    """Adds `evaluate` and its kinds to the command line."""
    parser = subparsers.add_parser("evaluate", help="measure the models")
    kinds = parser.add_subparsers(metavar="KIND", required=True)

    add_comparison_command(kinds)
    add_describing_command(kinds)
    add_dub_command(kinds)
    add_mini_command(kinds)
    add_listening_command(kinds)
    add_vocoder_command(kinds)

    timing = kinds.add_parser("timing", help="are generated hits where they were asked for, by temporal strength")
    timing.add_argument("--model", default="mini", help="name or folder of a checkpoint")
    timing.add_argument("--masks", type=int, default=20, help="random onset masks")
    timing.add_argument("--steps", type=int, default=20, help="denoising steps")
    timing.add_argument("--seed", type=int, default=0)
    timing.set_defaults(run=_timing)

    speed = kinds.add_parser("speed", help="seconds a step and peak memory, run as the reference does and as we do")
    speed.add_argument("--model", default="mini", help="name or folder of a checkpoint")
    speed.add_argument("--device", help="cpu or cuda (the GPU if there is one)")
    speed.add_argument("--steps", type=int, default=4, help="denoising steps to take the median of")
    speed.set_defaults(run=_speed)

    joints = kinds.add_parser("joints", help="is it heard where the windows of a long clip meet")
    joints.add_argument("--model", default="mini", help="name or folder of a checkpoint")
    joints.add_argument("--sounds", type=_words, metavar="LIST", help="descriptions, with commas between them")
    joints.add_argument("--joints", type=int, default=4, help="in each sound (%(default)s)")
    joints.add_argument("--steps", type=int, help="denoising steps (default: the model's)")
    joints.set_defaults(run=_joints)

    long = kinds.add_parser("long", help="time and memory of dubbing 1080p clips, by their length")
    long.add_argument("--model", default="mini", help="name or folder of a checkpoint")
    long.add_argument("--lengths", type=_seconds, default=(30, 60, 120), metavar="LIST", help="in s (30,60,120)")
    long.add_argument("--steps", type=int, default=20, help="denoising steps (%(default)s)")
    long.set_defaults(run=_long)

    encoders = kinds.add_parser("encoders", help="autoencoder and aligned encoder on held-out scenes")
    encoders.add_argument("--model", default="mini", help="name or folder of a checkpoint")
    encoders.add_argument("--scenes", type=Path, default=Path("runs/held_out"), help="as `train prepare` leaves them")
    encoders.add_argument(
        "--training-scenes", type=Path, help="runs/scenes, to try wordings that were never trained on as well"
    )
    encoders.set_defaults(run=_encoders)

    onsets = kinds.add_parser("onsets-from-video", help="onsets seen in the picture against true times")
    onsets.add_argument("folder", type=Path, metavar="DIR", help="the clips (CLIP.mp4, here or in clips/)")
    onsets.add_argument("table", type=Path, nargs="?", metavar="CSV", help="true onset times (DIR/clips.csv)")
    onsets.add_argument("--model", default="mini", help="checkpoint whose event detector takes part")
    onsets.add_argument("--each", action="store_true", help="also a row for each clip")
    onsets.add_argument(
        "--cross-validate",
        type=int,
        default=0,
        metavar="N",
        help="judge the recipe instead of the weights: train N times on film without the recordings that are judged",
    )
    onsets.add_argument("--runs", type=Path, default=Path("runs"), help="where such training goes (%(default)s)")
    onsets.set_defaults(run=_onsets_from_video)

    heard = kinds.add_parser("heard-onsets", help="attacks that are heard, in scenes of known hits")
    heard.add_argument("table", type=Path, metavar="CSV", help="sounds.csv with the sounds beside it")
    heard.add_argument("--scenes", type=int, default=24, help="for each level of ambience (%(default)s)")
    heard.set_defaults(run=_heard_onsets)

    times = kinds.add_parser("event-times", help="described sounds shortened to where something moves, against truth")
    times.add_argument("--clips", type=Path, nargs=2, action="append", default=[], metavar=("DIR", "CSV"))
    times.add_argument("--drawn", type=int, default=0, metavar="N", help="also clips drawn as for training")
    times.add_argument("--model", default="mini", help="checkpoint whose event detector looks")
    times.set_defaults(run=_event_times)


def _timing(arguments: argparse.Namespace) -> int:
    from rhythmic_foley.evaluation.experiments.timing import evaluate_timing, print_timing
    from rhythmic_foley.pipeline.loading import find_checkpoint, load_pipeline

    pipeline = load_pipeline(find_checkpoint(arguments.model))
    rows = evaluate_timing(
        pipeline,
        masks=arguments.masks,
        steps=arguments.steps,
        seed=arguments.seed,
        report=lambda line: print(line, file=sys.stderr),
    )
    print(print_timing(rows))
    return 0


def _speed(arguments: argparse.Namespace) -> int:
    from rhythmic_foley.evaluation.experiments.speed import compare_ways, print_speed
    from rhythmic_foley.pipeline.loading import find_checkpoint

    print(print_speed(compare_ways(find_checkpoint(arguments.model), arguments.device, steps=arguments.steps)))
    return 0


def _seconds(text: str) -> tuple[float, ...]:
    return tuple(float(part) for part in text.split(","))


def _words(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _joints(arguments: argparse.Namespace) -> int:
    from rhythmic_foley.evaluation.metrics.joints import STEADY, compare_joints, print_joints
    from rhythmic_foley.pipeline.loading import find_checkpoint, load_pipeline

    pipeline, sounds = load_pipeline(find_checkpoint(arguments.model)), arguments.sounds or STEADY
    rows = compare_joints(pipeline, sounds=sounds, joints=arguments.joints, steps=arguments.steps)
    print(print_joints(list(rows)))
    return 0


def _long(arguments: argparse.Namespace) -> int:
    from rhythmic_foley.evaluation.experiments.long_clips import measure_lengths, print_lengths

    rows = []
    for row in measure_lengths(arguments.model, arguments.lengths, arguments.steps):
        rows.append(row)
        print(f"{row.duration_s:.0f} s: {row.cpu_s:.0f} CPU s, {row.wall_s:.0f} s", file=sys.stderr, flush=True)
    print(print_lengths(rows))
    return 0


def _encoders(arguments: argparse.Namespace) -> int:
    from rhythmic_foley.evaluation.experiments.encoders import (
        evaluate_encoders,
        evaluate_wordings,
        print_encoders,
        print_wordings,
    )
    from rhythmic_foley.pipeline.loading import find_checkpoint, load_pipeline
    from rhythmic_foley.training.prepare import SceneSet

    pipeline = load_pipeline(find_checkpoint(arguments.model), device="cpu")
    print(print_encoders(evaluate_encoders(pipeline, SceneSet.load(arguments.scenes))))
    if arguments.training_scenes:
        print()
        print(print_wordings(evaluate_wordings(pipeline, SceneSet.load(arguments.training_scenes, shards=2))))
    return 0


def _onsets_from_video(arguments: argparse.Namespace) -> int:
    from rhythmic_foley.evaluation.experiments import video_onsets

    if arguments.cross_validate:
        from rhythmic_foley.evaluation.experiments.film_folds import cross_validate

        clips, rows = cross_validate(arguments.folder, arguments.runs, arguments.cross_validate)
        video_onsets.print_scores(clips, rows, each=arguments.each)
    else:
        video_onsets.run(arguments)
    return 0


def _heard_onsets(arguments: argparse.Namespace) -> int:
    from rhythmic_foley.evaluation.experiments.heard_onsets import evaluate_heard, print_heard

    print(print_heard(evaluate_heard(arguments.table, arguments.scenes)))
    return 0


def _event_times(arguments: argparse.Namespace) -> int:
    from rhythmic_foley.evaluation.metrics.event_times import compared, drawn_clips, watched_clips
    from rhythmic_foley.pipeline.loading import find_checkpoint
    from rhythmic_foley.vision.onset_detector import load_detector

    detector = load_detector(find_checkpoint(arguments.model))
    groups = {Path(f).name: list(watched_clips(Path(f), Path(table), detector)) for f, table in arguments.clips}
    if arguments.drawn:
        groups["drawn"] = list(drawn_clips(arguments.drawn, detector))
    print(compared(groups))
    return 0
