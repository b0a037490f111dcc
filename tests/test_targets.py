"""Several targets: every backend gives the answer of the Python loop, and each target the answer that it gets alone."""

import sys
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from parity import assert_parity, descend, several_targets, stable_rates, start, summed_terms
from problems import PROBLEMS, random_problem
from test_kernels import PATHS, assert_same, assert_same_bits, every_path, use

from fastgd import backends

LAYOUTS = ["tutorial", "fortran", "float32", "float32 fortran"]
COUNTS = [1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 33]


@pytest.mark.parametrize("intercepts", [1, 0], ids=["intercept", "no intercept"])
@pytest.mark.parametrize("name", PROBLEMS)
def test_parity_on_named_problems(backend, name, intercepts):
    X, y = PROBLEMS[name]()
    for k in (1, 3, 9):
        assert_parity(backend, X, several_targets(y, k), intercepts)


@st.composite
def small_problems(draw):
    """Draw X and a matrix of targets, with values that repeat, cancel and differ by orders of magnitude."""
    n_samples, n_features, k = draw(st.integers(1, 20)), draw(st.integers(1, 9)), draw(st.integers(1, 18))
    values = st.floats(-1000, 1000, width=32, allow_subnormal=False)
    X = draw(arrays(draw(st.sampled_from([np.float32, np.float64])), (n_samples, n_features), elements=values))
    y = draw(arrays(np.float64, (n_samples, k), elements=values))
    return np.array(X, order=draw(st.sampled_from("CF"))), y


@pytest.mark.parametrize("name", [name for name in backends.available() if name != "python"])
@settings(deadline=None, max_examples=80)
@given(problem=small_problems(), intercepts=st.integers(0, 1))
def test_parity_on_drawn_problems(name, problem, intercepts):
    assert_parity(name, *problem, intercepts)


@pytest.mark.parametrize("intercepts", [1, 0])
def test_a_target_gets_the_answer_that_it_gets_alone(intercepts):
    X, y = PROBLEMS["tutorial"]()
    targets, rates = several_targets(y, 5), stable_rates(X, intercepts)
    weights = start(X, intercepts, (5,))
    _, *together = descend("python", X, targets, weights, rates)
    for k in range(5):
        _, *alone = descend("python", X, np.ascontiguousarray(targets[:, k]), weights[:, k], rates)
        for matrix, vector in zip(together, alone, strict=True):
            np.testing.assert_array_equal(matrix[..., k], vector)


@every_path
@pytest.mark.parametrize("shape", [(1, 1), (3, 2), (7, 5), (70, 4), (131, 11), (65, 100), (23, 700)])
def test_every_remainder_of_rows_columns_and_targets(monkeypatch, path, shape):
    backend = use(monkeypatch, path)
    X, y = random_problem(*shape)
    for k in COUNTS if shape[1] < 100 else (1, 9):
        for dtype, order, intercepts in ((np.float64, "C", 1), (np.float32, "F", 0), (np.float64, "F", 1)):
            A, targets = np.asarray(X, dtype=dtype, order=order), several_targets(y, k)
            weights, rates = start(A, intercepts, (k,)), stable_rates(A, intercepts, 3)
            expected, scales = solve_targets(A, targets, weights, rates)
            case = f"{shape} {k} {dtype.__name__} {order}"
            assert_same(case, descend(backend, A, targets, weights, rates), expected, scales)


def solve_targets(X, targets, weights, rates):
    """Return the answer of NumPy's lines, which the tests above compare with the Python loop, and the scales."""
    expected = descend("numpy", X, targets, weights, rates)
    return expected, summed_terms(X, targets, np.maximum(abs(weights), abs(expected[1])), rates.max())


@every_path
@pytest.mark.parametrize(("n_samples", "n_features", "k"), [(2000, 3, 40), (700, 60, 9), (5000, 2, 3)])
def test_several_blocks_give_the_same_bits_for_every_number_of_threads(monkeypatch, path, n_samples, n_features, k):
    backend = use(monkeypatch, path)
    X, y = random_problem(n_samples, n_features)
    for dtype, order in ((np.float64, "C"), (np.float32, "F")):
        A, targets = np.asarray(X, dtype=dtype, order=order), several_targets(y, k)
        weights, rates = start(A, 1, (k,)), stable_rates(A, 1, 4)
        expected, scales = solve_targets(A, targets, weights, rates)
        first = descend(backend, A, targets, weights, rates)
        assert_same("one thread", first, expected, scales)
        for threads in (2, 3, 8):
            assert_same_bits(threads, descend(backend, A, targets, weights, rates, threads), first)


@every_path
def test_the_bits_of_a_target_do_not_depend_on_the_targets_beside_it(monkeypatch, path):
    backend = use(monkeypatch, path)
    X, y = random_problem(60, 7)
    targets, rates = several_targets(y, 21), stable_rates(X, 1)
    weights = start(X, 1, (21,))
    _, *together = descend(backend, X, targets, weights, rates)
    for few in (slice(0, 1), slice(3, 8), slice(15, 21)):
        part = np.ascontiguousarray(targets[:, few])
        _, *alone = descend(backend, X, part, np.ascontiguousarray(weights[:, few]), rates)
        for all_, some in zip(together, alone, strict=True):
            np.testing.assert_array_equal(all_[..., few], some)


@pytest.mark.parametrize("name", LAYOUTS)
def test_data_are_never_written_to_and_may_be_read_only(backend, name):
    X, y = PROBLEMS[name]()
    targets, weights, rates = several_targets(y, 3), start(X, 1, (3,)), stable_rates(X, 1)
    before = [array.tobytes() for array in (X, targets, rates)]
    _, *writable = descend(backend, X, targets, weights, rates)
    assert [array.tobytes() for array in (X, targets, rates)] == before
    for array in (X, targets, rates):
        array.flags.writeable = False
    _, *read_only = descend(backend, X, targets, weights, rates)
    for a, b in zip(writable, read_only, strict=True):
        assert a.tobytes() == b.tobytes()


def assert_stops_like_the_loop(backend, X, y, weights, rates):
    """Assert that the backend applies as many updates as the loop, and keeps their weights; return how many."""
    expected, *_ = descend("python", X, y, weights, rates)
    applied, stopped, costs, _ = descend(backend, X, y, weights, rates)
    assert applied == expected < len(rates)
    assert np.isfinite(stopped).all()
    assert np.isfinite(costs[:applied]).all()
    _, before, _, _ = descend(backend, X, y, weights, rates[:applied])
    np.testing.assert_array_equal(stopped, before)
    return applied


@pytest.mark.parametrize("k", [1, 3, 8, 9])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_in_any_target_stops_all(backend, bad, k):
    X, y = PROBLEMS["tutorial"]()
    weights, rates = start(X, 1, (k,)), stable_rates(X, 1)
    for target in {0, k // 2, k - 1}:
        targets = several_targets(y, k)
        targets[57, target] = bad
        assert assert_stops_like_the_loop(backend, X, targets, weights, rates) == 0
    X[99, 4] = bad
    assert assert_stops_like_the_loop(backend, X, several_targets(y, k), weights, rates) == 0


@pytest.mark.parametrize("k", [1, 3, 9])
def test_a_target_that_overflows_stops_all_where_the_loop_stops(backend, k):
    X, y = PROBLEMS["tutorial"]()
    targets = several_targets(y, k)
    targets[:, -1] *= 1e100
    rates = 1e3 * stable_rates(X, 1, epochs=200)
    assert assert_stops_like_the_loop(backend, X, targets, start(X, 1, (k,)), rates) > 5


def test_costs_near_the_end_of_the_range_do_not_stop_each_other(backend):
    X, y = PROBLEMS["tutorial"]()
    targets = np.full((len(y), 300), 1.3e153)
    applied, _, costs, _ = descend(backend, X, targets, np.zeros((6, 300)), np.full(2, 1e-3))
    assert applied == 2
    with np.errstate(over="ignore"):
        assert np.isinf(np.sum(costs[0]))


def test_no_epochs_leave_the_weights_unchanged(backend):
    X, y = PROBLEMS["tutorial"]()
    applied, weights, _, _ = descend(backend, X, several_targets(y, 3), start(X, 1, (3,)), np.empty(0))
    assert applied == 0
    np.testing.assert_array_equal(weights, start(X, 1, (3,)))


REFUSED = {
    "y": ({"y": np.zeros((6, 2))}, r"y must have shape \(7, k\), to fit X of shape \(7, 2\); got \(6, 2\)"),
    "no target": ({"y": np.zeros((7, 0)), "weights": np.zeros((3, 0)), "gradient": np.zeros((3, 0)),
                   "costs": np.zeros((4, 0))}, "y must have shape"),
    "order": ({"y": np.asfortranarray(np.zeros((7, 2)))}, "y must be contiguous"),
    "one target's weights": ({"weights": np.zeros(3)}, r"weights must have shape \(2, 2\), or \(3, 2\) with an"),
    "fewer weights": ({"weights": np.zeros((1, 2))}, "weights must have shape"),
    "gradient": ({"gradient": np.zeros((3, 1))}, r"gradient must have the shape of the weights, \(3, 2\)"),
    "costs": ({"costs": np.zeros(4)}, r"costs must have the shape of the rates and one column .*, \(4, 2\)"),
    "three dimensions": ({"y": np.zeros((7, 2, 1))}, "y must have one or two dimensions"),
    "rates": ({"rates": np.zeros((4, 2))}, "rates must have one dimension"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_arrays_that_do_not_fit_are_refused(backend, case):
    changed, message = REFUSED[case]
    arrays_ = {"X": np.ones((7, 2)), "y": np.zeros((7, 2)), "weights": np.zeros((3, 2)), "rates": np.zeros(4),
               "costs": np.zeros((4, 2)), "gradient": np.zeros((3, 2))} | changed  # fmt: skip
    with pytest.raises(ValueError, match=message):
        backends.descend(**arrays_, backend=backend)
    with pytest.raises(ValueError, match=message):
        backends.load(backend).descend(**arrays_)


@pytest.mark.skipif("cython" not in backends.available(), reason="the extension is not built")
@pytest.mark.parametrize("name", ["y", "weights", "costs", "gradient", "partials"])
def test_the_kernel_itself_refuses_what_it_would_read_or_write_outside(name):
    kernel = backends.load("cython")._kernel
    arrays_ = {"y": np.zeros((20, 3)), "weights": np.zeros((1, 3, 8)), "rates": np.zeros(4), "costs": np.zeros((4, 3)),
               "gradient": np.zeros((3, 3)), "partials": np.zeros((1, 1, 4, 8))}  # fmt: skip

    def call(**changed):
        X, y, weights, rates, costs, gradient, partials = (np.ones((20, 2)), *(arrays_ | changed).values())
        sync = np.zeros(64, dtype=np.int64)
        return kernel.run_target_member(X, y, weights, rates, costs, gradient, 1, 32, partials, sync, 0, 1, 0)

    assert call() == 4
    for axis in range(arrays_[name].ndim):
        shape = list(arrays_[name].shape)
        shape[axis] -= 1
        with pytest.raises(ValueError, match=r"must (have|cover)"):
            call(**{name: np.zeros(shape)})


RIGHT = """
import numpy as np

def descend(X, y, weights, rates, costs, gradient, threads=1):
    n, p = X.shape
    A = np.column_stack([np.ones((n, len(weights) - p)), X.astype(np.float64)])
    for k in range(len(rates)):
        residual = A @ weights - y
        costs[k] = (residual * residual).sum(axis=0) / (2 * n)
        gradient[:] = A.T @ residual / n
        weights -= rates[k] * gradient
    return len(rates)
"""
WRONG = {
    "targets in the other order": ("A @ weights - y", "A @ weights - y[:, ::-1]"),
    "weights of the first target for all": ("A @ weights - y", "A @ weights[:, :1] - y"),
    "cost of all targets together": (".sum(axis=0)", ".sum()"),
    "cost averaged over the targets": ("/ (2 * n)", "/ (2 * n * y.shape[1])"),
    "last target not updated": ("weights -= rates[k] * gradient",
                                "weights[:, :-1] -= rates[k] * gradient[:, :-1]"),
    "last target's cost left out": ("(residual * residual)", "(residual * residual * [1, 1, 0])"),
    "gradient transposed": ("A.T @ residual", "(residual.T @ A).reshape(gradient.shape)"),
    "gradient of the first target for all": ("A.T @ residual", "A.T @ residual[:, :1]"),
    "float32 targets": ("- y", "- y.astype(np.float32)"),
    "ten digits of one target": ("weights -=", "gradient[:, 1] *= 1 + 1e-10; weights -="),
}  # fmt: skip


@pytest.fixture
def register(monkeypatch):
    """Return a function that registers a source text as the backend 'candidate'."""

    def register(source):
        module = ModuleType("candidate_backend")
        exec(source, module.__dict__)
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setitem(backends.MODULES, "candidate", module.__name__)

    return register


def test_a_right_backend_passes(register):
    register(RIGHT)
    X, y = PROBLEMS["tutorial"]()
    assert_parity("candidate", X, several_targets(y, 3), 1)
    assert_parity("candidate", X, several_targets(y, 3), 0)


@pytest.mark.parametrize("fault", WRONG)
def test_a_wrong_backend_fails(register, fault):
    right, wrong = WRONG[fault]
    assert RIGHT.count(right) == 1
    register(RIGHT.replace(right, wrong))
    X, y = PROBLEMS["tutorial"]()
    with np.errstate(all="ignore"), pytest.raises((AssertionError, ValueError)):
        assert_parity("candidate", X, several_targets(y, 3), 1)


def test_every_compiled_backend_is_here():
    assert {backend for backend, _ in PATHS.values()} == {"cython", "numba"} & set(backends.available())
