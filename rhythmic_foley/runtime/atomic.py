"""Files that appear under their name whole or not at all, even if the machine stops in between."""

from __future__ import annotations

import os
from pathlib import Path


def move_into_place(part: Path, path: Path) -> None:
    """Gives what was written beside its place its name: a file, or a folder. It reaches the disk before the name does.

    Raises:
        OSError: if it cannot be stored or named.
    """
    for file in (part, *part.rglob("*")):  # a file has nothing below it
        if file.is_file():
            _sync(file)
    os.replace(part, path)


def _sync(path: Path) -> None:
    with open(path, "r+b") as file:
        os.fsync(file.fileno())
