"""Whitened coordinates: those in which the Hessian of J is the identity, so that one epoch at the rate 1 is enough.

Design:
(a) The triangular factor of the compressed problem, its columns standardized and the rows of a ridge included, is all
    that J depends on. If that factor is A = S·B, with orthonormal rows B, coordinates z = S·B·c of the standardized
    coefficients c make J equal to ½‖z − z*‖² and a constant: one row for each direction, and one for the constant.
(b) Where A is well conditioned, S is A itself and B the identity, or, for fewer rows than columns, A = S·B is the
    transpose of a QR; there AAᵀ serves as long as it keeps the digits. Elsewhere S·B comes from the singular values,
    which takes ten times as long.
(c) A column that is constant up to its own rounding is zero, and its coefficient too. A direction is zero below
    max(n_features, √n_samples)·eps of the largest singular value, which rounding alone can leave of a combination of
    other columns, and below the rounding of columns far from zero, as far as it points along these.
(d) Zero directions leave coefficients open. The least norm in the units of the data decides: what
    `numpy.linalg.lstsq` returns for centred columns.

References
----------
G. H. Golub and C. F. Van Loan, Matrix Computations, 4th ed., Johns Hopkins, 2013, sections 5.5 and 6.1.
N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., SIAM, 2002, sections 14.2 (triangular
inverses) and 19.4 (QR of rows of different sizes).
"""

from collections.abc import Callable
from functools import partial
from math import sqrt
from typing import Any

import numpy as np

from fastgd.backends.compiled import find_compiled
from fastgd.backends.sparse import CSR
from fastgd.forks import halt_for_forks
from fastgd.inputs.arrays import EPSILON, Array
from fastgd.inputs.values import LARGEST_SQUARE, SMALLEST_SQUARE
from fastgd.problem.coordinates import Problem, WhitenedCoordinates
from fastgd.problem.directions import WELL_CONDITIONED, Directions, find_directions, invert_triangle, reduce_rows
from fastgd.problem.few_rows import Whitening, whiten_few_rows, whiten_few_rows_with_ridge
from fastgd.problem.moments import MOST_COMPILED, Summary, are_zero
from fastgd.problem.rank import whiten_ranked
from fastgd.problem.sparse_rows import SparseRows

LARGEST_CORRECTION = 1e-6  # of the coordinates that the coefficients of least norm stand for
CHANCE = 3.0  # the parts of noise along single directions are rarely more than 3 times the usual one


@halt_for_forks
def whiten_summary(summary: Summary, fit_intercept: bool, alpha: float) -> tuple[Problem, Array, WhitenedCoordinates]:
    """Return the small problem of all targets in whitened coordinates, and the coordinates, which they share.

    The array between them has the doubtful part of each target: see `Whitening`. Its y has columns if there are several
    targets.
    """
    if fit_intercept and alpha == 0:
        simple = whiten_triangle(summary)
        if simple is not None:
            return simple
    p, means, factor = summary.n_features, summary.means, summary.rows / sqrt(summary.total)
    if not fit_intercept:
        check_means(means[:p], factor[:, :p])
        rows, means = np.concatenate([factor, means[np.newaxis]]), np.zeros_like(means)
        factor = rows if len(rows) < p else np.asarray(np.linalg.qr(rows, mode="r"))
    magnitudes, mean_squares = np.abs(means[:p]), np.einsum("ij,ij->j", factor[:, :p], factor[:, :p])
    live = np.flatnonzero(~are_zero(mean_squares, magnitudes))
    scales = np.sqrt(mean_squares[live] + alpha)
    threshold, noise = EPSILON * max(p, sqrt(summary.n_samples)), EPSILON * magnitudes[live] / scales
    A, targets, found = factor[:, :p] if len(live) == p else factor[:, live], factor[:, p:], None
    lost = np.zeros(targets.shape[1])
    if summary.pivoting is not None and fit_intercept:  # the factor ends with a row without features
        A, targets, lost = A[:-1], targets[:-1], np.abs(targets[-1])
    elif summary.pivoting is not None:
        empty = ~A.any(axis=1)
        lost = np.linalg.norm(targets[empty], axis=0)
        A, targets = A[~empty], targets[~empty]
    if summary.pivoting is not None and fit_intercept and alpha == 0:
        order = np.searchsorted(live, summary.pivoting.order)
        found = whiten_ranked(A, targets, order, summary.pivoting, summary.total, noise)
    if found is None and len(A) < len(live) and alpha == 0:
        found = whiten_few_rows(A, targets, scales, noise)
    elif found is None and len(A) <= len(live) and alpha > 0:
        found = whiten_few_rows_with_ridge(A, targets, scales, alpha)
    if found is None:
        ridge = sqrt(alpha) / scales if alpha > 0 else None
        reduced = reduce_rows(A[:p] / scales, targets[:p], ridge, triangular=len(live) == p)
        directions = find_directions(*reduced, threshold, noise)
        rest = np.hypot(directions.rest, np.linalg.norm(targets[p:], axis=0))
        doubtful = find_doubtful_part(directions, rest, summary.n_samples)
        maps = map_directions(directions, scales)
        found = Whitening(*maps, None, directions.minimum, rest, directions.amplification, doubtful)
    to_whitened = spread_columns(found.to_whitened, live, p)
    to_coef = spread_columns(found.to_coef.T, live, p).T
    matrices = to_whitened, to_coef, found.gram_inverse
    solve = found.solve
    if solve is not None and len(live) < p:
        solve = partial(solve_live, solve, live, p)
    norms = np.sqrt(np.einsum("ij,ij->j", to_whitened, to_whitened))
    coordinates = WhitenedCoordinates(means[:p], *matrices, norms, found.amplification, fit_intercept, solve)
    rest = np.hypot(found.rest, lost)
    sparse = summary.pivoting is not None and p > MOST_COMPILED  # SciPy is there
    problem = make_identity_problem(found.minimum, rest, means[p:], fit_intercept, sparse=sparse)
    return problem, found.doubtful, coordinates


def whiten_triangle(summary: Summary) -> tuple[Problem, Array, WhitenedCoordinates] | None:
    """Return what `whiten_summary` does, for few well-conditioned columns, by compiled code; None where it cannot."""
    p, rows = summary.n_features, summary.rows
    if p > MOST_COMPILED or len(rows) != p + 1 or summary.pivoting is not None:
        return None
    compiled = find_compiled("whiten_triangle")
    if compiled is None:
        return None
    to_whitened, to_coef, scales = np.empty((p, p)), np.empty((p, p)), np.empty(p)
    means, X, y = summary.means, np.empty((p + 2, p + 1)), np.empty((p + 2, summary.n_targets))
    bound = compiled(rows, summary.total, means, EPSILON, WELL_CONDITIONED, to_whitened, to_coef, scales, X, y)
    if not bound:
        return None
    coordinates = WhitenedCoordinates(means[:p], to_whitened, to_coef, None, scales, bound, True)
    problem = Problem(X, y[:, 0] if summary.n_targets == 1 else y, False)
    return problem, np.zeros(summary.n_targets), coordinates


def find_doubtful_part(found: Directions, rest: Array, n_samples: int) -> Array:
    """Return the root of twice the cost that the doubtful directions would take off; 0 if chance explains it.

    Noise has a part of about rest·√(q/n_samples) along q directions. Where doubtful directions are no clearly smaller
    than the others, the residuals can be about as wrong as these overlap.
    """
    size = np.linalg.norm(found.doubtful, axis=0)
    part = np.where(size <= CHANCE * rest * sqrt(len(found.doubtful) / n_samples), 0.0, size)
    return np.maximum(part, found.overlap * rest)


def check_means(means: Array, factor: Array) -> None:
    """Refuse means whose squares leave the range of float64: without an intercept, they count.

    A mean is too small only in a constant column.
    """
    sizes, least, most = np.abs(means), sqrt(SMALLEST_SQUARE), sqrt(LARGEST_SQUARE)
    small = (means != 0) & (sizes < least) & (np.abs(factor).max(axis=0, initial=0.0) < least)
    bad = np.flatnonzero(small | (sizes > most))
    if len(bad):
        raise ValueError(
            f"X must have columns with a mean square between {SMALLEST_SQUARE} and {LARGEST_SQUARE} if no intercept is "
            f"fitted; column {bad[0]} (counted from 0) has the mean {means[bad[0]]}: rescale it"
        )


def spread_columns(rows: Array, live: Array, n_features: int) -> Array:
    """Return the rows with columns of zeros for the features that are not live."""
    if len(live) == n_features:
        return rows
    spread = np.zeros((len(rows), n_features))
    spread[:, live] = rows
    return spread


def solve_live(solve: Callable[[Array], Array], live: Array, n_features: int, right: Array) -> Array:
    """Return the coefficients of whitened coordinates; those of the features that are not live are zeros."""
    coef = np.zeros((n_features, *right.shape[1:]))
    coef[live] = solve(right)
    return coef


def make_identity_problem(
    minimum: Array, rest: Array, means: Array, fit_intercept: bool, *, sparse: bool = False
) -> Problem:
    """Return the rows of ½‖z − minimum‖² + ½·rest², with a column for the intercept in front if there is one.

    `minimum` has a column for each target, `rest` and `means` have an entry. The last row belongs to each target alone.
    A problem has one column at least: of zeros, where the data determine nothing. X is sparse if the data are.
    """
    targets = np.concatenate([means[np.newaxis], minimum]) if fit_intercept else minimum
    m, columns = len(targets) + 1, max(len(targets), 1)
    if sparse and len(targets):
        places = np.arange(columns + 2)
        places[-1] = columns
        entries = np.full(columns, sqrt(m))
        X: Any = SparseRows(CSR(entries, places[:columns].copy(), places, (m, columns)))
    else:
        X = np.zeros((m, columns))
        X.reshape(-1)[: len(targets) * columns : columns + 1] = sqrt(m)
    y = np.empty((m, len(rest)))
    y[:-1], y[-1] = targets, rest
    y *= sqrt(m)
    return Problem(X, y[:, 0] if y.shape[1] == 1 else y, False)


def map_directions(found: Directions, scales: Array) -> tuple[Array, Array]:
    """Return the matrices that make whitened coordinates of coefficients in the data's units, and the reverse."""
    to_whitened = found.rows * scales
    if found.basis is None:
        return to_whitened, found.inverse / scales[:, np.newaxis]
    if len(found.basis) == len(scales):
        return to_whitened, (found.basis.T / scales[:, np.newaxis]) @ found.inverse
    return to_whitened, find_least_norm(found.basis, scales) @ found.inverse


def find_least_norm(basis: Array, scales: Array) -> Array:
    """Return the matrix that makes coefficients, in the data's units, of coordinates along the basis: of least norm.

    Columns of very different scales cost digits. A correction keeps the predictions right; where it would be large, the
    least norm of the standardized coefficients must do.
    """
    standardized, rows = basis.T / scales[:, np.newaxis], basis * scales
    if 2 * len(basis) < len(scales):
        Q, R = np.linalg.qr(rows.T)
        found = Q @ invert_triangle(R).T if R.diagonal().all() else standardized
    else:
        zero = find_zero_directions(basis, scales)
        found = standardized - zero @ (zero.T @ standardized)
    error = np.eye(len(rows)) - rows @ found
    return found + standardized @ error if np.abs(error).max(initial=0.0) < LARGEST_CORRECTION else standardized


def find_zero_directions(basis: Array, scales: Array) -> Array:
    """Return orthonormal columns, in the data's units, that the basis leaves out.

    Large rows come first: then a QR keeps the digits of small rows too (N. J. Higham, section 19.4).
    """
    zero = np.linalg.qr(basis.T, mode="complete")[0][:, len(basis) :]
    zero[np.abs(zero) < 16 * EPSILON] = 0.0  # the rounding of zeros would count in columns of small scale
    zero /= scales[:, np.newaxis]
    order = np.argsort(-np.abs(zero).max(axis=1, initial=0.0))
    directions = np.empty_like(zero)
    directions[order] = np.linalg.qr(zero[order])[0]
    return directions
