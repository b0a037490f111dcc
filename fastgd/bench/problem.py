"""The problem that contestants get, and the callables that they return."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from fastgd.inputs.arrays import Array

RATE = 1e-3  # the largest


class Problem(NamedTuple):
    """The data of one shape."""

    X: Array
    y: Array


def choose_rate(X: Array) -> float:
    """Return a rate well below 2/smoothness for standard normal data, whose largest singular value is about √n + √p.

    A descent that diverges would stop early, and its epochs could not be timed.

    Examples
    --------
    >>> import numpy as np
    >>> from fastgd.bench.problem import choose_rate
    >>> choose_rate(np.empty((1000, 20))), choose_rate(np.empty((2, 1922)))
    (0.001, 0.00048828125)
    """
    n_samples, n_features = X.shape
    return min(RATE, 0.5 / (1.0 + (n_features / n_samples) ** 0.5) ** 2)


@dataclass(frozen=True)
class Timed:
    """A contestant after its set-up.

    Attributes
    ----------
    run : callable
        Takes a number of epochs, performs them from weights of zero, and returns the weights `[intercept, coef…]`.
    idle : callable or None
        Takes a number of epochs and does the other work of `run`, whose time is taken off; None if there is none.
    """

    run: Callable[[int], Array]
    idle: Callable[[int], object] | None = None


def make_problem(n_samples: int, n_features: int, order: str = "C", dtype: str = "float64") -> Problem:
    """Return standard normal data with a known linear relation and noise.

    Examples
    --------
    >>> from fastgd.bench.problem import make_problem
    >>> make_problem(3, 2, order="F").X.flags.f_contiguous
    True
    """
    generator = np.random.default_rng(0)
    X = generator.standard_normal((n_samples, n_features))
    y = X @ np.linspace(1.0, 2.0, n_features) + 1.0 + generator.standard_normal(n_samples)
    return Problem(np.asarray(X, dtype=dtype, order="F" if order == "F" else "C"), y)
