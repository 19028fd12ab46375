"""What the tests of the page share: the browser, the app on toy networks, a clip."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from clips import make_clip
from pages import chromium, served
from playwright.sync_api import Browser

CONTACTS_S = (0.4, 0.9, 1.5)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def app_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("app")


@pytest.fixture(scope="session")
def app(app_folder: Path) -> Iterator[str]:
    """Address of the app, in a process of its own with its own temporary files and cache."""
    with served(Path(__file__).with_name("serve.py"), app_folder) as address:
        yield address


@pytest.fixture(scope="session")
def moving_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds with picture, contacts and sound."""
    path = tmp_path_factory.mktemp("clips") / "moving.mp4"
    return make_clip(path, 2.0, 25, (320, 240), click_times_s=CONTACTS_S, contact_times_s=CONTACTS_S)
