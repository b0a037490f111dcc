"""Whitened coordinates: those in which the Hessian of J is the identity, so that one epoch at the rate 1 is enough.

Design:
(a) The triangular factor of the compressed problem, its columns standardized and the rows of a ridge included, is all
    that J depends on. With that factor A = UΣVᵀ, coordinates z = ΣVᵀc of the standardized coefficients c make J equal
    to ½‖z − Uᵀb‖² and a constant: one row for each direction, and one for the constant.
(b) The inverse of A serves where A is well conditioned; it takes a tenth of the time of the singular values.
(c) A column that is constant up to its own rounding is zero, and its coefficient too. A direction is zero below
    max(n_features, √n_samples)·eps of the largest singular value, which rounding alone can leave of a combination of
    other columns, and below the rounding of columns far from zero, as far as it points along these.
(d) Zero directions leave coefficients open. The least norm in the units of the data decides: what
    `numpy.linalg.lstsq` returns for centred columns.

References
----------
G. H. Golub and C. F. Van Loan, Matrix Computations, 4th ed., Johns Hopkins, 2013, sections 5.5 and 6.1.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np

from fastgd.inputs.arrays import EPSILON, Array, norm
from fastgd.problem.coordinates import Problem, WhitenedCoordinates, choose_scales
from fastgd.problem.moments import Summary, stack_qr

WELL_CONDITIONED = 1e3  # in the Frobenius norm: the inverse of the factor then keeps all digits but three


@dataclass(frozen=True, slots=True)
class Directions:
    """The directions of the standardized coefficients that the data determine.

    Attributes
    ----------
    to_whitened : ndarray of shape (r, k)
        Makes whitened coordinates of standardized coefficients.
    to_standardized : ndarray of shape (k, r)
        Makes standardized coefficients of whitened coordinates.
    minimum : ndarray of shape (r,)
        The whitened coordinates of the least cost.
    rest : float
        The root of twice the least cost.
    zero : ndarray of shape (k, d)
        A basis of the directions that the data leave open.
    """

    to_whitened: Array
    to_standardized: Array
    minimum: Array
    rest: float
    zero: Array


def whiten_summary(summary: Summary, fit_intercept: bool, alpha: float) -> tuple[Problem, WhitenedCoordinates]:
    """Return the small problem of one target in whitened coordinates, and the coordinates."""
    means, factor = summary.means, summary.rows / sqrt(summary.total)
    if not fit_intercept:
        factor, means = stack_qr(factor, means[np.newaxis]), np.zeros_like(means)
    p = summary.n_features
    magnitudes, deviations = np.abs(means[:p]), np.sqrt(np.square(factor[:, :p]).sum(axis=0))
    live = np.flatnonzero(choose_scales(np.square(deviations), magnitudes) == deviations)
    scales = np.hypot(deviations[live], sqrt(alpha))
    A, b = factor[:, live] / scales, factor[:, p]
    noise = EPSILON * magnitudes[live] / scales
    threshold = EPSILON * max(p, sqrt(summary.n_samples))
    if alpha > 0 and len(A) <= len(live):
        found = find_ridge_directions(A, b, sqrt(alpha) / scales)
    else:
        found = find_directions(A, b, sqrt(alpha) / scales if alpha > 0 else None, threshold, noise)
    to_whitened, to_data = np.zeros((len(found.minimum), p)), np.zeros((p, len(found.minimum)))
    to_whitened[:, live] = found.to_whitened * scales
    to_data[live] = found.to_standardized / scales[:, np.newaxis]
    if found.zero.size:
        basis = np.linalg.qr(found.zero / scales[:, np.newaxis])[0]
        to_data[live] -= basis @ (basis.T @ to_data[live])
    coordinates = WhitenedCoordinates(means[:p], to_whitened, to_data, fit_intercept)
    return make_identity_problem(found, means[p], fit_intercept), coordinates


def make_identity_problem(found: Directions, mean: float, fit_intercept: bool) -> Problem:
    """Return the rows of ½‖z − minimum‖² + ½·rest², with a column for the intercept in front if there is one.

    A problem has one column at least: of zeros, where the data determine nothing.
    """
    targets = np.concatenate([[mean], found.minimum]) if fit_intercept else found.minimum
    m, columns = len(targets) + 1, max(len(targets), 1)
    X = np.eye(m, columns)
    X[len(targets) :] = 0.0
    return Problem(X * sqrt(m), np.append(targets, found.rest) * sqrt(m), False)


def find_directions(A: Array, b: Array, ridge: Array | None, threshold: float, noise: Array) -> Directions:
    """Return the directions that a factor of standardized columns, and the diagonal of a ridge, determine.

    Parameters
    ----------
    A : ndarray of shape (m, k)
        The factor's columns of X.
    b : ndarray of shape (m,)
        The factor's column of y.
    ridge : ndarray of shape (k,) or None
        The root of the ridge's penalty of each standardized coefficient.
    threshold : float
        The singular value below which a direction is zero, relative to the largest.
    noise : ndarray of shape (k,)
        The rounding of each column that is far from zero.
    """
    k = A.shape[1]
    if k == 0:
        return Directions(np.zeros((0, 0)), np.zeros((0, 0)), np.zeros(0), norm(b), np.zeros((0, 0)))
    rows = np.column_stack([A, b])
    if ridge is not None:
        rows = np.concatenate([rows, np.eye(k, k + 1) * ridge[:, np.newaxis]])
    triangle = np.asarray(np.linalg.qr(rows, mode="r"))
    A, b = triangle[:k, :k], triangle[:k, k]
    rest = norm(triangle[k:, k])
    inverse = invert(A)
    if inverse is not None:
        return Directions(A, inverse, b, rest, np.zeros((k, 0)))
    left, values, right = np.linalg.svd(A, full_matrices=False)
    significant = values > np.maximum(threshold * values.max(initial=0.0), np.linalg.norm(right * noise, axis=1))
    left, values, kept = left[:, significant], values[significant], right[significant]
    minimum = left.T @ b
    rest = float(np.hypot(rest, norm(b - left @ minimum)))
    zero = np.linalg.qr(kept.T, mode="complete")[0][:, len(kept) :]
    return Directions(values[:, np.newaxis] * kept, kept.T / values, minimum, rest, zero)


def invert(A: Array) -> Array | None:
    """Return the inverse of a square matrix; None if the matrix is not square or not well conditioned."""
    if not A.size or A.shape[0] < A.shape[1] or not A.diagonal().all():
        return None
    try:
        inverse = np.linalg.inv(A)
    except np.linalg.LinAlgError:
        return None
    return inverse if np.linalg.norm(A) * np.linalg.norm(inverse) <= WELL_CONDITIONED else None


def find_ridge_directions(A: Array, b: Array, ridge: Array) -> Directions:
    """Return the directions of a wide factor with a ridge, from the side of the rows: A·diag(1/ridge) = UΣVᵀ.

    In directions without any row, the ridge alone holds the coefficients: at zero.
    """
    left, values, right = np.linalg.svd(A / ridge, full_matrices=False)
    roots = np.hypot(values, 1.0)
    image = left.T @ b
    rest = float(np.hypot(norm(image / roots), norm(b - left @ image)))
    to_whitened = roots[:, np.newaxis] * right * ridge
    to_standardized = (right.T / roots) / ridge[:, np.newaxis]
    return Directions(to_whitened, to_standardized, image * values / roots, rest, np.zeros((A.shape[1], 0)))
