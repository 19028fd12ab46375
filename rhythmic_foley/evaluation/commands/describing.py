"""`rhythmic-foley evaluate describe`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rhythmic_foley.evaluation.experiments.describing import Verdict

WRONG_COSTS = 2.0


def add_describing_command(kinds: argparse._SubParsersAction) -> None:
    """Adds `describe` to the kinds of `evaluate`."""
    parser = kinds.add_parser(
        "describe",
        help="how often a describer says the right sound",
        description="Asks a describer about labelled clips and pictures: how often the right sound is its first guess "
        "or among three, and whether its answer is right, unknown or wrong.",
    )
    parser.add_argument(
        "--clips", type=Path, action="append", default=[], metavar="DIR", help="may come several times"
    )
    parser.add_argument("--table", type=Path, metavar="CSV", help="names the class of each clip")
    parser.add_argument("--pictures", type=Path, metavar="DIR", help="a folder for each package in pictures.csv")
    parser.add_argument("--describer", default="embedded", metavar="NAME", help="as for describe (%(default)s)")
    parser.add_argument("--each", action="store_true", help="also a line for each clip and picture, on stderr")
    parser.set_defaults(run=run_describing)


def run_describing(arguments: argparse.Namespace) -> int:
    """Runs what `add_describing_command` parsed."""
    from rhythmic_foley.describe.embedded import EmbeddedDescriber
    from rhythmic_foley.errors import FoleyError
    from rhythmic_foley.evaluation.experiments.describing import clips, cross_validated, judge, pictures, table
    from rhythmic_foley.studio.studio import Studio

    describer = Studio(describer=arguments.describer).describer
    sets = {folder.name: clips(folder, arguments.table) for folder in arguments.clips}
    if arguments.pictures:
        sets["pictures"] = pictures(arguments.pictures)
    groups: dict[str, list[Verdict]] = {}
    for name, items in sets.items():
        groups[name] = []
        for item in items:
            groups[name].append(judge(describer, item))
            if arguments.each:
                print(_line(groups[name][-1]), file=sys.stderr, flush=True)
    verdicts = [verdict for group in groups.values() for verdict in group]
    if not verdicts:
        raise FoleyError("Nothing to describe: name a folder with --clips or --pictures.")
    print(f"Describer {describer.name}\n\n{table(groups)}")
    if isinstance(describer, EmbeddedDescriber) and len(verdicts) >= 20:
        thresholds, shares = cross_validated(verdicts, WRONG_COSTS)
        print(
            f"\nThreshold by five-fold cross-validation, a wrong answer costing {WRONG_COSTS:g} right ones: "
            f"{', '.join(f'{threshold:.2f}' for threshold in thresholds)}; "
            f"on what was left out {', '.join(f'{share:.0%} {name}' for name, share in shares.items())}."
        )
    return 0


def _line(verdict: Verdict) -> str:
    said = ", ".join(verdict.said) or "unknown"
    return f"{verdict.answer:8} {verdict.name}: {said} [{verdict.confidence:.2f} {' / '.join(verdict.guesses)}]"
