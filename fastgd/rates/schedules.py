"""Schedules by name, the rates of a schedule on a spectrum, and the epochs after which a run of rates may be judged."""

from collections.abc import Callable
from dataclasses import dataclass
from math import log
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike

from fastgd.inputs.arrays import EPSILON, Array
from fastgd.inputs.options import check_rates
from fastgd.rates.chebyshev import CYCLE_ERROR, chebyshev
from fastgd.rates.decays import constant, exponential_decay, inverse_scaling, largest_stable_rate, step_decay
from fastgd.rates.eigenvalues import MOST_EIGENVALUES, eigenvalues
from fastgd.rates.needs import find_need
from fastgd.rates.silver import silver

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
SLACK = 1e-9  # relative rounding error of a bound that must not count as a rise
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
    """The rates of a run, and how far they may amplify an error on the way.

    Attributes
    ----------
    values : ndarray of shape (epochs,), float64
        The rate of each epoch.
    bound : ndarray of shape (epochs,), float64, or None
        The logarithm of the largest factor by which the epochs up to and with each multiply an error along any
        eigenvector. None where no epoch can amplify an error.
    """

    values: Array
    bound: Array | None = None

    @property
    def constant(self) -> bool:
        """Return whether all rates are the same: a stable constant rate never raises the cost."""
        return is_constant(self.values)

    def ends(self, check_every: int) -> list[int]:
        """Return the epochs after which the run is judged, the last epoch included.

        Where no epoch amplifies an error, these are the multiples of `check_every`. Else they are epochs whose bound is
        no larger than any before, so that no error, and no cost, is larger than at the start: of these the last before
        the bound rises, the first after it has fallen by a factor of 1e-4, and the first at or after each multiple of
        `check_every`. After the last of them no later epoch takes back what is amplified, and every multiple of
        `check_every` counts.
        """
        epochs = len(self.values)
        if self.bound is None:
            return [*range(check_every, epochs, check_every), epochs]
        lowest = np.minimum.accumulate(np.append(0.0, self.bound))
        settled = np.flatnonzero(self.bound <= lowest[:-1] + SLACK)
        rises = np.append(self.bound[1:] > self.bound[:-1] + SLACK, True)[settled]
        found, before, due = [], 0.0, check_every
        for k, rise in zip(settled.tolist(), rises.tolist(), strict=True):
            epoch, bound = k + 1, float(self.bound[k])
            if rise or bound <= before + log(CYCLE_ERROR) or epoch >= due:
                found.append(epoch)
                before, due = bound, (epoch // check_every + 1) * check_every
        first = found[-1] if found else 0
        rest = range((first // check_every + 1) * check_every, epochs, check_every)
        return [*found, *rest, *([epochs] if first < epochs else [])]


def judge_rates(values: Array, curvature: Spectrum, trace: float) -> Rates:
    """Return rates with the bound of what they amplify on a spectrum.

    The bound depends on nothing but the rates and the spectrum, so the same rates are judged alike whether they come by
    name, as a function or as an array.

    Parameters
    ----------
    values : ndarray of shape (epochs,)
        The rates.
    curvature : Spectrum
        The curvature of the problem.
    trace : float
        The trace of the Hessian. No eigenvalue exceeds it, so short rates spare the search for the largest.
    """
    longest = float(values.max())
    if is_constant(values) or longest * trace <= 2 or longest <= largest_stable_rate(curvature.smoothness):
        return Rates(values)
    spectrum = curvature.sample()
    return Rates(values, bound_amplification(values, spectrum)) if len(spectrum) else Rates(values)


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
