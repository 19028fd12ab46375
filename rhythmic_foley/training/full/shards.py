"""WebDataset shards on disk: written whole or not at all, read in any order."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np

from rhythmic_foley.errors import FoleyError

RECORDS_PER_SHARD = 1000

Record = Mapping[str, bytes]  # the parts of an example: ending of the file's name -> content


def write_shard(path: Path, records: Iterable[tuple[str, Record]]) -> int:
    """Writes named records as one shard; returns how many there were."""
    partial, count = path.with_suffix(".part"), 0
    with tarfile.open(partial, "w") as shard:
        for name, record in records:
            for ending, content in record.items():
                entry = tarfile.TarInfo(f"{name}.{ending}")
                entry.size = len(content)
                shard.addfile(entry, io.BytesIO(content))
            count += 1
    os.replace(partial, path)
    return count


class Records:
    """All records of the shards in a folder and its sub-folders. Only their places are in memory; files stay on disk.

    Training draws by a number, never by walking along: a run that goes on sees what an unbroken one sees.
    """

    def __init__(self, folder: Path) -> None:
        """
        Raises:
            FoleyError: if there are none.
        """
        self._places = [place for path in sorted(folder.rglob("*.tar")) for place in _places(path)]
        if not self._places:
            raise FoleyError(f"There are no prepared shards in {folder}.")

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, index: int) -> dict[str, bytes]:
        path, parts = self._places[index]
        with open(path, "rb") as file:
            return {ending: _read(file, *place) for ending, place in parts.items()}


def pack(array: np.ndarray) -> bytes:
    """An array as the content of a .npy file."""
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def unpack(content: bytes) -> np.ndarray:
    return np.load(io.BytesIO(content), allow_pickle=False)


def _places(path: Path) -> Iterator[tuple[Path, dict[str, tuple[int, int]]]]:
    """For each record of a shard where its parts lie: ending -> (offset, bytes)."""
    records: dict[str, dict[str, tuple[int, int]]] = {}
    try:
        with tarfile.open(path) as shard:
            for member in shard:
                name, _, ending = member.name.partition(".")
                records.setdefault(name, {})[ending] = (member.offset_data, member.size)
    except tarfile.TarError as error:
        raise FoleyError(f"The shard {path} is damaged ({error}); prepare it again.") from error
    return ((path, parts) for parts in records.values())


def _read(file: io.BufferedReader, offset: int, size: int) -> bytes:
    file.seek(offset)
    return file.read(size)
