"""Export a take to the cutting room: sound files, markers, captions and project files, in one folder."""

from __future__ import annotations

import shutil
import uuid
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.export.delivery import DELIVERIES, Measured
from rhythmic_foley.export.sound_files import RATES_HZ, Sound, SoundWriter, loudness_note, read_sound_file
from rhythmic_foley.export.spotting import Spotting, spotting_of
from rhythmic_foley.runtime.atomic import move_into_place
from rhythmic_foley.values.results import Take

# Name of a format -> what a menu says.
FORMATS = {
    "wav": "WAV, 24 bit, with timecode",
    "flac": "FLAC, 24 bit",
    "mp3": "MP3",
    "stems": "Stems, a WAV for each sound",
    "video": "Video at the delivery's level",
}


@dataclass(frozen=True)
class ExportRequest:
    """What is wanted of a take.

    Attributes:
        formats: names in `FORMATS`.
        delivery: a name in `DELIVERIES`.
        rate_hz: of the sounds, 48,000 or 44,100.
        timecode: of the first frame; None for the clip's own, or zero.
    """

    formats: tuple[str, ...] = ("wav",)
    delivery: str = "as-is"
    rate_hz: int = 48_000
    timecode: str | None = None

    def __post_init__(self) -> None:
        if not self.formats:
            raise FoleyError(f"Choose at least one format to export: {', '.join(FORMATS)}.")
        for name in self.formats:
            if name not in FORMATS:
                raise FoleyError(f'There is no format "{name}"; choose among {", ".join(FORMATS)}.')
        if self.delivery not in DELIVERIES:
            raise FoleyError(f'There is no delivery "{self.delivery}"; choose one of {", ".join(DELIVERIES)}.')
        if self.rate_hz not in RATES_HZ:
            raise FoleyError(f"Sounds are exported at 48000 or 44100 Hz, not at {self.rate_hz}.")


@dataclass(frozen=True)
class Export:
    """What was written.

    Attributes:
        folder: that holds the files.
        files: path by format; of stems their folder.
        start: timecode of the first frame.
        measured: loudness and true peak by format, measured after encoding.
        notes: sentences for the person.
    """

    folder: Path
    files: dict[str, Path]
    start: str
    measured: dict[str, Measured] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def paths(self) -> list[Path]:
        """Every single file."""
        return sorted(path for path in self.folder.rglob("*") if path.is_file())

    def as_json(self) -> dict[str, Any]:
        """What command line and API say about it; a silent sound has no loudness."""
        return {
            "folder": str(self.folder),
            "files": {name: str(path) for name, path in self.files.items()},
            "timecode": self.start,
            "measured": {
                name: {unit: round(level, 2) if level > -1000 else None for unit, level in asdict(one).items()}
                for name, one in self.measured.items()
            },
            "notes": list(self.notes),
        }


def export_take(take: Take, request: ExportRequest, out_dir: Path | None = None) -> Export:
    """Write a take's files into a new folder, which appears complete or not at all.

    Args:
        out_dir: the folder; by default the take's name and "-export" beside it. One that is there is not touched,
            a number is added to the name instead.

    Raises:
        FoleyError: if the take lacks what a format needs, or a file cannot be read or written.
    """
    spotting = spotting_of(take, request.timecode)
    out_dir = out_dir or take.folder.with_name(f"{take.folder.name}-export")
    partial = out_dir.with_name(f".{uuid.uuid4().hex}.part")
    try:
        partial.mkdir(parents=True)
        job = _Job(take, request, spotting, partial)
        job.write_all()
        folder, number = out_dir, 1
        while folder.exists():
            number += 1
            folder = out_dir.with_name(f"{out_dir.name}-{number}")
        move_into_place(partial, folder)
    except OSError as error:
        raise FoleyError(f"The export cannot be written to {out_dir} ({error.strerror or error}).") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    files = {name: folder / path.relative_to(partial) for name, path in job.files.items()}
    return Export(folder, files, str(spotting.start), job.measured, tuple(job.notes))


class _Job:
    """One export under way, into a folder that has its name only later."""

    def __init__(self, take: Take, request: ExportRequest, spotting: Spotting, folder: Path) -> None:
        self.take, self.request, self.spotting, self.folder = take, request, spotting, folder
        self.writer = SoundWriter(spotting, request.rate_hz, DELIVERIES[request.delivery])
        self.files: dict[str, Path] = {}
        self.measured: dict[str, Measured] = {}
        self.notes: list[str] = []

    def write_all(self) -> None:
        for name in dict.fromkeys(self.request.formats):
            getattr(self, f"_write_{name}")(name)
        self.notes = list(dict.fromkeys(note for note in self.notes if note))

    def _write_wav(self, name: str) -> None:
        self._sound(name, self.writer.wav(self._path(name, ".wav"), self._mix(), "mix"))

    def _write_flac(self, name: str) -> None:
        self._sound(name, self.writer.flac(self._path(name, ".flac"), self._mix()))

    def _write_mp3(self, name: str) -> None:
        self._sound(name, self.writer.mp3(self._path(name, ".mp3"), self._mix()))

    def _write_video(self, name: str) -> None:
        self._sound(name, self.writer.video(self._path(name, ".mp4"), self.take, self._mix()))

    def _write_stems(self, name: str) -> None:
        if not self.take.stems:
            raise FoleyError(f"{self.take.name} has no stems; dub the clip with stems, or leave them out here.")
        self.files[name] = self.folder / "stems"
        _, notes = self.writer.stems(self.files[name], self.take.stems, self._mix())
        self.notes += notes

    def _path(self, name: str, suffix: str) -> Path:
        self.files[name] = self.folder / f"{self.spotting.file_stem}{suffix}"
        return self.files[name]

    def _mix(self) -> Sound:
        return read_sound_file(self.take.wav, self.request.rate_hz)

    def _sound(self, name: str, measured: Measured) -> None:
        self.measured[name] = measured
        self.notes.append(loudness_note(self.files[name].name, measured, self.request.delivery))
