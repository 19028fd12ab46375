"""The starter bank: recordings that come with the program, free of share-alike, with their sources."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np

from rhythmic_foley.audio.wav import read_wav
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.library.cutting import cut_recording
from rhythmic_foley.library.index import Embed, Hear, Index, Recording, read_index, write_index
from rhythmic_foley.library.sample import Source

FOLDER = Path(__file__).parent / "bank"
TABLE, INDEX = "bank.csv", "index.npz"
# Wordings of one recording in the table.
SEPARATOR = " / "


@cache
def load_bank() -> Index:
    """The bank's index, as `make_index` wrote it.

    Raises:
        FoleyError: if it is missing or damaged.
    """
    try:
        return read_index(FOLDER / INDEX, FOLDER)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FoleyError(f"The bank of sounds in {FOLDER} is damaged; install the program again.") from error


def make_index(folder: Path, embed: Embed, hear: Hear) -> Index:
    """Index the bank from its table and recordings, and write the index beside them."""
    with open(folder / TABLE, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    recordings, sounds = [], []
    for row in rows:
        recording, embedding = _look(folder, row, hear)
        recordings.append(recording)
        sounds.append(embedding)
    wordings = tuple(dict.fromkeys(name for one in recordings for name in one.words))
    index = Index(
        folder, tuple(recordings), np.array(sounds, np.float16), wordings, embed(wordings).astype(np.float16)
    )
    write_index(folder / INDEX, index)
    return index


def _look(folder: Path, row: Mapping[str, str], hear: Hear) -> tuple[Recording, np.ndarray]:
    wave, rate_hz = read_wav(folder / row["file"])
    cuts = cut_recording(wave, rate_hz, row["use"])
    source = Source(row["licence"], row["author"], row["package"], row["path"])
    words = tuple(row["words"].split(SEPARATOR))
    embedding, _ = hear(wave, rate_hz)
    return Recording(row["file"], (0, 0), cuts, words, source=source), embedding
