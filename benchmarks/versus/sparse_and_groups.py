"""The contestants for sparse rows and for groups."""

from functools import partial
from typing import Any

import numpy as np
from versus.contestants import FASTGD, ITERATIONS, RIDGE, Contestant, join, make_model
from versus.data import Data

import fastgd

TOLERANCES = (1e-6, 1e-8, 1e-10, 1e-12, 1e-14)  # the first is scikit-learn's default


def fit_ols(data: Data, tol: float) -> Any:
    from sklearn.linear_model import LinearRegression

    return LinearRegression(tol=tol).fit(data.X, data.y)


def add_sparse_ones(X: Any) -> Any:
    from scipy import sparse

    return sparse.hstack([np.ones((X.shape[0], 1)), X], format="csr")


def fit_sag(data: Data, iterations: int) -> Any:
    """Call the solver itself: Ridge(solver="sag") takes sparse_cg for sparse rows when the iterations are given."""
    from sklearn.linear_model import ridge_regression

    options = {"alpha": 0.0, "solver": "sag", "max_iter": iterations, "tol": 0.0, "random_state": 0}
    coef, intercept = ridge_regression(data.X, data.y, return_intercept=True, **options)
    return np.append(intercept, coef)


def fit_scipy(data: Data, iterations: int, name: str) -> Any:
    from scipy.sparse import linalg

    limit = {"lsqr": "iter_lim", "lsmr": "maxiter"}[name]
    options = {"atol": 0, "btol": 0, "conlim": 0, limit: iterations}
    return getattr(linalg, name)(add_sparse_ones(data.X), data.y, **options)[0]


def fit_groups(data: Data, _: None) -> Any:
    return fastgd.fit_groups(data.X, data.y, data.groups).weights


def fit_each(data: Data, _: None) -> Any:
    """Sort the rows by group once, then fit a model to each group."""
    from sklearn.linear_model import LinearRegression

    order = np.argsort(data.groups, kind="stable")
    _, starts = np.unique(data.groups[order], return_index=True)
    X, y, ends = data.X[order], data.y[order], [*starts[1:], len(order)]
    models = [LinearRegression().fit(X[a:b], y[a:b]) for a, b in zip(starts, ends, strict=True)]
    return np.array([join(model.intercept_, model.coef_) for model in models])


def fit_polars(data: Data, _: None) -> Any:
    import polars
    import polars_ols  # noqa: F401  # gives expressions their least_squares

    features = [name for name in data.frame.columns if name.startswith("x")]
    solve = polars.col("y").least_squares.ols(*features, add_intercept=True, mode="coefficients")
    return data.frame.group_by("group").agg(solve.alias("weights"))


def read_polars(frame: Any) -> Any:
    weights = frame.sort("group").select("weights").unnest("weights").to_numpy()
    return np.roll(weights, 1, axis=1)  # the intercept is the last


SPARSE = [
    *FASTGD,
    make_model("LinearRegression", fit_ols, "sklearn", TOLERANCES),
    make_model("Ridge lsqr", partial(RIDGE, solver="lsqr", tol=0.0), "sklearn", ITERATIONS),
    make_model("Ridge sparse_cg", partial(RIDGE, solver="sparse_cg", tol=0.0), "sklearn", ITERATIONS),
    Contestant("Ridge sag", fit_sag, "sklearn", ITERATIONS),
    Contestant("SciPy lsqr", partial(fit_scipy, name="lsqr"), "scipy", ITERATIONS),
    Contestant("SciPy lsmr", partial(fit_scipy, name="lsmr"), "scipy", ITERATIONS),
]
GROUPS = [
    Contestant("fit_groups", fit_groups),
    Contestant("loop of LinearRegression", fit_each, "sklearn"),
    Contestant("polars-ols", fit_polars, "polars_ols", read=read_polars),
]
