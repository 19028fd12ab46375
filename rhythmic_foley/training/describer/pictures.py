"""Pictures that lie inside published packages, labelled in `pictures.csv`: none of them is copied into this project.

A file inside a resource bundle of Qt (*.rcc, as Debian's packages have) is named as if the bundle were a folder.
"""

from __future__ import annotations

import csv
import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path

import numpy as np
from PIL import Image

from rhythmic_foley.errors import FoleyError

_LONGEST_PX = 480
_FOLDER, _COMPRESSED = 2, 1  # flags of a bundle's entry


@dataclass(frozen=True)
class LabelledPicture:
    """A picture in an unpacked package.

    Attributes:
        package: its name; the folder of that name holds what it contains.
        file: path within the package.
        sounds: words of which a right answer holds one; none where nothing seen can be told to sound.
    """

    package: str
    file: str
    sounds: tuple[str, ...]


def labelled_pictures() -> tuple[LabelledPicture, ...]:
    """All pictures that are labelled."""
    text = resources.files(__package__).joinpath("pictures.csv").read_text(encoding="utf-8")
    return tuple(
        LabelledPicture(row["package"], row["file"], tuple(filter(None, row["sounds"].split("|"))))
        for row in csv.DictReader(text.splitlines())
    )


def read_picture(folder: Path, picture: LabelledPicture) -> np.ndarray | None:
    """A picture as uint8 (H, W, 3), at most 480 pixels long, on white where it is clear; None if it is not there.

    Args:
        folder: holds a folder for each unpacked package.
        picture: which one.
    """
    bundle, inside, name = picture.file.partition(".rcc/")
    if inside:
        path = folder / picture.package / f"{bundle}.rcc"
        data = _bundle(path).get(name) if path.is_file() else None
    else:
        path = folder / picture.package / picture.file
        data = path.read_bytes() if path.is_file() else None
    if data is None:
        return None
    with Image.open(io.BytesIO(data)) as opened:
        opened.thumbnail((_LONGEST_PX, _LONGEST_PX))
        clear = opened.convert("RGBA")
    white = Image.new("RGBA", clear.size, "white")
    white.alpha_composite(clear)
    return np.array(white.convert("RGB"))


@lru_cache(maxsize=2)
def _bundle(path: Path) -> dict[str, bytes]:
    """All files of a resource bundle by their path.

    Raises:
        FoleyError: if it is none, or packed in a way that is not read here.
    """
    data = path.read_bytes()
    if data[:4] != b"qres":
        raise FoleyError(f"{path} is no resource bundle.")
    version, tree, contents, names = struct.unpack_from(">IIII", data, 4)
    size = 22 if version >= 2 else 14

    def name_at(offset: int) -> str:
        (length,) = struct.unpack_from(">H", data, names + offset)
        return data[names + offset + 6 :][: 2 * length].decode("utf-16-be")

    def files(entry: int, folder: str) -> Iterator[tuple[str, bytes]]:
        name_offset, flags = struct.unpack_from(">IH", data, tree + entry * size)
        name = folder + name_at(name_offset) if entry else ""  # the first entry is the root
        if flags & _FOLDER:
            count, child = struct.unpack_from(">II", data, tree + entry * size + 6)
            for number in range(child, child + count):
                yield from files(number, f"{name}/" if name else "")
            return
        (offset,) = struct.unpack_from(">I", data, tree + entry * size + 10)
        (length,) = struct.unpack_from(">I", data, contents + offset)
        start = contents + offset + 4
        raw = data[start : start + length]
        yield name, zlib.decompress(raw[4:]) if flags & _COMPRESSED else raw

    return dict(files(0, ""))
