"""The ladder: one epoch of one problem, from a loop over array scalars to coordinates in which one is enough."""

from functools import partial
from typing import Any

import numpy as np

from fastgd import backends
from fastgd.backends.cores import count_cores
from fastgd.backends.python import cost_and_gradient
from fastgd.backends.threads import count_members
from fastgd.bench.contestants import Contestant, list_backends, make_backend, prepare_backend
from fastgd.bench.differences import differ
from fastgd.bench.problem import Problem, Timed, choose_rate, make_problem
from fastgd.bench.results import make_entry, time_contestants
from fastgd.bench.text import format_shape, threads_of
from fastgd.descent.options import DescentOptions
from fastgd.inputs.arrays import Array
from fastgd.problem.compress import compress
from fastgd.problem.prepared import Prepared
from fastgd.problem.rows import DenseSource
from fastgd.report.settings import LOOP_ELEMENTS, Settings, Step

CHECKED_EPOCHS = 2
AGREEMENT = 1e-9  # of the largest weight: steps differ by rounding alone
LOOP_SECONDS = 6e-7  # of a loop over array scalars, for an element
OTHER_SECONDS = 1.0  # of all other steps together, for a shape

# The cost that each step of the ladder removes.
REMOVES = {
    "arrays": "",
    "python": "an object for every number that is read",
    "numpy": "the interpreter for each number: it still runs about ten lines an epoch",
    "in_place": "temporaries: new memory for the residuals in every epoch",
    "numba": "NumPy's calls, and a pass over memory: rows are used twice while they are in cache",
    "cython": "the compiler at the first call (see its price): the same loop, compiled at build time",
    "threads": "a core's idleness",
    "compressed": "the rows: a problem with at most n_features + 2 rows has the same cost for all weights",
    "whitened": "all epochs but one: where the Hessian of J is the identity, the rate 1 leads to the minimum",
}


def plan_ladder(settings: Settings) -> list[Step]:
    """Return a step for each shape."""
    return [
        Step(
            f"ladder, {format_shape(n, p)}",
            (settings.rounds + 3) * (min(n * p, LOOP_ELEMENTS) * LOOP_SECONDS) + OTHER_SECONDS,
            partial(climb, n, p, settings.rounds),
        )
        for n, p in settings.ladder_shapes
    ]


def climb(n_samples: int, n_features: int, rounds: int) -> dict[str, Any]:
    """Time every step of the ladder at one shape, after a check of its weights.

    Returns
    -------
    dict
        The shape and its "contestants", as in the results of `fastgd.bench.measure`. "order" has the names of the
        steps. "differences" has the distance of each step's weights from those of the first step after two epochs, as
        a share of the largest weight; for the whitened problem, their distance from the weights of least squares after
        one epoch. "compress" and "whiten" are entries like that of a contestant, for the work of once.
    """
    problem = make_problem(n_samples, n_features)
    steps = list_steps(count_members(n_samples, n_features, count_cores()))
    # Loops are left out of problems that are too large for them.
    steps = [step for step in steps if problem.X.size <= (step.most_elements or problem.X.size)]
    alike = [step for step in steps if step.name != "whitened"]
    differences = {**check_agreement(alike, problem), "whitened": check_minimum(problem)}
    works = [Contestant("compress", prepare_compress), Contestant("whiten", prepare_whiten)]
    found = time_contestants([*steps, *works], problem, rounds)
    once = {work.name: found.pop(work.name) for work in works}
    return {
        **make_entry(problem.X, found),
        "order": [step.name for step in steps],
        "differences": differences,
        **once,
    }


def list_steps(threads: int) -> list[Contestant]:
    """Return the steps of the ladder that this machine has, with up to a number of threads, the slowest first."""
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
        Contestant("whitened", prepare_whitened),
    ]


def removed(name: str, before: str | None) -> str:
    """Return the cost of the step before that a step of the ladder removes; "" for a step that is not known here."""
    if threads_of(name) > 1:
        return REMOVES["threads"]
    # Both compiled kernels run the same loop: where there is only one, it removes all that Numba's would.
    return REMOVES.get("numba" if name == "cython" and before != "numba" else name, "")


def describe_step(entry: dict[str, Any], name: str, conditions: dict[str, Any]) -> str:
    """Return what a step of the ladder gains: the cost that it removes, unless it is no faster than the one before."""
    found, order = entry["contestants"], entry["order"]
    k = order.index(name)
    if k == 0:
        return ""
    before = order[k - 1]
    cost = removed(name, before)
    # A whitened epoch may take as long as one of the step before: what it removes is all other epochs.
    if name == "whitened":
        return cost
    if not differ(found[name], found[before], conditions):
        return f"no reliable difference here; meant to remove {cost}"
    return cost if found[name]["seconds"] < found[before]["seconds"] else "slower here"


def check_agreement(steps: list[Contestant], problem: Problem) -> dict[str, float]:
    """Return the distance of each step's weights from those of the first step, as a share of the largest weight.

    A step whose weights differ by more than rounding does not compute the same update: that is an ArithmeticError.
    """
    weights = {step.name: step.prepare(problem).run(CHECKED_EPOCHS).copy() for step in steps}
    first = weights[steps[0].name]
    differences = {name: float(abs(w - first).max() / abs(first).max()) for name, w in weights.items()}
    for name, difference in differences.items():
        if not difference <= AGREEMENT:
            raise ArithmeticError(f"{name} and {steps[0].name} differ by {difference:.1e} of the largest weight")
    return differences


def check_minimum(problem: Problem) -> float:
    """Return the distance of the weights after one whitened epoch from those of least squares, as a share.

    If they differ by more than rounding, one epoch is not enough: that is an ArithmeticError.
    """
    X, y = problem.X - problem.X.mean(axis=0), problem.y - problem.y.mean()
    coef = np.linalg.lstsq(X, y, rcond=None)[0]
    exact = np.append(problem.y.mean() - problem.X.mean(axis=0) @ coef, coef)
    found = whiten(problem).to_data(prepare_whitened(problem).run(1))
    difference = float(abs(found - exact).max() / abs(exact).max())
    if not difference <= AGREEMENT:
        raise ArithmeticError(f"whitened and least squares differ by {difference:.1e} of the largest weight")
    return difference


def prepare_arrays(problem: Problem) -> Timed:
    """Set up the loop of the backend "python" over the array itself: every element that is read becomes an object."""
    rate = choose_rate(problem.X)

    def run(epochs: int) -> Array:
        weights = np.zeros(problem.X.shape[1] + 1)
        for _ in range(epochs):
            # Arrays in place of lists: the difference of this step to the next one.
            _, gradient = cost_and_gradient(problem.X, problem.y, weights, 1)  # type: ignore[arg-type]
            weights -= rate * np.array(gradient)
        return weights

    return Timed(run)


def prepare_in_place(problem: Problem) -> Timed:
    """Set up the vectorized update with arrays that are allocated once."""
    X, y = problem.X, problem.y
    weights, gradient, residual = np.zeros(X.shape[1] + 1), np.empty(X.shape[1] + 1), np.empty(len(y))
    rate = choose_rate(X)

    def run(epochs: int) -> Array:
        weights[:] = 0.0
        for _ in range(epochs):
            update_in_place(X, y, weights, rate, gradient, residual)
        return weights

    return Timed(run)


def update_in_place(X: Array, y: Array, weights: Array, rate: float, gradient: Array, residual: Array) -> float:
    """Apply the update of the backend "numpy" once, without new arrays, and return the cost before it."""
    n_samples = len(y)
    np.dot(X, weights[1:], out=residual)
    np.subtract(residual, y, out=residual)
    residual += weights[0]
    gradient[0] = residual.sum() / n_samples
    np.dot(residual, X, out=gradient[1:])
    gradient[1:] /= n_samples
    cost = float(residual @ residual) / (2 * n_samples)
    gradient *= rate
    weights -= gradient
    return cost


def prepare_compressed(problem: Problem) -> Timed:
    """Set up the fastest backend on the compressed problem, in which column 0 belongs to the intercept."""
    small = Problem(*compress(problem.X, problem.y))
    return prepare_backend(small, backends.resolve("auto"), intercept=False, rate=choose_rate(problem.X))


def prepare_compress(problem: Problem) -> Timed:
    """Set up compressing: once an "epoch"."""

    def run(epochs: int) -> Array:
        for _ in range(epochs):
            small, _ = compress(problem.X, problem.y)
        return small

    return Timed(run)


def whiten(problem: Problem) -> Prepared:
    """Return the whitened problem as `fastgd.gradient_descent` makes it, with an intercept."""
    source = DenseSource(problem.X, problem.y[:, np.newaxis], None)
    return source.prepare(DescentOptions.checked(precondition="whiten"))


def prepare_whitened(problem: Problem) -> Timed:
    """Set up the fastest backend on the whitened problem; its weights are in whitened coordinates."""
    small = whiten(problem).problem
    return prepare_backend(Problem(small.X, small.y), backends.resolve("auto"), intercept=False, rate=1.0)


def prepare_whiten(problem: Problem) -> Timed:
    """Set up whitening, which includes compressing: once an "epoch"."""

    def run(epochs: int) -> Array:
        for _ in range(epochs):
            prepared = whiten(problem)
        return prepared.problem.X

    return Timed(run)
