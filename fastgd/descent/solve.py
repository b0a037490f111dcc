"""The driver of a prepared problem: pick the rates, run, judge how it ended, report."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from fastgd import backends
from fastgd.backends.threads import choose_threads
from fastgd.descent import minibatches as minibatch
from fastgd.descent.loop import Callback, CallKernel, Looks, run
from fastgd.descent.result import ConditionWarning, DescentResult, DivergenceWarning
from fastgd.descent.stopping import make_rules
from fastgd.inputs.arrays import EPSILON, Array
from fastgd.inputs.options import MOST_EPOCHS, check_callback, check_count, check_level, check_not_negative, check_rates
from fastgd.problem import curvature as spectrum
from fastgd.problem.rows import Prepared
from fastgd.rates import chebyshev, eigenvalues
from fastgd.rates.decays import largest_stable_rate
from fastgd.rates.eigenvalues import MOST_EIGENVALUES, plan
from fastgd.rates.schedules import Schedule, find_schedule, make_rates, needs_convexity, without_options

# Elements of X that one call of a kernel goes through at most, a few tenths of a second for the compiled ones: Python
# answers Ctrl-C between two calls.
CALL_ELEMENTS = 100_000_000
EPOCH_ELEMENTS = 64  # of X that take as long as what an epoch does beside reading them
ORDINARY_CONDITION = 1e3


@dataclass(frozen=True, slots=True)
class Settings:
    """How to descend, whatever the problem: the arguments of `gradient_descent`, checked.

    Attributes
    ----------
    schedule : callable or None
        What makes the rates, if they were not given.
    rates : ndarray of shape (epochs,) or None
        The rates, if they were given.
    backend : str
        The name of the backend that runs.
    batches : (int, numpy.random.Generator) or None
        The rows of a mini-batch, and what shuffles them.
    """

    schedule: Schedule | None
    rates: Array | None
    epochs: int
    tol: float
    check_every: int
    backend: str
    threads: int | None
    callback: Callback | None
    verbose: int
    batches: tuple[int, np.random.Generator] | None = None


def check_settings(
    *,
    learning_rate: Any,
    epochs: Any,
    tol: Any,
    check_every: Any,
    backend: Any,
    threads: Any,
    callback: Any,
    verbose: Any,
) -> Settings:
    """Return the settings that these arguments of `gradient_descent` stand for."""
    epochs = check_count("epochs", epochs, most=MOST_EPOCHS)
    schedule = find_schedule(learning_rate)
    check_callback(callback)
    name = backends.resolve(backend)
    backends.load(name)
    return Settings(
        schedule=schedule,
        rates=None if schedule else check_rates(learning_rate, epochs),
        epochs=epochs,
        tol=check_not_negative("tol", tol),
        check_every=check_count("check_every", check_every),
        backend=name,
        threads=None if threads is None else check_count("threads", threads),
        callback=callback,
        verbose=check_level("verbose", verbose),
    )


def descend(prepared: Prepared, start: Array, settings: Settings, why: str) -> DescentResult:
    """Run a descent from weights in the units of the data, and report; `why` is why it is compressed, or not."""
    problem, cycles, batches = prepared.problem, None, settings.batches
    curvature = spectrum.Curvature(problem.X, problem.intercept, prepared.noise)
    convexity = partial(getattr, curvature, "convexity")
    explicit = prepared.fit_intercept and not problem.intercept
    rules = make_rules(
        problem.X, problem.y, problem.intercept, settings.tol, explicit=explicit, find_convexity=convexity
    )
    rates, batch_size = settings.rates, batches[0] if batches else None
    if settings.schedule is not None:
        rates, cycles = pick_rates(settings.schedule, settings.epochs, curvature, prepared, batch_size)
    assert rates is not None
    callback = settings.callback

    def show(epoch: int, w: Array, cost: float) -> Any:
        return callback(epoch, prepared.to_data(w), cost) if callback else None

    looks = Looks(rules, settings.check_every, show if callback else None, settings.verbose, cycles)
    kernel = backends.load(settings.backend).descend
    call, evaluate = make_call(kernel, prepared, settings.threads), None
    if batches is not None:
        call, evaluate = minibatch.make_kernel(kernel, prepared, *batches, settings.threads), call
    epochs_a_call = max(1, CALL_ELEMENTS // (problem.X.size + EPOCH_ELEMENTS))
    final, costs, reason = run(call, evaluate, epochs_a_call, prepared.from_data(start), rates, looks)
    final = prepared.to_data(final)
    if reason == "diverged":
        largest = float(rates[: len(costs) + 1].max())
        warn_of_divergence(largest, len(costs), limit_smoothness(curvature.smoothness, prepared, batch_size))
    ill = is_ill_conditioned(curvature.condition, settings.tol, reason, settings.epochs)
    if ill:
        warn_of_condition(curvature.condition, prepared.coordinates is not None, reason)
    return DescentResult(
        weights=final,
        coef=final[int(prepared.fit_intercept) :].copy(),
        intercept=float(final[0]) if prepared.fit_intercept else 0.0,
        cost_history=costs,
        epochs=len(costs),
        reason=reason,
        converged=reason in ("cost", "gradient") and not ill,
        backend=settings.backend,
        compressed=prepared.small,
        why=why,
        rates=rates[: len(costs)].copy(),
    )


def pick_rates(
    schedule: Schedule, epochs: int, curvature: spectrum.Curvature, prepared: Prepared, batch_size: int | None
) -> tuple[Array, list[int] | None]:
    """Return the rates of a schedule, and its cycles; the convexity is only found out where it matters."""
    if without_options(schedule) is eigenvalues:
        if min(curvature.X.shape) <= MOST_EIGENVALUES:
            return plan(epochs, curvature.eigenvalues)
        schedule = chebyshev  # which `plan` would take in the end, without finding all eigenvalues first
    if needs_convexity(schedule):
        smoothness, convexity = curvature.extremes
    else:
        smoothness, convexity = curvature.smoothness, 0.0
    return make_rates(schedule, epochs, limit_smoothness(smoothness, prepared, batch_size), convexity)


def limit_smoothness(smoothness: float, prepared: Prepared, batch_size: int | None) -> float:
    """Return the smoothness that limits the rates: that of all rows, or what mini-batches have."""
    return smoothness if batch_size is None else minibatch.expected_smoothness(prepared, batch_size, smoothness)


def make_call(kernel: Callable[..., int], prepared: Prepared, threads: int | None) -> CallKernel:
    """Return the kernel, bound to the problem; without a number of threads, each call has what it is worth."""
    problem = prepared.problem
    n_samples, n_features = problem.X.shape

    def call_kernel(weights: Array, rates: Array, costs: Array, gradient: Array) -> int:
        members = threads or choose_threads(n_samples, n_features, len(rates))
        return int(kernel(problem.X, problem.y, weights, rates, costs, gradient, members))

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
        stacklevel=4,
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
        stacklevel=4,
    )
