"""The driver: validate once, pick the rates, run blocks of epochs, look, stop, report."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fastgd import backends, spectrum, validation
from fastgd.arrays import Array
from fastgd.backends.team import choose_threads
from fastgd.rates import Schedule, largest_stable_rate, make_rates
from fastgd.result import DescentResult, DivergenceWarning
from fastgd.stopping import StoppingRules, make_rules

# Elements of X that one call of a kernel goes through at most, a few tenths of a second for the compiled ones: Python
# answers Ctrl-C between two calls.
CALL_ELEMENTS = 100_000_000
MOST_EPOCHS = 100_000_000  # rates and costs are arrays of one number for each

Callback = Callable[[int, Array, float], Any]


def gradient_descent(
    X: ArrayLike,
    y: ArrayLike,
    *,
    learning_rate: float | ArrayLike | Schedule | str = "auto",
    epochs: int = 1000,
    weights: ArrayLike | str | None = None,
    fit_intercept: bool = True,
    tol: float = 1e-8,
    check_every: int = 10,
    backend: str = "auto",
    threads: int | None = None,
    random_state: int | np.random.Generator | None = None,
    callback: Callback | None = None,
    verbose: int = 0,
) -> DescentResult:
    """Fit a linear regression by full-batch gradient descent.

    Minimises J(w) = 1/(2n) Σ (xᵢ·w − yᵢ)², with x₀ = 1 for the intercept, by the update w ← w − rate·∇J(w), where
    ∇J(w) = 1/n Σ (xᵢ·w − yᵢ)·xᵢ. J is convex, so every local minimum is a global one: the start changes the path
    but not the cost that is reached, and not the weights either unless columns of X (that of ones included) are
    collinear, as they are wherever there are fewer rows than weights.

    Parameters
    ----------
    X : array_like of shape (n_samples, n_features)
        The features (independent variables). float32 and float64 in C or Fortran order are used without a copy;
        arithmetic is in float64 either way. Never written to.
    y : array_like of shape (n_samples,) or (n_samples, 1)
        The target (dependent variable). Never written to.
    learning_rate : float, array_like of shape (epochs,), callable or "auto"
        The rate of each update: one for all, one for each, or ``f(epochs, smoothness, convexity)`` returning either,
        where smoothness and convexity are the largest and the smallest non-zero eigenvalue of XᵀX/n (with the
        column of ones). "auto" is 1/smoothness; a constant rate above 2/smoothness diverges.
    epochs : int
        How many updates at most.
    weights : None, "random" or array_like of the gradient's shape
        The start: zeros, standard normal numbers from `random_state`, or the values given.
    fit_intercept : bool
        Whether weights begin with an intercept.
    tol : float
        How small a relative change of the cost between two looks, or a relative gradient, ends the run.
        0 runs all epochs.
    check_every : int
        Epochs between two looks at the run: stopping rules, callback, printing, Ctrl-C.
    backend : {"auto", "cython", "numba", "numpy", "python"}
        What computes the updates. "auto" is the first that is available, in this order.
    threads : int or None
        Threads for the compiled backends. None takes one for small data, else as many as OMP_NUM_THREADS or the
        processor allows. The answer has the same bits for any number.
    random_state : int, numpy.random.Generator or None
        Where random weights come from.
    callback : callable or None
        Called as ``callback(epoch, weights, cost)`` at epochs 0, check_every, 2·check_every, …, with a copy of the
        weights after that many updates and their cost. Returning True ends the run with exactly those weights.
    verbose : int
        1 prints ``epoch k: cost …`` at the same epochs.

    Returns
    -------
    DescentResult
        Weights, cost history and why the run ended.

    Raises
    ------
    ValueError, TypeError
        If an argument is not what is described above; the message names it. Nothing has been computed then.
    ImportError
        If the backend asked for is not installed.

    Warns
    -----
    DivergenceWarning
        If the cost grew or stopped being finite.

    References
    ----------
    S. Boyd and L. Vandenberghe, Convex Optimization, Cambridge, 2004, section 9.3.

    Examples
    --------
    >>> import fastgd
    >>> result = fastgd.gradient_descent([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0])
    >>> result.weights.round(4)
    array([1., 2.])
    >>> result.converged, result.reason
    (True, 'gradient')
    """
    X, y = validation.check_problem(X, y)
    fit_intercept = validation.check_flag("fit_intercept", fit_intercept)
    epochs = validation.check_count("epochs", epochs, most=MOST_EPOCHS)
    check_every = validation.check_count("check_every", check_every)
    threads = choose_threads(*X.shape) if threads is None else validation.check_count("threads", threads)
    tol = validation.check_tolerance(tol)
    verbose = validation.check_level("verbose", verbose)
    validation.check_callback(callback)
    name = backends.resolve(backend)
    kernel = backends.load(name).descend
    start = make_start(weights, X.shape[1] + fit_intercept, fit_intercept, random_state)
    rules = make_rules(X, y, fit_intercept, tol)
    rates = make_rates(learning_rate, epochs, X, fit_intercept)

    epochs_a_call = max(1, CALL_ELEMENTS // X.size)

    def call_kernel(w: Array, rates: Array, costs: Array, gradient: Array) -> int:
        return kernel(X, y, w, rates, costs, gradient, threads)

    looks = Looks(rules, check_every, callback, verbose)
    final, costs, reason = run(call_kernel, epochs_a_call, start, rates, looks)
    if reason == "diverged":
        warn_of_divergence(float(rates[: len(costs) + 1].max()), len(costs), spectrum.smoothness(X, fit_intercept))
    return DescentResult(
        weights=final,
        coef=final[int(fit_intercept) :].copy(),
        intercept=float(final[0]) if fit_intercept else 0.0,
        cost_history=costs,
        epochs=len(costs),
        reason=reason,
        converged=reason in ("cost", "gradient"),
        backend=name,
        rates=rates[: len(costs)].copy(),
    )


def make_start(weights: Any, n_weights: int, fit_intercept: bool, random_state: Any) -> Array:
    """Return the weights of epoch 0."""
    generator = validation.check_random_state(random_state)
    if weights is None:
        return np.zeros(n_weights)
    if isinstance(weights, str):
        if weights != "random":
            raise ValueError(f"weights must be None, 'random' or an array; got {weights!r}")
        return generator.standard_normal(n_weights)
    return validation.check_start(weights, n_weights, fit_intercept)


@dataclass(frozen=True, slots=True)
class Looks:
    """What is looked at between blocks of epochs, and how often."""

    rules: StoppingRules
    check_every: int
    callback: Callback | None
    verbose: int


def run(
    call_kernel: Callable[[Array, Array, Array, Array], int],
    epochs_a_call: int,
    weights: Array,
    rates: Array,
    looks: Looks,
) -> tuple[Array, Array, str]:
    """Run blocks of epochs until all are done or a look between two of them ends it.

    Returns
    -------
    weights, cost_history, reason
        As in `DescentResult`.
    """
    costs, last_cost = np.empty_like(rates), np.empty(1)
    gradient = np.empty_like(weights)
    best, best_cost, previous_cost = weights, np.inf, np.inf
    # A constant rate that is stable never raises the cost. Others may, for a while.
    monotone = rates.min() == rates.max()
    whole = (weights.copy(), 0)  # weights and epochs that belong together, for Ctrl-C: replaced in one step
    try:
        for first in range(0, len(rates), looks.check_every):
            block = slice(first, min(first + looks.check_every, len(rates)))
            # The state at the block's start is what the looks go back to: a cost belongs to the weights before its
            # update, so the block's first cost is the cost of exactly these weights.
            before, done = weights.copy(), first
            while done < block.stop:
                call = slice(done, min(done + epochs_a_call, block.stop))
                done += call_kernel(weights, rates[call], costs[call], gradient)
                if done < call.stop:
                    break
                whole = (weights.copy(), done)
            if first == 0 and not np.isfinite(costs[0]):
                raise ValueError("weights must have a finite cost to start from; they are too large for this X and y")
            if looks.verbose:
                print(f"epoch {first}: cost {costs[first]:.8g}")
            if looks.callback is not None and is_true(looks.callback(first, before.copy(), float(costs[first]))):
                return before, costs[:first], "callback"
            if costs[first] < best_cost:
                best, best_cost = before, costs[first]
            if done < block.stop or looks.rules.grown(best_cost if monotone else costs[0], costs[done - 1]):
                return best, costs[:done], "diverged"
            # Nothing settles while nothing moves.
            if rates[block].any() and (reason := looks.rules.settled(previous_cost, costs[done - 1], gradient)):
                return weights, costs[:done], reason
            previous_cost = costs[done - 1]
        # No cost has been seen of the last weights: an update at a rate of 0 tells it.
        seen = call_kernel(weights, np.zeros(1), last_cost, gradient)
        if not seen or looks.rules.grown(best_cost if monotone else costs[0], last_cost[0]):
            return best, costs, "diverged"
    except KeyboardInterrupt:
        return whole[0], costs[: whole[1]], "interrupted"
    return weights, costs, "epochs"


def is_true(answer: Any) -> bool:
    """Tell whether a callback returned True, and not just something that is not zero, like a cost."""
    return isinstance(answer, bool | np.bool) and bool(answer)


def warn_of_divergence(rate: float, epochs: int, smoothness: float) -> None:
    """Warn that the cost grew, with the rate that was used and the largest that would have been stable."""
    warnings.warn(
        f"the cost grew or was no longer finite after {epochs} epochs: the largest learning_rate used is {rate:.6g}, "
        f"the largest stable one for this X is 2/smoothness = {largest_stable_rate(smoothness):.6g}; the result holds "
        "the last good weights",
        DivergenceWarning,
        stacklevel=3,
    )
