"""`rhythmic-foley evaluate folders`: generated clips in folders against the real ones."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rhythmic_foley.errors import FoleyError

if TYPE_CHECKING:
    from rhythmic_foley.evaluation.networks import SoundNetwork
    from rhythmic_foley.evaluation.visqol import Visqol


def add_comparison_command(kinds: argparse._SubParsersAction) -> None:
    """Adds `folders` to the kinds of `evaluate`."""
    parser = kinds.add_parser("folders", help="clips that methods left in folders against the real ones")
    parser.add_argument("real", type=Path, metavar="DIR_REAL", help="the real clips: wav, flac or mp4")
    parser.add_argument(
        "generated",
        nargs="*",
        metavar="DIR_GENERATED",
        help="a method's clips of the same names; NAME=DIR names its row (several samples: CLIP_sample_1 ...)",
    )
    parser.add_argument("--bounds", action="store_true", help="rows for the real sounds themselves and shuffled")
    parser.add_argument("--seconds", type=float, help="cut both sides to this length (default: the common length)")
    parser.add_argument("--tolerance", type=float, default=0.1, help="of the onset scores, in seconds")
    parser.add_argument("--yamnet", type=Path, help="yamnet.npz or a checkpoint (default: the embedded model's)")
    parser.add_argument("--melception", type=Path, help="Melception's checkpoint, with its .txt beside it")
    parser.add_argument("--visqol-band-hz", type=float, help="ViSQOL on both sides below this frequency")
    parser.add_argument("--flow-side", type=int, help="longest side of the frames for AV-Align (default: as they are)")
    parser.add_argument(
        "--skip", action="append", default=[], choices=("yamnet", "visqol", "av-align"), help="leave a column out"
    )
    parser.add_argument("--resamples", type=int, default=1000, help="of the bootstrap intervals; 0 for none")
    parser.add_argument("--seed", type=int, default=0, help="of the bootstrap")
    parser.add_argument("--out", type=Path, help="folder for report.md, report.csv and report.json")
    parser.set_defaults(run=run_comparison)


def run_comparison(arguments: argparse.Namespace) -> int:
    """Runs what `add_comparison_command` parsed."""
    from rhythmic_foley.evaluation.report import Tools, compare_folders

    if not arguments.generated and not arguments.bounds:
        raise FoleyError("Give at least one folder of generated clips, or --bounds for the real sounds alone.")
    methods = _methods(arguments.generated)
    networks, left_out = _networks(arguments)
    visqol, missing = _visqol(arguments)
    tools = Tools(
        networks=networks,
        visqol=visqol,
        flow="av-align" not in arguments.skip,
        flow_side=arguments.flow_side,
        seconds=arguments.seconds,
        tolerance_s=arguments.tolerance,
    )
    report = compare_folders(
        arguments.real,
        methods,
        tools,
        bounds=arguments.bounds,
        resamples=arguments.resamples,
        seed=arguments.seed,
        left_out=(*left_out, *missing),
        progress=lambda line: print(line, file=sys.stderr),
    )
    print(report.to_markdown(), end="")
    if arguments.out:
        for path in report.write(arguments.out):
            print(path, file=sys.stderr)
    return 0


def _methods(given: list[str]) -> dict[str, Path]:
    """Folder by the name of its row: NAME=DIR, or DIR named by its last part."""
    methods: dict[str, Path] = {}
    for text in given:
        name, _, folder = text.partition("=") if "=" in text and not Path(text).is_dir() else ("", "", text)
        name = name or Path(folder).resolve().name
        if name in methods:
            raise FoleyError(f"Two rows would be called {name}; name them with NAME=DIR.")
        methods[name] = Path(folder)
    return methods


def _networks(arguments: argparse.Namespace) -> tuple[tuple[SoundNetwork, ...], list[str]]:
    """Networks that are there, and a sentence for each that is not. One that was asked for by path must be there."""
    from rhythmic_foley.evaluation.networks import MelceptionOutputs, YamnetOutputs

    networks: list[SoundNetwork] = []
    left_out = []
    if arguments.melception:
        networks.append(MelceptionOutputs.load(arguments.melception))
    else:
        left_out.append("FID and MKL (Melception) are left out: give --melception with the published checkpoint.")
    if "yamnet" not in arguments.skip:
        try:
            networks.append(YamnetOutputs.load(arguments.yamnet))
        except FoleyError as error:
            if arguments.yamnet:
                raise
            left_out.append(f"FD and MKL (YAMNet) are left out: {error}")
    left_out.append("CLIP similarity (Wav2CLIP) and DeSync (Synchformer) are left out: not built yet.")
    return tuple(networks), left_out


def _visqol(arguments: argparse.Namespace) -> tuple[Visqol | None, list[str]]:
    from rhythmic_foley.evaluation.visqol import Visqol

    if "visqol" in arguments.skip:
        return None, []
    try:
        return Visqol(arguments.visqol_band_hz), []
    except FoleyError as error:
        return None, [f"ViSQOL is left out: {error}"]
