"""The app in a real Chromium: the whole way of a clip, Stop, the queue, two visitors, reload, programs."""

from __future__ import annotations

import json
import re
import urllib.request
from pathlib import Path

import pytest
from clips import make_clip
from pages import PATIENCE_MS
from playwright.sync_api import Browser, expect
from studio_page import plays_with_sound, says, visitor

from rhythmic_foley.audio.wav import read_wav
from rhythmic_foley.media.reading import probe

pytestmark = pytest.mark.timeout(1800)

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def test_a_clip_goes_in_and_a_dubbed_clip_comes_out(browser: Browser, app: str, moving_clip: Path) -> None:
    with visitor(browser, app) as one:
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
        one.sound(0, "Made of").select_option("model")
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
        with one.glimpses("#generate-preview img"):
            one["generate"].click()
            says(one["generate-status"], "2 new takes")
        one.ended("generate")
        says(one["take-facts"], "of 2 (")
        one["chosen"].get_by_text("seed 11").click()
        says(one["take-facts"], "11")
        plays_with_sound(one.page, one["video"].locator("video"))

        assert one.download("download-wav")[:4] == b"RIFF"
        assert one.download("download-onsets-csv").split() == [b"time_s,strength", b"0.4,1.0", b"0.95,0.5"]
        assert json.loads(one.download("download-onsets-json"))["onsets_s"] == [0.4, 0.95]
        asked = one.settings()
        assert [event["label"] for event in asked["events"]] == ["glass breaking"]
        assert [event["source"] for event in asked["events"]] == ["model"]
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
        expect(one.sound(0, "Made of")).to_have_value("model")
        expect(one["timeline"].locator("textarea")).to_have_value("0.4, 0.95@0.5")
        plays_with_sound(one.page, one["video"].locator("video"))
        with visitor(browser, app) as other:
            expect(other["results"]).to_be_hidden()
            expect(other["facts"]).to_be_hidden()


def test_stop_keeps_finished_takes_and_the_next_run_starts(
    browser: Browser, app: str, moving_clip: Path, tmp_path: Path
) -> None:
    text = tmp_path / "notes.mp4"
    text.write_text("This is a text.")
    with visitor(browser, app) as one:
        one.upload(moving_clip)
        one.ask_the_model()
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


def test_two_at_once_never_see_each_others_files(browser: Browser, app: str, tmp_path: Path) -> None:
    clips = [make_clip(tmp_path / f"{name}.mp4", 1.0, contact_times_s=(0.5,)) for name in ("anna", "bert")]
    with visitor(browser, app) as anna, visitor(browser, app) as bert:
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


def test_who_waits_for_others_can_stop_too(browser: Browser, app: str, moving_clip: Path) -> None:
    with visitor(browser, app) as first, visitor(browser, app) as second:
        for one, steps in ((first, 100), (second, 1)):
            one.upload(moving_clip)
            one.set_onsets("0.5, 1.2")
            one.ask_the_model()
            one.unfold("advanced")
            one.set_number("steps", steps)
        first.set_number("takes", 4)
        first["generate"].click()
        expect(first["generate-preview"].locator("img")).to_be_visible(timeout=PATIENCE_MS)
        second["generate"].click()
        says(second["generate-status"], "Waiting for its turn")
        second["generate-stop"].click()
        says(second["generate-status"], "Stopped")
        second.ended("generate")
        expect(first["generate"]).to_be_disabled()

        # Pressed anew it waits again, and once the first has stopped it makes the one take that was asked for last.
        second["generate"].click()
        says(second["generate-status"], "Waiting for its turn")
        first["generate-stop"].click()
        first.ended("generate")
        says(second["generate-status"], "1 new take")
        second.ended("generate")
        expect(second["chosen"].locator("label")).to_have_count(1)

        # What Gradio itself refuses leaves the page usable.
        second.text("range-from").fill("-1")
        second["generate"].click()
        expect(second["generate-status"].locator(".rf-trouble")).to_be_visible(timeout=PATIENCE_MS)
        second.ended("generate")


def test_a_clip_of_ten_minutes(browser: Browser, app: str, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "long.mp4", 600, 4, (64, 48), contact_times_s=tuple(range(2, 600, 3)))
    with visitor(browser, app) as one:
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


def test_an_example_by_keyboard_alone_below_a_sub_path(browser: Browser, app: str, app_folder: Path) -> None:
    below = (app_folder / "sub-path").read_text()
    with visitor(browser, below) as one:
        for name, length in (("Hammer anvil", "4.80 s"), ("Snare drum", "4.60 s"), ("Hammer anvil", "4.80 s")):
            one["examples"].get_by_role("button", name=name).focus()
            one.page.keyboard.press("Enter")
            says(one["facts"], length)
        one["quick"].focus()
        one.page.keyboard.press("Enter")
        says(one["quick-status"], "1 new take")
        plays_with_sound(one.page, one["video"].locator("video"))
        one.run("twin-time")
        image = one["compare"].locator("img").first
        expect(image).to_be_visible(timeout=PATIENCE_MS)
        one.page.wait_for_function("image => image.naturalWidth > 100", arg=image.element_handle())


@pytest.mark.parametrize(("width", "dark"), [(390, True), (1600, False)])
def test_nothing_sticks_out(browser: Browser, app: str, moving_clip: Path, width: int, dark: bool) -> None:
    scheme = "dark" if dark else "light"
    with visitor(browser, app, width, height=844, color_scheme=scheme, has_touch=dark) as one:
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


def test_programs_can_analyse_and_dub(app: str, moving_clip: Path) -> None:
    from gradio_client import Client, handle_file

    client = Client(app, verbose=False)
    found = client.predict(clip=handle_file(moving_clip), api_name="/analyse")
    assert found["clip"]["width"] == 320 and found["clip"]["duration_s"] == pytest.approx(2.0)
    assert {"describer", "events", "onsets_s", "strengths", "threshold"} <= set(found)
    events = [{"label": "knocking on wood"}, {"label": "wind", "start_s": 0.5}]
    videos, wavs, stems, result = client.predict(
        clip=handle_file(moving_clip),
        events=events,
        onsets=[0.5, 1.0],
        seed=5,
        steps=2,
        end_s=1.5,
        stems=True,
        api_name="/dub",
    )
    assert len(videos) == len(wavs) == 1 and len(stems) == 2
    for sound in (*wavs, *stems):
        wave, rate_hz = read_wav(sound)
        assert len(wave) / rate_hz == pytest.approx(1.5, abs=0.05)
    assert Path(videos[0]).stat().st_size > 0
    (take,) = result["takes"]
    assert take["seed"] == 5 and take["measured"]["wanted"] == 2
    assert take["stems"] == ["01-knocking_on_wood.wav", "02-wind.wav"]
    with pytest.raises(Exception, match="onset time must be"):
        client.predict(clip=handle_file(moving_clip), onsets=[-1], api_name="/dub")


def test_the_programs_in_the_readme_run(
    app: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    (snippet,) = re.findall(r"^```python\n([^`]*gradio_client[^`]*)^```$", README, re.MULTILINE)
    assert len(snippet.splitlines()) <= 10
    (named,) = set(re.findall(r"http://[\w.:]+", snippet))
    monkeypatch.chdir(Path(__file__).parents[2])
    exec(compile(snippet.replace(named, app), "README.md", "exec"), {})
    assert ".mp4" in capsys.readouterr().out


def test_only_these_endpoints_are_public(app: str) -> None:
    with urllib.request.urlopen(f"{app}/gradio_api/info") as answer:
        assert set(json.load(answer)["named_endpoints"]) == {
            "/analyse",
            "/dub",
            "/export",
            "/save_project",
            "/open_project",
        }
