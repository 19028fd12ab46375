"""`OnsetTimeline`, the Gradio component. Gradio writes a stub beside this module, which is why it holds only that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

_HERE = Path(__file__).parent
# One after the other they make one function body, so that each may use what those before it define.
_SCRIPTS = (
    "picking.js",
    "alternatives.js",
    "times.js",
    "editing.js",
    "picture.js",
    "marks.js",
    "pointing.js",
    "keys.js",
    "film.js",
    "commands.js",
    "timeline.js",
)


def read_scripts() -> str:
    """All of the component's JavaScript."""
    return "\n".join((_HERE / name).read_text(encoding="utf-8") for name in _SCRIPTS)


class OnsetTimeline(gr.HTML):
    """A timeline of one clip on which onsets, sounds and the threshold are edited in the browser.

    Its value is the dictionary that `timeline_value` makes (see `value`). Every finished gesture sets the value to
    what the person has now and fires `input`; no server is asked while something is dragged.
    """

    def __init__(self, value: dict[str, Any] | None = None, *, video_id: str = "", **options: Any) -> None:
        """Load the component's files.

        Args:
            video_id: element id of the <video>, or of what holds it, that is played, sought and followed.
            options: whatever `gr.HTML` takes, such as elem_id, visible, label.
        """
        super().__init__(
            value,
            html_template=(_HERE / "timeline.html").read_text(encoding="utf-8"),
            css_template=(_HERE / "timeline.css").read_text(encoding="utf-8"),
            js_on_load=read_scripts(),
            apply_default_css=False,
            video_id=video_id,
            **options,
        )

    def preprocess(self, payload: Any) -> dict[str, Any] | None:
        """What came from the browser; the readers in `value` check it."""
        return payload or None

    def postprocess(self, value: dict[str, Any] | None) -> dict[str, Any] | None:
        """What goes to the browser, as it is."""
        return value

    def api_info(self) -> dict[str, Any]:
        """Programs see an object."""
        return {"type": "object", "description": "onsets: [{time_s, strength}], events, threshold, selection"}

    def example_payload(self) -> dict[str, Any]:
        """For the API's page."""
        return {"onsets": [{"time_s": 0.5, "strength": 1.0}]}

    def example_value(self) -> dict[str, Any]:
        """For the API's page."""
        return self.example_payload()
