"""When a run is over: the two rules of the tutorial, both relative, and divergence.

Rescaling y leaves every one of these decisions as it is, and so does rescaling X where no intercept is fitted. With
one, rescaled features stand in another proportion to the column of ones, and that is another descent.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt
from typing import Any

from fastgd.inputs.arrays import EPSILON, Array, norm
from fastgd.inputs.data import check_mean_square

# A cost counts as grown when it is above an earlier one by more than rounding can explain.
GROWTH = 1 + 1e-6
ROUNDING = 1e-12
# Residuals of an exact fit are this much of y, roughly: a few units of its last digit.
EXACT = 16 * EPSILON


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
    variation : float
        J of the best constant, where there is an intercept: half the variance of y; else as `largest_cost`.
    find_convexity : callable
        Returns the smallest non-zero eigenvalue of the Hessian of J, or 0 where it cannot be told. Only asked when a
        cost seems to have settled, since the answer may take as long as many epochs.
    """

    tol: float
    curvature: float
    largest_cost: float
    variation: float
    find_convexity: Callable[[], float]

    def settled(self, previous_cost: float, cost: float, gradient: Array) -> str | None:
        """Return "gradient" or "cost" when the run has settled by that rule, else None.

        The gradient is small when ‖Xᵀr‖ ≤ tol·‖X‖·‖r‖ in the Frobenius norm of X, or when the residual r itself is
        negligible against y, or against its variation where there is an intercept: the two rules of LSMR. The cost has
        settled when it changes by no more than tol of itself between two looks, no single update can change it much
        more (one at the rate 1/smoothness lowers J by at least ‖∇J‖² / (2·smoothness)), and it is above its least value
        by no more than tol of itself: J − J* ≤ ‖∇J‖² / (2·convexity). So no rate that is far too small, or that jumps
        to and fro over the minimum, passes for a settled cost, nor does a slow descent in a badly scaled problem.

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
        negligible = max(self.tol * sqrt(self.variation), EXACT * sqrt(self.largest_cost))
        if size <= self.tol * scale or sqrt(cost) <= negligible:
            return "gradient"
        if abs(previous_cost - cost) > self.tol * cost or size > sqrt(self.tol) * scale:
            return None
        convexity = self.find_convexity()
        return "cost" if convexity == 0 or size <= sqrt(2 * convexity) * sqrt(self.tol * cost) else None

    def grown(self, earlier_cost: Any, cost: Any) -> Any:
        """Tell whether a cost is above an earlier one by more than rounding explains; arrays of costs one by one."""
        return cost > GROWTH * earlier_cost + ROUNDING**2 * self.largest_cost


def make_rules(
    X: Array,
    y: Array,
    fit_intercept: bool,
    tol: float,
    *,
    explicit: bool = False,
    find_convexity: Callable[[], float] = lambda: 0.0,
) -> StoppingRules:
    """Return the rules for one problem; refuse data whose squares leave the range of float64.

    Parameters
    ----------
    X, y : ndarray
        The problem.
    fit_intercept : bool
        Whether a column of ones is implied.
    tol : float
        The tolerance.
    explicit : bool
        Whether column 0 of X is the intercept's.
    find_convexity : callable
        See `StoppingRules`.
    """
    curvature = check_mean_square("X", X) + fit_intercept
    largest = check_mean_square("y", y) / 2
    variation = largest
    if explicit or fit_intercept:
        ones = X[:, 0]
        rest = y - (ones * ((ones @ y) / (ones @ ones)) if explicit else y.mean())
        variation = float(rest @ rest) / (2 * len(y))
    return StoppingRules(tol, curvature, largest, variation, find_convexity)
