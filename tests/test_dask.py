"""Dask collections give the answer of data in memory, the same bits from every scheduler, and no early computation."""

import os
import signal
import threading
import time
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
from processes import run_python

import fastgd
from fastgd.problem.dask import find_blocks, is_dask
from fastgd.problem.moments import summarize_rows

dask = pytest.importorskip("dask", reason="Dask is an extra")
da = pytest.importorskip("dask.array", reason="Dask is an extra")
dd = pytest.importorskip("dask.dataframe", reason="Dask is an extra")
pd = pytest.importorskip("pandas")

ROWS, BLOCK = 1200, 170  # the last block is shorter
NAMES = list("abcde")
FIT = {"learning_rate": "eigenvalues", "precondition": "standardize", "tol": 1e-13}


def make_data(offset=3.0, condition=1.0):
    """Return X, y and sample weights; the columns of X lie `offset` standard deviations from zero."""
    rng = np.random.default_rng(0)
    turn = np.linalg.qr(rng.standard_normal((5, 5)))[0]
    X = rng.standard_normal((ROWS, 5)) @ (turn * np.geomspace(1, 1 / condition, 5)) @ turn.T
    X += offset * X.std(axis=0)
    y = 1 + X @ [1.0, -2.0, 3.0, 0.5, 4.0] + 0.1 * rng.standard_normal(ROWS)
    return X, y, rng.integers(0, 4, ROWS).astype(float)


def refuse_to_compute(dsk, keys, **kwargs):
    raise AssertionError("Dask computed a value")


@pytest.fixture
def uncomputed():
    """Let every computation of Dask fail."""
    with dask.config.set(scheduler=refuse_to_compute):
        yield


def as_arrays(X, y, s):
    return (da.from_array(array, chunks=(BLOCK, -1)[: array.ndim]) for array in (X, y, s))


def as_frames(X, y, s):
    frame = dd.from_pandas(pd.DataFrame(X, columns=NAMES).assign(y=y, s=s), npartitions=7)
    return frame[NAMES], frame["y"], frame["s"]


def as_unknown(X, y, s):
    """Return frames with an uninformative index, in partitions of different lengths, one of them empty."""
    frame = pd.DataFrame(X, columns=NAMES).assign(y=y, s=s).set_index(np.zeros(ROWS, dtype=int))
    cuts = [0, 100, 100, 101, 700, ROWS]
    lazy = dd.from_map(lambda part: frame.iloc[slice(*part)], list(pairwise(cuts)), meta=frame.iloc[:0])
    return lazy[NAMES], lazy[["y"]], lazy["s"]


def as_mixed(X, y, s):
    """Return a chunked X, y in memory, and weights in blocks of another size."""
    return da.from_array(X, chunks=(BLOCK, -1)), y, da.from_array(s, chunks=77)


def as_array_of_frame(X, y, s):
    """Return arrays of unknown length."""
    X, y, s = as_frames(X, y, s)
    return X.to_dask_array(), y, s.to_dask_array()


FORMS = [as_arrays, as_frames, as_unknown, as_mixed, as_array_of_frame]


@pytest.mark.parametrize("settings", [{}, {"alpha": 0.1}, {"fit_intercept": False}, {"precondition": "none"}], ids=str)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("form", FORMS)
def test_the_answer_is_the_one_of_data_in_memory(form, weighted, settings):
    X, y, s = make_data()
    lazy_X, lazy_y, lazy_s = form(X, y, s)
    settings = FIT | settings
    expected = fastgd.gradient_descent(X, y, sample_weight=s if weighted else None, compress=True, **settings)
    result = fastgd.gradient_descent(lazy_X, lazy_y, sample_weight=lazy_s if weighted else None, **settings)
    np.testing.assert_allclose(result.weights, expected.weights, rtol=1e-10)
    assert result.compressed
    assert result.message.endswith("; Dask compressed the partitions where they are")


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("form", FORMS)
def test_the_answer_is_right_where_nothing_is_named(form, weighted):
    X, y, s = make_data(offset=1e4, condition=1e3)
    lazy_X, lazy_y, lazy_s = form(X, y, s)
    result = fastgd.gradient_descent(lazy_X, lazy_y, sample_weight=lazy_s if weighted else None)
    assert (result.converged, result.reason, result.precondition) == (True, "gradient", "whiten")
    roots = np.sqrt(s if weighted else np.ones(ROWS))
    means = np.average(np.column_stack([X, y]), axis=0, weights=roots**2)
    centred = (np.column_stack([X, y]) - means) * roots[:, np.newaxis]
    expected = np.linalg.lstsq(centred[:, :-1], centred[:, -1])[0]
    np.testing.assert_allclose(result.coef, expected, rtol=1e-8)
    np.testing.assert_allclose(result.intercept, means[-1] - means[:-1] @ expected, rtol=1e-8)


def test_the_path_is_the_one_of_data_in_memory():
    X, y, s = make_data()
    settings = {"learning_rate": 0.01, "epochs": 30, "tol": 0, "weights": np.arange(6.0), "backend": "numpy"}
    expected = fastgd.gradient_descent(X, y, compress=False, **settings)
    result = fastgd.gradient_descent(*list(as_arrays(X, y, s))[:2], **settings)
    np.testing.assert_allclose(result.weights, expected.weights, rtol=1e-10)
    assert result.backend == "numpy"


@pytest.mark.parametrize("form", [as_arrays, as_unknown])
def test_names_are_kept(form):
    X, y, s = make_data()
    X, y, _ = form(X, y, s)
    result = fastgd.gradient_descent(X, y)
    frame = form is as_unknown
    assert result.features == (NAMES if frame else None)
    assert result.target == ("y" if frame else None)


@pytest.mark.parametrize("dtype", [np.float32, np.int64, bool])
def test_columns_of_other_types_fit(dtype):
    X, y, s = make_data()
    X = (2 * X).astype(dtype)
    expected = fastgd.gradient_descent(X, y, compress=True, **FIT)
    for form in (as_arrays, as_frames):
        lazy_X, lazy_y, _ = form(X, y, s)
        np.testing.assert_allclose(fastgd.gradient_descent(lazy_X, lazy_y, **FIT).weights, expected.weights, rtol=1e-10)


def test_several_targets_are_collected_on_request():
    X, y, s = make_data()
    lazy, _, _ = as_arrays(X, y, s)
    compressor = find_blocks(lazy, np.column_stack([s, y])).compress()
    expected = fastgd.gradient_descent(X, y, **FIT)
    np.testing.assert_allclose(
        fastgd.gradient_descent(compressor, target=1, **FIT).weights, expected.weights, rtol=1e-10
    )


def solve(summary):
    """Return the coefficients that descent would reach, from a linear solve."""
    return np.linalg.solve(summary.rows[:-1, :-1], summary.rows[:-1, -1])


# A Gram matrix loses digits with the square of the condition number, in memory too, until "auto" changes to "qr".
@pytest.mark.parametrize(("condition", "rtol"), [(1.0, 1e-12), (1e2, 1e-10), (1e4, 1e-7)])
@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_offsets_and_condition_numbers_cost_no_more_digits_than_in_memory(offset, condition, rtol):
    X, y, s = make_data(offset, condition)
    lazy_X, lazy_y, _ = as_arrays(X, y, s)
    small, exact = fastgd.compress(lazy_X, lazy_y), fastgd.compress(X, y)
    for weights in (np.zeros(6), np.arange(6.0)):
        np.testing.assert_allclose(fastgd.cost(*small, weights), fastgd.cost(*exact, weights), rtol=1e-12)
    in_memory = summarize_rows(X, y[:, np.newaxis], None, "auto")
    np.testing.assert_allclose(solve(find_blocks(lazy_X, lazy_y).compress().summary()), solve(in_memory), rtol=rtol)
    # Both are as exact as X itself, whose rounding is 1e-16 of its offset, times the condition number.
    in_memory = summarize_rows(X, y[:, np.newaxis], None, "qr")
    by_qr = find_blocks(lazy_X, lazy_y).compress(method="qr").summary()
    np.testing.assert_allclose(solve(by_qr), solve(in_memory), rtol=max(1e-10, 1e-16 * offset * condition))


def test_sorted_rows_give_the_same_fit():
    X, y, s = make_data(offset=1e4)
    order = np.argsort(X[:, 0])
    lazy_X, lazy_y, _ = as_arrays(X[order], y[order], s)
    expected = fastgd.gradient_descent(X, y, compress=True, **FIT)
    np.testing.assert_allclose(fastgd.gradient_descent(lazy_X, lazy_y, **FIT).coef, expected.coef, rtol=1e-10)


def test_partitions_are_computed_twice_only_if_the_gram_matrix_loses_digits():
    X, y, _ = make_data()
    count = []

    def make_block(block_info=None):
        (start, end), _ = block_info[None]["array-location"]
        count.append(start)
        return np.column_stack([X, y])[start:end]

    def make_partition(start):
        count.append(start)
        return pd.DataFrame(X, columns=NAMES).assign(y=y)[start : start + 300]

    data = da.map_blocks(make_block, chunks=((300,) * 4, (6,)), dtype=float)
    frame = dd.from_map(make_partition, list(range(0, ROWS, 300)), meta=make_partition(0)[:0])

    def passes(X, y):
        count.clear()
        with dask.config.set(scheduler="synchronous"):
            return find_blocks(X, y).compress().method, len(count) / 4

    assert passes(data[:, :5], data[:, 5]) == ("gram", 1)
    assert passes(data[:, :5], 1 + data[:, 0]) == ("qr", 2)
    assert passes(frame[NAMES], frame["y"]) == ("gram", 1)
    assert passes(frame[NAMES], 1 + frame["a"]) == ("qr", 2)


def test_empty_partitions_change_nothing():
    X, y, s = make_data()
    lazy_X, lazy_y, _ = as_arrays(X, y, s)
    far = lazy_X[:, 0] > lazy_X[:, 0].max().compute() - 0.5  # a handful of rows: most blocks are empty
    expected = fastgd.compress(X[far.compute()], y[far.compute()], method="qr")
    small = fastgd.compress(lazy_X[far], lazy_y[far], method="qr")
    np.testing.assert_allclose(fastgd.cost(*small, np.ones(6)), fastgd.cost(*expected, np.ones(6)), rtol=1e-10)
    with pytest.raises(ValueError, match="X must have at least one row"):
        fastgd.compress(lazy_X[lazy_X[:, 0] > 1e9], lazy_y[lazy_X[:, 0] > 1e9])


def test_predictions_are_lazy(uncomputed):
    X, y, s = make_data()
    result = fastgd.gradient_descent(X, y, **FIT)
    for form in FORMS:
        lazy_X, _, _ = form(X, y, s)
        predicted = result.predict(lazy_X)
        assert isinstance(predicted, da.Array)
        assert predicted.dtype == np.float64
        assert predicted.ndim == 1
        if isinstance(lazy_X, da.Array):
            np.testing.assert_equal(predicted.chunks, lazy_X.chunks[:1])
        with dask.config.set(scheduler="synchronous"):
            np.testing.assert_allclose(predicted.compute(), result.predict(X), rtol=1e-14)
    with pytest.raises(ValueError, match="must have 5 columns"):
        result.predict(lazy_X[:, :4])


X, y, s = make_data()
BLOCKS, TARGET, _ = as_arrays(X, y, s)
FRAME, SERIES, _ = as_frames(X, y, s)
WRONG = {
    "columns": ((BLOCKS.rechunk((BLOCK, 2)), y), {}, ValueError, r"3 blocks of them: X\.rechunk\(\{1: -1\}\)"),
    "X in memory": ((X, TARGET), {}, TypeError, "X must be a Dask array .*; got a ndarray"),
    "not a collection": ((BLOCKS, TARGET.to_delayed()[0]), {}, TypeError, "y must be a Dask .*; got a Delayed"),
    "rows": ((BLOCKS, y[1:]), {}, ValueError, "got 1200 in X and 1199 in y"),
    "lazy rows": ((BLOCKS, TARGET[1:]), {}, ValueError, "got 1200 in X and 1199 in y"),
    "rows of weights": ((BLOCKS, y), {"sample_weight": s[1:]}, ValueError, "1200 in X and 1199 in sample_weight"),
    "partitions": ((BLOCKS, SERIES), {}, ValueError, "number of partitions, .*; got 8 in X and 7 in y"),
    "unknown lengths": ((FRAME, y), {}, ValueError, r"y must be a Dask collection .*X\.to_dask_array\(lengths=True\)"),
    "one dimension": ((BLOCKS[:, 0], y), {}, ValueError, r"two-dimensional.*X\.reshape\(-1, 1\)"),
    "a series as X": ((FRAME["a"], SERIES), {}, ValueError, r"two-dimensional.*X\.to_frame\(\)"),
    "no rows": ((BLOCKS[:0], y[:0]), {}, ValueError, "at least one row and one column"),
    "targets": (
        (BLOCKS, BLOCKS[..., None]),
        {},
        ValueError,
        r"y must have shape \(n_samples,\) or \(n_samples, n_targets\); got 3 dimensions",
    ),
    # pandas 2 makes objects of texts, and objects may be numbers until they are computed.
    "text": (
        (FRAME.assign(b="x").astype({"b": "string"}), SERIES),
        {},
        TypeError,
        "X must hold real numbers; got .* in column 'b': encode",
    ),
    "complex": ((BLOCKS * 1j, y), {}, TypeError, "X must hold real numbers; got complex128"),
    "two-dimensional weights": ((BLOCKS, y), {"sample_weight": BLOCKS}, ValueError, "sample_weight must have shape"),
    "negative weights": ((BLOCKS, y), {"sample_weight": -s}, ValueError, "sample_weight must not be negative"),
    "NaN in memory": ((BLOCKS, y * np.nan), {}, ValueError, "y must be finite; got nan at row 0"),
    "no compression": ((BLOCKS, y), {"compress": False}, ValueError, "compress must not be False"),
    "batches": ((BLOCKS, y), {"batch_size": 10}, ValueError, "batch_size must be None"),
    "rates": ((BLOCKS, y), {"learning_rate": -1.0}, ValueError, "learning_rate must be finite and not negative"),
    "start": ((BLOCKS, y), {"weights": np.zeros(5)}, ValueError, r"shape of the gradient, \(6,\)"),
    "alpha": ((BLOCKS, y), {"alpha": -1.0}, ValueError, "alpha must be finite and not negative"),
    "precondition": ((BLOCKS, y), {"precondition": 3}, ValueError, "precondition must be one of 'auto', 'none'"),
}


@pytest.mark.parametrize(("data", "settings", "error", "message"), WRONG.values(), ids=WRONG)
def test_bad_input_is_refused_before_any_computation(data, settings, error, message, uncomputed):
    with pytest.raises(error, match=message):
        fastgd.gradient_descent(*data, **settings)


def test_bad_values_are_refused_with_the_block_that_holds_them():
    spoiled = X.copy()
    spoiled[2 * BLOCK + 3, 1] = np.nan
    with pytest.raises(
        ValueError, match=r"in block 2 \(counted from 0\), X must be finite; got nan at row 3, column 1"
    ):
        fastgd.gradient_descent(da.from_array(spoiled, chunks=(BLOCK, -1)), y)
    with pytest.raises(ValueError, match=r"in block \d \(counted from 0\), X and y must have the same number of rows"):
        fastgd.gradient_descent(*as_frames(X, y, s)[:1], da.from_array(y, chunks=172))
    with pytest.raises(ValueError, match="sample_weight must be above 0 in at least one row"):
        fastgd.gradient_descent(BLOCKS, y, sample_weight=da.zeros(ROWS, chunks=BLOCK))
    with pytest.raises(ValueError, match="method must not be 'gram'"):
        fastgd.compress(BLOCKS, BLOCKS[:, 0], method="gram")


def test_dask_is_not_imported_before_it_is_needed():
    code = "import fastgd, sys; fastgd.gradient_descent([[0.0], [1.0]], [0.0, 1.0]); print('dask' in sys.modules)"
    assert run_python(code) == "False"
    assert not is_dask(X, None)
    assert is_dask(None, FRAME)


def test_distributed_need_not_be_installed():
    code = """
sys.modules["distributed"] = None
import dask.array as da, fastgd
X = da.arange(20.0, chunks=6).reshape(-1, 1)
result = fastgd.gradient_descent(X, 1 + 2 * X)
print(result.weights.round(6), result.predict(X).compute()[-1].round(6))
"""
    assert run_python(code) == "[1. 2.] 39.0"


def make_slow_block(folder=None, block_info=None):
    """Make a block of [X y] from its position alone; if a folder is given, wait and leave a file there."""
    rows, columns = block_info[None]["chunk-shape"]
    place = block_info[None]["chunk-location"][0]
    if folder:
        with open(os.path.join(folder, f"{place}-{time.time_ns()}"), "w"):
            time.sleep(0.05)
    rng = np.random.default_rng(place)
    Z = rng.standard_normal((rows, columns)) + 10
    Z[:, -1] += Z[:, :-1].sum(axis=1)
    return Z


def fit_slow_blocks(folder=None):
    """Return the fit of such blocks."""
    data = da.map_blocks(partial(make_slow_block, folder), chunks=((500,) * 24, (6,)), dtype=float)
    return fastgd.gradient_descent(data[:, :5], data[:, 5], **FIT)


@pytest.fixture(scope="module")
def client():
    """Start two worker processes."""
    distributed = pytest.importorskip("distributed")
    settings = {"threads_per_worker": 1, "processes": True, "dashboard_address": ":0"}
    with (
        distributed.LocalCluster(n_workers=2, silence_logs="CRITICAL", **settings) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


SCHEDULERS = [("synchronous", 1), ("threads", 1), ("threads", 3), ("processes", 2)]


def test_every_scheduler_gives_the_same_bits(client):
    on_cluster = fit_slow_blocks()
    for name, workers in SCHEDULERS:
        with dask.config.set(scheduler=name, num_workers=workers):
            result = fit_slow_blocks()
        assert result.weights.tobytes() == on_cluster.weights.tobytes(), name
        assert result.cost_history.tobytes() == on_cluster.cost_history.tobytes(), name


def test_a_worker_that_dies_in_the_middle_changes_no_bit(client, tmp_path):
    expected = fit_slow_blocks()
    pids = set(client.run(os.getpid).values())
    victim = min(pids)

    def kill_in_the_middle():
        while len(os.listdir(tmp_path)) < 9:
            time.sleep(0.002)
        os.kill(victim, signal.SIGKILL)

    killer = threading.Thread(target=kill_in_the_middle, daemon=True)
    killer.start()
    result = fit_slow_blocks(str(tmp_path))
    killer.join(timeout=5)
    assert len(os.listdir(tmp_path)) > 24  # at least one block was made twice
    client.wait_for_workers(2)
    assert victim not in client.run(os.getpid).values()
    assert result.weights.tobytes() == expected.weights.tobytes()
    assert result.cost_history.tobytes() == expected.cost_history.tobytes()
