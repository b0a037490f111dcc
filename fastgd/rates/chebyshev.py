"""Chebyshev rates: the best rates for an interval of eigenvalues."""

from functools import cache
from math import atanh, ceil, log, sqrt, tanh

import numpy as np

from fastgd.inputs.arrays import Array
from fastgd.inputs.options import check_curvature
from fastgd.rates.decays import check_schedule, constant, needs

# A cycle multiplies the error by this or less. A run is judged at the ends of cycles, so cycles should be short.
CYCLE_ERROR = 1e-4
# Longer cycles gain little, and inside them rounding errors grow.
LONGEST_CYCLE = 1 << 17


def plan_chebyshev(epochs: int, smoothness: float, convexity: float) -> tuple[Array, list[int]]:
    """Return the rates and the lengths of their cycles; no cycles if all non-zero eigenvalues are equal."""
    if not 0 < convexity < smoothness:  # or if the smallest is unknown
        return constant(epochs, smoothness), []
    lengths, parts = chebyshev_cycles(epochs, smoothness, convexity), []
    for length in dict.fromkeys(lengths):  # the longest first
        least = max(convexity, smoothness * tanh(log(2 / CYCLE_ERROR) / (2 * length)) ** 2)
        centre, radius = (smoothness + least) / 2, (smoothness - least) / 2
        cycle = 1 / (centre - radius * np.cos(lebedev_finogenov(length) * (np.pi / (2 * length))))
        parts.append(np.repeat(cycle[np.newaxis], lengths.count(length), axis=0).ravel())
    return np.concatenate(parts), lengths


@needs("extremes", plan_chebyshev)
def chebyshev(epochs: int, smoothness: float, convexity: float) -> Array:
    """Return cycles of rates; after each cycle, the bound of the error is the smallest that any rates achieve.

    The rates of a cycle are the inverses of the roots of the Chebyshev polynomial on [convexity, smoothness]. Their
    number is the least power of two that multiplies the error by 1e-4 or less. Long steps amplify errors inside a
    cycle; the order of the rates keeps these errors, and rounding errors, small. If `epochs` is too small for that
    number, the first cycle has the largest number m·2ᵏ of rates that fits, with m up to 7, and shorter cycles fill the
    remaining epochs: of 1000 epochs, for a cycle that needs more, 896 = 7·2⁷, then 64, 32 and 8. All these
    cycles multiply the error by the same factor along the larger eigenvalues only. Along the smaller ones they
    reduce it less, and never make it larger.

    Parameters
    ----------
    epochs : int
        The number of rates.
    smoothness : float
        The largest eigenvalue of XᵀX/n (with the column of ones), not negative.
    convexity : float
        The smallest non-zero eigenvalue. If it is 0 or equals smoothness, all rates are 1/smoothness.

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
    Lebedev, V. I. and S. A. Finogenov, Ordering of the iterative parameters in the cyclical Chebyshev iterative
    method, USSR Comput. Math. Math. Phys. 11 (1971) 155-170.

    Samarskii, A. A. and E. S. Nikolaev, Numerical Methods for Grid Equations II, Birkhäuser, 1989, chapter 6.

    Saad, Y., Iterative Methods for Sparse Linear Systems, 2nd ed., SIAM, 2003, section 12.3.2.

    Examples
    --------
    >>> from fastgd import rates
    >>> print((1 / rates.chebyshev(8, smoothness=3.0, convexity=1.0)).round(3))
    [1.019 2.981 1.805 2.195 1.169 2.831 1.444 2.556]
    """
    epochs, smoothness = check_schedule(epochs, smoothness)
    return plan_chebyshev(epochs, smoothness, check_curvature("convexity", convexity))[0]


@cache
def lebedev_finogenov(length: int) -> Array:
    """Return the odd numbers below 2·length in the order that keeps partial products small.

    The smaller half of the numbers has the order of half the length. After each number follows its mirror image,
    2·length minus the number: the first belongs to a long rate, and the short rate of the second takes off what the
    long one amplifies. For an odd length, the number in the middle comes last.

    Examples
    --------
    >>> from fastgd.rates.chebyshev import lebedev_finogenov
    >>> lebedev_finogenov(4)
    array([1, 7, 3, 5])
    >>> lebedev_finogenov(5)
    array([1, 9, 3, 7, 5])
    """
    order = np.array([1])
    for bit in f"{length:b}"[1:]:  # each further binary digit of the length doubles the order, and a 1 adds the middle
        middle = 2 * len(order) + int(bit)
        order = np.repeat(order, 2)
        order[1::2] = 2 * middle - order[1::2]
        order = order if bit == "0" else np.append(order, middle)
    order.flags.writeable = False  # the cache keeps it
    return order


def chebyshev_cycles(epochs: int, smoothness: float, convexity: float) -> list[int]:
    """Return the lengths of the cycles that fill the epochs: powers of two, but for a first cycle that is cut short."""
    if not 0 < convexity < smoothness:
        return [1] * epochs
    length, lengths = cycle_length(smoothness, convexity), []
    if length > epochs:
        length = round_down(epochs)
    while epochs:
        lengths += [length] * (epochs // length)
        epochs %= length
        length = min(length, 1 << max(epochs.bit_length() - 1, 0))
    return lengths


def round_down(epochs: int) -> int:
    """Return the largest m·2ᵏ, with m up to 7, that is not above the number of epochs: more than 4/5 of it.

    Examples
    --------
    >>> from fastgd.rates.chebyshev import round_down
    >>> round_down(1000)
    896
    """
    zeros = max(epochs.bit_length() - 3, 0)
    return epochs >> zeros << zeros


def cycle_length(smoothness: float, convexity: float) -> int:
    """Return the number of epochs of a whole cycle: a power of two."""
    if not 0 < convexity < smoothness:
        return 1
    # N such that 2ρᴺ ≤ CYCLE_ERROR, with −log ρ = 2·artanh(√(convexity/smoothness)).
    root = sqrt(convexity / smoothness)  # 0 if the ratio underflows
    needed = log(2 / CYCLE_ERROR) / (2 * atanh(root)) if root else LONGEST_CYCLE
    return 1 << ceil(log(min(max(needed, 1.0), LONGEST_CYCLE), 2))
