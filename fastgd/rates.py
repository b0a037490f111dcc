"""Learning rates: from what the user asks for to an array of one rate for each epoch."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fastgd import spectrum
from fastgd.arrays import Array
from fastgd.validation import check_rates

Schedule = Callable[[int, float, float], ArrayLike]


def make_rates(learning_rate: Any, epochs: int, X: Array, fit_intercept: bool) -> Array:
    """Return the rates of `epochs` epochs.

    Parameters
    ----------
    learning_rate : float, array of shape (epochs,), callable or "auto"
        What `fastgd.gradient_descent` was given. "auto" is 1/smoothness, the longest step that is sure to
        lower the cost as much as theory promises for a constant rate; a callable is asked for
        ``(epochs, smoothness, convexity)``.
    epochs : int
        How many rates.
    X : ndarray of shape (n_samples, n_features)
        The data that smoothness and convexity belong to; only looked at where they are needed.
    fit_intercept : bool
        Whether the implied column of ones counts as part of X.

    References
    ----------
    Y. Nesterov, Lectures on Convex Optimization, 2nd ed., Springer, 2018, section 2.1.5 (the rate 1/smoothness).
    """
    if isinstance(learning_rate, str):
        if learning_rate != "auto":
            raise ValueError(f"learning_rate must be 'auto', a number, an array or a callable; got {learning_rate!r}")
        return check_rates(constant_rate(spectrum.smoothness(X, fit_intercept)), epochs)
    if callable(learning_rate):
        return check_rates(learning_rate(epochs, *spectrum.extremes(X, fit_intercept)), epochs)
    return check_rates(learning_rate, epochs)


def constant_rate(smoothness: float) -> float:
    """Return 1/smoothness; 1 where J is constant, as it is for columns of zeros."""
    return 1.0 / smoothness if smoothness > 0 else 1.0


def largest_stable_rate(smoothness: float) -> float:
    """Return 2/smoothness: a constant rate above it makes almost every start diverge."""
    return 2.0 / smoothness if smoothness > 0 else np.inf
