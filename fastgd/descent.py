"""The driver: validate once, prepare the problem, pick the rates, run, report."""

from __future__ import annotations  # help() shows ArrayLike, not what it is made of

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fastgd import backends, minibatch, spectrum, validation
from fastgd.arrays import EPSILON, Array
from fastgd.backends.team import choose_threads
from fastgd.choice import choose_compression
from fastgd.problem import Prepared, prepare_compressed, prepare_rows
from fastgd.rates import eigenvalues
from fastgd.rates.decays import largest_stable_rate
from fastgd.rates.eigenvalues import plan
from fastgd.rates.schedules import Schedule, find_schedule, make_rates, needs_convexity
from fastgd.result import ConditionWarning, DescentResult, DivergenceWarning
from fastgd.running import Callback, CallKernel, Looks, run
from fastgd.stopping import make_rules

# Elements of X that one call of a kernel goes through at most, a few tenths of a second for the compiled ones: Python
# answers Ctrl-C between two calls.
CALL_ELEMENTS = 100_000_000
EPOCH_ELEMENTS = 64  # of X that take as long as what an epoch does beside reading them
ORDINARY_CONDITION = 1e3
MOST_EPOCHS = 100_000_000  # rates and costs are arrays of one number for each


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
    compress: bool | str = "auto",
    sample_weight: ArrayLike | None = None,
    alpha: float = 0.0,
    batch_size: int | None = None,
    standardize: bool = False,
    threads: int | None = None,
    random_state: int | np.random.Generator | None = None,
    callback: Callback | None = None,
    verbose: int = 0,
) -> DescentResult:
    """Fit a linear regression by gradient descent.

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
    learning_rate : float, array_like of shape (epochs,), callable or str
        The rate of each update: one for all, one for each, or ``f(epochs, smoothness, convexity)`` returning either,
        where smoothness and convexity are the largest and the smallest non-zero eigenvalue of XᵀX/n (with the
        column of ones). "auto" is 1/smoothness; a constant rate above 2/smoothness diverges. The schedules of
        `fastgd.rates` go by their names: "eigenvalues", "chebyshev", "silver", "constant", "inverse_scaling",
        "step_decay", "exponential_decay".
    epochs : int
        How many updates at most; of mini-batches, how often all rows are gone through.
    weights : None, "random" or array_like of the gradient's shape
        The start: zeros, standard normal numbers from `random_state`, or the values given.
    fit_intercept : bool
        Whether weights begin with an intercept.
    tol : float
        How small a relative change of the cost between two looks, or a relative gradient, ends the run.
        0 runs all epochs.
    check_every : int
        Epochs between two looks at the run: stopping rules, callback, printing, Ctrl-C. A schedule with cycles is
        judged at their ends instead.
    backend : {"auto", "cython", "numba", "numpy", "python"}
        What computes the updates. "auto" is the first that is available, in this order.
    compress : {"auto", True, False}
        Whether to descend on at most n_features + 2 rows with the same J (see `fastgd.compress`): the same weights and
        costs in every epoch, to rounding. "auto" does where that takes less time than the epochs asked for would, but
        not where a backend is named: who names one wants to see it at work on the data.
    sample_weight : array_like of shape (n_samples,) or None
        Weights of the rows: a weight of k counts as k equal rows. J is divided by their sum. Without compression, the
        weighted rows are a float64 copy of X.
    alpha : float
        Ridge: alpha·½‖coef‖² is added to J, in the data's units; the intercept is not penalised. scikit-learn's
        ``Ridge(alpha=a)`` is ``a / n_samples`` here. Without compression, this copies X.
    batch_size : int or None
        Update from batches of so many shuffled rows instead of from all; as many as X has make no batches.
        The cost of an epoch is then the mean of its batches' costs. At a constant rate the weights keep jumping about;
        they settle at rates that shrink, as those of "inverse_scaling" do.
    standardize : bool
        Descend in coordinates where columns have mean 0 and mean square 1; all weights, those to start from too, are in
        the data's units. Without compression, this copies X.
    threads : int or None
        Threads for the compiled backends. None takes one for small data, else as many as OMP_NUM_THREADS or the
        processor allows. The answer has the same bits for any number.
    random_state : int, numpy.random.Generator or None
        Where random weights and the order of mini-batches come from.
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
    ConditionWarning
        If the problem is known to be too ill-conditioned for the digits or the epochs asked for: `converged` is False.

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
    X, y = validation.check_problem(X, y, finite=False)
    fit_intercept = validation.check_flag("fit_intercept", fit_intercept)
    epochs = validation.check_count("epochs", epochs, most=MOST_EPOCHS)
    check_every = validation.check_count("check_every", check_every)
    threads = choose_threads(*X.shape) if threads is None else validation.check_count("threads", threads)
    tol = validation.check_not_negative("tol", tol)
    verbose = validation.check_level("verbose", verbose)
    validation.check_callback(callback)
    name = backends.resolve(backend)
    kernel = backends.load(name).descend
    sample_weight = validation.check_sample_weight(sample_weight, len(y))
    alpha = validation.check_not_negative("alpha", alpha)
    batch_size = check_batch_size(batch_size, len(y), compress)
    standardize = validation.check_flag("standardize", standardize)
    generator = None
    if random_state is not None or batch_size is not None or isinstance(weights, str):
        generator = validation.check_random_state(random_state)  # takes longer than the epochs of a small fit
    start = make_start(weights, X.shape[1] + fit_intercept, fit_intercept, generator)
    schedule = find_schedule(learning_rate)
    if schedule is eigenvalues and batch_size is not None:
        raise ValueError(
            f"learning_rate must not be 'eigenvalues' with batch_size={batch_size}: batches have other "
            "eigenvalues than all rows"
        )
    rates = None if schedule else validation.check_rates(learning_rate, epochs)  # type: ignore[arg-type]
    named, batches = backend != "auto", batch_size is not None
    compressed, why = choose_compression(compress, X.shape, epochs, named=named, batches=batches)

    prepare = prepare_compressed if compressed else prepare_rows
    prepared = prepare(X, y, fit_intercept, sample_weight, alpha, standardize)
    problem, cycles = prepared.problem, None
    curvature = spectrum.Curvature(problem.X, problem.intercept, prepared.noise)
    explicit, convexity = fit_intercept and not problem.intercept, partial(getattr, curvature, "convexity")
    rules = make_rules(problem.X, problem.y, problem.intercept, tol, explicit=explicit, find_convexity=convexity)
    if schedule is not None:
        rates, cycles = pick_rates(schedule, epochs, curvature, prepared, batch_size)
    assert rates is not None

    def show(epoch: int, w: Array, cost: float) -> Any:
        return callback(epoch, prepared.to_data(w), cost) if callback else None

    looks = Looks(rules, check_every, show if callback else None, verbose, cycles)
    descend, evaluate = make_call(kernel, prepared, threads), None
    if batch_size is not None and generator is not None:
        descend, evaluate = minibatch.make_kernel(kernel, prepared, batch_size, generator, threads), descend
    epochs_a_call = max(1, CALL_ELEMENTS // (problem.X.size + EPOCH_ELEMENTS))
    begin = prepared.from_data(start)
    final, costs, reason = run(descend, evaluate, epochs_a_call, begin, rates, looks)
    final = prepared.to_data(final)
    if reason == "diverged":
        largest = float(rates[: len(costs) + 1].max())
        warn_of_divergence(largest, len(costs), limit_smoothness(curvature.smoothness, prepared, batch_size))
    ill = is_ill_conditioned(curvature.condition, tol, reason, epochs)
    if ill:
        warn_of_condition(curvature.condition, standardize, reason)
    return DescentResult(
        weights=final,
        coef=final[int(fit_intercept) :].copy(),
        intercept=float(final[0]) if fit_intercept else 0.0,
        cost_history=costs,
        epochs=len(costs),
        reason=reason,
        converged=reason in ("cost", "gradient") and not ill,
        backend=name,
        compressed=compressed,
        why=why,
        rates=rates[: len(costs)].copy(),
    )


def check_batch_size(batch_size: Any, n_samples: int, compress: Any) -> int | None:
    """Return the rows of a mini-batch, None for all of them at once."""
    if batch_size is None:
        return None
    batch_size = validation.check_count("batch_size", batch_size, most=n_samples)
    if compress is True:
        raise ValueError(
            f"compress must not be True with batch_size={batch_size}: a compressed problem has no rows of the data to "
            "take batches from; leave out one of them"
        )
    return batch_size if batch_size < n_samples else None


def make_start(weights: Any, n_weights: int, fit_intercept: bool, generator: np.random.Generator | None) -> Array:
    """Return the weights of epoch 0."""
    if weights is None:
        return np.zeros(n_weights)
    if isinstance(weights, str):
        if weights != "random" or generator is None:
            raise ValueError(f"weights must be None, 'random' or an array; got {weights!r}")
        return generator.standard_normal(n_weights)
    return validation.check_start(weights, n_weights, fit_intercept)


def pick_rates(
    schedule: Schedule, epochs: int, curvature: spectrum.Curvature, prepared: Prepared, batch_size: int | None
) -> tuple[Array, list[int] | None]:
    """Return the rates of a schedule, and its cycles; the convexity is only found out where it matters."""
    if schedule is eigenvalues:
        return plan(epochs, curvature.eigenvalues)
    if needs_convexity(schedule):
        smoothness, convexity = curvature.extremes
    else:
        smoothness, convexity = curvature.smoothness, 0.0
    return make_rates(schedule, epochs, limit_smoothness(smoothness, prepared, batch_size), convexity)


def limit_smoothness(smoothness: float, prepared: Prepared, batch_size: int | None) -> float:
    """Return the smoothness that limits the rates: that of all rows, or what mini-batches have."""
    return smoothness if batch_size is None else minibatch.expected_smoothness(prepared, batch_size, smoothness)


def make_call(kernel: Callable[..., int], prepared: Prepared, threads: int) -> CallKernel:
    """Return the kernel, bound to the problem."""
    problem = prepared.problem

    def call_kernel(weights: Array, rates: Array, costs: Array, gradient: Array) -> int:
        return int(kernel(problem.X, problem.y, weights, rates, costs, gradient, threads))

    return call_kernel


def is_ill_conditioned(condition: float | None, tol: float, reason: str, epochs: int) -> bool:
    """Tell whether rounding leaves fewer digits than asked for, or no rates could do with so few epochs.

    Weights are known to about condition·eps, and an error falls by a given factor in a number of epochs that grows with
    the condition number, for the best rates there are. Few epochs of an ordinary problem are nobody's mistake.
    """
    if condition is None or tol == 0 or reason in ("diverged", "callback", "interrupted"):
        return False
    return condition * EPSILON > tol or (reason == "epochs" and condition > max(epochs, ORDINARY_CONDITION))


def warn_of_divergence(rate: float, epochs: int, smoothness: float) -> None:
    """Warn that the cost grew, with the rate that was used and the largest that would have been stable."""
    warnings.warn(
        f"the cost grew or was no longer finite after {epochs} epochs: the largest learning_rate used is {rate:.6g}, "
        f"the largest stable one for this X is 2/smoothness = {largest_stable_rate(smoothness):.6g}; the result holds "
        "the last good weights",
        DivergenceWarning,
        stacklevel=3,
    )


def warn_of_condition(condition: float | None, standardized: bool, reason: str) -> None:
    """Warn that the problem is too ill-conditioned for what was asked."""
    remedy = "alpha, or fewer columns" if standardized else "standardize=True or alpha"
    if reason == "epochs":
        remedy += ", or more epochs at learning_rate='eigenvalues' or 'chebyshev'"
    warnings.warn(
        f"not converged: the condition number of X is {condition:.3g}, too much for the tol and the epochs asked for; "
        f"try {remedy}",
        ConditionWarning,
        stacklevel=3,
    )
