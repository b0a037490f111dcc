"""The update of several targets: the loops of src_ext/targets.inc and the epochs of src_ext/targets.pxi once more.

The targets are the vectors, and the design is explained there.
"""

# Code for the compiler, in its types rather than in Python's.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, call-arg, var-annotated"

from collections import namedtuple
from typing import Any

import numpy as np

from fastgd.backends.numba.compiling import (
    DOUBLES,
    INTEGER,
    call_loop,
    compile_kernel,
    compile_part,
    get_loop,
    read_only,
)
from fastgd.backends.numba.epochs import APPLIED, DOUBLE, Team, address_of, first_row, take_part, wait_for_end
from fastgd.backends.numba.memory import read_entry, write_entry
from fastgd.backends.numba.vectors import add_rows, load, splat_each, store, store_rows, zeros
from fastgd.backends.threads import ENDED, TILE
from fastgd.inputs.arrays import Array

# The sizes of src_ext/levels.h, where they are explained; a test compares them.
SCRATCH, LEAST_SCRATCH_ROWS, MOST_SCRATCH_ROWS = 1 << 12, 8, 64
SEVERAL_TARGETS = (DOUBLES, *[INTEGER] * 4, DOUBLES, INTEGER, DOUBLES, DOUBLES)  # types of arguments after X

TargetBlocks = namedtuple(
    "TargetBlocks", "add_targets X step stride shift y n p k n_blocks block_rows intercepts scratch sums width"
)


def run_target_member(X: Array, y: Array, weights: Array, rates: Array, *rest: Any) -> int:
    """Run one member of a team on a matrix of targets."""
    n, p = X.shape
    columns = X.flags.f_contiguous
    stride = n if columns else p
    scratch = np.empty(scratch_rows(p) * (TILE + p))
    loop = get_loop(make_targets, (columns,), X.dtype.char, SEVERAL_TARGETS)
    step = X.itemsize if columns else X.itemsize * stride
    rows = (loop.address, X.__array_interface__["data"][0], step, stride, 16 // X.itemsize if columns else 0)
    return int(run_target_epochs(rows, read_only(y), weights, read_only(rates), scratch, *rest))


@compile_part
def scratch_rows(p):
    """Return how many rows of p features are packed at a time: a multiple of 4."""
    return min(max(SCRATCH // p // 4 * 4, LEAST_SCRATCH_ROWS), MOST_SCRATCH_ROWS)


def make_targets(columns):
    """Make the loop over a block of rows: w, scratch and out are explained in src_ext/targets.inc."""

    def add_targets(X, y, rows, p, stride, k, w, intercepts, scratch, out):
        most = scratch_rows(p)
        for j in range((k + TILE - 1) // TILE * (2 + p) * TILE):
            out[j] = 0.0
        for first in range(0, rows, most):
            some = min(most, rows - first)
            for i in range(some):
                for j in range(p):
                    place = first + i + j * stride if columns else (first + i) * stride + j
                    scratch[most * TILE + i * p + j] = X[place]
            for t in range(0, k, TILE):
                for i in range(some):
                    for lane in range(TILE):
                        scratch[i * TILE + lane] = y[(first + i) * k + t + lane] if t + lane < k else 0.0
                tile = t // TILE
                add_tile(
                    scratch,
                    most * TILE,
                    some,
                    p,
                    w,
                    tile * (intercepts + p) * TILE,
                    intercepts,
                    out,
                    tile * (2 + p) * TILE,
                )

    return add_targets


@compile_part
def add_tile(scratch, x, rows, p, w, at, intercepts, out, to):
    """Add a few packed rows to the sums of one tile. x, at and to are where the rows, weights and sums begin.

    The scratch begins with the targets, which become the residuals.
    """
    squares, total = load(out, to, 0, 1, 2), load(out, to + TILE, 0, 1, 2)
    start = load(w, at, 0, 1, 2) if intercepts else zeros(1, 2)
    at += intercepts * TILE
    whole = rows - rows % 4
    for i in range(0, whole, 4):
        r = start - load(scratch, i * TILE, TILE, 4, 2)
        for j in range(p):
            r += splat_each(scratch, x + i * p + j, p, 4) * load(w, at + j * TILE, 0, 1, 2)
        squares += add_rows(r * r)
        total += add_rows(r)
        store_rows(scratch, i * TILE, TILE, r)
    for i in range(whole, rows):
        one = start - load(scratch, i * TILE, 0, 1, 2)
        for j in range(p):
            one += splat_each(scratch, x + i * p + j, 0, 1) * load(w, at + j * TILE, 0, 1, 2)
        squares += one * one
        total += one
        store(scratch, i * TILE, one)
    store(out, to, squares)
    store(out, to + TILE, total)
    to += 2 * TILE
    for j in range(0, p - p % 4, 4):
        g = load(out, to + j * TILE, TILE, 4, 2)
        for i in range(rows):
            g += splat_each(scratch, x + i * p + j, 1, 4) * load(scratch, i * TILE, 0, 1, 2)
        store_rows(out, to + j * TILE, TILE, g)
    for j in range(p - p % 4, p):
        last = load(out, to + j * TILE, 0, 1, 2)
        for i in range(rows):
            last += splat_each(scratch, x + i * p + j, 0, 1) * load(scratch, i * TILE, 0, 1, 2)
        store(out, to + j * TILE, last)


@compile_part
def compute_targets(blocks, weights, b):
    """Compute the sums of block b."""
    first = first_row(blocks, b)
    rows = first_row(blocks, b + 1) - first
    X, y = blocks.X + first * blocks.step, blocks.y + first * blocks.k * DOUBLE
    w, out = address_of(weights, 0), blocks.sums + b * blocks.width * DOUBLE
    call_loop(
        blocks.add_targets,
        (X, y, rows, blocks.p, blocks.stride, blocks.k, w, blocks.intercepts, blocks.scratch, out),
    )


@compile_kernel
def add_up(partials, gradient, cost, intercepts, n):
    """Add up the blocks' sums in their order, target by target: gradient = Xᵀr / n, cost = Σr² / 2n."""
    first, k = 2 - intercepts, gradient.shape[1]  # without an intercept, Σr is not needed
    cost[:] = 0.0
    gradient[:] = 0.0
    for b in range(partials.shape[0]):
        for tile in range(partials.shape[1]):
            for t in range(tile * TILE, min(tile * TILE + TILE, k)):
                cost[t] += partials[b, tile, 0, t - tile * TILE]
            for j in range(len(gradient)):
                for t in range(tile * TILE, min(tile * TILE + TILE, k)):
                    gradient[j, t] += partials[b, tile, first + j, t - tile * TILE]
    cost /= 2 * n
    gradient /= n


@compile_kernel
def update_targets(weights, gradient, rate, cost):
    """Apply w ← w − rate·gradient. Return False, and leave w as it is, if a cost or a new weight is not finite."""
    zero = 0.0  # 0 · inf and 0 · NaN are NaN
    for t in range(len(cost)):
        zero += 0.0 * cost[t]
    for j in range(len(gradient)):
        for t in range(len(cost)):
            zero += 0.0 * (weights[t // TILE, j, t % TILE] - rate * gradient[j, t])
    if zero != 0.0:
        return False
    for j in range(len(gradient)):
        for t in range(len(cost)):
            weights[t // TILE, j, t % TILE] -= rate * gradient[j, t]
    return True


@compile_kernel
def run_target_epochs(
    rows, y, weights, rates, scratch, costs, gradient, intercepts, block_rows, partials, sync, member, members
):
    """Run the epochs as one member of a team, as `run_epochs` does; return how many updates the team has applied.

    `rows` are the first five fields of `TargetBlocks`.
    """
    add_targets, X, step, stride, shift = rows
    n, k = y.shape
    width = partials.shape[1] * partials.shape[2] * partials.shape[3]
    blocks = TargetBlocks(
        add_targets, X, step, stride, shift, address_of(y, 0), n, len(gradient) - intercepts, k, len(partials),
        block_rows, intercepts, address_of(scratch, 0), address_of(partials, 0), width,
    )  # fmt: skip
    team = Team(address_of(sync, 0), member, members)
    epoch = read_entry(team.sync, APPLIED)
    while epoch < len(rates) and not read_entry(team.sync, ENDED):
        if take_part(compute_targets, blocks, team, weights, epoch):
            add_up(partials, gradient, costs[epoch], intercepts, n)
            if update_targets(weights, gradient, rates[epoch], costs[epoch]):
                write_entry(team.sync, APPLIED, epoch + 1)
            else:
                write_entry(team.sync, ENDED, 1)
        else:
            wait_for_end(team, epoch)
        epoch = read_entry(team.sync, APPLIED)
    return read_entry(team.sync, APPLIED)
