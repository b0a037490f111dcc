"""Blocks of rows, and the team of threads that runs one call of a compiled backend.

The kernel of a compiled backend has one signature::

    run_member(X, y, weights, rates, costs, gradient, intercepts, block_rows, partials, sync, member, members) -> int

Every member of a team makes the same call with its own number. The blocks depend on the shapes of X and y alone. Each
block has a row of `partials` for its sums, from column SUMS on, and the member that finishes the last block of an epoch
adds the rows up in their order. So the answer has the same bits for every number of members, even if members start late
or never. For several targets, weights and partials have more dimensions: see `empty_tiles`. Members communicate through
`sync`. Threads live for one call: a process may fork afterwards, and two Python threads share nothing.
"""

import os
from collections.abc import Callable
from operator import index
from threading import Thread
from typing import Any

import numpy as np

from fastgd.backends.contract import check_arrays
from fastgd.backends.cores import count_cores
from fastgd.forks import count_calculations
from fastgd.inputs.arrays import Array

MOST_BLOCKS = 64
BLOCK_ELEMENTS = 16_384  # least elements of X in a block: computing one takes longer than telling other threads
BLOCK_SAMPLES = 48  # least rows of a block: its sums are small beside its data
TARGET_SAMPLES = 4  # least rows of a block of several targets, for each column of X: the sums are smaller than y
TILE = 8  # targets side by side: a cache line
# Where fastgd chooses the number of threads, each gets at least this many elements of X in an epoch, and this many in
# all epochs of a call, since a call starts the threads.
THREAD_ELEMENTS, THREAD_CALL_ELEMENTS = BLOCK_ELEMENTS, 1_200_000
PER_LINE = 8  # doubles, or entries of sync, in a cache line
SHARED = 4  # cache lines of sync beside one for each member: three for shared entries, and a margin at the end
ENDED = 0  # the entry of sync that ends a run; the other entries belong to the kernels
SUMS = PER_LINE - 2  # where a block's sums begin: Σr², Σr, and from the next cache line on Σ r·x₁, …, Σ r·xₚ


def run_team(
    run_member: Callable[..., int],
    X: Array,
    y: Array,
    weights: Array,
    rates: Array,
    costs: Array,
    gradient: Array,
    threads: int,
) -> int:
    """Check the arrays, divide the rows into blocks, and run a team of at most `threads` members."""
    intercepts = check_arrays(X, y, weights, rates, costs, gradient, threads)
    n_samples, n_features = X.shape
    targets = 1 if y.ndim == 1 else y.shape[1]
    block_rows = rows_per_block(n_samples, n_features, targets)
    blocks = -(-n_samples // block_rows)
    if y.ndim == 1:
        # One row for each block, and one for the weights. Coefficients and sums begin with a cache line, because those
        # that begin inside one are slower to read; whole lines keep threads from writing to the same one.
        partials = empty_lines(blocks + 1, SUMS + 2 + n_features)
        own = partials[blocks, PER_LINE - intercepts : PER_LINE + n_features]
        own[:] = weights
    else:
        partials, own = empty_tiles(blocks, 2 + n_features, targets), as_tiles(weights)
    arguments = (X, y, own, rates, costs, gradient, intercepts, block_rows, partials[:blocks])
    applied = run_members(run_member, arguments, blocks, threads)
    if y.ndim == 1:
        weights[:] = own
    else:
        fill_from_tiles(weights, own)
    return applied


def run_each(
    descend: Callable[..., int],
    X: Any,
    y: Array,
    weights: Array,
    rates: Array,
    costs: Array,
    gradient: Array,
    threads: int = 1,
) -> int:
    """Run the targets, the columns of y, one after the other; return how many updates were applied.

    All targets must end at the same update. If one ends early, they run once more, side by side.
    """
    own, found = weights.T.copy(order="C"), np.empty(costs.shape[::-1])
    slopes = np.empty_like(own)
    for t in range(y.shape[1]):
        applied = descend(X, y[:, t].copy(), own[t], rates, found[t], slopes[t], threads)
        if applied < len(rates):
            return descend(X, y, weights, rates, costs, gradient, threads)
    weights[:], costs[:], gradient[:] = own.T, found.T, slopes.T
    return applied


def run_members(run_member: Callable[..., int], arguments: tuple[Any, ...], blocks: int, threads: int) -> int:
    """Run the members of a team, which share the blocks; return how many updates were applied.

    Each member gets the arguments, the entries by which the members communicate, its own number and the number of all.
    """
    members = min(index(threads), blocks)  # Python's integer: the products below would overflow a small one of NumPy
    sync = np.zeros((SHARED + members) * PER_LINE, dtype=np.int64)
    others = [Thread(target=run_member, args=(*arguments, sync, member, members)) for member in range(1, members)]
    try:
        start_threads(others)
        return run_member(*arguments, sync, 0, members)
    finally:
        # Release the waiting members after Ctrl-C; after a whole run none waits.
        sync[ENDED] = 1
        for thread in others:
            if thread.ident is not None:
                thread.join()


def run_shares(work: Callable[[int], None], members: int) -> None:
    """Call ``work(member)`` for each member of a team, in threads as far as the system can start them.

    The calling thread does the share of a member whose thread did not start, or failed; so it raises that error.
    """
    if members == 1:
        work(0)
        return
    done: set[int] = set()

    def run_share(member: int) -> None:
        work(member)
        done.add(member)

    threads = [Thread(target=run_share, args=(member,)) for member in range(1, members)]
    start_threads(threads)
    run_share(0)
    for thread in threads:
        if thread.ident is not None:
            thread.join()
    for member in range(members):
        if member not in done:
            work(member)


def start_threads(threads: list[Thread]) -> None:
    """Start threads until the system cannot start one more; the members that have started do the work of all."""
    for thread in threads:
        try:
            thread.start()
        except (RuntimeError, MemoryError):  # RuntimeError: can't start new thread
            return


def rows_per_block(n_samples: int, n_features: int, targets: int = 1) -> int:
    """Return the number of rows in a block: a multiple of 16, decided by the shapes of X and y alone."""
    # The sums of several targets are larger than their block, unless it has as many rows as X has columns.
    least = BLOCK_SAMPLES if targets == 1 else max(BLOCK_SAMPLES, TARGET_SAMPLES * n_features)
    elements = n_samples * n_features * targets
    if elements < 2 * BLOCK_ELEMENTS:
        return -(-n_samples // 16) * 16
    blocks = min(MOST_BLOCKS, n_samples // least, elements // BLOCK_ELEMENTS)
    blocks = max(blocks - blocks % 2, 1)  # two threads have the same share
    return -(-n_samples // (16 * blocks)) * 16


def count_members(n_samples: int, n_features: int, threads: int) -> int:
    """Return how many of `threads` threads take part: each needs at least one block."""
    return min(threads, -(-n_samples // rows_per_block(n_samples, n_features)))


def empty_tiles(blocks: int, rows: int, targets: int) -> Array:
    """Return an uninitialised array (blocks, tiles, rows, TILE): a tile has the sums of TILE targets side by side."""
    tiles = -(-targets // TILE)
    return empty_lines(blocks * tiles * rows, TILE).reshape(blocks, tiles, rows, TILE)


def as_tiles(weights: Array) -> Array:
    """Return weights (n_weights, k) as (tiles, n_weights, TILE), with zeros where the last tile has no target."""
    (tiles,) = empty_tiles(1, *weights.shape)
    whole, rest = divmod(weights.shape[1], TILE)
    tiles[:whole] = split_targets(weights, whole)
    if rest:
        tiles[whole] = 0.0
        tiles[whole, :, :rest] = weights[:, whole * TILE :]
    return tiles


def fill_from_tiles(weights: Array, tiles: Array) -> None:
    """Write the numbers of such tiles to weights (n_weights, k)."""
    whole, rest = divmod(weights.shape[1], TILE)
    split_targets(weights, whole)[:] = tiles[:whole]
    if rest:
        weights[:, whole * TILE :] = tiles[whole, :, :rest]


def split_targets(weights: Array, whole: int) -> Array:
    """Return a view (whole, n_weights, TILE) of weights (n_weights, k): the targets of the first whole tiles."""
    return weights[:, : whole * TILE].reshape(len(weights), whole, TILE).transpose(1, 0, 2)


def empty_lines(rows: int, columns: int) -> Array:
    """Return an uninitialised float64 array whose rows each begin with a cache line and fill whole lines."""
    width = -(-columns // PER_LINE) * PER_LINE
    storage = np.empty(rows * width + PER_LINE)
    begin = -(storage.ctypes.data // storage.itemsize) % PER_LINE
    return storage[begin : begin + rows * width].reshape(rows, width)


def choose_threads(n_samples: int, n_features: int, epochs: int, targets: int = 1) -> int:
    """Return how many threads are worth starting for a call: at most OMP_NUM_THREADS.

    If that is not set, the threads of Python that fit at the same time share the processors of this process.
    """
    elements = n_samples * n_features * targets
    most = min(elements // THREAD_ELEMENTS, elements * epochs // THREAD_CALL_ELEMENTS)
    if most < 2:
        return 1  # reading the environment would take longer than a few epochs of a small X
    return min(most, read_openmp_threads() or max(count_cores() // count_calculations(), 1))


def read_openmp_threads() -> int | None:
    """Return the number of threads that OMP_NUM_THREADS allows; None if it is no number."""
    allowed = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    digits = allowed.lstrip("0")[:9] if allowed.isdecimal() else ""  # Python refuses to read thousands of digits
    return int(digits) if digits else None
