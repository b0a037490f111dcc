"""The rules that suit a problem: those of one target, or of several at once."""

from functools import cache

import numpy as np

from fastgd.descent.stopping import EXACT, StoppingRules
from fastgd.descent.target_rules import TargetRules
from fastgd.inputs.data import check_mean_square, check_mean_squares
from fastgd.problem.prepared import Prepared

AnyRules = StoppingRules | TargetRules
# The relative error of the least cost of rows whose Gram matrix has lost as many digits as it may.
GRAM_ERROR = 1e-11


def make_rules(prepared: Prepared, tol: float) -> AnyRules:
    """Return the rules for one problem; refuse data whose squares leave the range of float64."""
    X, y = prepared.problem.X, prepared.problem.y
    trace = check_mean_square("X", X) + prepared.problem.intercept
    cost_of_zeros = variation = check_mean_squares("y", y) / 2
    if prepared.fit_intercept:
        if prepared.has_intercept_column:
            ones = X[:, 0]
            rest = y - np.multiply.outer(ones, (ones @ y) / (ones @ ones))
        else:
            rest = y - y.mean(axis=0)
        squares = np.einsum("ij,ij->j", rest, rest) if prepared.several else float(rest @ rest)
        variation = squares / (2 * len(y))
    find_least_cost = cache(prepared.find_least_cost)  # while J is too large, each check asks again
    least_error = EXACT if prepared.compressed else GRAM_ERROR  # a compressed problem has its own factor
    curvature = prepared.curvature
    find_quotients = None if prepared.precondition == "whiten" or curvature.exact else curvature.find_quotients
    known = prepared.precondition == "whiten", least_error, find_least_cost, lambda: curvature.convexity, find_quotients
    rules = TargetRules if prepared.several else StoppingRules
    return rules(tol, trace, cost_of_zeros, variation, *known)
