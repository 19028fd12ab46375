"""Dubs on other machines: clips travel there, takes come back. Nothing but the program and the model must be there."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from rhythmic_foley.cluster.ray_tasks import spread
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.studio.studio import Asking, Studio
from rhythmic_foley.studio.takes import receive_take
from rhythmic_foley.values.controls import Controls
from rhythmic_foley.values.results import Take

Files = dict[str, bytes]


@dataclass(frozen=True)
class Setup:
    """The studio that every worker opens, as `Studio` takes it."""

    model: str
    describer: str = "embedded"
    asking: Asking | None = None


@dataclass(frozen=True)
class DubTask:
    """A clip as it travels: its name and content, and the sounds that the controls name.

    Attributes:
        controls: name sounds by their places among `sounds`.
        sounds: content by a place in a folder.
    """

    clip: tuple[str, bytes]
    controls: Controls
    sounds: Files = field(default_factory=dict)


def dub_on_ray(
    address: str, setup: Setup, clips: Sequence[Path], controls: Controls, out_dir: Path
) -> Iterator[tuple[Path, tuple[Take, ...] | FoleyError]]:
    """Each clip with its takes, or with what is wrong with it, in the order they are done.

    Raises:
        FoleyError: if the cluster cannot do it.
    """
    if controls.fix is not None:
        raise FoleyError("A stretch of a take is fixed on this machine; leave --ray out.")
    readable, tasks = [], []
    for clip in clips:
        try:
            tasks.append(_packed(clip, controls))
            readable.append(clip)
        except FoleyError as error:
            yield clip, error
    if not tasks:
        return
    for number, result in spread(address, partial(_open, setup), tasks):
        if isinstance(result, FoleyError):
            yield readable[number], result
        else:
            yield readable[number], tuple(receive_take(name, files, out_dir) for name, files in result)


def _packed(clip: Path, controls: Controls) -> DubTask:
    if controls.library:
        raise FoleyError("Folders of sounds stay on this machine; leave --ray or --library out.")
    sounds: Files = {}

    def pack(path: Path) -> Path:
        place = f"{len(sounds)}/{path.name}"
        sounds[place] = _content(path)[1]
        return Path(place)

    return DubTask(_content(clip), controls.with_paths(pack), sounds)


def _content(path: Path) -> tuple[str, bytes]:
    try:
        return path.name, path.read_bytes()
    except OSError as error:
        raise FoleyError(f"{path} cannot be read ({error.strerror}).") from None


def _open(setup: Setup) -> Callable[[DubTask], list[tuple[str, Files]]]:
    studio = Studio(setup.model, describer=setup.describer, asking=setup.asking)
    return partial(_dub, studio)


def _dub(studio: Studio, task: DubTask) -> list[tuple[str, Files]]:
    """Name and files of each take."""
    with tempfile.TemporaryDirectory() as folder:
        clip = _unpacked(task.clip, Path(folder) / "clip")
        for place, content in task.sounds.items():
            path = Path(folder) / "sounds" / place
            path.parent.mkdir(parents=True)
            path.write_bytes(content)
        controls = task.controls.with_paths((Path(folder) / "sounds").joinpath)
        *_, analysis = studio.analyse_for(clip, controls)
        takes = [item for item in studio.dub(analysis, controls, Path(folder) / "out") if isinstance(item, Take)]
        return [(take.folder.name, _files(take.folder)) for take in takes]


def _unpacked(file: tuple[str, bytes], folder: Path) -> Path:
    folder.mkdir()
    path = folder / file[0]
    path.write_bytes(file[1])
    return path


def _files(folder: Path) -> Files:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
