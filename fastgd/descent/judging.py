"""The rates of a run on one problem, and the epochs after which it may be judged, by the rates and the curvature."""

from collections.abc import Sequence
from functools import partial
from itertools import accumulate
from math import isclose, isfinite, sqrt
from typing import Any

import numpy as np

from fastgd.descent import minibatches
from fastgd.descent.options import DescentOptions
from fastgd.inputs.arrays import Array
from fastgd.inputs.options import check_rates
from fastgd.problem.curvature import Curvature
from fastgd.problem.prepared import Prepared
from fastgd.rates.chebyshev import chebyshev, plan_chebyshev
from fastgd.rates.decays import constant, find_need, inverse_scaling, largest_stable_rate
from fastgd.rates.eigenvalues import MOST_EIGENVALUES, eigenvalues, plan_eigenvalues
from fastgd.rates.schedules import SLACK, Rates, Schedule, bound_amplification, find_ends
from fastgd.rates.silver import plan_silver


def choose_rates(prepared: Prepared, options: DescentOptions, trace: float, batch_size: int | None) -> Rates:
    """Return the rates of the run, with the epochs after which it may be judged."""
    if prepared.precondition == "whiten" and batch_size is None and not options.rate_named:
        return Rates(np.ones(options.epochs), range(1, options.epochs + 1), constant=True)  # all eigenvalues are 1
    cycles, values = None, options.rates
    if values is None:
        values, cycles = schedule_rates(prepared, options, batch_size)
    if batch_size is None:
        return add_ends(values, cycles, prepared.curvature, trace, options.check_every)
    rates = Rates(values)
    if (cycles is not None and not rates.constant) or rises_above_stable(values, prepared.curvature):
        raise ValueError(
            f"learning_rate must have no long steps, rates that rise above 2/smoothness, with batch_size={batch_size}: "
            "batches have other eigenvalues than all rows; try 'inverse_scaling'"
        )
    return rates


def schedule_rates(
    prepared: Prepared, options: DescentOptions, batch_size: int | None
) -> tuple[Array, list[int] | None]:
    """Return the rates that the schedule makes for the curvature, and the lengths of its cycles if it tells them."""
    schedule, epochs, curvature = options.schedule, options.epochs, prepared.curvature
    assert schedule is not None  # where no rates were given
    if not options.rate_named:
        schedule = choose_schedule(prepared, batch_size)
    arguments: tuple[Any, ...]
    need = find_need(schedule)
    if need == "spectrum" and curvature.rank_bound > MOST_EIGENVALUES:
        schedule, need = chebyshev, "extremes"  # for many eigenvalues its rates are as good, and it needs only two
    if need == "spectrum":
        arguments = (curvature.eigenvalues,)
        if not len(curvature.eigenvalues):
            schedule, arguments = constant, (0.0,)
    else:
        smoothness, convexity = (curvature.smoothness, 0.0) if need == "smoothness" else curvature.extremes
        arguments = limit_smoothness(prepared, batch_size, smoothness), convexity
    plan = getattr(schedule, "plan", None)
    values, cycles = plan(epochs, *arguments) if plan else (schedule(epochs, *arguments), None)
    return check_rates(values, epochs), cycles


def choose_schedule(prepared: Prepared, batch_size: int | None) -> Schedule:
    """Return the schedule that "auto" stands for: the one with the fewest epochs, whose rates settle for batches."""
    if batch_size is not None:
        return inverse_scaling
    return constant if prepared.precondition == "whiten" else eigenvalues  # all eigenvalues are 1 there


def limit_smoothness(prepared: Prepared, batch_size: int | None, smoothness: float) -> float:
    """Return the smoothness that limits the rates: the given one of all rows, or the expected one of mini-batches."""
    return smoothness if batch_size is None else minibatches.expected_smoothness(prepared, batch_size, smoothness)


def rises_above_stable(values: Array, curvature: Curvature) -> bool:
    """Return True if a rate above 2/smoothness follows a smaller one, as in the cycles of silver or Chebyshev rates."""
    rising = values[1:][values[1:] > values[:-1]]
    return len(rising) > 0 and bool(rising.max() > largest_stable_rate(curvature.smoothness))


def add_ends(
    values: Array, cycles: Sequence[int] | None, curvature: Curvature, trace: float, check_every: int
) -> Rates:
    """Return the rates with the ends after which the run may be judged.

    The ends depend on the values and the curvature alone: the same rates get the same ends whether the user passes them
    by name, as a function or as an array. If a schedule with cycles has these values for this curvature, the ends are
    those of its cycles. Otherwise the ends are the epochs at which no error is amplified, and all checks after the last
    such epoch.

    Parameters
    ----------
    values : ndarray of shape (epochs,)
        The rates.
    cycles : sequence of int or None
        The lengths of the rates' cycles, if the schedule has told them.
    curvature : Curvature
        The curvature of the problem.
    trace : float
        The trace of the Hessian. No eigenvalue exceeds it; if the rates are short, no eigenvalue is computed.
    check_every : int
        The number of epochs between two checks.
    """
    rates, longest = Rates(values), float(values.max())
    if rates.constant:
        return Rates(values, range(1, len(values) + 1)) if solves_at_once(longest, curvature, trace) else rates
    if longest * trace < 2 - SLACK:  # 2 is the longest silver step for a single eigenvalue
        return rates
    if np.any(values[1:] > values[:-1]):  # as in all schedules with cycles
        cycles = cycles or find_cycles(values, curvature)
        if cycles is not None:
            return Rates(values, list(accumulate(cycles)))
    if longest <= largest_stable_rate(curvature.smoothness):
        return rates
    spectrum = curvature.sample()
    bound = bound_amplification(values, spectrum) if len(spectrum) else np.zeros(len(values))
    return Rates(values, find_ends(bound, check_every))


def solves_at_once(rate: float, curvature: Curvature, trace: float) -> bool:
    """Return True if all eigenvalues are 1/rate, so that one epoch removes the whole error."""
    if not curvature.exact:
        return False  # an estimate of the extremes costs products with X, and cannot show that they are equal
    count = rate * trace  # the number of eigenvalues, if all are 1/rate; else a cheap reason to return False
    if not isfinite(count) or abs(count - round(count)) > SLACK * count:
        return False
    return all(isclose(rate * value, 1.0, rel_tol=SLACK) for value in curvature.extremes)


def find_cycles(values: Array, curvature: Curvature) -> list[int] | None:
    """Return the lengths of the cycles if the values are those of a schedule with cycles, else None."""
    epochs, extremes = len(values), curvature.extremes
    first = values[0] * extremes[0]  # √2 for silver; for eigenvalues 1, but for the error of an estimate
    plans = [partial(plan_chebyshev, epochs, *extremes)]
    if isclose(first, sqrt(2), rel_tol=SLACK):
        plans = [partial(plan_silver, epochs, *extremes)]
    elif curvature.rank_bound <= MOST_EIGENVALUES and (first < 1.2 or not curvature.exact):
        plans.append(partial(plan_eigenvalues, epochs, curvature.eigenvalues))
    for plan in plans:
        found, cycles = plan()
        if np.allclose(values, found, rtol=SLACK, atol=0):
            return cycles
    return None
