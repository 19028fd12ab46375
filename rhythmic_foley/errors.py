"""The one exception whose text is meant for the person using the program."""

from __future__ import annotations

import json
from typing import Any

# What Python raises where data has another shape than expected: text nested too deep, numbers too large for a float.
MALFORMED = (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError)


_LONGEST_QUOTE = 60


def quoted(text: str) -> str:
    """What a person wrote, as a sentence can repeat it: in one line, and not at any length."""
    return f'"{_short(text)}"'


def shown(value: Any) -> str:
    """A value as JSON writes it, as a sentence can repeat it."""
    return _short(json.dumps(value, ensure_ascii=False, default=repr))


def _short(text: str) -> str:
    # Half a letter, which JSON can hold, can be neither stored nor sent.
    line = " ".join(text.encode("utf-8", "backslashreplace").decode("utf-8").split())
    return line if len(line) <= _LONGEST_QUOTE else f"{line[:_LONGEST_QUOTE]} ..."


class FoleyError(Exception):
    """Something a person can act on, said in one sentence; the CLI and the app show exactly that sentence."""
