"""Long pieces of work on the page: which there are, how they show their progress, and how they are stopped.

Gradio's own way to cancel an event races with the updates that are under way and may leave the page locked, so a job
looks at a switch of its own after each step.
"""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from html import escape
from typing import Any

import gradio as gr

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.requests import Progress
from rhythmic_foley.ui import pictures

log = logging.getLogger(__name__)

Updates = dict[str, Any]

# The buttons that start a job; each has its own progress and its own Stop.
JOBS = ("quick", "describe", "generate", "fix", "twin_time", "twin_sound", "reel", "post")

CALM = "Something went wrong here that is not your fault; please try again, or try another clip."
STOPPED = "Stopped. Finished takes are kept."


def warn(sentence: str, title: str) -> None:
    """A sentence in the corner of the page. It may name a file as its owner did, and Gradio takes it for HTML."""
    gr.Warning(escape(sentence), title=title)


@dataclass
class Switch:
    """How the rest of the page reaches a running job; it looks here after each step."""

    stopped: bool = False
    dropped: bool = False  # nobody wants its results any more


@dataclass(frozen=True)
class Job:
    """A long piece of work: where it shows its progress. The page's other jobs cannot be started meanwhile."""

    name: str

    def starting(self) -> Updates:
        """The first sign that something happens; the other jobs rest meanwhile."""
        return {
            **self.working(Progress(0.0, "Starting", None)),
            **{name: gr.update(interactive=False) for name in JOBS},
            f"{self.name}_stop": gr.update(value="Stop", visible=True, interactive=True),
            f"{self.name}_preview": gr.update(value="", visible=False),
        }

    def working(self, progress: Progress) -> Updates:
        """How far it is, and the sound as it stands if the step shows it."""
        shown = {f"{self.name}_status": gr.update(value=pictures.progress_bar(progress), visible=True)}
        if progress.preview is not None:
            shown[f"{self.name}_preview"] = gr.update(value=pictures.preview(progress.preview), visible=True)
        return shown

    def idle(self, sentence: str = "", *, trouble: bool = False) -> Updates:
        """The page at rest again, with the last word on what happened."""
        status = gr.update(value=pictures.said(sentence, trouble=trouble) if sentence else "", visible=bool(sentence))
        return {
            f"{self.name}_status": status,
            f"{self.name}_stop": gr.update(visible=False),
            f"{self.name}_preview": gr.update(value="", visible=False),
            **{name: gr.update(interactive=True) for name in JOBS},
        }


def follow(job: Job, work: Generator[Updates, None, None]) -> Iterator[Updates]:
    """Run a job to its end, or to the next step after Stop; whatever goes wrong becomes one sentence on the page."""
    switch = Switch()
    try:
        yield {"switch": switch} | job.starting()
        with closing(work):
            for updates in work:
                if not switch.dropped:
                    yield updates
                if switch.stopped or switch.dropped:
                    yield job.idle("" if switch.dropped else STOPPED)
                    return
    except FoleyError as error:
        warn(str(error), "Please check")
        yield job.idle(str(error), trouble=True)
    except Exception:
        log.exception("%s failed", job.name)
        warn(CALM, "Sorry")
        yield job.idle(CALM, trouble=True)


@contextmanager
def told() -> Iterator[None]:
    """What goes wrong inside is said in one sentence, and the page stays as it is."""
    try:
        yield
    except FoleyError as error:
        warn(str(error), "Please check")
    except Exception:
        log.exception("a handler failed")
        warn(CALM, "Sorry")


def stop(switch: Switch | None) -> Updates:
    """Ask the running job to end; it says itself when it has, so that its last word is the last."""
    if switch is not None:
        switch.stopped = True
    return {f"{name}_stop": gr.update(value="Stopping", interactive=False) for name in JOBS}
