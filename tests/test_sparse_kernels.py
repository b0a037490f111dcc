"""Every backend takes sparse rows and gives the answer of the dense Python loop; bad arrays are refused by name."""

from functools import partial

import numpy as np
import pytest
from parity import assert_close, stable_rates, start, summed_terms

sparse = pytest.importorskip("scipy.sparse", reason="sparse features need SciPy")

from fastgd import backends  # noqa: E402
from fastgd.backends.sparse import CSR, take_rows  # noqa: E402
from fastgd.backends.sparse_team import divide_rows  # noqa: E402


@pytest.fixture
def backend(backend):
    if not backends.takes_sparse(backend):
        pytest.skip("a registered backend need not take sparse rows")
    return backend


COMPILED = [name for name in backends.available() if name in ("cython", "numba")]


def random_rows(n_samples=30, n_features=7, density=0.3, seed=3):
    """Return sparse rows of standard normal entries, with an empty row and an empty column if there are several."""
    generator = np.random.default_rng(seed)
    X = sparse.random_array(
        (n_samples, n_features), density=density, rng=generator, format="csr", data_sampler=generator.standard_normal
    ).tolil()
    if n_samples > 2 and n_features > 2:
        X[[1]], X[:, [2]] = 0.0, 0.0
    return X.tocsr()


def with_zeros_stored(X):
    """Return the rows with some entries stored as zeros."""
    X = X.copy()
    X.data[::3] = 0.0
    return X


def with_shuffled_rows(X):
    """Return the rows with the entries of each in the reverse order."""
    X = X.copy()
    for first, last in zip(X.indptr[:-1], X.indptr[1:], strict=True):
        X.data[first:last], X.indices[first:last] = X.data[first:last][::-1].copy(), X.indices[first:last][::-1].copy()
    X.has_sorted_indices = False
    return X


def with_parts(X):
    """Return the rows with each entry stored in two parts."""
    data = np.repeat(X.data, 2) * np.tile([0.25, 0.75], X.nnz)
    return sparse.csr_array((data, np.repeat(X.indices, 2), 2 * X.indptr), X.shape)


def with_long_places(X):
    """Return the rows with indices of 64 bits."""
    X = X.copy()
    X.indices, X.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    return X


def read_only(X):
    """Return the rows in memory that nobody may write to."""
    X = X.copy()
    for array in (X.data, X.indices, X.indptr):
        array.flags.writeable = False
    return X


CASES = {
    "some": random_rows(),
    "one row": random_rows(1, 4),
    "one column": random_rows(30, 1),
    "one row and one column": sparse.csr_array([[2.0]]),
    "wide": random_rows(5, 40),
    "all zero": sparse.csr_array((20, 3)),
    "full": random_rows(25, 4, 1.0),
    "zeros stored": with_zeros_stored(random_rows()),
    "shuffled": with_shuffled_rows(random_rows()),
    "in parts": with_parts(random_rows()),
    "long places": with_long_places(random_rows()),
    "float32": random_rows().astype(np.float32),
    "float32, long places": with_long_places(random_rows().astype(np.float32)),
    "read-only": read_only(random_rows()),
    "several blocks": random_rows(8000, 15, 0.7),
    "csr matrix": sparse.csr_matrix(random_rows()),
    "csc": random_rows().tocsc(),
    "coo": random_rows().tocoo(),
}
PARTS = {"plain": (False, False), "centred": (True, False), "centred by factors": (True, True)}


def descend(backend, X, y, weights, rates, threads=1):
    """Run a backend as `parity.descend` does, with any number of targets."""
    weights, costs = weights.copy(), np.full(rates.shape + y.shape[1:], np.nan)
    gradient = np.full_like(weights, np.nan)
    applied = backends.descend(X, y, weights, rates, costs, gradient, threads=threads, backend=backend)
    return applied, weights, costs, gradient


def make_problem(name, parts, n_targets):
    """Return sparse rows, the same rows as a dense array, and targets."""
    X, generator = CASES[name], np.random.default_rng(5)
    n, p = X.shape
    y = generator.standard_normal((n, n_targets))
    dense, (centred, weighted) = X.toarray().astype(np.float64), PARTS[parts]
    if centred:
        rows, means = take_rows(X), generator.standard_normal(p)
        factors = generator.uniform(0, 2, n) if weighted else None
        X = CSR(rows.data, rows.indices, rows.indptr, rows.shape, means, factors)
        dense = dense - np.outer(np.ones(n) if factors is None else factors, means)
    return X, dense, y


@pytest.mark.parametrize("n_targets", [1, 3])
@pytest.mark.parametrize("intercepts", [0, 1])
@pytest.mark.parametrize("parts", PARTS)
@pytest.mark.parametrize("name", CASES)
def test_sparse_rows_give_the_answer_of_the_dense_loop(backend, name, parts, intercepts, n_targets):
    X, dense, y = make_problem(name, parts, n_targets)
    if backend == "python" and len(y) > 1000:
        pytest.skip("the loop takes long; it is the answer to compare with")
    weights = np.column_stack([(c + 1) * start(dense, intercepts) for c in range(n_targets)])
    rates = stable_rates(dense, intercepts, 9)
    many = descend(backend, X, y, weights, rates)
    alone = [
        descend(backend, X, np.ascontiguousarray(y[:, c]), np.ascontiguousarray(weights[:, c]), rates)
        for c in range(n_targets)
    ]
    for c in range(n_targets):
        expected = descend("python", dense, *(np.ascontiguousarray(part[:, c]) for part in (y, weights)), rates)
        scales = summed_terms(dense, y[:, c], np.maximum(abs(weights[:, c]), abs(expected[1])), rates.max())
        for found in (alone[c], (many[0], *(part[..., c] for part in many[1:]))):
            assert found[0] == expected[0] == len(rates)
            assert_close("weights", found[1], expected[1], scales["weights"])
            assert_close("costs", np.sqrt(2 * found[2]), np.sqrt(2 * expected[2]), scales["residuals"])
            assert_close("gradient", found[3], expected[3], scales["gradient"])


@pytest.mark.parametrize("n_targets", [1, 2])
@pytest.mark.parametrize("compiled", COMPILED)
def test_any_number_of_threads_gives_the_same_bits(compiled, n_targets):
    X, dense, y = make_problem("several blocks", "centred by factors", n_targets)
    assert len(divide_rows(X)) > 3
    weights, rates = np.zeros((dense.shape[1] + 1, n_targets)), np.full(20, 1e-2)
    expected = descend(compiled, X, y, weights, rates)
    for threads in (2, 3, 8):
        for found, one in zip(descend(compiled, X, y, weights, rates, threads), expected, strict=True):
            np.testing.assert_array_equal(found, one)


def test_blocks_cover_the_rows_whatever_their_lengths():
    for lengths in ([0] * 40_000, [100_000] + [0] * 50_000, [3] * 60_000, [0] * 50_000 + [100_000]):
        indptr = np.concatenate([[0], np.cumsum(lengths)])
        X = CSR(np.ones(indptr[-1]), np.zeros(indptr[-1], dtype=np.int64), indptr, (len(lengths), 1))
        starts = divide_rows(X)
        assert starts[0] == 0
        assert starts[-1] == len(lengths)
        assert (np.diff(starts) > 0).all()


def test_a_run_ends_before_the_first_number_that_is_not_finite(backend):
    X = sparse.csr_array([[1e200], [1.0]])
    weights = np.array([[1.0, 0.0]])
    found = descend(backend, X, np.zeros((2, 2)), weights, np.array([1e-3, 1.0]))
    assert found[0] == 0
    np.testing.assert_array_equal(found[1], weights)
    np.testing.assert_array_equal(found[2][0], [np.inf, 0.0])


def test_no_epochs_are_none(backend):
    X, _, y = make_problem("some", "plain", 1)
    assert descend(backend, X, y, np.ones((7, 1)), np.empty(0))[0] == 0


def arrays(**changes):
    """Return the arguments of a record of two rows, some of them changed."""
    given = {
        "data": np.ones(3),
        "indices": np.array([0, 1, 1], dtype=np.int32),
        "indptr": np.array([0, 2, 3], dtype=np.int32),
        "shape": (2, 2),
    }
    return given | changes


BAD_ROWS = {
    "no array": ({"data": [1.0, 1.0, 1.0]}, TypeError, r"X\.data must be a numpy\.ndarray; got a list"),
    "whole numbers": ({"data": np.ones(3, dtype=int)}, ValueError, r"X\.data must have dtype float64 or float32"),
    "other byte order": ({"data": np.ones(3, dtype=">f8")}, ValueError, r"X\.data .* other byte order"),
    "short places": (
        {"indices": np.zeros(3, dtype=np.int16)},
        ValueError,
        r"X\.indices must have dtype int32 or int64; got int16",
    ),
    "unsigned places": ({"indices": np.zeros(3, dtype=np.uint32)}, ValueError, r"X\.indices must have dtype"),
    "two kinds of places": ({"indptr": np.array([0, 2, 3])}, ValueError, r"X\.indptr must have dtype int32; got int64"),
    "too few places": ({"indices": np.zeros(2, dtype=np.int32)}, ValueError, r"X\.indices must have shape \(3,\)"),
    "too few rows": ({"shape": (3, 2)}, ValueError, r"X\.indptr must have shape \(4,\); got \(3,\)"),
    "no columns": ({"shape": (2, 0)}, ValueError, "at least one row and one column"),
    "a place beyond": (
        {"indices": np.array([0, 2, 1], dtype=np.int32)},
        ValueError,
        r"X\.indices must be from 0 to 1, for 2 columns; got 0 to 2",
    ),
    "a place before": ({"indices": np.array([0, -1, 1], dtype=np.int32)}, ValueError, "got -1 to 1"),
    "rows that fall": ({"indptr": np.array([0, 4, 3], dtype=np.int32)}, ValueError, "with a fall between"),
    "a first row before": ({"indptr": np.array([-1, 2, 3], dtype=np.int32)}, ValueError, "rise from 0 to 3"),
    "a last row beyond": ({"indptr": np.array([0, 2, 4], dtype=np.int32)}, ValueError, "got 0 to 4"),
    "gaps": ({"data": np.ones(6)[::2]}, ValueError, r"X\.data must be contiguous"),
    "means": ({"means": np.ones(3)}, ValueError, r"X\.means must have shape \(2,\)"),
    "factors": ({"factors": np.ones(2, dtype=np.float32)}, ValueError, r"X\.factors must have dtype float64"),
}


@pytest.mark.parametrize("case", BAD_ROWS)
def test_a_record_refuses_arrays_that_a_kernel_must_not_read(case):
    changes, error, message = BAD_ROWS[case]
    with pytest.raises(error, match=message):
        CSR(**arrays(**changes))


def test_a_record_that_has_changed_is_checked_again(backend):
    X = CSR(**arrays())
    X.indices[1] = 2
    with pytest.raises(ValueError, match=r"X\.indices must be from 0 to 1"):
        descend(backend, X, np.ones(2), np.zeros(2), np.ones(1))


BAD_CALLS = {
    "y": (lambda call: call | {"y": np.ones(3)}, r"y must have shape \(2,\); got \(3,\)"),
    "y of no targets": (lambda call: call | {"y": np.ones((2, 0))}, r"y must have shape \(2,\) or \(2, n_targets\)"),
    "weights": (lambda call: call | {"weights": np.ones(5)}, r"weights must have shape \(2,\)"),
    "targets": (lambda call: call | {"y": np.ones((2, 2))}, r"weights must have shape \(3, 2\); got \(3,\)"),
    "costs": (lambda call: call | {"costs": np.ones(2)}, r"costs must have shape \(1,\); got \(2,\)"),
    "gradient": (lambda call: call | {"gradient": np.ones(2)}, r"gradient must have shape \(3,\); got \(2,\)"),
    "rates": (lambda call: call | {"rates": np.ones((1, 1))}, r"rates must have one dimension"),
    "overlap": (lambda call: call | {"gradient": call["weights"]}, "weights and gradient must not share memory"),
    "own data": (lambda call: call | {"weights": call["X"].data}, r"weights and X\.data must not share memory"),
    "threads": (lambda call: call | {"threads": 0}, "threads must be"),
}


@pytest.mark.parametrize("case", BAD_CALLS)
def test_arrays_that_do_not_fit_the_rows_are_refused(backend, case):
    change, message = BAD_CALLS[case]
    call = {"X": CSR(**arrays()), "y": np.ones(2), "weights": np.zeros(3), "rates": np.ones(1)}
    call |= {"costs": np.zeros(1), "gradient": np.zeros(3), "threads": 1}
    with pytest.raises(ValueError, match=message):
        partial(backends.descend, backend=backend)(**change(call))


def test_a_backend_that_takes_no_sparse_rows_fits_their_whitened_problem(monkeypatch):
    import types

    import fastgd

    def descend(X, y, weights, rates, costs, gradient, threads=1):
        assert type(X) is np.ndarray
        return backends.load("numpy").descend(X, y, weights, rates, costs, gradient, threads)

    module = types.ModuleType("fastgd_dense_only")
    module.descend = descend
    monkeypatch.setitem(__import__("sys").modules, module.__name__, module)
    monkeypatch.setitem(backends.MODULES, "dense", module.__name__)
    X = random_rows(900, 80, 0.2)
    y = X @ np.arange(80.0) + 1 + np.random.default_rng(1).standard_normal(900)
    found, expected = (fastgd.gradient_descent(X, y, backend=name) for name in ("dense", "numpy"))
    np.testing.assert_allclose(found.weights, expected.weights, rtol=1e-9, atol=1e-9)
    with pytest.raises(TypeError, match="X must be dense for backend 'dense'"):
        backends.descend(X, y, np.zeros(80), np.ones(1), np.empty(1), np.empty(80), backend="dense")
