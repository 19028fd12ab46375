"""Files on disk that are found again by the content they were made from, bounded in size and age."""

from __future__ import annotations

import hashlib
import os
import struct
import sys
import tempfile
import time
import uuid
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.runtime.atomic import move_into_place

GIB = 1024**3
DAY_S = 86_400.0
# A file that is still being written is younger than this; what is older was left by a process that died.
_ABANDONED_S = 3600.0
_PARTIAL = ".part-"
# What readers raise when they are given a file that is cut off, overwritten or gone.
_DAMAGED = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, FoleyError)

Result = TypeVar("Result")


def default_root() -> Path:
    """RHYTHMIC_FOLEY_CACHE if set, else a folder in the platform's cache directory of this user."""
    named = os.environ.get("RHYTHMIC_FOLEY_CACHE")
    if named:
        return Path(named).expanduser()
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA")
    elif sys.platform == "darwin":
        base = os.path.expanduser("~/Library/Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    # A user without a home (some containers) still gets a place.
    usable = base is not None and os.path.isabs(base)
    return Path(base if usable else tempfile.gettempdir()) / "rhythmic-foley"


class Cache:
    """One file per (kind, key, suffix) under a root folder. Several processes may share it.

    An entry appears complete or not at all. Another process may evict an entry between `get` and its use, and an
    entry may have been damaged on disk: a reader that fails takes it for a miss and calls `drop`.

    Args:
        root: default `default_root()`; made when first written to.
        max_bytes: least recently used entries go when all together are larger.
        max_age_s: entries not used for this long go.
    """

    def __init__(self, root: Path | None = None, max_bytes: int = 2 * GIB, max_age_s: float = 7 * DAY_S) -> None:
        self.root = default_root() if root is None else Path(root)
        self.max_bytes = max_bytes
        self.max_age_s = max_age_s
        self._unswept_bytes: int | None = None  # written since the last eviction; None before the first

    @staticmethod
    def key(*parts: Any) -> str:
        """sha256 of the parts' types and values: strings, bytes, numbers, None, paths (as text), tuples,
        lists (same as tuples), mappings, numpy arrays, dataclasses. 1 and 1.0 give different keys.
        """
        digest = hashlib.sha256()
        _feed(digest.update, parts)
        return digest.hexdigest()

    def path(self, kind: str, key: str, suffix: str) -> Path:
        """Where the entry lies, whether it exists or not."""
        for name in (kind, key, f"x{suffix}"):
            if not name or name.startswith(".") or "/" in name or "\\" in name or "\0" in name:
                raise ValueError(f"{name!r} cannot be part of a file name in the cache")
        return self.root / kind / key[:2] / f"{key}{suffix}"

    def get(self, kind: str, key: str, suffix: str) -> Path | None:
        """The entry's file, marked as used now; None if there is none."""
        path = self.path(kind, key, suffix)
        try:
            os.utime(path)
        except FileNotFoundError:
            return None
        except OSError:  # a read-only cache still serves
            return path if path.is_file() else None
        return path

    def put(self, kind: str, key: str, suffix: str, write: Callable[[Path], None]) -> Path:
        """Make the entry: `write` fills a file at the temporary path it is given, which then takes its place.

        The temporary name ends in `suffix`. If `write` raises, nothing is left behind.

        Raises:
            FoleyError: if it cannot be stored.
        """
        path = self.path(kind, key, suffix)
        temporary = path.parent / f"{_PARTIAL}{uuid.uuid4().hex}{suffix}"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write(temporary)
            written = temporary.stat().st_size
            move_into_place(temporary, path)
        except OSError as error:
            raise FoleyError(
                f"Nothing can be kept in the cache ({error.strerror or error}); make room there, or let "
                "RHYTHMIC_FOLEY_CACHE name another folder."
            ) from error
        finally:
            with suppress(OSError):
                temporary.unlink()
        self._count(written, keep=path)
        return path

    def load(
        self, kind: str, key: str, suffix: str, read: Callable[[Path], Result], write: Callable[[Path], None]
    ) -> Result:
        """What `read` makes of the entry; it is made by `write` if it is not there, is damaged or is gone meanwhile.

        Raises:
            FoleyError: if it cannot be stored.
        """
        found = self.get(kind, key, suffix)
        if found is not None:
            try:
                return read(found)
            except _DAMAGED:
                self.drop(kind, key, suffix)
        return read(self.put(kind, key, suffix, write))

    def drop(self, kind: str, key: str, suffix: str) -> None:
        """Remove the entry if it exists and can be removed."""
        with suppress(OSError):
            self.path(kind, key, suffix).unlink()

    def evict(self, keep: Path | None = None) -> int:
        """Remove what is too old, then the least recently used until the rest fits. Returns the bytes freed.

        Args:
            keep: an entry that stays in any case.
        """
        now = time.time()
        entries = []
        freed = 0
        for path, used, size in self._files():
            if path.name.startswith(_PARTIAL):
                if now - used > _ABANDONED_S:
                    freed += _remove(path, size)
            elif now - used > self.max_age_s and path != keep:
                freed += _remove(path, size)
            else:
                entries.append((used, size, path))
        total = sum(size for _, size, _ in entries)
        for _, size, path in sorted(entries, key=lambda entry: entry[0]):
            if total <= self.max_bytes:
                break
            if path != keep:
                freed += _remove(path, size)
                total -= size
        self._unswept_bytes = 0
        return freed

    def _count(self, written: int, keep: Path) -> None:
        """Evict at the first entry of this process and then whenever a sixteenth of the limit has been written."""
        if self._unswept_bytes is not None:
            self._unswept_bytes += written
        if self._unswept_bytes is None or self._unswept_bytes > self.max_bytes // 16:
            self.evict(keep)

    def _files(self) -> list[tuple[Path, float, int]]:
        found = []
        for path in self.root.glob("*/*/*"):
            try:
                stat = path.stat()
            except FileNotFoundError:  # another process was faster
                continue
            found.append((path, stat.st_mtime, stat.st_size))
        return found


def file_digest(path: str | Path) -> str:
    """sha256 of a file's content, in hex."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _feed(update: Callable[[bytes], None], part: Any) -> None:
    """Each value with its type and length in front, so that ("ab", "c") and ("a", "bc") differ."""
    if is_dataclass(part) and not isinstance(part, type):
        _feed(update, type(part).__qualname__)
        _feed(update, {field.name: getattr(part, field.name) for field in fields(part)})
    elif isinstance(part, np.ndarray):
        _feed(update, ("array", part.dtype.str, part.shape))
        _feed(update, np.ascontiguousarray(part).tobytes())
    elif isinstance(part, Mapping):
        update(b"m" + struct.pack("<q", len(part)))
        for name in sorted(part):
            _feed(update, (name, part[name]))
    elif isinstance(part, (tuple, list)):
        update(b"t" + struct.pack("<q", len(part)))
        for item in part:
            _feed(update, item)
    else:
        tag, content = _scalar(part)
        update(tag + struct.pack("<q", len(content)) + content)


def _scalar(part: Any) -> tuple[bytes, bytes]:
    if isinstance(part, (str, os.PathLike)):
        return b"s", os.fspath(part).encode("utf-8", "surrogatepass")
    if isinstance(part, (bytes, bytearray)):
        return b"b", bytes(part)
    if part is None or isinstance(part, (bool, np.bool_)):
        return b"c", str(part).encode()
    if isinstance(part, (int, np.integer)):
        return b"i", str(int(part)).encode()
    if isinstance(part, (float, np.floating)):
        return b"f", struct.pack("<d", float(part))
    raise TypeError(f"A cache key cannot be made of {type(part).__name__}")


def _remove(path: Path, size: int) -> int:
    try:
        path.unlink()
    except OSError:  # gone already, or open elsewhere on a system that forbids it
        return 0
    return size
