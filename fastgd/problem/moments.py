"""Sums over rows that say all about J: taken in one pass over blocks of rows, added up, turned into a few rows.

Design:
(a) With c a shift near the columns' means, W the sum of the row weights s and δ the weighted means of z − c, where a
    row z = [x y], Σ s·(z − c)(z − c)ᵀ = Σ s·(z − c − δ)(z − c − δ)ᵀ + W·δδᵀ. So the rows [1 z] may be replaced by
    √W·[1 c+δ] and by [0 R], where RᵀR is the centred sum: every weighted sum of squares (θ₀ + x·θ − y)² stays the same.
(b) R comes from that sum, a Gram matrix, by Cholesky (fast), or from the rows by QR (safe: no squares are formed).
    Cholesky loses the digits of a column that is nearly a combination of those before it, y being the last:
    `finish` then gives up, and the data are read again for a QR.
(c) A shift costs nothing and keeps the digits of columns that are far from zero compared to their spread.
(d) States of two parts of the data are added up by moving one to the shift of the other: a monoid, up to rounding.

References
----------
G. H. Golub and C. F. Van Loan, Matrix Computations, 4th ed., Johns Hopkins, 2013, sections 5.2 and 5.3.
Å. Björck, Numerical Methods for Least Squares Problems, SIAM, 1996, sections 2.2 (normal equations), 3.2 (updating).
T. F. Chan, G. H. Golub and R. J. LeVeque, Algorithms for computing the sample variance, Am. Stat. 37 (1983) 242-247.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite, sqrt

import numpy as np

from fastgd.inputs.arrays import Array, norm
from fastgd.inputs.data import SMALLEST_SQUARE, check_finite, check_mean_square

BLOCK_ELEMENTS = 1 << 17  # of a block of rows, 1 MB in float64, which stays in cache for its product
LEAST_BLOCK_ROWS = 256
# The share of a column's variance that the columns before it must leave open for Cholesky to keep some ten digits.
LEAST_PIVOT = 1e-6
METHODS = ("auto", "gram", "qr")
LOST_DIGITS = (
    "method must not be 'gram' for these data: a column of X, or y, is so nearly a combination of the others that its "
    "digits would be lost; 'qr' keeps them"
)


@dataclass(frozen=True, slots=True)
class Moments:
    """What is kept of the rows seen so far, in terms of [1, x − c, y − c]: sums of products, or the R of a QR."""

    shift: Array  # c, of [x y]
    total: float  # W, the sum of the weights
    matrix: Array  # gram: square, of p + 1 + n_targets columns; qr: at most as many rows
    n_targets: int

    @property
    def n_features(self) -> int:
        """How many columns X has."""
        return len(self.shift) - self.n_targets

    def moved_to(self, shift: Array) -> Array:
        """Return the change of columns that belongs to another shift: [1 z−c] = [1 z−c′]·A."""
        change = np.eye(len(shift) + 1)
        change[0, 1:] = self.shift - shift
        return change


@dataclass(frozen=True, slots=True)
class Summary:
    """What J needs to know of the rows."""

    total: float  # W
    means: Array  # of [x y]
    rows: Array  # R, upper triangular; RᵀR is the sum of the weighted products of what is left above the means
    n_targets: int


def sum_blocks(X: Array, y: Array, weights: Array | None, method: str, shift: Array | None = None) -> Moments:
    """Return the moments of the rows, block by block; refuse data whose squares leave the range of float64.

    y has shape (n_samples, n_targets).
    """
    if shift is None:
        shift = first_means(X, y, weights)
    size = 1 + len(shift)
    matrix = np.zeros((size, size)) if method == "gram" else np.zeros((0, size))
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        # A QR is worth its while for blocks of several times as many rows as columns.
        rows = rows_per_block(size) if method == "gram" else max(rows_per_block(size), 2 * size)
        for block in make_blocks(X, y, weights, shift, rows):
            if method == "gram":
                matrix += block.T @ block
            else:
                matrix = stack_qr(matrix, block)
        squares = matrix.diagonal() if method == "gram" else (matrix * matrix).sum(axis=0)
    total = float(len(y)) if weights is None else float(weights.sum())
    check_squares(X, y, squares, total)
    return Moments(shift, total, matrix, y.shape[1])


def first_means(X: Array, y: Array, weights: Array | None) -> Array:
    """Return the means of [x y] over the first rows that have a weight: whatever stands in others must not matter."""
    rows: slice | Array = slice(0, rows_per_block(1 + X.shape[1] + y.shape[1]))
    if weights is not None:
        rows = np.flatnonzero(weights)[rows]
    with np.errstate(over="ignore", invalid="ignore"):
        sums = np.concatenate([X[rows].sum(axis=0, dtype=np.float64), y[rows].sum(axis=0)])
    return sums / len(y[rows])


def check_squares(X: Array, y: Array, squares: Array, total: float) -> None:
    """Refuse data whose squares, as far as their centred sums can tell, leave the range of float64."""
    features, targets = squares[1 : 1 + X.shape[1]], squares[1 + X.shape[1] :]
    finite = isfinite(float(squares.sum()))
    if finite and min(features.max(), targets.min()) > SMALLEST_SQUARE * total:
        return
    for name, array in (("X", X), ("y", y)):  # of constant columns there is nothing left: these pass
        check_finite(name, array)
        check_mean_square(name, array)
    if not finite:
        raise ValueError("X, y and sample_weight must have weighted squares in the range of float64; rescale them")


def rows_per_block(size: int) -> int:
    """Return how many rows of so many columns make a block."""
    return max(LEAST_BLOCK_ROWS, BLOCK_ELEMENTS // size)


def make_blocks(X: Array, y: Array, weights: Array | None, shift: Array, rows: int) -> Iterator[Array]:
    """Yield √s·[1, x − c, y − c] of blocks of so many rows, in one buffer and in the order of X."""
    p = X.shape[1]
    buffer = np.empty((min(rows, len(y)), 1 + len(shift)), order="F" if X.flags.f_contiguous else "C")
    for start in range(0, len(y), rows):
        part = slice(start, min(start + rows, len(y)))
        block = buffer[: part.stop - start]
        block[:, 0] = 1.0
        np.subtract(X[part], shift[:p], out=block[:, 1 : 1 + p])
        np.subtract(y[part], shift[p:], out=block[:, 1 + p :])
        if weights is not None:
            block *= np.sqrt(weights[part])[:, np.newaxis]
        yield block


def stack_qr(R: Array, rows: Array) -> Array:
    """Return the R of a QR of the rows of both."""
    return np.asarray(np.linalg.qr(np.concatenate([R, rows]), mode="r"))


def add_moments(a: Moments, b: Moments, method: str) -> Moments:
    """Return the moments of the rows of both, about the shift of the first."""
    change = b.moved_to(a.shift)
    if method == "gram":
        return Moments(a.shift, a.total + b.total, a.matrix + change.T @ b.matrix @ change, a.n_targets)
    return Moments(a.shift, a.total + b.total, stack_qr(a.matrix, b.matrix @ change), a.n_targets)


def finish(moments: Moments, method: str) -> Summary | None:
    """Return means and centred rows, or None where a Cholesky factor would have lost digits."""
    rows = factorize(moments) if method == "gram" else moments.matrix[1:, 1:]
    if rows is None:
        return None
    # The first row alone has to do with the column of ones; the means follow from it.
    means = moments.shift + moments.matrix[0, 1:] / moments.matrix[0, 0]
    return Summary(moments.total, means, rows, moments.n_targets)


def pick_target(summary: Summary, target: int) -> Summary:
    """Return the summary of the features and one target; what only the targets share becomes one row."""
    if summary.n_targets == 1:
        return summary
    p = len(summary.means) - summary.n_targets
    columns = [*range(p), p + target]
    rest = np.zeros((1, p + 1))
    rest[0, -1] = norm(summary.rows[p:, columns[-1]])
    rows = np.concatenate([summary.rows[:p, columns], rest])
    return Summary(summary.total, summary.means[columns], rows, 1)


def factorize(moments: Moments) -> Array | None:
    """Return the Cholesky factor of the centred sums of products; None if it does not exist or lost digits."""
    sums = moments.matrix[0, 1:]
    centred = moments.matrix[1:, 1:] - np.outer(sums, sums / moments.total)
    scale = np.sqrt(np.maximum(centred.diagonal(), 0.0))
    if not scale.all():  # a constant column
        return None
    try:
        factor = np.linalg.cholesky(centred / scale / scale[:, np.newaxis])
    except np.linalg.LinAlgError:
        return None
    # Each diagonal entry squared is what earlier columns leave open of a variance of 1; the shift may be far off too.
    pivots = factor.diagonal() ** 2 * (centred.diagonal() / moments.matrix.diagonal()[1:])
    return factor.T * scale if pivots.min() >= LEAST_PIVOT else None


def summarize(X: Array, y: Array, weights: Array | None, method: str) -> Summary:
    """Return the summary of all rows and targets; "auto" takes the Gram matrix where that is safe."""
    summary = finish(sum_blocks(X, y, weights, "gram"), "gram") if method != "qr" else None
    if summary is None and method != "gram":
        summary = finish(sum_blocks(X, y, weights, "qr"), "qr")
    if summary is None:
        raise ValueError(LOST_DIGITS)
    return summary


def make_problem(summary: Summary, fit_intercept: bool, penalty: Array) -> tuple[Array, Array]:
    """Return X_small and y_small, with ½·Σ penaltyⱼ·coefⱼ² added to J."""
    total, rows = summary.total, summary.rows
    if penalty.any():
        rows = stack_qr(rows, np.eye(len(penalty), len(penalty) + 1) * (sqrt(total) * np.sqrt(penalty))[:, np.newaxis])
    small = np.empty((len(rows) + 1, rows.shape[1] + 1))
    small[0, 0], small[0, 1:] = 1.0, summary.means
    small[0] *= np.sqrt(total)
    small[1:, 0], small[1:, 1:] = 0.0, rows
    small *= np.sqrt(len(small)) / np.sqrt(total)
    if not np.isfinite(small).all():
        raise ValueError("alpha and sample_weight must have products in the range of float64; rescale them")
    return np.ascontiguousarray(small[:, 1 - fit_intercept : -1]), small[:, -1].copy()
