"""The update compiled by Numba at the first call, for the processor it runs on: the kernel of src_ext/ once more.

Design:
(a) The loops are those of src_ext/loops.inc, over tiles of vectors (vectors.py): X is read once, a few rows (C order)
    or a strip of rows (Fortran order) at a time, and used twice from cache.
(b) Each loop is compiled on its own, when a shape first needs it, and called through its address: the first call
    compiles one loop instead of all, and the epochs (epochs.py) are compiled once for all types and orders of X.
(c) A small X of few features in C order is copied into columns once a call.
"""

# Code for the compiler, in its types rather than in Python's.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, call-arg, var-annotated"

from collections.abc import Callable
from typing import Any

from fastgd.backends.numba.compiling import compile_part, get_loop, read_only
from fastgd.backends.numba.epochs import run_epochs
from fastgd.backends.numba.memory import fetch, fetch_twice
from fastgd.backends.numba.sparse import run_sparse_member
from fastgd.backends.numba.targets import run_target_member
from fastgd.backends.numba.vectors import (
    LANES,
    add_columns,
    add_lanes,
    add_rows,
    clear_lanes,
    first_lane,
    load,
    load_transposed,
    splat,
    splat_each,
    splat_lanes,
    store,
    zeros,
)
from fastgd.backends.sparse import CSR
from fastgd.backends.sparse_team import run_sparse_team
from fastgd.backends.threads import empty_lines, run_team
from fastgd.inputs.arrays import Array

# The sizes of src_ext/levels.h and _kernel.pyx, where they are explained; a test compares them.
NARROW, MOST_VECTORS, FOUR_ROWS = 8, 6, 600
FAR_AHEAD, NEAR_AHEAD, COLUMNS_AHEAD = 1 << 16, 1 << 14, 64
CACHED, STREAMS, MANY_STREAMS = 1 << 24, 16, 1500
PACK_FEATURES, PACK_ELEMENTS = 16, 16_384


def descend(
    X: Array | CSR,
    y: Array,
    weights: Array,
    rates: Array,
    costs: Array,
    gradient: Array,
    threads: int = 1,
) -> int:
    """Apply ``len(rates)`` updates in place and return how many were applied.

    r = Xw − y;  costs[k] = rᵀr / 2n;  gradient = Xᵀr / n;  w ← w − rates[k]·gradient
    """
    if isinstance(X, CSR):
        return run_sparse_team(run_sparse_member, X, y, weights, rates, costs, gradient, threads)
    return run_team(run_member, X, y, weights, rates, costs, gradient, threads)


def run_member(X: Array, y: Array, weights: Array, rates: Array, *rest: Any) -> int:
    """Run one member of a team; y of two dimensions are several targets."""
    if y.ndim == 2:
        return run_target_member(X, y, weights, rates, *rest)
    n, p = X.shape
    columns = X.flags.f_contiguous
    stride = n if columns else p
    shift = 16 // X.itemsize if columns else 0  # see first_row in src_ext/_kernel.pyx
    if not columns and p <= PACK_FEATURES and X.size <= PACK_ELEMENTS:
        packed = empty_lines(p, n)
        packed[:, :n] = X.T
        X, columns, stride = packed.T, True, packed.shape[1]
    make, constants, far, near = choose_loop(n, p, columns, X.itemsize)
    loop = get_loop(make, constants, X.dtype.char)
    step = X.itemsize if columns else X.itemsize * stride
    rows = (loop.address, X.__array_interface__["data"][0], step, stride, far, near, shift)
    return int(run_epochs(rows, read_only(y), weights, read_only(rates), *rest))


def choose_loop(n: int, p: int, columns: bool, size: int) -> tuple[Callable[..., Any], tuple[int, ...], int, int]:
    """Return the function that makes the loop for X, its constants, and how far ahead to prefetch.

    Rows are prefetched at two distances in bytes, columns at one in columns.
    """
    vectors, row = -(-p // LANES), p * size
    if p <= NARROW:
        return make_narrow, (p, 2 if p <= LANES else 1, columns), 0, 0
    cached = n * row <= CACHED
    if columns:
        return make_strips, (), 0 if p <= STREAMS or cached else min(p // 2, COLUMNS_AHEAD), 0
    if vectors <= MOST_VECTORS:
        return make_short_rows, (vectors - 1, cached), FAR_AHEAD, NEAR_AHEAD
    group = 4 if size == 4 or row <= FOUR_ROWS else 2
    return make_long_rows, (group,), max(2 * group * row, FAR_AHEAD), max(group * row, NEAR_AHEAD)


# Every loop is loop(X, y, rows, p, stride, far, near, w, intercept, out). It writes the sums of a block of rows to
# out = [Σr², Σr, Σ r·x₁, …, Σ r·xₚ], which has room up to the end of a cache line.


@compile_part
def clear(out, p):
    """Set the sums of a block to zero."""
    for j in range(2 + p):
        out[j] = 0.0


@compile_part
def sum_lanes(tile):
    """Return the sum of all numbers of a tile of one row."""
    return first_lane(add_lanes(add_columns(tile)))


@compile_part
def tail_weights(w, p):
    """Return the weights for the last vector of a row: zero in the lanes that the vector before has covered."""
    return clear_lanes(load(w, p - LANES, 0, 1, 1), -p % LANES)


@compile_part
def add_rest(X, y, first, rows, p, next_row, step, w, intercept, out):
    """Add the rows that are left over by a loop that takes several at a time. A row's elements are `step` apart."""
    for i in range(first, rows):
        a = i * next_row
        r = intercept - y[i]
        for j in range(p):
            r += X[a + j * step] * w[j]
        out[0] += r * r
        out[1] += r
        for j in range(p):
            out[2 + j] += r * X[a + j * step]


def make_narrow(P, groups, columns):
    """Make the loop for rows of 1 to 8 features: a vector is a column of four rows. All sums stay in registers."""

    def add_narrow(X, y, rows, p, stride, far, near, w, intercept, out):
        weight, start = splat_each(w, 0, 1, P), splat(intercept)
        squares, total, g = zeros(1, groups), zeros(1, groups), zeros(P, groups)
        whole = rows - rows % (groups * LANES)
        for i in range(0, whole, groups * LANES):
            x = load(X, i, stride, P, groups) if columns else load_transposed(X, i * P, P, groups)
            r = start - load(y, i, 0, 1, groups) + add_rows(x * weight)
            squares += r * r
            total += r
            g += r * x
        out[0] = sum_lanes(squares)
        out[1] = sum_lanes(total)
        store(out, 2, add_lanes(add_columns(g)))
        add_rest(X, y, whole, rows, P, 1 if columns else P, stride if columns else 1, w, intercept, out)

    return add_narrow


def make_short_rows(whole, cached):
    """Make the loop for rows of `whole` vectors and a tail: four rows at a time, with the gradient in registers.

    Rows that stay in cache are prefetched once: a second request would take the place of a load.
    """
    fetched = 4 * LANES * (whole + 1)

    def add_short_rows(X, y, rows, p, stride, far, near, w, intercept, out):
        last = p - LANES
        weight, tail, start = load(w, 0, 0, 1, whole), tail_weights(w, p), splat(intercept)
        squares, total, g, g_tail = zeros(1, 1), zeros(1, 1), zeros(1, whole), zeros(1, 1)
        for i in range(0, rows - rows % 4, 4):
            a = i * p
            x, x_tail = load(X, a, p, 4, whole), load(X, a + last, p, 4, 1)
            s = add_columns(x * weight) + x_tail * tail
            residual = add_lanes(s) + (start - load(y, i, 0, 1, 1))
            squares += residual * residual
            total += residual
            r = splat_lanes(residual, 4)
            g += add_rows(x * r)
            g_tail += add_rows(x_tail * r)
            if cached:
                fetch(X, a, near, fetched)
            else:
                fetch_twice(X, a, far, near, fetched)
        store(out, 2, g)
        store(out, 2 + last, g_tail)  # in the overlap of the last two vectors, both have the same sums
        out[0] = sum_lanes(squares)
        out[1] = sum_lanes(total)
        add_rest(X, y, rows - rows % 4, rows, p, p, 1, w, intercept, out)

    return add_short_rows


def make_long_rows(R):
    """Make the loop for longer rows, R at a time: their residuals side by side, then their part of the gradient."""
    fetched = R * LANES

    def add_long_rows(X, y, rows, p, stride, far, near, w, intercept, out):
        clear(out, p)
        whole, pairs, last = p - p % LANES, p - p % (2 * LANES), p - LANES
        tail, start = tail_weights(w, p), splat(intercept)
        squares, total, g_tail = zeros(R, 1), zeros(R, 1), zeros(1, 1)
        for i in range(0, rows - rows % R, R):
            a = i * p
            two = zeros(R, 2)
            for j in range(0, pairs, 2 * LANES):
                two += load(X, a + j, p, R, 2) * load(w, j, 0, 1, 2)
                fetch_twice(X, a + R // 2 * j, far, near, fetched)
            s = add_columns(two)
            if pairs < whole:
                s += load(X, a + pairs, p, R, 1) * load(w, pairs, 0, 1, 1)
            if whole < p:
                s += load(X, a + last, p, R, 1) * tail
            r = splat_lanes(add_lanes(s), R) + (start - splat_each(y, i, 1, R))
            squares += r * r
            total += r
            for j in range(0, pairs, 2 * LANES):
                store(out, 2 + j, load(out, 2 + j, 0, 1, 2) + add_rows(load(X, a + j, p, R, 2) * r))
                fetch_twice(X, a + R // 2 * (p + j), far, near, fetched)
            if pairs < whole:
                store(out, 2 + pairs, load(out, 2 + pairs, 0, 1, 1) + add_rows(load(X, a + pairs, p, R, 1) * r))
            if whole < p:
                g_tail += add_rows(load(X, a + last, p, R, 1) * r)
        store(out, 2 + last, load(out, 2 + last, 0, 1, 1) + clear_lanes(g_tail, -p % LANES))
        out[0] = first_lane(add_rows(squares))
        out[1] = first_lane(add_rows(total))
        add_rest(X, y, rows - rows % R, rows, p, p, 1, w, intercept, out)

    return add_long_rows


@compile_part
def fetch_column(X, j, i, p, stride, rows):
    """Prefetch some rows of column j from row i on; from column p on, as many rows behind them of the first columns."""
    fetch(X, j * stride + i if j < p else (j - p) * stride + i + rows, 0, rows)


def make_strip(K):
    """Make the loop over strips of K vectors: residuals column after column, then the same columns from cache."""
    strip = K * LANES

    @compile_part
    def add_strip(X, y, first, rows, p, stride, ahead, w, intercept, out):
        start, squares, total = splat(intercept), zeros(1, K), zeros(1, K)
        end, both = rows - (rows - first) % strip, p <= MANY_STREAMS
        for i in range(first, end, strip):
            r = start - load(y, i, 0, 1, K)
            for j in range(p):
                r += load(X, j * stride + i, 0, 1, K) * splat(w[j])
                if ahead and not both:
                    fetch_column(X, j + ahead, i, p, stride, strip)
                if ahead and both and j % 2 == 0:
                    fetch_column(X, (p + j) // 2 + ahead, i, p, stride, strip)
            squares += r * r
            total += r
            for j in range(0, p - 3, 4):
                s = add_columns(load(X, j * stride + i, stride, 4, K) * r)
                if ahead and both:
                    fetch_column(X, j // 2 + ahead, i + strip, p, stride, strip)
                    fetch_column(X, j // 2 + 1 + ahead, i + strip, p, stride, strip)
                store(out, 2 + j, load(out, 2 + j, 0, 1, 1) + add_lanes(s))
            for j in range(p - p % 4, p):
                out[2 + j] += sum_lanes(load(X, j * stride + i, 0, 1, K) * r)
        out[0] += sum_lanes(squares)
        out[1] += sum_lanes(total)
        return end

    return add_strip


add_strip_of_8, add_strip_of_4, add_strip_of_2, add_strip_of_1 = (make_strip(K) for K in (8, 4, 2, 1))


def make_strips():
    """Make the loop for Fortran order: strips of 32 rows, then of 16, 8 and 4."""

    def add_strips(X, y, rows, p, stride, far, near, w, intercept, out):
        clear(out, p)
        done = add_strip_of_8(X, y, 0, rows, p, stride, far, w, intercept, out)
        done = add_strip_of_4(X, y, done, rows, p, stride, far, w, intercept, out)
        done = add_strip_of_2(X, y, done, rows, p, stride, far, w, intercept, out)
        done = add_strip_of_1(X, y, done, rows, p, stride, 0, w, intercept, out)
        add_rest(X, y, done, rows, p, 1, stride, w, intercept, out)

    return add_strips
