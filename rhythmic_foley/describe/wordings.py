"""The captions that the sound model has learnt, and other wordings of each: `wordings.csv`."""

from __future__ import annotations

import csv
from functools import cache
from importlib import resources


@cache
def read_wordings() -> dict[str, tuple[str, ...]]:
    """Caption -> its other wordings. The last one of each is kept for evaluation and never trained on."""
    found: dict[str, tuple[str, ...]] = {}
    text = resources.files("rhythmic_foley.describe").joinpath("wordings.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(text.splitlines()):
        found[row["caption"]] = (*found.get(row["caption"], ()), row["wording"])
    return found
