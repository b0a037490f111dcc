"""Time fits of many targets against scikit-learn and himalaya: ``python benchmarks/extras/many_targets.py``.

All solvers fit the same data in one process, in turn, with one thread: set OMP_NUM_THREADS=1 and OPENBLAS_NUM_THREADS=1
before. The time of a solver is the least of all rounds. Each line shows it, and how many times as long as
`fastgd.gradient_descent` the solver takes.
"""

import argparse
import importlib.util
import os
import sys
import time
import warnings

import numpy as np

import fastgd

SHAPES = [(1_000, 20, 10), (1_000, 20, 1_000), (10_000, 50, 200), (20_000, 3, 2_000)]
ROUNDS = 9


def make_data(n_samples, n_features, n_targets):
    """Return features, and targets that are linear in them plus noise."""
    generator = np.random.default_rng(0)
    X = generator.standard_normal((n_samples, n_features))
    Y = X @ generator.standard_normal((n_features, n_targets))
    Y += generator.standard_normal((n_samples, n_targets))
    return X, Y


def list_solvers():
    """Return a function for each solver: it takes X and Y and returns the coefficients."""
    solvers = {
        "gradient_descent": lambda X, Y: fastgd.gradient_descent(X, Y).coef,
        "numpy.linalg.lstsq": lambda X, Y: np.linalg.lstsq(X - X.mean(axis=0), Y - Y.mean(axis=0), rcond=None)[0],
    }
    if importlib.util.find_spec("sklearn"):
        from sklearn.linear_model import LinearRegression, Ridge

        solvers |= {
            "GradientDescentRegressor": lambda X, Y: fastgd.GradientDescentRegressor().fit(X, Y).coef_.T,
            "Ridge": lambda X, Y: Ridge(alpha=1e-9).fit(X, Y).coef_.T,
            "Ridge(cholesky)": lambda X, Y: Ridge(alpha=1e-9, solver="cholesky").fit(X, Y).coef_.T,
            "LinearRegression": lambda X, Y: LinearRegression().fit(X, Y).coef_.T,
        }
    if importlib.util.find_spec("himalaya"):
        from himalaya.ridge import Ridge as HimalayaRidge

        solvers["himalaya"] = lambda X, Y: HimalayaRidge(alpha=1e-9, fit_intercept=True).fit(X, Y).coef_
    return solvers


def time_solvers(X, Y, rounds):
    """Return the least time of each solver, and its distance from least squares, relative to the coefficients."""
    solvers, best, errors = list_solvers(), {}, {}
    exact = np.linalg.lstsq(X - X.mean(axis=0), Y - Y.mean(axis=0), rcond=None)[0]
    for round_ in range(rounds + 1):
        for name, solver in solvers.items():
            begin = time.perf_counter()
            coef = solver(X, Y)
            taken = time.perf_counter() - begin
            if round_ == 0:  # imports, and the first touch of memory
                errors[name] = float(np.abs(coef - exact).max() / np.abs(exact).max())
            else:
                best[name] = min(best.get(name, np.inf), taken)
    return best, errors


def main():
    """Print the times."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--shape", type=int, nargs=3, metavar=("N", "P", "K"), help="rows, features, targets")
    options = parser.parse_args()
    warnings.filterwarnings("ignore", module="sklearn|himalaya")
    if os.environ.get("OMP_NUM_THREADS") != "1":
        print("several threads: set OMP_NUM_THREADS=1 and OPENBLAS_NUM_THREADS=1 for one", file=sys.stderr)
    for shape in [options.shape] if options.shape else SHAPES:
        best, errors = time_solvers(*make_data(*shape), options.rounds)
        ours = best["gradient_descent"]
        print("{:,} x {:,}, {:,} targets".format(*shape))
        for name, seconds in sorted(best.items(), key=lambda item: item[1]):
            print(f"  {name:26} {1e3 * seconds:9.2f} ms  {seconds / ours:6.2f}  off by {errors[name]:.0e}")


if __name__ == "__main__":
    main()
