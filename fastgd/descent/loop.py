"""The loop: a kernel runs blocks of epochs; between blocks, checks print, call back and may end the run."""

from collections.abc import Callable, Iterable, Iterator
from copy import copy
from dataclasses import dataclass
from itertools import chain
from math import isfinite
from typing import Any

import numpy as np

from fastgd.descent.rules import AnyRules
from fastgd.descent.target_rules import REASONS
from fastgd.forks import let_forks_pass
from fastgd.inputs.arrays import Array
from fastgd.rates.schedules import Rates

CallKernel = Callable[[Array, Array, Array, Array], int]
# Near the minimum, the noise of mini-batches lifts the cost above that of the start: to twice J* at a stable rate.
BATCH_NOISE = 4.0
FIRST_EPOCHS = 16  # of a run of several targets that the history has room for at first
Callback = Callable[[int, Array, Any], Any]


@dataclass(frozen=True, slots=True, eq=False)
class Checks:
    """The rules to check between blocks of epochs, and how often.

    Attributes
    ----------
    rules : StoppingRules or TargetRules
        The rules that end the run.
    rates : Rates
        The rates, and the epochs at whose end the run may be judged.
    check_every : int
        The number of epochs between two checks.
    callback : callable or None
        The function to call at a check.
    verbose : int
        Above 0, a check prints the cost.
    stop_on_divergence : bool
        False lets a run whose cost grows go on, as long as its numbers are finite.
    """

    rules: AnyRules
    rates: Rates
    check_every: int
    callback: Callback | None
    verbose: int
    stop_on_divergence: bool = True

    @property
    def watched(self) -> bool:
        """Return True if the checks print or call back."""
        return self.callback is not None or self.verbose > 0

    @property
    def judged_at_ends(self) -> bool:
        """Return True if the run is judged at given ends only, by the cost of the weights there."""
        return self.rates.ends is not None

    def blocks(self) -> Iterator[tuple[int, int, bool]]:
        """Yield the start and the end of each block of epochs, and True if the run may be judged at that end."""
        epochs, judged = len(self.rates.values), None
        multiples = range(self.check_every, epochs, self.check_every)
        ends: Iterable[int] = chain(multiples, [epochs])
        if self.rates.ends is not None:
            ends = self.rates.ends
            if self.watched:
                judged = set(ends)
                ends = sorted(judged.union(multiples))
        first = 0
        for end in ends:
            yield first, end, judged is None or end in judged
            first = end


@dataclass(frozen=True, slots=True, eq=False)
class Ending:
    """How a run ended; of several targets, all but the number of epochs have an axis or an entry for each.

    Attributes
    ----------
    weights : ndarray
        The weights that the run returns, in the coordinates of the descent.
    costs : ndarray of shape (epochs,) or (epochs, k)
        J before each update.
    reason : str or list of str
        The reason in `fastgd.DescentResult`.
    cost : float or ndarray of shape (k,)
        J of the weights.
    gradient : ndarray
        The gradient of J at the weights.
    """

    weights: Array
    costs: Array
    reason: Any
    cost: Any
    gradient: Array

    @property
    def reasons(self) -> set[str]:
        """The reasons of all targets."""
        return {self.reason} if isinstance(self.reason, str) else set(self.reason)


def run(
    call_kernel: CallKernel, evaluate: CallKernel | None, epochs_a_call: int, weights: Array, checks: Checks
) -> Ending:
    """Run all epochs, or fewer if a check ends the run.

    Parameters
    ----------
    call_kernel : callable
        A kernel bound to the problem: it takes weights, rates, costs and gradient, changes them in place, and returns
        the number of updates.
    evaluate : callable or None
        For mini-batches, a kernel bound to all rows: at a rate of 0 it computes their cost. Else None.
    epochs_a_call : int
        The largest number of epochs of one call.
    weights : ndarray
        The starting weights; changed in place.
    checks : Checks
        The rules to check between blocks of epochs, and how often.
    """
    # If only divergence can end the run, run all epochs as one block, and search its costs for growth afterwards.
    unjudged = checks.rules.tol == 0 and evaluate is None and not checks.watched and checks.stop_on_divergence
    if unjudged and (not checks.judged_at_ends or checks.rates.constant):
        start = weights.copy()
        ending = Run(call_kernel, None, epochs_a_call, weights, checks).go([(0, len(checks.rates.values), True)])
        grown = ending.reasons == {"epochs"} and has_grown_at_a_check(ending, checks)
        if "diverged" not in ending.reasons and not grown:
            return ending
        weights = start  # it diverged: repeat it with checks, which keep the weights with the lowest cost
    return Run(call_kernel, evaluate, epochs_a_call, weights, checks).go(checks.blocks())


def has_grown_at_a_check(ending: Ending, checks: Checks) -> bool:
    """Return True if a check would have found that the costs of a run without checks have grown."""
    every, epochs, costs = checks.check_every, len(ending.costs), ending.costs
    before = costs[::every]
    after = np.concatenate([costs[every - 1 : epochs - 1 : every], costs[-1:]])
    earlier = np.minimum.accumulate(before) if checks.rates.constant else np.broadcast_to(costs[0], before.shape)
    grown = checks.rules.grown
    return bool(np.any(grown(earlier, after))) or bool(np.any(grown(earlier[-1], ending.cost)))


class Run:
    """The mutable state of a run: weights and costs so far, and the weights with the lowest cost at a check.

    The targets of a matrix share the rates and the checks. Each is judged by its own costs, and keeps its first reason;
    the run ends when all targets have settled, or when one of them diverges.
    """

    def __init__(
        self, call_kernel: CallKernel, evaluate: CallKernel | None, epochs_a_call: int, weights: Array, checks: Checks
    ) -> None:
        self.call_kernel, self.evaluate, self.epochs_a_call = call_kernel, evaluate, epochs_a_call
        self.weights, self.rates, self.checks = weights, checks.rates.values, checks
        self.at_ends = checks.judged_at_ends
        targets = weights.shape[1:]
        # Costs of many targets take memory as the run goes on: most runs end long before the last rate.
        room = min(FIRST_EPOCHS, len(self.rates)) if targets else len(self.rates)
        self.costs, self.gradient = np.empty((room, *targets)), np.empty_like(weights)
        self.monotone = checks.rates.constant and evaluate is None
        self.judged = True  # True if the run may be judged at the start of the block
        self.cost: Any = None  # J of the weights if it is known; then `gradient` is their gradient too
        self.best: Array = weights
        self.best_cost: Any = np.inf
        self.previous_cost: Any = np.inf
        self.first_cost: Any = None  # J of the starting weights on all rows, for mini-batches only
        self.settled: Array | None = None  # of several targets, the number in REASONS by which each has settled
        if targets:
            self.settled, self.best_cost = np.zeros(targets, int), np.full(targets, np.inf)
        if evaluate:
            self.first_cost = self.find_cost()
            self.keep_best(weights.copy(), self.first_cost)
        self.whole = (weights.copy(), 0)  # weights and their epoch, for Ctrl-C; replaced together by one assignment

    def go(self, blocks: Iterable[tuple[int, int, bool]]) -> Ending:
        """Run the blocks one after the other, with a check after each, and return how the run ended."""
        try:
            for first, stop, may_judge in blocks:
                before = self.whole[0]  # of the epoch `first`
                done = self.advance(first, stop)
                if first == 0 and not is_finite(self.start_cost()):
                    raise ValueError(
                        "weights must have a finite cost to start from; they are too large for this X and y"
                    )
                if self.checks.watched and self.show(first, before):
                    return self.end(before, first, "callback")
                reason = self.judge(first, stop, done, before, may_judge)
                if reason:
                    self.show_last(first, done)
                    return self.end(self.choose_weights(reason), done, reason)
            self.show_last(0, len(self.rates))
        except KeyboardInterrupt:
            return self.end(*self.whole, "interrupted")
        return self.end(self.weights, len(self.rates), "epochs")

    def choose_weights(self, reason: str) -> Array:
        """Return the weights to end with: of a run that diverged, those with the lowest cost at a check.

        If the run was to go on all the same, they are the last weights, unless their cost is not finite.
        """
        if reason != "diverged" or (not self.checks.stop_on_divergence and is_finite(self.find_cost())):
            return self.weights
        return self.best

    def end(self, weights: Array, epochs: int, reason: str) -> Ending:
        """Return how the run ended, with the cost and the gradient of the given weights."""
        if weights is not self.weights:
            self.weights, self.cost = weights, None
        costs = self.costs[:epochs] if self.settled is None else self.costs[:epochs].copy()
        return Ending(weights, costs, self.name_reasons(reason), self.find_cost(), self.gradient)

    def name_reasons(self, reason: str) -> Any:
        """Return the reason of the run, or that of each target: its own if it has settled."""
        if self.settled is None:
            return reason
        names: list[str] = np.array([reason, *REASONS[1:]], dtype=object)[self.settled].tolist()
        return names

    def advance(self, first: int, stop: int) -> int:
        """Run the epochs from `first` to `stop`; return the epoch reached, below `stop` if a cost was not finite."""
        done = first
        while done < stop:
            let_forks_pass()
            call = slice(done, min(done + self.epochs_a_call, stop))
            self.make_room(call.stop)
            if call.stop == stop and self.at_ends and self.evaluate is None:
                done += self.call_and_evaluate(call)
            else:
                self.cost = None
                done += self.call_kernel(self.weights, self.rates[call], self.costs[call], self.gradient)
            if done < call.stop:
                break
            self.whole = (self.weights.copy(), done)
        return done

    def make_room(self, epochs: int) -> None:
        """Make the history long enough for the costs of this number of epochs."""
        if epochs > len(self.costs):
            longer = np.empty((min(max(epochs, 2 * len(self.costs)), len(self.rates)), *self.costs.shape[1:]))
            longer[: len(self.costs)] = self.costs
            self.costs = longer

    def call_and_evaluate(self, call: slice) -> int:
        """Run epochs, and one more update at a rate of 0, which computes cost and gradient of the last weights."""
        epochs = call.stop - call.start
        rates, costs = np.zeros(epochs + 1), np.empty((epochs + 1, *self.costs.shape[1:]))
        rates[:epochs] = self.rates[call]
        applied = self.call_kernel(self.weights, rates, costs, self.gradient)
        self.costs[call] = costs[:epochs]
        self.cost = read_cost(costs[epochs]) if applied > epochs else None
        return min(applied, epochs)

    def find_cost(self) -> Any:
        """Return the cost of the weights, and leave their gradient."""
        if self.cost is None:
            self.cost = find_cost(self.evaluate or self.call_kernel, self.weights, self.gradient)
        return self.cost

    def show(self, first: int, before: Array) -> bool:
        """Print and call back if a check is due; return True if the callback ends the run.

        A cost belongs to the weights before its update. So after each block its first cost is shown, with the weights
        at its start.
        """
        if first % self.checks.check_every:
            return False
        return self.show_weights(first, before, read_cost(self.costs[first]))

    def show_last(self, first: int, epochs: int) -> None:
        """Print and call back once more at the end of the last block, which began at epoch `first`."""
        if self.checks.watched and epochs > first and is_finite(self.find_cost()):
            self.show_weights(epochs, self.weights, self.find_cost())

    def show_weights(self, epoch: int, weights: Array, cost: Any) -> bool:
        """Print and call back with these weights; return True if the callback ends the run."""
        if self.checks.verbose:
            print(f"epoch {epoch}: cost {show_cost(cost)}")
        callback = self.checks.callback
        # Copies: a callback may write into the arrays of several targets.
        return callback is not None and is_true(callback(epoch, weights.copy(), copy(cost)))

    def judge(self, first: int, stop: int, done: int, before: Array, may_judge: bool) -> str | None:
        """Return the reason why the run ends after this block; None if it goes on."""
        if self.first_cost is None and self.judged:
            self.keep_best(before, self.costs[first])
        self.judged = may_judge
        if done < stop:
            return "diverged"
        if not may_judge:
            return None
        if self.evaluate:
            cost = self.find_cost()
            if np.any(cost < self.best_cost):
                self.keep_best(self.weights.copy(), cost)
        else:
            # Inside a cycle costs go up and down, so only the cost of the last weights counts.
            cost = self.find_cost() if self.at_ends else read_cost(self.costs[done - 1])
        moved = self.checks.rates.constant or self.rates[first:stop].any()  # skip the rules while all rates are zero
        if moved and not self.has_grown(cost):
            reason = self.find_settled(cost)
            if reason:
                return reason
        self.previous_cost = cost
        if stop == len(self.rates):
            cost = self.find_cost()  # the last cost belongs to the weights before the last update
        ends = self.checks.stop_on_divergence or stop == len(self.rates)
        return "diverged" if ends and self.has_grown(cost) else None

    def has_grown(self, cost: float) -> bool:
        """Return True if the cost is above an earlier one, by more than rounding: the run diverges."""
        earlier = self.best_cost if self.monotone else self.start_cost()
        grown = self.checks.rules.grown(earlier * BATCH_NOISE if self.evaluate else earlier, cost)
        return bool(grown if self.settled is None else grown.any())

    def find_settled(self, cost: Any) -> str | None:
        """Return the reason by which the run has settled, else None; of several targets, all must have settled."""
        found: Any = self.checks.rules.settled(self.previous_cost, cost, self.gradient)
        if self.settled is None:
            reason: str | None = found
            return reason
        self.settled = np.where(self.settled > 0, self.settled, found)
        return "settled" if self.settled.all() else None

    def keep_best(self, weights: Array, cost: Any) -> None:
        """Keep weights whose cost is the lowest so far, which nobody changes; of several targets, those of each."""
        if self.settled is None:
            if cost < self.best_cost:
                self.best, self.best_cost = weights, cost
        else:
            better = cost < self.best_cost
            if better.all():
                self.best, self.best_cost = weights, cost.copy()
            else:
                self.best[:, better], self.best_cost[better] = weights[:, better], cost[better]

    def start_cost(self) -> Any:
        """Return the cost of the starting weights, once a block has run."""
        return read_cost(self.costs[0]) if self.first_cost is None else self.first_cost


def find_cost(call_kernel: CallKernel, weights: Array, gradient: Array) -> Any:
    """Return the cost of the weights, infinite if it or the gradient is not finite, and write the gradient."""
    cost = np.empty((1, *weights.shape[1:]))  # an update at a rate of 0 computes both
    finite = call_kernel(weights, np.zeros(1), cost, gradient)
    return read_cost(cost[0] if finite else np.full_like(cost[0], np.inf))


def is_finite(cost: Any) -> bool:
    """Return True if a cost, or that of each target, is finite."""
    return isfinite(cost) if isinstance(cost, float) else bool(np.isfinite(cost).all())


def read_cost(cost: Any) -> Any:
    """Return a cost from the history as a float, or a copy of those of several targets."""
    return cost.copy() if cost.ndim else float(cost)


def show_cost(cost: Any) -> str:
    """Return a cost in words; of several targets, the lowest and the highest."""
    return f"{cost:.8g}" if isinstance(cost, float) else f"{cost.min():.8g} to {cost.max():.8g}"


def is_true(answer: Any) -> bool:
    """Return True if a callback returned True itself, not just a value that is not zero, such as a cost."""
    return isinstance(answer, bool | np.bool) and bool(answer)
