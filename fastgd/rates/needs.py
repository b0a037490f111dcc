"""Marks on schedules that name the quantity of the curvature they need."""

from collections.abc import Callable
from functools import partial
from typing import Any, Literal, TypeVar

Quantity = Literal["smoothness", "extremes", "spectrum"]
Function = TypeVar("Function", bound=Callable[..., Any])


def needs(quantity: Quantity) -> Callable[[Function], Function]:
    """Return a decorator that marks a schedule with the quantity it needs.

    "smoothness" saves the computation of the convexity. "spectrum" marks a schedule ``(epochs, spectrum) -> rates`` of
    all eigenvalues. A schedule without a mark needs both extremes, smoothness and convexity.

    Examples
    --------
    >>> from fastgd.rates.needs import find_need, needs
    >>> @needs("smoothness")
    ... def half(epochs, smoothness, convexity):
    ...     return 0.5 / smoothness
    >>> find_need(half), find_need(lambda epochs, smoothness, convexity: 1 / smoothness)
    ('smoothness', 'extremes')
    """

    def mark(schedule: Function) -> Function:
        schedule.needs = quantity  # type: ignore[attr-defined]  # functions can have attributes
        return schedule

    return mark


def find_need(schedule: Any) -> Quantity:
    """Return the quantity that a schedule needs; a functools.partial needs that of its function."""
    while isinstance(schedule, partial):
        schedule = schedule.func
    return getattr(schedule, "needs", "extremes")
