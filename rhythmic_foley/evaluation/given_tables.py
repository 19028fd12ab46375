"""Tables that a person gives an evaluation: which clips, what they show, how they may be judged."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rhythmic_foley.runtime.text_files import read_text
from rhythmic_foley.values.tables import Row, columns_of, read_table

_MAX_MB = 100


def read_rows(path: str | Path, needed: Sequence[str]) -> list[Row]:
    """The rows of a CSV file, with commas, semicolons or tabs.

    Args:
        needed: columns that must be there, in lower case.

    Raises:
        FoleyError: if there is no such table; what is wrong in it is named by row and column.
    """
    return read_table(read_text(path, _MAX_MB), needed, Path(path).name)


def read_descriptions(path: str | Path) -> dict[str, str]:
    """What is to be heard in each clip: the column caption, or class_guess where there is none.

    Args:
        path: a table whose column clip holds names of clips, with or without their ending.

    Raises:
        FoleyError: as `read_rows`, and for a clip without a description.
    """
    text = read_text(path, _MAX_MB)
    column = "caption" if "caption" in columns_of(text) or "class_guess" not in columns_of(text) else "class_guess"
    return {row.text("clip"): row.text(column) for row in read_table(text, ("clip", column), Path(path).name)}
