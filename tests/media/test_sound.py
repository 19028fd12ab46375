"""sound: every channel layout is read, in a process that lives on, and folded as ITU-R BS.775 says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from odd_clips import RATE_HZ, Track, lit, tone, write_odd_clip

from rhythmic_foley.media.reading import probe, read_audio, read_channels

# Layout, its channels, and the encoders that write it.
LAYOUTS = [
    ("mono", 1, ("aac", "flac", "libopus", "pcm_s24le")),
    ("stereo", 2, ("aac", "flac", "libopus", "pcm_s24le")),
    ("3.0", 3, ("aac", "flac", "libopus", "pcm_s24le")),
    ("4.0", 4, ("aac", "pcm_s24le")),
    ("quad", 4, ("flac", "libopus", "pcm_s24le")),
    ("5.0", 5, ("aac", "flac", "libopus")),
    ("5.1", 6, ("aac", "flac", "libopus", "pcm_s24le")),
    ("6.1", 7, ("flac", "libopus")),
    ("7.1", 8, ("aac", "flac", "libopus", "pcm_s24le")),
    ("7.1.4", 12, ("pcm_s24le",)),
    ("hexadecagonal", 16, ("pcm_s24le",)),
]


def level_db(wave: np.ndarray) -> np.ndarray:
    """Of each channel, relative to the tone that was written."""
    return 20 * np.log10(wave.std(axis=0) / tone().std() + 1e-6)


@pytest.mark.parametrize("channels", [*range(1, 17), 24, 32, 33, 48, 60, 64])
def test_any_number_of_channels_is_read(tmp_path: Path, channels: int) -> None:
    """From eight planes on, PyAV's own way from frames to arrays reads beyond its memory; 200 frames show that."""
    track = Track(lit(channels, channels - 1), "pcm_s16le", f"{channels} channels" if channels > 1 else "mono")
    path = write_odd_clip(tmp_path / "a.mov", sounds=[track])
    assert probe(path).has_audio
    wave = read_channels(path, RATE_HZ)
    assert wave.shape == (RATE_HZ, min(2, channels))
    expected = -20 * np.log10(channels) if channels > 2 else 0.0
    assert level_db(wave)[-1] == pytest.approx(expected, abs=0.05)


@pytest.mark.parametrize(
    ("layout", "channels", "codec"),
    [(layout, channels, codec) for layout, channels, codecs in LAYOUTS for codec in codecs],
)
def test_codecs_and_layouts(tmp_path: Path, layout: str, channels: int, codec: str) -> None:
    """Planar or not, the front left channel comes out as it went in, and nothing of it on the right."""
    options = {"format": "s16"} if codec in ("flac", "libopus") else {}
    path = tmp_path / ("a.mov" if codec.startswith("pcm") else "a.mkv")
    write_odd_clip(path, sounds=[Track(lit(channels, 0), codec, layout, {**options, "bit_rate": 96_000 * channels})])
    wave = read_channels(path, RATE_HZ)
    middle = wave[RATE_HZ // 4 : 3 * RATE_HZ // 4]
    assert wave.shape[1] == min(2, channels) and len(wave) == pytest.approx(RATE_HZ, abs=1200)
    assert level_db(middle)[0] == pytest.approx(0, abs=0.3)
    assert channels == 1 or level_db(middle)[1] < -40


def test_surround_is_folded_by_bs_775(tmp_path: Path) -> None:
    for channel, expected in enumerate([(0, -120), (-120, 0), (-3.01, -3.01), (-120, -120), (-3.01, -120)]):
        path = write_odd_clip(tmp_path / f"{channel}.mov", sounds=[Track(lit(6, channel), "pcm_s16le", "5.1")])
        np.testing.assert_allclose(level_db(read_channels(path, RATE_HZ)), expected, atol=0.05)
    centre = read_audio(tmp_path / "2.mov", RATE_HZ)
    assert level_db(centre) == pytest.approx(-3.01, abs=0.05), "3 dB down, not 15.6 dB as by a mean of six"


def test_sound_in_opposite_phase_stays(tmp_path: Path) -> None:
    wave = np.stack([tone(), -tone()], axis=1)
    path = write_odd_clip(tmp_path / "a.mov", sounds=[Track(wave, "pcm_s16le", "stereo")])
    for rate_hz in (RATE_HZ, 16_000):
        read = read_channels(path, rate_hz)
        assert read.shape == (rate_hz, 2)
        np.testing.assert_allclose(level_db(read), 0, atol=0.05)
        np.testing.assert_allclose(read[:, 0], -read[:, 1], atol=1e-4)
