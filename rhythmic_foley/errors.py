"""The one exception whose text is meant for the person using the program."""

from __future__ import annotations


class FoleyError(Exception):
    """Something a person can act on, said in one sentence; the CLI and the app show exactly that sentence."""
