"""The disk space of all visitors together: bounded, and cleaned of what is older than the page promises."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.values.limits import MAX_VISITS_GB

KEEP_S = 6 * 3600
FULL = "The server's disk is full; please try again later."
NO_ROOM = "The space for visitors' files is used up; please try again in an hour."
# What was used within this time may be in use, and stays even where space is short.
_IN_USE_S = 3600.0
_EVERY_S = 600.0
# A file beside the visitors' folders is an upload that is under way, or was broken off.
_BROKEN_OFF_S = 600.0
# Of the space that is free or taken by visitors, on a small disk.
_SHARE = 0.8


def upload_folder() -> Path:
    """Where Gradio puts uploads, in a folder of this app's own: what is there is the app's to remove.

    GRADIO_TEMP_DIR names it. Where it is not set it is set here, since by default all of a machine's Gradio apps share
    one folder.
    """
    user = os.getuid() if hasattr(os, "getuid") else "visitors"
    default = Path(tempfile.gettempdir()).resolve() / f"rhythmic-foley-{user}"
    return Path(os.environ.setdefault("GRADIO_TEMP_DIR", str(default)))


def is_full(error: BaseException | None) -> bool:
    """Whether an error says that a disk, or what a user may have of it, is full."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True)
class _Entry:
    """A visitor's folder, or one upload.

    Attributes:
        used_s: when it was last used, in seconds of the clock.
    """

    path: Path
    used_s: float
    size: int


class VisitorSpace:
    """Everything below some folders.

    Args:
        folders: each child of one of them is removed as a whole; one of them may lie in another.
        max_bytes: by default `MAX_VISITS_GB`, or RHYTHMIC_FOLEY_VISITS_GB, and never more than most of the disk.
    """

    def __init__(self, folders: Sequence[Path], max_bytes: int | None = None) -> None:
        self.folders = tuple(folders)
        self.max_bytes = max_bytes
        self._lock = threading.Lock()

    def tidy(self) -> int:
        """Remove what is old, then what was used longest ago as long as there is too much. Returns the bytes left."""
        with self._lock:
            now_s = time.time()
            entries = sorted(self._entries(), key=lambda entry: entry.used_s)
            most = self._most(entries)
            left = sum(entry.size for entry in entries)
            for entry in entries:
                idle_s = now_s - entry.used_s
                broken_off = idle_s > _BROKEN_OFF_S and not entry.path.is_dir()
                if idle_s > KEEP_S or broken_off or (left > most and idle_s > _IN_USE_S):
                    _remove(entry.path)
                    left -= entry.size
            return left

    def check_room(self) -> None:
        """Clean up.

        Raises:
            FoleyError: if there is no room for more all the same.
        """
        if not self.has_room():
            raise FoleyError(NO_ROOM)

    def has_room(self) -> bool:
        """Clean up; whether there is room for more then."""
        return self.tidy() < self._most(list(self._entries()))

    def keep_tidy(self) -> None:
        """Clean up now, and again every ten minutes as long as the process lives."""

        def work() -> None:
            while True:
                with suppress(OSError):
                    self.tidy()
                time.sleep(_EVERY_S)

        threading.Thread(target=work, name="visitor-space", daemon=True).start()

    def _entries(self) -> Iterator[_Entry]:
        for folder in self.folders:
            with suppress(OSError):
                for path in folder.iterdir():
                    if path not in self.folders:
                        with suppress(OSError):
                            yield _Entry(path, path.lstat().st_mtime, _size(path))

    def _most(self, entries: Sequence[_Entry]) -> int:
        if self.max_bytes is not None:
            return self.max_bytes
        named = os.environ.get("RHYTHMIC_FOLEY_VISITS_GB", "")
        most = float(named if named.replace(".", "", 1).isdigit() else MAX_VISITS_GB) * 1e9
        with suppress(OSError, StopIteration):
            folder = next(folder for folder in self.folders if folder.is_dir())
            most = min(most, _SHARE * (shutil.disk_usage(folder).free + sum(entry.size for entry in entries)))
        return int(most)


def _size(path: Path) -> int:
    size = path.lstat().st_size
    if path.is_dir() and not path.is_symlink():
        for inside in path.rglob("*"):
            with suppress(OSError):
                size += inside.lstat().st_size
    return size


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()
