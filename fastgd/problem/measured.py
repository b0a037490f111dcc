"""Combinations of the centred columns of dense rows, measured in the data: the norms of residuals, and gradients."""

from functools import partial

import numpy as np

from fastgd import backends
from fastgd.backends.threads import choose_threads
from fastgd.forks import halt_for_forks
from fastgd.inputs.arrays import Array
from fastgd.problem.moments import Moments, sum_calls

MEASURED_AT_ONCE = 64  # combinations
CALL_ELEMENTS = 1 << 26  # of X in one call: some tenths of a second, then Python answers Ctrl-C


@halt_for_forks
def measure_rows(
    rows: tuple[Array, Array, Array | None],
    moments: Moments,
    vectors: Array,
    targets: list[int] | None,
    *,
    threads: int | None = None,
    backend: str = "auto",
) -> tuple[Array, Array]:
    """Return the norms and the gradients of combinations of the centred columns: see `Measure` in corrected.py.

    Parameters
    ----------
    rows : tuple
        X, y of shape (n_samples, n_targets), and the weights of the rows or None.
    moments : Moments
        The Gram sums of the rows.
    vectors : ndarray of shape (n_features, m)
        The combinations.
    targets : list of int or None
        The target of each combination; None for targets of zeros.
    threads : int or None
        How many threads a compiled backend may use; None for as many as pay off.
    backend : str
        The backend.
    """
    X, y, weights = rows
    (n, p), m, means = X.shape, vectors.shape[1], moments.means
    squares, gradients = np.empty(m), np.empty((p, m))
    for start in range(0, m, MEASURED_AT_ONCE):
        part = slice(start, start + MEASURED_AT_ONCE)
        goal, centres, chosen = None, means[:p], vectors[:, part]
        if targets is not None:
            goal = y if targets[part] == list(range(y.shape[1])) else y[:, targets[part]]
            goal = np.ascontiguousarray(goal, dtype=np.float64)
            centres = np.concatenate([centres, means[p:][targets[part]]])
        members = threads or choose_threads(n, p, 1, chosen.shape[1])
        measure = partial(backends.measure, means=centres, vectors=chosen, threads=members, backend=backend)
        most = max(CALL_ELEMENTS // X.shape[1], 1)
        squares[part], gradients[:, part] = sum_calls(measure, add_pairs, most, X, goal, weights)
    return np.sqrt(squares), gradients


def add_pairs(a: tuple[Array, Array], b: tuple[Array, Array]) -> tuple[Array, Array]:
    """Return the sums of two pairs, entry by entry."""
    return a[0] + b[0], a[1] + b[1]
