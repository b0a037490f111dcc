"""What a result says of the weights that it returns, and where its warnings point."""

import re
import warnings

import numpy as np
import pytest
from problems import PROBLEMS, random_problem

import fastgd
from fastgd.streaming import fit_array, fit_batches

X, Y = random_problem(120, 4)
COUNTS = np.random.default_rng(3).uniform(0.1, 2.0, 120)
ENDINGS = {
    "gradient": {},
    "cost": {"tol": 1e-4},
    "epochs": {"epochs": 7, "tol": 0},
    "diverged": {"learning_rate": 9.0},
    "callback": {"callback": lambda epoch, *_: epoch == 10, "tol": 0},
}
ways = pytest.mark.parametrize(
    "way",
    [
        {},
        {"precondition": "standardize"},
        {"compress": True},
        {"compress": True, "precondition": "standardize"},
        {"compress": False},
        {"compress": False, "fit_intercept": False, "precondition": "none"},
        {"backend": "python", "compress": False},
        {"learning_rate": "constant", "compress": True},
        {"learning_rate": "constant", "compress": False},
        {"learning_rate": "chebyshev"},
    ],
    ids=str,
)


def interrupt(epoch, *_):
    if epoch == 20:
        raise KeyboardInterrupt


def fit(**options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fastgd.DivergenceWarning)
        return fastgd.gradient_descent(X, Y, **options)


@ways
@pytest.mark.parametrize("reason", [*ENDINGS, "interrupted"])
def test_cost_and_gradient_are_those_of_the_weights(reason, way):
    ending = {"callback": interrupt, "tol": 0} if reason == "interrupted" else ENDINGS[reason]
    result = fit(**(way | ending))
    assert result.reason == reason or {reason, result.reason} == {"cost", "gradient"}
    assert result.cost == pytest.approx(fastgd.cost(X, Y, result.weights), rel=1e-12)
    expected = fastgd.gradient(X, Y, result.weights)
    scale = np.linalg.norm(fastgd.gradient(X, Y, np.zeros(len(result.weights))))
    np.testing.assert_allclose(result.gradient, expected, rtol=1e-9, atol=1e-12 * scale)
    assert result.r_squared == pytest.approx(1 - 2 * result.cost / Y.var(), rel=1e-12)


@ways
@pytest.mark.parametrize("alpha", [0.0, 0.3])
@pytest.mark.parametrize("sample_weight", [None, COUNTS], ids=["rows", "weighted"])
def test_cost_and_gradient_weigh_the_rows_and_leave_out_the_ridge(way, alpha, sample_weight):
    result = fit(**way, alpha=alpha, sample_weight=sample_weight)
    counts = np.full(len(Y), 1 / len(Y)) if sample_weight is None else sample_weight / sample_weight.sum()
    rows = X if "fit_intercept" in way else np.column_stack([np.ones(len(X)), X])
    errors = rows @ result.weights - Y
    assert result.cost == pytest.approx(counts @ errors**2 / 2, rel=1e-10)
    np.testing.assert_allclose(result.gradient, rows.T @ (counts * errors), rtol=1e-8, atol=1e-10)
    variance = counts @ (Y - counts @ Y) ** 2
    assert result.r_squared == pytest.approx(1 - 2 * result.cost / variance, rel=1e-10)


def test_mini_batches_have_the_cost_of_all_rows():
    options = {"learning_rate": "inverse_scaling", "batch_size": 10, "epochs": 5, "tol": 0, "random_state": 0}
    result = fit(**options)
    assert result.cost == pytest.approx(fastgd.cost(X, Y, result.weights), rel=1e-12)
    np.testing.assert_allclose(result.gradient, fastgd.gradient(X, Y, result.weights), rtol=1e-10, atol=1e-12)


def test_a_constant_target_has_no_r_squared():
    for compress in (True, False):
        assert fastgd.gradient_descent(X, np.full(120, 0.1), compress=compress).r_squared is None


@pytest.mark.parametrize("settings", [{}, {"learning_rate": "constant", "compress": False}], ids=["auto", "plain"])
@pytest.mark.parametrize("name", PROBLEMS)
def test_every_problem_has_a_finite_cost_and_gradient(name, settings):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore" if settings else "error", fastgd.ConvergenceWarning)
        result = fastgd.gradient_descent(*PROBLEMS[name](), **settings)
    assert np.isfinite(result.cost)
    assert np.isfinite(result.gradient).all()
    assert result.gradient.shape == result.weights.shape


@pytest.mark.parametrize(
    ("reason", "message"),
    [
        ("gradient", "the gradient vanished after 1 epoch; "),
        ("epochs", "all 7 epochs ran; "),
        ("diverged", "the cost grew after .* epochs; "),
        ("callback", "the callback ended the run after 10 epochs; "),
    ],
)
def test_the_message_says_why_the_run_ended_and_why_it_was_compressed(reason, message):
    assert re.match(f"{message}compress=True was asked for$", fit(compress=True, **ENDINGS[reason]).message)


def test_the_message_of_a_default_fit_says_where_its_coordinates_come_from():
    expected = "the gradient vanished after 1 epoch; whitened coordinates come from the compressed problem"
    assert fit().message == expected


def test_the_message_says_that_the_condition_number_is_too_large_for_the_epochs():
    far = 1e6 + np.arange(5.0).reshape(5, 1)
    with pytest.warns(fastgd.ConditionWarning, match="not converged: all 1000 epochs ran, but the condition number"):
        result = fastgd.gradient_descent(far, [1.0, 3.0, 2.0, 5.0, 4.0], learning_rate="chebyshev")
    assert re.match("all 1000 epochs ran, but the condition number of X is 7.07e.11, too large for", result.message)
    assert not result.converged


def test_the_message_says_that_the_condition_number_is_too_large_for_the_tolerance(monkeypatch):
    """Of rows with very many columns the least cost is unknown, and the condition number decides."""
    monkeypatch.setattr("fastgd.problem.rows.MOST_SUMMARIZED", 256)
    rows, _ = random_problem(400, 260)
    options = {"learning_rate": "chebyshev", "tol": 3e-16, "compress": False}
    with pytest.warns(fastgd.ConditionWarning, match="not converged: the gradient vanished after"):
        result = fastgd.gradient_descent(rows, rows.sum(axis=1), **options)
    assert re.match(
        "the gradient vanished after .* epochs, but the condition number of X is .*, too large for tol", result.message
    )
    assert not result.converged


def test_a_column_far_from_zero_never_seems_settled(monkeypatch):
    """The least cost is unknown; the last gradient shows an eigenvalue below the estimate."""
    monkeypatch.setattr("fastgd.problem.rows.MOST_SUMMARIZED", 256)
    rows, target = random_problem(400, 260)
    rows[:, 0] += 1e7
    with pytest.warns(fastgd.ConditionWarning, match="but the condition number of X is 1e.14, too large"):
        result = fastgd.gradient_descent(rows, target, learning_rate="constant", compress=False)
    assert result.reason == "epochs"
    assert not result.converged


def test_the_message_says_that_rounding_hides_better_weights():
    generator = np.random.default_rng(0)
    far, steps = 1e6 + generator.standard_normal(300), generator.integers(-1, 2, 300)
    rows = np.column_stack([far, far + steps * np.spacing(1e6)])
    with pytest.warns(fastgd.ConvergenceWarning, match="columns of X minus a number near their mean"):
        result = fastgd.gradient_descent(rows, steps + 0.1 * generator.standard_normal(300))
    assert re.match("the gradient vanished after .*, but a column is so far from zero that rounding", result.message)
    assert not result.converged


def test_the_repr_shows_the_cost_of_the_weights():
    result = fit(epochs=3, tol=0)
    assert f"cost {fastgd.cost(X, Y, result.weights):.6g}, " in repr(result)


# ---- warnings


def warn_in_a_fit(entry):
    """Make a fit warn, by one of the entries of the package."""
    if entry == "function":
        fastgd.gradient_descent(X, Y, learning_rate=9.0)
    elif entry == "compressor":
        compressor = fastgd.Compressor()
        compressor.add(X, Y)
        fastgd.gradient_descent(compressor, learning_rate=9.0)
    elif entry == "array":
        fit_array(X, Y, learning_rate=9.0)
    elif entry == "batches":
        fit_batches([(X, Y)], learning_rate=9.0)
    else:
        pytest.importorskip("sklearn", reason="the estimator needs scikit-learn, an extra")
        model = fastgd.GradientDescentRegressor(learning_rate=9.0)
        model.fit(X, Y) if entry == "estimator" else model.partial_fit(X, Y)


@pytest.mark.parametrize("entry", ["function", "compressor", "array", "batches", "estimator", "partial_fit"])
def test_a_warning_points_at_the_line_of_the_caller(entry):
    with pytest.warns(fastgd.DivergenceWarning) as caught:
        warn_in_a_fit(entry)
    assert {warning.filename for warning in caught} == {__file__}


def test_a_warning_of_too_few_iterations_points_at_the_line_of_the_caller():
    pytest.importorskip("sklearn", reason="the estimator needs scikit-learn, an extra")
    from sklearn.exceptions import ConvergenceWarning

    with pytest.warns(ConvergenceWarning) as caught:
        fastgd.GradientDescentRegressor(max_iter=1, learning_rate=1e-3).fit(X, Y)
    assert {warning.filename for warning in caught} == {__file__}
