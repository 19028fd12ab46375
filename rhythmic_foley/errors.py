"""The one exception whose text is meant for the person using the program."""

from __future__ import annotations

# What Python raises where data has another shape than expected: text nested too deep, numbers too large for a float.
MALFORMED = (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError)


class FoleyError(Exception):
    """Something a person can act on, said in one sentence; the CLI and the app show exactly that sentence."""
