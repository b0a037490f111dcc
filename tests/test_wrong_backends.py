"""The parity check itself passes a right backend and fails every wrong one."""

import sys
from types import ModuleType

import numpy as np
import pytest
from parity import assert_parity
from problems import PROBLEMS

from fastgd import backends

RIGHT = """
import numpy as np

def descend(X, y, weights, rates, costs, gradient, threads=1):
    n, p = X.shape
    ones = np.ones((n, len(weights) - p))
    A = np.column_stack([ones, X.astype(np.float64)])
    for k in range(len(rates)):
        residual = A @ weights - y
        costs[k] = residual @ residual / (2 * n)
        gradient[:] = A.T @ residual / n
        weights -= rates[k] * gradient
    return len(rates)
"""

AFTER = " " * 8  # the indentation of one more line in the loop, after the update
# Each fault, and the change to the right backend that makes it.
WRONG = {
    "sign of the update": ("weights -=", "weights +="),
    "sign of the residual": ("A @ weights - y", "y - A @ weights"),
    "intercept forgotten": ("np.ones((n,", "np.zeros((n,"),
    "intercept not updated": ("weights -= rates[k] * gradient", "weights[-p:] -= (rates[k] * gradient)[-p:]"),
    "intercept in the last place": ("[ones, X.astype(np.float64)]", "[X, ones]"),
    "intercept's gradient summed, not averaged": ("weights -=", "gradient[:-p] *= n; weights -="),
    "factor x missing": ("A.T @ residual", "residual.sum()"),
    "error squared in the gradient": ("A.T @ residual", "A.T @ residual**2"),
    "1/n missing in the gradient": ("A.T @ residual / n", "A.T @ residual"),
    "1/n missing in the cost": ("/ (2 * n)", "/ 2"),
    "1/2 missing in the cost": ("/ (2 * n)", "/ n"),
    "cost times n, not over n": ("/ (2 * n)", "/ 2 * n"),
    "absolute errors in the cost": ("residual @ residual", "abs(residual).sum()"),
    "cost of the outgoing weights": ("    return", AFTER + "costs[k] = ((A @ weights - y)**2).mean() / 2\n    return"),
    "gradient of the outgoing weights": ("    return", AFTER + "gradient[:] = A.T @ (A @ weights - y) / n\n    return"),
    "gradient not left": ("gradient[:] =", "gradient ="),
    "gradient left as a sum": ("    return", "    gradient *= n\n    return"),
    "weights not in place": ("weights -= rates[k] * gradient", "weights = weights - rates[k] * gradient"),
    "first rate for every epoch": ("rates[k] *", "rates[0] *"),
    "last row left out": ("A @ weights - y", "(A @ weights - y) * (np.arange(n) < n - 1)"),
    "one of many rows counted twice": ("A @ weights - y", "(A @ weights - y) * (1 + (np.arange(n) == 17))"),
    "last column left out": ("A.T @ residual", "A.T @ residual * (np.arange(len(weights)) < p)"),
    "last epoch left out": ("range(len(rates))", "range(len(rates) - 1)"),
    "number of updates wrong": ("return len(rates)", "return len(rates) - 1"),
    "float32 residuals": ("A @ weights - y", "(A @ weights - y).astype(np.float32)"),
    "float32 data": ("X.astype(np.float64)", "X.astype(np.float32)"),
    "float32 gradient": ("A.T @ residual / n", "(A.T @ residual / n).astype(np.float32)"),
    "eleven digits of the gradient": ("A.T @ residual / n", "A.T @ residual / n * (1 + 1e-11)"),
}  # fmt: skip


@pytest.fixture
def register(monkeypatch):
    """Return a function that registers a source text as the backend 'candidate'."""

    def register(source):
        module = ModuleType("candidate_backend")
        exec(source, module.__dict__)
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setitem(backends.MODULES, "candidate", module.__name__)

    return register


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_right_backend_passes(register, name):
    register(RIGHT)
    assert_parity("candidate", *PROBLEMS[name](), 1)
    assert_parity("candidate", *PROBLEMS[name](), 0)


@pytest.mark.parametrize("fault", WRONG)
def test_a_wrong_backend_fails(register, fault):
    right, wrong = WRONG[fault]
    assert RIGHT.count(right) == 1
    register(RIGHT.replace(right, wrong))
    with np.errstate(all="ignore"), pytest.raises(AssertionError):
        assert_parity("candidate", *PROBLEMS["tutorial"](), 1)
