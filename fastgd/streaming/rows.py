"""The rows of files, part by part, for predictions."""

import os
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import numpy as np

from fastgd.files.csv import NO_ROWS, read_parts
from fastgd.files.csv_blocks import describe_line
from fastgd.files.dialect import Dialect, suffix_of
from fastgd.files.lines import TableError
from fastgd.inputs.arrays import Array
from fastgd.streaming import csv_file, parquet_file
from fastgd.streaming.bad_rows import check_bad_rows, find_bad_rows
from fastgd.streaming.choosing import check_head
from fastgd.streaming.columns import Columns, Head
from fastgd.streaming.finding import READERS, find_files, is_pattern
from fastgd.streaming.partitions import add_partition, read_partition
from fastgd.streaming.source import Batch, name_files


class Rows(NamedTuple):
    """A part of the rows of a file.

    Attributes
    ----------
    X : ndarray of shape (n_rows, n_features)
        The features, all finite.
    skipped : int
        The number of rows that were left out because they lack a value.
    locate : callable
        Takes a row of X, counted from 0, and returns its place, for messages.
    """

    X: Array
    skipped: int
    locate: Callable[[int], str]


def read_rows(files: list[str], columns: Columns, missing: str, dialect: Dialect) -> Iterator[Rows]:
    """Yield the features of all rows of the files, in parts of a fixed size; refuse values that are not finite.

    If `missing` is "skip", rows that lack a value are left out.
    """
    empty = True
    for path in files:
        for rows in read_file(path, columns, missing, dialect, partitioned=len(files) > 1):
            empty = False
            yield rows
    if empty:
        raise TableError(f"{name_files(files)}{NO_ROWS}")


def read_file(path: str, columns: Columns, missing: str, dialect: Dialect, *, partitioned: bool) -> Iterator[Rows]:
    """Yield the features of the rows of a file, which may lack columns that the names of its folders hold."""
    if READERS.get(suffix_of(path)) is parquet_file:
        head = complete(parquet_file.read_head(path, dialect), columns, partitioned=partitioned)
        yield from read_parquet(head, columns, missing)
    elif read_partition(path) and os.path.isfile(path):  # a pipe has no head to read before its rows
        head = complete(csv_file.read_head(path, dialect), columns, partitioned=partitioned)
        yield from read_text(path, columns, missing, dialect, head)
    else:
        yield from read_text(path, columns, missing, dialect, None)


def complete(head: Head, columns: Columns, *, partitioned: bool) -> Head:
    """Return the description of a file with the columns in the names of its folders, if it may or must have them."""
    if partitioned or not head.types.keys() >= {*columns.features}:
        head = add_partition(head)
    check_head(head, head, columns)
    return head


def list_files(paths: list[str]) -> list[str]:
    """Return the files of the paths, which are those of `fit_files`.

    A single path may also be that of a pipe, or "-", the standard input.
    """
    single = len(paths) == 1 and not os.path.isdir(paths[0]) and not is_pattern(paths[0])
    return paths if single else find_files(paths)


def read_text(path: str, columns: Columns, missing: str, dialect: Dialect, head: Head | None) -> Iterator[Rows]:
    """Yield the rows of a CSV file; the head is that of a file whose folders hold columns."""
    required, text = columns.features, {*columns.levels}
    if head is not None:
        required = head.names_in_file(columns.features)
        if not required:  # any column tells the number of rows
            required = head.names_in_file(list(head.types))[:1]
            text.update(required)
    for _, block in read_parts(path, required, dialect, gaps=missing == "skip", text=text):
        rows = len(block.lines)
        if not rows:
            continue
        filled = block.arrays if head is None else head.fill(columns.features, block.arrays, rows)
        batch = columns.make_batch(filled, 0, path, partial(describe_line, path, block.lines))
        # Without text and gaps, the reader has refused values that are not finite.
        checked = missing == "skip" or columns.levels
        yield keep_good(batch, missing) if checked else Rows(batch.X, 0, batch.locate)


def read_parquet(head: Head, columns: Columns, missing: str) -> Iterator[Rows]:
    """Yield the rows of a Parquet file."""
    for batch in parquet_file.read_batches(head, columns, 0, 0):
        yield keep_good(batch, missing)


def keep_good(batch: Batch, missing: str) -> Rows:
    """Return the rows of a batch whose values are all finite; refuse the others, unless they are to be left out."""
    bad = find_bad_rows(batch.X, batch.y, None)
    left_out = check_bad_rows(batch, (batch.X, batch.y, None), bad, missing) if len(bad) else bad
    if not len(left_out):
        return Rows(batch.X, 0, batch.locate)
    kept = np.delete(np.arange(len(batch.X)), left_out)
    return Rows(batch.X[kept], len(left_out), lambda row: batch.locate(int(kept[row])))
