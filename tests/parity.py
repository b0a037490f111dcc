"""The definition of "equal to the Python loop": within 1e-12 of the scale of the terms that were summed."""

import numpy as np

from fastgd import backends
from fastgd.problem.curvature import Curvature
from fastgd.rates.decays import constant_rate

TOLERANCE = 1e-12
EPOCHS = 36


def stable_rates(X, intercepts, epochs=EPOCHS):
    """Return rates that all differ and are all at most 1/smoothness, so that rounding errors do not grow."""
    largest = constant_rate(Curvature(X, bool(intercepts)).smoothness)
    return largest * np.random.default_rng(1).uniform(0.05, 1.0, epochs)


def start(X, intercepts, targets=()):
    """Return weights to start from, none of them zero; `targets` is y.shape[1:]."""
    return np.random.default_rng(2).standard_normal((X.shape[1] + intercepts, *targets))


def several_targets(y, k):
    """Return k targets of different sizes, the first of which is y."""
    others = np.random.default_rng(3).standard_normal((len(y), k)) * (abs(y).max() or 1.0)
    return np.ascontiguousarray(np.column_stack([y, others])[:, :k] * 2.0 ** np.arange(k))


def descend(backend, X, y, weights, rates, threads=1):
    """Run a backend and return how many updates it applied, the weights, the costs and the gradient.

    Costs and gradient begin as NaN, so that an entry that the backend does not fill fails every comparison.
    """
    weights = weights.copy()
    costs, gradient = np.full((len(rates), *weights.shape[1:]), np.nan), np.full(weights.shape, np.nan)
    applied = backends.descend(X, y, weights, rates, costs, gradient, threads=threads, backend=backend)
    return applied, weights, costs, gradient


def assert_parity(backend, X, y, intercepts):
    """Demand the answer of the Python loop, from the same weights, with the same rates."""
    weights, rates = start(X, intercepts, y.shape[1:]), stable_rates(X, intercepts)
    expected = descend("python", X, y, weights, rates)
    actual = descend(backend, X, y, weights, rates)
    assert actual[0] == expected[0] == len(rates)
    scales = summed_terms(X, y, np.maximum(abs(weights), abs(expected[1])), rates.max())
    assert_close("weights", actual[1], expected[1], scales["weights"])
    # The square root turns a cost into a residual, whose rounding is relative to the terms that formed it.
    assert_close("costs", np.sqrt(2 * actual[2]), np.sqrt(2 * expected[2]), scales["residuals"])
    assert_close("gradient", actual[3], expected[3], scales["gradient"])


def assert_close(name, actual, expected, scale):
    """Demand a difference within the tolerance; NaN always fails."""
    error = abs(actual - expected)
    assert (error <= TOLERANCE * scale).all(), f"{name} off by {error} at a scale of {scale}"


def summed_terms(X, y, sizes, rate):
    """Return the sizes of the terms whose sums are the residuals, the gradient and the weights.

    A sum is as uncertain as the rounding of its largest term. Near the solution the residual xᵢ·w − yᵢ is small
    against its terms, |xᵢ|·|w| + |yᵢ|, and the gradient is near zero: relative to their own size both are rounding
    noise for any order of summation, the Python loop's included. So the scale of a residual is the sum of the sizes
    of its terms, the scale of gradient[j] is the mean of |xᵢⱼ| times those, and the scale of weights[j] is
    |weights[j]| plus the size of an update. Each component has its own scale: a column of size 1e-9 is compared as
    sharply as one of size 1e9. Of several targets, each has scales of its own.
    """
    A = abs(np.column_stack([np.ones((len(X), len(sizes) - X.shape[1])), X.astype(np.float64)]))
    terms = A @ sizes + abs(y)
    gradient = A.T @ terms / len(y)
    largest = terms.max(axis=0)  # scaled to 1 before squaring, because the squares may overflow
    residuals = largest * np.sqrt(np.mean((terms / np.where(largest == 0, 1.0, largest)) ** 2, axis=0))
    return {"residuals": residuals, "gradient": gradient, "weights": sizes + rate * gradient}
