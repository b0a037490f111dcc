"""Solve a prepared problem: choose the rates, run the loop, judge its end, and return the result."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from fastgd import backends
from fastgd.backends.contract import count_applied
from fastgd.backends.sparse_team import choose_sparse_threads, count_sparse_work
from fastgd.backends.threads import choose_threads
from fastgd.descent import minibatches
from fastgd.descent.judging import choose_rates, limit_smoothness
from fastgd.descent.loop import CallKernel, Checks, Ending, find_cost, run
from fastgd.descent.options import DescentOptions
from fastgd.descent.result import DescentResult
from fastgd.descent.rules import AnyRules, make_rules
from fastgd.descent.target_rules import TargetRules
from fastgd.descent.target_verdict import judge_targets, name_target, name_targets
from fastgd.descent.verdict import Verdict, judge_ending, list_remedies
from fastgd.descent.warnings import make_convergence_warning, make_divergence_warning
from fastgd.forks import halt_for_forks
from fastgd.inputs.arrays import Array
from fastgd.problem.prepared import Prepared
from fastgd.problem.rows import CHEAP_QR
from fastgd.problem.sparse_rows import SparseRows
from fastgd.rates.schedules import Rates

# The most elements of X times epochs in one call of a kernel: a few tenths of a second for the compiled kernels. Python
# answers Ctrl-C between two calls.
CALL_ELEMENTS = 100_000_000
EPOCH_ELEMENTS = 64  # the fixed cost of an epoch, as a number of elements of X


@halt_for_forks
def solve(
    prepared: Prepared, start: Array, options: DescentOptions, names: list[str] | None = None
) -> tuple[DescentResult, Warning | None]:
    """Descend from the starting weights; return the result, and a warning unless the run did what was asked for.

    The starting weights and those of the result are in the units of the data.
    """
    batch_size = find_batch_size(prepared, options)
    rules = make_rules(prepared, options.tol)
    rates = choose_rates(prepared, options, rules.trace, batch_size)
    path: list[Array] | None = [] if options.history else None
    callback, every = wrap_callback(prepared, options, path), options.check_every
    checks = Checks(rules, rates, every, callback, options.verbose, options.stop_on_divergence)
    call_kernel, evaluate = bind_kernel(options.backend, prepared, options.threads), None
    if batch_size is not None:
        assert options.generator is not None
        evaluate, kernel = call_kernel, backends.find_descend(options.backend, count_targets(prepared), sparse=False)
        call_kernel = minibatches.bind_batches(kernel, prepared, batch_size, options.generator, options.threads)
    targets = count_targets(prepared)
    epochs_a_call = max(1, CALL_ELEMENTS // (prepared.problem.X.size * targets + EPOCH_ELEMENTS))
    ending = run(call_kernel, evaluate, epochs_a_call, convert_start(prepared, start), checks)
    weights = np.ascontiguousarray(prepared.to_data(ending.weights))
    if prepared.precondition == "whiten":
        ending = measure_in_data(ending, weights, prepared, evaluate or call_kernel)
    if isinstance(rules, TargetRules):
        verdict = judge_targets(prepared, rates, ending, weights, rules, options, names)
    else:
        verdict = judge_ending(prepared, rates, ending, weights, rules, options)
    warning = find_warning(prepared, rates, ending, verdict, rules, options, names)
    result = make_result(prepared, rates, ending, weights, verdict, options.backend)
    return result if path is None else replace(result, path=np.array(path)), warning


def find_warning(
    prepared: Prepared,
    rates: Rates,
    ending: Ending,
    verdict: Verdict,
    rules: AnyRules,
    options: DescentOptions,
    names: list[str] | None,
) -> Warning | None:
    """Return the warning of a run that diverged, or did not converge; of several targets, one warning for all."""
    batch_size, reasons = find_batch_size(prepared, options), ending.reasons
    if "diverged" in reasons:
        limit = limit_smoothness(prepared, batch_size, prepared.curvature.smoothness)
        longest = float(rates.values[: len(ending.costs) + 1].max())
        return make_divergence_warning(longest, len(ending.costs), limit, options.stop_on_divergence)
    if (
        verdict.converged is True
        or np.all(verdict.converged)
        or options.tol == 0
        or reasons & {"callback", "interrupted"}
    ):
        return None
    least: Any = rules.find_least_cost() if prepared.compressed or is_small(prepared) else None
    reason, cost, message, target = ending.reason, ending.cost, verdict.message, None
    if prepared.several:
        missed = np.flatnonzero(~verdict.converged)
        first = int(missed[0])
        reason, cost, least = reason[first], float(cost[first]), None if least is None else float(least[first])
        message = f"{name_targets(missed, names)} of {len(verdict.converged)}: {message}"
        target = name_target(first, names)
    remedies = list_remedies(prepared, options, batch_size, reason, verdict.condition)
    return make_convergence_warning(message, cost, least, verdict.condition, remedies, target)


def make_result(
    prepared: Prepared, rates: Rates, ending: Ending, weights: Array, verdict: Verdict, backend: str
) -> DescentResult:
    """Return the result in the units of the data."""
    epochs = len(ending.costs)
    cost, gradient = prepared.without_ridge(ending.cost, ending.gradient, weights)
    return DescentResult(
        weights=weights,
        coef=weights[int(prepared.fit_intercept) :].copy(),
        intercept=find_intercept(prepared, weights),
        cost=cost,
        gradient=np.ascontiguousarray(gradient),
        r_squared=find_r_squared(cost, prepared.variance),
        cost_history=ending.costs,
        rates=rates.values[:epochs].copy(),
        epochs=epochs,
        reason=ending.reason,
        message=f"{verdict.message}; {prepared.message}",
        converged=verdict.converged,
        backend=backend,
        compressed=prepared.compressed,
        precondition=prepared.precondition,
        n_samples=prepared.n_samples,
    )


def count_targets(prepared: Prepared) -> int:
    """Return the number of targets."""
    return int(prepared.problem.y.shape[1]) if prepared.several else 1


def convert_start(prepared: Prepared, start: Array) -> Array:
    """Return the starting weights in the coordinates of the descent; zeros stay zeros."""
    if not np.count_nonzero(start):
        return np.zeros((prepared.problem.X.shape[1] + prepared.problem.intercept, *start.shape[1:]))
    return np.ascontiguousarray(prepared.from_data(start))


def find_intercept(prepared: Prepared, weights: Array) -> Any:
    """Return the constant term, or that of each target; zero if no intercept was fitted."""
    if prepared.several:
        return weights[0].copy() if prepared.fit_intercept else np.zeros(weights.shape[1])
    return float(weights[0]) if prepared.fit_intercept else 0.0


def find_r_squared(cost: Any, variance: Any) -> Any:
    """Return the share of the variance that is explained; None, or NaN among several targets, if y is constant."""
    if isinstance(variance, np.ndarray):
        return np.where(variance == 0, np.nan, 1 - 2 * cost / np.where(variance == 0, 1.0, variance))
    return None if variance == 0 else 1 - 2 * cost / variance


def is_small(prepared: Prepared) -> bool:
    """Return True if the least cost of the rows takes little time: a warning is worth no more."""
    X = prepared.problem.X
    return X.size * X.shape[1] <= CHEAP_QR


def measure_in_data(ending: Ending, weights: Array, prepared: Prepared, call_kernel: CallKernel) -> Ending:
    """Return the ending with cost and gradient of the weights as the data's units round them."""
    rounded = np.ascontiguousarray(prepared.from_data(weights))
    gradient = np.empty_like(rounded)
    return Ending(rounded, ending.costs, ending.reason, find_cost(call_kernel, rounded, gradient), gradient)


def find_batch_size(prepared: Prepared, options: DescentOptions) -> int | None:
    """Return the number of rows of a mini-batch; None if every update is from all rows."""
    size = options.batch_size
    return size if size is not None and size < len(prepared.rows.y) else None


def wrap_callback(
    prepared: Prepared, options: DescentOptions, path: list[Array] | None
) -> Callable[[int, Array, Any], Any] | None:
    """Return a callback that adds the weights, in the units of the data, to the path and calls the user's callback.

    None if there is neither of them.
    """
    callback = options.callback
    if callback is None and path is None:
        return None

    def show(epoch: int, weights: Array, cost: Any) -> Any:
        in_data = prepared.to_data(weights)
        if path is not None:
            path.append(in_data.copy())
        return None if callback is None else callback(epoch, in_data, cost)

    return show


def bind_kernel(backend: str, prepared: Prepared, threads: int | None) -> CallKernel:
    """Return the kernel bound to the problem; if `threads` is None, each call uses as many threads as pay off."""
    problem, targets, work = prepared.problem, count_targets(prepared), 0
    X: Any = problem.X
    n, p = X.shape
    if isinstance(X, SparseRows) and prepared.compressed and not backends.takes_sparse(backend):
        X = np.asarray(X, dtype=np.float64)
    elif isinstance(X, SparseRows):
        backends.check_takes_sparse(backend)
        X = X.record
        work = count_sparse_work(X, targets)

    kernel = backends.find_descend(backend, targets, sparse=bool(work))

    def choose(epochs: int) -> int:
        return choose_sparse_threads(work, epochs) if work else choose_threads(n, p, epochs, targets)

    def call_kernel(weights: Array, rates: Array, costs: Array, gradient: Array) -> int:
        members = threads or choose(len(rates))
        return count_applied(kernel(X, problem.y, weights, rates, costs, gradient, members), len(rates))

    return call_kernel
