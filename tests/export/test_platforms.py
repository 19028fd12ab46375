"""A take as one posts it: size, shape and loudness."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from clips import make_clip
from odd_clips import HLG, hdr_frames, moving_box, say_hdr, write_odd_clip

from rhythmic_foley import cli
from rhythmic_foley.audio.loudness import PEAK_LIMIT, as_loud_as, loudness_lufs
from rhythmic_foley.audio.wav import write_wav
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.export.platforms import PRESETS, export_post
from rhythmic_foley.media.reading import probe, read_audio, read_channels, read_frames
from rhythmic_foley.media.tone_mapping import tone_mapped
from rhythmic_foley.studio.takes import read_take
from rhythmic_foley.values.results import Take


@pytest.fixture
def take(tmp_path: Path) -> Take:
    """A folder as a dub leaves it, with quiet noise for its sound."""
    folder = tmp_path / "take"
    folder.mkdir()
    make_clip(folder / "clip.mp4", duration_s=1.0, size=(320, 160), fps=10)
    noise = 0.02 * np.random.default_rng(0).standard_normal(16_000)
    write_wav(folder / "clip.wav", noise, 16_000)
    (folder / "clip.json").write_text(json.dumps({"seed": 1}))
    return read_take(folder)


def test_untouched_pictures_stay_packets(take: Take, tmp_path: Path):
    out = export_post(take, "youtube", tmp_path / "new" / "out.mp4")
    assert out.stat().st_size > 0
    assert (probe(out).width, probe(out).height, probe(out).audio_rate_hz) == (320, 160, 48_000)
    assert loudness_lufs(read_audio(out, 48_000), 48_000) == pytest.approx(-14.0, abs=0.7)
    plain = read_audio(export_post(take, "plain", tmp_path / "plain.mp4"), 48_000)
    assert loudness_lufs(plain, 48_000) < -30


@pytest.mark.parametrize(("fit", "red"), [("pad", (240 / 320, 0.47)), ("crop", None)])
def test_another_shape_is_padded_or_cropped(
    take: Take, tmp_path: Path, fit: str, red: tuple[float, float] | None, monkeypatch: pytest.MonkeyPatch
):
    """A landscape clip on a portrait screen: the whole of it between black bars, or its middle."""
    small = PRESETS["tiktok"].__class__("Small", (90, 160), -14.0)
    monkeypatch.setitem(PRESETS, "tiktok", small)
    out = export_post(take, "tiktok", tmp_path / "out.mp4", fit=fit)
    clip = probe(out)
    assert (clip.width, clip.height, clip.codec, clip.frames) == (90, 160, "h264", 10)
    image = next(read_frames(out, 1))[1].astype(int)
    dark_rows = (image.max(axis=(1, 2)) < 30).mean()
    reddest = image[..., 0] - image[..., 2] > 100
    if fit == "pad":
        assert dark_rows == pytest.approx(1 - 45 / 160, abs=0.05)
        assert reddest[57:69].any() and not reddest[80:].any()
    else:
        # The red corner, the left quarter of the clip, lies outside of the middle.
        assert dark_rows < 0.2 and not reddest.any()


def test_real_presets_are_portrait_at_14_lufs():
    for name in ("tiktok", "reels", "shorts"):
        assert (PRESETS[name].size, PRESETS[name].loudness_lufs) == ((1080, 1920), -14.0)


def test_other_codecs_become_h264_where_they_must(take: Take, tmp_path: Path):
    webm = make_clip(tmp_path / "clip.webm", duration_s=0.4, fps=10)
    other = Take(**{**vars(take), "video": webm})
    assert probe(export_post(other, "x", tmp_path / "x.mp4")).codec == "h264"
    assert probe(export_post(other, "youtube", tmp_path / "youtube.mp4")).codec == "vp9"


@pytest.mark.parametrize("preset", ["youtube", "x"])
@pytest.mark.parametrize(
    ("size", "options"),
    [
        ((137, 77), {"pixel_format": "yuv444p"}),
        ((96, 64), {"pixel_format": "yuv422p"}),
        ((96, 64), {"codec": "libx265", "pixel_format": "yuv420p10le"}),
    ],
    ids=["odd-444", "422", "10-bit"],
)
def test_posts_are_what_players_show(take: Take, tmp_path: Path, preset: str, size: tuple[int, int], options: dict):
    """4:2:0, even sizes, 8 bits; a copy that is no post stays as it is."""
    clip = write_odd_clip(tmp_path / "clip.mp4", moving_box(5, size), **options)
    odd = Take(**{**vars(take), "video": clip})
    post = probe(export_post(odd, preset, tmp_path / "post.mp4"))
    assert (post.codec, post.pixel_format) == ("h264", "yuv420p")
    assert (post.width, post.height) == (size[0] // 2 * 2, size[1] // 2 * 2)
    plain = probe(export_post(odd, "plain", tmp_path / "plain.mp4"))
    assert (plain.pixel_format, plain.width) == (options["pixel_format"], size[0])


def test_a_post_of_hdr_is_tone_mapped(take: Take, tmp_path: Path):
    frames = hdr_frames([0.75] * 10, HLG)
    clip = write_odd_clip(
        tmp_path / "hdr.mp4", frames, codec="libx265", pixel_format="yuv420p10le", prepare=say_hdr(HLG)
    )
    out = export_post(Take(**{**vars(take), "video": clip}), "youtube", tmp_path / "post.mp4")
    assert not probe(out).hdr
    expected = 255 * tone_mapped(np.full(3, 0.75), HLG)[0]
    assert next(read_frames(out, 1))[1].mean() == pytest.approx(expected, abs=3)


def test_a_post_keeps_stereo(take: Take, tmp_path: Path):
    left = 0.1 * np.sin(np.arange(16_000) / 5)
    write_wav(take.wav, np.stack([left, -left], axis=1), 16_000)
    heard = read_channels(export_post(take, "x", tmp_path / "out.mp4"), 48_000)
    assert heard.shape[1] == 2 and np.corrcoef(heard.T)[0, 1] < -0.99


def test_the_limiter_makes_hits_loud_without_clipping():
    hits = np.zeros(48_000, np.float32)
    hits[::6000] = 0.9
    hits += 0.01 * np.random.default_rng(0).standard_normal(48_000).astype(np.float32)
    loud = as_loud_as(hits, 48_000, -14.0)
    assert loudness_lufs(loud, 48_000) > loudness_lufs(hits, 48_000) + 6
    assert np.abs(loud).max() <= PEAK_LIMIT + 1e-6
    assert not as_loud_as(np.zeros(48_000), 48_000, -14.0).any()


def test_wrong_wishes_are_sentences(take: Take, tmp_path: Path):
    with pytest.raises(FoleyError, match="choose one of plain, tiktok"):
        export_post(take, "vine", tmp_path / "out.mp4")
    with pytest.raises(FoleyError, match='not "squeeze"'):
        export_post(take, "tiktok", tmp_path / "out.mp4", fit="squeeze")


def test_the_command_line_knows_every_preset(take: Take, capsys: pytest.CaptureFixture):
    assert cli.PLATFORMS == tuple(PRESETS)
    assert cli.main(["post", str(take.folder), "--for", "youtube"]) == 0
    assert json.loads(capsys.readouterr().out) == {"video": str(take.folder.with_name("take-youtube.mp4"))}
    assert cli.main(["post", str(take.folder.parent)]) == 2
    assert "is not the folder of a take" in capsys.readouterr().err
