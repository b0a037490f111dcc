"""The Gram sums of sparse rows, and products that measure combinations of their columns: no zero is filled in.

Columns without zeros are shifted by their means, which keeps the digits of those far from zero. A column with a zero
has a deviation of at least its mean divided by √n, and stays as it is.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fastgd import backends
from fastgd.backends.compiled import find_compiled, find_kernel
from fastgd.backends.sparse import CSR
from fastgd.backends.sparse_team import choose_sparse_threads, count_sparse_work
from fastgd.backends.threads import run_shares
from fastgd.forks import halt_for_forks
from fastgd.inputs.arrays import Array
from fastgd.problem.moments import Moments
from fastgd.problem.sparse_columns import NOTHING, Columns, scale_entries, sum_powers

MEASURED_AT_ONCE, MEASURED_ELEMENTS = 64, 1 << 18  # columns, and numbers in their targets, unless the rows are many


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


def merge_entries(X: Any) -> Any:
    """Return a CSR array or matrix whose rows have ascending columns, no place twice; X itself if it is such."""
    if not X.has_canonical_format:
        X = X.copy()
        X.sum_duplicates()
    return X


def shift_rows(X: CSR, y: Array, weights: Array | None, columns: Columns) -> ShiftedRows:
    """Return rows of merged entries in the form that `sum_rows` takes; X is not changed."""
    n, p = X.shape
    shift, full = np.zeros(p + y.shape[1]), columns.counts == n
    total = n if weights is None else weights.sum()
    if full.any():
        shares = np.full(n, 1 / total) if weights is None else weights / total
        for _ in range(2):  # the second time takes off the rounding error of the first mean
            shift[:p] += np.where(full, sum_powers(X, shares, shift[:p])[2], 0.0)
        X = replace(X, data=scale_entries(X, shift[:p], np.ones(p)))
    elif X.data.dtype != np.float64:
        X = replace(X, data=X.data.astype(np.float64))
    shift[p:] = y.mean(axis=0) if weights is None else weights @ y / total
    return ShiftedRows(X, np.ascontiguousarray(y - shift[p:]), weights, shift)


@halt_for_forks
def sum_rows(shifted: ShiftedRows, threads: int | None = None) -> tuple[Moments, Array]:
    """Return the Gram sums of the rows, on and above the diagonal; `mirror_triangle` fills the part below.

    The second array is room for as many products of the features. Both are parts of one: C's memory allocator keeps
    memory for the next call only up to some multiple of the largest array, and new memory takes as long as a factor.

    They are compiled where the kernel can be loaded, else they are products of SciPy. Each thread has a range of
    columns, and sums over all rows: the answer has the same bits for any number, and takes no more memory.
    """
    X, y, weights = shifted.rows, shifted.y, shifted.weights
    p, k = X.shape[1], y.shape[1]
    memory, size = np.empty((2 + p) * (1 + p + k) + p * p), (2 + p) * (1 + p + k)
    matrix, room = memory[:size].reshape(2 + p, 1 + p + k), memory[size:].reshape(p, p)
    matrix[:] = 0.0
    total = float(len(y) if weights is None else weights.sum())
    add = find_compiled("sum_sparse_products")
    if add is None:
        counts = np.ones(len(y)) if weights is None else weights
        weighted = X.matrix.multiply(counts[:, np.newaxis]).tocsr()
        matrix[0, 1 : 1 + p], matrix[0, 1 + p :] = X.matrix.T @ counts, counts @ y
        matrix[1 : 1 + p, 1 : 1 + p] = (weighted.T @ X.matrix).toarray()
        matrix[1 : 1 + p, 1 + p :] = weighted.T @ y
    else:
        ends = divide_columns(X, threads)
        rows = X.data, X.indices, X.indptr, NOTHING if weights is None else weights, y, matrix, p
        run_shares(lambda member: add(*rows, *ends[member : member + 2]), len(ends) - 1)
    matrix[0, 0] = total
    matrix[1 + p, 1 + p :] = np.einsum("ij,ij->j", y, y) if weights is None else weights @ (y * y)
    return Moments(shifted.shift, total, len(y), matrix, k), room


def divide_columns(X: CSR, threads: int | None) -> list[int]:
    """Return where the ranges of columns begin that threads multiply, and the number of columns.

    The products of a column are those with the columns from its own on: the first of p columns has p, the last has one.
    """
    n, p = X.shape
    products = len(X.data) * (len(X.data) // n + 1) // 2
    members = min(threads or choose_sparse_threads(products, 1), p)
    left = 1 - np.arange(members + 1) / members  # of the products, the share that the columns from a range on have
    ends: list[int] = np.rint(p * (1 - np.sqrt(left))).astype(int).tolist()
    return ends


def mirror_triangle(moments: Moments) -> Moments:
    """Return the same sums, with the part of the matrix above the diagonal copied to the part below."""
    matrix, q = moments.matrix.copy(), 1 + moments.n_features
    above = np.triu(matrix[:q, :q])
    matrix[:q, :q] = above + np.triu(above, 1).T
    return replace(moments, matrix=matrix)


def measure_columns(
    shifted: ShiftedRows, moments: Moments, vectors: Array, targets: list[int] | None, *, threads: int | None = None
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
    at_once = min(max(MEASURED_ELEMENTS // n, 4), MEASURED_AT_ONCE)
    for start in range(0, vectors.shape[1], at_once):
        part = slice(start, start + at_once)
        weights = vectors[:, part].copy()
        goal, costs, gradient = np.zeros((n, weights.shape[1])), np.empty((1, weights.shape[1])), np.empty_like(weights)
        if targets is not None:
            goal = y[:, targets[part]] - means[p:][targets[part]]
            goal = np.ascontiguousarray(goal if roots is None else goal * roots[:, np.newaxis])
        members = threads or choose_sparse_threads(count_sparse_work(rows, weights.shape[1]), 1)
        descend(rows, goal, weights, np.zeros(1), costs, gradient, members)
        norms[part], gradients[:, part] = np.sqrt(2 * n * costs[0]), n * gradient
    return norms, gradients
