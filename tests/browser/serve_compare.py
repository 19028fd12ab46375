"""A page with nothing but the compare component: python serve_compare.py PORT FOLDER.

A real clip and three made sounds that an analyser can tell apart: 440 Hz loud, 1500 Hz quiet and at another rate and
length, and noise.
"""

from __future__ import annotations

import sys
from pathlib import Path

import gradio as gr
import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

CLIP = ROOT / "examples" / "hammer_anvil.mp4"
DURATION_S = 4.8
ONSETS_S = (0.5, 1.4, 2.3, 3.3)


def made_sounds(folder: Path) -> list[tuple[str, Path]]:
    """Low loud, high quiet, and noise; each louder for a moment at the onsets."""
    from rhythmic_foley.audio.wav import write_wav

    def tone(hz: float, rate_hz: int, seconds: float, level: float) -> np.ndarray:
        times_s = np.arange(round(seconds * rate_hz)) / rate_hz
        hits = sum(np.exp(-8 * (times_s - at_s)) * (times_s >= at_s) for at_s in ONSETS_S)
        return level * (0.2 + 0.8 * hits / hits.max()) * np.sin(2 * np.pi * hz * times_s)

    noise = np.random.default_rng(0).standard_normal(round(DURATION_S * 16_000)) * 0.05
    sounds = {
        "Low take": (tone(440, 16_000, DURATION_S, 0.8), 16_000),
        "High take": (tone(1500, 22_050, DURATION_S - 0.5, 0.2), 22_050),
        "Noise under a name for which no narrow screen has any room at all": (noise, 16_000),
    }
    for label, (wave, rate_hz) in sounds.items():
        write_wav(folder / f"{label}.wav", wave, rate_hz)
    return [(label, folder / f"{label}.wav") for label in sounds]


def build(folder: Path) -> gr.Blocks:
    """The component with two sounds, and buttons that change what it shows."""
    from rhythmic_foley.ui.compare import compare_value, compare_view

    sounds = made_sounds(folder)

    def value(count: int, blind: bool = False) -> dict:
        clip = {"video": CLIP, "duration_s": DURATION_S, "onsets_s": ONSETS_S}
        return compare_value(sounds[:count], folder / f"{count}", blind=blind, **clip)

    def voted(event: gr.EventData) -> str:
        return f"preferred {event.preferred} of {sorted(event.shown)}"

    with gr.Blocks(title="Compare") as page:
        view = compare_view(value(2), elem_id="compare")
        with gr.Row():
            gr.Button("Three", elem_id="three").click(lambda: value(3), outputs=view)
            gr.Button("Blind", elem_id="start-blind").click(lambda: value(2, blind=True), outputs=view)
            gr.Button("Nothing", elem_id="nothing").click(lambda: None, outputs=view)
        told = gr.Textbox(label="Last vote", elem_id="told")
        view.vote(voted, None, told)
    return page


def main(port: int, folder: Path) -> None:
    """Serve until killed."""
    from rhythmic_foley.ui.theme import build_theme

    page = build(folder)
    page.launch(server_name="127.0.0.1", server_port=port, theme=build_theme(), allowed_paths=[str(folder), str(CLIP)])


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
