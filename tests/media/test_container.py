"""container: what is not a video is refused with one sentence, whatever it pretends to be."""

from __future__ import annotations

import os
import re
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from clips import make_clip

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.media.reading import mux, probe, read_audio, read_frames

RATE_HZ = 16000


def _write_sound(path: Path) -> None:
    with av.open(str(path), "w") as container:
        sound = container.add_stream("aac" if path.suffix == ".m4a" else "pcm_s16le", rate=RATE_HZ)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, RATE_HZ), np.float32), format="fltp", layout="mono")
        frame.sample_rate, frame.time_base, frame.pts = RATE_HZ, Fraction(1, RATE_HZ), 0
        container.mux([*sound.encode(frame), *sound.encode(None)])


def _bad_file(folder: Path, kind: str) -> Path:
    path = folder / kind
    good = make_clip(folder / "good.mp4", duration_s=0.5).read_bytes()
    contents = {
        "empty.mp4": b"",
        "text.mp4": b"Not a video, just words.\n" * 40,
        "subtitles.mp4": b"1\n00:00:00,000 --> 00:00:02,000\nHello\n\n" * 20,
        "playlist.mp4": b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\ngood.mp4\n#EXT-X-ENDLIST\n",
        "concat.mp4": b"ffconcat version 1.0\nfile good.mp4\n",
        "noise.mp4": np.random.default_rng(0).bytes(50_000),
        "cut.mp4": good[: len(good) // 2],
        "scrambled.mp4": good[:40] + bytes(byte ^ 0x5A for byte in good[40:]),
    }
    if kind in contents:
        path.write_bytes(contents[kind])
    elif kind.startswith("picture"):
        from PIL import Image

        Image.fromarray(np.zeros((32, 32, 3), np.uint8)).save(path, format=kind.rpartition(".")[2])
    elif kind.startswith("sound"):
        _write_sound(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    return path


@pytest.mark.parametrize(
    "kind, says",
    [
        ("missing.mp4", "no file"),
        ("empty.mp4", "empty"),
        ("folder", "folder"),
        ("pipe", "not a regular file"),
        ("sound.wav", "no picture"),
        ("sound.m4a", "no picture"),
        ("text.mp4", "not a video"),
        ("subtitles.mp4", "not a video"),
        ("playlist.mp4", "not a video"),
        ("concat.mp4", "not a video"),
        ("noise.mp4", "not a video"),
        ("cut.mp4", "damaged"),
        ("scrambled.mp4", "damaged"),
        ("picture.png", "a single picture, not a video"),
        ("picture.jpeg", "not a video"),
        ("picture.gif", "a single picture, not a video"),
    ],
)
def test_bad_files_give_one_sentence(tmp_path: Path, kind: str, says: str) -> None:
    path = _bad_file(tmp_path, kind)
    out = tmp_path / "out" / "dub.mp4"
    out.parent.mkdir()
    for attempt in (
        lambda: probe(path),
        lambda: next(read_frames(path, 4)),
        lambda: read_audio(path, RATE_HZ),
        lambda: mux(path, np.zeros(RATE_HZ, np.float32), RATE_HZ, out),
    ):
        with pytest.raises(FoleyError) as caught:
            attempt()
        sentence = str(caught.value)
        assert says in sentence and kind in sentence and str(tmp_path) not in sentence
        assert re.fullmatch(r"[^\n]{10,200}\.", sentence)
    assert not any(out.parent.iterdir())


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/a.mp4", "concat:a.mp4|b.mp4", "pipe:0", "lavfi:testsrc"])
def test_addresses_are_not_opened(address: str) -> None:
    with pytest.raises(FoleyError, match="no file"):
        probe(address)


def test_a_title_in_a_broken_encoding_does_not_matter(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mkv", duration_s=0.2)
    data = path.read_bytes()
    assert b"Lavf" in data
    path.write_bytes(data.replace(b"Lavf", b"\xff\xfe\xfdf"))
    assert probe(path).frames == 5
