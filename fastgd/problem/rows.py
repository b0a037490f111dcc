"""Transforms of (X, y) that leave J alone, or add a ridge to it: other rows, or other coordinates of the weights.

J is 1/(2m) times a sum of squares over the m rows of a problem, so rows of another number come with a factor: √s·√(m/W)
for a row of weight s where the weights' sum is W.
"""

from dataclasses import dataclass

import numpy as np

from fastgd.inputs.arrays import EPSILON, Array
from fastgd.inputs.data import check_mean_square
from fastgd.inputs.options import LARGEST_ALPHA
from fastgd.problem.compressor import make_problem, summarize
from fastgd.problem.moments import Summary

# A column whose mean square is no more than its square counts as constant.
SMALLEST_SCALE = float(np.sqrt(np.finfo(np.float64).tiny))


@dataclass(frozen=True, slots=True)
class Problem:
    """What the kernels descend on.

    Attributes
    ----------
    X, y : ndarray of shape (m, columns), (m,)
        As the kernels take them.
    intercept : bool
        Whether a column of ones in front of X is implied.
    """

    X: Array
    y: Array
    intercept: bool


@dataclass(frozen=True, slots=True)
class Coordinates:
    """Centred, scaled coordinates of the weights: x·coef = (x − means)/scales·coef′ + means·coef.

    Attributes
    ----------
    means : ndarray of shape (n_features,)
        What is taken off each column; zeros without an intercept, which alone can make up for it.
    scales : ndarray of shape (n_features,)
        What each column is divided by.
    intercept : bool
        Whether weights begin with an intercept.
    """

    means: Array
    scales: Array
    intercept: bool

    def to_data(self, weights: Array) -> Array:
        """Return weights in the units of the data."""
        coef = weights[self.intercept :] / self.scales
        return np.concatenate([[weights[0] - self.means @ coef], coef]) if self.intercept else coef

    def from_data(self, weights: Array) -> Array:
        """Return weights in these coordinates."""
        coef = weights[self.intercept :]
        with np.errstate(over="ignore", invalid="ignore"):  # the first cost tells
            scaled = coef * self.scales
            return np.concatenate([[weights[0] + self.means @ coef], scaled]) if self.intercept else scaled


@dataclass(frozen=True, slots=True)
class Prepared:
    """The data of a call, made ready for the kernels.

    Attributes
    ----------
    problem : Problem
        What the kernels descend on.
    rows : Problem
        The same without the rows of a ridge, for mini-batches.
    penalty : ndarray of shape (n_features,)
        The ridge's, for each coefficient in the coordinates of the descent.
    coordinates : Coordinates or None
        Those of the descent, if they are not the data's.
    fit_intercept : bool
        Whether weights begin with an intercept.
    small : bool
        Whether the problem is compressed.
    """

    problem: Problem
    rows: Problem
    penalty: Array
    coordinates: Coordinates | None
    fit_intercept: bool
    small: bool

    @property
    def noise(self) -> float:
        """How many times its own rounding error a column carries, since it was far from zero before."""
        if self.coordinates is None:
            return 0.0
        return float(np.max(np.abs(self.coordinates.means) / self.coordinates.scales))

    def to_data(self, weights: Array) -> Array:
        """Return weights in the units of the data."""
        return self.coordinates.to_data(weights) if self.coordinates else weights

    def from_data(self, weights: Array) -> Array:
        """Return weights in the coordinates of the descent."""
        return self.coordinates.from_data(weights) if self.coordinates else weights


def prepare_compressed(
    X: Array, y: Array, fit_intercept: bool, sample_weight: Array | None, alpha: float, standardized: bool
) -> Prepared:
    """Return the data compressed, in one or two passes over them."""
    summary = summarize(X, y[:, np.newaxis], sample_weight, "auto")
    return prepare_summary(summary, fit_intercept, alpha, standardized)


def prepare_summary(summary: Summary, fit_intercept: bool, alpha: float, standardized: bool) -> Prepared:
    """Return the compressed problem of rows that were summed up."""
    coordinates = None
    if standardized:
        summary, coordinates = standardize_summary(summary, fit_intercept)
    penalty = scale_penalty(alpha, len(summary.means) - 1, coordinates)
    problem = Problem(*make_problem(summary, fit_intercept, penalty), False)
    return Prepared(problem, problem, penalty, coordinates, fit_intercept, True)


def prepare_rows(
    X: Array, y: Array, fit_intercept: bool, sample_weight: Array | None, alpha: float, standardized: bool
) -> Prepared:
    """Return the data as they are, without a copy unless other coordinates, weights or a ridge make one necessary."""
    if standardized or sample_weight is not None or alpha > 0:  # else the scales of the stopping rules tell
        check_mean_square("X", X)
        check_mean_square("y", y)
    rows, coordinates = Problem(X, y, fit_intercept), None
    if standardized:
        rows, coordinates = standardize(rows, sample_weight)
    penalty = scale_penalty(alpha, X.shape[1], coordinates)
    rows = weight_rows(rows, sample_weight)
    return Prepared(add_ridge(rows, penalty), rows, penalty, coordinates, fit_intercept, False)


def scale_penalty(alpha: float, n_features: int, coordinates: Coordinates | None) -> Array:
    """Return the ridge's penalty of each coefficient of the descent, for an alpha in the units of the data."""
    if coordinates is None or alpha == 0:
        return np.full(n_features, alpha)
    with np.errstate(over="ignore", divide="ignore"):
        penalty = alpha / coordinates.scales / coordinates.scales
    if penalty.max() > LARGEST_ALPHA:
        raise ValueError(f"alpha must be small enough for columns of such small scale as X has; got {alpha}: rescale X")
    return penalty


def standardize(problem: Problem, sample_weight: Array | None) -> tuple[Problem, Coordinates]:
    """Return the problem in coordinates where columns have mean 0 and mean square 1, in a float64 copy of X.

    Without an intercept, columns are only scaled. A constant column, or one of zeros, is not scaled. It does not matter
    what rows of weight zero hold.
    """
    X = problem.X
    counts = np.ones(len(X)) if sample_weight is None else sample_weight / sample_weight.sum()
    total = counts.sum()
    means = np.zeros(X.shape[1])
    moved = X.astype(np.float64)
    if sample_weight is not None:
        moved[counts == 0] = 0.0
    if problem.intercept:
        for _ in range(2):  # the rounding of a mean far from zero would be a large part of what is left
            rest = counts @ moved / total
            means += rest
            moved -= rest
    magnitudes = np.maximum(np.abs(means), SMALLEST_SCALE)
    weighted = ("ij,ij->j", moved) if sample_weight is None else ("i,ij,ij->j", counts, moved)
    scales = choose_scales(np.einsum(*weighted, moved) / total, magnitudes)
    moved /= scales
    return Problem(moved, problem.y, problem.intercept), Coordinates(means, scales, problem.intercept)


def standardize_summary(summary: Summary, fit_intercept: bool) -> tuple[Summary, Coordinates]:
    """Return the summary of rows in such coordinates."""
    means, rows = summary.means.copy(), summary.rows.copy()
    taken = means[:-1].copy() if fit_intercept else np.zeros(len(means) - 1)
    means[:-1] -= taken
    squares = np.square(rows[:, :-1]).sum(axis=0) / summary.total + means[:-1] ** 2
    scales = choose_scales(squares, np.abs(summary.means[:-1]))
    means[:-1] /= scales
    rows[:, :-1] /= scales
    return Summary(summary.total, means, rows, summary.n_targets), Coordinates(taken, scales, fit_intercept)


def choose_scales(mean_squares: Array, magnitudes: Array) -> Array:
    """Return the root of each mean square, and 1 where it is no more than the rounding of numbers so large."""
    scales = np.sqrt(mean_squares)
    return np.where(scales <= 4 * EPSILON * magnitudes, 1.0, scales)


def weight_rows(problem: Problem, sample_weight: Array | None) -> Problem:
    """Return rows times √(s·n/W), with the column of ones made explicit: a float64 copy of X."""
    if sample_weight is None:
        return problem
    factors = np.sqrt(sample_weight * (len(sample_weight) / sample_weight.sum()))
    rows = explicit(problem)
    return Problem(rows.X * factors[:, np.newaxis], rows.y * factors, False)


def add_ridge(problem: Problem, penalty: Array) -> Problem:
    """Return the problem with ½·Σ penaltyⱼ·coefⱼ² added to J: n_features more rows, in a float64 copy of X.

    X has a column in front for the intercept if it has one column more than there are penalties.
    """
    if not penalty.any():
        return problem
    rows = explicit(problem)
    n, columns = rows.X.shape
    m = n + len(penalty)
    X = np.empty((m, columns), order="F" if rows.X.flags.f_contiguous else "C")
    np.multiply(rows.X, np.sqrt(m / n), out=X[:n])
    X[n:] = np.eye(len(penalty), columns, columns - len(penalty)) * np.sqrt(m * penalty)[:, np.newaxis]
    return Problem(X, np.concatenate([rows.y * np.sqrt(m / n), np.zeros(len(penalty))]), False)


def explicit(problem: Problem) -> Problem:
    """Return the problem with its column of ones stored, if it has one."""
    if not problem.intercept:
        return problem
    X = problem.X
    rows = np.empty((len(X), X.shape[1] + 1), order="F" if X.flags.f_contiguous else "C")
    rows[:, 0] = 1.0
    rows[:, 1:] = X
    return Problem(rows, problem.y, False)
