"""Lists of times as people type them, whose commas separate times or stand for the decimal point."""

from __future__ import annotations

import re

from rhythmic_foley.errors import FoleyError, quoted

_SEPARATOR = re.compile(r"\s*[;\n]\s*|\s*,\s+|\s+,\s*|\s+|^,|,$")
_DIGITS = re.compile(r"[\d:,@s]+")
_DECIMAL_COMMA = re.compile(r"(?:\d+:)?\d*,\d+s?(?:@\d+(?:,\d+)?)?")


def split_times(text: str) -> list[str]:
    """The times of a list, each with a decimal point, not yet checked.

    A comma beside a space separates. Of the others, "0.5,1.2" and "1,2,3" hold separators, "0,8 1,6" and "0,8; 2"
    decimal commas.

    Raises:
        FoleyError: if a comma may be either, as in "0,8" alone.
    """
    pieces = [piece.strip(",") for piece in _SEPARATOR.split(text.strip()) if piece.strip(",")]
    unclear = [piece for piece in pieces if "," in piece and "." not in piece]
    if not unclear:
        return [part for piece in pieces for part in piece.split(",") if part]
    if _decimal(pieces, semicolons=";" in text):
        return [piece.replace(",", ".") for piece in pieces]
    if len(pieces) == 1 and _ascending_integers(pieces[0]):
        return pieces[0].split(",")
    if not _DIGITS.fullmatch(unclear[0]):  # whatever it is, it is no time
        return [part for piece in pieces for part in piece.split(",") if part]
    raise FoleyError(
        f"The comma in {quoted(unclear[0])} may separate two times or stand for a decimal point; "
        "write times like 0.5, 1.25, 2."
    )


def _decimal(pieces: list[str], *, semicolons: bool) -> bool:
    """Whether all commas within pieces are decimal ones: there are two such pieces, or semicolons separate."""
    with_comma = [piece for piece in pieces if "," in piece]
    return (
        not any("." in piece for piece in pieces)
        and all(map(_DECIMAL_COMMA.fullmatch, with_comma))
        and (len(with_comma) > 1 or semicolons)
    )


def _ascending_integers(piece: str) -> bool:
    """Whether a piece reads as three or more whole seconds in order, such as 1,2,3."""
    parts = piece.split(",")
    if len(parts) < 3 or not all(part.isdecimal() and len(part) < 7 for part in parts):
        return False
    numbers = [int(part) for part in parts]
    return all(earlier < later for earlier, later in zip(numbers, numbers[1:], strict=False))
