"""R² of the predictions for Dask collections: each block is summed up where it is, and a few numbers of it are sent.

The sums of squares of two blocks are added about their common mean, so that a y far from zero keeps its digits: T. F.
Chan, G. H. Golub and R. J. LeVeque, Algorithms for computing the sample variance, Am. Stat. 37 (1983) 242-247.
"""

from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import numpy as np

from fastgd.inputs.arrays import Array
from fastgd.inputs.data import check_problem, check_sample_weight, predict_rows
from fastgd.problem.dask import DaskSource
from fastgd.problem.dask_blocks import Layout, naming_block, take_rows
from fastgd.problem.dask_compute import compute


@dataclass(frozen=True, slots=True, eq=False)
class Squares:
    """Sums over rows; the arrays have one entry for each target.

    Attributes
    ----------
    n_samples : int
        The number of rows, with those of weight zero.
    total : float
        The sum of the weights.
    means : ndarray
        The weighted means of y.
    spread, residual : ndarray
        The weighted sums of the squares of y − mean, and of y − prediction.
    """

    n_samples: int
    total: float
    means: Array
    spread: Array
    residual: Array

    def __add__(self, other: "Squares") -> "Squares":
        """Return the sums over the rows of both."""
        n_samples = self.n_samples + other.n_samples
        if not self.total or not other.total:
            return replace(self if self.total else other, n_samples=n_samples)
        total, step = self.total + other.total, other.means - self.means
        means = self.means + step * (other.total / total)
        spread = self.spread + other.spread + step**2 * (self.total * (other.total / total))
        return Squares(n_samples, total, means, spread, self.residual + other.residual)

    @property
    def r_squared(self) -> float:
        """The mean R² of the targets; that of a constant target is 1 if all predictions are right, else 0."""
        constant = self.spread == 0
        r_squared = 1.0 - self.residual / np.where(constant, 1.0, self.spread)
        return float(np.where(constant, self.residual == 0, r_squared).mean())


def sum_squares(source: DaskSource, coef: Array, intercept: Any) -> Squares:
    """Return the sums over all blocks for the model with these weights; Dask computes them.

    Parameters
    ----------
    source : DaskSource
        The blocks of X, y and the weights of the rows.
    coef : ndarray of shape (n_features,) or (n_features, n_targets)
        The coefficients.
    intercept : float or ndarray of shape (n_targets,)
        The intercept of each target.
    """
    import dask

    n_targets = 1 if coef.ndim == 1 else coef.shape[1]
    for name, expected, got in (("X", len(coef), source.n_features), ("y", n_targets, source.n_targets)):
        if got != expected:
            raise ValueError(f"{name} must have {expected} columns, as in the fit; got {got}")
    sum_lazily = dask.delayed(sum_block)
    blocks = [sum_lazily(source.layout, number, coef, intercept, *part) for number, part in enumerate(source.parts)]
    squares = reduce(Squares.__add__, compute(*blocks))
    if not squares.n_samples:
        raise ValueError("X must have at least one row; got none")
    if not squares.total:
        raise ValueError("sample_weight must be above 0 in at least one row; got only zeros")
    return squares


def sum_block(layout: Layout, number: int, coef: Array, intercept: Any, *part: Any) -> Squares:
    """Return the sums over one block: its X, its y and, if there are any, its weights."""
    nothing = np.zeros((3, layout.n_targets))
    with naming_block(number):
        rows = take_rows(layout, *part)
        if rows is None:
            return Squares(0, 0.0, *nothing)
        X, y = check_problem(*rows[:2], targets=True)
        weights = check_sample_weight(rows[2], len(y), zero_sum=True)
        predictions = predict_rows(X, coef, intercept)
    counts = np.ones(len(y)) if weights is None else weights
    total = float(counts.sum())
    if not total:
        return Squares(len(y), 0.0, *nothing)
    shift = y[np.argmax(counts > 0)]  # so that a constant y has the spread 0, without rounding
    deviations = y - shift
    step = counts @ deviations / total
    residuals = y - predictions.reshape(y.shape)
    return Squares(len(y), total, shift + step, counts @ (deviations - step) ** 2, counts @ residuals**2)
