"""Zip files that are written whole or not at all, and unpacked without trusting what is in them."""

from __future__ import annotations

import re
import stat
import uuid
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.runtime.atomic import move_into_place

MAX_UNPACKED_GB = 8
MAX_FILES = 10_000
_MAX_RATIO = 200  # a file that shrinks more was made to fill a disk; text shrinks to a tenth
_RATIO_FROM = 10_000_000  # smaller ones may be all silence
_BLOCK = 1 << 20
_PACKED_ALREADY = (".mp4", ".mov", ".webm", ".mkv", ".avi", ".png", ".flac", ".mp3", ".ogg")
_PART = re.compile(r'[^\\:*?"<>|\x00-\x1f]{1,200}')


def write_archive(path: Path, files: Mapping[str, Path | str]) -> None:
    """Write a zip file under its name when it is complete.

    Args:
        files: a file on disk, or a text, by the path in the archive.

    Raises:
        OSError: if it cannot be written.
    """
    part = path.with_name(f".{uuid.uuid4().hex}.part")
    try:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files.items():
                if isinstance(content, str):
                    archive.writestr(name, content)
                    continue
                packed = content.suffix.lower() in _PACKED_ALREADY
                archive.write(content, name, zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED)
        move_into_place(part, path)
    finally:
        part.unlink(missing_ok=True)


def unpack_archive(path: Path, folder: Path) -> None:
    """Unpack a zip file into an empty folder.

    Raises:
        FoleyError: if it is none, is damaged, holds names that lead out of the folder, or more than the limits allow.
        OSError: if it cannot be read or written.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            _check(path.name, entries)
            left = MAX_UNPACKED_GB * 1_000_000_000
            for entry in entries:
                if entry.is_dir():
                    continue
                target = folder / entry.filename
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(entry) as source, open(target, "xb") as out:
                    written = 0
                    while block := source.read(_BLOCK):
                        written += len(block)
                        if written > min(entry.file_size, left):  # more than it said
                            raise FoleyError(f"{path.name} is damaged: a file in it is larger than it says.")
                        out.write(block)
                left -= written
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, UnicodeDecodeError):
        raise FoleyError(f"{path.name} is damaged, or no file that this program has written.") from None
    except FileExistsError:
        raise FoleyError(
            f"{path.name} holds two files of the same name; it was not written by this program."
        ) from None


def _check(name: str, entries: list[zipfile.ZipInfo]) -> None:
    if len(entries) > MAX_FILES:
        raise FoleyError(f"{name} holds {len(entries)} files; the limit is {MAX_FILES}.")
    size = sum(entry.file_size for entry in entries)
    if size > MAX_UNPACKED_GB * 1_000_000_000:
        raise FoleyError(f"{name} unpacks to {size / 1e9:.0f} GB; the limit is {MAX_UNPACKED_GB} GB.")
    for entry in entries:
        parts = entry.filename.rstrip("/").split("/")
        plain = all(_PART.fullmatch(part) and part.strip(". ") for part in parts)
        if not plain or stat.S_ISLNK(entry.external_attr >> 16):
            raise FoleyError(f"{name} holds a file whose name leads out of it; it was not written by this program.")
        if entry.file_size > _RATIO_FROM and entry.file_size > _MAX_RATIO * max(1, entry.compress_size):
            raise FoleyError(f"{name} holds a file that unpacks to {_MAX_RATIO} times its size and more; refused.")
