"""`rhythmic-foley train-full`: prepare clips, then train a part of the full-size model as a recipe says."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rhythmic_foley.training.full.shards import Record
    from rhythmic_foley.training.full.sources import Clip, Found

SOURCES = ("vggsound", "audioset", "sounds", "listed")
WHAT_FOR = ("adapter", "cavp", "event-detector")


def add_full_training_commands(subparsers: argparse._SubParsersAction) -> None:
    """Adds `train-full` to the command line."""
    parser = subparsers.add_parser("train-full", help="train parts of the full-size model")
    kinds = parser.add_subparsers(metavar="WHAT", required=True)

    prepare = kinds.add_parser("prepare", help="write clips as shards to train on; goes on where it stopped")
    _add_source(prepare)
    prepare.add_argument("--for", dest="what_for", choices=WHAT_FOR, default="adapter", help="what is trained on them")
    prepare.add_argument("--model", default="diff-foley", help="for an adapter: name or folder of a Diff-Foley")
    prepare.add_argument("--describer", help="for an adapter: says what sounds, as for dub; left out, it is the list")
    prepare.add_argument("--part", default="1/1", metavar="I/N", help="the I-th of N equal parts, for N machines")
    prepare.add_argument(
        "--ray", metavar="ADDRESS", help="share the work on a Ray cluster whose machines all see these folders"
    )
    prepare.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the shards go")
    prepare.set_defaults(run=_prepare)

    lay_out = kinds.add_parser("lay-out", help="put listed clips side by side, as `evaluate dub` takes them")
    _add_source(lay_out)
    lay_out.add_argument("--out", type=Path, required=True, metavar="DIR", help="the folder for them")
    lay_out.set_defaults(run=_lay_out)

    for what in WHAT_FOR:
        kind = kinds.add_parser(what, help="train as a recipe says; `accelerate launch -m` starts many processes")
        kind.add_argument("recipe", type=Path, metavar="RECIPE.toml")
        kind.set_defaults(run=_train, what_for=what)


def _add_source(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", choices=SOURCES, help="how the clips are listed")
    parser.add_argument("folder", type=Path, metavar="DIR", help="the clips")
    parser.add_argument("--table", type=Path, metavar="FILE", help="the list (not needed for sounds)")
    parser.add_argument("--split", default="train", help="of VGGSound's list (%(default)s)")
    parser.add_argument("--labels", type=Path, metavar="FILE", help="AudioSet's class_labels_indices.csv")


def _lay_out(arguments: argparse.Namespace) -> int:
    from rhythmic_foley.training.full.sources import lay_out

    found = _found(arguments)
    table = lay_out(found, arguments.out)
    print(f"{len(found.clips)} clips, {found.missing} missing; what sounds in them is in {table}")
    return 0


def _prepare(arguments: argparse.Namespace) -> int:
    from rhythmic_foley.training.full.prepare import Preparer
    from rhythmic_foley.training.full.spreading import prepare_on_ray

    found, part = _found(arguments), _part(arguments.part)
    if arguments.ray is None:
        tally = Preparer(_maker(arguments)).prepare(found, arguments.out, part=part)
    else:
        tally = prepare_on_ray(arguments.ray, partial(_maker, arguments), found, arguments.out.resolve(), part=part)
    print(tally)
    for name in tally.unreadable:
        print(f"unreadable: {name}", file=sys.stderr)
    return 0


def _maker(arguments: argparse.Namespace) -> Callable[[Clip], Record | None]:
    """What makes a clip's record."""
    from rhythmic_foley.errors import FoleyError

    if arguments.what_for != "adapter":
        from rhythmic_foley.training.full.pairs import pair_record
        from rhythmic_foley.training.full.watching import motion_record

        if arguments.source == "sounds":
            raise FoleyError(f"The {arguments.what_for} is trained on clips with a picture; sounds have none.")
        return pair_record if arguments.what_for == "cavp" else motion_record

    from rhythmic_foley.describe.choose import open_describer
    from rhythmic_foley.describe.embedded import EmbeddedDescriber
    from rhythmic_foley.pipeline.loading import Running, find_checkpoint, load_pipeline
    from rhythmic_foley.training.full.prepare import ExampleMaker

    describer = None
    if arguments.describer is not None:
        embedded = EmbeddedDescriber.from_pretrained(find_checkpoint("mini") / "describer")
        describer = open_describer(arguments.describer, embedded)
    pipeline = load_pipeline(find_checkpoint(arguments.model), running=Running("float32"))
    return ExampleMaker(pipeline, describer).record


def _found(arguments: argparse.Namespace) -> Found:
    from rhythmic_foley.errors import FoleyError
    from rhythmic_foley.training.full import sources

    if arguments.source == "sounds":
        return sources.sound_effects(arguments.folder, arguments.table)
    if arguments.table is None:
        raise FoleyError(f"{arguments.source} needs its list: --table FILE.")
    if arguments.source == "audioset":
        if arguments.labels is None:
            raise FoleyError("audioset needs the names of its classes: --labels class_labels_indices.csv.")
        return sources.audioset(arguments.table, arguments.folder, arguments.labels)
    if arguments.source == "vggsound":
        return sources.vggsound(arguments.table, arguments.folder, arguments.split)
    return sources.listed_videos(arguments.table, arguments.folder)


def _part(text: str) -> tuple[int, int]:
    """ "3/8" -> (2, 8)."""
    from rhythmic_foley.errors import FoleyError

    number, _, count = text.partition("/")
    if not (number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count)):
        raise FoleyError(f'--part must be like 3/8, not "{text}".')
    return int(number) - 1, int(count)


def _train(arguments: argparse.Namespace) -> int:
    from rhythmic_foley.training.full import recipe, runs

    if arguments.what_for == "adapter":
        runs.run_adapter(recipe.AdapterRecipe.read(arguments.recipe))
    elif arguments.what_for == "cavp":
        runs.run_cavp(recipe.CavpRecipe.read(arguments.recipe))
    else:
        runs.run_event_detector(recipe.DetectorRecipe.read(arguments.recipe))
    return 0
