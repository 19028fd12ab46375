"""isolation: what native code does to a reader's child process reaches the caller as one sentence."""

from __future__ import annotations

import ctypes
import faulthandler
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from rhythmic_foley.audio.wav import read_wav, write_wav
from rhythmic_foley.errors import FoleyError
from rhythmic_foley.media.reading import mux, probe, read_audio, read_frames
from rhythmic_foley.runtime import isolation
from rhythmic_foley.runtime.isolation import Limits, decoder_call, isolate_readers, isolated, share_process


@isolated
def process_of(_path: Path) -> int:
    return os.getpid()


@isolated
def crash(_path: Path) -> None:
    faulthandler.disable()
    ctypes.string_at(0)


@isolated
def swallow(_path: Path) -> None:
    np.ones(10**10)


@isolated
def hang(_path: Path) -> None:
    with decoder_call():
        ctypes.CDLL(None).pause()


@isolated
def crash_after_two(_path: Path) -> Iterator[int]:
    yield 1
    yield 2
    crash(_path)


@isolated
def refuse(path: Path) -> None:
    raise FoleyError(f"{path.name} is none.")


@isolated
def fail(_path: Path) -> None:
    raise KeyError("x")


@pytest.fixture(scope="module", autouse=True)
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Children must find this file's functions."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(Path(__file__).parent), before)))
    assert isolate_readers()
    yield
    share_process()
    os.environ.pop("PYTHONPATH") if before is None else os.environ.update(PYTHONPATH=before)


def test_every_call_has_a_process() -> None:
    assert len({process_of(Path("a")), process_of(Path("a")), os.getpid()}) == 3


@pytest.mark.parametrize(
    ("work", "says"),
    [(crash, "bad.mp4 makes its decoder crash or hang; "), (swallow, "bad.mp4 takes too much memory")],
)
def test_a_crash_is_a_sentence(work, says: str) -> None:
    with pytest.raises(FoleyError, match=says):
        work(Path("/somewhere/bad.mp4"))
    assert process_of(Path("a")) != os.getpid()


def test_a_call_that_hangs_is_ended() -> None:
    share_process()
    isolate_readers(Limits(call_s=1))
    with pytest.raises(FoleyError, match="makes its decoder crash or hang"):
        hang(Path("bad.mp4"))


def test_items_come_until_it_crashes_and_nobody_waits_for_one_that_is_left(tmp_path: Path) -> None:
    items = crash_after_two(Path("bad.mp4"))
    assert [next(items), next(items)] == [1, 2]
    with pytest.raises(FoleyError):
        next(items)
    left = crash_after_two(Path("bad.mp4"))
    next(left)
    left.close()


def test_what_it_raises_is_raised_here() -> None:
    with pytest.raises(FoleyError, match=r"^a.mp4 is none\.$"):
        refuse(Path("a.mp4"))
    with pytest.raises(KeyError):
        fail(Path("a.mp4"))


def test_a_nursery_that_died_is_replaced() -> None:
    process_of(Path("a"))
    nursery = isolation._nursery
    os.kill(nursery._process.pid, signal.SIGKILL)
    nursery._process.wait()
    assert process_of(Path("a")) != os.getpid()


def test_readers_give_the_same_as_in_one_process(clip: Path, tmp_path: Path) -> None:
    wave = np.linspace(-0.5, 0.5, 48_000, dtype=np.float32)

    def everything(out: Path) -> list:
        out.mkdir()
        report = mux(clip, wave, 48_000, out / "out.mp4")
        write_wav(out / "out.wav", wave, 48_000)
        frames = [image for _, image in read_frames(clip, 8.0, (32, 24))]
        return [report, probe(clip), np.stack(frames), read_audio(out / "out.mp4", 16_000), *read_wav(out / "out.wav")]

    apart = everything(tmp_path / "apart")
    share_process()
    together = everything(tmp_path / "together")
    isolate_readers()
    for one, other in zip(apart, together, strict=True):
        np.testing.assert_array_equal(one, other)
