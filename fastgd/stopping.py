"""When a run is over: the two rules of the tutorial, both relative, and divergence.

Rescaling y leaves every one of these decisions as it is, and so does rescaling X where no intercept is fitted. With
one, rescaled features stand in another proportion to the column of ones, and that is another descent.
"""

from dataclasses import dataclass
from math import sqrt
from typing import Any

from fastgd.arrays import Array, norm
from fastgd.validation import check_mean_square

# A cost counts as grown when it is above an earlier one by more than rounding can explain.
GROWTH = 1 + 1e-6
ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class StoppingRules:
    """The scales of one problem, and how small is small.

    Parameters
    ----------
    tol : float
        The relative tolerance; 0 switches both rules off.
    curvature : float
        The trace of the Hessian of J, the mean square of a row of X: at least as large as smoothness.
    largest_cost : float
        J of weights that are all zero: half the mean square of y.
    convexity : float
        The smallest non-zero eigenvalue of the Hessian of J; 0 where it is not known.
    """

    tol: float
    curvature: float
    largest_cost: float
    convexity: float = 0.0

    def settled(self, previous_cost: float, cost: float, gradient: Array) -> str | None:
        """Return "gradient" or "cost" when the run has settled by that rule, else None.

        The gradient is small when ‖Xᵀr‖ ≤ tol·‖X‖·‖r‖ in the Frobenius norm of X, or when the residual r itself is
        negligible against y: the two rules of LSMR. The cost has settled when it changes by no more than tol of itself
        between two looks, and is not above its least value by more: J − J* ≤ ‖∇J‖² / (2·convexity). Where the convexity
        is not known, no single update must be able to change the cost much more: one at the rate 1/smoothness lowers J
        by at least ‖∇J‖² / (2·smoothness). So a rate that is far too small, or one that jumps to and fro over the
        minimum, does not pass for a settled cost. A slow descent in a badly scaled problem can, then.

        References
        ----------
        D. C.-L. Fong and M. Saunders, LSMR: an iterative algorithm for sparse least-squares problems, SIAM J.
        Sci. Comput. 33 (2011) 2950-2971, stopping rules S1 and S2.
        S. Boyd and L. Vandenberghe, Convex Optimization, Cambridge, 2004, section 9.1.2 (the bound by the convexity).
        """
        if self.tol == 0:
            return None
        size = norm(gradient)
        scale = sqrt(self.curvature) * sqrt(2 * cost)
        if size <= self.tol * scale or cost <= self.tol**2 * self.largest_cost:
            return "gradient"
        unchanged = abs(previous_cost - cost) <= self.tol * cost
        if self.convexity > 0:
            lowest = size <= sqrt(2 * self.convexity) * sqrt(self.tol * cost)
        else:
            lowest = size <= sqrt(self.tol) * scale
        return "cost" if unchanged and lowest else None

    def grown(self, earlier_cost: Any, cost: Any) -> Any:
        """Tell whether a cost is above an earlier one by more than rounding explains; arrays of costs one by one."""
        return cost > GROWTH * earlier_cost + ROUNDING**2 * self.largest_cost


def make_rules(X: Array, y: Array, fit_intercept: bool, tol: float) -> StoppingRules:
    """Return the rules for one problem; refuse data whose squares leave the range of float64."""
    curvature = check_mean_square("X", X) + fit_intercept
    return StoppingRules(tol, curvature, check_mean_square("y", y) / 2)
