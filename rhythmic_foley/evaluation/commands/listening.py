"""`rhythmic-foley evaluate listening`: the table of a listening test."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def add_listening_command(kinds: argparse._SubParsersAction) -> None:
    """Adds `listening` to the kinds of `evaluate`."""
    parser = kinds.add_parser(
        "listening", help="mean ratings and ranks of a listening test, which `rhythmic-foley app --listening` runs"
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="the test's folder, with answers in it")
    parser.add_argument("--resamples", type=int, default=2000, help="of the bootstrap intervals; 0 for none")
    parser.add_argument("--seed", type=int, default=0, help="of the bootstrap")
    parser.add_argument("--out", type=Path, help="folder for listening.md, listening.csv and listening.json")
    parser.set_defaults(run=run_listening)


def run_listening(arguments: argparse.Namespace) -> int:
    """Runs what `add_listening_command` parsed."""
    from rhythmic_foley.evaluation.listening.ratings import find, read_answers

    findings = find(read_answers(arguments.folder), resamples=arguments.resamples, seed=arguments.seed)
    print(findings.to_markdown(), end="")
    if arguments.out:
        for path in findings.write(arguments.out):
            print(path, file=sys.stderr)
    return 0
