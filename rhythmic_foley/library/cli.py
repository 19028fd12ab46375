"""`rhythmic-foley library index` and `find`: look through folders of sounds."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rhythmic_foley.errors import FoleyError

if TYPE_CHECKING:
    from rhythmic_foley.library.opening import LibraryOpener
    from rhythmic_foley.library.sample import Found
    from rhythmic_foley.library.shelf import SoundLibrary


def add_library_commands(commands: Any, checkpoint: Any) -> None:
    """Add `library` to the command line.

    Args:
        checkpoint: gives the folder of the model whose networks compare words and sounds.
    """
    parser = commands.add_parser("library", help="index folders of sounds, and find sounds in them and in the bank")
    kinds = parser.add_subparsers(title="what to do", metavar="index|find", required=True)
    index = kinds.add_parser("index", help="index folders, so that they are found at once later")
    index.add_argument("folders", type=Path, nargs="+", metavar="FOLDER")
    index.set_defaults(run=lambda args: run_index(args, checkpoint()))
    find = kinds.add_parser("find", help="list the sounds whose names are nearest to some words")
    what = find.add_mutually_exclusive_group(required=True)
    what.add_argument("words", nargs="?", metavar="WORDS", help='such as "wooden door slam"')
    what.add_argument("--like", type=Path, metavar="FILE", help="sounds that sound like this one")
    find.add_argument(
        "--library", type=Path, action="append", default=[], metavar="FOLDER", help="look here too; repeatable"
    )
    find.add_argument("--count", type=int, default=10, help="how many (%(default)s)")
    find.set_defaults(run=lambda args: run_find(args, checkpoint()))


def run_index(args: argparse.Namespace, checkpoint: Path) -> None:
    """Index folders; print a line of JSON for each."""
    from rhythmic_foley.library.opening import LibraryOpener
    from rhythmic_foley.runtime.cache import Cache

    opener = LibraryOpener(checkpoint, Cache())
    for folder in args.folders:
        (shelf,) = _open(opener, [folder], bank=False).own
        index = shelf.index
        for one in index.broken:
            print(f"{one.path}: {one.broken}", file=sys.stderr)
        about = {
            "folder": str(index.folder),
            "sounds": len(index.recordings) - len(index.broken),
            "samples": sum(len(one.cuts) for one in index.recordings),
            "skipped": len(index.broken),
        }
        print(json.dumps(about), flush=True)


def run_find(args: argparse.Namespace, checkpoint: Path) -> None:
    """List the nearest sounds as JSON."""
    from rhythmic_foley.audio.wav import read_wav
    from rhythmic_foley.library.opening import LibraryOpener
    from rhythmic_foley.runtime.cache import Cache

    if args.count < 1:
        raise FoleyError(f"The number of sounds to find must be at least 1, not {args.count}.")
    opener = LibraryOpener(checkpoint, Cache())
    library = _open(opener, args.library)
    found = library.find(args.words, args.count) if args.like is None else None
    if found is None:
        embedding, _ = opener.hear(*read_wav(args.like))
        found = library.like(embedding, args.count)
    print(json.dumps({"found": [_as_json(one) for one in found]}, indent=2, ensure_ascii=False))


def _open(opener: LibraryOpener, folders: list[Path], *, bank: bool = True) -> SoundLibrary:
    """The library, its progress told on stderr where that is a terminal."""
    library: Any = None
    for item in opener.open(folders, bank=bank):
        library = item
        if sys.stderr.isatty() and hasattr(item, "message"):
            print(f"\r{item.message}", end="", file=sys.stderr, flush=True)
    if sys.stderr.isatty():
        print(file=sys.stderr)
    return library


def _as_json(found: Found) -> dict[str, Any]:
    sample = found.sample
    return {
        "name": sample.name,
        "similarity": found.similarity,
        "file": str(sample.path),
        "use": sample.cut.use,
        "from_s": sample.cut.start_s,
        "to_s": sample.cut.end_s,
        "heard": list(sample.heard),
        "licence": sample.source.licence,
        "author": sample.source.author,
    }
