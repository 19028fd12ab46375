"""The table of sounds: a `gr.HTML` whose value is a list of rows (start, end, label, detail, source), all texts.

A table of its own, because Gradio's needs a menu to delete a row and more width than a phone has. Its event `input`
means that the person has changed something. Its property `suggestions`, a list of {label, confidence}, is shown as
buttons that fill in a name; `suggested` updates it. While a name is typed, known sounds are offered.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import gradio as gr

from rhythmic_foley.values.events import Suggestion

_HERE = Path(__file__).parent
# One after the other they make one function body, so that each may use what those before it define.
_SCRIPTS = ("completion.js", "table.js")


def event_table(server_functions: Sequence[Callable[[str], Any]], negative_id: str, **options: Any) -> gr.HTML:
    """An empty table. A function and not a class, because Gradio writes a stub file beside subclasses.

    Args:
        server_functions: `complete`, which gives {"names": [...]} for what has been typed, and `check`, which gives
            notes about a text as dictionaries; see `Words`.
        negative_id: element id of the text box for what should not be heard.
        options: anything that `gr.HTML` takes, such as elem_id and visible.
    """
    html, css = ((_HERE / f"table.{kind}").read_text(encoding="utf-8") for kind in ("html", "css"))
    return gr.HTML(
        [],
        html_template=html,
        css_template=css,
        js_on_load="\n".join((_HERE / name).read_text(encoding="utf-8") for name in _SCRIPTS),
        apply_default_css=False,
        server_functions=list(server_functions),
        suggestions=[],
        negative_id=negative_id,
        **options,
    )


def suggested(rows: Sequence[Sequence[Any]], suggestions: Sequence[Suggestion] = ()) -> Any:
    """An update of the table: its rows and its suggestions."""
    return gr.update(value=rows, suggestions=[asdict(suggestion) for suggestion in suggestions])
