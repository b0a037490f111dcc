"""Least squares and ridge predictions with more digits than the fits that they judge.

`predict` works on standardized columns in NumPy's longdouble. A direction of these columns is zero by the rules that
fastgd documents: a column is constant if its deviation is rounding; a direction is zero below
max(n_features, √n_samples)·eps of the largest singular value, or below the rounding of columns far from zero.
`solve_exactly` uses rational arithmetic, without any tolerance, and is meant for small data.
"""

from fractions import Fraction
from operator import mul

import numpy as np

EPSILON = np.finfo(np.float64).eps
WELL_CONDITIONED = 1e-5  # the least ratio of singular values at which float64 keeps ten digits of the predictions


def predict(X, y, fit_intercept=True, alpha=0.0):
    """Return the predictions of the rows, as float64, by the weights that minimise J."""
    X, y = np.asarray(X, dtype=np.longdouble), np.asarray(y, dtype=np.longdouble)
    n, p = X.shape
    means, mean = (average(X), average(y)) if fit_intercept else (np.zeros(p), 0.0)
    moved = X - means
    deviations = np.sqrt(np.square(moved).mean(axis=0))
    live = deviations > 4 * EPSILON * np.abs(means)
    scales = np.hypot(deviations, np.sqrt(np.longdouble(alpha)))[live]
    A, b = moved[:, live] / scales, y - mean
    if alpha > 0:
        A = np.concatenate([A, np.diag(np.sqrt(n * np.longdouble(alpha)) / scales)])
        b = np.concatenate([b, np.zeros(len(scales), dtype=np.longdouble)])
        thresholds = 0.0
    else:
        thresholds = EPSILON * max(p, np.sqrt(n)), EPSILON * np.abs(means[live]) / scales
    return (mean + project(A, b, thresholds)[:n]).astype(np.float64)


def average(values):
    """Return the means over the rows; the second pass takes off the rounding error of the first."""
    means = values.mean(axis=0)
    return means + (values - means).mean(axis=0)


def project(A, b, thresholds):
    """Return the projection of b on the columns of A, directions that are zero left out.

    Parameters
    ----------
    A : ndarray of shape (m, k), longdouble
        Columns of mean square near 1.
    b : ndarray of shape (m,), longdouble
        The vector to project.
    thresholds : 0.0 or (float, ndarray of shape (k,))
        The singular value below which a direction is zero, relative to the largest one, and the rounding of each
        column; 0.0 if no direction is zero.
    """
    if not A.size:
        return np.zeros_like(b)
    left, values, right = np.linalg.svd(A.astype(np.float64), full_matrices=False)
    significant = values > 0
    if thresholds:
        relative, noise = thresholds
        rounding = np.sqrt(len(A)) * np.linalg.norm(right * noise.astype(np.float64), axis=1)
        significant = values > np.maximum(relative * values[0], rounding)
    if values[significant].min(initial=np.inf) > WELL_CONDITIONED * values[0]:
        left = left[:, significant]
        return left @ (left.T @ b)
    rank = int(significant.sum())
    if not significant[:rank].all():  # a direction of rounding is longer than one that counts
        A = A @ right[significant].T
    basis = orthogonalize(A, rank)
    return basis @ (basis.T @ b)


def orthogonalize(A, rank):
    """Return an orthonormal basis of `rank` columns of A, of which each is the longest one that is left."""
    rest, basis = A.copy(), np.zeros((len(A), 0), dtype=A.dtype)
    for _ in range(rank):
        column = rest[:, np.argmax(np.square(rest).sum(axis=0))]
        column = column / np.sqrt(column @ column)
        for _ in range(2):
            column = column - basis @ (basis.T @ column)
        column = column / np.sqrt(column @ column)
        basis = np.column_stack([basis, column])
        rest -= np.outer(column, column @ rest)
    return basis


def solve_exactly(X, y, fit_intercept=True, alpha=0.0):
    """Return the weights [intercept, coef…] or [coef…] of full-rank data, as fractions; None if the rank is not full.

    Solves the normal equations of the given float64 numbers without any rounding.
    """
    ones = [Fraction(1)] * bool(fit_intercept)
    rows = [ones + [Fraction(value) for value in row] for row in np.asarray(X, dtype=np.float64).tolist()]
    target = [Fraction(value) for value in np.asarray(y, dtype=np.float64).tolist()]
    columns = list(zip(*rows, strict=True))
    system = [[dot(column, other) for other in (*columns, target)] for column in columns]
    for k in range(len(ones), len(columns)):
        system[k][k] += len(rows) * Fraction(alpha)
    for k, upper in enumerate(system):
        if upper[k] == 0:  # the matrix is positive semidefinite, so a zero pivot means that its rank is not full
            return None
        for lower in system[k + 1 :]:
            factor = lower[k] / upper[k]
            lower[k:] = [value - factor * above for value, above in zip(lower[k:], upper[k:], strict=True)]
    weights = []
    for k in reversed(range(len(system))):
        known = dot(system[k][k + 1 : -1], weights)
        weights.insert(0, (system[k][-1] - known) / system[k][k])
    return weights


def predict_exactly(X, weights):
    """Return the predictions of the rows by exact weights, each rounded once to float64."""
    intercept, coef = (weights[0], weights[1:]) if len(weights) > np.shape(X)[1] else (Fraction(0), weights)
    rows = ([Fraction(value) for value in row] for row in np.asarray(X, dtype=np.float64).tolist())
    return np.array([float(intercept + dot(row, coef)) for row in rows])


def dot(a, b):
    """Return the sum of the products."""
    return sum(map(mul, a, b), Fraction(0))
