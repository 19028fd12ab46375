"""What the tests of the page's handlers share."""

from __future__ import annotations

import gradio as gr
import pytest
from ui.fake_studio import FakeStudio


@pytest.fixture
def toasts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Sentences that pop up on the page."""
    seen: list[str] = []
    monkeypatch.setattr(gr, "Warning", lambda message, **_: seen.append(message))
    return seen


@pytest.fixture
def studio() -> FakeStudio:
    return FakeStudio()
