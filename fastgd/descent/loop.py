"""The run: blocks of epochs by a kernel, and looks between them that print, ask, and decide."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import accumulate, chain
from typing import Any

import numpy as np

from fastgd.descent.stopping import StoppingRules
from fastgd.inputs.arrays import Array

CallKernel = Callable[[Array, Array, Array, Array], int]
Callback = Callable[[int, Array, float], Any]


@dataclass(frozen=True, slots=True)
class Looks:
    """What is looked at between blocks of epochs, and when.

    Parameters
    ----------
    rules : StoppingRules
        What settled and grown mean for this problem.
    check_every : int
        Epochs between two looks.
    callback : callable or None
        What is called at a look.
    verbose : int
        Whether the cost is printed at a look.
    cycles : list of int or None
        Lengths of the schedule's cycles, inside which costs go up and down: decisions wait for the end of one.
    """

    rules: StoppingRules
    check_every: int
    callback: Callback | None
    verbose: int
    cycles: list[int] | None = None

    @property
    def watched(self) -> bool:
        """Whether somebody sees the run while it goes on."""
        return self.callback is not None or self.verbose > 0

    def blocks(self, epochs: int) -> Iterator[tuple[int, int, bool]]:
        """Yield where blocks of epochs begin and end, and whether the run may be judged at the end."""
        regular = range(self.check_every, epochs, self.check_every)
        ends: Iterable[int] = chain(regular, [epochs]) if self.cycles is None else accumulate(self.cycles)
        judged = None
        if self.cycles is not None and self.watched:
            judged = set(ends)
            ends = sorted(judged.union(regular))
        first = 0
        for end in ends:
            yield first, end, judged is None or end in judged
            first = end


def run(
    call_kernel: CallKernel, evaluate: CallKernel | None, epochs_a_call: int, weights: Array, rates: Array, looks: Looks
) -> tuple[Array, Array, str]:
    """Run all epochs, or until a look ends the run.

    Parameters
    ----------
    call_kernel : callable
        Takes weights, rates, costs and gradient, and returns how many epochs it applied in place.
    evaluate : callable or None
        The same on all rows, where `call_kernel` has mini-batches: a call of it at a rate of 0 tells their cost.
    epochs_a_call : int
        The most epochs that a call may have.
    weights : ndarray
        Where to start; changed in place.
    rates : ndarray of shape (epochs,)
        One rate for each epoch.
    looks : Looks
        What decides, and when.

    Returns
    -------
    weights, cost_history, reason
        As in `DescentResult`.
    """
    if looks.rules.tol == 0 and looks.cycles is None and evaluate is None and not looks.watched:
        start = weights.copy()
        unseen = replace(looks, check_every=len(rates))
        final, costs, reason, last_cost = run_blocks(call_kernel, None, epochs_a_call, weights, rates, unseen)
        grown = reason == "epochs" and grown_at_a_look(np.append(costs, last_cost), rates, looks)
        if reason != "diverged" and not grown:
            return final, costs, reason
        weights = start  # it diverged somewhere: once more, to find the last good weights
    return run_blocks(call_kernel, evaluate, epochs_a_call, weights, rates, looks)[:3]


def grown_at_a_look(costs: Array, rates: Array, looks: Looks) -> bool:
    """Tell whether a run that nobody watched would have ended as diverged at one of its looks.

    After the costs of all epochs comes the one of the last weights.
    """
    every, epochs = looks.check_every, len(rates)
    before = costs[:epochs:every]
    after = np.append(costs[every - 1 : epochs - 1 : every], costs[-2])
    earlier = np.minimum.accumulate(before) if is_monotone(rates) else np.full_like(before, costs[0])
    return bool(np.any(looks.rules.grown(earlier, after))) or bool(looks.rules.grown(earlier[-1], costs[-1]))


def is_monotone(rates: Array) -> bool:
    """Tell whether no cost may rise: a constant rate that is stable never raises it, others may for a while."""
    return bool(rates[0] == rates[-1] and rates.min() == rates.max())


def run_blocks(
    call_kernel: CallKernel, evaluate: CallKernel | None, epochs_a_call: int, weights: Array, rates: Array, looks: Looks
) -> tuple[Array, Array, str, float]:
    """Run the blocks one after the other, with a look after each: see `run`; the last cost seen comes on top."""
    course = Course(call_kernel, evaluate, epochs_a_call, weights, rates, looks)
    try:
        for first, stop, judge in looks.blocks(len(rates)):
            before = weights.copy()
            done = course.advance(first, stop)
            if first == 0 and not np.isfinite(course.costs[0]):
                raise ValueError("weights must have a finite cost to start from; they are too large for this X and y")
            if course.show(first, before):
                return before, course.costs[:first], "callback", float(course.costs[first])
            reason = course.judge(first, stop, done, before, judge)
            if reason:
                return course.best if reason == "diverged" else weights, course.costs[:done], reason, course.last_cost
    except KeyboardInterrupt:
        weights, done = course.whole
        return weights, course.costs[:done], "interrupted", course.last_cost
    return weights, course.costs, "epochs", course.last_cost


class Course:
    """Where a run stands: weights and costs so far, and the best weights that a look has seen."""

    def __init__(
        self,
        call_kernel: CallKernel,
        evaluate: CallKernel | None,
        epochs_a_call: int,
        weights: Array,
        rates: Array,
        looks: Looks,
    ) -> None:
        self.call_kernel, self.evaluate, self.epochs_a_call = call_kernel, evaluate, epochs_a_call
        self.weights, self.rates, self.looks = weights, rates, looks
        self.costs, self.gradient = np.empty_like(rates), np.empty_like(weights)
        self.monotone, self.judged = is_monotone(rates) and evaluate is None, True
        self.best, self.best_cost, self.previous_cost, self.last_cost = weights, np.inf, np.inf, np.inf
        self.first_cost = self.measure(evaluate) if evaluate else None  # else it is the first of the costs
        if self.first_cost is not None:
            self.best, self.best_cost = weights.copy(), self.first_cost
        self.whole = (weights.copy(), 0)  # weights and epochs that belong together: replaced in one step, for Ctrl-C

    def advance(self, first: int, stop: int) -> int:
        """Run the epochs from `first` to `stop`, and return where they ended: earlier if a cost was not finite."""
        done = first
        while done < stop:
            call = slice(done, min(done + self.epochs_a_call, stop))
            if call.stop == stop and self.looks.cycles is not None and self.evaluate is None:
                done += self.call_and_measure(call)
            else:
                done += self.call_kernel(self.weights, self.rates[call], self.costs[call], self.gradient)
            if done < call.stop:
                break
            self.whole = (self.weights.copy(), done)
        return done

    def call_and_measure(self, call: slice) -> int:
        """Run epochs, and by one more update at a rate of 0 find the cost and the gradient of the last weights."""
        rates = np.append(self.rates[call], 0.0)
        costs = np.empty_like(rates)
        applied = self.call_kernel(self.weights, rates, costs, self.gradient)
        self.costs[call] = costs[:-1]
        self.last_cost = float(costs[-1]) if applied == len(rates) else np.inf
        return min(applied, len(rates) - 1)

    def show(self, first: int, before: Array) -> bool:
        """Print and call back at a look; tell whether the callback ends the run.

        A cost belongs to the weights before its update, so a block's first cost is the cost of the weights that it
        began with: these two are shown.
        """
        looks, cost = self.looks, float(self.costs[first])
        if first % looks.check_every:
            return False
        if looks.verbose:
            print(f"epoch {first}: cost {cost:.8g}")
        return looks.callback is not None and is_true(looks.callback(first, before.copy(), cost))

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
            cost = self.measure(self.evaluate)
            if cost < self.best_cost:
                self.best, self.best_cost = self.weights.copy(), cost
        else:
            # Inside a cycle costs go up and down: only that of its last weights counts.
            cost = float(self.costs[done - 1]) if self.looks.cycles is None else self.last_cost
        # Nothing settles while nothing moves.
        if not self.has_grown(cost) and self.rates[first:stop].any():
            reason = self.looks.rules.settled(self.previous_cost, cost, self.gradient)
            if reason:
                return reason
        self.previous_cost = cost
        if stop == len(self.rates) and not self.evaluate and self.looks.cycles is None:
            self.last_cost = cost = self.measure(self.call_kernel)  # nothing has been seen of the last weights
        return "diverged" if self.has_grown(cost) else None

    def measure(self, kernel: CallKernel) -> float:
        """Return the cost of the weights, and leave their gradient: an update at a rate of 0 tells both."""
        cost = np.empty(1)
        return float(cost[0]) if kernel(self.weights, np.zeros(1), cost, self.gradient) else np.inf

    def has_grown(self, cost: float) -> bool:
        """Tell whether a cost is above what it may be."""
        first_cost = float(self.costs[0]) if self.first_cost is None else self.first_cost
        return bool(self.looks.rules.grown(self.best_cost if self.monotone else first_cost, cost))


def is_true(answer: Any) -> bool:
    """Tell whether a callback returned True, and not just something that is not zero, like a cost."""
    return isinstance(answer, bool | np.bool) and bool(answer)
