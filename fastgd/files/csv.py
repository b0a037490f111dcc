"""Read numbers from a CSV file; every error names the file, the line and the column."""

import csv
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from stat import S_ISREG
from typing import NoReturn

import numpy as np

from fastgd.files.lines import BOM, READ_BYTES, Lines, TableError
from fastgd.files.opening import check_state, name_errors, open_stream, state_of
from fastgd.inputs.arrays import Array
from fastgd.inputs.words import MOST_NAMES, printable, quote, quote_names

Row = tuple[int, list[str]]  # the number of its last line, and its cells


@dataclass(frozen=True, slots=True)
class CsvTable:
    """Named columns of finite numbers, in the order of the names."""

    names: list[str]
    values: Array

    def columns(self, names: list[str]) -> Array:
        """Return the columns with these names, in this order."""
        places = number_names(self.names)
        return self.values[:, [places[name] for name in names]]


def number_names(names: list[str]) -> dict[str, int]:
    """Return the place of each name in the list; a dict, because there may be millions of names."""
    return {name: k for k, name in enumerate(names)}


def read_csv(path: str | Path, required: list[str] | None = None) -> CsvTable:
    """Return the required columns of a comma-separated file whose first line names the columns; None requires all.

    Other columns may hold anything. Blank lines are allowed only at the end of the file, so row k of the file is row k
    of the table. A pipe is read as a file is.
    """
    path = os.fspath(path)
    with open_stream(path) as file, name_errors(path):
        state = state_of(file) if S_ISREG(os.fstat(file.fileno()).st_mode) else None
        table = read_table(Lines(path, file), required)
        if state is not None:
            check_state(path, file, state)
    return table


def read_table(lines: Lines, required: list[str] | None) -> CsvTable:
    """Return the required columns of all lines of a file."""
    names = read_names(lines)
    wanted = find_columns(lines.path, names, required)
    rows = [
        [read_cell(lines.path, line, names[j], cells[j]) for j in wanted]
        for line, cells in read_rows(lines, lines.next_block(READ_BYTES), len(names))
    ]
    if not rows:
        raise TableError(f"{printable(lines.path)}: expected rows below the column names; got none")
    return CsvTable([names[j] for j in wanted], np.array(rows))


def read_names(lines: Lines) -> list[str]:
    """Return the column names from the first line, or lines: a name in quotes may hold ends of lines."""
    block = lines.next_block(READ_BYTES).removeprefix(BOM)
    _, cells = next(split_rows(lines, block), (1, []))
    lines.stop()
    return check_header(lines.path, cells)


def read_rows(lines: Lines, block: bytes, n_columns: int) -> Iterator[Row]:
    """Yield the rows of a block, and those after it; refuse a row of the wrong length and a blank line before a row."""
    first_blank = 0
    for line, cells in split_rows(lines, block):
        if is_blank(cells):
            first_blank = first_blank or line
        elif first_blank:
            raise TableError(f"{printable(lines.path)}, line {first_blank}: expected a row; got an empty line")
        elif len(cells) != n_columns:
            expected = f"expected {n_columns} cells, as in line 1"
            raise TableError(f"{printable(lines.path)}, line {line}: {expected}; got {len(cells)}")
        else:
            yield line, cells


def split_rows(lines: Lines, block: bytes) -> Iterator[Row]:
    """Yield the cells of each row of a block, and those after it, blank lines included."""
    try:
        for cells in csv.reader(lines.read_on(block), strict=True):
            yield lines.number, cells
    except csv.Error as error:
        longest = f"expected cells of at most {csv.field_size_limit():,} characters; got a longer one"
        reason = longest if "field larger" in str(error) else error
        raise TableError(f"{printable(lines.path)}, line {lines.number}: {reason}") from error


def check_header(path: str | Path, cells: list[str]) -> list[str]:
    """Return the column names from the cells of the first line."""
    where = f"{printable(path)}, line 1"
    if is_blank(cells):
        raise TableError(f"{where}: expected column names; got an empty line")
    names = [cell.strip() for cell in cells]
    if "" in names:
        raise TableError(f"{where}: expected a name for every column; got none for column {names.index('') + 1}")
    if all(is_number(name) for name in names):
        raise TableError(f"{where}: expected column names; got the numbers {printable(', '.join(names[:MOST_NAMES]))}")
    if len(names) == 1 and (";" in names[0] or "\t" in names[0]):
        raise TableError(f"{where}: expected columns separated by commas; got the one column {quote(names[0])}")
    repeated = sorted(name for name, count in Counter(names).items() if count > 1)
    if repeated:
        raise TableError(f"{where}: expected different column names; got {quote(repeated[0])} more than once")
    return names


def find_columns(path: str | Path, names: list[str], required: list[str] | None) -> list[int]:
    """Return the positions of the required columns."""
    if required is None:
        return list(range(len(names)))
    places = number_names(names)
    for name in required:
        if name not in places:
            the_columns = f"the columns are {quote_names(names)}"
            raise TableError(f"{printable(path)}, line 1: no column {quote(name)}; {the_columns}")
    return [places[name] for name in required]


def is_blank(cells: list[str]) -> bool:
    """Return True if the cells come from a blank line; a line of just "" is not blank, it has one empty cell."""
    return not cells or (len(cells) == 1 and cells[0].isspace())


def read_cell(path: str | Path, line: int, name: str, cell: str) -> float:
    """Return the finite number in a cell of column `name`."""
    try:
        value = to_number(cell)
    except ValueError:
        refuse_cell(path, line, name, cell, "a number")
    if not isfinite(value):
        refuse_cell(path, line, name, cell, "a finite number")
    return value


def refuse_cell(path: str | Path, line: int, name: str, cell: str, expected: str) -> NoReturn:
    """Raise the error of a cell of column `name`."""
    got = quote(cell) if cell.strip() else "an empty cell"
    raise TableError(f"{printable(path)}, line {line}, column {quote(name)}: expected {expected}; got {got}")


def to_number(text: str) -> float:
    """Return the text as a float; refuse 1_000, which Python's float accepts."""
    if "_" in text:
        raise ValueError(text)
    return float(text)


def is_number(text: str) -> bool:
    """Return True if `to_number` accepts the text."""
    try:
        to_number(text)
    except ValueError:
        return False
    return True
