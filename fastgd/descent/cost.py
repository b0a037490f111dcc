"""The cost J and its gradient for given weights."""

from __future__ import annotations  # so that help() shows ArrayLike by its name

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fastgd import backends
from fastgd.backends.sparse import take_rows
from fastgd.forks import halt_for_forks
from fastgd.inputs.arrays import Array, is_sparse
from fastgd.inputs.data import check_problem, check_weights
from fastgd.inputs.values import check_mean_square, check_mean_squares
from fastgd.problem.sparse_rows import SparseRows


def cost(X: ArrayLike, y: ArrayLike, weights: ArrayLike) -> Any:
    """Return J(w) = 1/(2n) Σ (xᵢ·w − yᵢ)².

    In code this is ``sum(error**2) / (2 * n)``; beware of ``1 / 2 * n``, which multiplies by n.

    Parameters
    ----------
    X : array_like or sparse array of shape (n_samples, n_features)
        The features.
    y : array_like of shape (n_samples,) or (n_samples, n_targets)
        The target or targets.
    weights : array_like of shape (n_features + 1,) or (n_features,)
        The weights; the intercept comes first, if there is one. For several targets, a column for each.

    Returns
    -------
    float, or ndarray of shape (n_targets,)
        The cost: half the mean of the squared errors; for several targets, of each.

    Raises
    ------
    ValueError, TypeError
        If an argument does not fit its description above.

    Examples
    --------
    >>> import fastgd
    >>> fastgd.cost([[1.0], [2.0]], [1.0, 4.0], weights=[0.0, 1.0])
    1.0

    Two targets:

    >>> fastgd.cost([[1.0], [2.0]], [[1.0, 1.0], [4.0, 2.0]], weights=[[0.0, 0.0], [1.0, 1.0]])
    array([1., 0.])
    """
    return evaluate(X, y, weights)[0]


def gradient(X: ArrayLike, y: ArrayLike, weights: ArrayLike) -> Array:
    """Return ∇J(w) = 1/n Σ eᵢ xᵢ, where eᵢ = xᵢ·w − yᵢ is the error itself, not its square.

    The factor xᵢ is the derivative of eᵢ; the exponent 2 of the cost cancels against its 1/2. The gradient has the
    shape of the weights: one partial derivative for each.

    Parameters
    ----------
    X : array_like or sparse array of shape (n_samples, n_features)
        The features.
    y : array_like of shape (n_samples,) or (n_samples, n_targets)
        The target or targets.
    weights : array_like of shape (n_features + 1,) or (n_features,)
        The weights; the intercept comes first, if there is one. For several targets, a column for each.

    Returns
    -------
    ndarray of the shape of the weights, float64
        The partial derivatives of J; the derivative by the intercept comes first, if there is one.

    Raises
    ------
    ValueError, TypeError
        If an argument does not fit its description above.

    Examples
    --------
    >>> import fastgd
    >>> fastgd.gradient([[1.0], [2.0]], [1.0, 4.0], weights=[0.0, 1.0])
    array([-1., -2.])
    """
    return evaluate(X, y, weights)[1]


@halt_for_forks
def evaluate(X: ArrayLike, y: ArrayLike, weights: ArrayLike) -> tuple[Any, Array]:
    """Return cost and gradient; one update at a rate of 0 by the preferred backend computes both."""
    X, y = check_problem(X, y, targets=True, sparse=True)
    y = np.ascontiguousarray(y[:, 0] if y.shape[1] == 1 else y)
    w = check_weights("weights", weights, X.shape[1], y.shape[1:])
    check_mean_square("X", SparseRows(take_rows(X)) if is_sparse(X) else X)  # type: ignore[arg-type]  # it does as an array
    check_mean_squares("y", y)
    costs, slope = np.empty((1, *y.shape[1:])), np.empty_like(w)
    if not backends.descend(X, y, w, np.zeros(1), costs, slope):
        raise ValueError("weights must have a finite cost and gradient; they are too large for this X and y")
    return costs[0] if y.ndim == 2 else float(costs[0]), slope
