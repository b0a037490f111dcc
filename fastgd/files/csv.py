"""Read numbers from a CSV file; every error names the file, the line and the column."""

import os
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG

import numpy as np

from fastgd.files.cells import describe_unnamed, read_names
from fastgd.files.csv_blocks import Block, number_names, read_blocks
from fastgd.files.decoding import open_lines
from fastgd.files.dialect import PLAIN, Dialect
from fastgd.files.lines import TableError
from fastgd.files.opening import check_state, name_errors, open_stream, state_of
from fastgd.inputs.arrays import Array
from fastgd.inputs.callers import warn_caller
from fastgd.inputs.words import printable, quote, quote_names

NO_ROWS = "expected rows; got none"


@dataclass(frozen=True, slots=True)
class CsvTable:
    """Named columns of finite numbers, in the order of the names."""

    names: list[str]
    values: Array

    def columns(self, names: list[str]) -> Array:
        """Return the columns with these names, in this order."""
        places = number_names(self.names)
        return self.values[:, [places[name] for name in names]]


def read_csv(path: str | Path, required: list[str] | None = None, dialect: Dialect = PLAIN) -> CsvTable:
    """Return the required columns of a file whose first line names the columns; None requires all that have a name.

    Other columns may hold anything. Blank lines are allowed only at the end of the file, so row k of the file is row k
    of the table. A pipe is read as a file is, and the path "-" is standard input.
    """
    parts = list(read_parts(path, required, dialect))
    names = parts[0][0]
    values = np.concatenate([np.column_stack(block.arrays) if names else np.empty((0, 0)) for _, block in parts])
    if names and not len(values):
        raise TableError(f"{printable(path)}: {NO_ROWS}")
    return CsvTable(names, values)


def read_parts(
    path: str | Path,
    required: list[str] | None = None,
    dialect: Dialect = PLAIN,
    *,
    gaps: bool = False,
    text: Collection[str] = (),
) -> Iterator[tuple[list[str], Block]]:
    """Yield the names and the required columns, part by part, as `read_csv` returns them.

    If `gaps` is true, cells without a value are NaN. Columns of `text` are arrays of objects. A file without rows has
    one part without rows.
    """
    path = os.fspath(path)
    with open_stream(path) as file, name_errors(path):
        state = state_of(file) if S_ISREG(os.fstat(file.fileno()).st_mode) else None
        lines = open_lines(path, file, dialect)
        names = read_names(lines)
        wanted = [name for name in names if name] if required is None else required
        check_columns(lines.path, names, wanted)
        if required is None and "" in names:
            warn_caller(UserWarning(describe_unnamed(path)))
        empty = True
        for block in read_blocks(lines, names, wanted, gaps=gaps, text=text):
            empty = False
            yield wanted, block
        if state is not None:
            check_state(path, file, state)
        if empty:
            yield wanted, Block([np.empty(0) for _ in wanted], [])


def check_columns(path: str | Path, names: Iterable[str], required: Iterable[str]) -> None:
    """Refuse a file without one of the required columns."""
    known = dict.fromkeys(names)  # there may be millions
    for name in required:
        if name not in known:
            listed = quote_names([name for name in known if name])
            raise TableError(f"{printable(path)}: no column {quote(name)}; the columns are {listed}")
