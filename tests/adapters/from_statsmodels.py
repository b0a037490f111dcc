"""statsmodels' OLS, WLS and GLS, with coefficients by fastgd in place of the pseudoinverse.

There are two ways to hand such a model to fastgd, and the tests run for both. With "intercept", a column of ones is
left out and fitted as the intercept, and weights are sample weights. With "column", the columns and the rows are
those that statsmodels decomposes: whitened, with the column of ones, and no intercept. Models without a column of
ones, or with covariances between rows, are fitted in the second way in any case.

What is not coefficients stays statsmodels': ranks, covariances, tests, and the fits of `method="qr"`, with which
fastgd's are compared.
"""

import warnings
from copy import copy

import numpy as np
from fits import fit
from statsmodels.regression.linear_model import GLS, OLS, WLS, RegressionModel, RegressionResultsWrapper


def install(constant):
    """Let fastgd find the coefficients of statsmodels' linear models; `constant` is "intercept" or "column"."""
    RegressionModel.fit = replace_fit(RegressionModel.fit, constant)
    OLS._fit_ridge = replace_ridge(OLS._fit_ridge)


def replace_fit(original, constant):
    """Return a `fit` that takes over all but the coefficients from the original."""

    def fit_model(self, method="pinv", cov_type="nonrobust", cov_kwds=None, use_t=None, **options):
        found = original(self, method, cov_type, copy(cov_kwds), use_t, **options)  # it removes keys
        if method != "pinv":
            return found
        covariance = {"cov_type": cov_type, "cov_kwds": cov_kwds, "use_t": use_t}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the original call has warned
            results = type(found._results)(
                self, find_coefficients(self, constant), self.normalized_cov_params, **covariance, **options
            )
        return RegressionResultsWrapper(results)

    return fit_model


def replace_ridge(original):
    """Return a ridge fit by fastgd for one penalty; for a penalty of each coefficient, it stays statsmodels'."""

    def fit_ridge(self, alpha):
        results = original(self, alpha)
        if np.ndim(alpha) == 0:
            results.params = fit(self.exog, self.endog, alpha=alpha, fit_intercept=False).coef_
        return results

    return fit_ridge


def find_coefficients(model, constant):
    """Return the coefficients of all columns, that of the column of ones included."""
    place = model.data.const_idx
    weights = find_weights(model)
    if constant == "column" or place is None or weights is None or model.exog.shape[1] == 1:
        return fit(model.wexog, model.wendog, fit_intercept=False).coef_.T
    fitted = fit(np.delete(model.exog, place, axis=1), model.endog, *weights)
    return np.insert(fitted.coef_.T, place, fitted.intercept_ / model.exog[0, place], axis=0)


def find_weights(model):
    """Return the arguments of a fit that weigh the rows: none, or one; None if weights cannot say what the model is."""
    if type(model) is WLS:
        return (model.weights,)
    if type(model) is OLS or (type(model) is GLS and model.sigma is None):
        return ()
    return (1 / model.sigma,) if type(model) is GLS and model.sigma.ndim < 2 else None
