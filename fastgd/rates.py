"""Learning-rate schedules: pure functions ``(epochs, smoothness, convexity) -> rates``, one rate for each epoch.

Smoothness L and convexity μ are the largest and the smallest non-zero eigenvalue of XᵀX/n. `fastgd.gradient_descent`
takes a schedule by its name, as the function, or configured: ``functools.partial(rates.step_decay, factor=0.1)``. Error
means the distance of the weights from the nearest solution.

=================== ==============================================================================================
schedule            promise, for the cost that is linear regression's
=================== ==============================================================================================
constant            the cost falls in every epoch; error times (1 − μ/L) or less in each
inverse_scaling     converges where the rates' sum is infinite; meant for mini-batches, whose noise it averages out
step_decay          none: stops where the rates have vanished; meant for mini-batches
exponential_decay   none: stops where the rates have vanished; meant for mini-batches
silver              after n = 2ᵏ − 1 epochs the cost is above its least value by about n^−1.27; where μ > 0, error
                    halved in a number of epochs that grows as κ^0.79
chebyshev           error times 2ρᴺ/(1 + ρ²ᴺ) after a cycle of N epochs, ρ = (√κ − 1)/(√κ + 1), κ = L/μ: the best
                    that any rates can do
=================== ==============================================================================================
"""

from collections.abc import Callable
from functools import cache, partial
from math import ceil, log, sqrt, tanh
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fastgd.arrays import Array
from fastgd.validation import check_count, check_not_negative, check_rates

Schedule = Callable[[int, float, float], ArrayLike]

# A cycle of Chebyshev rates multiplies the error by this or less: so short that a run ends soon after it may.
CYCLE_ERROR = 1e-4
# Longer cycles gain little, and their intermediate products of rounding errors grow.
LONGEST_CYCLE = 1 << 17
SILVER_RATIO = 1 + sqrt(2)


def constant(epochs: int, smoothness: float, convexity: float = 0.0, *, initial: float | None = None) -> Array:
    """Return the same rate for every epoch: `initial`, or 1/smoothness.

    1/smoothness is the longest step that is sure to lower the cost as much as theory promises for one rate; above
    2/smoothness almost every start diverges.

    References
    ----------
    Y. Nesterov, Lectures on Convex Optimization, 2nd ed., Springer, 2018, section 2.1.5.

    Examples
    --------
    >>> from fastgd import rates
    >>> rates.constant(3, smoothness=4.0)
    array([0.25, 0.25, 0.25])
    """
    check_schedule(epochs, smoothness, initial=initial)
    return np.full(epochs, constant_rate(smoothness) if initial is None else float(initial))


def inverse_scaling(
    epochs: int, smoothness: float, convexity: float = 0.0, *, initial: float | None = None, power: float = 0.5
) -> Array:
    """Return initial / (k + 1)^power for epoch k; `initial` is 1/smoothness unless given.

    References
    ----------
    H. Robbins and S. Monro, A stochastic approximation method, Ann. Math. Stat. 22 (1951) 400-407.

    Examples
    --------
    >>> from fastgd import rates
    >>> rates.inverse_scaling(3, smoothness=1.0, power=1.0)
    array([1.        , 0.5       , 0.33333333])
    """
    check_schedule(epochs, smoothness, initial=initial, power=power)
    return constant(epochs, smoothness, initial=initial) / np.arange(1.0, epochs + 1) ** power


def step_decay(
    epochs: int,
    smoothness: float,
    convexity: float = 0.0,
    *,
    initial: float | None = None,
    factor: float = 0.5,
    every: int = 100,
) -> Array:
    """Return a rate that is multiplied by `factor` every so many epochs; it begins at `initial`, or 1/smoothness.

    References
    ----------
    R. Ge, S. M. Kakade, R. Kidambi and P. Netrapalli, The step decay schedule: a near optimal, geometrically decaying
    learning rate procedure for least squares, NeurIPS 2019.

    Examples
    --------
    >>> from fastgd import rates
    >>> rates.step_decay(5, smoothness=1.0, every=2)
    array([1.  , 1.  , 0.5 , 0.5 , 0.25])
    """
    check_schedule(epochs, smoothness, initial=initial, factor=factor)
    every = check_count("every", every)
    return constant(epochs, smoothness, initial=initial) * factor ** (np.arange(epochs) // every)


def exponential_decay(
    epochs: int, smoothness: float, convexity: float = 0.0, *, initial: float | None = None, decay: float = 0.01
) -> Array:
    """Return initial·exp(−decay·k) for epoch k; `initial` is 1/smoothness unless given.

    References
    ----------
    X. Li, Z. Zhuang and F. Orabona, A second look at exponential and cosine step sizes, ICML 2021.

    Examples
    --------
    >>> from fastgd import rates
    >>> rates.exponential_decay(3, smoothness=1.0, decay=0.1).round(3)
    array([1.   , 0.905, 0.819])
    """
    check_schedule(epochs, smoothness, initial=initial, decay=decay)
    return constant(epochs, smoothness, initial=initial) * np.exp(-decay * np.arange(epochs))


def silver(epochs: int, smoothness: float, convexity: float = 0.0) -> Array:
    """Return the silver schedule: steps of (1 + ρ^(ν(k) − 1))/smoothness, ρ = 1 + √2, where 2^ν(k) divides k = 1, 2, ….

    Now and then a step is far longer than 2/smoothness: the cost rises there, and has fallen further after 2ᵏ − 1
    epochs than short steps can bring it, as n^−1.27. With a convexity above 0 the schedule starts again after 2ᵏ − 1
    epochs, the fewest that are sure to halve the error, so that the error falls geometrically.

    References
    ----------
    J. M. Altschuler and P. A. Parrilo, Acceleration by stepsize hedging II: silver stepsize schedule for smooth convex
    optimization, Math. Program. 213 (2025) 1105-1118, theorem 1.1.

    Examples
    --------
    >>> from fastgd import rates
    >>> rates.silver(3, smoothness=1.0).round(4)
    array([1.4142, 2.    , 1.4142])
    """
    check_schedule(epochs, smoothness, convexity=convexity)
    runs = silver_restarts(epochs, smoothness, convexity)
    count = np.arange(1, runs[0] + 1)
    steps = 1 + SILVER_RATIO ** (np.log2(count & -count) - 1)
    return np.resize(steps, epochs) * constant_rate(smoothness)  # over and over


def chebyshev(epochs: int, smoothness: float, convexity: float) -> Array:
    """Return cycles of the rates that make the error after each as small as any rates can.

    They are the inverses of the roots of the Chebyshev polynomial on [convexity, smoothness]. A cycle has so many, a
    power of two, that it multiplies the error by 1e-4 or less; within a cycle their order keeps rounding errors, and
    what the long steps amplify, small. What is left of the epochs is filled with shorter cycles, for the upper part of
    [convexity, smoothness] that they can do as much for; they leave what lies below no larger than it was.

    References
    ----------
    V. I. Lebedev and S. A. Finogenov, Ordering of the iterative parameters in the cyclical Chebyshev iterative
    method, USSR Comput. Math. Math. Phys. 11 (1971) 155-170.
    A. A. Samarskii and E. S. Nikolaev, Numerical Methods for Grid Equations II, Birkhäuser, 1989, chapter 6.
    Y. Saad, Iterative Methods for Sparse Linear Systems, 2nd ed., SIAM, 2003, section 12.3.2.

    Examples
    --------
    >>> from fastgd import rates
    >>> print((1 / rates.chebyshev(8, smoothness=3.0, convexity=1.0)).round(3))
    [1.019 2.981 1.805 2.195 1.169 2.831 1.444 2.556]
    """
    check_schedule(epochs, smoothness, convexity=convexity)
    if not 0 < convexity < smoothness:  # all non-zero eigenvalues are one
        return constant(epochs, smoothness)
    lengths, parts = chebyshev_cycles(epochs, smoothness, convexity), []
    for length in dict.fromkeys(lengths):  # the longest first
        least = max(convexity, smoothness * tanh(log(2 / CYCLE_ERROR) / (2 * length)) ** 2)
        centre, radius = (smoothness + least) / 2, (smoothness - least) / 2
        cycle = 1 / (centre - radius * np.cos(lebedev_finogenov(length) * (np.pi / (2 * length))))
        parts.append(np.repeat(cycle[np.newaxis], lengths.count(length), axis=0).ravel())
    return np.concatenate(parts)


@cache
def lebedev_finogenov(length: int) -> Array:
    """Return the odd numbers below 2·length, a power of two, in the order that keeps partial products small.

    Examples
    --------
    >>> from fastgd.rates import lebedev_finogenov
    >>> lebedev_finogenov(4)
    array([1, 7, 3, 5])
    """
    order = np.array([1])
    while len(order) < length:
        order = np.repeat(order, 2)
        order[1::2] = 2 * len(order) - order[1::2]
    order.flags.writeable = False  # it is kept
    return order


def chebyshev_cycles(epochs: int, smoothness: float, convexity: float) -> list[int]:
    """Return the lengths of the cycles that so many epochs are divided into, all powers of two."""
    if not 0 < convexity < smoothness:
        return [1] * epochs
    # 2ρᴺ ≤ CYCLE_ERROR, where −log ρ = 2·artanh(1/√κ) is 2/√κ and a little more.
    needed = log(2 / CYCLE_ERROR) / (2 * np.arctanh(sqrt(convexity / smoothness)))
    length = 1 << ceil(log(min(max(needed, 1.0), LONGEST_CYCLE), 2))
    lengths = []
    while epochs:
        length = min(length, 1 << (epochs.bit_length() - 1))
        lengths += [length] * (epochs // length)
        epochs %= length
    return lengths


def silver_restarts(epochs: int, smoothness: float, convexity: float) -> list[int]:
    """Return the lengths of the runs of the silver schedule that so many epochs are divided into.

    After n = 2ᵏ − 1 epochs from an error e, J is within L·e²·b of its least value, b = 1/(1 + √(4ρ²ᵏ − 3)), and above
    it by μ/2 times the square of the error that is left, or more: that is e²/4 or less as soon as 8κb ≤ 1.
    """
    if convexity <= 0:
        return [epochs]
    k = 1
    while 8 * smoothness / convexity > 1 + sqrt(4 * SILVER_RATIO ** (2 * k) - 3) and (1 << k) <= epochs:
        k += 1
    length = (1 << k) - 1
    return [length] * (epochs // length) + [epochs % length] * (epochs % length > 0)


def silver_cycles(epochs: int, smoothness: float, convexity: float) -> list[int]:
    """Return how many epochs lie between those after which the silver schedule promises something."""
    runs = silver_restarts(epochs, smoothness, convexity)
    cycles = split_silver(runs[0]) * runs.count(runs[0])
    return cycles + (split_silver(runs[-1]) if runs[-1] != runs[0] else [])


def split_silver(epochs: int) -> list[int]:
    """Return the epochs from one 2ᵏ − 1 to the next, in one run of the silver schedule."""
    lengths = [1 << k for k in range(epochs.bit_length()) if (2 << k) - 1 <= epochs]
    return [*lengths, epochs - sum(lengths)] if sum(lengths) < epochs else lengths


SCHEDULES: dict[str, Schedule] = {
    "auto": constant,
    "constant": constant,
    "inverse_scaling": inverse_scaling,
    "step_decay": step_decay,
    "exponential_decay": exponential_decay,
    "silver": silver,
    "chebyshev": chebyshev,
}
# Schedules inside whose cycles costs go up and down.
CYCLES: dict[Any, Callable[[int, float, float], list[int]]] = {silver: silver_cycles, chebyshev: chebyshev_cycles}
# Schedules that are the same whatever the convexity is.
SMOOTHNESS_ONLY = (constant, inverse_scaling, step_decay, exponential_decay)


def needs_convexity(schedule: Schedule) -> bool:
    """Tell whether a schedule may depend on the convexity, which takes longer to find than the smoothness."""
    return without_options(schedule) not in SMOOTHNESS_ONLY


def without_options(schedule: Schedule) -> Schedule:
    """Return the function that a schedule was configured from, by functools.partial, or the schedule itself."""
    return schedule.func if isinstance(schedule, partial) else schedule


def check_schedule(epochs: int, smoothness: float, **options: float | None) -> None:
    """Refuse what no schedule can be made of."""
    check_count("epochs", epochs)
    check_not_negative("smoothness", smoothness)
    for name, value in options.items():
        if value is not None:
            check_not_negative(name, value)


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


def constant_rate(smoothness: float) -> float:
    """Return 1/smoothness; 1 where J is constant, as it is for columns of zeros."""
    return 1.0 / smoothness if smoothness > 0 else 1.0


def largest_stable_rate(smoothness: float) -> float:
    """Return 2/smoothness: a constant rate above it makes almost every start diverge."""
    return 2.0 / smoothness if smoothness > 0 else np.inf
