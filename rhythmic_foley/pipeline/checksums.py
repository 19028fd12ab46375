"""The files of a checkpoint are those that were shipped: SHA-256 of each, in a list that `sha256sum --check` reads."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from rhythmic_foley.errors import FoleyError

SUMS = "SHA256SUMS"
_SUFFIXES = (".safetensors", ".json", ".csv", ".txt")


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 in hex of every file of a checkpoint that a network or its words are loaded from, by relative path."""
    files = sorted(path for path in folder.rglob("*") if path.suffix in _SUFFIXES)
    return {path.relative_to(folder).as_posix(): _digest(path) for path in files}


def write_sums(folder: Path) -> None:
    """Writes the list for the files as they are now."""
    lines = [f"{digest}  {name}\n" for name, digest in digests(folder).items()]
    (folder / SUMS).write_text("".join(lines), encoding="utf-8")


def read_sums(folder: Path) -> dict[str, str]:
    """The list of a checkpoint; empty where there is none, as in one that somebody has trained for themselves."""
    path = folder / SUMS
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return {name: digest for digest, name in (line.split("  ", 1) for line in lines)}


def check_sums(folder: Path, component: str = "") -> None:
    """Makes sure that the listed files are there and as they were shipped.

    Args:
        component: one folder of the checkpoint whose files alone are read; "" for all.

    Raises:
        FoleyError: for the first one that is not.
    """
    for name, digest in read_sums(folder).items():
        if component and not name.startswith(f"{component}/"):
            continue
        path = folder / name
        if not path.is_file():
            raise FoleyError(f"The model {folder.name} lacks its file {name}; fetch it again.")
        if _digest(path) != digest:
            raise FoleyError(
                f"The file {name} of the model {folder.name} is not the one that was shipped; fetch it again, or run "
                f"`rhythmic-foley train sums --checkpoint {folder}` if you have changed it yourself."
            )


def _digest(path: Path) -> str:
    stat = path.stat()
    return _digest_of(path, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=1024)
def _digest_of(path: Path, size: int, changed_ns: int) -> str:
    """Read once a process, as long as neither size nor time of the file change."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
