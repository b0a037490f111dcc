"""The limit: the time to read X once, by the extension's tuned loop. No epoch on data out of cache can be shorter."""

from threading import Thread

import numpy as np

from fastgd.bench.problem import Problem, Timed
from fastgd.inputs.arrays import Array

# How many bytes the loop fetches ahead. Which is best depends on the machine and on the size: all are timed.
AHEAD = (0, 512, 2048)
# Of X for each thread, at least: threads that read less wait for each other at the interpreter's lock.
PART_ELEMENTS = 65_536


def prepare(problem: Problem, ahead: int, threads: int = 1) -> Timed:
    """Set up reading: an "epoch" reads all of X once, in parts by up to so many threads."""
    from fastgd.backends.cython import LEVEL

    numbers = problem.X.ravel(order="K")  # a view: X is contiguous in one order or the other
    parts = np.array_split(numbers, max(1, min(threads, numbers.size // PART_ELEMENTS)))

    def run(epochs: int) -> Array:
        return read_parts(parts, epochs, LEVEL, ahead)

    # Reading 4 KB takes less than the call from Python does, which no kernel pays once an epoch: it is taken off.
    return Timed(run, None if len(parts) > 1 else lambda epochs: read_parts([numbers[:0]], epochs, LEVEL, ahead))


def read_parts(parts: list[Array], times: int, level: int, ahead: int) -> Array:
    """Read every part so many times, each in a thread of its own, and return the sums of the parts."""
    sums = np.zeros(len(parts))

    def work(k: int) -> None:
        sums[k] = read(parts[k], times, level, ahead)

    others = [Thread(target=work, args=(k,)) for k in range(1, len(parts))]
    for thread in others:
        thread.start()
    work(0)
    for thread in others:
        thread.join()
    return sums


def read(part: Array, times: int, level: int, ahead: int) -> float:
    """Read one part so many times and return its sum; the extension lets other threads run meanwhile."""
    from fastgd.backends._kernel import read as read_once

    total = 0.0
    for _ in range(times):
        total = read_once(part, level, ahead)
    return total
