"""Schedules: their definitions, the guarantees of theory, and the ends of runs with their rates."""

import tracemalloc
import warnings
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
import strd
from problems import PROBLEMS, random_problem

import fastgd
from fastgd import backends, rates
from fastgd.descent.judging import add_ends
from fastgd.descent.loop import Checks
from fastgd.descent.stopping import StoppingRules
from fastgd.problem.curvature import Curvature, hessian
from fastgd.rates.chebyshev import CYCLE_ERROR, chebyshev_cycles, lebedev_finogenov, plan_chebyshev
from fastgd.rates.eigenvalues import order_eigenvalues
from fastgd.rates.schedules import Rates, bound_amplification
from fastgd.rates.silver import silver_cycles, silver_restarts

SCHEDULES = [
    rates.constant,
    rates.inverse_scaling,
    rates.step_decay,
    rates.exponential_decay,
    rates.silver,
    rates.chebyshev,
]
CYCLIC = {rates.silver: silver_cycles, rates.chebyshev: chebyshev_cycles}  # schedules with long steps
either_problem = pytest.mark.parametrize("compressed", [True, False], ids=["compressed", "data"])
cyclic = pytest.mark.parametrize("schedule", CYCLIC, ids=lambda schedule: schedule.__name__)


def descend(eigenvalues, steps, weights=None):
    """Return the errors along a Hessian's eigenvectors after all steps, starting from ones, and all costs."""
    eigenvalues = np.asarray(eigenvalues, dtype=float)
    size = len(eigenvalues)
    errors = np.ones(size) if weights is None else np.array(weights)
    costs, gradient = np.empty(len(steps)), np.empty(size)
    X = np.diag(np.sqrt(size * eigenvalues))  # XᵀX/n is diagonal, and the weights are the error since y = 0
    assert backends.descend(X, np.zeros(size), errors, steps, costs, gradient) == len(steps)
    return errors, costs


# ---- definitions


def test_constant_rates_are_the_given_one_or_one_over_smoothness():
    np.testing.assert_array_equal(rates.constant(3, 4.0, 1.0), [0.25] * 3)
    np.testing.assert_array_equal(rates.constant(2, 4.0, initial=0.1), [0.1, 0.1])
    np.testing.assert_array_equal(rates.constant(2, 0.0), [1.0, 1.0])  # J is constant


@pytest.mark.parametrize(("settings", "first"), [({}, 0.25), ({"initial": 0.7}, 0.7)])
def test_decays_are_their_closed_forms(settings, first):
    epoch = np.arange(1000)
    for schedule, options, expected in [
        (rates.inverse_scaling, {}, first / np.sqrt(epoch + 1)),
        (rates.inverse_scaling, {"power": 1.0}, first / (epoch + 1)),
        (rates.step_decay, {}, first * 0.5 ** np.floor(epoch / 100)),
        (rates.step_decay, {"factor": 0.9, "every": 7}, first * 0.9 ** np.floor(epoch / 7)),
        (rates.exponential_decay, {}, first * np.exp(-0.01 * epoch)),
        (rates.exponential_decay, {"decay": 0.3}, first * np.exp(-0.3 * epoch)),
    ]:
        np.testing.assert_allclose(schedule(1000, 4.0, 1.0, **settings, **options), expected, rtol=1e-13)


@pytest.mark.parametrize("smoothness", [1.0, 8.0])
def test_silver_follows_its_recursion(smoothness):
    steps = np.array([np.sqrt(2)])  # h₁ = [√2], hₖ₊₁ = [hₖ, 1 + ρᵏ⁻¹, hₖ]
    for k in range(1, 10):
        np.testing.assert_allclose(rates.silver(len(steps), smoothness), steps / smoothness, rtol=1e-13)
        steps = np.concatenate([steps, [1 + (1 + np.sqrt(2)) ** (k - 1)], steps])


def lowest(length, largest, least):
    """Return the lower end of a cycle's interval: 2ρᴺ is 1e-4 there, or it is the smallest eigenvalue."""
    return max(least, largest * np.tanh(np.log(2e4) / (2 * length)) ** 2)


@pytest.mark.parametrize("condition", [1.0, 1.5, 10, 1e2, 1e4, 1e6, 1e9])
@pytest.mark.parametrize("length", [1, 2, 4, 8, 64])
def test_chebyshev_rates_are_the_inverse_roots(condition, length):
    largest, least = 3.0, 3.0 / condition
    cycle = chebyshev_cycles(1 << 20, largest, least)[0]
    length = min(length, cycle)
    k, least = np.arange(length), lowest(length, largest, least)
    roots = (largest + least) / 2 - (largest - least) / 2 * np.cos((2 * k + 1) * np.pi / (2 * length))
    np.testing.assert_allclose(np.sort(1 / rates.chebyshev(length, largest, least)), np.sort(roots), rtol=1e-7)


@pytest.mark.parametrize("length", [*range(1, 41), 896, 1000, *(1 << k for k in range(6, 18))])
def test_the_lebedev_finogenov_order_is_a_permutation(length):
    np.testing.assert_array_equal(np.sort(lebedev_finogenov(length)), np.arange(1, 2 * length, 2))


def test_the_lebedev_finogenov_order_doubles_the_order_of_half_the_length():
    for half in [1, 2, 5, 6, 7, 8, 64, 112]:
        order = lebedev_finogenov(2 * half)
        np.testing.assert_array_equal(order[::2], lebedev_finogenov(half))
        np.testing.assert_array_equal(order[::2] + order[1::2], np.full(half, 4 * half))


@pytest.mark.parametrize("length", [3, 5, 6, 7, 20, 24, 28, 320, 384, 448, 896])
def test_partial_products_grow_no_more_than_those_of_a_power_of_two(length):
    """The largest product of the first factors bounds errors inside a cycle; that of the last ones, rounding errors."""

    def largest_products(length):
        eigenvalues = np.append(np.geomspace(1e-12, 1.0, 500), (1 - np.cos(np.linspace(0, np.pi, 4 * length))) / 2)
        factors = np.abs(1 - np.multiply.outer(rates.chebyshev(length, 1.0, 1e-12), eigenvalues))
        logarithms = np.log(np.maximum(factors, np.finfo(float).tiny))
        return [np.exp(np.cumsum(part, axis=0).max()) for part in (logarithms, logarithms[::-1])]

    first, last = largest_products(length)
    assert first <= largest_products(1 << length.bit_length())[0]
    assert last <= 1 + 1e-9


@pytest.mark.parametrize("condition", [1.0, 1.0 + 1e-12, 1.2, 10, 1e3, 1e6, 1e15, np.inf])
@cyclic
def test_every_epoch_has_a_positive_rate(schedule, condition):
    for epochs in [*range(1, 71), 1000, 4097]:
        steps = schedule(epochs, 1.0, 1.0 / condition)
        assert steps.shape == (epochs,)
        assert (steps > 0).all()
        assert np.isfinite(steps).all()


@pytest.mark.parametrize("condition", [1.0, 1.2, 10, 1e3, 1e6, np.inf])
@cyclic
def test_cycles_fill_the_epochs(schedule, condition):
    for epochs in [*range(1, 71), 1000, 4097]:
        lengths = CYCLIC[schedule](epochs, 1.0, 1.0 / condition)
        assert sum(lengths) == epochs
        assert min(lengths) >= 1
        assert all(isinstance(length, int) for length in lengths)


@pytest.mark.parametrize("smoothness", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda schedule: schedule.__name__)
def test_rates_scale_as_the_inverse_of_the_curvature(schedule, smoothness):
    expected = schedule(100, 1.0, 0.01) / smoothness
    np.testing.assert_allclose(schedule(100, smoothness, 0.01 * smoothness), expected, rtol=1e-10)


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda schedule: schedule.__name__)
def test_a_schedule_without_curvature_has_finite_rates(schedule):
    for smoothness, convexity in [(1.0, 0.0), (1.0, 1.0), (0.0, 0.0)]:
        steps = schedule(20, smoothness, convexity)
        assert steps.shape == (20,)
        assert np.isfinite(steps).all()
        assert (steps > 0).all()


# ---- guarantees


@pytest.mark.parametrize("epochs", [1, 7, 100, 1000, 1023])
def test_chebyshev_rates_for_few_epochs_beat_a_constant_rate(epochs):
    """If `epochs` has no room for a whole cycle, no error grows, and the cost falls further than at a constant rate."""
    eigenvalues = np.geomspace(1e-8, 1.0, 200)
    chebyshev, constant = (np.ones(200) for _ in range(2))
    for rate in rates.chebyshev(epochs, 1.0, 1e-8):
        chebyshev *= 1 - rate * eigenvalues
    constant *= (1 - eigenvalues) ** epochs
    assert abs(chebyshev).max() <= 1 + 1e-6
    assert eigenvalues @ chebyshev**2 <= eigenvalues @ constant**2 * (1 + 1e-3)


@pytest.mark.parametrize("condition", [1.5, 10, 1e2, 1e4, 1e6])
def test_a_chebyshev_cycle_reaches_its_bound(condition):
    """On a filled spectrum the largest error after a cycle equals the bound."""
    convexity = 1 / condition
    whole = chebyshev_cycles(1 << 20, 1.0, convexity)[0]
    for length in [n for n in (1, 2, 3, 4, 5, 6, 7, 8, 12, 14, 16, 112, 320, 448) if n < whole] + [whole]:
        assert chebyshev_cycles(length, 1.0, convexity) == [length]
        least = lowest(length, 1.0, convexity)
        root = np.sqrt(1 / least)
        factor = (root - 1) / (root + 1)
        extrema = (1 + least) / 2 - (1 - least) / 2 * np.cos(
            np.pi * np.arange(0, length + 1, -(-length // 50)) / length
        )
        filled = np.concatenate([extrema, np.geomspace(least, 1.0, 60)])
        errors, costs = descend(filled, rates.chebyshev(length, 1.0, convexity))
        bound = 2 * factor**length / (1 + factor ** (2 * length))
        assert abs(errors).max() == pytest.approx(bound, rel=1e-8)
        assert costs.max() <= condition**2 * costs[0]  # the limit inside a cycle
    assert bound <= CYCLE_ERROR


@pytest.mark.parametrize("condition", [104, 150, 200, 1e3, 1e6, 1e150])
def test_a_chebyshev_cycle_that_does_not_fit_is_cut_short(condition):
    for cycles in ([7], [8, 1], [96, 4], [448, 32, 16, 8, 4, 2], [896, 64, 32, 8]):
        assert chebyshev_cycles(sum(cycles), 1.0, condition**-2.0) == cycles
        assert plan_chebyshev(sum(cycles), 1.0, condition**-2.0)[1] == cycles


def test_the_same_rates_get_the_same_ends_in_a_cycle_that_is_cut_short():
    X, y = conditioned_problem(150)
    options = {"epochs": 1000, "compress": False, "tol": 0, "precondition": "none"}
    named = fastgd.gradient_descent(X, y, learning_rate="chebyshev", **options)
    given = add_ends(named.rates, None, Curvature(X, True), np.square(X).sum() / len(X) + 1, 10)
    assert given.ends == [896, 960, 992, 1000]


def test_a_run_of_fewer_epochs_than_a_cycle_needs_uses_most_of_them():
    X, y = conditioned_problem(120)
    expected = np.linalg.lstsq(np.column_stack([np.ones(200), X]), y)[0]
    options = {"learning_rate": "chebyshev", "compress": False, "tol": 0, "precondition": "none"}
    assert chebyshev_cycles(1024, 1.0, 120**-2.0) == [1024]
    assert chebyshev_cycles(512, 1.0, 120**-2.0) == [512]
    short, long = (fastgd.gradient_descent(X, y, epochs=epochs, **options) for epochs in (512, 1000))
    errors = [np.linalg.norm(result.weights - expected) / np.linalg.norm(expected) for result in (short, long)]
    assert errors[1] <= 1e-5
    assert errors[1] <= 1e-3 * errors[0]


@pytest.mark.parametrize("condition", [1e2, 1e4])
def test_chebyshev_cycles_multiply_their_errors(condition):
    eigenvalues = np.geomspace(1 / condition, 1.0, 40)
    cycle = chebyshev_cycles(1 << 20, 1.0, 1 / condition)[0]
    assert chebyshev_cycles(3 * cycle + 5, 1.0, 1 / condition) == [cycle] * 3 + [4, 1]
    errors, _ = descend(eigenvalues, rates.chebyshev(3 * cycle, 1.0, 1 / condition))
    assert abs(errors).max() <= CYCLE_ERROR**3


def test_a_chebyshev_cycle_is_as_short_as_its_bound_allows():
    for condition in (2, 10, 1e3, 1e6):
        factor = (np.sqrt(condition) - 1) / (np.sqrt(condition) + 1)
        length = chebyshev_cycles(1 << 20, 1.0, 1 / condition)[0]
        assert 2 * factor**length <= CYCLE_ERROR
        assert length == 1 or 2 * factor ** (length // 2) > CYCLE_ERROR


@pytest.mark.parametrize("condition", [1.0, 10, 1e3])
def test_a_constant_rate_reaches_its_bound(condition):
    least = 1 / condition
    for epochs in (1, 7, 50):
        errors, costs = descend(np.geomspace(least, 1.0, 30), rates.constant(epochs, 1.0))
        assert abs(errors).max() == pytest.approx((1 - least) ** epochs, rel=1e-12)
        assert (np.diff(costs) <= 0).all()


SILVER = 1 + np.sqrt(2)


def quadratics(epochs):
    """Yield spectra up to 1: random ones, and the worst ones for this number of constant steps."""
    generator = np.random.default_rng(4)
    for _ in range(20):
        yield generator.uniform(0, 1, 30) ** generator.integers(1, 6)
    yield np.array([1.0])
    for size in (0.1 / epochs, 0.25 / epochs, 0.5 / epochs, 1 / epochs):
        yield np.array([size])
        yield np.array([size, 1.0])
    yield np.geomspace(1e-8, 1.0, 100)


@pytest.mark.parametrize("k", range(1, 13))
def test_silver_stays_within_its_bound(k):
    """The cost after 2ᵏ − 1 epochs is at most L·‖error‖² / (1 + √(4ρ²ᵏ − 3)) above its minimum, which is 0 here."""
    epochs = (1 << k) - 1
    bound = 1 / (1 + np.sqrt(4 * SILVER ** (2 * k) - 3))
    for eigenvalues in quadratics(epochs):
        first = np.random.default_rng(k).standard_normal(len(eigenvalues))
        errors, costs = descend(eigenvalues, rates.silver(epochs, 1.0), first)
        assert 0.5 * (eigenvalues * errors**2).sum() <= bound * (first**2).sum()
        assert np.isfinite(costs).all()


def test_silver_is_faster_than_a_constant_rate_can_be():
    epochs = (1 << 12) - 1
    worst = np.array([1 / (2 * epochs)])
    silver, constant = (abs(descend(worst, schedule(epochs, 1.0))[0][0]) for schedule in (rates.silver, rates.constant))
    assert silver < constant / 2


@pytest.mark.parametrize("condition", [1.5, 10, 1e2, 1e4])
def test_silver_halves_the_error_in_every_run(condition):
    length = silver_restarts(1 << 22, 1.0, 1 / condition)[0]
    assert (length + 1).bit_count() == 1  # 2ᵏ − 1
    eigenvalues, norms = np.geomspace(1 / condition, 1.0, 30), []
    for restarts in range(4):
        steps = rates.silver(max(restarts, 1) * length, 1.0, 1 / condition)
        errors, _ = descend(eigenvalues, steps[: restarts * length])
        norms.append(np.linalg.norm(errors))
    assert all(after <= before / 2 for before, after in pairwise(norms))


# ---- in gradient_descent


NAMES = {schedule.__name__: schedule for schedule in SCHEDULES}


@either_problem
@pytest.mark.parametrize("name", NAMES)
def test_a_name_selects_its_schedule(name, compressed):
    X, y = PROBLEMS["tutorial"]()
    options = {"epochs": 50, "tol": 0, "compress": compressed}
    named = fastgd.gradient_descent(X, y, learning_rate=name, **options)
    given = fastgd.gradient_descent(X, y, learning_rate=NAMES[name], **options)
    np.testing.assert_array_equal(named.weights, given.weights)
    eigenvalues = np.linalg.eigvalsh(hessian(X, True))
    expected = NAMES[name](50, eigenvalues[-1], eigenvalues[0])
    np.testing.assert_allclose(named.rates, expected, rtol=1e-10)


@pytest.mark.parametrize(
    ("schedule", "options"),
    [
        (rates.constant, {"initial": 0.1}),
        (rates.inverse_scaling, {"initial": 0.1, "power": 0.75}),
        (rates.step_decay, {"factor": 0.1, "every": 3}),
        (rates.exponential_decay, {"decay": 0.5}),
        (rates.silver, {}),
        (rates.chebyshev, {}),
    ],
)
def test_a_partial_function_changes_the_settings_of_a_schedule(schedule, options):
    X, y = PROBLEMS["tutorial"]()
    result = fastgd.gradient_descent(X, y, learning_rate=partial(schedule, **options), epochs=12, tol=0)
    eigenvalues = np.linalg.eigvalsh(hessian(X, True))
    np.testing.assert_allclose(result.rates, schedule(12, eigenvalues[-1], eigenvalues[0], **options), rtol=1e-10)
    assert result.reason == "epochs"


@pytest.mark.parametrize("name", ["Chebyshev", "optimal", "", "lebedev_finogenov"])
def test_an_unknown_name_is_refused(name):
    with pytest.raises(
        ValueError, match=r"learning_rate must be .* one of 'auto', 'constant', .*'silver', 'chebyshev'"
    ):
        fastgd.gradient_descent([[1.0], [2.0]], [1.0, 2.0], learning_rate=name)


def largest_errors(steps, eigenvalues):
    """Return the largest factor of an error along any eigenvector after each number of epochs, 0 included."""
    errors, found = np.ones(len(eigenvalues)), [1.0]
    for step in steps:
        errors *= 1 - step * eigenvalues
        found.append(abs(errors).max())
    return np.array(found)


@either_problem
@cyclic
@pytest.mark.parametrize("tol", [1e-2, 1e-4, 1e-6, 1e-8])
@pytest.mark.parametrize("watched", [{}, {"callback": lambda *_: None}, {"verbose": 1}], ids=str)
def test_cycles_are_judged_at_their_ends(schedule, compressed, tol, watched, capsys):
    X, y = random_problem(60, 4)
    X[:, 1] = X[:, 0] + 0.1 * X[:, 1]
    result = fastgd.gradient_descent(
        X, y, learning_rate=schedule, epochs=5000, tol=tol, compress=compressed, check_every=7, **watched
    )
    assert result.converged
    eigenvalues = np.linalg.eigvalsh(hessian(X, True))
    assert result.epochs in np.cumsum(CYCLIC[schedule](5000, eigenvalues[-1], eigenvalues[0]))
    if "verbose" in watched:
        printed = [int(line.split()[1].rstrip(":")) for line in capsys.readouterr().out.splitlines()]
        assert printed == [*range(0, result.epochs, 7), result.epochs]


@either_problem
@cyclic
def test_callbacks_come_inside_cycles_too(schedule, compressed):
    """A callback gets an epoch, the weights after that many updates and their cost, and changes nothing."""
    X, y = PROBLEMS["tutorial"]()
    options = {"learning_rate": schedule, "epochs": 200, "tol": 1e-8, "compress": compressed}
    seen = []
    result = fastgd.gradient_descent(X, y, check_every=10, callback=lambda *check: seen.append(check), **options)
    assert [epoch for epoch, *_ in seen] == [*range(0, result.epochs, 10), result.epochs]
    costs = [*result.cost_history, result.cost]
    weights, gradient, done = np.zeros(6), np.empty(6), 0
    for epoch, seen_weights, seen_cost in seen:
        backends.descend(X, y, weights, result.rates[done:epoch], np.empty(epoch - done), gradient)
        done = epoch
        np.testing.assert_allclose(seen_weights, weights, rtol=1e-8, atol=1e-8)
        assert seen_cost == costs[epoch]
        assert seen_cost == pytest.approx(fastgd.cost(X, y, seen_weights))
    alone = fastgd.gradient_descent(X, y, **options)
    assert (alone.epochs, alone.reason) == (result.epochs, result.reason)
    np.testing.assert_allclose(result.weights, alone.weights, rtol=1e-12)


@cyclic
def test_a_callback_can_end_a_run_inside_a_cycle(schedule):
    X, y = PROBLEMS["tutorial"]()
    options = {"learning_rate": schedule, "tol": 0, "check_every": 5}
    seen = []

    def stop(epoch, weights, cost):
        seen.append(weights)
        return epoch == 15

    result = fastgd.gradient_descent(X, y, callback=stop, **options)
    assert (result.reason, result.epochs, len(result.cost_history)) == ("callback", 15, 15)
    np.testing.assert_array_equal(result.weights, seen[-1])


RANK_DEFICIENT = ["collinear columns", "constant column", "column of zeros", "more columns than rows", "one row"]


@either_problem
@pytest.mark.parametrize("learning_rate", ["chebyshev", "silver"])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("name", RANK_DEFICIENT)
def test_rank_deficient_columns_reach_the_least_cost(name, fit_intercept, learning_rate, compressed):
    """Directions whose curvature is zero, or a rounding error, do not disturb the descent."""
    X, y = PROBLEMS[name]()
    A = np.column_stack([np.ones((len(X), int(fit_intercept))), X])
    residual = y - A @ np.linalg.lstsq(A, y)[0]
    least = residual @ residual / (2 * len(y))
    result = fastgd.gradient_descent(
        X, y, learning_rate=learning_rate, fit_intercept=fit_intercept, epochs=5000, compress=compressed, tol=1e-10
    )
    assert result.converged
    reached = fastgd.cost(X, y, result.weights)
    assert reached <= least * (1 + 1e-9) + 1e-19 * result.cost_history[0]


@either_problem
@pytest.mark.parametrize("offset", [0, 10, 1e3])
@pytest.mark.parametrize("size", [(30, 5), (300, 20)], ids=str)
def test_rank_deficient_columns_far_from_zero_reach_the_least_cost(size, offset, compressed):
    """Standardized columns are collinear up to the rounding errors of the data, which must not count as curvature."""
    generator = np.random.default_rng(1)
    X = generator.standard_normal((size[0], 2)) @ generator.standard_normal((2, size[1])) + offset
    y = X.sum(axis=1) + generator.standard_normal(size[0])
    result = fastgd.gradient_descent(X, y, learning_rate="chebyshev", precondition="standardize", compress=compressed)
    assert result.converged
    centred = X - X.mean(axis=0)
    directions = np.linalg.svd(centred, full_matrices=False)[0][:, :2]
    residual = y - y.mean() - directions @ (directions.T @ (y - y.mean()))
    assert fastgd.cost(X, y, result.weights) <= residual @ residual / (2 * len(y)) * (1 + 1e-6)


@either_problem
@pytest.mark.parametrize("learning_rate", ["chebyshev", "silver", "constant"])
def test_an_exact_fit_ends_by_the_gradient(learning_rate, compressed):
    X, y = PROBLEMS["exact fit"]()
    result = fastgd.gradient_descent(X, y, learning_rate=learning_rate, compress=compressed)
    assert (result.reason, result.converged) == ("gradient", True)
    assert result.epochs < 1000
    np.testing.assert_allclose(result.weights, [0.0, 1.0, -2.0, 0.5], rtol=1e-6, atol=1e-6)


def conditioned_problem(condition):
    """Return columns of a condition number, orthogonal to the column of ones, and a target with noise."""
    generator = np.random.default_rng(6)
    columns = generator.standard_normal((200, 5))
    left, _ = np.linalg.qr(columns - columns.mean(axis=0))
    right, _ = np.linalg.qr(generator.standard_normal((5, 5)))
    X = np.sqrt(200) * left * np.geomspace(1.0, 1 / condition, 5) @ right.T
    return X, X @ np.ones(5) + generator.standard_normal(200)


@either_problem
@pytest.mark.parametrize("learning_rate", ["constant", "silver", "chebyshev"])
def test_a_run_that_uses_all_epochs_has_not_converged(learning_rate, compressed):
    X, y = conditioned_problem(300)
    with pytest.warns(fastgd.ConvergenceWarning, match="all 310 epochs ran; J is .* above .*; .* more epochs"):
        result = fastgd.gradient_descent(X, y, learning_rate=learning_rate, epochs=310, compress=compressed, tol=1e-12)
    assert (result.reason, result.converged, result.epochs) == ("epochs", False, 310)


@either_problem
@pytest.mark.parametrize("epochs", [100, 20_000])
def test_a_tolerance_below_the_rounding_error_is_not_reached(epochs, compressed):
    X, y = conditioned_problem(1e6)
    with pytest.warns(fastgd.ConditionWarning, match=r"condition number of X is 1e\+06") as caught:
        result = fastgd.gradient_descent(
            X, y, learning_rate="chebyshev", epochs=epochs, compress=compressed, tol=1e-12, check_every=100
        )
    assert not result.converged
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert "learning_rate='auto'" in str(caught[0].message)
    assert ("compress='auto'" in str(caught[0].message)) == (not compressed)


@either_problem
def test_a_warning_says_that_epochs_are_too_few_for_the_condition_number(compressed):
    X, y = conditioned_problem(1e4)
    with pytest.warns(fastgd.ConditionWarning, match=r"condition number of X is 1e\+04"):
        result = fastgd.gradient_descent(X, y, learning_rate="chebyshev", epochs=1000, compress=compressed)
    assert (result.reason, result.converged) == ("epochs", False)


def test_a_tolerance_of_zero_gives_no_condition_warning():
    X, y = conditioned_problem(1e6)
    result = fastgd.gradient_descent(X, y, learning_rate="chebyshev", epochs=100, tol=0)
    assert (result.reason, result.converged) == ("epochs", False)


@either_problem
@pytest.mark.parametrize("condition", [30, 1e3])
def test_chebyshev_reaches_the_solution(condition, compressed):
    X, y = conditioned_problem(condition)
    result = fastgd.gradient_descent(X, y, learning_rate="chebyshev", epochs=20_000, compress=compressed, tol=1e-12)
    assert result.converged
    expected = np.linalg.lstsq(np.column_stack([np.ones(200), X]), y)[0]
    assert np.linalg.norm(result.weights - expected) <= 1e-7 * np.linalg.norm(expected)


def test_a_function_of_the_user_is_a_schedule():
    X, y = PROBLEMS["tutorial"]()
    seen = []

    def schedule(epochs, smoothness, convexity):
        seen.append((epochs, smoothness, convexity))
        return 1 / smoothness

    result = fastgd.gradient_descent(X, y, learning_rate=schedule, epochs=30, tol=0)
    eigenvalues = np.linalg.eigvalsh(hessian(X, True))
    np.testing.assert_allclose(seen, [(30, eigenvalues[-1], eigenvalues[0])], rtol=1e-10)
    np.testing.assert_array_equal(result.rates, np.full(30, 1 / seen[0][1]))


# ---- the reciprocals of all eigenvalues

SPECTRA = {
    "one": np.array([3.0]),
    "equal": np.full(4, 2.0),
    "even": np.linspace(2.0, 1e-4, 30),
    "geometric": np.geomspace(5.0, 5e-8, 20),
    "crowded": np.concatenate([np.full(5, 7.0), [6.999999, 1.0, 1e-3, 1e-3, 1e-7]]),
}
spectra = pytest.mark.parametrize("name", SPECTRA)


def cycle_of(spectrum):
    """Return the order of one cycle of reciprocals, as indices of eigenvalues in descending order."""
    return order_eigenvalues(np.sort(spectrum)[::-1], 10_000)


@spectra
def test_a_cycle_of_reciprocals_solves_any_spectrum(name):
    spectrum = SPECTRA[name]
    length = len(cycle_of(spectrum))
    errors, costs = descend(spectrum, rates.eigenvalues(length, spectrum))
    assert abs(errors).max() <= max(1e-12, 1e-12 * np.sqrt(max(spectrum) / min(spectrum)))
    # No error grows above the first: a cost is at most that of errors of 1 everywhere.
    assert costs.max() <= 0.5 * spectrum.sum() * (1 + 1e-9)


@spectra
def test_cycles_of_reciprocals_are_short_and_repeat(name):
    spectrum = SPECTRA[name]
    steps = rates.eigenvalues(400, spectrum)
    assert {*steps} == {*(1 / spectrum)}
    cycle = len(cycle_of(spectrum))
    np.testing.assert_array_equal(steps[cycle : 2 * cycle], steps[: min(cycle, 400 - cycle)])
    assert cycle <= 8 * len(spectrum)


def test_a_cycle_of_a_narrow_spectrum_has_one_epoch_for_each_eigenvalue():
    spectrum = np.array([1.0, 0.7, 0.4, 0.2])
    assert sorted(cycle_of(spectrum)) == [0, 1, 2, 3]


def test_reciprocals_become_chebyshev_rates_for_few_epochs_or_many_eigenvalues():
    spectrum = SPECTRA["geometric"]
    np.testing.assert_array_equal(rates.eigenvalues(30, spectrum), rates.chebyshev(30, 5.0, spectrum[-1]))
    many = np.geomspace(1.0, 0.5, 600)
    np.testing.assert_array_equal(rates.eigenvalues(2000, many), rates.chebyshev(2000, 1.0, 0.5))


@pytest.mark.parametrize(
    ("spectrum", "message"),
    [
        ([], "spectrum must have shape"),
        ([[1.0]], "spectrum must have shape"),
        ([1.0, 0.0], "eigenvalues above 0; got 0"),
        ([1.0, np.nan], "spectrum must be finite"),
    ],
)
def test_eigenvalues_refuses_arrays_that_are_no_spectrum(spectrum, message):
    with pytest.raises(ValueError, match=message):
        rates.eigenvalues(5, spectrum)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("precondition", ["standardize", "none"])
@either_problem
@pytest.mark.parametrize("name", PROBLEMS)
def test_reciprocals_reach_the_least_cost_of_all_problems(name, compressed, precondition, fit_intercept):
    X, y = PROBLEMS[name]()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fastgd.ConvergenceWarning)
        result = fastgd.gradient_descent(
            X,
            y,
            learning_rate="eigenvalues",
            compress=compressed,
            precondition=precondition,
            fit_intercept=fit_intercept,
        )
    rows = np.column_stack([np.ones(len(y)), X]) if fit_intercept else np.asarray(X, dtype=np.float64)
    values = np.linalg.svd(rows, compute_uv=False)
    best = np.linalg.lstsq(rows, y, rcond=None)[0]
    columns = np.linalg.norm(rows, axis=0)
    least = min([*values[values > 1e-13 * values[0]], *columns[columns > 0]], default=1)
    assert result.converged or values[0] / least > 1e7  # rounding leaves too few digits for the tolerance
    least, start = fastgd.cost(X, y, best), fastgd.cost(X, y, np.zeros(X.shape[1]))
    assert not result.converged or fastgd.cost(X, y, result.weights) <= least * (1 + 1e-6) + 1e-14 * start


def test_reciprocals_solve_in_few_epochs_where_chebyshev_needs_thousands():
    generator = np.random.default_rng(0)
    left, right = (np.linalg.qr(generator.standard_normal((size, 8)))[0] for size in (300, 8))
    X = left * np.geomspace(1, 1e-4, 8) @ right.T
    y = X @ np.ones(8) + 1e-3 * generator.standard_normal(300)
    exact = np.linalg.lstsq(X, y, rcond=None)[0]
    for compress in (True, False):
        result = fastgd.gradient_descent(X, y, learning_rate="eigenvalues", fit_intercept=False, compress=compress)
        assert result.converged
        assert result.epochs < 60
        np.testing.assert_allclose(result.weights, exact, rtol=1e-6)


@pytest.mark.parametrize("rate", ["eigenvalues", "chebyshev", "silver", rates.eigenvalues, partial(rates.silver)])
def test_long_steps_need_all_rows(rate):
    X, y = random_problem(30, 3)
    with pytest.raises(ValueError, match=r"learning_rate must have no long steps, .* with batch_size=10"):
        fastgd.gradient_descent(X, y, learning_rate=rate, batch_size=10)


@pytest.mark.parametrize("name", ["eigenvalues", "chebyshev", "silver"])
@pytest.mark.parametrize("epochs", [2, 3, 7])
def test_long_steps_need_all_rows_for_few_epochs_too(name, epochs):
    X, y = random_problem(30, 3)
    with pytest.raises(ValueError, match=r"learning_rate must have no long steps, .* with batch_size=10"):
        fastgd.gradient_descent(X, y, learning_rate=name, epochs=epochs, batch_size=10)


def test_mini_batches_may_start_at_small_rates():
    X, y = random_problem(30, 3)
    stable = fastgd.gradient_descent(X, y, learning_rate="constant", epochs=1, tol=0).rates[0]
    warm = np.minimum(np.arange(1, 21) / 10, 1) * stable
    assert fastgd.gradient_descent(X, y, learning_rate=warm, batch_size=10, tol=0).epochs == 20


def test_a_constant_rate_of_many_columns_needs_no_products_with_X(monkeypatch):
    X, y = random_problem(400, 301)
    monkeypatch.setattr(Curvature, "extremes", property(lambda _: pytest.fail("the extremes were computed")))
    trace = float((X * X).sum() / len(X)) + 1
    fastgd.gradient_descent(X, y, learning_rate=1 / trace, epochs=3, tol=0, compress=False)


def test_eigenvalues_of_columns_of_zeros_leave_the_weights_unchanged():
    result = fastgd.gradient_descent(np.zeros((5, 2)), np.ones(5), learning_rate="eigenvalues", fit_intercept=False)
    np.testing.assert_array_equal(result.weights, [0.0, 0.0])


# ---- the epochs after which a run may be judged


def ways_to_pass(name, X):
    """Return the rates of a schedule as a name, a function, a lambda and an array."""
    function = getattr(rates, name)
    eigenvalues = Curvature(X, True).eigenvalues
    if name == "eigenvalues":
        values = function(1000, eigenvalues)
        return {"name": name, "function": function, "lambda": lambda *_: values, "array": values}
    values = function(1000, eigenvalues[0], eigenvalues[-1])
    return {"name": name, "function": function, "lambda": lambda *given: 1 * function(*given), "array": values}


@pytest.mark.parametrize("tol", [1e-8, 1e-12, 0])
@pytest.mark.parametrize("condition", [3, 60, 1e4])
@pytest.mark.parametrize("name", ["constant", "inverse_scaling", "silver", "chebyshev", "eigenvalues"])
def test_the_same_rates_get_the_same_verdict_however_they_are_passed(name, condition, tol):
    X, y = conditioned_problem(condition)
    verdicts = {}
    for way, learning_rate in ways_to_pass(name, X).items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", fastgd.ConvergenceWarning)
            result = fastgd.gradient_descent(X, y, learning_rate=learning_rate, epochs=1000, tol=tol, compress=False)
        verdicts[way] = (result.reason, result.epochs, result.converged, result.weights.tobytes())
    assert len(set(map(str, verdicts.values()))) == 1, verdicts


@pytest.mark.parametrize("learning_rate", ["auto", "inverse_scaling", "silver", "chebyshev", "eigenvalues", 0.3])
@pytest.mark.parametrize("name", ["tutorial", "collinear columns", "exact fit"])
def test_the_rates_of_a_result_repeat_its_run(name, learning_rate):
    X, y = PROBLEMS[name]()
    first = fastgd.gradient_descent(X, y, learning_rate=learning_rate, compress=False)
    again = fastgd.gradient_descent(
        X, y, learning_rate=first.rates, precondition=first.precondition, compress=first.compressed
    )
    assert (again.epochs, again.reason, again.converged) == (first.epochs, first.reason, first.converged)
    assert again.weights.tobytes() == first.weights.tobytes()
    assert again.cost_history.tobytes() == first.cost_history.tobytes()


def test_an_array_of_rates_determines_the_number_of_epochs():
    X, y = random_problem(30, 3)
    assert fastgd.gradient_descent(X, y, learning_rate=np.full(7, 0.01), tol=0).epochs == 7
    assert fastgd.gradient_descent(X, y, learning_rate=[0.01] * 7, epochs=7, tol=0).epochs == 7
    assert fastgd.gradient_descent(X, y, learning_rate=0.01, tol=0).epochs == 1000
    with pytest.raises(ValueError, match="learning_rate must be one rate or 8 of them"):
        fastgd.gradient_descent(X, y, learning_rate=[0.01] * 7, epochs=8)


def test_rates_that_only_amplify_are_judged_at_every_check():
    """No later epoch reduces the errors again, so a rate that is too large ends the run at the first check."""
    X, y = random_problem(60, 4)
    limit = 2 / Curvature(X, True).smoothness
    for learning_rate in (3 * limit, np.linspace(3, 2, 1000) * limit, lambda *_: np.linspace(3, 2, 1000) * limit):
        with pytest.warns(fastgd.DivergenceWarning):
            result = fastgd.gradient_descent(X, y, learning_rate=learning_rate)
        assert (result.reason, result.epochs) == ("diverged", 10)


def test_the_bound_of_the_amplification_is_the_product_of_all_factors():
    eigenvalues = np.array([5.0, 1.0, 0.01])
    steps = np.array([0.1, 3.0, 0.1, 0.05, 2.0, 0.1, 0.2, 0.1])
    expected = np.log(largest_errors(steps, eigenvalues)[1:])
    np.testing.assert_allclose(bound_amplification(steps, eigenvalues), expected, rtol=1e-12)


@pytest.mark.parametrize("check_every", [1, 3, 10, 100])
def test_a_run_is_judged_when_no_error_is_larger_than_before(check_every):
    generator = np.random.default_rng(check_every)
    X, _ = random_problem(60, 4)
    found = Curvature(X, True)
    for _ in range(20):
        steps = generator.uniform(0.1, 4.0, 300) ** generator.integers(1, 4) / found.smoothness
        ends = add_ends(steps, None, found, np.inf, check_every).ends
        assert ends == sorted(set(ends))
        assert ends[-1] == 300
        errors = largest_errors(steps, found.eigenvalues)
        lowest = np.minimum.accumulate(errors)
        last = max((epoch for epoch in range(1, 301) if errors[epoch] <= lowest[epoch - 1] * (1 + 1e-6)), default=0)
        for epoch in ends:
            assert errors[epoch] <= lowest[epoch - 1] * (1 + 1e-6) or epoch > last


# ---- epochs that cut a cycle short


def longley_columns():
    """Return the columns of Longley's problem with the column of ones, and the target."""
    certified = strd.PROBLEMS["Longley"]
    return np.column_stack([np.ones(len(certified.X)), certified.X]), certified.y


@pytest.mark.parametrize("extra", [0, 1, 5, 12, 100])
def test_the_rest_of_a_cycle_does_no_harm(extra):
    X, y = longley_columns()
    exact = strd.PROBLEMS["Longley"].weights
    settings = {"learning_rate": "eigenvalues", "fit_intercept": False, "precondition": "standardize", "tol": 0}
    whole = fastgd.gradient_descent(X, y, epochs=340, **settings)
    error = abs(whole.weights / exact - 1).max()
    assert error < 1e-7
    longer = fastgd.gradient_descent(X, y, epochs=340 + extra, **settings)
    assert abs(longer.weights / exact - 1).max() <= 10 * error


@pytest.mark.parametrize("epochs", [*range(1, 70), 512, 600, 1000, 1500])
@pytest.mark.parametrize("name", ["silver", "chebyshev", "eigenvalues"])
def test_no_number_of_epochs_amplifies_an_error(name, epochs):
    spectrum = np.geomspace(1.0, 1e-4, 12)
    steps = rates.eigenvalues(epochs, spectrum) if name == "eigenvalues" else getattr(rates, name)(epochs, 1.0, 1e-4)
    errors, _ = descend(spectrum, steps)
    assert abs(errors).max() <= 1 + 1e-6


# ---- what rates need not know


def forbid_eigenvalues(monkeypatch):
    for name in ("extremes", "smoothness", "eigenvalues"):
        monkeypatch.setattr(Curvature, name, property(lambda _: pytest.fail("an eigenvalue was computed")))


def test_short_rates_need_no_eigenvalue(monkeypatch):
    X, y = random_problem(60, 4)
    forbid_eigenvalues(monkeypatch)
    for rates_ in (1e-3, np.linspace(1e-4, 1e-3, 20), np.linspace(1e-3, 1e-4, 20)):
        assert fastgd.gradient_descent(X, y, learning_rate=rates_, epochs=20, tol=0, compress=False).epochs == 20


def test_mini_batches_at_rates_that_do_not_rise_need_no_eigenvalue(monkeypatch):
    X, y = random_problem(60, 4)
    forbid_eigenvalues(monkeypatch)
    for rates_ in (1e-3, np.linspace(1e-3, 1e-4, 20)):
        assert fastgd.gradient_descent(X, y, learning_rate=rates_, batch_size=10, epochs=20, tol=0).epochs == 20


def test_many_epochs_are_divided_into_blocks_one_by_one():
    rules = StoppingRules(0.0, 1.0, 1.0, 1.0, False, 0.0, lambda: None, lambda: 0.0)
    checks = Checks(rules, Rates(np.ones(10**6)), 1, None, 0)
    blocks = checks.blocks()
    assert [next(blocks) for _ in range(3)] == [(0, 1, True), (1, 2, True), (2, 3, True)]
    tracemalloc.start()
    assert sum(1 for _ in blocks) == 10**6 - 3
    assert tracemalloc.get_traced_memory()[1] < 1e6
    tracemalloc.stop()


def test_reciprocals_of_many_columns_are_recognised_in_an_array():
    """Above 256 columns the extremes are estimates, and the first rate is not exactly 1/smoothness."""
    X, y = random_problem(330, 300)
    options = {"compress": False, "epochs": 2000, "tol": 1e-6}
    named = fastgd.gradient_descent(X, y, learning_rate="eigenvalues", **options)
    again = fastgd.gradient_descent(X, y, learning_rate=named.rates, **(options | {"epochs": named.epochs}))
    assert (again.reason, again.epochs, again.converged) == (named.reason, named.epochs, named.converged)
    np.testing.assert_array_equal(again.weights, named.weights)
