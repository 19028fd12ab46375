"""Large models take turns."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest

from rhythmic_foley.runtime.memory import Memory, give_back


def test_another_kind_makes_room_and_the_same_kind_stays() -> None:
    memory, left = Memory(), []
    first, second, talker = object(), object(), object()
    memory.enter("sound", first, lambda: left.append("first"))
    memory.enter("sound", second, lambda: left.append("second"))
    memory.enter("sound", first, lambda: left.append("first"))
    assert left == []
    memory.enter("talker", talker, lambda: left.append("talker"))
    assert left == ["first", "second"]
    memory.enter("sound", first, lambda: left.append("first"))
    assert left == ["first", "second", "talker"]


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc alone can do it")
def test_what_was_freed_goes_back_to_the_machine() -> None:
    pieces = [bytes(1000) for _ in range(100_000)]
    last = bytes(1000)  # lies behind them, so that freeing them alone does not shrink the heap
    held_mib = resident_mib()
    del pieces
    give_back()
    assert resident_mib() < held_mib - 50
    assert len(last) == 1000


def resident_mib() -> float:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmRSS:")[1].split()[0]) / 1024
