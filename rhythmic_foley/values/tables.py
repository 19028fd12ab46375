"""Tables as people and their programs write them: commas, semicolons or tabs, quotes, decimal commas."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass

from rhythmic_foley.errors import FoleyError, quoted
from rhythmic_foley.values.seconds import parse_time

_DELIMITERS = ",;\t"


@dataclass(frozen=True)
class Row:
    """One row of a table.

    Attributes:
        number: as a spreadsheet counts; the header is row 1.
        table: what sentences call the table.
        cells: by the column's name, without spaces around them.
    """

    number: int
    table: str
    cells: dict[str, str]

    def text(self, column: str) -> str:
        """A cell that must not be empty.

        Raises:
            FoleyError: if it is.
        """
        if not self.cells[column]:
            raise self.wrong(column, "is empty")
        return self.cells[column]

    def number_in(self, column: str, default: float | None = None) -> float:
        """A cell's number, with a decimal point or comma, perhaps with minutes as in 1:02.5.

        Args:
            default: of a cell that is empty or not there.

        Raises:
            FoleyError: if there is no such number.
        """
        cell = self.cells.get(column, "")
        if not cell and default is not None:
            return default
        value = parse_time(cell)
        if value is None:
            raise self.wrong(column, f"is not a number: {quoted(cell)}")
        return value

    def numbers(self, column: str) -> list[float]:
        """The numbers of a cell, with spaces between.

        Raises:
            FoleyError: if one of them is none.
        """
        values = [parse_time(word) for word in self.cells[column].split()]
        if None in values:
            raise self.wrong(column, f"does not hold numbers: {quoted(self.cells[column])}")
        return [value for value in values if value is not None]

    def wrong(self, column: str, what: str) -> FoleyError:
        """A sentence that names the cell."""
        return FoleyError(f"{self.table}: row {self.number}, column {column}, {what}.")


def delimiter_of(header: str) -> str:
    """What separates the cells of a table's first line: comma, semicolon or tab, whichever is most frequent."""
    return max(_DELIMITERS, key=header.count)


def columns_of(text: str) -> tuple[str, ...]:
    """Names of the columns in a text's first line; one name if that line is no header."""
    header = text.lstrip("\ufeff\r\n ").split("\n", 1)[0]
    return tuple(cell.strip().strip('"').lower() for cell in header.split(delimiter_of(header)))


def read_table(text: str, needed: Sequence[str], name: str) -> list[Row]:
    """The rows below the header; empty ones are left out.

    Args:
        needed: names of columns that must be there, in lower case.
        name: what sentences call the table, such as its file's name.

    Raises:
        FoleyError: if a column is missing, or a row has another number of cells than the header.
    """
    lines = text.removeprefix("\ufeff").splitlines(keepends=True)
    reader = csv.reader(lines, delimiter=delimiter_of(lines[0] if lines else ""), strict=True)
    header: list[str] | None = None
    rows = []
    try:
        for number, cells in enumerate(reader, start=1):
            cells = [cell.strip() for cell in cells]
            if header is None:
                header = [cell.lower() for cell in cells]
                _check_header(header, needed, name)
            elif any(cells):
                _check_length(cells, header, name, number)
                rows.append(Row(number, name, dict(zip(header, cells, strict=False))))
    except csv.Error as error:
        raise FoleyError(f"{name}: line {reader.line_num} is not a row of a table ({error}).") from None
    if header is None:
        raise FoleyError(f"{name} is empty; it needs a header with {' and '.join(needed)}.")
    return rows


def _check_header(header: Sequence[str], needed: Sequence[str], name: str) -> None:
    missing = [column for column in needed if column not in header]
    if missing:
        raise FoleyError(f"{name}: row 1, the header, has no column {missing[0]}; it needs {' and '.join(needed)}.")


def _check_length(cells: Sequence[str], header: Sequence[str], name: str, number: int) -> None:
    if len(cells) < len(header):
        raise FoleyError(f"{name}: row {number} has nothing in column {header[len(cells)]}.")
    if any(cells[len(header) :]):
        raise FoleyError(
            f"{name}: row {number} has {len(cells)} cells for {len(header)} columns, {quoted(cells[len(header)])} is "
            "too much; put quotes around text that holds a comma."
        )
