"""The formulas agree with their definitions, and gradient descent keeps the promises of theory."""

from fractions import Fraction

import numpy as np
import pytest
from parity import descend, stable_rates, start
from problems import PROBLEMS, random_problem

import fastgd

WITH_AND_WITHOUT_INTERCEPT = pytest.mark.parametrize("fit_intercept", [True, False], ids=["intercept", "no intercept"])


def with_ones(X, fit_intercept):
    """Return X with a column of ones, which the kernels only imply, if there is an intercept."""
    return np.column_stack([np.ones((len(X), int(fit_intercept))), X.astype(np.float64)])


def exact_cost(A, y, weights):
    """Return J by its definition, in fractions and so without rounding."""
    A, y, weights = (np.vectorize(Fraction, otypes=[object])(array) for array in (A, y, weights))
    residual = A @ weights - y
    return float(residual @ residual / (2 * len(y)))


@WITH_AND_WITHOUT_INTERCEPT
@pytest.mark.parametrize("name", ["tutorial", "float32", "mixed column scales", "one row", "huge scale", "tiny scale"])
def test_cost_is_its_definition(backend, name, fit_intercept):
    X, y = PROBLEMS[name]()
    weights = start(X, fit_intercept)
    costs = descend(backend, X, y, weights, np.zeros(1))[2]
    assert costs[0] == pytest.approx(exact_cost(with_ones(X, fit_intercept), y, weights), rel=1e-13, abs=0)
    assert fastgd.cost(X, y, weights) == pytest.approx(costs[0], rel=1e-13, abs=0)


@WITH_AND_WITHOUT_INTERCEPT
def test_gradient_is_the_slope_of_the_cost(backend, fit_intercept):
    X, y = PROBLEMS["tutorial"]()
    weights = start(X, fit_intercept)
    # J is quadratic, so central differences have no truncation error; a long step keeps rounding small.
    slopes = [
        (fastgd.cost(X, y, weights + step) - fastgd.cost(X, y, weights - step)) / 2 for step in np.eye(len(weights))
    ]
    gradient = descend(backend, X, y, weights, np.zeros(1))[3]
    np.testing.assert_allclose(gradient, slopes, rtol=1e-13, atol=1e-13 * fastgd.cost(X, y, weights))
    np.testing.assert_allclose(fastgd.gradient(X, y, weights), gradient, rtol=1e-13)


@WITH_AND_WITHOUT_INTERCEPT
def test_cost_history_is_the_definition_along_the_path(backend, fit_intercept):
    X, y = random_problem(9, 3)
    weights, rates = start(X, fit_intercept), stable_rates(X, fit_intercept, epochs=25)
    result = fastgd.gradient_descent(
        X, y, learning_rate=rates, weights=weights, fit_intercept=fit_intercept, tol=0, compress=False, backend=backend
    )
    A = with_ones(X, fit_intercept)
    for rate, cost in zip(rates, result.cost_history, strict=True):
        assert cost == pytest.approx(exact_cost(A, y, weights), rel=1e-12)
        weights = weights - rate * (A.T @ (A @ weights - y)) / len(y)
    np.testing.assert_allclose(result.weights, weights, rtol=1e-12)


@WITH_AND_WITHOUT_INTERCEPT
def test_the_exact_answer_is_reached(backend, fit_intercept):
    X, y = PROBLEMS["tutorial"]()
    options = {"learning_rate": "constant", "compress": False, "fit_intercept": fit_intercept, "backend": backend}
    result = fastgd.gradient_descent(X, y, **options, tol=0, epochs=400)
    exact = np.linalg.lstsq(with_ones(X, fit_intercept), y, rcond=None)[0]
    np.testing.assert_allclose(result.weights, exact, rtol=1e-12)
    assert np.linalg.norm(fastgd.gradient(X, y, result.weights)) < 1e-14 * np.linalg.norm(y)


@pytest.mark.parametrize("learning_rate", ["constant", "auto"])
def test_every_start_leads_to_the_same_minimum(learning_rate):
    X, y = PROBLEMS["tutorial"]()
    starts = [np.zeros(6), np.full(6, 1e3), *np.random.default_rng(0).standard_normal((5, 6))]
    options = {"learning_rate": learning_rate, "tol": 0, "epochs": 500}
    reached = [fastgd.gradient_descent(X, y, weights=weights, **options).weights for weights in starts]
    for weights in reached[1:]:
        np.testing.assert_allclose(weights, reached[0], rtol=1e-12)


def test_the_cost_is_convex():
    X, y = PROBLEMS["tutorial"]()
    for a, b in np.random.default_rng(0).standard_normal((20, 2, 6)):
        chord = (fastgd.cost(X, y, a) + fastgd.cost(X, y, b)) / 2
        assert fastgd.cost(X, y, (a + b) / 2) < chord


COLLINEAR = pytest.mark.parametrize(
    "name", ["collinear columns", "constant column", "column of zeros", "more columns than rows"]
)


def two_starts(X, y, **options):
    """Return the weights that a run from zeros and one from tens reach; both must reach the least cost."""
    tens = np.full(X.shape[1] + 1, 10.0)
    reached = [fastgd.gradient_descent(X, y, weights=start, **options).weights for start in (None, tens)]
    least = fastgd.cost(X, y, np.linalg.lstsq(with_ones(X, True), y, rcond=None)[0])
    for weights in reached:
        assert fastgd.cost(X, y, weights) == pytest.approx(least, rel=1e-9, abs=1e-20 * fastgd.cost(X, y, 0 * weights))
    return reached


@COLLINEAR
def test_collinear_columns_share_a_cost_but_not_weights(name):
    zeros, other = two_starts(*PROBLEMS[name](), learning_rate="constant", tol=0, epochs=10_000)
    assert np.linalg.norm(zeros - other) > 1


@COLLINEAR
def test_of_all_weights_with_the_least_cost_the_default_takes_those_of_least_norm(name):
    X, y = PROBLEMS[name]()
    coef = np.linalg.lstsq(X - X.mean(axis=0), y - y.mean(), rcond=1e-12)[0]
    for weights in two_starts(X, y):
        np.testing.assert_allclose(weights[1:], coef, rtol=1e-9, atol=1e-12)


@WITH_AND_WITHOUT_INTERCEPT
@pytest.mark.parametrize("name", ["tutorial", "collinear columns", "more columns than rows", "float32 fortran"])
def test_two_over_smoothness_divides_descent_from_divergence(name, fit_intercept):
    X, y = PROBLEMS[name]()
    A = with_ones(X, fit_intercept)
    largest_stable = 2 / np.linalg.eigvalsh(A.T @ A / len(y))[-1]
    settings = {"epochs": 2000, "fit_intercept": fit_intercept, "tol": 0, "weights": "random", "random_state": 0}
    below = fastgd.gradient_descent(X, y, learning_rate=0.99 * largest_stable, **settings)
    history = below.cost_history[:100]  # later costs differ by rounding alone
    assert (np.diff(history) < 0).all()
    assert below.reason == "epochs"
    with pytest.warns(fastgd.DivergenceWarning):
        above = fastgd.gradient_descent(X, y, learning_rate=1.01 * largest_stable, **settings)
    assert above.reason == "diverged"


@pytest.mark.parametrize("fraction", [0.1, 1.0, 1.9])
def test_the_error_shrinks_by_the_factor_that_theory_gives(fraction):
    # One feature, no intercept: each update multiplies the error by exactly 1 − rate·smoothness.
    X, y = np.array([[1.0], [3.0]]), np.array([2.0, 6.0])
    rate = fraction / 5
    result = fastgd.gradient_descent(X, y, learning_rate=rate, epochs=7, tol=0, fit_intercept=False)
    assert result.weights[0] - 2 == pytest.approx(-2 * (1 - fraction) ** 7, rel=1e-12, abs=1e-14)
