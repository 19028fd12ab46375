"""Project files (`.foley`): a clip, what sounds in it and when, and the takes made of it, in one zip file.

project.json     version, the clip's name and sha256, controls (events, onsets, sources, levels), notes
takes/NAME/...   each take's folder as it is on disk: sound, video, settings, mix, stems
clip/...         the clip, if wished; else it is found by its hash
reference/...    a sound that the controls name, in a folder called like the control
"""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path, PurePosixPath
from typing import Any

from rhythmic_foley.errors import MALFORMED, FoleyError
from rhythmic_foley.runtime.archive import unpack_archive, write_archive
from rhythmic_foley.runtime.atomic import move_into_place
from rhythmic_foley.runtime.cache import file_digest
from rhythmic_foley.studio.takes import read_take
from rhythmic_foley.values.controls import Controls
from rhythmic_foley.values.limits import MAX_JSON_MB
from rhythmic_foley.values.results import Take

SUFFIX = ".foley"
FORMAT, VERSION = "rhythmic-foley project", 1
_INDEX = "project.json"
_MAX_NOTES = 100_000


@dataclass(frozen=True)
class Project:
    """What a project file holds.

    Attributes:
        clip: the clip; None where it is neither inside nor beside the project file.
        clip_name: of the person's file.
        clip_sha256: by which the clip is known again.
        controls: as the person left them.
        takes: in the order in which they were made.
        notes: the person's own words.
    """

    clip: Path | None
    clip_name: str
    clip_sha256: str
    controls: Controls
    takes: tuple[Take, ...] = ()
    notes: str = ""

    @classmethod
    def of(cls, clip: Path, controls: Controls, takes: Sequence[Take] = (), notes: str = "") -> Project:
        """A project of a clip on disk."""
        if not clip.is_file():
            raise FoleyError(f"There is no clip {clip}.")
        return cls(clip, clip.name, file_digest(clip), controls, tuple(takes), notes)

    def the_clip(self) -> Path:
        """The clip.

        Raises:
            FoleyError: if it is not to be found.
        """
        if self.clip is None:
            raise FoleyError(
                f"The clip {self.clip_name} is not in the project and not beside it; put it there, or name it: --clip."
            )
        return self.clip


def save_project(project: Project, path: Path, *, with_clip: bool = False) -> Path:
    """Write a project file; it appears complete or not at all, and replaces an older one of that name.

    Args:
        path: a name ending in .foley.
        with_clip: whether the clip goes inside.

    Raises:
        FoleyError: if the name ends otherwise, or the file cannot be written.
    """
    if path.suffix.lower() != SUFFIX:
        raise FoleyError(f"A project's name ends in {SUFFIX}, unlike {path.name}.")
    if len(project.notes) > _MAX_NOTES:
        raise FoleyError(f"The notes of a project may have {_MAX_NOTES} letters.")
    files: dict[str, Path | str] = {}
    controls = replace(project.controls, fix=None)
    for name, sound in _sounds_of(controls).items():
        files[f"{name}/{sound.name}"] = sound
        controls = replace(controls, **{name: Path(name, sound.name)})
    folders: list[str] = []
    for number, take in enumerate(project.takes, start=1):
        folder = f"takes/{number:03d}-{take.folder.name}"
        folders.append(folder)
        inside = (file for file in sorted(take.folder.rglob("*")) if file.is_file())
        files |= {f"{folder}/{file.relative_to(take.folder).as_posix()}": file for file in inside}
    clip = {"name": project.clip_name, "sha256": project.clip_sha256, "inside": None, "path": None}
    if project.clip is not None:
        if with_clip:
            clip["inside"] = f"clip/clip{project.clip.suffix.lower()}"
            files[clip["inside"]] = project.clip
        else:
            clip["path"] = str(project.clip.resolve())
    index = {
        "format": FORMAT,
        "version": VERSION,
        "clip": clip,
        "controls": json.loads(controls.to_json()),
        "takes": folders,
        "notes": project.notes,
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_archive(path, {_INDEX: json.dumps(index, indent=2, ensure_ascii=False), **files})
    except OSError as error:
        raise FoleyError(f"The project cannot be written to {path} ({error.strerror or error}).") from error
    return path


def open_project(path: Path, folder: Path, *, clip: Path | None = None, look_around: bool = True) -> Project:
    """Unpack a project file into a folder that does not exist yet; it appears complete or not at all.

    Args:
        clip: where the clip lies; by default it is looked for in the project, beside it, and where it was.
        look_around: whether files outside of the project may be looked at; not on a server, for strangers.

    Raises:
        FoleyError: if it is no project file, was written by a newer version, does not fit the clip, or cannot be
            unpacked.
    """
    if not path.is_file():
        raise FoleyError(f"There is no project {path}.")
    if folder.exists():
        raise FoleyError(f"{folder} exists already; name a folder that does not.")
    partial = folder.with_name(f".{uuid.uuid4().hex}.part")
    try:
        partial.mkdir(parents=True)
        unpack_archive(path, partial)
        _read(path, partial, clip, look_around)  # whatever is wrong is said before the folder appears
        move_into_place(partial, folder)
    except OSError as error:
        raise FoleyError(f"The project cannot be unpacked to {folder} ({error.strerror or error}).") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return _read(path, folder, clip, look_around)


def _read(path: Path, folder: Path, clip: Path | None, look_around: bool) -> Project:
    index = _index(path, folder)
    try:
        said, takes = index["clip"], tuple(read_take(_inside(folder, name)) for name in index["takes"])
        inside = None if said["inside"] is None else _inside(folder, said["inside"])
        name, digest, notes = (str(text) for text in (said["name"], said["sha256"], index.get("notes", "")))
        controls = Controls.from_json(json.dumps(index["controls"]))
    except MALFORMED:
        raise FoleyError(f"{path.name} is damaged: its {_INDEX} lacks something.") from None
    sounds = {kind: _inside(folder, sound.as_posix()) for kind, sound in _sounds_of(controls).items()}
    controls = replace(controls, **sounds)
    if clip is not None and (not clip.is_file() or file_digest(clip) != digest):
        raise FoleyError(f"{clip} is not the clip of this project, which was called {name}.")
    if inside is not None and (not inside.is_file() or file_digest(inside) != digest):
        raise FoleyError(f"{path.name} is damaged: the clip in it is not the one that it names.")
    for sound in (sound for take in takes for sound in _sounds_of(take.controls).values()):
        _inside(folder, os.path.relpath(sound, folder))
    around = (path.parent / Path(name).name, Path(str(said.get("path")))) if look_around else ()
    found = clip or inside or _same_clip(around, digest)
    return Project(found, name, digest, replace(controls, fix=None), takes, notes)


def _sounds_of(controls: Controls) -> dict[str, Path]:
    """The sound files that controls name, by the controls' names."""
    values = {one.name: getattr(controls, one.name) for one in fields(controls)}
    return {name: value for name, value in values.items() if isinstance(value, Path)}


def _index(path: Path, folder: Path) -> dict[str, Any]:
    """The index in today's form; older versions are brought up to it here."""
    file = folder / _INDEX
    try:
        if file.stat().st_size > MAX_JSON_MB * 1_000_000:
            raise FoleyError(f"{path.name} holds more than {MAX_JSON_MB} MB of settings.")
        index = json.loads(file.read_text(encoding="utf-8"))
        version = index["version"] if index["format"] == FORMAT else None
    except (OSError, *MALFORMED):
        version = None
    if not isinstance(version, int) or version < 1:
        raise FoleyError(f"{path.name} is no project of this program.")
    if version > VERSION:
        raise FoleyError(f"{path.name} was written by a newer version of this program; update to open it.")
    return index


def _inside(folder: Path, name: str) -> Path:
    """A path in the unpacked project.

    Raises:
        FoleyError: if it leads out of it.
    """
    if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
        raise FoleyError("This project refers to a file outside of it; it was not written by this program.")
    return folder / name


def _same_clip(candidates: Sequence[Path], digest: str) -> Path | None:
    for candidate in candidates:
        if candidate.is_file() and file_digest(candidate) == digest:
            return candidate
    return None
