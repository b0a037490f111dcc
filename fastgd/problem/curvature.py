"""The curvature of J: the eigenvalues of its Hessian XᵀX/n, and their extremes, smoothness and convexity.

With an intercept, X includes the implied column of ones.
"""

from collections.abc import Iterator
from math import sqrt

import numpy as np

from fastgd.forks import import_safely
from fastgd.inputs.arrays import EPSILON, Array, norm
from fastgd.problem.moments import make_small_problem, summarize_rows

# All eigenvalues are computed if X has at most EXACT_FEATURES columns or rows; above, a few products with X cost less.
# Compressing costs more than the eigenvalues of a compressed problem, so the limit of such a problem is higher.
EXACT_FEATURES = 256
EXACT_COMPRESSED = 2048
POWER_ITERATIONS = 16
LANCZOS_STEPS = 64  # at most; where the eigenvalues crowd together, some ten steps are enough
LEAST_STEPS = 8
SETTLED_ABOVE, SETTLED_BELOW = 0.03, 0.1  # largest residuals of the extreme Ritz values, as shares of these
LEAST_RATIO = 1e-12  # to the largest eigenvalue: below it, an eigenvalue of a sum of squares has no correct digit
BLOCK_ROWS = 4096
SAMPLE = 256  # points that represent the eigenvalues between the extremes


class Curvature:
    """The curvature of one problem; each part is computed when it is first read, and kept.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        The features of the problem.
    fit_intercept : bool
        True if a column of ones is implied.
    noise : float
        The rounding error that the columns of X carry from before they were standardized, in units of EPSILON.
    ones : int or None
        The number of non-zero eigenvalues if all of them are known to be 1, else None.
    """

    def __init__(self, X: Array, fit_intercept: bool, noise: float = 0.0, ones: int | None = None) -> None:
        self.X, self.fit_intercept, self.noise, self.ones = X, fit_intercept, noise, ones
        self._eigenvalues: Array | None = None
        self._extremes: tuple[float, float] | None = None
        self._smoothness: float | None = None
        self._settled = False

    @property
    def rank_bound(self) -> int:
        """The smaller dimension of X, which bounds the number of non-zero eigenvalues."""
        return int(min(self.X.shape))

    @property
    def exact(self) -> bool:
        """True if the extremes come from all eigenvalues, False if a few products with X estimate them."""
        few = EXACT_COMPRESSED if is_compressed(self.X, self.fit_intercept) else EXACT_FEATURES
        return self.ones is not None or self.rank_bound <= few

    @property
    def extremes_known(self) -> bool:
        """True if the extremes have been computed."""
        return self._extremes is not None or self.ones is not None or (self._eigenvalues is not None and self.exact)

    @property
    def eigenvalues(self) -> Array:
        """All non-zero eigenvalues in descending order."""
        if self._eigenvalues is None and self.ones is not None:
            self._eigenvalues = np.ones(self.ones)
        elif self._eigenvalues is None:
            self._eigenvalues = find_eigenvalues(self.X, self.fit_intercept, self.noise)
        return self._eigenvalues

    @property
    def extremes(self) -> tuple[float, float]:
        """Smoothness and convexity, the largest and the smallest non-zero eigenvalue; zeros if all are zero.

        For many features a few products with X estimate them: smoothness a little too large; convexity too large where
        eigenvalues crowd together. A schedule is stable with these estimates, but takes longer for the smallest
        eigenvalues.
        """
        if self._extremes is None:
            if self.exact:
                values = self.eigenvalues
                self._extremes = (float(values[0]), float(values[-1])) if len(values) else (0.0, 0.0)
            else:
                *extremes, self._settled = lanczos(self.X, self.fit_intercept)
                self._extremes = extremes[0], extremes[1]
        return self._extremes

    @property
    def settled(self) -> bool:
        """True if few products with X estimate the extremes well, as far as a start from random numbers can tell."""
        return not self.exact and self.extremes[1] > 0 and self._settled

    def find_quotients(self, vectors: Array) -> Array | float:
        """Return vᵀHv / vᵀv for a vector, or each column v, and the Hessian H: no less than its smallest eigenvalue."""
        images = hessian_product(self.X, vectors, self.fit_intercept)
        squares = np.einsum("i...,i...->...", vectors, vectors)
        found = np.einsum("i...,i...->...", vectors, images)
        return np.divide(found, squares, out=np.zeros_like(found), where=squares > 0)

    @property
    def smoothness(self) -> float:
        """The largest eigenvalue, or an estimate that is a little too large and costs less than the extremes."""
        if self._smoothness is None:
            # Extremes that were computed before do not count: a run must not depend on them.
            exact = self.ones is not None or self.rank_bound <= EXACT_FEATURES
            self._smoothness = self.extremes[0] if exact else power_iteration(self.X, self.fit_intercept)
        return self._smoothness

    @property
    def convexity(self) -> float:
        """The smallest non-zero eigenvalue, or an estimate of it."""
        return self.extremes[1]

    @property
    def condition(self) -> float | None:
        """The ratio of the largest to the smallest non-zero singular value of X with the ones; None if all are zero.

        A column that is not zero, but so small that its eigenvalue counts as zero, counts here: see `least_column`.
        """
        largest, smallest = self.extremes
        some_zero = not self.exact or len(self.eigenvalues) < self.X.shape[1] + self.fit_intercept
        if smallest > 0 and some_zero:
            smallest = min(smallest, least_column(self.X, self.fit_intercept))
        return sqrt(largest) / sqrt(smallest) if smallest > 0 else None

    def sample(self) -> Array:
        """Return the eigenvalues, or points between their extremes if computing all eigenvalues takes long."""
        if self.exact:
            return self.eigenvalues
        largest, smallest = self.extremes
        return np.geomspace(largest, smallest, SAMPLE) if smallest > 0 else np.empty(0)


def find_eigenvalues(X: Array, fit_intercept: bool, noise: float = 0.0) -> Array:
    """Return the non-zero eigenvalues of the Hessian in descending order.

    For few rows, as in a compressed problem, they are squares of singular values, which keeps more digits. Eigenvalues
    within the rounding error of the largest one count as zero; `noise` increases that rounding error (see `Curvature`).
    """
    if is_compressed(X, fit_intercept) and X.shape[1] <= EXACT_FEATURES:
        values = np.linalg.svd(np.asarray(X, dtype=np.float64), compute_uv=False)
        return values[values > (max(X.shape) + noise) * EPSILON * values[0]] ** 2 / len(X)
    values = np.linalg.eigvalsh(smaller_gram(X, fit_intercept))[::-1]
    if values[-1] < LEAST_RATIO * values[0] and len(X) > X.shape[1] + 2 and isinstance(X, np.ndarray):
        # The sums of squares have lost the smallest eigenvalues; a QR of the rows keeps them.
        summary = summarize_rows(X, np.zeros((len(X), 1)), None, "qr")
        return find_eigenvalues(make_small_problem(summary, fit_intercept, np.zeros(X.shape[1]))[0], False, noise)
    return values[values > len(values) * EPSILON * values[0]]


def least_column(X: Array, fit_intercept: bool) -> float:
    """Return the least mean square of a column of X that is not zero; infinity if all are zero.

    With an intercept, a column counts by its variance, the part that the column of ones leaves of its mean square. The
    ones count by the part that the column nearest to a constant leaves of theirs; columns that are constant up to their
    own rounding are multiples of the ones, and count with them.
    """
    with np.errstate(under="ignore"):
        if not fit_intercept:
            squares = mean_squares(X, np.zeros(X.shape[1]))
            return float(squares.min(where=squares > 0, initial=np.inf))
        means = column_means(X)
        variances = mean_squares(X, means)
        varying = np.sqrt(variances) > 4 * EPSILON * np.abs(means)
        shares = variances[varying] / (variances[varying] + means[varying] ** 2)
        ones = 1.0 + np.square(means[~varying]).sum()
        return float(np.append(variances[varying], ones * shares).min(initial=np.inf))


def column_means(X: Array) -> Array:
    """Return the mean of each column; that of a constant column is exactly its value."""
    if not isinstance(X, np.ndarray):
        return X.column_means()  # sparse rows
    first = X[0].astype(np.float64)
    return np.asarray(first + sum(block.sum(axis=0) for block in move_blocks(X, first)) / len(X))


def mean_squares(X: Array, origin: Array) -> Array:
    """Return the mean square of each column's distance from its entry of `origin`."""
    if not isinstance(X, np.ndarray):
        return X.mean_squares(origin)  # sparse rows
    return np.asarray(sum(np.square(block).sum(axis=0) for block in move_blocks(X, origin)) / len(X))


def move_blocks(X: Array, origin: Array) -> Iterator[Array]:
    """Yield blocks of rows in float64, minus a row."""
    for start in range(0, len(X), BLOCK_ROWS):
        yield X[start : start + BLOCK_ROWS] - origin


def is_compressed(X: Array, fit_intercept: bool) -> bool:
    """Return True if X has at most n_features + 2 rows, as a compressed problem has."""
    return not fit_intercept and len(X) <= X.shape[1] + 2


def smaller_gram(X: Array, fit_intercept: bool) -> Array:
    """Return XᵀX/n or XXᵀ/n, whichever is smaller: their non-zero eigenvalues are the same."""
    if len(X) > X.shape[1]:
        return hessian(X, fit_intercept)
    rows = X.astype(np.float64, copy=False)
    return (rows @ rows.T + fit_intercept) / len(X)


def hessian(X: Array, fit_intercept: bool) -> Array:
    """Return XᵀX/n in float64, summed over blocks of rows so that float32 data are never copied whole."""
    n_samples, n_features = X.shape
    i = int(fit_intercept)
    sums = np.zeros((n_features + i, n_features + i))
    for start in range(0, n_samples, BLOCK_ROWS):
        block = X[start : start + BLOCK_ROWS].astype(np.float64, copy=False)
        sums[i:, i:] += block.T @ block
        if fit_intercept:
            sums[0, 1:] += block.sum(axis=0)
    if fit_intercept:
        sums[0, 0] = n_samples
        sums[1:, 0] = sums[0, 1:]
    return sums / n_samples


def power_iteration(X: Array, fit_intercept: bool) -> float:
    """Estimate the largest eigenvalue by a few power iterations: the last Rayleigh quotient plus its residual's norm.

    The quotient alone is never above the largest eigenvalue. The residual bounds the distance of the quotient from an
    eigenvalue, so a rate of 1/estimate is rather too small than too large. The number of iterations is fixed, since the
    quotient can stay near a lower eigenvalue for a while. From a random start, 16 iterations come within a factor of 2
    of the largest eigenvalue, as a stable rate requires, with near certainty for any spectrum.

    References
    ----------
    B. N. Parlett, The Symmetric Eigenvalue Problem, SIAM, 1998, sections 4.2 and 4.5.
    J. Kuczyński and H. Woźniakowski, Estimating the largest eigenvalue by the power and Lanczos algorithms with
    a random start, SIAM J. Matrix Anal. Appl. 13 (1992) 1094-1122.
    """
    vector = draw_normal(X.shape[1] + fit_intercept)
    image = vector
    for _ in range(POWER_ITERATIONS):
        length = norm(image)
        if length == 0:
            return 0.0
        vector = image / length
        image = hessian_product(X, vector, fit_intercept)
    quotient = float(vector @ image)
    return quotient + norm(image - quotient * vector)


def draw_normal(size: int) -> Array:
    """Return standard normal numbers, the same ones each time."""
    return import_safely("numpy.random").default_rng(0).standard_normal(size)


def lanczos(X: Array, fit_intercept: bool) -> tuple[float, float, bool]:
    """Estimate smoothness and convexity by Lanczos steps: return the extreme Ritz values, and True if they settled.

    The norm of the residual is added to the largest, so that a rate of 1/smoothness is rather too small than too large;
    from the smallest it is subtracted if it is a small part of it. Every new direction is made orthogonal to all
    earlier ones, twice; that costs little beside the products with X.

    References
    ----------
    B. N. Parlett, The Symmetric Eigenvalue Problem, SIAM, 1998, chapter 13.
    """
    size = X.shape[1] + fit_intercept
    steps = min(LANCZOS_STEPS, size)
    basis, diagonal, beside = np.zeros((steps + 1, size)), np.zeros(steps), np.zeros(steps)
    start = hessian_product(X, draw_normal(size), fit_intercept)  # in its range
    length, done = norm(start), 0
    found = 0.0, 0.0, True
    # After the last independent direction only rounding errors are left: stop there.
    while done < steps and length > sqrt(EPSILON) * abs(diagonal).max():
        basis[done] = start / length
        start = hessian_product(X, basis[done], fit_intercept)
        diagonal[done] = basis[done] @ start
        for _ in range(2):
            start -= basis[: done + 1].T @ (basis[: done + 1] @ start)
        beside[done] = length = norm(start)
        done += 1
        if done >= LEAST_STEPS or done == steps or length <= sqrt(EPSILON) * abs(diagonal).max():
            found = find_ritz_extremes(diagonal[:done], beside[:done], size)
            if found[2]:
                break
    return found


def find_ritz_extremes(diagonal: Array, beside: Array, size: int) -> tuple[float, float, bool]:
    """Return the extreme Ritz values, moved by their residuals, and True if these are small.

    The matrix of `size` rows has been reduced to a tridiagonal one: its diagonal, and the entries beside it, of which
    the last belongs to the next step.
    """
    off = beside[:-1]
    values, vectors = np.linalg.eigh(np.diag(diagonal) + np.diag(off, 1) + np.diag(off, -1))
    residuals = beside[-1] * np.abs(vectors[-1])
    largest, above = float(values[-1]), float(residuals[-1])
    first = int(np.argmax(values > size * EPSILON * largest))
    smallest, below = float(values[first]), float(residuals[first])
    sure = below <= SETTLED_BELOW * smallest
    return largest + above, smallest - below if sure else smallest, sure and above <= SETTLED_ABOVE * largest


def hessian_product(X: Array, vector: Array, fit_intercept: bool) -> Array:
    """Return XᵀXv/n, summed over blocks of rows, for a vector or the columns of a matrix."""
    if not isinstance(X, np.ndarray):
        return X.hessian_product(vector)  # sparse rows
    image = np.zeros_like(vector)
    for start in range(0, len(X), BLOCK_ROWS):
        block = X[start : start + BLOCK_ROWS].astype(np.float64, copy=False)
        product = block @ vector[fit_intercept:]
        if fit_intercept:
            product += vector[0]
            image[0] += product.sum(axis=0)
        image[fit_intercept:] += block.T @ product
    return image / len(X)
