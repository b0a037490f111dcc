"""The end of a run: by the stopping rules, by divergence, by an interrupt; and the result then."""

import re
import sys
import warnings
from contextlib import nullcontext
from functools import partial
from types import ModuleType

import numpy as np
import pytest
import strd
from problems import PROBLEMS, random_problem

import fastgd
from fastgd import backends
from fastgd.descent import solve
from fastgd.descent.options import DescentOptions
from fastgd.descent.rules import make_rules
from fastgd.problem.curvature import Curvature
from fastgd.problem.rows import DenseSource

PLAIN = {"learning_rate": "constant", "compress": False}  # plain descent on the rows of the data


@pytest.fixture
def data():
    return PROBLEMS["tutorial"]()


def assert_consistent(result):
    """Assert the properties of every result, however the run ended."""
    assert result.epochs == len(result.cost_history) == len(result.rates)
    assert result.converged == (result.reason in ("cost", "gradient"))
    assert np.isfinite(result.weights).all()


@pytest.mark.parametrize(
    ("settings", "reason", "warning"),
    [
        ({}, "gradient", None),  # so fast that the cost still falls from check to check
        ({"learning_rate": 0.1}, "cost", None),
        ({"tol": 0}, "epochs", None),
        ({"epochs": 3}, "epochs", fastgd.ConvergenceWarning),
        ({"learning_rate": 3.0}, "diverged", fastgd.DivergenceWarning),
        ({"callback": lambda *_: True}, "callback", None),
    ],
)
def test_a_run_ends_for_each_reason(backend, data, settings, reason, warning):
    with pytest.warns(warning) if warning else nullcontext():
        result = fastgd.gradient_descent(*data, backend=backend, **(PLAIN | settings))
    assert result.reason == reason
    assert_consistent(result)


@pytest.mark.parametrize("settings", [{}, {"learning_rate": 0.1}, {"check_every": 7}])
def test_weights_belong_to_the_number_of_epochs(backend, data, settings):
    settings = PLAIN | settings
    result = fastgd.gradient_descent(*data, backend=backend, **settings)
    assert result.converged
    assert (result.epochs % settings.get("check_every", 10)) == 0
    path = fastgd.gradient_descent(*data, backend=backend, **(settings | {"tol": 0, "epochs": result.epochs}))
    np.testing.assert_array_equal(result.weights, path.weights)
    np.testing.assert_array_equal(result.cost_history, path.cost_history)


def test_no_tolerance_runs_all_epochs(data):
    # 3,000 epochs go on long after the weights have stopped changing.
    result = fastgd.gradient_descent(*data, **PLAIN, tol=0, epochs=3000)
    assert (result.reason, result.epochs) == ("epochs", 3000)
    assert result.cost_history[-1] == result.cost_history[-2]


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize(("distance", "least"), [(1e-3, True), (10.0, False)])
def test_the_gradient_rule_follows_its_definition(data, fit_intercept, distance, least):
    X, y = data
    A = np.column_stack([np.ones((len(X), int(fit_intercept))), X])
    weights = np.linalg.lstsq(A, y, rcond=None)[0] + distance * np.arange(1.0, A.shape[1] + 1)
    residual = A @ weights - y
    limit = np.linalg.norm(A.T @ residual) / (np.linalg.norm(A) * np.linalg.norm(residual))
    for factor, reason in ((1 + 1e-9, "gradient" if least else None), (1 - 1e-9, None)):
        options = DescentOptions.checked(**PLAIN, fit_intercept=fit_intercept)
        prepared = DenseSource(X, y[:, np.newaxis], None).prepare(options)
        rules = make_rules(prepared, tol=factor * limit)
        cost, gradient = fastgd.cost(X, y, weights), fastgd.gradient(X, y, weights)
        assert rules.settled(np.inf, cost, gradient) == reason


def test_the_cost_rule_follows_its_definition(data):
    X, y = data
    settings = {"learning_rate": 0.1, "compress": False}
    result = fastgd.gradient_descent(*data, **settings, tol=1e-5, check_every=4)
    assert result.reason == "cost"
    costs = result.cost_history[3::4]  # at the checks
    changes = abs(np.diff(costs)) / costs[1:]
    convexity, settled = Curvature(X, True).extremes[1], []
    for last in range(7, result.epochs, 4):  # a check has cost and gradient of the weights before the last update
        weights = fastgd.gradient_descent(*data, **settings, tol=0, epochs=last).weights
        excess = np.linalg.norm(fastgd.gradient(X, y, weights)) ** 2 / (2 * convexity)
        settled.append(bool(changes[last // 4 - 1] <= 1e-5 and excess <= 1e-5 * result.cost_history[last]))
    assert settled == [False] * (len(settled) - 1) + [True]
    exact = np.linalg.lstsq(np.column_stack([np.ones(len(X)), X]), y, rcond=None)[0]
    assert costs[-1] <= fastgd.cost(X, y, exact) * (1 + 1e-5)


def test_an_exact_fit_ends_by_the_gradient(backend):
    X, y = PROBLEMS["exact fit"]()
    result = fastgd.gradient_descent(X, y, **PLAIN, backend=backend)
    assert (result.reason, result.epochs < 1000) == ("gradient", True)
    np.testing.assert_allclose(result.coef, [1.0, -2.0, 0.5], rtol=1e-6)


@pytest.mark.parametrize(("settings", "epochs"), [(PLAIN, 10), ({}, 1)], ids=["plain", "auto"])
@pytest.mark.parametrize("solution", [np.zeros(4), [0.0, 1.0, -2.0, 0.5]])
def test_a_start_at_the_solution_stays_there(backend, solution, settings, epochs):
    X, _ = PROBLEMS["exact fit"]()
    result = fastgd.gradient_descent(X, X @ solution[1:], weights=solution, backend=backend, **settings)
    assert (result.reason, result.epochs) == ("gradient", epochs)
    np.testing.assert_allclose(result.weights, solution, atol=1e-14)


# Powers of two, about 1e-100 and 1e100: scaling by them changes no digit.
SCALES = [2.0**-332, 2.0**332]


@pytest.mark.parametrize("settings", [PLAIN, {}], ids=["plain", "auto"])
@pytest.mark.parametrize("tol", [1e-8, 1e-3])
@pytest.mark.parametrize("name", ["tutorial", "exact fit"])
@pytest.mark.parametrize("scale", SCALES)
def test_scaling_the_target_changes_no_decision(backend, name, scale, tol, settings):
    X, y = PROBLEMS[name]()
    plain = fastgd.gradient_descent(X, y, **settings, tol=tol, backend=backend)
    scaled = fastgd.gradient_descent(X, y * scale, **settings, tol=tol, backend=backend)
    assert (scaled.epochs, scaled.reason) == (plain.epochs, plain.reason)
    np.testing.assert_array_equal(scaled.weights, plain.weights * scale)


@pytest.mark.parametrize("target_scale", [1.0, *SCALES])
@pytest.mark.parametrize("scale", SCALES)
def test_scaling_the_features_changes_no_decision(backend, data, scale, target_scale):
    X, y = data
    settings = {"fit_intercept": False, "compress": False, "backend": backend}
    plain = fastgd.gradient_descent(X, y, learning_rate=0.1, **settings)
    scaled = fastgd.gradient_descent(X * scale, y * target_scale, learning_rate=0.1 / scale**2, **settings)
    assert (scaled.epochs, scaled.reason) == (plain.epochs, plain.reason)
    np.testing.assert_array_equal(scaled.weights, plain.weights * (target_scale / scale))


@pytest.mark.parametrize(
    ("times_stable", "finite"), [(1.05, True), (3.0, True), (1e20, False), (1e200, False)], ids=str
)
def test_a_rate_above_the_stable_one_diverges(backend, data, times_stable, finite):
    stable = 2 / Curvature(data[0], True).smoothness
    rate = times_stable * stable
    with pytest.warns(fastgd.DivergenceWarning, match="the cost grew") as caught:
        result = fastgd.gradient_descent(
            *data, learning_rate=rate, weights="random", random_state=1, tol=0, compress=False, backend=backend
        )
    assert f"{rate:.6g}" in str(caught[0].message)
    assert f"2/smoothness = {stable:.6g}" in str(caught[0].message)
    assert caught[0].filename == __file__
    assert result.reason == "diverged"
    assert_consistent(result)
    assert np.isfinite(result.cost_history).all()
    assert (result.epochs % 10 == 0) == finite  # a check finds growth, the kernel finds overflow at once
    lowest = np.minimum.accumulate(result.cost_history[::10])[: result.epochs // 10]
    grown = result.cost_history[9::10] > (1 + 1e-6) * lowest
    assert grown.tolist() == [False] * (len(grown) - 1) + [True] * finite  # the first such check ends the run
    assert fastgd.cost(*data, result.weights) <= result.cost_history[0] * (1 + 1e-12)


@pytest.mark.parametrize("epochs", [1, 2, 9, 10, 11])
def test_growth_in_the_last_block_is_found(data, epochs):
    with pytest.warns(fastgd.DivergenceWarning):
        result = fastgd.gradient_descent(*data, learning_rate=100.0, epochs=epochs)
    assert result.reason == "diverged"
    assert fastgd.cost(*data, result.weights) <= fastgd.cost(*data, np.zeros(6))


def test_an_interrupt_in_a_callback_keeps_the_last_block(data):
    def interrupt(epoch, *_):
        if epoch == 20:
            raise KeyboardInterrupt

    result = fastgd.gradient_descent(*data, **PLAIN, tol=0, callback=interrupt)
    assert (result.reason, result.epochs) == ("interrupted", 30)  # the callback sees the start of a block that has run
    assert_consistent(result)
    np.testing.assert_array_equal(result.weights, fastgd.gradient_descent(*data, **PLAIN, tol=0, epochs=30).weights)


@pytest.mark.parametrize("calls", [1, 4])
def test_an_interrupt_in_a_kernel_drops_the_unfinished_call(data, monkeypatch, calls):
    module = ModuleType("interrupted_backend")
    lengths = []

    def descend(X, y, weights, rates, costs, gradient, threads=1):
        lengths.append(len(rates))
        half = len(rates) // 2 if len(lengths) == calls else len(rates)
        arrays = (X, y, weights, rates[:half], costs[:half], gradient)
        applied = backends.descend(*arrays, threads, backend="python")
        if len(lengths) == calls:
            raise KeyboardInterrupt  # in the middle of a block, with half of its updates applied
        return applied

    module.descend = descend
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(backends.MODULES, "interrupted", module.__name__)
    result = fastgd.gradient_descent(*data, **PLAIN, tol=0, backend="interrupted", callback=lambda *_: None)
    epochs = 10 * (calls - 1)
    assert (result.reason, result.epochs, len(lengths)) == ("interrupted", epochs, calls + 1)  # one call for the cost
    assert_consistent(result)
    seen = {}
    settings = PLAIN | {"tol": 0, "epochs": 40, "backend": "python"}
    fastgd.gradient_descent(*data, **settings, callback=lambda epoch, weights, _: seen.update({epoch: weights}))
    np.testing.assert_array_equal(result.weights, seen[epochs])


@pytest.mark.parametrize("settings", [PLAIN, {"compress": False}, {}], ids=["constant", "standardize", "whiten"])
@pytest.mark.parametrize("name", [name for name in PROBLEMS if name != "nothing but zeros"])
def test_the_automatic_rate_never_diverges(name, settings):
    X, y = PROBLEMS[name]()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = fastgd.gradient_descent(X, y, epochs=200, weights="random", random_state=0, tol=0, **settings)
    assert result.reason == "epochs"
    assert fastgd.cost(X, y, result.weights) < result.cost_history[0]


def test_nothing_settles_while_the_rates_are_zero():
    rates = [0.0] * 30 + [0.1] * 2970
    result = fastgd.gradient_descent([[1.0], [2.0]], [1.0, 2.0], learning_rate=rates)
    assert result.converged
    assert result.epochs > 30
    np.testing.assert_allclose(result.weights, [0.0, 1.0], atol=1e-3)


@pytest.mark.parametrize("rate_times_limit", [1e-12, 0.5, 1.0])
def test_a_rate_that_makes_no_progress_does_not_settle(data, rate_times_limit):
    limit = 2 / Curvature(data[0], True).smoothness
    right = rate_times_limit == 0.5
    with nullcontext() if right else pytest.warns(fastgd.ConvergenceWarning, match="all 100 epochs ran"):
        result = fastgd.gradient_descent(*data, learning_rate=rate_times_limit * limit, epochs=100)
    assert result.converged == right


def test_growth_below_the_first_cost_is_divergence(data):
    limit = 2 / Curvature(data[0], True).smoothness
    with pytest.warns(fastgd.DivergenceWarning):
        result = fastgd.gradient_descent(*data, learning_rate=1.02 * limit, epochs=60, tol=0)
    assert result.cost_history[-1] < result.cost_history[0]
    assert fastgd.cost(*data, result.weights) == pytest.approx(result.cost_history[::10].min())


def test_an_interrupt_keeps_all_finished_calls(data, monkeypatch):
    calls = []
    kernel = fastgd.backends.load("numpy").descend

    def interrupted(*arguments):
        calls.append(len(arguments[3]))
        if len(calls) == 4:
            raise KeyboardInterrupt
        return kernel(*arguments)

    monkeypatch.setattr(fastgd.backends.load("numpy"), "descend", interrupted)
    monkeypatch.setattr(solve, "CALL_ELEMENTS", 7 * (data[0].size + solve.EPOCH_ELEMENTS))
    result = fastgd.gradient_descent(*data, **PLAIN, tol=0, check_every=1000, backend="numpy")
    assert calls == [7, 7, 7, 7, 1]  # the last call computes the cost of the weights
    assert (result.reason, result.epochs, len(result.cost_history)) == ("interrupted", 21, 21)
    monkeypatch.undo()
    whole = fastgd.gradient_descent(*data, **PLAIN, tol=0, epochs=21, backend="numpy")
    np.testing.assert_array_equal(result.weights, whole.weights)


@pytest.mark.parametrize("answer", [None, 1.0, 0, "yes", np.ones(3)])
def test_only_true_from_a_callback_stops_the_run(data, answer):
    assert fastgd.gradient_descent(*data, tol=0, epochs=30, callback=lambda *_: answer).reason == "epochs"


def test_a_start_out_of_range_is_refused(data):
    with pytest.raises(ValueError, match="weights must have a finite cost to start from"):
        fastgd.gradient_descent(*data, weights=[1e200] * 6)
    with pytest.raises(ValueError, match="weights must have a finite cost and gradient"):
        fastgd.gradient(*data, [1e308] * 6)


@pytest.mark.parametrize("compress", [True, False])
@pytest.mark.parametrize("learning_rate", ["auto", 0.3, "chebyshev"])
def test_the_mean_of_a_target_far_from_zero_is_not_taken_for_a_fit(compress, learning_rate):
    generator = np.random.default_rng(0)
    X = generator.standard_normal((300, 1)) + 0.03 * generator.standard_normal((300, 4))
    signal = X @ [30.0, -20.0, 10.0, -20.0]
    options = {"precondition": "standardize", "compress": compress, "learning_rate": learning_rate, "epochs": 100}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fastgd.ConvergenceWarning)
        result = fastgd.gradient_descent(X, signal + 1.7e9, **options)
    unexplained = np.var(signal + 1.7e9 - result.predict(X)) / np.var(signal)
    assert unexplained < 1e-6 or not result.converged


def nearly_equal_columns(n_samples):
    """Return two columns whose difference matters most, the target, and its best predictions."""
    generator = np.random.default_rng(0)
    x, noise = generator.standard_normal((2, n_samples))
    X = np.column_stack([x, x + 1e-6 * noise])
    y = x + 1e6 * (X[:, 1] - X[:, 0]) + 0.1 * generator.standard_normal(n_samples)
    rows = np.column_stack([np.ones(n_samples), x, 1e6 * (X[:, 1] - X[:, 0])])
    return X, y, rows @ np.linalg.lstsq(rows, y, rcond=None)[0]


@pytest.mark.parametrize("n_samples", [60, 300, 5000])
@pytest.mark.parametrize("settings", [{}, {"compress": True}, {"compress": False}, {"learning_rate": 0.5}], ids=str)
def test_nearly_equal_columns_do_not_settle_far_from_the_minimum(n_samples, settings):
    X, y, _ = nearly_equal_columns(n_samples)
    with pytest.warns(fastgd.ConditionWarning, match=r"condition number of X is [12].*e\+06"):
        result = fastgd.gradient_descent(X, y, **({"learning_rate": "constant"} | settings))
    assert not result.converged


@pytest.mark.parametrize("n_samples", [60, 300, 5000])
@pytest.mark.parametrize("compress", ["auto", True, False])
def test_nearly_equal_columns_are_solved_by_default(n_samples, compress):
    X, y, expected = nearly_equal_columns(n_samples)
    result = fastgd.gradient_descent(X, y, compress=compress)
    assert result.converged
    np.testing.assert_allclose(result.predict(X), expected, atol=1e-4)


@pytest.mark.parametrize("compress", [True, False])
def test_directions_that_a_gram_matrix_loses_are_not_ignored(compress):
    generator = np.random.default_rng(0)
    x = generator.standard_normal(100)
    X = np.column_stack([x, x + 1e-8 * generator.standard_normal(100)])
    y = x + 1e8 * (X[:, 1] - X[:, 0]) + 0.1 * generator.standard_normal(100)
    with pytest.warns(fastgd.ConditionWarning, match=r"condition number of X is [12].*e\+08"):
        result = fastgd.gradient_descent(X, y, learning_rate="chebyshev", precondition="standardize", compress=compress)
    assert not result.converged


@pytest.mark.parametrize("epochs", [1, 9, 10, 11, 25])
@pytest.mark.parametrize("times_limit", [0.9, 1.0, 1.02, 1.2])
def test_a_callback_changes_nothing(data, epochs, times_limit):
    rate = times_limit * 2 / Curvature(data[0], True).smoothness
    for settings in ({}, {"weights": np.full(6, 0.3)}):
        options = {"learning_rate": rate, "epochs": epochs, "tol": 0, **settings}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", fastgd.DivergenceWarning)
            alone = fastgd.gradient_descent(*data, **options)
            watched = fastgd.gradient_descent(*data, callback=lambda *_: None, **options)
        assert (alone.reason, alone.epochs) == (watched.reason, watched.epochs)
        np.testing.assert_array_equal(alone.weights, watched.weights)


@pytest.mark.parametrize("learning_rate", ["constant", "auto"])
@pytest.mark.parametrize("batch_size", [33, 64, 99])
@pytest.mark.parametrize("seed", range(3))
def test_a_short_last_batch_causes_no_divergence(batch_size, seed, learning_rate):
    generator = np.random.default_rng(seed)
    X = generator.standard_normal((100, 5))
    y = X @ np.arange(5.0) + generator.standard_normal(100)
    options = {"learning_rate": learning_rate, "batch_size": batch_size, "epochs": 200, "tol": 0}
    result = fastgd.gradient_descent(X, y, **options, random_state=seed)
    assert result.reason == "epochs"


# ---- never quietly wrong: converged implies right, and any other run warns once


def times():
    x = 1.7e9 + np.arange(100.0)
    return x[:, np.newaxis], 5 * (x - 1.7e9) + 3, {}


def nearly_twice(seed=0):
    generator = np.random.default_rng(seed)
    X = generator.standard_normal((50, 4))
    X[:, 3] = X[:, 0] + 1e-7 * generator.standard_normal(50)
    return X, X[:, :3].sum(axis=1) + generator.standard_normal(50), {}


def certified(name):
    return strd.PROBLEMS[name].X, strd.PROBLEMS[name].y, {}


def huge_ridge():
    X, y = random_problem(100, 4)
    return X, y + 20.0, {"alpha": 1e14}


def huge_columns():
    X = np.random.default_rng(0).uniform(1, 2, (100, 3)) * 1e14
    return X, X @ [1e-14, 2e-14, 3e-14], {}


def sparse_rows_far_from_zero():
    generator = np.random.default_rng(0)
    X = generator.standard_normal((700, 300)) * (generator.random((700, 300)) < 0.05)
    X[:, :3] = 1e6 + generator.standard_normal((700, 3))
    return X, X @ np.append([1.0, -2.0, 3.0], generator.standard_normal(297)), {}


TRAPS = {
    "times": times,
    "nearly twice": nearly_twice,
    "Wampler1": partial(certified, "Wampler1"),
    "Wampler5": partial(certified, "Wampler5"),
    "huge ridge": huge_ridge,
    "huge columns": huge_columns,
}


def best_predictions(X, y, alpha=0.0):
    """Return the predictions of the least cost, by NumPy on standardized columns."""
    means, n = X.mean(axis=0), len(y)
    scales = np.sqrt(np.square(X - means).mean(axis=0) + alpha)
    rows = np.concatenate([(X - means) / scales, np.diag(np.sqrt(n * alpha) / scales)])
    targets = np.append(y - y.mean(), np.zeros(X.shape[1]))
    return y.mean() + (X - means) @ (np.linalg.lstsq(rows, targets, rcond=1e-13)[0] / scales)


def assert_not_quietly_wrong(X, y, options, **settings):
    """Return a result that is right within 1/1000 of a deviation of y if it is converged, and warned if not."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = fastgd.gradient_descent(X, y, **options, **settings)
    assert len(caught) == (not result.converged)
    assert all(issubclass(warning.category, fastgd.ConvergenceWarning) for warning in caught)
    errors = result.predict(X) - best_predictions(X, y, **options)
    assert not result.converged or np.sqrt(np.mean(errors**2)) <= 1e-3 * y.std()
    return result


@pytest.mark.parametrize("compress", ["auto", True, False])
@pytest.mark.parametrize("precondition", ["auto", "standardize", "none"])
@pytest.mark.parametrize("learning_rate", ["auto", "eigenvalues", "chebyshev", "constant"])
@pytest.mark.parametrize("name", TRAPS)
def test_no_trap_is_called_converged_with_wrong_weights(name, learning_rate, precondition, compress):
    X, y, options = TRAPS[name]()
    settings = {"learning_rate": learning_rate, "precondition": precondition, "compress": compress}
    result = assert_not_quietly_wrong(X, y, options, **settings)
    assert result.converged or not (learning_rate == precondition == "auto")


@pytest.mark.parametrize("compress", [True, False])
@pytest.mark.parametrize("learning_rate", ["auto", "constant"])
@pytest.mark.parametrize("precondition", ["auto", "standardize"])
def test_rows_whose_least_cost_is_unknown_are_not_quietly_wrong(learning_rate, precondition, compress, monkeypatch):
    monkeypatch.setattr("fastgd.problem.rows.MOST_SUMMARIZED", 256)
    X, y, options = sparse_rows_far_from_zero()
    settings = {"learning_rate": learning_rate, "precondition": precondition, "compress": compress}
    result = assert_not_quietly_wrong(X, y, options, **settings)
    assert result.converged == (learning_rate == "auto" or precondition == "standardize")


@pytest.mark.parametrize("columns", [1, 260])
@pytest.mark.parametrize("offset", [1e5, 1e7])
@pytest.mark.parametrize("options", [{}, {"alpha": 1e-9}, {"sample_weight": np.ones(300)}], ids=lambda given: [*given])
def test_many_columns_far_from_zero_are_not_quietly_wrong(offset, columns, options):
    X, y = random_problem(300, 260)
    best = fastgd.gradient_descent(X, y, **options).r_squared
    X[:, :columns] += offset
    for learning_rate in ("constant", "chebyshev", "eigenvalues"):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            result = fastgd.gradient_descent(X, y, learning_rate=learning_rate, compress=False, **options)
        assert len(caught) == (not result.converged)
        assert not result.converged or result.r_squared == pytest.approx(best, abs=1e-3)


@pytest.mark.parametrize("seed", range(1, 30))
@pytest.mark.parametrize("learning_rate", ["auto", "constant"])
def test_random_columns_that_are_nearly_twice_the_same(seed, learning_rate):
    result = assert_not_quietly_wrong(*nearly_twice(seed), learning_rate=learning_rate)
    assert result.converged or learning_rate == "constant"


def test_sparse_rows_far_from_zero_are_fitted():
    pytest.importorskip("sklearn", reason="the estimator needs scikit-learn, an extra")
    from scipy.sparse import csr_array

    X, y, _ = sparse_rows_far_from_zero()
    model = fastgd.GradientDescentRegressor().fit(csr_array(X), y)
    np.testing.assert_allclose(model.predict(X), best_predictions(X, y), atol=1e-6 * y.std())


# ---- what a warning advises

STANDARDIZE = "precondition='standardize'"  # keeps the schedule that was named
ADVICE = [
    ({"learning_rate": "constant"}, {"learning_rate='auto'", STANDARDIZE}),
    ({"learning_rate": "constant", "compress": True}, {"learning_rate='auto'", STANDARDIZE}),
    ({"learning_rate": "constant", "compress": False}, {"learning_rate='auto'", "compress='auto'", STANDARDIZE}),
    ({"learning_rate": 0.5, "precondition": "whiten"}, {"learning_rate='auto'"}),
    ({"learning_rate": "chebyshev", "precondition": "none"}, {"learning_rate='auto'", "precondition='auto'"}),
    ({"precondition": "none"}, {"precondition='auto'"}),
    ({"precondition": "standardize"}, {"precondition='auto'"}),
    ({"precondition": "none", "compress": False}, {"precondition='auto'", "compress='auto'"}),
    ({"compress": False}, {"compress='auto'"}),
    ({"alpha": 1e-9, "learning_rate": "constant"}, {"learning_rate='auto'", STANDARDIZE}),
    ({"batch_size": 10}, set()),
    ({"batch_size": 10, "learning_rate": "constant"}, set()),
    ({"batch_size": 10, "learning_rate": "inverse_scaling"}, set()),
]


@pytest.mark.parametrize(("settings", "expected"), ADVICE, ids=str)
def test_advice_names_only_what_is_not_set_yet(settings, expected):
    X, y = random_problem(100, 5)
    X[:, 4] *= 1e-3
    with pytest.warns(fastgd.ConvergenceWarning, match="not converged: all 2 epochs ran.*; J is .*; try ") as caught:
        fastgd.gradient_descent(X, y, epochs=2, random_state=0, **settings)
    assert len(caught) == 1
    advice = str(caught[0].message).split("; try ")[1]
    assert not {f"'{value}'" for value in settings.values()} & set(re.findall(r"'\w+'", advice))
    assert set(re.findall(r"\w+='\w+'", advice)) == expected
    assert "alpha" not in advice
    assert ("more epochs" in advice) == ("batch_size" not in settings)


def test_more_epochs_are_no_advice_where_rounding_leaves_too_few_digits():
    with pytest.warns(fastgd.ConditionWarning, match="condition number of X is 1e.17") as caught:
        fastgd.gradient_descent(*times()[:2], learning_rate="constant")
    assert str(caught[0].message).endswith("try learning_rate='auto', or precondition='standardize'")


@pytest.mark.parametrize("settings", [{}, *(settings for settings, _ in ADVICE)], ids=str)
def test_a_tolerance_of_zero_keeps_a_run_silent(settings):
    result = fastgd.gradient_descent(*times()[:2], epochs=2, tol=0, random_state=0, **settings)
    assert (result.reason, result.converged) == ("epochs", False)


def test_a_run_that_the_caller_ends_is_silent(data):
    result = fastgd.gradient_descent(*data, **PLAIN, callback=lambda epoch, *_: epoch == 10)
    assert (result.reason, result.converged) == ("callback", False)
