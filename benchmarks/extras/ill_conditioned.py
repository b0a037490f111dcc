"""Time and error of a fit of ill-conditioned columns: fastgd, the same by a QR of the rows, and two peers.

    python benchmarks/extras/ill_conditioned.py [--large] [--exact] [--rounds 9]

The data are those of versus: the spectrum 1 … 1/κ in random directions, columns off zero, as much noise as signal. With
--exact the columns explain the target wholly. Each time is that of the processor, the least of interleaved rounds, in
one thread. The error is that of predictions, relative to the deviation of y, against weights corrected in long double.
"""

import os

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

import argparse
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
from sklearn.linear_model import LinearRegression

sys.path.insert(0, str(Path(__file__).parents[1]))
from versus.data import make_data

from fastgd import gradient_descent
from fastgd.problem import rows
from fastgd.problem.moments import summarize_rows

SHAPES = ((10_000, 20), (100_000, 10), (100_000, 50), (100_000, 200))
LARGE = (500_000, 100)
CONDITIONS = (1e1, 1e4, 1e6)
CHECKED_ROWS = 1000  # of predictions


def fit_by_qr(X: Any, y: Any) -> Any:
    """Return the weights of a fit whose rows are summed up by a QR."""
    found = rows.summarize_dense
    try:
        rows.summarize_dense = lambda X, y, weights, **_: summarize_rows(X, y, weights, "qr")
        return gradient_descent(X, y).weights
    finally:
        rows.summarize_dense = found


def fit_by_estimator(estimator: Any, X: Any, y: Any) -> Any:
    """Return the weights of a fitted estimator."""
    model = estimator.fit(X, y)
    return np.append(model.intercept_, model.coef_)


def make_contestants(X: Any, y: Any) -> dict[str, Callable[[], Any]]:
    """Return the fits to compare, by name."""
    contestants: dict[str, Callable[[], Any]] = {
        "gradient_descent": lambda: gradient_descent(X, y).weights,
        "the same by QR": partial(fit_by_qr, X, y),
        "LinearRegression": partial(fit_by_estimator, LinearRegression(), X, y),
    }
    try:
        import daal4py
        from sklearnex.linear_model import LinearRegression as OneDAL
    except ImportError:
        return contestants
    daal4py.daalinit(1)
    return {**contestants, "oneDAL": partial(fit_by_estimator, OneDAL(), X, y)}


def find_weights(X: Any, y: Any) -> Any:
    """Return the weights in extended precision: those of a fit, corrected by residuals in extended precision."""
    long, weights = np.longdouble, fit_by_qr(X, y).astype(np.longdouble)
    means, mean = X.mean(axis=0, dtype=long), y.mean(dtype=long)
    R = np.linalg.qr(X - means.astype(np.float64), mode="r")
    coef = weights[1:]
    for _ in range(4):
        slopes = np.zeros(X.shape[1], dtype=long)
        for start in range(0, len(X), CHECKED_ROWS):
            block = X[start : start + CHECKED_ROWS].astype(long) - means
            slopes += block.T @ (y[start : start + CHECKED_ROWS] - mean - block @ coef)
        coef = coef + np.linalg.solve(R, np.linalg.solve(R.T, slopes.astype(np.float64)))
    return np.append(mean - means @ coef, coef)


def find_error(X: Any, y: Any, weights: Any, right: Any) -> float:
    """Return the root mean square error of some predictions, relative to the deviation of y."""
    change = weights.astype(np.longdouble) - right
    return float(np.sqrt(np.mean((change[0] + X[:CHECKED_ROWS] @ change[1:]) ** 2)) / y.std())


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--large", action="store_true", help=f"also {LARGE[0]:,} × {LARGE[1]}")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--exact", action="store_true", help="targets without noise")
    options = parser.parse_args()
    print("| rows | condition number | fit | ms | times fastgd | error of predictions |\n|---|---:|---|---:|---:|---:|")
    for n, p in (*SHAPES, LARGE) if options.large else SHAPES:
        for kappa in CONDITIONS:
            X, y = make_data(n, p, kappa, "float64")
            y = X @ np.ones(p) if options.exact else y
            contestants = make_contestants(X, y)
            least = dict.fromkeys(contestants, np.inf)
            for _ in range(options.rounds):
                for name, fit in contestants.items():
                    start = process_time()
                    fit()
                    least[name] = min(least[name], process_time() - start)
            right, first = find_weights(X, y), next(iter(least.values()))
            for name, fit in contestants.items():
                error, place = find_error(X, y, fit(), right), f"{n:,} × {p} | {kappa:g}"
                print(
                    f"| {place} | {name} | {1e3 * least[name]:.2f} | {least[name] / first:.2f} | {error:.1e} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
