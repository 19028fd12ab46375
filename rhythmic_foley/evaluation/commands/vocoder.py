"""`rhythmic-foley evaluate vocoder`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def add_vocoder_command(kinds: argparse._SubParsersAction) -> None:
    """Adds `vocoder` to the kinds of `evaluate`."""
    parser = kinds.add_parser(
        "vocoder",
        help="the vocoder on held-out sounds, against Griffin-Lim and plain resampling",
        description="Log-spectral distance, ViSQOL and time on sounds of packages that were never trained on.",
    )
    parser.add_argument("table", type=Path, metavar="CSV", help="sounds.csv with sounds_44k/ beside it")
    parser.add_argument("--model", default="mini", help="name or folder of a checkpoint")
    parser.add_argument("--sounds", type=int, default=40, help="how many held-out sounds (%(default)s)")
    parser.add_argument("--no-visqol", action="store_true", help="leave out ViSQOL, which takes most of the time")
    parser.set_defaults(run=run_vocoder)


def run_vocoder(arguments: argparse.Namespace) -> int:
    """Runs what `add_vocoder_command` parsed."""
    from rhythmic_foley.errors import FoleyError
    from rhythmic_foley.evaluation.experiments.vocoder import evaluate_vocoder, held_out_pairs, print_vocoder
    from rhythmic_foley.models.vocoder import FoleyVocoder
    from rhythmic_foley.pipeline.loading import find_checkpoint, load_pipeline

    pipeline = load_pipeline(find_checkpoint(arguments.model), device="cpu")
    if not isinstance(pipeline.vocoder, FoleyVocoder):
        raise FoleyError(f"{arguments.model} has no vocoder of its own: it uses Griffin-Lim.")
    tables = evaluate_vocoder(
        pipeline.vocoder,
        pipeline.vae,
        list(held_out_pairs(arguments.table, arguments.sounds)),
        visqol=not arguments.no_visqol,
        report=lambda line: print(line, file=sys.stderr),
    )
    print(print_vocoder(*tables))
    return 0
