"""The names of the 521 kinds of sound that YAMNet knows (AudioSet)."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path


@lru_cache
def yamnet_classes() -> tuple[str, ...]:
    """The 521 names of YAMNet's classes in the order of its scores."""
    text = Path(__file__).with_name("yamnet_classes.txt").read_text(encoding="utf-8")
    return tuple(text.splitlines())
