"""CSV files, read block by block."""

import csv
import re
from collections.abc import Iterator
from functools import partial
from typing import Any, NoReturn

from fastgd.files.csv import TableError, check_header, check_text
from fastgd.inputs.words import quote
from fastgd.streaming.columns import Columns, Head, check_boundary, import_pyarrow
from fastgd.streaming.source import Batch

NUMBER = "number"  # the type of every column, before its cells are read
BLOCK_BYTES = 1 << 23  # the size of a block of text


def read_head(path: str) -> Head:
    """Return the description of a file: its column names."""
    import_pyarrow("csv")
    with open(path, encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        lines = csv.reader(check_text(path, file), strict=True)
        try:
            names = check_header(path, next(lines, []))
        except csv.Error as error:
            raise TableError(f"{path}, line 1: {error}") from error
    return Head(path, dict.fromkeys(names, NUMBER), frozenset(names))


def identify_reader(_: Columns) -> dict[str, Any]:
    """Return the settings that decide where batches end; a checkpoint must have been made with the same ones."""
    return {"bytes of a block": BLOCK_BYTES, "pyarrow": import_pyarrow("csv").__version__}


def read_batches(head: Head, columns: Columns, file: int, seen: int) -> Iterator[Batch]:
    """Yield the batches after the first `seen` rows."""
    row = 0
    for rows in read_blocks(head, columns):
        check_boundary(head.path, row, seen, rows.num_rows)
        if row >= seen and rows.num_rows:
            arrays = [rows.column(name).to_numpy(zero_copy_only=False) for name in columns.names]
            where = f"{head.path}, rows {row + 1} to {row + rows.num_rows} below the column names"
            yield columns.make_batch(arrays, file, where, partial(describe_file_row, head.path, row + 1))
        row += rows.num_rows


def read_blocks(head: Head, columns: Columns, threads: bool = True) -> Iterator[Any]:
    """Yield blocks of rows, as pyarrow reads them."""
    pa = import_pyarrow("csv")
    try:
        with pa.csv.open_csv(
            head.path,
            read_options=pa.csv.ReadOptions(
                column_names=list(head.types), skip_rows=1, block_size=BLOCK_BYTES, use_threads=threads
            ),
            convert_options=pa.csv.ConvertOptions(
                include_columns=columns.names, column_types=dict.fromkeys(columns.names, pa.float64())
            ),
        ) as blocks:
            yield from blocks
    except (OSError, pa.ArrowException) as error:
        raise_with_place(head, columns, error, threads)


def raise_with_place(head: Head, columns: Columns, error: Exception, threads: bool) -> NoReturn:
    """Raise the error with its line and column; pyarrow names the line only without threads, so read again."""
    if threads:
        for _ in read_blocks(head, columns, threads=False):
            pass
    reason = re.sub(r"^(CSV parse error|In CSV column)[:\s]*", "", str(error))
    found = re.match(r"#(?P<column>\d+): (Row #(?P<line>\d+): )?(?P<rest>.*)", reason, re.DOTALL)
    if found is None:
        raise TableError(f"{head.path}, {reason.replace('Row #', 'line ', 1)}") from error
    line = f", line {found['line']}" if found["line"] else ""
    name = list(head.types)[int(found["column"])]
    raise TableError(f"{head.path}{line}, column {quote(name)}: expected a number; {found['rest']}") from error


def describe_file_row(path: str, start: int, row: int) -> str:
    """Return the place of a row of the batch that begins at row `start`, in words."""
    return f"{path}, row {start + row} below the column names"
