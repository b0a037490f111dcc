"""What the checks in front of a kernel cost: microseconds a call, for arrays of their own and for views of others.

    python benchmarks/extras/contract_cost.py

The calls take turns in one process; the time of a call is the median over rounds, and the least of any round beside it.
"""

import os

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

from itertools import product
from statistics import median
from time import perf_counter

import numpy as np

from fastgd import backends
from fastgd.backends.contract import check_arrays, check_contract

ROUNDS, CALLS = 200, 500


def make_arguments():
    """Return arguments of a small call by name: each array on its own, views of other arrays, parts of one array."""
    sizes = [100, 6, 3, 3, 6]
    own = [np.ones((100, 5)), *map(np.ones, sizes)]
    views = [np.ones((101, 5))[1:], *(np.ones(size + 1)[1:] for size in sizes)]
    line = np.ones(1000)
    parts = [line[:500].reshape(100, 5), *(line[500 + 100 * k :][:size] for k, size in enumerate(sizes))]
    return {"arrays of their own": own, "views": views, "parts of one array": parts}


def main():
    arguments = make_arguments()
    kernel = backends.load("auto").descend
    checks = product((check_contract, check_arrays), arguments.items())
    calls = {f"{check.__name__}, {kind}": (check, arrays) for check, (kind, arrays) in checks}
    calls["the dispatched call of 3 epochs"] = (backends.descend, arguments["arrays of their own"])
    calls["the kernel alone"] = (kernel, arguments["arrays of their own"])
    times = {name: [] for name in calls}
    for _ in range(ROUNDS):
        for name, (call, arrays) in calls.items():
            start = perf_counter()
            for _ in range(CALLS):
                call(*arrays, 1)
            times[name].append((perf_counter() - start) / CALLS * 1e6)
    print(f"{'':42} {'median':>9} {'least':>9}")
    for name, found in times.items():
        print(f"{name:42} {median(found):6.2f} µs {min(found):6.2f} µs")


if __name__ == "__main__":
    main()
