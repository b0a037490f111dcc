"""The steps of the ladder that are no backends: a loop over an array, NumPy without temporaries, and small problems."""

import numpy as np

from fastgd import backends
from fastgd.backends.python import cost_and_gradient
from fastgd.bench.contestants import prepare_backend
from fastgd.bench.problem import Problem, Timed, choose_rate
from fastgd.descent.options import DescentOptions
from fastgd.inputs.arrays import Array
from fastgd.problem.compress import compress
from fastgd.problem.prepared import Prepared
from fastgd.problem.rows import DenseSource


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
