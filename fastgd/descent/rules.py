"""The rules that suit a problem: those of one target, or of several at once."""

from functools import cache
from typing import Any

import numpy as np

from fastgd.descent.stopping import EXACT, StoppingRules
from fastgd.descent.target_rules import TargetRules
from fastgd.inputs.arrays import sum_squares
from fastgd.inputs.values import check_mean_square, check_mean_squares
from fastgd.problem.coordinates import WhitenedCoordinates
from fastgd.problem.prepared import Prepared

AnyRules = StoppingRules | TargetRules
# The relative error of the least cost of rows whose Gram matrix has lost as many digits as it may.
GRAM_ERROR = 1e-11


def make_rules(prepared: Prepared, tol: float) -> AnyRules:
    """Return the rules for one problem; refuse data whose squares leave the range of float64."""
    X, y, coordinates, whitened = prepared.problem.X, prepared.problem.y, prepared.coordinates, False
    if isinstance(coordinates, WhitenedCoordinates):
        whitened, trace = True, float(coordinates.rank)  # all eigenvalues are 1
    else:
        trace = check_mean_square("X", X) + prepared.problem.intercept
    cost_of_zeros = check_mean_squares("y", y) / 2
    variation = find_variation(prepared) if prepared.fit_intercept else cost_of_zeros
    # While J is too large, each check asks again; whitened coordinates have the answer at hand.
    least = prepared.find_least_cost() if whitened else None
    find_least_cost = (lambda: least) if whitened else cache(prepared.find_least_cost)
    least_error = EXACT if prepared.compressed else GRAM_ERROR  # a compressed problem has its own factor
    curvature = prepared.curvature
    find_quotients = None if whitened or curvature.exact else curvature.find_quotients
    known = whitened, least_error, find_least_cost, lambda: curvature.convexity, find_quotients
    rules = TargetRules if prepared.several else StoppingRules
    return rules(tol, trace, cost_of_zeros, variation, *known)


def find_variation(prepared: Prepared) -> Any:
    """Return J of the best constant prediction, of each target."""
    X, y = prepared.problem.X, prepared.problem.y
    if prepared.precondition == "whiten":
        rest = y[1:]  # the first row is that of the intercept alone
    elif prepared.has_intercept_column:
        ones = X[:, 0]
        rest = y - np.multiply.outer(ones, (ones @ y) / (ones @ ones))
    else:
        rest = y - y.mean(axis=0)
    squares = np.einsum("ij,ij->j", rest, rest) if prepared.several else sum_squares(rest)
    return squares / (2 * len(y))
