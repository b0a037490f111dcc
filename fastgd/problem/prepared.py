"""What a descent starts from: the problem for the kernels, its coordinates, its ridge and its curvature."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from fastgd.inputs.arrays import Array
from fastgd.problem.curvature import Curvature


class PrepareOptions(Protocol):
    """The options that preparing a problem depends on, as `fastgd.descent.options.DescentOptions` has them."""

    @property
    def fit_intercept(self) -> bool: ...  # noqa: D102
    @property
    def alpha(self) -> float: ...  # noqa: D102
    @property
    def standardize(self) -> bool: ...  # noqa: D102
    @property
    def compress(self) -> bool | str: ...  # noqa: D102
    @property
    def batch_size(self) -> int | None: ...  # noqa: D102
    @property
    def backend(self) -> str: ...  # noqa: D102
    @property
    def backend_named(self) -> bool: ...  # noqa: D102

    def choose_compression(self, shape: tuple[int, ...]) -> tuple[bool, str]:
        """Return whether to compress X of this shape, and why."""
        ...


class Source(Protocol):
    """Rows, wherever they are, that problems can be prepared from.

    Attributes
    ----------
    n_features, n_targets : int
        The numbers of columns of X and y.
    features, target : list of str, str, or None
        The names of the columns of X, and of y.
    """

    @property
    def n_features(self) -> int: ...  # noqa: D102
    @property
    def n_targets(self) -> int: ...  # noqa: D102
    @property
    def features(self) -> list[str] | None: ...  # noqa: D102
    @property
    def target(self) -> str | None: ...  # noqa: D102

    def prepare(self, options: PrepareOptions) -> Iterator["Prepared"]:
        """Yield one prepared problem for each target; the rows are read once, before the first."""
        ...


@dataclass(frozen=True, slots=True)
class Problem:
    """The arrays that a kernel descends on.

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
        Subtracted from the columns; zeros without an intercept, which alone can make up for them.
    scales : ndarray of shape (n_features,)
        Divisors of the columns.
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
        with np.errstate(over="ignore", invalid="ignore"):  # the first cost shows it
            scaled = coef * self.scales
            return np.concatenate([[weights[0] + self.means @ coef], scaled]) if self.intercept else scaled

    def gradient_to_data(self, gradient: Array) -> Array:
        """Return the gradient of J by the weights in the units of the data: the transpose of `from_data`."""
        scaled = gradient[self.intercept :] * self.scales
        return np.concatenate([gradient[:1], scaled + self.means * gradient[0]]) if self.intercept else scaled


@dataclass(frozen=True, slots=True)
class Prepared:
    """One target of a source, ready for the kernels.

    Attributes
    ----------
    problem : Problem
        What the kernels descend on, the rows of a ridge included.
    rows : Problem
        The same without the rows of a ridge, for mini-batches.
    penalty : ndarray of shape (n_features,)
        The ridge's penalty of each coefficient, in the coordinates of the descent.
    coordinates : Coordinates or None
        The coordinates of the descent; None where they are the data's.
    fit_intercept : bool
        Whether weights begin with an intercept.
    compressed : bool
        Whether the problem is compressed.
    variance : float
        The weighted variance of y; 0 where y is constant up to its rounding.
    message : str
        Why the problem is compressed, or not.
    backend : str or None
        The only backend that can descend on this problem; None where all can.
    curvature : Curvature
        The curvature of J on the problem, computed when it is asked for.
    """

    problem: Problem
    rows: Problem
    penalty: Array
    coordinates: Coordinates | None
    fit_intercept: bool
    compressed: bool
    variance: float
    message: str
    backend: str | None = None
    curvature: Curvature = field(init=False)

    def __post_init__(self) -> None:
        curvature = Curvature(self.problem.X, self.problem.intercept, self.noise)
        object.__setattr__(self, "curvature", curvature)  # the dataclass is frozen

    @property
    def noise(self) -> float:
        """Return the largest abs(mean)/scale of a column: how many times its own rounding centring has left in it."""
        if self.coordinates is None:
            return 0.0
        return float(np.max(np.abs(self.coordinates.means) / self.coordinates.scales))

    @property
    def explicit(self) -> bool:
        """Return whether column 0 of the problem's X stands for the intercept."""
        return self.fit_intercept and not self.problem.intercept

    def to_data(self, weights: Array) -> Array:
        """Return weights in the units of the data."""
        return self.coordinates.to_data(weights) if self.coordinates else weights

    def from_data(self, weights: Array) -> Array:
        """Return weights in the coordinates of the descent."""
        return self.coordinates.from_data(weights) if self.coordinates else weights

    def without_ridge(self, cost: float, gradient: Array, weights: Array) -> tuple[float, Array]:
        """Return cost and gradient without the ridge, the gradient by weights in the units of the data.

        All arguments are in the coordinates of the descent, with the ridge.
        """
        if self.penalty.any():
            first = int(self.fit_intercept)
            coef = weights[first:]
            cost = max(cost - 0.5 * float(self.penalty @ (coef * coef)), 0.0)
            gradient = gradient.copy()
            gradient[first:] -= self.penalty * coef
        return cost, self.coordinates.gradient_to_data(gradient) if self.coordinates else gradient
