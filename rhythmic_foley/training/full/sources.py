"""Which clips there are to train on: lists of the public data sets, and what of them lies in a folder."""

from __future__ import annotations

import csv
import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rhythmic_foley.errors import FoleyError

CLIP_S = 10.0
SOUNDS = (".flac", ".mp3", ".ogg", ".wav")


@dataclass(frozen=True)
class Clip:
    """One file of a data set.

    Attributes:
        name: unique in its data set, without dots.
        caption: what sounds, as the data set says it.
        has_picture: whether the file is a video.
    """

    name: str
    path: Path
    caption: str
    has_picture: bool = True


@dataclass(frozen=True)
class Found:
    """What is there of a list, and how many are not: clips of public data sets vanish every day."""

    clips: tuple[Clip, ...]
    missing: int


def vggsound(table: Path, folder: Path, split: str = "train") -> Found:
    """VGGSound's `vggsound.csv`: video id, start in seconds, label, split."""
    rows = [row for row in _rows(table) if len(row) == 4 and row[3] == split]
    return _found(((row[0], float(row[1]), row[2]) for row in rows), folder)


def audioset(table: Path, folder: Path, labels: Path) -> Found:
    """AudioSet's segment lists: video id, start, end, label ids; `class_labels_indices.csv` says what these mean."""
    names = {row[1]: row[2] for row in _rows(labels)}
    rows = [row for row in _rows(table) if len(row) == 4]
    return _found(
        ((row[0], float(row[1]), ", ".join(names.get(label, label) for label in row[3].split(","))) for row in rows),
        folder,
    )


def sound_effects(folder: Path, captions: Path | None = None) -> Found:
    """Sounds without a picture: a table of file and caption, or all files of a folder under their own names."""
    if captions is None:
        paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SOUNDS)
        listed = [(path, path.stem.replace("_", " ")) for path in paths]
    else:
        listed = [(folder / row[0], row[1]) for row in _rows(captions) if len(row) >= 2]
    there = [(path, caption) for path, caption in listed if path.is_file()]
    clips = (
        Clip("-".join(path.relative_to(folder).with_suffix("").parts).replace(".", "_"), path, caption, False)
        for path, caption in there
    )
    return _checked(Found(tuple(clips), len(listed) - len(there)), folder)


def listed_videos(table: Path, folder: Path) -> Found:
    """Videos in folders named after what sounds, listed one a line as CLASS/NAME: AVSync15's test split."""
    lines = [line.strip() for line in _text(table).splitlines() if line.strip()]
    clips = []
    for line in lines:
        # With or without its ending: names may have dots of their own.
        path = next((path for path in (folder / line, folder / f"{line}.mp4") if path.is_file()), None)
        if path is not None:
            caption = path.parent.name.replace("_", " ")
            clips.append(Clip(f"{path.parent.name}-{path.stem}".replace(".", "_"), path, caption))
    return _checked(Found(tuple(clips), len(lines) - len(clips)), folder)


def lay_out(found: Found, out: Path) -> Path:
    """Puts the clips side by side in one folder, as evaluation takes them, without copying where the disk allows.

    Returns:
        The table of clip and caption that lies with them.
    """
    out.mkdir(parents=True, exist_ok=True)
    table = out / "descriptions.csv"
    with open(table, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("clip", "caption"))
        for clip in found.clips:
            place = out / f"{clip.name}{clip.path.suffix}"
            if not place.exists():
                try:
                    os.link(clip.path, place)
                except OSError:
                    shutil.copyfile(clip.path, place)
            writer.writerow((clip.name, clip.caption))
    return table


def _found(listed: Iterable[tuple[str, float, str]], folder: Path) -> Found:
    """Of (video id, start, caption) those whose file is there, under any of the names that download tools give."""
    clips, missing = [], 0
    for identity, start_s, caption in listed:
        path = next((p for p in _usual_paths(folder, identity, start_s) if p.is_file()), None)
        if path is None:
            missing += 1
        else:
            clips.append(Clip(path.stem.replace(".", "_"), path, caption))
    return _checked(Found(tuple(clips), missing), folder)


def _usual_paths(folder: Path, identity: str, start_s: float) -> Sequence[Path]:
    start, start_ms, end_ms = round(start_s), round(start_s * 1000), round((start_s + CLIP_S) * 1000)
    stems = (f"{identity}_{start:06d}", f"{identity}_{start}", f"{identity}_{start_ms}_{end_ms}", f"Y{identity}")
    return [folder / f"{prefix}{stem}.mp4" for stem in (*stems, identity) for prefix in ("", "vggsound_")]


def _checked(found: Found, folder: Path) -> Found:
    if not found.clips:
        raise FoleyError(f"None of the {found.missing} listed clips is in {folder}.")
    return found


def _rows(table: Path) -> list[list[str]]:
    """Rows of a table with commas, without its comments."""
    lines = (line for line in _text(table).splitlines() if line.strip() and not line.startswith("#"))
    return list(csv.reader(lines, skipinitialspace=True))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise FoleyError(f"The list {path} cannot be read ({error.strerror}).") from error
