"""Ill-conditioned dense rows keep all digits without a QR: residuals measured in the data correct their minima."""

import warnings
from fractions import Fraction
from functools import partial

import numpy as np
import pytest

from fastgd import GradientDescentRegressor, backends, gradient_descent
from fastgd.problem import corrected, dense, rows
from fastgd.problem.corrected import summarize_corrected
from fastgd.problem.measured import measure_rows
from fastgd.problem.moments import sum_blocks, summarize_rows
from fastgd.problem.whitening import whiten_summary

LONG = np.finfo(np.longdouble).eps < 1e-18
needs_longdouble = pytest.mark.skipif(not LONG, reason="needs a longdouble with more digits than float64")
N = 10_000  # of 30 columns: enough rows that a QR takes longer than corrections
WEIGHTS = np.random.default_rng(9).uniform(0.1, 3, N)


def make_random(kappa, n=N, p=30, seed=0, mean=2.0):
    """Return rows of a condition number in random directions."""
    generator = np.random.default_rng(seed)
    left, right = (np.linalg.qr(generator.standard_normal((p, p)))[0] for _ in range(2))
    return generator.standard_normal((n, p)) @ (left * np.geomspace(1, 1 / kappa, p) @ right) + mean


def make_powers(degree):
    """Return the powers of numbers from 0 to 1, and other columns."""
    return np.hstack([np.vander(np.linspace(0, 1, N), degree + 1)[:, :-1], make_random(2.0, p=20)])


def make_near_copies(distance):
    """Return columns one of which is nearly the sum of two others."""
    X = np.random.default_rng(3).standard_normal((N, 30))
    X[:, 20] = X[:, 3] + X[:, 4] + distance * X[:, 20]
    return X


def make_timestamps():
    """Return seconds since 1970, in three forms, and other columns."""
    generator = np.random.default_rng(4)
    X, seconds = generator.standard_normal((N, 30)), np.sort(generator.uniform(0, 1e7, N))
    X[:, 0], X[:, 1], X[:, 2] = 1.6e9 + seconds, (seconds / 1e7) ** 2, seconds / 3600 + 1e-3 * X[:, 2]
    return X


def make_dummies(levels=(5, 8, 15)):
    """Return one-hot columns of all levels, and others: one direction of each factor is zero with an intercept."""
    generator = np.random.default_rng(5)
    parts = [np.eye(count)[generator.integers(0, count, N)] for count in levels]
    return np.hstack([*parts, generator.standard_normal((N, 5))])


def make_target(X, noise=1.0):
    """Return a target that is linear in the columns, and noise."""
    generator = np.random.default_rng(6)
    scaled = (X - X.mean(axis=0)) / X.std(axis=0)
    return 3.0 + scaled @ generator.standard_normal(X.shape[1]) + noise * generator.standard_normal(len(X))


def predict_exactly(X, y, weights=None):
    """Return the predictions of least squares with an intercept, from a QR in extended precision."""
    roots = np.sqrt(np.ones(len(y)) if weights is None else weights).astype(np.longdouble)
    columns = np.hstack([np.ones((len(y), 1)), X]).astype(np.longdouble) * roots[:, np.newaxis]
    basis = np.zeros_like(columns)
    for j in range(columns.shape[1]):
        column = columns[:, j].copy()
        for _ in range(2):
            column -= basis[:, :j] @ (basis[:, :j].T @ column)
        basis[:, j] = column / np.sqrt(column @ column)
    return (basis @ (basis.T @ (roots * y))) / roots


def find_error(result, X, y, expected):
    """Return the root mean square error of predictions, in deviations of y."""
    weights = result.weights.astype(np.longdouble)
    return float(np.sqrt(np.mean((X @ weights[1:] + weights[0] - expected) ** 2)) / y.std())


def find_rounding(result, X, y):
    """Return the rounding of the terms of a prediction, in deviations of y."""
    return np.finfo(float).eps * (np.abs(X * result.coef).max() / y.std() + 50)


def fit_by_qr(X, y, **options):
    """Return the fit whose rows are summed up by a QR."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows, "summarize_dense", lambda X, y, weights, **_: summarize_rows(X, y, weights, "qr"))
        return gradient_descent(X, y, **options)


def refuse_qr(monkeypatch):
    """Let the test fail if a fit takes a QR of the rows."""
    monkeypatch.setattr(dense, "summarize_rows", lambda *_, **__: pytest.fail("the rows went through a QR"))


def refuse_cholesky(monkeypatch):
    """Let all fits be corrected, well-conditioned ones too."""
    monkeypatch.setattr(dense, "summarize_moments", lambda *_: None)
    monkeypatch.setattr(corrected, "LEAST_PIVOT", 2.0)


def measure(X, Y, weights=None):
    """Return the Gram sums of rows, and the function that measures them."""
    moments = sum_blocks(X, Y, weights, "gram")
    return moments, partial(measure_rows, (X, Y, weights), moments)


STRUCTURED = {
    "powers to 6": make_powers(6),
    "powers to 8": make_powers(8),
    "powers to 12": make_powers(12),
    **{f"near copies at {distance}": make_near_copies(distance) for distance in (1e-2, 1e-4, 1e-6, 1e-8)},
    "timestamps": make_timestamps(),
    "far columns": make_random(1e3, mean=1e4),
}
RANDOM = {f"condition number 1e{power}": make_random(10.0**power) for power in (2, 4, 5, 6, 8)}


# ---- the fit is right


@needs_longdouble
@pytest.mark.parametrize("noise", [1.0, 1e-6, 0.0])
@pytest.mark.parametrize("name", STRUCTURED | RANDOM)
def test_a_corrected_fit_is_as_right_as_by_a_qr(monkeypatch, name, noise):
    X = (STRUCTURED | RANDOM)[name]
    y = make_target(X, noise)
    expected = predict_exactly(X, y)
    other = fit_by_qr(X, y)
    refuse_cholesky(monkeypatch)
    result = gradient_descent(X, y)
    limit = 10 * find_error(other, X, y, expected) + find_rounding(result, X, y)
    assert find_error(result, X, y, expected) <= limit
    assert result.converged == other.converged
    lost = np.finfo(float).eps * np.abs(X / X.std(axis=0)).max()  # of a target that only rounding leaves unexplained
    np.testing.assert_allclose(result.cost, other.cost, rtol=1e-9, atol=lost**2 * y.var())
    np.testing.assert_allclose(result.cost_history[0], other.cost_history[0], rtol=2e-10)


@needs_longdouble
@pytest.mark.parametrize("name", STRUCTURED | RANDOM)
def test_a_default_fit_is_right(name):
    X = (STRUCTURED | RANDOM)[name]
    y = make_target(X)
    result, expected = gradient_descent(X, y), predict_exactly(X, y)
    other = find_error(fit_by_qr(X, y), X, y, expected)
    assert result.converged
    assert find_error(result, X, y, expected) <= max(10 * other, 1e-10)  # Cholesky takes ten digits for enough


@needs_longdouble
@pytest.mark.parametrize("kappa", [1e2, 1e4, 1e5, 1e6])
@pytest.mark.parametrize("form", ["weights", "float32", "Fortran order", "far from zero"])
def test_other_forms_of_rows_are_right(monkeypatch, form, kappa):
    X, weights = make_random(kappa, mean=1e4 if form == "far from zero" else 1.0), None
    if form == "weights":
        weights = np.where(np.arange(N) % 5, WEIGHTS, 0.0)
    elif form == "float32":
        X = X.astype(np.float32)
    elif form == "Fortran order":
        X = np.asfortranarray(X)
    y = make_target(X.astype(np.float64))
    counted = np.ones(N, bool) if weights is None else weights > 0
    chosen, counts = X[counted].astype(np.float64), None if weights is None else weights[counted]
    expected = predict_exactly(chosen, y[counted], counts)
    other = find_error(fit_by_qr(X, y, sample_weight=weights), chosen, y[counted], expected)
    refuse_cholesky(monkeypatch)
    result = gradient_descent(X, y, sample_weight=weights)
    assert result.converged
    limit = 10 * other + find_rounding(result, chosen, y)
    assert find_error(result, chosen, y[counted], expected) <= limit


@pytest.mark.parametrize("degree", [3, 5])
def test_powers_of_integers_have_the_exact_fit(monkeypatch, degree):
    refuse_cholesky(monkeypatch)
    X = np.ascontiguousarray(np.vander(np.arange(40.0), degree + 1)[:, :-1])
    y = np.round(100 * np.sin(X[:, -1]))
    Y = y[:, np.newaxis]
    summaries = summarize_corrected(*measure(X, Y)), summarize_rows(X, Y, None, "qr")
    columns = [[Fraction(1), *map(Fraction, row.tolist())] for row in X]
    system = [[sum(a[i] * a[j] for a in columns) for j in range(degree + 1)] for i in range(degree + 1)]
    right = [sum(a[i] * Fraction(b) for a, b in zip(columns, y.tolist(), strict=True)) for i in range(degree + 1)]
    for i in range(degree + 1):
        for j in range(degree + 1):
            if i != j:
                factor = system[j][i] / system[i][i]
                system[j] = [a - factor * b for a, b in zip(system[j], system[i], strict=True)]
                right[j] -= factor * right[i]
    exact = [right[i] / system[i][i] for i in range(degree + 1)]
    errors = []
    for summary in summaries:
        problem, _, coordinates = whiten_summary(summary, True, 0.0)
        found = coordinates.to_data(problem.y[:-1] / np.sqrt(len(problem.y)))
        wrong = [Fraction(weight) - value for weight, value in zip(found.tolist(), exact, strict=True)]
        errors.append(max(abs(float(sum(a * b for a, b in zip(row, wrong, strict=True)))) for row in columns))
    assert errors[0] <= 10 * errors[1] + 1e-14 * y.std()


@needs_longdouble
@pytest.mark.parametrize("noise", [1.0, 0.0])
@pytest.mark.parametrize("kappa", [1e2, 1e5])
def test_several_targets_are_corrected(monkeypatch, kappa, noise):
    X = make_random(kappa)
    Y = np.column_stack([make_target(X), make_target(X, 1e-9), np.full(N, 0.1), X[:, 3] + noise * WEIGHTS, X[:, 0]])
    refuse_qr(monkeypatch)
    result = gradient_descent(X, Y)
    assert result.converged.all()
    for k, y in enumerate(Y.T):
        expected = predict_exactly(X, y)
        weights = result.weights[:, k].astype(np.longdouble)
        np.testing.assert_allclose(X @ weights[1:] + weights[0], expected, rtol=0, atol=1e-10)


# ---- the QR is not needed, or is


@pytest.mark.parametrize("noise", [1.0, 1e-9, 0.0])
@pytest.mark.parametrize("kappa", [1e5, 1e6])
def test_ill_conditioned_rows_need_no_qr(monkeypatch, kappa, noise):
    refuse_qr(monkeypatch)
    monkeypatch.setattr(dense, "summarize_ranked", lambda *_: pytest.fail("the columns are independent"))
    X = make_random(kappa)
    assert gradient_descent(X, make_target(X, noise)).converged


@pytest.mark.parametrize("noise", [1.0, 1e-9, 0.0])
def test_dependent_columns_need_no_qr(monkeypatch, noise):
    pytest.importorskip("scipy", reason="pivots need SciPy")
    for X in (make_dummies(), np.hstack([make_dummies((4,)), make_near_copies(0.0)])):
        y = X @ np.arange(1.0, 1 + X.shape[1]) + noise * make_target(X)
        expected = np.linalg.lstsq(X - X.mean(axis=0), y - y.mean())[0]
        refuse_qr(monkeypatch)
        result = gradient_descent(X, y)
        assert result.converged
        np.testing.assert_allclose(result.coef, expected, rtol=0, atol=1e-9 * np.abs(expected).max())


@pytest.mark.parametrize("options", [{"fit_intercept": False}, {"alpha": 0.1}, {"precondition": "none", "epochs": 9}])
def test_other_options_keep_their_qr(monkeypatch, options):
    monkeypatch.setattr(rows, "summarize_dense", lambda *_, **__: pytest.fail("J has another minimum"))
    X = make_random(1e5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gradient_descent(X, make_target(X), **options)


def test_without_scipy_dependent_columns_take_a_qr(monkeypatch):
    def refuse(name):
        raise ImportError(name)

    monkeypatch.setattr("fastgd.problem.rank.import_safely", refuse)
    X = make_dummies()
    y, taken = make_target(X), []
    monkeypatch.setattr(dense, "summarize_rows", lambda *arrays, **_: taken.append(1) or summarize_rows(*arrays))
    expected = np.linalg.lstsq(X - X.mean(axis=0), y - y.mean())[0]
    np.testing.assert_allclose(gradient_descent(X, y).coef, expected, rtol=0, atol=1e-9 * np.abs(expected).max())
    assert taken


def test_columns_too_close_to_dependent_need_a_qr():
    for X in (make_random(1e8), make_near_copies(1e-8), make_near_copies(0.0), make_dummies()):
        assert summarize_corrected(*measure(X, make_target(X)[:, np.newaxis])) is None


@pytest.mark.parametrize("factor", [0.1, 3.0, np.nan, np.inf])
def test_corrections_that_do_not_converge_need_a_qr(factor):
    X = make_random(1e5)
    moments, right = measure(X, make_target(X)[:, np.newaxis])

    def mismeasure(vectors, targets):
        found, gradients = right(vectors, targets)
        return found, factor * gradients + 1e-6 * factor * np.abs(moments.matrix[1:-1, -1:])

    assert summarize_corrected(moments, right) is not None
    with np.errstate(invalid="ignore"):
        assert summarize_corrected(moments, mismeasure) is None


def test_several_targets_along_lost_directions_need_a_qr():
    X = make_random(1e6)
    direction = np.linalg.svd(X - X.mean(axis=0), full_matrices=False)[0][:, -1]
    y = direction / direction.std() + WEIGHTS
    assert summarize_corrected(*measure(X, y[:, np.newaxis])) is not None
    assert summarize_corrected(*measure(X, np.column_stack([y, WEIGHTS]))) is None
    result, other = gradient_descent(X, y), fit_by_qr(X, y)
    np.testing.assert_allclose(result.cost_history[0], other.cost_history[0], rtol=1e-13)


def test_the_bound_of_the_least_singular_value_is_that_of_a_qr():
    X = make_random(1e6)
    y = make_target(X)[:, np.newaxis]
    found = whiten_summary(summarize_corrected(*measure(X, y)), True, 0.0)[2].amplification
    assert found == pytest.approx(
        whiten_summary(summarize_rows(X, y, None, "qr"), True, 0.0)[2].amplification, rel=0.01
    )


# ---- measured products


@pytest.mark.parametrize("backend", ["auto", "numpy", "python"])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("mean", [0.5, 1000.0])
@pytest.mark.parametrize(("n", "p", "k"), [(1, 1, 1), (2, 3, 1), (9, 1, 2), (403, 7, 1), (403, 7, 70), (70, 90, 3)])
def test_measured_products_are_those_of_numpy(n, p, k, mean, weighted, dtype, order, backend):
    generator = np.random.default_rng(n + p)
    X = (generator.standard_normal((n, p)) + mean).astype(dtype, order=order)
    Y, vectors = generator.standard_normal((n, k)) + mean, generator.standard_normal((p, k))
    weights = WEIGHTS[:n].copy() if weighted else None
    moments, counts = sum_blocks(X, Y, weights, "gram"), np.ones(n) if weights is None else weights
    Z, centred = X - moments.means[:p], Y - moments.means[p:]
    for targets in (None, list(range(k))[::-1]):
        residuals = Z @ vectors - (0 if targets is None else centred[:, targets])
        found, gradients = measure_rows((X, Y, weights), moments, vectors, targets, backend=backend)
        sizes = np.sqrt(counts @ (np.abs(Z) @ np.abs(vectors) + np.abs(centred)) ** 2)
        lost = 1e-12 * max(1.0, np.abs(moments.means).max() / 100 * (n > 1))
        np.testing.assert_allclose(found, np.sqrt(counts @ residuals**2), rtol=0, atol=(lost * sizes).max() + 1e-300)
        expected = Z.T @ (counts[:, np.newaxis] * residuals)
        norms = np.sqrt(counts @ Z**2)[:, np.newaxis]
        assert (np.abs(gradients - expected) <= lost * norms * sizes + 1e-9 * lost).all()


@pytest.mark.parametrize("order", ["C", "F"])
def test_calls_of_some_rows_each_add_up(monkeypatch, order):
    X, vectors = make_random(1e3, n=503).copy(order=order), np.ones((30, 2))
    Y = np.column_stack([make_target(X), X[:, 0]])
    arrays = X, Y, WEIGHTS[:503].copy()
    moments = sum_blocks(*arrays, "gram")
    whole = measure_rows(arrays, moments, vectors, [0, 1])
    monkeypatch.setattr("fastgd.problem.measured.CALL_ELEMENTS", 3000)
    for found, expected in zip(measure_rows(arrays, moments, vectors, [0, 1]), whole, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("kind", ["corrected", "exact target", "dependent", "weighted", "two targets"])
def test_any_number_of_threads_gives_the_same_bits(kind):
    X = make_dummies() if kind == "dependent" else make_random(1e5)
    y = make_target(X, 0.0 if kind == "exact target" else 1.0)
    y = np.column_stack([y, y**2]) if kind == "two targets" else y
    weights = WEIGHTS if kind == "weighted" else None
    first, *others = (gradient_descent(X, y, sample_weight=weights, threads=threads) for threads in (1, 2, 3))
    for other in others:
        np.testing.assert_array_equal(other.weights, first.weights)
        np.testing.assert_array_equal(other.cost_history, first.cost_history)


@pytest.mark.parametrize("backend", backends.available())
def test_all_backends_agree(backend):
    X = make_random(1e5, n=500)
    y = make_target(X)
    expected = gradient_descent(X, y).predict(X)
    np.testing.assert_allclose(gradient_descent(X, y, backend=backend).predict(X), expected, rtol=0, atol=1e-10)


def test_the_estimator_is_corrected_too(monkeypatch):
    pytest.importorskip("sklearn")
    X = make_random(1e6)
    y = make_target(X)
    expected = fit_by_qr(X, y).predict(X)
    refuse_qr(monkeypatch)
    np.testing.assert_allclose(GradientDescentRegressor().fit(X, y).predict(X), expected, rtol=0, atol=1e-9 * y.std())


@pytest.mark.parametrize("backend", ["auto", "numpy"])
def test_measured_parts_and_blocks_cover_all_rows(monkeypatch, backend):
    monkeypatch.setattr("fastgd.backends.numpy.MEASURED_ELEMENTS", 64)
    monkeypatch.setattr("fastgd.backends.numpy.LEAST_REDUCED", 7)
    X = np.random.default_rng(7).standard_normal((9001, 5))
    y, vectors = X[:, :2] ** 2, np.arange(10.0).reshape(5, 2)
    for rows_of_X in (X, np.asfortranarray(X), np.asfortranarray(np.vstack([X, X]))[:9001], np.hstack([X, X])[:, :5]):
        squares, gradient = backends.measure(rows_of_X, y, None, np.zeros(7), vectors, 3, backend)
        residuals = X @ vectors - y
        np.testing.assert_allclose(squares, (residuals**2).sum(axis=0), rtol=1e-13)
        np.testing.assert_allclose(gradient, X.T @ residuals, rtol=1e-11)
    squares, gradient = backends.measure(X, None, None, np.zeros(5), vectors, backend=backend)
    np.testing.assert_allclose(squares, ((X @ vectors) ** 2).sum(axis=0), rtol=1e-13)


@pytest.mark.skipif("cython" not in backends.available(), reason="the compiled extension was not built")
def test_the_compiled_measure_refuses_wrong_arrays():
    from fastgd.backends._kernel import measure_parts

    X, y, ones, parts = np.ones((10, 3)), np.ones((10, 2)), np.ones(3), np.empty((2, 4))
    right = [X, y, 0, np.ones(10), 0.0, ones, ones, 8, parts, 0, 1, 0]
    measure_parts(*right)
    wrong = [(0, X[:, :0]), (0, X[:0]), (0, np.ones((10, 6))[:, ::2]), (0, X.astype(int)), (1, y[:9]), (2, 2), (2, -1)]
    wrong += [(3, np.ones(9)), (5, np.ones(4)), (6, np.ones(2)), (7, 0), (7, 4), (8, np.empty((3, 4)))]
    wrong += [(8, np.empty((2, 5))), (9, 1), (9, -1), (11, 99)]
    for place, value in wrong:
        arguments = right.copy()
        arguments[place] = value
        with pytest.raises((ValueError, BufferError)):
            measure_parts(*arguments)
