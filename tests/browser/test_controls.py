"""Every control of the page in a real Chromium: what it says reaches the request and changes the file."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from clips import make_clip
from pages import PATIENCE_MS
from playwright.sync_api import Browser, expect
from studio_page import plays_with_sound, says, visitor

from rhythmic_foley.audio.loudness import loudness_lufs
from rhythmic_foley.audio.wav import write_wav
from rhythmic_foley.media.reading import probe, read_audio, read_frames
from rhythmic_foley.values.clip import ClipInfo

pytestmark = pytest.mark.timeout(1800)


def test_controls_change_the_file(browser: Browser, app: str, moving_clip: Path, tmp_path: Path) -> None:
    """One control after the other is changed; each time the file must be another one than before."""
    hit = tmp_path / "hit.wav"
    write_wav(hit, read_audio(moving_clip, 16_000)[6200:9000], 16_000)
    with visitor(browser, app) as one:
        one.upload(moving_clip)
        one["events"].get_by_role("button", name="Add a sound").click()
        one.sound(0, "Sound").fill("hammer")
        one.sound(0, "Sound").press("Tab")
        one.set_onsets("0.5, 1.2")
        one.ask_the_model()
        one.unfold("sound", "advanced")
        one.set_number("steps", 1)
        one.text("seed").fill("3")
        one.run()

        def field(name: str, text: str):
            return lambda: (one.text(name).fill(text), one.text(name).press("Tab"))

        def slider(name: str, value: float):
            return lambda: one.set_number(name, value)

        def named(label: str):
            return lambda: (one.sound(0, "Sound").fill(label), one.sound(0, "Sound").press("Tab"))

        def new_seed():
            one["new-seed"].click()
            expect(one.text("seed")).not_to_have_value("4", timeout=PATIENCE_MS)

        def marked():
            one.mark(0.48, 1.44)
            one["range-marked"].click()
            expect(one.text("range-to")).not_to_have_value("1.5")

        def made_of(way: str):
            return lambda: one["source"].get_by_label(way, exact=way == "Samples").check()

        def blended():
            one["samples"].locator("input[type=file]").set_input_files(hit)
            says(one["samples"], "hit")
            made_of("A blend")()

        def unblended():
            one.set_number("reference-strength", 0)
            made_of("A blend")()

        # Control -> how it is moved, and what the settings say then.
        changes = {
            "events": (named("rain"), lambda s: s["events"][0]["label"] == "rain"),
            "onsets": (lambda: one.set_onsets("0.7, 1.2@0.4"), lambda s: s["onsets"]["strengths"] == [1.0, 0.4]),
            "semantic": (slider("semantic", 2), lambda s: s["semantic_scale"] == 2),
            "temporal": (slider("temporal", 0.5), lambda s: s["temporal_scale"] == 0.5),
            "guidance": (slider("guidance", 6), lambda s: s["guidance_scale"] == 6),
            "onset-guidance": (slider("onset-guidance", 1), lambda s: s["onset_guidance"] == 1),
            "steps": (slider("steps", 2), lambda s: s["steps"] == 2),
            "negative": (field("negative", "music"), lambda s: s["negative"] == "music"),
            "text": (field("text", "glass"), lambda s: s["events"][0]["label"] == "glass"),
            "seed": (field("seed", "4"), lambda s: s["seed"] == 4),
            "new-seed": (new_seed, lambda s: s["seed"] == int(one.text("seed").input_value()) != 4),
            "loudness": (slider("loudness", -23), lambda s: s["loudness_lufs"] == -23),
            "normalise": (lambda: one["normalise"].locator("input").click(), lambda s: s["loudness_lufs"] is None),
            "keep": (lambda: one["keep-original"].locator("input").click(), lambda s: s["keep_original_db"] == 0),
            "original-db": (slider("original-db", -12), lambda s: s["keep_original_db"] == -12),
            "samples": (blended, lambda s: s["source"] == "blend" and s["samples"][0].endswith(".wav")),
            "source": (made_of("Samples"), lambda s: s["source"] == "samples"),
            "reference-strength": (unblended, lambda s: (s["source"], s["reference_strength"]) == ("blend", 0)),
            "range-from": (field("range-from", "0.5"), lambda s: s["range_s"] == [0.5, 2.0]),
            "range-to": (field("range-to", "1.5"), lambda s: s["range_s"] == [0.5, 1.5]),
            "range-marked": (marked, lambda s: s["range_s"] == pytest.approx([0.48, 1.44], abs=0.02)),
            "takes": (slider("takes", 2), lambda s: "2 new takes" in one["generate-status"].inner_text()),
        }
        before = one.download("download-wav")
        for name, (change, holds) in changes.items():
            change()
            one.run()
            after = one.download("download-wav")
            assert holds(one.settings()), name
            changed = after != before  # beforehand, or a failure would print both files
            assert changed, f"{name} changes nothing"
            before = after

        one["make-stems"].locator("input").click()
        one.set_number("takes", 1)
        one.text("text").fill("")
        one["events"].get_by_role("button", name="Add a sound").click()
        one.sound(1, "Sound").fill("wind")
        one.sound(1, "Sound").press("Tab")
        one.run()
        says(one["stems"], "wind")

        # A take's settings fill the form again.
        one["chosen"].locator("label").first.click()
        says(one["take-facts"], "3")
        one["reuse"].click()
        expect(one.text("seed")).to_have_value("3", timeout=PATIENCE_MS)
        expect(one["keep-original"].locator("input")).not_to_be_checked()
        one.run()
        assert one.settings()["seed"] == 3


def test_takes_are_repaired_compared_and_shared(browser: Browser, app: str, moving_clip: Path, tmp_path: Path) -> None:
    with visitor(browser, app) as one:
        one.upload(moving_clip)
        one.set_onsets("0.5, 1.2")
        one.unfold("advanced")
        one.set_number("steps", 1)
        one.run()
        old = one.download("download-wav")

        # With one take, the original stands beside it; a twin without an adapter takes its place.
        expect(one["compare"].get_by_role("button", name="Original sound")).to_be_visible(timeout=PATIENCE_MS)
        one.run("twin-time")
        expect(one["compare"].get_by_role("button", name=re.compile("without timing"))).to_be_visible(
            timeout=PATIENCE_MS
        )
        assert one.settings()["temporal_scale"] == 0
        one["chosen"].locator("label").first.click()
        one.run("twin-sound")
        assert one.settings()["semantic_scale"] == 0

        one["chosen"].locator("label").first.click()
        one.unfold("fixing")
        expect(one.text("fix-from")).to_have_value("", timeout=PATIENCE_MS)
        one.mark(1.0, 1.4)
        one["fix-marked"].click()
        expect(one.text("fix-to")).to_have_value("1.4")
        one.run("fix")
        new = one.download("download-wav")
        samples = len(old) - 44
        assert new != old and new[: 44 + samples * 45 // 100] == old[: 44 + samples * 45 // 100]
        assert one.settings()["fix"]["start_s"] == pytest.approx(1.0, abs=0.01)

        # A sound of one's own is compared as soon as it is there, and heard in the reel.
        own = tmp_path / "own.wav"
        write_wav(own, read_audio(moving_clip, 16_000), 16_000)
        with one.page.expect_file_chooser() as chooser:
            one["uploaded"].click()
        chooser.value.set_files(own)
        picture = one["compare"].get_by_alt_text("Mel spectrogram of own.wav")
        expect(picture).to_be_visible(timeout=PATIENCE_MS)
        assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 100
        one.unfold("sharing")
        one.run("reel")
        reel = one["reeled"].locator("video")
        plays_with_sound(one.page, reel)
        assert reel.evaluate("video => video.duration") > 5.5, "three sounds of two seconds"
        (tmp_path / "reel.mp4").write_bytes(one.download("download-reel"))
        assert probe(tmp_path / "reel.mp4").duration_s > 5.5


def test_a_post_is_as_its_platform_likes_it(browser: Browser, app: str, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4", 0.5, 10, contact_times_s=(0.2,))
    with visitor(browser, app) as one:
        one.upload(clip)
        one.unfold("sound", "advanced")
        one.set_number("steps", 1)
        one.set_number("loudness", -24)
        one.run()
        one.unfold("sharing")

        def post(platform: str) -> tuple[ClipInfo, np.ndarray, float]:
            """What the file is, its first picture and its loudness."""
            one.choose("preset", platform)
            one.run("post")
            out = tmp_path / "post.mp4"
            out.write_bytes(one.download("posted"))
            info, wave = probe(out), read_audio(out, 48_000)
            _, picture = next(read_frames(out, 10.0, (info.width, info.height)))
            return info, picture, loudness_lufs(wave, 48_000)

        plain, _, as_it_is = post("As it is")
        assert (plain.width, plain.height) == (160, 120)
        for platform in ("YouTube", "X"):
            wide, _, loud = post(platform)
            assert (wide.width, wide.height) == (160, 120) and loud > as_it_is + 3
        tall, padded, loud = post("TikTok")
        assert (tall.width, tall.height) == (1080, 1920) and loud > as_it_is + 3
        one["fit"].get_by_text("Fill, cut at the sides").click()
        for platform in ("Instagram Reels", "YouTube Shorts"):
            tall, filled, _ = post(platform)
            assert (tall.width, tall.height) == (1080, 1920)
            assert padded[:100].mean() < 5 < filled[:100].mean(), "bars, or none"


def test_another_model_and_its_classifier(browser: Browser, app: str, moving_clip: Path) -> None:
    with visitor(browser, app) as one:
        one.upload(moving_clip)
        one.set_onsets("0.5, 1.2")
        one.text("seed").fill("3")
        one.ask_the_model()
        one.unfold("advanced")
        expect(one["classifier"]).to_be_hidden()
        one.set_number("steps", 1)
        one.run()
        files = [one.download("download-wav")]
        assert one.settings()["model"] == "toy"

        one.choose("model", "diff-foley")
        expect(one["steps"].locator("input[type=number]")).to_have_value("25", timeout=PATIENCE_MS)
        expect(one["guidance"].locator("input[type=number]")).to_have_value("4.5")
        one.set_number("steps", 1)
        for scale in (0, 50):
            one.set_number("classifier", scale)
            one.run()
            asked = one.settings()
            assert (asked["model"], asked["classifier_scale"], asked["guidance_scale"]) == ("diff-foley", scale, 4.5)
            files.append(one.download("download-wav"))
        assert len(set(files)) == 3

        one.choose("model", "toy")
        expect(one["classifier"]).to_be_hidden()
        one.set_number("steps", 1)
        one.run()
        assert one.settings()["classifier_scale"] == 0
