"""One descent for all targets: each target gets the fit and the verdict that it gets alone."""

import json
import tracemalloc
import warnings

import numpy as np
import pytest

import fastgd
from fastgd import backends, streaming
from fastgd.descent.auto import choose_compression
from fastgd.descent.options import DescentOptions
from fastgd.descent.rules import make_rules
from fastgd.descent.target_rules import TargetRules
from fastgd.files.model import ModelError
from fastgd.files.model import load as load_model
from fastgd.problem.rows import DenseSource

generator = np.random.default_rng(5)
X = generator.standard_normal((150, 6)) * [1.0, 2.0, 0.5, 1.0, 3.0, 1.0] + [0.0, 1.0, 0.0, -2.0, 0.0, 0.0]
Y = X @ generator.standard_normal((6, 5)) + generator.standard_normal((150, 5)) * [0.0, 0.1, 1.0, 10.0, 1e-3] + 3.0
COUNTS = generator.integers(0, 4, 150).astype(float)

SETTINGS = {
    "default": {},
    "no intercept": {"fit_intercept": False},
    "ridge": {"alpha": 0.3},
    "weights": {"sample_weight": COUNTS},
    "weights and ridge, rows": {"sample_weight": COUNTS, "alpha": 0.1, "compress": False},
    "rows": {"compress": False},
    "standardized": {"precondition": "standardize", "compress": True},
    "standardized ridge": {"precondition": "standardize", "compress": True, "alpha": 0.2, "fit_intercept": False},
    "constant rate": {"learning_rate": "constant", "epochs": 200, "tol": 0},
    "constant rate, compressed": {"learning_rate": "constant", "epochs": 200, "compress": True, "tol": 0},
    "ridge, compressed": {"learning_rate": "chebyshev", "alpha": 0.2, "compress": True, "epochs": 64, "tol": 0},
    "chebyshev": {"learning_rate": "chebyshev", "epochs": 64, "tol": 0},
    "silver": {"learning_rate": "silver", "epochs": 63, "tol": 0},
    "random start": {"weights": "random", "random_state": 3},
}


@pytest.mark.parametrize("name", SETTINGS)
def test_every_target_gets_the_fit_that_it_gets_alone(backend, name):
    settings = SETTINGS[name] | {"backend": backend}
    together = fastgd.gradient_descent(X, Y, **settings)
    assert together.weights.shape == together.gradient.shape
    assert together.coef.shape == (6, 5)
    assert together.cost_history.shape == (together.epochs, 5)
    assert together.converged.all() or settings.get("tol") == 0
    for k in range(5):
        start = settings.get("weights")
        if start is not None:
            settings["weights"] = np.random.default_rng(3).standard_normal((7, 5))[:, k]
        alone = fastgd.gradient_descent(X, Y[:, k].copy(), **settings)
        scale = np.abs(alone.weights).max()
        tolerance = 1e-12
        np.testing.assert_allclose(together.weights[:, k], alone.weights, rtol=0, atol=tolerance * scale)
        np.testing.assert_allclose(together.intercept[k], alone.intercept, rtol=0, atol=tolerance * scale)
        np.testing.assert_allclose(together.cost[k], alone.cost, rtol=1e-6, atol=1e-20)
        np.testing.assert_allclose(together.r_squared[k], alone.r_squared, rtol=1e-6)
        history = together.cost_history[: alone.epochs, k]
        np.testing.assert_allclose(history, alone.cost_history, rtol=1e-9, atol=1e-14 * history[0])
        assert together.epochs >= alone.epochs


@pytest.mark.parametrize("order", "CF")
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_fit_is_least_squares(dtype, order):
    A, targets = np.asarray(X, dtype=dtype, order=order), np.asarray(Y, order=order)
    result = fastgd.gradient_descent(A, targets)
    ones = np.column_stack([np.ones(150), A.astype(float)])
    expected = np.linalg.lstsq(ones, targets, rcond=None)[0]
    np.testing.assert_allclose(result.weights, expected, rtol=0, atol=1e-12 * np.abs(expected).max())
    np.testing.assert_allclose(result.predict(A), ones @ expected, atol=1e-11)
    np.testing.assert_allclose(result.cost, ((ones @ expected - targets) ** 2).mean(axis=0) / 2, atol=1e-15)
    np.testing.assert_allclose(fastgd.cost(A, targets, result.weights), result.cost, rtol=1e-8, atol=1e-15)
    np.testing.assert_allclose(fastgd.gradient(A, targets, result.weights), result.gradient, atol=1e-12)


@pytest.mark.parametrize("compress", ["auto", False])
@pytest.mark.parametrize("shape", [(1, 1), (1, 4), (2, 1), (5, 12), (12, 12), (13, 12), (40, 3)])
def test_awkward_shapes(shape, compress):
    draw = np.random.default_rng(8)
    A, targets = draw.standard_normal(shape), draw.standard_normal((shape[0], 3))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fastgd.ConvergenceWarning)
        result = fastgd.gradient_descent(A, targets, compress=compress)
        for k in range(3):
            alone = fastgd.gradient_descent(A, targets[:, k].copy(), compress=compress)
            np.testing.assert_allclose(result.weights[:, k], alone.weights, rtol=0, atol=1e-5)
            if compress == "auto":
                np.testing.assert_allclose(result.weights[:, k], alone.weights, rtol=0, atol=1e-12)
                assert result.converged[k] == alone.converged


def test_columns_that_are_constant_far_from_zero_or_dependent():
    A = np.column_stack([X, np.full(150, 7.0), X[:, 0] + X[:, 1], X[:, 2] + 1e5])
    result = fastgd.gradient_descent(A, Y)
    for k in range(5):
        alone = fastgd.gradient_descent(A, Y[:, k].copy())
        np.testing.assert_allclose(result.predict(A)[:, k], alone.predict(A), rtol=0, atol=1e-8)
        assert result.converged[k] == alone.converged
    assert (result.coef[6] == 0).all()


def test_targets_of_every_kind_side_by_side():
    targets = np.column_stack([Y[:, 2], np.full(150, 4.0), np.zeros(150), 1e100 * Y[:, 2], 1e-100 * Y[:, 2], X[:, 0]])
    result = fastgd.gradient_descent(X, targets)
    assert result.converged.all()
    assert result.reason == ["gradient"] * 6
    assert np.isnan(result.r_squared).tolist() == [False, True, True, False, False, False]
    np.testing.assert_allclose(result.weights[:, 3], 1e100 * result.weights[:, 0], rtol=1e-12)
    np.testing.assert_allclose(result.weights[:, 4], 1e-100 * result.weights[:, 0], rtol=1e-12)
    np.testing.assert_allclose(result.weights[:, 1], [4.0, 0, 0, 0, 0, 0, 0], atol=1e-13)
    assert (result.weights[:, 2] == 0).all()


@pytest.mark.parametrize(
    "settings", [{}, {"compress": False}, {"learning_rate": 0.02}, {"precondition": "standardize"}]
)
@pytest.mark.parametrize("tol", [1e-8, 1e-3, 0.5, 0.0])
def test_the_rules_of_each_target_are_those_of_one(settings, tol):
    options = DescentOptions.checked(**settings)
    together = make_rules(DenseSource(X, Y, None).prepare(options), tol)
    prepared = [DenseSource(X, Y[:, k : k + 1], None).prepare(options) for k in range(5)]
    draw, names, seen = np.random.default_rng(0), np.array([None, "gradient", "cost"]), set()
    for size in 10.0 ** np.arange(-14, 3):
        least = np.array([one.find_least_cost() for one in prepared])
        cost = least * (1 + size * draw.uniform(size=5)) + 1e-30
        before = cost * (1 + size * draw.uniform(size=5))
        gradient = size * draw.standard_normal((prepared[0].problem.X.shape[1] + prepared[0].problem.intercept, 5))
        found = names[together.settled(before, cost, gradient)]
        grown = together.grown(before, cost)
        for k in range(5):
            rules = make_rules(prepared[k], tol)
            assert rules.settled(before[k], cost[k], gradient[:, k]) == found[k]
            assert rules.grown(before[k], cost[k]) == grown[k]
            seen.add(found[k])
    assert seen == {None} if tol == 0 else {None, "gradient"} <= seen


def test_the_run_ends_when_all_have_settled_and_each_keeps_its_first_reason():
    settings = {"learning_rate": "constant", "epochs": 5000, "check_every": 1, "tol": 1e-6}
    alone = [fastgd.gradient_descent(X, Y[:, k].copy(), **settings) for k in range(5)]
    together = fastgd.gradient_descent(X, Y, **settings)
    assert together.epochs == max(result.epochs for result in alone)
    assert len({result.epochs for result in alone}) > 1
    assert together.reason == [result.reason for result in alone]


def test_one_warning_names_the_targets_that_did_not_converge():
    start = np.linalg.lstsq(np.column_stack([np.ones(150), X]), Y, rcond=None)[0]
    start[:, [1, 3]] = 0.0
    with pytest.warns(fastgd.ConvergenceWarning) as caught:
        result = fastgd.gradient_descent(X, Y, weights=start, learning_rate=1e-3, epochs=20)
    assert len(caught) == 1
    assert result.converged.tolist() == [True, False, True, False, True]
    assert result.reason == ["gradient", "epochs", "gradient", "epochs", "gradient"]
    text = str(caught[0].message)
    assert text.startswith(
        "not converged: 2 targets (1, 3) of 5: all 20 epochs ran, for 2 targets (1, 3); the gradient "
    )
    assert "for target 1; try" in text
    assert result.message.startswith(
        "all 20 epochs ran, for 2 targets (1, 3); the gradient vanished after 20 epochs, for"
    )
    assert repr(result).startswith("<DescentResult: 3 of 5 targets converged after 20 epochs, costs ")


def test_a_warning_names_the_columns_of_a_frame():
    pd = pytest.importorskip("pandas", reason="pandas is an extra of the tests")
    targets = pd.DataFrame(Y, columns=list("abcde"))
    with pytest.warns(
        fastgd.ConvergenceWarning, match=r"not converged: 5 targets \('a', 'b', 'c', 'd', 'e'\) of 5: "
    ) as caught:
        fastgd.gradient_descent(X, targets, learning_rate=1e-3, epochs=20)
    assert "for target 'a'; try" in str(caught[0].message)
    with pytest.warns(fastgd.ConvergenceWarning, match=r"5 targets \(0, 1, 2, 3, 4\) of 5: "):
        fastgd.gradient_descent(X, Y, learning_rate=1e-3, epochs=20)


def test_a_rounding_error_whose_square_overflows_gives_no_warning_of_numpy():
    ones, rounding = np.ones(2), np.array([1e200, 0.0])
    rules = TargetRules(1e-6, 1.0, ones, ones, True, 0.0, lambda: ones, lambda: 1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert rules.is_least(2 * ones, ones, rounding).tolist() == [True, False]


def test_tol_0_runs_all_epochs_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = fastgd.gradient_descent(X, Y, learning_rate=0.01, tol=0, epochs=7)
    assert result.reason == ["epochs"] * 5
    assert result.epochs == 7


@pytest.mark.parametrize("tol", [1e-8, 0])
@pytest.mark.parametrize("rate", [1.0, 1e200])
def test_a_rate_too_large_ends_the_run_with_the_best_weights(rate, tol):
    with pytest.warns(fastgd.DivergenceWarning) as caught:
        result = fastgd.gradient_descent(X, Y, learning_rate=rate, tol=tol)
    assert len(caught) == 1
    assert result.reason == ["diverged"] * 5
    assert np.isfinite(result.weights).all()
    np.testing.assert_allclose(result.cost, fastgd.cost(X, Y, np.zeros((7, 5))))


@pytest.mark.parametrize("targets", [2, 3, 4])
@pytest.mark.parametrize("options", [{}, {"batch_size": 20}, {"threads": 2}, {"check_every": 7}], ids=str)
def test_a_few_targets_of_rows_get_the_numbers_that_they_get_alone(backend, targets, options):
    settings = {"learning_rate": 0.01, "epochs": 40, "tol": 0, "compress": False, "backend": backend, "random_state": 1}
    together = fastgd.gradient_descent(X, Y[:, :targets], **settings, **options)
    same_bits = targets < 4 and backend in ("cython", "numba")
    for t in range(targets):
        alone = fastgd.gradient_descent(X, Y[:, t].copy(), **settings, **options)
        for name in ("weights", "cost_history", "gradient"):
            one, other = getattr(together, name)[..., t], getattr(alone, name)
            np.testing.assert_allclose(one, other, rtol=0 if same_bits else 1e-9, atol=0 if same_bits else 1e-9)


@pytest.mark.parametrize("targets", [2, 3])
def test_a_few_targets_end_at_the_same_update_if_one_is_no_longer_finite(backend, targets):
    y = np.ascontiguousarray(Y[:, :targets])
    y[:, targets - 1] *= 1e100  # its cost leaves the range of float64 first
    found = []
    for descend in (backends.find_descend(backend, targets, sparse=False), backends.load("python").descend):
        weights, costs, gradient = np.zeros((7, targets)), np.full((300, targets), -1.0), np.empty((7, targets))
        applied = descend(X, y, weights, np.full(300, 2.0), costs, gradient)
        assert 0 < applied < 300
        assert np.isfinite(weights).all()
        assert (costs[applied + 1 :] == -1.0).all()
        found.append((applied, weights, costs[:applied]))
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)


def test_more_targets_make_compressing_pay_earlier():
    assert not choose_compression((1000, 10), 100)[0]
    assert choose_compression((1000, 10), 100, targets=4)[0]
    assert not choose_compression((1000, 10), 1, targets=4)[0]


def test_a_target_that_diverges_ends_the_run_of_all():
    least = np.linalg.lstsq(np.column_stack([np.ones(150), X]), Y, rcond=None)[0]
    least[:, 2] = 1.0
    with pytest.warns(fastgd.DivergenceWarning):
        result = fastgd.gradient_descent(X, Y, weights=least, learning_rate=0.3)
    assert result.reason[2] == "diverged"
    np.testing.assert_array_equal(result.weights[:, 2], 1.0)


def test_mini_batches_take_all_targets_from_the_same_rows():
    settings = {"batch_size": 32, "learning_rate": "inverse_scaling", "epochs": 12, "tol": 0, "random_state": 1}
    together = fastgd.gradient_descent(X, Y, **settings)
    for k in range(5):
        alone = fastgd.gradient_descent(X, Y[:, k].copy(), **settings)
        np.testing.assert_allclose(together.weights[:, k], alone.weights, rtol=1e-10)
        np.testing.assert_allclose(together.cost_history[:, k], alone.cost_history, rtol=1e-10)


def test_the_callback_gets_the_weights_and_costs_of_all_targets(capsys):
    seen = []

    def stop(epoch, weights, cost):
        seen.append((epoch, weights.shape, cost.shape))
        return epoch == 20

    result = fastgd.gradient_descent(X, Y, learning_rate=0.01, callback=stop, verbose=1, precondition="standardize")
    assert seen == [(0, (7, 5), (5,)), (10, (7, 5), (5,)), (20, (7, 5), (5,))]
    assert result.reason == ["callback"] * 5
    assert result.epochs == 20
    costs = fastgd.cost(X, Y, np.zeros((7, 5)))
    _, low, _, high = capsys.readouterr().out.splitlines()[0].rsplit(" ", 3)
    np.testing.assert_allclose([float(low), float(high)], [costs.min(), costs.max()], rtol=1e-7)


def test_one_column_stays_one_dimensional():
    result = fastgd.gradient_descent(X, Y[:, :1])
    assert result.weights.shape == (7,)
    assert isinstance(result.converged, bool)
    np.testing.assert_array_equal(result.weights, fastgd.gradient_descent(X, Y[:, 0].copy()).weights)
    assert isinstance(fastgd.cost(X, Y[:, :1], result.weights), float)


def compress_by_parts(targets, **options):
    """Return a compressor with two parts of the rows."""
    compressor = fastgd.Compressor(**options)
    compressor.add(X[:70], targets[:70], COUNTS[:70])
    compressor.add(X[70:], targets[70:], COUNTS[70:])
    return compressor


def test_a_compressor_fits_all_targets_or_one():
    compressor = compress_by_parts(Y, alpha=0.1)
    expected = fastgd.gradient_descent(X, Y, alpha=0.1, sample_weight=COUNTS)
    result = fastgd.gradient_descent(compressor)
    assert result.weights.shape == (7, 5)
    np.testing.assert_allclose(result.weights, expected.weights, rtol=0, atol=1e-12 * np.abs(expected.weights).max())
    for k in range(5):
        one = fastgd.gradient_descent(compressor, target=k)
        np.testing.assert_allclose(one.weights, expected.weights[:, k], atol=1e-12)
    with pytest.raises(ValueError, match="target must be below 5; got 5"):
        fastgd.gradient_descent(compressor, target=5)
    with pytest.raises(ValueError, match="target must be None unless X is a Compressor; got 0"):
        fastgd.gradient_descent(X, Y, target=0)


def test_a_compressor_with_one_target_stays_one_dimensional():
    compressor = fastgd.Compressor()
    compressor.add(X, Y[:, :1])
    assert fastgd.gradient_descent(compressor).weights.shape == (7,)
    assert compressor.problem()[1].ndim == compressor.problem(0)[1].ndim == 1


def assert_same_costs(small, targets, alpha, weighted):
    """Check that a small problem has J and the gradient of the rows, with the ridge, for any weights of each target."""
    counts = COUNTS if weighted else np.ones(150)
    fit_intercept = small[0].shape[1] == 7
    rows = np.column_stack([np.ones(150), X]) if fit_intercept else X
    draw = np.random.default_rng(1)
    for size in (0.0, 1.0, 1e3):
        weights = size * draw.standard_normal((rows.shape[1], targets.shape[1]))
        penalty = np.where(np.arange(rows.shape[1])[:, np.newaxis] < fit_intercept, 0.0, alpha * weights)
        error = rows @ weights - targets
        expected = counts @ error**2 / (2 * counts.sum()) + (penalty * weights).sum(axis=0) / 2
        found = fastgd.cost(*small, weights if targets.shape[1] > 1 else weights[:, 0])
        np.testing.assert_allclose(found, expected if targets.shape[1] > 1 else expected[0], rtol=1e-12)
        slope = rows.T @ (error * counts[:, np.newaxis]) / counts.sum() + penalty
        found = fastgd.gradient(*small, weights if targets.shape[1] > 1 else weights[:, 0])
        scale = np.abs(slope).max() + np.abs(rows).max() * np.abs(targets).max()
        np.testing.assert_allclose(found, slope if targets.shape[1] > 1 else slope[:, 0], rtol=0, atol=1e-12 * scale)


@pytest.mark.parametrize("method", ["auto", "gram", "qr"])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("alpha", [0.0, 0.3])
@pytest.mark.parametrize("weighted", [True, False])
def test_a_small_problem_has_the_cost_of_each_target(method, fit_intercept, alpha, weighted):
    targets = Y[:, 1:4]  # not the target without noise, whose digits a Gram matrix loses
    options = {"fit_intercept": fit_intercept, "alpha": alpha, "method": method}
    small = fastgd.compress(X, targets, sample_weight=COUNTS if weighted else None, **options)
    assert small[0].shape[1] == 6 + fit_intercept
    assert small[1].shape == (len(small[0]), 3)
    assert len(small[0]) <= 8
    assert_same_costs(small, targets, alpha, weighted)
    if weighted:
        made = compress_by_parts(targets, **options)
        assert made.problem()[1].shape == (8, 3)
        assert_same_costs(made.problem(), targets, alpha, weighted)
        assert_same_costs(made.problem(target=2), targets[:, 2:], alpha, weighted)


def test_a_small_problem_of_one_column_is_that_of_a_vector():
    for found, expected in zip(fastgd.compress(X, Y[:, 1:2]), fastgd.compress(X, Y[:, 1]), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_a_few_rows_and_a_lost_digit_of_one_target_are_compressed():
    few = fastgd.compress(X[:4], Y[:4])
    weights = np.random.default_rng(0).standard_normal((7, 5))
    np.testing.assert_allclose(fastgd.cost(*few, weights), fastgd.cost(X[:4], Y[:4], weights), rtol=1e-12)
    with pytest.raises(ValueError, match="method must not be 'gram' for these data"):
        fastgd.compress(X, Y, method="gram")
    np.testing.assert_allclose(fastgd.cost(*fastgd.compress(X, Y), weights), fastgd.cost(X, Y, weights), rtol=1e-12)


def test_dask_compresses_all_targets():
    da = pytest.importorskip("dask.array")
    small = fastgd.compress(da.from_array(X, chunks=(40, 6)), da.from_array(Y, chunks=(40, 5)), alpha=0.3)
    assert small[1].shape == (len(small[0]), 5)
    assert_same_costs(small, Y, 0.3, weighted=False)


def test_a_compressor_keeps_the_names_of_its_targets():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(Y, columns=list("abcde"))
    made = fastgd.Compressor()
    made.add(X[:50], Y[:50])
    made.add(X[50:70], frame[50:70])
    made.add(X[70:], Y[70:])
    assert made.target == list("abcde")
    assert fastgd.gradient_descent(made).target == list("abcde")
    assert fastgd.gradient_descent(made, target=3).target == "d"
    before = made.n_samples
    for other, names in ((frame[list("abced")], "'a', 'b', 'c', 'e', 'd'"), (frame["a"], "'a'")):
        with pytest.raises(ValueError, match=rf"y must have the columns of the fit, .* 'd', 'e'\]; got \[{names}\]$"):
            made.add(X[:50], other[:50])
    assert made.n_samples == before
    other = fastgd.Compressor()
    other.add(X, frame.rename(columns={"e": "f"}))
    with pytest.raises(ValueError, match=r"other must have the same target, .*'e'.*; got .*'f'"):
        made.merge(other)
    assert made.n_samples == before
    single = fastgd.Compressor()
    single.add(X, frame["a"])
    assert fastgd.gradient_descent(single).target == single.target == "a"
    with pytest.raises(ValueError, match=r"y must have the columns of the fit, in their order, \['a'\]; got \['b'\]"):
        single.add(X, frame["b"])


def test_batches_that_change_the_names_of_their_targets_are_refused():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(Y, columns=list("abcde"))
    result = streaming.fit_batches([(X[:50], frame[:50]), (X[50:], frame[50:])])
    assert result.target == list("abcde")
    with pytest.raises(ValueError, match=r"batch 1 \(counted from 0\): y must have the columns of the fit"):
        streaming.fit_batches([(X[:50], frame[:50]), (X[50:], frame[50:][list("bacde")])])


def test_a_frame_of_dask_names_the_targets():
    pandas, dask = pytest.importorskip("pandas"), pytest.importorskip("dask.dataframe")
    names = list("abcde")
    frame = dask.from_pandas(pandas.DataFrame(np.column_stack([X, Y]), columns=[*"uvwxyz", *names]), npartitions=3)
    result = fastgd.gradient_descent(frame[list("uvwxyz")], frame[names])
    assert (result.features, result.target) == (list("uvwxyz"), names)


def test_frames_name_the_targets():
    pandas = pytest.importorskip("pandas")
    names = list("abcde")
    result = fastgd.gradient_descent(pandas.DataFrame(X), pandas.DataFrame(Y, columns=names))
    assert result.target == names
    assert fastgd.gradient_descent(X, pandas.DataFrame(Y[:, :1], columns=["a"])).target == "a"


def test_a_saved_result_is_loaded_with_the_same_numbers(tmp_path):
    targets = np.column_stack([Y[:, :2], np.ones(150)])
    for result in (fastgd.gradient_descent(X, targets), fastgd.gradient_descent(X, targets, fit_intercept=False)):
        result.save(tmp_path / "model.json", target=["a", "b", "c"])
        again = fastgd.DescentResult.load(tmp_path / "model.json")
        for name in ("weights", "coef", "intercept", "cost", "gradient", "r_squared", "cost_history", "converged"):
            np.testing.assert_array_equal(getattr(again, name), getattr(result, name))
            assert getattr(again, name).dtype == getattr(result, name).dtype
        assert (again.target, again.reason, again.epochs) == (["a", "b", "c"], result.reason, result.epochs)
        np.testing.assert_array_equal(again.predict(X), result.predict(X))
        np.testing.assert_array_equal(load_model(tmp_path / "model.json").predict(X), result.predict(X))


def test_names_of_targets_that_do_not_fit_are_refused(tmp_path):
    result = fastgd.gradient_descent(X, Y)
    for names in ("a", ["a", "b"]):
        with pytest.raises(ValueError, match="target must be a list of 5 names"):
            result.save(tmp_path / "model.json", target=names)
    with pytest.raises(ModelError, match="which differ too"):
        result.save(tmp_path / "model.json", target=["a", "b", "c", "d", "a"])
    result.save(tmp_path / "model.json")
    assert load_model(tmp_path / "model.json").target == ["y0", "y1", "y2", "y3", "y4"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema_version": 1}, "target must be a string"),
        ({"target": "y"}, "target must be a list of two or more strings"),
        ({"target": ["y"]}, "target must be a list of two or more strings"),
        ({"intercept": 1.0}, "intercept must be a list of one finite number for each target"),
        ({"coef": [1.0] * 6}, "coef must be a list of lists of one finite number for each target"),
        ({"coef": [[1.0]] * 6}, "coef must be a list of lists"),
        ({"coef": [[1.0, 2.0]] * 5}, "coef must have one number for each of 6 features"),
        ({"fit": {"converged": [True]}}, "fit.converged must be a list of 2 values of type bool"),
        ({"fit": {"cost": 1.0}}, "fit.cost must be a list of 2 values of type float"),
        ({"fit": {"gradient": [1.0] * 7}}, "fit.gradient must be a list of lists of 2 finite numbers"),
    ],
)
def test_models_with_a_wrong_part_are_refused(tmp_path, change, message):
    path = tmp_path / "model.json"
    fastgd.gradient_descent(X, Y[:, :2]).save(path)
    document = json.loads(path.read_text())
    fit = document["fit"] | change.pop("fit", {})
    path.write_text(json.dumps(document | change | {"fit": fit}))
    with pytest.raises(ModelError, match=message):
        fastgd.DescentResult.load(path)


REFUSED = {
    "NaN": ({"y": np.where(np.arange(5) == 3, np.nan, Y)}, "y must be finite; got nan at row 0, column 3"),
    "rows": ({"y": Y[1:]}, "the same number of rows; got 150 in X and 149 in y"),
    "no column": ({"y": Y[:, :0]}, "y must have shape"),
    "one target's start": ({"weights": np.zeros(7)}, r"gradient, \(7, 5\): .* a column for each target"),
    "transposed start": ({"weights": np.zeros((5, 7))}, r"the shape of the gradient, \(7, 5\)"),
    "large": ({"y": Y * [1, 1, 1e150, 1, 1]}, r"y\[:, 2\] must have a mean square between"),
    "small": ({"y": Y * [1, 1, 1, 1, 1e-150], "compress": False}, r"y\[:, 4\] must have a mean square between"),
    "target": ({"target": 1}, "target must be None unless X is a Compressor; got 1"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_arguments_that_do_not_fit_are_refused(case):
    changed, message = REFUSED[case]
    with pytest.raises(ValueError, match=message):
        fastgd.gradient_descent(**({"X": X, "y": Y} | changed))


def cut(rows, *arrays):
    return [tuple(array[start : start + rows] for array in arrays) for start in range(0, 150, rows)]


@pytest.mark.parametrize("method", ["gram", "qr"])
def test_streams_fit_all_targets(method, tmp_path):
    noisy = Y[:, 1:4].copy()  # the products of a target that the features explain would lose digits
    expected = fastgd.gradient_descent(X, noisy, sample_weight=COUNTS)
    targets = np.asfortranarray(noisy)
    np.save(tmp_path / "y.npy", targets)
    mapped = np.load(tmp_path / "y.npy", mmap_mode="r")
    for result in (
        streaming.fit_batches(cut(40, X, noisy, COUNTS), method=method),
        streaming.fit_array(X, targets, sample_weight=COUNTS, method=method),
        streaming.fit_array(X, mapped, sample_weight=COUNTS, method=method, checkpoint=tmp_path / "state"),
    ):
        np.testing.assert_allclose(result.weights, expected.weights, rtol=0, atol=1e-11)
        assert result.converged.all()
    start = expected.weights.copy()
    assert streaming.fit_batches(cut(40, X, noisy, COUNTS), weights=start).weights.shape == (7, 3)
    with pytest.raises(ValueError, match="weights must have the shape of the gradient"):
        streaming.fit_array(X, Y, weights=np.zeros(7))


def test_a_stream_of_several_targets_goes_on_after_an_error(tmp_path):
    batches = cut(40, X, Y)

    def fail_after(count):
        yield from batches[:count]
        raise RuntimeError("the source failed")

    with pytest.raises(RuntimeError):
        streaming.fit_batches(fail_after(2), checkpoint=tmp_path / "state")
    changed = [(A, B + 1.0) for A, B in batches]
    with pytest.raises(ValueError, match="got one of other values"):
        streaming.fit_batches(changed, checkpoint=tmp_path / "state")
    again = streaming.fit_batches(batches, checkpoint=tmp_path / "state")
    np.testing.assert_array_equal(again.weights, streaming.fit_batches(batches).weights)


def test_batches_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"batch 1 \(counted from 0\): y must have 5 columns, as before; got 4"):
        streaming.fit_batches([(X[:50], Y[:50]), (X[50:], Y[50:, :4])])
    bad = Y.copy()
    bad[60, 3] = np.nan
    with pytest.raises(ValueError, match=r"batch 1, row 10 .* column 3 of y: expected a finite number"):
        streaming.fit_batches([(X[:50], bad[:50]), (X[50:], bad[50:])])
    result = streaming.fit_batches([(X[:50], bad[:50]), (X[50:], bad[50:])], missing="skip")
    assert result.skipped == 1
    kept = np.delete(np.arange(150), 60)
    np.testing.assert_allclose(result.weights, fastgd.gradient_descent(X[kept], Y[kept]).weights, atol=1e-11)


def test_dask_fits_all_targets():
    da = pytest.importorskip("dask.array")
    lazy_X, lazy_Y = da.from_array(X, chunks=(40, 6)), da.from_array(Y, chunks=(40, 5))
    expected = fastgd.gradient_descent(X, Y)
    result = fastgd.gradient_descent(lazy_X, lazy_Y)
    np.testing.assert_allclose(result.weights, expected.weights, rtol=0, atol=1e-11)
    predictions = result.predict(lazy_X)
    assert predictions.shape == (150, 5)
    np.testing.assert_allclose(predictions.compute(), expected.predict(X), atol=1e-10)
    with pytest.raises(ValueError, match="compress must not be False"):
        fastgd.gradient_descent(lazy_X, lazy_Y, compress=False)


def test_the_estimator_runs_one_descent_and_keeps_its_attributes():
    sklearn = pytest.importorskip("sklearn.linear_model")
    model = fastgd.GradientDescentRegressor(warm_start=True).fit(X, Y)
    expected = sklearn.LinearRegression().fit(X, Y)
    np.testing.assert_allclose(model.coef_, expected.coef_, atol=1e-12)
    np.testing.assert_allclose(model.intercept_, expected.intercept_, atol=1e-12)
    assert model.stop_reason_ == ["gradient"] * 5
    assert [len(history) for history in model.cost_history_] == [model.n_iter_] * 5
    again = model.fit(X, Y)
    assert (np.array([history[0] for history in again.cost_history_]) <= fastgd.cost(X, Y, np.zeros((7, 5)))).all()
    partial = fastgd.GradientDescentRegressor().partial_fit(X[:70], Y[:70]).partial_fit(X[70:], Y[70:])
    np.testing.assert_allclose(partial.coef_, expected.coef_, atol=1e-11)


def test_a_plot_draws_one_target():
    pytest.importorskip("matplotlib")
    from fastgd import plots

    result = fastgd.gradient_descent(X, Y, learning_rate=0.01, tol=0, epochs=5)
    line = plots.cost_history(result, target=3).lines[0]
    np.testing.assert_array_equal(line.get_ydata(), result.cost_history[:, 3])
    with pytest.raises(ValueError, match="target must be the number of one of the 5 targets"):
        plots.cost_history(result)
    with pytest.raises(ValueError, match="target must be below 5"):
        plots.cost_history(result, target=5)


@pytest.mark.parametrize("settings", [*SETTINGS.values()][:9], ids=[*SETTINGS][:9])
@pytest.mark.parametrize("centred", [True, False])
def test_sparse_rows_fit_all_targets(backend, settings, centred):
    sparse = pytest.importorskip("scipy.sparse")
    if not backends.takes_sparse(backend):
        pytest.skip("a registered backend need not take sparse rows")
    A = np.where(np.random.default_rng(2).uniform(size=X.shape) < 0.4, X, 0.0)
    if centred:
        A[:, 0] = X[:, 0] + 5.0  # a column without a zero
    settings = settings | {"backend": backend}
    together = fastgd.gradient_descent(sparse.csr_array(A), Y, **settings)
    dense = fastgd.gradient_descent(A, Y, **settings)
    tolerance = 1e-9 if settings.get("tol") == 0 else 1e-7
    np.testing.assert_allclose(together.weights, dense.weights, rtol=0, atol=tolerance)
    np.testing.assert_allclose(together.cost, dense.cost, rtol=1e-6, atol=1e-12)
    assert together.converged.shape == (5,)


def test_memory_grows_with_the_number_of_targets_not_with_its_square():
    A, peaks = np.random.default_rng(0).standard_normal((300, 4)), []
    for k in (1000, 2000):
        targets = np.random.default_rng(1).standard_normal((300, k))
        fastgd.gradient_descent(A, targets)
        tracemalloc.start()
        fastgd.gradient_descent(A, targets)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 2.5 * peaks[0]
    assert peaks[1] < targets.nbytes


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("rows", ["usual", "few", "collinear", "sparse"])
def test_targets_of_single_precision_are_fitted_as_the_same_numbers(name, rows):
    settings, targets = SETTINGS[name], Y.astype(np.float32)
    A = np.column_stack([X, X[:, 1] + 1e-9 * X[:, 0]]) if rows == "collinear" else X
    if rows == "few":
        A, targets = X[:5], targets[:5]
        settings = {key: value[:5] if isinstance(value, np.ndarray) else value for key, value in settings.items()}
    elif rows == "sparse":
        A = pytest.importorskip("scipy.sparse").csr_array(np.where(abs(X) < 1, 0.0, X))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        single = fastgd.gradient_descent(A, targets, **settings)
        double = fastgd.gradient_descent(A, targets.astype(np.float64), **settings)
    np.testing.assert_array_equal(single.weights, double.weights)
    np.testing.assert_array_equal(single.cost, double.cost)


def test_targets_of_single_precision_are_not_copied():
    A = np.random.default_rng(0).standard_normal((4000, 3))
    targets = np.random.default_rng(1).standard_normal((4000, 200)).astype(np.float32)
    for fit in (fastgd.gradient_descent, fastgd.GradientDescentRegressor().fit):
        fit(A, targets)
        tracemalloc.start()
        fit(A, targets)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < targets.nbytes
