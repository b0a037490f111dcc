"""Every path through the compiled kernels gives the answer of the Python loop.

A path depends on the CPU level, the order and type of X, the number of columns (narrow, short rows, long rows,
strips), the rows and columns left over, the packing of a small X, and the number of threads.
"""

import json
from functools import cache
from itertools import cycle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from parity import assert_close, descend, stable_rates, start, summed_terms
from problems import random_problem
from processes import run_python

from fastgd import backends
from fastgd.backends.threads import BLOCK_ELEMENTS, rows_per_block

LEVELS = backends.load("cython")._kernel.levels() if "cython" in backends.available() else []
# Name of a test -> backend and CPU level.
PATHS = {f"cython-{name}": ("cython", level) for level, name in enumerate(LEVELS)}
PATHS |= {"numba": ("numba", None)} if "numba" in backends.available() else {}
LAYOUTS = [(dtype, order) for dtype in (np.float64, np.float32) for order in "CF"]

every_path = pytest.mark.parametrize("path", PATHS)


def use(monkeypatch, path):
    """Set the CPU level of a path and return the name of its backend."""
    backend, level = PATHS[path]
    if level is not None:
        monkeypatch.setattr(backends.load(backend), "LEVEL", level)
    return backend


@cache
def solved(n_samples, n_features, dtype, intercepts, epochs):
    """Return a problem, the Python loop's answer, and the scale of a comparison with it."""
    X, y = random_problem(n_samples, n_features)
    return X.astype(dtype), y, *solve(X.astype(dtype), y, intercepts, epochs)


def solve(X, y, intercepts, epochs):
    """Return the first weights, the rates, the Python loop's answer, and the scale of a comparison with it."""
    weights, rates = start(X, intercepts), stable_rates(X, intercepts, epochs)
    expected = descend("python", X, y, weights, rates)
    scales = summed_terms(X, y, np.maximum(abs(weights), abs(expected[1])), rates.max())
    return weights, rates, expected, scales


def assert_same(case, actual, expected, scales):
    """Demand the Python loop's answer, to the tolerance that tests/parity.py explains."""
    assert actual[0] == expected[0], case
    assert_close(f"{case}: weights", actual[1], expected[1], scales["weights"])
    assert_close(f"{case}: costs", np.sqrt(2 * actual[2]), np.sqrt(2 * expected[2]), scales["residuals"])
    assert_close(f"{case}: gradient", actual[3], expected[3], scales["gradient"])


def assert_same_bits(case, actual, expected):
    assert actual[0] == expected[0], case
    for a, b in zip(actual[1:], expected[1:], strict=True):
        assert a.tobytes() == b.tobytes(), case


# Every remainder of rows. Vectors may be columns of rows, so remainders after two or more vectors too.
ROWS, MORE_ROWS = range(1, 18), range(40, 58)
# Every remainder of columns, then sizes around whole vectors and around the limits of the paths.
COLUMNS = [*range(1, 18), 24, 25, 47, 48, 49, 50, 64, 65, 100, 129]


@every_path
@pytest.mark.parametrize("n_features", COLUMNS)
def test_every_remainder_of_rows_and_columns(monkeypatch, path, n_features):
    backend = use(monkeypatch, path)
    for epochs in (2, 5) if n_features <= 16 else (2,):  # a small X with at most 16 features is packed
        for n_samples in (*ROWS, *MORE_ROWS) if n_features <= 25 else ROWS:
            for dtype, order in LAYOUTS:
                for intercepts in (0, 1):
                    X, y, weights, rates, expected, scales = solved(n_samples, n_features, dtype, intercepts, epochs)
                    actual = descend(backend, np.array(X, order=order), y, weights, rates)
                    assert_same((n_samples, dtype, order, intercepts, epochs), actual, expected, scales)


# Numbers of rows around one and two tiles, where a kernel may take that many rows at a time.
TILES = [
    (tiles * rows + extra, n_features)
    for n_features, rows in [(9, 512), (50, 488), (129, 184), (400, 64)]
    for tiles in (1, 2)
    for extra in (-1, 0, 1, 9)
    if tiles * rows * n_features < 50_000
]


@every_path
def test_rows_around_whole_tiles(monkeypatch, path):
    backend = use(monkeypatch, path)
    for n_samples, n_features in TILES:
        for dtype, order in LAYOUTS:
            X, y, weights, rates, expected, scales = solved(n_samples, n_features, dtype, 1, 2)
            actual = descend(backend, np.array(X, order=order), y, weights, rates)
            assert_same((n_samples, n_features, dtype, order), actual, expected, scales)


# Shapes of at least four blocks, with every remainder of rows.
LARGE = [
    (4 * BLOCK_ELEMENTS // n_features + rest, n_features)
    for rest, n_features in zip(range(18), cycle([8, 17, 50, 1, 129, 9, 3]), strict=False)
]


@every_path
@pytest.mark.parametrize(("n_samples", "n_features"), LARGE)
def test_several_blocks_for_every_number_of_threads(monkeypatch, path, n_samples, n_features):
    backend = use(monkeypatch, path)
    assert -(-n_samples // rows_per_block(n_samples, n_features)) >= 4
    intercepts = n_samples % 2
    for dtype, order in LAYOUTS:
        X, y, weights, rates, expected, scales = solved(n_samples, n_features, dtype, intercepts, 2)
        X = np.array(X, order=order)
        first = descend(backend, X, y, weights, rates)
        assert_same((dtype, order), first, expected, scales)
        for threads in (1, 2, 3, 4):
            assert_same_bits((dtype, order, threads), descend(backend, X, y, weights, rates, threads), first)


@every_path
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("shape", [(41_603, 101), (2_805, 1_511)])
def test_rows_out_of_cache(monkeypatch, path, shape, dtype):
    """If X is larger than 16 MB, columns are prefetched: in both passes, or in one for very many columns."""
    backend = use(monkeypatch, path)
    X, y, weights, rates, expected, scales = solved(*shape, dtype, 1, 1)
    assert X.nbytes > 1 << 24
    for order in "CF":
        ordered = np.array(X, order=order)
        first = descend(backend, ordered, y, weights, rates)
        assert_same((dtype, order), first, expected, scales)
        assert_same_bits((dtype, order), descend(backend, ordered, y, weights, rates, 2), first)


def drawn_problems(columns):
    """Draw (X, y), with values that repeat, cancel and differ by orders of magnitude."""
    values = st.floats(-1000, 1000, width=32, allow_subnormal=False)
    return st.tuples(st.integers(1, 40), columns, st.sampled_from(LAYOUTS)).flatmap(
        lambda size: st.tuples(
            arrays(size[2][0], size[:2], elements=values).map(lambda X: np.array(X, order=size[2][1])),
            arrays(np.float64, size[0], elements=values),
        )
    )


@every_path
@pytest.mark.parametrize("columns", [(1, 8), (9, 70)], ids=["narrow", "wide"])
def test_parity_on_drawn_problems(path, columns):
    @settings(deadline=None, max_examples=40)
    @given(problem=drawn_problems(st.integers(*columns)), intercepts=st.integers(0, 1), epochs=st.integers(1, 6))
    def check(problem, intercepts, epochs):
        weights, rates, expected, scales = solve(*problem, intercepts, epochs)
        assert_same("drawn", descend(backend, *problem, weights, rates), expected, scales)

    with pytest.MonkeyPatch.context() as monkeypatch:
        backend = use(monkeypatch, path)
        check()


@every_path
@pytest.mark.parametrize("n_features", [3, 8, 13, 50, 101])
def test_the_answer_depends_on_nothing_but_the_data(monkeypatch, path, n_features):
    """Not on the address of the data, nor on the numbers beside it, nor on its being writable."""
    backend = use(monkeypatch, path)
    for dtype, order in LAYOUTS:
        X, y, weights, rates, *_ = solved(45, n_features, dtype, 1, 5)
        X = np.array(X, order=order)
        expected = descend(backend, X, y, weights, rates)
        for offset in range(1, 9):
            moved, target = amid_nan(X, offset), amid_nan(y, 9 - offset)
            assert moved.flags.c_contiguous == X.flags.c_contiguous
            moved.flags.writeable = target.flags.writeable = False
            assert_same_bits((dtype, order, offset), descend(backend, moved, target, weights, rates), expected)


def amid_nan(array, offset):
    """Return a copy that begins `offset` elements after a multiple of 64 bytes, with NaN in front and behind."""
    line = 64 // array.itemsize
    memory = np.full(array.size + 6 * line, np.nan, array.dtype)
    begin = 2 * line - memory.ctypes.data % 64 // array.itemsize + offset
    order = "C" if array.flags.c_contiguous else "F"
    copy = memory[begin : begin + array.size].reshape(array.shape, order=order)
    assert copy.ctypes.data % 64 == offset * array.itemsize % 64
    copy[...] = array
    return copy


# One block: packed, short rows, long rows. Several blocks, shared by two threads: narrow, short rows, long rows.
shapes_of_every_kind = pytest.mark.parametrize(
    ("n_samples", "n_features"), [(43, 3), (43, 13), (43, 101), (16391, 8), (7711, 17), (1037, 129)]
)


@every_path
@shapes_of_every_kind
def test_data_that_are_not_finite_stop_before_the_first_update(monkeypatch, path, n_samples, n_features):
    backend = use(monkeypatch, path)
    data, y = random_problem(n_samples, n_features)
    weights, rates = np.zeros(n_features + 1), np.full(5, 0.01)
    for dtype, order in LAYOUTS:
        X = np.array(data, dtype, order=order)
        for bad in (np.nan, np.inf, -np.inf):
            for row in (0, n_samples // 2, n_samples - 1):
                for column in (0, n_features // 2, n_features - 2, n_features - 1):
                    X[row, column], good = bad, X[row, column]
                    for threads in (1, 2):
                        applied, stopped, *_ = descend(backend, X, y, weights, rates, threads)
                        assert applied == 0, (dtype, order, bad, row, column, threads)
                        assert stopped.tobytes() == weights.tobytes()
                    X[row, column] = good


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_the_python_loop_too_stops_before_the_first_update(bad):
    X, y = random_problem(43, 13)
    X[20, 12] = bad
    assert descend("python", X, y, np.zeros(14), np.full(5, 0.01))[0] == 0


@every_path
@shapes_of_every_kind
def test_growth_out_of_range_stops_at_the_right_epoch(monkeypatch, path, n_samples, n_features):
    backend = use(monkeypatch, path)
    for dtype, order in LAYOUTS:
        X, y, weights, expected = overflown(n_samples, n_features, dtype)
        X = np.array(X, order=order)
        for threads in (1, 2):
            applied, stopped, costs, _ = descend(backend, X, y, weights, RATES_TOO_LARGE, threads)
            assert applied == expected, (dtype, order, threads)
            assert np.isfinite(stopped).all()
            assert np.isfinite(costs[:applied]).all()
            assert_same_bits(
                (dtype, order, threads),
                descend(backend, X, y, weights, RATES_TOO_LARGE[:applied])[:2],
                (applied, stopped),
            )


RATES_TOO_LARGE = np.full(20, 1e30)


@cache
def overflown(n_samples, n_features, dtype):
    """Return a problem, first weights, and the epoch at which the Python loop stops."""
    X, y = random_problem(n_samples, n_features)
    X, weights = X.astype(dtype), np.zeros(n_features + 1)
    applied, *_ = descend("python", X, y, weights, RATES_TOO_LARGE)
    assert 2 <= applied < len(RATES_TOO_LARGE)
    return X, y, weights, applied


CONFIG = "from fastgd.cli.main import main\nsys.exit(main({arguments}))"


@pytest.mark.parametrize("name", LEVELS)
def test_a_lower_level_can_be_asked_for(name):
    output = run_python(CONFIG.format(arguments=["config", "--json"]), FASTGD_CPU_LEVEL=name)
    assert json.loads(output)["extension"]["cpu_level"] == name


@pytest.mark.skipif(not LEVELS, reason="the extension is not built")
def test_without_asking_the_highest_level_is_used(monkeypatch):
    monkeypatch.setenv("FASTGD_CPU_LEVEL", "")
    assert backends.load("cython").choose_level() == LEVELS[-1]


@pytest.mark.skipif(not LEVELS, reason="the extension is not built")
def test_an_unknown_level_names_those_there_are():
    shown = json.loads(run_python(CONFIG.format(arguments=["config", "--json"]), FASTGD_CPU_LEVEL="sse9"))
    reason = f"FASTGD_CPU_LEVEL must be one of {', '.join(LEVELS)} on this machine; got 'sse9'"
    assert shown["unusable"]["cython"] == f"backend 'cython' cannot be loaded: {reason}"
    assert "cython" not in shown["backends"]


@pytest.mark.skipif(len({backend for backend, _ in PATHS.values()}) < 2, reason="one of the two is not installed")
def test_numba_shares_the_sizes_of_the_compiled_kernel():
    from fastgd.backends.numba import epochs, loops, memory, targets

    sizes = backends.load("cython")._kernel.constants()
    numba = vars(epochs) | vars(loops) | vars(memory) | vars(targets)
    assert {name: numba[name] for name in sizes} == sizes


def test_no_kernel_is_left_out():
    assert {backend for backend, _ in PATHS.values()} == {"cython", "numba"} & set(backends.available())
