from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from library.hits import RATE_HZ, doors, hit, rain, write

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.library.index import Index, Indexer
from rhythmic_foley.library.shelf import SoundLibrary
from rhythmic_foley.runtime.cache import Cache
from rhythmic_foley.values.results import Progress


def embed(texts: Sequence[str]) -> np.ndarray:
    """Texts that share letters are near."""
    counts = np.array([[text.count(letter) for letter in "abcdefghijklmnopqrstuvwxyz"] for text in texts], float)
    counts = counts.reshape(len(texts), 26) + 1e-3
    return (counts / np.linalg.norm(counts, axis=1, keepdims=True)).astype(np.float32)


class Listener:
    """Stands in for YAMNet and counts how often it is asked."""

    def __init__(self) -> None:
        self.heard = 0

    def __call__(self, wave: np.ndarray, rate_hz: int) -> tuple[np.ndarray, tuple[str, ...]]:
        self.heard += 1
        return np.full(4, len(wave) / rate_hz, np.float32), ("slam",)


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
def indexer(tmp_path, listener) -> Indexer:
    return Indexer(Cache(tmp_path / "cache"), embed, listener, "toy")


def finished(indexer: Indexer, folder: Path) -> tuple[Index, list[Progress]]:
    *progress, index = indexer.index(folder)
    return index, progress


def test_all_kinds_of_files_are_read_and_broken_ones_counted(tmp_path, indexer):
    folder = tmp_path / "sounds"
    for suffix in ("wav", "flac", "ogg", "mp3", "aiff"):
        write(folder, f"door {suffix}/door.{suffix}", hit())
    write(folder, "rain.wav", rain())
    write(folder, "silence.wav", np.zeros(RATE_HZ))
    (folder / "broken.wav").write_bytes(b"RIFF and nothing more")
    (folder / "notes.txt").write_text("no sound")
    write(folder, ".hidden/door.wav", hit())
    index, progress = finished(indexer, folder)
    assert len(index.recordings) == 8
    assert [one.path for one in index.broken] == ["broken.wav", "silence.wav"]
    assert "WAV, FLAC" in index.broken[0].broken
    assert len(progress) == 8 and 0 < progress[0].fraction < progress[-1].fraction < 1
    uses = {one.path: [cut.use for cut in one.cuts] for one in index.recordings}
    assert uses["rain.wav"] == ["stretch"] and uses["door mp3/door.mp3"] == ["hit"]


def test_only_what_is_new_or_changed_is_looked_at_again(tmp_path, indexer, listener):
    folder = doors(tmp_path / "doors", 3)
    first, _ = finished(indexer, folder)
    assert listener.heard == 3
    again, progress = finished(indexer, folder)
    assert (again, progress, listener.heard) == (first, [], 3)
    write(folder, "gate.wav", hit(7))
    write(folder, "front_door_00.wav", hit(8))
    os.utime(folder / "front_door_00.wav", ns=(1, 1))
    (folder / "front_door_01.wav").unlink()
    changed, _ = finished(indexer, folder)
    assert listener.heard == 5
    assert [one.path for one in changed.recordings] == ["front_door_00.wav", "front_door_02.wav", "gate.wav"]
    assert changed.sounds.shape == (3, 4)


def test_a_damaged_index_is_made_again(tmp_path, indexer, listener):
    folder = doors(tmp_path / "doors", 2)
    finished(indexer, folder)
    (kept,) = (tmp_path / "cache" / "library").rglob("*.npz")
    kept.write_bytes(b"damaged")
    index, _ = finished(indexer, folder)
    assert len(index.recordings) == 2 and listener.heard == 4


def test_a_missing_folder_is_said(tmp_path, indexer):
    with pytest.raises(FoleyError, match="no folder"):
        finished(indexer, tmp_path / "nowhere")


def test_find_lists_the_nearest_names(tmp_path, indexer):
    folder = tmp_path / "sounds"
    for name in ("front door", "gravel", "owl"):
        write(folder, f"{name}.wav", hit())
    index, _ = finished(indexer, folder)
    found = SoundLibrary([index], None, embed).find("front door", 2)
    assert [one.sample.name for one in found][0] == "front door"
    assert found[0].similarity == pytest.approx(1.0, abs=0.01) and found[1].similarity < found[0].similarity


def test_a_name_that_says_nothing_is_found_by_what_is_heard(tmp_path, indexer):
    folder = write(tmp_path / "1", "001.wav", hit()).parent
    index, _ = finished(indexer, folder)
    (found,) = SoundLibrary([index], None, embed).find("slam")
    assert found.sample.name == "slam" and found.similarity == pytest.approx(0.9, abs=0.01)


def test_like_finds_by_sound(tmp_path, indexer):
    folder = tmp_path / "sounds"
    write(folder, "long.wav", hit(length_s=2.0, decay_s=0.5))
    write(folder, "short.wav", hit())
    index, _ = finished(indexer, folder)
    assert len(SoundLibrary([index], None, embed).like(np.ones(4, np.float32), 1)) == 1
