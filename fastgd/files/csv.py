"""Read numbers from a CSV file; every error names the file, the line and the column."""

import csv
import io
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from math import isfinite
from pathlib import Path
from stat import S_ISREG
from typing import Any, NoReturn

import numpy as np

from fastgd.files.opening import check_state, open_stream, state_of
from fastgd.inputs.arrays import Array
from fastgd.inputs.words import MOST_NAMES, printable, quote, quote_names

# Characters of a line: enough for five million columns of 25 characters. A pipe may never send the end of a line.
LONGEST_LINE = 1 << 27


class TableError(ValueError):
    """A file does not hold the expected table; the message names the place."""


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
    with open_stream(path) as file:
        state = state_of(file) if S_ISREG(os.fstat(file.fileno()).st_mode) else None
        text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline="")
        table = read_table(path, iter(partial(text.readline, LONGEST_LINE + 1), ""), required)
        if state is not None:
            check_state(path, file, state)
    return table


def read_table(path: str | Path, text: Iterable[str], required: list[str] | None) -> CsvTable:
    """Return the required columns of the lines of a file."""
    reader = csv.reader(check_text(path, text), strict=True)
    lines = number_lines(path, reader)
    _, cells = next(lines, (1, []))
    names = check_header(path, cells)
    wanted = find_columns(path, names, required)
    rows = [
        [read_cell(path, line, names[j], cells[j]) for j in wanted]
        for line, cells in check_rows(path, lines, len(names))
    ]
    if not rows:
        raise TableError(f"{printable(path)}: expected rows below the column names; got none")
    return CsvTable([names[j] for j in wanted], np.array(rows))


def check_text(path: str | Path, lines: Iterable[str], first: int = 1) -> Iterator[str]:
    """Yield lines that were decoded with "surrogateescape"; refuse a line that is not UTF-8, or too long."""
    for number, line in enumerate(lines, first):
        if len(line) > LONGEST_LINE:
            refuse_line(path, number)
        if not line.isascii():
            try:
                line.encode()
            except UnicodeEncodeError as error:
                byte = ord(line[error.start]) - 0xDC00
                got = f"expected text in UTF-8; got the byte 0x{byte:02x}"
                raise TableError(f"{printable(path)}, line {number}: {got}") from None
        yield line


def refuse_line(path: str | Path, line: int) -> NoReturn:
    """Raise the error of a line that is too long."""
    expected = f"expected a line of at most {LONGEST_LINE:,} characters; got a longer one"
    raise TableError(f"{printable(path)}, line {line}: {expected}")


def number_lines(path: str | Path, reader: Any, before: int = 0) -> Iterator[tuple[int, list[str]]]:
    """Yield the cells of each row with the number of its last line; `before` lines stand before the reader's first."""
    try:
        for cells in reader:
            yield before + reader.line_num, cells
    except csv.Error as error:
        longest = f"expected cells of at most {csv.field_size_limit():,} characters; got a longer one"
        reason = longest if "field larger" in str(error) else error
        raise TableError(f"{printable(path)}, line {before + reader.line_num}: {reason}") from error


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


def check_rows(
    path: str | Path, rows: Iterable[tuple[int, list[str]]], n_columns: int
) -> Iterator[tuple[int, list[str]]]:
    """Yield line numbers and cells; refuse a row of the wrong length and a blank line before a row."""
    first_blank = 0
    for line, cells in rows:
        if is_blank(cells):
            first_blank = first_blank or line
        elif first_blank:
            raise TableError(f"{printable(path)}, line {first_blank}: expected a row; got an empty line")
        elif len(cells) != n_columns:
            expected = f"expected {n_columns} cells, as in line 1"
            raise TableError(f"{printable(path)}, line {line}: {expected}; got {len(cells)}")
        else:
            yield line, cells


def is_blank(cells: list[str]) -> bool:
    """Return True if the cells come from a blank line; a line of just "" is not blank, it has one empty cell."""
    return not cells or (len(cells) == 1 and cells[0].isspace())


def read_cell(path: str | Path, line: int, name: str, cell: str) -> float:
    """Return the finite number in a cell of column `name`."""
    try:
        value = to_number(cell)
        if isfinite(value):
            return value
        expected = "a finite number"
    except ValueError:
        expected = "a number"
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
