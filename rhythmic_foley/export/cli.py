"""The command `rhythmic-foley export`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

# Names that the help shows without loading what they stand for; tests hold them equal to the tables.
FORMAT_NAMES = ("wav", "flac", "mp3", "stems", "video", "captioned", "srt", "vtt", "cues", "audacity", "midi") + (
    "reaper",
    "otio",
    "edl",
    "fcpxml",
    "aaf",
)
DELIVERY_NAMES = ("as-is", "ebu-r128", "atsc-a85", "netflix", "streaming", "podcast")


def add_export_commands(commands: Any) -> None:
    """Add what brings takes to a cutting room."""
    parser = commands.add_parser(
        "export",
        help="write a take's sound, markers and captions for a cutting room",
        description="Writes a take into a new folder, in the formats that other programs read, and prints as JSON "
        "what was written and how loud it is.",
    )
    parser.add_argument("take", type=Path, metavar="TAKE", help="a take's folder")
    parser.add_argument(
        "--format", nargs="+", default=["wav"], metavar="FORMAT", help=f"any of {', '.join(FORMAT_NAMES)} (wav)"
    )
    parser.add_argument("--deliver", default="as-is", metavar="|".join(DELIVERY_NAMES), help="(%(default)s)")
    parser.add_argument("--rate", type=int, default=48_000, metavar="48000|44100", help="in Hz (%(default)s)")
    parser.add_argument("--timecode", metavar="HH:MM:SS:FF", help="of the first frame (the clip's own, or zero)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="the new folder (TAKE-export)")
    parser.set_defaults(run=_export)


def _export(args: argparse.Namespace) -> None:
    from rhythmic_foley.export.cutting_room import ExportRequest, export_take
    from rhythmic_foley.studio.takes import read_take

    formats = tuple(name for word in args.format for name in word.split(",") if name)
    request = ExportRequest(formats, args.deliver, args.rate, args.timecode)
    done = export_take(read_take(args.take), request, args.out)
    for note in done.notes:
        print(note, file=sys.stderr, flush=True)
    print(json.dumps(done.as_json(), indent=2), flush=True)
