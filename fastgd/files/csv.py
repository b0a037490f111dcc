"""Reading numbers from a CSV file, with errors that name file, line and column."""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

import numpy as np

from fastgd.inputs.arrays import Array

LONGEST_QUOTE = 40  # characters of a cell in a message
MOST_NAMES = 20  # columns listed in a message


class TableError(ValueError):
    """A file that is not the table it should be; the message says where."""


@dataclass(frozen=True, slots=True)
class Table:
    """Named columns of finite numbers.

    Attributes
    ----------
    names : list of str
        The columns, in the order of the file.
    values : ndarray of shape (n_rows, n_columns), float64
        The numbers.
    """

    names: list[str]
    values: Array

    def columns(self, names: list[str]) -> Array:
        """Return the columns of these names, in this order."""
        return self.values[:, [self.names.index(name) for name in names]]


def read_csv(path: str | Path, required: list[str] | None = None) -> Table:
    """Read a comma-separated file whose first line names the columns.

    Blank lines may stand at the end only: none is lost between two rows, so row k of the file is row k of the table.

    Parameters
    ----------
    path : str or Path
        The file, in UTF-8.
    required : list of str or None
        The columns to read; others may then hold anything. None reads all of them.

    Raises
    ------
    TableError
        If the file has no header or no rows, lacks a column, or a cell is not a finite number.
    OSError
        If the file cannot be read.
    """
    with open(path, encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        lines = csv.reader(check_text(path, file), strict=True)
        try:
            names = check_header(path, next(lines, []))
            wanted = find_columns(path, names, required)
            numbered = ((lines.line_num, cells) for cells in lines)
            rows = [
                [parse(path, line, names[j], cells[j]) for j in wanted]
                for line, cells in check_rows(path, numbered, names)
            ]
        except csv.Error as error:
            raise TableError(f"{path}, line {lines.line_num}: {error}") from error
    if not rows:
        raise TableError(f"{path}: expected rows below the column names; got none")
    return Table([names[j] for j in wanted], np.array(rows))


def check_text(path: str | Path, lines: Iterable[str]) -> Iterator[str]:
    """Yield lines that were decoded with "surrogateescape"; refuse one that was not UTF-8."""
    for number, line in enumerate(lines, 1):
        try:
            line.encode()
        except UnicodeEncodeError as error:
            byte = ord(line[error.start]) - 0xDC00
            raise TableError(f"{path}, line {number}: expected text in UTF-8; got the byte 0x{byte:02x}") from None
        yield line


def check_header(path: str | Path, cells: list[str]) -> list[str]:
    """Return the column names of the first line."""
    where = f"{path}, line 1"
    if is_blank(cells):
        raise TableError(f"{where}: expected column names; got an empty line")
    names = [cell.strip() for cell in cells]
    if "" in names:
        raise TableError(f"{where}: expected a name for every column; got none for column {names.index('') + 1}")
    if all(is_number(name) for name in names):
        raise TableError(f"{where}: expected column names; got the numbers {shorten(', '.join(names))}")
    if len(names) == 1 and (";" in names[0] or "\t" in names[0]):
        raise TableError(f"{where}: expected columns separated by commas; got the one column {quote(names[0])}")
    repeated = sorted({name for name, count in Counter(names).items() if count > 1})
    if repeated:
        raise TableError(f"{where}: expected different column names; got {quote(repeated[0])} more than once")
    return names


def find_columns(path: str | Path, names: list[str], required: list[str] | None) -> list[int]:
    """Return where the required columns stand."""
    if required is None:
        return list(range(len(names)))
    for name in required:
        if name not in names:
            raise TableError(f"{path}, line 1: no column {quote(name)}; the columns are {list_names(names)}")
    return [names.index(name) for name in required]


def check_rows(
    path: str | Path, rows: Iterable[tuple[int, list[str]]], names: list[str]
) -> Iterator[tuple[int, list[str]]]:
    """Yield line numbers and cells; refuse a row of the wrong length, and a blank line that a row comes after."""
    blank = 0
    for line, cells in rows:
        if is_blank(cells):
            blank = blank or line
        elif blank:
            raise TableError(f"{path}, line {blank}: expected a row; got an empty line")
        elif len(cells) != len(names):
            raise TableError(f"{path}, line {line}: expected {len(names)} cells, as in line 1; got {len(cells)}")
        else:
            yield line, cells


def is_blank(cells: list[str]) -> bool:
    """Tell whether the cells are those of a blank line. One of just "" is none: its one cell is empty."""
    return not cells or (len(cells) == 1 and cells[0].isspace())


def parse(path: str | Path, line: int, name: str, cell: str) -> float:
    """Return the number in a cell."""
    try:
        value = to_number(cell)
        if isfinite(value):
            return value
        expected = "a finite number"
    except ValueError:
        expected = "a number"
    got = quote(cell) if cell.strip() else "an empty cell"
    raise TableError(f"{path}, line {line}, column {quote(name)}: expected {expected}; got {got}")


def to_number(text: str) -> float:
    """Return the number that a text reads as; unlike in Python's own code, 1_000 is none."""
    if "_" in text:
        raise ValueError(text)
    return float(text)


def is_number(text: str) -> bool:
    """Tell whether a text reads as a number."""
    try:
        to_number(text)
    except ValueError:
        return False
    return True


def quote(text: str) -> str:
    """Return a text in quotes for a message, shortened."""
    return repr(shorten(text))


def shorten(text: str) -> str:
    """Return the beginning of a long text, and an ellipsis."""
    return text if len(text) <= LONGEST_QUOTE else f"{text[:LONGEST_QUOTE]}…"


def list_names(names: Sequence[str]) -> str:
    """Return column names for a message."""
    more = f", … and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(map(quote, names[:MOST_NAMES])) + more
