"""The specification: gradient descent as a plain loop over plain floats.

It loops over lists, because indexing an array makes a Python object for every number: that would be five times slower
and make every other backend look better than it is.
"""

from math import isfinite

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
    intercepts = check_arrays(X, y, weights, rates, costs, gradient, threads)
    rows, targets, w = X.tolist(), y.tolist(), weights.tolist()
    epoch = 0
    for rate in rates.tolist():
        cost, g = cost_and_gradient(rows, targets, w, intercepts)
        costs[epoch], gradient[:] = cost, g
        updated = [w[j] - rate * g[j] for j in range(len(w))]
        if not (isfinite(cost) and all(map(isfinite, updated))):
            break
        w = updated
        epoch += 1
    weights[:] = w
    return epoch


def cost_and_gradient(
    rows: list[list[float]], targets: list[float], w: list[float], intercepts: int
) -> tuple[float, list[float]]:
    """Return J(w) = 1/(2n) Σ rᵢ² and ∇J(w) = 1/n Σ rᵢ xᵢ, where rᵢ = xᵢ·w − yᵢ and x₀ = 1.

    The factor xᵢⱼ comes from the chain rule: ∂rᵢ/∂wⱼ = xᵢⱼ. The 2 of the square cancels the 2 under J.
    """
    n_samples, n_features = len(rows), len(rows[0])
    squares = 0.0
    g = [0.0] * len(w)
    for i in range(n_samples):
        row = rows[i]
        residual = -targets[i]
        if intercepts:
            residual += w[0]
        for j in range(n_features):
            residual += row[j] * w[j + intercepts]
        squares += residual * residual
        if intercepts:
            g[0] += residual
        for j in range(n_features):
            g[j + intercepts] += residual * row[j]
    return squares / (2 * n_samples), [total / n_samples for total in g]
