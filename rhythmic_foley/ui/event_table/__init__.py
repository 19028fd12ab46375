"""The table of sounds: a `gr.HTML` whose value is a list of rows (start, end, label, detail), all texts.

A table of its own, because Gradio's needs a menu to delete a row and more width than a phone has. Its event `input`
means that the person has changed something.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

_HERE = Path(__file__).parent


def event_table(**options: Any) -> gr.HTML:
    """An empty table. A function and not a class, because Gradio writes a stub file beside subclasses.

    Args:
        options: anything that `gr.HTML` takes, such as elem_id and visible.
    """
    html, css, js = ((_HERE / f"table.{kind}").read_text(encoding="utf-8") for kind in ("html", "css", "js"))
    return gr.HTML([], html_template=html, css_template=css, js_on_load=js, apply_default_css=False, **options)
