"""The one fit of all adapters: GradientDescentRegressor with its default options."""

import warnings

from fastgd import GradientDescentRegressor


class Counter:
    """The number of fits so far, by which the plugin tells the tests that fastgd takes part in."""

    fits = 0


def fit(X, y, sample_weight=None, **problem):
    """Return a fit of the problem, which is what `fit_intercept` and `alpha` say; a warning is an error."""
    Counter.fits += 1
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)  # fastgd's own, and NumPy's
        warnings.simplefilter("error", UserWarning)  # scikit-learn's ConvergenceWarning
        return GradientDescentRegressor(**problem).fit(X, y, sample_weight)
