"""Where exported videos go: said in a sentence before any work, and nothing is written under a false name."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from clips import make_clip

from rhythmic_foley import cli
from rhythmic_foley.audio.wav import write_wav


@pytest.fixture
def take(tmp_path: Path) -> Path:
    folder = tmp_path / "take"
    folder.mkdir()
    make_clip(folder / "clip.mp4", duration_s=0.5, size=(64, 64), fps=10)
    write_wav(folder / "clip.wav", np.full(8000, 0.01, dtype=np.float32), 16_000)
    (folder / "clip.json").write_text(json.dumps({"seed": 1}))
    return folder


@pytest.mark.parametrize("command", ["post", "reel"])
@pytest.mark.parametrize(
    ("out", "says"),
    [
        ("r.webm", "r.webm a name that ends in .mp4."),
        ("r", "give r a name that ends in .mp4."),
        ("file/r.mp4", "r.mp4 cannot be written"),
        ("/proc/nowhere/r.mp4", "r.mp4 cannot be written"),
        ("folder.mp4", "folder.mp4 is a folder; choose another name."),
        ("take/clip.mp4", "clip.mp4 is the video itself; choose another name."),
        ("x" * 300 + ".mp4", "cannot be written (File name too long); choose another place."),
    ],
)
def test_wrong_places_are_one_sentence(
    command: str,
    out: str,
    says: str,
    take: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "folder.mp4").mkdir()
    before = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*"))
    video = (take / "clip.mp4").read_bytes()
    for name in ("platforms.read_wav_channels", "platforms.probe", "comparison_video.probe"):
        monkeypatch.setattr(f"rhythmic_foley.export.{name}", lambda *_: pytest.fail("worked for nothing"))
    arguments = ["post", str(take)] if command == "post" else ["reel", str(take / "clip.mp4"), str(take)]
    assert cli.main([*arguments, "--out", out]) == 2
    output = capsys.readouterr()
    assert output.out == "" and output.err.count("\n") == 1 and says in output.err
    assert sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*")) == before
    assert (take / "clip.mp4").read_bytes() == video


def test_an_ending_in_capitals_is_one(take: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert cli.main(["post", str(take), "--out", str(tmp_path / "new" / "R.MP4")]) == 0
    assert (tmp_path / "new" / "R.MP4").is_file()
