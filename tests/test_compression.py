"""Compression: at most n_features + 2 rows have the same J, hence the same descent; rows may come in parts."""

import pickle
import tracemalloc
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parity import start, summed_terms
from problems import PROBLEMS, random_problem

import fastgd
from fastgd import Compressor, backends, compress
from fastgd.problem import moments
from fastgd.problem.curvature import Curvature
from fastgd.rates.decays import constant_rate

METHODS = ["gram", "qr", "auto"]
EPOCHS = [1, 2, 5, 30, 100, 1000]  # the paths are compared after these epochs
WEIGHTS, COSTS = 1e-11, 1e-9  # relative tolerances of the paths
ROUNDING = 1e-14  # of a residual, relative to the terms of its sum

every_method = pytest.mark.parametrize("method", METHODS)
either_intercept = pytest.mark.parametrize("fit_intercept", [True, False], ids=["intercept", "no intercept"])
every_problem = pytest.mark.parametrize("name", PROBLEMS)


def repetitions(n_samples):
    """Return sample weights that are whole numbers, with zeros among them."""
    return np.resize([2.0, 0.0, 1.0, 3.0], n_samples)


def repeat(X, y, sample_weight):
    """Return each row as many times as its weight says: the definition of sample weights."""
    counts = sample_weight.astype(int)
    return np.repeat(X, counts, axis=0), np.repeat(y, counts)


def descend(X, y, weights, rates):
    """Return the weights after each of EPOCHS, and all costs."""
    weights, costs, gradient, path = weights.copy(), np.empty(len(rates)), np.empty_like(weights), []
    for first, stop in zip([0, *EPOCHS], EPOCHS, strict=False):
        assert backends.descend(X, y, weights, rates[first:stop], costs[first:stop], gradient) == stop - first
        path.append(weights.copy())
    return np.array(path), costs


@cache
def direct(name, fit_intercept, weighted):
    """Return the rows of a problem (repeated by their weights), rates, and the path of the descent on these rows."""
    X, y = PROBLEMS[name]()
    if weighted:
        X, y = repeat(X, y, repetitions(len(y)))
    rates = np.full(EPOCHS[-1], constant_rate(Curvature(X, fit_intercept).smoothness))
    return X, y, rates, *descend(X, y, start(X, fit_intercept), rates)


def share_left_open(X, y):
    """Return the least share of the variance of a column of [X y] that the columns before it do not explain.

    Columns that are constant up to their rounding are left out: they are exact zeros about their mean.
    """
    rows = np.column_stack([X, y]).astype(float)
    with np.errstate(invalid="ignore"):
        rows = rows / abs(rows).max(axis=0)
    rows = rows[:, ~(np.ptp(rows, axis=0) <= 4e-16)]  # of zeros, NaN
    rows = rows[:, np.isfinite(rows).all(axis=0)]
    if not rows.size:
        return 1.0
    rows = rows - rows.mean(axis=0)
    if len(rows) < rows.shape[1] or not np.isfinite(rows).all():
        return 0.0
    triangle = np.linalg.qr(rows, mode="r")
    return ((np.diag(triangle) / (np.linalg.norm(rows, axis=0) + 1e-300)) ** 2).min()


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@either_intercept
@every_method
@every_problem
def test_a_compressed_problem_has_the_path_of_the_data(name, method, fit_intercept, weighted):
    """Weights and costs of 1,000 epochs equal the direct ones, on the scale of the terms of their sums.

    Near the solution, or for data far from zero, a residual is a small difference of large terms. Any order of
    summation leaves the rounding error of those terms (see `parity.summed_terms`). Other costs are compared relative
    to themselves.
    """
    rows, target, rates, expected, expected_costs = direct(name, fit_intercept, weighted)
    X, y = PROBLEMS[name]()
    options = {"fit_intercept": fit_intercept, "sample_weight": repetitions(len(y)) if weighted else None}
    if method == "gram" and share_left_open(rows, target) < moments.LEAST_PIVOT:
        with pytest.raises(ValueError, match="method must not be 'gram'"):
            compress(X, y, method=method, **options)
        return
    small = compress(X, y, method=method, **options)
    first = start(X, fit_intercept)
    path, costs = descend(*small, first, rates)
    scales = summed_terms(rows, target, abs(np.vstack([first, path, expected])).max(axis=0), rates[0])
    assert (abs(path - expected) <= WEIGHTS * scales["weights"]).all()
    roots, expected_roots = np.sqrt(2 * costs), np.sqrt(2 * expected_costs)
    assert (abs(roots - expected_roots) <= COSTS / 2 * expected_roots + ROUNDING * scales["residuals"]).all()


@either_intercept
@every_problem
def test_gradient_descent_takes_the_same_path_with_and_without_compression(name, fit_intercept):
    X, y = PROBLEMS[name]()
    options = {"fit_intercept": fit_intercept, "sample_weight": repetitions(len(y)), "alpha": 0.1, "tol": 0}
    options |= {"learning_rate": "constant", "epochs": 300, "weights": start(X, fit_intercept)}
    data, small = [fastgd.gradient_descent(X, y, compress=flag, **options) for flag in (False, True)]
    assert (data.compressed, small.compressed, data.reason) == (False, True, small.reason)
    sizes = abs(np.array([data.weights, small.weights, options["weights"]])).max(axis=0)
    residuals = summed_terms(X, y, sizes, 0.0)["residuals"] + np.linalg.norm(sizes)
    assert np.linalg.norm(small.weights - data.weights) <= WEIGHTS * np.linalg.norm(data.weights)
    roots, expected_roots = np.sqrt(small.cost_history), np.sqrt(data.cost_history)
    assert (abs(roots - expected_roots) <= COSTS / 2 * expected_roots + ROUNDING * residuals).all()


def conditioned_problem(condition, offset, noise=1.0, fit_intercept=True):
    """Return columns of a condition number, `offset` standard deviations away from zero, and a target."""
    generator = np.random.default_rng(5)
    left, _ = np.linalg.qr(generator.standard_normal((300, 6)))
    right, _ = np.linalg.qr(generator.standard_normal((6, 6)))
    X = np.sqrt(300) * left * np.geomspace(1.0, 1 / condition, 6) @ right.T
    X += offset * X.std(axis=0)
    return X, X @ np.ones(6) + 3.0 * fit_intercept + noise * generator.standard_normal(300)


@either_intercept
@pytest.mark.parametrize("offset", [0, 1e2, 1e4])
@pytest.mark.parametrize("condition", [1, 1e3, 1e6])
@pytest.mark.parametrize("learning_rate", ["constant", "silver"])
def test_paths_agree_for_ill_conditioned_columns_far_from_zero(condition, offset, fit_intercept, learning_rate):
    X, y = conditioned_problem(condition, offset, fit_intercept=fit_intercept)
    options = {"learning_rate": learning_rate, "fit_intercept": fit_intercept, "tol": 0}
    for epochs in (1, 10, 100, 1000):
        data, small = [fastgd.gradient_descent(X, y, epochs=epochs, compress=flag, **options) for flag in (False, True)]
        assert np.linalg.norm(small.weights - data.weights) <= WEIGHTS * np.linalg.norm(data.weights)
    np.testing.assert_allclose(small.cost_history, data.cost_history, rtol=COSTS)


@every_method
@pytest.mark.parametrize("offset", [0, 1e2, 1e4])
@pytest.mark.parametrize("condition", [1, 1e2, 1e6])
def test_every_method_keeps_the_digits(condition, offset, method):
    X, y = conditioned_problem(condition, offset)
    if method == "gram" and condition == 1e6:
        with pytest.raises(ValueError, match="method must not be 'gram'"):
            compress(X, y, method=method)
        return
    rates = np.full(1000, constant_rate(Curvature(X, True).smoothness))
    expected, expected_costs = descend(X, y, np.zeros(7), rates)
    path, costs = descend(*compress(X, y, method=method), np.zeros(7), rates)
    assert (np.linalg.norm(path - expected, axis=1) <= WEIGHTS * np.linalg.norm(expected, axis=1)).all()
    np.testing.assert_allclose(costs, expected_costs, rtol=COSTS)


@pytest.mark.parametrize(
    ("condition", "offset", "settings"),
    [
        (1, 0, {"learning_rate": "constant"}),
        (3, 0, {"learning_rate": "constant"}),
        (3, 1e4, {"learning_rate": "constant", "precondition": "standardize"}),
        (1, 0, {}),
        (3, 1e4, {}),
        (1e3, 0, {}),
        (30, 0, {"learning_rate": "chebyshev"}),
        (1e3, 0, {"learning_rate": "chebyshev", "epochs": 1 << 15}),
        (1, 10, {"learning_rate": "chebyshev", "epochs": 1 << 15}),
        (30, 1e4, {"precondition": "standardize", "learning_rate": "chebyshev"}),
    ],
)
@pytest.mark.parametrize("compressed", [True, False])
def test_an_exact_fit_keeps_its_digits(condition, offset, settings, compressed):
    X, y = conditioned_problem(condition, offset, noise=0.0)
    costs = fastgd.gradient_descent(X, y, compress=compressed, tol=0, **({"epochs": 1000} | settings)).cost_history
    assert costs.min() <= 1e-25 * costs[0]


@either_intercept
def test_an_exact_fit_of_few_columns_keeps_its_digits(fit_intercept):
    X, y = PROBLEMS["exact fit"]()
    for learning_rate in ("constant", "auto"):
        options = {"learning_rate": learning_rate, "fit_intercept": fit_intercept, "tol": 0}
        costs = fastgd.gradient_descent(X, y, compress=True, **options).cost_history
        assert costs.min() <= 1e-25 * costs[0]


def assert_same_cost(actual, expected, fit_intercept=True, alpha=0.0, rtol=1e-12):
    """Assert that two problems have the same J for random weights; alpha is added to the J of the second."""
    X, y = expected
    for weights in np.random.default_rng(3).standard_normal((8, X.shape[1] + fit_intercept)):
        size = summed_terms(X, y, abs(weights), 0.0)["residuals"]
        cost = fastgd.cost(X, y, weights) + alpha / 2 * np.square(weights[fit_intercept:]).sum()
        assert abs(fastgd.cost(*actual, weights) - cost) <= rtol * (cost + size**2)


@either_intercept
@pytest.mark.parametrize("method", ["qr", "auto"])
@every_problem
def test_the_small_problem_has_few_rows_and_the_same_cost(name, method, fit_intercept):
    X, y = PROBLEMS[name]()
    X_small, y_small = compress(X, y, method=method, fit_intercept=fit_intercept)
    assert len(X_small) == len(y_small) <= X.shape[1] + 2
    assert X_small.shape[1] == X.shape[1] + fit_intercept
    assert X_small.dtype == y_small.dtype == np.float64
    assert X_small.flags.c_contiguous
    if fit_intercept:  # the intercept's column has one entry, which has the norm of the column of ones
        np.testing.assert_allclose(X_small[:, 0], np.eye(len(X_small), 1)[:, 0] * np.sqrt(len(X_small)))
    assert_same_cost((X_small, y_small), (X, y), fit_intercept)


@pytest.mark.parametrize("constant", [False, True])
@pytest.mark.parametrize("method", ["auto", "qr"])
@pytest.mark.parametrize("shape", [(1, 1), (3, 3), (3, 10), (30, 40), (3, 200)])
def test_the_small_problem_of_few_rows_has_no_more_rows(shape, method, constant):
    generator = np.random.default_rng(0)
    X, y = generator.standard_normal(shape), generator.standard_normal(shape[0])
    if constant:
        X[:] = 7.0
    small = compress(X, y, method=method)
    assert small[0].shape == (shape[0], shape[1] + 1)
    assert_same_cost(small, (X, y), True)


@every_method
@either_intercept
@pytest.mark.parametrize("alpha", [0.0, 0.7])
@pytest.mark.parametrize("scale", [1.0, 1e-100, 1e100])
def test_a_weight_counts_as_equal_rows(method, fit_intercept, alpha, scale):
    X, y = PROBLEMS["tutorial"]()
    weights = repetitions(len(y))
    small = compress(X, y, method=method, fit_intercept=fit_intercept, alpha=alpha, sample_weight=weights * scale)
    assert len(small[0]) <= X.shape[1] + 2
    assert_same_cost(small, repeat(X, y, weights), fit_intercept, alpha)


@pytest.mark.parametrize("method", ["qr", "auto"])
@pytest.mark.parametrize("name", ["more columns than rows", "one row", "collinear columns", "nothing but zeros"])
def test_a_ridge_is_compressed_although_columns_are_collinear(name, method):
    X, y = PROBLEMS[name]()
    small = compress(X, y, method=method, alpha=0.3)
    assert len(small[0]) <= X.shape[1] + 2
    assert_same_cost(small, (X, y), alpha=0.3)


@every_method
@pytest.mark.parametrize("order", "CF")
def test_sums_of_float32_are_in_float64(method, order):
    generator = np.random.default_rng(0)
    X = np.asarray(generator.standard_normal((3000, 3)) + 100, dtype=np.float32, order=order)
    y = generator.standard_normal(3000)
    assert_same_cost(compress(X, y, method=method), (X.astype(np.float64), y))
    for actual, expected in zip(
        compress(X, y, method=method), compress(X.astype(float), y, method=method), strict=True
    ):
        np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=1e-12)


@every_method
@pytest.mark.parametrize("order", "CF")
@pytest.mark.parametrize("last", [1, 5, 32])
def test_rows_in_many_blocks_have_the_same_cost(monkeypatch, method, order, last):
    """Few rows determine the shift, and may be far from the other rows."""
    monkeypatch.setattr(moments, "CALL_PRODUCTS", 1)
    monkeypatch.setattr(moments, "CALL_REFLECTED", 1)
    X, y = random_problem(32 * 8 + last, 5)
    for jump in (0.0, 1e6):
        moved = np.array(X, order=order)
        moved[32:] += jump
        weights = repetitions(len(y))
        if method != "gram" or jump == 0:
            small = compress(moved, y, method=method, sample_weight=weights)
            assert_same_cost(small, repeat(moved, y, weights))


@pytest.mark.parametrize(
    ("name", "method", "used"),
    [
        ("tutorial", "auto", ["gram"]),
        ("tutorial", "gram", ["gram"]),
        ("tutorial", "qr", ["qr"]),
        ("exact fit", "auto", ["gram", "qr"]),
        ("collinear columns", "auto", ["gram", "qr"]),
        ("constant column", "auto", ["gram"]),
        ("more columns than rows", "auto", ["qr"]),
    ],
)
def test_auto_falls_back_on_qr_if_a_gram_matrix_loses_digits(monkeypatch, name, method, used):
    seen, sum_blocks = [], moments.sum_blocks

    def spy(X, y, weights, method, *rest, **options):
        seen.append(method)
        return sum_blocks(X, y, weights, method, *rest, **options)

    monkeypatch.setattr(moments, "sum_blocks", spy)
    compress(*PROBLEMS[name](), method=method)
    assert seen == used


X, Y = random_problem(100, 3)


def put(array, position, value):
    """Return a copy with one value changed."""
    changed = array.copy()
    changed[position] = value
    return changed


BAD_ROWS = {
    "NaN in X": ({"X": put(X, (99, 1), np.nan)}, "X must be finite; got nan at row 99, column 1"),
    "inf in X": ({"X": put(X, (0, 2), np.inf)}, "X must be finite; got inf at row 0, column 2"),
    "opposite infinities": ({"X": put(X, [4, 5], [[np.inf], [-np.inf]])}, "X must be finite; got inf at row 4"),
    "NaN in float32": ({"X": put(X, (7, 0), np.nan).astype("f4")}, "X must be finite; got nan at row 7, column 0"),
    "NaN in Fortran order": ({"X": np.asfortranarray(put(X, (7, 0), np.nan))}, "X must be finite; got nan at row 7"),
    "NaN in y": ({"y": put(Y, 42, np.nan)}, "y must be finite; got nan at row 42"),
    "inf in y": ({"y": put(Y, 0, -np.inf)}, "y must be finite; got -inf at row 0"),
    "X too large": ({"X": X * 1e200}, "X must have a mean square .* too large"),
    "X too small": ({"X": X * 1e-160}, "X must have .* mean square .* too small"),
    "y too large": ({"y": Y * 1e200}, "y must have a mean square .* too large"),
    "y too small": ({"y": Y * 1e-160}, "y must have a mean square .* too small"),
    "other lengths": ({"y": Y[:3]}, "X and y must have the same number of rows; got 100 in X and 3 in y"),
    "negative weight": ({"sample_weight": put(np.ones(100), 7, -1)}, r"sample_weight must not be .* got -1.0 at row 7"),
    "too few weights": ({"sample_weight": np.ones(99)}, "sample_weight must have shape .* got shape .99"),
    "weights in columns": ({"sample_weight": np.ones((100, 1))}, r"sample_weight must have .* got shape \(100, 1\)"),
    "NaN as weight": ({"sample_weight": put(np.ones(100), 3, np.nan)}, "sample_weight must be .* got nan at row 3"),
    "inf as weight": ({"sample_weight": put(np.ones(100), 3, np.inf)}, "sample_weight must be .* got inf at row 3"),
    "weights too large": ({"sample_weight": np.full(100, 1e308)}, "sample_weight must "),
}  # fmt: skip
BAD_OPTIONS = {
    "weights all zero": ({"sample_weight": np.zeros(100)}, "sample_weight must be above 0 in at least one row"),
    "alpha negative": ({"alpha": -1.0}, "alpha must be finite and not negative; got -1.0"),
    "alpha NaN": ({"alpha": np.nan}, "alpha must be finite and not negative; got nan"),
}
bad_method = pytest.mark.parametrize("method", ["cholesky", None, "QR"])


def cases(table):
    return pytest.mark.parametrize(("change", "message"), table.values(), ids=table.keys())


@every_method
@cases(BAD_ROWS | BAD_OPTIONS)
def test_compress_refuses_bad_input(change, message, method):
    with pytest.raises(ValueError, match=message):
        compress(**({"X": X, "y": Y, "method": method} | change))


@pytest.mark.parametrize("compressed", [True, False])
@cases(BAD_ROWS | BAD_OPTIONS)
def test_a_descent_refuses_bad_input(change, message, compressed):
    with pytest.raises(ValueError, match=message):
        fastgd.gradient_descent(**({"X": X, "y": Y, "compress": compressed} | change))


@bad_method
def test_an_unknown_method_is_refused(method):
    for call in (lambda: compress(X, Y, method=method), lambda: Compressor(method=method)):
        with pytest.raises(ValueError, match="method must be one of 'auto', 'gram', 'qr'; got"):
            call()


@every_method
@pytest.mark.parametrize("order", "CF")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_inputs_are_not_changed(method, order, dtype):
    arrays = [np.array(X, dtype, order=order), Y.copy(), repetitions(len(Y))]
    copies = [array.copy() for array in arrays]
    for array in arrays:
        array.flags.writeable = False
    compress(arrays[0], arrays[1], sample_weight=arrays[2], alpha=0.1, method=method)
    Compressor(method=method).add(*arrays)
    for options in ({}, {"compress": False}, {"compress": True, "precondition": "standardize"}):
        fastgd.gradient_descent(*arrays[:2], sample_weight=arrays[2], alpha=0.1, **options)
    for array, copy in zip(arrays, copies, strict=True):
        np.testing.assert_array_equal(array, copy)


@every_method
@pytest.mark.parametrize("order", "CF")
@pytest.mark.parametrize("weighted", [False, True])
def test_compressing_takes_little_memory(method, order, weighted):
    generator = np.random.default_rng(0)
    large = np.asarray(generator.standard_normal((60_000, 30), dtype=np.float32), order=order)
    y, weights = generator.standard_normal(60_000), np.ones(60_000) if weighted else None
    compress(large[:9], y[:9])  # imports on first use must not count
    tracemalloc.start()
    try:
        compress(large, y, sample_weight=weights, method=method)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8e6


fills = pytest.mark.parametrize("fill", [1e8, 1e20])


def filled(fill):
    """Return rows and weights, with meaningless numbers in the rows of weight zero."""
    weights = repetitions(len(Y))
    return np.where(weights[:, np.newaxis] == 0, fill, X), np.where(weights == 0, -fill, Y), weights


@fills
@pytest.mark.parametrize("method", ["qr", "auto"])
def test_the_values_of_rows_of_weight_zero_do_not_matter(fill, method):
    rows, target, weights = filled(fill)
    assert_same_cost(compress(rows, target, sample_weight=weights, method=method), repeat(X, Y, weights))


@fills
@pytest.mark.parametrize("compressed", [True, False])
@pytest.mark.parametrize("precondition", ["standardize", "none"])
def test_the_values_of_rows_of_weight_zero_do_not_matter_to_a_descent(fill, compressed, precondition):
    rows, target, weights = filled(fill)
    options = {"compress": compressed, "precondition": precondition, "learning_rate": 0.1, "tol": 0, "epochs": 50}
    plain = fastgd.gradient_descent(*repeat(X, Y, weights), **options).weights
    weighted = fastgd.gradient_descent(rows, target, sample_weight=weights, **options).weights
    np.testing.assert_allclose(weighted, plain, rtol=WEIGHTS)


# ---- rows that come in parts


def compressor(*parts, method="qr", **options):
    """Return a compressor with these parts added."""
    made = Compressor(method=method, **options)
    for part in parts:
        made.add(*part)
    return made


def split(*cuts):
    """Return parts of the weighted rows, cut before the given rows."""
    return list(zip(*(np.split(array, cuts) for array in (X, Y, repetitions(len(Y)))), strict=True))


WHOLE = repeat(X, Y, repetitions(len(Y)))


@every_method
@either_intercept
@pytest.mark.parametrize("alpha", [0.0, 0.7])
def test_parts_have_the_cost_of_all_rows_at_once(method, fit_intercept, alpha):
    options = {"method": method, "fit_intercept": fit_intercept, "alpha": alpha}
    made = compressor(*split(1, 2, 40, 97), **options)
    assert made.n_samples == 100
    small = made.problem()
    assert len(small[0]) <= X.shape[1] + 2
    assert_same_cost(small, WHOLE, fit_intercept, alpha)
    assert_same_cost(small, compressor((X, Y, repetitions(100)), **options).problem(), fit_intercept=False)
    for again, before in zip(made.problem(), small, strict=True):
        np.testing.assert_array_equal(again, before)


@either_intercept
@every_problem
def test_parts_of_awkward_problems_have_the_cost_of_all_rows(name, fit_intercept):
    data = PROBLEMS[name]()
    half = len(data[1]) // 2
    made = Compressor(fit_intercept=fit_intercept)
    for part in (slice(half, None), slice(0, half)):
        if len(data[1][part]):
            made.add(data[0][part], data[1][part])
    assert_same_cost(made.problem(), data, fit_intercept)


orders = st.lists(st.tuples(st.integers(0, 99), st.booleans()), min_size=12, max_size=12)


@pytest.mark.parametrize("method", ["gram", "qr"])
def test_merging_is_a_commutative_monoid_up_to_rounding(method):
    """Parts of any sizes, merged in the shape of any tree, either one into the other, give the same J."""

    @settings(deadline=None, max_examples=60)
    @given(cuts=st.lists(st.integers(1, 99), unique=True, max_size=12), order=orders)
    def check(cuts, order):
        parts = [compressor(part, method=method) for part in split(*sorted(cuts))]
        for draw, swap in order:
            if len(parts) > 1:
                place = draw % (len(parts) - 1)
                into, other = parts[place : place + 2][:: -1 if swap else 1]
                into.merge(other)
                parts[place : place + 2] = [into]
        made = parts[0]
        for other in parts[1:]:
            made.merge(other)
        assert made.n_samples == 100
        assert_same_cost(made.problem(), WHOLE)

    check()


@pytest.mark.parametrize("method", ["gram", "qr"])
@pytest.mark.parametrize("swap", [False, True])
def test_an_empty_compressor_is_neutral(method, swap):
    full, empty = compressor(*split(30), method=method), Compressor(method=method)
    expected = full.problem()
    into, other = (empty, full) if swap else (full, empty)
    into.merge(other)
    assert into.n_samples == 100
    for actual, before in zip(into.problem(), expected, strict=True):
        np.testing.assert_array_equal(actual, before)


@pytest.mark.parametrize("method", ["gram", "qr"])
def test_compressors_stay_independent_after_merging(method):
    first, second = (compressor(part, method=method) for part in split(30))
    empty, before = Compressor(method=method), second.problem()
    empty.merge(second)
    first.merge(second)
    empty.add(X, Y)
    first.add(X, Y)
    assert second.n_samples == 70
    for actual, expected in zip(second.problem(), before, strict=True):
        np.testing.assert_array_equal(actual, expected)
    second.add(*split(30)[0])
    assert_same_cost(second.problem(), WHOLE)


@pytest.mark.parametrize("method", ["gram", "qr"])
def test_merging_a_compressor_with_itself_counts_its_rows_twice(method):
    made = compressor((X, Y), method=method)
    made.merge(made)
    assert made.n_samples == 200
    assert_same_cost(made.problem(), (X, Y))


@every_method
def test_a_pickled_compressor_keeps_its_rows(method):
    first, second = split(30)
    made = pickle.loads(pickle.dumps(compressor(first, method=method, alpha=0.2)))
    made.add(*second)
    made.merge(pickle.loads(pickle.dumps(Compressor(method=method, alpha=0.2))))
    assert made.n_samples == 100
    assert_same_cost(made.problem(), WHOLE, alpha=0.2)


@pytest.mark.parametrize("method", ["gram", "qr"])
@pytest.mark.parametrize("fill", [0.0, 1.0, 1e8])
def test_a_first_part_of_weight_zero_does_not_count(method, fill):
    made = Compressor(method=method)
    made.add(np.full((5, 3), fill), np.full(5, fill), np.zeros(5))
    assert made.n_samples == 5
    with pytest.raises(ValueError, match="rows of positive weight"):
        made.problem()
    made.add(X, Y)
    assert made.n_samples == 105
    assert_same_cost(made.problem(), (X, Y))


def test_a_first_part_far_from_the_others_costs_them_no_digits():
    """The sums move to the means of all rows, so a first part of little weight does not stay the shift."""
    made = Compressor()
    made.add(X[:1] + 1e3, Y[:1], [1e-9])
    made.add(X[1:], Y[1:])
    weights = np.append(1e-9, np.ones(99))
    rows = np.vstack([X[:1] + 1e3, X[1:]])
    scaled = np.sqrt(weights * 100 / weights.sum())
    A, b = np.column_stack([np.ones(100), rows]) * scaled[:, np.newaxis], Y * scaled
    assert_same_cost(made.problem(), (A, b), fit_intercept=False)


@every_method
def test_rows_that_are_refused_leave_no_trace(method):
    made, untouched = compressor((X, Y), method=method), compressor((X, Y), method=method)
    bad = [change for name, (change, _) in BAD_ROWS.items() if "too small" not in name]
    for change in [*bad, {"X": X[:, :2]}, {"X": X[:0], "y": Y[:0]}]:
        with pytest.raises(ValueError, match="must"):
            made.add(**({"X": X, "y": Y} | change))
        with pytest.raises(ValueError, match="must"):
            Compressor(method=method).add(**({"X": X[:, :2], "y": Y} | change | {"sample_weight": [1.0, -1.0]}))
    assert made.n_samples == 100
    for actual, expected in zip(made.problem(), untouched.problem(), strict=True):
        np.testing.assert_array_equal(actual, expected)


def test_a_first_part_that_is_refused_leaves_a_compressor_empty():
    made = Compressor()
    with pytest.raises(ValueError, match="X must be finite"):
        made.add(put(X, (3, 1), np.nan), Y)
    assert made.n_samples == 0
    made.add(X[:, :2], Y)  # of another number of features
    assert made.n_samples == 100


def test_a_part_with_another_number_of_columns_is_refused():
    with pytest.raises(ValueError, match="X must have 3 columns, as before; got 2"):
        compressor((X, Y)).add(X[:, :2], Y)


@pytest.mark.parametrize(
    ("other", "error", "message"),
    [
        (Compressor(fit_intercept=False, method="qr"), ValueError, "same fit_intercept, True; got False"),
        (Compressor(alpha=1.0), ValueError, "same alpha, 0.0; got 1.0"),
        (Compressor(method="gram"), ValueError, "same method, 'qr'; got 'gram'"),
        (compressor((X[:, :2], Y)), ValueError, "same n_features, 3; got 2"),
        (None, TypeError, "other must be a Compressor; got None, a NoneType"),
        ("rows", TypeError, "other must be a Compressor; got 'rows', a str"),
    ],
)
def test_compressors_that_do_not_match_are_not_merged(other, error, message):
    made = compressor((X, Y))
    before = made.problem()
    with pytest.raises(error, match=message):
        made.merge(other)
    assert made.n_samples == 100
    for actual, expected in zip(made.problem(), before, strict=True):
        np.testing.assert_array_equal(actual, expected)


@every_method
def test_a_compressor_without_rows_has_no_problem(method):
    with pytest.raises(ValueError, match="must have rows of positive weight before it has a problem; got none"):
        Compressor(method=method).problem()


def test_a_compressor_by_gram_refuses_data_that_lose_digits():
    with pytest.raises(ValueError, match="method must not be 'gram'"):
        compressor(PROBLEMS["exact fit"](), method="gram").problem()


@pytest.mark.parametrize(("argument", "value"), [("alpha", -1.0), ("alpha", np.inf), ("alpha", True)])
def test_a_compressor_refuses_bad_settings(argument, value):
    with pytest.raises((ValueError, TypeError), match=f"{argument} must be"):
        Compressor(**{argument: value})


def test_a_descent_on_a_compressor_equals_the_descent_on_its_rows():
    options = {"learning_rate": 0.1, "epochs": 200, "tol": 0}
    small = fastgd.gradient_descent(*compressor(*split(30)).problem(), fit_intercept=False, **options)
    expected = fastgd.gradient_descent(*WHOLE, compress=False, **options)
    np.testing.assert_allclose(small.weights, expected.weights, rtol=WEIGHTS)
    np.testing.assert_allclose(small.cost_history, expected.cost_history, rtol=COSTS)
