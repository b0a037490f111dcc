"""The columns to read from files, and the checks that every file has them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, NoReturn

import numpy as np

from fastgd.files.lines import TableError
from fastgd.files.opening import FileState
from fastgd.inputs.arrays import Array
from fastgd.inputs.extras import explain_import
from fastgd.inputs.words import printable, quote, quote_names
from fastgd.streaming.source import Batch

# A column may have different types of this set in different files: pandas writes whole numbers as double if one is
# missing.
WHOLE_OR_DOUBLE = {"double"} | {f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)}
BATCH_BYTES = 1 << 25  # the size of a batch in float64


@dataclass(frozen=True, slots=True)
class Head:
    """The description of a file, known before its rows are read.

    Attributes
    ----------
    path : str
        The file.
    types : dict of str
        The type of each column, in the order of the file.
    numeric : set of str
        The columns that hold numbers.
    state : FileState
        The state of the file when it was looked at.
    rows : int or None
        The number of rows; None if it is not known.
    groups : tuple of int
        The number of rows of each row group, in Parquet.
    """

    path: str
    types: dict[str, str]
    numeric: frozenset[str]
    state: FileState
    rows: int | None = None
    groups: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns to read."""

    features: list[str]
    target: str
    weight: str | None

    @property
    def names(self) -> list[str]:
        """The names of all columns to read: features, target, weight."""
        return [*self.features, self.target, *([] if self.weight is None else [self.weight])]

    @property
    def batch_rows(self) -> int:
        """The number of rows of a batch, the same in every run."""
        return max(BATCH_BYTES // (8 * len(self.names)), 4 * len(self.names))

    def make_batch(self, arrays: Sequence[Array], file: int, where: str, locate: Any) -> Batch:
        """Return the batch of one array for each column, in the order of `names`."""
        p = len(self.features)
        small = all(array.dtype == np.float32 for array in arrays[:p])
        X = np.empty((len(arrays[0]), p), np.float32 if small else np.float64, order="F")
        for j in range(p):
            X[:, j] = arrays[j]
        weights = None if self.weight is None else arrays[p + 1]
        return Batch(X, arrays[p], weights, file, where, locate, self.names)


def choose_columns(heads: list[Head], target: Any, features: Any, weight: Any) -> Columns:
    """Return the columns to read; refuse files that lack one, or whose columns differ."""
    first = heads[0]
    check_column_names(target, features, weight)
    if features is None:
        features = [name for name in first.types if name not in (target, weight)]
        if not features:
            raise TableError(f"{printable(first.path)}: expected columns beside the target {quote(target)}")
        for head in heads[1:]:
            if head.types.keys() != first.types.keys():
                refuse_other_columns(first, head)
    columns = Columns(list(features), target, weight)
    for head in heads:
        check_head(head, first, columns)
    return columns


def check_column_names(target: Any, features: Any, weight: Any) -> None:
    """Refuse arguments that are not names of columns, and a column that is named twice."""
    if not isinstance(target, str):
        raise TypeError(f"target must be the name of a column; got {quote(target)}, a {type(target).__name__}")
    if weight is not None and not isinstance(weight, str):
        raise TypeError(f"weight must be None or the name of a column; got {quote(weight)}, a {type(weight).__name__}")
    if weight == target:
        raise ValueError(f"weight must be another column than target; got {quote(weight)} for both")
    if features is None:
        return
    listed = isinstance(features, Sequence) and not isinstance(features, str)
    if not listed or not all(isinstance(name, str) for name in features) or not len(features):
        raise TypeError(f"features must be None or a list of names of columns; got {quote(features)}")
    for name, number in Counter([*features, target, weight]).items():
        if number > 1:
            got = f"got {quote(name)} twice"
            raise ValueError(f"features must be different columns, without target and weight; {got}")


def check_head(head: Head, first: Head, columns: Columns) -> None:
    """Refuse a file that lacks a column, or in which a column has no numbers or another type than in the first file."""
    where = printable(head.path)
    for name in columns.names:
        if name not in head.types:
            raise TableError(f"{where}: no column {quote(name)}; there are {quote_names(list(head.types))}")
        kind = head.types[name]
        if name not in head.numeric:
            raise TableError(f"{where}, column {quote(name)}: expected numbers; got the type {printable(kind)}")
        if kind != first.types[name] and not {kind, first.types[name]} <= WHOLE_OR_DOUBLE:
            expected = f"expected the type {first.types[name]}, as in {printable(first.path)}"
            raise TableError(f"{where}, column {quote(name)}: {expected}; got {kind}")


def refuse_other_columns(first: Head, head: Head) -> NoReturn:
    """Raise an error that names a column which only one of the two files has."""
    lacking = [name for name in first.types if name not in head.types]
    new = [name for name in head.types if name not in first.types]
    got = f"no {quote(lacking[0])}" if lacking else f"{quote(new[0])} too"
    raise TableError(f"{printable(head.path)}: expected the columns of {printable(first.path)}; got {got}")


def check_boundary(path: str, row: int, seen: int, rows: int) -> None:
    """Refuse a checkpoint that ends inside a batch: the reader cut the rows into other batches then."""
    if row < seen < row + rows:
        raise ValueError(
            f"{printable(path)}: the checkpoint ends at row {seen}, inside a batch of rows {row} to {row + rows - 1} "
            "(counted from 0); delete it to begin anew"
        )


def import_pyarrow(module: str) -> Any:
    """Return pyarrow, with the named module of it loaded."""
    try:
        import_module(f"pyarrow.{module}")
        return import_module("pyarrow")
    except Exception as error:
        raise explain_import("Parquet, and CSV in parts, need pyarrow", error, "pyarrow") from error
