"""The contestants for dense rows and for many targets: functions of data and a setting, which return the weights."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from versus.data import Data

import fastgd

ITERATIONS = tuple(2**k for k in range(2, 19))
OURS = ("gradient_descent", "fit_groups", "GradientDescentRegressor")  # the first that a cell has is "fastgd" there
WIDE = ", X as float64"  # for X in float32: the copy is timed


class Contestant(NamedTuple):
    """A name, a function, the module that it needs, and its settings, tried until one reaches the accuracy.

    A bare solver knows no intercept and checks less than the others do: it is timed and shown, but is no peer. `read`
    turns an answer into weights when no clock runs.
    """

    name: str
    fit: Callable[[Data, Any], Any]
    needs: str | None = None
    settings: tuple[Any, ...] = (None,)
    bare: bool = False
    read: Callable[[Any], Any] = lambda answer: answer


def fit_function(data: Data, _: None) -> Any:
    return fastgd.gradient_descent(data.X, data.y).weights


def join(intercept: Any, coef: Any) -> Any:
    """Return the weights of a model whose coef is (n_features,) or (n_targets, n_features)."""
    if np.ndim(coef) == 1 or np.ndim(intercept) == 0:
        return np.append(intercept, coef)
    return np.concatenate([np.asarray(intercept)[None], coef.T])


def read_model(model: Any) -> Any:
    return join(model.intercept_, model.coef_)


def fit_estimator(data: Data, _: None) -> Any:
    return fastgd.GradientDescentRegressor().fit(data.X, data.y)


def add_ones(X: Any) -> Any:
    return np.column_stack([np.ones(len(X), X.dtype), X])


def fit_numpy(data: Data, _: None) -> Any:
    return np.linalg.lstsq(add_ones(data.X), data.y, rcond=None)[0]


def fit_scipy(data: Data, _: None, driver: str) -> Any:
    from scipy.linalg import lstsq

    return lstsq(add_ones(data.X), data.y, lapack_driver=driver)[0]


def fit_lsmr(data: Data, iterations: int) -> Any:
    from scipy.sparse.linalg import lsmr

    means, mean = data.X.mean(axis=0), data.y.mean()
    coef = lsmr(data.X - means, data.y - mean, atol=0, btol=0, conlim=0, maxiter=iterations)[0]
    return np.append(mean - means @ coef, coef)


def fit_sklearn(data: Data, iterations: int | None, name: str, widen: bool = False, **options: Any) -> Any:
    from sklearn import linear_model

    options |= {} if iterations is None else {"max_iter": iterations}
    X = data.X.astype(np.float64) if widen else data.X
    return getattr(linear_model, name)(**options).fit(X, data.y)


def fit_onedal(data: Data, _: None, name: str, widen: bool = False, **options: Any) -> Any:
    from sklearnex import linear_model

    X = data.X.astype(np.float64) if widen else data.X
    return getattr(linear_model, name)(**options).fit(X, data.y)


def fit_statsmodels(data: Data, _: None) -> Any:
    from statsmodels.api import OLS, add_constant

    return OLS(data.y, add_constant(data.X)).fit().params


def fit_himalaya(data: Data, _: None) -> Any:
    from himalaya.ridge import Ridge

    return Ridge(alpha=0.0, fit_intercept=True).fit(data.X, data.y)


def read_himalaya(model: Any) -> Any:
    return np.concatenate([np.asarray(model.intercept_)[None], model.coef_])


def make_model(name: str, fit: Callable[..., Any], needs: str, settings: tuple[Any, ...] = (None,)) -> Contestant:
    """Return a contestant that answers with a fitted model of scikit-learn's kind."""
    return Contestant(name, fit, needs, settings, read=read_model)


OLS, RIDGE = partial(fit_sklearn, name="LinearRegression"), partial(fit_sklearn, name="Ridge", alpha=0.0)
CHOLESKY = partial(RIDGE, solver="cholesky")
ONEDAL, ONEDAL_RIDGE = partial(fit_onedal, name="LinearRegression"), partial(fit_onedal, name="Ridge", alpha=0.0)
FASTGD = [
    Contestant("gradient_descent", fit_function),
    make_model("GradientDescentRegressor", fit_estimator, "sklearn"),
]
DIRECT = [
    Contestant("NumPy lstsq", fit_numpy, bare=True),
    Contestant("SciPy lstsq gelsy", partial(fit_scipy, driver="gelsy"), "scipy", bare=True),
    make_model("LinearRegression", OLS, "sklearn"),
    make_model(f"LinearRegression{WIDE}", partial(OLS, widen=True), "sklearn"),
    make_model("oneDAL LinearRegression", ONEDAL, "sklearnex"),
    make_model(f"oneDAL LinearRegression{WIDE}", partial(ONEDAL, widen=True), "sklearnex"),
    make_model("oneDAL Ridge", ONEDAL_RIDGE, "sklearnex"),
    make_model("Ridge cholesky", CHOLESKY, "sklearn"),
    make_model(f"Ridge cholesky{WIDE}", partial(CHOLESKY, widen=True), "sklearn"),
]
DENSE = [
    *FASTGD,
    *DIRECT,
    make_model("Ridge lsqr", partial(RIDGE, solver="lsqr", tol=0.0), "sklearn", ITERATIONS),
    make_model("Ridge sparse_cg", partial(RIDGE, solver="sparse_cg", tol=0.0), "sklearn", ITERATIONS),
    make_model("Ridge sag", partial(RIDGE, solver="sag", tol=0.0, random_state=0), "sklearn", ITERATIONS),
    Contestant("SciPy lsmr", fit_lsmr, "scipy", ITERATIONS, bare=True),
    Contestant("statsmodels OLS", fit_statsmodels, "statsmodels"),
]
TARGETS = [
    *FASTGD,
    *DIRECT,
    make_model("Ridge svd", partial(RIDGE, solver="svd"), "sklearn"),
    Contestant("himalaya Ridge", fit_himalaya, "himalaya", read=read_himalaya),
]
