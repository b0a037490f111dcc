"""The curvature of J: smoothness and convexity, the extreme eigenvalues of its Hessian XᵀX/n.

With an intercept, X has the implied column of ones in front.
"""

from math import sqrt

import numpy as np

from fastgd.inputs.arrays import EPSILON, Array, norm
from fastgd.problem.moments import make_problem, summarize

# Up to this many features, or rows, the Hessian is formed and solved exactly; above, a few products with X cost less.
# A compressed problem has been formed at greater expense already: there, up to more.
EXACT_FEATURES = 256
EXACT_COMPRESSED = 2048
POWER_ITERATIONS = 16
LANCZOS_STEPS = 64
LEAST_RATIO = 1e-12  # of an eigenvalue to the largest, for it to have some digits in a sum of squares
BLOCK_ROWS = 4096
SAMPLE = 256  # points that stand for the eigenvalues between the extremes


class Curvature:
    """The curvature of one problem; each part is computed when it is first asked for, and kept.

    Parameters
    ----------
    X, fit_intercept, noise
        As in `extremes`.
    """

    def __init__(self, X: Array, fit_intercept: bool, noise: float = 0.0) -> None:
        self.X, self.fit_intercept, self.noise = X, fit_intercept, noise
        self._eigenvalues: Array | None = None
        self._extremes: tuple[float, float] | None = None
        self._smoothness: float | None = None

    @property
    def rank_bound(self) -> int:
        """Return how many non-zero eigenvalues there are at most."""
        return int(min(self.X.shape))

    @property
    def exact(self) -> bool:
        """Return whether the extremes come from all eigenvalues, and not from a few products with X."""
        return self.rank_bound <= exact_size(self.X, self.fit_intercept)

    @property
    def known(self) -> bool:
        """Return whether the extremes were computed already."""
        return self._extremes is not None

    @property
    def eigenvalues(self) -> Array:
        """All non-zero eigenvalues, the largest first."""
        if self._eigenvalues is None:
            self._eigenvalues = eigenvalues(self.X, self.fit_intercept, self.noise)
        return self._eigenvalues

    @property
    def extremes(self) -> tuple[float, float]:
        """Smoothness and convexity."""
        if self._extremes is None:
            known = self.exact or self._eigenvalues is not None
            self._extremes = ends(self.eigenvalues) if known else lanczos(self.X, self.fit_intercept)
        return self._extremes

    @property
    def smoothness(self) -> float:
        """The smoothness alone, which takes less time where there are many features."""
        if self._smoothness is None:
            exact = self._extremes is not None or self.rank_bound <= EXACT_FEATURES
            self._smoothness = self.extremes[0] if exact else smoothness(self.X, self.fit_intercept)
        return self._smoothness

    @property
    def convexity(self) -> float:
        """The convexity."""
        return self.extremes[1]

    @property
    def condition(self) -> float | None:
        """The condition number of X among its non-zero singular values; None where there are none.

        A column that is not zero, but so small that its eigenvalue counts as zero, counts here.
        """
        largest, smallest = self.extremes
        if smallest > 0 and isinstance(self.X, np.ndarray):
            with np.errstate(under="ignore"):
                squares = np.einsum("ij,ij->j", self.X, self.X, dtype=np.float64) / len(self.X)
            smallest = min(smallest, float(squares.min(where=squares > 0, initial=smallest)))
        return sqrt(largest) / sqrt(smallest) if smallest > 0 else None

    def sample(self) -> Array:
        """Return the eigenvalues, or points that cover their interval where computing all of them takes long."""
        if self.exact:
            return self.eigenvalues
        largest, smallest = self.extremes
        return np.geomspace(largest, smallest, SAMPLE) if smallest > 0 else np.empty(0)


def smoothness(X: Array, fit_intercept: bool) -> float:
    """Return the largest eigenvalue of the Hessian; an estimate from a little above it for many features.

    Gradient descent lowers J at every update as long as its rate is below 2/smoothness.

    Examples
    --------
    >>> import numpy as np
    >>> from fastgd.problem.curvature import smoothness
    >>> smoothness(np.array([[3.0], [-3.0]]), fit_intercept=True)
    9.0
    """
    if X.shape[1] <= EXACT_FEATURES:
        return float(max(np.linalg.eigvalsh(hessian(X, fit_intercept))[-1], 0.0))
    return power_iteration(X, fit_intercept)


def exact_size(X: Array, fit_intercept: bool) -> int:
    """Return up to how many features, or rows, all eigenvalues are computed."""
    return EXACT_COMPRESSED if is_compressed(X, fit_intercept) else EXACT_FEATURES


def extremes(X: Array, fit_intercept: bool, noise: float = 0.0) -> tuple[float, float]:
    """Return smoothness and convexity, the largest and the smallest non-zero eigenvalue of the Hessian.

    For many features they are those of a few products with X: smoothness a little too large, convexity too large where
    eigenvalues crowd together, so that a schedule is safe, and reaches the smallest of them later.
    """
    return Curvature(X, fit_intercept, noise).extremes


def eigenvalues(X: Array, fit_intercept: bool, noise: float = 0.0) -> Array:
    """Return the non-zero eigenvalues of the Hessian, the largest first.

    Of few rows, as of a compressed problem, they come from the singular values, to more digits. What is below the
    rounding error of the largest one counts as zero; `noise` is how many times that X carries on top.
    """
    if is_compressed(X, fit_intercept) and X.shape[1] <= EXACT_FEATURES:
        values = np.linalg.svd(X, compute_uv=False)
        return values[values > (max(X.shape) + noise) * EPSILON * values[0]] ** 2 / len(X)
    values = np.linalg.eigvalsh(smaller_gram(X, fit_intercept))[::-1]
    if values[-1] < LEAST_RATIO * values[0] and len(X) > X.shape[1] + 2 and isinstance(X, np.ndarray):
        # A sum of squares has lost what is below: the rows know more.
        summary = summarize(X, np.zeros((len(X), 1)), None, "qr")
        return eigenvalues(make_problem(summary, fit_intercept, np.zeros(X.shape[1]))[0], False, noise)
    return values[values > len(values) * EPSILON * values[0]]


def ends(values: Array) -> tuple[float, float]:
    """Return the largest and the smallest of eigenvalues; zeros for none."""
    return (float(values[0]), float(values[-1])) if len(values) else (0.0, 0.0)


def is_compressed(X: Array, fit_intercept: bool) -> bool:
    """Return True if X has at most n_features + 2 rows, as a compressed problem has."""
    return not fit_intercept and len(X) <= X.shape[1] + 2


def smaller_gram(X: Array, fit_intercept: bool) -> Array:
    """Return XᵀX/n or XXᵀ/n, the smaller one: their eigenvalues are the same but for zeros."""
    if len(X) > X.shape[1]:
        return hessian(X, fit_intercept)
    rows = X.astype(np.float64, copy=False)
    return (rows @ rows.T + fit_intercept) / len(X)


def hessian(X: Array, fit_intercept: bool) -> Array:
    """Return XᵀX/n in float64, summed over blocks of rows so that float32 data is never copied whole."""
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
    """Return the Rayleigh quotient of the last of a few power iterations plus the norm of its residual.

    The quotient alone is never above the largest eigenvalue; the residual bounds how far it is from an
    eigenvalue, so that a rate taken from the sum errs to the short side. The number of iterations is fixed: a
    quotient can rest on a lower eigenvalue for a while. From a random start 16 of them come within a factor of
    2 of the largest eigenvalue, which is what a stable rate needs, with near certainty for any spectrum.

    References
    ----------
    B. N. Parlett, The Symmetric Eigenvalue Problem, SIAM, 1998, sections 4.2 and 4.5.
    J. Kuczyński and H. Woźniakowski, Estimating the largest eigenvalue by the power and Lanczos algorithms with
    a random start, SIAM J. Matrix Anal. Appl. 13 (1992) 1094-1122.
    """
    vector = np.random.default_rng(0).standard_normal(X.shape[1] + fit_intercept)
    image = vector
    for _ in range(POWER_ITERATIONS):
        length = norm(image)
        if length == 0:
            return 0.0
        vector = image / length
        image = hessian_product(X, vector, fit_intercept)
    quotient = float(vector @ image)
    return quotient + norm(image - quotient * vector)


def lanczos(X: Array, fit_intercept: bool) -> tuple[float, float]:
    """Return the extreme Ritz values of some Lanczos steps, the largest with the norm of its residual on top.

    All directions are kept and made orthogonal twice, which costs little beside the products with X.

    References
    ----------
    B. N. Parlett, The Symmetric Eigenvalue Problem, SIAM, 1998, chapter 13.
    """
    size = X.shape[1] + fit_intercept
    steps = min(LANCZOS_STEPS, size)
    basis, diagonal, beside = np.zeros((steps + 1, size)), np.zeros(steps), np.zeros(steps)
    start = hessian_product(X, np.random.default_rng(0).standard_normal(size), fit_intercept)  # nothing of its kernel
    length, done = norm(start), 0
    # What is left when the steps have found all that X does to the start is rounding, and no direction.
    while done < steps and length > sqrt(EPSILON) * abs(diagonal).max():
        basis[done] = start / length
        start = hessian_product(X, basis[done], fit_intercept)
        diagonal[done] = basis[done] @ start
        for _ in range(2):
            start -= basis[: done + 1].T @ (basis[: done + 1] @ start)
        beside[done] = length = norm(start)
        done += 1
    if done == 0:
        return 0.0, 0.0
    off = beside[: done - 1]
    values, vectors = np.linalg.eigh(np.diag(diagonal[:done]) + np.diag(off, 1) + np.diag(off, -1))
    largest = float(values[-1])
    positive = values[values > size * EPSILON * largest]
    return largest + float(beside[done - 1] * abs(vectors[-1, -1])), float(positive[0])


def hessian_product(X: Array, vector: Array, fit_intercept: bool) -> Array:
    """Return XᵀXv/n, by blocks of rows."""
    image = np.zeros_like(vector)
    for start in range(0, len(X), BLOCK_ROWS):
        block = X[start : start + BLOCK_ROWS].astype(np.float64, copy=False)
        product = block @ vector[fit_intercept:]
        if fit_intercept:
            product += vector[0]
            image[0] += product.sum()
        image[fit_intercept:] += product @ block
    return image / len(X)
