"""Schedules whose rates are constant or decay, and the checks that all schedules share."""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import numpy as np

from fastgd.inputs.arrays import Array
from fastgd.inputs.options import MOST_EPOCHS, check_count, check_curvature, check_not_negative

Function = TypeVar("Function", bound=Callable[..., Any])


def needs(quantity: str, plan: Callable[..., Any] | None = None) -> Callable[[Function], Function]:
    """Return a decorator that marks a schedule as one of "smoothness", of both "extremes", or of the "spectrum".

    A schedule with cycles has a `plan` too: it takes the same arguments, and returns the rates and the cycles' lengths.
    """

    def mark(schedule: Function) -> Function:
        schedule.needs, schedule.plan = quantity, plan  # type: ignore[attr-defined]  # a function may have attributes
        return schedule

    return mark


def find_need(schedule: Any) -> str:
    """Return "smoothness", "extremes" or "spectrum"; functools.partial keeps the mark, and no mark means "extremes"."""
    while isinstance(schedule, partial):
        schedule = schedule.func
    return getattr(schedule, "needs", "extremes")


@needs("smoothness")
def constant(epochs: int, smoothness: float, convexity: float = 0.0, *, initial: float | None = None) -> Array:
    """Return the same rate for every epoch: `initial`, or 1/smoothness.

    Every rate below 2/smoothness lowers the cost, and 1/smoothness has the largest guaranteed decrease. Above
    2/smoothness a run diverges, unless the start has no error at all in the steepest direction.

    Parameters
    ----------
    epochs : int
        The number of rates.
    smoothness : float
        The largest eigenvalue of XᵀX/n (with the column of ones), not negative.
    convexity : float
        The smallest non-zero eigenvalue; this schedule ignores it.
    initial : float or None
        The rate; None is 1/smoothness, or 1 if smoothness is 0.

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
    Nesterov, Y., Lectures on Convex Optimization, 2nd ed., Springer, 2018, section 2.1.5.

    Examples
    --------
    >>> from fastgd import rates
    >>> rates.constant(3, smoothness=4.0)
    array([0.25, 0.25, 0.25])
    """
    epochs, smoothness = check_schedule(epochs, smoothness)
    return np.full(epochs, constant_rate(smoothness) if initial is None else check_not_negative("initial", initial))


@needs("smoothness")
def inverse_scaling(
    epochs: int, smoothness: float, convexity: float = 0.0, *, initial: float | None = None, power: float = 0.5
) -> Array:
    """Return initial / (k + 1)^power for epoch k; `initial` is 1/smoothness unless given.

    Parameters
    ----------
    epochs : int
        The number of rates.
    smoothness : float
        The largest eigenvalue of XᵀX/n (with the column of ones), not negative.
    convexity : float
        The smallest non-zero eigenvalue; this schedule ignores it.
    initial : float or None
        The first rate; None is 1/smoothness.
    power : float
        The exponent: larger values shrink the rates faster, 0 keeps them constant.

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
    Robbins, H. and S. Monro, A stochastic approximation method, Ann. Math. Stat. 22 (1951) 400-407.

    Examples
    --------
    >>> from fastgd import rates
    >>> rates.inverse_scaling(3, smoothness=1.0, power=1.0)
    array([1.        , 0.5       , 0.33333333])
    """
    start, power = constant(epochs, smoothness, initial=initial), check_not_negative("power", power)
    with np.errstate(over="ignore"):  # on overflow the rate is 0
        return start / np.arange(1.0, len(start) + 1) ** power


@needs("smoothness")
def step_decay(
    epochs: int,
    smoothness: float,
    convexity: float = 0.0,
    *,
    initial: float | None = None,
    factor: float = 0.5,
    every: int = 100,
) -> Array:
    """Return rates that `factor` multiplies each time `every` epochs have run; the first is `initial`, or 1/smoothness.

    Parameters
    ----------
    epochs : int
        The number of rates.
    smoothness : float
        The largest eigenvalue of XᵀX/n (with the column of ones), not negative.
    convexity : float
        The smallest non-zero eigenvalue; this schedule ignores it.
    initial : float or None
        The first rate; None is 1/smoothness.
    factor : float
        The number that multiplies the rate.
    every : int
        The number of epochs at the same rate.

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
    Ge, R., S. M. Kakade, R. Kidambi and P. Netrapalli, The step decay schedule: a near optimal, geometrically decaying
    learning rate procedure for least squares, NeurIPS 2019.

    Examples
    --------
    >>> from fastgd import rates
    >>> rates.step_decay(5, smoothness=1.0, every=2)
    array([1.  , 1.  , 0.5 , 0.5 , 0.25])
    """
    start, factor = constant(epochs, smoothness, initial=initial), check_not_negative("factor", factor)
    every = check_count("every", every, most=MOST_EPOCHS)
    with np.errstate(over="ignore", invalid="ignore"):
        rates = start * factor ** (np.arange(len(start)) // every)
    if not np.isfinite(rates).all():
        raise ValueError(f"factor must be so small that rates stay in the range of float64; got {factor}")
    return rates


@needs("smoothness")
def exponential_decay(
    epochs: int, smoothness: float, convexity: float = 0.0, *, initial: float | None = None, decay: float = 0.01
) -> Array:
    """Return initial·exp(−decay·k) for epoch k; `initial` is 1/smoothness unless given.

    Parameters
    ----------
    epochs : int
        The number of rates.
    smoothness : float
        The largest eigenvalue of XᵀX/n (with the column of ones), not negative.
    convexity : float
        The smallest non-zero eigenvalue; this schedule ignores it.
    initial : float or None
        The first rate; None is 1/smoothness.
    decay : float
        The decay constant: each epoch multiplies the rate by exp(−decay).

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
    Li, X., Z. Zhuang and F. Orabona, A second look at exponential and cosine step sizes, ICML 2021.

    Examples
    --------
    >>> from fastgd import rates
    >>> rates.exponential_decay(3, smoothness=1.0, decay=0.1).round(3)
    array([1.   , 0.905, 0.819])
    """
    start, decay = constant(epochs, smoothness, initial=initial), check_not_negative("decay", decay)
    with np.errstate(over="ignore"):  # on overflow the rate is 0
        return start * np.exp(-decay * np.arange(len(start)))


def check_schedule(epochs: int, smoothness: float) -> tuple[int, float]:
    """Return the number of epochs and the smoothness, both checked."""
    return check_count("epochs", epochs, most=MOST_EPOCHS), check_curvature("smoothness", smoothness)


def constant_rate(smoothness: float) -> float:
    """Return 1/smoothness, or 1 if smoothness is 0: then J is constant, for example because X is zero."""
    return 1.0 / smoothness if smoothness > 0 else 1.0


def largest_stable_rate(smoothness: float) -> float:
    """Return 2/smoothness, the limit above which a constant rate diverges from almost every start."""
    return 2.0 / smoothness if smoothness > 0 else np.inf
