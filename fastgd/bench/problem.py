"""The problem that contestants get, and the callables that they return."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from fastgd.backends.sparse import CSR
from fastgd.inputs.arrays import Array

RATE = 1e-3  # the largest
LINE, BEGIN = 64, 16  # the bytes of a cache line, and the place in it at which X begins


class Problem(NamedTuple):
    """The data of one shape; X is an array, or the record of sparse rows."""

    X: Any
    y: Array


def choose_rate(X: Array | CSR) -> float:
    """Return a rate well below 2/smoothness for standard normal data, whose largest singular value is about √n + √p.

    A descent that diverges would stop early, and its epochs could not be timed.

    Examples
    --------
    >>> import numpy as np
    >>> from fastgd.bench.problem import choose_rate
    >>> choose_rate(np.empty((1000, 20))), choose_rate(np.empty((2, 1922)))
    (0.001, 0.00048828125)
    """
    n_samples, n_features = X.shape
    return min(RATE, 0.5 / (1.0 + (n_features / n_samples) ** 0.5) ** 2)


@dataclass(frozen=True)
class Timed:
    """A contestant after its set-up.

    Attributes
    ----------
    run : callable
        Takes a number of epochs, performs them from weights of zero, and returns the weights `[intercept, coef…]`.
    idle : callable or None
        Takes a number of epochs and does the other work of `run`, whose time is taken off; None if there is none.
    """

    run: Callable[[int], Array]
    idle: Callable[[int], object] | None = None


def make_problem(n_samples: int, n_features: int, order: str = "C", dtype: str = "float64") -> Problem:
    """Return standard normal data with a known linear relation and noise.

    Examples
    --------
    >>> from fastgd.bench.problem import make_problem
    >>> make_problem(3, 2, order="F").X.flags.f_contiguous
    True
    """
    generator = np.random.default_rng(0)
    X = generator.standard_normal((n_samples, n_features))
    y = X @ np.linspace(1.0, 2.0, n_features) + 1.0 + generator.standard_normal(n_samples)
    return Problem(place(np.asarray(X, dtype=dtype, order="F" if order == "F" else "C")), y)


def place(X: Array) -> Array:
    """Return a copy of X that begins 16 bytes after the begin of a cache line, as large arrays of NumPy do.

    Small ones begin anywhere, and the time of an epoch depends on it by up to a quarter: not so in a comparison.

    Examples
    --------
    >>> import numpy as np
    >>> from fastgd.bench.problem import place
    >>> placed = place(np.ones((5, 3)))
    >>> placed.ctypes.data % 64, placed.shape, placed.flags.c_contiguous
    (16, (5, 3), True)
    """
    memory = np.empty(X.nbytes + LINE, dtype=np.uint8)
    begin = (BEGIN - memory.ctypes.data) % LINE
    order: Literal["C", "F"] = "C" if X.flags.c_contiguous else "F"
    placed = memory[begin : begin + X.nbytes].view(X.dtype).reshape(X.shape, order=order)
    placed[:] = X
    return placed


def make_sparse_problem(n_samples: int, n_features: int, density: float, dtype: str = "float64") -> Problem:
    """Return standard normal entries at random places of sparse rows, with a known linear relation and noise.

    The numbers of entries differ from row to row. The few that fall on one place are added.

    Examples
    --------
    >>> from fastgd.bench.problem import make_sparse_problem
    >>> make_sparse_problem(100, 50, 0.1).X.shape
    (100, 50)
    """
    generator = np.random.default_rng(0)
    counts = generator.binomial(n_features, density, n_samples)
    indptr = np.concatenate([[0], np.cumsum(counts)])
    places = generator.integers(0, n_features, indptr[-1])
    columns = places[np.lexsort((places, np.repeat(np.arange(n_samples), counts)))]
    kind = np.int32 if indptr[-1] <= np.iinfo(np.int32).max else np.int64
    entries = generator.standard_normal(indptr[-1])
    X = CSR(entries.astype(dtype), columns.astype(kind), indptr.astype(kind), (n_samples, n_features))
    terms = entries * np.linspace(1.0, 2.0, n_features)[columns]
    sums = np.bincount(np.repeat(np.arange(n_samples), counts), terms, n_samples)
    return Problem(X, sums + 1.0 + generator.standard_normal(n_samples))
