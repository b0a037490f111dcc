"""The map: which backend is fastest at which shape, and what backend="auto" loses by its choice."""

from functools import partial
from typing import Any

from fastgd import backends
from fastgd.backends.team import choose_threads, count_cores, count_members
from fastgd.bench.contestants import Contestant, is_installed, prepare_backend, with_threads
from fastgd.bench.problem import make_problem
from fastgd.bench.results import compare, summarize
from fastgd.bench.timing import EPOCHS_A_CALL, collect
from fastgd.report.settings import Settings, Step

LOOP_ELEMENTS = 200_000  # a Python loop over more of them is 100 times slower than the rest
SECONDS_A_SAMPLE = 0.03  # of a contestant; more where a call takes longer
ELEMENT_SECONDS = 3e-9
TIE = 1.03  # differences below this are noise
CALLS = (1, 10, 100, EPOCHS_A_CALL)  # epochs of calls for which numbers of threads are chosen


def plan(settings: Settings) -> list[Step]:
    """Return a step for each shape."""
    return [
        Step(
            f"map: {n:,} × {p:,}",
            settings.rounds * (0.1 + 6 * max(SECONDS_A_SAMPLE, ELEMENT_SECONDS * n * p)) + 0.3,
            partial(survey, n, p, settings.rounds),
        )
        for n, p in settings.map_shapes
    ]


def gather(found: list[Any]) -> dict[str, Any]:
    """Return what the steps found as the section's part of a study."""
    return {"shapes": found, "largest_regret": max(entry["regret"] for entry in found)}


def survey(n_samples: int, n_features: int, rounds: int) -> dict[str, Any]:
    """Time the backends at one shape.

    Returns
    -------
    dict
        An entry like those of `fastgd.bench.measure`, and "auto", the name of what backend="auto" runs here; "regret",
        how many times as long that takes as the fastest; "best", the fastest one's name, or "auto"'s at a tie.
    """
    problem = make_problem(n_samples, n_features)
    contestants = list_contestants(thread_counts(n_samples, n_features))
    found = {one.name: summarize(one, epochs, times) for one, epochs, times in collect(contestants, problem, rounds)}
    fastest = min(found, key=lambda name: found[name]["seconds"])
    auto = choose_auto(n_samples, n_features, found)
    regret = found[auto]["seconds"] / found[fastest]["seconds"]
    return {
        **compare(n_samples, n_features, problem.X, found),
        "best": auto if regret <= TIE else fastest,
        "auto": auto,
        "regret": regret,
    }


def choose_auto(n_samples: int, n_features: int, found: dict[str, dict[str, Any]]) -> str:
    """Return which contestant runs where backend and threads are left to fastgd, in calls as long as its own."""
    name = backends.resolve("auto")
    if name == "numpy":  # fastgd leaves BLAS as it is: at all cores, unless the environment says otherwise
        several = with_threads(name, count_cores())
        return several if several in found else name
    if name not in ("numba", "cython"):
        return name
    chosen = choose_threads(n_samples, n_features, found[name]["epochs_per_call"])
    return with_threads(name, max(count for count in thread_counts(n_samples, n_features) if count <= chosen))


def thread_counts(n_samples: int, n_features: int) -> list[int]:
    """Return the numbers of threads to time: one, all cores, and what is chosen for calls of few epochs and of many.

    No more of them than there are blocks to share: with one block, two threads would be the same code as one.
    """
    chosen = [choose_threads(n_samples, n_features, epochs) for epochs in CALLS]
    return sorted({count_members(n_samples, n_features, count) for count in (1, *chosen, count_cores())})


def list_contestants(counts: list[int]) -> list[Contestant]:
    """Return the backends, the compiled ones with each of these numbers of threads, NumPy with one and with all."""
    usable, cores = backends.available(), count_cores()
    found = [
        Contestant("python", partial(prepare_backend, name="python"), most_elements=LOOP_ELEMENTS),
        Contestant("numpy", partial(prepare_backend, name="numpy")),
    ]
    if cores > 1 and is_installed("threadpoolctl"):
        set_up = partial(prepare_backend, name="numpy")
        found.append(Contestant(with_threads("numpy", cores), set_up, threads=cores, blas_threads=cores))
    for name in ("numba", "cython"):
        for threads in counts if name in usable else ():
            set_up = partial(prepare_backend, name=name, threads=threads)
            found.append(Contestant(with_threads(name, threads), set_up, threads=threads))
    return found
