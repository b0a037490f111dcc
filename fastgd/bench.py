"""Timing backends side by side: one process, interleaved rounds, medians."""

import os
from statistics import median
from time import perf_counter

import numpy as np

from fastgd import backends
from fastgd.arrays import Array

SHAPES = [(100, 5), (1_000, 10), (1_000, 20), (10_000, 1), (10_000, 20), (100_000, 5), (100_000, 50)]
ROUNDS = 9
SECONDS_A_CALL = 0.02
# A loop over more elements than this takes over a second an epoch, and tells nothing new.
LOOP_ELEMENTS = 1_000_000
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def make_problem(n_samples: int, n_features: int) -> tuple[Array, Array]:
    """Return standard normal data with a known linear relation and noise."""
    generator = np.random.default_rng(0)
    X = generator.standard_normal((n_samples, n_features))
    return X, X @ np.arange(1.0, n_features + 1) + 1.0 + generator.standard_normal(n_samples)


def time_epochs(X: Array, y: Array, names: list[str], rounds: int = ROUNDS) -> dict[str, float]:
    """Return the median seconds an epoch takes in each backend.

    Each call runs as many epochs as take some 20 ms; the backends take turns, so that a busy moment of the
    machine falls on all of them.
    """
    epochs = {name: calibrate(X, y, name) for name in names}
    samples: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(rounds):
        for name in names:
            samples[name].append(time_call(X, y, name, epochs[name]) / epochs[name])
    return {name: median(samples[name]) for name in names}


def calibrate(X: Array, y: Array, name: str) -> int:
    """Return how many epochs make one call long enough to time; the first call also compiles."""
    time_call(X, y, name, 1)
    seconds = time_call(X, y, name, 1)
    return min(max(1, round(SECONDS_A_CALL / seconds)), 100_000)


def time_call(X: Array, y: Array, name: str, epochs: int) -> float:
    """Return the seconds that one call of many epochs takes."""
    weights = np.zeros(X.shape[1] + 1)
    rates, costs, gradient = np.full(epochs, 1e-3), np.empty(epochs), np.empty_like(weights)
    start = perf_counter()
    backends.descend(X, y, weights, rates, costs, gradient, backend=name)
    return perf_counter() - start


def measure(shapes: list[tuple[int, int]], rounds: int = ROUNDS) -> list[dict[str, object]]:
    """Return one row for each shape: its size, and the median seconds an epoch takes in each backend."""
    rows: list[dict[str, object]] = []
    for n_samples, n_features in shapes:
        names = [name for name in backends.available() if name != "python" or n_samples * n_features <= LOOP_ELEMENTS]
        seconds = time_epochs(*make_problem(n_samples, n_features), names, rounds)
        rows.append({"n_samples": n_samples, "n_features": n_features, "seconds": seconds})
    return rows


def format_table(rows: list[dict[str, object]]) -> str:
    """Return the measurements as a Markdown table: µs an epoch, and in brackets the speed-up over the loop."""
    names = list(reversed(backends.available()))
    lines = ["| samples × features | " + " | ".join(names) + " |", "|---|" + "---:|" * len(names)]
    for row in rows:
        seconds = row["seconds"]
        assert isinstance(seconds, dict)
        loop = seconds.get("python")
        cells = [format_cell(seconds.get(name), loop) for name in names]
        lines.append(f"| {row['n_samples']:,} × {row['n_features']:,} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def format_cell(seconds: float | None, loop: float | None) -> str:
    """Return microseconds, and how many times faster than the loop where that was measured."""
    if seconds is None:
        return "–"
    time = f"{seconds * 1e6:,.3g}" if seconds < 1e-3 else f"{seconds * 1e6:,.0f}"
    return time if loop in (None, seconds) else f"{time} ({loop / seconds:,.3g}×)"


def describe_threads() -> str:
    """Return how many threads BLAS and OpenMP were told to use."""
    return ", ".join(f"{name}={os.environ.get(name, 'not set')}" for name in THREAD_VARIABLES)
