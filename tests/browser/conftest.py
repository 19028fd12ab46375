"""The browser that the tests of the page share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pages import chromium
from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser
