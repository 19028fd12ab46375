"""What the page does from a clip to its takes: build one request, follow the studio, say what happened.

Handlers take the values of controls by name and give back updates by name; which component a name stands for is the
layout's business. Those that take long are generators, because only a generator can be stopped between two steps.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import gradio as gr

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.studio.studio import Studio
from rhythmic_foley.studio.takes import rename_take
from rhythmic_foley.ui import pictures
from rhythmic_foley.ui.event_table import suggested
from rhythmic_foley.ui.form import Form, marks, rows_from_events, span_of, values_from_controls
from rhythmic_foley.ui.gpu import Pace, on_gpu
from rhythmic_foley.ui.jobs import Job, Switch, Updates, at_rest, follow, sentence_for_visitors, told, warn
from rhythmic_foley.ui.samples import examples, unpack
from rhythmic_foley.ui.sessions import Visits
from rhythmic_foley.ui.timeline import timeline_value
from rhythmic_foley.ui.visitor_space import VisitorSpace, upload_folder
from rhythmic_foley.ui.widgets import HIDDEN
from rhythmic_foley.values.controls import PICTURE, Controls
from rhythmic_foley.values.events import Suggestion
from rhythmic_foley.values.results import Analysis, Progress, Take
from rhythmic_foley.values.seeds import draw_seed

NO_CLIP = "Choose a clip first: upload one or take an example."

Takes = tuple[Take, ...]


class Studios:
    """The studios that a page can work with: one a model, the first of which is the usual one."""

    def __init__(self, first: Studio, others: Sequence[str] = ()) -> None:
        self.names = (first.folder.name, *(name for name in others if name != first.folder.name))
        self._open = {self.names[0]: first}
        self.pace = Pace()

    def __getitem__(self, name: str | None) -> Studio:
        """The studio of a model; the usual one for a name that is none of `names`."""
        name = name if name in self.names else self.names[0]
        if name not in self._open:
            self._open[name] = self._open[self.names[0]].beside(name)
        return self._open[name]


@dataclass(frozen=True)
class Looking:
    """How a clip is looked at: by which model, by which describer, and where its onsets come from."""

    model: str | None
    asked: str | None
    onsets_from: str
    guide: str | None

    def start(self, studios: Studios, clip: str) -> Iterator[Progress | Analysis]:
        """The studio's work on it."""
        guide = Path(self.guide) if self.guide else None
        return studios[self.model].analyse(clip, describer=self.asked, onsets_from=self.onsets_from, guide=guide)


class Handlers:
    """From a clip to its takes, for the studios of one page. Holds nothing of any visitor: the page's state does."""

    def __init__(self, studio: Studio, runs: Path | None = None, models: Sequence[str] = ()) -> None:
        """Take the studio, the folder below which every visitor gets one, and names of further models."""
        self.studios = Studios(studio, models)
        folder = upload_folder()
        root = runs or folder / "visits"
        self.visits = Visits(root, VisitorSpace([root] if runs else [root, folder]))
        self._dub_there = on_gpu(self._dub_here, self.studios.pace)

    def restore(self, visit: str) -> Updates:
        """What the page showed before it was reloaded."""
        recalled = self.visits.recall(visit)
        if recalled is None:
            return {"visit": ""}
        page = self.show(recalled.clip) | {"visit": visit, "clip": recalled.clip, "shown": recalled.clip}
        if recalled.found is not None:
            *_, looked = self.studios[None].analyse(recalled.clip, describe=False)  # found in the cache
            analysis = recalled.onto(looked)
            onto = page["timeline"]["value"]
            page |= proposals(analysis)
            page["timeline"] = gr.update(value=onto | found(analysis), visible=True)
        if recalled.takes:
            page |= self._with_settings_of(recalled.takes[-1], page, (recalled.found or {}).get("suggestions", ()))
            page |= shelf(recalled.takes, len(recalled.takes) - 1)
        return page

    def take_example(self, example: int, visit: str, switch: Switch | None) -> Updates:
        """One of the clips that come with the project, with the takes that were made of it beforehand."""
        if switch is not None:
            switch.dropped = True
        with told():
            visit = visit if self.visits.knows(visit) else self.visits.new()
            clip, takes = unpack(examples()[example], self.visits.folder(visit))
            page = cleared() | self.show(clip) | {"visit": visit, "clip": clip, "shown": clip}
            if takes:
                page |= self._with_settings_of(takes[-1], page) | {"seed": ""}
                page |= shelf(takes, len(takes) - 1)
            self.visits.remember(visit, clip, takes, analysed=False)
            return page
        return {}

    def show_clip(self, clip: str | None, shown: str | None, visit: str, switch: Switch | None = None) -> Updates:
        """Facts of a new clip; whatever belonged to the last one goes, a running job too."""
        if clip == shown:
            return {}  # set by a handler, which has said all about it
        if switch is not None:
            switch.dropped = True
        if not clip:
            return cleared()
        page = cleared() | {"shown": clip}
        try:
            visit = visit if self.visits.knows(visit) else self.visits.new()
            page |= {"visit": visit} | self.show(clip)
            self.visits.remember(visit, clip, (), analysed=False)
        except Exception as error:
            sentence = sentence_for_visitors(error)
            warn(sentence, "Clip")
            page["facts"] = gr.update(value=pictures.said(sentence, trouble=True), visible=True)
        return page

    def describe(
        self,
        clip: str | None,
        visit: str,
        finished: Takes,
        model: str | None,
        asked: str | None = None,
        onsets_from: str = PICTURE,
        guide: str | None = None,
    ) -> Iterator[Updates]:
        """Propose sounds and onsets, over whatever stood there; `asked` is the describer."""
        job = Job("describe")
        looking = Looking(model, asked, onsets_from, guide)
        yield from follow(job, self._describe(job, clip, visit, finished, looking))

    def generate(
        self,
        clip: str | None,
        analysis: Analysis | None,
        finished: Takes,
        visit: str,
        model: str | None,
        asked: str | None = None,
        **form: Any,
    ) -> Iterator[Updates]:
        """Takes from what the controls say; a clip that was not looked at yet is looked at first."""
        job, filled = Job("generate"), Form(**form)
        looking = Looking(model, asked, filled.onsets_from, filled.guide)
        yield from follow(job, self._generate(job, clip, analysis, finished, visit, looking, filled))

    def quick(
        self,
        clip: str | None,
        finished: Takes,
        visit: str,
        model: str | None,
        range_from: float | None = None,
        range_to: float | None = None,
        asked: str | None = None,
        onsets_from: str = PICTURE,
        guide: str | None = None,
    ) -> Iterator[Updates]:
        """One take of the range from the proposals and the defaults, whatever the other controls say."""
        job, looking = Job("quick"), Looking(model, asked, onsets_from, guide)
        yield from follow(job, self._quick(job, clip, finished, visit, looking, (range_from, range_to)))

    def take_model(self, model: str | None) -> Updates:
        """The steps and the guidance that a model was made for; guidance by a classifier only where it has one."""
        studio = self.studios[model]
        return {
            "steps": studio.defaults.steps,
            "guidance_scale": studio.defaults.guidance_scale,
            "classifier_scale": gr.update(value=0, visible=True if studio.has_classifier else HIDDEN),
        }

    def check_words(self, text: str, negative: str) -> Updates:
        """What the model does not understand of the one line and of what should not be heard."""
        studio = self.studios[None]
        sentences = dict.fromkeys(note.sentence for words in (text, negative) for note in studio.check_text(words))
        return {"words": gr.update(value="".join(map(pictures.said, sentences)), visible=bool(sentences))}

    def new_seed(self) -> Updates:
        """A seed drawn at random."""
        return {"seed": str(draw_seed())}

    def bare(self, clip: str | None) -> Analysis:
        """A clip that is only opened, not looked at.

        Raises:
            FoleyError: if there is none, or it cannot be dubbed.
        """
        if not clip:
            raise FoleyError(NO_CLIP)
        *_, analysis = self.studios[None].analyse(clip, describe=False, find_onsets=False)
        return analysis

    def dub(
        self,
        job: Job,
        analysis: Analysis,
        controls: Controls,
        finished: Takes,
        visit: str,
        model: str | None,
        name: str = "",
        beside: Callable[[Take], Updates] | None = None,
    ) -> Iterator[Updates]:
        """Follow a dub; each take stands on the shelf as soon as it is there.

        Args:
            name: of the take; by default takes are numbered.
            beside: what else the page shows with a take.
        """
        before = len(finished)
        with closing(self._dub_there(analysis, controls, self.visits.folder(visit), model)) as work:
            for item in work:
                if isinstance(item, Progress):
                    yield job.working(item)
                    continue
                take = rename_take(item, name or next_name(finished))
                finished = (*finished, take)
                self.visits.remember(visit, str(analysis.clip.path), finished)
                yield shelf(finished, len(finished) - 1) | (beside(take) if beside else {})
        made = len(finished) - before
        yield job.idle(f"{made} new take{'s' if made != 1 else ''} under Takes.")

    def _dub_here(
        self, analysis: Analysis, controls: Controls, folder: Path, model: str | None
    ) -> Iterator[Progress | Take]:
        yield from self.studios[model].dub(analysis, controls, folder, previews=True)

    def show(self, clip: str) -> Updates:
        """The clip's facts, its whole length as range, and a timeline that waits for marks."""
        analysis = self.bare(clip)
        return {
            "facts": gr.update(value=pictures.clip_facts(analysis.clip), visible=True),
            "range": gr.update(visible=True),
            "range_from": 0,
            "range_to": round(analysis.clip.duration_s, 3),
            "timeline": gr.update(value=timeline_value(analysis), visible=True),
            "timeline_none": gr.update(visible=False),
        }

    def _with_settings_of(self, take: Take, page: Updates, suggestions: Sequence[Suggestion] = ()) -> Updates:
        """The form as it was when a take was made; its marks on the timeline that the page already shows."""
        values = values_from_controls(take.controls, page["range_to"])
        values["events"] = suggested(values["events"], suggestions)
        values["timeline"] = gr.update(value=page["timeline"]["value"] | values["timeline"], visible=True)
        return values | {"seed": "", "takes": 1}

    def _understand(self, job: Job, clip: str | None, looking: Looking) -> Generator[Updates, None, Analysis]:
        if not clip:
            raise FoleyError(NO_CLIP)
        with closing(looking.start(self.studios, clip)) as work:
            for item in work:
                if isinstance(item, Progress):
                    yield job.working(item)
                else:
                    analysis = item
        return analysis

    def _describe(
        self, job: Job, clip: str | None, visit: str, finished: Takes, looking: Looking
    ) -> Iterator[Updates]:
        analysis = yield from self._understand(job, clip, looking)
        self.visits.remember(visit, str(clip), finished, analysed=analysis)
        yield proposals(analysis) | job.idle()

    def _generate(
        self,
        job: Job,
        clip: str | None,
        analysis: Analysis | None,
        finished: Takes,
        visit: str,
        looking: Looking,
        form: Form,
    ) -> Iterator[Updates]:
        fresh = analysis is None
        if analysis is None:
            analysis = yield from self._understand(job, clip, looking)
            self.visits.remember(visit, str(clip), finished, analysed=analysis)
        controls = form.controls(analysis, proposed=fresh)
        if fresh:
            yield proposals(analysis) | _kept(analysis, controls)
        yield from self.dub(job, analysis, controls, finished, visit, looking.model)

    def _quick(
        self,
        job: Job,
        clip: str | None,
        finished: Takes,
        visit: str,
        looking: Looking,
        span: tuple[float | None, float | None],
    ) -> Iterator[Updates]:
        analysis = yield from self._understand(job, clip, looking)
        self.visits.remember(visit, str(clip), finished, analysed=analysis)
        yield proposals(analysis)
        range_s = span_of(*span, analysis.clip.duration_s)
        yield from self.dub(
            job,
            analysis,
            replace(self.studios[looking.model].defaults, range_s=range_s),
            finished,
            visit,
            looking.model,
        )


def cleared() -> Updates:
    """The page without a clip."""
    return {
        "analysis": None,
        "shown": None,
        "finished": (),
        "chosen": gr.update(choices=[], value=None),
        "facts": gr.update(visible=False),
        "range": gr.update(visible=False),
        "events": suggested([]),
        "text": "",
        "words": gr.update(visible=False),
        "timeline": gr.update(value=None, visible=HIDDEN),
        "timeline_none": gr.update(visible=True),
        "describer": gr.update(visible=False),
        "compare": gr.update(value=None),
        **at_rest(),
    }


def proposals(analysis: Analysis) -> Updates:
    """What an analysis fills in."""
    return {
        "analysis": analysis,
        "describer": gr.update(value=pictures.describer_line(analysis), visible=True),
        "events": suggested(rows_from_events(analysis.events), analysis.suggestions),
        "timeline": gr.update(value=found(analysis), visible=True),
    }


def found(analysis: Analysis) -> dict[str, Any]:
    """The timeline of a looked-at clip; the browser has its pictures since the clip was opened."""
    value = timeline_value(analysis, pictures=False)
    return {name: part for name, part in value.items() if name not in ("thumbnails", "waveform")}


def shelf(finished: Takes, chosen: int) -> Updates:
    """The results section showing one take among all."""
    take = finished[chosen]
    return {
        "finished": finished,
        "chosen": gr.update(choices=[(pictures.take_line(one), i) for i, one in enumerate(finished)], value=chosen),
        "video": str(take.video),
        "wav": str(take.wav),
        "take_facts": pictures.take_facts(take),
        "take_name": take.name,
        "settings": take.settings.read_text(encoding="utf-8"),
        **{f"download_{kind}": _download(getattr(take, kind)) for kind in DOWNLOADS},
        "stem_files": gr.update(value=[str(path) for path in take.stems], visible=bool(take.stems)),
    }


def next_name(finished: Takes) -> str:
    """ "Take" and the first number that no earlier take has had."""
    numbers = (re.fullmatch(r"Take (\d+)", take.name) for take in finished)
    return f"Take {1 + max((int(found[1]) for found in numbers if found), default=0)}"


# Files of a take that have a button of their own, and what it says.
DOWNLOADS = {
    "video": "Video",
    "wav": "Sound",
    "onsets_csv": "Onsets, CSV",
    "onsets_json": "Onsets, JSON",
    "settings": "Settings",
}


def _download(path: Path | None) -> Any:
    return gr.update(value=None if path is None else str(path), visible=path is not None)


def _kept(analysis: Analysis, controls: Controls) -> Updates:
    """What a person had entered before the clip was looked at stays."""
    events = analysis.events if controls.events is None else controls.events
    onsets = analysis.onsets if controls.onsets is None else controls.onsets
    value = found(analysis) | marks(onsets, events)
    return {
        "events": suggested(rows_from_events(events), analysis.suggestions),
        "timeline": gr.update(value=value, visible=True),
    }
