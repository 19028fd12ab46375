"""What people bring is never given to an ffmpeg that happens to be installed."""

from __future__ import annotations

import os
from pathlib import Path

import gradio as gr
import pytest

from rhythmic_foley.studio.studio import Studio
from rhythmic_foley.ui import build_app
from rhythmic_foley.ui.widgets import as_it_is


@pytest.fixture
def called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that is there once a program called ffmpeg or ffprobe has run."""
    mark = tmp_path / "called"
    for name in ("ffmpeg", "ffprobe"):
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/sh\necho $0 >> {mark}\nexit 1\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    return mark


@pytest.mark.parametrize(("kind", "name"), [(gr.Video, "playlist.mp4"), (gr.Audio, "playlist.mp3")])
def test_files_are_shown_untouched(tmp_path: Path, called: Path, kind: type, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"#EXTM3U\n#EXTINF:9,\n/etc/passwd\n")
    with gr.Blocks(), pytest.MonkeyPatch.context() as patch:
        patch.setattr("gradio.processing_utils._check_allowed", lambda *_, **__: None)
        shown = as_it_is(kind()).postprocess(str(path))
        assert (shown.path, shown.orig_name) == (str(path), name)
        assert as_it_is(kind()).postprocess(None) is None
        assert not called.exists()
        kind().postprocess(str(path))
        assert called.exists(), "Gradio's own player would have called it"


def test_every_player_of_the_page_shows_files_untouched(studio: Studio) -> None:
    page = build_app(studio)
    players = [block for block in page.blocks.values() if isinstance(block, gr.Video | gr.Audio)]
    outputs = {output for function in page.fns.values() for output in function.outputs}
    shown = [player for player in players if player in outputs]
    assert len(shown) == 6
    assert all("postprocess" in vars(player) for player in shown)
