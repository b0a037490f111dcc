"""The specification: gradient descent as a plain loop over plain floats.

It loops over lists, because indexing an array makes a Python object for every number: that would be five times slower
and make every other backend look better than it is.
"""

from itertools import pairwise
from math import isfinite

import numpy as np

from fastgd.backends.contract import check_arrays
from fastgd.backends.sparse import CSR, check_sparse_arrays
from fastgd.inputs.arrays import Array

TAKES_SPARSE = True


def descend(
    X: Array | CSR,
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
    if isinstance(X, CSR):
        return descend_sparse(X, y, weights, rates, costs, gradient, threads)
    intercepts = check_arrays(X, y, weights, rates, costs, gradient, threads)
    rows, targets, w = X.tolist(), list_targets(y), list_targets(weights)
    epoch = 0
    for rate in rates.tolist():
        found = [cost_and_gradient(rows, targets[k], w[k], intercepts) for k in range(len(targets))]
        updated = [[w[k][j] - rate * g[j] for j in range(len(g))] for k, (_, g) in enumerate(found)]
        costs[epoch] = np.reshape([cost for cost, _ in found], y.shape[1:])
        gradient[:] = np.transpose([g for _, g in found]).reshape(gradient.shape)
        if not (all(isfinite(cost) for cost, _ in found) and all(isfinite(new) for one in updated for new in one)):
            break
        w = updated
        epoch += 1
    weights[:] = np.transpose(w).reshape(weights.shape)
    return epoch


def list_targets(array: Array) -> list[list[float]]:
    """Return the numbers of each target."""
    numbers: list[list[float]] = array.reshape(len(array), -1).T.tolist()
    return numbers


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


def descend_sparse(
    X: CSR, y: Array, weights: Array, rates: Array, costs: Array, gradient: Array, threads: int = 1
) -> int:
    """Apply the updates for sparse rows: each target by itself, until the first that would not have been finite."""
    intercepts = check_sparse_arrays(X, y, weights, rates, costs, gradient, threads)
    rows, n_features = list_rows(X), X.shape[1]
    means = [0.0] * n_features if X.means is None else X.means.tolist()
    factors = [1.0] * len(rows) if X.factors is None else X.factors.tolist()
    k = y.shape[1] if y.ndim == 2 else 1
    all_weights, all_costs, slopes = (array.reshape(-1, k) for array in (weights, costs, gradient))
    targets, starts = y.reshape(-1, k).T.tolist(), all_weights.T.tolist()
    for epoch, rate in enumerate(rates.tolist()):
        found = []
        for target, w in zip(targets, starts, strict=True):
            cost, g = sparse_cost_and_gradient(rows, means, factors, target, w, intercepts)
            found.append((cost, g, [w[j] - rate * g[j] for j in range(len(w))]))
        for column, (cost, g, _) in enumerate(found):
            all_costs[epoch, column], slopes[:, column] = cost, g
        if not all(isfinite(cost) and all(map(isfinite, updated)) for cost, _, updated in found):
            return epoch
        starts = [updated for _, _, updated in found]
        all_weights[:] = np.transpose(starts)
    return len(rates)


def list_rows(X: CSR) -> list[list[tuple[int, float]]]:
    """Return each row as a list of columns and entries."""
    ends, columns, entries = X.indptr.tolist(), X.indices.tolist(), X.data.tolist()
    return [list(zip(columns[first:last], entries[first:last], strict=True)) for first, last in pairwise(ends)]


def sparse_cost_and_gradient(
    rows: list[list[tuple[int, float]]],
    means: list[float],
    factors: list[float],
    targets: list[float],
    w: list[float],
    intercepts: int,
) -> tuple[float, list[float]]:
    """Return J(w) and ∇J(w) as `cost_and_gradient` does, of rows xᵢ − fᵢ·means of which only xᵢ is stored."""
    n_samples, n_features = len(rows), len(means)
    squares = moved = 0.0
    g = [0.0] * len(w)
    shift = sum(means[j] * w[j + intercepts] for j in range(n_features))
    for i in range(n_samples):
        residual = -factors[i] * shift - targets[i]
        if intercepts:
            residual += w[0]
        for j, entry in rows[i]:
            residual += entry * w[j + intercepts]
        squares += residual * residual
        moved += factors[i] * residual
        if intercepts:
            g[0] += residual
        for j, entry in rows[i]:
            g[j + intercepts] += residual * entry
    for j in range(n_features):
        g[j + intercepts] -= means[j] * moved
    return squares / (2 * n_samples), [total / n_samples for total in g]
