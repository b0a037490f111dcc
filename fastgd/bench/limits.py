"""The machine's limits, measured, and what an epoch asks of them: the two sides of a roofline.

The model is that of S. Williams, A. Waterman and D. Patterson, Roofline: an insightful visual performance model for
multicore architectures, Communications of the ACM 52(4), 2009.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from fastgd import backends
from fastgd.backends import is_installed
from fastgd.bench.contestants import Contestant, list_readers
from fastgd.bench.machine import find_caches
from fastgd.bench.problem import Problem, Timed
from fastgd.bench.text import base_of
from fastgd.bench.timing import ROUNDS, collect
from fastgd.inputs.arrays import Array

PRODUCT = "product"
PRODUCT_ROWS = 768  # of the square matrices whose product shows the peak: 14 MB for three, and 18 ms a product
OUT_OF_CACHE = 3  # times the last cache: of so many bytes next to nothing is still there when they are read again
LEAST_MEMORY = 2**26  # bytes that count as out of cache where the caches are not known
BYTES_OF_A_NUMBER = 8
BYTES_OF_A_LIST_ENTRY = 32  # a pointer of 8 bytes to an object of 24
PASSES_OF_VECTORS = 9  # by NumPy's lines: residuals are written three times, they and y are read six times


def measure_limits(counts: Sequence[int] = (1,), rounds: int = ROUNDS) -> list[dict[str, Any]]:
    """Measure how fast this machine reads from each level of its memory, and how fast it multiplies and adds.

    Parameters
    ----------
    counts : sequence of int
        The numbers of threads to measure with.
    rounds : int
        How many interleaved samples each median is of.

    Returns
    -------
    list of dict
        For each number of threads: "threads"; "operations_per_second" in float64, by BLAS's product of two matrices
        (None where BLAS cannot be held to that number of threads); "bytes_per_second" by level ("L2", "L3", "memory"),
        by the extension's tuned read loop (empty without it), the fastest of its variants; "quartiles" of both, under
        "operations" and "bytes". L1 is left out: to read it takes less than a call.
    """
    caches = find_caches()
    bytes_of, instances = ({level: one[k] for level, one in caches.items()} for k in (0, 1))
    sizes = {count: level_sizes(capacities(bytes_of, instances, count)) for count in counts}
    contestants = [list_products(counts)] if is_installed("threadpoolctl") else []
    if "cython" in backends.available():
        numbers = np.ones(max(max(one.values()) for one in sizes.values()) // BYTES_OF_A_NUMBER)
        for count in counts:
            contestants += [read_level(numbers, size, level, count) for level, size in sizes[count].items()]
    everybody = [contestant for group in contestants for contestant in group]
    square = Problem(np.ones((PRODUCT_ROWS, PRODUCT_ROWS)), np.ones(1))
    found: dict[tuple[str, int], list[float]] = {}
    for contestant, _, seconds in collect(everybody, square, rounds):
        place = contestant.name, contestant.threads
        found[place] = min(found.get(place, seconds), seconds, key=np.median)
    return [gather_limit(found, sizes[count], count) for count in counts]


def list_products(counts: Sequence[int]) -> list[Contestant]:
    """Return products of two matrices with each number of BLAS threads."""
    return [Contestant(PRODUCT, prepare_product, count, blas_threads=count) for count in counts]


def read_level(numbers: Array, size: int, level: str, threads: int) -> list[Contestant]:
    """Return the variants of the read loop on so many bytes, which a level of memory holds."""
    part = Problem(numbers[: size // BYTES_OF_A_NUMBER, None], np.ones(1))

    def prepare(reader: Contestant) -> Callable[[Problem], Timed]:
        return lambda _: reader.prepare(part)  # what everybody else computes with has another size

    return [replace(reader, name=level, prepare=prepare(reader)) for reader in list_readers(threads)]


def gather_limit(found: dict[tuple[str, int], list[float]], sizes: Mapping[str, int], threads: int) -> dict[str, Any]:
    """Return the limits of so many threads, of seconds by contestant and threads."""
    work = {PRODUCT: 2 * PRODUCT_ROWS**3, **sizes}
    rates = {
        name: np.quantile(work[name] / np.array(found[name, threads]), [0.5, 0.25, 0.75]).tolist()
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
    """Return how many bytes the caches of so many threads hold, which are on as many cores as there are.

    Parameters
    ----------
    caches : mapping of str to int
        The bytes of one cache of each level.
    instances : mapping of str to int
        How many there are.
    threads : int
        Each is on a core of its own, as far apart from the others as possible.

    Examples
    --------
    >>> from fastgd.bench.limits import capacities
    >>> capacities({"L2": 1048576, "L3": 33554432}, {"L2": 8, "L3": 1}, threads=2)
    {'L2': 2097152, 'L3': 33554432}
    """
    return {level: size * min(threads, instances[level]) for level, size in caches.items()}


def level_sizes(held: Mapping[str, int]) -> dict[str, int]:
    """Return how many bytes to read so that they come from each level: half of a cache, three times the last one.

    A level whose half the levels before it hold is left out: all cores' own caches together may hold more than theirs.
    """
    sizes, before = {}, 0
    for level, size in held.items():
        if level != "L1" and size // 2 > before:
            sizes[level] = size // 2
        before = max(before, size)
    return sizes | {"memory": max(LEAST_MEMORY, OUT_OF_CACHE * before)}


def prepare_product(problem: Problem) -> Timed:
    """Set up products of a square matrix with itself: nothing that users run comes closer to the peak."""
    product = np.empty_like(problem.X)

    def run(epochs: int) -> Array:
        for _ in range(epochs):
            np.matmul(problem.X, problem.X, out=product)
        return product[0]

    return Timed(run)


def count_work(name: str, n_samples: int, n_features: int, itemsize: int = 8) -> dict[str, int]:
    """Return what an epoch must move and compute, counted from the source of a contestant.

    Parameters
    ----------
    name : str
        A contestant of `fastgd bench` or `fastgd study`, with or without a number of threads.
    n_samples, n_features : int
        The shape of X.
    itemsize : int
        Bytes of a number of X.

    Returns
    -------
    dict
        "bytes_per_epoch", read or written outside registers and L1, and "operations_per_epoch", additions and
        multiplications of the update; empty for contestants whose source is not ours.

    Examples
    --------
    >>> from fastgd.bench.limits import count_work
    >>> count_work("cython", 1000, 20)
    {'bytes_per_epoch': 168000, 'operations_per_epoch': 85000}
    """
    elements = n_samples * n_features
    y, operations = BYTES_OF_A_NUMBER * n_samples, 4 * elements + 5 * n_samples
    rows = min(n_samples, n_features + 2)  # of a compressed problem
    once, twice = itemsize * elements + y, 2 * BYTES_OF_A_NUMBER * elements + PASSES_OF_VECTORS * y
    counts = {
        "arrays": (once, operations),
        "python": (BYTES_OF_A_LIST_ENTRY * (elements + n_samples), operations),
        "numpy": (twice, operations),
        "in_place": (twice, operations),
        "numba": (once, operations),
        "cython": (once, operations),
        "compressed": (BYTES_OF_A_NUMBER * rows * (n_features + 2), 4 * rows * (n_features + 1) + 3 * rows),
        "read": (itemsize * elements, elements),
    }
    found = counts.get(base_of(name))
    return {"bytes_per_epoch": found[0], "operations_per_epoch": found[1]} if found else {}
