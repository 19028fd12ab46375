"""`rhythmic-foley train-full`: prepare clips, then train an adapter of the full-size model as a recipe says."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

SOURCES = ("vggsound", "audioset", "sounds", "listed")


def add_full_training_commands(subparsers: argparse._SubParsersAction) -> None:
    """Adds `train-full` to the command line."""
    parser = subparsers.add_parser("train-full", help="train adapters of the full-size model")
    kinds = parser.add_subparsers(metavar="WHAT", required=True)

    prepare = kinds.add_parser("prepare", help="write clips as shards to train on; goes on where it stopped")
    prepare.add_argument("source", choices=SOURCES, help="how the clips are listed")
    prepare.add_argument("folder", type=Path, metavar="DIR", help="the clips")
    prepare.add_argument("--table", type=Path, metavar="FILE", help="the list (not needed for sounds)")
    prepare.add_argument("--labels", type=Path, metavar="FILE", help="AudioSet's class_labels_indices.csv")
    prepare.add_argument("--model", default="diff-foley", help="name or folder of a converted Diff-Foley")
    prepare.add_argument("--describer", help="says what sounds, as for dub; left out, it is what the list says")
    prepare.add_argument("--part", default="1/1", metavar="I/N", help="the I-th of N equal parts, for N machines")
    prepare.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the shards go")
    prepare.set_defaults(run=_prepare)

    adapter = kinds.add_parser("adapter", help="train as a recipe says; `accelerate launch -m` starts many processes")
    adapter.add_argument("recipe", type=Path, metavar="RECIPE.toml")
    adapter.set_defaults(run=_adapter)


def _prepare(arguments: argparse.Namespace) -> int:
    from rhythmic_foley.checkpoints import Running, find_checkpoint, load_pipeline
    from rhythmic_foley.describe.choose import open_describer
    from rhythmic_foley.describe.embedded import EmbeddedDescriber
    from rhythmic_foley.training.full.prepare import Preparer

    found = _found(arguments)
    describer = None
    if arguments.describer is not None:
        embedded = EmbeddedDescriber.from_pretrained(find_checkpoint("mini") / "describer")
        describer = open_describer(arguments.describer, embedded)
    pipeline = load_pipeline(find_checkpoint(arguments.model), running=Running("float32"))
    tally = Preparer(pipeline, describer).prepare(found, arguments.out, part=_part(arguments.part))
    print(tally)
    for name in tally.unreadable:
        print(f"unreadable: {name}", file=sys.stderr)
    return 0


def _found(arguments: argparse.Namespace) -> object:
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
    read = {"vggsound": sources.vggsound, "listed": sources.listed_videos}[arguments.source]
    return read(arguments.table, arguments.folder)


def _part(text: str) -> tuple[int, int]:
    """ "3/8" -> (2, 8)."""
    from rhythmic_foley.errors import FoleyError

    number, _, count = text.partition("/")
    if not (number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count)):
        raise FoleyError(f'--part must be like 3/8, not "{text}".')
    return int(number) - 1, int(count)


def _adapter(arguments: argparse.Namespace) -> int:
    from rhythmic_foley.training.full.recipe import Recipe, follow

    follow(Recipe.read(arguments.recipe))
    return 0
