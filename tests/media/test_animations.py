"""animations: GIF, WebP and APNG are silent clips that last as long as in a browser; single pictures are none."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from clips import read_index
from odd_clips import moving_box
from PIL import Image

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.media.reading import mux, probe, read_audio, read_frames

DELAYS_MS = [100, 500, 30, 60, 2000]


def numbered(count: int) -> list[Image.Image]:
    """Pictures that `read_index` reads."""
    images = []
    for index in range(count):
        image = np.full((64, 96, 3), 90, np.uint8)
        for bit in range(12):
            image[:16, bit * 8 : bit * 8 + 8] = 255 if index >> bit & 1 else 0
        images.append(Image.fromarray(image))
    return images


def animation(path: Path, delays_ms: list[int], **options) -> Path:
    first, *rest = numbered(len(delays_ms))
    first.save(path, save_all=True, append_images=rest, duration=delays_ms, loop=0, **options)
    return path


@pytest.mark.parametrize(
    ("name", "options"), [("a.gif", {}), ("a.webp", {"lossless": True}), ("a.png", {}), ("a.mp4", {"format": "GIF"})]
)
def test_an_animation_is_a_silent_clip(tmp_path: Path, name: str, options: dict) -> None:
    """Its content decides what it is, not its name; the last frame's delay counts."""
    path = animation(tmp_path / name, DELAYS_MS, **options)
    info = probe(path)
    assert (info.frames, info.width, info.height, info.has_audio, info.variable_rate) == (5, 96, 64, False, True)
    assert info.duration_s == pytest.approx(sum(DELAYS_MS) / 1000)
    assert info.codec == info.container == {"a.webp": "webp", "a.png": "apng"}.get(name, "gif")
    assert read_audio(path, 16_000) is None
    edges_s = np.cumsum([0, *DELAYS_MS]) / 1000
    for time_s, image in read_frames(path, 50):
        assert read_index(image) == np.searchsorted(edges_s, time_s + 1e-6, side="right") - 1


def test_an_animation_is_dubbed(tmp_path: Path) -> None:
    path = animation(tmp_path / "a.gif", DELAYS_MS)
    report = mux(path, np.zeros(48_000, np.float32), 48_000, tmp_path / "out.mp4")
    assert report.note == "The picture was re-encoded as H.264 because its codec (gif) does not belong in an MP4 file."
    dub = probe(tmp_path / "out.mp4")
    assert (dub.codec, dub.pixel_format, dub.frames) == ("h264", "yuv420p", 5)
    assert dub.duration_s == pytest.approx(sum(DELAYS_MS) / 1000, abs=1e-3)
    means = [next(read_frames(one, 1))[1].mean() for one in (path, tmp_path / "out.mp4")]
    assert means[0] == pytest.approx(means[1], abs=3)


def test_delays_below_two_hundredths_count_as_ten(tmp_path: Path) -> None:
    path = animation(tmp_path / "a.gif", [100] * 5)
    data, at = bytearray(path.read_bytes()), 0
    for hundredths in (0, 1, 2, 50, 3):
        at = data.index(b"\x21\xf9\x04", at) + 4
        data[at : at + 2] = hundredths.to_bytes(2, "little")
    path.write_bytes(data)
    assert probe(path).duration_s == pytest.approx(0.1 + 0.1 + 0.02 + 0.5 + 0.03)


def test_see_through_pictures_lie_on_white(tmp_path: Path) -> None:
    clear = [Image.fromarray(np.dstack([image, np.full(image.shape[:2], 0, np.uint8)])) for image in moving_box(3)]
    clear[0].save(tmp_path / "a.webp", save_all=True, append_images=clear[1:], duration=100, lossless=True, exact=True)
    assert next(read_frames(tmp_path / "a.webp", 10))[1].min() > 250


@pytest.mark.parametrize("kind", ["gif", "webp", "png"])
def test_a_single_picture_is_no_video(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"a.{kind}"
    numbered(1)[0].save(path)
    with pytest.raises(FoleyError, match=f"a.{kind} is a single picture, not a video"):
        probe(path)


@pytest.mark.parametrize("kind", ["gif", "webp", "png"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.8])
def test_a_file_cut_off(tmp_path: Path, kind: str, share: float) -> None:
    """What came before the cut is a clip, or there is one sentence."""
    path = animation(tmp_path / f"a.{kind}", [100] * 10)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    try:
        assert 1 <= probe(path).frames < 10
    except FoleyError as error:
        assert re.fullmatch(r"[^\n]{10,200}\.", str(error)) and str(tmp_path) not in str(error)


def test_an_animation_of_hours_is_too_long(tmp_path: Path) -> None:
    with pytest.raises(FoleyError, match="the limit is 10 min"):
        probe(animation(tmp_path / "a.gif", [600_000, 600_000, 100]))
