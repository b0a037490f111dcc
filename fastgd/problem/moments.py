"""Sums over rows that determine J: computed block by block, added up, and turned into a problem of a few rows.

Design:
(a) Let z = [x y] be a row and s its weight, W the sum of the weights, c a shift near the columns' means, and δ the
    weighted means of z − c. Then Σ s·(z − c)(z − c)ᵀ = Σ s·(z − c − δ)(z − c − δ)ᵀ + W·δδᵀ. So √W·[1 c+δ] and [0 R],
    where RᵀR is the centred sum, may replace the rows [1 z]: every weighted sum of squares (θ₀ + x·θ − y)² stays equal.
(b) R is the Cholesky factor of the centred sum (fast), or comes from a QR of the rows (safe: it forms no squares).
    Cholesky loses the digits of a column that is nearly a combination of the columns before it; y is the last column.
    `summarize_moments` then returns None, and the data must be read again for a QR.
(c) The shift costs nothing, and keeps the digits of columns that are far from zero compared to their spread.
(d) To add the sums of two parts of the data, move both to the means of all their rows: a monoid, up to rounding. So
    rows of little weight never decide the shift, in whatever order the parts come.

References
----------
G. H. Golub and C. F. Van Loan, Matrix Computations, 4th ed., Johns Hopkins, 2013, sections 5.2 and 5.3.
Å. Björck, Numerical Methods for Least Squares Problems, SIAM, 1996, sections 2.2 (normal equations), 3.2 (updating).
T. F. Chan, G. H. Golub and R. J. LeVeque, Algorithms for computing the sample variance, Am. Stat. 37 (1983) 242-247.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite, sqrt
from typing import NoReturn

import numpy as np

from fastgd.forks import halt_for_forks, let_forks_pass
from fastgd.inputs.arrays import EPSILON, Array, norm
from fastgd.inputs.data import SMALLEST_SQUARE, check_finite, check_mean_square

BLOCK_ELEMENTS = 1 << 17  # of a block of rows: 1 MB in float64, so that the block stays in cache for its product
LEAST_BLOCK_ROWS = 256
TALL_BLOCK_ROWS = 2048  # the product of a wide block with fewer rows takes up to twice as long
# Cholesky keeps about ten digits if the columns before a column leave at least this share of its variance unexplained.
LEAST_PIVOT = 1e-6
METHODS = ("auto", "gram", "qr")
LARGEST_ERROR = 1e-6  # of the sum of the weights, as a share of it
LOST_DIGITS = (
    "method must not be 'gram' for these data: a column of X, or y, is so nearly a combination of the others that its "
    "digits would be lost; 'qr' keeps them"
)
OUT_OF_RANGE = "X, y and sample_weight must have weighted squares in the range of float64; rescale them"


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """Sums over the rows [1, x − c, y − c] seen so far: their Gram matrix, or the R of their QR. Never changed."""

    shift: Array  # c, of [x y]
    total: float  # W, the sum of the weights
    n_samples: int
    matrix: Array  # has 1 + n_features + n_targets columns; the Gram matrix is square, R has at most as many rows
    n_targets: int

    @property
    def n_features(self) -> int:
        """The number of columns of X."""
        return len(self.shift) - self.n_targets

    @property
    def means(self) -> Array:
        """The means of [x y]. Only the first row of the matrix involves the column of ones, so it gives them."""
        return self.shift + self.matrix[0, 1:] / self.matrix[0, 0]


@dataclass(frozen=True, slots=True, eq=False)
class Summary:
    """The quantities that determine J: total weight, means, and the triangular factor of the centred rows."""

    total: float  # W, the sum of the weights
    n_samples: int
    means: Array  # of [x y]
    rows: Array  # R, upper triangular: RᵀR = Σ s·(z − means)(z − means)ᵀ
    n_targets: int
    order: Array | None = None  # of columns that depend on others: in it, R is upper triangular; else in their own

    @property
    def shape(self) -> tuple[int, int]:
        """The numbers of rows and of columns of X."""
        return self.n_samples, self.n_features

    @property
    def n_features(self) -> int:
        """The number of columns of X."""
        return len(self.means) - self.n_targets


@halt_for_forks
def sum_blocks(
    X: Array,
    y: Array,
    weights: Array | None,
    method: str,
    *,
    least_rows: int = LEAST_BLOCK_ROWS,
) -> Moments:
    """Sum up the rows block by block; refuse data whose squares leave the range of float64.

    y has shape (n_samples, n_targets). Blocks of the method "gram" have `least_rows` rows or more.
    """
    shift = first_means(X, y, weights)
    size = 1 + len(shift)
    matrix = np.zeros((size, size)) if method == "gram" else np.zeros((0, size))
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        # A QR is efficient for blocks with several times as many rows as columns.
        rows = max(rows_per_block(size), least_rows if method == "gram" else 2 * size)
        for block in make_blocks(X, y, weights, shift, rows):
            let_forks_pass()
            if method == "gram":
                matrix += block.T @ block
            else:
                matrix = stack_qr(matrix, block)
        squares = matrix.diagonal() if method == "gram" else (matrix * matrix).sum(axis=0)
    total = float(len(y)) if weights is None else float(weights.sum())
    check_squares(X, y, weights, squares, total)
    return Moments(shift, total, len(y), matrix, y.shape[1])


def first_means(X: Array, y: Array, weights: Array | None) -> Array:
    """Return the weighted means of [x y] over the first rows that count.

    A row counts if it has at least half the mean weight. So the rows that count have at least half of the weight of
    all rows, and the values of other rows do not matter.
    """
    first = slice(0, rows_per_block(1 + X.shape[1] + y.shape[1]))
    with np.errstate(over="ignore", invalid="ignore"):
        if weights is None:
            sums = np.concatenate([X[first].sum(axis=0, dtype=np.float64), y[first].sum(axis=0)])
            return sums / len(y[first])
        rows = np.flatnonzero(weights >= weights.mean() / 2)[first]
        shares = weights[rows] / weights[rows].sum()
        return np.concatenate([shares @ X[rows], shares @ y[rows]])


def check_squares(X: Array, y: Array, weights: Array | None, squares: Array, total: float) -> None:
    """Refuse data whose squares leave the range of float64; `squares` are the sums of squares about the shift."""
    finite = isfinite(float(squares.sum()))
    if finite and squares[1:].min() > SMALLEST_SQUARE * total:
        return
    for name, array in (("X", X), ("y", y[:, 0] if y.shape[1] == 1 else y)):  # constant columns pass
        check_finite(name, array)
        check_mean_square(name, array)
    if not finite:
        raise ValueError(OUT_OF_RANGE)
    if len(X) > 1:  # each column of a single row is constant
        check_small_columns(X, weights, np.flatnonzero(squares[1 : 1 + X.shape[1]] <= SMALLEST_SQUARE * total))


def check_small_columns(X: Array, weights: Array | None, suspects: Array) -> None:
    """Refuse columns that vary, but whose squares vanish in float64: they would count as constant.

    Only the suspected columns are looked at.
    """
    for column in suspects.tolist():
        values = X[:, column] if weights is None else X[weights > 0, column]
        if 0 < float(np.abs(values - values[0]).max()) <= sqrt(SMALLEST_SQUARE):
            refuse_small_column(column)


def refuse_small_column(column: int) -> NoReturn:
    """Raise the error of a column that varies, but whose squares vanish."""
    raise ValueError(
        f"X must have columns that are constant or have a mean square of at least {SMALLEST_SQUARE}; column "
        f"{column} (counted from 0) is too small for its squares to be taken in float64: rescale it"
    )


def rows_per_block(size: int) -> int:
    """Return the number of rows of a block with `size` columns."""
    return max(LEAST_BLOCK_ROWS, BLOCK_ELEMENTS // size)


def make_blocks(X: Array, y: Array, weights: Array | None, shift: Array, rows: int) -> Iterator[Array]:
    """Yield √s·[1, x − c, y − c] for blocks of `rows` rows, always in the same buffer, in the order of X."""
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
    """Return the R of a QR of the two arrays, one above the other."""
    return np.asarray(np.linalg.qr(np.concatenate([R, rows]), mode="r"))


@halt_for_forks
def add_moments(a: Moments, b: Moments, method: str) -> Moments:
    """Return the sums over the rows of both, about the means of all rows; refuse sums out of the range of float64."""
    gram, total = method == "gram", a.total + b.total
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        shift = a.means + (b.means - a.means) * (b.total / total)
        first, second = move_shift(a, shift, gram), move_shift(b, shift, gram)
        if gram:
            first += second
        squares = first.diagonal() if gram else np.square(first).sum(axis=0) + np.square(second).sum(axis=0)
    if not isfinite(total) or not isfinite(float(squares.sum())):
        raise ValueError(OUT_OF_RANGE)
    check_apart(a, b, np.flatnonzero(squares[1 : 1 + a.n_features] <= SMALLEST_SQUARE * total))
    matrix = first if gram else stack_qr(first, second)
    return Moments(shift, total, a.n_samples + b.n_samples, matrix, a.n_targets)


def check_apart(a: Moments, b: Moments, suspects: Array) -> None:
    """Refuse columns that are constant in each part, but differ between the parts by a number whose square vanishes."""
    if len(suspects):
        first, second = a.means[suspects], b.means[suspects]
        apart = np.abs(first - second) > 4 * EPSILON * np.maximum(np.abs(first), np.abs(second))
        if apart.any():
            refuse_small_column(int(suspects[apart.argmax()]))


def are_sums_by(moments: Moments, method: str) -> bool:
    """Return True if the matrix may be sums by the method: the sum of squares of the column of ones must be W.

    It is the first entry of a Gram matrix, and the root of the first entry of R.
    """
    first = float(moments.matrix[0, 0])
    return abs((first if method == "gram" else first * first) - moments.total) <= LARGEST_ERROR * moments.total


def move_shift(moments: Moments, shift: Array, gram: bool) -> Array:
    """Return the matrix about another shift, in a new array.

    [1 z−c′] = [1 z−c]·A, where A is the identity with c − c′ to the right of its first entry. So the move takes no
    product of matrices: R becomes R·A, and the Gram matrix AᵀGA.
    """
    change = np.append(0.0, moments.shift - shift)
    moved = np.outer(moments.matrix[:, 0], change)
    moved += moments.matrix
    if gram:
        moved += np.outer(change, moved[0])
    return moved


@halt_for_forks
def summarize_moments(moments: Moments, method: str) -> Summary | None:
    """Return the summary of the rows that were summed up; None if the Cholesky factor would lose digits."""
    rows = factorize(moments) if method == "gram" else moments.matrix[1:, 1:]
    if rows is None:
        return None
    return Summary(moments.total, moments.n_samples, moments.means, rows, moments.n_targets)


def pick_target(summary: Summary, target: int) -> Summary:
    """Return the summary of the features and one target; R below the features becomes one row."""
    if summary.n_targets == 1:
        return summary
    p = summary.n_features
    columns = [*range(p), p + target]
    rest = np.zeros((1, p + 1))
    rest[0, -1] = norm(summary.rows[p:, columns[-1]])
    rows = np.concatenate([summary.rows[:p, columns], rest])
    return Summary(summary.total, summary.n_samples, summary.means[columns], rows, 1)


def factorize(moments: Moments) -> Array | None:
    """Return the Cholesky factor of the centred Gram matrix; None if it does not exist or has lost digits."""
    sums = moments.matrix[0, 1:]
    centred = moments.matrix[1:, 1:] - np.outer(sums, sums / moments.total)
    scale = np.sqrt(np.maximum(centred.diagonal(), 0.0))
    if not scale.all():  # a constant column
        return None
    try:
        factor = np.linalg.cholesky(centred / scale / scale[:, np.newaxis])
    except np.linalg.LinAlgError:
        return None
    # A squared diagonal entry is the share of a column's variance that the columns before it do not explain. A shift
    # far from the mean loses digits too: the second factor is the variance's share of the squares about the shift.
    pivots = factor.diagonal() ** 2 * (centred.diagonal() / moments.matrix.diagonal()[1:])
    return factor.T * scale if pivots.min() >= LEAST_PIVOT else None


def summarize_rows(
    X: Array, y: Array, weights: Array | None, method: str, *, least_rows: int = LEAST_BLOCK_ROWS
) -> Summary:
    """Return the summary of all rows and targets; "auto" uses the Gram matrix if that loses no digits."""
    summary = None
    if method != "qr":
        summary = summarize_moments(sum_blocks(X, y, weights, "gram", least_rows=least_rows), "gram")
    if summary is None and method != "gram":
        summary = summarize_moments(sum_blocks(X, y, weights, "qr"), "qr")
    if summary is None:
        raise ValueError(LOST_DIGITS)
    return summary


@halt_for_forks
def summarize_few_rows(X: Array, y: Array, weights: Array | None) -> Summary:
    """Return the summary of at most n_features rows, without a triangular factor: only the column of ones is reduced.

    A Householder reflection of all rows at once makes that column zero below its first entry. All else is as in
    `sum_blocks`.
    """
    shift = first_means(X, y, weights)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        (block,) = make_blocks(X, y, weights, shift, len(y))
        squares = np.einsum("ij,ij->j", block, block)
    total = float(len(y)) if weights is None else float(weights.sum())
    check_squares(X, y, weights, squares, total)
    normal = block[:, 0].copy()
    normal[0] += norm(normal)
    block -= np.outer(normal, (normal @ block) * (2 / (normal @ normal)))
    return Summary(total, len(y), shift + block[0, 1:] / block[0, 0], block[1:, 1:], y.shape[1])


@halt_for_forks
def make_small_problem(summary: Summary, fit_intercept: bool, penalty: Array) -> tuple[Array, Array]:
    """Return X_small and y_small, whose J is that of the rows plus ½·Σ penaltyⱼ·coefⱼ²."""
    total, rows = summary.total, summary.rows
    if penalty.any():
        rows = stack_qr(rows, np.eye(len(penalty), len(penalty) + 1) * (sqrt(total) * np.sqrt(penalty))[:, np.newaxis])
    small = np.zeros((len(rows) + 1, rows.shape[1] + 1))
    small[0], small[1:, 1:] = sqrt(total) * np.append(1.0, summary.means), rows
    small *= sqrt(len(small)) / sqrt(total)
    if not np.isfinite(small).all():
        raise ValueError("alpha and sample_weight must have products in the range of float64; rescale them")
    return np.ascontiguousarray(small[:, 1 - fit_intercept : -1]), small[:, -1].copy()
