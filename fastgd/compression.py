"""A problem of at most n_features + 2 rows with the same function J as the data, made in one pass over blocks of rows.

Design:
(a) With c a shift near the columns' means, W the sum of the row weights s and δ the weighted means of z − c, where a
    row z = [x y], Σ s·(z − c)(z − c)ᵀ = Σ s·(z − c − δ)(z − c − δ)ᵀ + W·δδᵀ. So the rows [1 z] may be replaced by
    √W·[1 c+δ] and by [0 R], where RᵀR is the centred sum: every weighted sum of squares (θ₀ + x·θ − y)² stays the same.
(b) R comes from that sum, a Gram matrix, by Cholesky (fast), or from the rows by QR (safe: no squares are formed).
    Cholesky loses the digits of a column that is nearly a combination of those before it, y being the last:
    `finish_gram` then gives up, and the data are read again for a QR.
(c) A shift costs nothing and keeps the digits of columns that are far from zero compared to their spread.
(d) States of two parts of the data are added up by moving one to the shift of the other: a monoid, up to rounding.

References
----------
G. H. Golub and C. F. Van Loan, Matrix Computations, 4th ed., Johns Hopkins, 2013, sections 5.2 and 5.3.
Å. Björck, Numerical Methods for Least Squares Problems, SIAM, 1996, sections 2.2 (normal equations), 3.2 (updating).
T. F. Chan, G. H. Golub and R. J. LeVeque, Algorithms for computing the sample variance, Am. Stat. 37 (1983) 242-247.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from fastgd import validation
from fastgd.arrays import Array

METHODS = ("auto", "gram", "qr")
BLOCK_ELEMENTS = 1 << 17  # of a block of rows, 1 MB in float64, which stays in cache for its product
LEAST_BLOCK_ROWS = 256
# The share of a column's variance that the columns before it must leave open for Cholesky to keep some ten digits.
LEAST_PIVOT = 1e-6


@dataclass(slots=True)
class Moments:
    """What is kept of the rows seen so far, in terms of [1, x − c, y − c]: sums of products, or the R of a QR."""

    shift: Array  # c, of [x y]
    total: float  # W, the sum of the weights
    matrix: Array  # gram: (p + 2, p + 2); qr: at most p + 2 rows

    def moved_to(self, shift: Array) -> Array:
        """Return the change of columns that belongs to another shift: [1 z−c] = [1 z−c′]·A."""
        change = np.eye(len(shift) + 1)
        change[0, 1:] = self.shift - shift
        return change


def compress(
    X: ArrayLike,
    y: ArrayLike,
    *,
    fit_intercept: bool = True,
    sample_weight: ArrayLike | None = None,
    alpha: float = 0.0,
    method: str = "auto",
) -> tuple[Array, Array]:
    """Return a problem of at most n_features + 2 rows whose cost is that of the data, for all weights.

    Parameters
    ----------
    X : array_like of shape (n_samples, n_features)
        The features, float32 or float64; read block by block, never copied whole.
    y : array_like of shape (n_samples,) or (n_samples, 1)
        The target.
    fit_intercept : bool
        Whether column 0 of the answer stands for the intercept.
    sample_weight : array_like of shape (n_samples,) or None
        Weights of the rows, not negative: a weight of k counts as k equal rows. J is divided by their sum.
    alpha : float
        Ridge: alpha·½‖coef‖² is added to J; the intercept is not penalised. scikit-learn's ``Ridge(alpha=a)`` is
        ``a / n_samples`` here, or ``a / sample_weight.sum()``.
    method : {"auto", "gram", "qr"}
        "gram" sums products and takes their Cholesky factor; "qr" takes three to five times as long and loses no
        digits; "auto" is "gram" unless that would lose more than about six digits: where a column, or y, keeps less
        than a millionth of its variance beside the columns before it.

    Returns
    -------
    X_small : ndarray of shape (m, n_features + 1) or (m, n_features), float64
        Its rows; with an intercept, column 0 takes the place of the column of ones.
    y_small : ndarray of shape (m,), float64
        Their targets. ``fastgd.cost(X_small, y_small, weights)`` is J of the data.

    Raises
    ------
    ValueError, TypeError
        If an argument is not what is described above, or if method is "gram" and the Cholesky factor does not exist.

    References
    ----------
    Å. Björck, Numerical Methods for Least Squares Problems, SIAM, 1996, sections 2.2 and 2.4.

    Examples
    --------
    >>> import numpy as np, fastgd
    >>> X, y = np.arange(20.0).reshape(10, 2) % 7, np.arange(10.0)
    >>> X_small, y_small = fastgd.compress(X, y)
    >>> X_small.shape
    (4, 3)
    >>> weights = [1.0, 2.0, 3.0]
    >>> bool(np.isclose(fastgd.cost(X_small, y_small, weights), fastgd.cost(X, y, weights)))
    True
    """
    X, y = validation.check_problem(X, y, finite=False)
    weights = validation.check_sample_weight(sample_weight, len(y))
    fit_intercept = validation.check_flag("fit_intercept", fit_intercept)
    alpha = validation.check_not_negative("alpha", alpha)
    moments, rows = reduce_rows(X, y, weights, validation.check_choice("method", method, METHODS))
    return make_problem(moments, rows, fit_intercept, alpha)


class Compressor:
    """Compress rows that come in parts, each of which is seen once.

    Parameters
    ----------
    fit_intercept : bool
        Whether column 0 of the problem stands for the intercept.
    alpha : float
        Ridge: alpha·½‖coef‖² is added to J; the intercept is not penalised.
    method : {"auto", "gram", "qr"}
        "auto" is "qr" here: rows that are gone cannot be read again where "gram" proves to lose digits.

    Attributes
    ----------
    n_samples : int
        How many rows have been added, those of weight zero included.

    Examples
    --------
    >>> import numpy as np, fastgd
    >>> X, y = np.arange(20.0).reshape(10, 2) % 7, np.arange(10.0)
    >>> compressor = fastgd.Compressor()
    >>> compressor.add(X[:4], y[:4])
    >>> compressor.add(X[4:], y[4:])
    >>> compressor.n_samples
    10
    >>> fastgd.gradient_descent(*compressor.problem(), fit_intercept=False, epochs=5).weights.shape
    (3,)
    """

    def __init__(self, *, fit_intercept: bool = True, alpha: float = 0.0, method: str = "auto") -> None:
        self.fit_intercept = validation.check_flag("fit_intercept", fit_intercept)
        self.alpha = validation.check_not_negative("alpha", alpha)
        self.method = "gram" if validation.check_choice("method", method, METHODS) == "gram" else "qr"
        self.n_samples = 0
        self._moments: Moments | None = None

    def add(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        """Add rows.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features)
            The features; as many in every call.
        y : array_like of shape (n_samples,) or (n_samples, 1)
            The target.
        sample_weight : array_like of shape (n_samples,) or None
            Weights of the rows, not negative; None is 1 for each.

        Raises
        ------
        ValueError, TypeError
            If an argument is not what is described above. Nothing has been added then.
        """
        X, y = validation.check_problem(X, y, finite=False)
        weights = validation.check_sample_weight(sample_weight, len(y), zero_sum=True)
        if self._moments is not None and X.shape[1] != len(self._moments.shift) - 1:
            raise ValueError(f"X must have {len(self._moments.shift) - 1} columns, as before; got {X.shape[1]}")
        shift = None if self._moments is None else self._moments.shift
        added = sum_blocks(X, y, weights, self.method, shift)
        self._moments = added if self._moments is None else add_moments(self._moments, added, self.method)
        self.n_samples += len(y)

    def merge(self, other: "Compressor") -> None:
        """Add the rows that another compressor has seen.

        Raises
        ------
        TypeError, ValueError
            If it is not a compressor, or one of another number of features, intercept, alpha or method.
        """
        if not isinstance(other, Compressor):
            raise TypeError(f"other must be a Compressor; got {other!r}, a {type(other).__name__}")
        for name in ("fit_intercept", "alpha", "method"):
            mine, others = getattr(self, name), getattr(other, name)
            if mine != others:
                raise ValueError(f"other must have the same {name}, {mine!r}; got {others!r}")
        if other._moments is None:
            return
        if self._moments is None:
            self._moments = Moments(other._moments.shift, other._moments.total, other._moments.matrix)
        elif len(self._moments.shift) != len(other._moments.shift):
            expected, got = len(self._moments.shift) - 1, len(other._moments.shift) - 1
            raise ValueError(f"other must have the same number of features, {expected}; got {got}")
        else:
            self._moments = add_moments(self._moments, other._moments, self.method)
        self.n_samples += other.n_samples

    def problem(self) -> tuple[Array, Array]:
        """Return X_small and y_small, as `compress` does, for all rows added so far.

        Raises
        ------
        ValueError
            If no row of positive weight was added, or the Cholesky factor of method "gram" does not exist.
        """
        if self._moments is None or self._moments.total == 0:
            raise ValueError("a Compressor must have rows of positive weight before it has a problem; got none")
        rows = finish(self._moments, self.method)
        if rows is None:
            raise ValueError(LOST_DIGITS)
        return make_problem(self._moments, rows, self.fit_intercept, self.alpha)


LOST_DIGITS = (
    "method must not be 'gram' for these data: a column of X, or y, is so nearly a combination of the others that its "
    "digits would be lost; 'qr' keeps them"
)


def reduce_rows(X: Array, y: Array, weights: Array | None, method: str) -> tuple[Moments, Array]:
    """Return the moments of all rows and the centred rows R; "auto" takes the Gram matrix where that is safe."""
    if method != "qr":
        moments = sum_blocks(X, y, weights, "gram")
        rows = finish(moments, "gram")
        if rows is not None:
            return moments, rows
        if method == "gram":
            raise ValueError(LOST_DIGITS)
    moments = sum_blocks(X, y, weights, "qr")
    return moments, finish_qr(moments)


def sum_blocks(X: Array, y: Array, weights: Array | None, method: str, shift: Array | None = None) -> Moments:
    """Return the moments of the rows, block by block; refuse data that are not finite, or whose squares are not."""
    if shift is None:
        rows = slice(0, rows_per_block(X))
        with np.errstate(over="ignore", invalid="ignore"):
            shift = np.append(X[rows].mean(axis=0, dtype=np.float64), y[rows].mean())
    size = X.shape[1] + 2
    matrix = np.zeros((size, size)) if method == "gram" else np.zeros((0, size))
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        for block in make_blocks(X, y, weights, shift, stacked=None if method == "gram" else size):
            if method == "gram":
                matrix += block.T @ block
            else:
                matrix = stack_qr(matrix, block)
        check = matrix.diagonal() if method == "gram" else (matrix * matrix).sum(axis=0)
        if not np.isfinite(check).all() or not np.isfinite(shift).all():
            refuse(X, y)
    total = float(len(y)) if weights is None else float(weights.sum())
    return Moments(shift, total, matrix)


def refuse(X: Array, y: Array) -> None:
    """Say what is wrong with data whose sums of squares are not finite."""
    for name, array in (("X", X), ("y", y)):
        validation.check_finite(name, array)
        validation.check_mean_square(name, array)
    raise ValueError("X, y and sample_weight must have weighted squares in the range of float64; rescale them")


def rows_per_block(X: Array) -> int:
    """Return how many rows of X make a block."""
    return max(LEAST_BLOCK_ROWS, BLOCK_ELEMENTS // (X.shape[1] + 2))


def make_blocks(X: Array, y: Array, weights: Array | None, shift: Array, stacked: int | None) -> Iterator[Array]:
    """Yield √s·[1, x − c, y − c] of blocks of rows, in one buffer and in the order of X.

    For a QR, `stacked` columns make it worth to have blocks of several times as many rows.
    """
    rows = rows_per_block(X) if stacked is None else max(rows_per_block(X), 4 * stacked)
    buffer = np.empty((min(rows, len(y)), X.shape[1] + 2), order="F" if X.flags.f_contiguous else "C")
    for start in range(0, len(y), rows):
        part = slice(start, min(start + rows, len(y)))
        block = buffer[: part.stop - start]
        block[:, 0] = 1.0
        np.subtract(X[part], shift[:-1], out=block[:, 1:-1])
        np.subtract(y[part], shift[-1], out=block[:, -1])
        if weights is not None:
            block *= np.sqrt(weights[part])[:, np.newaxis]
        yield block


def stack_qr(R: Array, rows: Array) -> Array:
    """Return the R of a QR of the rows of both."""
    return np.asarray(np.linalg.qr(np.concatenate([R, rows]), mode="r"))


def add_moments(a: Moments, b: Moments, method: str) -> Moments:
    """Return the moments of the rows of both, about the shift of the first."""
    change = b.moved_to(a.shift)
    if method == "gram":
        return Moments(a.shift, a.total + b.total, a.matrix + change.T @ b.matrix @ change)
    return Moments(a.shift, a.total + b.total, stack_qr(a.matrix, b.matrix @ change))


def finish(moments: Moments, method: str) -> Array | None:
    """Return the centred rows R, or None where a Cholesky factor would have lost digits."""
    return finish_gram(moments) if method == "gram" else finish_qr(moments)


def finish_gram(moments: Moments) -> Array | None:
    """Return the Cholesky factor of the centred sums of products; None if it does not exist or lost digits."""
    sums = moments.matrix[0, 1:]
    centred = moments.matrix[1:, 1:] - np.outer(sums, sums / moments.total)
    scale = np.sqrt(np.maximum(centred.diagonal(), 0.0))
    if not scale.all():  # a constant column
        return None
    try:
        factor = np.linalg.cholesky(centred / scale / scale[:, np.newaxis])
    except np.linalg.LinAlgError:
        return None
    # Each diagonal entry squared is what earlier columns leave open of a variance of 1; the shift may be far off too.
    pivots = factor.diagonal() ** 2 * (centred.diagonal() / moments.matrix.diagonal()[1:])
    return factor.T * scale if pivots.min() >= LEAST_PIVOT else None


def finish_qr(moments: Moments) -> Array:
    """Return the rows of R below the first, which alone has to do with the column of ones."""
    return moments.matrix[1:, 1:]


def make_problem(moments: Moments, rows: Array, fit_intercept: bool, alpha: float) -> tuple[Array, Array]:
    """Return X_small and y_small from the means and the centred rows."""
    total = moments.total
    means = moments.shift + moments.matrix[0, 1:] / moments.matrix[0, 0]
    if alpha > 0:
        n_features = rows.shape[1] - 1
        penalty = np.eye(n_features, n_features + 1) * np.sqrt(total * alpha)
        rows = stack_qr(rows, penalty)
    small = np.empty((len(rows) + 1, rows.shape[1] + 1))
    small[0, 0], small[0, 1:] = 1.0, means
    small[0] *= np.sqrt(total)
    small[1:, 0], small[1:, 1:] = 0.0, rows
    small *= np.sqrt(len(small) / total)
    return np.ascontiguousarray(small[:, 1 - fit_intercept : -1]), small[:, -1].copy()


# Seconds, measured on one core of the development machine (benchmarks/compression_costs.py). Only their ratios decide.
DIRECT_ELEMENT = 2.5e-10  # of an epoch, for each element of X
DIRECT_EPOCH = 4e-8
SMALL_ELEMENT = 2.0e-10  # of an epoch on the compressed problem, for each of its elements
SMALL_EPOCH = 4e-8
GRAM_PRODUCT = 3e-11  # of compressing, for each element and column
GRAM_ELEMENT = 1e-9  # and for each element
GRAM_CALL = 1.2e-4
LEAST_GAIN = 2.0  # how many times faster compression must look, since it may turn out to need a QR


def decide(compress: object, shape: tuple[int, ...], epochs: int, *, named: bool, batches: bool) -> tuple[bool, str]:
    """Return whether to compress, and why, for the user to read.

    Parameters
    ----------
    compress : {"auto", True, False}
        What the user asked for.
    shape : (n_samples, n_features)
        The shape of X.
    epochs : int
        How many epochs are asked for.
    named : bool
        Whether the user named a backend.
    batches : bool
        Whether there are mini-batches.
    """
    asked = validation.check_choice("compress", compress, ("auto", True, False))
    if asked != "auto":
        return asked, f"compress={asked} was asked for"
    if batches:
        return False, "mini-batches need the rows of the data"
    if named:
        return False, "a backend was named, to be used on the data"
    n, p = shape
    if n <= p + 2:
        return False, "the data have no more rows than a compressed problem"
    direct = epochs * (DIRECT_EPOCH + DIRECT_ELEMENT * n * p)
    once = GRAM_CALL + n * p * (GRAM_ELEMENT + GRAM_PRODUCT * p)
    small = once + epochs * (SMALL_EPOCH + SMALL_ELEMENT * (p + 2) * (p + 1))
    gain = direct / small
    if gain < LEAST_GAIN:
        return False, f"{epochs} epochs on the data take an estimated {gain:.2g} times as long as with compression"
    return True, f"{epochs} epochs on the data would take an estimated {gain:.2g} times as long"
