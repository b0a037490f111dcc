"""Parquet files, read row group by row group."""

from collections.abc import Iterator
from functools import partial
from typing import Any, BinaryIO

import numpy as np

from fastgd.files.arrow import read_numbers
from fastgd.files.dialect import PLAIN, Dialect
from fastgd.files.lines import TableError
from fastgd.files.opening import open_regular, open_unchanged, state_of
from fastgd.inputs.arrays import Array
from fastgd.inputs.tables import is_arrow_number
from fastgd.inputs.words import printable, quote
from fastgd.streaming.columns import Columns, Head, check_boundary, import_pyarrow
from fastgd.streaming.source import Batch


def read_head(path: str, dialect: Dialect) -> Head:
    """Return the description of a file, from its footer; refuse a dialect, which only CSV has."""
    check_plain(path, dialect)
    pa = import_pyarrow("parquet")
    with open_regular(path) as opened:
        state = state_of(opened)
        try:
            with pa.parquet.ParquetFile(opened) as file:
                fields = [(field.name, field.type) for field in file.schema_arrow]
                index = find_index(file.schema_arrow)
                groups = tuple(file.metadata.row_group(k).num_rows for k in range(file.num_row_groups))
        except (OSError, pa.ArrowException) as error:
            raise TableError(f"{printable(path)}: expected a Parquet file; {printable(error)}") from error
    types = {name: str(kind) for name, kind in fields}
    if len(types) < len(fields):
        raise TableError(f"{printable(path)}: expected different column names; two columns share one")
    numeric = frozenset(name for name, kind in fields if is_arrow_number(kind))
    return Head(path, types, numeric, state, sum(groups), groups, index=index & types.keys())


def check_plain(path: str, dialect: Dialect) -> None:
    """Refuse a dialect for a Parquet file: nothing would come of it."""
    for name in ("delimiter", "decimal", "encoding"):
        got = getattr(dialect, name)
        if got != getattr(PLAIN, name):
            raise ValueError(f"{name} must be left out for Parquet files, {printable(path)} here; got {quote(got)}")


def find_index(schema: Any) -> frozenset[str]:
    """Return the columns that hold the index of the pandas frame that was saved."""
    try:
        columns = (schema.pandas_metadata or {}).get("index_columns", [])
    except ValueError:  # no JSON
        return frozenset()
    return frozenset(name for name in columns if isinstance(name, str))  # a dict describes an index without a column


def identify_reader(columns: Columns) -> dict[str, Any]:
    """Return the settings that decide where batches end; a checkpoint must have been made with the same ones."""
    return {"rows of a batch": columns.batch_rows, "pyarrow": import_pyarrow("parquet").__version__}


def read_batches(head: Head, columns: Columns, file: int, seen: int) -> Iterator[Batch]:
    """Yield the batches after the first `seen` rows; each lies in one row group."""
    pa = import_pyarrow("parquet")
    with open_unchanged(head.path, head.state) as opened:
        yield from read_groups(pa, opened, head, columns, file, seen)


def read_groups(pa: Any, opened: BinaryIO, head: Head, columns: Columns, file: int, seen: int) -> Iterator[Batch]:
    """Yield the batches of all row groups after the first `seen` rows."""
    group, row = 0, 0
    try:
        with pa.parquet.ParquetFile(opened, page_checksum_verification=True) as content:
            for group, rows in enumerate(head.groups):
                if seen >= rows:
                    seen -= rows
                    continue
                row = 0
                wanted = head.names_in_file(columns.names)
                for batch in content.iter_batches(columns.batch_rows, row_groups=[group], columns=wanted):
                    check_boundary(head.path, row, seen, batch.num_rows)
                    if row >= seen:
                        yield make_batch(pa, head, batch, columns, file, (group, row))
                    row += batch.num_rows
                seen = 0
    except (OSError, pa.ArrowException) as error:
        place = f"{printable(head.path)}, row group {group}, from row {row} on"
        raise TableError(f"{place}: cannot be read; {printable(error)}") from error


def make_batch(pa: Any, head: Head, rows: Any, columns: Columns, file: int, place: tuple[int, int]) -> Batch:
    """Return the batch of rows that pyarrow has read; `place` is their row group and their first row in it."""
    names = head.names_in_file(columns.names)
    found = [to_array(pa, rows.column(name), text=name in columns.levels) for name in names]
    arrays, path = head.fill(columns.names, found, rows.num_rows), head.path
    group, start = place
    where = f"{printable(path)}, row group {group}, rows {start} to {start + rows.num_rows - 1} (counted from 0)"
    return columns.make_batch(arrays, file, where, partial(describe_file_row, path, group, start))


def read_labels(head: Head, names: list[str]) -> Iterator[list[Array]]:
    """Yield columns of text, row group by row group."""
    wanted, columns = head.names_in_file(names), Columns(names, [], None, {name: [] for name in names})
    if not wanted:
        yield head.fill(names, [], 1)
        return
    pa = import_pyarrow("parquet")
    with open_unchanged(head.path, head.state) as opened:
        try:
            with pa.parquet.ParquetFile(opened, page_checksum_verification=True) as content:
                for batch in content.iter_batches(columns.batch_rows, columns=wanted):
                    found = [to_array(pa, batch.column(name), text=True) for name in wanted]
                    yield head.fill(names, found, batch.num_rows)
        except (OSError, pa.ArrowException) as error:
            raise TableError(f"{printable(head.path)}: cannot be read; {printable(error)}") from error


def to_array(pa: Any, column: Any, *, text: bool = False) -> Array:
    """Return a column as an array, with NaN for null; of text, as an array of objects, with None for null."""
    if text:
        labels: Array = np.array(column.to_pylist(), dtype=object)
        return labels
    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        column = column.cast(pa.float64())
    return read_numbers(column)


def describe_file_row(path: str, group: int, start: int, row: int) -> str:
    """Return the place of a row of the batch that begins at row `start` of the group, in words."""
    return f"{printable(path)}, row group {group}, row {start + row} (counted from 0)"
