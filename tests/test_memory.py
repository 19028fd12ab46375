"""Large models take turns."""

from __future__ import annotations

from rhythmic_foley.memory import Memory


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
