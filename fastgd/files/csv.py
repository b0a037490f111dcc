"""Read numbers from a CSV file; every error names the file, the line and the column."""

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG

import numpy as np

from fastgd.files.cells import describe_unnamed, read_names
from fastgd.files.csv_blocks import number_names, read_blocks
from fastgd.files.decoding import open_lines
from fastgd.files.dialect import PLAIN, Dialect
from fastgd.files.lines import TableError
from fastgd.files.opening import check_state, name_errors, open_stream, state_of
from fastgd.inputs.arrays import Array
from fastgd.inputs.callers import warn_caller
from fastgd.inputs.words import printable, quote, quote_names


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
    values = [np.column_stack(arrays) if arrays else np.empty((0, 0)) for _, arrays in parts]
    return CsvTable(parts[0][0], np.concatenate(values))


def read_parts(
    path: str | Path,
    required: list[str] | None = None,
    dialect: Dialect = PLAIN,
    *,
    gaps: bool = False,
    text: Collection[str] = (),
) -> Iterator[tuple[list[str], list[Array]]]:
    """Yield the names and the required columns, part by part, as `read_csv` returns them.

    If `gaps` is true, cells without a value are NaN. Columns of `text` are arrays of objects.
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
        for arrays in read_blocks(lines, names, wanted, gaps=gaps, text=text):
            empty = False
            yield wanted, arrays
        if state is not None:
            check_state(path, file, state)
        if empty and wanted:
            raise TableError(f"{printable(path)}: expected rows below the column names; got none")
        if empty:
            yield wanted, []


def check_columns(path: str | Path, names: list[str], required: list[str]) -> None:
    """Refuse a file without one of the required columns."""
    known = set(names)  # there may be millions
    for name in required:
        if name not in known:
            the_columns = f"the columns are {quote_names(names)}"
            raise TableError(f"{printable(path)}, line 1: no column {quote(name)}; {the_columns}")
