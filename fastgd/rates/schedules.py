"""Schedules by name, the rates of a schedule on a spectrum, and the epochs after which a run of rates may be judged."""

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
from fastgd.rates.eigenvalues import MOST_EIGENVALUES, eigenvalues, plan
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
SLACK = 1e-9  # relative rounding error of rates and of bounds
SQRT_TWO = sqrt(2)
LARGEST_COUNT = 1e9  # of eigenvalues
CHUNK = 1 << 20  # factors that are computed at a time


class Spectrum(Protocol):
    """The curvature of a problem, as `fastgd.problem.curvature.Curvature` has it."""

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
    """The rates of a run, and where it may be judged.

    Attributes
    ----------
    values : ndarray of shape (epochs,), float64
        The rate of each epoch.
    ends : sequence of int or None
        The numbers of epochs after which the run may be judged, in ascending order up to all of them; None for any,
        where no epoch amplifies an error. Between two ends costs go up and down.
    """

    values: Array
    ends: Sequence[int] | None = None

    @property
    def constant(self) -> bool:
        """Return whether all rates are the same: a stable constant rate never raises the cost."""
        return is_constant(self.values)


def judge_rates(values: Array, curvature: Spectrum, trace: float, check_every: int) -> Rates:
    """Return the rates with the ends that follow from the rates and the spectrum.

    Nothing else counts: the same rates are judged alike whether they come by name, as a function or as an array. Rates
    that a schedule with cycles makes of this spectrum are judged where its cycles end. Other rates are judged where
    they have amplified no error, or where no later epoch takes back what they have amplified.

    Parameters
    ----------
    values : ndarray of shape (epochs,)
        The rates.
    curvature : Spectrum
        The curvature of the problem.
    trace : float
        The trace of the Hessian. No eigenvalue exceeds it, so short rates spare the search for the largest.
    check_every : int
        Epochs between two checks.
    """
    if is_constant(values):
        return Rates(values, range(1, len(values) + 1) if solves_at_once(float(values[0]), curvature, trace) else None)
    if np.any(values[1:] > values[:-1]):  # the rates of a schedule with cycles go up and down
        cycles = find_cycles(values, curvature)
        if cycles is not None:
            return Rates(values, list(accumulate(cycles)))
    longest = float(values.max())
    if longest * trace <= 2 or longest <= largest_stable_rate(curvature.smoothness):
        return Rates(values)
    spectrum = curvature.sample()
    bound = bound_amplification(values, spectrum) if len(spectrum) else np.zeros(len(values))
    return Rates(values, find_ends(bound, check_every))


def solves_at_once(rate: float, curvature: Spectrum, trace: float) -> bool:
    """Return True if all eigenvalues are 1/rate, so that one epoch removes the whole error."""
    count = rate * trace  # then the number of eigenvalues: other products spare the search for the extremes
    if not 0.5 < count < LARGEST_COUNT or not isclose(count, round(count), rel_tol=SLACK):
        return False
    return all(isclose(rate * value, 1.0, rel_tol=SLACK) for value in curvature.extremes)


def find_cycles(values: Array, curvature: Spectrum) -> list[int] | None:
    """Return the lengths of the cycles of rates that a schedule makes of this spectrum; None for other rates."""
    epochs, extremes = len(values), curvature.extremes
    first = values[0] * extremes[0]  # tells the schedules with cycles apart
    if isclose(first, 1.0, rel_tol=SLACK):
        if curvature.rank_bound > MOST_EIGENVALUES:
            return None
        found, cycles = plan(epochs, curvature.eigenvalues)
    elif isclose(first, SQRT_TWO, rel_tol=SLACK):
        found, cycles = silver(epochs, *extremes), silver_cycles(epochs, *extremes)
    else:
        found, cycles = chebyshev(epochs, *extremes), chebyshev_cycles(epochs, *extremes)
    return cycles if np.allclose(values, found, rtol=SLACK, atol=0) else None


def find_ends(bound: Array, check_every: int) -> list[int]:
    """Return where a run may be judged whose errors are multiplied by exp(bound) or less.

    These are the first epochs at or after each multiple of `check_every` at which no error, and so no cost, is larger
    than at the start or at any end before; after the last such epoch, the multiples themselves.
    """
    lowest = np.minimum.accumulate(np.append(0.0, bound))
    fallen = np.flatnonzero(bound <= lowest[:-1] + SLACK) + 1
    fallen = np.append(fallen, np.arange(fallen[-1] + 1 if len(fallen) else 1, len(bound) + 1))
    multiples = np.arange(check_every, len(bound) + 1, check_every)
    return np.unique(np.append(fallen[np.searchsorted(fallen, multiples)], len(bound))).tolist()


def bound_amplification(values: Array, spectrum: Array) -> Array:
    """Return the logarithm of max |∏(1 − rate·λ)| over the spectrum, after each epoch.

    A factor counts as no less than the rounding error of its update, which later epochs may amplify.
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
    """Return True if a rate above 2/smoothness follows a smaller one, as in cycles that take back what they amplify."""
    longer = values[1:] > values[:-1]
    return bool(np.any(longer & (values[1:] > largest_stable_rate(smoothness))))


def is_constant(values: Array) -> bool:
    """Return True if all rates are the same."""
    return bool(values[0] == values[-1] and values.min() == values.max())


def find_schedule(learning_rate: Any) -> Schedule | None:
    """Return the schedule that was named or given; None for rates that are numbers."""
    if isinstance(learning_rate, str):
        if learning_rate not in SCHEDULES:
            names = ", ".join(map(repr, SCHEDULES))
            expected = f"a number, an array, a callable or one of {names}"
            raise ValueError(f"learning_rate must be {expected}; got {learning_rate!r}")
        return SCHEDULES[learning_rate]
    return learning_rate if callable(learning_rate) else None


def make_rates(schedule: Schedule, epochs: int, curvature: Spectrum, limit: Callable[[float], float]) -> Array:
    """Return the rates of a schedule on a spectrum.

    Parameters
    ----------
    schedule : callable
        The schedule.
    epochs : int
        The number of rates.
    curvature : Spectrum
        The curvature of the problem.
    limit : callable
        Returns the smoothness that limits the rates, for that of all rows.
    """
    need = find_need(schedule)
    if need == "spectrum":
        if curvature.rank_bound <= MOST_EIGENVALUES:
            spectrum = curvature.eigenvalues
            return check_rates(schedule(epochs, spectrum) if len(spectrum) else constant(epochs, 0.0), epochs)
        schedule = chebyshev  # as good where eigenvalues are many, without computing all of them
    smoothness, convexity = (curvature.smoothness, 0.0) if need == "smoothness" else curvature.extremes
    return check_rates(schedule(epochs, limit(smoothness), convexity), epochs)
