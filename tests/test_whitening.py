"""Whitened coordinates: one epoch reaches the weights of least squares, and of several the ones of least norm."""

import warnings

import numpy as np
import pytest
import strd
from problems import PROBLEMS, random_problem
from scipy import sparse

import fastgd
from fastgd.backends import cython
from fastgd.problem import whitening
from fastgd.problem.moments import summarize_rows
from fastgd.problem.whitening import whiten_summary, whiten_triangle
from fastgd.streaming import fit_array, fit_batches

GENERATOR = np.random.default_rng(11)
either_intercept = pytest.mark.parametrize("fit_intercept", [True, False], ids=["intercept", "none"])


def whiten(X, y, **options):
    """Return the whitened fit, which must not warn."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return fastgd.gradient_descent(X, y, precondition="whiten", **options)


def least_squares(X, y, fit_intercept=True, alpha=0.0, sample_weight=None):
    """Return intercept and coef of least norm, by NumPy on centred columns."""
    counts = np.ones(len(y)) if sample_weight is None else sample_weight
    X = np.asarray(X, dtype=np.float64)
    means, mean = (counts @ X / counts.sum(), counts @ y / counts.sum()) if fit_intercept else (0.0, 0.0)
    roots = np.sqrt(counts / counts.sum())
    rows, target = (X - means) * roots[:, np.newaxis], (y - mean) * roots
    rows = np.concatenate([rows, np.sqrt(alpha) * np.eye(X.shape[1])])
    coef = np.linalg.lstsq(rows, np.append(target, np.zeros(X.shape[1])), rcond=1e-12)[0]
    return mean - means @ coef if fit_intercept else 0.0, coef


def assert_least_squares(result, X, y, rtol=1e-8, **options):
    intercept, coef = least_squares(X, y, **options)
    assert result.converged
    np.testing.assert_allclose(result.coef, coef, rtol=rtol, atol=rtol * (abs(coef).max() + 1e-300))
    assert result.intercept == pytest.approx(intercept, rel=rtol, abs=rtol * (1 + abs(y).max()))


# Digits of the certified weights that a fit with these options must have, and does have.
DIGITS = {
    "Norris": 12, "NoInt1": 12, "NoInt2": 12, "Pontius": 11, "Longley": 11, "Wampler1": 9, "Wampler2": 10,
    "Wampler3": 9, "Wampler4": 7.5, "Wampler5": 5.5, "Filip": 7.5,
}  # fmt: skip


@pytest.mark.parametrize("precondition", ["whiten", "auto"])
@pytest.mark.parametrize("name", strd.PROBLEMS)
def test_certified_weights_have_their_digits_after_one_epoch(name, precondition):
    certified = strd.PROBLEMS[name]
    result = fastgd.gradient_descent(
        certified.X, certified.y, fit_intercept=certified.fit_intercept, precondition=precondition
    )
    assert (result.converged, result.precondition) == (True, "whiten")
    assert result.epochs <= 2
    assert strd.lre(result.weights, certified.weights) >= DIGITS[name]


@either_intercept
@pytest.mark.parametrize("name", PROBLEMS)
def test_every_problem_reaches_its_least_cost_from_any_start(name, fit_intercept):
    X, y = PROBLEMS[name]()
    rows = np.column_stack([np.ones((len(y), int(fit_intercept))), X])
    residual = y - rows @ np.linalg.lstsq(rows, y, rcond=None)[0]
    least = residual @ residual / (2 * len(y))
    for weights in (None, "random", np.full(rows.shape[1], 3.0)):
        result = whiten(X, y, fit_intercept=fit_intercept, weights=weights, random_state=0)
        assert result.converged
        assert result.cost <= least * (1 + 1e-9) + 1e-16 * (y @ y) / len(y)


@either_intercept
@pytest.mark.parametrize(
    "form",
    {
        "wide": lambda X: X[:12],
        "a column twice": lambda X: np.column_stack([X, X[:, 2]]),
        "a combination": lambda X: np.column_stack([X, X @ np.arange(1.0, 21)]),
        "other scales": lambda X: np.column_stack([X, 1e3 * X[:, 0], 1e-3 * X[:, 1]]),
        "a column of zeros": lambda X: np.column_stack([X[:, :3], np.zeros(len(X)), X[:, 3:]]),
    }.items(),
    ids=lambda form: form[0],
)
def test_of_all_solutions_the_one_of_least_norm_is_taken(form, fit_intercept):
    X, y = random_problem(100, 20)
    X = form[1](X)
    assert_least_squares(
        whiten(X, y[: len(X)], fit_intercept=fit_intercept), X, y[: len(X)], fit_intercept=fit_intercept
    )


@pytest.mark.parametrize("start", [None, "random"])
def test_the_start_leaves_nothing_in_directions_without_data(start):
    X, y = random_problem(10, 30)
    assert_least_squares(whiten(X, y, weights=start, random_state=3), X, y)


@either_intercept
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shape", [(60, 8), (12, 30)], ids=["tall", "wide"])
@pytest.mark.parametrize("alpha", [1e-14, 1e-8, 1e-3, 1.0, 1e3, 1e8, 1e14])
def test_a_ridge_is_its_closed_form(alpha, shape, weighted, fit_intercept):
    X, y = random_problem(*shape)
    X, y = X + 3.0, y + 20.0
    options = {"fit_intercept": fit_intercept, "alpha": alpha}
    options["sample_weight"] = np.random.default_rng(2).uniform(0.1, 2, len(y)) if weighted else None
    result = whiten(X, y, **options)
    intercept, coef = least_squares(X, y, **options)
    np.testing.assert_allclose(result.coef, coef, rtol=1e-6, atol=1e-9 * abs(coef).max())
    assert result.intercept == pytest.approx(intercept, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("alpha", [1e-6, 0.01, 1.0])
def test_a_ridge_on_columns_of_many_scales(alpha):
    X, y = random_problem(100, 4)
    X = X * [1e-4, 1.0, 1e-2, 1e2]
    assert_least_squares(whiten(X, y, alpha=alpha), X, y, alpha=alpha)


def test_a_constant_column_is_zero_and_has_no_coefficient():
    X, y = random_problem(50, 3)
    expected = whiten(X[:, :2], y).coef
    for constant in (7.3, 1.7e18, -1e-300, 0.1):
        result = whiten(np.column_stack([X[:, :2], np.full(50, constant)]), y)
        assert result.coef[2] == 0
        np.testing.assert_allclose(result.coef[:2], expected, rtol=1e-10)


def test_all_dummies_of_a_category():
    kinds = GENERATOR.integers(0, 5, 100_000)
    X = np.column_stack([np.eye(5)[kinds], GENERATOR.standard_normal(100_000)])
    y = X @ np.arange(6.0) + GENERATOR.standard_normal(100_000)
    result = whiten(X, y)
    assert result.converged
    assert_least_squares(result, X, y, rtol=1e-7)
    assert abs(result.coef[:5].sum()) < 1e-9  # of least norm


def test_the_rounding_of_a_column_far_from_zero_is_its_own():
    near = GENERATOR.standard_normal(200)
    X = np.column_stack([1.7e12 + GENERATOR.integers(0, 100, 200), near, near + 1e-4 * GENERATOR.standard_normal(200)])
    result = whiten(X, X[:, 1:] @ [1.0, 2.0])
    assert result.converged
    np.testing.assert_allclose(result.coef, [0.0, 1.0, 2.0], atol=1e-8)


def test_rounding_that_columns_far_from_zero_share_is_no_direction():
    columns = GENERATOR.standard_normal((300, 2)) @ GENERATOR.standard_normal((2, 6)) + 1e6
    y = columns.sum(axis=1) + GENERATOR.standard_normal(300)
    result = whiten(columns, y)
    assert result.converged
    assert abs(result.coef).max() < 1e3


def test_rounding_that_the_target_depends_on_is_not_passed_over_in_silence():
    near = 1e6 + GENERATOR.standard_normal(300)
    steps = GENERATOR.integers(-1, 2, 300)
    columns = np.column_stack([near, near + steps * np.spacing(1e6)])
    with pytest.warns(fastgd.ConvergenceWarning, match="a column is so far from zero that rounding hides"):
        result = fastgd.gradient_descent(columns, steps + 0.1 * GENERATOR.standard_normal(300))
    assert not result.converged


def test_times_in_seconds():
    seconds = 1.7e9 + np.arange(100.0)
    result = whiten(seconds[:, np.newaxis], 5 * (seconds - 1.7e9) + 3)
    np.testing.assert_allclose(result.coef, [5.0], rtol=1e-9)
    assert result.r_squared == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("gap", [1e-3, 1e-5, 1e-7])
def test_two_columns_side_by_side(gap):
    X, y = random_problem(50, 4)
    X[:, 3] = X[:, 0] + gap * GENERATOR.standard_normal(50)
    assert_least_squares(whiten(X, y), X, y, rtol=1e-6)


@pytest.mark.parametrize("scales", [(1e-139, 1e139), (1e139, 1e139), (1e-139, 1e-139)], ids=str)
def test_columns_of_extreme_scale(scales):
    X, y = random_problem(60, 2)
    coef = whiten(X * scales, y).coef
    np.testing.assert_allclose(coef * scales, whiten(X, y).coef, rtol=1e-9)


# ---- every front end


def test_all_front_ends_give_one_answer():
    X, y = random_problem(400, 6)
    X = X * [1e-3, 1.0, 1.0, 1e3, 1.0, 1.0] + 50.0
    expected = whiten(X, y).weights
    compressor = fastgd.Compressor()
    compressor.add(X[:150], y[:150])
    compressor.add(X[150:], y[150:])
    found = {
        "compressor": fastgd.gradient_descent(compressor, precondition="whiten"),
        "array": fit_array(X, y, precondition="whiten"),
        "batches": fit_batches([(X[:100], y[:100]), (X[100:], y[100:])], precondition="whiten"),
        "numpy": whiten(X, y, backend="numpy"),
    }
    for name, result in found.items():
        assert result.converged, name
        np.testing.assert_allclose(result.weights, expected, rtol=1e-9, err_msg=name)


def test_the_estimator_whitens_dense_and_sparse_rows_and_several_targets():
    pytest.importorskip("sklearn", reason="the estimator needs scikit-learn, an extra")
    X = sparse.random_array((300, 20), density=0.2, rng=np.random.default_rng(0), format="csr")
    Y = np.column_stack([X @ np.arange(20.0), X @ np.ones(20) + 3.0]) + GENERATOR.standard_normal((300, 2))
    dense = fastgd.GradientDescentRegressor(precondition="whiten").fit(X.toarray(), Y)
    parts = fastgd.GradientDescentRegressor(precondition="whiten").partial_fit(X[:100], Y[:100])
    for model in (
        fastgd.GradientDescentRegressor(precondition="whiten").fit(X, Y),
        parts.partial_fit(X[100:], Y[100:]),
    ):
        np.testing.assert_allclose(model.coef_, dense.coef_, rtol=1e-8, atol=1e-8)
    for k in range(2):
        np.testing.assert_allclose(dense.coef_[k], least_squares(X.toarray(), Y[:, k])[1], rtol=1e-9)


def test_dask_whitens_the_compressed_problem():
    da = pytest.importorskip("dask.array", reason="Dask is an extra")
    X, y = random_problem(200, 3)
    result = fastgd.gradient_descent(
        da.from_array(X, chunks=(50, 3)), da.from_array(y, chunks=50), precondition="whiten"
    )
    np.testing.assert_allclose(result.weights, whiten(X, y).weights, rtol=1e-9)


# ---- what cannot be


@pytest.mark.parametrize("options", [{"compress": False}, {"batch_size": 10}], ids=str)
def test_whitening_needs_the_compressed_problem(options):
    X, y = random_problem(30, 2)
    with pytest.raises(ValueError, match=r"precondition must not be 'whiten' with (compress=False|batch_size=10)"):
        fastgd.gradient_descent(X, y, precondition="whiten", **options)


@pytest.mark.parametrize("precondition", ["Whiten", True, None, 1])
def test_other_coordinates_are_refused(precondition):
    with pytest.raises(ValueError, match="precondition must be one of 'auto', 'none', 'standardize', 'whiten'"):
        fastgd.gradient_descent(*random_problem(30, 2), precondition=precondition)


@pytest.mark.parametrize("alpha", [1e-9, 0.1])
def test_one_row_with_a_ridge_is_its_mean(alpha):
    result = whiten(np.array([[1.0, 2.0]]), np.array([3.0]), alpha=alpha)
    assert result.converged
    np.testing.assert_allclose(result.weights, [3.0, 0.0, 0.0], atol=1e-15)


@pytest.mark.parametrize("scale", [1e-130, 1e-80, 1e80, 1e130])
def test_few_rows_of_extreme_scale_are_fitted(scale):
    X, y = GENERATOR.standard_normal((4, 7)), GENERATOR.standard_normal(4)
    result = whiten(X * scale, y)
    np.testing.assert_allclose(result.predict(X * scale), y, atol=1e-12)
    np.testing.assert_allclose(result.coef * scale, whiten(X, y).coef, rtol=1e-10)


@pytest.mark.parametrize("n_targets", [1, 3])
@pytest.mark.parametrize("alpha", [0.0, 0.25])
@pytest.mark.parametrize("n_samples", [4, 30])
@pytest.mark.parametrize("exponent", [-400, 400])
def test_coefficients_whose_squares_leave_the_range_are_found(exponent, n_samples, alpha, n_targets):
    """X and y far apart: the coefficients are in the range of float64, but their squares are not."""
    X, Y = GENERATOR.standard_normal((n_samples, 7)), GENERATOR.standard_normal((n_samples, n_targets))
    y = Y[:, 0] if n_targets == 1 else Y
    X_size, y_size = 2.0**exponent, 2.0**-exponent
    result, expected = whiten(X * X_size, y * y_size, alpha=alpha * X_size**2), whiten(X, y, alpha=alpha)
    np.testing.assert_allclose(result.coef / y_size * X_size, expected.coef, rtol=1e-10)
    np.testing.assert_allclose(result.cost / y_size / y_size, expected.cost, rtol=1e-10, atol=1e-25)


@pytest.mark.parametrize("storage", [np.asarray, sparse.csr_array], ids=["dense", "sparse"])
def test_a_constant_column_whose_square_overflows_counts_only_without_an_intercept(storage):
    X, y = GENERATOR.standard_normal((20, 3)), GENERATOR.standard_normal(20)
    X[:, 1] = 2e168
    with_intercept = whiten(storage(X), y)
    assert with_intercept.converged
    np.testing.assert_allclose(with_intercept.coef[[0, 2]], least_squares(X[:, [0, 2]], y)[1], rtol=1e-10)
    with pytest.raises(ValueError, match=r"X must have columns with a mean square between .* column 1 .* mean 2e\+168"):
        whiten(storage(X), y, fit_intercept=False)


@pytest.mark.parametrize("n_samples", [12, 100])
def test_a_direction_of_a_few_last_digits_is_not_dropped_quietly(n_samples):
    """Nanosecond timestamps: the latency is as small as the last digit, and y depends on it."""
    generator = np.random.default_rng(0)
    sent = 1.7e18 + 1e9 * np.arange(n_samples)
    X = np.column_stack([sent, sent + generator.exponential(500, n_samples)])
    latency = X[:, 1] - X[:, 0]
    y = latency / latency.std() + generator.standard_normal(n_samples)
    with pytest.warns(fastgd.ConvergenceWarning, match="not converged"):
        assert not fastgd.gradient_descent(X, y).converged


# ---- few well-conditioned columns are whitened by compiled code


@pytest.mark.parametrize("n_targets", [1, 3])
@pytest.mark.parametrize("n_features", [1, 2, 5, 33, 64])
def test_compiled_whitening_is_that_of_numpy(monkeypatch, n_features, n_targets):
    rng = np.random.default_rng(n_features)
    X, Y = rng.standard_normal((200, n_features)) * 10 + 3, rng.standard_normal((200, n_targets))
    summary = summarize_rows(X, Y, None, "qr")
    problem, doubtful, coordinates = whiten_summary(summary, True, 0.0)
    monkeypatch.setattr(whitening, "MOST_COMPILED", 0)
    expected, expected_doubtful, other = whiten_summary(summary, True, 0.0)
    np.testing.assert_allclose(problem.X, expected.X, rtol=1e-14)
    np.testing.assert_allclose(problem.y, expected.y, rtol=1e-13, atol=1e-13)
    np.testing.assert_array_equal(doubtful, expected_doubtful)
    for name in ("means", "to_whitened", "to_coef", "scales", "amplification"):
        actual, wanted = getattr(coordinates, name), getattr(other, name)
        np.testing.assert_allclose(actual, wanted, rtol=1e-11, atol=1e-12 * np.abs(wanted).max())


@pytest.mark.parametrize("change", ["constant", "collinear", "zero"])
def test_compiled_whitening_leaves_hard_columns_to_numpy(change):
    rng = np.random.default_rng(3)
    X = rng.standard_normal((200, 3))
    X[:, 1] = {
        "constant": 0.1,
        "collinear": X[:, 0] * (1 + 1e-13) + 1e-9 * X[:, 1],
        "zero": 0.0,
    }[change]
    summary = summarize_rows(X, rng.standard_normal((200, 1)), None, "qr")
    assert whiten_triangle(summary) is None


def test_compiled_whitening_refuses_arrays_of_other_shapes():
    kernel = cython.whiten_triangle
    maps = [np.zeros((2, 2)), np.zeros((2, 2)), np.zeros(2)]
    good = [np.eye(3), 1.0, np.zeros(3), 1e-16, 1e7, *maps, np.zeros((4, 3)), np.zeros((4, 1))]
    assert kernel(*good) > 0
    wrong = [(0, (1, 3)), (0, (3, 1)), (0, (4, 3)), (2, 1), (2, 4), (5, (2, 3)), (6, (3, 2)), (7, 1)]
    wrong += [(8, (4, 4)), (8, (3, 3)), (9, (3, 1)), (9, (4, 2)), (9, (4, 0))]
    for place, shape in wrong:
        bad = list(good)
        bad[place] = np.zeros(shape)
        with pytest.raises(ValueError, match="must have a row"):
            kernel(*bad)
