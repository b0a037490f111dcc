"""Two more comparisons: the same epochs in a plain NumPy loop and in fastgd, and the peak memory of a fit."""

import tracemalloc
from functools import partial
from statistics import median
from typing import Any

import numpy as np
from versus.data import make_data
from versus.measure import start
from versus.timing import run_timed

import fastgd
from fastgd.bench.text import format_ratio, format_time


def fit_loop(X: Any, y: Any, epochs: int, rate: float) -> Any:
    """Run the tutorial's loop, with an intercept instead of a column of ones, which would need a copy of X."""
    n, costs, intercept, coef = len(y), [], 0.0, np.zeros(X.shape[1])
    for _ in range(epochs):
        residual = X @ coef + (intercept - y)
        costs.append(residual @ residual / (2 * n))
        intercept -= rate * residual.mean()
        coef -= rate * (residual @ X) / n
    return np.append(intercept, coef)


def race_epochs(n: int, p: int, epochs: int, rounds: int = 3) -> str:
    """Return a line about the times of the same epochs, with all costs, in a plain loop and in fastgd."""
    start()
    X, y = make_data(n, p, 1e2, "float64")
    plain = {"learning_rate": "constant", "precondition": "none", "epochs": epochs, "tol": 0}  # the loop's path
    fit = partial(fastgd.gradient_descent, X, y, **plain)
    fits = {
        "NumPy": partial(fit_loop, X, y, epochs, fit().rates[0]),
        "fastgd": fit,
        "data": partial(fit, compress=False),
    }
    samples = [{name: run_timed(fit)[0] for name, fit in fits.items()} for _ in range(rounds)]
    found = {name: median(one[name] for one in samples) for name in fits}
    loop = found.pop("NumPy")
    fast, data = (f"{format_time(time)}, {format_ratio(loop / time)} faster" for time in found.values())
    return (
        f"{epochs:,} epochs with all costs, {n:,} × {p}: plain NumPy loop {format_time(loop)}; "
        f"fastgd {fast}; fastgd with compress=False {data}"
    )


def measure_memory(n: int, p: int, dtype: str) -> str:
    """Return a line about the peak memory of a fit beyond X."""
    X, y = make_data(n, p, 1e2, dtype)
    fastgd.gradient_descent(X[:1000], y[:1000])  # imports
    tracemalloc.start()
    fastgd.gradient_descent(X, y)
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    return f"peak memory of a fit beyond X, {n:,} × {p}, {dtype}: {peak:.3g} MB; X has {X.nbytes / 1e6:.0f} MB"


def measure_epochs(quick: bool) -> list[str]:
    """Return the lines of the race of epochs."""
    return [race_epochs(200, 3, 20)] if quick else [race_epochs(100_000, 50, 1_000), race_epochs(10_000, 1, 10_000)]


def measure_memories(quick: bool) -> list[str]:
    """Return the lines about memory."""
    return [measure_memory(2_000 if quick else 500_000, 100, dtype) for dtype in ("float32", "float64")]
