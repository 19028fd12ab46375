"""A library of single, captioned sounds to compose training scenes from."""

from __future__ import annotations

import csv
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import soundfile
import soxr

from rhythmic_foley.audio.mel import SAMPLE_RATE_HZ
from rhythmic_foley.audio.onset_detection import attack_times
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.values.onsets import Onsets

# Kept for evaluation in a table that has no column `split`.
HELD_OUT_PACKAGES = frozenset(
    {
        "flare-game",
        "lugaru-data",
        "gcompris-qt-data",
        "simutrans-pak64",
        "minetest-mod-homedecor",
        "unknown-horizons",
        "lomiri-sounds",
    }
)

_FADE_SAMPLES = 160  # 10 ms
_WIDE_RATE_HZ = 32_000


@dataclass(frozen=True)
class Sound:
    """One recording: (N,) float32 at 16 kHz with its peak at 1, what it is, and when it hits."""

    id: str
    caption: str
    group: str  # coarse class, for balance and for choosing how to place it
    wave: np.ndarray
    attacks: Onsets

    @property
    def duration_s(self) -> float:
        return len(self.wave) / SAMPLE_RATE_HZ


@dataclass(frozen=True)
class SoundLibrary:
    """Captioned sounds in memory; balanced drawing by group and caption."""

    sounds: tuple[Sound, ...]

    @classmethod
    def open(cls, source: Path, *, held_out: bool = False) -> SoundLibrary:
        """A folder of one's own sounds, or a `sounds.csv`."""
        library = (cls.from_folder if source.is_dir() else cls.from_csv)(source, held_out=held_out)
        if not library.sounds:
            kept = "for evaluation" if held_out else "for training"
            raise FoleyError(f"No sound in {source.name} falls to those kept {kept}; add more files or packages.")
        return library

    @classmethod
    def from_csv(cls, table: Path, *, held_out: bool = False) -> SoundLibrary:
        """Reads the sounds that a `sounds.csv` lists.

        Args:
            table: the csv file with the columns id, caption, class, package and, if wanted, file and split; see
                `read_rows` and `sound_path`.
            held_out: True for the sounds that are kept for evaluation, False for those to train on.
        """
        rows = read_rows(table, held_out=held_out)
        return cls(tuple(_load((r["id"], sound_path(table, r), r["caption"], r["class"]) for r in rows)))

    @classmethod
    def from_folder(cls, folder: Path, *, held_out: bool | None = None) -> SoundLibrary:
        """Reads a plain folder: `captions.csv` with the columns file, caption and, if wanted, class and package.

        Args:
            folder: with the table and the files it names.
            held_out: True for the tenth of the packages (of the files, where none are named) that is kept for
                evaluation, False for the others, None for all.
        """
        table = folder / "captions.csv"
        if not table.exists():
            raise FoleyError(f"There is no captions.csv (columns: file, caption, class) in {folder.name}.")
        with open(table, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        if held_out is not None:
            rows = [r for r in rows if _kept_for_evaluation(r.get("package") or r["file"]) == held_out]
        return cls(
            tuple(_load((r["file"], folder / r["file"], r["caption"], r.get("class") or "other") for r in rows))
        )

    @cached_property
    def captions(self) -> tuple[str, ...]:
        return tuple(sorted({s.caption for s in self.sounds}))

    @cached_property
    def _by_group(self) -> dict[str, dict[str, list[Sound]]]:
        groups: dict[str, dict[str, list[Sound]]] = {}
        for sound in self.sounds:
            groups.setdefault(sound.group, {}).setdefault(sound.caption, []).append(sound)
        return groups

    def draw(self, rng: np.random.Generator) -> list[Sound]:
        """Draws a caption and returns all its sounds; big groups are damped by a square root."""
        names = sorted(self._by_group)
        weights = np.sqrt([sum(map(len, self._by_group[n].values())) for n in names])
        captions = self._by_group[names[rng.choice(len(names), p=weights / weights.sum())]]
        keys = sorted(captions)
        weights = np.sqrt([len(captions[k]) for k in keys])
        return captions[keys[rng.choice(len(keys), p=weights / weights.sum())]]


def read_rows(table: Path, *, held_out: bool) -> list[dict[str, str]]:
    """Reads the rows of a `sounds.csv` that are kept for evaluation, or the others.

    The column `split` says which (`train` or `eval`); in a table without it, `HELD_OUT_PACKAGES` does.
    """
    with open(table, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [row for row in rows if is_held_out(row) == held_out]


def is_held_out(row: Mapping[str, str]) -> bool:
    """Tell whether a row of a `sounds.csv` is kept for evaluation."""
    return row["split"] == "eval" if "split" in row else row["package"] in HELD_OUT_PACKAGES


def sound_path(table: Path, row: Mapping[str, str]) -> Path:
    """Find the recording of a row: where its column `file` says, else `sounds/ID.flac` beside the table."""
    return table.parent / (row.get("file") or f"sounds/{row['id']}.flac")


def wide_paths(rows: Iterable[Mapping[str, str]], table: Path) -> list[Path]:
    """List the recordings of 32 kHz or more that are there: a row's `file`, or `sounds_44k/ID.ogg` without one."""
    named = [table.parent / (row.get("file") or f"sounds_44k/{row['id']}.ogg") for row in rows]
    return [path for path in named if path.is_file() and soundfile.info(path).samplerate >= _WIDE_RATE_HZ]


def load_sound(path: Path) -> Sound:
    """Read one recording.

    Raises:
        FoleyError: if it is not there, silent, or shorter than 16 ms.
    """
    if not path.is_file():
        raise FoleyError(f"The recording {path.name} is not in {path.parent}.")
    for sound in _load([(path.stem, path, "", "other")]):
        return sound
    raise FoleyError(f"The recording {path.name} is silent or too short.")


def _kept_for_evaluation(name: str) -> bool:
    """One name in ten, the same ones every time."""
    return zlib.crc32(name.encode()) % 10 == 0


def _load(rows: Iterable[tuple[str, Path, str, str]]) -> Iterator[Sound]:
    for name, path, caption, group in rows:
        wave, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
        mono = wave.mean(axis=1)
        if rate_hz != SAMPLE_RATE_HZ:
            mono = soxr.resample(mono, rate_hz, SAMPLE_RATE_HZ)
        peak = np.abs(mono).max(initial=0.0)
        if len(mono) >= 256 and peak > 1e-4:
            mono = (mono / peak).astype(np.float32)
            mono[-_FADE_SAMPLES:] *= np.linspace(1, 0, _FADE_SAMPLES, dtype=np.float32)  # a cut recording would click
            yield Sound(name, caption.strip(), group, mono, attack_times(mono, SAMPLE_RATE_HZ))
