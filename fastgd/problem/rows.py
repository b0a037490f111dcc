"""Sources of rows in memory, or summed up: weights, a ridge, other coordinates, compression.

J is 1/(2m) times a sum of squares over the m rows of a problem. A problem with another number of rows needs a factor: a
row of weight s becomes √s·√(m/W) times the row, where W is the sum of the weights.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt

import numpy as np

from fastgd.inputs.arrays import EPSILON, Array, norm
from fastgd.inputs.data import check_mean_square
from fastgd.inputs.options import LARGEST_ALPHA, check_count
from fastgd.problem.moments import Summary, make_problem, pick_target, summarize
from fastgd.problem.prepared import Coordinates, Prepared, PrepareOptions, Problem

# A column whose mean square is no more than its square counts as constant.
SMALLEST_SCALE = float(np.sqrt(np.finfo(np.float64).tiny))


@dataclass(frozen=True, slots=True)
class ArraySource:
    """Rows in memory.

    Attributes
    ----------
    X : ndarray of shape (n_samples, n_features)
        As the kernels take it.
    y : ndarray of shape (n_samples, n_targets), float64
        The targets.
    sample_weight : ndarray of shape (n_samples,) or None
        The weights of the rows.
    features, target : list of str, str, or None
        The names of the columns of X, and of y.
    """

    X: Array
    y: Array
    sample_weight: Array | None
    features: list[str] | None = None
    target: str | None = None

    @property
    def n_features(self) -> int:
        """Return the number of columns of X."""
        return int(self.X.shape[1])

    @property
    def n_targets(self) -> int:
        """Return the number of columns of y."""
        return int(self.y.shape[1])

    def prepare(self, options: PrepareOptions) -> Iterator[Prepared]:
        """Yield one prepared problem for each target."""
        if options.batch_size is not None:
            check_count("batch_size", options.batch_size, most=len(self.y))
        compressed, message = options.choose_compression(self.X.shape)
        if compressed:
            yield from prepare_targets(summarize(self.X, self.y, self.sample_weight, "auto"), options, message)
            return
        for target in self.y.T:
            yield prepare_rows(self.X, np.ascontiguousarray(target), self.sample_weight, options, message)


@dataclass(frozen=True, slots=True)
class CompressedSource:
    """Rows that were summed up: by a compressor, or in batches.

    Attributes
    ----------
    summary : Summary
        The summary of all rows and targets.
    message : str
        Who summed the rows up.
    features, target : list of str, str, or None
        The names of the columns of X, and of y.
    """

    summary: Summary
    message: str
    features: list[str] | None = None
    target: str | None = None

    @property
    def n_features(self) -> int:
        """Return the number of columns of X."""
        return len(self.summary.means) - self.n_targets

    @property
    def n_targets(self) -> int:
        """Return the number of columns of y."""
        return self.summary.n_targets

    def prepare(self, options: PrepareOptions) -> Iterator[Prepared]:
        """Yield the compressed problem of each target."""
        check_compressible(options, "data that were summed up")
        return prepare_targets(self.summary, options, self.message)


def check_compressible(options: PrepareOptions, data: str) -> None:
    """Refuse options that need the rows themselves, where only their compressed problem is at hand."""
    if options.compress is False:
        raise ValueError(f"compress must not be False for {data}: only their compressed problem comes here")
    if options.batch_size is not None:
        raise ValueError(
            f"batch_size must be None for {data}; got {options.batch_size!r}: only their compressed problem comes "
            "here, which has no rows of the data to take batches from"
        )


def prepare_targets(summary: Summary, options: PrepareOptions, message: str) -> Iterator[Prepared]:
    """Yield the compressed problem of each target of a summary."""
    for target in range(summary.n_targets):
        yield prepare_summary(pick_target(summary, target), options, message)


def prepare_summary(summary: Summary, options: PrepareOptions, message: str) -> Prepared:
    """Return the compressed problem of the summary of one target."""
    coordinates = None
    variance = find_variance(norm(summary.rows[:, -1]), summary.total, summary.means[-1])
    if options.standardize:
        summary, coordinates = standardize_summary(summary, options.fit_intercept)
    penalty = scale_penalty(options.alpha, len(summary.means) - 1, coordinates)
    problem = Problem(*make_problem(summary, options.fit_intercept, penalty), False)
    return Prepared(problem, problem, penalty, coordinates, options.fit_intercept, True, variance, message)


def prepare_rows(X: Array, y: Array, sample_weight: Array | None, options: PrepareOptions, message: str) -> Prepared:
    """Return the rows as they are; only other coordinates, weights or a ridge make a copy of X."""
    if options.standardize or sample_weight is not None or options.alpha > 0:  # else the stopping rules check them
        check_mean_square("X", X)
        check_mean_square("y", y)
    rows, coordinates = Problem(X, y, options.fit_intercept), None
    if options.standardize:
        rows, coordinates = standardize(rows, sample_weight)
    penalty = scale_penalty(options.alpha, X.shape[1], coordinates)
    rows, variance = weight_rows(rows, sample_weight), weighted_variance(y, sample_weight)
    problem = add_ridge(rows, penalty)
    return Prepared(problem, rows, penalty, coordinates, options.fit_intercept, False, variance, message)


def weighted_variance(y: Array, sample_weight: Array | None) -> float:
    """Return the weighted variance of y; 0 where y is constant up to its rounding."""
    counts = np.ones(len(y)) if sample_weight is None else sample_weight
    with np.errstate(over="ignore", invalid="ignore"):  # the stopping rules check the values
        total = counts.sum()
        mean = counts @ y / total
        return find_variance(norm(np.sqrt(counts) * (y - mean)), float(total), float(mean))


def find_variance(length: float, total: float, mean: float) -> float:
    """Return length²/total; 0 where its root is no more than the rounding of the mean."""
    deviation = length / sqrt(total)
    return 0.0 if deviation <= 4 * EPSILON * abs(mean) else deviation * deviation


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
