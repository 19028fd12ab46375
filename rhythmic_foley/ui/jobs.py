"""Long pieces of work on the page: which there are, how they show their progress, and how they are stopped.

Gradio's own way to cancel an event races with the updates that are under way and may leave the page locked, so a job
looks at a switch of its own after each step. It has one from the press of its button on, before it comes into the
queue: thus it can be stopped while it waits for its turn, at which it then does nothing.
"""

from __future__ import annotations

import logging
import re
import threading
import time
import uuid
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from html import escape
from typing import Any

import gradio as gr

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.ui import pictures
from rhythmic_foley.ui.visitor_space import FULL, is_full, upload_folder
from rhythmic_foley.values.results import Progress

log = logging.getLogger(__name__)

Updates = dict[str, Any]

# The buttons that start a job; each has its own progress and its own Stop.
JOBS = ("quick", "describe", "generate", "fix", "twin_time", "twin_sound", "reel", "post", "export", "save_project")

CALM = "Something went wrong here that is not your fault; please try again, or try another clip."
STOPPED = "Stopped. Finished takes are kept."
# On the page, updates of one part that come closer together than this may overtake each other, the last one too.
_APART_S = 0.2

NOT_BEGUN = "This could not begin; please look at what you entered, or try again in a while."


# An absolute path, up to what ends it in a sentence: visitors' folders have their keys for names.
_PATH = re.compile(r"(?<![\w.])/(?:[^\s\"'()/]+/)+[^\s\"'()/]*|\S*[0-9a-f]{32}\S*")


def sentence_for_visitors(error: Exception) -> str:
    """What a visitor may read of an error: one sentence that names no path of this server and nobody's key."""
    if isinstance(error, FoleyError):
        return FULL if is_full(error.__cause__) else without_paths(str(error))
    if is_full(error):
        return FULL
    log.error("something failed", exc_info=error)
    return CALM


def without_paths(text: str) -> str:
    """A text for visitors, without paths of this server."""
    return _PATH.sub("this server", text.replace(str(upload_folder()), "/visitors"))


def warn(sentence: str, title: str) -> None:
    """A sentence in the corner of the page. It may name a file as its owner did, and Gradio takes it for HTML."""
    gr.Warning(escape(sentence), title=title)


@dataclass
class Switch:
    """How the rest of the page reaches a job that waits or runs; a running one looks here after each step.

    Attributes:
        job: which button was pressed.
        ticket: of that press. The queue keeps a job's inputs but reads the page's state at its turn, which may be
            that of a later press by then.
    """

    job: str
    ticket: str = field(default_factory=lambda: uuid.uuid4().hex)
    running: bool = False
    stopped: bool = False
    dropped: bool = False  # nobody wants its results any more
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def begin(self, ticket: str) -> bool:
        """It is the turn of the job with this ticket; whether it is still wanted."""
        with self._lock:
            self.running = ticket == self.ticket and not (self.stopped or self.dropped)
            return self.running

    def stop(self) -> bool:
        """Whether the job will say itself that it has ended, because it runs."""
        with self._lock:
            self.stopped = True
            return self.running


@dataclass(frozen=True)
class Job:
    """A long piece of work: where it shows its progress. The page's other jobs cannot be started meanwhile."""

    name: str

    def starting(self) -> Updates:
        """The first sign that something happens; the other jobs rest meanwhile."""
        return self._busy("Starting")

    def waiting(self) -> Updates:
        """The same, as long as others are before it."""
        return self._busy("Waiting for its turn")

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

    def _busy(self, message: str) -> Updates:
        return {
            **self.working(Progress(0.0, message, None)),
            **{name: gr.update(interactive=False) for name in JOBS},
            f"{self.name}_stop": gr.update(value="Stop", visible=True, interactive=True),
            f"{self.name}_preview": gr.update(value="", visible=False),
        }


def at_rest() -> Updates:
    """A page on which nothing runs and no job has said anything."""
    updates: Updates = {}
    for name in JOBS:
        updates |= Job(name).idle()
    return updates


def pressed(job: str, switch: Switch | None) -> Updates:
    """A job's button was pressed: its switch is there, and it waits for its turn."""
    if switch is not None:
        switch.dropped = True
    new = Switch(job)
    return {"switch": new, "ticket": new.ticket} | Job(job).waiting()


class Pace:
    """Keeps a job's updates apart; progress that comes too soon is left out, everything else waits."""

    def __init__(self, job: str) -> None:
        self._progress = {f"{job}_status", f"{job}_preview"}
        self._next_s = 0.0

    def lets(self, update: Updates) -> bool:
        """Whether an update is to be sent, now."""
        if update.keys() <= self._progress and time.monotonic() < self._next_s:
            return False
        self.wait()
        return True

    def wait(self) -> None:
        """Until the page has had time for the last update."""
        time.sleep(max(0.0, self._next_s - time.monotonic()))
        self._next_s = time.monotonic() + _APART_S


def in_turn(job: str, work: Callable[..., Iterator[Updates]]) -> Callable[..., Iterator[Updates]]:
    """`work`, a generator function, at its turn: unless it was stopped by then, and only until it is."""

    def run(switch: Switch | None, ticket: str, **values: Any) -> Iterator[Updates]:
        if switch is None or not switch.begin(ticket):
            yield {}  # Gradio empties every part of the page after a generator that gave nothing
            return
        pace, shown = Pace(job), {}  # the last take
        with closing(work(**values)) as updates:
            for update in updates:
                if switch.dropped:
                    yield {}
                    return
                shown = update if "finished" in update else shown
                if _rests(update):
                    # The page may have lost the take's own update to this one. Said later still, it would undo what a
                    # person has typed since the job was over.
                    update = shown | update
                if pace.lets(update):
                    yield update
                if switch.stopped and not switch.dropped:
                    pace.wait()
                    yield shown | Job(job).idle(STOPPED)
                    return

    return run


def _rests(update: Updates) -> bool:
    """Whether the page is at rest again after an update."""
    return all(update.get(name, {}).get("interactive") for name in JOBS)


def follow(job: Job, work: Generator[Updates, None, None]) -> Iterator[Updates]:
    """Run a job to its end; whatever goes wrong becomes one sentence on the page."""
    try:
        yield job.starting()
        with closing(work):
            yield from work
    except Exception as error:
        sentence = sentence_for_visitors(error)
        warn(sentence, "Sorry" if sentence == CALM else "Please check")
        yield job.idle(sentence, trouble=True)


@contextmanager
def told() -> Iterator[None]:
    """What goes wrong inside is said in one sentence, and the page stays as it is."""
    try:
        yield
    except Exception as error:
        sentence = sentence_for_visitors(error)
        warn(sentence, "Sorry" if sentence == CALM else "Please check")


def stop(switch: Switch | None) -> Updates:
    """Ask the job to end. One that runs says itself when it has, so that its last word is the last."""
    if switch is None:
        return {}
    if not switch.stop():
        return Job(switch.job).idle(STOPPED)
    return {f"{name}_stop": gr.update(value="Stopping", interactive=False) for name in JOBS}


def missed(switch: Switch | None) -> Updates:
    """A job could not even begin, as Gradio has said by then: the queue is full, or a value is out of its range."""
    return {} if switch is None else Job(switch.job).idle(NOT_BEGUN, trouble=True)


@contextmanager
def errors_as_sentences() -> Iterator[None]:
    """What went wrong reaches the caller as one sentence; a traceback only the log."""
    try:
        yield
    except Exception as error:
        raise gr.Error(sentence_for_visitors(error), print_exception=False) from None
