"""Fit sparse rows to the same accuracy by fastgd's default call and by solvers of SciPy and scikit-learn.

    python benchmarks/extras/sparse_versus.py [--rounds 15] [--threads 1] [--cpu]

The contestants take turns in one process. Each solver runs at the loosest tolerance whose predictions agree with the
least-squares fit to 1e-6 of the target's standard deviation. Prints the shortest times of all rounds, which
interruptions lengthen least, and the ratio of the fastest solver's time to that of fastgd: above 1, fastgd is faster.
"""

# ruff: noqa: E402

import argparse
import os
import warnings
from collections.abc import Callable
from functools import partial
from time import perf_counter, process_time
from typing import Any

parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
parser.add_argument("--rounds", type=int, default=15, help="calls of each contestant")
parser.add_argument("--threads", type=int, default=1, help="threads of BLAS and of fastgd")
parser.add_argument("--cpu", action="store_true", help="time on the processor, for a machine that others use too")
OPTIONS = parser.parse_args()
VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
os.environ.update(dict.fromkeys(VARIABLES, str(OPTIONS.threads)))  # before NumPy is imported

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import LinearOperator, lsmr
from sklearn.linear_model import LinearRegression, Ridge

import fastgd
from fastgd import GradientDescentRegressor

ACCURACY = 1e-6  # of predictions, in standard deviations of y
TOLERANCES = 10.0 ** np.arange(-3, -13, -1)
LEAST_PENALTY = 1e-10  # of Ridge, which takes no penalty of zero for sparse rows
Fit = Callable[[Any, Any, float], Any]


def make_random(n: int, p: int, density: float) -> Any:
    """Return sparse rows of uniform entries at random places."""
    return sparse.random_array((n, p), density=density, rng=np.random.default_rng(0), format="csr")


def make_one_hot(n: int, categories: int, levels: int) -> Any:
    """Return the columns of all levels of some categories: with an intercept, each category has one too many."""
    generator = np.random.default_rng(0)
    places = generator.integers(0, levels, (n, categories)) + levels * np.arange(categories)
    indptr = categories * np.arange(n + 1, dtype=np.int32)
    return sparse.csr_array((np.ones(places.size), places.ravel().astype(np.int32), indptr), (n, categories * levels))


PROBLEMS = {
    "20,000 x 500, 1 %": lambda: make_random(20_000, 500, 0.01),
    "50,000 x 5,000, 0.2 %": lambda: make_random(50_000, 5_000, 0.002),
    "one-hot, 100,000 x 600": lambda: make_one_hot(100_000, 6, 100),
}


def predict_by_lsmr(X: Any, y: Any, tol: float) -> Any:
    """Return the predictions of lsmr, which is given the centred rows as products."""
    means, goal, ones = X.mean(axis=0), y - y.mean(), np.ones(X.shape[0])
    rows = X.T.tocsr()
    centred = LinearOperator(
        X.shape,
        matvec=lambda v: X @ v.ravel() - means @ v.ravel(),
        rmatvec=lambda r: rows @ r - means * (ones @ r),
        dtype=np.float64,
    )
    coef = lsmr(centred, goal, atol=tol, btol=tol)[0]
    return X @ coef + (y.mean() - means @ coef)


SOLVERS: dict[str, Fit] = {
    "LinearRegression (lsqr)": lambda X, y, tol: LinearRegression(tol=tol).fit(X, y),
    "lsmr": predict_by_lsmr,
    "Ridge (sparse_cg)": lambda X, y, tol: Ridge(LEAST_PENALTY, solver="sparse_cg", tol=tol).fit(X, y),
    "Ridge (sag)": lambda X, y, tol: Ridge(LEAST_PENALTY, solver="sag", tol=tol, max_iter=500, random_state=0).fit(
        X, y
    ),
}
OURS: dict[str, Callable[[Any, Any], Any]] = {
    "gradient_descent": fastgd.gradient_descent,
    "GradientDescentRegressor": lambda X, y: GradientDescentRegressor().fit(X, y),
}


def find_error(found: Any, X: Any, y: Any, expected: Any) -> float:
    """Return the root mean square of the difference from the least-squares predictions, in deviations of y."""
    predictions = found if isinstance(found, np.ndarray) else found.predict(X)
    return float(np.sqrt(np.mean((predictions - expected) ** 2)) / y.std())


def choose_tolerance(fit: Fit, X: Any, y: Any, expected: Any) -> float | None:
    """Return the loosest tolerance at which a solver is accurate enough; None if none is."""
    for tol in TOLERANCES.tolist():
        if find_error(fit(X, y, tol), X, y, expected) <= ACCURACY:
            return tol
    return None


def main() -> None:
    """Print the times of all contestants on each problem, and the ratio."""
    warnings.simplefilter("ignore")
    clock = process_time if OPTIONS.cpu else perf_counter
    for name, make in PROBLEMS.items():
        X, generator = make(), np.random.default_rng(1)
        y = X @ generator.standard_normal(X.shape[1]) + 3.0 + generator.standard_normal(X.shape[0])
        expected = LinearRegression(tol=1e-14).fit(X, y).predict(X)
        calls: dict[str, Callable[[], Any]] = {}
        for solver, fit in SOLVERS.items():
            tol = choose_tolerance(fit, X, y, expected)
            if tol is not None:
                calls[f"{solver}, tol={tol:.0e}"] = partial(fit, X, y, tol)
        calls |= {ours: partial(fit, X, y) for ours, fit in OURS.items()}
        times: dict[str, list[float]] = {call: [] for call in calls}
        for _ in range(OPTIONS.rounds):
            for call, run in calls.items():
                start = clock()
                run()
                times[call].append(clock() - start)
        shortest = {call: 1e3 * min(taken) for call, taken in times.items()}
        best = min(time for call, time in shortest.items() if call not in OURS)
        print(f"\n{name} ({OPTIONS.threads} thread{'s' * (OPTIONS.threads > 1)})")
        for call, time in shortest.items():
            error = find_error(calls[call](), X, y, expected)
            ratio = f"  {best / time:5.2f} times as fast as the best" if call in OURS else ""
            print(f"  {call:40} {time:8.1f} ms   error {error:.0e}{ratio}")


if __name__ == "__main__":
    main()
