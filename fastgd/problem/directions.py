"""The directions of the coefficients that a triangular factor of standardized columns determines.

Where the factor is well conditioned, all directions are determined, or as many as it has rows: the inverse of a
triangle is enough. Elsewhere columns that depend on others are put last, or the singular values decide, which takes ten
times as long.

References
----------
G. H. Golub and C. F. Van Loan, Matrix Computations, 4th ed., Johns Hopkins, 2013, sections 5.4 and 5.5.
N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., SIAM, 2002, section 14.2 (triangular inverses).
"""

from dataclasses import dataclass

import numpy as np

from fastgd.inputs.arrays import Array

WELL_CONDITIONED = 1e7  # in the Frobenius norm; `WhitenedCoordinates.find_coef` takes off the rounding of the inverse
ROUNDING = (
    0.5  # the root mean square of rounding errors is 0.29 of the last digit, 0.41 for a difference of two columns
)
FEW_ROWS = 64  # up to this size, one call of NumPy inverts a matrix faster than blocks


@dataclass(frozen=True, slots=True, eq=False)
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
    amplification : float
        A bound of the reciprocal of the smallest singular value along these directions.
    overlap : float
        The largest singular value of these directions, relative to the smallest one of the others: where that is not
        small, rounding decides which direction is zero.
    """

    rows: Array
    inverse: Array
    basis: Array | None
    minimum: Array
    rest: Array
    doubtful: Array
    amplification: float
    overlap: float = 0.0


def reduce_rows(A: Array, targets: Array, ridge: Array | None, *, triangular: bool) -> tuple[Array, Array, Array]:
    """Return a triangular A, if it has rows enough, with its targets, and the root of twice the cost that this leaves.

    Parameters
    ----------
    A : ndarray of shape (m, k)
        The factor of the standardized columns.
    targets : ndarray of shape (m, n_targets)
        The factor's columns of y.
    ridge : ndarray of shape (k,) or None
        The root of the ridge's penalty of each standardized coefficient.
    triangular : bool
        True if A is upper triangular, or has fewer rows than columns.
    """
    m, k = A.shape
    if ridge is not None:
        A, targets = np.concatenate([A, np.diag(ridge)]), np.concatenate([targets, np.zeros((k, targets.shape[1]))])
    elif m < k or triangular:
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
        return Directions(wide, square, wide, nothing, np.hypot(rest, np.linalg.norm(targets, axis=0)), nothing, 0.0)
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
        return Directions(A, inverse, None, targets, rest, doubtful, size)
    return Directions(A, inverse.T, Q.T, targets, rest, doubtful, size)


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
    above, kept = values > threshold * values.max(), values > ROUNDING * np.linalg.norm(right * noise, axis=1)
    doubtful = left[:, above & ~kept].T @ targets
    overlap = values[above & ~kept].max(initial=0.0) / values[above & kept].min(initial=values.max())
    kept &= above
    left, values, right = left[:, kept], values[kept], right[kept]
    minimum = left.T @ targets
    rest = np.hypot(rest, np.linalg.norm(targets - left @ minimum, axis=0))
    rows, inverse, amplification = (
        values[:, np.newaxis] * right,
        np.diag(1 / values),
        float((1 / values).max(initial=0)),
    )
    return Directions(rows, inverse, right, minimum, rest, doubtful, amplification, float(overlap))


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
