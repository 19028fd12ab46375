"""Published files to a dubbed clip by the ordinary commands: `convert`, then `dub --model`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from clips import make_clip
from weights.tiny import TINY

from rhythmic_foley import cli
from rhythmic_foley.audio.wav import read_wav
from rhythmic_foley.media.reading import probe
from rhythmic_foley.weights import convert
from rhythmic_foley.weights.convert import ROLES


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RHYTHMIC_FOLEY_CACHE", str(tmp_path / "cache"))


def dub(clip: Path, model: Path, out: Path, capsys: pytest.CaptureFixture, *options: str) -> dict[str, object]:
    """The line that `dub` prints."""
    command = ["dub", str(clip), "--model", str(model), "--text", "drum", "--onsets", "0.5", "--out", str(out)]
    assert cli.main([*command, *options]) == 0
    return json.loads(capsys.readouterr().out)


def check(take: dict[str, object], clip: Path) -> np.ndarray:
    """The take's sound, which lasts as long as its picture and is no silence."""
    wave, rate_hz = read_wav(Path(take["wav"]))
    assert len(wave) / rate_hz == pytest.approx(probe(clip).duration_s, abs=1e-3)
    assert np.isfinite(wave).all() and np.abs(wave).max() > 0.01
    assert probe(take["video"]).has_audio
    return wave


def test_tiny_files_dub_a_clip_shorter_than_a_window(
    tiny_files: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = convert.convert_diff_foley
    monkeypatch.setattr(convert, "convert_diff_foley", lambda *args, **options: whole(*args, sizes=TINY, **options))
    model = tmp_path / "model"
    files = [part for role in ROLES for part in (f"--{role}", str(tiny_files[role]))]
    assert cli.main(["convert", "diff-foley", *files, "--out", str(model)]) == 0
    capsys.readouterr()

    clip = make_clip(tmp_path / "clip.mp4", duration_s=1.0)
    options = ("--steps", "1", "--seed", "1", "--source", "model")
    plain, guided = (
        dub(clip, model, tmp_path, capsys, *options, *more) for more in ((), ("--classifier-scale", "50"))
    )
    sounds = [check(take, clip) for take in (plain, guided)]
    assert not np.array_equal(*sounds), "the classifier is heard"
    asked = json.loads(Path(plain["settings"]).read_text())
    assert (asked["guidance_scale"], asked["model"]) == (4.5, "model"), "the model's own default"


def test_tiny_files_dub_a_real_clip_of_several_windows(
    conversion: convert.Conversion, shared_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    """Nothing drifts and nothing is dropped: the sound is as long as the picture, to the sample."""
    clip = shared_dir / "clips" / "difffoley_drum.mp4"
    check(dub(clip, conversion.folder, tmp_path, capsys, "--steps", "1"), clip)


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_full_size_files_dub_a_real_clip(
    full_size: Path, shared_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    """Noise, but the whole way."""
    clip = shared_dir / "clips" / "difffoley_drum.mp4"
    take = dub(clip, full_size, tmp_path, capsys, "--steps", "2", "--classifier-scale", "50", "--range", "0-4")
    assert probe(take["video"]).duration_s == pytest.approx(4.0, abs=0.1)
