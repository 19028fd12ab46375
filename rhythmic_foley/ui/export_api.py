"""Endpoints for programs on takes that `/dub` has made: `/export`, `/save_project`, `/open_project`.

A take is named by the `id` that `/dub` says of it; nobody can guess the ids of others.
"""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import gradio as gr

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.export.cutting_room import ExportRequest, export_take
from rhythmic_foley.studio.cli import as_json
from rhythmic_foley.studio.project import Project, open_project, save_project
from rhythmic_foley.studio.takes import read_take, safe_name
from rhythmic_foley.ui.handlers import NO_CLIP
from rhythmic_foley.ui.jobs import errors_as_sentences
from rhythmic_foley.ui.sessions import Visits
from rhythmic_foley.values.controls import Controls
from rhythmic_foley.values.results import Take

_FILES = {"concurrency_id": "files", "concurrency_limit": 1}


class ExportEndpoints:
    """What programs may ask of takes."""

    def __init__(self, visits: Visits) -> None:
        self.visits = visits

    def export(
        self,
        take: str,
        formats: list[str] | None = None,
        delivery: str = "as-is",
        rate_hz: int = 48_000,
        timecode: str | None = None,
    ) -> tuple[list[str], dict[str, Any]]:
        """Write a take for a cutting room.

        Args:
            take: its id, as `/dub` says it.
            formats: names as the command `export` lists them; wav if left out.
            delivery: name of a delivery, such as ebu-r128; as it is if left out.
            rate_hz: 48000 or 44100.
            timecode: of the first frame; the clip's own, or zero, if left out.

        Returns:
            The files, and what they are: paths by format, timecode, loudness and true peak of each, notes.
        """
        with errors_as_sentences():
            found = self._take(take)
            request = ExportRequest(tuple(formats or ("wav",)), delivery, int(rate_hz), timecode or None)
            done = export_take(found, request, self._place(take) / f"{found.folder.name}-export")
            return [str(path) for path in done.paths], done.as_json()

    def save_project(
        self, clip: str, takes: list[str] | None = None, notes: str = "", with_clip: bool = True
    ) -> tuple[str, dict[str, Any]]:
        """Write a project file.

        Args:
            clip: the video file.
            takes: ids of its takes; what is asked now is as the last of them was asked.
            notes: your own words.
            with_clip: whether the clip goes inside.

        Returns:
            The file, and what it holds.
        """
        with errors_as_sentences():
            if not clip:
                raise FoleyError(NO_CLIP)
            found = [self._take(take) for take in takes or ()]
            controls = found[-1].controls if found else Controls()
            project = Project.of(Path(clip), controls, found, notes or "")
            place = self.visits.folder(self.visits.new())
            path = save_project(project, place / f"{safe_name(Path(clip).stem)}.foley", with_clip=bool(with_clip))
            return str(path), {"takes": len(found)}

    def open_project(self, project: str) -> tuple[str | None, dict[str, Any]]:
        """Unpack a project file.

        Args:
            project: the file.

        Returns:
            Its clip, where that is inside, and {clip_name, clip_sha256, controls, takes (ids), notes}.
        """
        with errors_as_sentences():
            if not project:
                raise FoleyError("Name a project file.")
            key = self.visits.new()
            kept = open_project(Path(project), self.visits.folder(key) / "project", look_around=False)
            takes = [take_id(take, self.visits.root) for take in kept.takes]
            return kept.clip and str(kept.clip), as_json(kept) | {"clip": None, "takes": takes}

    def _take(self, name: str) -> Take:
        """The take with an id.

        Raises:
            FoleyError: if there is none.
        """
        key, _, path = str(name).partition("/")
        unknown = FoleyError("There is no take of that id; it may have been removed since.")
        if not self.visits.knows(key):
            raise unknown
        root = self.visits.folder(key).resolve()
        folder = (root / path).resolve()
        if not path or not folder.is_dir() or not folder.is_relative_to(root) or folder == root:
            raise unknown
        return read_take(folder)

    def _place(self, take: str) -> Path:
        place = self.visits.folder(take.partition("/")[0]) / uuid.uuid4().hex[:8]
        place.mkdir()
        return place


def take_id(take: Take, root: Path) -> str:
    """By what programs know a take: the key of its visit, and its folder there."""
    return take.folder.relative_to(root).as_posix()


def wire_export_api(endpoints: ExportEndpoints) -> None:
    """Add the endpoints. Their components are never shown."""
    with gr.Group(visible=False):
        take, delivery, timecode, notes = (
            gr.Textbox(value, label=label)
            for label, value in (("take", None), ("delivery", "as-is"), ("timecode", None), ("notes", ""))
        )
        formats, takes = (gr.JSON(None, label=label) for label in ("formats", "takes"))
        rate_hz = gr.Number(48_000, label="rate_hz")
        with_clip = gr.Checkbox(True, label="with_clip")
        clip, kept_clip = gr.Video(label="clip"), gr.File(label="clip")
        project, saved = (gr.File(label="project", type="filepath") for _ in range(2))
        files = gr.File(label="files", file_count="multiple")
        about = gr.JSON(label="about")
        trigger = gr.Button()
    trigger.click(
        endpoints.export, [take, formats, delivery, rate_hz, timecode], [files, about], api_name="export", **_FILES
    )
    trigger.click(
        endpoints.save_project, [clip, takes, notes, with_clip], [saved, about], api_name="save_project", **_FILES
    )
    trigger.click(endpoints.open_project, [project], [kept_clip, about], api_name="open_project", **_FILES)
