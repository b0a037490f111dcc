"""NIST's certified solutions agree with exact ones in rational arithmetic, and fastgd reaches their digits.

The exact problem uses the published decimals, not floats: rounding the target of Wampler2 to float64 already changes
the problem.
"""

import re
import warnings
from fractions import Fraction
from operator import mul
from pathlib import Path

import numpy as np
import pytest
from strd import PROBLEMS, exact, lre

import fastgd


def dot(a, b):
    return sum(map(mul, a, b))


def least_squares(X, y, fit_intercept):
    """Return the weights and the residual sum of squares, from the normal equations solved without rounding."""
    rows = [[Fraction(1)] * fit_intercept + row for row in X]
    columns = list(zip(*rows, strict=True))
    system = [[dot(column, other) for other in (*columns, y)] for column in columns]
    for pivot, upper in enumerate(system):
        upper[:] = [value / upper[pivot] for value in upper]
        for lower in system[:pivot] + system[pivot + 1 :]:
            factor = lower[pivot]
            lower[:] = [value - factor * above for value, above in zip(lower, upper, strict=True)]
    weights = [equation[-1] for equation in system]
    return weights, sum((dot(row, weights) - target) ** 2 for row, target in zip(rows, y, strict=True))


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_certified_solution_is_the_exact_one(name):
    problem = PROBLEMS[name]
    weights, residual_sum_of_squares = least_squares(*exact(name), problem.fit_intercept)
    assert [float(weight) for weight in weights] == pytest.approx(problem.weights.tolist(), rel=1e-14, abs=0)
    assert float(residual_sum_of_squares) == pytest.approx(problem.residual_sum_of_squares, rel=1e-14, abs=0)


ATTAINABLE = {"Norris": 14.1, "Pontius": 13.5, "Longley": 14.6, "Wampler2": 13.2, "Filip": 7.7}


@pytest.mark.parametrize("name", PROBLEMS)
def test_rounding_to_float64_leaves_these_digits(name):
    problem = PROBLEMS[name]
    X = [[Fraction(value) for value in row] for row in problem.X.tolist()]
    weights, _ = least_squares(X, [Fraction(value) for value in problem.y.tolist()], problem.fit_intercept)
    if name in ATTAINABLE:
        assert lre(weights, problem.weights) == pytest.approx(ATTAINABLE[name], abs=0.05)
    else:
        assert lre(weights, problem.weights) > 14.7  # the certified weights have 15 digits


def test_lre_counts_the_digits_of_the_worst_weight():
    assert lre([1.0, 2.0], [1.0, 2.0]) == 15
    assert lre([1.001, 2.0 + 2e-7, 1e-5], [1.0, 2.0, 0.0]) == pytest.approx(3)
    assert lre([1.0 + 1e-9, 2.0, 1e-5], [1.0, 2.0, 0.0]) == pytest.approx(5)
    for wrong in (-1.0, float("inf"), float("nan")):
        assert lre([1.0, wrong], [1.0, 2.0]) == 0


SETTINGS = {"epochs": 100_000, "tol": 1e-12, "precondition": "standardize"}
LEAST_DIGITS = {
    "Norris": 11, "Pontius": 10, "NoInt1": 12, "NoInt2": 12, "Longley": 10,
    "Wampler1": 5, "Wampler2": 8, "Wampler3": 5, "Wampler4": 5, "Wampler5": 5,
}  # fmt: skip


def descend(name, **settings):
    problem = PROBLEMS[name]
    return fastgd.gradient_descent(
        problem.X, problem.y, fit_intercept=problem.fit_intercept, **{**SETTINGS, **settings}
    )


@pytest.mark.parametrize("name", LEAST_DIGITS)
@pytest.mark.parametrize(("schedule", "compress"), [("chebyshev", True), ("chebyshev", False), ("eigenvalues", True)])
def test_accelerated_rates_reach_the_certified_digits(name, schedule, compress):
    result = descend(name, learning_rate=schedule, compress=compress)
    assert result.converged
    assert lre(result.weights, PROBLEMS[name].weights) >= LEAST_DIGITS[name]


@pytest.mark.parametrize("compress", [True, False])
@pytest.mark.parametrize("schedule", ["eigenvalues", "chebyshev", "silver", "constant", 0.5])
@pytest.mark.parametrize("name", PROBLEMS)
def test_no_schedule_is_quietly_wrong(name, schedule, compress):
    """A run that is called converged has correct digits; any other warns once."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = descend(name, learning_rate=schedule, compress=compress)
    assert len(caught) == (not result.converged)
    expected = fastgd.DivergenceWarning if result.reason == "diverged" else fastgd.ConvergenceWarning
    assert all(issubclass(warning.category, expected) for warning in caught)
    # Without compression, the rounding error of the longest step grows with the residual, and in Wampler's data the
    # residual is a thousand times the signal. Many steps average such errors out; compressed rows have no residual.
    least = 4 if schedule == "eigenvalues" and not compress else 5
    assert not result.converged or lre(result.weights, PROBLEMS[name].weights) > least


def test_the_page_of_digits_says_how_many_the_data_of_filip_leave():
    page = Path(__file__).parents[1] / "docs" / "certified.md"
    if not page.exists():
        pytest.skip("the wheel's tests run away from the source tree")
    text = " ".join(page.read_text(encoding="utf-8").split())
    assert f"leaves {ATTAINABLE['Filip']} digits of the solution" in text


@pytest.mark.parametrize("compress", [True, False])
def test_filip_ends_unconverged_with_its_condition_number(compress):
    condition = np.linalg.cond(standardized(PROBLEMS["Filip"].X))
    with pytest.warns(fastgd.ConditionWarning) as caught:
        result = descend("Filip", learning_rate="chebyshev", compress=compress)
    assert not result.converged
    told = float(re.search(r"condition number of X is (\S+),", str(caught[0].message))[1])
    assert told == pytest.approx(condition, rel=0.01)


def standardized(X):
    moved = X - X.mean(axis=0)
    return moved / np.sqrt(np.square(moved).mean(axis=0))
