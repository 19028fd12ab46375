"""The page: which controls there are, and where they stand."""

from __future__ import annotations

import gradio as gr

from rhythmic_foley.motion import DEFAULT_THRESHOLD
from rhythmic_foley.studio import MAX_CLIP_S, MIN_CLIP_S, Controls, Studio
from rhythmic_foley.ui.api import Endpoints
from rhythmic_foley.ui.form import EVENT_HEADERS
from rhythmic_foley.ui.handlers import KEEP_S, Handlers, examples
from rhythmic_foley.ui.theme import ACCENT
from rhythmic_foley.ui.wiring import Widgets, wire, wire_api

MAX_UPLOAD_MB = 500

LIMITS = (
    f"MP4, MOV, WebM, MKV or AVI, from {MIN_CLIP_S:g} s to {MAX_CLIP_S / 60:g} min, up to {MAX_UPLOAD_MB} MB. "
    f"Your clip stays on this server and is removed after {KEEP_S // 3600} hours."
)


def build_app(studio: Studio) -> gr.Blocks:
    """The whole page for one studio."""
    handlers = Handlers(studio)
    with gr.Blocks(title="Rhythmic Foley", analytics_enabled=False, delete_cache=(3600, KEEP_S)) as page:
        gr.HTML(
            "<h1>Rhythmic Foley</h1><p>Sound for silent clips: see what sounds and when, correct it, dub it.</p>",
            elem_classes="rf-head",
        )
        w: Widgets = {"analysis": gr.State(None), "finished": gr.State(()), "switch": gr.State(None)}
        w |= _clip_section()
        w |= _understand_section()
        w |= _dub_section()
        w |= _results_section()
        wire(w, handlers)
        wire_api(Endpoints(studio, handlers.runs))
    return page


def _section(number: int, title: str, hint: str) -> None:
    gr.HTML(f"<h2><span>{number}</span>{title}</h2><p class='rf-quiet'>{hint}</p>", elem_classes="rf-title")


def _job(name: str, label: str, variant: str) -> Widgets:
    """A button that starts a long piece of work; beside it, while it runs, its progress and a button that stops it."""
    with gr.Row(elem_classes="rf-job"):
        start = gr.Button(label, variant=variant, scale=0, min_width=240, elem_id=name)
        status = gr.HTML(visible=False, min_width=180, elem_id=f"{name}-status")
        stop = gr.Button("Stop", variant="stop", visible=False, scale=0, min_width=90, elem_id=f"{name}-stop")
    return {name: start, f"{name}_status": status, f"{name}_stop": stop}


def _clip_section() -> Widgets:
    w: Widgets = {}
    with gr.Column(elem_classes="rf-section"):
        _section(1, "Clip", LIMITS)
        with gr.Row():
            with gr.Column(scale=3, min_width=300):
                w["clip"] = gr.Video(
                    label="Clip", sources=["upload"], interactive=True, height=320, buttons=[], elem_id="clip"
                )
            with gr.Column(scale=2, min_width=280):
                w["facts"] = gr.HTML(visible=False, elem_id="facts")
                w["example"] = gr.Dataset(
                    # Not gr.Examples, whose copies of the clips are deleted with everything else that grows old.
                    components=[gr.Textbox(visible=False)],
                    samples=[[path.stem.replace("_", " ")] for path in examples()],
                    type="index",
                    label="Examples",
                    visible=bool(examples()),
                    elem_id="examples",
                )
                w |= _job("quick", "Quick dub", "secondary")
                gr.HTML("<p class='rf-quiet'>All at once with the defaults; correct it afterwards if need be.</p>")
    return w


def _understand_section() -> Widgets:
    w: Widgets = {}
    with gr.Column(elem_classes="rf-section"):
        _section(2, "Understand", "What sounds, and when. Proposals from the picture; change whatever is wrong.")
        w |= _job("describe", "Describe & find onsets", "primary")
        w["describer"] = gr.HTML(visible=False, elem_id="describer")
        w["events"] = gr.Dataframe(
            [],
            headers=list(EVENT_HEADERS),
            datatype="str",
            type="array",
            column_count=len(EVENT_HEADERS),
            interactive=True,
            label="Sounds, from start to end in seconds; without an end, to the end of the clip",
            wrap=True,
            buttons=[],
            column_widths=["19%", "19%", "31%", "31%"],
            elem_id="events",
        )
        with gr.Row():
            w["text"] = gr.Textbox(
                label="Or in one line",
                info="For the whole clip; used instead of the table.",
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
        w["strip"] = gr.HTML(visible=False, elem_id="strip")
        with gr.Row():
            w["onsets"] = gr.Textbox(
                label="Onsets",
                info="Seconds at which something hits, such as 0.5, 1.25, 2. Empty for none.",
                scale=3,
                min_width=280,
                elem_id="onsets",
            )
            w["threshold"] = gr.Slider(
                0.05,
                1,
                DEFAULT_THRESHOLD,
                step=0.01,
                label="Onset threshold",
                scale=2,
                min_width=240,
                info="Lower finds more. Moving it replaces the onsets.",
                elem_id="threshold",
                buttons=[],
            )
    return w


def _dub_section() -> Widgets:
    w: Widgets = {}
    plain = Controls()
    with gr.Column(elem_classes="rf-section"):
        _section(3, "Dub", "How strongly to follow what stands above, and how many takes to make.")
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
                4,
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
                info="The same seed gives the same take.",
                placeholder="a new one each time",
                min_width=200,
                elem_id="seed",
            )
            w["new_seed"] = gr.Button("New seed", scale=0, min_width=140, elem_id="new-seed")
        with gr.Accordion("Advanced", open=False, elem_id="advanced"):
            w |= _advanced(plain)
        w |= _job("generate", "Generate", "primary")
    return w


def _advanced(plain: Controls) -> Widgets:
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


def _results_section() -> Widgets:
    w: Widgets = {}
    with gr.Column(elem_classes="rf-section", visible=False, elem_id="results") as w["results"]:
        gr.HTML("<h2>Takes</h2>", elem_classes="rf-title")
        w["chosen"] = gr.Radio([], label="Take", show_label=False, container=False, elem_id="chosen")
        with gr.Row():
            with gr.Column(scale=3, min_width=300):
                w["video"] = gr.Video(label="Dubbed clip", interactive=False, height=380, buttons=[], elem_id="video")
            with gr.Column(scale=2, min_width=280):
                w["take_facts"] = gr.HTML(elem_id="take-facts")
                w["wav"] = gr.Audio(
                    label="Sound alone",
                    type="filepath",
                    interactive=False,
                    buttons=[],
                    elem_id="wav",
                    waveform_options=gr.WaveformOptions(waveform_progress_color=ACCENT),
                )
                with gr.Row():
                    for kind, label in (("video", "↓ Video"), ("wav", "↓ Wav"), ("settings", "↓ Settings")):
                        w[f"download_{kind}"] = gr.DownloadButton(
                            label, size="md", min_width=80, elem_id=f"download-{kind}"
                        )
                w["keep_seed"] = gr.Button("Use this seed again", size="md", elem_id="keep-seed")
        with gr.Row():
            with gr.Column(min_width=300):
                w["mel"] = _mel_picture("Mel of this take", "wanted onsets as lines", "mel")
            with gr.Column(min_width=300):
                w["original_mel"] = _mel_picture("Mel of the original sound", "the same scale", "original-mel")
                w["original_none"] = gr.HTML(
                    "<p class='rf-quiet'>The clip has no sound of its own.</p>", visible=False, elem_id="original-none"
                )
        with gr.Accordion("Settings of this take", open=False):
            w["settings"] = gr.Code(
                language="json", show_label=False, interactive=False, elem_id="settings", max_lines=24
            )
    return w


def _mel_picture(title: str, hint: str, name: str) -> gr.Image:
    """A picture with its name above it: Gradio's own label would hide the top of the plot."""
    gr.HTML(f"<h3>{title}<span>{hint}</span></h3>", elem_classes="rf-title")
    return gr.Image(
        label=title, show_label=False, interactive=False, type="filepath", buttons=["fullscreen"], elem_id=name
    )
