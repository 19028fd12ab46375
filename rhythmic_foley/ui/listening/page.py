"""The listening test: begin or go on by code, rate one sound after the other, be thanked."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.data_classes import FileData

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.ui.compare.view import asset
from rhythmic_foley.ui.jobs import warn
from rhythmic_foley.ui.network import reach_self_directly
from rhythmic_foley.ui.request_filter import Gate
from rhythmic_foley.ui.theme import HEAD, STYLE, build_theme

if TYPE_CHECKING:
    from rhythmic_foley.evaluation.listening.blind_test import ListeningTest

_HERE = Path(__file__).parent
_WELCOME = (
    "<h1>Listening test</h1><p>You will see short clips, each with a sound. Please use headphones, in a quiet place, "
    "and set a pleasant volume with the first one. Rate each sound by itself, from 1 to 5. You can stop at any time "
    "and go on later with your code.</p>"
)
# The code that this browser was given before, if it remembers.
_KNOWN_CODE = "() => { try { return localStorage.getItem('rhythmic-foley-listening') || '' } catch { return '' } }"
# In the queue, outside of which Gradio shows no warning.
_QUICK = {"concurrency_limit": None, "show_progress": "hidden", "api_visibility": "private"}


def build_listening(test: ListeningTest) -> gr.Blocks:
    """The page of one test."""
    session = _Session(test)
    with gr.Blocks(title="Listening test", analytics_enabled=False) as page:
        gr.HTML(_WELCOME, elem_classes="rf-head")
        code = gr.State("")
        with gr.Column(elem_classes="rf-section"):
            with gr.Row(elem_id="start") as start:
                with gr.Column(min_width=280):
                    begin = gr.Button("Begin", variant="primary", elem_id="begin")
                with gr.Column(min_width=280):
                    known = gr.Textbox(label="Or go on with your code", placeholder="ABCD-2345", elem_id="known-code")
                    resume = gr.Button("Go on", elem_id="resume")
            view = gr.HTML(
                None,
                html_template=_text("listening.html"),
                css_template=asset("controls.css") + _text("listening.css"),
                js_on_load=asset("player.js") + _text("listening.js"),
                apply_default_css=False,
                elem_id="listening",
            )
        page.load(None, None, known, js=_KNOWN_CODE, **_QUICK)
        begin.click(session.begin, None, [code, start, view], **_QUICK)
        for event in (resume.click, known.submit):
            event(session.resume, known, [code, start, view], **_QUICK)
        view.answer(session.answer, code, view, **_QUICK)
    return page


def launch_listening(test: ListeningTest, **options: Any) -> Any:
    """Serve the test until it is stopped.

    Args:
        options: as `gradio.Blocks.launch` takes them, such as server_name, server_port and share.
    """
    reach_self_directly(options.get("server_name"))
    files = sorted({str(path) for one in test.stimuli for path in (one.video, one.sound)})
    settings = {
        "theme": build_theme(),
        "css_paths": STYLE,
        "head": HEAD,
        "footer_links": [],
        "allowed_paths": files,
        "app_kwargs": {"middleware": [(Gate, (), {})]},
        "run_history": False,
        "show_error": False,
    }
    return build_listening(test).launch(**{**settings, **options})


class _Session:
    """Handlers; which listener calls is known from the code that the page's own state holds."""

    def __init__(self, test: ListeningTest) -> None:
        self.test = test
        self.aspects = [asdict(aspect) for aspect in test.aspects]

    def begin(self) -> tuple[str, Any, dict[str, Any]]:
        code = self.test.begin()
        return code, gr.update(visible=False), self._shown(code)

    def resume(self, typed: str) -> tuple[Any, Any, Any]:
        try:
            code = self.test.resume(typed)
        except FoleyError as error:
            warn(str(error), "Code")
            return gr.skip(), gr.skip(), gr.skip()
        return code, gr.update(visible=False), self._shown(code)

    def answer(self, code: str, event: gr.EventData) -> dict[str, Any]:
        trouble = ""
        try:
            self.test.rate(code, event.number, event.ratings, event.listens)
        except FoleyError as error:
            trouble = str(error)
        return self._shown(code) | {"trouble": trouble}

    def _shown(self, code: str) -> dict[str, Any]:
        trial = self.test.next(code)
        if trial is None:
            return {"code": code, "done": True}
        return {
            "code": code,
            "number": trial.number,
            "total": trial.total,
            "video": _file(trial.stimulus.video),
            "audio": _file(trial.stimulus.sound),
            "duration_s": trial.stimulus.duration_s,
            "minimum": self.test.minimum_listens,
            "aspects": self.aspects,
        }


def _file(path: Path) -> dict[str, Any]:
    return FileData(path=str(path)).model_dump()


def _text(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")
