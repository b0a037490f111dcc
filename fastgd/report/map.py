"""The map: the fastest backend at every shape, and the loss by the choice of backend="auto"."""

from functools import partial
from typing import Any

from fastgd import backends
from fastgd.backends.cores import count_cores
from fastgd.backends.threads import choose_threads, count_members
from fastgd.bench.contestants import list_backends
from fastgd.bench.differences import differ
from fastgd.bench.problem import make_problem
from fastgd.bench.results import make_entry, time_with_twin
from fastgd.bench.text import format_shape, with_threads
from fastgd.bench.timing import EPOCHS_A_CALL
from fastgd.report.settings import Settings, Step

LOOP_ELEMENTS = 200_000  # the Python loop is left out of larger problems, where it is 100 times slower than the rest
SECONDS_A_SAMPLE = 0.03  # of a contestant; more where a call takes longer
ELEMENT_SECONDS = 3e-9
CALLS = (1, 10, 100, EPOCHS_A_CALL)  # the epochs of calls; each may have another number of threads


def plan_map(settings: Settings) -> list[Step]:
    """Return a step for each shape."""
    return [
        Step(
            f"map, {format_shape(n, p)}",
            settings.rounds * (0.1 + 7 * max(SECONDS_A_SAMPLE, ELEMENT_SECONDS * n * p)) + 0.3,
            partial(survey, n, p, settings.rounds),
        )
        for n, p in settings.map_shapes
    ]


def gather_map(found: list[Any], conditions: dict[str, Any]) -> dict[str, Any]:
    """Return the section "map" of a study: the entries of its shapes, and the largest regret that is no noise."""
    shapes = [{**entry, "best": choose_best(entry, conditions)} for entry in found]
    regrets = [entry["regret"] for entry in shapes if entry["best"] != entry["auto"]]
    return {"shapes": shapes, "largest_regret": max(regrets, default=1.0)}


def choose_best(entry: dict[str, Any], conditions: dict[str, Any]) -> str:
    """Return the contestant of the least time, or the choice of "auto" where the two cannot be told apart."""
    found, auto, fastest = entry["contestants"], entry["auto"], entry["fastest"]
    return str(fastest if differ(found[auto], found[fastest], conditions) else auto)


def survey(n_samples: int, n_features: int, rounds: int) -> dict[str, Any]:
    """Time the backends at one shape.

    Returns
    -------
    dict
        The shape and its "contestants", as in the results of `fastgd.bench.measure`. "auto" is the contestant that
        backend="auto" runs here, and "fastest" the one of the least time; "regret" is the ratio of their times. "twin"
        has the times of a twin.
    """
    problem = make_problem(n_samples, n_features)
    counts, blas_counts = thread_counts(n_samples, n_features), sorted({1, count_cores()})
    contestants = list_backends(counts, blas_counts=blas_counts, loop_elements=LOOP_ELEMENTS)
    found, twin = time_with_twin(contestants, problem, rounds)
    fastest = min(found, key=lambda name: found[name]["seconds"])
    auto = choose_auto(n_samples, n_features, found)
    return {
        **make_entry(problem.X, found),
        **twin,
        "fastest": fastest,
        "auto": auto,
        "regret": found[auto]["seconds"] / found[fastest]["seconds"],
    }


def choose_auto(n_samples: int, n_features: int, found: dict[str, dict[str, Any]]) -> str:
    """Return the contestant that runs if fastgd chooses backend and threads, in calls as long as those timed.

    If that number of threads was not timed, the next smaller one counts.
    """
    name = backends.resolve("auto")
    if name == "numpy":  # fastgd does not change the threads of BLAS
        several = with_threads(name, count_blas_threads())
        return several if several in found else name
    if name not in ("numba", "cython"):
        return name
    chosen = choose_threads(n_samples, n_features, found[name]["epochs_per_call"])
    return with_threads(name, max(count for count in thread_counts(n_samples, n_features) if count <= chosen))


def thread_counts(n_samples: int, n_features: int) -> list[int]:
    """Return the numbers of threads to time: one, all cores, and fastgd's choices for short and long calls.

    None exceeds the number of blocks: with one block, two threads would run the same code as one.
    """
    chosen = [choose_threads(n_samples, n_features, epochs) for epochs in CALLS]
    return sorted({count_members(n_samples, n_features, count) for count in (1, *chosen, count_cores())})


def count_blas_threads() -> int:
    """Return the number of threads that BLAS uses now: that of the cores, unless the environment says otherwise."""
    from threadpoolctl import threadpool_info

    return max((pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"), default=1)
