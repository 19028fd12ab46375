"""Fixtures that every test may use; slow tests run only when asked for (-m slow)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from clips import make_clip

# One thread per process keeps toy networks fast and their numbers the same on every machine; it must be said before
# torch is first imported, which the tests do themselves when they need it.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Nor may the numbers depend on whether this machine is fast in bfloat16.
os.environ.setdefault("RHYTHMIC_FOLEY_RUNNING", "float32")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Marks what drives a browser, and leaves slow tests out unless -m says what to run."""
    for item in items:
        if "browser" in item.path.parts:
            item.add_marker(pytest.mark.browser)
    if config.getoption("markexpr"):
        return
    slow = [item for item in items if item.get_closest_marker("slow")]
    if slow:
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if item not in slow]


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """Folder with real clips and reference numbers that lies beside the repository on some machines."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip("no folder with real clips and reference numbers beside the repository; rendered clips stand in")
    return folder


@pytest.fixture(scope="session")
def reference_dir() -> Path:
    """Numbers that the published systems gave; see tests/reference/README.md."""
    return Path(__file__).resolve().parent / "reference"


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second of picture with two clicks, shared by tests that only read it."""
    return make_clip(
        tmp_path_factory.mktemp("clips") / "clip.mp4", click_times_s=(0.25, 0.7), contact_times_s=(0.25, 0.7)
    )
