"""The columns to read from files, and the checks that every file has them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import numpy as np

from fastgd.files.cells import describe_unnamed
from fastgd.files.csv import check_columns
from fastgd.files.dialect import PLAIN, Dialect
from fastgd.files.lines import TableError, TextError
from fastgd.files.model import name_levels
from fastgd.files.opening import FileState
from fastgd.inputs.arrays import Array
from fastgd.inputs.callers import warn_caller
from fastgd.inputs.extras import explain_import
from fastgd.inputs.words import printable, quote, quote_names
from fastgd.streaming.levels import clean_label, encode, refuse_label
from fastgd.streaming.source import Batch

# A column may have different types of this set in different files: pandas writes whole numbers as double if one is
# missing, and null if all are.
WHOLE_OR_DOUBLE = {"double", "null"} | {f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)}
NESTED = ("list", "large_list", "fixed_size_list", "struct", "map")  # the types of several values in a cell
BATCH_BYTES = 1 << 25  # the size of a batch in float64


@dataclass(frozen=True, slots=True)
class Request:
    """What to read from files, as the user says it; `choose_columns` checks the names.

    Attributes
    ----------
    target, features, weight, one_hot, missing : object
        The arguments of `fit_files`.
    dialect : Dialect
        How CSV files are written.
    partitioned : bool or None
        True if the names of folders hold columns; None if they do for several files.
    """

    target: Any
    features: Any = None
    weight: Any = None
    one_hot: Any = None
    missing: str = "error"
    dialect: Dialect = PLAIN
    partitioned: bool | None = None


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
        return Batch(X, y, weights, file, where, locate, [*sources, *self.names[p:]])

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


def choose_columns(heads: list[Head], request: Request) -> Columns:
    """Return the columns to read; refuse files that lack one, or whose columns differ.

    The columns to encode have no levels yet.
    """
    first, weight = heads[0], request.weight
    targets = check_column_names(request.target, request.features, weight)
    named = [*([] if request.features is None else request.features), *targets, *([] if weight is None else [weight])]
    check_columns(first.path, first.types, named)
    features = choose_features(first.path, first.columns, targets, request.features, weight)
    if request.features is None:
        for head in heads[1:]:
            check_columns(head.path, head.types, first.columns)
            refuse_more_columns(first, head)
        left_out = [name for name in first.types if name in first.index - {*targets, weight}]
        if left_out:
            warn_caller(UserWarning(describe_index(first.path, left_out)))
    levels = check_one_hot(first, request.one_hot, features)
    columns = Columns(features, targets, weight, levels, gaps=request.missing == "skip")
    for head in heads:
        check_head(head, first, columns)
    return columns


def choose_features(path: str, names: Sequence[str], targets: list[str], features: Any, weight: Any) -> list[str]:
    """Return the features: the columns that are named, or else all of a file but the targets and the weight."""
    if features is not None:
        return list(features)
    taken = {*targets, weight}
    features = [name for name in names if name not in taken]
    if not features:
        raise TableError(f"{printable(path)}: expected columns beside the {name_target(targets)}")
    return features


def describe_index(path: str, names: list[str]) -> str:
    """Return the message that columns are no features because they are the index of a pandas frame."""
    if names == [""]:
        return describe_unnamed(path)
    columns = f"column{'s' * (len(names) > 1)} {quote_names(names)}"
    return f"{printable(path)}: left out the {columns}, the index of a pandas frame"


def name_target(targets: list[str]) -> str:
    """Return the target, or the targets, in words."""
    return f"target{'s' * (len(targets) > 1)} {quote_names(targets)}"


def check_column_names(target: Any, features: Any, weight: Any) -> list[str]:
    """Return the names of the targets; refuse arguments that are no names of columns, and a column named twice."""
    targets = [target] if isinstance(target, str) else target
    if not are_names(targets):
        raise TypeError(
            f"target must be the name of a column, or a list of names; got {quote(target)}, a {type(target).__name__}"
        )
    if weight is not None and not isinstance(weight, str):
        raise TypeError(f"weight must be None or the name of a column; got {quote(weight)}, a {type(weight).__name__}")
    check_different("target must be different columns", targets)
    if weight in targets:
        raise ValueError(f"weight must be another column than target; got {quote(weight)} for both")
    if features is not None:
        if not are_names(features):
            raise TypeError(f"features must be None or a list of names of columns; got {quote(features)}")
        rule = "features must be different columns, without target and weight"
        for role, names in (("target", targets), ("weight", [weight])):
            for name in names:
                if name in features:
                    raise ValueError(f"{rule}; got {quote(name)} twice: it is the {role}")
        check_different(rule, features)
    return list(targets)


def are_names(values: Any) -> bool:
    """Return True for a list, or another sequence, of one or more texts; a text itself is none."""
    listed = isinstance(values, Sequence) and not isinstance(values, str)
    return listed and len(values) > 0 and all(isinstance(name, str) for name in values)


def check_one_hot(first: Head, one_hot: Any, features: Sequence[str]) -> dict[str, list[str]]:
    """Return the columns to encode, without levels yet; refuse those that are no features."""
    if one_hot is None:
        return {}
    if not are_names(one_hot):
        raise TypeError(f"one_hot must be None or a list of names of columns; got {quote(one_hot)}")
    check_columns(first.path, first.types, one_hot)
    for name in one_hot:
        if name not in features:
            raise ValueError(f"one_hot must be some of the features, {quote_names(list(features))}; got {quote(name)}")
    return {name: [] for name in one_hot}


def check_different(rule: str, names: Sequence[Any]) -> None:
    """Refuse a name that occurs twice; the message begins with the rule."""
    for name, number in Counter(names).items():
        if number > 1:
            raise ValueError(f"{rule}; got {quote(name)} twice")


def check_head(head: Head, first: Head, columns: Columns) -> None:
    """Refuse a file that lacks a column, or in which a column has no numbers or another type than in the first file."""
    where = printable(head.path)
    check_columns(head.path, head.types, columns.names)
    for name in columns.names:
        if name in head.shared:
            both = f"one in the file and one in the name of the folder {quote(head.shared[name])}"
            raise TableError(f"{where}: expected one column {quote(name)}; got {both}")
        kind = head.types[name]
        if name in columns.levels:  # text, or numbers that are names
            if kind.startswith(NESTED):
                raise TableError(f"{where}, column {quote(name)}: expected text; got the type {printable(kind)}")
            continue
        if name not in head.numeric:
            raise TextError(f"{where}, column {quote(name)}: expected numbers; got the type {printable(kind)}", name)
        if kind != first.types[name] and not {kind, first.types[name]} <= WHOLE_OR_DOUBLE:
            expected = f"expected the type {first.types[name]}, as in {printable(first.path)}"
            raise TableError(f"{where}, column {quote(name)}: {expected}; got {kind}")


def refuse_more_columns(first: Head, head: Head) -> None:
    """Refuse a file with a column that the first file lacks; the error names the column."""
    new = [name for name in head.columns if name not in first.types]
    if new:
        expected = f"expected the columns of {printable(first.path)}"
        raise TableError(f"{printable(head.path)}: {expected}; got {quote(new[0])} too")


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
