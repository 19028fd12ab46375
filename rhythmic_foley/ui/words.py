"""What the page asks about words while somebody types: known sounds, and what the model does not understand."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rhythmic_foley.values.limits import MAX_TEXT

if TYPE_CHECKING:
    from rhythmic_foley.studio.studio import Studio

log = logging.getLogger(__name__)
N_COMPLETIONS = 8


def word_functions(studio: Studio) -> tuple[Callable[[str], Any], Callable[[str], Any]]:
    """`complete` and `check` for the table of sounds. They answer nothing where something goes wrong."""

    def complete(text: str) -> dict[str, list[str]]:
        try:
            return {"names": list(studio.wordbook.complete(_text(text), N_COMPLETIONS))}
        except Exception:
            log.exception("completing a word failed")
            return {"names": []}

    def check(text: str) -> list[dict[str, Any]]:
        try:
            return [asdict(note) for note in studio.check_text(_text(text))]
        except Exception:
            log.exception("checking words failed")
            return []

    return complete, check


def _text(text: Any) -> str:
    """What came from the browser, which may be anything."""
    return text[:MAX_TEXT] if isinstance(text, str) else ""
