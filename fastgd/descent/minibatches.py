"""Epochs of mini-batches: any kernel makes one update from each batch of shuffled rows."""

from __future__ import annotations  # so that np.random is not loaded to name its generator

from collections.abc import Callable

import numpy as np

from fastgd.backends.contract import count_applied
from fastgd.backends.threads import choose_threads
from fastgd.inputs.arrays import Array
from fastgd.problem.coordinates import Problem
from fastgd.problem.prepared import Prepared
from fastgd.problem.rows import add_ridge

Kernel = Callable[..., int]


def bind_batches(
    kernel: Kernel, prepared: Prepared, batch_size: int, generator: np.random.Generator, threads: int | None
) -> Callable[[Array, Array, Array, Array], int]:
    """Return a function that runs epochs of mini-batches in place, as a kernel runs epochs of all rows.

    Every epoch shuffles the rows anew, and makes an update from each batch at the epoch's rate. The last batch may be
    smaller; its step is shorter in proportion, since the gradient of few rows is rough. costs[k] is the mean of the
    costs of the batches, weighted by their rows; the cost of a batch is that of the weights before its update. The
    gradient is the same mean of the batches' gradients. If a cost is not finite, its whole epoch is undone.
    """
    problem, penalty = prepared.rows, prepared.penalty
    n_samples = len(problem.y)

    def descend(weights: Array, rates: Array, costs: Array, gradient: Array) -> int:
        cost, slope = np.empty((1, *weights.shape[1:])), np.empty_like(weights)
        for epoch in range(len(rates)):
            before, costs[epoch], gradient[:] = weights.copy(), 0.0, 0.0
            order = generator.permutation(n_samples)
            for start in range(0, n_samples, batch_size):
                rows = order[start : start + batch_size]
                batch = Problem(np.take(problem.X, rows, axis=0), problem.y[rows], problem.intercept)
                batch = add_ridge(batch, penalty)
                rate = rates[epoch : epoch + 1] * (len(rows) / batch_size)
                members = threads or choose_threads(len(rows), batch.X.shape[1], 1, weights[0].size)
                applied = count_applied(kernel(batch.X, batch.y, weights, rate, cost, slope, members), 1)
                costs[epoch] += cost[0] * len(rows) / n_samples
                gradient += slope * (len(rows) / n_samples)
                if not applied:
                    weights[:] = before
                    return epoch
        return len(rates)

    return descend


def expected_smoothness(prepared: Prepared, batch_size: int, smoothness: float) -> float:
    """Return the expected smoothness of batches, between the largest of a single row and that of all rows.

    References
    ----------
    R. M. Gower, N. Loizou, X. Qian, A. Sailanbayev, E. Shulgin and P. Richtárik, SGD: general analysis and improved
    rates, ICML 2019, proposition 3.8 (sampling without replacement).
    """
    X, n = prepared.rows.X, len(prepared.rows.X)
    if n == 1:
        return smoothness
    largest = float(np.einsum("ij,ij->i", X, X, dtype=np.float64).max()) + prepared.rows.intercept
    largest += float(prepared.penalty.max())
    b = batch_size
    return n * (b - 1) / (b * (n - 1)) * smoothness + (n - b) / (b * (n - 1)) * largest
