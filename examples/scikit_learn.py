# %% [markdown]
# # With scikit-learn
#
# `GradientDescentRegressor` stands where `LinearRegression` and `Ridge` do (docs/scikit-learn.md). The data are
# scikit-learn's own: 442 patients, ten measurements, and how their diabetes went on.

# %%
"""The estimator in a pipeline, a search, a cross-validation, with several targets, in parts, and saved."""

import tempfile
from pathlib import Path

import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from fastgd import GradientDescentRegressor

X, y = load_diabetes(return_X_y=True)

# %% [markdown]
# ## The same as LinearRegression, by another way

# %%
model = GradientDescentRegressor(learning_rate="eigenvalues", tol=1e-12).fit(X, y)
direct = LinearRegression().fit(X, y)
print(f"R² {model.score(X, y):.6f}, directly {direct.score(X, y):.6f}; {model.n_iter_} epochs, {model.stop_reason_}")
assert np.allclose(model.coef_, direct.coef_, rtol=1e-8)
assert np.isclose(model.intercept_, direct.intercept_, rtol=1e-10)
assert len(model.cost_history_) == model.n_iter_

# %% [markdown]
# ## Ridge
# The penalty here is on the mean, there on the sum: `Ridge(alpha=a)` is `alpha=a / len(X)`.

# %%
ridge = GradientDescentRegressor(alpha=0.5 / len(X), tol=1e-10).fit(X, y)
assert np.allclose(ridge.coef_, Ridge(alpha=0.5).fit(X, y).coef_, rtol=1e-5)

# %% [markdown]
# ## In a pipeline, and in a search for the penalty

# %%
pipeline = make_pipeline(
    StandardScaler(), PolynomialFeatures(2, include_bias=False), GradientDescentRegressor(max_iter=100_000)
)
search = GridSearchCV(pipeline, {"gradientdescentregressor__alpha": [0.01, 0.1, 1.0, 10.0]}, cv=3).fit(X, y)
print("best:", search.best_params_, f"with R² {search.best_score_:.3f} in cross-validation")
assert search.best_score_ > cross_val_score(pipeline, X, y, cv=3).mean()  # no penalty at all

# %% [markdown]
# ## Rows that come in parts
# `partial_fit` answers for all rows that it was given, not for the last ones.

# %%
parts = GradientDescentRegressor(tol=1e-12)
for rows in np.array_split(np.arange(len(X)), 5):
    parts.partial_fit(X[rows], y[rows])
print(f"in five parts: coefficients differ by {np.abs(parts.coef_ - direct.coef_).max():.0e}")
assert np.allclose(parts.coef_, direct.coef_, rtol=1e-4)

# %% [markdown]
# ## Several targets
# One compression, one descent for each.

# %%
both = GradientDescentRegressor(tol=1e-10).fit(X, np.column_stack([y, np.sqrt(y)]))
print("coef_", both.coef_.shape, "intercept_", both.intercept_.shape)
assert np.allclose(both.coef_[0], direct.coef_, rtol=1e-3)

# %% [markdown]
# ## Saved as JSON, in which nothing is ever executed

# %%
with tempfile.TemporaryDirectory() as folder:
    model.save(Path(folder) / "model.json", target="progression")
    loaded = GradientDescentRegressor.load(Path(folder) / "model.json")
assert np.array_equal(loaded.predict(X), model.predict(X))
