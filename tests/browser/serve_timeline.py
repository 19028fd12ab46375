"""The timeline alone on a page, for the browser tests: python serve_timeline.py PORT FOLDER."""

from __future__ import annotations

import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS.parent), str(TESTS)]

import gradio as gr  # noqa: E402
import numpy as np  # noqa: E402

from rhythmic_foley.errors import FoleyError  # noqa: E402
from rhythmic_foley.media.reading import probe, read_frames  # noqa: E402
from rhythmic_foley.ui.theme import build_theme  # noqa: E402
from rhythmic_foley.ui.timeline import (  # noqa: E402
    OnsetTimeline,
    events_from_value,
    onsets_from_value,
    selection_from_value,
    threshold_from_value,
    timeline_value,
)
from rhythmic_foley.values.curve import DEFAULT_THRESHOLD, Curve, pick_onsets  # noqa: E402
from rhythmic_foley.values.events import SoundEvent, format_events  # noqa: E402
from rhythmic_foley.values.onsets import Onsets  # noqa: E402
from rhythmic_foley.values.results import Analysis  # noqa: E402
from rhythmic_foley.vision.motion import motion_curve  # noqa: E402

CLIP = TESTS.parent / "examples" / "bouncing_ball.mp4"
EVENTS = (
    SoundEvent("ball bouncing", "rubber, on a wooden floor", 0.4, 4.2, 0.8),
    SoundEvent("unknown", start_s=1.0),
)
LONG_S, LONG_ONSETS = 600.0, 600


def analysed(path: Path) -> Analysis:
    """As the studio does it, without its networks."""
    clip = probe(path)
    curve = motion_curve(read_frames(path, min(clip.fps, 30.0), (256, 256), fit="inside"))
    return Analysis(clip, "0" * 64, EVENTS, pick_onsets(curve), DEFAULT_THRESHOLD, curve, "test")


def long_value(analysis: Analysis) -> dict:
    """Ten minutes with 18,000 points of curve, peaks about once a second."""
    times_s = (np.arange(int(LONG_S * 30)) + 0.5) / 30
    rng = np.random.default_rng(0)
    hits_s = (np.arange(LONG_ONSETS) + rng.uniform(0.2, 0.8, LONG_ONSETS)) * LONG_S / LONG_ONSETS
    values = 0.25 * rng.random(len(times_s))
    values[np.searchsorted(times_s, hits_s)] = rng.uniform(0.55, 1.0, LONG_ONSETS)
    curve = Curve(times_s, values)
    wave = [[-abs(float(level)), abs(float(level))] for level in rng.normal(0, 0.3, 6000).clip(-1, 1).round(3)]
    onsets = pick_onsets(curve)
    value = timeline_value(Analysis(analysis.clip, "1" * 64, EVENTS, onsets, DEFAULT_THRESHOLD, curve, "test"))
    return value | {"duration_s": LONG_S, "waveform": wave}


def without_pictures(analysis: Analysis) -> dict:
    """The clip looked at again; the browser has its pictures."""
    value = timeline_value(analysis, onsets=Onsets.of([0.5]), pictures=False)
    return {name: part for name, part in value.items() if name not in ("thumbnails", "waveform")}


def seen(value: dict) -> str:
    """What Python understands of the timeline's value, as one line each."""
    duration_s = value["duration_s"]
    try:
        onsets = onsets_from_value(value, duration_s).format(strengths=True)
        events = format_events(events_from_value(value, duration_s)).replace("\n", " | ")
        return f"{onsets}\n{threshold_from_value(value):.2f}\n{events}\n{selection_from_value(value, duration_s)}"
    except FoleyError as error:
        return str(error)


def build() -> gr.Blocks:
    """The page."""
    analysis = analysed(CLIP)
    with gr.Blocks(title="Timeline", analytics_enabled=False) as page:
        gr.Video(str(CLIP), elem_id="clip", height=240, interactive=False, buttons=[])
        timeline = OnsetTimeline(timeline_value(analysis), video_id="clip", elem_id="timeline")
        report = gr.Textbox(label="What Python has", lines=4, elem_id="report")
        count = gr.Number(0, label="Inputs", elem_id="count", precision=0)
        with gr.Row():
            buttons = {
                name: gr.Button(name, elem_id=name) for name in ("long", "again", "set", "hide", "show", "read")
            }
        quiet = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
        latest = quiet | {"trigger_mode": "always_last"}
        timeline.input(lambda value, number: (seen(value), number + 1), [timeline, count], [report, count], **latest)
        buttons["long"].click(lambda: long_value(analysis), None, timeline, **quiet)
        buttons["again"].click(lambda: without_pictures(analysis), None, timeline, **quiet)
        set_onsets = {"onsets": [{"time_s": 0.5, "strength": 1.0}, {"time_s": 1.5, "strength": 0.5}]}
        buttons["set"].click(lambda: set_onsets, None, timeline, **quiet)
        buttons["hide"].click(lambda: gr.update(visible=False), None, timeline, **quiet)
        buttons["show"].click(lambda: gr.update(visible=True), None, timeline, **quiet)
        buttons["read"].click(seen, timeline, report, **quiet)
    return page


if __name__ == "__main__":
    build().launch(
        server_name="127.0.0.1", server_port=int(sys.argv[1]), theme=build_theme(), footer_links=[], run_history=False
    )
