"""Samples: contestants take turns in rounds, and each call is long enough to time."""

import gc
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from math import inf
from statistics import median
from time import perf_counter, process_time, sleep
from typing import Any, NamedTuple

from fastgd.bench.contestants import Contestant, make_backend
from fastgd.bench.problem import Problem, Timed
from fastgd.inputs.arrays import Array
from fastgd.inputs.extras import is_installed

ROUNDS = 9
SECONDS_A_SAMPLE = 0.02
# A sample is the median of many calls. Calls are so short that most end before another process interrupts them, and
# they are equally short for all contestants: long calls would suffer from every interruption, short ones from none.
SECONDS_A_CALL = 0.002
EPOCHS_A_CALL = 1_000
CALLS_TO_CHOOSE = 5  # calls that decide the length of all others
# A difference below this share of the time of the call is noise.
LEAST_SHARE = 0.02
# Threads of BLAS spin for about 0.1 s after their work, on the cores that the next contestant needs.
LONGEST_SPIN = 0.5

Limit = Callable[[int], Any]


class Entrant(NamedTuple):
    """A contestant after its set-up, the epochs of a call, and the calls of a sample."""

    contestant: Contestant
    timed: Timed
    epochs: int
    calls: int


def collect(
    contestants: Sequence[Contestant], problem: Problem, rounds: int
) -> Iterator[tuple[Contestant, int, list[float]]]:
    """Yield each contestant, its epochs per call, and seconds per epoch in each round.

    All contestants take part in every round, so that a busy moment of the machine hits all of them. Each round has
    another order, so that no contestant always finds the cache full of the same other contestant's data.
    """
    shuffler = random.Random(0)
    fitting = [c for c in contestants if problem.X.size <= (c.most_elements or problem.X.size)]
    timed = [contestant.prepare(problem) for contestant in fitting]
    limit = blas_limit()  # after the set-ups, since these may load another BLAS
    entrants = [enter(contestant, call, limit) for contestant, call in zip(fitting, timed, strict=True)]
    samples: list[list[float]] = [[] for _ in entrants]
    for _ in range(rounds):
        for k in shuffler.sample(range(len(entrants)), len(entrants)):
            samples[k].append(sample(entrants[k], limit))
    for entrant, seconds in zip(entrants, samples, strict=True):
        yield entrant.contestant, entrant.epochs, seconds


def enter(contestant: Contestant, timed: Timed, limit: Limit) -> Entrant:
    """Choose the epochs of a call; the first call of each length also compiles and touches new memory."""
    epochs = 1
    with pinned(contestant, limit):
        while True:
            timed.run(epochs)
            seconds, whole = time_shortest_call(timed, epochs)
            calls = max(1, round(SECONDS_A_SAMPLE / whole))
            if epochs == EPOCHS_A_CALL or seconds > SECONDS_A_CALL / 2:
                return Entrant(contestant, timed, epochs, calls)
            # At least doubled: a short call also has costs that do not grow with its epochs.
            epochs = min(max(2 * epochs, round(epochs * SECONDS_A_CALL / seconds)), EPOCHS_A_CALL)


def time_shortest_call(timed: Timed, epochs: int) -> tuple[float, float]:
    """Return the shortest time of a few calls: the seconds of the epochs alone, and of the whole call.

    After an interrupted call, the contestant would be timed in calls that are too short in every round. The shortest
    `run` and the shortest `idle` count, each by itself, since either may be interrupted.
    """
    run = idle = inf
    for _ in range(CALLS_TO_CHOOSE):
        run = min(run, time_call(timed.run, epochs))
        idle = 0.0 if timed.idle is None else min(idle, time_call(timed.idle, epochs))
        if run > SECONDS_A_SAMPLE:
            break  # an interruption is a small part of such a call
    return take_off(run, idle), run + idle


def sample(entrant: Entrant, limit: Limit) -> float:
    """Return the seconds per epoch of one sample: the median of its calls."""
    with pinned(entrant.contestant, limit):
        return median(time_epochs_of_call(entrant.timed, entrant.epochs) for _ in range(entrant.calls)) / entrant.epochs


def time_epochs_of_call(timed: Timed, epochs: int) -> float:
    """Return the seconds of the epochs of one call, without the other work of the call."""
    seconds = time_call(timed.run, epochs)
    return seconds if timed.idle is None else take_off(seconds, time_call(timed.idle, epochs))


def take_off(seconds: float, idle: float) -> float:
    """Return the difference of two times, but no less than noise."""
    return max(seconds - idle, LEAST_SHARE * seconds)


def time_call(function: Callable[[int], object], epochs: int) -> float:
    """Return the seconds of one call."""
    start = perf_counter()
    function(epochs)
    return perf_counter() - start


@contextmanager
def pinned(contestant: Contestant, limit: Limit) -> Iterator[None]:
    """Hold BLAS to the contestant's number of threads, and wait afterwards until these sleep.

    Python's garbage collector is off meanwhile, as in `timeit`: it walks over all objects of the process, so its time
    depends on the contestants before.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        with limit(contestant.blas_threads):
            yield
    finally:
        if collects:
            gc.enable()
    if contestant.blas_threads > 1:
        wait_until_idle()


def wait_until_idle() -> None:
    """Wait until this process uses no processor time, for half a second at most."""
    end = perf_counter() + LONGEST_SPIN
    while perf_counter() < end:
        used = process_time()
        sleep(0.01)
        if process_time() - used < 0.002:
            return


def blas_limit() -> Limit:
    """Return a function that makes a context with a number of BLAS threads; without threadpoolctl it does nothing."""
    if not is_installed("threadpoolctl"):
        return lambda threads: nullcontext()
    from threadpoolctl import ThreadpoolController

    controller = ThreadpoolController()
    return lambda threads: controller.limit(limits=threads, user_api="blas")


def time_epochs(X: Array, y: Array, names: list[str], rounds: int = ROUNDS) -> dict[str, float]:
    """Return the median seconds of an epoch of the package's backends, with one thread.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        The features, float64 or float32.
    y : ndarray of shape (n_samples,)
        The targets, float64.
    names : list of str
        The backends.
    rounds : int
        The samples of each median.

    Returns
    -------
    dict of str to float
        The seconds, by the backend's name.

    Examples
    --------
    >>> import numpy as np
    >>> from fastgd import bench
    >>> sorted(bench.time_epochs(np.ones((5, 1)), np.ones(5), ["numpy", "python"], rounds=3))
    ['numpy', 'python']
    """
    contestants = [make_backend(name) for name in names]
    return {c.name: median(seconds) for c, _, seconds in collect(contestants, Problem(X, y), rounds)}
