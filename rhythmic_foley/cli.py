"""The command `rhythmic-foley`: describe, find onsets, dub, share, open the app, find sounds, train, evaluate.

Results go to stdout as JSON, progress and the one sentence of an error to stderr. Exit codes: 0 done, 2 something the
person can mend, 130 stopped with Ctrl-C. Whatever loads torch is imported inside the functions: --help is instant.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import closing, nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rhythmic_foley import __version__
from rhythmic_foley.arguments import Parser, is_file, number, with_odd_names
from rhythmic_foley.errors import FoleyError, quoted
from rhythmic_foley.evaluation.commands.cli import add_evaluation_commands
from rhythmic_foley.export.cli import add_export_commands
from rhythmic_foley.library.cli import add_library_commands
from rhythmic_foley.runtime.text_files import STDIN, read_text
from rhythmic_foley.studio.cli import add_project_commands, unpacked_project
from rhythmic_foley.training.cli import add_training_commands
from rhythmic_foley.values.limits import MAX_JSON_MB
from rhythmic_foley.values.seconds import parse_span
from rhythmic_foley.values.seeds import read_seed
from rhythmic_foley.weights.cli import add_weights_commands

if TYPE_CHECKING:
    from rhythmic_foley.studio.studio import Analysis, Asking, Controls, Fix, Studio, Take
    from rhythmic_foley.values.events import SoundEvent
    from rhythmic_foley.values.onsets import Onsets

DEFAULT_MODEL = "mini"
PLATFORMS = ("plain", "tiktok", "reels", "shorts", "youtube", "x")
SOURCES = ("auto", "model", "samples", "blend")
BAD_INPUT, STOPPED = 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    try:
        args = build_parser().parse_args(with_odd_names(sys.argv[1:] if arguments is None else arguments))
        _silence_libraries()
        return args.run(args) or 0
    except FoleyError as error:
        _say(error)
        return BAD_INPUT
    except KeyboardInterrupt:
        _say("Stopped.")
        return STOPPED


def build_parser() -> argparse.ArgumentParser:
    """All commands. Each sets `run`: a function of the parsed arguments that may return an exit code."""
    parser = Parser(prog="rhythmic-foley", description="Dub silent video in time with the picture.")
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_describe(commands)
    _add_onsets(commands)
    _add_dub(commands)
    _add_post(commands)
    _add_reel(commands)
    add_export_commands(commands)
    add_project_commands(commands)
    _add_app(commands)
    _add_mcp(commands)
    add_library_commands(commands, _embedded_checkpoint)
    add_training_commands(commands)
    add_evaluation_commands(commands)
    add_weights_commands(commands)
    return parser


def _add_describe(commands: Any) -> None:
    parser = commands.add_parser("describe", help="say what sounds in a clip, as JSON")
    parser.add_argument("clip", type=Path, metavar="CLIP")
    _add_model(parser)
    _add_describer(parser)
    parser.set_defaults(run=_describe)


def _add_onsets(commands: Any) -> None:
    parser = commands.add_parser("onsets", help="say when something sounds in a clip, as JSON")
    parser.add_argument("clip", type=Path, metavar="CLIP")
    parser.add_argument("--threshold", type=float, help="how high a peak of the curve must be, 0..1; less finds more")
    parser.add_argument(
        "--choose",
        action="append",
        default=[],
        metavar="every-second|other-phase|strongest:N",
        help="another reading of the onsets: every second one, the other turning point of each swing, or only the N "
        "strongest; may be given several times, which are then applied in order",
    )
    _add_onset_source(parser)
    _add_model(parser)
    parser.set_defaults(run=_onsets)


def _add_dub(commands: Any) -> None:
    parser = commands.add_parser(
        "dub",
        help="make the sound for one or many clips",
        description="Makes the sound for each CLIP. What and when are proposed from the picture unless you say them. "
        "Prints a line of JSON for each take.",
    )
    parser.add_argument("clips", type=Path, nargs="*", metavar="CLIP", help="a clip, or a project (.foley)")
    parser.add_argument("--watch", type=Path, metavar="DIR", help="dub every clip that comes into this folder")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--text", help="what sounds, in plain words, for the whole clip")
    what.add_argument("--events", metavar="FILE", help="what sounds when: JSON as `describe` prints it, or one a line")
    parser.add_argument(
        "--onsets",
        metavar="FILE|TIMES",
        help='JSON as `onsets` prints it, CSV, Audacity labels, MIDI, or "0.5, 1.2"; - is JSON on stdin',
    )
    _add_onset_source(parser)
    parser.add_argument("--negative", help="what should not be heard")
    parser.add_argument("--semantic-scale", type=float, metavar="S", help="strength of the description; 0 is off")
    parser.add_argument("--temporal-scale", type=float, metavar="S", help="strength of the onsets; 0 is off")
    parser.add_argument("--guidance", type=float, metavar="G", help="how closely to follow picture and text; 1 is off")
    parser.add_argument("--classifier-scale", type=float, metavar="G", help="guidance by a classifier; 0 is off")
    parser.add_argument("--onset-guidance", type=float, metavar="G", help="steer to the onsets untrained; 0 is off")
    parser.add_argument("--steps", type=int, help="denoising steps")
    parser.add_argument("--seed", help="0 to 2^64-1; the same seed gives the same take; -1 or none draws one")
    parser.add_argument("--takes", type=int, help="how many different takes")
    parser.add_argument("--keep-original", type=float, metavar="DB", help="mix in the clip's own sound at this gain")
    parser.add_argument("--loudness", type=_loudness, metavar="LUFS|off", help="integrated loudness of the result")
    parser.add_argument("--range", metavar="START-END", help="dub and write only this stretch of the clip, in seconds")
    parser.add_argument("--fix", metavar="TAKE@START-END", help="make only this stretch of an earlier take anew")
    parser.add_argument(
        "--source", choices=SOURCES, help="what sounds are made of; auto takes samples where there are any (auto)"
    )
    parser.add_argument(
        "--library", type=Path, action="append", metavar="FOLDER", help="sounds of your own; repeatable"
    )
    parser.add_argument("--samples", type=Path, nargs="+", metavar="FILE", help="make every sound of these files")
    parser.add_argument("--reference", type=Path, metavar="FILE", help="one such file, which the model changes")
    parser.add_argument(
        "--reference-strength", type=float, metavar="S", help="how much of the samples stays in a blend, 0 to 1"
    )
    parser.add_argument(
        "--stems", action="store_const", const=True, help="write a single event as a stem too; several always are"
    )
    parser.add_argument("--settings", metavar="FILE", help="an earlier take's settings; other options change them")
    parser.add_argument("--out", type=Path, default=Path("dubs"), metavar="DIR", help="where takes go (%(default)s)")
    parser.add_argument("--ray", metavar="ADDRESS", help='dub on the machines of a Ray cluster; "local" starts one')
    _add_model(parser)
    _add_describer(parser)
    parser.set_defaults(run=_dub)


def _add_post(commands: Any) -> None:
    parser = commands.add_parser("post", help="write a take in the size and at the loudness of a platform")
    parser.add_argument("take", type=Path, metavar="TAKE", help="a take's folder")
    parser.add_argument("--for", dest="preset", default="plain", metavar="|".join(PLATFORMS), help="(%(default)s)")
    parser.add_argument("--fit", default="pad", metavar="pad|crop", help="how another shape is filled (%(default)s)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="an MP4 (TAKE-PLATFORM.mp4)")
    parser.set_defaults(run=_post)


def _add_reel(commands: Any) -> None:
    parser = commands.add_parser("reel", help="write a video that plays a clip with one sound after the other")
    parser.add_argument("clip", type=Path, metavar="CLIP")
    parser.add_argument("sounds", type=Path, nargs="+", metavar="SOUND", help="a take's folder or a sound file")
    parser.add_argument("--labels", nargs="+", metavar="TEXT", help="what is written over each (its name)")
    parser.add_argument("--out", type=Path, default=Path("reel.mp4"), metavar="FILE", help="(%(default)s)")
    parser.set_defaults(run=_reel)


def _add_app(commands: Any) -> None:
    parser = commands.add_parser("app", help="serve the app to your browser")
    parser.add_argument("--host", help="address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=int, help="port to listen on (the first free one from 7860)")
    parser.add_argument("--share", action="store_true", help="also make a public link through Gradio")
    parser.add_argument(
        "--listening", type=Path, metavar="FOLDER", help="serve a listening test on this folder instead"
    )
    parser.add_argument("--listens", type=int, default=1, help="of each sound in the test, at least (%(default)s)")
    parser.add_argument(
        "--library", type=Path, action="append", default=[], metavar="FOLDER", help="sounds to offer; repeatable"
    )
    _add_model(parser)
    _add_describer(parser)
    parser.set_defaults(run=_app)


def _add_mcp(commands: Any) -> None:
    parser = commands.add_parser("mcp", help="serve analyse, dub and export to an assistant, over stdin and stdout")
    parser.add_argument("--out", type=Path, default=Path("dubs"), metavar="DIR", help="where takes go (%(default)s)")
    _add_model(parser)
    _add_describer(parser)
    parser.set_defaults(run=_mcp)


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", help=f"checkpoint: a name or a folder ({DEFAULT_MODEL})")


def _add_onset_source(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--onsets-from", choices=("picture", "sound", "both"), help="what onsets are proposed from: the picture, the "
        "clip's own sound, or both (picture)",
    )  # fmt: skip
    parser.add_argument(
        "--guide",
        type=Path,
        metavar="FILE",
        help="a recording of yourself tapping, clapping or humming to the clip: its attacks are the onsets",
    )


def _add_describer(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--describer",
        metavar="embedded|mini-gemini|FOLDER|ORG/NAME",
        default="embedded",
        help="who says what sounds: the embedded one, a Mini-Gemini that was downloaded, a folder with a published "
        "one, or any image-text-to-text model of transformers (%(default)s)",
    )
    parser.add_argument(
        "--ask", choices=("frames", "sheet"), help="ask it about single frames, or once about four, which is faster"
    )
    parser.add_argument("--questions", type=Path, metavar="FILE", help="ask it your own: JSON, see docs/describers.md")


def _loudness(text: str) -> float | str:
    try:
        return text if text == "off" else number(text)
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(
            f'this must be a number of LUFS such as -16, or "off", not {quoted(text)}'
        ) from None


def _describe(args: argparse.Namespace) -> None:
    from rhythmic_foley.studio.dub_plan import likeliest_events
    from rhythmic_foley.values.events import event_as_json

    analysis = _analyse(_open(args), args.clip)  # with onsets, by which described hits are shortened
    events, note = likeliest_events(analysis)
    for sentence in (*analysis.notes, note):
        if sentence:
            _say(sentence)
    _print(
        describer=analysis.describer,
        sure=not note,
        events=[event_as_json(event) for event in events],
        suggestions=[asdict(suggestion) for suggestion in analysis.suggestions],
    )


def _onsets(args: argparse.Namespace) -> None:
    if args.threshold is not None and not 0 <= args.threshold <= 1:  # said before the clip is looked at
        raise FoleyError(f"The threshold must be between 0 and 1, not {args.threshold:g}.")
    from rhythmic_foley.values.controls import Controls

    heard = {"onsets_from": args.onsets_from or Controls().onsets_from, "guide": args.guide}
    analysis = _analyse(open_studio(args.model), args.clip, describe=False, **heard)
    for note in analysis.notes:
        _say(note)
    onsets, threshold = analysis.onsets, analysis.threshold
    if args.threshold is not None:
        from rhythmic_foley.values.curve import pick_onsets

        onsets, threshold = pick_onsets(analysis.curve, args.threshold), args.threshold
    for choice in args.choose:
        from rhythmic_foley.values.alternatives import alternative

        onsets = alternative(onsets, analysis.curve, choice)
    _print(
        duration_s=analysis.clip.duration_s,
        onsets_s=list(onsets.times_s),
        strengths=list(onsets.strengths),
        threshold=threshold,
        curve_times_s=[round(float(time_s), 4) for time_s in analysis.curve.times_s],
        curve=[round(float(value), 4) for value in analysis.curve.values],
    )


def _dub(args: argparse.Namespace) -> int:
    with nullcontext() if args.watch else unpacked_project(args):
        return _dub_clips(args)


def _dub_clips(args: argparse.Namespace) -> int:
    settings = read_text(args.settings, MAX_JSON_MB) if args.settings else None
    before = _facts_in(settings) if settings else {}
    studio = _open(args, before.get("model"))
    controls = _controls(args, settings, studio.defaults)
    if args.ray is not None:
        return _dub_on_ray(args, args.model or before.get("model") or DEFAULT_MODEL, controls)
    code = 0
    if args.watch is None and not args.clips:
        raise FoleyError("The following arguments are required: CLIP; see rhythmic-foley dub --help.")
    for clip in _watched(args) if args.watch else args.clips:
        try:
            _dub_one(studio, clip, controls, before, args.out)
        except FoleyError as error:
            _say(error if args.watch is None and len(args.clips) == 1 else f"{clip}: {error}")
            code = BAD_INPUT
    return code


def _watched(args: argparse.Namespace) -> Iterator[Path]:
    """Clips as they come into a folder, until Ctrl-C."""
    from rhythmic_foley.integrations.watch_folder import new_clips

    _say(f"Watching {args.watch}; Ctrl-C ends it.")
    return new_clips(args.watch, args.out)


def _facts_in(settings: str) -> dict[str, Any]:
    """What a settings file says beside the controls: which clip and which model."""
    try:
        facts = json.loads(settings)
    except (ValueError, RecursionError):
        facts = None
    if not isinstance(facts, dict):
        raise FoleyError("These settings cannot be read; use a settings file that a dub has written.")
    return {name: facts[name] for name in ("clip_sha256", "model", "revision") if isinstance(facts.get(name), str)}


def _dub_on_ray(args: argparse.Namespace, model: str, controls: Controls) -> int:
    from rhythmic_foley.cluster.remote_dub import Setup, dub_on_ray
    from rhythmic_foley.studio.studio import Asking

    code = 0
    there = Setup(model, args.describer, Asking.read(args.ask, args.questions))
    for clip, result in dub_on_ray(args.ray, there, args.clips, controls, args.out):
        if isinstance(result, FoleyError):
            _say(f"{clip}: {result}")
            code = BAD_INPUT
        else:
            for take in result:
                _print_take(clip, take)
    return code


def _dub_one(studio: Studio, clip: Path, controls: Controls, before: dict[str, Any], out_dir: Path) -> None:
    *_, analysis = _follow(studio.analyse_for(clip, controls), clip.name)
    if before.get("clip_sha256", analysis.digest) != analysis.digest:
        _say(f"{clip.name}: The settings were made for another clip.")
    if "revision" in before and before["revision"] != studio.revision:
        _say(f"{clip.name}: The settings were made with another model; the take will differ.")
    for take in _follow(studio.dub(analysis, controls, out_dir), clip.name):
        _print_take(clip, take)


def _post(args: argparse.Namespace) -> None:
    from rhythmic_foley.export.platforms import export_post
    from rhythmic_foley.studio.takes import read_take

    out = args.out or args.take.with_name(f"{args.take.name}-{args.preset}.mp4")
    _print(video=str(export_post(read_take(args.take), args.preset, out, fit=args.fit)))


def _reel(args: argparse.Namespace) -> None:
    from rhythmic_foley.export.comparison_video import comparison_reel
    from rhythmic_foley.studio.takes import read_take

    takes = [read_take(path) if path.is_dir() else None for path in args.sounds]
    names = [take.name if take else path.stem for take, path in zip(takes, args.sounds, strict=True)]
    if args.labels and len(args.labels) != len(names):
        raise FoleyError(f"There are {len(names)} sounds but {len(args.labels)} labels.")
    wavs = [take.wav if take else path for take, path in zip(takes, args.sounds, strict=True)]
    tracks = list(zip(args.labels or names, wavs, strict=True))
    _print(video=str(comparison_reel(args.clip, tracks, args.out)))


def _app(args: argparse.Namespace) -> None:
    where = {"server_name": args.host, "server_port": args.port, "share": args.share}
    if args.listening:
        from rhythmic_foley.evaluation.listening.blind_test import open_test
        from rhythmic_foley.ui.listening import launch_listening

        with open_test(args.listening, args.listens, _say) as test:
            launch_listening(test, **where)
        return
    from rhythmic_foley.ui import launch

    launch(_open(args, libraries=args.library), **where)


def _embedded_checkpoint() -> Path:
    """The model whose networks compare words and sounds."""
    from rhythmic_foley.pipeline.loading import EMBEDDED, find_checkpoint

    return find_checkpoint(EMBEDDED)


def _mcp(args: argparse.Namespace) -> None:
    from rhythmic_foley.integrations.mcp_server import build_server

    build_server(lambda: _open(args), args.out).run()


def _silence_libraries() -> None:
    """Keep what libraries say to programmers off a person's terminal, unless asked for (python -W, environment)."""
    for name in ("TRANSFORMERS_VERBOSITY", "DIFFUSERS_VERBOSITY"):
        os.environ.setdefault(name, "error")
    if not sys.warnoptions:
        warnings.simplefilter("ignore")


def _open(args: argparse.Namespace, model: str | None = None, libraries: Sequence[Path] = ()) -> Studio:
    """The studio with the describer that a command names; `model` where the command names none."""
    from rhythmic_foley.studio.studio import Asking

    return open_studio(args.model or model, args.describer, Asking.read(args.ask, args.questions), libraries)


def open_studio(
    model: str | None,
    describer: str = "embedded",
    asking: Asking | None = None,
    libraries: Sequence[Path] = (),
) -> Studio:
    """The studio that a command works in."""
    from rhythmic_foley.studio.studio import Studio

    return Studio(model or DEFAULT_MODEL, describer=describer, asking=asking, libraries=libraries)


def _analyse(studio: Studio, clip: Path, **how: Any) -> Analysis:
    *_, analysis = _follow(studio.analyse(clip, **how), clip.name)
    return analysis


def _follow(job: Any, name: str) -> Iterator[Any]:
    """Draw a studio job's progress on stderr (when that is a terminal) and hand on whatever else it yields."""
    from tqdm import tqdm

    from rhythmic_foley.studio.studio import Progress

    layout = "{desc} {percentage:3.0f}%|{bar}|"
    with closing(job), tqdm(total=1.0, desc=name, bar_format=layout, disable=None, leave=False) as bar:
        for item in job:
            if isinstance(item, Progress):
                bar.n = item.fraction
                left = "" if item.eta_s is None else f", {item.eta_s:.0f} s left"
                bar.set_description_str(f"{name}: {item.message}{left}")
            else:
                bar.clear()
                yield item


def _controls(args: argparse.Namespace, settings: str | None, defaults: Controls) -> Controls:
    """The settings, if there are any, or the model's defaults, changed by the options that were given."""
    from rhythmic_foley.studio.studio import Controls

    controls = defaults if settings is None else Controls.from_json(settings, Path(args.settings).parent)
    if args.events is not None:
        controls = replace(controls, events=read_events(args.events), text=None)
    if args.onsets is not None:
        controls = replace(controls, onsets=read_onsets(args.onsets))
    if args.seed is not None:
        controls = replace(controls, seed=read_seed(args.seed))
    if args.loudness is not None:
        controls = replace(controls, loudness_lufs=None if args.loudness == "off" else args.loudness)
    if args.range is not None:
        controls = replace(controls, range_s=parse_span(args.range))
    if args.fix is not None:
        controls = replace(controls, fix=_fix(args.fix))
    plain = {
        "text": args.text,
        "negative": args.negative,
        "semantic_scale": args.semantic_scale,
        "temporal_scale": args.temporal_scale,
        "guidance_scale": args.guidance,
        "classifier_scale": args.classifier_scale,
        "onset_guidance": args.onset_guidance,
        "steps": args.steps,
        "takes": args.takes,
        "keep_original_db": args.keep_original,
        "source": args.source,
        "library": None if args.library is None else tuple(args.library),
        "samples": None if args.samples is None else tuple(args.samples),
        "reference": args.reference,
        "reference_strength": args.reference_strength,
        "stems": args.stems,
        "onsets_from": args.onsets_from,
        "guide": args.guide,
    }
    return replace(controls, **{name: value for name, value in plain.items() if value is not None})


def _fix(argument: str) -> Fix:
    from rhythmic_foley.studio.studio import Fix

    take, at, span = argument.rpartition("@")
    if not at:
        raise FoleyError(f'"{argument}" does not say what to fix; write a take\'s folder and the stretch: TAKE@2-3.5.')
    return Fix(Path(take), *parse_span(span))


def read_onsets(argument: str) -> Onsets:
    """Onsets from times as typed, or from a file or stdin ("-"): JSON, a table, times, Audacity labels, MIDI notes."""
    from rhythmic_foley.export.onset_files import MIDI, read_midi, read_onset_text
    from rhythmic_foley.values.onsets import Onsets

    if argument.lower().endswith(MIDI):
        return read_midi(Path(argument))
    if argument != STDIN and not argument.endswith((".json", ".csv", ".tsv", ".txt")) and not is_file(argument):
        return Onsets.parse(argument)
    return read_onset_text(read_text(argument, MAX_JSON_MB), Path(argument).name)


def read_events(argument: str) -> tuple[SoundEvent, ...]:
    """Events from a file or stdin ("-"): JSON as the command `describe` prints it, a table, or one event a line."""
    from rhythmic_foley.values.events import read_events

    return read_events(read_text(argument, MAX_JSON_MB), Path(argument).name)


def _print_take(clip: Path, take: Take) -> None:
    for note in take.notes:
        _say(f"{take.name}: {note}")
    _print(
        indent=None,
        clip=str(clip),
        name=take.name,
        video=str(take.video),
        wav=str(take.wav),
        mel=str(take.mel),
        settings=str(take.settings),
        onsets=take.onsets_json and str(take.onsets_json),
        stems=[str(stem) for stem in take.stems],
        credits=take.credits and str(take.credits),
        seed=take.seed,
        measured=take.measured and asdict(take.measured),
    )


def _print(indent: int | None = 2, **result: Any) -> None:
    print(json.dumps(result, indent=indent), flush=True)


def _say(sentence: object) -> None:
    print(sentence, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
