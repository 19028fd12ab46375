"""What sounds are made of: the model, samples of the library, sounds of one's own; and what the library has."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import gradio as gr

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.library.sample import Found
from rhythmic_foley.library.shelf import SoundLibrary
from rhythmic_foley.studio.studio import Studio
from rhythmic_foley.ui.jobs import Updates, told
from rhythmic_foley.ui.sessions import Visits
from rhythmic_foley.ui.widgets import HIDDEN, Widgets, as_it_is
from rhythmic_foley.values.controls import Controls

MOST_FOUND = 10
SOURCE_CHOICES = [
    ("What fits: samples where there are any, else the model", "auto"),
    ("The model", "model"),
    ("Samples", "samples"),
    ("A blend: samples that the model changes", "blend"),
]


def sampling_section(plain: Controls, libraries: Sequence[Path]) -> Widgets:
    """The controls.

    Args:
        plain: their defaults.
        libraries: folders of sounds with which the app was started.
    """
    w: Widgets = {}
    w["source"] = gr.Radio(
        SOURCE_CHOICES,
        value=plain.source,
        label="Made of",
        info="For every sound whose row says nothing else.",
        elem_id="source",
    )
    with gr.Row():
        w["samples"] = gr.File(
            label="Your own samples: hits as they should sound",
            file_count="multiple",
            file_types=["audio"],
            height=120,
            min_width=260,
            elem_id="samples",
        )
        w["reference_strength"] = gr.Slider(
            0,
            1,
            plain.reference_strength,
            step=0.05,
            label="Strength of the samples in a blend",
            info="0 is the model alone, 1 the samples as they are.",
            min_width=260,
            elem_id="reference-strength",
        )
    w["library"] = gr.CheckboxGroup(
        [(folder.name, str(folder)) for folder in libraries],
        value=[str(folder) for folder in libraries],
        label="Folders of sounds",
        info="Looked in before the bank that comes with the program.",
        visible=True if libraries else HIDDEN,
        elem_id="library",
    )
    with gr.Row(elem_classes="rf-low"):
        w["find_words"] = gr.Textbox(
            label="Find a sound", placeholder="wooden door slam", max_lines=1, min_width=200, elem_id="find-words"
        )
        w["find"] = gr.Button("Find", size="md", scale=0, min_width=90, elem_id="find")
    w["found"] = gr.Radio([], label="Found", visible=HIDDEN, elem_id="found")
    w["found_sound"] = as_it_is(
        gr.Audio(label="Sound", type="filepath", interactive=False, visible=HIDDEN, buttons=[], elem_id="found-sound")
    )
    return w


class SamplingHandlers:
    """Find sounds in the library and play them."""

    def __init__(self, studio: Studio, sessions: Visits) -> None:
        self._studio, self._sessions = studio, sessions

    def find(self, find_words: str, library: Sequence[str] | None) -> Updates:
        """The sounds whose names are nearest."""
        with told():
            if not find_words.strip():
                raise FoleyError("Write what sounds, such as wooden door slam.")
            found = self._library(library).find(find_words.strip(), MOST_FOUND)
            choices = [(_named(one), str(one.sample.path)) for one in _once_a_file(found)]
            return {
                "found": gr.update(choices=choices, value=None, visible=True),
                "found_sound": gr.update(value=None, visible=HIDDEN),
            }
        return {}

    def play(self, found: str | None, visit: str) -> Updates:
        """The chosen sound, ready to be played: a copy among the visitor's files, which the server hands out."""
        if found is None or not any(Path(found).is_relative_to(folder) for folder in self._folders()):
            return {}
        visit = visit if self._sessions.knows(visit) else self._sessions.new()
        copy = self._sessions.folder(visit) / "found" / Path(found).name
        copy.parent.mkdir(exist_ok=True)
        shutil.copyfile(found, copy)
        return {"visit": visit, "found_sound": gr.update(value=str(copy), visible=True)}

    def _library(self, folders: Sequence[str] | None) -> SoundLibrary:
        offered = {str(folder): folder for folder in self._studio.libraries}
        *_, library = self._studio.open_library([offered[name] for name in folders or () if name in offered])
        return library

    def _folders(self) -> tuple[Path, ...]:
        return tuple(
            shelf.index.folder for shelf in self._library([str(one) for one in self._studio.libraries]).shelves
        )


def _once_a_file(found: Sequence[Found]) -> list[Found]:
    return list({one.sample.path: one for one in reversed(found)}.values())[::-1]


def _named(found: Found) -> str:
    licence = found.sample.source.licence or "your own"
    return f"{found.sample.name} ({found.similarity:.2f}, {licence})"
