"""Name a recording by its file and folder."""

from __future__ import annotations

import re
from pathlib import Path

# Words in file names that say nothing about what sounds.
_EMPTY = frozenset(
    "audio sound sounds sfx fx wav wave rec recording recorded track take tk mono stereo final mix master edit copy "
    "new old untitled file zoom sample samples khz hz bit left right vol version the of and clip loop my field".split()
)
_LONGEST = 12  # words; a sentence of a name says no more


def names_of(path: Path, root: Path) -> tuple[str, ...]:
    """What a recording is called, most exact first: by its file, and by its folder and file together.

    "Doors/WoodenDoor_Slam-03.wav" gives "wooden door slam" and "doors wooden door slam". A file whose name says
    nothing ("ZOOM0012.wav") is called as its folder; the answer is empty where that says nothing either.

    Args:
        root: the library's folder; folders above it do not count, but its own name does.
    """
    own = plain_words(path.stem)
    parent = path.parent.name if path.parent != root else root.name
    folder = plain_words(parent)
    names = (own, f"{folder} {own}" if folder and folder != own else "") if own else (folder,)
    return tuple(name for name in names if name)


def plain_words(text: str) -> str:
    """Lower-case words of a name, without numbers, signs and words that say nothing."""
    text = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", text)
    words = re.findall(r"[^\W\d_]+", text)
    words = [word.lower() for word in words]
    return " ".join([word for word in words if len(word) > 1 and word not in _EMPTY][:_LONGEST])
