"""Stretches cut from clips: which frames they hold, when packets can be copied, and pictures written as a clip."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from clips import make_clip, read_index
from odd_clips import moving_box, write_odd_clip

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.media.muxing import mux, plan_cut, write_cut, write_frames
from rhythmic_foley.media.reading import probe, read_audio, read_channels, read_frames

RATE_HZ = 48_000


def indices(path: Path, fps: float = 25) -> list[int]:
    return [read_index(image) for _, image in read_frames(path, fps)]


@pytest.mark.parametrize(
    ("b_frames", "range_s", "copied", "frames"),
    [
        (0, (1.0, 1.4), True, range(25, 35)),  # a key frame every second
        (0, (1.13, 1.4), False, range(28, 35)),
        (0, (0.0, 0.5), True, range(0, 13)),
        (0, (1.61, 9.0), False, range(40, 50)),
        (3, (0.5, 0.9), False, range(12, 23)),
    ],
)
def test_a_cut_holds_the_frames_on_screen(
    tmp_path: Path, b_frames: int, range_s: tuple[float, float], copied: bool, frames: range
) -> None:
    path = make_clip(tmp_path / "clip.mp4", duration_s=2.0, indexed=True, b_frames=b_frames, audio="tone")
    cut = plan_cut(path, *range_s)
    write_cut(path, cut, tmp_path / "cut.mp4")
    assert cut.copied == copied
    assert indices(tmp_path / "cut.mp4") == list(frames)
    after = probe(tmp_path / "cut.mp4")
    assert cut.start_s == pytest.approx(frames[0] / 25) and cut.end_s == pytest.approx((frames[-1] + 1) / 25)
    assert after.duration_s == pytest.approx(cut.end_s - cut.start_s, abs=0.001)
    assert not after.has_audio


def test_frames_that_others_refer_to_stay(tmp_path: Path) -> None:
    """With B-frames the end of a copied stretch moves on to a frame that is decoded early, at most by a few."""
    path = make_clip(tmp_path / "clip.mp4", duration_s=2.0, indexed=True, b_frames=3)
    cut = plan_cut(path, 0.0, 0.5)
    write_cut(path, cut, tmp_path / "cut.mp4")
    shown = indices(tmp_path / "cut.mp4")
    assert cut.copied and shown == list(range(len(shown))) and 13 <= len(shown) <= 17
    assert cut.end_s == pytest.approx(len(shown) / 25)


def test_a_rotated_clip_is_cut_upright(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "clip.mp4", duration_s=1.0, size=(120, 160), rotation=90, indexed=True)
    write_cut(path, plan_cut(path, 0.5, 0.8), tmp_path / "cut.mp4")
    after = probe(tmp_path / "cut.mp4")
    assert (after.width, after.height, after.rotation) == (120, 160, 90)
    assert indices(tmp_path / "cut.mp4") == list(range(12, 20))


def test_a_range_behind_the_end_is_a_sentence(clip: Path) -> None:
    with pytest.raises(FoleyError, match=r"starts at 3 s, but the clip is 1.00 s long"):
        plan_cut(clip, 3.0, 4.0)


def test_pictures_become_a_clip(tmp_path: Path) -> None:
    shades = (np.full((64, 48, 3), 10 + 20 * number, np.uint8) for number in range(10))
    wave = 0.5 * np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000)
    write_frames(shades, (48, 64), 10.0, wave, 16_000, tmp_path / "out.mp4")
    clip = probe(tmp_path / "out.mp4")
    assert (clip.width, clip.height, clip.frames, clip.codec) == (48, 64, 10, "h264")
    means = [image.mean() for _, image in read_frames(tmp_path / "out.mp4", 10.0)]
    np.testing.assert_allclose(means, 10 + 20 * np.arange(10), atol=4)
    assert read_audio(tmp_path / "out.mp4", 16_000).std() == pytest.approx(0.354, abs=0.02)
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]


def test_a_long_last_frame_stays_when_the_picture_is_encoded_anew(tmp_path: Path) -> None:
    """As in slide shows; with B-frames the encoder's order would hide which frame is the last."""
    path = tmp_path / "slides.mkv"
    with av.open(str(path), "w") as container:
        video = container.add_stream("ffv1", rate=10)
        video.width, video.height, video.pix_fmt = 32, 32, "yuv420p"
        video.codec_context.time_base = Fraction(1, 1000)
        for tick, length in ((0, 100), (100, 100), (200, 100), (300, 100), (400, 800)):
            frame = av.VideoFrame.from_ndarray(np.full((32, 32, 3), tick // 4, np.uint8), format="rgb24")
            frame.pts, frame.time_base = tick, Fraction(1, 1000)
            for packet in video.encode(frame):
                packet.duration = length
                container.mux(packet)
    out = tmp_path / "out.mp4"
    assert probe(path).duration_s == pytest.approx(1.2)
    assert not mux(path, np.zeros(16_000, np.float32), 16_000, out).copied
    assert probe(out).duration_s == pytest.approx(1.2, abs=0.002)


@pytest.mark.parametrize("b_frames", [0, 2, 3])
@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_a_copy_of_slow_motion_is_as_long_as_what_is_shown(tmp_path: Path, suffix: str, b_frames: int) -> None:
    """240 frames a second for half a second, then 30, as phones write it."""
    ticks = [0]
    while ticks[-1] < 1780:
        ticks.append(ticks[-1] + (20 if ticks[-1] >= 300 else 3 if len(ticks) % 2 else 2))
    path = tmp_path / f"slow{suffix}"
    images = moving_box(len(ticks))
    write_odd_clip(path, images, ticks=ticks, clock=Fraction(1, 600), options={"bf": str(b_frames)})
    assert mux(path, np.zeros(RATE_HZ, np.float32), RATE_HZ, tmp_path / "out.mp4").copied
    before, after = probe(path), probe(tmp_path / "out.mp4")
    assert (after.frames, after.duration_s) == (before.frames, pytest.approx(before.duration_s, abs=1e-3))
    with av.open(str(tmp_path / "out.mp4")) as out:
        video = out.streams.video[0]
        assert float(video.duration * video.time_base) == pytest.approx(before.duration_s, abs=1e-3)
        assert out.duration / 1e6 == pytest.approx(before.duration_s, abs=2e-3)
        decoded = [packet.dts for packet in out.demux(video) if packet.size]
    assert decoded == sorted(set(decoded))


def test_packets_whose_time_goes_backwards_are_not_copied(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    data = make_clip(tmp_path / "b.mkv", duration_s=0.5).read_bytes()
    first, index = data.find(b"\x1f\x43\xb6\x75"), data.rfind(b"\x1c\x53\xbb\x6b")
    path.write_bytes(data[:index] + data[first:index])  # the pictures once more, with the same times
    out = tmp_path / "out.mp4"
    report = mux(path, np.zeros(16_000, np.float32), 16_000, out)
    assert not report.copied and "could not be copied" in report.note
    assert probe(out).duration_s == pytest.approx(probe(path).duration_s, abs=0.05)


def test_a_stereo_sound_stays_stereo(clip: Path, tmp_path: Path) -> None:
    left = 0.3 * np.sin(np.arange(RATE_HZ) / 10).astype(np.float32)
    mux(clip, np.stack([left, -left], axis=1), RATE_HZ, tmp_path / "out.mp4")
    read = read_channels(tmp_path / "out.mp4", RATE_HZ)
    assert read.shape == (RATE_HZ, 2)
    assert read[2000:-2000, 0].std() == pytest.approx(left.std(), rel=0.02)
    assert np.corrcoef(read.T)[0, 1] < -0.99
