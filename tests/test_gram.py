"""Products of columns, and triangles, from one pass over the rows: compiled code against NumPy and exact rationals."""

from fractions import Fraction

import numpy as np
import pytest

from fastgd import backends
from fastgd.backends import cython as compiled
from fastgd.backends import numpy as vectorized
from fastgd.backends.numpy import pack_rows
from fastgd.problem import moments

DTYPES = [np.float64, np.float32]
LEVELS = range(len(compiled.LEVELS))


def problem(n, p, k, dtype=np.float64, order="C", *, weighted=False):
    """Return X, y, weights and a shift: columns of different means and sizes."""
    rng = np.random.default_rng([n, p, k])
    X = np.asarray(rng.standard_normal((n, p)) * rng.uniform(0.5, 2, p) + rng.uniform(-3, 3, p), dtype, order=order)
    weights = np.resize([2.0, 0.0, 1.0, 0.5], n) if weighted else None
    return X, rng.standard_normal((n, k)) + 4, weights, rng.uniform(-3, 3, p + k)


def expected_products(X, y, weights, shift):
    """Return the products by the definition, in extended precision."""
    Z = np.column_stack([np.ones(len(X)), X - shift[: X.shape[1]].astype(np.longdouble), y - shift[X.shape[1] :]])
    s = np.ones(len(X)) if weights is None else weights
    q = 1 + X.shape[1]
    products = np.zeros((q + 1, Z.shape[1]), np.longdouble)
    products[:-1] = (Z[:, :q] * s[:, np.newaxis]).T @ Z
    products[-1, q:] = s @ Z[:, q:] ** 2
    return products


def assert_products(found, X, y, weights, shift):
    """Compare on the scale of the sums of absolute terms."""
    expected = expected_products(X, y, weights, shift)
    magnitudes = expected_products(abs(X - shift[: X.shape[1]]), abs(y - shift[X.shape[1] :]), weights, 0 * shift)
    assert found.dtype == np.float64
    assert (abs(found - expected) <= 1e-14 * (magnitudes + 1e-300)).all()


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("order", "CF")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("level", LEVELS)
def test_products_of_all_shapes(monkeypatch, level, dtype, order, weighted):
    """Rows and columns around each size of a vector, a tile, a panel and a packed block."""
    monkeypatch.setattr(compiled, "LEVEL", level)
    for n in (1, 2, 7, 8, 9, 127, 128, 129, 300):
        for p, k in (
            (1, 1),
            (2, 1),
            (3, 5),
            (4, 1),
            (7, 1),
            (8, 1),
            (9, 3),
            (11, 1),
            (12, 30),
            (23, 2),
            (24, 1),
            (25, 1),
            (50, 1),
            (2, 60),
            (17, 80),
            (24, 49),
        ):
            arrays = problem(n, p, k, dtype, order, weighted=weighted)
            assert_products(compiled.gram(*arrays), *arrays)
            assert_products(vectorized.gram(*arrays), *arrays)


def test_many_columns_and_few_rows_are_packed_a_few_at_a_time():
    arrays = problem(40, 3000, 2)
    assert_products(compiled.gram(*arrays), *arrays)


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("sums", [compiled.gram, compiled.triangle, vectorized.gram, vectorized.triangle])
@pytest.mark.parametrize("level", LEVELS)
def test_targets_of_single_precision_are_converted_one_by_one(monkeypatch, level, sums, weighted):
    monkeypatch.setattr(compiled, "LEVEL", level)
    for p, k in ((3, 1), (2, 7), (5, 60), (17, 49)):
        X, y, *rest = problem(300, p, k, weighted=weighted)
        y = y.astype(np.float32)
        np.testing.assert_array_equal(sums(X, y, *rest), sums(X, y.astype(np.float64), *rest))


@pytest.mark.parametrize("order", "CF")
@pytest.mark.parametrize(
    "shape", [(9000, 3, 2), (9000, 30, 2), (300, 60, 2), (300, 5, 150), (300, 49, 95), (5000, 70, 9)]
)
@pytest.mark.parametrize("level", LEVELS)
def test_products_have_the_same_bits_for_every_number_of_threads(monkeypatch, level, order, shape):
    """Threads share the parts of the rows or, where there are few, the panels of columns."""
    monkeypatch.setattr(compiled, "LEVEL", level)
    arrays = problem(*shape, order=order, weighted=True)
    one = compiled.gram(*arrays)
    for threads in (2, 3, 16):
        np.testing.assert_array_equal(compiled.gram(*arrays, threads), one)
    assert_products(one, *arrays)


def test_a_thread_that_does_not_start_leaves_no_part_out(monkeypatch):
    arrays = problem(9000, 3, 1)
    one = compiled.gram(*arrays)
    monkeypatch.setattr("fastgd.backends.threads.start_threads", lambda threads: threads[0].start())
    np.testing.assert_array_equal(compiled.gram(*arrays, 4), one)


def assert_triangle(R, X, y, weights, shift):
    """For each target alone, RᵀR must be the products of the definition."""
    p, k = X.shape[1], y.shape[1]
    expected = expected_products(X, y, weights, shift)
    magnitudes = np.sqrt(np.append(expected.diagonal()[: 1 + p], expected[-1, 1 + p :]).astype(float))
    R = np.vstack([R, np.zeros((2 + p - len(R), 1 + p + k))])
    assert not np.tril(R[:, : 1 + p], -1).any()
    for t in range(k):
        columns = [*range(1 + p), 1 + p + t]
        whole = np.vstack([expected[:-1, columns], np.append(expected[:-1, 1 + p + t], expected[-1, 1 + p + t])])
        scale = np.multiply.outer(magnitudes[columns], magnitudes[columns]) + 1e-300
        assert (abs(R[:, columns].T @ R[:, columns] - whole) <= 1e-13 * scale).all()


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("order", "CF")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("level", LEVELS)
def test_triangles_of_all_shapes(monkeypatch, level, dtype, order, weighted):
    """Rows and columns around each size of a vector, a group of columns and a packed block."""
    monkeypatch.setattr(compiled, "LEVEL", level)
    for n in (1, 2, 7, 8, 9, 129, 600):
        for p, k in ((1, 1), (2, 1), (3, 5), (4, 1), (7, 1), (9, 3), (12, 30), (25, 1), (50, 2)):
            arrays = problem(n, p, k, dtype, order, weighted=weighted)
            assert_triangle(compiled.triangle(*arrays), *arrays)
            assert_triangle(vectorized.triangle(*arrays), *arrays)


@pytest.mark.parametrize("order", "CF")
def test_triangles_have_the_same_bits_for_every_number_of_threads(order):
    arrays = problem(9000, 6, 2, order=order, weighted=True)
    one = compiled.triangle(*arrays)
    for threads in (2, 3, 16):
        np.testing.assert_array_equal(compiled.triangle(*arrays, threads), one)
    assert_triangle(one, *arrays)


def test_a_triangle_keeps_the_digits_that_products_lose():
    """The second column is the first plus a thousandth of a millionth of another."""
    rng = np.random.default_rng(1)
    a, b = rng.integers(-50, 50, (2, 300)).astype(float)
    X, y = np.column_stack([a, a + 2.0**-30 * b]), np.zeros((300, 1))
    for module in (compiled, vectorized):
        R = module.triangle(X, y, None, np.zeros(3))
        Q = np.linalg.qr(np.column_stack([np.ones(300), a]))[0]
        rest = np.linalg.norm(b - Q @ (Q.T @ b))
        assert abs(R[2, 2]) == pytest.approx(2.0**-30 * rest, rel=1e-5)


def test_columns_of_zeros_have_a_triangle():
    X, y = np.zeros((20, 2)), np.zeros((20, 1))
    for module in (compiled, vectorized):
        R = module.triangle(X, y, None, np.zeros(3))
        assert abs(R[0, 0]) == pytest.approx(np.sqrt(20))
        assert not R[1:].any()
        assert not R[0, 1:].any()


@pytest.mark.parametrize("rows", [slice(3, 203), slice(None, None, 2), slice(None, None, -1)])
@pytest.mark.parametrize("order", "CF")
def test_some_rows_of_an_array(order, rows):
    X, y, _, shift = problem(400, 6, 1, order=order)
    assert_products(compiled.gram(X[rows], y[rows], None, shift), X[rows], y[rows], None, shift)


def test_products_of_whole_numbers_are_exact():
    rng = np.random.default_rng(5)
    X, y = rng.integers(-99, 99, (200, 5)).astype(float), rng.integers(-99, 99, (200, 1)).astype(float)
    Z = [[Fraction(1), *map(Fraction, row)] for row in np.column_stack([X, y])]
    exact = [[sum(row[i] * row[j] for row in Z) for j in range(7)] for i in range(7)]
    for module in (compiled, vectorized):
        found = module.gram(X, y, None, np.zeros(6))
        assert found[:6].tolist() == [list(map(float, row)) for row in exact[:6]]
        assert found[6].tolist() == [0.0] * 6 + [float(exact[6][6])]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [(0, 0), (130, 4), (299, 8), (299, 9)])
def test_values_that_are_not_finite_show_in_the_squares_of_their_column(value, place):
    X, y, _, shift = problem(300, 9, 1)
    array, column = (X, place[1]) if place[1] < 9 else (y, 0)
    array[place[0], column] = value
    for module in (compiled, vectorized):
        with np.errstate(invalid="ignore"):
            found = module.gram(X, y, None, shift)
        squares = np.append(found.diagonal()[1:10], found[-1, -1])
        assert np.flatnonzero(~np.isfinite(squares)).tolist() == [place[1]]


def test_backends_without_the_function_and_many_columns_use_that_of_numpy(monkeypatch):
    arrays = problem(50, 4, 1)
    expected = vectorized.gram(*arrays)
    np.testing.assert_array_equal(backends.gram(*arrays, backend="python"), expected)
    monkeypatch.setattr(compiled, "MOST_TILED", 3)
    np.testing.assert_array_equal(backends.gram(*arrays, backend="cython"), expected)
    monkeypatch.setattr(compiled, "MOST_TILED", 4)
    np.testing.assert_array_equal(backends.gram(*arrays, backend="cython"), compiled.gram(*arrays))


def test_rows_in_blocks_of_numpy(monkeypatch):
    monkeypatch.setattr(vectorized, "BLOCK_ROWS", 16)
    monkeypatch.setattr(vectorized, "BLOCK_ELEMENTS", 1)
    for order in "CF":
        arrays = problem(50, 4, 3, order=order, weighted=True)
        assert_products(vectorized.gram(*arrays), *arrays)


@pytest.mark.parametrize("order", "CF")
def test_features_without_a_shift_are_multiplied_without_copies(monkeypatch, order):
    X, y, _, shift = problem(300, 12, 3, order=order)
    shift[:12] = 0.0
    monkeypatch.setattr(vectorized, "pack_rows", None)  # would copy them
    assert_products(vectorized.gram(X, y, None, shift), X, y, None, shift)


@pytest.mark.parametrize(("offset", "shifted"), [(0.0, False), (2.0, False), (1e3, True)])
def test_many_columns_are_shifted_only_if_they_are_far_from_zero(monkeypatch, offset, shifted):
    monkeypatch.setattr(moments, "WIDE", 3)
    X, y, _, _ = problem(400, 4, 1)
    X = (X - X.mean(axis=0)) / X.std(axis=0) + offset
    sums = moments.sum_blocks(X, y, None, "gram")
    assert sums.shift[:4].any() == shifted
    np.testing.assert_allclose(sums.means, np.append(X.mean(axis=0), y.mean()), rtol=1e-12, atol=1e-12)


def test_packed_rows_are_those_of_the_definition():
    X, y, weights, shift = problem(6, 2, 1, weighted=True)
    packed = pack_rows(X, y, weights, shift, np.empty((9, 4)))
    rows = np.column_stack([np.ones(6), X - shift[:2], y - shift[2:]])
    np.testing.assert_allclose(packed, np.sqrt(weights)[:, np.newaxis] * rows, rtol=1e-15)


X, Y, _, SHIFT = problem(40, 3, 2)
PARTS = np.empty((5, 5, 6))
GOOD = {"X": X, "y": Y, "weights": None, "shift": SHIFT, "part_rows": 8, "parts": PARTS, "member": 0, "members": 1}
BAD_CALLS = {
    "a vector": ({"X": X[:, 0]}, "X must be a matrix"),
    "whole numbers": ({"X": X.astype(int)}, "X must be a matrix of aligned float64 or float32"),
    "the other byte order": ({"X": X.astype(X.dtype.newbyteorder())}, "X must be a matrix of aligned"),
    "no rows": ({"X": X[:0]}, "rows and columns"),
    "every second row": ({"X": X[::2]}, "X must be in C order, or rows of"),
    "backwards": ({"X": X[::-1]}, "X must be in C order, or rows of"),
    "columns that overlap": (
        {"X": np.lib.stride_tricks.as_strided(np.arange(99.0), (40, 3), (8, 8))}, "X must be in C order, or rows of",
    ),
    "short y": ({"y": Y[:39].copy()}, "y must have a number for each row"),
    "a vector of targets": ({"y": Y[:, 0].copy()}, "y must be a matrix"),
    "targets in Fortran order": ({"y": np.asfortranarray(Y)}, "y must be a matrix of .* in C order"),
    "targets that are whole numbers": ({"y": Y.astype(int)}, "y must be a matrix of aligned float64 or float32"),
    "long shift": ({"shift": np.zeros(6)}, "shift must have a number for each column"),
    "short weights": ({"weights": np.ones(39)}, "weights must have one number for each row"),
    "too few parts": ({"parts": PARTS[:4]}, "the parts must cover the rows"),
    "no rows in a part": ({"part_rows": 0}, "the parts must cover the rows"),
    "small parts": ({"parts": np.empty((5, 4, 6))}, "parts must have a row for each column"),
    "narrow parts": ({"parts": np.empty((5, 5, 5))}, "parts must have a row for each column"),
    "a member too many": ({"member": 1}, "member must be below members"),
    "a negative member": ({"member": -1}, "member must be below members"),
    "an unknown level": ({"level": 99}, "level must be that of a CPU level"),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "message"), BAD_CALLS.values(), ids=BAD_CALLS)
def test_calls_that_would_leave_an_array_are_refused(changes, message):
    for kernel in (compiled._kernel.sum_products, compiled._kernel.sum_triangles):
        with pytest.raises(ValueError, match=message):
            kernel(*({**GOOD, "level": 0} | changes).values())


@pytest.mark.parametrize(
    ("parts", "pivots", "level"),
    [(PARTS[:0], 4, 0), (PARTS, 0, 0), (PARTS, 7, 0), (PARTS, 3, 0), (PARTS, 4, 99), (PARTS, 4, -1)],
)
def test_merging_other_triangles_is_refused(parts, pivots, level):
    with pytest.raises(ValueError, match=r"each part must have|level must be"):
        compiled._kernel.merge_triangles(parts, pivots, level)


# ---- few columns are factorized by compiled code


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize(("p", "k"), [(1, 1), (2, 3), (5, 1), (33, 2), (64, 1)])
def test_compiled_factors_are_those_of_numpy(monkeypatch, p, k, weighted):
    X, y, weights, _ = problem(300, p, k, weighted=weighted)
    sums = moments.sum_blocks(X, y, weights, "gram")
    found = moments.factorize(sums)
    monkeypatch.setattr(moments, "MOST_COMPILED", 0)
    expected = moments.factorize(sums)
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12 * np.abs(expected).max())


@pytest.mark.parametrize("case", ["collinear", "explained", "constant", "constant target", "zeros"])
def test_columns_that_lose_digits_get_the_same_answer(monkeypatch, case):
    X, y, _, _ = problem(300, 4, 1)
    if case == "collinear":
        X[:, 2] = X[:, 0] + 1e-5 * X[:, 1]
    elif case == "explained":
        y = X @ np.ones((4, 1)) + 1e-6 * y
    elif case == "constant target":
        y[:] = 0.1
    else:
        X[:, 2] = 0.1 * (case == "constant")
    sums = moments.sum_blocks(X, y, None, "gram")
    found = moments.factorize(sums)
    monkeypatch.setattr(moments, "MOST_COMPILED", 0)
    expected = moments.factorize(sums)
    assert (found is None) == (expected is None) == (case in ("collinear", "explained"))
    if found is not None:
        np.testing.assert_array_equal(found, expected)  # NumPy's, for both


def test_factors_of_other_shapes_are_refused():
    good = [np.eye(4), 4.0, np.zeros(3), 1e-16, 1e-6, np.zeros((3, 3))]
    for place, shape in ((0, (2, 4)), (0, (4, 3)), (2, 2), (5, (2, 3)), (5, (3, 2))):
        bad = list(good)
        bad[place] = np.zeros(shape)
        with pytest.raises(ValueError, match="R must have a row for each feature"):
            compiled.factorize_products(*bad)


@pytest.mark.parametrize("n", [1, 30, 263, 264, 1000])
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_shift_is_the_mean_of_rows_from_all_parts(monkeypatch, dtype, n):
    X, y, _, _ = problem(n, 5, 3, dtype)
    step = n // moments.SHIFT_RUNS
    rows = np.arange(n)
    if step > moments.SHIFT_ROWS:
        rows = rows[rows // step < moments.SHIFT_RUNS]
        rows = rows[rows % step < moments.SHIFT_ROWS]
    means = np.concatenate([X[rows].mean(axis=0, dtype=np.float64), y[rows].mean(axis=0)])
    wide = np.zeros((2 * n, 11), dtype)
    wide[::2, 1::2] = X
    for same in (X, np.asfortranarray(X), wide[::2, 1::2], X[::-1].copy()[::-1]):
        np.testing.assert_allclose(moments.find_shift(same, y, None), means, rtol=1e-13)
    np.testing.assert_allclose(moments.find_shift(X, np.asfortranarray(y), None), means, rtol=1e-13)
    singles = moments.find_shift(X, y.astype(np.float32), None)[-3:]
    np.testing.assert_allclose(singles, y[rows].astype(np.float32).mean(axis=0, dtype=np.float64), rtol=1e-13)
    monkeypatch.setattr(moments, "find_compiled", lambda name: None)
    np.testing.assert_allclose(moments.find_shift(X, y, None), means, rtol=1e-13)


def test_the_means_of_rows_refuse_what_would_leave_the_arrays():
    good = {"X": np.ones((9, 2)), "runs": 2, "rows": 4, "step": 5, "means": np.empty(2)}
    compiled.mean_rows(**good)
    np.testing.assert_array_equal(good["means"], 1.0)
    wrong = [{"runs": 0}, {"runs": 3}, {"rows": 0}, {"rows": 5}, {"step": 6}, {"step": -1}, {"means": np.empty(3)}]
    wrong += [{"X": np.ones(9)}, {"X": np.ones((9, 0)), "means": np.empty(0)}]
    wrong += [{"X": np.ones((9, 2), dtype)} for dtype in (int, ">f8", bool, np.float16)]
    for changed in wrong:
        with pytest.raises(ValueError, match=r"must|mismatch"):
            compiled.mean_rows(**(good | changed))
