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
N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., SIAM, 2002, sections 14.2 (triangular
inverses) and 19.4 (QR of rows of different sizes).
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np

from fastgd.inputs.arrays import EPSILON, Array
from fastgd.inputs.data import SMALLEST_SQUARE
from fastgd.problem.coordinates import Problem, WhitenedCoordinates, are_zero
from fastgd.problem.moments import Summary, stack_qr

WELL_CONDITIONED = 1e7  # in the Frobenius norm; `WhitenedCoordinates.to_data` takes off the rounding of the inverse
LARGEST_CORRECTION = 1e-6  # of the coordinates that the coefficients of least norm stand for
CHANCE = 3.0  # the parts of noise along single directions are rarely more than 3 times the usual one
FEW_ROWS = 64  # up to this size, one call of NumPy inverts a matrix faster than blocks


@dataclass(frozen=True, slots=True)
class Directions:
    """The directions of the standardized coefficients that a factor A determines: A = S·B on them.

    Attributes
    ----------
    rows : ndarray of shape (r, k)
        S·B, which makes whitened coordinates of standardized coefficients.
    inverse : ndarray of shape (r, r)
        The inverse of S.
    basis : ndarray of shape (r, k) or None
        B, the directions, as orthonormal rows; None if all are determined, and B is the identity.
    minimum : ndarray of shape (r, n_targets)
        The whitened coordinates of the least cost of each target.
    rest : ndarray of shape (n_targets,)
        The root of twice the least cost of each target.
    doubtful : ndarray of shape (q, n_targets)
        The parts of the targets along the q directions within the rounding of far columns, which count as zero.
    """

    rows: Array
    inverse: Array
    basis: Array | None
    minimum: Array
    rest: Array
    doubtful: Array


def whiten_summary(
    summary: Summary, fit_intercept: bool, alpha: float
) -> tuple[list[Problem], Array, WhitenedCoordinates]:
    """Return the small problem of each target in whitened coordinates, and the coordinates, which all targets share.

    The array between them has the root of twice the cost of each target that only directions within the rounding of far
    columns could take off.
    """
    means, factor = summary.means, summary.rows / sqrt(summary.total)
    p = summary.n_features
    if not fit_intercept:
        check_small_means(means[:p], factor[:, :p])
        factor, means = stack_qr(factor, means[np.newaxis]), np.zeros_like(means)
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
        minimum, rest = found.minimum, np.hypot(found.rest, np.linalg.norm(factor[p:, p:], axis=0))
        doubtful = find_doubtful_part(found.doubtful, rest, summary.n_samples)
    coordinates = WhitenedCoordinates(
        means[:p], spread_columns(to_whitened, live, p), spread_columns(to_coef.T, live, p).T, fit_intercept
    )
    targets = zip(minimum.T, rest.tolist(), means[p:].tolist(), strict=True)
    return [make_identity_problem(z, size, mean, fit_intercept) for z, size, mean in targets], doubtful, coordinates


def find_doubtful_part(doubtful: Array, rest: Array, n_samples: int) -> Array:
    """Return the root of twice the cost that the doubtful directions would take off; 0 if chance explains it.

    Noise has a part of about rest·√(q/n_samples) along q directions.
    """
    size = np.linalg.norm(doubtful, axis=0)
    return np.where(size <= CHANCE * rest * sqrt(len(doubtful) / n_samples), 0.0, size)


def check_small_means(means: Array, factor: Array) -> None:
    """Refuse constant columns whose squares vanish in float64: without an intercept, they count."""
    tiny = sqrt(SMALLEST_SQUARE)
    small = np.flatnonzero((means != 0) & (np.abs(means) < tiny) & (np.abs(factor).max(axis=0, initial=0.0) < tiny))
    if len(small):
        raise ValueError(
            f"X must have columns with a mean square of at least {SMALLEST_SQUARE} if no intercept is fitted; column "
            f"{small[0]} (counted from 0) has {means[small[0]]} in each row: rescale it"
        )


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
    if not A.size:
        square, wide, nothing = np.zeros((0, 0)), np.zeros((0, A.shape[1])), np.zeros((0, len(rest)))
        return Directions(wide, square, wide, nothing, np.hypot(rest, np.linalg.norm(targets, axis=0)), nothing)
    found = find_by_triangle(A, targets, rest, noise)
    reduced = drop_dependent(A, targets, rest, threshold) if found is None else None
    if reduced is not None:
        found = find_by_triangle(*reduced, noise)
    return found or find_by_singular_values(A, targets, rest, threshold, noise)


def find_by_triangle(A: Array, targets: Array, rest: Array, noise: Array) -> Directions | None:
    """Return the directions of a well-conditioned factor, which are as many as it has rows; else None.

    The factor is upper triangular or has fewer rows than columns. The parameters are those of `find_directions`.
    """
    m, k = A.shape
    Q, R = (None, A) if m == k else np.linalg.qr(A.T)
    if not R.diagonal().all():
        return None
    inverse = invert_triangle(R)
    size = float(np.linalg.norm(inverse))
    if float(np.linalg.norm(R)) * size > WELL_CONDITIONED or float(noise.max()) * size >= 1:
        return None
    doubtful = np.zeros((0, len(rest)))  # all directions are above the rounding of far columns
    if Q is None:
        return Directions(A, inverse, None, targets, rest, doubtful)
    return Directions(A, inverse.T, Q.T, targets, rest, doubtful)


def drop_dependent(A: Array, targets: Array, rest: Array, threshold: float) -> tuple[Array, Array, Array] | None:
    """Return the factor without the rows that are zero after columns that depend on earlier ones have moved to the end.

    None if no such rows are zero, or if the factor has fewer rows than columns. The parameters are those of
    `find_directions`, and so are the returned ones.
    """
    m, k = A.shape
    dependent = np.abs(A.diagonal()) <= threshold  # columns have a norm of about 1
    if m < k or not dependent.any():
        return None
    order, r = np.argsort(dependent, kind="stable"), k - int(dependent.sum())
    Q, R = np.linalg.qr(A[:, order])
    if np.linalg.norm(R[r:, r:]) > threshold:
        return None
    images, moved = Q.T @ targets, np.empty((r, k))
    moved[:, order] = R[:r]
    return moved, images[:r], np.hypot(rest, np.linalg.norm(images[r:], axis=0))


def find_by_singular_values(A: Array, targets: Array, rest: Array, threshold: float, noise: Array) -> Directions:
    """Return the directions of any factor; the parameters are those of `find_directions`."""
    Q, R = (None, A) if A.shape[0] >= A.shape[1] else np.linalg.qr(A.T)
    left, values, right = np.linalg.svd(R if Q is None else R.T)
    right = right if Q is None else right @ Q.T
    above, kept = values > threshold * values.max(), values > np.linalg.norm(right * noise, axis=1)
    doubtful = left[:, above & ~kept].T @ targets
    kept &= above
    left, values, right = left[:, kept], values[kept], right[kept]
    minimum = left.T @ targets
    rest = np.hypot(rest, np.linalg.norm(targets - left @ minimum, axis=0))
    return Directions(values[:, np.newaxis] * right, np.diag(1 / values), right, minimum, rest, doubtful)


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
