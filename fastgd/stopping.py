"""When a run is over: the two rules of the tutorial, both relative, and divergence.

Rescaling X or y leaves every one of these decisions as it is.
"""

from dataclasses import dataclass

import numpy as np

from fastgd.arrays import Array, norm
from fastgd.validation import check_mean_square

# A cost counts as grown when it is above the first one by more than rounding can explain.
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
    """

    tol: float
    curvature: float
    largest_cost: float

    def settled(self, previous_cost: float, cost: float, gradient: Array) -> str | None:
        """Return "gradient" or "cost" when the run has settled by that rule, else None.

        The gradient is small when ‖Xᵀr‖ ≤ tol·‖X‖·‖r‖ in the Frobenius norm of X, the first of the two rules of
        LSMR, or when the residual r itself is negligible against y, the second. The cost settles when it changes
        by no more than tol of itself between two looks.

        References
        ----------
        D. C.-L. Fong and M. Saunders, LSMR: an iterative algorithm for sparse least-squares problems, SIAM J.
        Sci. Comput. 33 (2011) 2950-2971, section 2.6.
        """
        if self.tol == 0:
            return None
        small = self.tol * np.sqrt(self.curvature) * np.sqrt(2 * cost)
        if norm(gradient) <= small or cost <= self.tol**2 * self.largest_cost:
            return "gradient"
        return "cost" if abs(previous_cost - cost) <= self.tol * cost else None

    def grown(self, first_cost: float, cost: float) -> bool:
        """Tell whether the cost is above that of the first epoch by more than rounding explains."""
        return cost > GROWTH * first_cost + ROUNDING**2 * self.largest_cost


def make_rules(X: Array, y: Array, fit_intercept: bool, tol: float) -> StoppingRules:
    """Return the rules for one problem; refuse data whose squares leave the range of float64."""
    curvature = check_mean_square("X", X) + fit_intercept
    return StoppingRules(tol, curvature, check_mean_square("y", y) / 2)
