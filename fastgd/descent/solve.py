"""Solve a prepared problem: choose the rates, run the loop, warn if it did not converge, and return the result."""

from collections.abc import Callable
from typing import Any

from fastgd import backends
from fastgd.backends.threads import choose_threads
from fastgd.descent import minibatches
from fastgd.descent.judging import choose_rates, limit_smoothness
from fastgd.descent.loop import CallKernel, Checks, Ending, run
from fastgd.descent.options import DescentOptions
from fastgd.descent.result import DescentResult, explain_ending
from fastgd.descent.stopping import make_rules
from fastgd.descent.warnings import warn_of_condition, warn_of_divergence
from fastgd.inputs.arrays import EPSILON, Array
from fastgd.problem.curvature import EXACT_FEATURES
from fastgd.problem.prepared import Prepared
from fastgd.rates.schedules import Rates

# The most elements of X times epochs in one call of a kernel: a few tenths of a second for the compiled kernels. Python
# answers Ctrl-C between two calls.
CALL_ELEMENTS = 100_000_000
EPOCH_ELEMENTS = 64  # the fixed cost of an epoch, as a number of elements of X
ORDINARY_CONDITION = 1e3  # up to this condition number, too few epochs are no reason for a warning


def solve(prepared: Prepared, start: Array, options: DescentOptions) -> DescentResult:
    """Descend from the starting weights, and return the result; both are in the units of the data."""
    backend = prepared.backend or options.backend
    batch_size = find_batch_size(prepared, options)
    rules = make_rules(prepared, options.tol)
    rates = choose_rates(prepared, options, rules.trace, batch_size)
    checks = Checks(rules, rates, options.check_every, wrap_callback(prepared, options), options.verbose)
    kernel = backends.load(backend).descend
    call_kernel, evaluate = bind_kernel(kernel, prepared, options.threads), None
    if batch_size is not None:
        assert options.generator is not None
        evaluate = call_kernel
        call_kernel = minibatches.bind_batches(kernel, prepared, batch_size, options.generator, options.threads)
    epochs_a_call = max(1, CALL_ELEMENTS // (prepared.problem.X.size + EPOCH_ELEMENTS))
    ending = run(call_kernel, evaluate, epochs_a_call, prepared.from_data(start), checks)
    if ending.reason == "diverged":
        limit = limit_smoothness(prepared, batch_size, prepared.curvature.smoothness)
        warn_of_divergence(float(rates.values[: len(ending.costs) + 1].max()), len(ending.costs), limit)
    condition = find_excessive_condition(prepared, rates, ending.reason, options)
    if condition is not None:
        warn_of_condition(condition, options.precondition, ending.reason)
    return make_result(prepared, rates, ending, condition, backend)


def make_result(
    prepared: Prepared, rates: Rates, ending: Ending, condition: float | None, backend: str
) -> DescentResult:
    """Return the result in the units of the data; `condition` is a condition number that was too large, or None."""
    epochs, weights = len(ending.costs), prepared.to_data(ending.weights)
    cost, gradient = prepared.without_ridge(ending.cost, ending.gradient, weights)
    return DescentResult(
        weights=weights,
        coef=weights[int(prepared.fit_intercept) :].copy(),
        intercept=float(weights[0]) if prepared.fit_intercept else 0.0,
        cost=cost,
        gradient=gradient,
        r_squared=None if prepared.variance == 0 else 1 - 2 * cost / prepared.variance,
        cost_history=ending.costs,
        rates=rates.values[:epochs].copy(),
        epochs=epochs,
        reason=ending.reason,
        message=f"{explain_ending(ending.reason, epochs, condition)}; {prepared.message}",
        converged=ending.reason in ("cost", "gradient") and condition is None,
        backend=backend,
        compressed=prepared.compressed,
    )


def find_batch_size(prepared: Prepared, options: DescentOptions) -> int | None:
    """Return the number of rows of a mini-batch; None if every update is from all rows."""
    size = options.batch_size
    return size if size is not None and size < len(prepared.rows.y) else None


def wrap_callback(prepared: Prepared, options: DescentOptions) -> Callable[[int, Array, float], Any] | None:
    """Return a callback that passes the weights in the units of the data to the user's callback; None for none."""
    callback = options.callback
    if callback is None:
        return None
    return lambda epoch, weights, cost: callback(epoch, prepared.to_data(weights), cost)


def bind_kernel(kernel: Callable[..., int], prepared: Prepared, threads: int | None) -> CallKernel:
    """Return the kernel bound to the problem; if `threads` is None, each call uses as many threads as pay off."""
    problem = prepared.problem
    n_samples, n_features = problem.X.shape

    def call_kernel(weights: Array, rates: Array, costs: Array, gradient: Array) -> int:
        members = threads or choose_threads(n_samples, n_features, len(rates))
        return int(kernel(problem.X, problem.y, weights, rates, costs, gradient, members))

    return call_kernel


def find_excessive_condition(prepared: Prepared, rates: Rates, reason: str, options: DescentOptions) -> float | None:
    """Return the condition number of X if it is too large for tol or for the number of epochs, else None.

    Rounding limits the accuracy of the weights to about condition·eps, relative to their size; and even with the best
    rates, the number of epochs grows with the condition number. `converged` may depend only on the problem and the
    rates. So after a run that has settled, the condition number is computed, unless that takes long and the rates do
    not need it. After a run that has used all epochs, it is used if it is known, and never computed.
    """
    if options.tol == 0 or reason in ("diverged", "callback", "interrupted"):
        return None
    curvature = prepared.curvature
    cheap = curvature.rank_bound <= EXACT_FEATURES or rates.ends is not None or reason == "cost"
    if not (curvature.extremes_known if reason == "epochs" else cheap):
        return None
    condition = curvature.condition
    if condition is None:
        return None
    digits = condition * EPSILON > options.tol
    epochs = reason == "epochs" and condition > max(options.epochs, ORDINARY_CONDITION)
    return condition if digits or epochs else None
