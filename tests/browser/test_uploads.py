"""Files of any name and of any type that a browser makes of it reach the server, which judges by content."""

from __future__ import annotations

import base64
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pages import visit
from playwright.sync_api import Browser, Page, expect
from studio_page import Visitor
from ui.fake_studio import FakeStudio

from rhythmic_foley.audio.wav import write_wav
from rhythmic_foley.ui import build_app, serving

NAMES = ("IMG.MOV", "IMG.AVI", "clip.ts", "clip", "clip.mp4", ".clip", "film.xyz")

_DROP = """([selector, name, content]) => {
    const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([bytes], name));  // without a type, as for names that a browser does not know
    const field = document.querySelector(selector).parentElement;
    for (const kind of ['dragenter', 'dragover', 'drop'])
        field.dispatchEvent(new DragEvent(kind, { dataTransfer, bubbles: true, cancelable: true }));
}"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    patch = pytest.MonkeyPatch()
    patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("gradio")))
    page = build_app(FakeStudio(), ())
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    page.launch(server_name="127.0.0.1", server_port=port, prevent_thread_lock=True, quiet=True, **serving())
    yield f"http://127.0.0.1:{port}"
    page.close()
    patch.undo()


def drop(page: Page, field: str, path: Path) -> None:
    page.evaluate(_DROP, [field, path.name, base64.b64encode(path.read_bytes()).decode()])


@pytest.mark.parametrize("way", ["chosen", "dropped"])
@pytest.mark.parametrize("name", NAMES)
def test_a_clip_of_any_name_is_taken(
    name: str, way: str, address: str, browser: Browser, moving_clip: Path, tmp_path: Path
) -> None:
    path = Path(shutil.copyfile(moving_clip, tmp_path / name))
    with visit(browser, address) as page:
        me = Visitor(page)
        if way == "chosen":
            me.upload(path)
        else:
            drop(page, "#clip input[type=file]", path)
        expect(me["facts"].locator("dl")).to_contain_text("320 × 240")


def test_the_dialog_offers_files_of_every_name(address: str, browser: Browser) -> None:
    with visit(browser, address) as page:
        me = Visitor(page)
        with page.expect_file_chooser():
            me["clip"].get_by_role("button").first.click()
        expect(page.locator("#clip input[type=file]")).to_have_attribute("accept", "")


@pytest.mark.parametrize("name", ["hit", "HIT.AIF", "hit.caf"])
def test_a_sound_of_any_name_is_taken(name: str, address: str, browser: Browser, tmp_path: Path) -> None:
    write_wav(tmp_path / "hit.wav", np.sin(np.arange(8000) / 5).astype(np.float32) * 0.3, 16_000)
    path = (tmp_path / "hit.wav").rename(tmp_path / name)
    with visit(browser, address) as page:
        me = Visitor(page)
        me.unfold("sampling")
        page.locator("#samples input[type=file]").wait_for(state="attached", timeout=60_000)
        drop(page, "#samples input[type=file]", path)
        expect(me["samples"].locator("tr.file")).to_contain_text(path.stem)


def test_what_is_no_clip_is_told_by_the_server(address: str, browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no clip")
    with visit(browser, address) as page:
        me = Visitor(page)
        me.upload(tmp_path / "notes.txt")
        expect(me["facts"]).to_contain_text("not a video that can be read")
