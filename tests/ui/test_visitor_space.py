"""Disk space of all visitors: old files go, the whole is bounded, a full disk is said without paths and keys."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path

import gradio as gr
import pytest
from ui.fake_studio import FakeStudio

from rhythmic_foley.errors import FoleyError
from rhythmic_foley.ui.api import Endpoints
from rhythmic_foley.ui.handlers import Handlers, Studios
from rhythmic_foley.ui.jobs import CALM, sentence_for_visitors
from rhythmic_foley.ui.sessions import Visits
from rhythmic_foley.ui.visitor_space import FULL, KEEP_S, NO_ROOM, VisitorSpace, upload_folder

HOUR_S = 3600


def leave(path: Path, size: int, idle_s: float) -> Path:
    """A folder with a file, last used some time ago; a bare file for a name with a dot."""
    file = path if path.suffix else path / "clip.mp4"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(bytes(size))
    then_s = time.time() - idle_s
    os.utime(path, (then_s, then_s))
    return path


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "gradio"))
    return tmp_path / "gradio"


def test_what_a_killed_run_left_goes_at_the_start_of_the_next(root: Path) -> None:
    old_visit = leave(root / "visits" / ("a" * 32), 10, KEEP_S + 60)
    old_upload = leave(root / ("b" * 64), 10, KEEP_S + 60)
    broken_off = leave(root / "half.tmp", 10, 0.5 * HOUR_S)
    new_upload = leave(root / ("c" * 64), 10, HOUR_S)
    under_way = leave(root / "upload.tmp", 10, 1)
    Handlers(FakeStudio()).visits.space.keep_tidy()
    end_s = time.monotonic() + 20
    while (old_visit.exists() or old_upload.exists() or broken_off.exists()) and time.monotonic() < end_s:
        time.sleep(0.01)
    assert not (old_visit.exists() or old_upload.exists() or broken_off.exists())
    assert new_upload.exists() and under_way.exists() and (root / "visits").is_dir()


def test_it_is_cleaned_on_a_clock(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rhythmic_foley.ui.visitor_space._EVERY_S", 0.02)
    VisitorSpace([root]).keep_tidy()
    time.sleep(0.1)
    late = leave(root / "late", 10, KEEP_S + 1)
    end_s = time.monotonic() + 20
    while late.exists() and time.monotonic() < end_s:
        time.sleep(0.01)
    assert not late.exists()


def test_the_oldest_goes_where_all_together_take_too_much(root: Path) -> None:
    kept = [leave(root / name, 400_000, hours * HOUR_S) for name, hours in (("new", 0.1), ("newer", 1.5))]
    gone = [leave(root / name, 400_000, hours * HOUR_S) for name, hours in (("old", 2), ("older", 3))]
    assert VisitorSpace([root], max_bytes=1_000_000).tidy() < 1_000_000
    assert all(path.exists() for path in kept) and not any(path.exists() for path in gone)


def test_what_is_in_use_stays_and_newcomers_are_told(root: Path) -> None:
    space = VisitorSpace([root], max_bytes=100_000)
    visits = Visits(root, space)
    key = visits.new()
    leave(visits.folder(key) / "take", 200_000, 0)
    for ask in (visits.new, lambda: visits.folder(key)):
        with pytest.raises(FoleyError, match=NO_ROOM):
            ask()
    assert visits.knows(key)
    assert not space.has_room()


def test_the_bound_can_be_set_and_never_exceeds_the_disk(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    leave(root / "visit", 3_000_000, 0)
    monkeypatch.setenv("RHYTHMIC_FOLEY_VISITS_GB", "0.002")
    assert not VisitorSpace([root]).has_room()
    monkeypatch.setenv("RHYTHMIC_FOLEY_VISITS_GB", "1")
    assert VisitorSpace([root]).has_room()
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 500_000})())
    assert not VisitorSpace([root]).has_room()


def test_uploads_lie_in_a_folder_of_this_app(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GRADIO_TEMP_DIR", raising=False)
    assert upload_folder().name.startswith("rhythmic-foley")
    assert os.environ["GRADIO_TEMP_DIR"] == str(upload_folder())


def test_no_path_and_no_key_reaches_a_visitor(root: Path) -> None:
    key = "0123456789abcdef" * 2
    denied = OSError(errno.EACCES, "Permission denied")
    for path in (root / "visits" / key / ".clip-seed1", Path("/srv/my data") / key, Path("/home/someone/.cache/x")):
        error = FoleyError(f"The take cannot be written to {path} ({denied.strerror}).")
        said = sentence_for_visitors(error)
        assert "Permission denied" in said
        assert key not in said and "/" not in said
    assert sentence_for_visitors(FoleyError("Use 24/7 and/or a.mp4.")) == "Use 24/7 and/or a.mp4."
    assert sentence_for_visitors(OSError(errno.EACCES, "Permission denied", str(root))) == CALM


def test_a_full_disk_is_said_so(clip: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = OSError(errno.ENOSPC, "No space left on device", str(root / "visits"))
    assert sentence_for_visitors(full) == FULL
    monkeypatch.setattr("rhythmic_foley.studio.takes.move_into_place", lambda *_: (_ for _ in ()).throw(full))
    with pytest.raises(gr.Error) as raised:
        list(Endpoints(Studios(FakeStudio()), Visits(root)).dub(str(clip), seed=3))
    assert raised.value.message == FULL
