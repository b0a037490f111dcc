"""The description of a file, and the columns to read: from the arrays of a reader to a batch of rows."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import numpy as np

from fastgd.files.dialect import PLAIN, Dialect
from fastgd.files.model import name_levels
from fastgd.files.opening import FileState
from fastgd.inputs.arrays import Array
from fastgd.inputs.extras import explain_import
from fastgd.inputs.words import printable
from fastgd.streaming.levels import clean_label, encode, refuse_label
from fastgd.streaming.source import Batch

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
    dialect : Dialect
        How the file is written, in CSV.
    index : frozenset of str
        The columns that hold the index of a pandas frame: no features unless they are named.
    constants : dict of float or str
        The values of the columns that the names of folders hold.
    shared : dict of str
        The columns that stand in the file and in the name of a folder, which is the value here.
    """

    path: str
    types: dict[str, str]
    numeric: frozenset[str]
    state: FileState
    rows: int | None = None
    groups: tuple[int, ...] = ()
    dialect: Dialect = PLAIN
    index: frozenset[str] = frozenset()
    constants: dict[str, Any] = field(default_factory=dict)
    shared: dict[str, str] = field(default_factory=dict)

    def names_in_file(self, names: list[str]) -> list[str]:
        """Return the names of the columns that stand in the file itself."""
        return [name for name in names if name not in self.constants]

    def fill(self, names: list[str], arrays: Sequence[Array], rows: int) -> list[Array]:
        """Return an array of so many rows for each name, from the arrays of the columns that stand in the file."""
        found = iter(arrays)
        return [repeat(self.constants[name], rows) if name in self.constants else next(found) for name in names]

    @property
    def columns(self) -> list[str]:
        """The columns without those of an index."""
        return [name for name in self.types if name not in self.index]


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns to read.

    Attributes
    ----------
    features, targets : list of str
        The columns to read as features, and as targets.
    weight : str or None
        The column of the weights of the rows.
    levels : dict of list of str
        The levels of the features that hold text.
    zeros : bool
        True if a row whose text is no level gets zeros; else it is refused.
    gaps : bool
        True if rows may lack a value, and are left out then.
    """

    features: list[str]
    targets: list[str]
    weight: str | None
    levels: dict[str, list[str]] = field(default_factory=dict)
    zeros: bool = False
    gaps: bool = False

    @property
    def names(self) -> list[str]:
        """The names of all columns to read: features, targets, weight."""
        return [*self.features, *self.targets, *([] if self.weight is None else [self.weight])]

    @property
    def encoded(self) -> list[str]:
        """The names of the features of the fit: a column with levels is one feature for each level."""
        found = [name_levels(name, self.levels[name]) if name in self.levels else [name] for name in self.features]
        return [name for names in found for name in names]

    @property
    def target(self) -> str | list[str]:
        """The name of the only target, or the list of the names of several, as results have it."""
        return self.targets[0] if len(self.targets) == 1 else self.targets

    @property
    def batch_rows(self) -> int:
        """The number of rows of a batch, the same in every run."""
        return max(BATCH_BYTES // (8 * len(self.names)), 4 * len(self.names))

    def make_batch(self, arrays: Sequence[Array], file: int, where: str, locate: Any) -> Batch:
        """Return the batch of one array for each column, in the order of `names`."""
        p, k, n = len(self.features), len(self.targets), len(arrays[0])
        columns = self.encode(arrays, locate) if self.levels else arrays[:p]
        small = all(array.dtype == np.float32 for array in columns)
        X = stack_arrays(columns, n, np.float32 if small else np.float64)
        y = stack_arrays(arrays[p : p + k], n, np.float64)
        weights = None if self.weight is None else arrays[p + k]
        sources = [name for name in self.features for _ in self.levels.get(name, [name])]  # for messages
        names = [*sources, *self.names[p:]]
        return Batch(X, y, weights, file, where, locate, names, weight=self.weight)

    def encode(self, arrays: Sequence[Array], locate: Any) -> list[Array]:
        """Return the arrays of the features of the fit, from one array for each column to read.

        A row that lacks a value is left out, or refused for that, before its text can be refused.
        """
        columns: list[Array] = []
        for name, array in zip(self.features, arrays, strict=False):
            if name not in self.levels:
                columns.append(array)
                continue
            encoded, unknown = encode(array, self.levels[name])
            if len(unknown) and not self.zeros:
                unknown = unknown[~find_gaps([one[unknown] for one in arrays])]
                if len(unknown):
                    row = int(unknown[0])
                    refuse_label(locate(row), name, array[row], self.levels[name])
            columns.extend(encoded.T)
        return columns


def find_gaps(arrays: Sequence[Array]) -> Array:
    """Return True for each row that lacks a number or a label."""
    gaps = np.zeros(len(arrays[0]), dtype=bool)
    for array in arrays:
        text = array.dtype == object
        gaps |= [clean_label(label) is None for label in array.tolist()] if text else np.isnan(array)
    return gaps


def repeat(value: float | str, rows: int) -> Array:
    """Return a column of the same value."""
    return np.full(rows, value, dtype=object if isinstance(value, str) else np.float64)


def stack_arrays(arrays: Sequence[Array], rows: int, dtype: type) -> Array:
    """Return the arrays as the columns of a matrix in Fortran order."""
    matrix: Array = np.empty((rows, len(arrays)), dtype, order="F")
    for j, array in enumerate(arrays):
        matrix[:, j] = array
    return matrix


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
        raise explain_import("Parquet files need pyarrow", error, "pyarrow") from error
