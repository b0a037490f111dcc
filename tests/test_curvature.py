"""Smoothness and convexity agree with the eigenvalues of the matrix XᵀX/n."""

from functools import cache

import numpy as np
import pytest
from problems import PROBLEMS, random_problem

import fastgd
from fastgd.problem import curvature

WITH_AND_WITHOUT_INTERCEPT = pytest.mark.parametrize("fit_intercept", [True, False], ids=["intercept", "no intercept"])


def explicit_eigenvalues(X, fit_intercept):
    """Return the eigenvalues of XᵀX/n in ascending order; with an intercept, X gets a stored column of ones."""
    A = np.column_stack([np.ones((len(X), int(fit_intercept))), X.astype(np.float64)])
    return np.linalg.eigvalsh(A.T @ A / len(A))


@WITH_AND_WITHOUT_INTERCEPT
@pytest.mark.parametrize("name", PROBLEMS)
def test_smoothness_is_the_largest_eigenvalue(name, fit_intercept):
    X, _ = PROBLEMS[name]()
    largest = explicit_eigenvalues(X, fit_intercept)[-1]
    assert curvature.Curvature(X, fit_intercept).smoothness == pytest.approx(largest, rel=1e-12, abs=0)
    assert curvature.Curvature(X, fit_intercept).extremes[0] == pytest.approx(largest, rel=1e-12, abs=0)


@WITH_AND_WITHOUT_INTERCEPT
@pytest.mark.parametrize("name", ["tutorial", "one column", "float32", "fortran", "513 x 3 F"])
def test_convexity_is_the_smallest_eigenvalue(name, fit_intercept):
    X, _ = PROBLEMS[name]()
    smallest = explicit_eigenvalues(X, fit_intercept)[0]
    assert curvature.Curvature(X, fit_intercept).extremes[1] == pytest.approx(smallest, rel=1e-11)


@pytest.mark.parametrize(
    ("name", "zeros"), [("collinear columns", 2), ("constant column", 1), ("more columns than rows", 8)]
)
def test_convexity_ignores_eigenvalues_that_are_zero_up_to_rounding(name, zeros):
    X, _ = PROBLEMS[name]()
    eigenvalues = explicit_eigenvalues(X, True)
    assert curvature.Curvature(X, True).extremes[1] == pytest.approx(eigenvalues[zeros], rel=1e-9)


def test_a_constant_cost_has_no_curvature():
    assert curvature.Curvature(np.zeros((4, 2)), fit_intercept=False).extremes == (0.0, 0.0)
    assert curvature.power_iteration(np.zeros((4, 300)), fit_intercept=False) == 0.0


def test_blocks_of_rows_sum_to_the_whole():
    X, _ = random_problem(2 * curvature.BLOCK_ROWS + 1, 3)
    A = np.column_stack([np.ones(len(X)), X])
    np.testing.assert_allclose(curvature.hessian(X, True), A.T @ A / len(A), rtol=1e-12, atol=1e-14)
    vector = np.arange(1.0, 5.0)
    np.testing.assert_allclose(curvature.hessian_product(X, vector, True), A.T @ (A @ vector) / len(A), rtol=1e-12)


# Spectra for which power iteration is slow, or stays near a lower eigenvalue for a while.
FEATURES = 300
ADVERSARIAL = {
    "all equal": np.ones(FEATURES),
    "one three times the others": np.append(np.ones(FEATURES - 1), 3.0),
    "one just above the others": np.append(np.ones(FEATURES - 1), 1.2),
    "two close ones": np.append(np.full(FEATURES - 2, 0.1), [1.0, 0.99]),
    "geometric decay": 0.9 ** np.arange(FEATURES),
    "fast geometric decay": 0.5 ** np.arange(FEATURES),
    "linear decay": np.linspace(0.0, 1.0, FEATURES),
    "one and nothing else": np.append(np.zeros(FEATURES - 1), 1.0),
}


@cache
def rotation():
    return np.linalg.qr(np.random.default_rng(1).standard_normal((FEATURES, FEATURES)))[0]


def make_features(eigenvalues):
    """Return an X for which XᵀX/n has these eigenvalues."""
    return np.sqrt(FEATURES * eigenvalues)[:, np.newaxis] * rotation().T


def assert_stable_estimate(X, fit_intercept):
    """Assert an estimate well above half of the largest eigenvalue, so that 1/estimate is a stable rate."""
    assert X.shape[1] > curvature.EXACT_FEATURES
    largest = explicit_eigenvalues(X, fit_intercept)[-1]
    assert 0.6 * largest <= curvature.Curvature(X, fit_intercept).smoothness <= 1.3 * largest


@WITH_AND_WITHOUT_INTERCEPT
@pytest.mark.parametrize("name", ADVERSARIAL)
def test_power_iteration_gives_a_stable_rate(name, fit_intercept):
    assert_stable_estimate(make_features(ADVERSARIAL[name]), fit_intercept)


@WITH_AND_WITHOUT_INTERCEPT
@pytest.mark.parametrize("scale", [1e-100, 1e100])
def test_power_iteration_gives_a_stable_rate_at_every_scale(scale, fit_intercept):
    assert_stable_estimate(scale * make_features(ADVERSARIAL["linear decay"]), fit_intercept)


@WITH_AND_WITHOUT_INTERCEPT
@pytest.mark.parametrize("name", ADVERSARIAL)
def test_lanczos_finds_the_extremes(name, fit_intercept):
    X = make_features(ADVERSARIAL[name])
    eigenvalues = explicit_eigenvalues(X, fit_intercept)
    smoothness, convexity, _ = curvature.lanczos(X, fit_intercept)
    assert eigenvalues[-1] * (1 - 1e-12) <= smoothness <= 1.01 * eigenvalues[-1]
    nonzero = eigenvalues[eigenvalues > 1e-12 * eigenvalues[-1]]
    # In a decay without a gap, the smallest eigenvalues cannot be distinguished from rounding errors.
    lowest = 1e-13 * eigenvalues[-1] if name == "fast geometric decay" else nonzero[0] * (1 - 1e-3)
    assert lowest <= convexity <= eigenvalues[-1] * (1 + 1e-12)


@pytest.mark.parametrize("name", ["all equal", "one just above the others", "two close ones"])
def test_lanczos_is_exact_for_few_different_eigenvalues(name):
    eigenvalues = ADVERSARIAL[name]
    smoothness, convexity, _ = curvature.lanczos(make_features(eigenvalues), False)
    assert (smoothness, convexity) == pytest.approx((eigenvalues.max(), eigenvalues.min()), rel=1e-9)


def test_columns_of_zeros_add_no_curvature():
    assert curvature.lanczos(np.zeros((400, 300)), True)[1] == pytest.approx(1.0)
    assert curvature.lanczos(np.zeros((400, 300)), False) == (0.0, 0.0, True)


def test_a_schedule_converges_with_extremes_from_lanczos():
    X = np.random.default_rng(2).standard_normal((900, 300))
    y = X @ np.linspace(1.0, 2.0, 300) + 3.0
    result = fastgd.gradient_descent(X, y, learning_rate="chebyshev", compress=False, tol=1e-12, epochs=5000)
    assert result.converged
    np.testing.assert_allclose(result.weights, [3.0, *np.linspace(1.0, 2.0, 300)], rtol=1e-9)


# ---- few rows in float32


@WITH_AND_WITHOUT_INTERCEPT
@pytest.mark.parametrize("shape", [(60, 58), (59, 58), (58, 58), (40, 58), (58, 300), (300, 40)], ids=str)
def test_the_eigenvalues_of_float32_rows_have_the_digits_of_float64(shape, fit_intercept):
    for seed in range(3):
        X = np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
        single, double = (curvature.Curvature(rows, fit_intercept) for rows in (X, X.astype(np.float64)))
        np.testing.assert_allclose(single.eigenvalues, double.eigenvalues, rtol=1e-12)
        assert single.extremes == pytest.approx(double.extremes, rel=1e-12)
        assert single.condition == pytest.approx(double.condition, rel=1e-12)


def test_reciprocals_of_the_eigenvalues_of_few_float32_rows_converge():
    for seed in range(10):
        generator = np.random.default_rng(seed)
        X = generator.standard_normal((60, 58)).astype(np.float32)
        y = X @ np.ones(58) + generator.standard_normal(60)
        options = {"learning_rate": "eigenvalues", "precondition": "none", "compress": False}
        assert fastgd.gradient_descent(X, y, fit_intercept=False, **options).converged


# ---- the condition number where eigenvalues count as zero


def least_of_ones(X):
    """Return the mean square of the column of ones that no combination of other columns explains."""
    scaled = X / X.max(axis=0)
    return np.square(1 - scaled @ np.linalg.lstsq(scaled, np.ones(len(X)))[0]).mean()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [1e9, 1e14, 1e17])
def test_the_implied_column_of_ones_counts_in_the_condition_number(size, dtype):
    X = (np.random.default_rng(0).uniform(1, 2, (100, 3)) * size).astype(dtype)
    found = curvature.Curvature(X, True)
    expected = np.sqrt(found.smoothness / least_of_ones(X.astype(np.float64)))
    assert expected / 10 <= found.condition <= expected * (1 + 1e-6)
    assert curvature.Curvature(X, False).condition < 100


@pytest.mark.parametrize("start", [1.7e9, 1.7e12])
def test_columns_that_differ_little_from_a_constant_count_in_the_condition_number(start):
    x = start + np.arange(100.0)
    smoothness = 1 + np.mean(x**2)
    assert curvature.Curvature(x[:, np.newaxis], True).condition == pytest.approx(smoothness / x.std(), rel=1e-6)
    X = np.column_stack([np.full(100, start), x, np.random.default_rng(0).standard_normal(100)])
    assert curvature.Curvature(X, True).condition >= 0.1 * start


@pytest.mark.parametrize("rows", [30, 2 * curvature.BLOCK_ROWS + 1])
@pytest.mark.parametrize("value", [7.3, 1e10, -1e-3])
def test_constant_columns_do_not_count_in_the_condition_number(value, rows):
    X = np.random.default_rng(0).standard_normal((rows, 3)) * abs(value) + 3 * value
    X[:, 1] = value
    expected = np.linalg.svd(np.column_stack([np.ones(rows), X]), compute_uv=False) / np.sqrt(rows)
    assert expected[3] < 1e-12 * expected[0]
    assert curvature.Curvature(X, True).condition == pytest.approx(expected[0] / expected[2], rel=1e-6)
    assert curvature.Curvature(np.full((rows, 1), value), True).condition == pytest.approx(1.0)


@pytest.mark.parametrize("learning_rate", ["constant", "chebyshev", "eigenvalues", 1e-29])
def test_columns_that_are_huge_beside_the_ones_are_not_converged(learning_rate):
    X = np.random.default_rng(0).uniform(1, 2, (100, 3)) * 1e14
    y = X @ [1e-14, 2e-14, 3e-14] + 5.0
    with pytest.warns(RuntimeWarning):
        result = fastgd.gradient_descent(X, y, learning_rate=learning_rate, precondition="none", compress=False)
    assert not result.converged
    assert result.cost > 0.1
