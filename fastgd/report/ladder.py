"""The ladder: one epoch of one problem, from a loop over array scalars to a problem without its rows."""

from functools import partial
from typing import Any

import numpy as np

from fastgd import backends
from fastgd.backends.python import cost_and_gradient
from fastgd.backends.threads import count_cores, count_members
from fastgd.bench.contestants import Contestant, list_backends, make_backend, prepare_backend
from fastgd.bench.problem import Problem, Timed, choose_rate, make_problem
from fastgd.bench.results import make_entry, time_contestants
from fastgd.bench.text import format_shape, threads_of
from fastgd.inputs.arrays import Array
from fastgd.problem.compress import compress
from fastgd.report.settings import LOOP_ELEMENTS, Settings, Step

CHECKED_EPOCHS = 2
AGREEMENT = 1e-9  # of the largest weight: rounding, not mistakes, since the same update is made in all of them
# A loop over array scalars takes so many seconds for an element, a call of everything else so many for a shape.
LOOP_SECONDS, OTHER_SECONDS = 6e-7, 1.0

# What each step of the ladder removes, for people to read.
REMOVES = {
    "arrays": "",
    "python": "an object made for every number that is read",
    "numpy": "the interpreter, for each number: it is left for each line, of which there are some ten",
    "in_place": "temporaries: new memory for the residuals in every epoch",
    "numba": "NumPy's calls, and a pass over memory: rows are used twice while they are in cache",
    "cython": "the compiler at the first call (see its price): the same loop, compiled by another one before",
    "threads": "a core's idleness",
    "compressed": "the rows: at most n_features + 2 of them have the same cost, whatever the weights",
}


def plan(settings: Settings) -> list[Step]:
    """Return a step for each shape."""
    return [
        Step(
            f"ladder, {format_shape(n, p)}",
            (settings.rounds + 3) * (min(n * p, LOOP_ELEMENTS) * LOOP_SECONDS) + OTHER_SECONDS,
            partial(climb, n, p, settings.rounds),
        )
        for n, p in settings.ladder_shapes
    ]


def gather(found: list[Any]) -> dict[str, Any]:
    """Return what the steps found as the section's part of a study."""
    return {"shapes": found}


def climb(n_samples: int, n_features: int, rounds: int) -> dict[str, Any]:
    """Time every step of the ladder at one shape, after a look that they compute the same.

    Returns
    -------
    dict
        The shape and its "contestants", as in the results of `fastgd.bench.measure`; "order", the names of the steps;
        "differences" of their weights from the first one's after two epochs, as shares of the largest weight;
        "compress", an entry like those of contestants, for compressing once.
    """
    problem = make_problem(n_samples, n_features)
    steps = list_steps(count_members(n_samples, n_features, count_cores()))
    # More elements than a loop can do in this time are left to the others.
    steps = [step for step in steps if problem.X.size <= (step.most_elements or problem.X.size)]
    differences = check_agreement(steps, problem)
    everybody = [*steps, Contestant("compress", prepare_compress)]
    found = time_contestants(everybody, problem, rounds)
    once = found.pop("compress")
    return {
        **make_entry(problem.X, found),
        "order": [step.name for step in steps],
        "differences": differences,
        "compress": once,
    }


def list_steps(threads: int) -> list[Contestant]:
    """Return the steps of the ladder that can be climbed here, with up to so many threads, the lowest first."""
    loop, numpy, *compiled = list_backends(loop_elements=LOOP_ELEMENTS)
    fastest = backends.resolve("auto")
    if threads > 1 and compiled:
        compiled.append(make_backend(fastest, threads))
    return [
        Contestant("arrays", prepare_arrays, most_elements=LOOP_ELEMENTS),
        loop,
        numpy,
        Contestant("in_place", prepare_in_place),
        *compiled,
        Contestant("compressed", prepare_compressed),
    ]


def removed(name: str, before: str | None) -> str:
    """Return what a step of the ladder removes of the one before."""
    if threads_of(name) > 1:
        return REMOVES["threads"]
    # The same loop twice: the first compiled kernel removes what it does.
    return REMOVES["numba" if name == "cython" and before != "numba" else name]


def check_agreement(steps: list[Contestant], problem: Problem) -> dict[str, float]:
    """Return how far each step's weights are from the first one's, as a share of the largest weight.

    Raises
    ------
    ArithmeticError
        If they differ by more than rounding: a time of something else would be no step of this ladder.
    """
    weights = {step.name: step.prepare(problem).run(CHECKED_EPOCHS).copy() for step in steps}
    first = weights[steps[0].name]
    differences = {name: float(abs(w - first).max() / abs(first).max()) for name, w in weights.items()}
    for name, difference in differences.items():
        if not difference <= AGREEMENT:
            raise ArithmeticError(f"{name} and {steps[0].name} differ by {difference:.1e} of the largest weight")
    return differences


def prepare_arrays(problem: Problem) -> Timed:
    """Set up the specification's own loop over the array itself: every element that is read becomes an object."""
    rate = choose_rate(problem.X)

    def run(epochs: int) -> Array:
        weights = np.zeros(problem.X.shape[1] + 1)
        for _ in range(epochs):
            # The types are what this step is about.
            _, gradient = cost_and_gradient(problem.X, problem.y, weights, 1)  # type: ignore[arg-type]
            weights -= rate * np.array(gradient)
        return weights

    return Timed(run)


def prepare_in_place(problem: Problem) -> Timed:
    """Set up the vectorized update with arrays that are made once."""
    X, y = problem.X, problem.y
    weights, gradient, residual = np.zeros(X.shape[1] + 1), np.empty(X.shape[1] + 1), np.empty(len(y))
    costs, rate = np.empty(1), choose_rate(X)

    def run(epochs: int) -> Array:
        weights[:] = 0.0
        descend_in_place(X, y, weights, rate, epochs, costs, gradient, residual)
        return weights

    return Timed(run)


def descend_in_place(
    X: Array, y: Array, weights: Array, rate: float, epochs: int, costs: Array, gradient: Array, residual: Array
) -> None:
    """The update of fastgd/backends/numpy.py, with every result written where there is memory for it already."""
    n_samples = len(y)
    for _ in range(epochs):
        np.dot(X, weights[1:], out=residual)
        np.subtract(residual, y, out=residual)
        residual += weights[0]
        gradient[0] = residual.sum() / n_samples
        np.dot(residual, X, out=gradient[1:])
        gradient[1:] /= n_samples
        costs[0] = residual @ residual / (2 * n_samples)
        gradient *= rate
        weights -= gradient


def prepare_compressed(problem: Problem) -> Timed:
    """Set up the fastest backend on the compressed problem, whose column 0 stands for the intercept."""
    small = Problem(*compress(problem.X, problem.y))
    return prepare_backend(small, backends.resolve("auto"), intercept=False, rate=choose_rate(problem.X))


def prepare_compress(problem: Problem) -> Timed:
    """Set up compressing, as many times as there are epochs."""

    def run(epochs: int) -> Array:
        for _ in range(epochs):
            small, _ = compress(problem.X, problem.y)
        return small

    return Timed(run)
