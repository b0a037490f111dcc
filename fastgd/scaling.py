"""Descending in centred, scaled coordinates, and coming back."""

from collections.abc import Iterable

import numpy as np

from fastgd.arrays import Array
from fastgd.validation import check_mean_square


def check_columns(names: Iterable[str], X: Array) -> None:
    """Refuse columns whose squares leave the range of float64, by name."""
    for name, column in zip(names, X.T, strict=True):
        check_mean_square(f"column {name!r}", column)


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
