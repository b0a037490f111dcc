"""Sums over rows that determine J: computed by blocks of rows, added up, and turned into a problem of a few rows.

Design:
(a) Let z = [x y] be a row and s its weight, W the sum of the weights, c a shift near the columns' means, and δ the
    weighted means of z − c. Then Σ s·(z − c)(z − c)ᵀ = Σ s·(z − c − δ)(z − c − δ)ᵀ + W·δδᵀ. So √W·[1 c+δ] and [0 R],
    where RᵀR is the centred sum, may replace the rows [1 z]: every weighted sum of squares (θ₀ + x·θ − y)² stays equal.
(b) R is the Cholesky factor of the centred sum (fast), or comes from a QR of the rows (safe: it forms no squares).
    Cholesky loses the digits of a column that is nearly a combination of the columns before it, and of a target that
    the features nearly explain. `summarize_moments` then returns None, and the data must be read again for a QR.
(c) Each target has a J of its own, so products of targets with each other are not needed. Below the rows of the
    features, R has one row: for each target, the norm of the part of its column that the features do not explain.
(d) The shift costs nothing, and keeps the digits of columns that are far from zero compared to their spread.
(e) To add the sums of two parts of the data, move both to the means of all their rows: a monoid, up to rounding. So
    rows of little weight never decide the shift, in whatever order the parts come.

References
----------
G. H. Golub and C. F. Van Loan, Matrix Computations, 4th ed., Johns Hopkins, 2013, sections 5.2 and 5.3.
Å. Björck, Numerical Methods for Least Squares Problems, SIAM, 1996, sections 2.2 (normal equations), 3.2 (updating).
T. F. Chan, G. H. Golub and R. J. LeVeque, Algorithms for computing the sample variance, Am. Stat. 37 (1983) 242-247.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from math import isfinite, sqrt
from typing import Any, NoReturn

import numpy as np

from fastgd import backends
from fastgd.backends.compiled import find_compiled
from fastgd.backends.numpy import pack_rows, stack_triangle
from fastgd.backends.threads import choose_threads
from fastgd.forks import halt_for_forks, let_forks_pass
from fastgd.inputs.arrays import EPSILON, Array, norm
from fastgd.inputs.values import SMALLEST_SQUARE, check_finite, check_mean_square
from fastgd.problem.directions import invert_triangle

# Products of one call for a Gram matrix, and for a QR: a few tenths of a second, then Python answers Ctrl-C.
CALL_PRODUCTS, CALL_REFLECTED = 1 << 34, 1 << 31
PRODUCTS_AN_EPOCH = 8  # columns whose products with all columns take the time of an epoch
SHIFT_RUNS, SHIFT_ROWS = 8, 32  # the shift comes from so many runs of as many rows each, from all parts of the data
FEW_SHIFT_ROWS, MANY_COLUMNS = 4, 64  # of many columns, fewer rows: their means would take as long as their products
WIDE = 512  # with more columns, BLAS multiplies features without a copy if they need no shift
NEAR_ZERO = 3.0  # deviations from zero at most: the squares about zero are ten times those about the mean
# Cholesky keeps about ten digits if the columns before a column leave at least this share of its variance unexplained.
LEAST_PIVOT = 1e-6
METHODS = ("auto", "gram", "qr")
MOST_COMPILED = 64  # columns up to which compiled loops take less time than calls of NumPy
LARGEST_ERROR = 1e-6  # of the sum of the weights, as a share of it
LOST_DIGITS = (
    "method must not be 'gram' for these data: a column of X, or y, is so nearly a combination of the others that its "
    "digits would be lost; 'qr' keeps them"
)
OUT_OF_RANGE = "X, y and sample_weight must have weighted squares in the range of float64; rescale them"


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """Sums over the rows [1, x − c, y − c] seen so far: their products, or the R of their QR. Never changed."""

    shift: Array  # c, of [x y]
    total: float  # W, the sum of the weights
    n_samples: int
    # Has 1 + n_features + n_targets columns. Of products it has 2 + n_features rows: those of [1, x − c] with all
    # columns, and the squares of the targets below. Of a QR it has at most as many rows: see (c).
    matrix: Array
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
class Pivoting:
    """The order of the columns in which R is upper triangular, and the factor of its first columns, of norm 1."""

    order: Array  # of the columns that are not constant
    R: Array  # the triangular factor of these columns that have pivots: the first ones
    norms: Array  # the norms of the first ones, in the units of the data
    amplification: float  # an estimate of the norm of the inverse of the factor, rather too large


@dataclass(frozen=True, slots=True, eq=False)
class Summary:
    """The quantities that determine J: total weight, means, and the triangular factor of the centred rows."""

    total: float  # W, the sum of the weights
    n_samples: int
    means: Array  # of [x y]
    rows: Array  # R: RᵀR = Σ s·(z − means)(z − means)ᵀ for the features and any one target; below the features see (c)
    n_targets: int
    pivoting: "Pivoting | None" = None  # how R came about, unless it is upper triangular in the order of the columns

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
    X: Array, y: Array, weights: Array | None, method: str, *, threads: int | None = None, backend: str = "auto"
) -> Moments:
    """Sum up the rows by blocks; refuse data whose squares leave the range of float64.

    y has shape (n_samples, n_targets). If `threads` is None, products take as many threads as pay off.
    """
    p, gram = X.shape[1], method == "gram"
    members = threads or choose_threads(len(X), p, (p + y.shape[1]) // PRODUCTS_AN_EPOCH)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        shift = find_shift(X, y, weights)
        if gram and p > WIDE and are_near_zero(X, shift):
            shift[:p] = 0.0
        sums = partial(backends.gram if gram else backends.triangle, shift=shift, threads=members, backend=backend)
        join = np.add if gram else partial(stack_triangle, n_targets=y.shape[1])
        size, most = 1 + len(shift), CALL_PRODUCTS if gram else CALL_REFLECTED
        matrix = sum_calls(sums, join, max(most // size // (1 + p), size), X, y, weights)
        squares = find_squares(matrix, p, gram=gram)
    total = float(len(y)) if weights is None else float(weights.sum())
    check_squares(X, y, weights, squares, total)
    return Moments(shift, total, len(y), matrix, y.shape[1])


def sum_calls(sums: Callable[..., Any], join: Callable[[Any, Any], Any], rows: int, X: Array, *arrays: Any) -> Any:
    """Return sums over all rows; each call of a backend takes as many `rows` as it can in a short time."""
    if len(X) <= rows:
        return sums(X, *arrays)
    total = None
    for start in range(0, len(X), rows):
        let_forks_pass()
        part = slice(start, start + rows)
        found = sums(X[part], *(None if array is None else array[part] for array in arrays))
        total = found if total is None else join(total, found)
    return total


def find_squares(matrix: Array, n_features: int, *, gram: bool) -> Array:
    """Return the sum of squares of each column of [1, x − c, y − c]."""
    if gram:
        return np.concatenate([matrix.diagonal()[: 1 + n_features], matrix[-1, 1 + n_features :]])
    squares: Array = np.add.reduce(matrix * matrix, 0)
    return squares


def find_shift(X: Array, y: Array, weights: Array | None) -> Array:
    """Return the weighted means of [x y] over a few rows that count, from all parts of the data.

    A row counts if it has at least half the mean weight. So the rows that count have at least half of the weight of
    all rows, and the values of other rows do not matter. They may overflow: the caller ignores that.
    """
    if weights is None:
        return find_means(X, y)
    most = SHIFT_RUNS * SHIFT_ROWS
    rows = np.flatnonzero(weights >= weights.mean() / 2)
    rows = rows[:: max(1, len(rows) // most)][:most]
    shares = weights[rows] / weights[rows].sum()
    return np.concatenate([shares @ X[rows], shares @ y[rows]])


def are_near_zero(X: Array, means: Array) -> bool:
    """Return True if no column is far from zero for its deviation, judged by some rows: its sums keep their digits."""
    few = X[:: max(1, len(X) // SHIFT_ROWS)][:SHIFT_ROWS] - means[: X.shape[1]]
    deviations = np.sqrt(np.einsum("ij,ij->j", few, few) / len(few))
    return bool((np.abs(means[: X.shape[1]]) <= NEAR_ZERO * deviations).all())


def find_means(X: Array, y: Array) -> Array:
    """Return the means of the columns of [X y] over all rows, or over some runs of rows."""
    means = np.empty(X.shape[1] + y.shape[1])
    write = find_compiled("mean_rows") or write_means
    for array, part in ((X, means[: X.shape[1]]), (y, means[X.shape[1] :])):
        rows, step = SHIFT_ROWS if array.shape[1] <= MANY_COLUMNS else FEW_SHIFT_ROWS, len(array) // SHIFT_RUNS
        if step > rows:
            write(array, SHIFT_RUNS, rows, step, part)
        else:
            write(array, 1, len(array), 0, part)
    return means


def write_means(array: Array, runs: int, rows: int, step: int, means: Array) -> None:
    """Write the means of the columns over some runs of rows; each run begins `step` rows after the one before."""
    chosen = (np.arange(runs) * step)[:, np.newaxis] + np.arange(rows)
    means[:] = np.add.reduce(array[chosen.ravel()], 0, np.float64) / chosen.size


def check_squares(X: Array, y: Array, weights: Array | None, squares: Array, total: float) -> None:
    """Refuse data whose squares leave the range of float64; `squares` are the sums of squares about the shift."""
    numbers = squares.tolist()  # most are few: two calls of NumPy take longer
    finite = isfinite(sum(numbers))
    if finite and min(numbers[1:]) > SMALLEST_SQUARE * total:
        return
    small = np.flatnonzero(squares[1 : 1 + X.shape[1]] <= SMALLEST_SQUARE * total)
    alone = finite and len(X) > 1 and len(small) < X.shape[1]  # others vary: a constant column may be as large as it is
    for name, array in (("X", X), ("y", y[:, 0] if y.shape[1] == 1 else y)):
        check_finite(name, array)
        if name == "y" or not alone:
            check_mean_square(name, array)
    if not finite:
        raise ValueError(OUT_OF_RANGE)
    if len(X) > 1:  # each column of a single row is constant
        check_small_columns(X, weights, small)


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


@halt_for_forks
def add_moments(a: Moments, b: Moments, method: str) -> Moments:
    """Return the sums over the rows of both, about the means of all rows; refuse sums out of the range of float64."""
    gram, total = method == "gram", a.total + b.total
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        shift = a.means + (b.means - a.means) * (b.total / total)
        first, second = move_shift(a, shift, gram), move_shift(b, shift, gram)
        if gram:
            first += second
        squares = find_squares(first, a.n_features, gram=gram)
        squares = squares if gram else squares + find_squares(second, a.n_features, gram=gram)
    if not isfinite(total) or not isfinite(float(squares.sum())):
        raise ValueError(OUT_OF_RANGE)
    check_apart(a, b, np.flatnonzero(squares[1 : 1 + a.n_features] <= SMALLEST_SQUARE * total))
    matrix = first if gram else stack_triangle(first, second, a.n_targets)
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
    product of matrices: R becomes R·A, and products AᵀGA.
    """
    change, p = np.append(0.0, moments.shift - shift), moments.n_features
    if not gram:
        return moments.matrix + np.outer(moments.matrix[:, 0], change)
    moved = moments.matrix.copy()
    moved[:-1] += np.outer(moments.matrix[:-1, 0], change)
    moved[-1, 1 + p :] += change[1 + p :] * (moments.matrix[0, 1 + p :] + moved[0, 1 + p :])
    moved[:-1] += np.outer(change[: 1 + p], moved[0])
    return moved


@halt_for_forks
def summarize_moments(moments: Moments, method: str) -> Summary | None:
    """Return the summary of the rows that were summed up; None if the Cholesky factor would lose digits."""
    rows = factorize(moments) if method == "gram" else moments.matrix[1:, 1:]
    if rows is None:
        return None
    return Summary(moments.total, moments.n_samples, moments.means, rows, moments.n_targets)


def pick_target(summary: Summary, target: int) -> Summary:
    """Return the summary of the features and one target."""
    if summary.n_targets == 1:
        return summary
    columns = [*range(summary.n_features), summary.n_features + target]
    return replace(summary, means=summary.means[columns], rows=summary.rows[:, columns], n_targets=1)


def factorize(moments: Moments) -> Array | None:
    """Return the R of the products, by Cholesky; None if it does not exist or has lost digits.

    A column that is constant up to its own rounding becomes zeros.
    """
    if moments.n_features <= MOST_COMPILED:
        compiled = find_compiled("factorize_products")
        if compiled is not None:
            R, matrix = np.empty((1 + moments.n_features, len(moments.shift))), np.ascontiguousarray(moments.matrix)
            pivot = compiled(matrix, moments.total, moments.means, EPSILON, LEAST_PIVOT, R)
            if pivot >= 0:
                return R if pivot >= LEAST_PIVOT else None
    p, matrix, sums = moments.n_features, moments.matrix, moments.matrix[0, 1:]
    centred = matrix[1:-1, 1:] - np.outer(sums[:p], sums / moments.total)
    around = find_squares(matrix, p, gram=True)[1:]
    squares = np.append(centred.diagonal(), around[p:] - sums[p:] * (sums[p:] / moments.total))
    live = ~are_zero(np.maximum(squares, 0.0) / moments.total, np.abs(moments.means))
    if not (squares[live] > 0).all():
        return None
    if live.all():  # picking columns would copy those of thousands of targets
        return factorize_live(centred, squares, around)
    features = live[:p]
    rows = factorize_live(centred[features][:, live], squares[live], around[live])
    if rows is None:
        return None
    R = np.zeros((1 + p, len(squares)))
    R[np.ix_(np.append(features, True), live)] = rows
    return R


def factorize_live(centred: Array, squares: Array, around: Array) -> Array | None:
    """Return the R of columns that are not constant, from their products, their squares, and those about the shift."""
    scale = np.sqrt(squares)
    cross = centred / scale
    cross /= scale[: len(centred), np.newaxis]
    rows = factorize_scaled(cross, squares / around)  # a shift far from the mean loses digits
    if rows is not None:
        rows *= scale
    return rows


def factorize_scaled(products: Array, kept: Array) -> Array | None:
    """Return the R of columns of norm 1, from the products of the features with all columns; None if it lost digits.

    A squared entry of its diagonal is the share of a column's variance that the columns before it do not explain.
    `kept` is the share of the digits of each column that earlier differences have left.
    """
    q, size = products.shape
    try:
        if size == q + 1:
            bordered = np.concatenate([products, np.append(products[:, -1], 1.0)[np.newaxis]])
            rows = np.linalg.cholesky(bordered).T
        else:
            rows = np.zeros((q + 1, size))
            rows[:q, :q] = np.linalg.cholesky(products[:, :q]).T
            rows[:q, q:] = invert_triangle(rows[:q, :q]).T @ products[:, q:]
            rows[q, q:] = np.sqrt(np.maximum(1 - np.square(rows[:q, q:]).sum(axis=0), 0.0))
    except np.linalg.LinAlgError:
        return None
    pivots = np.append(rows.diagonal()[:q], rows[q, q:]) ** 2 * kept
    return rows if pivots.min(initial=1.0) >= LEAST_PIVOT else None


def are_zero(mean_squares: Array, magnitudes: Array) -> Array:
    """Return True for each mean square within the rounding of numbers of that magnitude."""
    zero: Array = np.sqrt(mean_squares) <= 4 * EPSILON * magnitudes
    return zero


def summarize_rows(
    X: Array,
    y: Array,
    weights: Array | None,
    method: str,
    *,
    threads: int | None = None,
    backend: str = "auto",
) -> Summary:
    """Return the summary of all rows and targets; "auto" uses products if these lose no digits."""
    summary = None
    if method == "auto" and len(X) <= X.shape[1]:
        method = "qr"  # products of so few rows have no factor
    if method != "qr":
        sums = sum_blocks(X, y, weights, "gram", threads=threads, backend=backend)
        summary = summarize_moments(sums, "gram")
    if summary is None and method != "gram":
        sums = sum_blocks(X, y, weights, "qr", threads=threads, backend=backend)
        summary = summarize_moments(sums, "qr")
    if summary is None:
        raise ValueError(LOST_DIGITS)
    return summary


@halt_for_forks
def summarize_few_rows(X: Array, y: Array, weights: Array | None) -> Summary:
    """Return the summary of at most n_features rows, without a triangular factor: only the column of ones is reduced.

    A Householder reflection of all rows at once makes that column zero below its first entry. All else is as in
    `sum_blocks`.
    """
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        shift = find_shift(X, y, weights)
        buffer = np.empty((len(y), 1 + len(shift)), order="F" if X.flags.f_contiguous else "C")
        block = pack_rows(X, y, weights, shift, buffer)
        squares = np.einsum("ij,ij->j", block, block)
    total = float(len(y)) if weights is None else float(weights.sum())
    check_squares(X, y, weights, squares, total)
    normal = block[:, 0].copy()
    normal[0] += norm(normal)
    block -= np.outer(normal, (normal @ block) * (2 / (normal @ normal)))
    return Summary(total, len(y), shift + block[0, 1:] / block[0, 0], block[1:, 1:], y.shape[1])


@halt_for_forks
def make_small_problem(summary: Summary, fit_intercept: bool, penalty: Array) -> tuple[Array, Array]:
    """Return X_small and y_small, whose J is that of the rows plus ½·Σ penaltyⱼ·coefⱼ².

    y_small has columns if there are several targets; its last row is what no feature reaches of each.
    """
    total, rows, p, k = summary.total, summary.rows, summary.n_features, summary.n_targets
    if penalty.any():
        rows = stack_triangle(rows, np.eye(p, p + k) * (sqrt(total) * np.sqrt(penalty))[:, np.newaxis], k)
    small = np.zeros((len(rows) + 1, 1 + p + k))
    small[0], small[1:, 1:] = sqrt(total) * np.append(1.0, summary.means), rows
    small *= sqrt(len(small)) / sqrt(total)
    if not np.isfinite(small).all():
        raise ValueError("alpha and sample_weight must have products in the range of float64; rescale them")
    y = small[:, 1 + p] if k == 1 else small[:, 1 + p :]
    return np.ascontiguousarray(small[:, 1 - fit_intercept : 1 + p]), y.copy()
