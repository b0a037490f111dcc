"""Sample weights, ridge, standardized coordinates and mini-batches, compressed or not; the choice of compression."""

import re
from itertools import pairwise

import numpy as np
import pytest
from problems import PROBLEMS, random_problem

import fastgd
from fastgd import backends
from fastgd.descent import minibatches
from fastgd.descent.options import DescentOptions
from fastgd.problem.rows import DenseSource

either_problem = pytest.mark.parametrize("compressed", [True, False], ids=["compressed", "data"])
either_intercept = pytest.mark.parametrize("fit_intercept", [True, False], ids=["intercept", "no intercept"])
either_unit = pytest.mark.parametrize("precondition", ["standardize", "none"])
ROW_BY_ROW = pytest.param(1, marks=pytest.mark.slow)  # a call of the kernel for each row


@pytest.fixture
def data():
    return random_problem(100, 5)


def counts(n_samples):
    """Return sample weights that are whole numbers, with zeros among them."""
    return np.resize([2.0, 0.0, 1.0, 3.0], n_samples)


def repeat(X, y):
    """Return each row as many times as its weight in `counts` says."""
    return np.repeat(X, counts(len(y)).astype(int), axis=0), np.repeat(y, counts(len(y)).astype(int))


def with_ones(X, fit_intercept=True):
    return np.column_stack([np.ones((len(X), int(fit_intercept))), X.astype(float)])


def ridge_cost(X, y, weights, alpha):
    return fastgd.cost(X, y, weights) + alpha / 2 * np.square(weights[-X.shape[1] :]).sum()


def closed_form(X, y, fit_intercept=True, sample_weight=None, alpha=0.0):
    """Return the minimiser of J with the ridge, by its normal equations; the intercept is not penalised."""
    A = with_ones(X, fit_intercept)
    s = np.ones(len(y)) if sample_weight is None else sample_weight
    penalty = np.diag(np.append(np.zeros(int(fit_intercept)), np.full(X.shape[1], alpha)))
    return np.linalg.solve(A.T @ (s[:, None] * A) / s.sum() + penalty, A.T @ (s * y) / s.sum())


def far_columns():
    """Return columns with different scales and offsets, and a target."""
    X, _ = random_problem(80, 4)
    X = (X + np.array([0.0, 3.0, -20.0, 1.0])) * [1.0, 10.0, 0.1, 3.0]
    return X, 5.0 + X @ [1.0, -0.2, 4.0, 0.5] + np.random.default_rng(2).standard_normal(80)


# ---- sample weights


@either_problem
@either_unit
@either_intercept
@pytest.mark.parametrize("alpha", [0.0, 0.1])
def test_a_weight_counts_as_equal_rows(backend, compressed, precondition, fit_intercept, alpha):
    """The descents agree in every epoch, since the standardized coordinates are those of the repeated rows."""
    X, y = far_columns()
    options = {"compress": compressed, "backend": backend, "precondition": precondition, "alpha": alpha, "tol": 0}
    options |= {"learning_rate": 1e-4 if precondition == "none" else 0.1, "epochs": 30, "fit_intercept": fit_intercept}
    weighted = fastgd.gradient_descent(X, y, sample_weight=counts(80), **options)
    repeated = fastgd.gradient_descent(*repeat(X, y), **options)
    np.testing.assert_allclose(weighted.weights, repeated.weights, rtol=1e-10)
    np.testing.assert_allclose(weighted.cost_history, repeated.cost_history, rtol=1e-11)


@either_problem
@pytest.mark.parametrize("name", ["more columns than rows", "collinear columns", "float32 fortran", "constant column"])
def test_a_weight_counts_as_equal_rows_in_awkward_problems(backend, compressed, name):
    X, y = PROBLEMS[name]()
    options = {"compress": compressed, "backend": backend, "epochs": 30, "learning_rate": 0.05, "tol": 0}
    weighted = fastgd.gradient_descent(X, y, sample_weight=counts(len(y)), **options)
    repeated = fastgd.gradient_descent(*repeat(X, y), **options)
    np.testing.assert_allclose(weighted.weights, repeated.weights, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(weighted.cost_history, repeated.cost_history, rtol=1e-11)


@either_problem
@either_unit
@pytest.mark.parametrize("scale", [1e-200, 0.5, 7.0, 1e200])
def test_only_ratios_of_weights_matter(data, compressed, precondition, scale):
    options = {"compress": compressed, "precondition": precondition, "alpha": 0.1, "epochs": 50, "tol": 0}
    options["learning_rate"] = "constant"
    plain = fastgd.gradient_descent(*data, **options)
    weighted = fastgd.gradient_descent(*data, sample_weight=np.full(100, scale), **options)
    np.testing.assert_allclose(weighted.weights, plain.weights, rtol=1e-11)
    np.testing.assert_allclose(weighted.cost_history, plain.cost_history, rtol=1e-11)


@either_intercept
@pytest.mark.parametrize("alpha", [0.0, 0.1])
@pytest.mark.parametrize("scale", [1e-200, 1.0, 1e200])
def test_a_weight_counts_as_equal_rows_where_nothing_is_named(backend, fit_intercept, alpha, scale):
    X, y = far_columns()
    options = {"backend": backend, "alpha": alpha, "fit_intercept": fit_intercept}
    weighted = fastgd.gradient_descent(X, y, sample_weight=counts(80) * scale, **options)
    repeated = fastgd.gradient_descent(*repeat(X, y), **options)
    assert (weighted.converged, weighted.reason, weighted.precondition) == (True, "gradient", "whiten")
    np.testing.assert_allclose(weighted.weights, repeated.weights, rtol=1e-11)
    np.testing.assert_allclose(weighted.weights, closed_form(X, y, fit_intercept, counts(80), alpha), rtol=1e-10)
    assert weighted.cost == pytest.approx(repeated.cost, rel=1e-11)


# ---- ridge


SHAPES = {"tall": far_columns, "wide": lambda: random_problem(8, 20), "square": lambda: random_problem(6, 6)}


@either_problem
@either_unit
@either_intercept
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_ridge_reaches_its_closed_form(compressed, precondition, fit_intercept, weighted, shape):
    """alpha is in the units of the data, whatever the coordinates of the descent."""
    X, y = SHAPES[shape]()
    sample_weight = counts(len(y)) if weighted else None
    for alpha in (0.3, 20.0):
        options = {"fit_intercept": fit_intercept, "sample_weight": sample_weight, "alpha": alpha}
        expected = closed_form(X, y, **options)
        result = fastgd.gradient_descent(
            X,
            y,
            learning_rate="chebyshev",
            epochs=20_000,
            tol=0,
            compress=compressed,
            precondition=precondition,
            **options,
        )
        assert np.linalg.norm(result.weights - expected) <= 1e-9 * np.linalg.norm(expected)


@either_problem
@either_unit
def test_costs_include_the_penalty_of_the_coefficients(data, compressed, precondition):
    X, y = data
    start = np.arange(1.0, 7.0)
    seen = []
    fastgd.gradient_descent(
        X,
        y,
        learning_rate="constant",
        alpha=0.7,
        weights=start,
        compress=compressed,
        precondition=precondition,
        callback=lambda *at: seen.append(at),
    )
    assert len(seen) > 1
    for _, weights, cost in seen:
        assert cost == pytest.approx(ridge_cost(X, y, weights, 0.7), rel=1e-12)


@either_problem
def test_alpha_zero_changes_no_bit(data, compressed):
    plain, none = [fastgd.gradient_descent(*data, compress=compressed, **alpha) for alpha in ({}, {"alpha": 0.0})]
    np.testing.assert_array_equal(plain.weights, none.weights)


# ---- standardized coordinates


@either_problem
@either_intercept
@pytest.mark.parametrize("weighted", [False, True])
def test_a_standardized_descent_reaches_the_minimiser_of_the_data(compressed, fit_intercept, weighted):
    X, y = far_columns()
    sample_weight = counts(len(y)) if weighted else None
    result = fastgd.gradient_descent(
        X,
        y,
        precondition="standardize",
        fit_intercept=fit_intercept,
        sample_weight=sample_weight,
        compress=compressed,
        epochs=3000,
        tol=0,
        learning_rate="constant" if fit_intercept else "chebyshev",
    )
    np.testing.assert_allclose(result.weights, closed_form(X, y, fit_intercept, sample_weight), rtol=1e-9)


@either_problem
@pytest.mark.parametrize(
    "settings", [{"learning_rate": "constant", "precondition": "standardize"}, {"precondition": "standardize"}, {}]
)
def test_columns_of_very_different_scales_are_fitted(compressed, settings):
    X, y = PROBLEMS["mixed column scales"]()
    result = fastgd.gradient_descent(X, y, compress=compressed, epochs=3000, tol=0, **settings)
    scales = 10.0 ** np.arange(-9, 12, 3)
    expected = np.linalg.lstsq(with_ones(X / scales), y)[0]
    np.testing.assert_allclose(result.intercept, expected[0], rtol=1e-9)
    np.testing.assert_allclose(result.coef * scales, expected[1:], rtol=1e-9)


@either_problem
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("alpha", [0.0, 0.1])
@pytest.mark.parametrize("scale", [1.0, 2.0**10, 2.0**-10])
def test_the_path_does_not_depend_on_the_units(compressed, weighted, alpha, scale):
    """In other units, a column has its coefficient in other units in every epoch. Powers of two change no digit."""
    X, y = far_columns()
    options = {"precondition": "standardize", "compress": compressed, "epochs": 20, "tol": 0}
    options |= {"learning_rate": "constant", "sample_weight": counts(len(y)) if weighted else None}
    plain = fastgd.gradient_descent(X, y, alpha=alpha, **options)
    scaled = fastgd.gradient_descent(X * scale, y, alpha=alpha * scale**2, **options)
    np.testing.assert_allclose(scaled.coef * scale, plain.coef, rtol=1e-11)
    np.testing.assert_allclose(scaled.intercept, plain.intercept, rtol=1e-11)


@either_problem
@pytest.mark.parametrize("offset", [2.0**7, 2.0**13])
def test_the_path_does_not_depend_on_offsets(compressed, offset):
    """Numbers on a grid are shifted exactly, and centred columns do not depend on the means of X and y."""
    X, y = (np.round(array * 2.0**20) / 2.0**20 for array in random_problem(100, 3))
    for epochs in (1, 10, 100):
        options = {
            "precondition": "standardize",
            "compress": compressed,
            "epochs": epochs,
            "tol": 0,
            "learning_rate": 0.3,
        }
        plain = fastgd.gradient_descent(X, y, **options)
        moved = fastgd.gradient_descent(X + offset, y + offset, **options)
        np.testing.assert_allclose(moved.coef, plain.coef, rtol=1e-10)


@either_problem
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("alpha", [0.0, 0.5])
@either_intercept
def test_start_and_callback_have_weights_in_the_units_of_the_data(compressed, fit_intercept, alpha, weighted):
    X, y = far_columns()
    start, seen = np.linspace(-2.0, 3.0, 4 + fit_intercept), []
    result = fastgd.gradient_descent(
        X,
        y,
        learning_rate="constant",
        weights=start,
        precondition="standardize",
        compress=compressed,
        alpha=alpha,
        sample_weight=counts(len(y)) if weighted else None,
        fit_intercept=fit_intercept,
        callback=lambda *check: seen.append(check),
        check_every=3,
        epochs=20,
        tol=0,
    )
    np.testing.assert_allclose(seen[0][1], start, rtol=1e-12, atol=1e-12)
    assert [epoch for epoch, *_ in seen] == [*range(0, 20, 3), 20]
    rows, target = repeat(X, y) if weighted else (X, y)
    for epoch, weights, cost in seen:
        assert epoch == 20 or cost == result.cost_history[epoch]
        assert cost == pytest.approx(ridge_cost(rows, target, weights, alpha), rel=1e-11)
    assert ridge_cost(rows, target, result.weights, alpha) < result.cost_history[0]
    np.testing.assert_array_equal(result.weights[-4:], result.coef)


@either_problem
def test_a_callback_ends_the_run_with_the_weights_that_it_saw(compressed):
    X, y = far_columns()
    seen = []
    result = fastgd.gradient_descent(
        X,
        y,
        learning_rate="constant",
        precondition="standardize",
        compress=compressed,
        callback=lambda epoch, w, _: seen.append(w) or epoch == 20,
        tol=0,
    )
    assert (result.reason, result.epochs) == ("callback", 20)
    np.testing.assert_array_equal(result.weights, seen[-1])


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("alpha", [0.0, 0.1])
@pytest.mark.parametrize("name", ["tutorial", "collinear columns", "constant column", "column of zeros", "one row"])
def test_standardized_paths_are_the_same_with_and_without_compression(name, weighted, alpha):
    X, y = PROBLEMS[name]()
    options = {
        "learning_rate": "constant",
        "precondition": "standardize",
        "alpha": alpha,
        "sample_weight": counts(len(y)) if weighted else None,
        "tol": 0,
    }
    for epochs in (1, 10, 200):
        small, rows = [fastgd.gradient_descent(X, y, compress=c, epochs=epochs, **options) for c in (True, False)]
        assert np.linalg.norm(small.weights - rows.weights) <= 1e-11 * np.linalg.norm(rows.weights)


@either_problem
@pytest.mark.parametrize("name", ["constant column", "column of zeros", "nothing but zeros", "one row"])
def test_constant_columns_keep_small_coefficients(name, compressed):
    X, y = PROBLEMS[name]()
    start = np.ones(X.shape[1] + 1)
    options = {"learning_rate": "constant", "precondition": "standardize", "compress": compressed, "epochs": 3000}
    result = fastgd.gradient_descent(X, y, weights=start, **options)
    residual = y - with_ones(X) @ np.linalg.lstsq(with_ones(X), y)[0]
    assert fastgd.cost(X, y, result.weights) <= residual @ residual / (2 * len(y)) * (1 + 1e-6) + 1e-12
    constant = X.min(axis=0) == X.max(axis=0)
    assert (abs(result.coef[constant]) <= 1 + 1e-12).all()  # the gradient does not move them


# ---- mini-batches


def small_batches(X, y, rate, epochs, batch_size, seed, fit_intercept=True, sample_weight=None, alpha=0.0):
    """Return weights and costs after epochs of mini-batches, by their definition."""
    A, generator = with_ones(X, fit_intercept), np.random.default_rng(seed)
    s = np.ones(len(y)) if sample_weight is None else sample_weight / sample_weight.mean()
    penalty = np.append(np.zeros(int(fit_intercept)), np.full(X.shape[1], alpha))
    weights, costs = np.zeros(A.shape[1]), np.zeros(epochs)
    for epoch in range(epochs):
        order = generator.permutation(len(y))
        for rows in np.split(order, range(batch_size, len(y), batch_size)):
            error = A[rows] @ weights - y[rows]
            costs[epoch] += ((s[rows] * error**2).sum() / 2 + len(rows) * (penalty * weights**2).sum() / 2) / len(y)
            step = rate * len(rows) / batch_size  # shorter for the last batch
            weights -= step * (A[rows].T @ (s[rows] * error) / len(rows) + penalty * weights)
    return weights, costs


@pytest.mark.parametrize("batch_size", [1, 7, 33, 50, 99])
@pytest.mark.parametrize(
    "settings",
    [{}, {"fit_intercept": False}, {"alpha": 0.2}, {"sample_weight": counts(100), "alpha": 0.2}],
    ids=["plain", "no intercept", "ridge", "weights and ridge"],
)
def test_batches_follow_their_definition(data, backend, batch_size, settings):
    X, y = data
    expected, costs = small_batches(X, y, 0.01, 12, batch_size, 3, **settings)
    options = {"learning_rate": 0.01, "epochs": 12, "tol": 0, "backend": backend, "random_state": 3} | settings
    result = fastgd.gradient_descent(X, y, batch_size=batch_size, **options)
    assert (result.epochs, result.compressed) == (12, False)
    np.testing.assert_allclose(result.weights, expected, rtol=1e-11)
    np.testing.assert_allclose(result.cost_history, costs, rtol=1e-11)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"tol": 0},
        {"learning_rate": "constant"},
        {"learning_rate": "silver"},
        {"precondition": "standardize", "alpha": 0.1},
    ],
)
def test_a_batch_of_all_rows_is_a_descent_on_all_rows(data, settings):
    whole, batch = [fastgd.gradient_descent(*data, **settings, **size) for size in ({}, {"batch_size": 100})]
    np.testing.assert_array_equal(batch.weights, whole.weights)
    np.testing.assert_array_equal(batch.cost_history, whole.cost_history)
    assert (batch.reason, batch.compressed) == (whole.reason, whole.compressed)
    assert batch.precondition == whole.precondition


@pytest.mark.parametrize("start", [np.zeros(6), np.arange(6.0)])
@pytest.mark.parametrize("rate", [1e100, 1e200])
def test_batches_that_overflow_in_the_first_epoch_return_the_start(data, rate, start, tmp_path):
    X, y = data
    with pytest.warns(fastgd.DivergenceWarning, match="largest learning_rate used is 1e"):
        result = fastgd.gradient_descent(X, y, learning_rate=rate, batch_size=10, weights=start)
    assert (result.reason, result.epochs) == ("diverged", 0)
    np.testing.assert_array_equal(result.weights, start)
    np.testing.assert_allclose(result.cost, fastgd.cost(X, y, start), rtol=1e-12)
    result.save(tmp_path / "result.json")
    np.testing.assert_array_equal(fastgd.DescentResult.load(tmp_path / "result.json").weights, start)


def test_the_order_of_batches_comes_from_the_seed(data):
    options = {"batch_size": 10, "learning_rate": 0.01, "epochs": 5, "tol": 0}
    states = [1, np.random.default_rng(1), 2, None, None]
    paths = [fastgd.gradient_descent(*data, random_state=state, **options).weights for state in states]
    np.testing.assert_array_equal(paths[0], paths[1])
    for one, other in pairwise(paths[1:]):
        assert (one != other).any()


def test_checks_change_no_batch(data):
    options = {"batch_size": 10, "learning_rate": 0.01, "epochs": 50, "tol": 0, "random_state": 1}
    plain = fastgd.gradient_descent(*data, **options)
    seen = []
    watched = fastgd.gradient_descent(*data, check_every=7, callback=lambda *check: seen.append(check), **options)
    np.testing.assert_array_equal(watched.weights, plain.weights)
    np.testing.assert_array_equal(watched.cost_history, plain.cost_history)
    assert [epoch for epoch, *_ in seen] == [*range(0, 50, 7), 50]
    for epoch, weights, cost in seen[1:-1]:
        before = fastgd.gradient_descent(*data, **(options | {"epochs": epoch}))
        np.testing.assert_array_equal(weights, before.weights)
        assert cost == plain.cost_history[epoch]
    np.testing.assert_array_equal(seen[-1][1], plain.weights)
    assert seen[-1][2] == pytest.approx(plain.cost, rel=1e-12)


@pytest.mark.parametrize("settings", [{}, {"sample_weight": counts(100)}, {"alpha": 0.3}])
def test_costs_and_gradients_are_means_over_the_batches(data, settings):
    """At rates of 0 they are the cost and the gradient of all rows, whatever the batches."""
    X, y = data
    alpha, rows = settings.get("alpha", 0.0), repeat(X, y) if "sample_weight" in settings else (X, y)
    options = DescentOptions.checked(learning_rate="constant", alpha=alpha, batch_size=33)
    prepared = DenseSource(X, y[:, np.newaxis], settings.get("sample_weight")).prepare(options)
    kernel = backends.load("numpy").descend
    descend = minibatches.bind_batches(kernel, prepared, 33, np.random.default_rng(0), 1)
    weights, costs, gradient = np.arange(6.0), np.empty(2), np.empty(6)
    assert descend(weights, np.zeros(2), costs, gradient) == 2
    np.testing.assert_array_equal(weights, np.arange(6.0))
    np.testing.assert_allclose(costs, ridge_cost(*rows, weights, alpha), rtol=1e-12)
    expected = fastgd.gradient(*rows, weights) + alpha * np.append(0.0, weights[1:])
    np.testing.assert_allclose(gradient, expected, rtol=1e-12)


@either_unit
@pytest.mark.parametrize("batch_size", [ROW_BY_ROW, 10, 33, 99])
@pytest.mark.parametrize("weighted", [False, True])
def test_batches_converge_on_data_without_noise(batch_size, weighted, precondition):
    X, _ = random_problem(100, 3)
    expected = np.array([2.0, 1.0, -2.0, 0.5])
    result = fastgd.gradient_descent(
        X,
        with_ones(X) @ expected,
        batch_size=batch_size,
        sample_weight=counts(100) if weighted else None,
        precondition=precondition,
        random_state=0,
    )
    assert (result.reason, result.converged) == ("gradient", True)
    np.testing.assert_allclose(result.weights, expected, rtol=1e-6)


@either_unit
@pytest.mark.parametrize("batch_size", [ROW_BY_ROW, 10, 33, 99])
@pytest.mark.parametrize("learning_rate", ["auto", "constant", "inverse_scaling", 0.02])
def test_batches_with_noise_do_not_diverge_at_stable_rates(data, batch_size, learning_rate, precondition):
    """The costs of batches and of all rows fluctuate, but a stable rate ends near the least cost."""
    X, y = data
    options = {"learning_rate": learning_rate, "precondition": precondition, "epochs": 200, "tol": 0}
    result = fastgd.gradient_descent(X, y, batch_size=batch_size, random_state=0, **options)
    assert result.reason != "diverged"
    least = fastgd.cost(X, y, closed_form(X, y))
    assert fastgd.cost(X, y, result.weights) <= 2 * least


@either_unit
@pytest.mark.parametrize("batch_size", [ROW_BY_ROW, 10, 50])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("alpha", [0.1, 100.0])
def test_batches_with_weights_and_ridge_converge(data, batch_size, alpha, weighted, precondition):
    X, y = data
    settings = {"alpha": alpha, "sample_weight": counts(100) if weighted else None}
    result = fastgd.gradient_descent(
        X,
        y,
        batch_size=batch_size,
        precondition=precondition,
        learning_rate="inverse_scaling",
        epochs=100 if batch_size == 1 else 1000,
        tol=0,
        random_state=0,
        **settings,
    )
    rows = repeat(X, y) if weighted else (X, y)
    least = ridge_cost(*rows, closed_form(X, y, **settings), alpha)
    assert ridge_cost(*rows, result.weights, alpha) <= 1.05 * least


def test_batches_that_do_not_settle_warn_once(data):
    options = {"batch_size": 10, "learning_rate": 0.02, "epochs": 20, "random_state": 0}
    message = "^not converged: all 20 epochs ran; .*try tol=0: mini-batches seldom settle within tol$"
    with pytest.warns(fastgd.ConvergenceWarning, match=message) as seen:
        result = fastgd.gradient_descent(*data, **options)
    assert (len(seen), result.converged, result.reason) == (1, False, "epochs")
    quiet = fastgd.gradient_descent(*data, tol=0, **options)
    np.testing.assert_array_equal(quiet.weights, result.weights)


def test_batches_diverge_at_a_rate_that_is_too_large(data):
    with pytest.warns(fastgd.DivergenceWarning, match="the cost grew or was no longer finite"):
        result = fastgd.gradient_descent(*data, batch_size=10, learning_rate=10.0, random_state=0)
    assert result.reason == "diverged"
    assert len(result.cost_history) == result.epochs
    assert np.isfinite(result.cost_history).all()
    assert fastgd.cost(*data, result.weights) <= fastgd.cost(*data, np.zeros(6))


@pytest.mark.parametrize("batch_size", [10, 100])
def test_batches_exclude_compression(data, batch_size):
    with pytest.raises(ValueError, match=f"compress must not be True with batch_size={batch_size}"):
        fastgd.gradient_descent(*data, compress=True, batch_size=batch_size)


@pytest.mark.parametrize(
    ("batch_size", "error", "message"),
    [
        (0, ValueError, "must be 1 or more; got 0"),
        (-5, ValueError, "must be 1 or more; got -5"),
        (101, ValueError, "must be 100 or less; got 101"),
        (2.5, TypeError, "must be a whole number; got 2.5"),
        (True, TypeError, "must be a whole number; got True"),
        ("all", TypeError, "must be a whole number; got 'all'"),
    ],
)
def test_bad_batch_sizes_are_refused(data, batch_size, error, message):
    with pytest.raises(error, match=f"batch_size {message}"):
        fastgd.gradient_descent(*data, batch_size=batch_size)


@pytest.mark.parametrize(
    ("setting", "value"),
    [("compress", "yes"), ("compress", None), ("compress", 1), ("precondition", "yes"), ("precondition", True)],
)
def test_bad_choices_are_refused(data, setting, value):
    with pytest.raises((ValueError, TypeError), match=f"{setting} must be "):
        fastgd.gradient_descent(*data, **{setting: value})


# ---- the choice of compression


PLAIN = {"learning_rate": "constant"}


@pytest.mark.parametrize(
    ("shape", "settings", "compressed", "why"),
    [
        ((3000, 10), {}, True, "whitened coordinates come from the compressed problem"),
        ((3000, 10), {"epochs": 2}, True, "whitened coordinates come from the compressed problem"),
        ((10, 30), {}, True, "whitened coordinates come from the compressed problem"),
        ((3000, 10), {"compress": False}, False, "compress=False was asked for"),
        ((3000, 10), {"batch_size": 1000, "epochs": 2}, False, "mini-batches need the rows"),
        ((3000, 10), PLAIN, True, "1000 epochs on the data would take an estimated .* times as long"),
        ((3000, 10), PLAIN | {"epochs": 2}, False, "2 epochs on the data would take an estimated .* times as long"),
        ((3000, 10), PLAIN | {"compress": True, "epochs": 1}, True, "compress=True was asked for"),
        ((3000, 10), PLAIN | {"compress": False}, False, "compress=False was asked for"),
        ((3000, 10), {"batch_size": 1000, "epochs": 2, "learning_rate": 0.1}, False, "mini-batches need the rows"),
        ((10, 30), PLAIN, False, "no more rows than a compressed problem"),
        ((12, 10), PLAIN, False, "no more rows than a compressed problem"),
        ((10, 30), PLAIN | {"compress": True}, True, "compress=True was asked for"),
    ],
)
@pytest.mark.parametrize("backend", ["auto", "numpy"])
def test_the_choice_of_compression_and_its_reason(shape, settings, compressed, why, backend):
    """A named backend changes neither the choice nor its reason."""
    X, y = random_problem(*shape)
    options = {"epochs": 1000, "tol": 0, "backend": backend} | settings
    result = fastgd.gradient_descent(X, y, **options)
    assert result.compressed is compressed
    assert fastgd.gradient_descent(X, y, **options).message == result.message
    assert re.search(why, result.message)
