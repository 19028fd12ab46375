"""The app in a real Chromium: the whole way of a clip, every control, Stop, two visitors, reload, programs."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from clips import make_clip
from pages import PATIENCE_MS, served, visit
from playwright.sync_api import Browser, Locator, Page, expect

from rhythmic_foley.audio import read_wav, write_wav
from rhythmic_foley.media import probe, read_audio

pytestmark = pytest.mark.timeout(1800)

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
TIMES_S = (0.4, 0.9, 1.5)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("app")


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    """Address of the app, in a process of its own with its own temporary files and cache."""
    with served(Path(__file__).with_name("serve.py"), folder) as address:
        yield address


@pytest.fixture(scope="module")
def moving_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds with picture, contacts and sound."""
    path = tmp_path_factory.mktemp("clips") / "moving.mp4"
    return make_clip(path, 2.0, 25, (320, 240), click_times_s=TIMES_S, contact_times_s=TIMES_S)


class Visitor:
    """What one person does on the page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        # While it is being put together, Gradio may have the page there twice.
        expect(self["describe"]).to_have_count(1, timeout=PATIENCE_MS)
        expect(self["describe"]).to_be_visible(timeout=PATIENCE_MS)

    def __getitem__(self, name: str) -> Locator:
        return self.page.locator(f"#{name}")

    def upload(self, clip: Path) -> None:
        """Give the page a file and wait until it has said something about it."""
        self.page.locator("#clip input[type=file]").set_input_files(clip)
        self["facts"].locator("dl, p").first.wait_for()

    def text(self, name: str) -> Locator:
        """The field of a control."""
        return self[name].locator("textarea, input").first

    def unfold(self, *names: str) -> None:
        """Open accordions that are closed."""
        for name in names:
            self[name].locator("button").first.click()

    def set_number(self, name: str, value: float) -> None:
        """Type into the number field of a slider. A slider that has only just been unfolded does not listen yet, which
        no person is quick enough to notice: so again until its handle has moved."""
        field, handle = self[name].locator("input[type=number]"), self[name].locator("input[type=range]")
        for _ in range(20):
            field.fill(str(value))
            field.press("Tab")
            self.page.wait_for_timeout(250)
            if float(handle.input_value()) == value:
                return
        raise AssertionError(f"{name} does not take {value}")

    def set_onsets(self, text: str) -> None:
        """Type into the timeline's field of times."""
        field = self["timeline"].locator("textarea")
        field.fill(text)
        field.press("Tab")
        self.page.wait_for_timeout(400)  # the timeline waits a moment for more before it says so

    def sound(self, row: int, name: str) -> Locator:
        """A field of the table of sounds."""
        return self["events"].get_by_role("listitem").nth(row).get_by_role("textbox", name=name, exact=True)

    def run(self, job: str = "generate") -> None:
        """Press a job's button and wait until it has ended. A short one may be over before its Stop is seen."""
        last_word = f"#{job}-status .rf-said"
        self.page.evaluate("name => document.querySelector(name)?.setAttribute('data-old', '')", last_word)
        self[job].click()
        self.page.wait_for_selector(f"#{job}-stop:visible, {last_word}:not([data-old])")
        self.ended(job)

    def ended(self, job: str) -> None:
        """Wait until the page rests again."""
        expect(self[job]).to_be_enabled(timeout=PATIENCE_MS)
        expect(self[f"{job}-stop"]).to_be_hidden(timeout=PATIENCE_MS)

    def download(self, kind: str) -> bytes:
        """What a download button gives."""
        with self.page.expect_download() as download:
            self[kind].click()
        return download.value.path().read_bytes()

    def settings(self) -> dict[str, Any]:
        """Settings of the shown take."""
        return json.loads(self.download("download-settings"))


@contextmanager
def visitor(browser: Browser, url: str, width: int = 1280, **how: Any) -> Iterator[Visitor]:
    """A person on the page; at the end, no error in the console and no request to another host."""
    with visit(browser, url, width, **how) as page:
        yield Visitor(page)


def says(locator: Locator, text: str | re.Pattern) -> None:
    """Wait until it says so."""
    expect(locator).to_contain_text(text, timeout=PATIENCE_MS)


def plays_with_sound(page: Page, video: Locator) -> None:
    """It runs, and sound comes out of it; which browsers allow after a gesture."""
    page.locator(".rf-head").first.click()
    handle = video.element_handle()
    page.wait_for_function("video => video.readyState >= 2", arg=handle)
    handle.evaluate("video => { video.currentTime = 0; return video.play() }")
    page.wait_for_function("video => video.currentTime > 0.3", arg=handle)
    page.wait_for_function("video => video.webkitAudioDecodedByteCount > 0", arg=handle)
    handle.evaluate("video => video.pause()")


def test_a_clip_goes_in_and_a_dubbed_clip_comes_out(browser: Browser, url: str, moving_clip: Path) -> None:
    with visitor(browser, url) as one:
        one.upload(moving_clip)
        says(one["facts"], "2.00 s")
        says(one["facts"], "320 × 240")
        one.run("describe")
        expect(one["describer"]).to_be_visible()
        expect(one["events"].get_by_role("listitem")).to_have_count(1)

        # Table and timeline show the same sounds, either way.
        label = one.sound(0, "Sound")
        label.fill("glass breaking")
        label.press("Enter")
        says(one["timeline"], "glass breaking")
        one["events"].get_by_role("button", name="Add a sound").click()
        one.sound(1, "Sound").fill("wind")
        one.sound(1, "From second").fill("0.5")
        one.sound(1, "To second").fill("1,5")
        one.sound(1, "To second").press("Tab")
        says(one["timeline"], "wind")
        one["events"].get_by_role("button", name="Delete wind").click()
        expect(one["timeline"].get_by_text("wind")).to_have_count(0)
        one.set_onsets("0.4, 0.95@0.5")

        one.text("seed").fill("11")
        one.unfold("advanced")
        one.set_number("steps", 12)
        one.set_number("takes", 2)
        one["generate"].click()
        expect(one["generate-preview"].locator("img")).to_be_visible(timeout=PATIENCE_MS)
        one.ended("generate")
        says(one["generate-status"], "2 new takes")
        says(one["take-facts"], "of 2 (")
        one["chosen"].get_by_text("seed 11").click()
        says(one["take-facts"], "11")
        plays_with_sound(one.page, one["video"].locator("video"))

        assert one.download("download-wav")[:4] == b"RIFF"
        assert one.download("download-onsets-csv").split() == [b"time_s,strength", b"0.4,1.0", b"0.95,0.5"]
        assert json.loads(one.download("download-onsets-json"))["onsets_s"] == [0.4, 0.95]
        asked = one.settings()
        assert [event["label"] for event in asked["events"]] == ["glass breaking"]
        assert asked["onsets"] == {"times_s": [0.4, 0.95], "strengths": [1.0, 0.5]}
        assert (asked["seed"], asked["steps"], asked["range_s"]) == (11, 12, None)

        # Both takes are compared at once; others are picked by hand.
        expect(one["compare"].locator("img").first).to_be_visible(timeout=PATIENCE_MS)
        expect(one["compare"].get_by_role("button", name="Take 2")).to_be_visible()

        one.text("take-name").fill("Second thoughts")
        one["rename"].click()
        says(one["chosen"], "Second thoughts")
        one["chosen"].get_by_text("seed 12").click()
        says(one["take-facts"], "12")
        one["delete"].click()
        expect(one["chosen"].locator("label")).to_have_count(1, timeout=PATIENCE_MS)

        one.page.reload()
        says(one["chosen"], "Second thoughts")
        expect(one.sound(0, "Sound")).to_have_value("glass breaking")
        expect(one["timeline"].locator("textarea")).to_have_value("0.4, 0.95@0.5")
        plays_with_sound(one.page, one["video"].locator("video"))
        with visitor(browser, url) as other:
            expect(other["results"]).to_be_hidden()
            expect(other["facts"]).to_be_hidden()


def test_controls_change_the_file(browser: Browser, url: str, moving_clip: Path, tmp_path: Path) -> None:
    """One control after the other is changed; each time the file must be another one than before."""
    hit = tmp_path / "hit.wav"
    write_wav(hit, read_audio(moving_clip, 16_000)[6200:9000], 16_000)
    with visitor(browser, url) as one:
        one.upload(moving_clip)
        one["events"].get_by_role("button", name="Add a sound").click()
        one.sound(0, "Sound").fill("hammer")
        one.sound(0, "Sound").press("Tab")
        one.set_onsets("0.5, 1.2")
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

        def referenced():
            one["reference"].locator("input[type=file]").set_input_files(hit)
            expect(one["reference"].get_by_role("button", name="Play", exact=True)).to_be_visible(timeout=PATIENCE_MS)

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
            "loudness": (slider("loudness", -23), lambda s: s["loudness_lufs"] == -23),
            "normalise": (lambda: one["normalise"].locator("input").click(), lambda s: s["loudness_lufs"] is None),
            "keep": (lambda: one["keep-original"].locator("input").click(), lambda s: s["keep_original_db"] == 0),
            "original-db": (slider("original-db", -12), lambda s: s["keep_original_db"] == -12),
            "reference": (referenced, lambda s: s["reference"].endswith(".wav")),
            "reference-strength": (slider("reference-strength", 0), lambda s: s["reference_strength"] == 0),
            "range-from": (field("range-from", "0.5"), lambda s: s["range_s"] == [0.5, 2.0]),
            "range-to": (field("range-to", "1.5"), lambda s: s["range_s"] == [0.5, 1.5]),
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
        one["new-seed"].click()
        expect(one.text("seed")).not_to_have_value("4", timeout=PATIENCE_MS)
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


def test_takes_are_repaired_compared_and_shared(browser: Browser, url: str, moving_clip: Path, tmp_path: Path) -> None:
    with visitor(browser, url) as one:
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
        one.unfold("fixing", "sharing")
        one.text("fix-from").fill("1.0")
        one.text("fix-to").fill("1.4")
        one.run("fix")
        new = one.download("download-wav")
        samples = len(old) - 44
        assert new != old and new[: 44 + samples * 45 // 100] == old[: 44 + samples * 45 // 100]

        one.run("post")
        (tmp_path / "post.mp4").write_bytes(one.download("posted"))
        assert probe(tmp_path / "post.mp4").has_audio
        one.run("reel")
        plays_with_sound(one.page, one["reeled"].locator("video"))


def test_stop_keeps_finished_takes_and_the_next_run_starts(
    browser: Browser, url: str, moving_clip: Path, tmp_path: Path
) -> None:
    text = tmp_path / "notes.mp4"
    text.write_text("This is a text.")
    with visitor(browser, url) as one:
        one.upload(moving_clip)
        one.unfold("advanced")
        one.set_number("steps", 30)
        one.set_number("takes", 4)
        one["generate"].click()
        expect(one["generate"]).to_be_disabled()
        says(one["chosen"], "seed")  # the first take is there
        one["generate-stop"].click()
        one.ended("generate")
        says(one["generate-status"], "Stopped")
        kept = one["chosen"].locator("label").count()
        assert 1 <= kept < 4

        one.set_number("steps", 1)
        one.set_number("takes", 1)
        one.run()
        says(one["generate-status"], "1 new take")
        expect(one["chosen"].locator("label")).to_have_count(kept + 1)

        # A file that is no video is refused in one sentence, here and when it is used anyway.
        one["clip"].get_by_role("button", name="Clear").click()
        expect(one["results"]).to_be_hidden(timeout=PATIENCE_MS)
        one.upload(text)
        expect(one["facts"].locator(".rf-trouble")).to_be_visible(timeout=PATIENCE_MS)
        one["describe"].click()
        expect(one["describe-status"].locator(".rf-trouble")).to_be_visible(timeout=PATIENCE_MS)
        expect(one["describe"]).to_be_enabled()
        assert "Traceback" not in one.page.content()


def test_two_at_once_never_see_each_others_files(browser: Browser, url: str, tmp_path: Path) -> None:
    clips = [make_clip(tmp_path / f"{name}.mp4", 1.0, contact_times_s=(0.5,)) for name in ("anna", "bert")]
    with visitor(browser, url) as anna, visitor(browser, url) as bert:
        people = (anna, bert)
        for one, clip in zip(people, clips, strict=True):
            one.upload(clip)
            one.unfold("advanced")
            one.set_number("steps", 2)
        for one in people:
            one["generate"].click()
        for one in people:
            says(one["generate-status"], "1 new take")
        files = [set(re.findall(r"visits/([0-9a-f]{32})/", one.page.content())) for one in people]
        assert len(files[0]) == len(files[1]) == 1 and files[0] != files[1]
        assert "bert" not in anna.page.content() and "anna" not in bert.page.content()


def test_a_clip_of_ten_minutes(browser: Browser, url: str, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "long.mp4", 600, 4, (64, 48), contact_times_s=tuple(range(2, 600, 3)))
    with visitor(browser, url) as one:
        one.upload(clip)
        says(one["facts"], "600.00 s")
        one.run("describe")
        expect(one["timeline"].locator("textarea")).not_to_have_value("")
        one.text("range-from").fill("300")
        one.text("range-to").fill("304")
        one.text("range-to").press("Tab")
        one.unfold("advanced")
        one.set_number("steps", 1)
        one.run()
        says(one["generate-status"], "1 new take")
        (tmp_path / "dub.mp4").write_bytes(one.download("download-video"))
        assert probe(tmp_path / "dub.mp4").duration_s == pytest.approx(4, abs=0.3)


def test_an_example_by_keyboard_alone_below_a_sub_path(browser: Browser, url: str, folder: Path) -> None:
    below = (folder / "sub-path").read_text()
    with visitor(browser, below) as one:
        for name, length in (("Hammer anvil", "4.80 s"), ("Snare drum", "4.60 s"), ("Hammer anvil", "4.80 s")):
            one["examples"].get_by_role("button", name=name).focus()
            one.page.keyboard.press("Enter")
            says(one["facts"], length)
        one["quick"].focus()
        one.page.keyboard.press("Enter")
        expect(one["results"]).to_be_visible(timeout=PATIENCE_MS)
        one.ended("quick")
        plays_with_sound(one.page, one["video"].locator("video"))
        one.run("twin-time")
        image = one["compare"].locator("img").first
        expect(image).to_be_visible(timeout=PATIENCE_MS)
        one.page.wait_for_function("image => image.naturalWidth > 100", arg=image.element_handle())


@pytest.mark.parametrize(("width", "dark"), [(390, True), (1600, False)])
def test_nothing_sticks_out(browser: Browser, url: str, moving_clip: Path, width: int, dark: bool) -> None:
    scheme = "dark" if dark else "light"
    with visitor(browser, url, width, height=844, color_scheme=scheme, has_touch=dark) as one:
        one.upload(moving_clip)
        one.unfold("sound", "advanced")
        one.set_number("steps", 1)
        (one["generate"].tap if dark else one["generate"].click)()
        says(one["generate-status"], "1 new take")
        one.unfold("fixing", "sharing")
        expect(one["compare"].locator("img").first).to_be_visible(timeout=PATIENCE_MS)
        assert one.page.evaluate("document.documentElement.scrollWidth") <= width
        background = one.page.evaluate("getComputedStyle(document.body).backgroundColor")
        brightness = sum(int(part) for part in background[4:-1].split(",")[:3]) / 3
        assert (brightness < 80) == dark


def test_programs_can_analyse_and_dub(url: str, moving_clip: Path) -> None:
    from gradio_client import Client, handle_file

    client = Client(url, verbose=False)
    found = client.predict(clip=handle_file(moving_clip), api_name="/analyse")
    assert found["clip"]["width"] == 320 and found["clip"]["duration_s"] == pytest.approx(2.0)
    assert {"describer", "events", "onsets_s", "strengths", "threshold"} <= set(found)
    videos, wavs, result = client.predict(
        clip=handle_file(moving_clip),
        onsets=[0.5, 1.0],
        text="knocking on wood",
        seed=5,
        steps=2,
        end_s=1.5,
        api_name="/dub",
    )
    assert len(videos) == len(wavs) == 1
    wave, rate_hz = read_wav(wavs[0])
    assert len(wave) / rate_hz == pytest.approx(1.5, abs=0.05) and Path(videos[0]).stat().st_size > 0
    (take,) = result["takes"]
    assert take["seed"] == 5 and take["measured"]["wanted"] == 2
    with pytest.raises(Exception, match="onset time must be"):
        client.predict(clip=handle_file(moving_clip), onsets=[-1], api_name="/dub")


def test_the_programs_in_the_readme_run(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    (snippet,) = re.findall(r"^```python\n([^`]*gradio_client[^`]*)^```$", README, re.MULTILINE)
    assert len(snippet.splitlines()) <= 10
    (named,) = set(re.findall(r"http://[\w.:]+", snippet))
    monkeypatch.chdir(Path(__file__).parents[2])
    exec(compile(snippet.replace(named, url), "README.md", "exec"), {})
    assert ".mp4" in capsys.readouterr().out


def test_only_the_two_endpoints_are_public(url: str) -> None:
    with urllib.request.urlopen(f"{url}/gradio_api/info") as answer:
        assert set(json.load(answer)["named_endpoints"]) == {"/analyse", "/dub"}
