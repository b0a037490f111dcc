# %% [markdown]
# # Tutorial: from the loop to the compressed fit
#
# The short form of docs/tutorial.md, to run and to play with: `python examples/tutorial.py [folder for the pictures]`,
# or cell by cell in an editor that knows `# %%`.

# %%
"""From the loop to the compressed fit: the steps of docs/tutorial.md."""

import sys
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np

import fastgd

# %% [markdown]
# ## The data
# A courier's trips, made up: about 8 minutes for finding the door, and 4 for each kilometre. Column 0 of `X` is x₀ =
# 1.

# %%
rng = np.random.default_rng(1)
m = 300
km = rng.uniform(0.5, 6.0, m)
y = 8.0 + 4.0 * km + rng.normal(0.0, 2.0, m)
X = np.column_stack([np.ones(m), km])
rows, targets = X.tolist(), y.tolist()


# %% [markdown]
# ## Cost and gradient, as a loop
# J = 1/(2m) Σ eᵢ², and ∂J/∂θⱼ = 1/m Σ eᵢ xᵢⱼ. The factor xᵢⱼ is the inner derivative, and the 2 has met the ½.


# %%
def cost_and_gradient(rows, targets, theta):
    """Return J and its gradient, which has the shape of theta."""
    squares, gradient = 0.0, [0.0] * len(theta)
    for row, target in zip(rows, targets, strict=True):
        error = sum(t * x for t, x in zip(theta, row, strict=True)) - target
        squares += error * error
        for j, x in enumerate(row):
            gradient[j] += error * x
    return squares / (2 * len(rows)), [g / len(rows) for g in gradient]


# %% [markdown]
# J is a parabola along every line, so a central difference is its slope exactly, whatever the step.

# %%
theta = [3.0, -1.0]
_, gradient = cost_and_gradient(rows, targets, theta)
for j in range(2):
    above, below = list(theta), list(theta)
    above[j] += 1.0
    below[j] -= 1.0
    slope = (cost_and_gradient(rows, targets, above)[0] - cost_and_gradient(rows, targets, below)[0]) / 2.0
    print(f"∂J/∂θ{j}: {gradient[j]:.6f} derived, {slope:.6f} measured")
    assert np.isclose(gradient[j], slope, rtol=1e-10)

# %% [markdown]
# ## Descend: start at random, print every ten epochs, stop when the gradient is small

# %%
smallest, largest = np.linalg.eigvalsh(X.T @ X / m)  # convexity and smoothness of J
rate = 1 / largest
theta, first = rng.standard_normal(2).tolist(), None
for epoch in range(5000):
    cost, gradient = cost_and_gradient(rows, targets, theta)
    steepness = float(np.linalg.norm(gradient))
    first = first or steepness
    if epoch % 10 == 0 and epoch < 60:
        print(f"epoch {epoch:3}: cost {cost:.4f}")
    if steepness <= 1e-6 * first:
        break
    theta = [t - rate * g for t, g in zip(theta, gradient, strict=True)]
best = np.linalg.lstsq(X, y, rcond=None)[0]
print(f"after {epoch} epochs: {theta[0]:.4f} + {theta[1]:.4f} km; the best line: {best[0]:.4f} + {best[1]:.4f} km")
assert np.allclose(theta, best, rtol=1e-3)

# %% [markdown]
# ## What the rate does
# Along the steepest direction an epoch multiplies the error by 1 − rate·L. Below 1/L it stays on its side, up to 2/L
# it jumps over the minimum and still comes down, and beyond, it climbs.


# %%
def follow(rate, epochs):
    """Return the weights of all epochs from zeros, one row for each."""
    path = [np.zeros(2)]
    for _ in range(epochs):
        path.append(path[-1] - rate * (X.T @ (X @ path[-1] - y)) / m)
    return np.array(path)


paths = {f"{factor}/L": follow(factor / largest, epochs) for factor, epochs in ((0.5, 40), (1.8, 40), (2.05, 8))}
for label, path in paths.items():
    costs = [fastgd.cost(km[:, np.newaxis], y, weights) for weights in path]
    print(f"rate {label:>6}: cost {costs[0]:.1f}, then {costs[1]:.1f}, in the end {costs[-1]:.1f}")
    assert (costs[-1] > costs[0]) == (label == "2.05/L")

# %% [markdown]
# Pictures, where matplotlib is installed; they are saved if a folder is given.

# %%
if find_spec("matplotlib"):
    import matplotlib

    matplotlib.use("Agg")
    from fastgd import plots

    pictures = {
        "cost": plots.cost_history(fastgd.gradient_descent(km[:, np.newaxis], y, epochs=300, tol=0)),
        "paths": plots.contour_path(km[:, np.newaxis], y, paths),
    }
    for folder in filter(Path.is_dir, map(Path, sys.argv[1:])):
        for name, ax in pictures.items():
            ax.figure.savefig(folder / f"{name}.png")

# %% [markdown]
# ## The same in NumPy, and what it buys
# The loop gets lists, set-up is not timed, contestants take turns, and the median counts.


# %%
def cost_and_gradient_numpy(X, y, theta):
    """Return J and its gradient: Xᵀr is the only product of X and r with the shape of theta."""
    residual = X @ theta - y
    return residual @ residual / (2 * len(X)), X.T @ residual / len(X)


wide = np.column_stack([np.ones(4000), rng.standard_normal((4000, 15))])
goal = wide @ np.arange(16.0) + rng.standard_normal(4000)
wide_list, goal_list, zeros = wide.tolist(), goal.tolist(), [0.0] * 16
contestants = {
    "loop": (lambda: cost_and_gradient(wide_list, goal_list, zeros), 1),
    "NumPy": (lambda: cost_and_gradient_numpy(wide, goal, np.zeros(16)), 20),
}
assert np.allclose(contestants["loop"][0]()[1], contestants["NumPy"][0]()[1], rtol=1e-10)
times = {name: [] for name in contestants}
for _ in range(5):
    for name, (function, repeats) in contestants.items():
        begin = perf_counter()
        for _ in range(repeats):
            function()
        times[name].append((perf_counter() - begin) / repeats)
for name, seconds in times.items():
    print(f"{name:>5}: {1e6 * median(seconds):8,.0f} µs an epoch")

# %% [markdown]
# ## Throw the rows away
# With [X y] = QR, ‖Xθ − y‖ = ‖R·[θ; −1]‖. The rows of R, scaled, are a problem with the same J for every θ, hence the
# same gradients, the same path, and the same costs.

# %%
p = wide.shape[1]
R = np.linalg.qr(np.column_stack([wide, goal]), mode="r") * np.sqrt((p + 1) / len(wide))
full = small = np.zeros(p)
for _ in range(200):
    J_full, g_full = cost_and_gradient_numpy(wide, goal, full)
    J_small, g_small = cost_and_gradient_numpy(R[:, :p], R[:, p], small)
    assert np.isclose(J_full, J_small, rtol=1e-10)
    full, small = full - 0.1 * g_full, small - 0.1 * g_small
assert np.allclose(full, small, rtol=1e-10)
print(f"200 epochs on {len(wide)} rows and on {len(R)}: the same path, to {np.abs(full - small).max():.0e}")

# %% [markdown]
# ## All of it in one line

# %%
result = fastgd.gradient_descent(1000 * km[:, np.newaxis], y, learning_rate="eigenvalues", standardize=True)
print("in metres:", result)
assert result.converged
assert np.allclose(result.weights * [1, 1000], best, rtol=1e-8)
