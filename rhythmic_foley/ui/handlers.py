"""What the page does when a button is pressed: build one request, follow the studio, say what happened.

Handlers take the values of controls by name and give back updates by name; which component a name stands for is the
layout's business. Those that take long are generators, because only a generator can be stopped between two steps.
"""

from __future__ import annotations

import logging
import os
import random
import shutil
import tempfile
import time
import uuid
from collections.abc import Generator, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.motion import pick_onsets
from rhythmic_foley.studio import Analysis, Controls, Progress, Studio, Take
from rhythmic_foley.ui import pictures
from rhythmic_foley.ui.form import MAX_SEED, Form, onsets_from_text, rows_from_events

log = logging.getLogger(__name__)

Updates = dict[str, Any]

# The buttons that start a job; each has its own progress and its own Stop.
JOBS = ("quick", "describe", "generate")

CALM = "Something went wrong here that is not your fault; please try again, or try another clip."
STOPPED = "Stopped. Finished takes are kept."
NO_CLIP = "Choose a clip first: upload one or take an example."
EXAMPLES = Path(__file__).parents[2] / "examples"
KEEP_S = 6 * 3600


@dataclass
class Switch:
    """How the rest of the page reaches a running job; it looks here after each step."""

    stopped: bool = False
    dropped: bool = False  # nobody wants its results any more


@dataclass(frozen=True)
class Job:
    """A long piece of work: where it shows its progress. The page's other jobs cannot be started meanwhile."""

    name: str

    def working(self, progress: Progress | None = None) -> Updates:
        """Progress; without one, the first sign that something happens."""
        resting = {name: gr.update(interactive=False) for name in JOBS} if progress is None else {}
        bar = pictures.progress_bar(progress or Progress(0.0, "Starting", None))
        stop = gr.update(value="Stop", visible=True, interactive=True)
        shown = {f"{self.name}_stop": stop} if progress is None else {}
        return {f"{self.name}_status": gr.update(value=bar, visible=True), **resting, **shown}

    def idle(self, sentence: str = "", *, trouble: bool = False) -> Updates:
        """The page at rest again, with the last word on what happened."""
        status = gr.update(value=pictures.said(sentence, trouble=trouble) if sentence else "", visible=bool(sentence))
        return {
            f"{self.name}_status": status,
            f"{self.name}_stop": gr.update(visible=False),
            **{name: gr.update(interactive=True) for name in JOBS},
        }


class Handlers:
    """The page's handlers for one studio. Holds nothing of any visitor: that lives in the page's own state."""

    def __init__(self, studio: Studio, runs: Path | None = None) -> None:
        """Take the studio, and the folder below which every run gets its own."""
        self.studio = studio
        self.runs = runs or Path(os.environ.get("GRADIO_TEMP_DIR") or Path(tempfile.gettempdir(), "gradio")) / "runs"

    def take_example(self, example: int) -> Updates:
        """One of the clips that come with the project, as if it had been uploaded."""
        return {"clip": str(examples()[example])}

    def show_clip(self, clip: str | None, switch: Switch | None = None) -> Updates:
        """Facts of a new clip; whatever belonged to the last one goes, a running job too."""
        if switch is not None:
            switch.dropped = True
        cleared = {
            "analysis": None,
            "finished": (),
            "results": gr.update(visible=False),
            "events": [],
            "text": "",
            "onsets": "",
            "strip": gr.update(visible=False),
            "describer": gr.update(visible=False),
            **{f"{name}_status": gr.update(visible=False) for name in JOBS},
        }
        if not clip:
            return cleared | {"facts": gr.update(visible=False)}
        try:
            *_, analysis = self.studio.analyse(clip, describe=False, find_onsets=False)
        except FoleyError as error:
            gr.Warning(str(error), title="Clip")
            return cleared | {"facts": gr.update(value=pictures.said(str(error), trouble=True), visible=True)}
        except Exception:
            log.exception("probing a clip failed")
            return cleared | {"facts": gr.update(value=pictures.said(CALM, trouble=True), visible=True)}
        return cleared | {"facts": gr.update(value=pictures.clip_facts(analysis.clip), visible=True)}

    def describe(self, clip: str | None) -> Iterator[Updates]:
        """Propose sounds and onsets, over whatever stood there."""
        job = Job("describe")
        yield from _follow(job, self._describe(job, clip))

    def repick(self, analysis: Analysis | None, threshold: float) -> Updates:
        """Other onsets from the kept curve; nothing is analysed again."""
        if analysis is None:
            return {}
        onsets = pick_onsets(analysis.curve, threshold)
        return {"onsets": onsets.format(), "strip": _strip(analysis, onsets.times_s, threshold)}

    def redraw(self, analysis: Analysis | None, threshold: float, onsets: str) -> Updates:
        """The strip for onsets as typed, or the sentence about what cannot be read."""
        try:
            wanted = onsets_from_text(onsets, analysis, threshold)
        except FoleyError as error:
            return {"strip": gr.update(value=pictures.said(str(error), trouble=True), visible=True)}
        if analysis is None:
            return {"strip": gr.update(visible=False)}
        return {"strip": _strip(analysis, wanted.times_s, threshold)}

    def generate(
        self, clip: str | None, analysis: Analysis | None, finished: tuple[Take, ...], **form: Any
    ) -> Iterator[Updates]:
        """Takes from what the controls say; a clip that was not looked at yet is looked at first."""
        job = Job("generate")
        yield from _follow(job, self._generate(job, clip, analysis, finished, Form(**form)))

    def quick(self, clip: str | None, finished: tuple[Take, ...]) -> Iterator[Updates]:
        """One take from the proposals and the defaults, whatever the controls say."""
        job = Job("quick")
        yield from _follow(job, self._quick(job, clip, finished))

    def stop(self, switch: Switch | None) -> Updates:
        """Ask the running job to end; it says itself when it has, so that its last word is the last."""
        if switch is not None:
            switch.stopped = True
        return {f"{name}_stop": gr.update(value="Stopping", interactive=False) for name in JOBS}

    def show_take(self, finished: tuple[Take, ...], chosen: int | None) -> Updates:
        """Another take of those that are there."""
        return take_updates(finished, chosen) if chosen is not None and chosen < len(finished) else {}

    def keep_seed(self, finished: tuple[Take, ...], chosen: int | None) -> Updates:
        """The shown take's seed into the seed field."""
        return {"seed": str(finished[chosen].seed)} if chosen is not None and chosen < len(finished) else {}

    def new_seed(self) -> Updates:
        """A seed drawn at random."""
        return {"seed": str(random.randint(0, MAX_SEED))}

    def _understand(self, job: Job, clip: str | None) -> Generator[Updates, None, Analysis]:
        if not clip:
            raise FoleyError(NO_CLIP)
        with closing(self.studio.analyse(clip)) as work:
            for item in work:
                if isinstance(item, Progress):
                    yield job.working(item)
                else:
                    analysis = item
        return analysis

    def _describe(self, job: Job, clip: str | None) -> Iterator[Updates]:
        analysis = yield from self._understand(job, clip)
        yield proposals(analysis) | job.idle()

    def _generate(
        self, job: Job, clip: str | None, analysis: Analysis | None, finished: tuple[Take, ...], form: Form
    ) -> Iterator[Updates]:
        fresh = analysis is None
        if analysis is None:
            analysis = yield from self._understand(job, clip)
            typed = {"events": bool(_filled(form.events)), "onsets": bool(form.onsets.strip()), "strip": False}
            proposed = proposals(analysis)
            yield {name: update for name, update in proposed.items() if not typed.get(name)}
        controls = form.controls(analysis, proposed=fresh)
        yield from self._dub(job, analysis, controls, finished)

    def _quick(self, job: Job, clip: str | None, finished: tuple[Take, ...]) -> Iterator[Updates]:
        analysis = yield from self._understand(job, clip)
        yield proposals(analysis)
        yield from self._dub(job, analysis, Controls(), finished)

    def _dub(self, job: Job, analysis: Analysis, controls: Controls, finished: tuple[Take, ...]) -> Iterator[Updates]:
        folder = new_run(self.runs)
        original = self.studio.original_mel(analysis, folder)
        before = len(finished)
        with closing(self.studio.dub(analysis, controls, folder)) as work:
            for item in work:
                if isinstance(item, Progress):
                    yield job.working(item)
                    continue
                finished = (*finished, item)
                yield take_updates(finished, len(finished) - 1) | original_updates(original)
        made = len(finished) - before
        yield job.idle(f"{made} new take{'s' if made != 1 else ''} below.")


def examples() -> list[Path]:
    """Clips that come with the project; none where only the package is installed."""
    return sorted(EXAMPLES.glob("*.mp4"))


def proposals(analysis: Analysis) -> Updates:
    """What an analysis fills in."""
    return {
        "analysis": analysis,
        "describer": gr.update(value=pictures.describer_line(analysis), visible=True),
        "events": rows_from_events(analysis.events),
        "onsets": analysis.onsets.format(),
        "threshold": analysis.threshold,
        "strip": _strip(analysis, analysis.onsets.times_s, analysis.threshold),
    }


def take_updates(finished: tuple[Take, ...], chosen: int) -> Updates:
    """The results section showing one take among all."""
    take = finished[chosen]
    choices = [(f"{i + 1} · seed {one.seed} · hits {_short_rate(one)}", i) for i, one in enumerate(finished)]
    alt = f"Mel spectrogram of take {chosen + 1}, onsets hit: {pictures.hit_rate(take)}"
    return {
        "finished": finished,
        "results": gr.update(visible=True),
        "chosen": gr.update(choices=choices, value=chosen),
        "video": str(take.video),
        "wav": str(take.wav),
        "mel": gr.update(value=str(take.mel), alt_text=alt),
        "take_facts": pictures.take_facts(take),
        "settings": take.settings.read_text(encoding="utf-8"),
        "download_video": str(take.video),
        "download_wav": str(take.wav),
        "download_settings": str(take.settings),
    }


def original_updates(original: Path | None) -> Updates:
    """The mel of the clip's own sound, or that there is none."""
    if original is None:
        return {"original_mel": gr.update(visible=False), "original_none": gr.update(visible=True)}
    return {
        "original_mel": gr.update(value=str(original), visible=True),
        "original_none": gr.update(visible=False),
    }


def new_run(runs: Path) -> Path:
    """A folder that only this run knows; those that are older than the page promises go."""
    with suppress(OSError):
        for old in runs.iterdir():
            if time.time() - old.stat().st_mtime > KEEP_S:
                shutil.rmtree(old, ignore_errors=True)
    folder = runs / uuid.uuid4().hex
    folder.mkdir(parents=True)
    return folder


def _follow(job: Job, work: Generator[Updates, None, None]) -> Iterator[Updates]:
    """Run a job to its end, or to the next step after Stop; whatever goes wrong becomes one sentence on the page.

    Gradio's own way to cancel an event races with the updates that are under way and may leave the page locked.
    """
    switch = Switch()
    try:
        yield {"switch": switch} | job.working()
        with closing(work):
            for updates in work:
                if not switch.dropped:
                    yield updates
                if switch.stopped or switch.dropped:
                    yield job.idle("" if switch.dropped else STOPPED)
                    return
    except FoleyError as error:
        gr.Warning(str(error), title="Please check")
        yield job.idle(str(error), trouble=True)
    except Exception:
        log.exception("%s failed", job.name)
        gr.Warning(CALM, title="Sorry")
        yield job.idle(CALM, trouble=True)


def _strip(analysis: Analysis, onsets_s: tuple[float, ...], threshold: float) -> Any:
    return gr.update(value=pictures.onset_strip(analysis, onsets_s, threshold), visible=True)


def _filled(rows: Any) -> list[Any]:
    return [row for row in rows if any(str(cell if cell is not None else "").strip() for cell in row)]


def _short_rate(take: Take) -> str:
    return f"{take.measured.hits}/{take.measured.wanted}" if take.measured and take.measured.wanted else "–"
