"""`rhythmic-foley evaluate folders`: generated clips in folders against the real ones."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.evaluation.given_tables import read_rows

if TYPE_CHECKING:
    from rhythmic_foley.evaluation.metrics.clip_similarity import ClipSimilarity
    from rhythmic_foley.evaluation.metrics.desync import DeSync
    from rhythmic_foley.evaluation.metrics.networks import SoundNetwork
    from rhythmic_foley.evaluation.metrics.visqol import Visqol
    from rhythmic_foley.evaluation.report.tables import Report


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
    parser.add_argument(
        "--bounds", action="store_true", help="rows for the real sounds themselves and for what is surely wrong"
    )
    add_metric_options(parser)
    parser.add_argument(
        "--out", type=Path, help="folder for the tables as Markdown, CSV and JSON, figure3.pdf and report.html"
    )
    parser.set_defaults(run=run_comparison)


def add_metric_options(parser: argparse.ArgumentParser) -> None:
    """What is measured and with what, for every command that compares folders."""
    parser.add_argument("--seconds", type=float, help="cut both sides to this length (default: the common length)")
    parser.add_argument("--tolerance", type=float, default=0.1, help="of the onset scores, in seconds")
    parser.add_argument("--yamnet", type=Path, help="yamnet.npz or a checkpoint (default: the embedded model's)")
    parser.add_argument("--melception", type=Path, help="Melception's checkpoint, with its .txt beside it")
    parser.add_argument("--clip", type=Path, metavar="DIR", help="CLIP ViT-B/32 as transformers keeps it")
    parser.add_argument(
        "--wav2clip", type=Path, metavar="FILE", help="Wav2CLIP's checkpoint; both for CLIP similarity"
    )
    parser.add_argument("--synchformer", type=Path, metavar="FILE", help="Synchformer's checkpoint, for DeSync (slow)")
    parser.add_argument("--visqol-band-hz", type=float, help="ViSQOL on both sides below this frequency")
    parser.add_argument("--flow-side", type=int, help="longest side of the frames for AV-Align (default: as they are)")
    parser.add_argument(
        "--skip", action="append", default=[], choices=("yamnet", "visqol", "av-align"), help="leave a column out"
    )
    parser.add_argument("--resamples", type=int, default=1000, help="of the bootstrap intervals; 0 for none")
    parser.add_argument("--seed", type=int, default=0, help="of the bootstrap")
    parser.add_argument(
        "--hits",
        metavar="CLIPS",
        help="clips whose sound is single hits, on which alone timing is judged: names with commas between, or a CSV "
        "with the columns clip and sound_kind (impulsive)",
    )
    parser.add_argument("--figure", metavar="CLIP", help="clip of figure 3 (default: the first that all methods have)")


def run_comparison(arguments: argparse.Namespace) -> int:
    """Runs what `add_comparison_command` parsed."""
    if not arguments.generated and not arguments.bounds:
        raise FoleyError("Give at least one folder of generated clips, or --bounds for the real sounds alone.")
    methods = named_folders(arguments.generated)
    report = compare(arguments, arguments.real, methods, bounds=arguments.bounds)
    print(report.to_markdown(), end="")
    if arguments.out:
        say_paths(write_run(arguments, report, arguments.real, methods, arguments.out, full=next(iter(methods), "")))
    return 0


def compare(
    arguments: argparse.Namespace,
    real: Path,
    methods: Mapping[str, Path],
    *,
    bounds: bool,
    left_out: Sequence[str] = (),
) -> Report:
    """The report of folders by the options of `add_metric_options`."""
    from rhythmic_foley.evaluation.report.report import compare_folders
    from rhythmic_foley.evaluation.report.scoring import Tools

    networks, without = _networks(arguments)
    visqol, missing = _visqol(arguments)
    clip, unseen = _clip(arguments)
    sync, untimed = _sync(arguments)
    tools = Tools(
        networks=networks,
        clip=clip,
        sync=sync,
        visqol=visqol,
        flow="av-align" not in arguments.skip,
        flow_side=arguments.flow_side,
        seconds=arguments.seconds,
        tolerance_s=arguments.tolerance,
    )
    return compare_folders(
        real,
        methods,
        tools,
        bounds=bounds,
        resamples=arguments.resamples,
        seed=arguments.seed,
        left_out=(*left_out, *without, *unseen, *missing, *untimed),
        progress=say,
    )


def write_run(
    arguments: argparse.Namespace,
    report: Report,
    real: Path,
    methods: Mapping[str, Path],
    out: Path,
    *,
    full: str,
    semantic: Sequence[str] = (),
    temporal: Sequence[str] = (),
) -> list[Path]:
    """Writes the report, the paper's tables, figure 3 and the page into `out`; gives their paths."""
    from rhythmic_foley.evaluation.report.figure import clip_figure
    from rhythmic_foley.evaluation.report.folders import find_clips, first_samples
    from rhythmic_foley.evaluation.report.paper_tables import paper_tables, summary
    from rhythmic_foley.evaluation.report.run_page import write_run_page

    hits, bootstrap = hit_clips(arguments.hits), {"resamples": arguments.resamples, "seed": arguments.seed}
    written = [*report.write(out), *summary(report, hits, **bootstrap).write(out, name="summary")]
    tables = paper_tables(report, full=full, semantic=semantic, temporal=temporal, hits=hits, **bootstrap)
    for item in tables:
        written += item.write(out)
    originals = find_clips(real)
    found = {method: first_samples(originals, find_clips(folder)) for method, folder in methods.items()}
    common = [clip for clip in originals if found and all(clip in clips for clips in found.values())]
    if arguments.figure and arguments.figure not in common:
        raise FoleyError(f"Figure 3 cannot show {arguments.figure}: not every folder has it.")
    figure = None
    for clip in [arguments.figure] if arguments.figure else common:
        drawn = {method: clips[clip] for method, clips in found.items()}
        try:
            written += [clip_figure(originals[clip], drawn, out / f"figure3{suffix}") for suffix in (".pdf", ".png")]
        except FoleyError:
            if arguments.figure:
                raise
            continue  # a clip without a sound, which the tables have counted
        figure = out / "figure3.png"
        break
    written.append(write_run_page(out / "report.html", tables, real, methods, figure=figure))
    return written


def hit_clips(given: str | None) -> set[str] | None:
    """Names of the clips that `--hits` gives."""
    if given is None:
        return None
    if not given.endswith(".csv"):
        return set(given.split(","))
    rows = read_rows(given, ("clip", "sound_kind"))
    return {row.text("clip") for row in rows if row.cells["sound_kind"] == "impulsive"}


def say(line: str) -> None:
    """Progress, on stderr."""
    print(line, file=sys.stderr, flush=True)


def say_paths(paths: Sequence[Path]) -> None:
    """What was written."""
    for path in paths:
        say(str(path))


def named_folders(given: list[str]) -> dict[str, Path]:
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
    from rhythmic_foley.evaluation.metrics.networks import MelceptionOutputs, YamnetOutputs

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
    return tuple(networks), left_out


def _clip(arguments: argparse.Namespace) -> tuple[ClipSimilarity | None, list[str]]:
    from rhythmic_foley.evaluation.metrics.clip_similarity import ClipSimilarity

    if arguments.clip and arguments.wav2clip:
        return ClipSimilarity.load(arguments.clip, arguments.wav2clip), []
    return None, ["CLIP similarity is left out: give --clip and --wav2clip with the published networks."]


def _sync(arguments: argparse.Namespace) -> tuple[DeSync | None, list[str]]:
    from rhythmic_foley.evaluation.metrics.desync import DeSync

    if arguments.synchformer:
        return DeSync.load(arguments.synchformer), []
    return None, ["DeSync is left out: give --synchformer with the published checkpoint."]


def _visqol(arguments: argparse.Namespace) -> tuple[Visqol | None, list[str]]:
    from rhythmic_foley.evaluation.metrics.visqol import Visqol

    if "visqol" in arguments.skip:
        return None, []
    try:
        return Visqol(arguments.visqol_band_hz), []
    except FoleyError as error:
        return None, [f"ViSQOL is left out: {error}"]
