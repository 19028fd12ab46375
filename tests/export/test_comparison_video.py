"""The comparison reel: each sound in turn under the same picture, a playhead, nothing left behind."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from clips import click_track, make_clip, read_index

from rhythmic_foley import cli
from rhythmic_foley.audio.wav import write_wav
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.export.comparison_video import comparison_reel
from rhythmic_foley.media.reading import probe, read_audio, read_frames
from rhythmic_foley.values.onsets import Onsets


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("reel") / "clip.mp4", duration_s=1.0, fps=10, indexed=True)


@pytest.fixture(scope="module")
def tracks(clip: Path) -> list[tuple[str, Path]]:
    waves = {"Take 1": click_track(1.0, 16_000, [0.3]), "Take 2": click_track(0.8, 44_100, [0.6])}
    for (name, wave), rate_hz in zip(waves.items(), (16_000, 44_100), strict=True):
        write_wav(clip.with_name(f"{name}.wav"), wave, rate_hz)
    return [(name, clip.with_name(f"{name}.wav")) for name in waves]


def test_each_sound_has_its_turn(clip: Path, tracks: list[tuple[str, Path]], tmp_path: Path):
    told = []
    out = comparison_reel(clip, tracks, tmp_path / "reel.mp4", Onsets.of([0.3]), told.append)
    info = probe(out)
    assert (info.width, info.height, info.codec, info.frames) == (1280, 720, "h264", 20)
    assert info.duration_s == pytest.approx(2.0, abs=0.05)
    assert told[-1] == 1.0 and told == sorted(told)
    assert [path.name for path in tmp_path.iterdir()] == ["reel.mp4"]

    wave = np.abs(read_audio(out, 48_000))
    loud_s = np.flatnonzero(wave > 0.2) / 48_000
    first, second = loud_s[loud_s < 1.0], loud_s[loud_s >= 1.0]
    assert first[0] == pytest.approx(0.3, abs=0.03) and second[0] == pytest.approx(1.6, abs=0.03)

    frames = [image.astype(int) for _, image in read_frames(out, 10)]
    top, left = 0, (1280 - 528) // 2  # the picture as `_Layout` puts it
    shown = [read_index(image[top:396, left : left + 528].astype(np.uint8)) for image in frames]
    assert shown == [*range(10), *range(10)]
    playheads = [int(np.argmax(image[500, 24:1256].min(axis=1))) / 1230 for image in frames[1:10]]
    np.testing.assert_allclose(playheads, np.arange(1, 10) / 10, atol=0.005)
    # What is heard is bright, the other one dim; and the onset is marked above both.
    assert frames[8][430:540, 24:700].max() > 1.4 * frames[18][430:540, 24:700].max()


def test_too_much_is_a_sentence(clip: Path, tracks: list[tuple[str, Path]], tmp_path: Path):
    with pytest.raises(FoleyError, match="one to 4 sounds, not 5"):
        comparison_reel(clip, [tracks[0]] * 5, tmp_path / "reel.mp4")
    long = make_clip(tmp_path / "long.mp4", duration_s=70, fps=1, size=(32, 32))
    with pytest.raises(FoleyError, match="up to 60 s"):
        comparison_reel(long, tracks, tmp_path / "reel.mp4")


def test_who_watches_the_progress_can_stop_it(clip: Path, tracks: list[tuple[str, Path]], tmp_path: Path):
    def stop(share: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        comparison_reel(clip, tracks, tmp_path / "reel.mp4", progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_the_command_names_sounds_by_their_files(clip, tracks, tmp_path, monkeypatch, capsys):
    asked = {}

    def reel(clip, tracks, out):
        asked["labels"] = [label for label, _ in tracks]
        return out

    monkeypatch.setattr("rhythmic_foley.export.comparison_video.comparison_reel", reel)
    sounds = [str(path) for _, path in tracks]
    assert cli.main(["reel", str(clip), *sounds, "--out", str(tmp_path / "r.mp4")]) == 0
    assert asked["labels"] == ["Take 1", "Take 2"]
    assert json.loads(capsys.readouterr().out) == {"video": str(tmp_path / "r.mp4")}
    assert cli.main(["reel", str(clip), *sounds, "--labels", "A", "B"]) == 0
    assert asked["labels"] == ["A", "B"]
    assert cli.main(["reel", str(clip), *sounds, "--labels", "A"]) == 2
