"""The rules that end a run: a small gradient, a settled cost, and divergence.

All rules are relative. Rescaling y changes no decision, nor does rescaling X if there is no intercept. With an
intercept, rescaled features have another size relative to the column of ones, which makes it another descent.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt
from typing import Any

from fastgd.inputs.arrays import EPSILON, Array, norm
from fastgd.inputs.data import check_mean_square
from fastgd.problem.prepared import Prepared

# A cost has grown if it is above GROWTH times an earlier cost plus ROUNDING² times J of zero weights.
GROWTH = 1 + 1e-6
ROUNDING = 1e-12
# The residuals of an exact fit, relative to y: a few units of its last digit.
EXACT = 16 * EPSILON


@dataclass(frozen=True, slots=True)
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
    find_convexity : callable
        Returns the smallest non-zero eigenvalue of the Hessian, or 0 if it is unknown. It may take as long as many
        epochs, so it is called only when the cost seems to have settled.
    """

    tol: float
    trace: float
    cost_of_zeros: float
    variation: float
    find_convexity: Callable[[], float]

    def settled(self, previous_cost: float, cost: float, gradient: Array) -> str | None:
        """Return "gradient" or "cost" if the run has settled by that rule, else None.

        The gradient is small if ‖Xᵀr‖ ≤ tol·‖X‖·‖r‖, with the Frobenius norm of X, or if the residual r is negligible
        relative to y (with an intercept, relative to the variation of y). These are the two rules of LSMR.

        The cost has settled if three conditions hold. From one check to the next it has changed by at most tol·J. A
        single update cannot lower it much more: an update at the rate 1/smoothness lowers J by at least
        ‖∇J‖² / (2·smoothness). And J is at most tol·J above its minimum J*, since J − J* ≤ ‖∇J‖² / (2·convexity). So
        the rule does not accept costs that hardly change because the rate is far too small, because the updates jump
        back and forth across the minimum, or because badly scaled columns make the descent slow.

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
        negligible = max(self.tol * sqrt(self.variation), EXACT * sqrt(self.cost_of_zeros))
        if size <= self.tol * scale or sqrt(cost) <= negligible:
            return "gradient"
        if abs(previous_cost - cost) > self.tol * cost or size > sqrt(self.tol) * scale:
            return None
        convexity = self.find_convexity()
        return "cost" if convexity == 0 or size <= sqrt(2 * convexity) * sqrt(self.tol * cost) else None

    def grown(self, earlier_cost: Any, cost: Any) -> Any:
        """Return True if a cost is above an earlier one by more than rounding explains; elementwise for arrays."""
        return cost > GROWTH * earlier_cost + ROUNDING**2 * self.cost_of_zeros


def make_rules(prepared: Prepared, tol: float) -> StoppingRules:
    """Return the rules for one problem; refuse data whose squares leave the range of float64."""
    X, y = prepared.problem.X, prepared.problem.y
    trace = check_mean_square("X", X) + prepared.problem.intercept
    cost_of_zeros = variation = check_mean_square("y", y) / 2
    if prepared.fit_intercept:
        ones = X[:, 0]
        rest = y - (ones * ((ones @ y) / (ones @ ones)) if prepared.has_intercept_column else y.mean())
        variation = float(rest @ rest) / (2 * len(y))
    return StoppingRules(tol, trace, cost_of_zeros, variation, lambda: prepared.curvature.convexity)
