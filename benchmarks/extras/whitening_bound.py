"""The time of a default fit by the number of columns: it chooses the bound up to which "auto" whitens.

    python benchmarks/extras/whitening_bound.py [--columns 500 1000 2000 4000]

Twice as many rows as columns, one thread. "independent": the factor of the compressed problem has an inverse.
"one column twice": it has none, and its singular values are computed. The other contestants are what "auto" would do
above the bound (standardized columns and Chebyshev rates on the data), and scikit-learn's LinearRegression.
"""

import os

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

import argparse
import warnings
from collections.abc import Callable
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np
from sklearn.linear_model import LinearRegression

import fastgd


def make_data(n_features: int, repeated: bool) -> tuple[Any, Any]:
    """Return standard normal columns, the last one equal to the first if `repeated`, and a target with noise."""
    generator = np.random.default_rng(0)
    X = generator.standard_normal((2 * n_features, n_features))
    if repeated:
        X[:, -1] = X[:, 0]
    return X, X @ generator.standard_normal(n_features) + generator.standard_normal(len(X))


def measure(fit: Callable[[], Any]) -> float:
    """Return the seconds of one call, unless it warns that it has not converged: then infinity."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", fastgd.ConvergenceWarning)
        start = perf_counter()
        fit()
        seconds = perf_counter() - start
    return np.inf if caught else seconds


def main() -> None:
    """Measure, and print one line for each problem."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--columns", type=int, nargs="+", default=[500, 1000, 2000, 4000], help="numbers of columns")
    print(f"{'columns':>8}  {'problem':18}{'whitened':>10}{'standardized':>14}{'LinearRegression':>18}   (seconds)")
    for n_features in parser.parse_args().columns:
        for repeated in (False, True):
            X, y = make_data(n_features, repeated)
            fits = (
                partial(fastgd.gradient_descent, X, y),
                partial(fastgd.gradient_descent, X, y, compress=False),
                partial(LinearRegression().fit, X, y),
            )
            whitened, standardized, peer = map(measure, fits)
            problem = "one column twice" if repeated else "independent"
            print(f"{n_features:>8}  {problem:18}{whitened:>10.2f}{standardized:>14.2f}{peer:>18.2f}")


if __name__ == "__main__":
    main()
