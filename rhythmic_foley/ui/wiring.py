"""Which handler each control of the page calls, and the endpoints for programs."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import gradio as gr

from rhythmic_foley.studio import Controls
from rhythmic_foley.ui.api import Endpoints
from rhythmic_foley.ui.form import Form
from rhythmic_foley.ui.handlers import JOBS, Handlers, Updates

# Names of the page's parts, by which handlers speak of them.
Widgets = dict[str, Any]

_TO_RESULTS = "() => { document.getElementById('results')?.scrollIntoView({ behavior: 'smooth' }); }"
_FORM = tuple(Form.__dataclass_fields__)
# "multiple", since right after Stop the page still takes a job for running and would drop the click that starts the
# next one; the handlers themselves disable the buttons while a job runs.
_MODEL = {"concurrency_id": "model", "concurrency_limit": 1, "trigger_mode": "multiple"}
_LIGHT = {"concurrency_id": "light", "concurrency_limit": 2}


def wire(w: Widgets, handlers: Handlers) -> None:
    """Connect each control with its handler. Nothing here is an endpoint: programs have their own."""

    def on(event: Callable, handler: Callable, inputs: Sequence[str], **how: Any) -> Any:
        settings = {"show_progress": "hidden", "api_visibility": "private", **how}
        return event(
            _to_widgets(handler, w),
            inputs_kwargs={name: w[name] for name in inputs},
            outputs=list(w.values()),
            **settings,
        )

    form = ("clip", "analysis", "finished", *_FORM)
    typed = ("analysis", "threshold", "onsets")
    latest = {"queue": False, "trigger_mode": "always_last"}
    on(w["example"].click, handlers.take_example, ["example"], queue=False)
    on(w["clip"].change, handlers.show_clip, ["clip", "switch"], **_LIGHT)
    inputs = {"quick": ("clip", "finished"), "describe": ("clip",), "generate": form}
    for name in JOBS:
        run = on(w[name].click, getattr(handlers, name), inputs[name], **_MODEL, **_shown_on(w, name))
        if name == "quick":
            run.then(None, js=_TO_RESULTS, api_visibility="private")
        on(w[f"{name}_stop"].click, handlers.stop, ["switch"], queue=False)
    on(w["threshold"].input, handlers.repick, ["analysis", "threshold"], **latest)
    # Not input, of which Gradio keeps the first one to itself after the field was filled in by a handler.
    on(w["onsets"].change, handlers.redraw, typed, **latest)
    on(w["new_seed"].click, handlers.new_seed, [], queue=False)
    on(w["chosen"].input, handlers.show_take, ["finished", "chosen"], queue=False)
    on(w["keep_seed"].click, handlers.keep_seed, ["finished", "chosen"], queue=False)


def _shown_on(w: Widgets, job: str) -> dict[str, Any]:
    """Where Gradio says how many people are waiting before it is this visitor's turn."""
    return {"show_progress": "minimal", "show_progress_on": w[f"{job}_status"]}


def _to_widgets(handler: Callable, w: Widgets) -> Callable:
    """A handler whose updates by name have become updates by component."""

    def named(updates: Updates) -> dict[Any, Any]:
        return {w[name]: value for name, value in updates.items()}

    if inspect.isgeneratorfunction(handler):

        def stream(**values: Any) -> Iterator[dict[Any, Any]]:
            for updates in handler(**values):
                yield named(updates)

        return stream

    def once(**values: Any) -> dict[Any, Any]:
        return named(handler(**values))

    return once


def wire_api(endpoints: Endpoints) -> None:
    """`/analyse` and `/dub`. Their components are never shown; Gradio derives types and upload checks from them."""
    plain = Controls()
    with gr.Group(visible=False):
        clip = gr.Video(label="clip")
        analysis = gr.JSON(label="analysis")
        videos, wavs = (gr.File(label=label, file_count="multiple") for label in ("videos", "wavs"))
        takes = gr.JSON(label="takes")
        settings = {
            "events": gr.JSON(None, label="events"),
            "onsets": gr.JSON(None, label="onsets"),
            "text": gr.Textbox("", label="text"),
            "negative": gr.Textbox(plain.negative, label="negative"),
            "semantic_scale": gr.Number(plain.semantic_scale, label="semantic_scale"),
            "temporal_scale": gr.Number(plain.temporal_scale, label="temporal_scale"),
            "guidance_scale": gr.Number(plain.guidance_scale, label="guidance_scale"),
            "steps": gr.Number(plain.steps, label="steps", precision=0),
            "seed": gr.Number(None, label="seed", precision=0),
            "takes": gr.Number(1, label="takes", precision=0),
            "keep_original_db": gr.Number(None, label="keep_original_db"),
            "loudness_lufs": gr.Number(plain.loudness_lufs, label="loudness_lufs"),
        }
        trigger = gr.Button()
    trigger.click(endpoints.analyse, clip, analysis, api_name="analyse", **_MODEL)
    trigger.click(endpoints.dub, [clip, *settings.values()], [videos, wavs, takes], api_name="dub", **_MODEL)
