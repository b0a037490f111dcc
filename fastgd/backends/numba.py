"""The kernel of src_ext/ once more, compiled at the first call by Numba for the processor it runs on.

Design:
(a) X is read once an epoch: four rows at a time in C order, a tile of rows in Fortran order, used twice from cache.
(b) Loops are plain; LLVM makes vectors of them, which it may because the order of sums is left to it (REORDER_SUMS).
(c) A row of few features would leave vectors half empty: such tiles are turned into columns first.
(d) Threads are those of team.py; they meet at a counter in memory, like the ones in src_ext/descend.h.
"""

# Code for the compiler, in its types rather than in Python's.
# mypy: disable-error-code="no-untyped-def, call-arg"

from typing import Any

import numpy as np

from fastgd.arrays import Array
from fastgd.backends import team
from fastgd.backends.jit import REORDER_SUMS, add_atomic, compile_kernel, give_way, load_atomic

NARROW = 16  # features for which rows are turned into columns, a tile at a time
LEAST_TILE_ROWS, MOST_TILE_ROWS = 64, 512
NARROW_TILE_ROWS = 128
TILE_ELEMENTS = 24_576  # of a tile: with the next one it fits in 512 KB of L2
PACK_ELEMENTS = 16_384  # of a narrow X that is turned into columns once a call, instead of tile by tile,
PACK_EPOCHS = 4  # where there are enough epochs to make that pay
ARRIVED, ABANDONED, STOPPED = 0, team.ABANDONED, team.ABANDONED + 1  # entries of sync
SUMS = team.SUMS
PATIENCE = 4096  # looks at the counter before a waiting thread offers its core to others


def descend(
    X: Array,
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
    return team.descend(kernel, X, y, weights, rates, costs, gradient, threads)


def kernel(X: Array, y: Array, weights: Array, rates: Array, *rest: Any) -> int:
    """Run one member of a team: X always arrives in C order, with a row for each column where that is its order."""
    columns = X.flags.f_contiguous
    if not columns and X.shape[1] <= NARROW and X.size <= PACK_ELEMENTS and len(rates) >= PACK_EPOCHS:
        X, columns = np.asarray(X, dtype=np.float64, order="F"), True
    # Numba compiles once more for read-only arrays: hand it nothing else.
    return int(run_descent(columns, read_only(X.T if columns else X), read_only(y), weights, read_only(rates), *rest))


def read_only(array: Array) -> Array:
    """Return a view that cannot be written to."""
    view = array.view()
    view.flags.writeable = False
    return view


@compile_kernel(REORDER_SUMS)
def add_rows(X, y, w, intercept, out):
    """Write [Σr², Σr, Σ r·x] of a block of rows to out: four dot products at once, then one pass over the gradient."""
    n, p = X.shape
    g = out[2 : 2 + p]
    g[:] = 0.0
    squares = 0.0
    total = 0.0
    for i in range(0, n - 3, 4):
        a, b, c, d = X[i], X[i + 1], X[i + 2], X[i + 3]
        r0, r1, r2, r3 = intercept - y[i], intercept - y[i + 1], intercept - y[i + 2], intercept - y[i + 3]
        for j in range(p):
            r0 += a[j] * w[j]
            r1 += b[j] * w[j]
            r2 += c[j] * w[j]
            r3 += d[j] * w[j]
        for j in range(p):
            g[j] += r0 * a[j] + r1 * b[j] + r2 * c[j] + r3 * d[j]
        squares += r0 * r0 + r1 * r1 + r2 * r2 + r3 * r3
        total += r0 + r1 + r2 + r3
    for i in range(n - n % 4, n):
        a = X[i]
        r0 = intercept - y[i]
        for j in range(p):
            r0 += a[j] * w[j]
        for j in range(p):
            g[j] += r0 * a[j]
        squares += r0 * r0
        total += r0
    out[0] = squares
    out[1] = total


@compile_kernel(REORDER_SUMS)
def add_tile(X, start, stop, y, w, intercept, residual, out):
    """Add the sums of one tile to out; X has a row for each feature, four of which are taken at a time."""
    p = len(w)
    n = stop - start
    r = residual[:n]
    for i in range(n):
        r[i] = intercept - y[i]
    for j in range(0, p - 3, 4):
        a, b, c, d = X[j][start:stop], X[j + 1][start:stop], X[j + 2][start:stop], X[j + 3][start:stop]
        w0, w1, w2, w3 = w[j], w[j + 1], w[j + 2], w[j + 3]
        for i in range(n):
            r[i] += w0 * a[i] + w1 * b[i] + w2 * c[i] + w3 * d[i]
    for j in range(p - p % 4, p):
        a = X[j][start:stop]
        w0 = w[j]
        for i in range(n):
            r[i] += w0 * a[i]
    squares = 0.0
    total = 0.0
    for i in range(n):
        squares += r[i] * r[i]
        total += r[i]
    out[0] += squares
    out[1] += total
    for j in range(0, p - 3, 4):
        a, b, c, d = X[j][start:stop], X[j + 1][start:stop], X[j + 2][start:stop], X[j + 3][start:stop]
        s0 = s1 = s2 = s3 = 0.0
        for i in range(n):
            s0 += r[i] * a[i]
            s1 += r[i] * b[i]
            s2 += r[i] * c[i]
            s3 += r[i] * d[i]
        out[2 + j] += s0
        out[3 + j] += s1
        out[4 + j] += s2
        out[5 + j] += s3
    for j in range(p - p % 4, p):
        a = X[j][start:stop]
        s0 = 0.0
        for i in range(n):
            s0 += r[i] * a[i]
        out[2 + j] += s0


@compile_kernel(REORDER_SUMS)
def transpose(X, out):
    """Write the rows of X to the columns of out, in float64."""
    for j in range(X.shape[1]):
        column = out[j]
        for i in range(X.shape[0]):
            column[i] = X[i, j]


@compile_kernel(REORDER_SUMS)
def add_block(columns, X, y, w, intercept, first, last, tile, packed, residual, out):
    """Write the sums of rows first to last to out, by whichever of these loops suits the problem."""
    if not columns and X.shape[1] > NARROW:
        add_rows(X[first:last], y[first:last], w, intercept, out)
        return
    out[:] = 0.0
    for start in range(first, last, tile):
        stop = min(start + tile, last)
        if columns:
            add_tile(X, start, stop, y[start:stop], w, intercept, residual, out)
        else:
            transpose(X[start:stop], packed)
            add_tile(packed, 0, stop - start, y[start:stop], w, intercept, residual, out)


# Not with reordered sums: Numba's isfinite is a difference that would then be simplified to zero.
@compile_kernel(set())
def update(weights, gradient, rate, cost):
    """Apply w ← w − rate·gradient; False, and no update, if the cost or a weight is not finite."""
    finite = np.isfinite(cost)
    for j in range(len(weights)):
        finite &= np.isfinite(weights[j] - rate * gradient[j])
    if finite:
        for j in range(len(weights)):
            weights[j] -= rate * gradient[j]
    return finite


@compile_kernel(REORDER_SUMS)
def fold(partials, gradient, intercepts, n):
    """Add up the blocks' sums in their order: gradient = Xᵀr / n; return J = rᵀr / 2n."""
    squares = 0.0
    gradient[:] = 0.0
    for b in range(len(partials)):
        squares += partials[b, SUMS]
        if intercepts:
            gradient[0] += partials[b, SUMS + 1]
        for j in range(intercepts, len(gradient)):
            gradient[j] += partials[b, SUMS + 2 + j - intercepts]
    gradient /= n
    return squares / (2 * n)


@compile_kernel(set())
def meet(sync, members, times):
    """Wait until all members have arrived `times` times; False if they will not."""
    if members == 1:
        return True
    add_atomic(sync, ARRIVED, 1)
    looks = 0
    while load_atomic(sync, ARRIVED) < times * members:
        if load_atomic(sync, ABANDONED):
            return False
        looks += 1
        if looks > PATIENCE:
            give_way()
    return True


@compile_kernel(set())
def run_descent(
    columns, X, y, weights, rates, costs, gradient, intercepts, block_rows, partials, sync, member, members
):
    """Run the epochs: this member's blocks, a meeting, the update by member 0, another meeting."""
    n = len(y)
    p = len(weights) - intercepts
    packs = not columns and p <= NARROW
    # Not by whether this call packs: the sums would depend on how many epochs it has.
    tile = NARROW_TILE_ROWS if p <= NARROW else min(max(TILE_ELEMENTS // p // 8 * 8, LEAST_TILE_ROWS), MOST_TILE_ROWS)
    residual = np.empty(tile)
    packed = np.empty((p if packs else 0, tile))
    blocks = len(partials)
    first = blocks * member // members
    last = blocks * (member + 1) // members
    for epoch in range(len(rates)):
        intercept = weights[0] if intercepts else 0.0
        for b in range(first, last):
            start = b * block_rows
            stop = min(start + block_rows, n)
            add_block(columns, X, y, weights[intercepts:], intercept, start, stop, tile, packed, residual, partials[b, SUMS:])
        if not meet(sync, members, 2 * epoch + 1):
            return epoch
        if member == 0:
            costs[epoch] = fold(partials, gradient, intercepts, n)
            if not update(weights, gradient, rates[epoch], costs[epoch]):
                sync[STOPPED] = 1
        if not meet(sync, members, 2 * epoch + 2) or sync[STOPPED]:
            return epoch
    return len(rates)
