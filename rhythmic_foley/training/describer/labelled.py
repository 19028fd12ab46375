"""Clips and pictures with the sounds that are right for them."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib import resources
from pathlib import Path

import numpy as np

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.media.reading import probe, read_frames
from rhythmic_foley.training.describer.pictures import labelled_pictures, read_picture

_RATE_HZ, _SIZE = 4.0, (320, 320)
_PICTURE_S = 2.0

# Recordings of a drumstick on all sorts of things: a row of their own, since nobody's clips are like them.
DRUMSTICK = "drumstick"

Frames = Iterable[tuple[float, np.ndarray]]


@dataclass(frozen=True)
class Labelled:
    """Something to describe, and what is right.

    Attributes:
        name: of the clip or picture.
        sounds: words of which a right answer holds one; none where nothing seen can be told to sound.
        frames: opens what is looked at.
        duration_s: length of the clip.
        source: what stays together in cross-validation: clips of one recording.
        kind: "film", "picture" or "render".
        group: a name for a row of the report.
    """

    name: str
    sounds: tuple[str, ...]
    frames: Callable[[], Frames]
    duration_s: float
    source: str = ""
    kind: str = "film"
    group: str = ""

    def allows(self, label: str) -> bool:
        """Whether a label is right."""
        return any(re.search(rf"\b{re.escape(word)}", label, re.IGNORECASE) for word in self.sounds)


def labelled_clips(folder: Path, table: Path | None = None) -> Iterator[Labelled]:
    """The clips of a folder that `classes.csv` has right answers for.

    Args:
        folder: with MP4 files.
        table: names the class of each clip in its columns `clip` and `class_guess` or `label`, and what stays together
            in `split_key`; without them a clip's name is its class and its source.
    """
    right = right_sounds()
    rows = {} if table is None else _rows(table)
    beside = folder.name == "clips" and (folder.parent / "clips.csv").is_file()
    of_folder = folder.resolve().parent.name if beside else folder.resolve().name
    for path in sorted(folder.glob("*.mp4")):
        row = rows.get(path.stem, {})
        named = row.get("class_guess") or row.get("label") or path.stem
        if named in right:
            frames = partial(read_frames, path, _RATE_HZ, _SIZE, fit="inside")
            group = DRUMSTICK if named.startswith("Greatest Hits") else of_folder
            source = row.get("split_key") or path.stem
            yield Labelled(path.stem, right[named], frames, probe(path).duration_s, source, group=group)


def _rows(table: Path) -> dict[str, dict[str, str]]:
    """Rows of a table by the name of their clip.

    Raises:
        FoleyError: if it cannot be read, or has no column `clip`.
    """
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            return {row["clip"]: row for row in csv.DictReader(file)}
    except (OSError, UnicodeDecodeError, KeyError, csv.Error):
        raise FoleyError(f"{table} is no table of clips; it needs a column clip, and class_guess or label.") from None


def labelled_stills(folder: Path) -> Iterator[Labelled]:
    """Pictures of rendered scenes, named CLASS-ANYTHING.png, each as a clip that stands still; a class is a source."""
    import cv2

    right = right_sounds()
    for path in sorted(folder.glob("*.png")):
        named = path.stem.partition("-")[0]
        if named in right:
            pixels = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
            still = partial(iter, [(0.0, pixels)])
            yield Labelled(path.stem, right[named], still, _PICTURE_S, f"render {named}", "render", "renders")


def labelled_package_pictures(folder: Path) -> Iterator[Labelled]:
    """The labelled pictures of those packages that are in a folder, each as a clip that stands still.

    Raises:
        FoleyError: if there is none.
    """
    found = 0
    for picture in labelled_pictures():
        pixels = read_picture(folder, picture)
        if pixels is not None:
            found += 1
            name = f"{picture.package}/{picture.file}"
            still = partial(iter, [(0.0, pixels)])
            yield Labelled(name, picture.sounds, still, _PICTURE_S, name, "picture", "pictures")
    if not found:
        raise FoleyError(f"None of the packages that pictures.csv names is in {folder}; unpack one there.")


def right_sounds() -> dict[str, tuple[str, ...]]:
    """Class -> words of which a right answer holds one."""
    text = resources.files(__package__).joinpath("classes.csv").read_text(encoding="utf-8")
    return {row["class"]: tuple(row["sounds"].split("|")) for row in csv.DictReader(text.splitlines())}
