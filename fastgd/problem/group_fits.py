"""The weights of least cost of many groups at once, each in whitened coordinates of its own.

Design:
(a) A Cholesky factor of each group's moments, on standardized columns, gives whitened coordinates, the minimum in them
    and the way back, as in `whitening`: the steps of the elimination are taken for all groups at once. A column that is
    constant in a group is left out there.
(b) Sums of squares have half the digits of the rows. So these fits count only where the factor is so well conditioned
    that all digits are left which the rows allow. Elsewhere the singular values of the rows decide, for all such groups
    at once.
(c) Whatever is doubtful there too (a direction that is nearly zero, columns far from zero, scales that differ a lot,
    squares near the ends of the range of float64) is not fitted here: `GroupFits.sure` is False.

References
----------
G. H. Golub and C. F. Van Loan, Matrix Computations, 4th ed., Johns Hopkins, 2013, sections 4.2 and 5.5.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np

from fastgd.forks import halt_for_forks, let_forks_pass
from fastgd.inputs.arrays import EPSILON, Array
from fastgd.inputs.values import SMALLEST_SQUARE
from fastgd.problem.group_rows import GroupMoments, GroupRows, gather, lose_squares, make_batches, sum_groups
from fastgd.problem.moments import are_zero

MOST_FEATURES = 64  # with more, the fit of a single group takes far longer than the calls around it
MOST_ROWS = 1 << 17  # the same; the moments of the pieces of larger groups would take memory
MOST_ELEMENTS = 1 << 13  # of the rows of a group whose singular values are wanted: of more, BLAS would start threads
FACTOR_ELEMENTS = 1 << 18  # of the matrices that are factorized at once
CALL_ELEMENTS = 1 << 24  # of rows that are summed up in one call: Python answers Ctrl-C in between
LARGEST_CONDITION = 500.0  # of a factor, in the Frobenius norm: its square costs the moments as many digits
LEAST_REST = 1e-6  # of the mean square of a target: what the features leave is the difference of two squares
CLEAR = 1e-4  # of the largest singular value: a smaller one that is not zero is doubtful
LARGEST_RATIO = 1e3  # of the scales of two columns, where the least norm decides
LARGEST_NOISE = 0.1  # of the rounding of far columns, relative to the least singular value
LARGEST_ROUNDING = 5e-5  # of a prediction, in standard deviations of y: a tenth of what casts doubt on a descent
ORDINARY = 1e-200, 1e200  # mean squares in this range have all their digits


@dataclass(frozen=True, slots=True, eq=False)
class GroupFits:
    """The fits of groups.

    Attributes
    ----------
    weights : ndarray of shape (n_groups, n_weights, n_targets)
        The weights, intercept first, if there is one.
    costs, variances : ndarray of shape (n_groups, n_targets)
        J without the ridge, and the variance of y; 0 if it is constant up to rounding.
    sure : ndarray of shape (n_groups,), bool
        False if the fit of a group is doubtful, and must not be used.
    """

    weights: Array
    costs: Array
    variances: Array
    sure: Array


@dataclass(frozen=True, slots=True, eq=False)
class Solved:
    """The coefficients of a batch of groups.

    Attributes
    ----------
    coef : ndarray of shape (n_groups, n_features, n_targets)
        The coefficients, in the units of the data.
    costs : ndarray of shape (n_groups, n_targets)
        J without the ridge.
    squares : ndarray of shape (n_groups, n_targets)
        The mean squares of the targets, about their means if these are taken off; 0 for constant ones.
    terms : ndarray of shape (n_groups, n_targets)
        The mean squares of the terms of a prediction, added up.
    sure : ndarray of shape (n_groups,), bool
        False if the coefficients may have lost digits.
    """

    coef: Array
    costs: Array
    squares: Array
    terms: Array
    sure: Array


def fit_groups_at_once(rows: GroupRows, fit_intercept: bool, alpha: float) -> GroupFits:
    """Return the fits of all groups, as far as they are sure."""
    n_groups, p, k = len(rows.counts), rows.X.shape[1], rows.Y.shape[1]
    weights = np.zeros((n_groups, fit_intercept + p, k))
    fits = GroupFits(weights, np.zeros((n_groups, k)), np.zeros((n_groups, k)), np.zeros(n_groups, dtype=bool))
    if p > MOST_FEATURES:
        return fits
    small = np.flatnonzero(rows.counts <= MOST_ROWS)
    few = rows.counts[small] <= p
    with np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore"):  # such fits are not sure
        longest = int(rows.counts[small].max(initial=1))
        size = min(FACTOR_ELEMENTS // (p * (2 * p + k)), CALL_ELEMENTS // (longest * (p + k)))
        for batch in split(small[~few], size):
            fit_by_moments(rows, batch, fits, fit_intercept, alpha)
        rest = small[~fits.sure[small] & (rows.counts[small] * (p + k) <= MOST_ELEMENTS)]
        for part in make_batches(rows.counts[rest], p + k):
            fit_by_rows(rows, rest[part], fits, fit_intercept, alpha)
    return fits


def split(groups: Array, size: int) -> list[Array]:
    """Return the groups in batches of at most `size`, or of one."""
    size = max(size, 1)
    return [groups[start : start + size] for start in range(0, len(groups), size)]


@halt_for_forks
def fit_by_moments(rows: GroupRows, groups: Array, fits: GroupFits, fit_intercept: bool, alpha: float) -> None:
    """Fit these groups from their moments, and write the fits in."""
    let_forks_pass()
    moments, p = sum_groups(rows, groups), rows.X.shape[1]
    means, squares, taken = moments.means, moments.squares, moments.means
    if not fit_intercept:
        products = moments.products + means[:, :p, np.newaxis] * means[:, np.newaxis]
        taken = np.zeros_like(means)
        moments = GroupMoments(taken, products, squares + means[:, p:] ** 2)
    write_fits(fits, groups, solve_moments(moments, alpha), means, squares)


@halt_for_forks
def fit_by_rows(rows: GroupRows, groups: Array, fits: GroupFits, fit_intercept: bool, alpha: float) -> None:
    """Fit these groups from their rows, and write the fits in."""
    let_forks_pass()
    p = rows.X.shape[1]
    block, means, roots = gather(rows, groups)
    squares, taken, lost = np.einsum("gkm,gkm->gk", block[:, p:], block[:, p:]), means, lose_squares(block)
    if not fit_intercept:
        block += means[:, :, np.newaxis] * roots[:, np.newaxis]
        taken = np.zeros_like(means)
    solved = solve_rows(block, taken, rows.counts[groups], p, alpha)
    solved.sure[lost.any(axis=1)] = False
    write_fits(fits, groups, solved, means, squares)


def write_fits(fits: GroupFits, groups: Array, solved: Solved, means: Array, squares: Array) -> None:
    """Write the solutions in, with the intercepts and the variances of the targets, and look for doubts in them."""
    p = solved.coef.shape[1]
    intercepts = fits.weights.shape[1] - p
    fits.weights[groups, intercepts:], fits.costs[groups] = solved.coef, solved.costs
    terms = solved.terms
    if intercepts:
        constants = means[:, p:] - np.einsum("gj,gjk->gk", means[:, :p], solved.coef)
        fits.weights[groups, 0] = constants
        terms = terms + constants**2
    fits.variances[groups] = np.where(are_zero(squares, np.abs(means[:, p:])), 0.0, squares)
    rounding = EPSILON * np.sqrt(terms)
    settled = (rounding <= LARGEST_ROUNDING * np.sqrt(solved.squares)) | (solved.squares == 0)
    tiny = (means != 0) & (np.abs(means) < sqrt(SMALLEST_SQUARE))
    fits.sure[groups] = solved.sure & settled.all(axis=1) & ~tiny.any(axis=1)


def solve_moments(moments: GroupMoments, alpha: float) -> Solved:
    """Return the coefficients of least cost from the moments, by a Cholesky factor."""
    p, means, products = moments.products.shape[1], moments.means, moments.products
    mean_squares, magnitudes = np.einsum("gjj->gj", products[:, :, :p]), np.abs(means[:, :p])
    live = ~are_zero(mean_squares, magnitudes)
    inverse_scales = np.where(live, 1 / np.sqrt(mean_squares + alpha), 0.0)
    constant = are_zero(moments.squares, np.abs(means[:, p:]))
    squares = np.where(constant, 0.0, moments.squares)
    work = standardize(products, inverse_scales, constant)
    least_pivot = eliminate(work)
    minimum, inverse = work[:, p:-p], work[:, -p:]
    coef = np.zeros_like(minimum)
    for row in range(p):
        coef[: row + 1] += inverse[row, : row + 1, np.newaxis] * minimum[row]
    coef *= inverse_scales.T[:, np.newaxis]
    size = np.sqrt(np.einsum("jig,jig->g", inverse, inverse))
    noise = EPSILON * (magnitudes * inverse_scales).max(axis=1)
    twice = squares.T - np.square(minimum).sum(axis=0) - alpha * np.square(coef).sum(axis=0)
    sure = (least_pivot > 0) & (sqrt(p) * size <= LARGEST_CONDITION) & (noise * size <= LARGEST_NOISE)
    sure &= ((twice >= LEAST_REST * squares.T) | constant.T).all(axis=0) & are_ordinary(mean_squares, live, squares)
    coef = np.ascontiguousarray(np.moveaxis(coef, 2, 0))
    terms = add_terms(means[:, :p], mean_squares + alpha, coef)
    return Solved(coef, np.where(constant, 0.0, twice.T / 2), squares, terms, sure)


def add_terms(means: Array, mean_squares: Array, coef: Array) -> Array:
    """Return the mean squares of the terms of a prediction, added up."""
    terms: Array = np.einsum("gj,gjk->gk", means**2 + mean_squares, coef**2)
    return terms


def standardize(products: Array, inverse_scales: Array, constant: Array) -> Array:
    """Return the moments on standardized columns, with the identity to their right, the groups along the last axis.

    A column of scale zero becomes one of the identity, and a constant target a column of zeros.
    """
    n_groups, p, columns = products.shape
    work = np.zeros((p, columns + p, n_groups))
    work[:, :columns] = np.moveaxis(products, 0, 2)
    factors = np.ascontiguousarray(inverse_scales.T)
    work[:, :columns] *= factors[:, np.newaxis]
    work[:, :p] *= factors
    work[:, p:columns] *= ~constant.T
    diagonal = np.arange(p)
    work[diagonal, diagonal] = work[diagonal, columns + diagonal] = 1.0
    return work


def eliminate(work: Array) -> Array:
    """Reduce the matrices [C B I], of shape (p, columns, n_groups), to [R R⁻ᵀB R⁻ᵀ] with C = RᵀR, all at once.

    Return the least pivot of each. In front of its diagonal, R is not computed.
    """
    least = np.full(work.shape[2], np.inf)
    for step in range(len(work)):
        np.minimum(least, work[step, step], out=least)  # a NaN stays
        row = work[step, step : len(work[0]) - len(work) + step + 1]  # behind it, the identity has zeros
        row /= np.sqrt(row[0])
        below = work[step + 1 :, step : step + len(row)]
        below -= row[1 : len(below) + 1, np.newaxis] * row
    return least


def are_ordinary(mean_squares: Array, live: Array, squares: Array) -> Array:
    """Return True for each group whose mean squares are far from the ends of the range of float64.

    Columns that vary too little for their squares look like constant ones; constant columns of ordinary size have a
    mean square of zero, or of the rounding of their mean.
    """
    least, most = ORDINARY
    features = ((mean_squares >= least) | ~live) & (mean_squares <= most)
    targets = ((squares >= least) | (squares == 0)) & (squares <= most)
    return features.all(axis=1) & targets.all(axis=1)


def solve_rows(block: Array, means: Array, counts: Array, p: int, alpha: float) -> Solved:
    """Return the coefficients of least cost, and of those the ones of least norm, by the singular values of the rows.

    Parameters
    ----------
    block : ndarray of shape (n_groups, p + n_targets, most rows)
        The rows, from `gather`, with or without their means.
    means : ndarray of shape (n_groups, p + n_targets)
        The means that were taken off.
    counts : ndarray of shape (n_groups,)
        The number of rows of each group.
    p : int
        The number of features.
    alpha : float
        The ridge.
    """
    mean_squares, magnitudes = np.einsum("gjm,gjm->gj", block, block), np.abs(means)
    zero = are_zero(mean_squares, magnitudes)
    live, squares = ~zero[:, :p], np.where(zero, 0.0, mean_squares)[:, p:]
    finite = np.isfinite(mean_squares).all(axis=1)
    inverse_scales = np.where(live & finite[:, np.newaxis], 1 / np.sqrt(mean_squares[:, :p] + alpha), 0.0)
    A, Y = block[:, :p] * inverse_scales[:, :, np.newaxis], np.moveaxis(block[:, p:], 1, 2)
    A[~finite] = 0.0
    if alpha > 0:
        A = np.concatenate([A, sqrt(alpha) * inverse_scales[:, :, np.newaxis] * np.eye(p)], axis=2)
    left, values, right = np.linalg.svd(A, full_matrices=False)
    kept = values > EPSILON * np.maximum(p, np.sqrt(counts))[:, np.newaxis] * values[:, :1]
    images = np.matmul(right[:, :, : Y.shape[1]], Y)
    along = np.where(kept[:, :, np.newaxis], images / values[:, :, np.newaxis], 0.0)
    coef = np.matmul(left, along) * inverse_scales[:, :, np.newaxis]
    ranks = kept.sum(axis=1)
    deficient = finite & (ranks < live.sum(axis=1))
    for rank in np.unique(ranks[deficient & (ranks > 0)]).tolist():
        some = np.flatnonzero(deficient & (ranks == rank))
        coef[some] = find_least_norms(left[some, :, :rank], along[some, :rank], inverse_scales[some])
    coef *= (squares > 0)[:, np.newaxis]
    error = Y - np.matmul(np.moveaxis(block[:, :p], 1, 2), coef)
    costs = np.where(squares > 0, np.einsum("gmk,gmk->gk", error, error) / 2, 0.0)
    least = np.where(kept, values, np.inf).min(axis=1, initial=np.inf)
    noise = EPSILON * (magnitudes[:, :p] * inverse_scales).max(axis=1)
    sure = finite & (~kept | (values >= CLEAR * values[:, :1])).all(axis=1) & (noise <= LARGEST_NOISE * least)
    sure &= are_ordinary(mean_squares[:, :p], live, squares) & (~deficient | are_alike(inverse_scales))
    return Solved(coef, costs, squares, add_terms(means[:, :p], mean_squares[:, :p] + alpha, coef), sure)


def find_least_norms(directions: Array, along: Array, inverse_scales: Array) -> Array:
    """Return the coefficients of least norm, in the units of the data, with these parts along orthonormal directions.

    Parameters
    ----------
    directions : ndarray of shape (n_groups, p, rank)
        The directions of the standardized coefficients that the rows determine.
    along : ndarray of shape (n_groups, rank, n_targets)
        The parts of the standardized coefficients along these.
    inverse_scales : ndarray of shape (n_groups, p)
        The reciprocals of the scales of the columns; 0 for columns that are left out.
    """
    live = inverse_scales > 0
    scales = np.divide(1.0, inverse_scales, out=np.zeros_like(inverse_scales), where=live)
    Q, R = np.linalg.qr(directions * scales[:, :, np.newaxis])
    coef: Array = np.matmul(Q, np.linalg.solve(np.moveaxis(R, 1, 2), along)) * live[:, :, np.newaxis]
    return coef


def are_alike(inverse_scales: Array) -> Array:
    """Return True for each group whose columns have scales that do not differ much."""
    least = np.where(inverse_scales > 0, inverse_scales, np.inf).min(axis=1)
    alike: Array = inverse_scales.max(axis=1) <= LARGEST_RATIO * least
    return alike
