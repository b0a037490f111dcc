"""The loop: a kernel runs blocks of epochs; checks between them print, call back and decide whether the run ends."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastgd.descent.stopping import StoppingRules
from fastgd.inputs.arrays import Array
from fastgd.rates.schedules import Rates

CallKernel = Callable[[Array, Array, Array, Array], int]
Callback = Callable[[int, Array, float], Any]


@dataclass(frozen=True, slots=True)
class Checks:
    """What to check between blocks of epochs, and how often.

    Attributes
    ----------
    rules : StoppingRules
        The scales by which a cost has settled or grown.
    rates : Rates
        The rates, and where a run of them may be judged.
    check_every : int
        Epochs between two checks.
    callback : callable or None
        Called at a check.
    verbose : int
        Whether to print the cost at a check.
    """

    rules: StoppingRules
    rates: Rates
    check_every: int
    callback: Callback | None
    verbose: int

    @property
    def watched(self) -> bool:
        """Return whether the user sees the run while it goes on."""
        return self.callback is not None or self.verbose > 0

    @property
    def cyclic(self) -> bool:
        """Return whether some epochs amplify errors, so that the costs before the updates go up and down."""
        return self.rates.ends is not None

    def blocks(self) -> Iterator[tuple[int, int, bool]]:
        """Yield the begin and the end of each block of epochs, and whether the run may be judged at the end."""
        epochs, ends = len(self.rates.values), self.rates.ends
        multiples = range(self.check_every, epochs, self.check_every)
        if ends is None:
            ends = [*multiples, epochs]
        judged = set(ends)
        if self.watched:
            ends = sorted(judged.union(multiples))
        first = 0
        for end in ends:
            yield first, end, end in judged
            first = end


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended.

    Attributes
    ----------
    weights : ndarray
        The weights that the run returns, in the coordinates of the descent.
    costs : ndarray of shape (epochs,)
        J before each update.
    reason : str
        As in `fastgd.DescentResult`.
    cost : float
        J of the weights.
    gradient : ndarray
        The gradient of J at the weights.
    """

    weights: Array
    costs: Array
    reason: str
    cost: float
    gradient: Array


def run(
    call_kernel: CallKernel, evaluate: CallKernel | None, epochs_a_call: int, weights: Array, checks: Checks
) -> Ending:
    """Run all epochs, or until a check ends the run.

    Parameters
    ----------
    call_kernel : callable
        Takes weights, rates, costs and gradient, and returns how many epochs it applied in place.
    evaluate : callable or None
        The same on all rows, where `call_kernel` has mini-batches: a call of it at a rate of 0 finds their cost.
    epochs_a_call : int
        The most epochs of one call.
    weights : ndarray
        The start; changed in place.
    checks : Checks
        What to check, and how often.
    """
    steady = not checks.cyclic or checks.rates.constant
    if checks.rules.tol == 0 and steady and evaluate is None and not checks.watched:
        start = weights.copy()
        ending = Run(call_kernel, None, epochs_a_call, weights, checks).go([(0, len(checks.rates.values), True)])
        grown = ending.reason == "epochs" and has_grown_at_a_check(ending, checks)
        if ending.reason != "diverged" and not grown:
            return ending
        weights = start  # the run diverged: repeat it with checks, to find the last good weights
    return Run(call_kernel, evaluate, epochs_a_call, weights, checks).go(checks.blocks())


def has_grown_at_a_check(ending: Ending, checks: Checks) -> bool:
    """Return True if a run without checks would have ended as diverged at one of them."""
    every, epochs, costs = checks.check_every, len(ending.costs), ending.costs
    before = costs[::every]
    after = np.append(costs[every - 1 : epochs - 1 : every], costs[-1])
    earlier = np.minimum.accumulate(before) if checks.rates.constant else np.full_like(before, costs[0])
    grown = checks.rules.grown
    return bool(np.any(grown(earlier, after))) or bool(grown(earlier[-1], ending.cost))


class Run:
    """The mutable state of a run: weights and costs so far, and the best weights that a check has seen."""

    def __init__(
        self,
        call_kernel: CallKernel,
        evaluate: CallKernel | None,
        epochs_a_call: int,
        weights: Array,
        checks: Checks,
    ) -> None:
        self.call_kernel, self.evaluate, self.epochs_a_call = call_kernel, evaluate, epochs_a_call
        self.weights, self.rates, self.checks = weights, checks.rates.values, checks
        self.costs, self.gradient = np.empty_like(self.rates), np.empty_like(weights)
        self.monotone = checks.rates.constant and evaluate is None
        self.judged = True  # whether the run could be judged at the begin of this block
        self.cost: float | None = None  # of the weights, with their gradient, where an evaluation has found both
        self.best, self.best_cost, self.previous_cost = weights, np.inf, np.inf
        self.first_cost: float | None = None  # the first of the costs, but for mini-batches
        if evaluate:
            self.first_cost = self.best_cost = self.find_cost()
            self.best = weights.copy()
        self.whole = (weights.copy(), 0)  # weights and epochs that belong together: replaced in one step, for Ctrl-C

    def go(self, blocks: Any) -> Ending:
        """Run the blocks one after the other, with a check after each."""
        try:
            for first, stop, judge in blocks:
                before = self.weights.copy()
                done = self.advance(first, stop)
                if first == 0 and not np.isfinite(self.costs[0]):
                    raise ValueError(
                        "weights must have a finite cost to start from; they are too large for this X and y"
                    )
                if self.show(first, before):
                    return self.end(before, first, "callback")
                reason = self.judge(first, stop, done, before, judge)
                if reason:
                    return self.end(self.best if reason == "diverged" else self.weights, done, reason)
        except KeyboardInterrupt:
            return self.end(*self.whole, "interrupted")
        return self.end(self.weights, len(self.rates), "epochs")

    def end(self, weights: Array, epochs: int, reason: str) -> Ending:
        """Return how the run ended, with cost and gradient of the weights that it returns."""
        if weights is not self.weights:
            self.weights, self.cost = weights, None
        return Ending(weights, self.costs[:epochs], reason, self.find_cost(), self.gradient)

    def advance(self, first: int, stop: int) -> int:
        """Run the epochs from `first` to `stop`, and return where they ended: earlier if a cost was not finite."""
        done = first
        while done < stop:
            call = slice(done, min(done + self.epochs_a_call, stop))
            if call.stop == stop and self.checks.cyclic and self.evaluate is None:
                done += self.call_and_evaluate(call)
            else:
                self.cost = None
                done += self.call_kernel(self.weights, self.rates[call], self.costs[call], self.gradient)
            if done < call.stop:
                break
            self.whole = (self.weights.copy(), done)
        return done

    def call_and_evaluate(self, call: slice) -> int:
        """Run epochs, and find the cost of the last weights and their gradient by one more update at a rate of 0."""
        rates = np.append(self.rates[call], 0.0)
        costs = np.empty_like(rates)
        applied = self.call_kernel(self.weights, rates, costs, self.gradient)
        self.costs[call] = costs[:-1]
        self.cost = float(costs[-1]) if applied == len(rates) else None
        return min(applied, len(rates) - 1)

    def find_cost(self) -> float:
        """Return the cost of the weights, and leave their gradient: an update at a rate of 0 finds both."""
        if self.cost is None:
            cost, kernel = np.empty(1), self.evaluate or self.call_kernel
            self.cost = float(cost[0]) if kernel(self.weights, np.zeros(1), cost, self.gradient) else np.inf
        return self.cost

    def show(self, first: int, before: Array) -> bool:
        """Print and call back at a check; return True if the callback ends the run.

        A cost belongs to the weights before its update, so the first cost of a block is that of the weights at its
        begin: these two are shown.
        """
        checks, cost = self.checks, float(self.costs[first])
        if first % checks.check_every:
            return False
        if checks.verbose:
            print(f"epoch {first}: cost {cost:.8g}")
        return checks.callback is not None and is_true(checks.callback(first, before.copy(), cost))

    def judge(self, first: int, stop: int, done: int, before: Array, judge: bool) -> str | None:
        """Return why the run ends after this block, None if it goes on."""
        if self.first_cost is None and self.judged and self.costs[first] < self.best_cost:
            self.best, self.best_cost = before, self.costs[first]
        self.judged = judge
        if done < stop:
            return "diverged"
        if not judge:
            return None
        if self.evaluate:
            cost = self.find_cost()
            if cost < self.best_cost:
                self.best, self.best_cost = self.weights.copy(), cost
        else:
            # Where costs go up and down, only that of the last weights counts.
            cost = self.find_cost() if self.checks.cyclic else float(self.costs[done - 1])
        if not self.has_grown(cost) and self.rates[first:stop].any():  # skip the rules while all rates are zero
            reason = self.checks.rules.settled(self.previous_cost, cost, self.gradient)
            if reason:
                return reason
        self.previous_cost = cost
        if stop == len(self.rates):
            cost = self.find_cost()  # no check has seen the last weights
        return "diverged" if self.has_grown(cost) else None

    def has_grown(self, cost: float) -> bool:
        """Return True if a cost is above what it may be."""
        first_cost = float(self.costs[0]) if self.first_cost is None else self.first_cost
        return bool(self.checks.rules.grown(self.best_cost if self.monotone else first_cost, cost))


def is_true(answer: Any) -> bool:
    """Return True if a callback returned True, and not just a value that is not zero, like a cost."""
    return isinstance(answer, bool | np.bool) and bool(answer)
