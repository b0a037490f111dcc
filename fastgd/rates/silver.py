"""The silver schedule: mostly moderate steps, and by a fractal rule a few far longer than 2/smoothness."""

from math import sqrt

import numpy as np

from fastgd.inputs.arrays import Array
from fastgd.inputs.options import check_curvature
from fastgd.rates.decays import check_schedule, constant_rate, needs

SILVER_RATIO = 1 + sqrt(2)


def plan_silver(epochs: int, smoothness: float, convexity: float) -> tuple[Array, list[int]]:
    """Return the rates, and the lengths of the blocks at whose ends the theorem bounds the cost."""
    runs = silver_restarts(epochs, smoothness, convexity)
    count = np.arange(1, runs[0] + 1)
    steps = 1 + SILVER_RATIO ** (np.log2(count & -count) - 1)
    rates = np.resize(steps, epochs) * constant_rate(smoothness)  # repeats the steps of one run
    return rates, silver_cycles(epochs, smoothness, convexity)


@needs("extremes", plan_silver)
def silver(epochs: int, smoothness: float, convexity: float = 0.0) -> Array:
    """Return the silver schedule: steps of (1 + ρ^(ν(k) − 1))/smoothness, ρ = 1 + √2, where 2^ν(k) divides k = 1, 2, ….

    The cost rises at steps longer than 2/smoothness. After n = 2ᵏ − 1 epochs it has fallen further than short steps
    bring it: as n^−1.27 instead of n^−1. If convexity is above 0, the schedule restarts after 2ᵏ − 1 epochs, with the
    smallest k that guarantees to halve the error, so the error falls geometrically.

    Parameters
    ----------
    epochs : int
        The number of rates.
    smoothness : float
        The largest eigenvalue of XᵀX/n (with the column of ones), not negative.
    convexity : float
        The smallest non-zero eigenvalue, or 0 if it is unknown: then the schedule never restarts.

    Returns
    -------
    ndarray of shape (epochs,), float64
        The rate of each epoch.

    Raises
    ------
    ValueError, TypeError
        If an argument does not fit its description above.

    References
    ----------
    Altschuler, J. M. and P. A. Parrilo, Acceleration by stepsize hedging II: silver stepsize schedule for smooth convex
    optimization, Math. Program. 213 (2025) 1105-1118, theorem 1.1.

    Examples
    --------
    >>> from fastgd import rates
    >>> rates.silver(3, smoothness=1.0).round(4)
    array([1.4142, 2.    , 1.4142])
    """
    epochs, smoothness = check_schedule(epochs, smoothness)
    return plan_silver(epochs, smoothness, check_curvature("convexity", convexity))[0]


def silver_restarts(epochs: int, smoothness: float, convexity: float) -> list[int]:
    """Return the number of epochs of each run, from one restart of the schedule to the next.

    Let e be the error at the start of a run. After n = 2ᵏ − 1 epochs, J − J* ≤ L·e²·b with b = 1/(1 + √(4ρ²ᵏ − 3)).
    The error d that is left then satisfies μ/2·d² ≤ J − J*, so d² ≤ e²/4 as soon as 8·(L/μ)·b ≤ 1.
    """
    if convexity <= 0:
        return [epochs]
    k = 1
    while 8 * smoothness / convexity > 1 + sqrt(4 * SILVER_RATIO ** (2 * k) - 3) and (1 << k) <= epochs:
        k += 1
    length = (1 << k) - 1
    return [length] * (epochs // length) + [epochs % length] * (epochs % length > 0)


def silver_cycles(epochs: int, smoothness: float, convexity: float) -> list[int]:
    """Return the lengths of the blocks of epochs; the theorem bounds the cost at the end of each block."""
    runs = silver_restarts(epochs, smoothness, convexity)
    cycles = split_silver(runs[0]) * runs.count(runs[0])
    return cycles + (split_silver(runs[-1]) if runs[-1] != runs[0] else [])


def split_silver(epochs: int) -> list[int]:
    """Return the lengths of the blocks of one run, which end after 1, 3, 7, …, 2ᵏ − 1 epochs and at its last epoch."""
    lengths = [1 << k for k in range(epochs.bit_length()) if (2 << k) - 1 <= epochs]
    return [*lengths, epochs - sum(lengths)] if sum(lengths) < epochs else lengths
