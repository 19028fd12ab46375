"""What a visitor brings stays what it is: names and descriptions are text, files are only those that were uploaded."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from clips import make_clip
from gradio_client import Client, handle_file
from hostile import FILES
from pages import visit
from playwright.sync_api import Browser, Page, expect
from studio_page import Visitor

from rhythmic_foley.audio.wav import write_wav

pytestmark = pytest.mark.timeout(1800)

# Each would call `sprung` in its own way, if it were ever taken for markup.
MARKUP = (
    "<img src=x onerror=sprung()>",
    "<script>sprung()</script>",
    "\"><svg onload='sprung()'>",
    "${sprung()}{{sprung()}}",
    "<a href='javascript:sprung()'>x</a>",
)


def watch_for_scripts(page: Page) -> None:
    page.evaluate("() => { window.sprung = () => { window.caught = true; }; }")


def nothing_ran(page: Page) -> None:
    assert page.evaluate("() => window.caught ?? false") is False
    assert page.locator("img[src='x'], svg[onload], a[href^='javascript']").count() == 0


def test_names_and_descriptions_with_markup_are_text(app: str, browser: Browser, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / f"{MARKUP[0]} {MARKUP[3]}.mp4", 1.0, contact_times_s=(0.4,))
    bad = tmp_path / f"{MARKUP[0]}.mp4"
    bad.write_text("no clip")
    with visit(browser, app) as page:
        me = Visitor(page)
        watch_for_scripts(page)
        me.upload(bad)
        expect(page.get_by_text("not a video that can be read").first).to_be_visible()
        nothing_ran(page)
        page.reload()
        me = Visitor(page)
        watch_for_scripts(page)
        me.upload(clip)
        me.run("describe")
        me["events"].get_by_role("button", name="Add a sound").click()
        row = me["events"].get_by_role("listitem").count() - 1
        me.sound(row, "Sound").fill(MARKUP[0])
        me.sound(row, "Detail").fill(MARKUP[2])
        me.sound(row, "Detail").press("Tab")
        expect(me["timeline"].get_by_text(MARKUP[0]).first).to_be_visible()
        me.text("negative").fill(MARKUP[1])
        me.run("generate")
        for markup in MARKUP:
            me.watches()
            me.text("take-name").fill(markup)
            me["rename"].click()
            expect(me["chosen"].get_by_text(markup).first).to_be_visible()
        me.run("twin-time")  # now two takes are compared, by their names
        expect(me["compare"].get_by_text(MARKUP[-1]).first).to_be_visible()
        settings = me.settings()
        assert settings["events"][row]["label"] == MARKUP[0] and settings["negative"] == MARKUP[1]
        nothing_ran(page)


def test_files_in_a_folder_of_takes_have_plain_names(app: str, app_folder: Path) -> None:
    """After the test above: whatever was typed, nothing of it is part of a path."""
    made = [
        path.name for path in (app_folder / "gradio" / "visits").rglob("*") if path.suffix in (".mp4", ".json", ".wav")
    ]
    assert made and not [name for name in made if set(name) & set("<>\"'${}&;()")]


def test_a_program_cannot_have_files_read_or_fetched(app: str, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4", 1.0)
    secret = tmp_path / "secret.wav"
    write_wav(secret, np.zeros(16_000), 16_000)

    def join(data: list) -> str:
        body = {"data": data, "fn_index": None, "session_hash": "x", "trigger_id": None}
        request = urllib.request.Request(
            f"{app}/gradio_api/call/analyse", json.dumps(body).encode(), {"content-type": "application/json"}
        )
        with urllib.request.urlopen(request) as answer:
            event = json.load(answer)["event_id"]
        with urllib.request.urlopen(f"{app}/gradio_api/call/analyse/{event}") as answer:
            return answer.read().decode()

    def file(path: str) -> dict:
        return {"path": path, "meta": {"_type": "gradio.FileData"}}

    for path in (str(clip), str(secret), "/etc/passwd", "/proc/self/environ"):
        answer = join([file(path), None])
        assert "event: error" in answer and "complete" not in answer, path
    with pytest.raises(urllib.error.HTTPError) as caught:
        join([file("http://169.254.169.254/clip.mp4"), None])
    assert caught.value.code == 400
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{app}/gradio_api/file={secret}")
    assert caught.value.code in (403, 404)
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(urllib.request.Request(f"{app}/gradio_api/process_recording", b"x"))
    assert caught.value.code == 404


def test_programs_get_a_sentence_for_what_is_no_clip_or_no_sound(app: str, tmp_path: Path) -> None:
    client = Client(app, verbose=False)
    playlist = tmp_path / "clip.mp4"
    playlist.write_bytes(FILES["playlist of a file"](Path("/etc/passwd"), app))
    with pytest.raises(Exception, match="not a video that can be read"):
        client.predict(clip=handle_file(playlist), model=None, api_name="/analyse")
    clip = make_clip(tmp_path / "good.mp4", 1.0)
    sound = tmp_path / "hit.mp3"
    sound.write_bytes(playlist.read_bytes())
    for wrong, says in (
        ({"reference": handle_file(sound)}, "not a sound file"),
        ({"events": [{"label": "x" * 2000}]}, "too long"),
        ({"onsets": [0.001 * n for n in range(10_001)]}, "limit is 10000"),
        ({"onsets": [1e300]}, "onset time"),
    ):
        with pytest.raises(Exception, match=says):
            client.predict(clip=handle_file(clip), steps=1, **wrong, api_name="/dub")
