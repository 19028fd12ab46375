"""The compare component itself: a `gr.HTML` with its own page, style and script, which lie beside this file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from rhythmic_foley.export.comparison import FIRST_COLOUR, SECOND_COLOUR, legend

_HERE = Path(__file__).parent
# In this order: the later ones use the earlier ones.
_SCRIPTS = ("player.js", "timeline.js", "blind.js", "compare.js")


def compare_view(value: dict[str, Any] | None = None, **options: Any) -> gr.HTML:
    """A component that shows what `compare_value` gives.

    A function and not a class, because Gradio writes a stub file beside every module that subclasses a component.

    Args:
        value: None shows that there is nothing to compare yet.
        options: anything else that `gr.HTML` takes, such as elem_id and visible.

    Returns:
        The component; its event `vote` carries `preferred`, the id of a track or None, and `shown`, both ids.
    """
    return gr.HTML(
        value,
        html_template=asset("compare.html"),
        css_template=asset("controls.css") + asset("compare.css"),
        js_on_load="\n".join(asset(name) for name in _SCRIPTS),
        apply_default_css=False,
        legend=legend() | {"colours": [FIRST_COLOUR, SECOND_COLOUR]},
        **options,
    )


def asset(name: str) -> str:
    """The text of one of the component's files; the player and the looks of buttons serve other components too."""
    return (_HERE / name).read_text(encoding="utf-8")
