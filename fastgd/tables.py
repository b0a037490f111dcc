"""Reading numbers from a CSV file, with errors that name file, line and column."""

import csv
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

import numpy as np

from fastgd.arrays import Array


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
    with open(path, encoding="utf-8-sig", newline="") as file:
        lines = csv.reader(file, strict=True)
        try:
            names = check_header(path, next(lines, None))
            wanted = find_columns(path, names, required)
            rows = [
                [parse(path, lines.line_num, names[j], cells[j]) for j in wanted]
                for cells in lines
                if check_length(path, lines.line_num, names, cells)
            ]
        except UnicodeDecodeError as error:
            raise TableError(f"{path}: expected text in UTF-8; {error}") from error
        except csv.Error as error:
            raise TableError(f"{path}, line {lines.line_num}: {error}") from error
    if not rows:
        raise TableError(f"{path}: expected rows below the column names; got none")
    return Table([names[j] for j in wanted], np.array(rows))


def check_header(path: str | Path, cells: list[str] | None) -> list[str]:
    """Return the column names of the first line."""
    if not cells:
        raise TableError(f"{path}, line 1: expected column names; got an empty line")
    names = [cell.strip() for cell in cells]
    if all(is_number(name) for name in names):
        raise TableError(f"{path}, line 1: expected column names; got the numbers {', '.join(names)}")
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise TableError(f"{path}, line 1: expected different column names; got {repeated[0]!r} more than once")
    return names


def find_columns(path: str | Path, names: list[str], required: list[str] | None) -> list[int]:
    """Return where the required columns stand."""
    for name in required or []:
        if name not in names:
            raise TableError(f"{path}, line 1: no column {name!r}; the columns are {', '.join(map(repr, names))}")
    return [names.index(name) for name in required] if required else list(range(len(names)))


def check_length(path: str | Path, line: int, names: list[str], cells: list[str]) -> bool:
    """Tell whether a line is a row, since blank ones are passed over; refuse one of the wrong length."""
    if cells and len(cells) != len(names):
        raise TableError(f"{path}, line {line}: expected {len(names)} cells, as in line 1; got {len(cells)}")
    return bool(cells)


def parse(path: str | Path, line: int, name: str, cell: str) -> float:
    """Return the number in a cell."""
    try:
        value = float(cell)
    except ValueError:
        got = repr(cell) if cell.strip() else "an empty cell"
        raise TableError(f"{path}, line {line}, column {name!r}: expected a number; got {got}") from None
    if not isfinite(value):
        raise TableError(f"{path}, line {line}, column {name!r}: expected a finite number; got {cell!r}")
    return value


def is_number(text: str) -> bool:
    """Tell whether a text reads as a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True
