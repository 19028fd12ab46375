"""Clips as they come into a folder."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from rhythmic_foley.errors import MALFORMED, FoleyError

CLIP_SUFFIXES = (".mp4", ".mov", ".webm", ".mkv", ".avi", ".m4v")
_NOTE = "watched.json"
_POLL_S = 2.0


def new_clips(
    folder: Path, out_dir: Path, *, poll_s: float = _POLL_S, rest: Callable[[float], None] = time.sleep
) -> Iterator[Path]:
    """Yield each clip that lies in a folder once it no longer grows. It never ends.

    What was yielded is noted in `out_dir`, so that a watch that is started again does not repeat it; a file that has
    changed meanwhile comes again.

    Args:
        rest: how to wait between two looks.

    Raises:
        FoleyError: if there is no such folder, or the note cannot be written.
    """
    if not folder.is_dir():
        raise FoleyError(f"There is no folder {folder} to watch.")
    done, before = _read(out_dir), {}
    while True:
        now = {path: _state(path) for path in sorted(folder.iterdir()) if path.suffix.lower() in CLIP_SUFFIXES}
        for path, state in now.items():
            if state and before.get(path) == state and done.get(path.name) != state:
                done[path.name] = state
                yield path
                _write(out_dir, done)
        before = now
        rest(poll_s)


def _state(path: Path) -> list[int]:
    """Size and time of change; nothing for what is no file, or is gone again."""
    try:
        about = path.stat()
        return [about.st_size, about.st_mtime_ns] if path.is_file() else []
    except OSError:
        return []


def _read(out_dir: Path) -> dict[str, list[int]]:
    try:
        return dict(json.loads((out_dir / _NOTE).read_text(encoding="utf-8")))
    except (OSError, *MALFORMED):
        return {}


def _write(out_dir: Path, done: dict[str, list[int]]) -> None:
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
        part = out_dir / f".{_NOTE}.part"
        part.write_text(json.dumps(done, indent=1), encoding="utf-8")
        os.replace(part, out_dir / _NOTE)
    except OSError as error:
        raise FoleyError(f"{out_dir} cannot be written ({error.strerror}).") from error
