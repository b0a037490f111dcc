# %% [markdown]
# # User guide
#
# Fitting, what comes back, when a run ends, rates, scaling, weights, ridge: docs/guide.md, as far as it is code.

# %%
"""Fit, look at the result, stop, choose rates, standardize, weigh rows, add a ridge."""

import tempfile
import warnings
from functools import partial
from pathlib import Path

import numpy as np

import fastgd
from fastgd import rates

# %% [markdown]
# ## A fit
# `X` has no column of ones: the intercept is `weights[0]`, and `intercept`.

# %%
rng = np.random.default_rng(0)
X = rng.standard_normal((2000, 6))
true = np.array([1.0, -2.0, 0.5, 0.0, 3.0, -1.0])
y = 4.0 + X @ true + rng.standard_normal(2000)
exact = np.linalg.lstsq(np.column_stack([np.ones(len(X)), X]), y, rcond=None)[0]

result = fastgd.gradient_descent(X, y)
print(result)
print("intercept", round(result.intercept, 3), "coef", result.coef.round(3))
assert np.allclose(result.weights, exact, atol=1e-5)
assert np.allclose(result.predict(X[:5]), result.intercept + X[:5] @ result.coef)

# %% [markdown]
# ## The result
# `cost_history[k]` is J of the weights that update k starts from; `rates[k]` is what that update was multiplied by.

# %%
assert len(result.cost_history) == len(result.rates) == result.epochs
assert np.isclose(result.cost_history[0], fastgd.cost(X, y, np.zeros(7)))
assert np.all(np.diff(result.cost_history) <= 1e-12)  # it never grows, but for rounding
with tempfile.TemporaryDirectory() as folder:
    result.save(Path(folder) / "model.json")
    loaded = fastgd.DescentResult.load(Path(folder) / "model.json")
assert np.array_equal(loaded.weights, result.weights)
print(f"{result.reason!r} after {result.epochs} epochs, backend {result.backend}; {result.why}")

# %% [markdown]
# ## When it ends
# By the gradient, by the cost, by the number of epochs, by you, or because the rate was too large.

# %%
few = fastgd.gradient_descent(X, y, learning_rate=0.01, epochs=20)
assert (few.reason, few.converged, few.epochs) == ("epochs", False, 20)
all_of_them = fastgd.gradient_descent(X, y, learning_rate=0.5, epochs=100, tol=0)  # 0 switches the rules off
assert all_of_them.epochs == 100


def stop_below(limit, epoch, weights, cost):
    """End the run as soon as the cost is below a limit."""
    print(f"  epoch {epoch:3}: cost {cost:.4f}")
    return cost < limit


by_hand = fastgd.gradient_descent(X, y, learning_rate=0.05, callback=partial(stop_below, 0.6))
print(by_hand.reason, "after", by_hand.epochs, "epochs")
assert by_hand.reason == "callback"
assert fastgd.cost(X, y, by_hand.weights) < 0.6

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    wild = fastgd.gradient_descent(X, y, learning_rate=2.5)
print("warned:", caught[0].message)
assert caught[0].category is fastgd.DivergenceWarning
assert wild.reason == "diverged"
assert np.isfinite(wild.weights).all()

# %% [markdown]
# ## Rates
# A number, an array, a schedule by its name, a schedule with other options, or a function of your own. The columns
# here differ in size by a factor of 30, so that it matters.

# %%
skewed = X * np.geomspace(1.0, 1 / 30, 6)
optimum = np.linalg.lstsq(np.column_stack([np.ones(len(X)), skewed]), y, rcond=None)[0]
epochs = {}
for name in ("constant", "silver", "chebyshev", "eigenvalues"):
    run = fastgd.gradient_descent(skewed, y, learning_rate=name, epochs=100_000)
    assert run.converged
    assert np.allclose(run.weights, optimum, rtol=0.02, atol=0.02)
    epochs[name] = run.epochs
print("epochs:", epochs)
assert epochs["constant"] > epochs["chebyshev"] > epochs["eigenvalues"]

halving = partial(rates.step_decay, factor=0.5, every=50)
used = fastgd.gradient_descent(X, y, learning_rate=halving, epochs=100, tol=0).rates
assert used[50] == used[49] / 2


def cautious(epochs, smoothness, convexity):
    """Return half of the usual rate, for each epoch."""
    return np.full(epochs, 0.5 / smoothness)


assert fastgd.gradient_descent(X, y, learning_rate=cautious).converged

# %% [markdown]
# ## Columns of different scale
# `standardize=True` descends where all columns have mean 0 and mean square 1, and gives weights in the data's units.

# %%
houses = np.column_stack([rng.uniform(40, 200, 500), rng.integers(1900, 2020, 500)])  # m² and year
price = 50.0 + 2.5 * houses[:, 0] + 0.2 * (houses[:, 1] - 1900) + rng.normal(0, 20, 500)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    plain = fastgd.gradient_descent(houses, price)
scaled = fastgd.gradient_descent(houses, price, standardize=True)
print(f"as it is: converged {plain.converged}; standardized: {scaled.converged} after {scaled.epochs} epochs")
assert not plain.converged
assert caught[0].category is fastgd.ConditionWarning
assert np.allclose(scaled.coef, np.linalg.lstsq(np.column_stack([houses, np.ones(500)]), price, rcond=None)[0][:2])

# %% [markdown]
# ## Weights of rows
# A weight of 3 counts as three equal rows.

# %%
counts = rng.integers(0, 4, len(X))
weighted = fastgd.gradient_descent(X, y, sample_weight=counts, tol=1e-12)
repeated = fastgd.gradient_descent(np.repeat(X, counts, axis=0), np.repeat(y, counts), tol=1e-12)
assert np.allclose(weighted.weights, repeated.weights, rtol=1e-6, atol=1e-8)
print("weighted and repeated rows agree to", f"{np.abs(weighted.weights - repeated.weights).max():.0e}")

# %% [markdown]
# ## Ridge
# `alpha` adds alpha·½‖coef‖² to J and leaves the intercept alone. The gradient of that sum is zero at its solution.

# %%
lengths = {}
for alpha in (0.0, 0.1, 1.0):
    ridge = fastgd.gradient_descent(X, y, alpha=alpha, tol=1e-10)
    slope = fastgd.gradient(X, y, ridge.weights) + alpha * np.append(0.0, ridge.coef)
    assert np.abs(slope).max() < 1e-6
    lengths[alpha] = round(float(np.linalg.norm(ridge.coef)), 3)
print("‖coef‖ by alpha:", lengths)
assert lengths[0.0] > lengths[0.1] > lengths[1.0]
