"""Schedules by name: which there are, what they need to know, and what cycles they have."""

from collections.abc import Callable
from functools import partial
from typing import Any

from numpy.typing import ArrayLike

from fastgd.inputs.arrays import Array
from fastgd.inputs.options import check_rates
from fastgd.rates.chebyshev import chebyshev, chebyshev_cycles
from fastgd.rates.decays import constant, exponential_decay, inverse_scaling, step_decay
from fastgd.rates.eigenvalues import eigenvalues
from fastgd.rates.silver import silver, silver_cycles

Schedule = Callable[..., ArrayLike]  # of epochs, smoothness and convexity; `eigenvalues` is of epochs and spectrum

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
# Schedules inside whose cycles costs go up and down.
CYCLES: dict[Any, Callable[[int, float, float], list[int]]] = {silver: silver_cycles, chebyshev: chebyshev_cycles}
LONG_STEPS: tuple[Any, ...] = (*CYCLES, eigenvalues)  # longer ones than 2/smoothness, for all rows alone
# Schedules that are the same whatever the convexity is.
SMOOTHNESS_ONLY = (constant, inverse_scaling, step_decay, exponential_decay)


def needs_convexity(schedule: Schedule) -> bool:
    """Tell whether a schedule may depend on the convexity, which takes longer to find than the smoothness."""
    return without_options(schedule) not in SMOOTHNESS_ONLY


def without_options(schedule: Any) -> Any:
    """Return the function that a schedule was configured from, by functools.partial, or the schedule itself."""
    return schedule.func if isinstance(schedule, partial) else schedule


def find_schedule(learning_rate: Any) -> Schedule | None:
    """Return the schedule that was named or given; None for rates that are numbers."""
    if isinstance(learning_rate, str):
        if learning_rate not in SCHEDULES:
            names = ", ".join(map(repr, SCHEDULES))
            expected = f"a number, an array, a callable or one of {names}"
            raise ValueError(f"learning_rate must be {expected}; got {learning_rate!r}")
        return SCHEDULES[learning_rate]
    return learning_rate if callable(learning_rate) else None


def make_rates(schedule: Schedule, epochs: int, smoothness: float, convexity: float) -> tuple[Array, list[int] | None]:
    """Return the rates of a schedule, and the lengths of its cycles if it has some."""
    rates = check_rates(schedule(epochs, smoothness, convexity), epochs)
    cycles = CYCLES.get(without_options(schedule))
    return rates, cycles(epochs, smoothness, convexity) if cycles else None
