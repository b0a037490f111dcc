"""The summary of ill-conditioned data from their Gram matrix: minima are corrected by residuals measured in the data.

Design:
(a) Products of columns are right up to rounding, so their Cholesky factor R belongs to columns that rounding has
    changed. J keeps its digits far from the minimum. But the minimum is off by a share eps·κ² of the weights, and where
    the columns explain a target almost wholly, the least cost has lost its digits.
(b) Both are measured: one pass over the data computes residuals, their norm, and the gradient. A step of (RᵀR)⁻¹ times
    the gradient leaves a share eps·κ² of the error: the corrected seminormal equations. One pass is enough at κ = 10⁴,
    two at 10⁶. The digits left are those of a QR.
(c) The norm of R⁻¹ bounds that share. Where the bound is not small, where corrections do not shrink, or where J of zero
    weights has lost digits too, a QR of the rows has to keep them.
(d) All this is about the minimum of J itself. Those of other functions, with a ridge or without an intercept, would
    need all digits of R.

References
----------
Å. Björck, Numerical Methods for Least Squares Problems, SIAM, 1996, section 6.6.5 (corrected seminormal equations).
N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., SIAM, 2002, sections 10.1 and 20.6.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt

import numpy as np

from fastgd.forks import halt_for_forks
from fastgd.inputs.arrays import EPSILON, Array
from fastgd.problem.directions import WELL_CONDITIONED, invert_triangle
from fastgd.problem.moments import LEAST_PIVOT, Moments, Summary, are_zero, find_squares

# For the centred rows Z and the centred targets Y, the weights s, and a matrix V, returns √Σ s·(z·v − y)² of each
# column v of V, and the gradients Σ s·(z·v − y)·z. Y has the columns of the listed targets; without a list, Y is zero.
Measure = Callable[[Array, list[int] | None], tuple[Array, Array]]
MOST_GROWTH = 1e9  # the largest squared norm of R⁻¹ at which Cholesky alone keeps some ten digits
LARGE_PIVOT = 1e-3  # columns that leave at least this share of each other do not add up to a large inverse
LARGEST_SHARE = 0.05  # of an error that a correction may leave, by its bound; most leave a hundredth of the bound
MOST_PASSES = 4
LEAST_GAIN = 8.0  # each correction is at least this many times smaller than the one before
LARGEST_ERROR = 1e-14  # of the square of what the columns do not explain
LARGEST_LOSS = 1e-10  # of the square of a target: then J of zero weights has ten digits


@dataclass(frozen=True, slots=True, eq=False)
class Factor:
    """The Cholesky factor of the products of columns of norm 1.

    Attributes
    ----------
    R, inverse : ndarray of shape (q, q)
        The upper triangular factor and its inverse.
    norms : ndarray of shape (q, 1)
        The norms of the centred columns in the units of the data.
    size : float
        The Frobenius norm of the inverse.
    kept : float
        The share of the digits that earlier differences have left.
    share : float
        A bound of the share of an error that a correction leaves.
    """

    R: Array
    inverse: Array
    norms: Array
    size: float
    kept: float
    share: float

    @property
    def keeps_digits(self) -> bool:
        """True if all targets but those that the columns nearly explain keep some ten digits without a correction."""
        least_pivot = float(self.R.diagonal().min()) ** 2 * self.kept
        return least_pivot >= LEAST_PIVOT and self.size * self.size <= MOST_GROWTH


@halt_for_forks
def summarize_corrected(moments: Moments, measure: Measure) -> Summary | None:
    """Return the summary of columns that are independent, if close to dependent; None if it would lose digits.

    Parameters
    ----------
    moments : Moments
        The Gram sums.
    measure : callable
        Measures combinations of the columns in the data: see `Measure`.
    """
    p, k, total = moments.n_features, moments.n_targets, moments.total
    sums, around = moments.matrix[0, 1:], find_squares(moments.matrix, p, gram=True)[1:]
    squares = np.maximum(around - sums * (sums / total), 0.0)
    varying = ~are_zero(squares / total, np.abs(moments.means))
    live, targets = np.flatnonzero(varying[:p]), np.flatnonzero(varying[p:])
    if not len(live) or not (squares[varying] > 0).all():
        return None
    kept = float((squares[varying] / around[varying]).min())  # a shift far from the mean loses digits
    norms, sizes = np.sqrt(squares[live])[:, np.newaxis], np.sqrt(squares[p + targets])
    products = (moments.matrix[1 + live, 1:] - np.outer(sums[live], sums / total)) / norms
    factor = factorize_near_dependent(products[:, live] / norms.T, norms, moments.n_samples, kept)
    noise = EPSILON * sqrt(total) * np.abs(moments.means[live]) / norms[:, 0]
    if factor is None or float(noise.max()) * factor.size >= 1:  # rounding of the data themselves decides
        return None

    def measure_live(coef: Array, places: Array) -> tuple[Array, Array]:
        vectors = np.zeros((p, len(places)))
        vectors[live] = coef
        found, gradients = measure(vectors, targets[places].tolist())
        return found, gradients[live]

    minima = find_minima(factor, products[:, p + targets], sizes, measure_live)
    ratio = None if minima is None else match_sizes(*minima, sizes, factor.share)
    if minima is None or ratio is None:
        return None
    rows = np.zeros((p + 1, p + k))
    rows[np.ix_(live, live)] = factor.R * (ratio * norms.T)
    rows[np.ix_(live, p + targets)], rows[p, p + targets] = ratio * minima[0], minima[1]
    return Summary(total, moments.n_samples, moments.means, rows, k)


def loses_digits(summary: Summary) -> bool:
    """Return True if R has large pivots, but a still larger inverse: then Cholesky alone keeps less than ten digits."""
    R = summary.rows[: summary.n_features, : summary.n_features]
    squares = np.einsum("ij,ij->j", R, R)
    if float((R.diagonal() ** 2 / np.where(squares > 0, squares, np.inf)).min()) >= LARGE_PIVOT:
        return False
    live = squares > 0
    inverse = invert_triangle(R[np.ix_(live, live)] / np.sqrt(squares[live]))
    return float(np.linalg.norm(inverse)) ** 2 > MOST_GROWTH


def factorize_near_dependent(products: Array, norms: Array, n_samples: int, kept: float) -> Factor | None:
    """Return the factor of the products of columns of norm 1; None unless corrections by it converge."""
    q = len(products)
    try:
        R = np.ascontiguousarray(np.linalg.cholesky(products).T)
    except np.linalg.LinAlgError:
        return None
    inverse = invert_triangle(R)
    size = float(np.linalg.norm(inverse))
    share = EPSILON * max(q, sqrt(n_samples)) * size * size / kept
    if not (share <= LARGEST_SHARE and sqrt(q) * size <= WELL_CONDITIONED):
        return None
    return Factor(R, inverse, norms, size, kept, share)


def find_minima(
    factor: Factor, slopes: Array, sizes: Array, measure: Callable[[Array, Array], tuple[Array, Array]]
) -> tuple[Array, Array] | None:
    """Return QᵀY, and the norm of the part of each target that the columns do not explain; None if digits are lost.

    Parameters
    ----------
    factor : Factor
        The factor of the columns.
    slopes : ndarray of shape (q, n_targets)
        The products of the columns of norm 1 with the targets.
    sizes : ndarray of shape (n_targets,)
        The norms of the centred targets.
    measure : callable
        Returns the norms of the residuals and the gradients of coefficients, in the units of the data, for the targets
        with the given numbers.
    """
    images = factor.inverse.T @ slopes
    squares = sizes * sizes - np.einsum("ij,ij->j", images, images)
    lost = np.arange(len(sizes))
    if factor.keeps_digits:
        lost = np.flatnonzero(squares * factor.kept < LEAST_PIVOT * sizes * sizes)
    rest = np.sqrt(np.maximum(squares, 0.0))
    if len(lost):
        corrected = correct_minima(factor, images[:, lost], sizes[lost], lambda coef: measure(coef, lost))
        if corrected is None:
            return None
        images[:, lost], rest[lost] = corrected
    return images, rest


def correct_minima(
    factor: Factor, images: Array, sizes: Array, measure: Callable[[Array], tuple[Array, Array]]
) -> tuple[Array, Array] | None:
    """Return what `find_minima` does, from residuals measured in the data; None if corrections do not converge."""
    coef, before = factor.inverse @ images, sizes
    for number in range(MOST_PASSES):
        found, gradients = measure(coef / factor.norms)
        change = factor.inverse.T @ (gradients / factor.norms)  # its norm is that of the change of predictions
        coef, left = coef - factor.inverse @ change, np.linalg.norm(change, axis=0)
        # The second correction shows whether they shrink. Those within the rounding of the gradient no longer do.
        vanishing = (left <= EPSILON * (sizes + factor.size * found)) & (number > 0)
        if (vanishing | leave_nothing(factor.share, left, found, sizes)).all():
            return factor.R @ coef, np.sqrt(np.maximum(found * found - left * left, 0.0))
        if not (vanishing | (LEAST_GAIN * left <= before)).all():
            return None
        before = left
    return None


def leave_nothing(share: float, left: Array, found: Array, sizes: Array) -> Array:
    """Return True for each target whose correction leaves no error above rounding.

    A correction of the size `left` leaves a share of that size in the predictions. The square of what the columns do
    not explain is found² − left², up to that share of left².
    """
    rounding = EPSILON * sizes
    nothing: Array = (share * left <= rounding) & (
        share * left * left <= np.maximum(rounding * rounding, LARGEST_ERROR * found * found)
    )
    return nothing


def match_sizes(images: Array, rest: Array, sizes: Array, share: float) -> float | None:
    """Return the number that R and the images have to be multiplied by, so that J of zero weights is right.

    It is 1 unless the weights are large along the directions whose digits R has lost. One number serves one target.
    Several targets then need a QR, and so does a number further from 1 than the bound of R's error; the answer is None.
    """
    explained = np.einsum("ij,ij->j", images, images)
    lost = np.abs(explained + rest * rest - sizes * sizes)
    if (lost <= LARGEST_LOSS * sizes * sizes).all():
        return 1.0
    ratio = float((sizes[0] - rest[0]) * (sizes[0] + rest[0]) / explained[0])
    return sqrt(ratio) if len(sizes) == 1 and abs(ratio - 1) <= share else None
