"""The kernel of src_ext/_kernel.pyx once more, compiled at the first call by Numba.

The two can be read side by side: the same functions, names and order of operations.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from fastgd.arrays import Array
from fastgd.backends.contract import count_intercepts

try:
    import numba
except ImportError as error:
    raise ImportError("backend 'numba' needs Numba: pip install numba") from error

# Sums may be reordered, so that they vectorize; NaN and infinities are still seen ("nnan" and "ninf" are left out).
REORDER_SUMS = {"reassoc", "contract", "nsz", "arcp"}
TILE = 256


def compile_kernel(fastmath: set[str]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return a decorator that compiles, with the machine code kept on disk where a folder for it is writable."""

    def compile_function(function: Callable[..., Any]) -> Callable[..., Any]:
        try:
            return numba.njit(function, fastmath=fastmath, nogil=True, cache=True)
        except RuntimeError:  # numba: "cannot cache function: no locator available", raised at decoration
            return numba.njit(function, fastmath=fastmath, nogil=True)

    return compile_function


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
    intercepts = count_intercepts(X, y, weights, rates, costs, gradient)
    kernel = descend_rows if X.flags.c_contiguous else descend_columns
    # Numba compiles once more for read-only arrays: hand it nothing else.
    arrays = (read_only(X), read_only(y), weights, read_only(rates), costs, gradient)
    return int(kernel(*arrays, intercepts))


def read_only(array: Array) -> Array:
    """Return a view that cannot be written to."""
    view = array.view()
    view.flags.writeable = False
    return view


# Not with reordered sums: Numba's isfinite is a difference that would then be simplified to zero.
@compile_kernel(set())
def update(weights, gradient, rate, cost, n):  # type: ignore[no-untyped-def]
    """W ← w − rate·gradient, where gradient arrives as the sum over rows; False if not finite, and no update."""
    finite = np.isfinite(cost)
    for j in range(len(weights)):
        gradient[j] /= n
        finite &= np.isfinite(weights[j] - rate * gradient[j])
    if finite:
        for j in range(len(weights)):
            weights[j] -= rate * gradient[j]
    return finite


@compile_kernel(REORDER_SUMS)
def add_rows(X, y, weights, gradient, intercepts):  # type: ignore[no-untyped-def]
    """Add the rows' residual · row to the gradient and return the sum of their squared residuals."""
    n, p = X.shape
    w = weights[intercepts:]
    g = gradient[intercepts:]
    intercept = weights[0] if intercepts else 0.0
    squares = 0.0
    total = 0.0
    for i in range(0, n - 3, 4):
        a, b, c, d = X[i], X[i + 1], X[i + 2], X[i + 3]
        r0, r1, r2, r3 = intercept - y[i], intercept - y[i + 1], intercept - y[i + 2], intercept - y[i + 3]
        for j in range(p):
            r0 += a[j] * w[j]
            r1 += b[j] * w[j]
            r2 += c[j] * w[j]
            r3 += d[j] * w[j]
        for j in range(p):
            g[j] += r0 * a[j] + r1 * b[j] + r2 * c[j] + r3 * d[j]
        squares += r0 * r0 + r1 * r1 + r2 * r2 + r3 * r3
        total += r0 + r1 + r2 + r3
    for i in range(n - n % 4, n):
        a = X[i]
        r0 = intercept - y[i]
        for j in range(p):
            r0 += a[j] * w[j]
        for j in range(p):
            g[j] += r0 * a[j]
        squares += r0 * r0
        total += r0
    if intercepts:
        gradient[0] += total
    return squares


@compile_kernel(REORDER_SUMS)
def add_tile(X, y, weights, gradient, intercepts, residual):  # type: ignore[no-untyped-def]
    """Do what add_rows does, for a tile of the rows of X in Fortran order."""
    rows, p = X.shape
    intercept = weights[0] if intercepts else 0.0
    squares = 0.0
    total = 0.0
    for i in range(rows):
        residual[i] = intercept - y[i]
    for j in range(p):
        x = X[:, j]
        weight = weights[j + intercepts]
        for i in range(rows):
            residual[i] += x[i] * weight
    for i in range(rows):
        squares += residual[i] * residual[i]
        total += residual[i]
    for j in range(p):
        x = X[:, j]
        dot = 0.0
        for i in range(rows):
            dot += residual[i] * x[i]
        gradient[j + intercepts] += dot
    if intercepts:
        gradient[0] += total
    return squares


@compile_kernel(REORDER_SUMS)
def descend_rows(X, y, weights, rates, costs, gradient, intercepts):  # type: ignore[no-untyped-def]
    """Descend on X in C order."""
    n = len(y)
    for epoch in range(len(rates)):
        gradient[:] = 0.0
        costs[epoch] = add_rows(X, y, weights, gradient, intercepts) / (2 * n)
        if not update(weights, gradient, rates[epoch], costs[epoch], n):
            return epoch
    return len(rates)


@compile_kernel(REORDER_SUMS)
def descend_columns(X, y, weights, rates, costs, gradient, intercepts):  # type: ignore[no-untyped-def]
    """Descend on X in Fortran order."""
    n = len(y)
    residual = np.empty(TILE)
    for epoch in range(len(rates)):
        gradient[:] = 0.0
        squares = 0.0
        for start in range(0, n, TILE):
            stop = min(start + TILE, n)
            squares += add_tile(X[start:stop], y[start:stop], weights, gradient, intercepts, residual)
        costs[epoch] = squares / (2 * n)
        if not update(weights, gradient, rates[epoch], costs[epoch], n):
            return epoch
    return len(rates)
