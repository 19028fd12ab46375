"""What is too large is refused in one sentence, before anything of it is decoded."""

from __future__ import annotations

import json
import re
import tracemalloc
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from clips import make_clip
from fuzz.clips_of_all_kinds import KINDS

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.media.reading import probe, read_audio, read_frames
from rhythmic_foley.values import limits
from rhythmic_foley.values.controls import Controls
from rhythmic_foley.values.events import SoundEvent
from rhythmic_foley.values.limits import MAX_EVENTS, MAX_ONSETS, MAX_TEXT, Stopwatch
from rhythmic_foley.values.onsets import Onsets


@pytest.fixture
def undecoded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails a test that decodes a picture."""

    def decode(*_: object) -> None:
        raise AssertionError("decoded before the limits were checked")

    monkeypatch.setattr("rhythmic_foley.media.container.decoded_frames", decode)
    monkeypatch.setattr("rhythmic_foley.media.reading.decoded_frames", decode)


def many_streams(path: Path) -> Path:
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=10)
        video.width, video.height, video.pix_fmt = 32, 32, "yuv420p"
        sounds = [container.add_stream("pcm_s16le", rate=8000) for _ in range(70)]
        for sound in sounds:
            sound.codec_context.layout = "mono"
        frame = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
        container.mux([*video.encode(frame), *video.encode(None)])
    return path


def kind(name: str, path: Path) -> Path:
    path = path.with_suffix(KINDS[name].suffix)
    KINDS[name].write(path)
    return path


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda path: make_clip(path, 700, 1, (32, 32)), "11.7 min long; the limit is 10 min"),
        (lambda path: kind("a-jump-of-an-hour-mp4", path), "60.0 min long"),
        (lambda path: kind("1000-fps-mp4", path), "500 pictures a second; the limit is 250"),
        (lambda path: make_clip(path, 0.1, size=(4100, 2304)), "4100 × 2304 pixels; the limit is 9.4"),
        (
            lambda path: many_streams(path.with_suffix(".mkv")),
            "71 streams of picture, sound and text; the limit is",
        ),
    ],
    ids=["long", "jump", "fast", "large", "streams"],
)
@pytest.mark.usefixtures("undecoded")
def test_a_clip_beyond_a_limit(tmp_path: Path, make, says: str) -> None:
    path = make(tmp_path / "clip.mp4")
    for attempt in (lambda: probe(path), lambda: next(read_frames(path, 4)), lambda: read_audio(path, 16_000)):
        with pytest.raises(FoleyError, match=says) as caught:
            attempt()
        assert re.fullmatch(r"[^\n]{10,200}\.", str(caught.value))


@pytest.mark.parametrize("name", ["16k-declared-avi", "16k-declared-mov", "16k-declared-webm"])
def test_pictures_larger_than_their_file_says_are_not_decoded(tmp_path: Path, name: str) -> None:
    path = kind(name, tmp_path / "clip")
    with pytest.raises(FoleyError, match="no picture that can be decoded|how large its picture|is damaged"):
        probe(path)


def test_a_file_beyond_the_limit_is_not_even_opened(tmp_path: Path) -> None:
    path = tmp_path / "huge.mp4"
    with path.open("wb") as file:
        file.write(b"\0")
        file.truncate(5_000_000_000)  # takes no room on the disk
    with pytest.raises(FoleyError, match=r"huge.mp4 is 5.0 GB large; the limit is 4 GB."):
        probe(path)


def test_pictures_that_grow_on_the_way_keep_the_first_ones_size(tmp_path: Path) -> None:
    small = replace(KINDS["mjpeg-mkv"], size=(64, 48), ticks=tuple(range(6)))
    large = replace(small, size=(320, 200))
    paths = [tmp_path / "small.mkv", tmp_path / "large.mkv"]
    for one, path in zip((small, large), paths, strict=True):
        one.write(path)
    both = tmp_path / "both.mkv"
    with av.open(str(both), "w") as out, av.open(str(paths[0])) as first, av.open(str(paths[1])) as then:
        video = out.add_stream_from_template(first.streams.video[0])
        for number, source in enumerate((first, then)):
            for packet in source.demux(source.streams.video[0]):
                if packet.size:
                    packet.pts += 500 * number
                    packet.dts, packet.stream = packet.pts, video
                    out.mux(packet)
    for size, shape in ((None, (48, 64, 3)), ((40, 40), (30, 40, 3))):
        assert {image.shape for _, image in read_frames(both, 12, size, fit="inside")} == {shape}


def test_a_sound_that_jumps_by_an_hour_takes_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "jump.mkv"
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=10)
        video.width, video.height, video.pix_fmt = 32, 32, "yuv420p"
        sound = container.add_stream("pcm_s16le", rate=48_000)
        sound.codec_context.layout = "mono"
        for index in range(10):
            frame = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
            frame.pts = index
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        for start in (0, 3600 * 48_000):
            frame = av.AudioFrame.from_ndarray(np.full((1, 4800), 9000, np.int16), format="s16", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = 48_000, start, Fraction(1, 48_000)
            container.mux(sound.encode(frame))
    tracemalloc.start()
    wave = read_audio(path, 16_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(wave) < 2 * 16_000 and np.abs(wave).max() > 0.2
    assert peak < 20_000_000


def test_decoding_may_take_a_while_but_not_for_ever(
    tmp_path: Path, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = Stopwatch("clip.mp4", 1.0)
    for _ in range(3):
        with watch.running():
            pass
    monkeypatch.setattr(limits, "_DECODING_S", -100.0)
    with pytest.raises(FoleyError, match=f"{clip.name} takes too long to decode; convert it to an H.264 MP4 file."):
        list(read_frames(clip, 25))


def test_a_pixel_is_not_stretched_beyond_reason(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        video = container.add_stream("ffv1", rate=10)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        video.codec_context.sample_aspect_ratio = Fraction(10_000, 1)
        for index in range(5):
            frame = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")
            frame.pts = index
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
    assert (probe(path).width, probe(path).height) == (64, 48)


LONG = "x" * (MAX_TEXT + 1)


@pytest.mark.parametrize(
    ("controls", "says"),
    [
        ({"onsets": Onsets.of(np.arange(MAX_ONSETS + 1) / 100)}, "10001 onsets; the limit is 10000"),
        ({"events": (SoundEvent("rain"),) * (MAX_EVENTS + 1)}, "201 sounds; the limit is 200"),
        ({"text": LONG}, "too long; the limit is 1000"),
        ({"events": (SoundEvent("rain", LONG),)}, "too long"),
        ({"negative": "\ud800"}, "cannot be written"),
        ({"semantic_scale": float("nan")}, "semantic_scale must be a number"),
        ({"guidance_scale": 10**400}, "guidance_scale must be a number"),
    ],
)
def test_a_request_beyond_a_limit(controls: dict, says: str) -> None:
    with pytest.raises(FoleyError, match=says):
        Controls(**controls)


@pytest.mark.parametrize(
    "change",
    [
        {"text": 5},
        {"negative": None},
        {"takes": "3"},
        {"takes": True},
        {"steps": 2.5},
        {"semantic_scale": "1"},
        {"semantic_scale": float("inf")},
        {"stems": 1},
        {"range_s": [1]},
        {"range_s": "12"},
        {"onsets": {"hits": [0.5]}},
        {"events": {"label": "x"}},
        {"fix": {"take": 1}},
        {"reference": 5},
    ],
    ids=str,
)
def test_settings_take_nothing_for_what_it_is_not(change: dict) -> None:
    text = json.dumps(json.loads(Controls().to_json()) | change)
    with pytest.raises(FoleyError, match="cannot be read|must|between"):
        Controls.from_json(text)
