"""`rhythmic-foley convert` and `download`: published weights to a checkpoint folder."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.weights.registry import DIFF_FOLEY, MINI_GEMINI, WeightSet

if TYPE_CHECKING:
    from rhythmic_foley.weights.convert import Conversion
    from rhythmic_foley.weights.download import Offer


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
    parser = models.add_parser(DIFF_FOLEY.name, help=f"the full-size model, {_gigabytes(DIFF_FOLEY):.1f} GB")
    _add_out(parser)
    parser.set_defaults(run=run_download)
    about = f"a describer, {_gigabytes(MINI_GEMINI):.1f} GB, not for commercial use"
    parser = models.add_parser(MINI_GEMINI.name, help=about)
    _add_out(parser, MINI_GEMINI.repository.rpartition("/")[2])
    parser.set_defaults(run=run_download_describer)


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
    _show(offer)
    check_room(offer, args.out.absolute())
    paths = fetch(offer, _say)
    classifier = paths.get("classifier")
    _print(convert_diff_foley(paths["cavp"], paths["ldm"], args.out, classifier, vocoder=_embedded_vocoder()))


def run_download_describer(args: argparse.Namespace) -> None:
    """Runs what `download mini-gemini` parsed: the published folder as it is, which needs no conversion."""
    from rhythmic_foley.weights.download import ask, check_room, fetch

    if (args.out / "config.json").exists():
        raise FoleyError(f"{args.out} is already there; choose another folder or delete it first.")
    offer = ask(MINI_GEMINI)
    _show(offer)
    check_room(offer, args.out.absolute())
    fetch(offer, _say, args.out)
    print(json.dumps({"folder": str(args.out), "describer": MINI_GEMINI.name}, indent=2), flush=True)


def _show(offer: Offer) -> None:
    """Size and licence, before anything is fetched."""
    for line in offer.lines():
        _say(line)


def _gigabytes(weights: WeightSet) -> float:
    return sum(file.size_bytes for file in weights.files) / 1e9


def _add_out(parser: argparse.ArgumentParser, name: str = DIFF_FOLEY.name) -> None:
    default = _checkpoints() / name
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
