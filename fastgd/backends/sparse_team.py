"""Blocks of sparse rows, and the team of threads that runs one call of a compiled backend on them.

The kernel of a compiled backend has one signature::

    run_sparse_member(
        data, indices, indptr, means, factors, y, weights, rates, costs, gradient, intercepts, order, starts, partials,
        sync, member, members,
    ) -> int

All is as in `fastgd.backends.threads`, but for these: `y`, `weights`, `costs` and `gradient` have an axis of targets;
block b has the rows order[starts[b]] to order[starts[b + 1] - 1], which the numbers of rows, of their entries and of
weights decide; the order is empty if it is that of the rows; means and factors are empty if there are none.
src_ext/sparse.pxi says which sums of a block are where.
"""

from collections.abc import Callable

import numpy as np

from fastgd.backends.sparse import CSR, check_sparse_arrays
from fastgd.backends.threads import MOST_BLOCKS, choose_threads, empty_lines, run_members
from fastgd.inputs.arrays import Array

BLOCK_WORK = 16_384  # least entries and rows in a block, times targets: computing it takes longer than telling threads
ENTRY_ELEMENTS = 5  # elements of dense rows in the time of a stored entry, whose weight is anywhere in memory
LEAST_SHARE = 16  # least entries and rows in a block for each of its sums, which the last member has to add up
NOTHING = np.empty(0)


def run_sparse_team(
    run_member: Callable[..., int],
    X: CSR,
    y: Array,
    weights: Array,
    rates: Array,
    costs: Array,
    gradient: Array,
    threads: int,
) -> int:
    """Check the arrays, divide the rows into blocks, and run a team of at most `threads` members."""
    intercepts = check_sparse_arrays(X, y, weights, rates, costs, gradient, threads)
    k = y.shape[1] if y.ndim == 2 else 1
    starts = divide_rows(X, k)
    blocks = len(starts) - 1
    partials, own = empty_lines(blocks, (X.shape[1] + 5) * k), weights.reshape(-1, k).copy()
    means, factors = (NOTHING if part is None else part for part in (X.means, X.factors))
    rows = X.data, X.indices, X.indptr, means, factors
    sums = costs.reshape(-1, k), gradient.reshape(-1, k)
    arguments = (*rows, y.reshape(-1, k), own, rates, *sums, intercepts, X.order, starts, partials)
    applied = run_members(run_member, arguments, blocks, threads)
    weights[:] = own.reshape(weights.shape)
    return applied


def divide_rows(X: CSR, n_targets: int = 1) -> Array:
    """Return the rows where blocks begin, and the number of rows: blocks have about the same numbers of entries."""
    n, p = X.shape
    work = len(X.data) + n
    blocks = min(MOST_BLOCKS, work * n_targets // BLOCK_WORK, work // (LEAST_SHARE * p), n)
    blocks = max(blocks - blocks % 2, 1)  # two threads have the same share
    if blocks not in X.divided:
        shares = np.arange(1, blocks) * (work // blocks)
        rows = np.searchsorted(X.indptr[1:] + np.arange(1, n + 1), shares) if blocks > 1 else shares
        X.divided[blocks] = np.unique(np.concatenate([[0], rows, [n]])).astype(np.int64)
    return X.divided[blocks]


def count_sparse_work(X: CSR, n_targets: int = 1) -> int:
    """Return the multiplications of an epoch, each way."""
    return (len(X.data) + X.shape[0]) * n_targets


def choose_sparse_threads(work: int, epochs: int) -> int:
    """Return how many threads are worth starting for a call, by the multiplications of each epoch."""
    return choose_threads(work, 1, ENTRY_ELEMENTS * epochs)
