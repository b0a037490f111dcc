"""The time of a small fit: gradient_descent, the estimator on top of it, and scikit-learn's LinearRegression.

    python benchmarks/extras/small_fits.py [--rows 100] [--columns 5]

Medians over interleaved rounds, one thread, on data of condition number 1 and 100 (as in versus).
"""

import os

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

import argparse
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from sklearn.linear_model import LinearRegression

sys.path.insert(0, str(Path(__file__).parents[1]))
from versus.data import make_data

from fastgd import GradientDescentRegressor, gradient_descent

ROUNDS = 500


def make_contestants(X: Any, y: Any) -> dict[str, Callable[[], Any]]:
    """Return the fits to compare, by name."""
    contestants: dict[str, Callable[[], Any]] = {
        "gradient_descent": partial(gradient_descent, X, y),
        "GradientDescentRegressor": partial(GradientDescentRegressor().fit, X, y),
    }
    for rate in ("chebyshev", "eigenvalues"):
        options = {"learning_rate": rate, "precondition": "standardize"}
        contestants[f"gradient_descent, {rate}"] = partial(gradient_descent, X, y, **options)
        contestants[f"GradientDescentRegressor, {rate}"] = partial(GradientDescentRegressor(**options).fit, X, y)
    contestants["LinearRegression"] = partial(LinearRegression().fit, X, y)
    return contestants


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100)
    parser.add_argument("--columns", type=int, default=5)
    options = parser.parse_args()
    for kappa in (1.0, 100.0):
        contestants = make_contestants(*make_data(options.rows, options.columns, kappa, "float64"))
        samples: dict[str, list[float]] = {name: [] for name in contestants}
        for _ in range(ROUNDS):
            for name, fit in contestants.items():
                start = perf_counter()
                fit()
                samples[name].append(perf_counter() - start)
        medians = {name: median(times) for name, times in samples.items()}
        print(f"{options.rows} × {options.columns}, condition number {kappa:.0f}")
        for name, seconds in medians.items():
            ratio = medians["LinearRegression"] / seconds
            print(f"  {name:40} {1e6 * seconds:6.0f} µs   LinearRegression takes {ratio:.2f} times as long")


if __name__ == "__main__":
    main()
