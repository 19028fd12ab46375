"""Which handler each control of the page calls."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import gradio as gr

from rhythmic_foley.ui.export_handlers import ExportHandlers
from rhythmic_foley.ui.form import Form
from rhythmic_foley.ui.handlers import Handlers
from rhythmic_foley.ui.jobs import Updates, in_turn, missed, pressed, stop
from rhythmic_foley.ui.sampling import SamplingHandlers
from rhythmic_foley.ui.share_handlers import ShareHandlers
from rhythmic_foley.ui.take_handlers import TakeHandlers
from rhythmic_foley.ui.widgets import Widgets

_TO_RESULTS = "() => { document.getElementById('results')?.scrollIntoView({ behavior: 'smooth' }); }"
# The tab remembers its visitor's key, so that a reload finds the files again and another tab does not.
_KEEP_VISIT = "(key) => { if (key) sessionStorage.setItem('rhythmic-foley', key); }"
_RECALL_VISIT = "() => [sessionStorage.getItem('rhythmic-foley') ?? '']"
# Table and timeline show the same sounds; they are kept equal in the browser, without a way to the server and back.
_TO_TABLE = """(timeline) => {
    const text = (seconds) => (seconds == null ? '' : String(Math.round(seconds * 1000) / 1000));
    const cells = (one) => [text(one.start_s), text(one.end_s), one.label, one.detail ?? '', one.source ?? ''];
    return [(timeline?.events ?? []).map(cells)];
}"""
_TO_TIMELINE = """(rows, timeline) => {
    const known = timeline?.events ?? [];
    const seconds = (text) => {
        const [s, minutes = 0] = String(text).replace(',', '.').replace(/\\s*s$/, '').split(':').reverse().map(Number);
        return 60 * minutes + s;
    };
    const events = (rows ?? []).filter((row) => row[2]).map(([start, end, label, detail, source]) => {
        const same = known.find((one) => one.label === label && (one.detail ?? '') === detail);
        const [from, to] = [seconds(start || 0), end === '' ? null : seconds(end)];
        return { label, detail, start_s: from, end_s: to, confidence: same?.confidence ?? 1, source: source || null };
    });
    // A time that cannot be read is told by the server; the lane just leaves such a sound out.
    return { events: events.filter((one) => one.start_s >= 0 && (one.end_s === null || one.end_s > one.start_s)) };
}"""
_MARKED = """(timeline, from, to) => {
    const marked = timeline?.selection;
    const short = (seconds) => Math.round(seconds * 1000) / 1000;
    return marked ? [short(marked.start_s), short(marked.end_s)] : [from, to];
}"""
# Gradio puts 0 into number fields that have nothing to say.
_MARKED_AT_FIRST = f"(timeline, from, to) => from || to ? [from, to] : ({_MARKED})(timeline, null, null)"

_FORM = tuple(Form.__dataclass_fields__)
# "multiple", since right after Stop the page still takes a job for running and would drop the click that starts the
# next one; the handlers themselves disable the buttons while a job runs.
MODEL = {"concurrency_id": "model", "concurrency_limit": 1, "trigger_mode": "multiple"}
_LIGHT = {"concurrency_id": "light", "concurrency_limit": 2}
_FILES = {"concurrency_id": "files", "concurrency_limit": 1}
_AT_ONCE = {"queue": False}
_LAST = {"trigger_mode": "always_last"}


def wire(page: gr.Blocks, w: Widgets, handlers: Handlers) -> None:
    """Connect what makes takes with its handlers. Nothing here is an endpoint: programs have their own."""
    on = partial(_on, w)
    who = ("clip", "visit", "finished", "model")
    on(page.load, handlers.restore, ["visit"], js=_RECALL_VISIT, **_LIGHT)
    shown = (
        on(w["example"].click, handlers.take_example, ["example", "visit", "switch"], **_LIGHT),
        on(w["clip"].change, handlers.show_clip, ["clip", "shown", "visit", "switch"], **_LIGHT),
    )
    for event in shown:
        event.then(None, inputs=w["visit"], js=_KEEP_VISIT, api_visibility="private")
    looking = (*who, "asked", "onsets_from", "guide")
    inputs = {
        "quick": (*looking, "range_from", "range_to"),
        "describe": looking,
        "generate": (*who, "asked", "analysis", *_FORM),
    }
    for name, given in inputs.items():
        run = _job(w, name, getattr(handlers, name), given, **MODEL)
        if name == "quick":
            run.then(None, js=_TO_RESULTS, api_visibility="private")
    for field in ("text", "negative"):
        on(w[field].blur, handlers.check_words, ["text", "negative"], **_LIGHT)
    on(w["new_seed"].click, handlers.new_seed, [], **_AT_ONCE)
    on(w["model"].input, handlers.take_model, ["model"], **_AT_ONCE)
    timeline, events = w["timeline"], w["events"]
    _in_browser(timeline.input, [timeline], [events], _TO_TABLE)
    _in_browser(events.input, [events, timeline], [timeline], _TO_TIMELINE)
    _in_browser(w["range_marked"].click, [timeline, *_span(w, "range")], _span(w, "range"), _MARKED)


def wire_sampling(w: Widgets, sampling: SamplingHandlers) -> None:
    """Connect finding and playing sounds of the library."""
    for event in (w["find"].click, w["find_words"].submit):
        _on(w, event, sampling.find, ["find_words", "library"], **_LIGHT)
    _on(w, w["found"].change, sampling.play, ["found", "visit"], **_LIGHT)


def wire_takes(w: Widgets, takes: TakeHandlers, share: ShareHandlers) -> None:
    """Connect what is done with takes that are there."""
    on = partial(_on, w)
    one = ("clip", "visit", "finished", "chosen")
    compared = ("clip", "finished", "compared", "uploaded")
    on(w["chosen"].input, takes.choose, ["finished", "chosen"], **_AT_ONCE)
    on(w["rename"].click, takes.rename, [*one, "take_name"], **_AT_ONCE)
    on(w["take_name"].submit, takes.rename, [*one, "take_name"], **_AT_ONCE)
    on(w["delete"].click, takes.delete, one, **_AT_ONCE)
    on(w["reuse"].click, takes.reuse, ["clip", "finished", "chosen"], **_AT_ONCE)
    for name in ("twin_time", "twin_sound"):
        _job(w, name, getattr(takes, name), (*one, "analysis", "model", "uploaded"), **MODEL)
    _job(w, "fix", takes.fix, (*one, "analysis", "model", "fix_from", "fix_to", *_FORM), **MODEL)
    for event, js in ((w["fix_marked"].click, _MARKED), (w["fixing"].expand, _MARKED_AT_FIRST)):
        _in_browser(event, [w["timeline"], *_span(w, "fix")], _span(w, "fix"), js)
    on(w["finished"].change, takes.offer, compared, **_LAST, **_LIGHT)
    on(w["uploaded"].upload, takes.add_sound, compared, **_LAST, **_LIGHT)
    on(w["compared"].change, takes.compare, (*compared, "visit"), **_LAST, **_LIGHT)
    _job(w, "post", share.post, ("visit", "finished", "chosen", "preset", "fit"), **_FILES)
    _job(w, "reel", share.reel, (*compared, "visit"), **_FILES)


def wire_export(w: Widgets, export: ExportHandlers) -> None:
    """Connect what leaves for a cutting room, and project files."""
    chosen = ("visit", "finished", "chosen", "export_formats", "delivery", "export_rate", "export_timecode")
    _job(w, "export", export.export, chosen, **_FILES)
    kept = ("clip", "analysis", "finished", "visit", "project_notes", "with_clip", *_FORM)
    _job(w, "save_project", export.save_project, kept, **_FILES)
    _on(w, w["onset_file"].upload, export.take_onsets, ["onset_file", "clip"], **_LIGHT)
    opened = _on(w, w["opened"].upload, export.open_project, ["opened", "clip", "visit", "switch"], **_LIGHT)
    opened.then(None, inputs=w["visit"], js=_KEEP_VISIT, api_visibility="private")


def _on(w: Widgets, event: Callable, handler: Callable, inputs: Sequence[str], **how: Any) -> Any:
    """A handler's values come from controls by name, and its updates go to whatever they name."""
    settings = {"show_progress": "hidden", "api_visibility": "private", **how}
    given = {name: w[name] for name in dict.fromkeys(inputs)}
    return event(_to_widgets(handler, w), inputs_kwargs=given, outputs=list(w.values()), **settings)


def _job(w: Widgets, name: str, handler: Callable, inputs: Sequence[str], **how: Any) -> Any:
    """A button that starts a job, and the one that stops it."""
    # Where Gradio says how many people are waiting before it is this visitor's turn.
    waiting = {"show_progress": "minimal", "show_progress_on": w[f"{name}_status"]}
    _on(w, w[f"{name}_stop"].click, stop, ["switch"], **_AT_ONCE)
    press = _on(w, w[name].click, partial(pressed, name), ["switch"], **_AT_ONCE)
    run = _on(w, press.success, in_turn(name, handler), [*inputs, "switch", "ticket"], **how, **waiting)
    _on(w, run.failure, missed, ["switch"], **_AT_ONCE)
    return run


def _in_browser(event: Callable, inputs: list[Any], outputs: list[Any], js: str) -> None:
    event(None, inputs=inputs, outputs=outputs, js=js, show_progress="hidden", api_visibility="private", **_AT_ONCE)


def _span(w: Widgets, name: str) -> list[Any]:
    return [w[f"{name}_from"], w[f"{name}_to"]]


def _to_widgets(handler: Callable, w: Widgets) -> Callable:
    """A handler whose updates by name have become updates by component."""

    def named(updates: Updates) -> dict[Any, Any]:
        # Gradio takes an empty dictionary for a value.
        return {w[name]: value for name, value in updates.items()} or {w["visit"]: gr.skip()}

    if inspect.isgeneratorfunction(handler):

        def stream(**values: Any) -> Iterator[dict[Any, Any]]:
            for updates in handler(**values):
                yield named(updates)

        return stream

    def once(**values: Any) -> dict[Any, Any]:
        return named(handler(**values))

    return once
