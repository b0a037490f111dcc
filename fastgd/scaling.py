"""Descending in centred, scaled coordinates, and coming back."""

import numpy as np

from fastgd.arrays import Array


def standardize(X: Array) -> tuple[Array, Array, Array]:
    """Return X with every column at mean 0 and standard deviation 1, and the means and deviations.

    A constant column keeps the deviation 1.
    """
    means, deviations = X.mean(axis=0), X.std(axis=0)
    deviations[np.ptp(X, axis=0) == 0] = 1.0
    return (X - means) / deviations, means, deviations


def unscale(weights: Array, means: Array, deviations: Array) -> Array:
    """Return weights fitted on standardized columns, with an intercept, in the units of the data."""
    coef = weights[1:] / deviations
    return np.concatenate([[weights[0] - means @ coef], coef])
