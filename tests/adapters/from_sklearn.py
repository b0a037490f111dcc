"""scikit-learn's LinearRegression, Ridge, RidgeClassifier and ridge_regression, fitted by fastgd.

The adapter translates the form, and fastgd finds the numbers. The form: a penalty is divided by the sum of the sample
weights; an array of penalties makes one fit for each target; coefficients have the float type of X; for a y of shape
(n, 1), Ridge has one-dimensional coefficients. The solver, `tol` and `max_iter` are not passed on: fastgd runs with
its own defaults. What fastgd does not have stays scikit-learn's: `positive=True`.
"""

import numpy as np
from fits import fit
from sklearn import linear_model
from sklearn.linear_model import LinearRegression, Ridge, _ridge
from sklearn.utils.validation import _num_samples

# Tests that compare one solver with others: this one stays scikit-learn's, so that fastgd is compared with it.
REFERENCES = {"test_solver_consistency": "svd", "test_ridge_individual_penalties": "cholesky"}


class Running:
    """The solver that stays scikit-learn's in the test that runs, or None."""

    reference = None


def start(function):
    """Note the function whose test starts."""
    Running.reference = REFERENCES.get(function)


def install():
    """Let fastgd do the fits of scikit-learn's classes."""
    LinearRegression.fit = replace_linear_regression(LinearRegression.fit)
    for owner in (Ridge, _ridge._BaseRidge):
        owner.fit = replace_ridge(owner.fit)
    linear_model.ridge_regression = replace_function(_ridge.ridge_regression)


def replace_linear_regression(original):
    """Return a `LinearRegression.fit` by fastgd."""

    def linear_regression(self, X, y, sample_weight=None):
        if self.positive:
            return original(self, X, y, sample_weight)
        fitted = fit(X, y, sample_weight, fit_intercept=self.fit_intercept)
        return adopt(self, fitted, *as_type_of(X, fitted.coef_, fitted.intercept_))

    return linear_regression


def replace_ridge(original):
    """Return a `fit` by fastgd for Ridge and its base class, whose own one RidgeClassifier calls."""

    def ridge(self, X, y, sample_weight=None):
        if self.positive or self.solver == Running.reference:
            return original(self, X, y, sample_weight)
        fitted = fit_penalized(X, y, sample_weight, self.alpha, self.fit_intercept)
        coef = fitted.coef_[0] if np.shape(fitted.coef_)[:-1] == (1,) else fitted.coef_
        self.n_iter_, self.solver_ = None, self.solver
        return adopt(self, fitted, *as_type_of(X, coef, fitted.intercept_))

    return ridge


def replace_function(original):
    """Return a `ridge_regression` by fastgd."""

    def ridge_regression(X, y, alpha, *, return_intercept=False, sample_weight=None, positive=False, **others):
        if positive:
            given = {"return_intercept": return_intercept, "sample_weight": sample_weight, "positive": positive}
            return original(X, y, alpha, **given, **others)
        fitted = fit_penalized(X, y, sample_weight, alpha, return_intercept)
        coef, intercept = as_type_of(X, fitted.coef_, fitted.intercept_)
        return (coef, intercept) if return_intercept else coef

    return ridge_regression


def fit_penalized(X, y, sample_weight, alpha, fit_intercept):
    """Return a fit whose penalty is scikit-learn's: alpha·‖coef‖² beside the weighted sum of squares."""
    weight = 1.0 if sample_weight is None else np.mean(sample_weight)
    penalties = np.ravel(np.asarray(alpha, dtype=np.float64)) / (weight * _num_samples(X))
    if len(penalties) == 1:
        return fit(X, y, sample_weight, alpha=penalties[0], fit_intercept=fit_intercept)
    y = np.asarray(y)
    n_targets = 1 if y.ndim == 1 else y.shape[1]
    if len(penalties) != n_targets:
        raise ValueError(
            f"Number of targets and number of penalties do not correspond: {len(penalties)} != {n_targets}"
        )
    fits = [
        fit(X, target, sample_weight, alpha=penalty, fit_intercept=fit_intercept)
        for penalty, target in zip(penalties, y.T, strict=True)
    ]
    fits[0].coef_ = np.array([fitted.coef_ for fitted in fits])
    fits[0].intercept_ = np.array([fitted.intercept_ for fitted in fits])
    return fits[0]


def as_type_of(X, coef, intercept):
    """Return coefficients and intercept in float32 for an X of float32, as scikit-learn does."""
    if getattr(X, "dtype", None) == np.float32:
        return coef.astype(np.float32), intercept.astype(np.float32)
    return coef, intercept


def adopt(estimator, fitted, coef, intercept):
    """Set the fitted attributes of scikit-learn's estimator."""
    estimator.coef_, estimator.intercept_ = coef, intercept
    for name in ("n_features_in_", "feature_names_in_"):
        if hasattr(fitted, name):
            setattr(estimator, name, getattr(fitted, name))
    return estimator
