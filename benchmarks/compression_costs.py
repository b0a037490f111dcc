"""Measure the times of an epoch on the data, of one on the compressed problem, and of compressing.

    python benchmarks/compression_costs.py

Prints the constants of fastgd/descent/auto.py, and their predictions next to the measurements. The constants are fitted
to medians over interleaved rounds, by least squares of relative errors. One thread.
"""

import os

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

from statistics import median
from time import perf_counter

import numpy as np

from fastgd import backends
from fastgd.bench.problem import make_problem
from fastgd.problem.compress import compress

SHAPES = [(100, 5), (1_000, 10), (5_000, 2), (10_000, 20), (100_000, 5), (100_000, 50), (20_000, 200), (5_000, 500)]
ROUNDS = 7
EPOCHS = 200


def seconds_an_epoch(X, y, intercepts):
    """Return the seconds of an epoch, in a call of many."""
    epochs = max(2, min(EPOCHS, round(2e7 / X.size)))
    weights, gradient = np.zeros(X.shape[1] + intercepts), np.zeros(X.shape[1] + intercepts)
    start = perf_counter()
    backends.descend(X, y, weights, np.full(epochs, 1e-4), np.empty(epochs), gradient)
    return (perf_counter() - start) / epochs


def measure(shape):
    """Return the median seconds of an epoch on the data, of one on the compressed problem, and of compressing."""
    X, y = make_problem(*shape)
    small = compress(X, y, method="gram")
    samples = []
    for _ in range(ROUNDS):
        direct, compressed = seconds_an_epoch(X, y, 1), seconds_an_epoch(*small, 0)
        start = perf_counter()
        compress(X, y, method="gram")
        samples.append((direct, compressed, perf_counter() - start))
    return [median(column) for column in zip(*samples, strict=True)]


def fit(terms, seconds):
    """Return coefficients that are not negative and whose predictions have the least squared relative errors."""
    rows = np.array(terms) / np.array(seconds)[:, np.newaxis]
    kept = list(range(rows.shape[1]))
    while True:
        found = np.linalg.lstsq(rows[:, kept], np.ones(len(rows)), rcond=None)[0]
        if (found >= 0).all():
            result = np.zeros(rows.shape[1])
            result[kept] = found
            return result
        del kept[int(found.argmin())]


def main():
    """Print the constants, and predictions next to measurements."""
    measured = [measure(shape) for shape in SHAPES]
    kinds = {
        "DIRECT": [(1, n * p) for n, p in SHAPES],
        "SMALL": [(1, (p + 2) * (p + 1)) for _, p in SHAPES],
        "COMPRESS": [(1, n * p, n * p * p) for n, p in SHAPES],
    }
    for k, (name, terms) in enumerate(kinds.items()):
        seconds = [row[k] for row in measured]
        found = fit(terms, seconds)
        print(f"{name} = ({', '.join(f'{value:.2g}' for value in found)})")
        for shape, term, second in zip(SHAPES, terms, seconds, strict=True):
            print(f"    {shape}: {second:.3g} s, predicted {np.dot(term, found):.3g} s")


if __name__ == "__main__":
    main()
