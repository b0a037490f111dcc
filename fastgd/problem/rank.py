"""The summary of data from their Gram matrix where columns depend on each other, as one-hot columns of all levels do.

Design:
(a) Where the Cholesky factor exists and keeps its digits, it is the summary's, as in moments.py. Elsewhere one with
    pivots takes the columns in an order in which the first ones determine the others. It stops where the first ones
    leave less than LEAST_PIVOT of the variance of each other column.
(b) Sums of squares cannot tell such a part from zero. So each suspected direction is measured in the data, by products
    with a few vectors, and corrected by its gradient, as in the corrected seminormal equations. A direction is zero if
    it is within the rounding of whitening.py (c).
(c) If all suspected directions are zero, R has one row for each pivot. If one is neither zero nor clearly a direction,
    only a QR of the rows can tell.
(d) A target that the columns explain almost wholly has lost its digits too: its residuals are measured likewise.
(e) Dependent columns whiten without a Gram matrix of the rows of R: R⁻¹ gives coefficients of the pivots alone, and
    the zero directions, which R⁻¹ gives too, are taken off them. That leaves the least norm.

References
----------
N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., SIAM, 2002, section 10.3 (pivots and the rank).
Å. Björck, Numerical Methods for Least Squares Problems, SIAM, 1996, section 6.6.5 (corrected seminormal equations).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import sqrt
from typing import Any

import numpy as np

from fastgd.backends.compiled import find_compiled
from fastgd.forks import halt_for_forks, import_safely
from fastgd.inputs.arrays import EPSILON, Array
from fastgd.problem.corrected import Measure
from fastgd.problem.directions import WELL_CONDITIONED
from fastgd.problem.few_rows import Whitening
from fastgd.problem.moments import LEAST_PIVOT, Moments, Pivoting, Summary, are_zero, find_squares

FIRST_COLUMNS = 128  # of those often one depends on the others already, and no factor of all is tried
HOPELESS = 1e-5  # the largest norm of a direction that a correction may make zero; rounding leaves less of it
CORRECTIONS = 2  # each takes off the error of the one before, up to the rounding of a product


@dataclass(frozen=True, slots=True, eq=False)
class Pivots:
    """The columns that determine the others, each divided by its norm.

    Attributes
    ----------
    lapack : module
        SciPy's LAPACK.
    columns : ndarray of shape (k,)
        The columns that are not constant, in the order of the pivots: the first r determine the others.
    norms : ndarray of shape (k,)
        The norm of each, centred.
    R : ndarray of shape (r, r)
        The Cholesky factor of the first r columns.
    beside : ndarray of shape (r, k - r)
        The parts of the others along the first r columns.
    """

    lapack: Any
    columns: Array
    norms: Array
    R: Array
    beside: Array

    def solve(self, right: Array, *, transposed: bool = False) -> Array:
        """Return R⁻¹ times a matrix of r rows, or R⁻ᵀ times it."""
        # Of the array in C order LAPACK sees the transpose: a lower triangle.
        found: Array = self.lapack.dtrtrs(self.R.T, right, lower=1, trans=int(not transposed))[0]
        return found

    def find_changes(self, slopes: Array) -> Array:
        """Return (RᵀR)⁻¹ times the gradients by the first r columns, which are in the units of the data."""
        r = len(self.R)
        return self.solve(self.solve(slopes[self.columns[:r]] / self.norms[:r, np.newaxis], transposed=True))


@halt_for_forks
def summarize_ranked(moments: Moments, measure: Measure, room: Array | None = None) -> Summary | None:
    """Return the summary of data whose columns may depend on each other; None if only a QR of the rows can tell.

    Parameters
    ----------
    moments : Moments
        The Gram sums, of which only the part on and above the diagonal counts. A summary overwrites them: where the
        matrix was, its rows are then.
    measure : callable
        Measures combinations of the columns in the data: see `Measure`.
    room : ndarray of shape (n_features, n_features) or None
        Memory for the products of the columns of norm 1, and for their factor.
    """
    p, k, total = moments.n_features, moments.n_targets, moments.total
    sums, products = moments.matrix[0, 1:], moments.matrix[1:, 1:]
    raw = find_squares(moments.matrix, p, gram=True)[1:]
    squares = np.maximum(raw - sums * sums / total, 0.0)
    shares = np.divide(squares, raw, out=np.zeros_like(raw), where=raw > 0)
    live = np.flatnonzero(shares[:p] >= LEAST_PIVOT)
    dead = np.setdiff1d(np.arange(p), live, assume_unique=True)
    if not len(live) or not are_zero(raw[dead] / total, np.abs(moments.means[dead])).all():
        return None
    norms = np.sqrt(squares[live])
    if room is None or len(live) < p:
        room = np.empty((len(live), len(live)))
    pivots = find_pivots(partial(scale_products, moments, live, norms, room), live, norms, shares[live])
    threshold = EPSILON * max(p, sqrt(moments.n_samples))
    beside = None if pivots is None else correct_dependence(pivots, p, threshold, measure)
    if pivots is None or beside is None:
        return None
    r = len(pivots.R)
    first = pivots.columns[:r]
    slopes = np.zeros((p, k))
    slopes[first] = products[first, p:] - np.outer(sums[first], sums[p:] / total)
    images, rest = find_images(pivots, slopes, squares[p:], shares[p:], measure)
    pivoting = Pivoting(pivots.columns, pivots.R, pivots.norms[:r], bound_inverse(pivots.lapack, pivots.R))
    means = moments.means
    rows = moments.matrix.reshape(-1)[: (r + 1) * (p + k)].reshape(r + 1, p + k)
    write_rows(pivots, beside, rows[:r, :p])
    rows[r, :p], rows[:r, p:], rows[r, p:] = 0.0, images, rest
    return Summary(total, moments.n_samples, means, rows, k, pivoting)


def write_rows(pivots: Pivots, beside: Array, rows: Array) -> None:
    """Write the factor of all columns, in their order and their units; columns without a pivot are zeros."""
    r, p = rows.shape
    if r == p:
        np.multiply(pivots.R, pivots.norms, out=rows)
        return
    rows[:] = 0.0
    compiled = find_compiled("spread_factor")
    for first, part in ((0, pivots.R), (r, beside)):
        chosen = slice(first, first + part.shape[1])
        columns, norms = pivots.columns[chosen], pivots.norms[chosen]
        if compiled is not None:
            compiled(part, columns, norms, rows)
        else:
            rows[:, columns] = part * norms


def scale_products(moments: Moments, columns: Array, norms: Array, scaled: Array) -> Array:
    """Write the products of columns that are centred and divided by their norms, on and above the diagonal."""
    compiled, p = find_compiled("scale_products"), moments.n_features
    if compiled is not None and len(columns) == p:
        compiled(moments.matrix, norms, moments.total, scaled)
        return scaled
    sums, products = moments.matrix[0, 1 + columns], moments.matrix[1:, 1:]
    np.multiply.outer(sums, sums / -moments.total, out=scaled)
    scaled += products[:p, :p] if len(columns) == p else products[np.ix_(columns, columns)]
    scaled /= norms
    scaled /= norms[:, np.newaxis]
    return scaled


def find_pivots(make_products: Callable[[], Array], columns: Array, norms: Array, shares: Array) -> Pivots | None:
    """Return the pivots of columns of norm 1 from their products; None without SciPy, or if digits are lost.

    Of an array in C order LAPACK sees the transpose: the part on and above the diagonal is a lower triangle.
    """
    try:
        lapack: Any = import_safely("scipy.linalg.lapack")  # NumPy has no pivots
    except ImportError:
        return None
    products = make_products()
    few = min(FIRST_COLUMNS, len(products))
    factor, fault = lapack.dpotrf(products[:few, :few].T, lower=1)
    if not fault and keeps_digits(factor, shares[:few]):
        factor, fault = lapack.dpotrf(products.T, lower=1, overwrite_a=1)
        if not fault and keeps_digits(factor, shares):
            return Pivots(lapack, columns, norms, factor.T, np.zeros((len(norms), 0)))
        products = make_products()
    factor, order, r, _ = lapack.dpstrf(products.T, tol=LEAST_PIVOT, lower=1, overwrite_a=1)
    order = order - 1
    if r == len(order) or not keeps_digits(factor[:r, :r], shares[order[:r]]):
        return None
    return Pivots(lapack, columns[order], norms[order], *split_factor(factor.T, r))


def split_factor(factor: Array, r: int) -> tuple[Array, Array]:
    """Return the first r columns of the first r rows, with zeros below the diagonal, and copies of the others.

    The triangle takes the memory of the factor: each of its rows lies before the place where it was.
    """
    beside, memory, compiled = factor[:r, r:].copy(), factor.reshape(-1), find_compiled("pack_triangle")
    if compiled is not None:
        compiled(factor, r)
    else:
        for row in range(r):
            memory[row * r + row : (row + 1) * r] = factor[row, row:r]
            memory[row * r : row * r + row] = 0.0
    return memory[: r * r].reshape(r, r), beside


def keeps_digits(factor: Array, shares: Array) -> bool:
    """Return True if no column before a column leaves too little of its variance, as in `factorize_scaled`."""
    return bool((factor.diagonal() ** 2 * shares).min() >= LEAST_PIVOT)


def correct_dependence(pivots: Pivots, n_features: int, threshold: float, measure: Measure) -> Array | None:
    """Return the parts of the other columns along the first ones, corrected; None if that is not all of a column.

    The threshold is the norm, relative to the norms of the columns, below which a combination is zero.
    """
    r, others = pivots.beside.shape
    if not others:
        return pivots.beside
    dependence = pivots.solve(pivots.beside)
    sizes = np.sqrt(1.0 + np.einsum("ij,ij->j", dependence, dependence))
    directions = np.zeros((n_features, others))
    directions[pivots.columns[r:], np.arange(others)] = 1 / pivots.norms[r:]
    for last in range(CORRECTIONS + 1):
        directions[pivots.columns[:r]] = -dependence / pivots.norms[:r, np.newaxis]
        found, slopes = measure(directions, None)
        if (found <= threshold * sizes).all():
            return pivots.R @ dependence
        if last == CORRECTIONS or (found > HOPELESS * sizes).any():
            return None
        dependence = dependence + pivots.find_changes(slopes)
    return None


def find_images(pivots: Pivots, slopes: Array, squares: Array, shares: Array, measure: Measure) -> tuple[Array, Array]:
    """Return QᵀY, and the norm of the part of each target that the columns do not explain.

    Parameters
    ----------
    pivots : Pivots
        The columns that determine the others.
    slopes : ndarray of shape (n_features, n_targets)
        The products of the first columns with the targets.
    squares, shares : ndarray of shape (n_targets,)
        The squared norm of each centred target, and its share of the squares before centring.
    measure : callable
        See `Measure`.
    """
    r = len(pivots.R)
    first, norms = pivots.columns[:r], pivots.norms[:r, np.newaxis]
    images = pivots.solve(slopes[first] / norms, transposed=True)
    rest = squares - np.einsum("ij,ij->j", images, images)
    lost = np.flatnonzero(rest * shares < LEAST_PIVOT * squares)
    rest = np.sqrt(np.maximum(rest, 0.0))
    if len(lost):
        coef, found = np.zeros((len(slopes), len(lost))), rest[lost]
        scaled = pivots.solve(images[:, lost])
        for last in range(CORRECTIONS + 1):
            coef[first] = scaled / norms
            found, changes = measure(coef, lost.tolist())
            if last < CORRECTIONS:
                scaled = scaled - pivots.find_changes(changes)
        images[:, lost], rest[lost] = pivots.R @ scaled, found
    return images, rest


def whiten_ranked(
    A: Array, targets: Array, order: Array, pivoting: Pivoting, total: float, noise: Array
) -> Whitening | None:
    """Return the whitened coordinates of such a factor, in the units of the data; None if it is ill-conditioned.

    Parameters
    ----------
    A : ndarray of shape (r, k)
        The factor: in the order, its first r columns are upper triangular, and determine the others.
    targets : ndarray of shape (r, n_targets)
        The factor's columns of y.
    order : ndarray of shape (k,)
        The columns in the order of the pivots, among those of A.
    pivoting : Pivoting
        The factor's first columns, and their condition.
    total : float
        The total weight, which the factor has been divided by.
    noise : ndarray of shape (k,)
        The rounding of each column, relative to its deviation.
    """
    amplification, R = pivoting.amplification, pivoting.R  # A·Aᵀ is R·Rᵀ and more
    if float(np.linalg.norm(R)) * amplification > WELL_CONDITIONED or float(noise.max()) * amplification >= 1:
        return None
    lapack: Any = import_safely("scipy.linalg.lapack")  # it made the factor
    r, k = A.shape
    first, others = order[:r], order[r:]
    zero, units = np.zeros((k, k - r)), sqrt(total) / pivoting.norms
    if r < k:
        dependence = lapack.dtrtrs(R.T, A[:, others], lower=1, trans=1)[0] * units[:, np.newaxis]
        zero[first], zero[others, np.arange(k - r)] = -dependence, 1.0
        zero = np.linalg.qr(zero)[0]
    nothing = np.zeros(targets.shape[1])
    solve = partial(solve_ranked, lapack, R, units, first, zero)
    return Whitening(A, np.zeros((k, 0)), None, targets, nothing, amplification, nothing, solve)


def bound_inverse(lapack: Any, R: Array) -> float:
    """Return an estimate of the norm of R⁻¹ that is rather too large, from LAPACK's of the largest sum of a column.

    It is that of (RᵀR)⁻¹, whose norm is no larger, and the square of that of R⁻¹.
    """
    inverse = lapack.dpocon(R.T, 1.0, uplo="L")[0]  # one over that sum
    return sqrt(1 / inverse) if inverse > 0 else float("inf")


def solve_ranked(lapack: Any, R: Array, units: Array, first: Array, zero: Array, right: Array) -> Array:
    """Return the coefficients of least norm for whitened coordinates: along the first columns, without zero directions.

    Parameters
    ----------
    lapack : module
        SciPy's LAPACK.
    R : ndarray of shape (r, r)
        The triangular factor of the first columns, each of norm 1.
    units : ndarray of shape (r,)
        The inverses of their norms in the data.
    first : ndarray of shape (r,)
        The first columns.
    zero : ndarray of shape (k, k - r)
        Orthonormal columns: the directions of coefficients that change no prediction.
    right : ndarray of shape (r,) or (r, n_targets)
        The whitened coordinates.
    """
    coef = np.zeros((len(zero), *right.shape[1:]))
    coef[first] = (lapack.dtrtrs(R.T, right, lower=1, trans=1)[0].reshape(right.shape).T * units).T
    coef -= zero @ (zero.T @ coef)
    return coef
