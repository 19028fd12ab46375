"""Pieces of the page that come more than once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr
from gradio.data_classes import FileData

# Not there to be seen. False would leave it out of the page, and what is put in later has lost its own properties.
HIDDEN = "hidden"

# Names of the page's parts, by which handlers speak of them.
Widgets = dict[str, Any]


def as_it_is(player: gr.Video | gr.Audio) -> gr.Video | gr.Audio:
    """A player that shows files untouched.

    Where ffmpeg is installed, Gradio has it look at every file that is shown, and encode those anew that it thinks
    browsers cannot play: without a limit, and whatever the file refers to.
    """

    def shown(path: str | Path | None) -> FileData | None:
        return None if path is None else FileData(path=str(path), orig_name=Path(path).name)

    player.postprocess = shown
    return player


def section(number: int, title: str, hint: str) -> None:
    """A numbered heading and what is done there."""
    gr.HTML(f"<h2><span>{number}</span>{title}</h2><p class='rf-quiet'>{hint}</p>", elem_classes="rf-title")


def heading(title: str, hint: str = "") -> None:
    """A heading within a section."""
    gr.HTML(f"<h3>{title}<span>{hint}</span></h3>", elem_classes="rf-title")


def span(name: str) -> Widgets:
    """Two fields for a stretch of the clip."""
    edges = {"from": ("From (s)", "start"), "to": ("To (s)", "end")}
    return {
        f"{name}_{edge}": gr.Number(
            None, label=label, placeholder=empty, minimum=0, step=0.1, min_width=90, elem_id=f"{name}-{edge}"
        )
        for edge, (label, empty) in edges.items()
    }


def job(name: str, label: str, variant: str, min_width: int = 240) -> Widgets:
    """A button that starts a long piece of work; while it runs, its progress, a button to stop it, and a preview."""
    element = name.replace("_", "-")
    with gr.Row(elem_classes="rf-job"):
        start = gr.Button(label, variant=variant, scale=0, min_width=min_width, elem_id=element)
        status = gr.HTML(visible=False, min_width=180, elem_id=f"{element}-status")
        stop = gr.Button("Stop", variant="stop", visible=False, scale=0, min_width=90, elem_id=f"{element}-stop")
    preview = gr.HTML(visible=False, elem_id=f"{element}-preview")
    return {name: start, f"{name}_status": status, f"{name}_stop": stop, f"{name}_preview": preview}
