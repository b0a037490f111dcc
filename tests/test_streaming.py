"""Fits of batches and memory maps equal the fit of all rows at once, and errors name the place."""

import mmap
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import fastgd
from fastgd.backends import blas
from fastgd.streaming import array, fit_array, fit_batches, passes

SETTINGS = {"learning_rate": "eigenvalues", "precondition": "standardize"}


def make_data(n_samples=500, n_features=3, seed=0):
    generator = np.random.default_rng(seed)
    X = generator.standard_normal((n_samples, n_features)) * [1.0, 10.0, 0.1][:n_features] + [0.0, 50.0, 2.0]
    return X, 2.0 + X @ [1.0, -0.5, 3.0] + 0.1 * generator.standard_normal(n_samples)


def cut(*arrays, rows=70):
    """Yield the arrays in batches of `rows` rows."""
    for start in range(0, len(arrays[0]), rows):
        yield tuple(values[start : start + rows] for values in arrays)


def assert_same_fit(result, expected):
    np.testing.assert_allclose(result.weights, expected.weights, rtol=1e-10)
    np.testing.assert_allclose(result.cost_history, expected.cost_history, rtol=1e-10)
    assert result.reason == expected.reason


@pytest.fixture
def small_blocks(monkeypatch):
    """Make blocks small, so that small data have many."""
    monkeypatch.setattr(array, "BLOCK_BYTES", 1)
    monkeypatch.setattr(array, "ROWS_PER_COLUMN", 16)


@pytest.mark.parametrize("method", ["auto", "gram", "qr"])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("settings", [{}, {"learning_rate": "constant", "precondition": "standardize"}], ids=str)
def test_batches_give_the_fit_of_all_rows(method, fit_intercept, settings):
    X, y = make_data()
    weights = np.random.default_rng(1).uniform(0, 3, len(y))
    options = {"fit_intercept": fit_intercept, "alpha": 0.1, "epochs": 50, "tol": 0} | settings
    result = fit_batches(cut(X, y, weights), method=method, **options)
    expected = fastgd.gradient_descent(X, y, sample_weight=weights, compress=True, **options)
    assert_same_fit(result, expected)
    assert (result.n_samples, result.skipped) == (500, 0)
    assert result.method == ("gram" if method == "gram" else "qr")


@pytest.mark.parametrize("fit", ["batches", "array"])
def test_the_fit_is_right_where_nothing_is_named(small_blocks, fit):
    X, y = make_data()
    X = np.column_stack([X, 1e9 + 3600.0 * np.arange(500)])  # times
    y = y + 1e-3 * np.arange(500)
    result = fit_batches(cut(X, y)) if fit == "batches" else fit_array(X, y)
    assert (result.converged, result.reason, result.precondition) == (True, "gradient", "whiten")
    near = X - X.mean(axis=0)
    expected = np.linalg.lstsq(near / near.std(axis=0), y - y.mean())[0]
    np.testing.assert_allclose(result.coef * near.std(axis=0), expected, rtol=1e-8)
    assert result.cost == pytest.approx(fastgd.cost(near, y - y.mean(), np.append(0.0, result.coef)), rel=1e-9)


def test_cost_and_r_squared_are_those_of_all_rows():
    X, y = make_data()
    result = fit_batches(cut(X, y), alpha=0.5, **SETTINGS)
    assert result.cost == pytest.approx(fastgd.cost(X, y, result.weights))
    assert result.r_squared == pytest.approx(1 - 2 * result.cost / y.var())
    assert fit_batches(cut(X, np.full(500, 0.1)), **SETTINGS).r_squared is None


def test_a_saved_result_loads_as_a_descent_result(tmp_path):
    result = fit_batches(cut(*make_data()), **SETTINGS)
    result.save(tmp_path / "model.json")
    again = type(result).load(tmp_path / "model.json")
    assert type(again) is fastgd.DescentResult
    np.testing.assert_array_equal(again.weights, result.weights)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int16"])
def test_a_memory_map_gives_the_fit_of_an_array(tmp_path, small_blocks, order, dtype):
    X, y = make_data()
    X = (X * 10).astype(dtype)
    stored = np.memmap(tmp_path / "X", dtype, "w+", shape=X.shape, order=order)
    stored[:] = X
    stored.flush()
    mapped = np.memmap(tmp_path / "X", dtype, "r", shape=X.shape, order=order)
    expected = fastgd.gradient_descent(X, y, compress=True, **SETTINGS)
    for values in (mapped, np.asarray(mapped), X):
        result = fit_array(values, y, **SETTINGS)
        assert_same_fit(result, expected)
        assert (result.method, result.n_samples) == ("gram", 500)
    slices = fit_array(mapped[50:], y[50:], sample_weight=np.ones(450), **SETTINGS)
    assert_same_fit(slices, fastgd.gradient_descent(X[50:], y[50:], compress=True, **SETTINGS))


def test_any_number_of_threads_gives_the_same_bits(small_blocks):
    X, y = make_data()
    fits = [fit_array(X, y, threads=threads, **SETTINGS) for threads in (1, 2, 3, 100)]
    assert len({fit.weights.tobytes() for fit in fits}) == 1


def test_a_second_pass_keeps_the_digits_that_gram_loses(small_blocks):
    X, y = make_data()
    X = np.column_stack([X, X[:, 0] + 1e-7 * X[:, 2]])
    y = y + X[:, 3]
    result = fit_array(X, y, **SETTINGS)
    assert result.method == "qr"
    assert_same_fit(result, fastgd.gradient_descent(X, y, compress=True, **SETTINGS))
    with pytest.raises(ValueError, match="method must not be 'gram' for these data"):
        fit_array(X, y, method="gram")


def test_values_written_to_a_copy_on_write_map_stay(tmp_path, small_blocks):
    X, y = make_data()
    X.tofile(tmp_path / "X")
    mapped = np.memmap(tmp_path / "X", float, "c", shape=X.shape)
    mapped[:, 0] = 7 * mapped[::-1, 0]
    changed = np.array(mapped)
    assert_same_fit(fit_array(mapped, y, **SETTINGS), fastgd.gradient_descent(changed, y, compress=True, **SETTINGS))
    np.testing.assert_array_equal(mapped, changed)
    anonymous = np.frombuffer(mmap.mmap(-1, X.nbytes, flags=mmap.MAP_PRIVATE), float).reshape(X.shape)
    anonymous[:] = changed
    fit_array(anonymous, y, **SETTINGS)
    np.testing.assert_array_equal(anonymous, changed)


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="the system does not report resident memory")
def test_pages_of_a_memory_map_are_released(tmp_path, monkeypatch):
    monkeypatch.setattr(array, "BLOCK_BYTES", 1 << 16)
    X, y = make_data(200_000)
    X.tofile(tmp_path / "X")
    mapped = np.memmap(tmp_path / "X", float, "r", shape=X.shape)
    name, sizes = str(tmp_path / "X"), []

    def measure(*_):
        block = Path("/proc/self/smaps").read_text().split(name)[1]
        sizes.append(int(block.split("Rss:")[1].split()[0]))

    mapped.sum()
    measure()
    fit_array(mapped, y, callback=measure, **SETTINGS)
    assert sizes[0] >= X.nbytes // 1024
    assert max(sizes[1:]) < sizes[0] // 4


def test_a_buffer_may_be_refilled_for_each_batch():
    X, y = make_data()
    buffers = np.empty((70, 3)), np.empty(70)

    def fill():
        for batch in cut(X, y):
            for buffer, values in zip(buffers, batch, strict=True):
                buffer[:] = np.nan
                buffer[: len(values)] = values
            yield tuple(buffer[: len(batch[0])] for buffer in buffers)

    assert_same_fit(fit_batches(fill(), **SETTINGS), fit_batches(cut(X, y), **SETTINGS))


def test_batches_may_be_empty_or_without_weight():
    X, y = make_data()
    batches = [(X[:0], y[:0]), (X[:7], y[:7], np.zeros(7)), *cut(X, y), (X[:0], y[:0], y[:0])]
    result = fit_batches(batches, **SETTINGS)
    assert result.n_samples == 507
    assert_same_fit(result, fit_batches(cut(X, y), **SETTINGS))


def test_names_of_data_frames_are_kept():
    pandas = pytest.importorskip("pandas")
    X, y = make_data()
    frame, series = pandas.DataFrame(X, columns=["a", "b", "c"]), pandas.Series(y, name="price")
    result = fit_batches(cut(frame, series), **SETTINGS)
    assert (result.features, result.target) == (["a", "b", "c"], "price")
    with pytest.raises(ValueError, match=r"batch 1 \(counted from 0\): X must have the columns of the fit"):
        fit_batches([(frame[:50], series[:50]), (frame[["b", "a", "c"]][50:], series[50:])])


@pytest.mark.parametrize("column", [0, 1, 2, 3, 4])
@pytest.mark.parametrize("fit", ["batches", "array"])
def test_missing_values_are_refused_with_their_place_or_left_out(small_blocks, fit, column):
    X, y = make_data()
    weights = np.ones(len(y))
    columns = [*X.T, y, weights]
    columns[column][[100, 305]] = np.nan
    name = (*(f"column {j} of X" for j in range(3)), "y", "sample_weight")[column]
    place = "batch 1, row 30" if fit == "batches" else "row 100"

    def run(**options):
        if fit == "array":
            return fit_array(X, y, sample_weight=weights, **options)
        return fit_batches(cut(X, y, weights), **options)

    with pytest.raises(ValueError, match=rf"^{place} \(counted from 0\), {name}: expected a finite .*; got no value"):
        run()
    result = run(missing="skip", **SETTINGS)
    assert (result.n_samples, result.skipped) == (498, 2)
    keep = np.delete(np.arange(500), [100, 305])
    assert_same_fit(result, fastgd.gradient_descent(X[keep], y[keep], compress=True, **SETTINGS))
    columns[column][200] = np.inf
    with pytest.raises(ValueError, match=rf"row (200|60) .*{name}: expected a finite number; got inf$"):
        run(missing="skip")


def test_finite_rows_whose_sum_overflows_are_kept(small_blocks):
    X, y = make_data()
    X = X.astype(np.float32)
    X[:, 0] = X[:, 1] = np.where(np.arange(500) % 2, 3e38, -3e38)
    X[:, 1] *= np.random.default_rng(1).uniform(0.8, 1, 500).astype(np.float32)
    assert fit_array(X, y, missing="skip").skipped == 0


def test_batches_without_usable_rows_are_refused():
    X, y = make_data()
    with pytest.raises(ValueError, match=r"^expected rows; got none$"):
        fit_batches([])
    y[:] = np.nan
    with pytest.raises(ValueError, match="expected rows without missing values; got none in 500 rows"):
        fit_batches(cut(X, y), missing="skip")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epoch": 5}, r"fit_batches\(\) got an unexpected keyword argument 'epoch'; a descent takes"),
        ({"target": 1}, r"unexpected keyword argument 'target'"),
        ({"compressor": None}, r"unexpected keyword argument 'compressor'"),
        ({"epochs": 0}, "epochs must be 1 or more"),
        ({"weights": "ones"}, "weights must be None, 'random' or an array; got 'ones'"),
        ({"weights": [[1.0]]}, r"weights must have the shape of the gradient.*; got shape \(1, 1\)"),
        ({"weights": 1.0}, r"weights must have the shape of the gradient.*; got shape \(\)"),
        ({"weights": [np.nan]}, "weights must be finite"),
        ({"random_state": "x", "weights": "random"}, "random_state must be"),
        ({"method": "svd"}, "method must be one of 'auto', 'gram', 'qr'; got 'svd'"),
        ({"missing": "drop"}, "missing must be one of 'error', 'skip'; got 'drop'"),
        ({"quiet": 3}, "quiet must be True or False"),
        ({"alpha": -1}, "alpha must be finite and not negative"),
        ({"fit_intercept": "no"}, "fit_intercept must be True or False"),
        ({"precondition": 2}, "precondition must be one of 'auto', 'none'"),
        ({"checkpoint": 3}, "checkpoint must be None or a path; got 3, an int"),
        ({"checkpoint": ""}, "checkpoint must name a file"),
        ({"checkpoint": "."}, "checkpoint must be a file; got the folder"),
        ({"checkpoint": "no/such/file"}, "checkpoint must be in a folder that exists"),
        ({"backend": "abacus"}, "abacus"),
    ],
)
def test_arguments_are_checked_before_the_first_batch(options, message):
    def refuse():
        pytest.fail("a batch was taken")
        yield

    with pytest.raises((ValueError, TypeError), match=message):
        fit_batches(refuse(), **options)


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        (3, r"expected \(X, y\) or \(X, y, sample_weight\); got an int$"),
        ((1, 2, 3, 4), "got a tuple of 4"),
        (([[1.0, 2.0]], [1.0]), "X must have 3 columns, as before; got 2"),
        (([[1.0, 2.0, 3.0]], [1.0, 2.0]), "the same number of rows; got 1 in X and 2 in y"),
        (([["a", 2.0, 3.0]], [1.0]), "X must hold real numbers"),
        (([[1.0, 2.0, 3.0]], [1.0], [-1.0]), "sample_weight must not be negative"),
        (([[1.0, 2.0, 3.0]], [1.0], [1.0, 2.0]), "sample_weight must have shape"),
        (([[1e300, 2.0, 3.0]], [1.0]), "its values are too large"),
    ],
)
def test_the_error_of_a_bad_batch_names_it(batch, message):
    X, y = make_data()
    with pytest.raises((ValueError, TypeError), match=rf"^batch 8(, row 0)? \(counted from 0\): .*{message}"):
        fit_batches([*cut(X, y), batch])


@pytest.mark.parametrize(
    ("batches", "got"),
    [
        (None, "None"),
        (3, "3"),
        (b"a.csv", "b'a.csv'"),
        ("a.csv", "'a.csv', a str: fastgd.streaming.fit_files takes files"),
        ({"x": [1.0]}, "a dict: gradient_descent and fastgd.streaming.fit_array take data in memory"),
        (np.ones((3, 2)), "a ndarray: gradient_descent and fastgd.streaming.fit_array take data in memory"),
    ],
    ids=str,
)
def test_batches_must_be_an_iterable(batches, got):
    with pytest.raises(TypeError) as raised:
        fit_batches(batches)
    assert str(raised.value) == f"batches must be an iterable of (X, y) or (X, y, sample_weight); got {got}"


def test_a_frame_of_data_is_no_iterable_of_batches():
    pd = pytest.importorskip("pandas", reason="pandas is an extra of the tests")
    with pytest.raises(TypeError, match="got a DataFrame: gradient_descent and"):
        fit_batches(pd.DataFrame(np.ones((3, 2))))


@pytest.mark.parametrize("fit", [fastgd.gradient_descent, fit_array])
def test_a_path_or_the_name_of_a_column_is_no_data(fit, tmp_path):
    hint = ": fastgd.streaming.fit_files takes files and the names of their columns"
    with pytest.raises(TypeError, match=f"X must hold real numbers; got 'a.csv', a str{hint}"):
        fit("a.csv", "y")
    with pytest.raises(TypeError, match=f"X must hold real numbers; got .*, a PosixPath{hint}|a WindowsPath{hint}"):
        fit(tmp_path / "a.csv", "y")
    with pytest.raises(TypeError, match=f"y must hold real numbers; got 'y', a str{hint}"):
        fit(np.ones((3, 2)), "y")


def test_weights_of_another_length_are_refused_as_soon_as_the_features_are_known():
    X, y = make_data()
    batches = cut(X, y)
    with pytest.raises(ValueError, match=r"weights must have the shape of the gradient, \(4,\)"):
        fit_batches(batches, weights=[1.0, 2.0])
    assert len(list(batches)) == 7
    with pytest.raises(ValueError, match=r"weights must have the shape of the gradient, \(4,\)"):
        fit_array(X, y, weights=[1.0, 2.0])
    random = [fit_array(X, y, weights="random", random_state=3, epochs=3, tol=0).weights for _ in range(2)]
    np.testing.assert_array_equal(*random)


@pytest.mark.parametrize(
    ("X", "y", "weights", "message"),
    [
        (np.ones(3), np.ones(3), None, "X must be two-dimensional"),
        (np.ones((0, 3)), np.ones(0), None, "X must have at least one row and one column"),
        (np.ones((3, 2)), np.ones(4), None, r"y must have shape \(3,\)"),
        (np.ones((3, 2)), np.ones((3, 2, 1)), None, r"y must have shape \(3,\)"),
        (np.ones((3, 2)), np.ones(3), np.ones((3, 1)), r"sample_weight must have shape \(3,\)"),
        (np.array([["a"]]), np.ones(1), None, "X must hold real numbers"),
        (np.ones((3, 2), complex), np.ones(3), None, "X must hold real numbers"),
        ("text", np.ones(3), None, "X must hold real numbers"),
    ],
)
def test_arrays_of_wrong_shape_or_type_are_refused(X, y, weights, message):
    with pytest.raises((ValueError, TypeError), match=message):
        fit_array(X, y, sample_weight=weights)


def test_blas_takes_one_thread_while_several_threads_sum(monkeypatch, small_blocks):
    threadpoolctl = pytest.importorskip("threadpoolctl")
    counts = []

    def count(*arguments, **options):
        counts.extend(pool["num_threads"] for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas")
        return original(*arguments, **options)

    original = passes.sum_batch
    monkeypatch.setattr(passes, "sum_batch", count)
    fit_array(*make_data(), threads=2, **SETTINGS)
    assert set(counts[len(counts) // 2 :]) == {1}


@pytest.mark.parametrize("pinned", ["1", None])
def test_without_threadpoolctl_one_thread_sums_unless_blas_is_pinned(monkeypatch, small_blocks, pinned):
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    for name in blas.BLAS_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    if pinned:
        monkeypatch.setenv("OPENBLAS_NUM_THREADS", pinned)
    with blas.one_blas_thread() as alone:
        assert alone == (pinned == "1")
    X, y = make_data()
    assert_same_fit(fit_array(X, y, threads=4, **SETTINGS), fit_batches(cut(X, y), **SETTINGS))


# ---- names of columns, and threads of BLAS


def test_all_fits_keep_the_names_of_a_frame():
    pd = pytest.importorskip("pandas", reason="pandas is an extra of the tests")
    frame = pd.DataFrame(np.arange(40.0).reshape(20, 2) % 7, columns=["a", "b"])
    y = pd.Series(np.arange(20.0), name="price")
    compressor = fastgd.Compressor()
    compressor.add(frame, y)
    for result in (fit_array(frame, y), fit_batches([(frame, y)]), fastgd.gradient_descent(compressor)):
        assert (result.features, result.target) == (["a", "b"], "price")
        with pytest.raises(ValueError, match="X must have the columns of the fit"):
            result.predict(frame[["b", "a"]])
    with pytest.raises(ValueError, match="X must have the columns of the fit"):
        compressor.add(frame[["b", "a"]], y)
    assert compressor.n_samples == 20


def test_concurrent_fits_restore_the_threads_of_blas():
    threadpoolctl = pytest.importorskip("threadpoolctl", reason="without it, BLAS is left alone")
    before = [(pool["filepath"], pool["num_threads"]) for pool in threadpoolctl.threadpool_info()]
    generator = np.random.default_rng(0)
    X = generator.standard_normal((60_000, 10))
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda k: fit_array(X[k * 5_000 :], X[k * 5_000 :, 0]), range(4)))
    assert len(results) == 4
    assert [(pool["filepath"], pool["num_threads"]) for pool in threadpoolctl.threadpool_info()] == before


def test_the_row_of_a_negative_weight_counts_rows_left_out():
    X, y = make_data(20)
    X[0] = np.nan
    weights = np.ones(20)
    weights[5] = -1.0
    with pytest.raises(ValueError, match=r"batch 0, row 5 .*: sample_weight must not be negative; got -1"):
        fit_batches([(X, y, weights)], missing="skip")
