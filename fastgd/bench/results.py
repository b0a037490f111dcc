"""Results: plain values for JSON, from which tables and pictures are made."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from fastgd import backends
from fastgd.backends.sparse import CSR
from fastgd.bench.conditions import summarize_moments, take_moment
from fastgd.bench.contestants import Contestant, list_contestants, list_sparse_contestants
from fastgd.bench.limits import count_sparse_work, count_work, measure_limits
from fastgd.bench.machine import describe_machine, describe_threads, describe_versions
from fastgd.bench.probe import prepare_probe
from fastgd.bench.problem import Problem, Timed, make_problem, make_sparse_problem, place
from fastgd.bench.roofs import raise_limits
from fastgd.bench.text import base_of, format_shape, with_threads
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

TWIN = "twin"

Results = dict[str, Any]


def measure(
    shapes: Sequence[tuple[int, int]] = SHAPES,
    rounds: int = ROUNDS,
    threads: int = 1,
    order: str = "C",
    dtype: str = "float64",
    density: float | None = None,
    progress: Callable[[str], object] = lambda line: None,
) -> Results:
    """Time every contestant at every shape.

    Parameters
    ----------
    shapes : sequence of (n_samples, n_features)
        The shapes of X.
    rounds : int
        The samples of each contestant: at least 3, so that a median and quartiles mean anything.
    threads : int
        Above 1, the compiled backends and the read loop take part a second time, with this number of threads.
    order : {"C", "F"}
        The memory order of X.
    dtype : {"float64", "float32"}
        The type of X. All arithmetic is in float64, except that of SGDRegressor, which is in the type of X.
    density : float or None
        The share of the entries of X that are stored; None makes X dense. Sparse rows are for the backends alone.
    progress : callable
        Called with a line of text before each shape.

    Returns
    -------
    dict
        Plain values. "machine", "versions", "threads" and "settings" tell what was measured, and "conditions" what else
        the machine did, as `fastgd.bench.conditions.summarize_moments` returns it. "absent" has a reason for each
        contestant that is left out. "shapes" has an entry for each shape, whose "contestants" have the seconds per
        epoch and the ratios that follow. "limits" has the limits that `fastgd.bench.limits.measure_limits` returns.

    Raises
    ------
    ValueError
        If there are fewer than three rounds, or the density is no share.

    Examples
    --------
    >>> from fastgd import bench
    >>> results = bench.measure([(100, 5)], rounds=3)
    >>> results["shapes"][0]["contestants"]["numpy"]["rounds"]
    3
    """
    if rounds < 3:
        raise ValueError(f"rounds must be 3 or more, for a median and its spread; got {rounds}")
    if density is not None and not 0 < density <= 1:
        raise ValueError(f"density must be above 0, and at most 1; got {density}")
    contestants, absent = list_contestants(threads) if density is None else list_sparse_contestants(threads)
    probe = prepare_probe()
    entries, moments = [], [take_moment(probe)]
    for n_samples, n_features in shapes:
        progress(f"{format_shape(n_samples, n_features)}: {rounds} rounds")
        if density is None:
            problem = make_problem(n_samples, n_features, order, dtype)
        else:
            problem = make_sparse_problem(n_samples, n_features, density, dtype)
        found, twin = time_with_twin(contestants, problem, rounds)
        entries.append(compare_contestants(problem.X, found) | twin)
        moments.append(take_moment(probe))
    progress("the machine's limits")
    limits, machine = measure_limits(sorted({1, threads}), rounds), describe_machine()
    raise_limits(limits, entries, machine)
    return {
        "schema": "fastgd.bench",
        "schema_version": SCHEMA_VERSION,
        "machine": machine,
        "conditions": summarize_moments(moments, list_twins(entries)),
        "versions": describe_versions(),
        "threads": describe_threads(threads),
        "settings": {
            "rounds": rounds,
            "order": order,
            "dtype": dtype,
            "density": density,
            "most_epochs_per_call": EPOCHS_A_CALL,
        },
        "absent": absent,
        "shapes": entries,
        "limits": limits,
    }


def time_contestants(contestants: Sequence[Contestant], problem: Problem, rounds: int) -> dict[str, dict[str, Any]]:
    """Return the times of contestants by name; of several variants with one name the fastest counts."""
    found: dict[str, dict[str, Any]] = {}
    for contestant, epochs, samples in collect(contestants, problem, rounds):
        entry = summarize_samples(contestant, epochs, samples)
        if contestant.name not in found or entry["seconds"] < found[contestant.name]["seconds"]:
            found[contestant.name] = entry
    return found


def time_with_twin(
    contestants: Sequence[Contestant], problem: Problem, rounds: int
) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """Return the times of contestants by name; and, as "twin", those of a twin of the one that "auto" runs.

    The twin does the same work in the same rounds on a copy of the data: the two times should be equal. There is none
    if the contestant of one thread that "auto" runs takes no part.
    """
    twins = [make_twin(one) for one in contestants if one.name == backends.resolve("auto")]
    found = time_contestants([*contestants, *twins], problem, rounds)
    return found, {"twin": {"of": backends.resolve("auto"), **found.pop(TWIN)}} if twins else {}


def make_twin(original: Contestant) -> Contestant:
    """Return a contestant that does the same work, where X is dense on a copy of it."""

    def prepare(problem: Problem) -> Timed:
        return original.prepare(problem._replace(X=problem.X if isinstance(problem.X, CSR) else place(problem.X)))

    return replace(original, name=TWIN, prepare=prepare)


def list_twins(entries: Sequence[Mapping[str, Any]]) -> list[tuple[float, float]]:
    """Return, for each shape, the seconds of a contestant and of its twin."""
    return [
        (entry["contestants"][entry["twin"]["of"]]["seconds"], entry["twin"]["seconds"])
        for entry in entries
        if "twin" in entry
    ]


def summarize_samples(contestant: Contestant, epochs: int, samples: Sequence[float]) -> dict[str, Any]:
    """Return the median of a contestant's samples, their quartiles, and the least and the most of them."""
    lower, middle, upper = np.quantile(samples, [0.25, 0.5, 0.75]).tolist()
    return {
        "seconds": middle,
        "quartiles": [lower, upper],
        "extremes": [min(samples), max(samples)],
        "rounds": len(samples),
        "epochs_per_call": epochs,
        "threads": contestant.threads,
        "variant": contestant.variant,
    }


def compare_contestants(X: Array | CSR, found: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the entry of one shape with speeds, shares of the limit, and ratios to NumPy.

    The limit of a contestant is reading X once with the same number of threads. NumPy in the ratios is NumPy with BLAS
    at its best number of threads.
    """
    shape = make_entry(X, found)
    numpys = (name for name in found if base_of(name) == "numpy")
    numpy_best = min(numpys, key=lambda name: found[name]["seconds"], default=None)
    for entry in found.values():
        limit = found.get(with_threads("read", entry["threads"]))
        entry["gb_per_second"] = X.nbytes / entry["seconds"] / 1e9
        entry["share_of_limit"] = limit["seconds"] / entry["seconds"] if limit else None
        entry["times_numpy"] = found[numpy_best]["seconds"] / entry["seconds"] if numpy_best else None
    return {**shape, "numpy_best": numpy_best}


def make_entry(X: Array | CSR, found: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the entry of one shape: its contestants, and the work of an epoch of each."""
    for name, entry in found.items():
        if isinstance(X, CSR):
            entry.update(count_sparse_work(name, X))
        else:
            entry.update(count_work(name, X.shape[0], X.shape[1], X.itemsize))
    return {"n_samples": X.shape[0], "n_features": X.shape[1], "bytes": X.nbytes, "contestants": found}
