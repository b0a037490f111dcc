"""Two more rungs beside the ladder: many targets in one descent, and sparse rows of the same shape."""

from functools import partial
from typing import Any

import numpy as np

from fastgd import backends
from fastgd.bench.contestants import Contestant, make_backend
from fastgd.bench.problem import Problem, Timed, choose_rate, make_sparse_problem
from fastgd.bench.results import time_contestants
from fastgd.inputs.arrays import Array
from fastgd.report.agreement import check_agreement

TARGETS = 10
DENSITY = 0.1  # the share of the entries of sparse rows that are stored


def list_names() -> list[str]:
    """Return the backends that are timed: the others would have to be compiled for one rung."""
    return list(dict.fromkeys(["numpy", backends.resolve("auto")]))


def time_targets(problem: Problem, rounds: int) -> dict[str, Any]:
    """Return the times of an epoch of many targets, for one target: all of them share each row that is read.

    Returns
    -------
    dict
        "n_targets", and "contestants" as in the results of `fastgd.bench.measure`: NumPy, and the backend that "auto"
        chooses. Their times are those of an epoch over the number of targets.
    """
    many = add_targets(problem)
    contestants = [Contestant(name, partial(prepare_targets, name=name)) for name in list_names()]
    check_agreement(contestants, many)
    found = time_contestants(contestants, many, rounds)
    return {"n_targets": TARGETS, "contestants": {name: per_target(one) for name, one in found.items()}}


def add_targets(problem: Problem) -> Problem:
    """Return the problem with more targets: its own, and standard normal ones."""
    noise = np.random.default_rng(1).standard_normal((len(problem.y), TARGETS - 1))
    return Problem(problem.X, np.column_stack([problem.y, noise]))


def prepare_targets(problem: Problem, name: str) -> Timed:
    """Set up a backend on a problem with several targets."""
    descend, rate = backends.load(name).descend, choose_rate(problem.X)
    shape = problem.X.shape[1] + 1, problem.y.shape[1]
    weights, gradient = np.empty(shape), np.empty(shape)

    def run(epochs: int) -> Array:
        weights[:] = 0.0
        descend(problem.X, problem.y, weights, np.full(epochs, rate), np.empty((epochs, shape[1])), gradient)
        return weights

    return Timed(run)


def per_target(one: dict[str, Any]) -> dict[str, Any]:
    """Return a contestant's entry with its times divided by the number of targets."""
    spreads = {name: [end / TARGETS for end in one[name]] for name in ("quartiles", "extremes")}
    return {**one, "seconds": one["seconds"] / TARGETS, **spreads}


def time_sparse(n_samples: int, n_features: int, rounds: int) -> dict[str, Any]:
    """Return the times of an epoch on sparse rows.

    Returns
    -------
    dict
        "density", the share of the entries that are stored, "entries", their number, and "contestants" as in the
        results of `fastgd.bench.measure`: NumPy, and the backend that "auto" chooses.
    """
    problem = make_sparse_problem(n_samples, n_features, DENSITY)
    contestants = list(map(make_backend, list_names()))
    check_agreement(contestants, problem)
    found = time_contestants(contestants, problem, rounds)
    return {"density": DENSITY, "entries": int(problem.X.size), "contestants": found}
