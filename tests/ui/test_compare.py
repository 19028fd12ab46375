"""What the compare component is given, and that its page comes from its own files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from rhythmic_foley.audio.wav import write_wav
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.ui.compare import compare_value, compare_view


@pytest.fixture
def sounds(tmp_path: Path) -> list[tuple[str, Path]]:
    for name, level in (("take", 0.5), ("original", 0.05)):
        wave = level * np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000)
        write_wav(tmp_path / f"{name}.wav", wave.astype(np.float32), 16_000)
    return [(name, tmp_path / f"{name}.wav") for name in ("take", "original")]


def test_value_is_plain_data_with_files_that_gradio_serves(sounds, tmp_path):
    value = compare_value(sounds, tmp_path / "out", video="clip.mp4", onsets_s=np.array([0.25]), blind=True)
    assert json.loads(json.dumps(value)) == value
    assert (value["duration_s"], value["onsets_s"], value["blind"]) == (1.0, [0.25], True)
    assert [track["label"] for track in value["tracks"]] == ["take", "original"]
    assert [track["id"] for track in value["tracks"]] == ["0", "1"]
    assert value["tracks"][1]["gain_db"] - value["tracks"][0]["gain_db"] == pytest.approx(20, abs=0.1)
    files = [value["video"], *(track[kind] for track in value["tracks"] for kind in ("audio", "mel"))]
    files += value["differences"].values()
    assert all(file["meta"] == {"_type": "gradio.FileData"} for file in files)
    assert all(Path(file["path"]).is_file() for file in files[1:])
    assert set(value["differences"]) == {"0-1", "1-0"}


def test_sounds_alone_need_no_video(sounds, tmp_path):
    assert compare_value(sounds, tmp_path)["video"] is None


def test_no_sound_is_refused(sounds, tmp_path):
    with pytest.raises(FoleyError):
        compare_value([], tmp_path)


def test_component_tells_votes_and_asks_nobody_else(sounds, tmp_path):
    import gradio as gr

    with gr.Blocks():
        view = compare_view(elem_id="compare")
        assert callable(view.vote)
    page = view.html_template + view.css_template + view.js_on_load
    assert "http://" not in page.replace("http://www.w3.org/2000/svg", "") and "https://" not in page
    # Gradio reads these as its own template language, and drops backslashes.
    for template in (view.html_template, view.css_template):
        assert not any(mark in template for mark in ("{{", "${", "`", "\\"))
