"""Options that show how a descent goes: the path of the weights, runs that diverge, the last line that is printed."""

import warnings

import numpy as np
import pytest
from problems import random_problem

import fastgd
from fastgd.streaming import fit_array

X, Y = random_problem(50, 2)
PLAIN = {"precondition": "none", "compress": False}
LIMIT = 2 / np.linalg.eigvalsh(np.column_stack([np.ones(50), X]).T @ np.column_stack([np.ones(50), X]) / 50).max()


def walk(rate, epochs):
    """Return the weights after each number of updates, from 0 on, by the formula of the update."""
    rows, weights, path = np.column_stack([np.ones(50), X]), np.zeros(3), [np.zeros(3)]
    for _ in range(epochs):
        weights = weights - rate * (rows.T @ (rows @ weights - Y) / 50)
        path.append(weights)
    return np.array(path)


@pytest.mark.parametrize("every", [1, 7, 10, 100])
def test_the_path_has_the_weights_of_the_start_of_every_check_and_of_the_end(every, backend):
    rate = LIMIT / 10
    result = fastgd.gradient_descent(
        X, Y, learning_rate=rate, epochs=30, tol=0, check_every=every, history=True, backend=backend, **PLAIN
    )
    epochs = [*range(0, 30, every), 30]
    np.testing.assert_allclose(result.path, walk(rate, 30)[epochs], rtol=1e-12, atol=1e-14)
    np.testing.assert_array_equal(result.path[-1], result.weights)


def test_a_run_without_history_has_no_path_and_the_same_weights():
    plain = fastgd.gradient_descent(X, Y, learning_rate=LIMIT / 4, **PLAIN)
    kept = fastgd.gradient_descent(X, Y, learning_rate=LIMIT / 4, history=True, **PLAIN)
    assert plain.path is None
    np.testing.assert_array_equal(kept.weights, plain.weights)
    assert (kept.epochs, kept.reason) == (plain.epochs, plain.reason)
    np.testing.assert_array_equal(kept.path[-1], kept.weights)


def test_whitened_runs_streams_and_several_targets_have_paths():
    result = fastgd.gradient_descent(X, Y, history=True)
    np.testing.assert_array_equal(result.path, [np.zeros(3), result.weights])
    np.testing.assert_allclose(fit_array(X, Y, history=True).path, result.path, rtol=1e-9)
    both = fastgd.gradient_descent(X, np.column_stack([Y, -Y]), history=True)
    np.testing.assert_allclose(both.path, np.stack([result.path, -result.path], axis=-1), rtol=1e-9)


def test_a_path_can_be_drawn():
    pytest.importorskip("matplotlib", reason="pictures need an extra")
    result = fastgd.gradient_descent(X, Y, learning_rate=LIMIT / 3, history=True, check_every=1, **PLAIN)
    ax = fastgd.plots.contour_path(
        X[:, :1],
        Y,
        {
            "mine": fastgd.gradient_descent(
                X[:, :1], Y, learning_rate=LIMIT / 3, history=True, check_every=1, **PLAIN
            ).path
        },
    )
    assert len(ax.lines) > 0
    assert len(result.path) == result.epochs + 1


# ---- runs that diverge


@pytest.mark.parametrize("every", [1, 10])
def test_a_run_that_diverges_may_go_on_to_its_last_epoch(backend, every):
    rate = 1.5 * LIMIT
    with pytest.warns(fastgd.DivergenceWarning, match="the result holds the last weights"):
        result = fastgd.gradient_descent(
            X, Y, learning_rate=rate, epochs=25, stop_on_divergence=False, check_every=every, history=True,
            backend=backend, **PLAIN,
        )  # fmt: skip
    expected = walk(rate, 25)
    assert (result.reason, result.epochs, result.converged) == ("diverged", 25, False)
    np.testing.assert_allclose(result.weights, expected[-1], rtol=1e-9)
    np.testing.assert_allclose(result.path, expected[[*range(0, 25, every), 25]], rtol=1e-9)
    np.testing.assert_allclose(result.cost, fastgd.cost(X, Y, result.weights), rtol=1e-9)
    assert f"cost {result.cost:.6g}" in repr(result)
    assert (np.diff(result.cost_history[5:]) > 0).all()


def test_a_run_without_rules_may_diverge_too():
    with pytest.warns(fastgd.DivergenceWarning):
        result = fastgd.gradient_descent(
            X, Y, learning_rate=1.5 * LIMIT, epochs=25, tol=0, stop_on_divergence=False, **PLAIN
        )
    np.testing.assert_allclose(result.weights, walk(1.5 * LIMIT, 25)[-1], rtol=1e-9)


def test_numbers_that_overflow_end_the_run_all_the_same(backend):
    with pytest.warns(fastgd.DivergenceWarning):
        result = fastgd.gradient_descent(
            X, Y, learning_rate=1e6, epochs=1000, stop_on_divergence=False, history=True, backend=backend, **PLAIN
        )
    assert result.reason == "diverged"
    assert result.epochs < 1000
    assert np.isfinite(result.weights).all()
    assert np.isfinite(result.cost)
    assert np.isfinite(result.path).all()


def test_a_diverged_run_that_stops_shows_the_cost_of_its_weights():
    with pytest.warns(fastgd.DivergenceWarning, match="the weights with the lowest cost at a check"):
        result = fastgd.gradient_descent(X, Y, learning_rate=1.5 * LIMIT, check_every=3, history=True, **PLAIN)
    np.testing.assert_allclose(result.cost, fastgd.cost(X, Y, result.weights), rtol=1e-12)
    assert f"cost {result.cost:.6g}" in repr(result)
    assert fastgd.cost(X, Y, result.path[-1]) > result.cost


# ---- printing and callbacks


@pytest.mark.parametrize(("epochs", "shown"), [(100, [*range(0, 101, 10)]), (95, [*range(0, 91, 10), 95]), (3, [0, 3])])
def test_the_last_weights_are_printed_and_reach_the_callback(capsys, epochs, shown):
    seen = {}
    result = fastgd.gradient_descent(
        X, Y, learning_rate=LIMIT / 20, epochs=epochs, tol=0, verbose=1,
        callback=lambda epoch, weights, cost: seen.update({epoch: (weights, cost)}), **PLAIN,
    )  # fmt: skip
    lines = capsys.readouterr().out.splitlines()
    assert [int(line.split(":")[0].removeprefix("epoch ")) for line in lines] == list(seen) == shown
    np.testing.assert_array_equal(seen[epochs][0], result.weights)
    assert seen[epochs][1] == pytest.approx(result.cost, rel=1e-12)
    assert lines[-1] == f"epoch {epochs}: cost {result.cost:.8g}"


def test_a_run_that_settles_shows_its_last_weights_once():
    seen = []
    result = fastgd.gradient_descent(
        X, Y, learning_rate=LIMIT / 3, callback=lambda epoch, *_: seen.append(epoch), **PLAIN
    )
    assert seen == [*range(0, result.epochs, 10), result.epochs]


def test_a_callback_that_ends_the_run_is_not_called_again():
    seen = []
    fastgd.gradient_descent(
        X, Y, learning_rate=LIMIT / 20, callback=lambda epoch, *_: seen.append(epoch) or epoch == 20, **PLAIN
    )
    assert seen == [0, 10, 20]


@pytest.mark.parametrize("rate", [LIMIT / 20, 1.5 * LIMIT], ids=["converges", "diverges"])
def test_a_callback_may_write_into_what_it_gets(rate):
    def spoil(epoch, *given):
        for array in given:
            array.fill(np.nan)

    options = {"learning_rate": rate, "epochs": 20, "tol": 0, "stop_on_divergence": False} | PLAIN
    targets = np.column_stack([Y, -Y])
    with warnings.catch_warnings(action="ignore"):
        spoiled = fastgd.gradient_descent(X, targets, callback=spoil, **options)
        plain = fastgd.gradient_descent(X, targets, **options)
    np.testing.assert_array_equal(spoiled.weights, plain.weights)
    np.testing.assert_array_equal(spoiled.cost, plain.cost)


@pytest.mark.parametrize("name", ["history", "stop_on_divergence"])
def test_flags_are_flags(name):
    with pytest.raises((TypeError, ValueError), match=f"{name} must be"):
        fastgd.gradient_descent(X, Y, **{name: "yes"})
