"""The rows that hold a value that is missing or infinite: found, and refused or left out."""

import numpy as np

from fastgd.inputs.arrays import Array
from fastgd.inputs.words import quote
from fastgd.streaming.source import Batch

MISSING = ("error", "skip")  # what to do with rows without a value


def find_bad_rows(X: Array, y: Array, weights: Array | None) -> Array:
    """Return the rows that hold a NaN or an infinity: one fast pass, then a full check of the suspected rows."""
    with np.errstate(over="ignore", invalid="ignore"):
        # A row with a NaN or an infinity never has a finite sum.
        sums = X @ np.ones(X.shape[1], X.dtype) + (y[:, 0] if y.shape[1] == 1 else y.sum(axis=1))
        if weights is not None:
            sums += weights
    suspects = np.flatnonzero(~np.isfinite(sums))
    if not len(suspects):
        return suspects
    finite = np.isfinite(stack_columns(X, y, weights, suspects)).all(axis=1)
    return suspects[~finite]


def stack_columns(X: Array, y: Array, weights: Array | None, rows: Array) -> Array:
    """Return the given rows of X, y and the weights as one array."""
    return np.column_stack([array[rows] for array in (X, y, weights) if array is not None])


def check_bad_rows(batch: Batch, arrays: tuple[Array, Array, Array | None], bad: Array, missing: str) -> Array:
    """Return the rows to leave out; refuse an infinity, and a missing value unless `missing` is "skip"."""
    values = stack_columns(*arrays, bad)
    refused = np.isinf(values) if missing == "skip" else ~np.isfinite(values)
    if not refused.any():
        return bad
    row, column = np.argwhere(refused)[0].tolist()
    value, n_features = values[row, column], arrays[0].shape[1]
    known = batch.columns[column] if column < len(batch.columns) else None
    name = f"column {quote(known)}" if known is not None else name_column(column, n_features, arrays[1].shape[1])
    hint = "; missing='skip' leaves out rows without a value" if np.isnan(value) else ""
    got = "no value (null or NaN)" if np.isnan(value) else value
    raise ValueError(f"{batch.locate(int(bad[row]))}, {name}: expected a finite number; got {got}{hint}")


def name_column(column: int, n_features: int, n_targets: int) -> str:
    """Return the name of a column of X, y and the weights side by side."""
    if column < n_features:
        return f"column {column} of X"
    if column == n_features + n_targets:
        return "sample_weight"
    return "y" if n_targets == 1 else f"column {column - n_features} of y"
