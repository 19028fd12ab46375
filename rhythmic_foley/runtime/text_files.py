"""Text files as people write them: UTF-8 with or without a byte order mark, UTF-16 with one, standard input."""

from __future__ import annotations

import codecs
import re
import sys
from pathlib import Path

from rhythmic_foley.errors import FoleyError

STDIN = "-"
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_BINARY = re.compile(rb"[\x00-\x08\x0e-\x1f]")


def read_text(path: str | Path, max_mb: float) -> str:
    """The text of a file, or of standard input for `STDIN`, with newlines as they are and without byte order mark.

    Raises:
        FoleyError: if there is no such file, it is no text or larger than `max_mb`; what is not UTF-8 is named by line
            and column.
    """
    name = Path(path).name
    try:
        data = _standard_input(max_mb) if str(path) == STDIN else _start_of(Path(path), max_mb)
    except FileNotFoundError:
        raise FoleyError(f"There is no file {path}.") from None
    except (OSError, ValueError):
        raise FoleyError(f"{path} cannot be read as text.") from None
    if len(data) > max_mb * 1_000_000:
        raise FoleyError(f"{name} is larger than {max_mb:g} MB, too much for settings, sounds, onsets or tables.")
    return _decoded(data, name)


def _start_of(path: Path, max_mb: float) -> bytes:
    with open(path, "rb") as file:
        return file.read(int(max_mb * 1_000_000) + 1)


def _standard_input(max_mb: float) -> bytes:
    most = int(max_mb * 1_000_000) + 1
    raw = getattr(sys.stdin, "buffer", None)
    return sys.stdin.read(most).encode("utf-8", "surrogatepass") if raw is None else raw.read(most)


def _decoded(data: bytes, name: str) -> str:
    encoding = "utf-16" if data.startswith(_UTF_16) else "utf-8-sig"
    if encoding == "utf-8-sig" and _BINARY.search(data):
        raise FoleyError(f"{name} cannot be read as text.")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding == "utf-16":
            raise FoleyError(f"{name} cannot be read as text.") from None
        before = data[: error.start].decode("utf-8-sig")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        raise FoleyError(
            f"{name}: line {line}, column {column}, is not written in UTF-8; save the file as UTF-8."
        ) from None
