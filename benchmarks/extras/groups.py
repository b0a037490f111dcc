"""The time of one fit for each group of rows, compared with loops over the groups and with polars-ols.

    python benchmarks/extras/groups.py [--groups 10000] [--rows 50] [--columns 5] [--rounds 7]

All take turns in one process on one thread; the times are the least ones over the rounds. The loops pick the rows of
each group out of sorted rows and fit them. They run over a part of the groups; their times are scaled to all groups.
polars-ols gets a data frame that is ready; it is left out where it is not installed (pip install polars-ols).
"""

import os

os.environ.update(
    dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS"), "1")
)

import argparse
from collections.abc import Callable
from itertools import pairwise
from time import perf_counter
from typing import Any

import numpy as np
from sklearn.linear_model import LinearRegression

import fastgd

PART = 500  # groups that a loop fits
KINDS = ("ordinary", "a constant column in each group", "a one-hot column in each group", "3 rows a group")


def make_data(n_groups: int, rows: int, columns: int, kind: str) -> tuple[Any, Any, Any]:
    """Return X, y and labels, sorted by label."""
    generator = np.random.default_rng(0)
    rows = 3 if kind == KINDS[3] else rows
    labels = np.repeat(np.arange(n_groups), rows)
    X = 3 + generator.standard_normal((len(labels), columns))
    if kind == KINDS[1]:
        X[:, 0] = labels % 7
    if kind == KINDS[2]:
        X[:, 0] = 1 - (generator.random(len(labels)) < 0.5)
        X[:, -1] = 1 - X[:, 0]
    y = np.einsum("ij,ij->i", X, generator.standard_normal((n_groups, columns))[labels])
    return X, y + generator.standard_normal(len(y)), labels


def loop(fit: Callable[[Any, Any], Any], X: Any, y: Any, labels: Any, n_groups: int) -> float:
    """Return the seconds of a fit of each group, scaled from a part of the groups."""
    part = min(PART, n_groups)
    bounds = np.searchsorted(labels, np.arange(part + 1))
    start = perf_counter()
    for first, last in pairwise(bounds):
        fit(X[first:last], y[first:last])
    return (perf_counter() - start) * n_groups / part


def time_call(call: Callable[[], Any]) -> float:
    """Return the seconds of a call."""
    start = perf_counter()
    call()
    return perf_counter() - start


def make_polars_fit(X: Any, y: Any, labels: Any) -> Callable[[], Any] | None:
    """Return a fit of all groups by polars-ols; None if that is not installed."""
    try:
        import polars
        import polars_ols  # noqa: F401 - registers its expressions
    except ImportError:
        return None
    names = [f"x{j}" for j in range(X.shape[1])]
    frame = polars.DataFrame({"group": labels, "y": y, **dict(zip(names, X.T, strict=True))})
    fit = polars.col("y").least_squares.ols(*map(polars.col, names), add_intercept=True, mode="coefficients")
    return lambda: frame.group_by("group").agg(fit)


def measure(X: Any, y: Any, labels: Any, n_groups: int, rounds: int) -> dict[str, float]:
    """Return the least seconds of each contestant."""
    order = np.random.default_rng(1).permutation(len(y))
    shuffled = X[order], y[order], labels[order]

    def fit_by_lstsq(rows: Any, target: Any) -> Any:
        return np.linalg.lstsq(np.column_stack([np.ones(len(rows)), rows]), target, rcond=None)

    contestants: dict[str, Callable[[], float]] = {
        "fit_groups": lambda: time_call(lambda: fastgd.fit_groups(X, y, labels)),
        "fit_groups, shuffled rows": lambda: time_call(lambda: fastgd.fit_groups(*shuffled)),
        "a loop of gradient_descent": lambda: loop(fastgd.gradient_descent, X, y, labels, n_groups),
        "a loop of LinearRegression": lambda: loop(LinearRegression().fit, X, y, labels, n_groups),
        "a loop of numpy.linalg.lstsq": lambda: loop(fit_by_lstsq, X, y, labels, n_groups),
    }
    for name, data in (("polars-ols", (X, y, labels)), ("polars-ols, shuffled rows", shuffled)):
        fit = make_polars_fit(*data)
        if fit is not None:
            contestants[name] = lambda fit=fit: time_call(fit)
    best = dict.fromkeys(contestants, np.inf)
    for _ in range(rounds):
        for name, run in contestants.items():
            best[name] = min(best[name], run())
    return best


def main() -> None:
    """Print a table for each kind of groups."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in (("groups", 10_000), ("rows", 50), ("columns", 5), ("rounds", 7)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    for kind in KINDS:
        data = make_data(options.groups, options.rows, options.columns, kind)
        best = measure(*data, options.groups, options.rounds)
        rows = len(data[1]) // options.groups
        print(f"{options.groups:,} groups of {rows} × {options.columns}, {kind}; loops scaled from {PART} groups")
        for name, seconds in best.items():
            ours = best["fit_groups, shuffled rows" if "shuffled" in name else "fit_groups"]
            print(f"  {name:30} {1e3 * seconds:9.1f} ms {seconds / ours:8.2f} times fit_groups")


if __name__ == "__main__":
    main()
