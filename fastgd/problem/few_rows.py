"""Whitened coordinates of fewer rows than columns, from the side of the rows: from their Gram matrix AAᵀ.

References
----------
G. H. Golub and C. F. Van Loan, Matrix Computations, 4th ed., Johns Hopkins, 2013, sections 5.6 and 6.1.
"""

from dataclasses import dataclass

import numpy as np

from fastgd.inputs.arrays import Array
from fastgd.problem.directions import invert_triangle

WELL_CONDITIONED_ROWS = 1e5  # in the Frobenius norm: the Gram matrix of the rows squares the condition number
LEAST_SHARE = 1e-6  # of the largest eigenvalue of a Gram matrix that has kept enough digits of the smallest


@dataclass(frozen=True, slots=True)
class Whitening:
    """Whitened coordinates of the live columns, in the units of the data, and the minimum of each target.

    Attributes
    ----------
    to_whitened, to_coef, gram_inverse
        As in `WhitenedCoordinates`.
    minimum, rest
        As in `Directions`.
    doubtful : ndarray of shape (n_targets,)
        The root of twice the cost that only directions within the rounding of far columns could take off.
    """

    to_whitened: Array
    to_coef: Array
    gram_inverse: Array | None
    minimum: Array
    rest: Array
    doubtful: Array


def whiten_few_rows(A: Array, targets: Array, scales: Array, noise: Array) -> Whitening | None:
    """Return the coordinates z = A·c of well-conditioned rows, fewer than columns; None if they are ill-conditioned.

    All is in the units of the data. The coefficients of least norm are Aᵀ(AAᵀ)⁻¹z: no matrix as large as A is made. If
    the rows are well conditioned with the scales of the data, they have no zero direction on standardized columns.
    """
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        gram = A @ A.T
        try:
            triangle = np.linalg.cholesky(gram).T
        except np.linalg.LinAlgError:
            return None
        inverse = invert_triangle(triangle)
        size = float(np.linalg.norm(inverse))
    largest = float(scales.max()) * size  # bounds 1 / (the smallest singular value of the standardized rows)
    if not float(np.linalg.norm(triangle)) * size <= WELL_CONDITIONED_ROWS or float(noise.max()) * largest >= 1:
        return None
    nothing = np.zeros(targets.shape[1])
    return Whitening(A, np.zeros((A.shape[1], 0)), inverse @ inverse.T, targets, nothing, nothing)


def whiten_few_rows_with_ridge(A: Array, targets: Array, alpha: float) -> Whitening:
    """Return the coordinates of few rows with a ridge, in the units of the data.

    With A = UΣVᵀ, the penalised cost has the Hessian V(Σ² + alpha)Vᵀ in the directions V. In all others the ridge alone
    holds the coefficients: at zero. Where the Gram matrix of the rows keeps the digits, it tells U and Σ.
    """
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        gram = A @ A.T
    if np.isfinite(gram).all():
        squares, left = np.linalg.eigh(gram)
        if squares[0] > LEAST_SHARE * squares[-1]:
            images, shares = left.T @ targets, (squares / (squares + alpha))[:, np.newaxis]
            rest = np.linalg.norm(images * np.sqrt(1 - shares), axis=0)
            maps = (left.T / np.sqrt(shares)) @ A, np.zeros((A.shape[1], 0)), np.diag(1 / (squares + alpha))
            return Whitening(*maps, images * np.sqrt(shares), rest, np.zeros_like(rest))
    return whiten_ridge_by_singular_values(A, targets, alpha**0.5)


def whiten_ridge_by_singular_values(A: Array, targets: Array, root: float) -> Whitening:
    """Return the coordinates of few rows with a ridge of root², by the singular values of A/root."""
    Q, R = np.linalg.qr(A.T / root)
    left, values, right = np.linalg.svd(R.T)
    right, roots = right @ Q.T, np.hypot(values, 1.0)[:, np.newaxis]
    images = left.T @ targets
    rest = np.hypot(np.linalg.norm(images / roots, axis=0), np.linalg.norm(targets - left @ images, axis=0))
    maps = roots * right * root, right.T / roots.T / root
    return Whitening(*maps, None, images * values[:, np.newaxis] / roots, rest, np.zeros_like(rest))
