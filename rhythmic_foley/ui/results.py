"""The takes on the page: seen, heard, named, repaired, compared and shared."""

from __future__ import annotations

import gradio as gr

from rhythmic_foley.export.platforms import PRESETS
from rhythmic_foley.ui.compare import compare_view
from rhythmic_foley.ui.export_section import export_section
from rhythmic_foley.ui.handlers import DOWNLOADS
from rhythmic_foley.ui.theme import ACCENT
from rhythmic_foley.ui.widgets import Widgets, as_it_is, heading, job, span


def results_section() -> Widgets:
    """Not seen until there is a take, for which the style sheet looks at the list of takes."""
    w: Widgets = {}
    with gr.Column(elem_classes="rf-section", elem_id="results"):
        gr.HTML("<h2>Takes</h2>", elem_classes="rf-title")
        with gr.Row():
            with gr.Column(scale=3, min_width=300):
                w["video"] = as_it_is(
                    gr.Video(label="Dubbed clip", interactive=False, height=380, buttons=[], elem_id="video")
                )
            with gr.Column(scale=2, min_width=280):
                w |= _take()
        with gr.Row(elem_classes="rf-downloads"):
            for kind, label in DOWNLOADS.items():
                w[f"download_{kind}"] = gr.DownloadButton(
                    f"↓ {label}", size="md", min_width=80, elem_id=f"download-{kind.replace('_', '-')}"
                )
        w["stem_files"] = gr.Files(label="Stems: each sound alone", visible=False, interactive=False, elem_id="stems")
        w |= _compare()
        with gr.Accordion("Fix a stretch", open=False, elem_id="fixing") as w["fixing"]:
            w |= _fix()
        with gr.Accordion("Share", open=False, elem_id="sharing"):
            w |= _share()
            w |= export_section()
        with gr.Accordion("Settings of this take", open=False):
            w["settings"] = gr.Code(
                language="json", show_label=False, interactive=False, elem_id="settings", max_lines=24
            )
    return w


def _take() -> Widgets:
    w: Widgets = {}
    w["chosen"] = gr.Radio([], label="Take", show_label=False, container=False, elem_id="chosen")
    w["take_facts"] = gr.HTML(elem_id="take-facts")
    w["wav"] = as_it_is(
        gr.Audio(
            label="Sound alone",
            type="filepath",
            interactive=False,
            buttons=[],
            elem_id="wav",
            waveform_options=gr.WaveformOptions(waveform_progress_color=ACCENT),
        )
    )
    with gr.Row(elem_classes="rf-low"):
        w["take_name"] = gr.Textbox(label="Name", max_lines=1, max_length=60, min_width=140, elem_id="take-name")
        w["rename"] = gr.Button("Rename", size="md", scale=0, min_width=90, elem_id="rename")
    with gr.Row():
        w["reuse"] = gr.Button("Use its settings", size="md", min_width=120, elem_id="reuse")
        w["delete"] = gr.Button("Delete", size="md", variant="stop", scale=0, min_width=90, elem_id="delete")
    return w


def _compare() -> Widgets:
    w: Widgets = {}
    heading("Compare", "see and hear up to four sounds over one picture")
    with gr.Row(elem_classes="rf-low"):
        w["compared"] = gr.Dropdown(
            [], multiselect=True, max_choices=4, label="Sounds", min_width=280, scale=3, elem_id="compared"
        )
        w["uploaded"] = gr.UploadButton(
            "Add a sound file", file_types=["audio"], size="md", scale=0, min_width=160, elem_id="uploaded"
        )
    w["compare"] = compare_view(elem_id="compare")
    gr.HTML("<p class='rf-quiet'>To hear what one of the adapters adds, make the shown take again without it.</p>")
    with gr.Row():
        with gr.Column(min_width=260):
            w |= job("twin_time", "Without timing", "secondary", min_width=220)
        with gr.Column(min_width=260):
            w |= job("twin_sound", "Without description", "secondary", min_width=220)
    return w


def _fix() -> Widgets:
    w: Widgets = {}
    gr.HTML(
        "<p class='rf-quiet'>Makes this stretch of the shown take anew, from the sounds, onsets and strengths as they "
        "stand above; the rest stays as it is.</p>"
    )
    with gr.Row(elem_classes="rf-span"):
        w |= span("fix")
        w["fix_marked"] = gr.Button("Use marked stretch", size="md", min_width=150, elem_id="fix-marked")
    w |= job("fix", "Make it anew", "secondary", min_width=180)
    return w


def _share() -> Widgets:
    w: Widgets = {}
    with gr.Row():
        with gr.Column(min_width=280):
            heading("For posting", "the shown take")
            w["preset"] = gr.Dropdown(
                [(preset.title, name) for name, preset in PRESETS.items()],
                value=next(iter(PRESETS)),
                label="For",
                elem_id="preset",
            )
            w["fit"] = gr.Radio(
                [("Whole picture, with bars", "pad"), ("Fill, cut at the sides", "crop")],
                value="pad",
                label="Picture",
                elem_id="fit",
            )
            w |= job("post", "Make the file", "secondary", min_width=180)
            w["posted"] = gr.DownloadButton("↓ File for posting", visible=False, size="md", elem_id="posted")
        with gr.Column(min_width=280):
            heading("Comparison reel", "the compared sounds in turn, over their mels")
            w |= job("reel", "Make the reel", "secondary", min_width=180)
            w["reeled"] = as_it_is(
                gr.Video(label="Reel", visible=False, interactive=False, buttons=[], elem_id="reeled")
            )
            w["download_reel"] = gr.DownloadButton("↓ Reel", visible=False, size="md", elem_id="download-reel")
    return w
