"""The page: which controls there are, and where they stand."""

from __future__ import annotations

from collections.abc import Sequence

import gradio as gr

from rhythmic_foley.studio.studio import Studio
from rhythmic_foley.ui.api import Endpoints, wire_api
from rhythmic_foley.ui.event_table import event_table
from rhythmic_foley.ui.export_api import ExportEndpoints, wire_export_api
from rhythmic_foley.ui.export_handlers import ExportHandlers
from rhythmic_foley.ui.export_section import onsets_button, open_button
from rhythmic_foley.ui.handlers import Handlers
from rhythmic_foley.ui.results import results_section
from rhythmic_foley.ui.samples import examples
from rhythmic_foley.ui.sampling import SamplingHandlers, sampling_section
from rhythmic_foley.ui.share_handlers import ShareHandlers
from rhythmic_foley.ui.take_handlers import TakeHandlers
from rhythmic_foley.ui.timeline import OnsetTimeline
from rhythmic_foley.ui.visitor_space import KEEP_S
from rhythmic_foley.ui.widgets import HIDDEN, Widgets, as_it_is, job, section, span
from rhythmic_foley.ui.wiring import wire, wire_export, wire_sampling, wire_takes
from rhythmic_foley.ui.words import word_functions
from rhythmic_foley.values.controls import BOTH, MAX_TAKES, PICTURE, SOUND, Controls
from rhythmic_foley.values.limits import MAX_CLIP_S, MAX_UPLOAD_MB, MIN_CLIP_S

LIMITS = (
    f"MP4, MOV, WebM, MKV or AVI, from {MIN_CLIP_S:g} s to {MAX_CLIP_S / 60:g} min, up to {MAX_UPLOAD_MB} MB. "
    f"Your clip stays on this server and is removed after {KEEP_S // 3600} hours."
)


def build_app(studio: Studio, models: Sequence[str] = ()) -> gr.Blocks:
    """The whole page.

    Args:
        studio: works unless another model is chosen.
        models: names of all models that can be chosen.
    """
    handlers = Handlers(studio, models=models)
    with gr.Blocks(title="Rhythmic Foley", analytics_enabled=False, delete_cache=(3600, KEEP_S)) as page:
        gr.HTML(
            "<h1>Rhythmic Foley</h1><p>Sound for silent clips: see what sounds and when, correct it, dub it.</p>",
            elem_classes="rf-head",
        )
        w: Widgets = {
            "analysis": gr.State(None),
            "finished": gr.State(()),
            "switch": gr.State(None),
            "shown": gr.State(None),
            # Kept by the browser's tab too, by which a reloaded page finds its files again.
            "visit": gr.Textbox("", visible=HIDDEN, elem_id="visit"),
            "ticket": gr.Textbox("", visible=HIDDEN),
        }
        parts = (
            _clip_section(),
            _understand_section(studio),
            _dub_section(studio, handlers.studios.names),
            results_section(),
        )
        for part in parts:
            if twice := w.keys() & part.keys():
                raise ValueError(f"these names stand for two parts of the page: {twice}")
            w |= part
        wire(page, w, handlers)
        takes = TakeHandlers(handlers)
        wire_sampling(w, SamplingHandlers(studio, handlers.visits))
        wire_takes(w, takes, ShareHandlers(takes))
        wire_export(w, ExportHandlers(handlers, takes))
        wire_api(Endpoints(handlers.studios, handlers.visits))
        wire_export_api(ExportEndpoints(handlers.visits))
    handlers.visits.space.keep_tidy()
    return page


def _clip_section() -> Widgets:
    w: Widgets = {}
    with gr.Column(elem_classes="rf-section"):
        section(1, "Clip", LIMITS)
        with gr.Row():
            with gr.Column(scale=3, min_width=300):
                w["clip"] = as_it_is(
                    gr.Video(
                        label="Clip", sources=["upload"], interactive=True, height=320, buttons=[], elem_id="clip"
                    )
                )
            with gr.Column(scale=2, min_width=280):
                w["example"] = gr.Dataset(
                    # Not gr.Examples, whose copies of the clips are deleted with everything else that grows old.
                    components=[gr.Textbox(visible=False)],
                    samples=[[path.stem.replace("_", " ").capitalize()] for path in examples()],
                    type="index",
                    label="Examples",
                    visible=bool(examples()),
                    elem_id="examples",
                )
                w |= open_button()
                w["facts"] = gr.HTML(visible=False, elem_id="facts")
                with gr.Row(visible=False, elem_id="range", elem_classes="rf-span") as w["range"]:
                    w |= span("range")
                    w["range_marked"] = gr.Button(
                        "Use marked stretch", size="md", min_width=150, elem_id="range-marked"
                    )
                w |= job("quick", "Quick dub", "primary")
                gr.HTML(
                    "<p class='rf-quiet'>Finds sounds and onsets and makes one take; correct and redo it below.</p>"
                )
    return w


def _understand_section(studio: Studio) -> Widgets:
    w: Widgets = {}
    describers = studio.describers.names
    with gr.Column(elem_classes="rf-section"):
        section(2, "Understand", "What sounds, and when. Proposals from the picture; change whatever is wrong.")
        w |= job("describe", "Describe & find onsets", "secondary")
        w["asked"] = gr.Dropdown(
            list(describers),
            value=describers[0],
            label="Describer",
            info="Who says what sounds. A large one is loaded when it is asked and leaves before the sound is made.",
            visible=len(describers) > 1,
            elem_id="asked",
        )
        with gr.Accordion("Hear the onsets: own sound, guide track", open=False, elem_id="hearing"):
            w |= _hearing()
        w["describer"] = gr.HTML(visible=False, elem_id="describer")
        w["timeline"] = OnsetTimeline(video_id="clip", visible=HIDDEN, elem_id="timeline")
        w["timeline_none"] = gr.HTML(
            "<p class='rf-quiet rf-empty'>The timeline appears here with the clip.</p>", elem_id="timeline-none"
        )
        w["events"] = event_table(word_functions(studio), "negative", elem_id="events")
        with gr.Row():
            w["text"] = gr.Textbox(
                label="Or in one line",
                info="For the whole clip; used instead of the sounds above.",
                placeholder="footsteps on gravel, slow, close",
                min_width=260,
                elem_id="text",
            )
            w["negative"] = gr.Textbox(
                Controls().negative,
                label="Not to be heard",
                info="Sounds to keep away from.",
                placeholder="music, speech",
                min_width=260,
                elem_id="negative",
            )
        w["words"] = gr.HTML(visible=False, elem_id="words")
    return w


def _hearing() -> Widgets:
    w: Widgets = {}
    with gr.Row():
        w["onsets_from"] = gr.Radio(
            [("Picture", PICTURE), ("Own sound", SOUND), ("Both", BOTH)],
            value=PICTURE,
            label="Onsets from",
            info="Where the proposed onsets come from when you press the button above.",
            min_width=260,
            elem_id="onsets-from",
        )
        w["guide"] = as_it_is(
            gr.Audio(
                label="Guide track: tap, clap, hum or beatbox along; its attacks become the onsets",
                sources=["upload", "microphone"],
                type="filepath",
                buttons=[],
                min_width=260,
                elem_id="guide",
                elem_classes="rf-sample",
            )
        )
    w |= onsets_button()
    return w


def _dub_section(studio: Studio, models: Sequence[str]) -> Widgets:
    w: Widgets = {}
    plain = studio.defaults
    with gr.Column(elem_classes="rf-section"):
        section(3, "Dub", "How strongly to follow what stands above, and how many takes to make.")
        with gr.Row():
            w["semantic_scale"] = gr.Slider(
                0,
                2,
                plain.semantic_scale,
                step=0.05,
                label="Semantic strength",
                info="How much the sounds count; 0 is off.",
                min_width=260,
                elem_id="semantic",
            )
            w["temporal_scale"] = gr.Slider(
                0,
                2,
                plain.temporal_scale,
                step=0.05,
                label="Temporal strength",
                info="How much the onsets count; 0 is off.",
                min_width=260,
                elem_id="temporal",
            )
        with gr.Row(elem_classes="rf-low"):
            w["takes"] = gr.Slider(
                1,
                MAX_TAKES,
                plain.takes,
                step=1,
                label="Takes",
                info="Each with a seed of its own.",
                buttons=[],
                min_width=200,
                elem_id="takes",
            )
            w["seed"] = gr.Textbox(
                label="Seed",
                info="The same seed gives the same take; -1 draws one.",
                placeholder="a new one each time",
                min_width=200,
                elem_id="seed",
            )
            w["new_seed"] = gr.Button("New seed", size="md", scale=0, min_width=140, elem_id="new-seed")
        with gr.Accordion("Samples: what sounds are made of", open=False, elem_id="sampling"):
            w |= sampling_section(plain, studio.libraries)
        with gr.Accordion("Sound: original, loudness", open=False, elem_id="sound"):
            w |= _sound(plain)
        with gr.Accordion("Advanced", open=False, elem_id="advanced"):
            w |= _advanced(plain, models, studio.has_classifier)
        w |= job("generate", "Generate", "primary")
    return w


def _sound(plain: Controls) -> Widgets:
    w: Widgets = {}
    with gr.Row():
        with gr.Column(min_width=260):
            w["keep_original"] = gr.Checkbox(
                plain.keep_original_db is not None, label="Keep the original sound", elem_id="keep-original"
            )
            w["keep_original_db"] = gr.Slider(
                -30, 6, plain.keep_original_db or 0, step=1, label="Level of the original (dB)", elem_id="original-db"
            )
        with gr.Column(min_width=260):
            w["normalise"] = gr.Checkbox(
                plain.loudness_lufs is not None, label="Set the loudness", elem_id="normalise"
            )
            w["loudness_lufs"] = gr.Slider(
                -30, -8, plain.loudness_lufs or -16, step=0.5, label="Loudness (LUFS)", elem_id="loudness"
            )
    return w


def _advanced(plain: Controls, models: Sequence[str], has_classifier: bool) -> Widgets:
    w: Widgets = {}
    with gr.Row():
        w["steps"] = gr.Slider(
            1,
            100,
            plain.steps,
            step=1,
            label="Steps",
            info="More is finer and slower.",
            min_width=260,
            elem_id="steps",
        )
        w["guidance_scale"] = gr.Slider(
            1,
            12,
            plain.guidance_scale,
            step=0.1,
            label="Guidance",
            info="How closely to follow picture and sounds; 1 is off.",
            min_width=260,
            elem_id="guidance",
        )
    with gr.Row():
        w["onset_guidance"] = gr.Slider(
            0,
            2,
            plain.onset_guidance,
            step=0.1,
            label="Onset guidance",
            info="Pulls towards the onsets without a network trained for it; 0 is off, and slower if on.",
            min_width=260,
            elem_id="onset-guidance",
        )
        w["classifier_scale"] = gr.Slider(
            0,
            100,
            plain.classifier_scale,
            step=5,
            label="Alignment guidance",
            info="How hard a classifier pulls towards the picture; 0 is off, and slower if on.",
            visible=True if has_classifier else HIDDEN,
            min_width=260,
            elem_id="classifier",
        )
    with gr.Row():
        # In columns of their own: a checkbox beside something else does not wrap on a narrow page.
        with gr.Column(min_width=260):
            w["stems"] = gr.Checkbox(
                plain.stems,
                label="Stems",
                info="With several sounds, a track of each alone. Takes as much longer.",
                elem_id="make-stems",
            )
        with gr.Column(min_width=260):
            w["model"] = gr.Dropdown(
                list(models),
                value=models[0],
                label="Model",
                info="Another one sets steps and guidance to its own.",
                visible=len(models) > 1,
                elem_id="model",
            )
    return w
