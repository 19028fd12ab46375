"""Timecode that a camera has put into its file."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from clips import make_clip

from rhythmic_foley.media.reading import probe


@pytest.mark.parametrize(("text", "rate"), [("01:00:00;02", Fraction(30000, 1001)), ("10:59:59:24", Fraction(25))])
def test_a_timecode_track_is_read(tmp_path: Path, text: str, rate: Fraction) -> None:
    path = tmp_path / "camera.mov"
    with av.open(str(path), "w") as out:
        video = out.add_stream("libx264", rate=rate)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        video.metadata["timecode"] = text  # the muxer makes a tmcd track from it
        for number in range(12):
            frame = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")
            frame.pts, frame.time_base = number, 1 / rate
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
    assert b"tmcd" in path.read_bytes()
    assert probe(path).timecode == text


def test_most_clips_have_none(tmp_path: Path) -> None:
    assert probe(make_clip(tmp_path / "clip.mp4", duration_s=0.4)).timecode is None
