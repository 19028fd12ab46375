"""The page's controls for cutting rooms and project files."""

from __future__ import annotations

import gradio as gr

from rhythmic_foley.export.cutting_room import FORMATS
from rhythmic_foley.export.delivery import DELIVERIES
from rhythmic_foley.export.sound_files import RATES_HZ
from rhythmic_foley.ui.widgets import Widgets, heading, job


def open_button() -> Widgets:
    """A button that opens a project file."""
    return {
        "opened": gr.UploadButton(
            "Open a project", file_types=[".foley"], type="filepath", size="md", min_width=160, elem_id="open-project"
        )
    }


def onsets_button() -> Widgets:
    """A button that takes onsets from a file."""
    return {
        "onset_file": gr.UploadButton(
            "Onsets from a file",
            file_types=[".csv", ".txt", ".tsv", ".json", ".mid", ".midi"],
            type="filepath",
            size="md",
            scale=0,
            min_width=170,
            elem_id="onset-file",
        )
    }


def export_section() -> Widgets:
    """Files of the shown take, and the project file."""
    w: Widgets = {}
    with gr.Row():
        with gr.Column(min_width=280):
            w |= _export()
        with gr.Column(min_width=280):
            w |= _project()
    return w


def _export() -> Widgets:
    w: Widgets = {}
    heading("Export", "the shown take, for a cutting room")
    w["export_formats"] = gr.Dropdown(
        [(title, name) for name, title in FORMATS.items()],
        value=["wav"],
        multiselect=True,
        label="Files",
        elem_id="export-formats",
    )
    w["delivery"] = gr.Dropdown(
        [(one.title, name) for name, one in DELIVERIES.items()], value="as-is", label="Level", elem_id="delivery"
    )
    w["export_rate"] = gr.Radio(
        [(f"{rate / 1000:g} kHz", rate) for rate in RATES_HZ], value=RATES_HZ[0], label="Rate", elem_id="export-rate"
    )
    w["export_timecode"] = gr.Textbox(
        label="Timecode of the first frame",
        placeholder="the clip's own, or 00:00:00:00",
        max_lines=1,
        max_length=20,
        elem_id="export-timecode",
    )
    w |= job("export", "Export", "secondary", min_width=180)
    w["exported"] = gr.Files(label="Exported", visible=False, interactive=False, elem_id="exported")
    return w


def _project() -> Widgets:
    w: Widgets = {}
    heading("Project file", "clip, sounds, onsets and all takes")
    w["project_notes"] = gr.Textbox(label="Notes", lines=2, max_length=10_000, elem_id="project-notes")
    w["with_clip"] = gr.Checkbox(
        True, label="With the clip", info="Without it the file is smaller; open the clip first.", elem_id="with-clip"
    )
    w |= job("save_project", "Save", "secondary", min_width=180)
    w["saved"] = gr.DownloadButton("↓ Project", visible=False, size="md", elem_id="saved")
    return w
