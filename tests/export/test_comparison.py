"""Sounds made comparable: numbers of the waves, the pictures' pixels, and names that tell nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from clips import make_clip
from PIL import Image

from rhythmic_foley.audio.loudness import loudness_lufs
from rhythmic_foley.audio.wav import read_wav, write_wav
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.export.comparison import (
    DIFFERENCE_DB,
    FIRST_COLOUR,
    SECOND_COLOUR,
    common_loudness,
    compare,
    difference_strip,
    fitted,
    legend,
    mel_strip,
)


def tone(hz: float, rate_hz: int, seconds: float, level: float) -> np.ndarray:
    return (level * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate_hz)) / rate_hz)).astype(np.float32)


@pytest.fixture
def sounds(tmp_path: Path) -> list[tuple[str, Path]]:
    write_wav(tmp_path / "low.wav", tone(440, 16_000, 2.0, 0.5), 16_000)
    write_wav(tmp_path / "high.wav", tone(1500, 22_050, 1.5, 0.05), 22_050)
    return [("low", tmp_path / "low.wav"), ("high", tmp_path / "high.wav")]


def test_one_rate_one_length_one_loudness(sounds, tmp_path):
    ready = compare(sounds, tmp_path / "out", 2.5)
    waves = [read_wav(track.wav) for track in ready.tracks]
    assert [rate_hz for _, rate_hz in waves] == [22_050, 22_050]
    assert [len(wave) for wave, _ in waves] == [55_125, 55_125]
    assert ready.duration_s == 2.5
    assert not waves[1][0][round(1.6 * 22_050) :].any(), "the shorter one ends in silence"
    levels = [
        loudness_lufs(wave * 10 ** (track.gain_db / 20), rate_hz)
        for (wave, rate_hz), track in zip(waves, ready.tracks, strict=True)
    ]
    assert levels[0] == pytest.approx(levels[1], abs=0.1)
    assert max(np.abs(w * 10 ** (t.gain_db / 20)).max() for (w, _), t in zip(waves, ready.tracks, strict=True)) < 0.9


def test_the_longest_sound_gives_the_length_and_names_tell_nothing(sounds, tmp_path):
    ready = compare(sounds, tmp_path / "out")
    assert ready.duration_s == 2.0
    names = " ".join(path.name for path in (tmp_path / "out").iterdir())
    assert "low" not in names and "high" not in names
    assert set(ready.differences) == {(0, 1), (1, 0)}


def test_the_sound_of_a_clip_counts_as_a_sound(sounds, tmp_path):
    clip = make_clip(tmp_path / "clip.mp4", 1.0, 25, (64, 48), click_times_s=(0.5,))
    ready = compare([sounds[0], ("original", clip)], tmp_path / "out", 1.0)
    wave, rate_hz = read_wav(ready.tracks[1].wav)
    assert abs(np.argmax(np.abs(wave)) / rate_hz - 0.5) < 0.02
    silent = make_clip(tmp_path / "silent.mp4", 1.0, 25, (64, 48))
    with pytest.raises(FoleyError, match="silent.mp4 has no sound"):
        compare([sounds[0], ("original", silent)], tmp_path / "out")


@pytest.mark.parametrize("count", [0, 5])
def test_one_to_four(sounds, tmp_path, count):
    with pytest.raises(FoleyError, match=f"1 to 4 sounds to compare, not {count}"):
        compare((sounds * 3)[:count], tmp_path / "out")


def test_loudness_is_the_highest_that_all_can_have():
    quiet_but_peaky = tone(440, 16_000, 2.0, 0.01)
    quiet_but_peaky[8000] = 0.8
    steady = tone(440, 16_000, 2.0, 0.5)
    silence = np.zeros(32_000, dtype=np.float32)
    gains = common_loudness([quiet_but_peaky, steady, silence], 16_000)
    assert gains[2] == 0.0
    assert 0.8 * 10 ** (gains[0] / 20) == pytest.approx(10 ** (-1 / 20), abs=1e-4), "the peak is at -1 dBFS"
    assert gains[1] < gains[0]
    assert common_loudness([silence], 16_000) == [0.0]
    assert loudness_lufs(steady * 10 ** (common_loudness([steady], 16_000)[0] / 20), 16_000) == pytest.approx(
        -16, abs=0.1
    )


def test_fitted_resamples_and_keeps_the_pitch():
    out = fitted((tone(440, 44_100, 1.0, 0.5), 44_100), 16_000, 0.5)
    assert out.shape == (8000,) and out.dtype == np.float32
    assert np.argmax(np.abs(np.fft.rfft(out))) * 2 == pytest.approx(440, abs=2)


def test_pictures_are_pixel_for_frame_on_a_fixed_scale(tmp_path):
    mel = np.zeros((128, 40), dtype=np.float32)
    mel[0, 10] = 1.0
    mel_strip(mel, tmp_path / "mel.png")
    image = Image.open(tmp_path / "mel.png")
    assert image.size == (40, 128)
    pixels = np.asarray(image.convert("RGB"), dtype=int)
    assert pixels[127, 10].sum() > 600, "low bands are below, +20 dB is bright"
    assert pixels[0].sum() < 40 * 10, "-80 dB is black"


def test_difference_takes_the_colour_of_the_louder_one(tmp_path):
    one, two = np.full((128, 3), 0.5), np.full((128, 3), 0.5)
    one[:, 1] += DIFFERENCE_DB / 100
    two[:, 2] += 2 * DIFFERENCE_DB / 100  # beyond the scale
    difference_strip(one, two, tmp_path / "d.png")
    same, first, second = np.asarray(Image.open(tmp_path / "d.png").convert("RGB"), dtype=int)[64]
    assert "#{:02x}{:02x}{:02x}".format(*first) == FIRST_COLOUR
    assert "#{:02x}{:02x}{:02x}".format(*second) == SECOND_COLOUR
    assert same.max() < 30


def test_long_clips_keep_each_hit(tmp_path):
    wave = np.zeros(16_000 * 150, dtype=np.float32)
    wave[1_200_000:1_200_200] = 0.9
    for name in ("a", "b"):
        write_wav(tmp_path / f"{name}.wav", wave if name == "a" else 0 * wave, 16_000)
    ready = compare([("a", tmp_path / "a.wav"), ("b", tmp_path / "b.wav")], tmp_path / "out")
    image = Image.open(ready.tracks[0].mel)
    assert image.size == (8192, 128)
    bright = np.asarray(image.convert("L"), dtype=int).sum(axis=0)
    assert abs(np.argmax(bright) / 8192 - 0.5) < 0.002


def test_legend_names_what_the_pictures_show():
    told = legend()
    assert told["level_db"] == [-80.0, 20.0] and told["difference_db"] == [-40.0, 40.0]
    assert told["difference_colours"][0] == SECOND_COLOUR and told["difference_colours"][-1] == FIRST_COLOUR
    assert [label for label, _ in told["bands"]] == ["250", "1k", "4k"]
    assert 0 < told["bands"][0][1] < told["bands"][1][1] < told["bands"][2][1] < 1
