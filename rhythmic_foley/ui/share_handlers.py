"""What leaves the page: a file for posting, and a reel that plays the compared sounds in turn."""

from __future__ import annotations

import uuid
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import gradio as gr

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.export.comparison_video import comparison_reel
from rhythmic_foley.export.platforms import export_post
from rhythmic_foley.ui.callback_generator import stepping
from rhythmic_foley.ui.handlers import Takes
from rhythmic_foley.ui.jobs import Job, Updates, follow
from rhythmic_foley.ui.take_handlers import TakeHandlers, the_take
from rhythmic_foley.values.results import Progress


class ShareHandlers:
    """On the same visitors' folders as the rest of the page."""

    def __init__(self, takes: TakeHandlers) -> None:
        self.takes = takes

    def post(self, visit: str, finished: Takes, chosen: int, preset: str, fit: str) -> Iterator[Updates]:
        """The shown take in the size and loudness that a platform likes."""

        def work() -> Iterator[Updates]:
            take = the_take(finished, chosen)
            yield job.working(Progress(0.0, "Writing the file"))
            out = self._place(visit) / f"{take.video.stem}-{preset}.mp4"
            path = export_post(take, preset, out, fit=fit)
            yield {"posted": gr.update(value=str(path), visible=True)} | job.idle("The file is ready.")

        job = Job("post")
        yield from follow(job, work())

    def reel(
        self, clip: str, visit: str, finished: Takes, compared: Sequence[str], uploaded: str | None
    ) -> Iterator[Updates]:
        """The compared sounds in turn over their mels, as one video."""

        def work() -> Iterator[Updates]:
            place = self._place(visit)
            first, sounds = self.takes.picked(clip, finished, compared, uploaded, place)
            if len(sounds) < 2:
                raise FoleyError("Choose at least two sounds under Compare.")
            wanted = self.takes.wanted(first)
            made = stepping(
                lambda report: comparison_reel(first.video, sounds, place / "reel.mp4", wanted, progress=report)
            )
            path = yield from _shares(job, made)
            # An update each: Gradio empties them while it sends them.
            shown = {name: gr.update(value=str(path), visible=True) for name in ("reeled", "download_reel")}
            yield shown | job.idle("The reel is ready.")

        job = Job("reel")
        yield from follow(job, work())

    def _place(self, visit: str) -> Path:
        place = self.takes.visits.folder(visit) / uuid.uuid4().hex[:8]
        place.mkdir()
        return place


def _shares(job: Job, made: Generator[float, None, Path]) -> Generator[Updates, None, Path]:
    """Shares of 1 as the job's progress; returns what the generator returns."""
    with closing(made):
        while True:
            try:
                share = next(made)
            except StopIteration as end:
                return end.value
            yield job.working(Progress(share, "Making the reel"))
