"""Whitened coordinates of fewer rows than columns, from the side of the rows: from their Gram matrix AAᵀ.

References
----------
G. H. Golub and C. F. Van Loan, Matrix Computations, 4th ed., Johns Hopkins, 2013, sections 5.6 and 6.1.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt

import numpy as np

from fastgd.inputs.arrays import Array
from fastgd.problem.directions import invert_triangle

WELL_CONDITIONED_ROWS = 1e5  # in the Frobenius norm: the Gram matrix of the rows squares the condition number


@dataclass(frozen=True, slots=True, eq=False)
class Whitening:
    """Whitened coordinates of the live columns, in the units of the data, and the minimum of each target.

    Attributes
    ----------
    to_whitened, to_coef, gram_inverse
        As in `WhitenedCoordinates`.
    minimum, rest
        As in `Directions`.
    amplification : float
        As in `WhitenedCoordinates`.
    doubtful : ndarray of shape (n_targets,)
        The root of twice the cost that only directions within the rounding of far columns could take off.
    solve : callable or None
        Makes coefficients of least norm of whitened coordinates, in place of the matrices.
    """

    to_whitened: Array
    to_coef: Array
    gram_inverse: Array | None
    minimum: Array
    rest: Array
    amplification: float
    doubtful: Array
    solve: Callable[[Array], Array] | None = None


def whiten_few_rows(A: Array, targets: Array, scales: Array, noise: Array) -> Whitening | None:
    """Return the coordinates z = A·c of well-conditioned rows, fewer than columns; None if they are ill-conditioned.

    All is in the units of the data. The coefficients of least norm are Aᵀ(AAᵀ)⁻¹z: no matrix as large as A is made. If
    the rows are well conditioned with the scales of the data, they have no zero direction on standardized columns.
    """
    triangle, inverse = factorize_gram(A)
    if triangle is None or inverse is None:
        return None
    amplification = float(scales.max()) * float(np.linalg.norm(inverse))  # of the standardized rows
    if float(noise.max()) * amplification >= 1:
        return None
    nothing = np.zeros(targets.shape[1])
    return Whitening(A, np.zeros((A.shape[1], 0)), inverse.T @ inverse, targets, nothing, amplification, nothing)


def whiten_few_rows_with_ridge(A: Array, targets: Array, scales: Array, alpha: float) -> Whitening:
    """Return the coordinates of few rows with a ridge, in the units of the data.

    With A = LQ and the orthonormal rows Q, the penalised cost has the Hessian Qᵀ(LᵀL + alpha)Q. With LᵀL + alpha = CCᵀ,
    the coordinates CᵀQ·c are whitened. In directions without any row the ridge alone holds the coefficients: at zero.
    """
    L, inverse = factorize_gram(A)
    if L is None or inverse is None:
        return whiten_ridge_by_singular_values(A, targets, scales, sqrt(alpha))
    C = np.linalg.cholesky(L.T @ L + alpha * np.eye(len(L)))
    inverse_of_c = invert_triangle(C.T).T
    minimum = inverse_of_c @ (L.T @ targets)
    along = inverse_of_c.T @ minimum  # Q·c of the minimum
    rest = np.hypot(np.linalg.norm(L @ along - targets, axis=0), np.linalg.norm(along * sqrt(alpha), axis=0))
    maps = (C.T @ inverse) @ A, np.zeros((A.shape[1], 0)), inverse_of_c @ inverse_of_c.T
    amplification = float(scales.max(initial=0)) * float(np.linalg.norm(inverse_of_c))
    return Whitening(*maps, minimum, rest, amplification, np.zeros_like(rest))


def factorize_gram(A: Array) -> tuple[Array | None, Array | None]:
    """Return the lower triangle L of AAᵀ = LLᵀ and its inverse; None unless the rows are well conditioned."""
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        try:
            L = np.linalg.cholesky(A @ A.T)
        except np.linalg.LinAlgError:
            return None, None
        inverse = invert_triangle(L.T).T
        keeps_digits = float(np.linalg.norm(L)) * float(np.linalg.norm(inverse)) <= WELL_CONDITIONED_ROWS
    return (L, inverse) if keeps_digits else (None, None)


def whiten_ridge_by_singular_values(A: Array, targets: Array, scales: Array, root: float) -> Whitening:
    """Return the coordinates of few rows with a ridge of root², by the singular values of A/root."""
    Q, R = np.linalg.qr(A.T / root)
    left, values, right = np.linalg.svd(R.T)
    right, roots = right @ Q.T, np.hypot(values, 1.0)[:, np.newaxis]
    images = left.T @ targets
    rest = np.hypot(np.linalg.norm(images / roots, axis=0), np.linalg.norm(targets - left @ images, axis=0))
    maps = roots * right * root, right.T / roots.T / root
    amplification = float(scales.max(initial=0)) / float(roots.min(initial=1) * root)
    minimum = images * values[:, np.newaxis] / roots
    return Whitening(*maps, None, minimum, rest, amplification, np.zeros_like(rest))
