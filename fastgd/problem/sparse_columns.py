"""Sums over the stored entries of sparse columns: compiled where the kernel can be loaded, else by NumPy."""

from typing import NamedTuple

import numpy as np

from fastgd.backends.compiled import find_compiled
from fastgd.backends.sparse import CSR
from fastgd.inputs.arrays import Array

NOTHING = np.empty(0)


class Columns(NamedTuple):
    """The number of stored entries of each column, their sum and largest size, and all squares over the rows."""

    counts: Array
    sums: Array
    largest: Array
    mean_square: float


def describe_columns(rows: CSR) -> Columns:
    """Return what the stored entries say about the columns."""
    p, compiled = rows.shape[1], find_compiled("describe_columns")
    if compiled is not None:
        numbers = np.zeros((p, 3))
        square = compiled(rows.data, rows.indices, numbers) / rows.shape[0]
        return Columns(numbers[:, 0], numbers[:, 1], numbers[:, 2], square)
    largest = np.zeros(p)
    np.maximum.at(largest, rows.indices, np.abs(rows.data))
    square = float(np.einsum("i,i->", rows.data, rows.data, dtype=np.float64)) / rows.shape[0]
    counts, sums = (np.bincount(rows.indices, values, minlength=p) for values in (None, rows.data))
    return Columns(counts, sums, largest, square)


def sum_powers(rows: CSR, weights: Array | None, centres: Array) -> Array:
    """Return, for each column, four sums over its stored entries x: of 1, s, s·(x − centre) and s·(x − centre)².

    The weights s of the rows are 1 if there are none.
    """
    p, compiled = rows.shape[1], find_compiled("sum_powers")
    if compiled is not None:
        sums = np.zeros((p, 4))
        compiled(rows.data, rows.indices, rows.indptr, NOTHING if weights is None else weights, centres, sums)
        return sums.T
    counts = np.ones(len(rows.data)) if weights is None else np.repeat(weights, np.diff(rows.indptr))
    moved = rows.data - centres[rows.indices]
    terms = None, counts, counts * moved, counts * moved**2
    return np.array([np.bincount(rows.indices, values, minlength=p) for values in terms], dtype=np.float64)


def scale_entries(rows: CSR, offsets: Array, factors: Array) -> Array:
    """Return the stored entries minus their columns' offsets, times their columns' factors, in float64."""
    compiled = find_compiled("scale_entries")
    if compiled is not None:
        scaled = np.empty(len(rows.data))
        compiled(rows.data, rows.indices, offsets, factors, scaled)
        return scaled
    moved: Array = (rows.data - offsets[rows.indices]) * factors[rows.indices]
    return moved
