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
from fastgd.stopping import StoppingRules, make_rules

# Elements of X that one call of a kernel goes through at most, a few tenths of a second for the compiled ones: Python
# answers Ctrl-C between two calls.
CALL_ELEMENTS = 100_000_000

Callback = Callable[[int, Array, float], Any]


class DivergenceWarning(RuntimeWarning):
    """The cost grew, or was no longer finite: the learning rate is too large for the data."""


@dataclass(frozen=True, slots=True)
class DescentResult:
    """What a run of gradient descent leaves behind.

    Attributes
    ----------
    weights : ndarray of shape (n_features + 1,) or (n_features,), float64
        ``[intercept, coef…]`` when an intercept was fitted, else just ``coef``. After a divergence, the weights of
        the look with the lowest cost.
    coef : ndarray of shape (n_features,), float64
        One coefficient for each column of X.
    intercept : float
        The constant term, 0.0 when none was fitted.
    cost_history : ndarray of shape (epochs,), float64
        ``cost_history[k]`` is J of the weights that update k starts from.
    epochs : int
        How many updates were made.
    reason : {"cost", "gradient", "epochs", "diverged", "callback", "interrupted"}
        Why the run ended.
    converged : bool
        True if the run ended because cost or gradient settled.
    backend : str
        The backend that ran.
    rates : ndarray of shape (epochs,), float64
        The learning rate of each update.
    """

    weights: Array
    coef: Array
    intercept: float
    cost_history: Array
    epochs: int
    reason: str
    converged: bool
    backend: str
    rates: Array

    def predict(self, X: ArrayLike) -> Array:
        """Return ``X @ coef + intercept``, float64 of shape (n_samples,).

        Raises
        ------
        ValueError, TypeError
            If X is not a finite two-dimensional array of numbers with one column for each coefficient.
        """
        X = validation.check_features(X, len(self.coef))
        return X @ self.coef + self.intercept


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
    but not the cost that is reached, and not the weights either unless columns of X are collinear.

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
        weights after that many updates and their cost. A true value returned ends the run with exactly those weights.
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
    epochs = validation.check_count("epochs", epochs)
    check_every = validation.check_count("check_every", check_every)
    threads = choose_threads(*X.shape) if threads is None else validation.check_count("threads", threads)
    tol = validation.check_tolerance(tol)
    validation.check_callback(callback)
    name = backends.resolve(backend)
    kernel = backends.load(name).descend
    start = make_start(weights, X.shape[1] + fit_intercept, fit_intercept, random_state)
    rules = make_rules(X, y, fit_intercept, tol)
    rates = make_rates(learning_rate, epochs, X, fit_intercept)

    epochs_a_call = max(1, CALL_ELEMENTS // X.size)

    def run_block(w: Array, rates: Array, costs: Array, gradient: Array) -> int:
        done = 0
        while done < len(rates):
            call = slice(done, min(done + epochs_a_call, len(rates)))
            applied = kernel(X, y, w, rates[call], costs[call], gradient, threads)
            done += applied
            if applied < call.stop - call.start:
                break
        return done

    final, costs, reason = run(run_block, start, rates, rules, check_every, callback, bool(verbose))
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


def run(
    run_block: Callable[[Array, Array, Array, Array], int],
    weights: Array,
    rates: Array,
    rules: StoppingRules,
    check_every: int,
    callback: Callback | None,
    verbose: bool,
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
    before, first = weights, 0
    try:
        for first in range(0, len(rates), check_every):
            block = slice(first, min(first + check_every, len(rates)))
            # The state at the block's start is what the looks go back to: a cost belongs to the weights before its
            # update, so the block's first cost is the cost of exactly these weights.
            before = weights.copy()
            done = first + run_block(weights, rates[block], costs[block], gradient)
            if verbose and np.isfinite(costs[first]):
                print(f"epoch {first}: cost {costs[first]:.8g}")
            if callback is not None and callback(first, before.copy(), float(costs[first])):
                return before, costs[:first], "callback"
            if costs[first] < best_cost:
                best, best_cost = before, costs[first]
            if done < block.stop or rules.grown(costs[0], costs[done - 1]):
                return best, costs[:done], "diverged"
            # Nothing settles while nothing moves.
            if rates[block].any() and (reason := rules.settled(previous_cost, costs[done - 1], gradient)):
                return weights, costs[:done], reason
            previous_cost = costs[done - 1]
        # No cost has been seen of the last weights: an update at a rate of 0 tells it.
        if not run_block(weights, np.zeros(1), last_cost, gradient) or rules.grown(costs[0], last_cost[0]):
            return best, costs, "diverged"
    except KeyboardInterrupt:
        return before, costs[:first], "interrupted"
    return weights, costs, "epochs"


def warn_of_divergence(rate: float, epochs: int, smoothness: float) -> None:
    """Warn that the cost grew, with the rate that was used and the largest that would have been stable."""
    warnings.warn(
        f"the cost grew or was no longer finite after {epochs} epochs: the largest learning_rate used is {rate:.6g}, "
        f"the largest stable one for this X is 2/smoothness = {largest_stable_rate(smoothness):.6g}; the result holds "
        "the last good weights",
        DivergenceWarning,
        stacklevel=3,
    )


def cost(X: ArrayLike, y: ArrayLike, weights: ArrayLike) -> float:
    """Return J(w) = 1/(2n) Σ (xᵢ·w − yᵢ)².

    In code that is ``sum(error**2) / (2 * n)``: ``1 / 2 * n`` would multiply by n.

    Parameters
    ----------
    X : array_like of shape (n_samples, n_features)
        The features.
    y : array_like of shape (n_samples,) or (n_samples, 1)
        The target.
    weights : array_like of shape (n_features + 1,) or (n_features,)
        With an intercept in front, or without.

    Raises
    ------
    ValueError, TypeError
        If an argument is not what is described above.

    Examples
    --------
    >>> import fastgd
    >>> fastgd.cost([[1.0], [2.0]], [1.0, 4.0], weights=[0.0, 1.0])
    1.0
    """
    return evaluate(X, y, weights)[0]


def gradient(X: ArrayLike, y: ArrayLike, weights: ArrayLike) -> Array:
    """Return ∇J(w) = 1/n Σ eᵢ xᵢ, where eᵢ = xᵢ·w − yᵢ is the error itself, not its square.

    The factor xᵢ is the derivative of eᵢ; the exponent 2 of the cost cancels against its 1/2. The gradient has the
    shape of the weights: one partial derivative for each.

    Parameters
    ----------
    X : array_like of shape (n_samples, n_features)
        The features.
    y : array_like of shape (n_samples,) or (n_samples, 1)
        The target.
    weights : array_like of shape (n_features + 1,) or (n_features,)
        With an intercept in front, or without.

    Returns
    -------
    ndarray of the shape of the weights, float64

    Raises
    ------
    ValueError, TypeError
        If an argument is not what is described above.

    Examples
    --------
    >>> import fastgd
    >>> fastgd.gradient([[1.0], [2.0]], [1.0, 4.0], weights=[0.0, 1.0])
    array([-1., -2.])
    """
    return evaluate(X, y, weights)[1]


def evaluate(X: ArrayLike, y: ArrayLike, weights: ArrayLike) -> tuple[float, Array]:
    """Return cost and gradient: those of one update at a rate of 0, by the preferred backend."""
    X, y = validation.check_problem(X, y)
    w = validation.check_weights("weights", weights, X.shape[1])
    costs, slope = np.empty(1), np.empty_like(w)
    backends.descend(X, y, w, np.zeros(1), costs, slope)
    return float(costs[0]), slope
