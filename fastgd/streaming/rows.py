"""The rows of files, part by part, for predictions."""

import os
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import numpy as np

from fastgd.files.csv import read_parts
from fastgd.files.dialect import Dialect, suffix_of
from fastgd.inputs.arrays import Array
from fastgd.streaming import csv_file, parquet_file
from fastgd.streaming.columns import Columns, Head, check_head
from fastgd.streaming.files import READERS, find_files, is_pattern
from fastgd.streaming.partitions import add_partition, read_partition
from fastgd.streaming.source import Batch
from fastgd.streaming.sums import check_bad_rows, find_bad_rows


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
    for path in files:
        if READERS.get(suffix_of(path)) is parquet_file:
            yield from read_parquet(add_partition(parquet_file.read_head(path, dialect)), columns, missing)
        else:
            partitioned = read_partition(path) and os.path.isfile(path)  # a pipe has no head to read before its rows
            head = add_partition(csv_file.read_head(path, dialect)) if partitioned else None
            yield from read_text(path, columns, missing, dialect, head)


def list_files(paths: list[str]) -> list[str]:
    """Return the files of the paths, which are those of `fit_files`.

    A single path may also be that of a pipe, or "-", the standard input.
    """
    single = len(paths) == 1 and not os.path.isdir(paths[0]) and not is_pattern(paths[0])
    return paths if single else find_files(paths)


def read_text(path: str, columns: Columns, missing: str, dialect: Dialect, head: Head | None) -> Iterator[Rows]:
    """Yield the rows of a CSV file; the head is that of a file whose folders hold columns."""
    start, required, text = 1, columns.features, {*columns.levels}
    if head is not None:
        required = head.names_in_file(columns.features)
        if not required:  # any column tells the number of rows
            required = head.names_in_file(list(head.types))[:1]
            text.update(required)
    for _, found in read_parts(path, required, dialect, gaps=missing == "skip", text=text):
        rows = len(found[0])
        filled = found if head is None else head.fill(columns.features, found, rows)
        batch = columns.make_batch(filled, 0, path, partial(csv_file.describe_file_row, path, start))
        # Without text and gaps, the reader has refused values that are not finite.
        checked = missing == "skip" or columns.levels
        yield keep_good(batch, missing) if checked else Rows(batch.X, 0, batch.locate)
        start += rows


def read_parquet(head: Head, columns: Columns, missing: str) -> Iterator[Rows]:
    """Yield the rows of a Parquet file."""
    check_head(head, head, columns)
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
