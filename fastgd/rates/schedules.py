"""Schedules by name, the rates of a schedule for a problem, and the epochs after which a run may be judged."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import isclose, sqrt
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike

from fastgd.inputs.arrays import EPSILON, Array
from fastgd.inputs.options import check_rates
from fastgd.rates.chebyshev import chebyshev, chebyshev_cycles
from fastgd.rates.decays import constant, exponential_decay, inverse_scaling, largest_stable_rate, step_decay
from fastgd.rates.eigenvalues import MOST_EIGENVALUES, eigenvalues, rates_and_cycles
from fastgd.rates.needs import find_need
from fastgd.rates.silver import silver, silver_cycles

Schedule = Callable[..., ArrayLike]  # of epochs, smoothness and convexity, or of epochs and spectrum

SCHEDULES: dict[str, Schedule] = {
    "auto": constant,
    "constant": constant,
    "inverse_scaling": inverse_scaling,
    "step_decay": step_decay,
    "exponential_decay": exponential_decay,
    "silver": silver,
    "chebyshev": chebyshev,
    "eigenvalues": eigenvalues,
}
SLACK = 1e-9  # relative difference below which rates or bounds count as equal
SQRT_TWO = sqrt(2)
LARGEST_COUNT = 1e9  # of eigenvalues
CHUNK = 1 << 20  # the number of factors that are computed at once


class CurvatureLike(Protocol):
    """The attributes of `fastgd.problem.curvature.Curvature` that rates depend on."""

    @property
    def rank_bound(self) -> int: ...  # noqa: D102
    @property
    def smoothness(self) -> float: ...  # noqa: D102
    @property
    def extremes(self) -> tuple[float, float]: ...  # noqa: D102
    @property
    def eigenvalues(self) -> Array: ...  # noqa: D102
    def sample(self) -> Array: ...  # noqa: D102


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
    """

    values: Array
    ends: Sequence[int] | None = None

    @property
    def constant(self) -> bool:
        """Return True if all rates are equal: a stable constant rate never raises the cost."""
        return is_constant(self.values)


def add_ends(values: Array, curvature: CurvatureLike, trace: float, check_every: int) -> Rates:
    """Return the rates with the ends after which the run may be judged.

    The ends depend on the values and the curvature alone: the same rates get the same ends whether the user passes them
    by name, as a function or as an array. If a schedule with cycles has these values for this curvature, the ends are
    those of its cycles. Otherwise the ends are the epochs at which no error is amplified, and all checks after the last
    such epoch.

    Parameters
    ----------
    values : ndarray of shape (epochs,)
        The rates.
    curvature : CurvatureLike
        The curvature of the problem.
    trace : float
        The trace of the Hessian. No eigenvalue exceeds it; if the rates are short, smoothness is not computed.
    check_every : int
        The number of epochs between two checks.
    """
    if is_constant(values):
        return Rates(values, range(1, len(values) + 1) if solves_at_once(float(values[0]), curvature, trace) else None)
    if np.any(values[1:] > values[:-1]):  # as in all schedules with cycles
        cycles = find_cycles(values, curvature)
        if cycles is not None:
            return Rates(values, list(accumulate(cycles)))
    longest = float(values.max())
    if longest * trace <= 2 or longest <= largest_stable_rate(curvature.smoothness):
        return Rates(values)
    spectrum = curvature.sample()
    bound = bound_amplification(values, spectrum) if len(spectrum) else np.zeros(len(values))
    return Rates(values, find_ends(bound, check_every))


def solves_at_once(rate: float, curvature: CurvatureLike, trace: float) -> bool:
    """Return True if all eigenvalues are 1/rate, so that one epoch removes the whole error."""
    count = rate * trace  # the number of eigenvalues, if all are 1/rate; else a cheap reason to return False
    if not 0.5 < count < LARGEST_COUNT or not isclose(count, round(count), rel_tol=SLACK):
        return False
    return all(isclose(rate * value, 1.0, rel_tol=SLACK) for value in curvature.extremes)


def find_cycles(values: Array, curvature: CurvatureLike) -> list[int] | None:
    """Return the lengths of the cycles if the values are those of a schedule with cycles, else None."""
    epochs, extremes = len(values), curvature.extremes
    first = values[0] * extremes[0]  # 1 for eigenvalues, √2 for silver, another number for chebyshev
    if isclose(first, 1.0, rel_tol=SLACK):
        if curvature.rank_bound > MOST_EIGENVALUES:
            return None
        found, cycles = rates_and_cycles(epochs, curvature.eigenvalues)
    elif isclose(first, SQRT_TWO, rel_tol=SLACK):
        found, cycles = silver(epochs, *extremes), silver_cycles(epochs, *extremes)
    else:
        found, cycles = chebyshev(epochs, *extremes), chebyshev_cycles(epochs, *extremes)
    return cycles if np.allclose(values, found, rtol=SLACK, atol=0) else None


def find_ends(bound: Array, check_every: int) -> list[int]:
    """Return the numbers of epochs after which a run may be judged, if exp(bound) bounds the growth of its errors.

    For each multiple of `check_every`, that is the first epoch from there on at which no error, and so no cost, is
    larger than at the start or at any earlier epoch. After the last such epoch, it is the multiple itself.
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
        factors = np.abs(1 - np.multiply.outer(values[part], spectrum))
        sums = np.cumsum(np.log(np.maximum(factors, EPSILON)), axis=0) + logarithms
        bound[part], logarithms = sums.max(axis=1), sums[-1]
    return bound


def takes_long_steps(values: Array, smoothness: float) -> bool:
    """Return True if a rate above 2/smoothness follows a smaller one, as in the cycles of silver or Chebyshev rates."""
    longer = values[1:] > values[:-1]
    return bool(np.any(longer & (values[1:] > largest_stable_rate(smoothness))))


def is_constant(values: Array) -> bool:
    """Return True if all rates are equal."""
    return bool(values[0] == values[-1] and values.min() == values.max())


def find_schedule(learning_rate: Any) -> Schedule | None:
    """Return the schedule with this name, or the given function; None for numbers."""
    if isinstance(learning_rate, str):
        if learning_rate not in SCHEDULES:
            names = ", ".join(map(repr, SCHEDULES))
            expected = f"a number, an array, a callable or one of {names}"
            raise ValueError(f"learning_rate must be {expected}; got {learning_rate!r}")
        return SCHEDULES[learning_rate]
    return learning_rate if callable(learning_rate) else None


def schedule_rates(schedule: Schedule, epochs: int, curvature: CurvatureLike, limit: Callable[[float], float]) -> Array:
    """Return the rates of a schedule for a problem.

    Parameters
    ----------
    schedule : callable
        The schedule.
    epochs : int
        The number of rates.
    curvature : CurvatureLike
        The curvature of the problem.
    limit : callable
        Takes the smoothness of all rows, and returns the smoothness that limits the rates.
    """
    need = find_need(schedule)
    if need == "spectrum":
        if curvature.rank_bound <= MOST_EIGENVALUES:
            spectrum = curvature.eigenvalues
            return check_rates(schedule(epochs, spectrum) if len(spectrum) else constant(epochs, 0.0), epochs)
        schedule = chebyshev  # for many eigenvalues its rates are as good, and it does not compute them all
    smoothness, convexity = (curvature.smoothness, 0.0) if need == "smoothness" else curvature.extremes
    return check_rates(schedule(epochs, limit(smoothness), convexity), epochs)
