"""Compress data, in one call, to a problem of at most n_features + 2 rows with the same function J."""

from __future__ import annotations  # so that help() shows ArrayLike by its name

import numpy as np
from numpy.typing import ArrayLike

from fastgd.inputs.arrays import Array, is_sparse
from fastgd.inputs.data import check_problem, check_sample_weight
from fastgd.inputs.options import check_alpha, check_choice, check_flag
from fastgd.inputs.values import name_values
from fastgd.problem.dask import find_blocks, is_dask
from fastgd.problem.moments import METHODS, make_small_problem, summarize_rows
from fastgd.problem.sparse import compress_sparse


def compress(
    X: ArrayLike,
    y: ArrayLike,
    *,
    fit_intercept: bool = True,
    sample_weight: ArrayLike | None = None,
    alpha: float = 0.0,
    method: str = "auto",
) -> tuple[Array, Array]:
    """Return a problem of at most n_features + 2 rows that has the cost of the data, for all weights.

    Parameters
    ----------
    X : array_like or sparse array of shape (n_samples, n_features)
        The features, float32 or float64; read block by block, never copied whole. Dask compresses its partitions
        where they are. Of sparse arrays of SciPy, products need no more than the stored entries.
    y : array_like of shape (n_samples,) or (n_samples, n_targets)
        The target or targets.
    fit_intercept : bool
        True if column 0 of X_small belongs to an intercept.
    sample_weight : array_like of shape (n_samples,), float or None
        The weights of the rows, 0 or more: a weight of k counts a row k times. J is divided by the sum of the weights.
    alpha : float
        Ridge: alpha·½‖coef‖² is added to J; the intercept is not penalised. scikit-learn's ``Ridge(alpha=a)`` is
        ``a / n_samples`` here, or ``a / sample_weight.sum()``.
    method : {"auto", "gram", "qr"}
        "gram" sums products and takes their Cholesky factor. "qr" takes up to seven times as long and loses no
        digits. "auto" tries "gram", and falls back on "qr" if "gram" would lose more than about six digits: if the
        columns before a column, or before y, explain more than all but a millionth of its variance. With no more rows
        than columns, it is "qr".

    Returns
    -------
    X_small : ndarray of shape (m, n_features + 1) or (m, n_features), float64
        The features of m rows; with an intercept, column 0 replaces the column of ones.
    y_small : ndarray of shape (m,), or (m, n_targets) for several targets, float64
        The target or targets of these rows. ``fastgd.cost(X_small, y_small, weights)`` is J of the data, for each
        target.

    Raises
    ------
    ValueError, TypeError
        If an argument does not fit its description above, or if method "gram" would lose digits.

    References
    ----------
    Å. Björck, Numerical Methods for Least Squares Problems, SIAM, 1996, sections 2.2 and 2.4.

    Examples
    --------
    >>> import numpy as np, fastgd
    >>> X, y = np.arange(20.0).reshape(10, 2) % 7, np.arange(10.0)
    >>> X_small, y_small = fastgd.compress(X, y)
    >>> X_small.shape
    (4, 3)
    >>> weights = [1.0, 2.0, 3.0]
    >>> bool(np.isclose(fastgd.cost(X_small, y_small, weights), fastgd.cost(X, y, weights)))
    True
    """
    if is_dask(X, y, sample_weight):
        return find_blocks(X, y, sample_weight).compress(fit_intercept, alpha, method).problem()
    given = X, y
    X, y = check_problem(X, y, finite=False, targets=True, sparse=True)
    weights = check_sample_weight(sample_weight, len(y))
    fit_intercept = check_flag("fit_intercept", fit_intercept)
    alpha, method = check_alpha(alpha), check_choice("method", method, METHODS)
    summarize = compress_sparse if is_sparse(X) else summarize_rows
    summary = name_values(lambda: summarize(X, y, weights, method), X, y, given)
    return make_small_problem(summary, fit_intercept, np.full(X.shape[1], alpha))
