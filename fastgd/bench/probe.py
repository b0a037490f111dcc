"""The probe: the same work each time, which shows how far times differ that should be the same."""

from collections.abc import Callable
from statistics import median
from typing import NamedTuple

from fastgd import backends
from fastgd.backends.cores import count_cores
from fastgd.bench.contestants import Contestant, make_backend
from fastgd.bench.problem import Problem, make_problem, place
from fastgd.bench.timing import Entrant, Limit, blas_limit, enter, pinned, sample, time_epochs_of_call

SECONDS = 0.25  # of the probe on an idle machine
# 320 KB. Data about as large as a cache take 10 to 20 % longer on some pages of memory than on others.
SHAPE = (2_000, 20)
SHARED = (100_000, 10)  # rows enough for several threads
SAMPLES = 3  # about 20 ms each
# The probe also makes a call as long as this many others: interruptions fall on every long call, and on few short ones.
LONG = 10


class Probed(NamedTuple):
    """The seconds of an epoch from short calls, as contestants make them, and from a long one; the gain of threads.

    The gain is the time of one thread over that of as many as there are cores; None where there is one core.
    """

    short: float
    long: float
    gain: float | None


def prepare_probe() -> Callable[[], Probed]:
    """Return a function that does the same work each time, on a new copy of its data."""
    limit, cores, name = blas_limit(), count_cores(), backends.resolve("auto")
    one, problem, shared = make_backend(name), make_problem(*SHAPE), make_problem(*SHARED)
    first = enter(one, one.prepare(problem), limit)
    team = [enter(each, each.prepare(shared), limit) for each in (one, make_backend(name, cores))] if cores > 1 else []

    def probe() -> Probed:
        entrant = first._replace(timed=one.prepare(Problem(place(problem.X), problem.y)))
        entrant.timed.run(first.epochs)
        short, long = sample_often(entrant, limit), time_long_call(one, entrant, limit)
        seconds = [sample_often(each, limit) for each in team]
        return Probed(short, long, seconds[0] / seconds[1] if seconds else None)

    return probe


def sample_often(entrant: Entrant, limit: Limit) -> float:
    """Return the median of several samples."""
    return median(sample(entrant, limit) for _ in range(SAMPLES))


def time_long_call(contestant: Contestant, entrant: Entrant, limit: Limit) -> float:
    """Return the seconds of an epoch of one long call."""
    epochs = LONG * entrant.epochs
    with pinned(contestant, limit):
        return time_epochs_of_call(entrant.timed, epochs) / epochs
