"""Schedules by name, and the rates of a run with the epochs after which the run may be judged."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fastgd.inputs.arrays import EPSILON, Array
from fastgd.inputs.words import quote
from fastgd.rates.chebyshev import chebyshev
from fastgd.rates.decays import constant, exponential_decay, inverse_scaling, step_decay
from fastgd.rates.eigenvalues import eigenvalues
from fastgd.rates.silver import silver

Schedule = Callable[..., ArrayLike]  # of epochs, smoothness and convexity, or of epochs and spectrum

SCHEDULES: dict[str, Schedule] = {
    "auto": eigenvalues,  # a run takes others in whitened coordinates and for mini-batches: see descent/judging.py
    "constant": constant,
    "inverse_scaling": inverse_scaling,
    "step_decay": step_decay,
    "exponential_decay": exponential_decay,
    "silver": silver,
    "chebyshev": chebyshev,
    "eigenvalues": eigenvalues,
}
SLACK = 1e-9  # relative difference below which rates or bounds count as equal
CHUNK = 1 << 20  # the number of factors that are computed at once


@dataclass(frozen=True, slots=True, eq=False)
class Rates:
    """The rates of a run, and the epochs after which the run may be judged.

    Attributes
    ----------
    values : ndarray of shape (epochs,), float64
        The rate of each epoch.
    ends : sequence of int or None
        The numbers of epochs after which the run may be judged, in ascending order; the last is the number of all
        epochs. Between two ends, costs may go up and down. None if no epoch amplifies an error: the run may be judged
        after any epoch.
    constant : bool
        True if all rates are equal, and so above 0: a stable constant rate never raises the cost. Left out, it is
        found from the values.
    """

    values: Array
    ends: Sequence[int] | None = None
    constant: bool | None = None

    def __post_init__(self) -> None:
        values = self.values
        if self.constant is None:
            found = bool(values[0] == values[-1] and values.min() == values.max())
            object.__setattr__(self, "constant", found)  # the dataclass is frozen


def find_schedule(learning_rate: Any) -> Schedule | None:
    """Return the schedule with this name, or the given function; None for numbers."""
    if isinstance(learning_rate, str):
        if learning_rate not in SCHEDULES:
            names = ", ".join(map(repr, SCHEDULES))
            expected = f"a number, an array, a callable or one of {names}"
            raise ValueError(f"learning_rate must be {expected}; got {quote(learning_rate)}")
        return SCHEDULES[learning_rate]
    return learning_rate if callable(learning_rate) else None


def find_ends(bound: Array, check_every: int) -> list[int]:
    """Return the numbers of epochs after which a run may be judged, if exp(bound) bounds the growth of its errors.

    At a quiet epoch no error, and so no cost, is larger than at the start or at any earlier epoch. A run may be judged
    at the first quiet epoch at or after each multiple of `check_every`; after the last quiet epoch, at each multiple.
    """
    lowest = np.minimum.accumulate(np.append(0.0, bound))
    fallen = np.flatnonzero(bound <= lowest[:-1] + SLACK) + 1
    fallen = np.append(fallen, np.arange(fallen[-1] + 1 if len(fallen) else 1, len(bound) + 1))
    multiples = np.arange(check_every, len(bound) + 1, check_every)
    return np.unique(np.append(fallen[np.searchsorted(fallen, multiples)], len(bound))).tolist()


def bound_amplification(values: Array, spectrum: Array) -> Array:
    """Return the logarithm of the largest |∏(1 − rate·λ)| of the spectrum, after each epoch.

    The smallest factor is EPSILON: an update leaves a rounding error, which later epochs may amplify.
    """
    bound, logarithms = np.empty(len(values)), np.zeros(len(spectrum))
    rows = max(1, CHUNK // len(spectrum))
    for start in range(0, len(values), rows):
        part = slice(start, start + rows)
        with np.errstate(over="ignore"):  # an infinite factor is a bound too
            factors = np.abs(1 - np.multiply.outer(values[part], spectrum))
        sums = np.cumsum(np.log(np.maximum(factors, EPSILON)), axis=0) + logarithms
        bound[part], logarithms = sums.max(axis=1), sums[-1]
    return bound
