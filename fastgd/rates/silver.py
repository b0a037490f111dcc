"""The silver schedule: now and then a step far longer than 2/smoothness, by a fractal rule."""

from math import sqrt

import numpy as np

from fastgd.inputs.arrays import Array
from fastgd.inputs.options import check_curvature
from fastgd.rates.decays import check_schedule, constant_rate

SILVER_RATIO = 1 + sqrt(2)


def silver(epochs: int, smoothness: float, convexity: float = 0.0) -> Array:
    """Return the silver schedule: steps of (1 + ρ^(ν(k) − 1))/smoothness, ρ = 1 + √2, where 2^ν(k) divides k = 1, 2, ….

    Now and then a step is far longer than 2/smoothness: the cost rises there, and has fallen further after 2ᵏ − 1
    epochs than short steps can bring it, as n^−1.27. With a convexity above 0 the schedule starts again after 2ᵏ − 1
    epochs, the fewest that are sure to halve the error, so that the error falls geometrically.

    Parameters
    ----------
    epochs : int
        How many rates.
    smoothness : float
        The largest eigenvalue of XᵀX/n (with the column of ones), not negative.
    convexity : float
        The smallest non-zero eigenvalue; 0 if it is not known, for one schedule without a new start.

    Returns
    -------
    ndarray of shape (epochs,), float64
        The rate of each epoch.

    Raises
    ------
    ValueError, TypeError
        If an argument is not what is described above.

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
    epochs, smoothness = check_schedule(epochs, smoothness)
    convexity = check_curvature("convexity", convexity)
    runs = silver_restarts(epochs, smoothness, convexity)
    count = np.arange(1, runs[0] + 1)
    steps = 1 + SILVER_RATIO ** (np.log2(count & -count) - 1)
    return np.resize(steps, epochs) * constant_rate(smoothness)  # over and over


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
