"""tone_mapping: the curves of the standards at known points, and HDR clips wherever pictures of 8 bits are made."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from odd_clips import HLG, PQ, SIZE, hdr_frames, say_hdr, write_odd_clip

from rhythmic_foley.media.reading import mux, probe, read_frames, read_key_frames
from rhythmic_foley.media.tone_mapping import tone_mapped

LEVELS = tuple(np.linspace(0, 1, 25))
NAMES = {HLG: "hlg", PQ: "pq"}


def grey(level: float, transfer: int) -> float:
    return float(tone_mapped(np.full(3, level), transfer)[0])


@pytest.mark.parametrize("transfer", [HLG, PQ])
def test_the_curve_rises_from_black_to_white(transfer: int) -> None:
    mapped = [grey(level, transfer) for level in LEVELS]
    assert mapped[0] == pytest.approx(0, abs=1e-3) and mapped[-1] == pytest.approx(1, abs=1e-3)
    assert np.all(np.diff(mapped) >= -1e-6)


def test_known_points() -> None:
    """BT.2408: 203 cd/m² are 0.58 in PQ and 0.75 in HLG; both are nearly white. 20 cd/m² lie below the knee."""
    assert grey(0.5807, PQ) == pytest.approx(grey(0.75, HLG), abs=0.01)
    assert 0.8 < grey(0.75, HLG) < 0.97
    pq_of_20 = 0.3570
    assert grey(pq_of_20, PQ) == pytest.approx((20 / 203) ** (1 / 2.4), abs=0.005)


def test_colours_keep_their_hue() -> None:
    red = tone_mapped(np.array([0.6, 0.3, 0.3]), HLG)
    assert red[0] > 2 * red[1] and red[1] == pytest.approx(red[2], abs=0.1)


@pytest.mark.parametrize("transfer", [HLG, PQ])
def test_pictures_are_tone_mapped_wherever_they_are_made(tmp_path: Path, transfer: int) -> None:
    path = tmp_path / "a.mkv"
    frames = hdr_frames(LEVELS, transfer)
    write_odd_clip(path, frames, codec="ffv1", pixel_format="yuv420p10le", prepare=say_hdr(transfer))
    info = probe(path)
    assert info.hdr and info.pixel_format == "yuv420p10le"
    expected = 255 * np.array([grey(level, transfer) for level in LEVELS])
    for options in ({}, {"size": (24, 16)}):
        seen = np.array([image.mean() for _, image in read_frames(path, 25, **options)])
        np.testing.assert_allclose(seen, expected, atol=2)
    thumbnails = [image.mean() for image in read_key_frames(path, [0.5], (24, 16))]
    assert np.abs(expected - thumbnails[0]).min() < 2
    report = mux(path, np.zeros(48_000, np.float32), 48_000, tmp_path / "out.mp4")
    assert not report.copied and "its HDR colours were mapped to BT.709" in report.note
    with av.open(str(tmp_path / "out.mp4")) as out:
        context = out.streams.video[0].codec_context
        assert (context.pix_fmt, context.color_trc, context.colorspace, context.color_primaries) == (
            "yuv420p",
            1,
            1,
            1,
        )
    encoded = np.array([image.mean() for _, image in read_frames(tmp_path / "out.mp4", 25)])
    np.testing.assert_allclose(encoded, expected, atol=3)


def test_a_copied_picture_stays_hdr(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    frames = hdr_frames([0.5] * 25, HLG)
    write_odd_clip(path, frames, codec="libx265", pixel_format="yuv420p10le", prepare=say_hdr(HLG))
    assert mux(path, np.zeros(48_000, np.float32), 48_000, tmp_path / "out.mp4").copied
    info = probe(tmp_path / "out.mp4")
    assert info.hdr and info.pixel_format == "yuv420p10le"


def test_ten_bits_look_as_eight(tmp_path: Path) -> None:
    """Without HDR nothing is mapped."""
    ramp = np.repeat(np.tile(np.linspace(0, 255, SIZE[0]).astype(np.uint8), (SIZE[1], 1))[..., None], 3, axis=2)
    ramp[: SIZE[1] // 2, :, 0] = 200
    means = []
    for pixels in ("yuv444p", "yuv444p10le"):
        path = write_odd_clip(tmp_path / f"{pixels}.mkv", [ramp] * 5, codec="ffv1", pixel_format=pixels)
        means.append(next(read_frames(path, 25))[1].mean(axis=(0, 1)))
    np.testing.assert_allclose(*means, atol=2)
