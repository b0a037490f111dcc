"""Rates that are the reciprocals of all eigenvalues of the Hessian, in an order that rounding errors allow.

An update at the rate 1/λ removes the error along the eigenvectors of λ, and multiplies it by 1 − λ′/λ along those of
λ′. So one epoch for each eigenvalue solves the problem in exact arithmetic, in any order. In floating-point arithmetic
the long steps multiply what is left, or was rounded, along the eigenvectors of large eigenvalues. Hence the next rate
is always that of the largest part of the gradient, by a bound of each part that the rates so far and their rounding
errors lead to: no error grows above the first, and a rate comes again when its part has grown back.
"""

from math import sqrt

import numpy as np
from numpy.typing import ArrayLike

from fastgd.inputs.arrays import EPSILON, Array
from fastgd.inputs.options import MOST_EPOCHS, check_count, check_eigenvalues
from fastgd.rates.chebyshev import chebyshev, chebyshev_cycles, cycle_length
from fastgd.rates.needs import needs

LEAST_ERROR = 1e-12  # what a cycle multiplies the error by, or less, where the condition number leaves so many digits
ROUNDING = 4 * EPSILON  # of the products of an epoch, in proportion to the largest singular value
MOST_EIGENVALUES = 512  # above, the tables of an order would take much room, and Chebyshev rates are as good
SAFETY = 1000.0  # how many times the rounding error of the longest step a cycle leaves


@needs("spectrum")
def eigenvalues(epochs: int, spectrum: ArrayLike) -> Array:
    """Return cycles of the rates 1/λ, each eigenvalue once or several times, that remove the error up to rounding.

    A cycle multiplies the error by 1e-12 or less, as far as the condition number leaves so many digits. It has one
    epoch or some for each eigenvalue, the more the further they are spread, where Chebyshev's cycles have some multiple
    of the condition number of X. Where these are shorter, or where `epochs` are too few for a cycle, the rates are
    Chebyshev's.

    Parameters
    ----------
    epochs : int
        How many rates.
    spectrum : array_like of shape (k,)
        The non-zero eigenvalues of XᵀX/n (with the column of ones), in any order.

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
    D. M. Young, On Richardson's method for solving linear systems with positive definite matrices, J. Math. Phys. 32
    (1953) 243-255 (the reciprocals, and that their order matters).

    R. Fletcher, A limited memory steepest descent method, Math. Program. 135 (2012) 413-436 (reciprocals of eigenvalues
    that are estimated, the large ones first).

    Examples
    --------
    >>> from fastgd import rates
    >>> 1 / rates.eigenvalues(4, [4.0, 1.0])
    array([4., 1., 4., 1.])
    """
    return plan(check_count("epochs", epochs, most=MOST_EPOCHS), check_eigenvalues("spectrum", spectrum))[0]


def plan(epochs: int, spectrum: Array) -> tuple[Array, list[int]]:
    """Return the rates of a spectrum in descending order, and the lengths of their cycles."""
    smoothness, convexity = float(spectrum[0]), float(spectrum[-1])
    cycle = order(spectrum, min(epochs, cycle_length(smoothness, convexity)))
    if cycle is None:
        return chebyshev(epochs, smoothness, convexity), chebyshev_cycles(epochs, smoothness, convexity)
    whole, rest = divmod(epochs, len(cycle))
    rates = np.full(epochs, 1 / smoothness)  # short steps, which amplify nothing, where no whole cycle fits any more
    rates[: epochs - rest] = np.tile(1 / spectrum[cycle], whole)
    return rates, [len(cycle)] * whole + [rest] * (rest > 0)


def order(spectrum: Array, most: int) -> list[int] | None:
    """Return which eigenvalue each epoch of a cycle is for; None if the cycle would have more than so many epochs."""
    least = SAFETY * EPSILON * sqrt(float(spectrum[0]) / float(spectrum[-1]))  # no cycle leaves less
    if len(spectrum) > MOST_EIGENVALUES or least > 0.1:
        return None
    shares = spectrum / spectrum[0]
    singular, inverse = np.sqrt(shares), 1 / shares[:, np.newaxis]
    factors = np.abs(1 - inverse * shares)
    rounding = inverse * (ROUNDING * singular * shares)  # of an epoch's products, as a part of the gradient
    enough = max(LEAST_ERROR, least) * shares
    cycle: list[int] = []
    parts = shares.copy()  # bounds of the gradient's parts, for an error of 1 along each eigenvector
    while len(cycle) <= most:
        largest = int(parts.argmax())
        if parts[largest] <= enough[0] and (parts <= enough).all():
            return cycle
        cycle.append(largest)
        parts *= factors[largest]
        parts += rounding[largest]
    return None
