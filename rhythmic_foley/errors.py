"""The one exception whose text is meant for the person using the program."""

from __future__ import annotations

# What Python raises where data has another shape than expected: text nested too deep, numbers too large for a float.
MALFORMED = (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError)


_LONGEST_QUOTE = 60


def quoted(text: str) -> str:
    """What a person wrote, as a sentence can repeat it: in one line, and not at any length."""
    line = " ".join(text.split())
    return f'"{line}"' if len(line) <= _LONGEST_QUOTE else f'"{line[:_LONGEST_QUOTE]} ..."'


class FoleyError(Exception):
    """Something a person can act on, said in one sentence; the CLI and the app show exactly that sentence."""
