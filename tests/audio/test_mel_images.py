"""Mel pictures: size, one fixed scale, onset lines in their place."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from PIL import Image

from rhythmic_foley.audio.mel_images import mel_image, mel_pixels

# The picture inside the axes of `mel_image`, (left, top, right, bottom) in pixels.
INNER = (72, 40, 812, 260)


def _pixels(path, box=INNER) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB").crop(box)).astype(float)


def test_size_is_fixed(tmp_path):
    for frames in (1, 20, 512, 9000):
        mel_image(np.zeros((128, frames), np.float32), tmp_path / "new" / "mel.png", title="Take 1")
        assert Image.open(tmp_path / "new" / "mel.png").size == (900, 320)


def test_scale_does_not_depend_on_the_content(tmp_path):
    """The same level has the same colour beside silence and beside full scale."""
    halves = np.full((128, 100), 0.5, np.float32)
    quiet, loud = halves.copy(), halves.copy()
    quiet[:, 50:], loud[:, 50:] = 0.0, 1.0
    for name, mel in (("quiet", quiet), ("loud", loud)):
        mel_image(mel, tmp_path / f"{name}.png")
    quiet_px, loud_px = _pixels(tmp_path / "quiet.png"), _pixels(tmp_path / "loud.png")
    np.testing.assert_array_equal(quiet_px[:, :350], loud_px[:, :350])
    assert quiet_px[:, 400:].mean() < 5 < 150 < loud_px[:, 400:].mean()


def test_low_bands_are_at_the_bottom_and_time_runs_right(tmp_path):
    mel = np.zeros((128, 100), np.float32)
    mel[:32, 75:] = 1.0
    mel_image(torch.from_numpy(mel).bfloat16(), tmp_path / "mel.png")
    bright = _pixels(tmp_path / "mel.png").sum(axis=2) > 300
    rows, columns = np.nonzero(bright)
    assert rows.min() > 0.7 * bright.shape[0] and columns.min() > 0.7 * bright.shape[1]


def test_onset_lines_stand_at_their_time(tmp_path):
    mel = np.zeros((128, 625), np.float32)  # 10 s
    mel_image(mel, tmp_path / "mel.png", onsets_s=[2.5, 7.5, 11.0, -1.0])
    blue = _pixels(tmp_path / "mel.png", (68, 100, 816, 101))[0, :, 2]
    found = np.flatnonzero((blue[1:-1] > 60) & (blue[1:-1] >= blue[:-2]) & (blue[1:-1] > blue[2:])) + 1
    np.testing.assert_allclose((found + 0.5) / 748 * 10, [2.5, 7.5], atol=0.03)


def test_a_click_in_ten_minutes_is_still_seen(tmp_path):
    mel = np.zeros((128, 37_500), np.float32)
    mel[:, 20_000] = 1.0
    mel_image(mel, tmp_path / "mel.png")
    assert _pixels(tmp_path / "mel.png").sum(axis=2).max() > 600


def test_it_is_dark_all_around_with_light_ink(tmp_path):
    """The same picture serves light and dark pages; nothing of it glares."""
    mel_image(np.zeros((128, 100), np.float32), tmp_path / "mel.png")
    grey = _pixels(tmp_path / "mel.png", (0, 0, 900, 320)).mean(axis=2)
    assert np.median(grey) < 30 and grey[:, :60].max() > 180 and (grey > 100).mean() < 0.03


def test_bare_pixels_have_the_same_colours_and_no_margin(tmp_path):
    mel = np.zeros((128, 50), np.float32)
    mel[:64, 25:] = 0.8
    pixels = mel_pixels(mel, (200, 64))
    assert pixels.shape == (64, 200, 3) and pixels.dtype == np.uint8
    bright = pixels.sum(axis=2) > 300
    assert bright[40:, 110:].all() and not bright[:24].any() and not bright[:, :90].any()
    mel_image(np.full((128, 50), 0.8, np.float32), tmp_path / "mel.png")
    np.testing.assert_allclose(_pixels(tmp_path / "mel.png")[100, 300], pixels[60, 190], atol=2)


def test_titles_are_plain_text_and_files_the_same_in_threads(tmp_path):
    mel = np.random.default_rng(0).random((128, 50), np.float32)

    def draw(number: int) -> bytes:
        mel_image(mel, tmp_path / f"{number}.png", onsets_s=[0.1], title="cost_$5^{ " + "long " * 40)
        return (tmp_path / f"{number}.png").read_bytes()

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(draw, range(8)))) == 1


def test_pyplot_stays_out():
    code = "import sys, rhythmic_foley.audio.mel_images; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
