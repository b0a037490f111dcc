"""Whether contestants compute the same: nothing is timed that does not."""

import numpy as np

from fastgd.bench.contestants import Contestant
from fastgd.bench.problem import Problem
from fastgd.report.steps import prepare_whitened, whiten

CHECKED_EPOCHS = 2
AGREEMENT = 1e-9  # of the largest weight: steps differ by rounding alone


def check_agreement(steps: list[Contestant], problem: Problem) -> dict[str, float]:
    """Return the distance of each step's weights from those of the first step, as a share of the largest weight.

    A step whose weights differ by more than rounding does not compute the same update: that is an ArithmeticError.
    """
    weights = {step.name: step.prepare(problem).run(CHECKED_EPOCHS).copy() for step in steps}
    first = weights[steps[0].name]
    differences = {name: float(abs(w - first).max() / abs(first).max()) for name, w in weights.items()}
    for name, difference in differences.items():
        if not difference <= AGREEMENT:
            raise ArithmeticError(f"{name} and {steps[0].name} differ by {difference:.1e} of the largest weight")
    return differences


def check_minimum(problem: Problem) -> float:
    """Return the distance of the weights after one whitened epoch from those of least squares, as a share.

    If they differ by more than rounding, one epoch is not enough: that is an ArithmeticError.
    """
    X, y = problem.X - problem.X.mean(axis=0), problem.y - problem.y.mean()
    coef = np.linalg.lstsq(X, y, rcond=None)[0]
    exact = np.append(problem.y.mean() - problem.X.mean(axis=0) @ coef, coef)
    found = whiten(problem).to_data(prepare_whitened(problem).run(1))
    difference = float(abs(found - exact).max() / abs(exact).max())
    if not difference <= AGREEMENT:
        raise ArithmeticError(f"whitened and least squares differ by {difference:.1e} of the largest weight")
    return difference
