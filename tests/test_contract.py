"""Every backend keeps the contract: the same bits, inputs left unchanged, stops before a NaN, bad arrays refused."""

import numpy as np
import pytest
from parity import descend, stable_rates, start
from problems import PROBLEMS, random_problem

from fastgd import backends

WITH_AND_WITHOUT_INTERCEPT = pytest.mark.parametrize("intercepts", [1, 0], ids=["intercept", "no intercept"])
LAYOUTS = ["tutorial", "fortran", "float32", "float32 fortran"]
# The NumPy backend is not listed, because the bits of BLAS depend on the alignment of the data.
COMPILED = [name for name in backends.available() if name in ("cython", "numba")]


@WITH_AND_WITHOUT_INTERCEPT
@pytest.mark.parametrize("name", [*LAYOUTS, "513 x 3 F"])
def test_every_run_and_every_number_of_threads_give_the_same_bits(backend, name, intercepts):
    X, y = PROBLEMS[name]()
    weights, rates = start(X, intercepts), stable_rates(X, intercepts)
    _, *first = descend(backend, X, y, weights, rates)
    for threads in (1, 1, 2, 3, 8):
        _, *again = descend(backend, X, y, weights, rates, threads)
        for a, b in zip(first, again, strict=True):
            assert a.tobytes() == b.tobytes()


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("compiled", COMPILED)
def test_every_alignment_of_the_data_gives_the_same_bits(compiled, name):
    X, y = PROBLEMS[name]()
    weights, rates = start(X, 1), stable_rates(X, 1)
    _, *first = descend(compiled, X, y, weights, rates)
    for shift in range(1, 5):
        order = "C" if X.flags.c_contiguous else "F"
        shifted = np.empty(X.size + shift, X.dtype)[shift:].reshape(X.shape, order=order)
        shifted[...] = X
        _, *again = descend(compiled, shifted, y, weights, rates)
        for a, b in zip(first, again, strict=True):
            assert a.tobytes() == b.tobytes()


@pytest.mark.parametrize("name", PROBLEMS)
def test_one_call_for_each_epoch_gives_the_bits_of_one_call(backend, name):
    # A kernel may prepare the data in a call of many epochs; the bits must be those of calls of one epoch.
    X, y = PROBLEMS[name]()
    weights, rates = start(X, 1), stable_rates(X, 1, epochs=12)
    _, together, costs, gradient = descend(backend, X, y, weights, rates)
    for epoch in range(12):
        _, weights, cost, last_gradient = descend(backend, X, y, weights, rates[epoch : epoch + 1])
        assert cost[0] == costs[epoch]
    assert weights.tobytes() == together.tobytes()
    assert last_gradient.tobytes() == gradient.tobytes()


@pytest.mark.parametrize("name", LAYOUTS)
def test_data_are_never_written_to(backend, name):
    X, y = PROBLEMS[name]()
    weights, rates = start(X, 1), stable_rates(X, 1)
    before = [array.tobytes() for array in (X, y, rates)]
    _, *writable = descend(backend, X, y, weights, rates)
    assert [array.tobytes() for array in (X, y, rates)] == before
    for array in (X, y, rates):
        array.flags.writeable = False
    _, *read_only = descend(backend, X, y, weights, rates)
    for a, b in zip(writable, read_only, strict=True):
        assert a.tobytes() == b.tobytes()


def test_no_epochs_leave_the_weights_unchanged(backend):
    X, y = PROBLEMS["tutorial"]()
    applied, weights, _, _ = descend(backend, X, y, start(X, 1), np.empty(0))
    assert applied == 0
    np.testing.assert_array_equal(weights, start(X, 1))


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


@WITH_AND_WITHOUT_INTERCEPT
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", LAYOUTS)
def test_a_value_that_is_not_finite_stops_before_the_first_update(backend, name, bad, intercepts):
    X, y = PROBLEMS[name]()
    rates = stable_rates(X, intercepts)
    for row in (0, 5, len(X) - 1):  # in the first block of rows, in a later block, in the remainder
        for target in (X[row, 1:2], y[row : row + 1]):
            good = target.copy()
            target[:] = bad
            assert assert_stops_like_the_loop(backend, X, y, start(X, intercepts), rates) == 0
            target[:] = good


@WITH_AND_WITHOUT_INTERCEPT
@pytest.mark.parametrize("name", [*LAYOUTS, "513 x 3 F", "more columns than rows"])
def test_a_run_that_overflows_stops_where_the_loop_stops(backend, name, intercepts):
    X, y = PROBLEMS[name]()
    rates = 1e4 * stable_rates(X, intercepts, epochs=200)
    assert assert_stops_like_the_loop(backend, X, y, start(X, intercepts), rates) > 5


def test_an_update_that_overflows_is_not_applied_even_if_its_cost_is_finite(backend):
    X, y = random_problem(9, 2)
    rates = np.array([0.1, 0.1, 1.7e308, 0.1])
    assert assert_stops_like_the_loop(backend, X, 100 * y, start(X, 1), rates) == 2


@pytest.mark.parametrize("shape", [(1,), (4,), (0,), (2, 1), (3, 1)])
def test_weights_of_a_wrong_shape_are_refused(backend, shape):
    X, y = random_problem(7, 2)
    with pytest.raises(ValueError, match="weights must have ") as caught:
        backends.descend(X, y, np.zeros(shape), np.ones(1), np.empty(1), np.empty(shape), backend=backend)
    assert str(shape) in str(caught.value)
    assert "(7, 2)" in str(caught.value) or len(shape) == 2
