"""The Gram sums of sparse rows, and products that measure combinations of their columns: no zero is filled in.

Columns without zeros are shifted by their means, which keeps the digits of those far from zero. A column with a zero
has a deviation of at least its mean divided by √n, and stays as it is.
"""

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from fastgd import backends
from fastgd.backends.sparse import CSR, take_rows
from fastgd.forks import halt_for_forks
from fastgd.inputs.arrays import Array
from fastgd.problem.moments import Moments

NOTHING = np.empty(0)
MEASURED_AT_ONCE = 64  # columns


@dataclass(frozen=True, slots=True, eq=False)
class ShiftedRows:
    """Sparse rows and targets, minus numbers near the means of their columns.

    Attributes
    ----------
    rows : CSR
        The rows in float64, each with its columns in ascending order, and no place twice.
    y : ndarray of shape (n_samples, n_targets)
        The targets.
    weights : ndarray of shape (n_samples,) or None
        The weights of the rows.
    shift : ndarray of shape (n_features + n_targets,)
        The numbers that were subtracted.
    """

    rows: CSR
    y: Array
    weights: Array | None
    shift: Array


class Columns(NamedTuple):
    """The number of stored entries of each column, and their largest size."""

    counts: Array
    largest: Array


def describe_columns(X: Any) -> Columns:
    """Return what the stored entries of a CSR array or matrix say about its columns."""
    p = X.shape[1]
    compiled = getattr(backends.load(find_kernel()), "describe_columns", None)
    if compiled is not None:
        counts, numbers, rows = np.zeros(p, dtype=np.int64), np.zeros((2, p)), take_rows(X)
        compiled(rows.data, rows.indices, counts, numbers)
        return Columns(counts, numbers[1])
    largest = np.zeros(p)
    np.maximum.at(largest, X.indices, np.abs(X.data))
    return Columns(np.bincount(X.indices, minlength=p), largest)


def merge_entries(X: Any) -> Any:
    """Return a CSR array or matrix whose rows have ascending columns, no place twice; X itself if it is such."""
    if not X.has_canonical_format:
        X = X.copy()
        X.sum_duplicates()
    return X


def shift_rows(X: Any, y: Array, weights: Array | None, columns: Columns) -> ShiftedRows:
    """Return the rows of merged entries in the form that `sum_rows` takes; X is not changed."""
    data, indices, p = X.data.astype(np.float64, copy=False), X.indices, X.shape[1]
    shift, full = np.zeros(p + y.shape[1]), columns.counts == len(y)
    total = len(y) if weights is None else weights.sum()
    if full.any():
        shares = np.full(len(y), 1 / total) if weights is None else weights / total
        shares = np.repeat(shares, np.diff(X.indptr))
        for _ in range(2):  # the second time takes off the rounding error of the first mean
            rest = np.bincount(indices, shares * (data - shift[indices]), minlength=p)
            shift[:p] += np.where(full, rest, 0.0)
        data = data - shift[indices]
    shift[p:] = y.mean(axis=0) if weights is None else weights @ y / total
    rows = take_rows(X)
    rows = CSR(data, rows.indices, rows.indptr, rows.shape)
    return ShiftedRows(rows, np.ascontiguousarray(y - shift[p:]), weights, shift)


@halt_for_forks
def sum_rows(shifted: ShiftedRows) -> Moments:
    """Return the Gram sums of the rows, on and above the diagonal; `mirror_triangle` fills the part below.

    They are compiled where the kernel can be loaded, else they are products of SciPy.
    """
    X, y, weights = shifted.rows, shifted.y, shifted.weights
    p, k = X.shape[1], y.shape[1]
    matrix, total = np.zeros((2 + p, 1 + p + k)), float(len(y) if weights is None else weights.sum())
    add = getattr(backends.load(find_kernel()), "sum_sparse_products", None)
    counts = np.ones(len(y)) if weights is None else weights
    if add is None:
        weighted = X.matrix.multiply(counts[:, np.newaxis]).tocsr()
        matrix[0, 1 : 1 + p], matrix[0, 1 + p :] = X.matrix.T @ counts, counts @ y
        matrix[1 : 1 + p, 1 : 1 + p] = (weighted.T @ X.matrix).toarray()
        matrix[1 : 1 + p, 1 + p :] = weighted.T @ y
    else:
        add(X.data, X.indices, X.indptr, NOTHING if weights is None else weights, y, matrix, p, 0, p)
    matrix[0, 0] = total
    matrix[1 + p, 1 + p :] = counts @ (y * y)
    return Moments(shifted.shift, total, len(y), matrix, k)


def mirror_triangle(moments: Moments) -> Moments:
    """Return the same sums, with the part of the matrix above the diagonal copied to the part below."""
    matrix, q = moments.matrix.copy(), 1 + moments.n_features
    above = np.triu(matrix[:q, :q])
    matrix[:q, :q] = above + np.triu(above, 1).T
    return replace(moments, matrix=matrix)


def measure_columns(
    shifted: ShiftedRows, moments: Moments, vectors: Array, targets: list[int] | None
) -> tuple[Array, Array]:
    """Return the norms and the gradients of combinations of the centred columns: see `Measure` in rank.py.

    An update at a rate of 0 computes both in one pass over the rows.
    """
    X, y, n = shifted.rows, shifted.y, len(shifted.y)
    p, means = X.shape[1], moments.matrix[0, 1:] / moments.total
    roots = None if shifted.weights is None else np.sqrt(shifted.weights)
    data = X.data if roots is None else X.data * np.repeat(roots, np.diff(X.indptr))
    rows = CSR(data, X.indices, X.indptr, X.shape, means[:p].copy(), roots)
    norms, gradients = np.empty(vectors.shape[1]), np.empty_like(vectors)
    descend = backends.load(find_kernel()).descend
    for start in range(0, vectors.shape[1], MEASURED_AT_ONCE):
        part = slice(start, start + MEASURED_AT_ONCE)
        weights = vectors[:, part].copy()
        goal, costs, gradient = np.zeros((n, weights.shape[1])), np.empty((1, weights.shape[1])), np.empty_like(weights)
        if targets is not None:
            goal = y[:, targets[part]] - means[p:][targets[part]]
            goal = np.ascontiguousarray(goal if roots is None else goal * roots[:, np.newaxis])
        descend(rows, goal, weights, np.zeros(1), costs, gradient)
        norms[part], gradients[:, part] = np.sqrt(2 * n * costs[0]), n * gradient
    return norms, gradients


def find_kernel() -> str:
    """Return the backend that computes products with sparse rows: the compiled one if it can be loaded, else NumPy.

    Numba would compile for seconds.
    """
    return "cython" if backends.resolve("auto") == "cython" else "numpy"
