"""The update compiled ahead of time by Cython and a C compiler, for several CPU levels: src_ext/_kernel.pyx."""

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from fastgd.backends.contract import check_arrays
from fastgd.backends.lacks import explain_kernel
from fastgd.backends.sparse import CSR
from fastgd.backends.sparse_team import run_sparse_team
from fastgd.backends.threads import rows_per_block, run_shares, run_team
from fastgd.inputs.arrays import Array
from fastgd.inputs.values import SMALLEST_SQUARE
from fastgd.inputs.words import quote

try:
    from fastgd.backends import _kernel

    LEVELS = _kernel.levels()
except (ImportError, AttributeError) as error:  # AttributeError: a kernel of another version of fastgd
    raise ImportError(explain_kernel(error)) from error

LEVEL_VARIABLE = "FASTGD_CPU_LEVEL"
# The rows of a Gram matrix are divided into parts, which threads share, by the shape of X alone. A part has at least
# PART_ROWS rows, and all matrices together have at most PART_ELEMENTS elements, 8 MB.
MOST_PARTS, PART_ROWS, PART_ELEMENTS = 16, 2048, 1 << 20
PANEL = 24  # columns that are enough for a thread, where there are fewer parts than threads
# Most columns whose products, and whose reflections, leave the cache so rarely that BLAS takes no less time.
MOST_TILED, MOST_REFLECTED = 1024, 128
MOST_SINGLY = 3  # targets that take less time one after the other than side by side, whatever the shape of X
MOST_MEASURED = 2  # vectors that are measured one after the other in less time than by products of matrices

TAKES_SPARSE = True


def choose_level() -> str:
    """Return the highest CPU level of this machine, or the lower one that FASTGD_CPU_LEVEL names."""
    asked = os.environ.get(LEVEL_VARIABLE) or LEVELS[-1]
    if asked not in LEVELS:
        raise ImportError(
            f"backend 'cython' cannot be loaded: {LEVEL_VARIABLE} must be one of {', '.join(LEVELS)} on this machine; "
            f"got {quote(asked)}"
        )
    return asked


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
        return run_sparse_team(_kernel.run_sparse_member, X, y, weights, rates, costs, gradient, threads)
    intercepts = check_arrays(X, y, weights, rates, costs, gradient, threads)
    if threads == 1 and y.ndim == 1:
        rows = rows_per_block(*X.shape)
        return _kernel.run_alone(X, y, weights, rates, costs, gradient, intercepts, rows, LEVEL)
    return run_team(run_member, X, y, weights, rates, costs, gradient, threads)


def gram(X: Array, y: Array, sample_weight: Array | None, shift: Array, threads: int = 1) -> Array:
    """Return Σ s·[1 x−c]ᵀ[1 x−c y−c] over the rows, and Σ s·(y−c)²: see `fastgd.backends.gram`."""
    parts = sum_parts(_kernel.sum_products, X, y, sample_weight, shift, threads, (X.shape[1] + y.shape[1]) // PANEL)
    return parts.sum(axis=0) if len(parts) > 1 else parts[0]  # NumPy adds the parts in their order


def triangle(X: Array, y: Array, sample_weight: Array | None, shift: Array, threads: int = 1) -> Array:
    """Return the R of a QR of the rows √s·[1 x−c y−c]: see `fastgd.backends.triangle`."""
    parts = sum_parts(_kernel.sum_triangles, X, y, sample_weight, shift, threads)
    _kernel.merge_triangles(parts, 1 + X.shape[1], LEVEL)
    return parts[0]


def measure(
    X: Array, y: Array | None, sample_weight: Array | None, means: Array, vectors: Array, threads: int = 1
) -> tuple[Array, Array]:
    """Return Σ s·r² and Σ s·r·(x−c) for r = (x−c)·v − (y−d): see `fastgd.backends.measure`."""
    X, (p, m) = as_rows(X), vectors.shape
    columns, rows = np.ascontiguousarray(vectors.T), choose_part_rows(len(X), (2 + p) * (2 + p))
    parts = np.empty((m, -(-len(X) // rows), 1 + p))
    members = min(threads, parts.shape[1])

    def work(member: int) -> None:
        for t in range(m):
            centre = 0.0 if y is None else means[p + t]
            given = y, t, sample_weight, centre, means[:p], columns[t]
            measure_parts(X, *given, rows, parts[t], member, members, LEVEL)

    run_shares(work, members)
    sums = parts.sum(axis=1)
    return sums[:, 0], sums[:, 1:].T


def as_rows(X: Array) -> Array:
    """Return X, or a copy if it is in neither order, nor some rows of an array in Fortran order."""
    return X if X.flags.c_contiguous or X.strides[0] == X.itemsize else np.ascontiguousarray(X)


def choose_part_rows(n_samples: int, elements: int) -> int:
    """Return how many rows make a part, each with sums of so many elements: by shapes alone, a multiple of 8."""
    parts = max(1, min(MOST_PARTS, n_samples // PART_ROWS, PART_ELEMENTS // elements))
    return -(-n_samples // (8 * parts)) * 8


def sum_parts(
    kernel: Callable[..., None],
    X: Array,
    y: Array,
    sample_weight: Array | None,
    shift: Array,
    threads: int,
    panels: int = 0,
) -> Array:
    """Return the sums of each part of the rows, as an array of (parts, 2 + n_features, 1 + n_features + n_targets).

    If there are more panels of columns than parts of rows, as many threads can share these.
    """
    X, y = as_rows(X), np.ascontiguousarray(y)
    sample_weight = None if sample_weight is None else np.ascontiguousarray(sample_weight)
    n, p, k = *X.shape, y.shape[1]
    rows = choose_part_rows(n, (2 + p) * (1 + p + k))
    sums = np.empty((-(-n // rows), 2 + p, 1 + p + k))
    members = min(threads, max(len(sums), panels))

    def work(member: int) -> None:
        kernel(X, y, sample_weight, shift, rows, sums, member, members, LEVEL)

    run_shares(work, members)
    return sums


def sum_groups(
    X: Array, Y: Array, sample_weight: Array | None, order: Array | None, starts: Array, counts: Array, totals: Array
) -> tuple[Array, Array, Array]:
    """Return the means, mean products and mean squares of groups of rows: see `fastgd.problem.group_rows`."""
    p, columns = X.shape[1], X.shape[1] + Y.shape[1]
    means, products = np.empty((len(starts), columns)), np.empty((len(starts), p, columns))
    squares, block = np.empty((len(starts), columns - p)), np.empty((columns + 2, -(-int(counts.max()) // 4) * 4))
    places = starts, counts, totals, SMALLEST_SQUARE, block
    _kernel.sum_groups(X, Y, sample_weight, order, *places, means, products, squares)
    return means, products, squares


def run_member(*arguments: Any) -> int:
    """Run one member of a team at the CPU level in use; y of two dimensions are several targets."""
    run = _kernel.run_member if arguments[1].ndim == 1 else _kernel.run_target_member
    return run(*arguments, LEVEL)


sum_sparse_products, describe_columns = _kernel.sum_sparse_products, _kernel.describe_columns
mean_rows = _kernel.mean_rows
whiten_triangle, factorize_products = _kernel.whiten_triangle, _kernel.factorize_products
measure_parts = _kernel.measure_parts  # an older kernel fails here, and not in the middle of a fit
sum_powers, scale_entries, scale_products = _kernel.sum_powers, _kernel.scale_entries, _kernel.scale_products
spread_factor, pack_triangle = _kernel.spread_factor, _kernel.pack_triangle
LEVEL = LEVELS.index(choose_level())
