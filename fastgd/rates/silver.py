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
    epochs, the fewest that are sure to halve the error, so that the error falls geometrically. Shorter schedules, of
    2ᵏ − 1 epochs each, fill the epochs that are left over.

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
    lengths = silver_runs(epochs, smoothness, convexity)
    count = np.arange(1, lengths[0] + 1)
    steps = (1 + SILVER_RATIO ** (np.log2(count & -count) - 1)) * constant_rate(smoothness)
    return np.concatenate([steps[:length] for length in lengths])


def silver_runs(epochs: int, smoothness: float, convexity: float) -> list[int]:
    """Return the lengths of the runs that the epochs are divided into, each 2ᵏ − 1 for some k.

    After n = 2ᵏ − 1 epochs from an error e, J is within L·e²·b of its least value, b = 1/(1 + √(4ρ²ᵏ − 3)), and above
    it by μ/2 times the square of the error that is left, or more: that is e²/4 or less as soon as 8κb ≤ 1. A run cut
    short could end right after a long step, so shorter runs, which amplify no error, fill the epochs that are left.
    """
    k = 1
    while (2 << k) - 1 <= epochs and not halves_error(k, smoothness, convexity):
        k += 1
    length, lengths = (1 << k) - 1, []
    while epochs:
        length = min(length, (1 << (epochs + 1).bit_length() - 1) - 1)
        lengths += [length] * (epochs // length)
        epochs %= length
    return lengths


def halves_error(k: int, smoothness: float, convexity: float) -> bool:
    """Return True if 2ᵏ − 1 epochs are sure to halve the error."""
    return convexity > 0 and 8 * smoothness / convexity <= 1 + sqrt(4 * SILVER_RATIO ** (2 * k) - 3)
