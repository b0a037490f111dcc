# %% [markdown]
# # Adding a backend
#
# A backend is a module with one function, `descend`, that keeps the contract on top of `fastgd/backends/__init__.py`.
# This script is such a module: it has the function, registers itself for as long as it runs, and is compared with the
# Python loop, which is the specification. In the package, it would be a file in fastgd/backends/ and a line in
# `MODULES`: docs/adding-a-backend.md.

# %%
"""A backend of one's own: NumPy in blocks of rows, which reads X from memory once an epoch and not twice."""

from math import isfinite

import numpy as np

import fastgd
from fastgd import backends, bench
from fastgd.backends.contract import count_intercepts

BLOCK_BYTES = 1 << 19  # so that a block is still in the second level of cache when its gradient is formed


# %% [markdown]
# ## The update
# NumPy's backend forms all residuals and then all of the gradient, so it walks through `X` twice. Here both are formed
# for a few rows at a time, while these are in cache. `count_intercepts` checks the shapes, as all backends do.


# %%
def descend(X, y, weights, rates, costs, gradient, threads=1):
    """Apply ``len(rates)`` updates in place and return how many were applied.

    r = Xw − y;  costs[k] = rᵀr / 2n;  gradient = Xᵀr / n;  w ← w − rates[k]·gradient
    """
    intercepts = count_intercepts(X, y, weights, rates, costs, gradient)
    X = X.astype(np.float64, copy=False)  # arithmetic is in float64
    n_samples, n_features = X.shape
    height = max(1, BLOCK_BYTES // (8 * n_features))
    blocks = [slice(start, start + height) for start in range(0, n_samples, height)]
    with np.errstate(over="ignore", invalid="ignore"):
        for epoch, rate in enumerate(rates.tolist()):
            squares, total = 0.0, np.zeros_like(weights)
            for block in blocks:
                residual = X[block] @ weights[intercepts:] - y[block]
                if intercepts:
                    residual += weights[0]
                    total[0] += residual.sum()
                total[intercepts:] += residual @ X[block]
                squares += residual @ residual
            gradient[:] = total / n_samples
            costs[epoch] = squares / (2 * n_samples)
            updated = weights - rate * gradient
            if not (isfinite(costs[epoch]) and np.isfinite(updated).all()):
                return epoch  # an update that is not finite is not made
            weights[:] = updated
    return len(rates)


# %% [markdown]
# ## Against the specification
# Awkward shapes and kinds of data, with and without an intercept: weights, costs and gradient must agree with the
# Python loop's to 1e-12 of their scale, and so must the number of updates.


# %%
def run(X, y, n_weights, rates, backend):
    """Return all that a backend leaves behind."""
    weights, costs, gradient = np.linspace(-1.0, 1.0, n_weights), np.zeros(len(rates)), np.zeros(n_weights)
    made = backends.descend(X, y, weights, rates, costs, gradient, backend=backend)
    return made, weights, costs[:made], gradient


def compare(name):
    """Compare a backend with the Python loop; return the largest difference, relative to the scale."""
    rng, worst = np.random.default_rng(0), 0.0
    for shape in ((1, 1), (1, 4), (7, 3), (5, 12), (2500, 20)):
        X, y = rng.standard_normal(shape), rng.standard_normal(shape[0])
        for data in (X, np.asfortranarray(X), X.astype(np.float32)):
            for n_weights in (shape[1], shape[1] + 1):
                mine, loop = (run(data, y, n_weights, np.full(5, 0.01), backend) for backend in (name, "python"))
                assert mine[0] == loop[0] == 5
                for found, expected in zip(mine[1:], loop[1:], strict=True):
                    worst = max(worst, np.abs(found - expected).max() / np.abs(expected).max())
    X, y = rng.standard_normal((30, 3)), rng.standard_normal(30)
    stopped = [run(X, y, 4, np.full(50, 1e60), backend)[0] for backend in (name, "python")]
    assert stopped[0] == stopped[1] < 50  # both refuse the same update
    assert worst < 1e-12
    return worst


# %% [markdown]
# ## For as long as it is registered, it is a backend like the others
# It can be named in a fit, and timed. Do not expect too much: each block takes some calls of NumPy, and a call
# takes as long as a small product. A compiled loop has no such calls.


# %%
def main():
    """Register this module, compare it, fit with it, time it."""
    backends.MODULES["blocks"] = __name__
    try:
        print(f"differs from the Python loop by {compare('blocks'):.0e} at most")
        rng = np.random.default_rng(1)
        X = rng.standard_normal((20_000, 20))
        y = 1.0 + X @ np.ones(20) + rng.standard_normal(20_000)
        result = fastgd.gradient_descent(X, y, backend="blocks")
        print(result)
        assert result.backend == "blocks"
        assert np.allclose(result.weights, fastgd.gradient_descent(X, y, backend="numpy").weights, rtol=1e-10)
        for name, seconds in bench.time_epochs(X, y, ["numpy", "blocks"], rounds=3).items():
            print(f"{name:>6}: {1e6 * seconds:6.0f} µs an epoch")
    finally:
        del backends.MODULES["blocks"]
    assert "blocks" not in backends.available()


# %%
if __name__ == "__main__":
    main()
