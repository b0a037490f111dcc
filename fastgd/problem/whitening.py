"""Whitened coordinates: those in which the Hessian of J is the identity, so that one epoch at the rate 1 is enough.

Design:
(a) The triangular factor of the compressed problem, its columns standardized and the rows of a ridge included, is all
    that J depends on. If that factor is A = S·B, with orthonormal rows B, coordinates z = S·B·c of the standardized
    coefficients c make J equal to ½‖z − z*‖² and a constant: one row for each direction, and one for the constant.
(b) Where A is well conditioned, S is A itself and B the identity, or, for fewer rows than columns, A = S·B is the
    transpose of a QR. Elsewhere S·B comes from the singular values, which takes ten times as long.
(c) A column that is constant up to its own rounding is zero, and its coefficient too. A direction is zero below
    max(n_features, √n_samples)·eps of the largest singular value, which rounding alone can leave of a combination of
    other columns, and below the rounding of columns far from zero, as far as it points along these.
(d) Zero directions leave coefficients open. The least norm in the units of the data decides: what
    `numpy.linalg.lstsq` returns for centred columns.

References
----------
G. H. Golub and C. F. Van Loan, Matrix Computations, 4th ed., Johns Hopkins, 2013, sections 5.5 and 6.1.
N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., SIAM, 2002, section 14.2 (triangular inverses).
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np

from fastgd.inputs.arrays import EPSILON, Array
from fastgd.problem.coordinates import Problem, WhitenedCoordinates, are_zero
from fastgd.problem.moments import Summary, stack_qr

WELL_CONDITIONED = 1e7  # in the Frobenius norm; `WhitenedCoordinates.to_data` takes off the rounding of the inverse
FEW_ROWS = 64  # up to this size, one call of NumPy inverts a matrix faster than blocks


@dataclass(frozen=True, slots=True)
class Directions:
    """The directions of the standardized coefficients that a factor A determines: A = S·B on them.

    Attributes
    ----------
    S : ndarray of shape (r, r)
        Makes whitened coordinates of those along the basis.
    inverse : ndarray of shape (r, r)
        The inverse of S.
    basis : ndarray of shape (r, k) or None
        B, the directions, as orthonormal rows; None if all are determined, and B is the identity.
    minimum : ndarray of shape (r, n_targets)
        The whitened coordinates of the least cost of each target.
    rest : ndarray of shape (n_targets,)
        The root of twice the least cost of each target.
    doubtful : ndarray of shape (n_targets,)
        The root of twice the cost that the directions within the rounding of far columns would take off, if they were
        not zero.
    """

    S: Array
    inverse: Array
    basis: Array | None
    minimum: Array
    rest: Array
    doubtful: Array


def whiten_summary(
    summary: Summary, fit_intercept: bool, alpha: float
) -> tuple[list[Problem], Array, WhitenedCoordinates]:
    """Return the small problem of each target in whitened coordinates, and the coordinates, which all targets share.

    The array between them has the root of the doubtful cost of each target: see `Directions`.
    """
    means, factor = summary.means, summary.rows / sqrt(summary.total)
    if not fit_intercept:
        factor, means = stack_qr(factor, means[np.newaxis]), np.zeros_like(means)
    p = summary.n_features
    magnitudes, mean_squares = np.abs(means[:p]), np.square(factor[:, :p]).sum(axis=0)
    live = np.flatnonzero(~are_zero(mean_squares, magnitudes))
    scales = np.sqrt(mean_squares[live] + alpha)
    if alpha > 0 and len(factor) <= len(live):
        to_whitened, to_coef, minimum, rest = whiten_wide_ridge(factor[:, live], factor[:, p:], sqrt(alpha))
        doubtful = np.zeros_like(rest)
    else:
        ridge = sqrt(alpha) / scales if alpha > 0 else None
        reduced = reduce_rows(factor[:p, live] / scales, factor[:p, p:], ridge)
        threshold, noise = EPSILON * max(p, sqrt(summary.n_samples)), EPSILON * magnitudes[live] / scales
        found = find_directions(*reduced, threshold, noise)
        to_whitened, to_coef = map_directions(found, scales)
        minimum, doubtful = found.minimum, found.doubtful
        rest = np.hypot(found.rest, np.linalg.norm(factor[p:, p:], axis=0))
    coordinates = WhitenedCoordinates(
        means[:p], spread_columns(to_whitened, live, p), spread_columns(to_coef.T, live, p).T, fit_intercept
    )
    targets = zip(minimum.T, rest.tolist(), means[p:].tolist(), strict=True)
    return [make_identity_problem(z, size, mean, fit_intercept) for z, size, mean in targets], doubtful, coordinates


def spread_columns(rows: Array, live: Array, n_features: int) -> Array:
    """Return the rows with columns of zeros for the features that are not live."""
    if len(live) == n_features:
        return rows
    spread = np.zeros((len(rows), n_features))
    spread[:, live] = rows
    return spread


def make_identity_problem(minimum: Array, rest: float, mean: float, fit_intercept: bool) -> Problem:
    """Return the rows of ½‖z − minimum‖² + ½·rest², with a column for the intercept in front if there is one.

    A problem has one column at least: of zeros, where the data determine nothing.
    """
    targets = np.concatenate([[mean], minimum]) if fit_intercept else minimum
    m, columns = len(targets) + 1, max(len(targets), 1)
    X = np.zeros((m, columns))
    np.fill_diagonal(X[: len(targets)], sqrt(m))
    return Problem(X, np.append(targets, rest) * sqrt(m), False)


def reduce_rows(A: Array, targets: Array, ridge: Array | None) -> tuple[Array, Array, Array]:
    """Return a triangular A, if it has rows enough, with its targets, and the root of twice the cost that this leaves.

    Parameters
    ----------
    A : ndarray of shape (m, k)
        The factor of the standardized columns.
    targets : ndarray of shape (m, n_targets)
        The factor's columns of y.
    ridge : ndarray of shape (k,) or None
        The root of the ridge's penalty of each standardized coefficient.
    """
    m, k = A.shape
    if ridge is not None:
        A, targets = np.concatenate([A, np.diag(ridge)]), np.concatenate([targets, np.zeros((k, targets.shape[1]))])
    elif m < k or (m == k and not np.tril(A, -1).any()):
        return A, targets, np.zeros(targets.shape[1])
    Q, R = np.linalg.qr(A)
    images = Q.T @ targets
    return R, images, np.linalg.norm(targets - Q @ images, axis=0)


def find_directions(A: Array, targets: Array, rest: Array, threshold: float, noise: Array) -> Directions:
    """Return the directions that a factor of standardized columns determines.

    Parameters
    ----------
    A : ndarray of shape (m, k)
        The factor's columns of X: upper triangular, unless it has fewer rows than columns.
    targets : ndarray of shape (m, n_targets)
        The factor's columns of y.
    rest : ndarray of shape (n_targets,)
        The root of twice the cost that is known to be left.
    threshold : float
        The singular value below which a direction is zero, relative to the largest.
    noise : ndarray of shape (k,)
        The rounding of each column that is far from zero.
    """
    m, k = A.shape
    if not A.size:
        none, left = np.zeros((0, 0)), np.hypot(rest, np.linalg.norm(targets, axis=0))
        return Directions(none, none, np.zeros((0, k)), np.zeros((0, len(rest))), left, np.zeros_like(rest))
    Q, R = (None, A) if m >= k else np.linalg.qr(A.T)
    inverse = invert_triangle(R) if R.diagonal().all() else None
    if inverse is not None and is_well_conditioned(R, inverse, noise):
        if Q is None:
            return Directions(R, inverse, None, targets, rest, np.zeros_like(rest))
        return Directions(R.T, inverse.T, Q.T, targets, rest, np.zeros_like(rest))
    left, values, right = np.linalg.svd(R if Q is None else R.T)
    right = right if Q is None else right @ Q.T
    above, kept = values > threshold * values.max(), values > np.linalg.norm(right * noise, axis=1)
    doubtful = np.linalg.norm(left[:, above & ~kept].T @ targets, axis=0)
    kept &= above
    left, values, right = left[:, kept], values[kept], right[kept]
    minimum = left.T @ targets
    rest = np.hypot(rest, np.linalg.norm(targets - left @ minimum, axis=0))
    return Directions(np.diag(values), np.diag(1 / values), right, minimum, rest, doubtful)


def is_well_conditioned(R: Array, inverse: Array, noise: Array) -> bool:
    """Return True if a triangle keeps enough digits, and every direction is above the rounding of far columns."""
    size = float(np.linalg.norm(inverse))
    return float(np.linalg.norm(R)) * size <= WELL_CONDITIONED and float(noise.max()) * size < 1


def invert_triangle(R: Array) -> Array:
    """Return the inverse of an upper triangular matrix without zeros on its diagonal, by blocks."""
    half = len(R) // 2
    if half < FEW_ROWS // 2:
        return np.linalg.inv(R)
    top, bottom = invert_triangle(R[:half, :half]), invert_triangle(R[half:, half:])
    inverse = np.zeros_like(R)
    inverse[:half, :half], inverse[half:, half:] = top, bottom
    inverse[:half, half:] = -(top @ R[:half, half:]) @ bottom
    return inverse


def map_directions(found: Directions, scales: Array) -> tuple[Array, Array]:
    """Return the matrices that make whitened coordinates of coefficients in the data's units, and the reverse."""
    if found.basis is None:
        return found.S * scales, found.inverse / scales[:, np.newaxis]
    rows = found.basis * scales
    if len(rows) == rows.shape[1]:
        return found.S @ rows, (found.basis.T / scales[:, np.newaxis]) @ found.inverse
    return found.S @ rows, find_least_norm(rows) @ found.inverse


def find_least_norm(rows: Array) -> Array:
    """Return the matrix that makes the coefficients of least norm of their products with the rows.

    With rowsᵀ = QR, it is Q·R⁻ᵀ. Columns of very different sizes cost digits, which one correction brings back.
    """
    Q, R = np.linalg.qr(rows.T)
    inverse = np.linalg.inv(R.T)
    found = Q @ inverse
    return found + Q @ (inverse @ (np.eye(len(rows)) - rows @ found))


def whiten_wide_ridge(A: Array, targets: Array, root: float) -> tuple[Array, Array, Array, Array]:
    """Return the two matrices, the minimum and the rest of a factor with few rows, and a ridge of root².

    With A/root = UΣVᵀ, the penalised cost has the Hessian root²·V(Σ² + 1)Vᵀ in the directions V. In all others the
    ridge alone holds the coefficients: at zero. All is in the units of the data.
    """
    Q, R = np.linalg.qr(A.T / root)
    left, values, right = np.linalg.svd(R.T)
    right, roots = right @ Q.T, np.hypot(values, 1.0)[:, np.newaxis]
    images = left.T @ targets
    rest = np.hypot(np.linalg.norm(images / roots, axis=0), np.linalg.norm(targets - left @ images, axis=0))
    return roots * right * root, right.T / roots.T / root, images * values[:, np.newaxis] / roots, rest
