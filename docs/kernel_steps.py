"""Measure the gain of each step from a Python loop to the kernel, and write the table into explain/kernels.md.

    python docs/kernel_steps.py            print the table
    python docs/kernel_steps.py --write    replace it in docs/explain/kernels.md

One process, one BLAS thread, interleaved rounds, medians. The steps between NumPy and the kernel are written in Numba
here, so that each differs from the one before by the step alone.
"""

import os

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

import sys
from functools import cache
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

import numba
import numpy as np
from pages import show_or_write

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from builds import build_kernel

from fastgd import backends
from fastgd.backends import _kernel
from fastgd.backends.threads import run_team

SHAPES = ((1_000, 20), (100_000, 50))
ROUNDS = 9
SECONDS_A_CALL = 0.05
LOOP_ELEMENTS = 100_000  # a Python loop over more elements takes too long
REORDER_SUMS = {"reassoc", "contract", "nsz", "arcp"}


def two_products(X, y, w, epochs):
    """Update by two compiled loops over all of X, as two matrix products would."""
    n, p = X.shape
    r = np.empty(n)
    for _ in range(epochs):
        for i in range(n):
            r[i] = -y[i]
            for j in range(p):
                r[i] += X[i, j] * w[j]
        g = np.zeros(p)
        for i in range(n):
            for j in range(p):
                g[j] += r[i] * X[i, j]
        w -= 1e-3 * g / n


def fused(X, y, w, epochs):
    """Update by one loop: it forms a row's residual and at once adds its part of the gradient."""
    n, p = X.shape
    for _ in range(epochs):
        g = np.zeros(p)
        for i in range(n):
            r = -y[i]
            for j in range(p):
                r += X[i, j] * w[j]
            for j in range(p):
                g[j] += r * X[i, j]
        w -= 1e-3 * g / n


def four_rows(X, y, w, epochs):
    """Update by four rows at a time: each weight and each entry of the gradient is loaded once for all four."""
    n, p = X.shape
    for _ in range(epochs):
        g = np.zeros(p)
        for i in range(0, n, 4):
            a, b, c, d = X[i], X[i + 1], X[i + 2], X[i + 3]
            r0, r1, r2, r3 = -y[i], -y[i + 1], -y[i + 2], -y[i + 3]
            for j in range(p):
                r0 += a[j] * w[j]
                r1 += b[j] * w[j]
                r2 += c[j] * w[j]
                r3 += d[j] * w[j]
            for j in range(p):
                g[j] += r0 * a[j] + r1 * b[j] + r2 * c[j] + r3 * d[j]
        w -= 1e-3 * g / n


def by_backend(name, threads=1):
    """Return a step that calls a backend."""

    def step(X, y, w, epochs):
        rates, costs, gradient = np.full(epochs, 1e-3), np.empty(epochs), np.empty_like(w)
        backends.descend(X, y, w, rates, costs, gradient, threads, name)

    return step


def by_kernel(module, level):
    """Return a step that calls a compiled kernel at a CPU level."""

    def run_member(*arguments):
        return module.run_member(*arguments, level)

    def step(X, y, w, epochs):
        rates, costs, gradient = np.full(epochs, 1e-3), np.empty(epochs), np.empty_like(w)
        run_team(run_member, X, y, w, rates, costs, gradient, 1)

    return step


@cache
def build_without_fetching():
    """Build the compiled kernel without prefetching, and return it."""
    with TemporaryDirectory() as folder:
        return build_kernel(folder, FASTGD_NO_FETCH="1")


def make_steps(elements):
    """Return the steps in order, and for each the overhead that it removes."""
    plain, vectors = numba.njit(), numba.njit(fastmath=REORDER_SUMS)
    unfetched, names = build_without_fetching(), _kernel.levels()
    steps = {
        "loop over array elements": (fused, ""),  # not compiled: an object for every number
        "loop over lists": (by_backend("python"), "an object for every number read"),
        "NumPy": (by_backend("numpy"), "the interpreter"),
        "two compiled products": (vectors(two_products), "temporaries, calls"),
        "one fused loop, sums in order": (plain(fused), "a pass over X, but SIMD sums as well"),
        "one fused loop, SIMD sums": (vectors(fused), "waiting for each addition"),
        "four rows at a time": (vectors(four_rows), "loads and stores of weights and gradient"),
        "the kernel, baseline, no prefetching": (by_kernel(unfetched, 0), "idle lanes"),
        f"the same, {names[-1]}": (by_kernel(unfetched, len(names) - 1), "narrow vectors, few registers"),
        "the kernel": (by_kernel(_kernel, len(names) - 1), "waiting for memory"),
        "the kernel, two threads": (by_backend("cython", threads=2), "an idle core"),
    }
    return steps if elements <= LOOP_ELEMENTS else dict(list(steps.items())[2:])


def measure(n_samples, n_features):
    """Return the median seconds of an epoch for each step."""
    generator = np.random.default_rng(0)
    X, y = generator.standard_normal((n_samples, n_features)), generator.standard_normal(n_samples)
    steps = make_steps(X.size)
    epochs, samples = {}, {name: [] for name in steps}

    def time_step(name, count):
        w = np.zeros(n_features)
        start = perf_counter()
        steps[name][0](X, y, w, count)
        return (perf_counter() - start) / count

    for name in steps:
        time_step(name, 1)  # Numba compiles
        epochs[name] = max(1, round(SECONDS_A_CALL / time_step(name, 1)))
    for _ in range(ROUNDS):
        for name in steps:
            samples[name].append(time_step(name, epochs[name]))
    return {name: median(times) for name, times in samples.items()}


def make_table():
    """Return the steps as a Markdown table: µs an epoch, and the ratio to the step before."""
    measured = [measure(*shape) for shape in SHAPES]
    lines = [
        "| step | removes | " + " | ".join(f"{n:,} × {p}: µs | × before" for n, p in SHAPES) + " |",
        "|---|---|" + "---:|---:|" * len(SHAPES),
    ]
    for name, (_, removes) in make_steps(0).items():
        cells = []
        for times in measured:
            names = list(times)
            if name not in times:
                cells += ["–", "–"]
                continue
            before = names.index(name) - 1
            cells += [
                f"{times[name] * 1e6:,.{0 if times[name] > 1e-4 else 2}f}",
                f"{times[names[before]] / times[name]:.3g}" if before >= 0 else "",
            ]
        lines.append(f"| {name} | {removes} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    show_or_write(__doc__, make_table, "explain/kernels.md", "steps")
