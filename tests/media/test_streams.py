"""streams: moving pictures win over a cover, sound that decodes over sound that does not, and it is said."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from odd_clips import RATE_HZ, Track, lit, tone, write_odd_clip

from rhythmic_foley.media.reading import mux, probe, read_audio, read_frames
from rhythmic_foley.values.limits import MAX_CHANNELS

COVER = np.full((80, 80, 3), (200, 20, 20), np.uint8)


def without_decoder(path: Path, track: int) -> Path:
    """Give a sound track of a MOV file the name of a format that nobody decodes, as phones do with spatial sound."""
    data, at = bytearray(path.read_bytes()), -1
    for _ in range(track + 1):
        at = data.index(b"mp4a", at + 200)
    data[at : at + 4] = b"apac"
    decoder = data.index(b"esds", at)
    data[decoder : decoder + 4] = b"dapa"
    path.write_bytes(data)
    return path


def two_sounds(path: Path) -> Path:
    sounds = [
        Track(tone(hz=440)[:, None]),
        Track(np.stack([tone()] * 4, 1), layout="4.0", options={"bit_rate": 400_000}),
    ]
    return write_odd_clip(path, sounds=sounds)


@pytest.mark.parametrize(("broken", "hz"), [(0, 1000), (1, 440)])
def test_the_track_that_decodes_is_used(tmp_path: Path, broken: int, hz: int) -> None:
    path = without_decoder(two_sounds(tmp_path / "a.mov"), broken)
    info = probe(path)
    assert info.has_audio
    assert info.notes == (f"Sound track {broken + 1} is in a format that has no decoder here and was passed over.",)
    spectrum = np.abs(np.fft.rfft(read_audio(path, RATE_HZ)))
    assert np.argmax(spectrum) == pytest.approx(hz, abs=2)


def test_a_broken_track_that_is_on_by_default_is_passed_over(tmp_path: Path) -> None:
    """The flag of the first track says that a player should choose it."""
    path = without_decoder(two_sounds(tmp_path / "a.mov"), 0)
    data = bytearray(path.read_bytes())
    header = data.rindex(b"tkhd")  # of the last track, the one that decodes
    (flags,) = struct.unpack(">I", data[header + 4 : header + 8])
    data[header + 4 : header + 8] = struct.pack(">I", flags & ~1)
    path.write_bytes(data)
    assert probe(path).has_audio and read_audio(path, RATE_HZ).std() > 0.1


def test_a_clip_whose_only_sound_does_not_decode_is_silent_and_says_so(tmp_path: Path) -> None:
    path = without_decoder(write_odd_clip(tmp_path / "a.mov", sounds=[Track(tone()[:, None])]), 0)
    info = probe(path)
    assert not info.has_audio and read_audio(path, RATE_HZ) is None
    (note,) = info.notes
    assert note.endswith("has no decoder here and is not used, so that the clip counts as silent.")


def test_a_track_whose_packets_are_damaged_counts_as_none(tmp_path: Path) -> None:
    """FLAC blocks begin with a fixed word; without it a decoder finds nothing in them."""
    flac = Track(lit(2, 0), "flac", "stereo", {"format": "s16"})
    path = write_odd_clip(tmp_path / "a.mkv", sounds=[flac])
    path.write_bytes(path.read_bytes().replace(b"\xff\xf8", b"\x00\x00"))
    info = probe(path)
    assert not info.has_audio
    assert info.notes == ("Sound track 1 cannot be decoded and is not used, so that the clip counts as silent.",)


def test_too_many_channels_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_odd_clip(tmp_path / "a.mov", sounds=[Track(lit(12, 0), "pcm_s16le", "12 channels")])
    assert probe(path).notes == ("The 12 channels of the sound do not say where they belong; they are averaged.",)
    monkeypatch.setattr("rhythmic_foley.media.streams.MAX_CHANNELS", 8)
    info = probe(path)
    assert MAX_CHANNELS == 64 and not info.has_audio
    assert "has 12 channels (1 to 8 can be read)" in info.notes[0]


def test_moving_pictures_win_over_a_cover_that_comes_first(tmp_path: Path) -> None:
    path = write_odd_clip(tmp_path / "a.mkv", first=("mjpeg", COVER), sounds=[Track(tone()[:, None])])
    info = probe(path)
    assert (info.codec, info.width, info.frames) == ("h264", 96, 25)
    assert info.notes == ("Picture stream 0 is a single picture and was passed over.",)
    assert next(read_frames(path, 1))[1].mean() < 150
    mux(path, tone(), RATE_HZ, tmp_path / "out.mp4")
    assert probe(tmp_path / "out.mp4").frames == 25


def test_a_clip_of_one_picture_is_still_a_clip(tmp_path: Path) -> None:
    path = write_odd_clip(tmp_path / "a.mkv", images=[COVER])
    assert probe(path).frames == 1 and probe(path).notes == ()
