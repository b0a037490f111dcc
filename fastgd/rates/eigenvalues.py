"""Rates that are the reciprocals of all eigenvalues of the Hessian, in an order that keeps rounding errors small.

An update at the rate 1/λ removes the error along the eigenvectors of λ, and multiplies the error along those of λ′ by
1 − λ′/λ. So in exact arithmetic one epoch for each eigenvalue solves the problem, in any order. In floating-point
arithmetic a long step (small λ) amplifies the remaining error and its rounding along eigenvectors of large λ′. So
`order_eigenvalues` keeps a bound of each part of the gradient, rounding errors included, and the next rate always
removes the part with the largest bound: no error grows above the first, and a rate is repeated when its part has grown
back.
"""

from math import sqrt

import numpy as np
from numpy.typing import ArrayLike

from fastgd.inputs.arrays import EPSILON, Array
from fastgd.inputs.options import MOST_EPOCHS, check_count, check_eigenvalues
from fastgd.rates.chebyshev import chebyshev, chebyshev_cycles, cycle_length
from fastgd.rates.decays import needs

LEAST_ERROR = 1e-12  # a cycle multiplies the error by this or less, if the condition number leaves enough digits
ROUNDING = 4 * EPSILON  # relative rounding error of the products of an epoch
MOST_EIGENVALUES = 512  # for more, the tables of `order_eigenvalues` take much memory, and Chebyshev rates are as good
SAFETY = 1000.0  # no cycle tries to reduce the error below this multiple of the rounding error of its longest step


def plan_eigenvalues(epochs: int, spectrum: Array) -> tuple[Array, list[int]]:
    """Return the rates for a spectrum in descending order, and the lengths of their cycles."""
    smoothness, convexity = float(spectrum[0]), float(spectrum[-1])
    cycle = order_eigenvalues(spectrum, min(epochs, cycle_length(smoothness, convexity)))
    if cycle is None:
        return chebyshev(epochs, smoothness, convexity), chebyshev_cycles(epochs, smoothness, convexity)
    whole, rest = divmod(epochs, len(cycle))
    rates = np.full(epochs, 1 / smoothness)  # after the last whole cycle: short steps amplify no error
    rates[: epochs - rest] = np.tile(1 / spectrum[cycle], whole)
    return rates, [len(cycle)] * whole + [rest] * (rest > 0)


@needs("spectrum", plan_eigenvalues)
def eigenvalues(epochs: int, spectrum: ArrayLike) -> Array:
    """Return cycles of the rates 1/λ, for each eigenvalue once or several times, that remove the error up to rounding.

    A cycle multiplies the error by 1e-12 or less, if the condition number leaves enough digits. It has one or a few
    epochs for each eigenvalue, more if they are widely spread, while the length of a Chebyshev cycle grows with the
    condition number of X. If a Chebyshev cycle is shorter, or if `epochs` is too small for a cycle of reciprocals, the
    rates are those of `chebyshev`.

    Parameters
    ----------
    epochs : int
        The number of rates.
    spectrum : array_like of shape (k,)
        The non-zero eigenvalues of XᵀX/n (with the column of ones), in any order.

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
    Young, D. M., On Richardson's method for solving linear systems with positive definite matrices, J. Math. Phys. 32
    (1953) 243-255 (reciprocals of the eigenvalues, and why their order matters).

    Fletcher, R., A limited memory steepest descent method, Math. Program. 135 (2012) 413-436 (reciprocals of estimated
    eigenvalues, the large ones first).

    Examples
    --------
    >>> from fastgd import rates
    >>> 1 / rates.eigenvalues(4, [4.0, 1.0])
    array([4., 1., 4., 1.])
    """
    return plan_eigenvalues(check_count("epochs", epochs, most=MOST_EPOCHS), check_eigenvalues("spectrum", spectrum))[0]


def order_eigenvalues(spectrum: Array, most: int) -> list[int] | None:
    """Return the index of the eigenvalue for each epoch of a cycle; None if a cycle needs more than `most` epochs."""
    least = SAFETY * EPSILON * sqrt(float(spectrum[0]) / float(spectrum[-1]))  # no cycle reaches less
    if len(spectrum) > MOST_EIGENVALUES or least > 0.1:
        return None
    shares = spectrum / spectrum[0]
    singular, inverse = np.sqrt(shares), 1 / shares[:, np.newaxis]
    factors = np.abs(1 - inverse * shares)
    rounding = inverse * (ROUNDING * singular * shares)  # of one epoch, in each part of the gradient
    enough = max(LEAST_ERROR, least) * shares
    cycle: list[int] = []
    parts = shares.copy()  # bounds of the gradient's parts; the error starts at 1 along each eigenvector
    while len(cycle) <= most:
        largest = int(parts.argmax())
        if parts[largest] <= enough[0] and (parts <= enough).all():
            return cycle
        cycle.append(largest)
        parts *= factors[largest]
        parts += rounding[largest]
    return None
