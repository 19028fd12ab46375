"""`rhythmic-foley convert` and `download`: published weights to a checkpoint folder."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rhythmic_foley.weights.registry import DIFF_FOLEY

if TYPE_CHECKING:
    from rhythmic_foley.weights.convert import Conversion


def add_weights_commands(subparsers: argparse._SubParsersAction) -> None:
    """Adds `convert` and `download` to the command line."""
    convert = subparsers.add_parser("convert", help="make a checkpoint from published weight files you have")
    models = convert.add_subparsers(title="models", metavar="MODEL", required=True)
    parser = models.add_parser(DIFF_FOLEY.name, help="the full-size model")
    for file in DIFF_FOLEY.files:
        name = Path(file.path).name
        parser.add_argument(
            f"--{file.role}",
            type=Path,
            required=not file.optional,
            metavar="FILE",
            help=f"{file.about}: {name}" + (" (may be left out)" if file.optional else ""),
        )
    _add_out(parser)
    parser.set_defaults(run=run_convert)

    download = subparsers.add_parser("download", help="fetch published weights and make a checkpoint from them")
    models = download.add_subparsers(title="models", metavar="MODEL", required=True)
    gigabytes = sum(file.size_bytes for file in DIFF_FOLEY.files) / 1e9
    parser = models.add_parser(DIFF_FOLEY.name, help=f"the full-size model, {gigabytes:.1f} GB")
    _add_out(parser)
    parser.set_defaults(run=run_download)


def run_convert(args: argparse.Namespace) -> None:
    """Runs what `convert diff-foley` parsed."""
    from rhythmic_foley.weights.convert import convert_diff_foley

    _print(convert_diff_foley(args.cavp, args.ldm, args.out, args.classifier, vocoder=_embedded_vocoder()))


def run_download(args: argparse.Namespace) -> None:
    """Runs what `download diff-foley` parsed."""
    from rhythmic_foley.weights.convert import check_free, convert_diff_foley
    from rhythmic_foley.weights.download import ask, check_room, fetch

    check_free(args.out)
    offer = ask(DIFF_FOLEY)
    for line in offer.lines():
        _say(line)
    check_room(offer, args.out.absolute())
    paths = fetch(offer, _say)
    classifier = paths.get("classifier")
    _print(convert_diff_foley(paths["cavp"], paths["ldm"], args.out, classifier, vocoder=_embedded_vocoder()))


def _add_out(parser: argparse.ArgumentParser) -> None:
    default = _checkpoints() / DIFF_FOLEY.name
    parser.add_argument("--out", type=Path, default=default, metavar="DIR", help="the new folder (%(default)s)")


def _checkpoints() -> Path:
    """Where models are looked for by their name."""
    return Path(os.environ.get("RHYTHMIC_FOLEY_CHECKPOINTS") or "checkpoints")


def _embedded_vocoder() -> Path | None:
    """The embedded model's vocoder reads the same mel and gives 44.1 kHz; None where that model is not at hand."""
    folder = _checkpoints() / "mini" / "vocoder"
    return folder if folder.is_dir() else None


def _print(conversion: Conversion) -> None:
    for role, keys in conversion.extra_keys.items():
        if keys:
            _say(f"The {role} file holds {len(keys)} parameters that are not needed.")
    result = {
        "folder": str(conversion.folder),
        "components": conversion.components,
        "extra_keys": conversion.extra_keys,
    }
    print(json.dumps(result, indent=2), flush=True)


def _say(sentence: object) -> None:
    print(sentence, file=sys.stderr, flush=True)
