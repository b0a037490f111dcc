"""Nothing gets past the door of the kernels: what does not keep the contract is refused before anything is written."""

import ctypes
import re
import subprocess
import sys

import numpy as np
import pytest

from fastgd import backends

BACKENDS = backends.available()
OUTPUTS = ("weights", "costs", "gradient")


def good_call(n_samples=7, n_features=2, epochs=5):
    """Return arguments that keep the contract."""
    generator = np.random.default_rng(3)
    return {
        "X": generator.standard_normal((n_samples, n_features)),
        "y": generator.standard_normal(n_samples),
        "weights": np.zeros(n_features + 1),
        "rates": np.full(epochs, 0.1),
        "costs": np.full(epochs, -1.0),
        "gradient": np.full(n_features + 1, -1.0),
    }


def spaced(array, step):
    """Return an equal array whose numbers are `step` places apart in memory."""
    return np.repeat(array, abs(step))[:: abs(step)] if step > 0 else array[::-1].copy()[::-1]


def unaligned(array):
    """Return an equal array that begins one byte behind a multiple of the size of its numbers."""
    bytes_of = np.empty(array.nbytes + 1, np.uint8)[1:]
    shifted = bytes_of.view(array.dtype).reshape(array.shape)
    shifted[...] = array
    return shifted


def read_only(array):
    array.flags.writeable = False
    return array


def swapped(array):
    """Return an equal array of the other byte order."""
    return array.astype(array.dtype.newbyteorder())


def from_ctypes(array):
    """Return an equal array in memory of ctypes; its type names its byte order, as in ``<d``."""
    number = ctypes.c_float if array.dtype == np.float32 else ctypes.c_double
    flat = np.ctypeslib.as_array((number * array.size)())
    flat[:] = array.ravel(order="K")
    return flat.reshape(array.shape, order="C" if array.flags.c_contiguous else "F")


class Matrix(np.ndarray):
    """A type of its own, which may compute otherwise."""


def expect_refusal(changed, message, error=ValueError, call=backends.descend, **options):
    """Assert that a call is refused with the message, and that no array has changed."""
    arguments = good_call() | changed
    before = [np.array(value, copy=True) if isinstance(value, np.ndarray) else value for value in arguments.values()]
    with pytest.raises(error, match=message):
        call(**arguments, **options)
    for old, new in zip(before, arguments.values(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.fixture(params=["dispatch", *BACKENDS])
def call(request):
    """Return the dispatch function, or the kernel of a backend, called directly."""
    return backends.descend if request.param == "dispatch" else backends.load(request.param).descend


DTYPES = [
    bool,
    np.int8,
    np.int32,
    np.int64,
    np.uint64,
    np.float16,
    np.longdouble,
    complex,
    object,
    "U3",
    "M8[s]",
    "f8,f8",
]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", ["X", "y", "weights", "rates", "costs", "gradient"])
def test_another_dtype_is_refused(call, name, dtype):
    wrong = np.zeros(good_call()[name].shape, dtype)
    expect_refusal({name: wrong}, f"^{name} must have dtype float64.*; got {re.escape(wrong.dtype.name)}", call=call)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_both_types_of_x_are_taken(call, dtype):
    arguments = good_call()
    assert call(**(arguments | {"X": arguments["X"].astype(dtype)})) == 5


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_arrays_of_ctypes_are_taken(call, dtype, order):
    plain = good_call()
    plain["X"] = plain["X"].astype(dtype, order=order)
    arrays = {name: from_ctypes(array) for name, array in plain.items()}
    assert call(**arrays) == call(**plain) == 5
    np.testing.assert_array_equal(arrays["weights"], plain["weights"])


@pytest.mark.parametrize("name", ["y", "weights", "rates", "costs", "gradient"])
def test_float32_is_for_x_alone(call, name):
    expect_refusal(
        {name: good_call()[name].astype(np.float32)}, f"^{name} must have dtype float64; got float32", call=call
    )


@pytest.mark.parametrize("name", list(good_call()))
def test_the_other_byte_order_is_refused(call, name):
    expect_refusal({name: swapped(good_call()[name])}, f"^{name} must have dtype .*byte order", call=call)


@pytest.mark.parametrize("name", list(good_call()))
def test_an_array_between_addresses_is_refused(call, name):
    expect_refusal({name: unaligned(good_call()[name])}, f"^{name} must be aligned", call=call)


@pytest.mark.parametrize("step", [2, 3, -1])
@pytest.mark.parametrize("name", ["y", "weights", "rates", "costs", "gradient"])
def test_spaced_and_reversed_arrays_are_refused(call, name, step):
    expect_refusal({name: spaced(good_call()[name], step)}, f"^{name} must be contiguous; got strides", call=call)


@pytest.mark.parametrize("name", ["y", "rates"])
def test_a_broadcast_is_refused(call, name):
    broadcast = np.broadcast_to(0.5, good_call()[name].shape)
    expect_refusal({name: broadcast}, f"^{name} must be contiguous", call=call)


def test_a_column_of_a_matrix_is_refused(call):
    expect_refusal({"y": np.zeros((7, 4))[:, 1]}, "^y must be contiguous", call=call)


@pytest.mark.parametrize(
    "X",
    [
        np.zeros((14, 4))[::2, ::2],
        np.zeros((7, 4))[:, :2],
        np.zeros((7, 2))[::-1],
        np.broadcast_to(np.zeros((7, 1)), (7, 2)),
        np.broadcast_to(np.zeros(2), (7, 2)),
        np.zeros((2, 9)).T[:7],
    ],
    ids=["every other", "first columns", "reversed", "one column", "one row", "first rows of columns"],
)
def test_an_x_with_gaps_is_refused(call, X):
    expect_refusal({"X": X}, "^X must be C- or Fortran-contiguous; got strides", call=call)


@pytest.mark.parametrize("name", OUTPUTS)
def test_a_read_only_output_is_refused(call, name):
    expect_refusal({name: read_only(good_call()[name])}, f"^{name} must be writeable", call=call)


def test_read_only_inputs_are_taken(call):
    arguments = good_call()
    assert call(**(arguments | {name: read_only(arguments[name]) for name in ("X", "y", "rates")})) == 5


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"X": np.zeros((0, 2)), "y": np.zeros(0)}, r"X must have at least one row and one column; got shape \(0, 2\)"),
        ({"X": np.zeros((7, 0)), "weights": np.zeros(1), "gradient": np.zeros(1)}, r"at least one row .* \(7, 0\)"),
        ({"X": np.zeros((7, 0)), "weights": np.zeros(0), "gradient": np.zeros(0)}, r"at least one row .* \(7, 0\)"),
        ({"X": np.zeros(7)}, r"X must have shape \(n_samples, n_features\); got shape \(7,\)"),
        ({"X": np.zeros((7, 2, 1))}, r"X must have shape \(n_samples, n_features\); got shape \(7, 2, 1\)"),
        ({"y": np.zeros(6)}, r"y must have shape \(7,\), to fit X of shape \(7, 2\); got \(6,\)"),
        ({"y": np.zeros((7, 1))}, r"weights must have shape \(2, 1\), or \(3, 1\) with an intercept, .* got \(3,\)"),
        ({"y": np.array(1.0)}, r"y must have one or two dimensions; got shape \(\)"),
        (
            {"weights": np.zeros(4), "gradient": np.zeros(4)},
            r"weights must have shape \(2,\), or \(3,\) .*\(7, 2\)",
        ),
        (
            {"weights": np.zeros(0), "gradient": np.zeros(0)},
            r"weights must have shape \(2,\), or \(3,\) .*\(7, 2\)",
        ),
        ({"gradient": np.empty(2)}, r"gradient must have the shape of the weights, \(3,\); got \(2,\)"),
        ({"costs": np.empty(4)}, r"costs must have the shape of the rates, \(5,\); got \(4,\)"),
        ({"costs": np.empty(9)}, r"costs must have the shape of the rates, \(5,\); got \(9,\)"),
        ({"rates": np.empty((5, 1)), "costs": np.empty((5, 1))}, r"rates must have one dimension"),
    ],
)
def test_another_shape_is_refused(call, changed, message):
    expect_refusal(changed, message, call=call)


@pytest.mark.parametrize("name", list(good_call()))
@pytest.mark.parametrize("make", [list, np.ndarray.tolist, memoryview, np.ma.array, lambda a: a.view(Matrix)])
def test_what_is_no_plain_array_is_refused(call, name, make):
    wrong = make(good_call()[name])
    with pytest.raises(TypeError, match=f"^{name} must be a numpy.ndarray; got a {type(wrong).__name__}"):
        call(**(good_call() | {name: wrong}))


@pytest.mark.parametrize("threads", [0, -1, -(10**30)])
def test_no_threads_are_refused(call, threads):
    expect_refusal({"threads": threads}, "^threads must be 1 or more; got", call=call)


@pytest.mark.parametrize("threads", [True, 1.0, "2", None, np.array([1, 2])])
def test_threads_that_are_no_integer_are_refused(call, threads):
    with pytest.raises(TypeError, match=r"^threads must be a whole number; got"):
        call(**good_call(), threads=threads)


class Two:
    """An integer of a type of its own."""

    def __index__(self):
        return 2


@pytest.mark.parametrize("threads", [1, np.int64(2), np.uint8(32), np.int8(16), np.array(3), Two(), 10**30], ids=str)
def test_any_number_of_threads_from_one_on_is_taken(call, threads):
    n_features = 3 if call is backends.load("python").descend else 700  # 32 blocks, each of which a thread could take
    assert call(**good_call(1600, n_features), threads=threads) == 5


def views_of_one(**places):
    """Return arrays that are views of one line of numbers, at the given places."""
    line = np.zeros(40)
    return {name: line[first:last] for name, (first, last) in places.items()}


# Each makes one array of good arguments share memory with another: the names, as the message has them, and how.
OVERLAPS = {
    "rates and costs": lambda a: {"costs": a["rates"]},
    "weights and gradient": lambda a: {"gradient": a["weights"]},
    "y and costs": lambda a: {"costs": a["y"][:5]},
    "X and costs": lambda a: {"costs": a["X"].ravel()[4:9]},
    "X and weights": lambda a: {"weights": a["X"].reshape(-1)[11:14]},
    "X and gradient": lambda a: {"gradient": np.frombuffer(a["X"].data.cast("B").cast("d"))[:3]},
    "y and weights": lambda a: {"weights": a["y"][4:]},
    "rates and gradient": lambda a: {"gradient": a["rates"][1:4]},
    "weights and costs": lambda a: views_of_one(weights=(0, 3), costs=(2, 7)),
    "costs and gradient": lambda a: views_of_one(costs=(10, 15), gradient=(14, 17)),
}


@pytest.mark.parametrize("names", OVERLAPS)
@pytest.mark.parametrize("backend", BACKENDS)
def test_an_output_that_shares_memory_is_refused(names, backend):
    arguments = good_call()
    changed = OVERLAPS[names](arguments)
    expect_refusal(arguments | changed, f"^{names} must not share memory", backend=backend)


@pytest.mark.parametrize("backend", BACKENDS)
def test_parts_of_one_array_that_do_not_overlap_are_taken(backend):
    line = np.zeros(100)
    parts = {"weights": line[:3], "costs": line[3:8], "gradient": line[8:11], "rates": line[20:25], "y": line[30:37]}
    parts["X"] = line[40:54].reshape(7, 2)
    line[20:25], line[40:54], line[30:37] = 0.1, np.arange(14), np.arange(7)
    assert backends.descend(**parts, backend=backend) == 5
    alone = {name: part.copy() for name, part in parts.items()} | {"weights": np.zeros(3)}
    assert backends.descend(**alone, backend=backend) == 5
    for name in OUTPUTS:
        np.testing.assert_array_equal(parts[name], alone[name])


def test_inputs_may_share_memory():
    X = np.random.default_rng(0).standard_normal((7, 1))
    assert backends.descend(**(good_call(7, 1) | {"X": X, "y": X[:, 0]})) == 5


def test_a_memory_map_is_taken(tmp_path, call):
    np.save(tmp_path / "X.npy", good_call()["X"])
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    first, second = good_call(), good_call()
    assert call(**(first | {"X": mapped})) == call(**second) == 5
    for name in OUTPUTS:
        assert first[name].tobytes() == second[name].tobytes()


def test_the_member_of_the_cython_kernel_refuses_what_would_leave_its_arrays():
    kernel = pytest.importorskip("fastgd.backends._kernel", reason="the extension was not built")
    X, y, w, _, costs, gradient = good_call().values()
    partials, sync = np.zeros((1, 16)), np.zeros(48, np.int64)

    rest = {"partials": partials, "sync": sync, "member": 0, "members": 1, "level": 0}
    good = good_call() | {"intercepts": 1, "block_rows": 16} | rest

    def run(**changed):
        return kernel.run_member(**(good | changed))

    assert run(sync=np.zeros(48, np.int64)) == 5
    wrong = [
        {"X": X.astype(bool)}, {"X": X.astype(np.float16)}, {"X": X.astype(np.int64)}, {"X": X.astype(complex)},
        {"X": swapped(X)}, {"X": np.zeros((14, 2))[::2]}, {"X": X[:6]}, {"X": X[0]}, {"X": np.zeros((7, 0))},
        {"X": np.zeros((7, 3))}, {"X": unaligned(X)}, {"y": y[:6]}, {"y": y.astype(np.float32)}, {"weights": w[:2]},
        {"gradient": gradient[:2]}, {"costs": costs[:4]}, {"intercepts": 2}, {"intercepts": -1}, {"intercepts": 0},
        {"block_rows": 0}, {"block_rows": -16}, {"block_rows": 1}, {"partials": np.zeros((2, 16))},
        {"partials": np.zeros((0, 16))}, {"partials": np.zeros((1, 8))}, {"partials": np.zeros((1, 17))},
        {"sync": sync[:24]}, {"sync": sync[:0]}, {"member": 1}, {"member": -1}, {"members": 0}, {"members": 4},
        {"level": -1}, {"level": 99}, {"members": 2**60},
        {"partials": np.zeros((5, 16)), "block_rows": 2**62},
    ]  # fmt: skip
    for changed in wrong:
        with pytest.raises((ValueError, TypeError)):
            run(**changed)
    alone = {name: value for name, value in good_call().items() if name != "threads"}
    alone |= {"intercepts": 1, "block_rows": 16, "level": 0}
    assert kernel.run_alone(**alone) == 5
    for changed in wrong:
        if not changed.keys() & {"partials", "sync", "member", "members"}:
            with pytest.raises((ValueError, TypeError)):
                kernel.run_alone(**(alone | changed))
    for X_wrong, level, ahead in [(X.astype(bool), 0, 0), (X[::2], 0, 0), (X, 99, 0), (X, 0, -1), (unaligned(X), 0, 0)]:
        with pytest.raises((ValueError, BufferError)):
            kernel.read(X_wrong, level, ahead)


HANG = """
import numpy as np
from fastgd import backends
for backend in backends.available():
    for threads in (0, -1):
        try:
            backends.load(backend).descend(
                np.ones((4000, 30)), np.ones(4000), np.zeros(30), np.ones(2), np.ones(2), np.ones(30), threads
            )
        except ValueError as error:
            print(error)
"""


def test_no_threads_do_not_wait_for_ever():
    """A compiled kernel waited without answering Ctrl-C, so the test is a process with a time limit."""
    done = subprocess.run([sys.executable, "-c", HANG], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.count("threads must be 1 or more") == 2 * len(BACKENDS)
