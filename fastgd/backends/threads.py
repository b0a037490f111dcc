"""What the compiled backends share: blocks of rows, and several threads that run one call together.

A kernel of these backends has one signature::

    kernel(X, y, weights, rates, costs, gradient, intercepts, block_rows, partials, sync, member, members) -> int

Every member of a team makes the same call with its own number. The blocks depend on the shape of X alone, each
has a row of `partials` for its sums, from SUMS on, and whoever finishes an epoch's last block folds these in the order
of the blocks: the answer has the same bits for every number of members, also where some come late, or never. What
members tell each other stands in `sync`. Threads live for one call, so nothing is left behind that a fork could break
or that two Python threads could share.
"""

import os
from collections.abc import Callable, Collection
from threading import Thread

import numpy as np

from fastgd.backends.contract import count_intercepts
from fastgd.inputs.arrays import Array

MOST_BLOCKS = 64
BLOCK_ELEMENTS = (
    16_384  # of X in a block, at least, so that it takes longer than to tell another thread that it is done
)
BLOCK_SAMPLES = 48  # rows of a block, at least, so that its sums are small beside its data
# What each thread has to do, at least, where the caller leaves the choice to us: elements of X in an epoch, and in all
# epochs of a call, at whose beginning they are started.
THREAD_ELEMENTS, THREAD_CALL_ELEMENTS = BLOCK_ELEMENTS, 1_200_000
LINE = 8  # doubles, or entries of sync, in a line of cache
SHARED = 4  # lines of sync that members share, and one behind the last; each has another of its own
ENDED = 0  # the entry of sync that ends a run; the others are the kernels' own
SUMS = LINE - 2  # where a block's sums begin: Σr², Σr, and with the next line Σ r·x₁, …, Σ r·xₚ


def descend(
    kernel: Callable[..., int],
    X: Array,
    y: Array,
    weights: Array,
    rates: Array,
    costs: Array,
    gradient: Array,
    threads: int,
) -> int:
    """Check the arrays, divide the rows, and run a team of at most `threads` members."""
    intercepts = count_intercepts(X, y, weights, rates, costs, gradient)
    n_samples, n_features = X.shape
    block_rows = rows_per_block(n_samples, n_features)
    blocks = -(-n_samples // block_rows)
    # A row for each block, and one for the weights: products with X read the coefficients and add to the sums, and what
    # begins inside a line of cache is slower to read. Whole lines keep threads from writing to the same one.
    partials = empty_lines(blocks + 1, SUMS + 2 + n_features)
    own = partials[blocks, LINE - intercepts : LINE + n_features]
    own[:] = weights
    members = min(threads, blocks)
    sync = np.zeros((SHARED + members) * LINE, dtype=np.int64)
    arguments = (X, y, own, rates, costs, gradient, intercepts, block_rows, partials[:blocks], sync)
    others = [Thread(target=kernel, args=(*arguments, member, members)) for member in range(1, members)]
    try:
        for thread in others:
            thread.start()
        applied = kernel(*arguments, 0, members)
        weights[:] = own
        return applied
    finally:
        # After a whole run nobody waits any more; after a thread that did not start, or Ctrl-C, nobody must.
        sync[ENDED] = 1
        for thread in others:
            if thread.ident is not None:
                thread.join()


def rows_per_block(n_samples: int, n_features: int) -> int:
    """Return how many rows make a block: a multiple of 16, decided by the shape alone."""
    blocks = min(MOST_BLOCKS, n_samples // BLOCK_SAMPLES, n_samples * n_features // BLOCK_ELEMENTS)
    blocks = max(blocks - blocks % 2, 1)  # two threads have the same share
    return -(-n_samples // (16 * blocks)) * 16


def count_members(n_samples: int, n_features: int, threads: int) -> int:
    """Return how many of so many threads have something to do: a block each, at least."""
    return min(threads, -(-n_samples // rows_per_block(n_samples, n_features)))


def empty_lines(rows: int, columns: int) -> Array:
    """Return an uninitialised float64 array whose rows each begin at a line of cache and fill whole lines."""
    width = -(-columns // LINE) * LINE
    storage = np.empty(rows * width + LINE)
    begin = -(storage.ctypes.data // storage.itemsize) % LINE
    return storage[begin : begin + rows * width].reshape(rows, width)


def choose_threads(n_samples: int, n_features: int, epochs: int) -> int:
    """Return how many threads a call of so many epochs is worth: up to OMP_NUM_THREADS or the number of cores."""
    elements = n_samples * n_features
    most = min(elements // THREAD_ELEMENTS, elements * epochs // THREAD_CALL_ELEMENTS)
    if most < 2:
        return 1  # to ask the environment would take longer than some epochs
    allowed = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    return min(most, int(allowed) if allowed.isdecimal() and int(allowed) > 0 else count_cores())


def count_cores() -> int:
    """Return how many processors this process may use."""
    return len(list_cores())


def list_cores() -> Collection[int]:
    """Return the numbers of the processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return os.sched_getaffinity(0)
    return range(os.cpu_count() or 1)
