"""The store on disk: keys, complete-or-absent entries, eviction, several processes."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from rhythmic_foley.runtime.cache import Cache, default_root, file_digest


@pytest.fixture
def cache(tmp_path) -> Cache:
    return Cache(tmp_path / "cache")


@dataclass(frozen=True)
class Point:
    x: float
    name: str = "p"


@dataclass(frozen=True)
class Other:
    x: float
    name: str = "p"


def _text(content: str):
    return lambda path: path.write_text(content)


def _fill(cache: Cache, name: str, size: int, age_s: float) -> Path:
    path = cache.put("mel", Cache.key(name), ".npz", lambda path: path.write_bytes(b"x" * size))
    used = time.time() - age_s
    os.utime(path, (used, used))
    return path


def _files(cache: Cache) -> set[Path]:
    return {path for path in cache.root.rglob("*") if path.is_file()}


def test_equal_parts_give_equal_keys():
    parts = ("a", b"b", 1, 2.5, None, True, (1, "x"), np.arange(3.0), Point(1.0), {"b": 1, "a": 2}, Path("f"))
    again = ("a", b"b", 1, 2.5, None, True, [1, "x"], np.arange(3.0), Point(1.0), {"a": 2, "b": 1}, "f")
    assert Cache.key(*parts) == Cache.key(*again)
    assert len(Cache.key()) == 64
    assert Cache.key(np.float64(0.5), np.int64(3)) == Cache.key(0.5, 3)
    assert Cache.key(np.arange(6).reshape(2, 3).T) == Cache.key(np.arange(6).reshape(2, 3).T.copy())


def test_different_parts_give_different_keys():
    array = np.arange(4, dtype=np.int32)
    parts = [
        (), ((),), ("",), ("", ""), ("ab", "c"), ("a", "bc"), ("abc",), (("a", "bc"),), (b"abc",), (1,), (1.0,),
        ("1",), (True,), ("True",), (None,), ("None",), (0.0,), (-0.0,), (array,), (array.reshape(2, 2),),
        (array.astype(np.int64),), (array.view(np.float32),), (Point(1.0),), (Point(2.0),), (Other(1.0),),
        (Point(1.0, "q"),), ({"x": 1.0, "name": "p"},),
    ]  # fmt: skip
    assert len({Cache.key(*part) for part in parts}) == len(parts)
    with pytest.raises(TypeError, match="object"):
        Cache.key(object())


def test_keys_do_not_change_between_processes():
    code = "from rhythmic_foley.runtime.cache import Cache; print(Cache.key('a', 1.5, {'b': (1, 2), 'a': None}))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == Cache.key("a", 1.5, {"b": (1, 2), "a": None})


def test_put_get_drop(cache):
    key = Cache.key("clip")
    assert cache.get("mel", key, ".txt") is None
    path = cache.put("mel", key, ".txt", _text("hello"))
    assert path == cache.get("mel", key, ".txt") == cache.path("mel", key, ".txt")
    assert path.read_text() == "hello" and path.suffix == ".txt"
    assert cache.get("mel", key, ".wav") is None and cache.get("wave", key, ".txt") is None
    cache.put("mel", key, ".txt", _text("new"))
    assert path.read_text() == "new"
    cache.drop("mel", key, ".txt")
    cache.drop("mel", key, ".txt")
    assert cache.get("mel", key, ".txt") is None


def test_the_writer_sees_the_suffix_and_a_failed_one_leaves_nothing(cache):
    def fail(path: Path) -> None:
        assert path.suffix == ".wav" and path.parent.is_dir()
        path.write_text("half")
        raise RuntimeError("disk on fire")

    with pytest.raises(RuntimeError, match="fire"):
        cache.put("wave", Cache.key("x"), ".wav", fail)
    assert not _files(cache)


def test_names_cannot_leave_the_folder(cache):
    for kind, key, suffix in (("..", "ab", ".x"), ("a/b", "ab", ".x"), ("a", "../ab", ".x"), ("a", "ab", "/../x")):
        with pytest.raises(ValueError, match="file name"):
            cache.path(kind, key, suffix)


def test_least_recently_used_go_first(tmp_path):
    cache = Cache(tmp_path)
    old, middle, new = (_fill(cache, name, 100, age_s) for name, age_s in (("old", 300), ("mid", 200), ("new", 100)))
    cache.get("mel", Cache.key("old"), ".npz")
    cache.max_bytes = 250
    assert cache.evict() == 100
    assert old.exists() and new.exists() and not middle.exists()


def test_unused_entries_go_after_their_time(tmp_path):
    cache = Cache(tmp_path, max_age_s=1000)
    old, new = _fill(cache, "old", 10, 1001), _fill(cache, "new", 10, 900)
    assert cache.evict() == 10
    assert new.exists() and not old.exists()


def test_put_keeps_the_whole_within_bounds_and_the_new_entry_alive(tmp_path):
    cache = Cache(tmp_path, max_bytes=1000)
    for number in range(50):
        _fill(cache, f"entry {number}", 100, 50 - number)
    assert sum(path.stat().st_size for path in _files(cache)) <= 1000 + 1000 // 16 + 100
    huge = cache.put("mel", Cache.key("huge"), ".npz", lambda path: path.write_bytes(b"x" * 5000))
    assert _files(cache) == {huge}


def test_files_of_dead_writers_go_and_of_living_ones_stay(cache):
    path = cache.put("mel", Cache.key("a"), ".npz", _text("x"))
    dead, living = path.with_name(".part-1.npz"), path.with_name(".part-2.npz")
    for file in (dead, living):
        file.write_text("y")
    os.utime(dead, (time.time() - 7200,) * 2)
    cache.evict()
    assert _files(cache) == {path, living}


def test_evict_without_a_folder(tmp_path):
    assert Cache(tmp_path / "never").evict() == 0


def test_several_processes_write_the_same_entry(tmp_path):
    """Readers see one writer's whole file at any moment, never a mixture and never half of one."""
    code = (
        "import sys; from pathlib import Path; from rhythmic_foley.runtime.cache import Cache\n"
        "cache = Cache(Path(sys.argv[1]), max_bytes=400_000)\n"
        "for n in range(30):\n"
        "    cache.put('k', 'aa', '.bin', lambda p: p.write_bytes(sys.argv[2].encode() * 100_000))\n"
        "    cache.put('k', Cache.key(sys.argv[2], n), '.bin', lambda p: p.write_bytes(b'z' * 50_000))\n"
    )
    writers = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path), letter]) for letter in "abc"]
    reader, seen = Cache(tmp_path), 0
    while any(writer.poll() is None for writer in writers):
        path = reader.get("k", "aa", ".bin")
        if path is not None:
            content = path.read_bytes()
            assert len(content) == 100_000 and len(set(content)) == 1
            seen += 1
        time.sleep(0.001)
    assert [writer.returncode for writer in writers] == [0, 0, 0]
    assert seen > 0
    assert not [path for path in tmp_path.rglob(".part-*")]


def test_default_root_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("RHYTHMIC_FOLEY_CACHE", str(tmp_path / "here"))
    assert default_root() == tmp_path / "here" == Cache().root
    monkeypatch.delenv("RHYTHMIC_FOLEY_CACHE")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_root() == tmp_path / "rhythmic-foley"
    assert not (tmp_path / "rhythmic-foley").exists()


def test_file_digest(tmp_path):
    (tmp_path / "f").write_bytes(b"abc" * 100_000)
    assert file_digest(tmp_path / "f") == hashlib.sha256(b"abc" * 100_000).hexdigest()
