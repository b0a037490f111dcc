"""The rules of `stopping` for several targets at once: every number is an array with one entry for each target."""

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np

from fastgd.descent.stopping import EXACT, has_grown
from fastgd.inputs.arrays import Array, column_norms

REASONS = ("", "gradient", "cost")  # by which a target has settled; 0 for none so far


@dataclass(frozen=True, slots=True, eq=False)
class TargetRules:
    """The tolerance and the scales of several targets of one problem; the attributes are those of `StoppingRules`.

    `cost_of_zeros`, `variation` and what `find_least_cost` returns have an entry for each target.
    """

    tol: float
    trace: float
    cost_of_zeros: Array
    variation: Array
    whitened: bool
    least_error: float
    find_least_cost: Callable[[], Any]
    find_convexity: Callable[[], float]
    find_quotients: Callable[[Array], Any] | None = None

    def settled(self, previous_cost: Array, cost: Array, gradient: Array) -> Array:
        """Return the number in `REASONS` of the rule by which each target has settled, as `StoppingRules.settled`."""
        nothing = np.zeros(len(cost), dtype=int)
        if self.tol == 0:
            return nothing
        size = column_norms(gradient)
        scale = sqrt(self.trace) * np.sqrt(2 * cost)
        exact, small = np.sqrt(cost) <= self.negligible, size <= self.tol * scale
        if self.whitened:
            steady = ~small
        else:
            steady = (np.abs(previous_cost - cost) <= self.tol * cost) & (size <= sqrt(self.tol) * scale) & ~small
            if steady.any():
                steady &= self.bounds_excess(cost, size)
        if not (small | steady).any():  # the least cost may take as long as many epochs
            return np.where(exact, 1, nothing)
        least = self.is_least(cost, size)
        if least.any() and self.find_quotients is not None and self.find_least_cost() is None:
            quotients = self.find_quotients(np.ascontiguousarray(gradient))
            least &= size <= np.sqrt(2 * quotients * self.tol * cost)
        return np.where(exact | (small & least), 1, np.where(steady & least, 2, nothing))

    @property
    def negligible(self) -> Array:
        """The root of a cost that is zero for the tolerance, or by the rounding of y."""
        return np.maximum(self.tol * np.sqrt(self.variation), EXACT * np.sqrt(self.cost_of_zeros))

    def is_least(self, cost: Array, size: Array, rounding: Any = 0.0) -> Array:
        """Return True for each cost that is near its minimum, as `StoppingRules.is_least`."""
        least = self.find_least_cost()
        if least is None:
            return self.bounds_excess(cost, size)
        small = np.maximum(self.negligible, rounding)
        with np.errstate(over="ignore"):  # such a fit has a doubt of its own
            near: Array = cost - least <= np.maximum(self.tol, self.least_error) * least + small * small
        return near

    def bounds_excess(self, cost: Array, size: Array) -> Array:
        """Return True where ‖∇J‖² / (2·convexity), a bound of J − J*, is at most tol·J."""
        bounded: Array = size <= sqrt(2 * self.find_convexity()) * np.sqrt(self.tol * cost)
        return bounded

    def grown(self, earlier_cost: Any, cost: Any) -> Any:
        """Return True for each cost that is above an earlier one by more than rounding explains."""
        return has_grown(earlier_cost, cost, self.cost_of_zeros)
