"""The vectorized version: the update in three lines of NumPy."""

from math import isfinite

import numpy as np

from fastgd.backends.contract import check_arrays
from fastgd.inputs.arrays import Array


def descend(
    X: Array,
    y: Array,
    weights: Array,
    rates: Array,
    costs: Array,
    gradient: Array,
    threads: int = 1,
) -> int:
    """Apply ``len(rates)`` updates in place and return how many were applied.

    r = Xw − y;  costs[k] = rᵀr / 2n;  gradient = Xᵀr / n;  w ← w − rates[k]·gradient
    """
    if getattr(X, "__array_ufunc__", X) is None:  # sparse rows: they do their own products, and NumPy reads no memory
        intercepts = len(weights) - X.shape[1]
    else:
        intercepts = check_arrays(X, y, weights, rates, costs, gradient, threads)
    X = X.astype(np.float64, copy=False)  # arithmetic is in float64: float32 data is copied once a call
    n_samples = len(X)
    zeros = np.zeros_like(weights)  # 0 · inf and 0 · NaN are NaN: one product finds any number that is not finite
    with np.errstate(over="ignore", invalid="ignore"):
        for epoch, rate in enumerate(rates.tolist()):
            residual = X @ weights[intercepts:] - y
            if intercepts:
                residual += weights[0]
                gradient[0] = residual.sum() / n_samples
            gradient[intercepts:] = residual @ X / n_samples
            costs[epoch] = cost = residual @ residual / (2 * n_samples)
            updated = weights - rate * gradient
            if not isfinite(cost + updated @ zeros):
                return epoch
            weights[:] = updated
    return len(rates)
