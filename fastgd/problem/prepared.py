"""A problem that is ready for a descent: its arrays, its coordinates, its ridge and its curvature."""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import sqrt
from typing import Any, Protocol

import numpy as np

from fastgd.inputs.arrays import Array
from fastgd.problem.coordinates import Coordinates, Problem, WhitenedCoordinates
from fastgd.problem.curvature import Curvature
from fastgd.problem.moments import Summary
from fastgd.problem.sparse_rows import SparseRows
from fastgd.problem.whitening import whiten_summary


class PrepareOptions(Protocol):
    """The options that a source needs to prepare a problem; `fastgd.descent.options.DescentOptions` has them all."""

    @property
    def fit_intercept(self) -> bool: ...  # noqa: D102
    @property
    def alpha(self) -> float: ...  # noqa: D102
    @property
    def precondition(self) -> str: ...  # noqa: D102
    @property
    def compress(self) -> bool | str: ...  # noqa: D102
    @property
    def batch_size(self) -> int | None: ...  # noqa: D102
    @property
    def backend(self) -> str: ...  # noqa: D102
    @property
    def threads(self) -> int | None: ...  # noqa: D102

    def resolved(self, shape: tuple[int, ...], *, affordable: bool = True) -> "PrepareOptions":
        """Return the options with the coordinates that "auto" stands for, for an X of this shape.

        Where whitening is not affordable, "auto" stands for other coordinates.
        """
        ...

    def choose_compression(self, shape: tuple[int, ...], targets: int) -> tuple[bool, str]:
        """Return True to compress an X of this shape, with so many targets, else False, and the reason in words."""
        ...


class Source(Protocol):
    """Rows of data, in memory or elsewhere, from which problems are prepared.

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
    def target(self) -> Any: ...  # noqa: D102

    def prepare(self, options: PrepareOptions) -> "Prepared":
        """Read the rows once, and return the prepared problem of all targets."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """The problem of all targets of a source, ready for the kernels.

    Of several targets, the y of the problems have columns, and variance and doubtful part are arrays with an entry for
    each; of one target, y has one dimension, and they are numbers.

    Attributes
    ----------
    problem : Problem
        The problem that the kernels descend on, with the rows of the ridge.
    rows : Problem
        The problem without the rows of the ridge: mini-batches are taken from these rows.
    alpha : float
        The penalty of the ridge, in the units of the data.
    penalty : ndarray of shape (n_features,)
        The penalty of each coefficient, in the coordinates of the descent, that the rows lack: for mini-batches.
    coordinates : Coordinates or None
        The coordinates of the descent; None for those of the data.
    fit_intercept : bool
        True if the weights begin with an intercept.
    compressed : bool
        True if the problem is compressed.
    variance : float or ndarray of shape (n_targets,)
        The weighted variance of y; 0 if y is constant up to rounding.
    message : str
        The reason why the problem is compressed, or why not.
    summarize : callable or None
        Returns the summary of the rows, which tells the least cost; None if that takes too long.
    doubtful : float or ndarray of shape (n_targets,)
        The root of twice the part of J that only directions within the rounding of far columns could take off; the
        whitened coordinates leave them out.
    n_samples : int
        The number of rows of the data, those of weight 0 included.
    precondition : {"none", "standardize", "whiten"}
        The name of the coordinates.
    several : bool
        True if there are several targets.
    curvature : Curvature
        The curvature of J on the problem; it computes each part when that part is first read.
    """

    problem: Problem
    rows: Problem
    alpha: float
    penalty: Array
    coordinates: Coordinates | None
    fit_intercept: bool
    compressed: bool
    variance: Any
    message: str
    summarize: Callable[[], Summary] | None = None
    doubtful: Any = 0.0
    n_samples: int = field(kw_only=True)
    precondition: str = field(init=False)
    several: bool = field(init=False)
    curvature: Curvature = field(init=False)

    def __post_init__(self) -> None:
        name, noise, ones = "none", 0.0, None
        if isinstance(self.coordinates, WhitenedCoordinates):
            name, ones = "whiten", self.coordinates.rank
        elif self.coordinates is not None:
            name, noise = "standardize", self.coordinates.noise
        curvature = Curvature(self.problem.X, self.problem.intercept, noise, ones)
        object.__setattr__(self, "precondition", name)  # the dataclass is frozen
        object.__setattr__(self, "several", self.problem.y.ndim == 2)
        object.__setattr__(self, "curvature", curvature)

    def find_least_cost(self) -> Any:
        """Return the least value of J, with the ridge, of each target; None if finding it takes too long.

        Directions within the rounding of far columns count as zero in whitened coordinates, and as data elsewhere.
        """
        small, doubtful = self.problem, None
        if self.precondition != "whiten":
            if self.summarize is None or self.trusts_estimates:
                return None
            small, doubtful, _ = whiten_summary(self.summarize(), self.fit_intercept, self.alpha)
        rest: Any = small.y[-1] ** 2 / len(small.y)  # no direction reaches the last row
        if doubtful is not None:
            rest = np.maximum(rest - doubtful**2, 0.0)
        return rest / 2 if self.several else rest.item() / 2

    @property
    def trusts_estimates(self) -> bool:
        """Return True if the curvature of sparse rows is well estimated; their least cost would take far longer."""
        return isinstance(self.problem.X, SparseRows) and self.curvature.settled

    @property
    def has_intercept_column(self) -> bool:
        """Return True if column 0 of the problem's X belongs to the intercept."""
        return self.fit_intercept and not self.problem.intercept

    def to_data(self, weights: Array) -> Array:
        """Return weights in the units of the data."""
        return self.coordinates.to_data(weights) if self.coordinates else weights

    def from_data(self, weights: Array) -> Array:
        """Return weights in the coordinates of the descent."""
        return self.coordinates.from_data(weights) if self.coordinates else weights

    def without_ridge(self, cost: Any, gradient: Array, weights: Array) -> tuple[Any, Array]:
        """Return cost and gradient without the ridge, the gradient by weights in the units of the data.

        Cost and gradient come in the coordinates of the descent, with the ridge; weights in the units of the data.
        """
        slope = self.coordinates.gradient_to_data(gradient) if self.coordinates else gradient.copy()
        if self.alpha > 0:
            coef = weights[int(self.fit_intercept) :]
            parts = sqrt(self.alpha) * coef  # their squares stay in the range of float64 where those of coef leave it
            squares = np.einsum("ij,ij->j", parts, parts) if self.several else float(parts @ parts)
            cost = np.maximum(cost - 0.5 * squares, 0.0)
            cost = cost if self.several else float(cost)
            slope[int(self.fit_intercept) :] -= self.alpha * coef
        return cost, slope
