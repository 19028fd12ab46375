"""A slice of the fuzzing that `tests/fuzz/run.py` and `tests/fuzz/json_readers.py` do at length."""

from __future__ import annotations

import ctypes
import faulthandler
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from fuzz.json_readers import read_all, seeds
from fuzz.mutations import MUTATIONS
from fuzz.runner import examined

from rhythmic_foley.errors import FoleyError


def test_a_slice_of_the_files() -> None:
    """In a process of its own: a process with threads, as the tests' own may be, must not be divided."""
    command = [sys.executable, Path(__file__).with_name("run.py"), "--files", "16", "--first", "83", "--sounds", "30"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    last = done.stdout.splitlines()[-1]
    assert last.startswith("46 files: ") and " 0 used" not in last and " 0 refused" not in last


@pytest.mark.parametrize("number", range(len(seeds())))
def test_readers_of_json(number: int) -> None:
    read_all(seeds()[number])
    data = seeds()[number].encode("utf-8", "replace")[:2000]
    for count, mutation in enumerate(MUTATIONS):
        rng = np.random.default_rng([number, count])
        read_all(mutation(rng, data, data).decode("utf-8", "replace"))


def test_what_the_runner_sees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(place: Path) -> None:
        raise FoleyError("No.")

    def crashes(place: Path) -> None:
        faulthandler.disable()
        ctypes.string_at(0)

    def fails(place: Path) -> None:
        raise ValueError("oh")

    def litters(place: Path) -> None:
        (place / "out.mp4").write_text("wanted")
        (place / "litter").write_text("unwanted")

    def swells(place: Path) -> None:
        np.ones(20_000_000)

    usual_mb = examined("x", refuses, tmp_path / "usual").memory_mb
    monkeypatch.setattr("fuzz.runner.MAX_MEMORY_MB", usual_mb + 100)
    works = (refuses, crashes, fails, litters, swells)
    refused, crashed, failed, littered, swollen = (examined("x", work, tmp_path / work.__name__) for work in works)
    assert refused.faults == [] and refused.said == "refused: No."
    assert crashed.faults == ["killed by SIGSEGV"]
    assert "ValueError: oh" in failed.faults[0]
    assert littered.faults == ["left litter"]
    assert "MB" in swollen.faults[0]
