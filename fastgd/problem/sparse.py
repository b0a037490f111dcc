"""Sparse features of SciPy: summed up for a compressed problem, or as they are, for the kernels.

No step of the descent fills zeros, not even that of centred columns: see `CentredRows`.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from typing import Any, cast

import numpy as np

from fastgd.backends.blas import one_blas_thread
from fastgd.backends.sparse import CSR, take_rows
from fastgd.backends.sparse_team import count_sparse_work
from fastgd.forks import halt_for_forks
from fastgd.inputs.arrays import Array
from fastgd.inputs.values import LARGEST_SQUARE, SMALLEST_SQUARE, check_mean_square, check_mean_squares
from fastgd.problem.compressor import Compressor
from fastgd.problem.coordinates import Problem, ScaledCoordinates, choose_scales, scale_penalty
from fastgd.problem.moments import (
    LOST_DIGITS,
    Summary,
    are_zero,
    check_small_columns,
    summarize_few_rows,
    summarize_moments,
    summarize_rows,
)
from fastgd.problem.prepared import Prepared, PrepareOptions
from fastgd.problem.rank import summarize_ranked
from fastgd.problem.rows import (
    MOST_SUMMARIZED,
    DenseSource,
    as_kernel_targets,
    choose_method,
    multiply_rows,
    prepare_summary,
    weighted_variance,
)
from fastgd.problem.sparse_columns import Columns, describe_columns, scale_entries, sum_powers
from fastgd.problem.sparse_gram import (
    measure_columns,
    merge_entries,
    mirror_triangle,
    shift_rows,
    sum_rows,
)
from fastgd.problem.sparse_rows import CentredRows, SparseRows
from fastgd.rates.chebyshev import cycle_length

# Up to this many columns, the compressed problem takes some 50 ms at most, and its least cost is known. Above, the rows
# themselves take less time if they are well-conditioned (benchmarks/extras/sparse_features.py).
MOST_COMPRESSED = 1024
# Up to this many, the factor takes a few seconds at most; the rows may take all epochs, and not converge.
MOST_FACTORIZED = 4096
MOST_WORK = 1 << 33  # multiplications of a QR that takes about a second
# Seconds of an entry or row in an epoch, and of the factor of p columns over p³; only their ratio matters.
ENTRY, FACTOR = 2e-9, 4e-11
EPOCHS_A_CYCLE = 2  # a second cycle, or the products that estimate the curvature
DENSE_ELEMENTS, LEAST_DENSE_ROWS = 1 << 17, 256  # of a block of rows that is made dense: 1 MB, if rows are short
MOST_DENSE = 1 << 26  # elements of the few rows of a wide X that may be made dense: 512 MB


def add_sparse(compressor: Compressor, X: Any, y: Array, weights: Array | None) -> None:
    """Add sparse rows to a compressor; method "qr" makes them dense block by block."""
    rows = take_rows(merge_entries(X))
    columns = check_entries(rows, weights)
    check_mean_square("y", y)
    if compressor.method == "gram":
        compressor.include(mirror_triangle(sum_rows(shift_rows(rows, y, weights, columns))[0]), len(y))
        return
    block = max(LEAST_DENSE_ROWS, DENSE_ELEMENTS // (1 + X.shape[1] + y.shape[1]))
    for start in range(0, len(y), block):
        part = slice(start, start + block)
        compressor.add(X[part].toarray(), y[part], None if weights is None else weights[part])


def check_entries(X: CSR, weights: Array | None) -> Columns:
    """Refuse sparse rows, or columns of them, whose mean square leaves the range of float64; describe the columns.

    An entry whose own square leaves it is checked alone: the sum of such entries may look infinite.
    """
    with np.errstate(over="ignore", under="ignore"):
        columns = describe_columns(X)
        squares = columns.largest**2
    rows = cast("Any", SparseRows(X))
    if not SMALLEST_SQUARE <= columns.mean_square <= LARGEST_SQUARE:
        check_mean_square("X", rows if np.isfinite(squares).all() else columns.largest)
    check_small_columns(rows, weights, np.flatnonzero((columns.largest > 0) & (squares <= SMALLEST_SQUARE)))
    return columns


class SparseSource(DenseSource):
    """Sparse rows in memory: X is a CSR array or matrix of scipy, float32 or float64."""

    def summarize(self, precondition: str, threads: int | None = None, backend: str = "auto") -> Summary:
        """Return the summary of the rows; little data is made dense for whitened coordinates, which need its digits."""
        n, p = self.X.shape
        little = is_wide(self.X) or (n > p and choose_method((n, p), self.n_targets, exact=True) == "qr")
        dense = precondition == "whiten" and little
        return summarize_sparse(self.X, self.y, self.sample_weight, dense=dense, threads=threads)

    def prepare(self, options: PrepareOptions) -> Prepared:
        """Return the problem of all targets: compressed, or the sparse rows if X has many columns."""
        if options.batch_size is not None:
            raise ValueError(
                f"batch_size must be None for sparse X; got {options.batch_size!r}: batches are rows of an array, "
                "which X.toarray() makes"
            )
        n, p = self.X.shape
        affordable = min(n, p) <= MOST_FACTORIZED and (n > p or is_wide(self.X))
        found, rows = options.resolved((n, p), affordable=affordable), None
        free = options.precondition == options.compress == "auto" and found.precondition == "whiten"
        if free and MOST_COMPRESSED < p < n:
            with one_blas_thread():  # others would wait for their next call on the processors of the products
                rows = self.prepare_rows(options.resolved((n, p), affordable=False))
                if takes_few_epochs(rows):
                    return rows
        # Where matrices are small, several threads of BLAS would wait for each other longer than they work.
        with one_blas_thread() if p <= MOST_COMPRESSED else nullcontext():
            return self.prepare_found(found, rows)

    def prepare_found(self, found: PrepareOptions, rows: Prepared | None) -> Prepared:
        """Return the problem for these coordinates, or the rows, if given, where compressing them needs a long QR."""
        (n, p), summary = self.X.shape, None
        if rows is not None:
            summary = sum_sparse(self.X, self.y, self.sample_weight, found.threads)
            if summary is None and n * p * p > MOST_WORK:
                return rows
        needed = found.compress is True or found.precondition == "whiten"
        if needed or (found.compress == "auto" and p <= MOST_COMPRESSED):
            message = f"sparse X of {p} columns has a small compressed problem"
            return prepare_summary(summary or self.summarize(found.precondition, found.threads), found, message)
        return self.prepare_rows(found)

    def prepare_rows(self, options: PrepareOptions) -> Prepared:
        """Return the problem of the sparse rows themselves."""
        return prepare_sparse(self.X, as_kernel_targets(self.y), self.sample_weight, options)


def takes_few_epochs(rows: Prepared) -> bool:
    """Return True if a descent on the rows is estimated to take less time than the factor of their Gram matrix."""
    if not rows.curvature.settled:
        return False
    record, p = cast("SparseRows", rows.problem.X).record, rows.problem.X.shape[1]
    epochs = EPOCHS_A_CYCLE * cycle_length(*rows.curvature.extremes)
    return epochs * count_sparse_work(record) * ENTRY <= FACTOR * p**3


def is_wide(X: Any) -> bool:
    """Return True if X has at most as many rows as columns, and few enough to make them dense."""
    n, p = X.shape
    return bool(n <= p and n * p <= MOST_DENSE)


def summarize_sparse(X: Any, y: Array, weights: Array | None, *, dense: bool, threads: int | None = None) -> Summary:
    """Return the summary of sparse rows: by `compress_sparse`, or from all rows at once, made dense."""
    if not dense:
        return compress_sparse(X, y, weights, threads=threads)
    rows = X.toarray()
    few = len(y) <= X.shape[1]
    return summarize_few_rows(rows, y, weights) if few else summarize_rows(rows, y, weights, "qr")


def compress_sparse(
    X: Any, y: Array, weights: Array | None, method: str = "auto", threads: int | None = None
) -> Summary:
    """Return the summary of sparse rows: by products of columns, unless these lose digits, or by a QR of blocks."""
    summary = None
    if method == "gram" or (method == "auto" and len(y) > X.shape[1]):  # else products have no factor
        summary = sum_sparse(X, y, weights, threads)
    if summary is None and method == "gram":
        raise ValueError(LOST_DIGITS)
    if summary is None:
        compressor = Compressor(method="qr")
        add_sparse(compressor, X, y, weights)
        summary = compressor.summary(None)
    return summary


def sum_sparse(X: Any, y: Array, weights: Array | None, threads: int | None = None) -> Summary | None:
    """Return the summary of sparse rows from their Gram matrix; None if that loses digits."""
    rows = take_rows(merge_entries(X))
    columns = check_entries(rows, weights)
    check_mean_square("y", y)
    shifted = shift_rows(rows, y, weights, columns)
    moments, room = sum_rows(shifted, threads)
    summary = summarize_ranked(moments, partial(measure_columns, shifted, moments, threads=threads), room)
    return summarize_moments(mirror_triangle(moments), "gram") if summary is None else summary


@halt_for_forks
def prepare_sparse(X: Any, y: Array, sample_weight: Array | None, options: PrepareOptions) -> Prepared:
    """Return the problem of the sparse rows themselves: scaled, weighted, with the rows of the ridge, all sparse."""
    record = take_rows(merge_entries(X))
    columns = check_entries(record, sample_weight)
    check_mean_squares("y", y)
    n, p = X.shape
    variance, summarize, coordinates = weighted_variance(y, sample_weight), None, None
    if min(n, p) <= MOST_SUMMARIZED and (n > p or is_wide(X)):
        given = X, y.reshape(n, -1), sample_weight
        summarize = partial(summarize_sparse, *given, dense=is_wide(X), threads=options.threads)
    moved, counts = SparseRows(record), np.ones(n) if sample_weight is None else sample_weight
    if options.precondition == "standardize":
        counted = counts > 0
        if not counted.all():  # rows of weight zero have no influence, and nor do their zeros
            record, y, counts = take_rows(record.matrix[counted]), y[counted], counts[counted]
        weights = None if sample_weight is None else counts
        sums = columns.sums if sample_weight is None else None
        moved, coordinates = standardize_sparse(record, weights, options.fit_intercept, options.alpha, sums)
    penalty = scale_penalty(options.alpha, p, coordinates)
    problem = Problem(moved, y, options.fit_intercept)  # type: ignore[arg-type]  # it behaves as an array here
    if sample_weight is not None or options.alpha > 0:
        problem = weight_sparse(problem, counts, penalty if options.alpha > 0 else penalty[:0])
    problem.X.threads = options.threads  # type: ignore[attr-defined]
    message = f"sparse X of {p} columns has fewer entries than a compressed problem"
    known = options.fit_intercept, False, variance, message, summarize
    return Prepared(problem, problem, options.alpha, penalty, coordinates, *known, n_samples=n)


def standardize_sparse(
    rows: CSR, weights: Array | None, fit_intercept: bool, alpha: float, known: Array | None = None
) -> tuple[SparseRows, ScaledCoordinates]:
    """Return the rows with centred and scaled columns, as `standardize_rows` does, and their coordinates.

    Zeros stay: a column with zeros keeps its mean beside the rows, and a column without is centred in place. The
    difference of entry and mean loses few digits in a column with a zero, whose deviation is at least its mean divided
    by √n.

    Parameters
    ----------
    rows : CSR
        The rows, no place twice.
    weights : ndarray of shape (n_samples,) or None
        The weights of the rows, above 0.
    fit_intercept : bool
        True to centre the columns.
    alpha : float
        The ridge, which is a part of the scales.
    known : ndarray of shape (n_features,) or None
        The weighted sum of each column, if it is known.
    """
    n, p = rows.shape
    total, means = float(n if weights is None else weights.sum()), np.zeros(p)
    if fit_intercept:
        means = (sum_powers(rows, weights, means)[2] if known is None else known) / total
    sums = sum_powers(rows, weights, means)
    full = sums[0] == n
    absent = np.where(full, 0.0, np.maximum(total - sums[1], 0.0))  # the weight of the zeros
    squares = sums[3] / total
    if fit_intercept:
        rest = (sums[2] - absent * means) / total  # the rounding error of the first mean
        means = means + rest
        squares = np.maximum(sums[3] - rest * (2 * sums[2] - rest * sums[1]) + absent * means**2, 0.0) / total
    scales, zero = choose_scales(squares, np.abs(means), alpha), are_zero(squares, np.abs(means))
    data = scale_entries(rows, np.where(full, means, 0.0), np.where(zero, 0.0, 1 / scales))
    scaled = replace(rows, data=data)
    coordinates = ScaledCoordinates(means, scales, fit_intercept, n)
    if not fit_intercept:
        return SparseRows(scaled), coordinates
    centred = CentredRows(scaled, np.ones(n), np.where(full | zero, 0.0, means / scales))
    centred.standard = np.where(zero, 0.0, squares / scales**2)
    return centred, coordinates


def weight_sparse(problem: Problem, counts: Array, penalty: Array) -> Problem:
    """Return the problem with a stored column of ones, each row times √(s·m/W), and the rows of the ridge.

    Parameters
    ----------
    problem : Problem
        The problem, whose X are `SparseRows`.
    counts : ndarray of shape (n_samples,)
        The weights of the rows.
    penalty : ndarray of shape (n_features,) or (0,)
        The penalty of each coefficient; empty without a ridge.
    """
    from scipy import sparse

    moved: Any = problem.X
    rows, m = moved.rows, len(counts) + len(penalty)
    if problem.intercept:
        rows = sparse.hstack([np.ones((len(counts), 1)), rows], format="csr")
    factors = np.sqrt(counts * (m / counts.sum()))
    rows = rows.multiply(factors[:, np.newaxis]).tocsr()
    added, columns = np.zeros(len(penalty)), rows.shape[1]
    more = np.zeros((len(penalty), *problem.y.shape[1:]))
    if len(penalty):
        ridge = sparse.diags_array(np.sqrt(m * penalty), offsets=columns - len(penalty), shape=(len(penalty), columns))
        rows = sparse.vstack([rows, ridge], format="csr")
    y, X = np.concatenate([multiply_rows(problem.y, factors), more]), SparseRows(rows)
    if isinstance(moved, CentredRows):
        right = np.concatenate([np.zeros(columns - len(moved.right)), moved.right])
        X = CentredRows(rows, np.concatenate([moved.left * factors, added]), right)
    return Problem(X, y, False)  # type: ignore[arg-type]  # it behaves as an array here
