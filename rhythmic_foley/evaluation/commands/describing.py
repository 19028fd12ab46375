"""`rhythmic-foley evaluate describe`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rhythmic_foley.evaluation.experiments.describing import Verdict
    from rhythmic_foley.training.describer.labelled import Labelled


def add_describing_command(kinds: argparse._SubParsersAction) -> None:
    """Adds `describe` to the kinds of `evaluate`."""
    parser = kinds.add_parser(
        "describe",
        help="how often a describer says the right sound",
        description="Asks a describer about labelled clips and pictures: how often a right sound is among its five "
        "suggestions, how often it fills one in unasked, and how often that is right, with 95 %% intervals over "
        "sources.",
    )
    parser.add_argument(
        "--clips",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="may come several times; clips.csv in it or beside it names classes and sources",
    )
    parser.add_argument("--table", type=Path, metavar="CSV", help="names them instead of clips.csv")
    parser.add_argument("--pictures", type=Path, metavar="DIR", help="a folder for each package in pictures.csv")
    parser.add_argument("--renders", type=Path, metavar="DIR", help="stills of rendered scenes, CLASS-ANYTHING.png")
    parser.add_argument("--describer", default="embedded", metavar="NAME", help="as for describe (%(default)s)")
    parser.add_argument(
        "--cross-validate",
        action="store_true",
        help="judge each by a head of the embedded describer that was fitted without its source, on all the others",
    )
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="keeps what was seen, to cross-validate")
    parser.add_argument("--each", action="store_true", help="also a line for each clip and picture, on stderr")
    parser.set_defaults(run=run_describing)


def run_describing(arguments: argparse.Namespace) -> int:
    """Runs what `add_describing_command` parsed."""
    from rhythmic_foley.errors import FoleyError
    from rhythmic_foley.evaluation.experiments.describing import table

    verdicts = []
    for verdict in _cross_validated(arguments) if arguments.cross_validate else _asked(arguments):
        verdicts.append(verdict)
        if arguments.each:
            print(_line(verdict), file=sys.stderr, flush=True)
    if not verdicts:
        raise FoleyError("Nothing to describe: name a folder with --clips or --pictures.")
    how = "each without its source in training" if arguments.cross_validate else "as shipped"
    print(f"Describer {arguments.describer}, {how}\n\n{table(verdicts)}")
    return 0


def _asked(arguments: argparse.Namespace) -> Iterator[Verdict]:
    from rhythmic_foley.evaluation.experiments.describing import judge
    from rhythmic_foley.studio.studio import Studio

    describer = Studio(describer=arguments.describer).describer
    return (judge(describer, item) for item in _items(arguments))


def _cross_validated(arguments: argparse.Namespace) -> Iterator[Verdict]:
    from rhythmic_foley.describe.embedded import EmbeddedDescriber
    from rhythmic_foley.evaluation.experiments.describing import judge_ranked
    from rhythmic_foley.pipeline.loading import EMBEDDED, find_checkpoint
    from rhythmic_foley.training.describer.fit import calibrated, cross_validated_heads
    from rhythmic_foley.training.describer.stage import label_embeddings, read_examples, unfitted_describer

    checkpoint = find_checkpoint(EMBEDDED)
    describer = unfitted_describer(checkpoint)
    examples = read_examples(_items(arguments), describer, arguments.runs / "describer")
    heads = cross_validated_heads(examples, describer.table.labels, label_embeddings(checkpoint))
    calibration = calibrated(heads, examples)
    for head, one in zip(heads, examples, strict=True):
        head.register_to_config(**calibration)
        yield judge_ranked(one.item, *EmbeddedDescriber(describer.network, head).rank_look(one.look))


def _items(arguments: argparse.Namespace) -> Iterator[Labelled]:
    from rhythmic_foley.training.describer.labelled import (
        labelled_clips,
        labelled_package_pictures,
        labelled_stills,
    )

    def table_of(folder: Path) -> Path | None:
        beside = (folder / "clips.csv", folder.parent / "clips.csv")
        return arguments.table or next((path for path in beside if path.is_file()), None)

    return chain(
        *(labelled_clips(folder, table_of(folder)) for folder in arguments.clips),
        labelled_package_pictures(arguments.pictures) if arguments.pictures else (),
        labelled_stills(arguments.renders) if arguments.renders else (),
    )


def _line(verdict: Verdict) -> str:
    said = f"fills in {', '.join(verdict.said)} ({'right' if verdict.right else 'wrong'})" if verdict.said else "asks"
    mark = "+" if verdict.among_five or not verdict.sounds else "-"
    return f"{mark} {verdict.name}: {said} [{verdict.confidence:.2f} {' / '.join(verdict.guesses)}]"
