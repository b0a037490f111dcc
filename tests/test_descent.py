"""gradient_descent: its arguments, its printing and callbacks, and its result."""

import dataclasses
import re

import numpy as np
import pytest
from problems import PROBLEMS, random_problem

import fastgd
from fastgd import backends
from fastgd.descent import auto, solve
from fastgd.problem.curvature import Curvature

SETTLED = {"learning_rate": 0.1, "epochs": 60, "tol": 0, "compress": False}


@pytest.fixture
def data():
    return PROBLEMS["tutorial"]()


def descend(data, **settings):
    return fastgd.gradient_descent(*data, **{**SETTLED, **settings})


def test_one_rate_is_used_in_every_epoch(data):
    one = descend(data, learning_rate=0.1)
    np.testing.assert_array_equal(one.rates, np.full(60, 0.1))
    many = descend(data, learning_rate=[0.1] * 60)
    np.testing.assert_array_equal(one.cost_history, many.cost_history)


def test_rates_are_used_in_their_order(data):
    rates = np.linspace(0.01, 0.3, 60)
    result = descend(data, learning_rate=rates)
    np.testing.assert_array_equal(result.rates, rates)
    weights = np.zeros(6)
    for rate in rates:
        weights -= rate * fastgd.gradient(*data, weights)
    np.testing.assert_allclose(result.weights, weights, rtol=1e-12)


def test_a_schedule_is_called_once(data):
    asked = []

    def schedule(*arguments):
        asked.append(arguments)
        return np.linspace(0.1, 0.2, 60)

    result = descend(data, learning_rate=schedule)
    assert asked == [(60, *Curvature(data[0], True).extremes)]
    np.testing.assert_array_equal(result.rates, np.linspace(0.1, 0.2, 60))
    np.testing.assert_array_equal(descend(data, learning_rate=lambda *_: 0.1).rates, descend(data).rates)


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_constant_is_one_over_smoothness(data, fit_intercept):
    result = descend(data, learning_rate="constant", fit_intercept=fit_intercept)
    np.testing.assert_array_equal(result.rates, np.full(60, 1 / Curvature(data[0], fit_intercept).smoothness))


@pytest.mark.parametrize("settings", [{}, {"compress": False}, {"learning_rate": "constant"}], ids=str)
def test_columns_of_zeros_have_a_rate(settings):
    result = fastgd.gradient_descent(np.zeros((3, 2)), [1.0, 2.0, 3.0], fit_intercept=False, **settings)
    np.testing.assert_array_equal(result.weights, [0.0, 0.0])
    assert (result.reason, result.converged) == ("gradient", True)


def test_a_run_starts_from_zeros_given_or_random_weights(data):
    np.testing.assert_array_equal(descend(data).weights, descend(data, weights=np.zeros(6)).weights)
    assert descend(data).cost_history[0] == fastgd.cost(*data, np.zeros(6))
    given = np.arange(6.0)
    assert descend(data, weights=given).cost_history[0] == fastgd.cost(*data, given)
    np.testing.assert_array_equal(given, np.arange(6.0))
    drawn = np.random.default_rng(5).standard_normal(6)
    for random_state in (5, np.random.default_rng(5)):
        result = descend(data, weights="random", random_state=random_state)
        np.testing.assert_array_equal(result.weights, descend(data, weights=drawn).weights)
    assert descend(data, weights="random").cost_history[0] != descend(data, weights="random").cost_history[0]


def test_a_run_can_continue_another(data):
    half = descend(data, epochs=30)
    rest = descend(data, epochs=30, weights=half.weights)
    np.testing.assert_array_equal(rest.weights, descend(data).weights)


def test_a_result_describes_its_run(backend, data):
    result = descend(data, backend=backend)
    assert (result.backend, result.reason, result.converged, result.epochs) == (backend, "epochs", False, 60)
    assert result.cost_history.shape == result.rates.shape == (60,)
    assert result.intercept == result.weights[0]
    np.testing.assert_array_equal(result.coef, result.weights[1:])
    assert {array.dtype for array in (result.weights, result.cost_history, result.rates)} == {np.dtype(np.float64)}
    expected = [row @ result.coef + result.intercept for row in data[0]]
    np.testing.assert_allclose(result.predict(data[0]), expected, rtol=1e-13, atol=1e-13)
    assert fastgd.cost(*data, result.weights) < result.cost_history[-1]


def test_without_an_intercept(backend, data):
    result = descend(data, fit_intercept=False, backend=backend)
    assert (result.weights.shape, result.intercept) == ((5,), 0.0)
    np.testing.assert_array_equal(result.coef, result.weights)
    np.testing.assert_allclose(result.predict(data[0]), data[0] @ result.coef, rtol=1e-13)


def test_a_result_cannot_be_changed(data):
    with pytest.raises(dataclasses.FrozenInstanceError):
        descend(data).reason = "cost"


def test_auto_is_the_first_available_backend(data):
    assert descend(data).backend == backends.available()[0]
    np.testing.assert_array_equal(descend(data).weights, descend(data, backend=backends.available()[0]).weights)


@pytest.mark.parametrize("check_every", [7, 10, 59, 60, 61, 1000])
def test_checks_do_not_change_the_path(backend, data, check_every):
    often = descend(data, check_every=1, backend=backend)
    result = descend(data, check_every=check_every, backend=backend)
    assert result.weights.tobytes() == often.weights.tobytes()
    assert result.cost_history.tobytes() == often.cost_history.tobytes()


def test_long_blocks_are_split_between_calls(backend, data, monkeypatch):
    whole = descend(data, check_every=60, backend=backend)
    monkeypatch.setattr(solve, "CALL_ELEMENTS", 7 * (data[0].size + solve.EPOCH_ELEMENTS))
    split = descend(data, check_every=60, backend=backend)
    assert split.weights.tobytes() == whole.weights.tobytes()
    assert split.cost_history.tobytes() == whole.cost_history.tobytes()
    with pytest.warns(fastgd.DivergenceWarning):
        diverged = descend(data, check_every=60, backend=backend, learning_rate=1e20)
    assert 7 < diverged.epochs < 14  # in the second call


def test_verbose_prints_epochs_and_costs(data, capsys):
    result = descend(data, verbose=1, check_every=25)
    lines = capsys.readouterr().out.splitlines()
    assert [re.fullmatch(r"epoch (\d+): cost \S+", line)[1] for line in lines] == ["0", "25", "50", "60"]
    costs = [*result.cost_history, result.cost]
    for line in lines:
        epoch, cost = re.findall(r"[\d.]+", line)
        assert float(cost) == pytest.approx(costs[int(epoch)], rel=1e-7)


def test_nothing_is_printed_by_default(data, capsys):
    descend(data)
    assert capsys.readouterr() == ("", "")


def test_callback_gets_epoch_weights_and_their_cost(backend, data):
    seen = {}

    def keep(epoch, weights, cost):
        seen[epoch] = weights, cost

    start = np.arange(6.0)
    result = descend(data, callback=keep, check_every=25, weights=start, backend=backend)
    assert list(seen) == [0, 25, 50, 60]
    costs = [*result.cost_history, result.cost]
    for epoch, (weights, cost) in seen.items():
        assert cost == costs[epoch]
        assert cost == pytest.approx(fastgd.cost(*data, weights), rel=1e-14)
    np.testing.assert_array_equal(seen[0][0], start)
    for epoch in (25, 50, 60):
        shorter = descend(data, epochs=epoch, weights=start, backend=backend)
        np.testing.assert_array_equal(seen[epoch][0], shorter.weights)


def test_a_callback_cannot_disturb_the_run(data):
    def disturb(epoch, weights, _cost):
        weights[:] = np.nan
        return epoch == last

    for last in (20, 60):  # the callback stops the run, or the run ends by itself
        undisturbed = descend(data, epochs=last)
        np.testing.assert_array_equal(descend(data, callback=disturb).weights, undisturbed.weights)


@pytest.mark.parametrize("last", [0, 25, 50])
def test_a_callback_that_returns_true_stops_the_run_with_its_weights(data, last):
    seen = {}

    def stop(epoch, weights, _cost):
        seen[epoch] = weights
        return epoch == last

    result = descend(data, callback=stop, check_every=25)
    assert (result.reason, result.epochs, result.converged) == ("callback", last, False)
    assert len(result.cost_history) == len(result.rates) == last
    np.testing.assert_array_equal(result.weights, seen[last])
    assert max(seen) == last


def test_an_error_in_the_callback_reaches_the_caller(data):
    def fail(*_):
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        descend(data, callback=fail)


# ---- what "auto" stands for


def fit(data, **settings):
    """Return a run of all epochs, which may end unconverged; tol=0 keeps it silent."""
    return fastgd.gradient_descent(*data, **({"tol": 0, "epochs": 40} | settings))


def assert_same_run(one, other):
    """Assert that two runs took the same path to the last bit."""
    for name in ("weights", "cost_history", "rates", "gradient"):
        assert getattr(one, name).tobytes() == getattr(other, name).tobytes(), name
    for name in ("reason", "epochs", "converged", "cost", "compressed", "precondition"):
        assert getattr(one, name) == getattr(other, name), name


def test_by_default_one_epoch_in_whitened_coordinates_is_enough(data):
    result = fastgd.gradient_descent(*data)
    found = (result.precondition, result.compressed, result.epochs, result.reason, result.converged)
    assert found == ("whiten", True, 1, "gradient", True)
    np.testing.assert_array_equal(result.rates, [1.0])
    exact = np.linalg.lstsq(np.column_stack([np.ones(100), data[0]]), data[1], rcond=None)[0]
    np.testing.assert_allclose(result.weights, exact, rtol=1e-13)


@pytest.mark.parametrize(
    "learning_rate",
    ["constant", "eigenvalues", "silver", 0.1, [0.1] * 40, lambda *_: 0.1],
    ids=lambda rate: str(rate)[:9],
)
@pytest.mark.parametrize("compress", ["auto", True, False])
def test_a_named_rate_runs_in_the_units_of_the_data(data, learning_rate, compress):
    chosen = fit(data, learning_rate=learning_rate, compress=compress)
    assert chosen.precondition == "none"
    assert_same_run(chosen, fit(data, learning_rate=learning_rate, compress=compress, precondition="none"))


@pytest.mark.parametrize("compress", [True, False])
@pytest.mark.parametrize("precondition", ["none", "standardize"])
def test_named_coordinates_get_the_rates_of_their_eigenvalues(data, precondition, compress):
    chosen = fit(data, precondition=precondition, compress=compress)
    assert chosen.precondition == precondition
    assert_same_run(chosen, fit(data, learning_rate="eigenvalues", precondition=precondition, compress=compress))


def test_whitened_coordinates_get_a_rate_of_one(data):
    np.testing.assert_array_equal(fit(data, precondition="whiten").rates, np.ones(40))
    assert_same_run(fit(data, precondition="whiten"), fit(data, learning_rate="constant", precondition="whiten"))


def test_the_rows_of_the_data_are_standardized(data):
    chosen = fit(data, compress=False)
    assert (chosen.precondition, chosen.compressed) == ("standardize", False)
    assert_same_run(chosen, fit(data, learning_rate="eigenvalues", precondition="standardize", compress=False))


def test_mini_batches_are_standardized_and_get_rates_that_settle(data):
    settings = {"batch_size": 20, "random_state": 0}
    chosen = fit(data, **settings)
    assert (chosen.precondition, chosen.compressed) == ("standardize", False)
    assert_same_run(chosen, fit(data, learning_rate="inverse_scaling", precondition="standardize", **settings))


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((10**6, auto.MOST_WHITENED), "whiten"),
        ((10**6, auto.MOST_WHITENED + 1), "standardize"),
        ((auto.MOST_WHITENED + 1, 10**6), "standardize"),
        ((64, auto.MOST_ELEMENTS // 64), "whiten"),
        ((64, auto.MOST_ELEMENTS // 64 + 1), "standardize"),
    ],
)
def test_problems_are_whitened_up_to_a_size(shape, expected):
    assert auto.choose_precondition(shape, rate_named=False, may_compress=True) == expected
    assert auto.choose_precondition(shape, rate_named=False, may_compress=False) == "standardize"
    assert auto.choose_precondition(shape, rate_named=True, may_compress=True) == "none"


@pytest.mark.parametrize(("limit", "value"), [("MOST_WHITENED", 4), ("MOST_ELEMENTS", 24)])
def test_problems_too_large_for_their_factor_are_standardized(data, monkeypatch, limit, value):
    monkeypatch.setattr(auto, limit, value)
    chosen = fit(data)
    assert (chosen.precondition, chosen.compressed) == ("standardize", False)
    assert_same_run(chosen, fit(data, learning_rate="eigenvalues", precondition="standardize"))


def test_a_problem_of_more_than_512_eigenvalues_gets_chebyshev_rates():
    data = random_problem(700, 600)
    chosen = fit(data, compress=False)
    assert chosen.precondition == "standardize"
    assert_same_run(chosen, fit(data, learning_rate="chebyshev", precondition="standardize", compress=False))


@pytest.mark.parametrize(
    ("settings", "precondition", "compressed"),
    [
        ({}, "whiten", True),
        ({"learning_rate": "constant"}, "none", True),
        ({"precondition": "standardize"}, "standardize", True),
        ({"compress": False, "epochs": 100}, "standardize", False),
        ({"learning_rate": 0.1, "compress": False, "epochs": 100}, "none", False),
    ],
    ids=str,
)
def test_naming_a_backend_chooses_the_kernel_and_nothing_else(backend, settings, precondition, compressed):
    data = random_problem(1000, 5)  # so many rows that compression pays off
    chosen, named = (fit(data, **({"epochs": 1000} | settings), backend=name) for name in ("auto", backend))
    for result in (chosen, named):
        assert (result.precondition, result.compressed, result.epochs) == (precondition, compressed, chosen.epochs)
    assert named.backend == backend
    np.testing.assert_allclose(named.rates, chosen.rates, rtol=1e-12)
    np.testing.assert_allclose(named.weights, chosen.weights, rtol=1e-10)


SETTINGS = [
    {},
    {"compress": True},
    {"compress": False},
    {"precondition": "none"},
    {"precondition": "standardize", "compress": True},
    {"precondition": "standardize", "compress": False},
    {"precondition": "whiten", "learning_rate": 0.5},
    {"learning_rate": "constant"},
    {"learning_rate": "chebyshev", "precondition": "standardize"},
    {"learning_rate": "silver", "compress": False},
    {"weights": "random", "random_state": 1},
    {"alpha": 0.1},
    {"alpha": 0.1, "compress": False},
    {"fit_intercept": False},
    {"tol": 0, "epochs": 7},
    {"batch_size": 20, "random_state": 0, "tol": 0, "epochs": 7},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("name", ["tutorial", "collinear columns", "more columns than rows", "float32", "513 x 3 F"])
def test_the_options_that_a_result_tells_repeat_its_run(name, settings):
    X, y = PROBLEMS[name]()
    settings = settings | ({"batch_size": len(y) // 3} if "batch_size" in settings else {})
    first = fastgd.gradient_descent(X, y, **settings)
    told = {"learning_rate": first.rates, "precondition": first.precondition, "compress": first.compressed}
    assert_same_run(fastgd.gradient_descent(X, y, **(settings | told)), first)
