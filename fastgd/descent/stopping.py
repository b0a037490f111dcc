"""The rules that end a run: a small gradient, a settled cost, and divergence.

All rules are relative. Rescaling y changes no decision, nor does rescaling X if there is no intercept. With an
intercept, rescaled features have another size relative to the column of ones, which makes it another descent.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt
from typing import Any

from fastgd.inputs.arrays import EPSILON, Array, norm

# A cost has grown if it is above GROWTH times an earlier cost plus ROUNDING² times J of zero weights.
GROWTH = 1 + 1e-6
ROUNDING = 1e-12
# The residuals of an exact fit, relative to y: a few units of its last digit.
EXACT = 16 * EPSILON


@dataclass(frozen=True, slots=True, eq=False)
class StoppingRules:
    """The tolerance, and the scales of one problem that gradients and costs are compared with.

    Parameters
    ----------
    tol : float
        The relative tolerance; 0 switches the two rules for convergence off.
    trace : float
        The trace of the Hessian, which is the mean squared norm of the rows of X: at least as large as smoothness.
    cost_of_zeros : float
        J of weights that are all zero: half the mean square of y.
    variation : float
        With an intercept, J of the best constant prediction: half the variance of y. Without, `cost_of_zeros`.
    whitened : bool
        True in whitened coordinates, where the least cost is known from the start.
    least_error : float
        The relative error of the least cost.
    find_least_cost : callable
        Returns the least value J* of J, or None if it is unknown.
    find_convexity : callable
        Returns the smallest non-zero eigenvalue of the Hessian; 0 if there is none.
    find_quotients : callable or None
        Returns the Rayleigh quotient of a gradient if the convexity is an estimate.

    They may take as long as many epochs, so they are called only when the run seems to have settled.
    """

    tol: float
    trace: float
    cost_of_zeros: float
    variation: float
    whitened: bool
    least_error: float
    find_least_cost: Callable[[], float | None]
    find_convexity: Callable[[], float]
    find_quotients: Callable[[Array], Any] | None = None

    def settled(self, previous_cost: float, cost: float, gradient: Array) -> str | None:
        """Return "gradient" or "cost" if the run has settled by that rule, else None.

        The gradient is small if ‖Xᵀr‖ ≤ tol·‖X‖·‖r‖, with the Frobenius norm of X, or if the residual r is negligible
        relative to y (with an intercept, relative to the variation of y). These are the two rules of LSMR.

        The cost has settled if three conditions hold. From one check to the next it has changed by at most tol·J. A
        single update cannot lower it much more: an update at the rate 1/smoothness lowers J by at least
        ‖∇J‖² / (2·smoothness). And J is at most tol·J above its minimum J*, since J − J* ≤ ‖∇J‖² / (2·convexity). So
        the rule does not accept costs that hardly change because the rate is far too small, because the updates jump
        back and forth across the minimum, or because badly scaled columns make the descent slow.

        Badly scaled columns can make the gradient small too, and hide the smallest eigenvalue. So in both cases J must
        also be near its minimum, where that is known: see `is_least`. In whitened coordinates that is enough.

        References
        ----------
        D. C.-L. Fong and M. Saunders, LSMR: an iterative algorithm for sparse least-squares problems, SIAM J.
        Sci. Comput. 33 (2011) 2950-2971, stopping rules S1 and S2.
        S. Boyd and L. Vandenberghe, Convex Optimization, Cambridge, 2004, section 9.1.2 (the bound by the convexity).
        """
        if self.tol == 0:
            return None
        size = norm(gradient)
        scale = sqrt(self.trace) * sqrt(2 * cost)
        if sqrt(cost) <= self.negligible:
            return "gradient"
        if size <= self.tol * scale:
            return "gradient" if self.is_least(cost, size) and self.reaches_all(cost, size, gradient) else None
        if self.whitened:
            return "cost" if self.is_least(cost, size) else None
        if abs(previous_cost - cost) > self.tol * cost or size > sqrt(self.tol) * scale:
            return None
        least = self.bounds_excess(cost, size) and self.is_least(cost, size)
        return "cost" if least and self.reaches_all(cost, size, gradient) else None

    @property
    def negligible(self) -> float:
        """The root of a cost that is zero for the tolerance, or by the rounding of y."""
        return max(self.tol * sqrt(self.variation), EXACT * sqrt(self.cost_of_zeros))

    def is_least(self, cost: float, size: float, rounding: float = 0.0) -> bool:
        """Return True if the cost is near its minimum: J − J* ≤ tol·J*, or negligible relative to y.

        If J* is unknown, the bound of J − J* by the convexity must do.

        Parameters
        ----------
        cost : float
            J.
        size : float
            The norm of the gradient.
        rounding : float
            The root of a cost that rounding alone can cause.
        """
        least = self.find_least_cost()
        if least is not None:
            small = max(self.negligible, rounding)
            return cost - least <= max(self.tol, self.least_error) * least + small * small
        return self.bounds_excess(cost, size)

    def bounds_excess(self, cost: float, size: float) -> bool:
        """Return True if ‖∇J‖² / (2·convexity), a bound of J − J*, is at most tol·J."""
        return size <= sqrt(2 * self.find_convexity()) * sqrt(self.tol * cost)

    def reaches_all(self, cost: float, size: float, gradient: Array) -> bool:
        """Return True unless the gradient tells of an eigenvalue that the estimate of the convexity has missed.

        Rates for too narrow an interval leave the part of the error below it, and that part of the gradient: its
        Rayleigh quotient is small then, and bounds J − J* from below by ‖∇J‖² / (2·quotient).
        """
        if self.find_quotients is None or self.find_least_cost() is not None:
            return True
        return size <= sqrt(2 * float(self.find_quotients(gradient))) * sqrt(self.tol * cost)

    def grown(self, earlier_cost: Any, cost: Any) -> Any:
        """Return True if a cost is above an earlier one by more than rounding explains; elementwise for arrays."""
        return has_grown(earlier_cost, cost, self.cost_of_zeros)


def has_grown(earlier_cost: Any, cost: Any, cost_of_zeros: Any) -> Any:
    """Return True if a cost is above an earlier one by more than rounding explains; elementwise for arrays."""
    return cost > GROWTH * earlier_cost + ROUNDING**2 * cost_of_zeros
