"""The solutions that answers are compared with, and the errors of their predictions.

The error of an answer is ‖ŷ − ŷ*‖ / ‖ŷ* − mean of ŷ*‖: the distance of its predictions from those of the reference, as
a share of the variation of the latter. Of several targets or groups the largest error counts.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from versus.data import Data

ZERO = 1e-10  # eigenvalues below this share of the largest belong to directions that the data do not determine
REFINEMENTS = 4


class Reference(NamedTuple):
    """A function that returns the error of weights, and the size of the reference's last correction."""

    judge: Callable[[Any], float]
    correction: float


def solve_reference(data: Data) -> Reference:
    """Return the reference for data of any kind."""
    if data.groups is not None:
        return solve_groups(data)
    return solve_dense(data.X, data.y) if isinstance(data.X, np.ndarray) else solve_sparse(data.X, data.y)


def largest_share(difference: Any, predicted: Any) -> float:
    """Return the largest of the errors of all columns; infinity for numbers that are not finite."""
    errors = np.linalg.norm(difference, axis=0) / np.linalg.norm(predicted, axis=0)
    return float(np.max(np.nan_to_num(errors, nan=np.inf)))


def solve_dense(X: Any, y: Any) -> Reference:
    """Solve by QR in blocks, refined with residuals and gradients in extended precision."""
    (n, p), Y = X.shape, y.reshape(len(y), -1)
    rows = max(4 * p, 2**21 // (p + Y.shape[1]))
    blocks = [slice(start, start + rows) for start in range(0, n, rows)]
    means, R = X.mean(axis=0, dtype=np.float64), np.empty((0, p + 1))
    for block in blocks:
        centred = X[block] - means
        R = np.linalg.qr(np.concatenate([R, np.column_stack([np.ones(len(centred)), centred])]), mode="r")
    weights = np.zeros((p + 1, Y.shape[1]), np.longdouble)
    for _ in range(REFINEMENTS):
        gradient = np.zeros_like(weights)
        for block in blocks:
            centred = X[block].astype(np.longdouble) - means
            residual = Y[block] - weights[0] - centred @ weights[1:]
            gradient += np.concatenate([residual.sum(axis=0, keepdims=True), centred.T @ residual])
        correction = np.linalg.solve(R, np.linalg.solve(R.T, gradient.astype(np.float64)))
        weights += correction
    predicted = R[1:, 1:] @ weights[1:].astype(np.float64)

    def judge(answer: Any) -> float:
        shifted = np.array(answer, np.longdouble).reshape(weights.shape)
        shifted[0] += means @ shifted[1:]  # the intercept of centred columns
        return largest_share(R @ (shifted - weights).astype(np.float64), predicted)

    return Reference(judge, float(np.max(np.linalg.norm(R @ correction, axis=0) / np.linalg.norm(predicted, axis=0))))


def factorize(gram: Any) -> Callable[[Any], Any]:
    """Return the solver of a symmetric matrix, which may lack some directions."""
    from scipy.linalg import LinAlgError, cho_factor, cho_solve, eigh

    try:
        factor = cho_factor(gram)
        if factor[0].diagonal().min() > 1e-5 * factor[0].diagonal().max():
            return lambda right: cho_solve(factor, right)
    except LinAlgError:
        pass
    values, vectors = eigh(gram)
    kept = values > ZERO * values[-1]
    return lambda right: vectors[:, kept] @ ((vectors[:, kept].T @ right) / values[kept])


def solve_sparse(X: Any, y: Any) -> Reference:
    """Solve by the Gram matrix of centred columns, refined like the dense reference."""
    n, means = X.shape[0], np.asarray(X.mean(axis=0)).ravel()
    solve = factorize((X.T @ X).toarray() - n * np.outer(means, means))
    exact, coef, mean = X.astype(np.longdouble), np.zeros(X.shape[1], np.longdouble), y.mean(dtype=np.longdouble)
    for _ in range(REFINEMENTS):
        residual = y - mean - exact @ coef + means @ coef
        correction = solve((exact.T @ residual - residual.sum() * means).astype(np.float64))
        coef += correction
    intercept = mean - means @ coef
    predicted = X @ coef.astype(np.float64) - float(means @ coef)

    def judge(answer: Any) -> float:
        difference = (answer - np.append(intercept, coef)).astype(np.float64)
        return largest_share(difference[0] + X @ difference[1:], predicted)

    return Reference(judge, largest_share(X @ correction - means @ correction, predicted))


def solve_groups(data: Data) -> Reference:
    """Solve each group, all of one size, by a QR of its own."""
    names, places = np.unique(data.groups, return_inverse=True)
    rows = np.argsort(places, kind="stable").reshape(len(names), -1)
    A = np.concatenate([np.ones((*rows.shape, 1)), data.X[rows]], axis=2)
    Q, R = np.linalg.qr(A)
    weights = np.linalg.solve(R, Q.mT @ data.y[rows][:, :, None])
    predicted = A @ weights
    variation = (predicted - predicted.mean(axis=1, keepdims=True))[:, :, 0].T
    return Reference(lambda answer: largest_share((A @ (answer[:, :, None] - weights))[:, :, 0].T, variation), 0.0)
