"""Parquet files, read row group by row group."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from fastgd.files.csv import TableError
from fastgd.inputs.arrays import Array
from fastgd.streaming.columns import Columns, Head, check_boundary, import_pyarrow
from fastgd.streaming.source import Batch


def read_head(path: str) -> Head:
    """Return what the footer of a file says."""
    pa = import_pyarrow("parquet")
    try:
        with pa.parquet.ParquetFile(path) as file:
            fields = {field.name: field.type for field in file.schema_arrow}
            repeated = len(fields) < len(file.schema_arrow)
            groups = tuple(file.metadata.row_group(k).num_rows for k in range(file.num_row_groups))
    except FileNotFoundError:
        raise
    except (OSError, pa.ArrowException) as error:
        raise TableError(f"{path}: expected a Parquet file; {error}") from error
    if repeated:
        raise TableError(f"{path}: expected columns of different names; some have the same")
    numeric = frozenset(name for name, kind in fields.items() if is_numeric(pa, kind))
    return Head(path, {name: str(kind) for name, kind in fields.items()}, numeric, sum(groups), groups)


def describe(columns: Columns) -> dict[str, Any]:
    """Return what decides about where batches end: a checkpoint is of no use to a reader that ends them elsewhere."""
    return {"rows of a batch": columns.batch_rows, "pyarrow": import_pyarrow("parquet").__version__}


def is_numeric(pa: Any, kind: Any) -> bool:
    """Tell whether a type is one of numbers, or of truth values, which count as 0 and 1."""
    types = pa.types
    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind))


def read_batches(head: Head, columns: Columns, part: int, done: int) -> Iterator[Batch]:
    """Yield batches of rows, none of which is from two row groups, after those that were seen already."""
    pa = import_pyarrow("parquet")
    group, row = 0, 0
    try:
        with pa.parquet.ParquetFile(head.path, page_checksum_verification=True) as file:
            for group, rows in enumerate(head.groups):
                if done >= rows:
                    done -= rows
                    continue
                row = 0
                for batch in file.iter_batches(columns.batch_rows, row_groups=[group], columns=columns.names):
                    check_boundary(head.path, row, done, batch.num_rows)
                    if row >= done:
                        yield make_batch(pa, head.path, batch, columns, part, (group, row))
                    row += batch.num_rows
                done = 0
    except (OSError, pa.ArrowException) as error:
        raise TableError(f"{head.path}, row group {group}, from row {row} on: cannot be read; {error}") from error


def make_batch(pa: Any, path: str, rows: Any, columns: Columns, part: int, place: tuple[int, int]) -> Batch:
    """Return the rows that pyarrow has read as a batch."""
    arrays = [to_array(pa, rows.column(name)) for name in columns.names]
    group, start = place
    where = f"{path}, row group {group}, rows {start} to {start + rows.num_rows - 1} (counted from 0)"
    return columns.make_batch(arrays, part, where, partial(locate, path, group, start))


def to_array(pa: Any, column: Any) -> Array:
    """Return a column as an array, with NaN for null."""
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.uint8())
    return column.to_numpy(zero_copy_only=False)


def locate(path: str, group: int, start: int, row: int) -> str:
    """Return where a row of a batch is in the file."""
    return f"{path}, row group {group}, row {start + row} (counted from 0)"
