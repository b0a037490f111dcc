# %% [markdown]
# # How it works
#
# Three things that everything else rests on: the contract of a backend, the identity behind compression, and rates as
# the roots of a polynomial (docs/how-it-works.md).

# %%
"""The contract of descend, the compression identity, and rates as the roots of a polynomial."""

import numpy as np

import fastgd
from fastgd import backends, rates

rng = np.random.default_rng(0)
X = rng.standard_normal((3000, 5)) @ np.diag([1.0, 0.7, 0.5, 0.3, 0.2]) + 0.5
y = 2.0 + X @ [1.0, 2.0, -1.0, 0.5, 3.0] + rng.standard_normal(3000)

# %% [markdown]
# ## The contract
# `descend` applies one update for each rate, in place and with no decision in between. Here it is next to what it
# says: cost before the update, gradient, update.

# %%
steps = np.array([0.3, 0.5, 0.1, 0.4])
by_hand, history = np.zeros(6), []
ones = np.column_stack([np.ones(len(X)), X])
for step in steps:
    residual = ones @ by_hand - y
    history.append(residual @ residual / (2 * len(y)))
    slope = ones.T @ residual / len(y)
    by_hand = by_hand - step * slope

for name in backends.available():
    weights, costs, gradient = np.zeros(6), np.empty(4), np.empty(6)
    updates = backends.descend(X, y, weights, steps, costs, gradient, backend=name)
    assert updates == len(steps)
    assert np.allclose(weights, by_hand, rtol=1e-11)
    assert np.allclose(costs, history, rtol=1e-11)  # of the weights that each update starts from
    assert np.allclose(gradient, slope, rtol=1e-9, atol=1e-12)  # the last one; the shape of the weights
    print(f"{name:>6}: {updates} updates, costs {costs.round(3)}")

# %% [markdown]
# The number of weights says whether there is an intercept: one more than columns of `X`, or as many. Anything else is
# an error that names the shapes. An update that would not be finite is not made, and is not counted.

# %%
try:
    backends.descend(X, y, np.zeros(4), steps, np.empty(4), np.empty(4))
except ValueError as error:
    print(error)
else:
    raise AssertionError("four weights for five columns")

weights, costs, gradient = np.zeros(5), np.empty(3), np.empty(5)
made = backends.descend(X, y, weights, np.array([1e200, 1e200, 1e200]), costs, gradient)
print(f"{made} of 3 absurd updates were made; weights are finite: {np.isfinite(weights).all()}")
assert made < 3
assert np.isfinite(weights).all()

# %% [markdown]
# ## Compression
# With [1 X y] = QR, ‖Xw − y‖ = ‖R·[w; −1]‖ for every w. Seven rows are left of three thousand, and J is the same
# function.

# %%
X_small, y_small = fastgd.compress(X, y)
print("from", X.shape, "to", X_small.shape)
for _ in range(5):
    w = 10 * rng.standard_normal(6)
    assert np.isclose(fastgd.cost(X_small, y_small, w), fastgd.cost(X, y, w), rtol=1e-11)
    assert np.allclose(fastgd.gradient(X_small, y_small, w), fastgd.gradient(X, y, w), rtol=1e-9)

full = fastgd.gradient_descent(X, y, epochs=500, tol=0, compress=False)
small = fastgd.gradient_descent(X, y, epochs=500, tol=0, compress=True)
print(f"500 epochs, with and without: weights differ by {np.abs(full.weights - small.weights).max():.0e}")
assert np.allclose(full.weights, small.weights, rtol=1e-10)
assert np.allclose(full.cost_history, small.cost_history, rtol=1e-10)

# %% [markdown]
# Parts can be compressed anywhere and merged, and R's last entry is the cost that no weights can go below.

# %%
parts = [fastgd.Compressor() for _ in range(3)]
for part, block in zip(parts, np.array_split(np.arange(len(X)), 3), strict=True):
    part.add(X[block], y[block])
for part in parts[1:]:
    parts[0].merge(part)
assert np.isclose(fastgd.cost(*parts[0].problem(), w), fastgd.cost(X, y, w), rtol=1e-11)

R = np.linalg.qr(np.column_stack([ones, y]), mode="r")
best = np.linalg.lstsq(ones, y, rcond=None)[0]
print("least cost, before any descent:", round(R[-1, -1] ** 2 / (2 * len(y)), 6))
assert np.isclose(R[-1, -1] ** 2 / (2 * len(y)), fastgd.cost(X, y, best), rtol=1e-10)

# %% [markdown]
# ## Rates are roots
# An epoch makes (I − rate·H)·d of the error d, so N epochs multiply its part along an eigenvector of eigenvalue λ by
# (1 − rate₁·λ)·…·(1 − rate_N·λ): a polynomial with the value 1 at 0 and a root at each 1/rate.

# %%
H = ones.T @ ones / len(y)
values, vectors = np.linalg.eigh(H)
convexity, smoothness = float(values[0]), float(values[-1])
for name, schedule in (
    ("constant", rates.constant(16, smoothness)),
    ("silver", rates.silver(15, smoothness)),
    ("chebyshev", rates.chebyshev(16, smoothness, convexity)),
):
    run = fastgd.gradient_descent(X, y, learning_rate=schedule, epochs=len(schedule), tol=0)
    polynomial = np.prod(1 - np.outer(schedule, values), axis=0)
    before, after = vectors.T @ (0 - best), vectors.T @ (run.weights - best)
    assert np.allclose(after, polynomial * before, rtol=1e-6, atol=1e-9)
    print(f"{name:>9}: error times {np.abs(polynomial).max():.4f} at worst, after {len(schedule)} epochs")

# %% [markdown]
# No rates that know only the two ends can do better than Chebyshev's. Those that know all eigenvalues can: a root on
# each, repeated where rounding would grow back.

# %%
run = fastgd.gradient_descent(X, y, learning_rate="eigenvalues", tol=1e-12)
print(f"eigenvalues: {run.epochs} epochs, error {np.abs(run.weights - best).max():.0e}, {run.reason}")
assert run.converged
assert np.allclose(run.weights, best, rtol=1e-9)
