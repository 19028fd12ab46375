"""media and container: times to the frame, sound to the sample, packets to the byte."""

from __future__ import annotations

import gc
import tracemalloc
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from clips import attack_times, click_track, exact_rate, frame_times, make_clip, read_index

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.media import muxing
from rhythmic_foley.media.container import open_clip, picture_packets
from rhythmic_foley.media.reading import mux, probe, read_audio, read_frames

RATE_HZ = 16000
RATES = (12, 15, 23.976, 24, 25, 29.97, 30, 50, 60)


def packets_of(path: Path) -> list[tuple[Fraction, bytes]]:
    """(time shown, counted from the start of the picture; bytes) of every picture packet."""
    with open_clip(path) as clip:
        start, base = clip.timeline.start, clip.timeline.time_base
        clip.rewind()
        return [((packet.pts - start) * base, bytes(packet)) for packet in picture_packets(clip)]


def shown(path: Path, rate_hz: float, **options) -> list[int]:
    return [read_index(image) for _, image in read_frames(path, rate_hz, **options)]


def expected(times_s: np.ndarray, slots_s: np.ndarray) -> list[int]:
    """Number of the frame on screen at each time."""
    return (np.searchsorted(times_s, slots_s + 1e-4, side="right") - 1).tolist()


@pytest.mark.parametrize("fps", RATES)
def test_every_slot_shows_the_frame_on_screen(tmp_path: Path, fps: float) -> None:
    path = make_clip(tmp_path / "a.mp4", duration_s=2, fps=fps, indexed=True, b_frames=2)
    times_s, end_s = frame_times(2, fps)
    for rate_hz in (4, 21.5, 100):
        slots_s = np.arange(int(np.ceil(end_s * rate_hz - 1e-6))) / rate_hz
        assert shown(path, rate_hz) == expected(times_s, slots_s)


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm", ".avi", ".ts"])
@pytest.mark.parametrize("fps", [12, 29.97, 60])
def test_own_rate_gives_every_frame_once(tmp_path: Path, suffix: str, fps: float) -> None:
    path = make_clip(tmp_path / f"a{suffix}", fps=fps, indexed=True)
    times_s, _ = frame_times(1, fps)
    assert shown(path, float(exact_rate(fps)))[: len(times_s)] == list(range(len(times_s)))


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm"])
def test_variable_rate_keeps_time(tmp_path: Path, suffix: str) -> None:
    path = make_clip(tmp_path / f"a{suffix}", duration_s=2, variable=True, indexed=True)
    times_s, end_s = frame_times(2, 25, variable=True)
    info = probe(path)
    assert info.variable_rate and info.duration_s == pytest.approx(end_s, abs=1e-6)
    assert shown(path, 50) == expected(times_s, np.arange(100) / 50)


def test_b_frames_in_avi_are_shown_in_order(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.avi", codec="libx264", b_frames=2, indexed=True)
    assert shown(path, 25) == list(range(25))


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
def test_a_part_of_a_clip(tmp_path: Path, suffix: str) -> None:
    path = make_clip(tmp_path / f"a{suffix}", duration_s=6, indexed=True, b_frames=2)
    times_s, _ = frame_times(6, 25)
    slots_s = 3.3 + np.arange(5) / 4
    part = list(read_frames(path, 4, start_s=3.3, end_s=4.5))
    assert [time_s for time_s, _ in part] == pytest.approx(slots_s.tolist())
    assert [read_index(image) for _, image in part] == expected(times_s, slots_s)
    assert len(shown(path, 4, start_s=5.5, end_s=9)) == 2
    assert shown(path, 4, start_s=7) == []


@pytest.mark.parametrize("fps", RATES)
def test_probe_measures(tmp_path: Path, fps: float) -> None:
    path = make_clip(tmp_path / "a.mp4", duration_s=1.5, fps=fps, size=(96, 64), audio="tone", audio_rate_hz=22050)
    info = probe(path)
    times_s, end_s = frame_times(1.5, fps)
    assert info.duration_s == pytest.approx(end_s, abs=1e-6)
    assert info.fps == pytest.approx(float(exact_rate(fps)), abs=1e-6)
    assert (info.width, info.height, info.rotation, info.frames) == (96, 64, 0, len(times_s))
    assert not info.variable_rate and info.has_audio and info.audio_rate_hz == 22050
    assert (info.codec, info.container, info.path) == ("h264", "mp4", path)


def test_probe_without_sound(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.webm")
    info = probe(path)
    assert not info.has_audio and info.audio_rate_hz is None and info.codec == "vp9"
    assert read_audio(path, RATE_HZ) is None


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_frames_come_upright(tmp_path: Path, rotation: int, suffix: str) -> None:
    path = make_clip(tmp_path / f"a{suffix}", duration_s=0.3, size=(120, 160), rotation=rotation)
    info = probe(path)
    assert (info.rotation, info.width, info.height) == (rotation, 120, 160)
    for options, shape in (({}, (160, 120, 3)), ({"size": (30, 60)}, (60, 30, 3))):
        _, image = next(read_frames(path, 25, **options))
        assert image.shape == shape and image.dtype == np.uint8
        corner, opposite = image[4, 4].astype(int), image[4, -4].astype(int)
        assert corner[0] > 180 and corner[1] < 60, "the red corner belongs at the top left"
        assert np.ptp(opposite) < 30


def test_mirrored_picture(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=25)
        video.width, video.height, video.pix_fmt = 64, 32, "yuv420p"
        video.set_display_rotation(0, hflip=True)
        picture = np.zeros((32, 64, 3), np.uint8)
        picture[:, :32] = 255
        container.mux(video.encode(av.VideoFrame.from_ndarray(picture)))
        container.mux(video.encode(None))
    _, image = next(read_frames(path, 25))
    assert image[:, :28].mean() < 10 and image[:, 36:].mean() > 245


def test_sizes(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", duration_s=0.2, size=(161, 91))
    assert (probe(path).width, probe(path).height) == (161, 91)
    assert next(read_frames(path, 5))[1].shape == (91, 161, 3)
    assert next(read_frames(path, 5, (50, 50)))[1].shape == (50, 50, 3)
    assert next(read_frames(path, 5, (80, 80), fit="inside"))[1].shape == (45, 80, 3)
    assert next(read_frames(path, 5, (999, 999), fit="inside"))[1].shape == (91, 161, 3)


def test_frames_are_not_kept(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", duration_s=10, fps=25, size=(320, 240))
    tracemalloc.start()
    count = sum(1 for _ in read_frames(path, 25))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 250
    assert peak < 5 * 320 * 240 * 3, "a handful of frames at a time, not all of them"


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm", ".avi", ".ts", ".ogg"])
@pytest.mark.parametrize("rate_hz", [16000, 48000])
def test_sound_is_in_step(tmp_path: Path, suffix: str, rate_hz: int) -> None:
    path = make_clip(tmp_path / f"a{suffix}", click_times_s=(0.2, 0.61))
    wave = read_audio(path, rate_hz)
    assert wave.dtype == np.float32 and wave.ndim == 1
    assert attack_times(wave, rate_hz) == pytest.approx([0.2, 0.61], abs=0.002)
    assert len(wave) / rate_hz == pytest.approx(1.0, abs=0.025)


@pytest.mark.parametrize(
    "name, options",
    [
        ("late sound.mp4", {"audio_offset_s": 0.3}),
        ("late sound.mkv", {"audio_offset_s": 0.3}),
        ("late start.mkv", {"start_s": 5.0}),
        ("late start.mp4", {"start_s": 0.5}),
        ("mp3.mp4", {"audio_codec": "libmp3lame"}),
    ],
)
def test_sound_counts_from_the_picture(tmp_path: Path, name: str, options: dict) -> None:
    path = make_clip(tmp_path / name, click_times_s=(0.5, 0.8), **options)
    assert attack_times(read_audio(path, RATE_HZ), RATE_HZ) == pytest.approx([0.5, 0.8], abs=0.002)
    assert next(read_frames(path, 25))[0] == 0.0


def test_stereo_becomes_the_mean(tmp_path: Path) -> None:
    path = tmp_path / "a.avi"
    with av.open(str(path), "w") as container:
        video, sound = container.add_stream("mpeg4", rate=25), container.add_stream("pcm_s16le", rate=RATE_HZ)
        video.width, video.height, video.pix_fmt = 64, 64, "yuv420p"
        sound.codec_context.layout = "stereo"
        container.mux(video.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8))))
        both = np.stack([np.full(RATE_HZ, 0.8), np.full(RATE_HZ, 0.2)]).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(both, format="fltp", layout="stereo")
        frame.sample_rate, frame.time_base, frame.pts = RATE_HZ, Fraction(1, RATE_HZ), 0
        for stream, packets in ((video, ()), (sound, sound.encode(frame))):
            container.mux([*packets, *stream.encode(None)])
    wave = read_audio(path, RATE_HZ)
    assert len(wave) == RATE_HZ and np.allclose(wave, 0.5, atol=1e-3)


COPIES = [
    ("h264.mp4", {"audio": "tone"}),
    ("ntsc.mp4", {"fps": 29.97, "b_frames": 2}),
    ("film.mkv", {"fps": 23.976, "b_frames": 2}),
    ("slow.mp4", {"fps": 12}),
    ("vp9.webm", {"fps": 60, "audio": "tone"}),
    ("uneven.mp4", {"variable": True, "b_frames": 2}),
    ("uneven.mkv", {"variable": True, "b_frames": 2}),
    ("uneven vp9.mkv", {"variable": True, "codec": "libvpx-vp9"}),
    ("turned.mov", {"rotation": 90, "size": (120, 160)}),
    ("odd.mp4", {"size": (101, 77)}),
    ("short.mp4", {"duration_s": 0.3, "fps": 30}),
    ("one frame.mp4", {"duration_s": 0.04}),
    ("late.mkv", {"start_s": 5.0}),
    ("cut.mp4", {"hidden_frames": 5, "b_frames": 2}),
    ("hevc.mp4", {"codec": "libx265"}),
]


@pytest.mark.parametrize("name, options", COPIES, ids=[name for name, _ in COPIES])
def test_mux_copies_the_picture(tmp_path: Path, name: str, options: dict) -> None:
    path = make_clip(tmp_path / name, indexed=True, **options)
    out, before = tmp_path / "out.mp4", probe(path)
    wave = click_track(before.duration_s, RATE_HZ, [0.1, 0.2])
    report = mux(path, wave, RATE_HZ, out)
    after = probe(out)
    assert report.copied and report.note == (
        "" if after.codec != "hevc" else "The picture is HEVC, which some browsers cannot play."
    )
    assert ("browsers" in report.note) == (before.codec == "hevc")
    assert packets_of(out) == packets_of(path)
    assert (after.codec, after.frames, after.rotation) == (before.codec, before.frames, before.rotation)
    assert (after.width, after.height, after.variable_rate) == (before.width, before.height, before.variable_rate)
    assert after.duration_s == pytest.approx(before.duration_s, abs=0.0011)
    assert shown(out, 25) == shown(path, 25)
    assert len(read_audio(out, RATE_HZ)) == round(before.duration_s * RATE_HZ)


REENCODES = [
    ("old.avi", {"audio": "tone"}, "mpeg4"),
    ("untimed.avi", {"codec": "libx264", "b_frames": 2}, "avi file"),
    ("vp8.webm", {"codec": "libvpx", "variable": True}, "vp8"),
    ("odd.mkv", {"codec": "ffv1", "size": (101, 77)}, "ffv1"),
    ("turned.mov", {"codec": "mjpeg", "rotation": 90, "size": (120, 160)}, "mjpeg"),
]


@pytest.mark.parametrize("name, options, reason", REENCODES, ids=[name for name, *_ in REENCODES])
def test_mux_reencodes_what_mp4_cannot_hold(tmp_path: Path, name: str, options: dict, reason: str) -> None:
    path = make_clip(tmp_path / name, indexed=True, **options)
    out, before = tmp_path / "out.mp4", probe(path)
    report = mux(path, np.zeros(RATE_HZ, np.float32), RATE_HZ, out)
    after = probe(out)
    assert not report.copied and "re-encoded as H.264" in report.note and reason in report.note
    assert (after.codec, after.frames, after.rotation) == ("h264", before.frames, before.rotation)
    assert after.duration_s == pytest.approx(before.duration_s, abs=1e-3)
    assert shown(out, 50) == shown(path, 50)
    pictures = [next(read_frames(file, 25, (100, 76)))[1].astype(float) for file in (path, out)]
    assert np.abs(pictures[0] - pictures[1]).mean() < 4, "same brightness, same colours, same way up"


def test_transport_stream_keeps_its_frames(tmp_path: Path) -> None:
    """H.264 in MPEG-TS marks its parts otherwise than MP4 does, so bytes differ, but nothing is encoded again."""
    path = make_clip(tmp_path / "a.ts", indexed=True, b_frames=2, fps=29.97)
    assert mux(path, np.zeros(1, np.float32), RATE_HZ, tmp_path / "out.mp4").copied
    assert [t for t, _ in packets_of(tmp_path / "out.mp4")] == [t for t, _ in packets_of(path)]
    originals, copies = (list(read_frames(file, 30)) for file in (path, tmp_path / "out.mp4"))
    assert all(np.array_equal(a, b) for (_, a), (_, b) in zip(originals, copies, strict=True))


@pytest.mark.parametrize("rate_hz", [16000, 22050, 44100, 48000])
@pytest.mark.parametrize("seconds", [0.4, 1.0, 2.0])
def test_dubbed_sound_is_in_step_and_as_long_as_the_picture(clip: Path, tmp_path: Path, rate_hz, seconds) -> None:
    mux(clip, click_track(seconds, rate_hz, [0.05, 0.31]), rate_hz, tmp_path / "out.mp4")
    wave = read_audio(tmp_path / "out.mp4", rate_hz)
    assert len(wave) == round(probe(clip).duration_s * rate_hz)
    assert attack_times(wave, rate_hz) == pytest.approx([0.05, 0.31], abs=0.002)
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert [stream.type for stream in container.streams] == ["video", "audio"]
        assert container.streams.audio[0].codec_context.name == "aac"


def test_index_comes_first(clip: Path, tmp_path: Path) -> None:
    mux(clip, np.zeros(RATE_HZ, np.float32), RATE_HZ, tmp_path / "out.mp4")
    data = (tmp_path / "out.mp4").read_bytes()
    assert 0 < data.index(b"moov") < data.index(b"mdat")


def test_a_minute(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", duration_s=61, fps=12, size=(64, 48), click_times_s=(0.5, 60.5), indexed=True)
    assert probe(path).duration_s == pytest.approx(61)
    assert shown(path, 4, size=(96, 48)) == list(range(0, 732, 3))
    assert attack_times(read_audio(path, RATE_HZ), RATE_HZ) == pytest.approx([0.5, 60.5], abs=0.002)
    assert mux(path, click_track(61, RATE_HZ, [1.0, 60.0]), RATE_HZ, tmp_path / "out.mp4").copied
    wave = read_audio(tmp_path / "out.mp4", RATE_HZ)
    assert len(wave) == 61 * RATE_HZ and attack_times(wave, RATE_HZ) == pytest.approx([1.0, 60.0], abs=0.002)


def test_damage_in_the_middle_is_passed_over(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", duration_s=2, click_times_s=(1.5,), indexed=True)
    data = bytearray(path.read_bytes())
    middle = data.index(b"mdat") + 4000
    data[middle : middle + 300] = b"\xff" * 300
    path.write_bytes(data)
    assert probe(path).frames == 50
    assert shown(path, 25)[-1] == 49
    mux(path, np.zeros(RATE_HZ, np.float32), RATE_HZ, tmp_path / "out.mp4")
    assert probe(tmp_path / "out.mp4").frames == 50


def test_a_file_cut_short_is_as_long_as_what_is_left(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mkv", duration_s=4, indexed=True)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    info = probe(path)
    assert 1 < info.duration_s < 3
    assert len(shown(path, 25)) == round(info.duration_s * 25)


def test_nothing_half_written_remains(clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out.mp4"
    out.write_bytes(b"earlier result")

    def fail(*_args, **_options):
        raise OSError("no space left on device")

    monkeypatch.setattr(muxing, "_aac_packets", fail)
    with pytest.raises(FoleyError, match=r"out\.mp4 cannot be written"):
        mux(clip, np.zeros(RATE_HZ, np.float32), RATE_HZ, out)
    assert out.read_bytes() == b"earlier result" and list(tmp_path.iterdir()) == [out]


def test_mux_refuses_bad_targets(clip: Path, tmp_path: Path) -> None:
    wave = np.zeros(RATE_HZ, np.float32)
    before = clip.read_bytes()
    for out, says in (
        (clip, "is the clip itself"),
        (tmp_path / "out.webm", "ends in .mp4"),
        (tmp_path / "nowhere" / "out.mp4", "cannot be written"),
    ):
        with pytest.raises(FoleyError, match=says) as caught:
            mux(clip, wave, RATE_HZ, out)
        assert str(tmp_path) not in str(caught.value)
    assert clip.read_bytes() == before
    for bad, rate_hz in ((wave * np.nan, RATE_HZ), (wave[None], RATE_HZ), (wave, 12345)):
        with pytest.raises(ValueError, match="cannot write"):
            mux(clip, bad, rate_hz, tmp_path / "out.mp4")


def test_real_clips(shared_dir: Path, tmp_path: Path) -> None:
    paths = sorted((shared_dir / "clips").glob("*.mp4"))
    assert paths
    for path in paths:
        info = probe(path)
        wave = click_track(info.duration_s, RATE_HZ, np.arange(0.5, info.duration_s - 0.1, 0.5))
        assert mux(path, wave, RATE_HZ, tmp_path / "out.mp4").copied, path.name
        assert packets_of(tmp_path / "out.mp4") == packets_of(path), path.name
        assert probe(tmp_path / "out.mp4").duration_s == pytest.approx(info.duration_s, abs=1e-3), path.name
        dubbed = read_audio(tmp_path / "out.mp4", RATE_HZ)
        assert len(dubbed) == len(wave), path.name
        assert attack_times(dubbed, RATE_HZ) == pytest.approx(attack_times(wave, RATE_HZ), abs=0.002), path.name


def test_pictures_do_not_pile_up(tmp_path: Path) -> None:
    """A decoded picture goes as soon as the next comes, not when cycles happen to be collected."""
    path = make_clip(tmp_path / "clip.mp4", 1.0, 30)

    def pictures() -> int:
        return sum(type(thing) is av.VideoFrame for thing in gc.get_objects())

    gc.collect()
    gc.disable()
    try:
        before = pictures()
        assert len(list(read_frames(path, 30.0, (16, 12)))) == 30
        assert pictures() <= before + 1
    finally:
        gc.enable()
