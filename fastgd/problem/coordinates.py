"""Coordinates of the weights that a descent may use: scaled and centred columns, or whitened directions."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import ldexp, sqrt

import numpy as np

from fastgd.inputs.arrays import Array
from fastgd.problem.moments import Summary, are_zero


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """The arrays that a kernel descends on.

    Attributes
    ----------
    X, y : ndarray of shape (m, columns), (m,) or (m, k)
        Arrays that the kernels accept; several targets are the columns of y.
    intercept : bool
        True if a column of ones in front of X is implied.
    """

    X: Array
    y: Array
    intercept: bool


@dataclass(frozen=True, slots=True, eq=False)
class ScaledCoordinates:
    """Centred and scaled coordinates of the weights: x·coef = (x − means)/scales·coef′ + means·coef.

    Attributes
    ----------
    means : ndarray of shape (n_features,)
        The numbers subtracted from the columns. Only an intercept can absorb them: without one, they are zeros.
    scales : ndarray of shape (n_features,)
        The numbers that divide the columns.
    intercept : bool
        True if the weights begin with an intercept.
    n_samples : int
        The number of rows, whose rounding errors add up.
    """

    means: Array
    scales: Array
    intercept: bool
    n_samples: int

    @property
    def noise(self) -> float:
        """Return the rounding error of standardized columns, in EPSILON: the largest abs(mean)/scale, or √n_samples."""
        return max(float(np.max(np.abs(self.means) / self.scales)), sqrt(self.n_samples))

    @property
    def magnitudes(self) -> Array:
        """Return the root mean square of each column, or, with a ridge, a little more."""
        return np.hypot(self.means, self.scales)

    amplification = 1.0  # the loop has shown that its rates fit the least singular value

    def to_data(self, weights: Array) -> Array:
        """Return weights in the units of the data."""
        coef = (weights[self.intercept :].T / self.scales).T
        return np.concatenate([[weights[0] - self.means @ coef], coef]) if self.intercept else coef

    def from_data(self, weights: Array) -> Array:
        """Return weights in these coordinates."""
        coef = weights[self.intercept :]
        with np.errstate(over="ignore", invalid="ignore"):  # the first cost is then not finite
            scaled = (coef.T * self.scales).T
            return np.concatenate([[weights[0] + self.means @ coef], scaled]) if self.intercept else scaled

    def gradient_to_data(self, gradient: Array) -> Array:
        """Return the gradient by the weights in the units of the data: multiply by the transpose of `from_data`."""
        scaled = (gradient[self.intercept :].T * self.scales).T
        if not self.intercept:
            return scaled
        return np.concatenate([gradient[:1], scaled + np.multiply.outer(self.means, gradient[0])])


@dataclass(frozen=True, slots=True, eq=False)
class WhitenedCoordinates:
    """Coordinates of the directions that the data determine, in which the Hessian of J is the identity.

    Attributes
    ----------
    means : ndarray of shape (n_features,)
        Subtracted from the columns; zeros without an intercept.
    to_whitened : ndarray of shape (r, n_features)
        Makes whitened coordinates of coefficients; what the data do not determine is lost.
    to_coef : ndarray of shape (n_features, r)
        Makes coefficients of whitened coordinates: those of least norm. Empty if `gram_inverse` does.
    gram_inverse : ndarray of shape (r, r) or None
        The inverse of G = to_whitened·to_whitenedᵀ: the coefficients of least norm are to_whitenedᵀ·G⁻¹·z.
    scales : ndarray of shape (n_features,)
        The norm of each column of `to_whitened`: the deviation of a column of X, or, with a ridge, a little more.
    amplification : float
        A bound of the reciprocal of the smallest singular value of the standardized columns.
    intercept : bool
        True if weights begin with an intercept.
    solve : callable or None
        Makes coefficients of least norm of whitened coordinates, in place of the matrices.
    """

    means: Array
    to_whitened: Array
    to_coef: Array
    gram_inverse: Array | None
    scales: Array
    amplification: float
    intercept: bool
    solve: Callable[[Array], Array] | None = None

    noise = 0.0  # directions of rounding errors are left out

    @property
    def rank(self) -> int:
        """Return the number of eigenvalues of the Hessian that are not zero: all are 1."""
        return self.intercept + len(self.to_whitened)

    @property
    def magnitudes(self) -> Array:
        """Return the root mean square of each column, or, with a ridge, a little more."""
        return np.hypot(self.means, self.scales)

    def find_coef(self, whitened: Array) -> Array:
        """Return the coefficients of least norm; a second product takes off the rounding of the first."""
        coef = self._invert(whitened)
        coef += self._invert(whitened - self.to_whitened @ coef)
        return coef

    def _invert(self, whitened: Array) -> Array:
        """Return the coefficients of least norm, up to the rounding of the inverse."""
        if self.solve is not None:
            return self.solve(whitened)
        if self.gram_inverse is None:
            return self.to_coef @ whitened
        # A power of two near the root of the inverse keeps the products in the range of float64, and changes no digit.
        root = ldexp(1.0, int(np.frexp(self.gram_inverse.diagonal().max(initial=0.0))[1]) // 2)
        return root * (self.to_whitened.T @ (self.gram_inverse @ (whitened / root)))

    def to_data(self, weights: Array) -> Array:
        """Return weights in the units of the data."""
        first = int(self.intercept)
        coef = self.find_coef(weights[first : self.rank])
        if not first:
            return coef
        data = np.empty((1 + len(coef), *coef.shape[1:]))
        data[0], data[1:] = weights[0] - self.means @ coef, coef
        return data

    def from_data(self, weights: Array) -> Array:
        """Return weights in these coordinates."""
        first, rank = int(self.intercept), self.rank
        coef = weights[first:]
        whitened = np.zeros((rank or 1, *weights.shape[1:]))  # a problem has one column at least
        with np.errstate(over="ignore", invalid="ignore"):  # if they overflow, the first cost shows it
            np.matmul(self.to_whitened, coef, out=whitened[first:rank])
            if first:
                whitened[0] = weights[0] + self.means @ coef
        return whitened

    def gradient_to_data(self, gradient: Array) -> Array:
        """Return the gradient of J by the weights in the units of the data: the transpose of `from_data`."""
        first = int(self.intercept)
        moved = np.empty((first + self.to_whitened.shape[1], *gradient.shape[1:]))
        np.matmul(self.to_whitened.T, gradient[first : self.rank], out=moved[first:])
        if first:
            moved[0] = gradient[0]
            moved[1:] += self.means * gradient[0] if gradient.ndim == 1 else np.multiply.outer(self.means, gradient[0])
        return moved


Coordinates = ScaledCoordinates | WhitenedCoordinates


def scale_penalty(alpha: float, n_features: int, coordinates: ScaledCoordinates | None) -> Array:
    """Return the penalty of each coefficient in the coordinates of the descent; alpha is in the units of the data."""
    if coordinates is None or alpha == 0:
        return np.full(n_features, alpha)
    penalty: Array = alpha / coordinates.scales / coordinates.scales
    return penalty


def standardize_rows(problem: Problem, sample_weight: Array | None, alpha: float) -> tuple[Problem, ScaledCoordinates]:
    """Return a problem whose columns have mean 0 and, with the ridge, mean square 1; and its coordinates.

    It holds a float64 copy of X. Without an intercept, columns are only scaled. Rows of weight zero have no influence,
    even if their values are huge.
    """
    X = problem.X
    counts = np.ones(len(X)) if sample_weight is None else sample_weight / sample_weight.sum()
    total = counts.sum()
    means = np.zeros(X.shape[1])
    moved = X.astype(np.float64)
    if sample_weight is not None:
        moved[counts == 0] = 0.0
    if problem.intercept:
        for _ in range(2):  # the second time takes off the rounding error of the first mean
            rest = counts @ moved / total
            means += rest
            moved -= rest
    squares = ("ij,ij->j",) if sample_weight is None else ("i,ij,ij->j", counts)
    scales = choose_scales(np.einsum(*squares, moved, moved) / total, np.abs(means), alpha)
    moved /= scales
    return Problem(moved, problem.y, problem.intercept), ScaledCoordinates(means, scales, problem.intercept, len(X))


def standardize_summary(summary: Summary, fit_intercept: bool, alpha: float) -> tuple[Summary, ScaledCoordinates]:
    """Return the summary of the rows in such coordinates, and the coordinates."""
    p, means, rows = summary.n_features, summary.means.copy(), summary.rows.copy()
    taken = means[:p].copy() if fit_intercept else np.zeros(p)
    means[:p] -= taken
    squares = np.square(rows[:, :p]).sum(axis=0) / summary.total + means[:p] ** 2
    scales = choose_scales(squares, np.abs(summary.means[:p]), alpha)
    means[:p] /= scales
    rows[:, :p] /= scales
    moved = replace(summary, means=means, rows=rows)
    return moved, ScaledCoordinates(taken, scales, fit_intercept, summary.n_samples)


def choose_scales(mean_squares: Array, magnitudes: Array, alpha: float = 0.0) -> Array:
    """Return the root of each mean square plus alpha, the ridge's share of the curvature; 1 where that is zero."""
    scales = np.sqrt(np.where(are_zero(mean_squares, magnitudes), 0.0, mean_squares) + alpha)
    return np.where(scales == 0, 1.0, scales)
