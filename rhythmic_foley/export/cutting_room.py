"""Export a take to the cutting room: sound files, markers, captions and project files, in one folder."""

from __future__ import annotations

import shutil
import uuid
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.export.captions import captions_of, subrip, webvtt
from rhythmic_foley.export.delivery import DELIVERIES, Measured
from rhythmic_foley.export.markers import audacity_labels, cue_sheet, midi_notes
from rhythmic_foley.export.reaper import Track, reaper_project
from rhythmic_foley.export.sound_files import RATES_HZ, Sound, SoundWriter, decoded, loudness_note, read_sound_file
from rhythmic_foley.export.spotting import Spotting, spotting_of
from rhythmic_foley.export.timeline import Media, timeline_json, write_by_adapter
from rhythmic_foley.media.text_track import write_with_captions
from rhythmic_foley.runtime.atomic import move_into_place
from rhythmic_foley.values.results import Take

# Name of a format -> what a menu says.
FORMATS = {
    "wav": "WAV, 24 bit, with timecode",
    "flac": "FLAC, 24 bit",
    "mp3": "MP3",
    "stems": "Stems, a WAV for each sound",
    "video": "Video at the delivery's level",
    "captioned": "Video with captions of the sounds",
    "srt": "Captions, SubRip",
    "vtt": "Captions, WebVTT",
    "cues": "Cue sheet, CSV with timecode",
    "audacity": "Labels for Audacity",
    "midi": "Hits as MIDI notes",
    "reaper": "REAPER project",
    "otio": "OpenTimelineIO",
    "edl": "EDL, CMX 3600",
    "fcpxml": "Final Cut Pro XML",
    "aaf": "AAF",
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
            if name in self.files:  # a project has needed it already
                continue
            getattr(self, f"_write_{name}")(name)
        self.notes = list(dict.fromkeys(note for note in self.notes if note))

    def _write_wav(self, name: str) -> None:
        self._sound(name, self.writer.wav(self._path(name, ".wav"), self._mix(), "mix"))

    def _write_flac(self, name: str) -> None:
        self._sound(name, self.writer.flac(self._path(name, ".flac"), self._mix()))

    def _write_mp3(self, name: str) -> None:
        self._sound(name, self.writer.mp3(self._path(name, ".mp3"), self._mix()))

    def _write_video(self, name: str) -> None:
        self._sound(name, self._video(self._path(name, ".mp4")))

    def _video(self, path: Path) -> Measured:
        if self.request.delivery == "as-is":
            shutil.copyfile(self.take.video, path)
            return Measured.of(*decoded(path))
        return self.writer.video(path, self.take, self._mix())

    def _write_stems(self, name: str) -> None:
        if not self.take.stems:
            raise FoleyError(f"{self.take.name} has no stems; dub the clip with stems, or leave them out here.")
        self.files[name] = self.folder / "stems"
        _, notes = self.writer.stems(self.files[name], self.take.stems, self._mix())
        self.notes += notes

    def _write_captioned(self, name: str) -> None:
        path, plain = self._path(name, "-captions.mp4"), self.folder / "plain.mp4"
        measured = self._video(plain)
        write_with_captions(plain, captions_of(self.spotting), path)
        plain.unlink()
        self._sound(name, measured)

    def _write_srt(self, name: str) -> None:
        self._text(name, ".srt", subrip(self.spotting))

    def _write_vtt(self, name: str) -> None:
        self._text(name, ".vtt", webvtt(self.spotting))

    def _write_cues(self, name: str) -> None:
        self._text(name, "-cues.csv", cue_sheet(self.spotting))

    def _write_audacity(self, name: str) -> None:
        self._text(name, "-labels.txt", audacity_labels(self.spotting))

    def _write_midi(self, name: str) -> None:
        self._path(name, ".mid").write_bytes(midi_notes(self.spotting))

    def _write_reaper(self, name: str) -> None:
        video, mix, *stems = self._all_media()
        tracks = [
            Track("Picture", video, muted=True),  # it holds the mix once more
            Track("Mix", mix, muted=bool(stems)),
            *(Track(stem.stem, stem) for stem in stems),
        ]
        self._text(name, ".rpp", reaper_project(self.spotting, tracks, self.request.rate_hz))

    def _write_otio(self, name: str) -> None:
        self._text(name, ".otio", self._timeline())

    def _write_edl(self, name: str) -> None:
        write_by_adapter(self._timeline(), self._path(name, ".edl"), name)

    def _write_fcpxml(self, name: str) -> None:
        write_by_adapter(self._timeline(), self._path(name, ".fcpxml"), name)

    def _write_aaf(self, name: str) -> None:
        write_by_adapter(self._timeline(), self._path(name, ".aaf"), name)

    def _timeline(self) -> str:
        video, mix, *stems = self._all_media()
        sounds = [Media(stem.stem, "Audio", stem) for stem in stems]
        return timeline_json(self.spotting, [Media("Picture", "Video", video), Media("Mix", "Audio", mix), *sounds])

    def _all_media(self) -> list[PurePosixPath]:
        """The files that a project refers to, as seen from it: picture, mix and stems; written if they are not yet."""
        for name in ("video", "wav", *(("stems",) if self.take.stems else ())):
            if name not in self.files:
                getattr(self, f"_write_{name}")(name)
        paths = [self.files["video"], self.files["wav"], *sorted(self.folder.glob("stems/*.wav"))]
        return [PurePosixPath(path.relative_to(self.folder).as_posix()) for path in paths]

    def _text(self, name: str, suffix: str, text: str) -> None:
        self._path(name, suffix).write_text(text, encoding="utf-8", newline="")

    def _path(self, name: str, suffix: str) -> Path:
        self.files[name] = self.folder / f"{self.spotting.file_stem}{suffix}"
        return self.files[name]

    def _mix(self) -> Sound:
        return read_sound_file(self.take.wav, self.request.rate_hz)

    def _sound(self, name: str, measured: Measured) -> None:
        self.measured[name] = measured
        self.notes.append(loudness_note(self.files[name].name, measured, self.request.delivery))
