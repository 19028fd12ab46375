"""Fixtures that every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from clips import make_clip

# One thread per process keeps toy networks fast and their numbers the same on every machine; it must be said before
# torch is first imported, which the tests do themselves when they need it.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """Folder with real clips and reference numbers that lies beside the repository on some machines."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip("the folder with real clips and reference numbers is not beside the repository")
    return folder


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second of picture with two clicks, shared by tests that only read it."""
    return make_clip(
        tmp_path_factory.mktemp("clips") / "clip.mp4", click_times_s=(0.25, 0.7), contact_times_s=(0.25, 0.7)
    )
