"""A compressor keeps its digits whatever the order and the weights of its parts, and a refused call leaves no trace."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
from oracle import solve_exactly

import fastgd
from fastgd import Compressor
from fastgd.problem import moments
from fastgd.streaming import fit_array, fit_batches

NEGLIGIBLE = 4.0**-20  # about 1e-12; the square roots of powers of 4 are exact
FAR = 1e8

both_methods = pytest.mark.parametrize("method", ["gram", "qr"])
generator = np.random.default_rng(0)
X, Y = generator.standard_normal((90, 3)), generator.standard_normal(90)


def state(compressor):
    """Return all that a compressor knows, as bytes."""
    return pickle.dumps(vars(compressor))


def exact_weights(parts):
    """Return the weights of the least cost of weighted rows, by rational arithmetic."""
    rows, target, weights = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    roots = np.sqrt(weights)
    assert (roots * roots == weights).all()
    ones = np.column_stack([np.ones(len(rows)), rows])
    exact = solve_exactly(ones * roots[:, np.newaxis], target * roots, fit_intercept=False)
    return np.array([float(value) for value in exact])


def negligible_parts(far_parts=1, near_parts=4):
    """Return parts near 1, and far parts of negligible weight. Whole numbers keep the products by roots exact."""
    chance, parts = np.random.default_rng(3), []
    for k in range(far_parts + near_parts):
        rows = chance.integers(-64, 64, (20, 2)) / 64 + 1
        target = rows @ [2.0, -1.0] + chance.integers(-64, 64, 20) / 64
        far = k < far_parts
        parts.append((rows + FAR * far, target, np.full(20, NEGLIGIBLE if far else 1.0)))
    return parts


def assert_digits(weights, expected, digits):
    assert abs(weights - expected).max() <= 10.0**-digits * abs(expected).max()


# ---- rows of negligible weight


@both_methods
@pytest.mark.parametrize("order", [[0, 1, 2, 3, 4], [1, 0, 2, 3, 4], [4, 3, 2, 1, 0]])
@pytest.mark.parametrize("how", ["add", "merge", "merge into"])
def test_parts_of_negligible_weight_cost_no_digits_in_any_order(method, order, how):
    parts = negligible_parts()
    made = Compressor(method=method)
    for k in order:
        if how == "add":
            made.add(*parts[k])
            continue
        other = Compressor(method=method)
        other.add(*parts[k])
        into, other = (made, other) if how == "merge" else (other, made)
        into.merge(other)
        made = into
    assert_digits(fastgd.gradient_descent(made).weights, exact_weights(parts), 11)


@pytest.mark.parametrize("kind", ["batches", "array", "one array", "rows one by one"])
@pytest.mark.parametrize("first", [True, False])
def test_streams_keep_the_digits_of_all_rows(monkeypatch, kind, first):
    from fastgd.streaming import array

    monkeypatch.setattr(array, "BLOCK_BYTES", 1)
    monkeypatch.setattr(array, "ROWS_PER_COLUMN", 10)
    parts = negligible_parts()[:: 1 if first else -1]
    rows, target, weights = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    if kind == "array":
        result = fit_array(rows, target, sample_weight=weights)
    elif kind == "one array":
        result = fastgd.gradient_descent(rows, target, sample_weight=weights)
    elif kind == "batches":
        result = fit_batches(parts)
    else:
        result = fit_batches(zip(rows[:, np.newaxis], target[:, np.newaxis], weights[:, np.newaxis], strict=True))
    assert_digits(result.weights, exact_weights(parts), 11)


@both_methods
def test_light_first_rows_of_one_array_do_not_decide_the_shift(monkeypatch, method):
    monkeypatch.setattr(moments, "CALL_PRODUCTS", 1)
    monkeypatch.setattr(moments, "CALL_REFLECTED", 1)
    parts = negligible_parts()
    rows, target, weights = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    sums = moments.sum_blocks(rows, target[:, np.newaxis], weights, method)
    assert abs(sums.shift[:2] - 1).max() < 1


def test_one_row_far_away_at_the_beginning_costs_no_digits_of_many_that_follow():
    chance = np.random.default_rng(5)
    rows = chance.integers(-64, 64, (300, 2)) / 64.0
    rows[0] += 1e6
    target = rows @ [2.0, -1.0] + chance.integers(-64, 64, 300) / 64
    expected = exact_weights([(rows, target, np.ones(300))])
    for order in (slice(None), slice(None, None, -1)):
        made = Compressor()
        for row, value in zip(rows[order], target[order], strict=True):
            made.add(row[np.newaxis], [value])
        assert_digits(fastgd.gradient_descent(made).weights, expected, 10)


@both_methods
def test_random_orders_of_parts_of_random_weights_agree_with_exact_numbers(method):
    chance = np.random.default_rng(7)
    for _ in range(20):
        parts = []
        for _ in range(chance.integers(2, 7)):
            rows = chance.integers(-64, 64, (8, 2)) / 64 + chance.integers(-9, 9) * 10.0 ** chance.integers(0, 4)
            target = rows @ [2.0, -1.0] + chance.integers(-64, 64, 8) / 64
            parts.append((rows, target, np.full(8, 4.0 ** chance.integers(-20, 20))))
        expected, answers = exact_weights(parts), []
        for _ in range(3):
            made = Compressor(method=method)
            for k in chance.permutation(len(parts)):
                made.add(*parts[k])
            if made.keeps_digits:  # else the data must be summed by "qr", which is tried too
                answers.append(fastgd.gradient_descent(made).weights)
        assert answers or method == "gram"
        for answer in answers:
            assert_digits(answer, expected, 9)


@both_methods
def test_adding_up_changes_neither_part(method):
    first, second = (moments.sum_blocks(X[k::2] + k, Y[k::2, np.newaxis], None, method) for k in range(2))
    copies = pickle.loads(pickle.dumps((first, second)))
    moments.add_moments(first, second, method)
    for part, copy in zip((first, second), copies, strict=True):
        np.testing.assert_array_equal(part.matrix, copy.matrix)
        np.testing.assert_array_equal(part.shift, copy.shift)


# ---- calls that are refused


def fail_at(name):
    """Return a function that raises a MemoryError."""

    def fail(*_, **__):
        raise MemoryError(name)

    return fail


def frame(**columns):
    pandas = pytest.importorskip("pandas", reason="data frames are those of pandas, a dependency of the tests")
    return pandas.DataFrame(columns)


REFUSED = {
    "text in y": lambda: (frame(a=X[:, 0], b=X[:, 1]), ["x"] * 90, None),
    "NaN in X": lambda: (frame(a=X[:, 0], b=np.where(X[:, 1] > 0, np.nan, 1.0)), Y, None),
    "infinite y": lambda: (frame(a=X[:, 0], b=X[:, 1]), np.append(Y[1:], np.inf), None),
    "other lengths": lambda: (frame(a=X[:, 0], b=X[:, 1]), Y[1:], None),
    "negative weight": lambda: (frame(a=X[:, 0], b=X[:, 1]), Y, np.append(np.ones(89), -1.0)),
    "NaN in rows of weight zero": lambda: (frame(a=X[:, 0], b=np.append(X[1:, 1], np.nan)), Y, np.zeros(90)),
    "squares out of range": lambda: (frame(a=X[:, 0] * 1e200, b=X[:, 1]), Y, None),
    "squares that vanish": lambda: (frame(a=X[:, 0] * 1e-160, b=X[:, 1]), Y, None),
}


@both_methods
@pytest.mark.parametrize("case", REFUSED)
def test_a_refused_frame_leaves_no_names(method, case):
    made = Compressor(method=method)
    before = state(made)
    with pytest.raises((ValueError, TypeError), match="must"):
        made.add(*REFUSED[case]())
    assert state(made) == before
    made.add(frame(c=X[:, 0], d=X[:, 1], e=X[:, 2]), Y)
    assert (made.features, made.n_features, made.n_samples) == (["c", "d", "e"], 3, 90)


@both_methods
@pytest.mark.parametrize("case", REFUSED)
def test_a_refused_frame_leaves_the_rows_before(method, case):
    made = Compressor(method=method)
    made.add(frame(a=X[:, 1], b=X[:, 2]), Y)
    before = state(made)
    with pytest.raises((ValueError, TypeError), match="must"):
        made.add(*REFUSED[case]())
    with pytest.raises(ValueError, match="must have the columns of the fit"):
        made.add(frame(c=X[:, 1], d=X[:, 2]), Y)
    assert state(made) == before


@pytest.mark.parametrize("place", ["sum_blocks", "add_moments"])
def test_an_error_anywhere_leaves_a_compressor_as_it_was(monkeypatch, place):
    from fastgd.problem import compressor

    made, empty, other = Compressor(), Compressor(), Compressor()
    made.add(X, Y)
    other.add(frame(a=X[:, 0], b=X[:, 1], c=X[:, 2]), Y)
    before = state(made), state(empty)
    monkeypatch.setattr(compressor, place, fail_at(place))
    with pytest.raises(MemoryError):
        made.add(frame(a=X[:, 0], b=X[:, 1], c=X[:, 2]), Y)
    if place == "sum_blocks":
        with pytest.raises(MemoryError):
            empty.add(frame(a=X[:, 0], b=X[:, 1], c=X[:, 2]), Y)
    else:
        with pytest.raises(MemoryError):
            made.merge(other)
    assert (state(made), state(empty)) == before


@both_methods
def test_sums_that_leave_the_range_together_are_refused(method):
    made, other = Compressor(method=method), Compressor(method=method)
    made.add(X / 1e3, Y / 1e3, np.full(90, 1e306))
    other.add(X / 1e3, Y / 1e3, np.full(90, 1.5e306))
    before = state(made)
    with pytest.raises(ValueError, match="range of float64"):
        made.merge(other)
    with pytest.raises(ValueError, match="range of float64"):
        made.add(X / 1e3, Y / 1e3, np.full(90, 1.5e306))
    assert state(made) == before


@both_methods
@pytest.mark.parametrize("rows", [1, 5])
def test_a_column_too_small_for_its_squares_is_refused_in_parts_too(method, rows):
    data = X[:10].copy()
    data[:, 1] = 1e-160 * (1 + np.arange(10) // rows)  # the same in all rows of a part
    made = Compressor(method=method)
    made.add(data[:rows], Y[:rows])
    before = state(made)
    with pytest.raises(ValueError, match=r"X must have columns that are constant .*; column 1 \(counted from 0\)"):
        made.add(data[rows:], Y[rows:10])
    with pytest.raises(ValueError, match="column 1"):
        made.add(data[rows : 2 * rows], Y[rows : 2 * rows])
    assert state(made) == before
    for constant in (0.0, 1e-160, 0.1, 1e-130):
        data[:, 1], made = constant, Compressor(method=method)
        for k in range(0, 10, rows):
            made.add(data[k : k + rows], Y[k : k + rows])
        assert made.n_samples == 10


@both_methods
def test_merging_and_including_other_columns_is_refused_without_a_trace(method):
    made, other = Compressor(method=method), Compressor(method=method)
    made.add(X, Y)
    other.add(frame(a=X[:, 0], b=X[:, 1]), np.column_stack([Y, Y**2]))  # as many columns together
    before = state(made)
    with pytest.raises(ValueError, match="must have the same n_features, 3; got 2"):
        made.merge(other)
    sums = moments.sum_blocks(X[:, :2], np.column_stack([Y, Y**2]), None, method)
    with pytest.raises(ValueError, match="moments must have 3 columns of X and 1 of y; got 2 and 2"):
        made.include(sums, 90)
    with pytest.raises(ValueError, match="n_samples must be"):
        made.include(moments.sum_blocks(X, Y[:, np.newaxis], None, method), -1)
    with pytest.raises(TypeError, match="moments must be"):
        made.include(None, 90)
    assert state(made) == before


def test_sums_by_another_method_are_not_included():
    qr = moments.sum_blocks(X[:3], Y[:3, np.newaxis], None, "qr")
    made = Compressor(method="gram")
    with pytest.raises(ValueError, match="moments must be sums by the method 'gram'"):
        made.include(replace(qr, matrix=qr.matrix[:2]), 3)
    assert (made.n_samples, made.n_features) == (0, None)


def test_names_come_from_the_first_part_that_has_them():
    made, other = Compressor(), Compressor()
    made.add(X, Y)
    other.add(frame(a=X[:, 0], b=X[:, 1], c=X[:, 2]), frame(price=Y))
    made.merge(other)
    assert (made.features, made.target) == (["a", "b", "c"], "price")
    made.add(X, Y)
    assert (made.features, made.target) == (["a", "b", "c"], "price")
