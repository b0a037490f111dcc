"""Memory does not grow over thousands of fits in one process; the measure would see a leak of 100 bytes a fit."""

import json
import sys

import pytest
from processes import run_python

from fastgd import backends

BOUND = 50  # bytes a fit
# The growth is a median of slopes, so an allocator that now and then takes or returns a pool does not count.
FITS = """
import gc, json, statistics, tracemalloc
from itertools import combinations
import numpy as np
import fastgd
from fastgd import backends

X, _ = problem = np.random.default_rng(0).standard_normal((300, 230)), np.random.default_rng(1).standard_normal(300)
SMALL = X[:20, :3].copy(), problem[1][:20].copy()
COMPILED = backends.available()[0]
OPTIONS = [
    {},
    {"compress": True},
    {"compress": False, "sample_weight": np.arange(20.0), "alpha": 0.1},
    {"learning_rate": "chebyshev", "compress": True},
    {"learning_rate": "silver", "backend": "numpy", "compress": False},
    {"learning_rate": "eigenvalues", "precondition": "standardize"},
    {"learning_rate": 0.01, "weights": "random", "random_state": 0, "backend": "numba", "compress": False},
    {"learning_rate": "inverse_scaling", "batch_size": 7, "epochs": 3},
    {"learning_rate": 0.01, "callback": lambda epoch, weights, cost: epoch > 10},
    {"backend": "python", "compress": False, "epochs": 3},
]

def fit(number):
    if number % 50 == 0:
        options = {"epochs": 2, "threads": 2, "backend": COMPILED, "learning_rate": 0.001, "tol": 0}
        fastgd.gradient_descent(*problem, compress=False, **options)
    elif number % 50 == 1:
        try:
            fastgd.gradient_descent(SMALL[0], SMALL[1][1:])
        except ValueError:
            pass
    elif number % 50 == 2:
        compressor = fastgd.Compressor()
        compressor.add(*SMALL)
        fastgd.gradient_descent(compressor, epochs=20)
    else:
        fastgd.gradient_descent(*SMALL, **{"epochs": 20, **OPTIONS[number % len(OPTIONS)]})

def resident():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * 4096

def traced():
    return tracemalloc.get_traced_memory()[0]

def growth(measure, batch, leak):
    kept, sizes = [], []
    for _ in range(10):
        for number in range(batch):
            fit(number)
            if leak:
                kept.append(bytes(leak))
        gc.collect()
        sizes.append(measure())
    return statistics.median((sizes[j] - sizes[i]) / (j - i) / batch for i, j in combinations(range(10), 2))

import warnings
warnings.simplefilter("ignore", fastgd.ConvergenceWarning)
"""


def growths(measure, fits, backends):
    """Return the growth of memory in bytes a fit, without and with a leak of 100 bytes, in a process of its own."""
    start = "tracemalloc.start()" if measure == "traced" else ""
    run = f"""
OPTIONS = [options for options in OPTIONS if options.get("backend", "numpy") in {backends!r}]
{start}
growth({measure}, {fits // 10}, 0)  # to warm up
print(json.dumps([growth({measure}, {fits // 10}, leak) for leak in (0, 100)]))
"""
    return json.loads(run_python(FITS + run))


def assert_no_growth(grown, grown_with_leak):
    assert grown < BOUND < grown_with_leak


on_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="resident memory is read from /proc")
FAST = [name for name in backends.available() if name != "numba"]  # Numba takes seconds to compile


@on_linux
def test_resident_memory_does_not_grow():
    assert_no_growth(*growths("resident", 1200, FAST))


def test_traced_memory_does_not_grow():
    assert_no_growth(*growths("traced", 400, FAST))


@on_linux
@pytest.mark.slow
def test_resident_memory_does_not_grow_in_10000_fits():
    assert_no_growth(*growths("resident", 10_000, backends.available()))
