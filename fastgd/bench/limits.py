"""The two sides of a roofline: the measured limits of the machine, and the work of an epoch.

The model is that of S. Williams, A. Waterman and D. Patterson, Roofline: an insightful visual performance model for
multicore architectures, Communications of the ACM 52(4), 2009.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from fastgd import backends
from fastgd.backends.sparse import CSR
from fastgd.bench.contestants import Contestant, list_readers
from fastgd.bench.machine import find_caches
from fastgd.bench.problem import Problem, Timed
from fastgd.bench.text import base_of
from fastgd.bench.timing import ROUNDS, collect
from fastgd.inputs.arrays import Array
from fastgd.inputs.extras import is_installed

PRODUCT = "product"
PRODUCT_ROWS = 768  # rows of the square matrices whose product shows the peak: 14 MB for three, 18 ms a product
OUT_OF_CACHE = 3  # times the last cache: a second reading of this many bytes finds almost nothing in the cache
LEAST_MEMORY = 2**26  # bytes that count as out of cache where the sizes of caches are unknown
BYTES_OF_A_NUMBER = 8
BYTES_OF_A_LIST_ENTRY = 32  # a pointer of 8 bytes to an object of 24
PASSES_OF_VECTORS = 9  # in NumPy's lines: residuals are written three times; residuals and y are read six times


def measure_limits(counts: Sequence[int] = (1,), rounds: int = ROUNDS) -> list[dict[str, Any]]:
    """Measure how fast this machine reads from each level of its memory, and how fast it computes.

    Parameters
    ----------
    counts : sequence of int
        The numbers of threads to measure with.
    rounds : int
        The interleaved samples of each median.

    Returns
    -------
    list of dict
        An entry for each number of threads. "operations_per_second", in float64, is that of BLAS's product of two
        matrices; None where BLAS cannot be held to the number of threads. "bytes_per_second", by level ("L2", "L3",
        "memory"), is that of the fastest variant of the extension's read loop; empty without the extension. Level L1
        is left out: reading it takes less time than a call. Limits are those of the best sample, since anything else
        that the machine did made them lower; "quartiles" has the quartiles of "operations" and "bytes".
    """
    caches = find_caches()
    bytes_of, instances = ({level: one[k] for level, one in caches.items()} for k in (0, 1))
    sizes = {count: level_sizes(capacities(bytes_of, instances, count)) for count in counts}
    contestants = list_products(counts) if is_installed("threadpoolctl") else []
    if "cython" in backends.available():
        numbers = np.ones(max(max(one.values()) for one in sizes.values()) // BYTES_OF_A_NUMBER)
        for count in counts:
            for level, size in sizes[count].items():
                contestants += read_level(numbers, size, level, count)
    square = Problem(np.ones((PRODUCT_ROWS, PRODUCT_ROWS)), np.ones(1))
    found: dict[tuple[str, int], list[float]] = {}
    for contestant, _, seconds in collect(contestants, square, rounds):
        place = contestant.name, contestant.threads
        found[place] = min(found.get(place, seconds), seconds, key=min)
    return [gather_limit(found, sizes[count], count) for count in counts]


def list_products(counts: Sequence[int]) -> list[Contestant]:
    """Return the product of two matrices with each number of BLAS threads."""
    return [Contestant(PRODUCT, prepare_product, count, blas_threads=count) for count in counts]


def read_level(numbers: Array, size: int, level: str, threads: int) -> list[Contestant]:
    """Return the variants of the read loop on a number of bytes that a level of memory holds."""
    part = Problem(numbers[: size // BYTES_OF_A_NUMBER, None], np.ones(1))

    def prepare(reader: Contestant) -> Callable[[Problem], Timed]:
        return lambda _: reader.prepare(part)  # not the problem of all other contestants

    return [replace(reader, name=level, prepare=prepare(reader)) for reader in list_readers(threads)]


def gather_limit(found: dict[tuple[str, int], list[float]], sizes: Mapping[str, int], threads: int) -> dict[str, Any]:
    """Return the limits of one number of threads, from seconds by contestant and number of threads."""
    work = {PRODUCT: 2 * PRODUCT_ROWS**3, **sizes}
    rates = {
        name: np.quantile(work[name] / np.array(found[name, threads]), [1.0, 0.25, 0.75]).tolist()
        for name in work
        if (name, threads) in found
    }
    peak, *spread = rates.pop(PRODUCT, [None, None, None])
    return {
        "threads": threads,
        "operations_per_second": peak,
        "bytes_per_second": {level: speed for level, (speed, *_) in rates.items()},
        "quartiles": {
            "operations": None if peak is None else spread,
            "bytes": {level: quartiles for level, (_, *quartiles) in rates.items()},
        },
    }


def capacities(caches: Mapping[str, int], instances: Mapping[str, int], threads: int) -> dict[str, int]:
    """Return the bytes that the caches of a number of threads hold together.

    Examples
    --------
    >>> from fastgd.bench.limits import capacities
    >>> capacities({"L2": 1048576, "L3": 33554432}, {"L2": 8, "L3": 1}, threads=2)
    {'L2': 2097152, 'L3': 33554432}
    """
    return {level: size * min(threads, instances[level]) for level, size in caches.items()}


def level_sizes(held: Mapping[str, int]) -> dict[str, int]:
    """Return the bytes to read so that they come from each level: half of a cache, three times the last cache.

    A level is left out if the levels before it hold half of its bytes: the caches of all cores together may hold more
    than the cache that they share.
    """
    sizes, before = {}, 0
    for level, size in held.items():
        if level != "L1" and size // 2 > before:
            sizes[level] = size // 2
        before = max(before, size)
    return sizes | {"memory": max(LEAST_MEMORY, OUT_OF_CACHE * before)}


def prepare_product(problem: Problem) -> Timed:
    """Set up products of a square matrix with itself: no other common operation comes closer to the peak."""
    product = np.empty_like(problem.X)

    def run(epochs: int) -> Array:
        for _ in range(epochs):
            np.matmul(problem.X, problem.X, out=product)
        return product[0]

    return Timed(run)


def count_sparse_work(name: str, X: CSR) -> dict[str, int]:
    """Return the bytes and operations of an epoch on sparse rows, as `count_work` does; nothing for lists."""
    if base_of(name) not in ("numpy", "numba", "cython"):
        return {}
    passes, n_samples = 2 if base_of(name) == "numpy" else 1, X.shape[0]
    once = passes * X.nbytes + BYTES_OF_A_NUMBER * n_samples
    return {"bytes_per_epoch": once, "operations_per_epoch": 4 * X.size + 5 * n_samples}


def count_work(name: str, n_samples: int, n_features: int, itemsize: int = 8) -> dict[str, int]:
    """Return the bytes and operations of an epoch, counted from the source of a contestant.

    Of a registered backend, whose source is not known, it counts the least that an epoch needs: X and y once.

    Examples
    --------
    >>> from fastgd.bench.limits import count_work
    >>> count_work("cython", 1000, 20)
    {'bytes_per_epoch': 168000, 'operations_per_epoch': 85000}
    """
    elements = n_samples * n_features
    y, operations = BYTES_OF_A_NUMBER * n_samples, 4 * elements + 5 * n_samples
    rows = min(n_samples, n_features + 2)  # of a compressed problem
    corner = min(n_samples, n_features + 1) + 1  # rows of a whitened problem, which has a column less
    once, twice = itemsize * elements + y, 2 * BYTES_OF_A_NUMBER * elements + PASSES_OF_VECTORS * y
    counts = {
        "arrays": (once, operations),
        "python": (BYTES_OF_A_LIST_ENTRY * (elements + n_samples), operations),
        "numpy": (twice, operations),
        "in_place": (twice, operations),
        "numba": (once, operations),
        "cython": (once, operations),
        "compressed": (BYTES_OF_A_NUMBER * rows * (n_features + 2), 4 * rows * (n_features + 1) + 3 * rows),
        "whitened": (BYTES_OF_A_NUMBER * corner**2, 4 * corner * (corner - 1) + 3 * corner),
        "read": (itemsize * elements, elements),
    }
    found = counts.get(base_of(name), (once, operations) if base_of(name) in backends.MODULES else None)
    return {"bytes_per_epoch": found[0], "operations_per_epoch": found[1]} if found else {}
