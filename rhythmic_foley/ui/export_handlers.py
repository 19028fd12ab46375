"""What the page gives to a cutting room, and its project files."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.export.cutting_room import ExportRequest, export_take
from rhythmic_foley.export.onset_files import read_onset_file
from rhythmic_foley.runtime.cache import file_digest
from rhythmic_foley.studio.project import Project, open_project, save_project
from rhythmic_foley.studio.takes import safe_name
from rhythmic_foley.ui.form import Form, values_from_controls
from rhythmic_foley.ui.handlers import NO_CLIP, Handlers, Takes, cleared, shelf
from rhythmic_foley.ui.jobs import Job, Switch, Updates, follow, told
from rhythmic_foley.ui.take_handlers import TakeHandlers, the_take
from rhythmic_foley.ui.timeline.value import onsets_to_value
from rhythmic_foley.values.results import Analysis, Progress


class ExportHandlers:
    """On the same visitors' folders as the rest of the page."""

    def __init__(self, page: Handlers, takes: TakeHandlers) -> None:
        self.page, self.takes = page, takes

    def export(
        self,
        visit: str,
        finished: Takes,
        chosen: int,
        export_formats: Sequence[str],
        delivery: str,
        export_rate: int,
        export_timecode: str,
    ) -> Iterator[Updates]:
        """The shown take as files for a cutting room."""

        def work() -> Iterator[Updates]:
            take = the_take(finished, chosen)
            request = ExportRequest(
                tuple(export_formats), delivery, int(export_rate), (export_timecode or "").strip() or None
            )
            yield job.working(Progress(0.0, "Writing the files"))
            done = export_take(take, request, self._place(visit) / f"{take.folder.name}-export")
            files = gr.update(value=[str(path) for path in done.paths], visible=True)
            yield {"exported": files} | job.idle(" ".join(("The files are ready.", *done.notes)))

        job = Job("export")
        yield from follow(job, work())

    def save_project(
        self,
        clip: str | None,
        analysis: Analysis | None,
        finished: Takes,
        visit: str,
        project_notes: str,
        with_clip: bool,
        **form: Any,
    ) -> Iterator[Updates]:
        """Clip, sounds, onsets and takes as one file."""

        def work() -> Iterator[Updates]:
            if not clip:
                raise FoleyError(NO_CLIP)
            yield job.working(Progress(0.0, "Writing the project"))
            controls = Form(**form).controls(analysis or self.page.bare(clip), proposed=False)
            project = Project.of(Path(clip), controls, finished, project_notes or "")
            path = self._place(visit) / f"{safe_name(Path(clip).stem)}.foley"
            save_project(project, path, with_clip=bool(with_clip))
            yield {"saved": gr.update(value=str(path), visible=True)} | job.idle("The project is ready.")

        job = Job("save_project")
        yield from follow(job, work())

    def open_project(self, opened: str | None, clip: str | None, visit: str, switch: Switch | None) -> Updates:
        """The page as a project file has kept it. One without its clip is opened over that clip."""
        with told():
            if not opened:
                return {}
            visit = visit if self.page.visits.knows(visit) else self.page.visits.new()
            kept = open_project(Path(opened), self._place(visit) / "project", look_around=False)
            if kept.clip is not None:
                clip = str(kept.clip)
            elif not clip or file_digest(clip) != kept.clip_sha256:
                raise FoleyError(f"This project does not hold its clip; open {kept.clip_name} here first.")
            if switch is not None:
                switch.dropped = True
            page = cleared() | self.page.show(clip) | {"visit": visit, "clip": clip, "shown": clip}
            values = values_from_controls(kept.controls, page["range_to"])
            marks = page["timeline"]["value"] | values.pop("timeline")
            page |= values | {"timeline": gr.update(value=marks, visible=True), "project_notes": kept.notes}
            if kept.takes:
                page |= shelf(kept.takes, len(kept.takes) - 1)
            self.page.visits.remember(visit, clip, kept.takes, analysed=False)
            return page
        return {}

    def take_onsets(self, onset_file: str | None, clip: str | None) -> Updates:
        """Onsets from a file of another program, instead of those on the timeline."""
        with told():
            if not onset_file:
                return {}
            onsets = read_onset_file(Path(onset_file)).between(0.0, self.page.bare(clip).clip.duration_s)
            return {"timeline": {"onsets": onsets_to_value(onsets)}}
        return {}

    def _place(self, visit: str) -> Path:
        place = self.page.visits.folder(visit) / uuid.uuid4().hex[:8]
        place.mkdir()
        return place
