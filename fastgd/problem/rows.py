"""Sources of rows that are in memory, or were summed up before; weights, the ridge and coordinates of their problems.

J is 1/(2m) times a sum of squares over the m rows of a problem. For data whose weights s have the sum W, J is 1/(2W)
times the weighted sum of squares. So each row is multiplied by √s·√(m/W).
"""

from dataclasses import dataclass
from functools import partial
from math import sqrt
from typing import Any

import numpy as np

from fastgd.forks import halt_for_forks
from fastgd.inputs.arrays import EPSILON, Array, norm, sum_squares
from fastgd.inputs.options import check_count
from fastgd.inputs.values import check_mean_square, check_mean_squares
from fastgd.problem.coordinates import (
    Problem,
    scale_penalty,
    standardize_rows,
    standardize_summary,
)
from fastgd.problem.dense import summarize_dense
from fastgd.problem.moments import (
    Summary,
    check_small_columns,
    make_small_problem,
    summarize_few_rows,
    summarize_rows,
)
from fastgd.problem.prepared import Prepared, PrepareOptions
from fastgd.problem.whitening import whiten_summary

# Up to as many columns or rows, a run that has settled is compared with the least cost. That takes the time of some
# hundred epochs; above, only an estimate of the least eigenvalue is at hand, which may be far too large.
MOST_SUMMARIZED = 4096
FIRST_ROWS, LEAST_ORDINARY = 64, 1e-30
CHEAP_QR = 1 << 22  # rows times columns² up to which the QR of a whitening takes a few milliseconds: it loses no digit


@dataclass(frozen=True, slots=True, eq=False)
class DenseSource:
    """Rows in memory.

    Attributes
    ----------
    X : ndarray of shape (n_samples, n_features)
        The features, in a form that the kernels accept.
    y : ndarray of shape (n_samples, n_targets), float64 or float32
        The targets.
    sample_weight : ndarray of shape (n_samples,) or None
        The weights of the rows.
    features : list of str or None
        The names of the columns of X.
    target : str, list of str, or None
        The name of y, or of its columns.
    """

    X: Array
    y: Array
    sample_weight: Array | None
    features: list[str] | None = None
    target: Any = None

    @property
    def n_features(self) -> int:
        """Return the number of columns of X."""
        return int(self.X.shape[1])

    @property
    def n_targets(self) -> int:
        """Return the number of columns of y."""
        return int(self.y.shape[1])

    def summarize(self, precondition: str, threads: int | None = None, backend: str = "auto") -> Summary:
        """Return the summary of the rows, by the method that suits the shape and the coordinates."""
        whitened = precondition == "whiten"
        if whitened and len(self.y) <= self.n_features:
            return summarize_few_rows(self.X, self.y, self.sample_weight)
        method = choose_method(self.X.shape, self.n_targets, exact=whitened)
        return summarize_rows(self.X, self.y, self.sample_weight, method, threads=threads, backend=backend)

    def summarize_for(self, options: PrepareOptions) -> Summary:
        """Return the summary of the rows for these options; it is corrected where only the minimum of J matters."""
        whitened, shape = options.precondition == "whiten", self.X.shape
        corrected = whitened and options.fit_intercept and options.alpha == 0
        if corrected and choose_method(shape, self.n_targets, exact=True) == "auto":
            rows = self.X, self.y, self.sample_weight
            return summarize_dense(*rows, threads=options.threads, backend=options.backend)
        return self.summarize(options.precondition, options.threads, options.backend)

    def prepare(self, options: PrepareOptions) -> Prepared:
        """Return the prepared problem of all targets."""
        if options.batch_size is not None:
            check_count("batch_size", options.batch_size, most=len(self.y))
        options = options.resolved(self.X.shape)
        compressed, message = options.choose_compression(self.X.shape, self.n_targets)
        if compressed:
            return prepare_summary(self.summarize_for(options), options, message)
        return prepare_rows(self.X, as_kernel_targets(self.y), self.sample_weight, options, message)


@dataclass(frozen=True, slots=True, eq=False)
class CompressedSource:
    """Rows that were summed up before, by a compressor or from a stream.

    Attributes
    ----------
    summary : Summary
        The summary of all rows and targets.
    message : str
        The reason why only the summary is at hand.
    features : list of str or None
        The names of the columns of X.
    target : str, list of str, or None
        The name of y, or of its columns.
    """

    summary: Summary
    message: str
    features: list[str] | None = None
    target: Any = None

    @property
    def n_features(self) -> int:
        """Return the number of columns of X."""
        return self.summary.n_features

    @property
    def n_targets(self) -> int:
        """Return the number of columns of y."""
        return self.summary.n_targets

    def prepare(self, options: PrepareOptions) -> Prepared:
        """Return the compressed problem of all targets."""
        check_needs_no_rows(options, "data that were summed up")
        options = options.resolved(self.summary.shape)
        return prepare_summary(self.summary, options, self.message)


def choose_method(shape: tuple[int, ...], n_targets: int, *, exact: bool) -> str:
    """Return "qr" for few rows, whose Gram matrix is singular, and, for exact sums, where it takes little time."""
    n, p = shape
    return "qr" if n <= p or (exact and n * (p + n_targets) ** 2 <= CHEAP_QR) else "auto"


def choose_method_for(options: PrepareOptions, shape: tuple[int, ...], n_targets: int) -> str:
    """Return the method for rows of this shape in the coordinates that the options stand for."""
    return choose_method(shape, n_targets, exact=options.resolved(shape).precondition == "whiten")


def check_needs_no_rows(options: PrepareOptions, data: str) -> None:
    """Refuse options that need the rows of the data: only the compressed problem is at hand."""
    if options.compress is False:
        raise ValueError(f"compress must not be False for {data}: only their compressed problem is at hand")
    if options.batch_size is not None:
        raise ValueError(
            f"batch_size must be None for {data}; got {options.batch_size!r}: only their compressed problem is at "
            "hand, and batches need the rows of the data"
        )


def as_kernel_targets(y: Array) -> Array:
    """Return y (n_samples, n_targets) as the kernels take it: one target has one dimension."""
    return np.ascontiguousarray(y[:, 0] if y.shape[1] == 1 else y, dtype=np.float64)


@halt_for_forks
def prepare_summary(summary: Summary, options: PrepareOptions, message: str) -> Prepared:
    """Return the compressed problem of all targets of a summary."""
    known, n = (options.fit_intercept, True, find_variance(summary), message), summary.n_samples
    if options.precondition == "whiten":
        problem, doubtful, whitened = whiten_summary(summary, options.fit_intercept, options.alpha)
        penalty = np.zeros(summary.n_features)  # the problem has the rows of the ridge
        part = doubtful if problem.y.ndim == 2 else doubtful.item()
        return Prepared(problem, problem, options.alpha, penalty, whitened, *known, doubtful=part, n_samples=n)
    fit_intercept, alpha, rows, coordinates = options.fit_intercept, options.alpha, summary, None
    if options.precondition == "standardize":
        rows, coordinates = standardize_summary(summary, fit_intercept, alpha)
    penalty = scale_penalty(alpha, summary.n_features, coordinates)
    problem = Problem(*make_small_problem(rows, fit_intercept, penalty), False)
    return Prepared(problem, problem, alpha, penalty, coordinates, *known, lambda: summary, n_samples=n)


def find_variance(summary: Summary) -> Any:
    """Return the weighted variance of each target; 0 if it is constant up to rounding."""
    p = summary.n_features
    if summary.n_targets == 1:
        return variance_from_norm(norm(summary.rows[:, p]), summary.total, summary.means[p])
    targets = summary.rows[:, p:]
    size = np.sqrt(np.einsum("ij,ij->j", targets, targets))
    return variance_from_norm(size, summary.total, summary.means[p:])


@halt_for_forks
def prepare_rows(X: Array, y: Array, sample_weight: Array | None, options: PrepareOptions, message: str) -> Prepared:
    """Return the problem of the rows themselves; only coordinates, weights or a ridge copy X."""
    # A single value of ordinary size clears a column; most columns have one in their first rows.
    check_small_columns(X, sample_weight, np.flatnonzero(np.abs(X[:FIRST_ROWS]).max(axis=0) < LEAST_ORDINARY))
    standardized = options.precondition == "standardize"
    if standardized or sample_weight is not None or options.alpha > 0:  # else the stopping rules do it
        check_mean_square("X", X)
        check_mean_squares("y", y)
    rows, coordinates = Problem(X, y, options.fit_intercept), None
    if standardized:
        rows, coordinates = standardize_rows(rows, sample_weight, options.alpha)
    penalty = scale_penalty(options.alpha, X.shape[1], coordinates)
    rows, variance = weight_rows(rows, sample_weight), weighted_variance(y, sample_weight)
    problem = add_ridge(rows, penalty)
    summarize = None
    if min(X.shape) <= MOST_SUMMARIZED:
        source, settings = DenseSource(X, y.reshape(len(y), -1), sample_weight), (options.threads, options.backend)
        summarize = partial(source.summarize, "whiten", *settings)
    known = options.fit_intercept, False, variance, message, summarize
    return Prepared(problem, rows, options.alpha, penalty, coordinates, *known, n_samples=len(y))


def weighted_variance(y: Array, sample_weight: Array | None) -> Any:
    """Return the weighted variance of y, or of each of its columns; 0 where y is constant up to rounding."""
    with np.errstate(over="ignore", invalid="ignore"):  # the stopping rules check the values
        if y.ndim == 2:
            counts = np.ones(len(y)) if sample_weight is None else sample_weight
            means = counts @ y / counts.sum()
            size = np.sqrt(np.einsum("i,ij->j", counts, np.square(y - means)))
            return variance_from_norm(size, float(counts.sum()), means)
        if sample_weight is None:
            mean = float(y.mean())
            rest = y - mean
            return variance_from_norm(sqrt(sum_squares(rest)), len(y), mean)  # `norm` takes several times as long
        total = float(sample_weight.sum())
        mean = float(sample_weight @ y) / total
        rest = y - mean
        return variance_from_norm(sqrt(sample_weight @ (rest * rest)), total, mean)


def variance_from_norm(size: Any, total: float, mean: Any) -> Any:
    """Return size²/total, where size is the norm of y − mean; 0 if the deviation is within the rounding of the mean."""
    deviation = size / sqrt(total)
    if isinstance(deviation, np.ndarray):
        return np.where(deviation <= 4 * EPSILON * np.abs(mean), 0.0, deviation * deviation)
    return 0.0 if deviation <= 4 * EPSILON * abs(mean) else float(deviation * deviation)


def weight_rows(problem: Problem, sample_weight: Array | None) -> Problem:
    """Return each row times √(s·n/W), and store the column of ones: a float64 copy of X."""
    if sample_weight is None:
        return problem
    factors = np.sqrt(sample_weight * (len(sample_weight) / sample_weight.sum()))
    rows = store_ones(problem)
    return Problem(rows.X * factors[:, np.newaxis], multiply_rows(rows.y, factors), False)


def multiply_rows(y: Array, factors: Array) -> Array:
    """Return y, of one or two dimensions, with each row times its factor."""
    return np.ascontiguousarray((y.T * factors).T)


def add_ridge(problem: Problem, penalty: Array) -> Problem:
    """Add ½·Σ penaltyⱼ·coefⱼ² to J by n_features more rows, in a float64 copy of X.

    If X has one column more than there are penalties, its first column belongs to the intercept.
    """
    if not penalty.any():
        return problem
    rows = store_ones(problem)
    n, columns = rows.X.shape
    m = n + len(penalty)
    X = np.empty((m, columns), order="F" if rows.X.flags.f_contiguous else "C")
    np.multiply(rows.X, np.sqrt(m / n), out=X[:n])
    X[n:] = np.eye(len(penalty), columns, columns - len(penalty)) * np.sqrt(m * penalty)[:, np.newaxis]
    zeros = np.zeros((len(penalty), *rows.y.shape[1:]))
    return Problem(X, np.concatenate([rows.y * np.sqrt(m / n), zeros]), False)


def store_ones(problem: Problem) -> Problem:
    """Return the problem with a stored column of ones, if that column is implied."""
    if not problem.intercept:
        return problem
    X = problem.X
    rows = np.empty((len(X), X.shape[1] + 1), order="F" if X.flags.f_contiguous else "C")
    rows[:, 0] = 1.0
    rows[:, 1:] = X
    return Problem(rows, problem.y, False)
