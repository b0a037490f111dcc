"""The clock: which setting a contestant needs, and the medians of interleaved rounds."""

import gc
import random
from collections.abc import Callable
from functools import partial
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
from versus.contestants import ITERATIONS, Contestant
from versus.data import Data

from fastgd.bench.timing import wait_until_idle

SECONDS_A_SAMPLE = 0.01  # shorter fits are repeated within a round, and their median is the sample
SECONDS_A_CONTESTANT = 3.0  # a contestant that would take longer in all rounds together has fewer, at least one
PATIENCE = 10, 0.05, 2.0  # the longest try of an iterative peer: a multiple of fastgd's time, within these seconds
FAR = 5.0  # times as long as the fastest: three rounds are enough
HALVINGS = 3  # of the distance between two powers of two: the number of iterations is then known to a tenth

Entry = dict[str, Any]
Fit = Callable[[], Any]


def run_timed(function: Fit) -> tuple[float, Any]:
    """Return the seconds of one call, and its answer."""
    start = perf_counter()
    answer = function()
    return perf_counter() - start, answer


def try_setting(contestant: Contestant, data: Data, setting: Any, judge: Callable[[Any], float]) -> tuple[Entry, Fit]:
    """Return the time and the error of a fit, and the fit; one that fails has an infinite error, and the reason."""
    fit = partial(contestant.fit, data, setting)
    try:
        seconds, answer = run_timed(fit)
        if seconds < 1:  # the first call may also compile and touch new memory
            seconds = min(seconds, run_timed(fit)[0])
        error = judge(contestant.read(answer))
    except Exception as failure:  # a peer that cannot do this is shown, and does not end the run
        reason = f"{type(failure).__name__}: {failure}"[:200]
        return {"setting": setting, "error": np.inf, "seconds": np.inf, "samples": [], "failed": reason}, fit
    return {"setting": setting, "error": error, "seconds": seconds, "samples": [seconds]}, fit


def try_settings(
    contestant: Contestant, data: Data, judge: Callable[[Any], float], accuracy: float, patience: float
) -> tuple[Entry, Fit]:
    """Return the first setting that reaches the accuracy within the time allowed, else the one with the least error.

    The time of this search does not count, which is an advantage for iterative methods.
    """
    settings, tried = contestant.settings, []
    for k, setting in enumerate(settings):
        tried.append(try_setting(contestant, data, setting, judge))
        entry = tried[-1][0]
        if entry["error"] <= accuracy:
            return halve(contestant, data, judge, accuracy, (settings[k - 1] if k else setting, tried[-1]))
        if entry["seconds"] * (2 if k + 1 < len(settings) else 1) > patience:
            break
    return min(tried, key=lambda one: one[0]["error"])


def halve(
    contestant: Contestant,
    data: Data,
    judge: Callable[[Any], float],
    accuracy: float,
    found: tuple[Any, tuple[Entry, Fit]],
) -> tuple[Entry, Fit]:
    """Return the fewest iterations that reach the accuracy, between a number that is too low and one that is not."""
    low, best = found
    if contestant.settings is not ITERATIONS:
        return best
    for _ in range(HALVINGS):
        middle = round((low * best[0]["setting"]) ** 0.5)
        if not low < middle < best[0]["setting"]:
            break
        entry, fit = try_setting(contestant, data, middle, judge)
        low, best = (low, (entry, fit)) if entry["error"] <= accuracy else (middle, best)
    return best


def add_rounds(found: dict[str, Entry], fits: dict[str, Fit], rounds: int, threads: int) -> None:
    """Replace the first times with medians of interleaved rounds, each in another random order.

    Python's garbage collector is off meanwhile, as in `timeit`. With several threads each sample waits for those of the
    sample before, since BLAS's threads spin for a while after their work.
    """
    shuffler, wanted = random.Random(0), count_rounds(found, rounds)
    samples: dict[str, list[float]] = {name: [] for name in wanted if wanted[name] > 1}  # else the first time counts
    gc.disable()
    for k in range(rounds):
        names = [name for name in samples if k < wanted[name]]
        for name in shuffler.sample(names, len(names)):
            if threads > 1:
                wait_until_idle()
            calls = max(1, round(SECONDS_A_SAMPLE / found[name]["seconds"]))
            samples[name].append(median(run_timed(fits[name])[0] for _ in range(calls)))
    gc.enable()
    for name, times in samples.items():
        found[name] |= {"seconds": median(times), "samples": times}


def count_rounds(found: dict[str, Entry], rounds: int) -> dict[str, int]:
    """Return the rounds of each contestant: fewer for those that take long, or long compared with the fastest."""
    fastest = min((entry["seconds"] for entry in found.values()), default=0.0)
    wanted = {name: min(rounds, int(SECONDS_A_CONTESTANT / entry["seconds"])) for name, entry in found.items()}
    return {name: min(count, rounds if found[name]["seconds"] < FAR * fastest else 3) for name, count in wanted.items()}
