"""What goes wrong on real machines: full disks, lost files, small GPUs, a kill. A sentence each, nothing half done."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from clips import make_clip
from toy import save_toy_checkpoint

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.pipeline.pipeline import Step
from rhythmic_foley.pipeline.window_request import WindowRequest
from rhythmic_foley.runtime.cache import Cache
from rhythmic_foley.runtime.memory import SMALLER_BATCHES
from rhythmic_foley.studio.studio import Analysis, Controls, Progress, Studio, Take
from rhythmic_foley.values.events import SoundEvent
from rhythmic_foley.values.onsets import Onsets

ROOT = Path(__file__).parents[1]
RAIN = Controls(steps=1, seed=3, events=(SoundEvent("rain falling"),), onsets=Onsets())
KIB = 1024
STEPS = 8  # of the dub that is killed


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_toy_checkpoint(tmp_path_factory.mktemp("toy"))


@pytest.fixture(scope="module")
def opened(checkpoint: Path) -> Studio:
    return Studio(checkpoint)


@pytest.fixture
def studio(opened: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Studio:
    opened.cache = Cache(tmp_path / "cache")
    monkeypatch.setattr(opened.pipeline, "short_of_memory", False)
    monkeypatch.setattr(opened.pipeline, "rows_at_once", None)
    return opened


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three windows."""
    return make_clip(tmp_path_factory.mktemp("clips") / "long.mp4", duration_s=20.0, fps=5, size=(64, 64))


@contextmanager
def _small_disk(folder: Path, size: int) -> Iterator[None]:
    """The folder on a file system of its own, where mounting is allowed; elsewhere no file may grow beyond a size."""
    folder.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    mounted = os.getuid() == 0 and subprocess.run(mount, capture_output=True).returncode == 0
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    if not mounted:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size // 4, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        if mounted:
            subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def small_disk() -> Callable[[Path, int], AbstractContextManager]:
    return _small_disk


def analyse(studio: Studio, path: Path) -> Analysis:
    *_, analysis = studio.analyse(path, describe=False, find_onsets=False)
    return analysis


def dub(studio: Studio, path: Path, out: Path, controls: Controls = RAIN) -> Take:
    (take,) = (item for item in studio.dub(analyse(studio, path), controls, out) if isinstance(item, Take))
    return take


def finished_windows(cache: Path) -> list[Path]:
    return list(cache.glob("window/*/[!.]*.npz"))


def samples(take: Take) -> np.ndarray:
    return soundfile.read(take.wav, dtype="int16")[0]


def test_a_full_disk_leaves_no_take(studio: Studio, clip: Path, tmp_path: Path, small_disk) -> None:
    with small_disk(tmp_path / "out", 64 * KIB):
        with pytest.raises(FoleyError, match=r"cannot be written"):
            dub(studio, clip, tmp_path / "out")
        assert list((tmp_path / "out").iterdir()) == []


def test_a_full_disk_under_the_cache_is_said_beside_the_take(
    studio: Studio, clip: Path, tmp_path: Path, small_disk
) -> None:
    with small_disk(tmp_path / "cache", 64 * KIB):
        take = dub(studio, clip, tmp_path / "out")
        assert any(note.startswith("Nothing can be kept in") for note in take.notes)
        assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file()] == []
    assert dub(studio, clip, tmp_path / "again").notes == ()


def test_an_analysis_that_cannot_be_kept_is_a_sentence(studio: Studio, clip: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("in the way")
    with pytest.raises(FoleyError, match="RHYTHMIC_FOLEY_CACHE"):
        list(studio.analyse(clip, describe=False))


def test_a_folder_that_cannot_be_written_is_told_before_the_work(
    studio: Studio, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "out").write_text("in the way")
    monkeypatch.setattr(type(studio.pipeline), "stream_together", lambda *a, **k: pytest.fail("worked for nothing"))
    with pytest.raises(FoleyError, match="cannot be written"):
        dub(studio, clip, tmp_path / "out")


def test_a_cache_that_vanishes_meanwhile_is_no_trouble(studio: Studio, long_clip: Path, tmp_path: Path) -> None:
    """Windows and the cut range are gone in the middle of the work."""
    controls = Controls(**{**vars(RAIN), "range_s": (2.0, 18.0)})
    whole = samples(dub(studio, long_clip, tmp_path / "whole", controls))
    studio.cache = Cache(tmp_path / "other")
    analysis, takes = analyse(studio, long_clip), []
    for item in studio.dub(analysis, controls, tmp_path / "out"):
        if isinstance(item, Progress):
            shutil.rmtree(tmp_path / "other", ignore_errors=True)
        else:
            takes.append(item)
    np.testing.assert_array_equal(samples(takes[0]), whole)


def test_damaged_entries_of_the_cache_are_made_anew(studio: Studio, clip: Path, tmp_path: Path) -> None:
    controls = Controls(steps=1, seed=3, range_s=(0.0, 0.5))
    results = []
    for name in ("first", "second"):
        *_, analysis = studio.analyse(clip)
        (take,) = (item for item in studio.dub(analysis, controls, tmp_path / name) if isinstance(item, Take))
        results.append((analysis.events, analysis.onsets, samples(take).tolist()))
        entries = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
        assert {path.parent.parent.name for path in entries} == {"curve", "events", "stretch", "window"}
        for path in entries:
            path.write_bytes(path.read_bytes()[:20])
    assert results[0] == results[1]


def test_a_small_gpu_gets_smaller_batches(
    studio: Studio, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = samples(dub(studio, clip, tmp_path / "large"))
    forward, sizes = studio.pipeline.unet.forward, []

    def small(sample: torch.Tensor, *args: object, **kwargs: object) -> object:
        sizes.append(len(sample))
        if len(sample) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return forward(sample, *args, **kwargs)

    studio.cache = Cache(tmp_path / "other")
    monkeypatch.setattr(studio.pipeline.unet, "forward", small)
    take = dub(studio, clip, tmp_path / "small", Controls(**{**vars(RAIN), "steps": 2}))
    assert SMALLER_BATCHES in take.notes
    assert sizes == [2, 1, 1, 1, 1]  # what failed once is not tried at every step
    again = dub(studio, clip, tmp_path / "again")
    assert np.abs(samples(again).astype(int) - wanted).max() <= 8


def test_a_gpu_that_is_too_small_for_anything_is_a_sentence(
    studio: Studio, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object, **kwargs: object) -> object:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(studio.pipeline.unet, "forward", full)
    with pytest.raises(FoleyError, match="memory is too small for this model"):
        dub(studio, clip, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_model_that_changes_while_it_is_read_is_a_sentence(tmp_path: Path) -> None:
    folder = save_toy_checkpoint(tmp_path / "model")
    studio = Studio(folder)
    config = folder / "unet" / "config.json"
    config.write_text(config.read_text() + "\n")
    with pytest.raises(FoleyError, match="was changed while it was read"):
        studio.pipeline  # noqa: B018
    with pytest.raises(FoleyError, match="was changed while it was read"):
        studio.revision  # noqa: B018


def test_a_model_in_memory_does_not_change_with_its_files(clip: Path, tmp_path: Path) -> None:
    """Cut off under a running process, a file that is only mapped would end it."""
    folder = save_toy_checkpoint(tmp_path / "model")
    studio = Studio(folder, cache=Cache(tmp_path / "cache"))
    before = samples(dub(studio, clip, tmp_path / "before"))
    for weights in folder.rglob("*.safetensors"):
        with open(weights, "r+b") as file:
            file.truncate(16)
    studio.cache = Cache(tmp_path / "other")
    np.testing.assert_array_equal(samples(dub(studio, clip, tmp_path / "after")), before)


def test_killed_in_the_middle_it_goes_on_from_the_last_finished_window(
    studio: Studio, checkpoint: Path, long_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = [
        "dub",
        long_clip,
        "--text",
        "rain falling",
        "--onsets",
        "",
        "--steps",
        STEPS,
        "--seed",
        "3",
        "--source",
        "model",
    ]
    arguments += ["--model", checkpoint, "--out", tmp_path / "out"]
    process = subprocess.Popen(
        [sys.executable, "-m", "rhythmic_foley", *map(str, arguments)],
        env={**os.environ, "RHYTHMIC_FOLEY_CACHE": str(tmp_path / "cache"), "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while process.poll() is None and not finished_windows(tmp_path / "cache"):
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert list((tmp_path / "out").iterdir()) == []
    finished = len(finished_windows(tmp_path / "cache"))
    steps, original = [], studio.pipeline.stream_together

    def counting(requests: Sequence[WindowRequest]) -> Iterator[object]:
        for items in original(requests):
            steps.extend(item for item in items if isinstance(item, Step))
            yield items

    monkeypatch.setattr(studio.pipeline, "stream_together", counting)
    controls = Controls(steps=STEPS, seed=3, text="rain falling", onsets=Onsets())
    went_on = dub(studio, long_clip, tmp_path / "out", controls)
    assert 1 <= finished < 3 and len(steps) == STEPS * (3 - finished)
    studio.cache = Cache(tmp_path / "other")
    np.testing.assert_array_equal(samples(went_on), samples(dub(studio, long_clip, tmp_path / "b", controls)))
