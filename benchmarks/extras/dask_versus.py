"""Time to fit rows that Dask holds on two workers: fastgd, and other ways to fit them with Dask.

    python benchmarks/extras/dask_versus.py                          4,000,000 x 50, about 5 GB of memory on the workers
    python benchmarks/extras/dask_versus.py --rows 400000

One cluster, persisted chunks of float64, interleaved rounds in random order, medians. Libraries that are not installed
are left out (`pip install dask-ml`). The error is that of the worst weight, relative to the largest weight, against
fastgd on the same rows in memory.
"""

import os

# Before NumPy is imported, here and in the workers, each of which has one thread.
os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

import argparse
import random
from importlib.metadata import version
from statistics import median
from time import perf_counter

import dask
import dask.array as da
import numpy as np
from dask.distributed import Client, LocalCluster, wait

import fastgd
from fastgd.inputs.extras import is_installed

CHUNK_ROWS = 100_000
NOISE = 0.5


def make_block(columns, block_info=None):
    """Return rows [1 x y] that depend only on the place of the block; the columns of x are correlated and off zero."""
    rows = block_info[None]["chunk-shape"][0]
    generator = np.random.default_rng(block_info[None]["chunk-location"][0])
    block = np.ones((rows, columns + 2))
    common = generator.standard_normal((rows, 1))
    block[:, 1:-1] = 3 + generator.standard_normal((rows, columns)) + common
    block[:, -1] = 1 + block[:, 1:-1] @ np.linspace(-1, 1, columns) + NOISE * generator.standard_normal(rows)
    return block


def make_data(rows, columns):
    """Return [1 X] and y, each held by the workers."""
    chunks = da.core.normalize_chunks((CHUNK_ROWS, columns + 2), (rows, columns + 2))
    data = da.map_blocks(make_block, columns, chunks=chunks, dtype=float)
    ones_X, y = dask.persist(
        data[:, :-1].map_blocks(np.ascontiguousarray), data[:, -1].map_blocks(np.ascontiguousarray)
    )
    wait([ones_X, y])
    return ones_X, y


def fit_fastgd(ones_X, y):
    """Fit as fastgd does without options."""
    return fastgd.gradient_descent(ones_X[:, 1:], y).weights


def fit_rates(learning_rate):
    """Return a function that descends at these rates, on standardized columns."""

    def fit(ones_X, y):
        settings = {"learning_rate": learning_rate, "precondition": "standardize", "tol": 1e-12}
        return fastgd.gradient_descent(ones_X[:, 1:], y, **settings).weights

    return fit


def fit_lstsq(ones_X, y):
    """Solve by QR of the rows."""
    return da.linalg.lstsq(ones_X, y)[0].compute()


def fit_normal_equations(ones_X, y):
    """Solve the normal equations, written with da expressions."""
    return np.linalg.solve(*dask.compute(ones_X.T @ ones_X, ones_X.T @ y))


def fit_dask_ml(solver):
    """Return a function that fits by dask-ml, with almost no penalty."""

    def fit(ones_X, y):
        from dask_ml.linear_model import LinearRegression

        model = LinearRegression(solver=solver, C=1e12, fit_intercept=False).fit(ones_X, y)
        return model.coef_

    return fit


def list_contestants():
    """Return the contestants by name."""
    contestants = {
        "fastgd": fit_fastgd,
        'fastgd, "eigenvalues"': fit_rates("eigenvalues"),
        'fastgd, "chebyshev"': fit_rates("chebyshev"),
        "normal equations, da": fit_normal_equations,
        "da.linalg.lstsq": fit_lstsq,
    }
    if is_installed("dask_ml"):
        contestants |= {f"dask-ml, {solver}": fit_dask_ml(solver) for solver in ("newton", "lbfgs")}
    return contestants


def fit_in_memory(rows, columns):
    """Return the weights for the same rows, computed in this process."""
    data = np.concatenate(
        [
            make_block(columns, {None: {"chunk-shape": (min(CHUNK_ROWS, rows - start), 0), "chunk-location": (k, 0)}})
            for k, start in enumerate(range(0, rows, CHUNK_ROWS))
        ]
    )
    return fastgd.gradient_descent(data[:, 1:-1], data[:, -1]).weights


def measure(contestants, data, rounds):
    """Return the seconds of each round, and the last weights, by name."""
    seconds, weights = {name: [] for name in contestants}, {}
    for name, fit in contestants.items():  # the first call imports, here and in the workers
        weights[name] = fit(*data)
    for _ in range(rounds):
        for name in random.sample(list(contestants), len(contestants)):
            start = perf_counter()
            contestants[name](*data)
            seconds[name].append(perf_counter() - start)
    return seconds, weights


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=4_000_000)
    parser.add_argument("--columns", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    random.seed(0)
    settings = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": ":0"}
    with LocalCluster(**settings, memory_limit=0) as cluster, Client(cluster):
        data = make_data(options.rows, options.columns)
        seconds, weights = measure(list_contestants(), data, options.rounds)
        del data
    exact = fit_in_memory(options.rows, options.columns)
    print(f"{options.rows:,} x {options.columns}, {options.rounds} rounds, Dask {version('dask')}\n")
    print("| contestant | seconds, median | least | most | times the first | error |\n|---|---:|---:|---:|---:|---:|")
    first = median(next(iter(seconds.values())))
    for name, samples in seconds.items():
        error = np.abs(weights[name] - exact).max() / np.abs(exact).max()
        ratio = median(samples) / first
        print(
            f"| {name} | {median(samples):.3f} | {min(samples):.3f} | {max(samples):.3f} | {ratio:.2f} | {error:.1e} |"
        )


if __name__ == "__main__":
    main()
