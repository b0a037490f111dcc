"""What is made of the samples: plain values for JSON, which table and pictures are drawn from."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fastgd.bench.contestants import Contestant, list_contestants, with_threads
from fastgd.bench.limits import count_work, measure_limits
from fastgd.bench.machine import describe_machine, describe_threads, describe_versions
from fastgd.bench.problem import make_problem
from fastgd.bench.timing import EPOCHS_A_CALL, ROUNDS, collect
from fastgd.inputs.arrays import Array

SCHEMA_VERSION = 1
SHAPES = [
    (100, 5),
    (1_000, 10),
    (10_000, 1),
    (10_000, 20),
    (100_000, 5),
    (100_000, 50),
    (1_000_000, 10),
    (100_000, 200),
    (20_000, 1_000),
    (2_000, 5_000),
]

Results = dict[str, Any]


def measure(
    shapes: Sequence[tuple[int, int]] = SHAPES,
    rounds: int = ROUNDS,
    threads: int = 1,
    order: str = "C",
    dtype: str = "float64",
    progress: Callable[[str], object] = lambda line: None,
) -> Results:
    """Time every contestant at every shape.

    Parameters
    ----------
    shapes : sequence of (n_samples, n_features)
        The shapes of X.
    rounds : int
        How often each contestant is timed; 3 or more, since a median of fewer says nothing.
    threads : int
        Above 1, the compiled backends and the read loop take part once more, with so many threads.
    order : {"C", "F"}
        The memory order of X.
    dtype : {"float64", "float32"}
        The numbers of X; all arithmetic is in float64 (the SGDRegressor's is in that of X).
    progress : callable
        Takes a line before each shape.

    Returns
    -------
    dict
        Plain values: "machine", "versions", "threads", "settings", "absent", and "shapes", a list with one entry for
        each shape, whose "contestants" have the seconds per epoch and what follows from them, and "limits", by
        `fastgd.bench.limits.measure_limits`.

    Raises
    ------
    ValueError
        If there are fewer than three rounds.

    Examples
    --------
    >>> from fastgd import bench
    >>> results = bench.measure([(100, 5)], rounds=3)
    >>> results["shapes"][0]["contestants"]["numpy"]["rounds"]
    3
    """
    if rounds < 3:
        raise ValueError(f"rounds must be 3 or more, for a median and its spread; got {rounds}")
    contestants, absent = list_contestants(threads)
    entries = []
    for n_samples, n_features in shapes:
        progress(f"{n_samples:,} × {n_features:,}: {rounds} rounds")
        problem = make_problem(n_samples, n_features, order, dtype)
        found: dict[str, dict[str, Any]] = {}
        for contestant, epochs, seconds in collect(contestants, problem, rounds):
            entry = summarize(contestant, epochs, seconds)
            if entry["seconds"] < found.get(contestant.name, entry)["seconds"] or contestant.name not in found:
                found[contestant.name] = entry
        entries.append(compare(n_samples, n_features, problem.X, found))
    progress("the machine's limits")
    return {
        "schema": "fastgd.bench",
        "schema_version": SCHEMA_VERSION,
        "machine": describe_machine(),
        "versions": describe_versions(),
        "threads": describe_threads(threads),
        "settings": {"rounds": rounds, "order": order, "dtype": dtype, "most_epochs_per_call": EPOCHS_A_CALL},
        "absent": absent,
        "shapes": entries,
        "limits": measure_limits(sorted({1, threads}), rounds),
    }


def summarize(contestant: Contestant, epochs: int, samples: Sequence[float]) -> dict[str, Any]:
    """Return the median of a contestant's samples and their quartiles."""
    lower, middle, upper = np.quantile(samples, [0.25, 0.5, 0.75]).tolist()
    return {
        "seconds": middle,
        "quartiles": [lower, upper],
        "rounds": len(samples),
        "epochs_per_call": epochs,
        "threads": contestant.threads,
        "variant": contestant.variant,
    }


def compare(n_samples: int, n_features: int, X: Array, found: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the entry of one shape: what is read and computed, how fast, shares of the limit, and ratios.

    The limit of a contestant is reading X once with the same number of threads; NumPy in the ratios is NumPy with BLAS
    at its best number of threads.
    """
    shape = describe_shape(n_samples, n_features, X, found)
    numpy_best = min((name for name in found if is_numpy(name)), key=lambda name: found[name]["seconds"], default=None)
    for entry in found.values():
        limit = found.get(with_threads("read", entry["threads"]))
        entry["gb_per_second"] = X.nbytes / entry["seconds"] / 1e9
        entry["share_of_limit"] = limit["seconds"] / entry["seconds"] if limit else None
        entry["times_numpy"] = found[numpy_best]["seconds"] / entry["seconds"] if numpy_best else None
    return {**shape, "numpy_best": numpy_best}


def describe_shape(n_samples: int, n_features: int, X: Array, found: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the entry of one shape: its contestants, with what they read and compute."""
    for name, entry in found.items():
        entry.update(count_work(name, n_samples, n_features, X.itemsize))
    return {"n_samples": n_samples, "n_features": n_features, "bytes": X.nbytes, "contestants": found}


def overlap(first: Sequence[float], second: Sequence[float]) -> bool:
    """Tell whether two spreads have something in common: then their difference may be noise.

    Examples
    --------
    >>> from fastgd.bench.results import overlap
    >>> overlap([1.0, 2.0], [1.5, 3.0]), overlap([1.0, 2.0], [2.5, 3.0])
    (True, False)
    """
    return first[0] <= second[1] and second[0] <= first[1]


def is_numpy(name: str) -> bool:
    """Tell whether a contestant is NumPy, with any number of threads."""
    return name.partition("-")[0] == "numpy"
