"""The conditions of measurements: the other work of the machine meanwhile, and the noise floor.

A moment is taken before and after every step of a study. It runs the same work each time, the probe: two measurements
of one thing show how far times differ that should be the same. Nothing is claimed about smaller differences.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from math import exp, log
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np

from fastgd import backends
from fastgd.backends.cores import count_cores, list_cores
from fastgd.bench.contestants import make_backend
from fastgd.bench.machine import read_clock
from fastgd.bench.problem import Problem, make_problem
from fastgd.bench.timing import blas_limit, enter, pinned, sample, time_epochs_of_call
from fastgd.inputs.words import printable

USAGE = Path("/proc/stat")
TIMES = 8  # of a core in /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal; a guest's are in the first
IDLE = (3, 4)
# Of the probe: 320 KB. Data about as large as a cache take 10 to 20 % longer in some places of memory than in others.
SHAPE = (2_000, 20)
SAMPLES = 3  # of the probe at a moment, about 20 ms each
# The probe also makes a call as long as this many others: interruptions fall on every long call, and on few short ones.
LONG = 10
SECONDS_A_MOMENT = 0.15
MOST_PAIRS = 0.95  # the share of pairs of moments whose difference the noise floor covers
LEAST_FLOOR = 0.005  # a clock and a scheduler tell no smaller differences
# Above these, a study is called noisy.
QUIET_SHARE, QUIET_FLOOR, QUIET_CLOCK, QUIET_LOAD = 0.05, 0.1, 1.2, 0.5


class Usage(NamedTuple):
    """Seconds of the cores that this process may use: those of work, all, and those of this process itself."""

    busy: float
    total: float
    own: float
    cores: int


class Moment(NamedTuple):
    """The load, the usage and the clock at a moment, None where they cannot be read, and the times of the probe."""

    load: float | None
    usage: Usage | None
    clock: float | None
    seconds: tuple[float, ...]


def prepare_probe() -> Callable[[], tuple[float, float]]:
    """Return a function that does the same work each time, on a new copy of its data.

    It returns the seconds of an epoch twice: from short calls, as contestants make them, and from a long one.
    """
    contestant, limit, problem = make_backend(backends.resolve("auto")), blas_limit(), make_problem(*SHAPE)
    first = enter(contestant, contestant.prepare(problem), limit)

    def probe() -> tuple[float, float]:
        timed = contestant.prepare(Problem(problem.X.copy(), problem.y.copy()))
        timed.run(first.epochs)
        short = median(sample(first._replace(timed=timed), limit) for _ in range(SAMPLES))
        with pinned(contestant, limit):
            long = time_epochs_of_call(timed, LONG * first.epochs) / (LONG * first.epochs)
        return short, long

    return probe


def take_moment(probe: Callable[[], tuple[float, ...]]) -> Moment:
    """Return the conditions now; the clock is read right after the probe has worked."""
    load, usage = read_load(), read_usage()
    seconds = probe()
    return Moment(load, usage, read_clock(), seconds)


def read_load() -> float | None:
    """Return the load average of the last minute; None where the system has none."""
    try:
        return os.getloadavg()[0]
    except (AttributeError, OSError):  # Windows has no such function
        return None


def read_usage() -> Usage | None:
    """Return the seconds that the cores and this process have worked since their start; None where unreadable."""
    names = {f"cpu{core}" for core in list_cores()}
    try:
        rows = [line.split() for line in USAGE.read_text(encoding="ascii").splitlines()]
        ticks = [[int(time) for time in row[1 : TIMES + 1]] for row in rows if row and row[0] in names]
    except (OSError, ValueError):
        return None
    if not ticks or any(len(times) < TIMES for times in ticks):
        return None
    idle = sum(times[k] for times in ticks for k in IDLE)
    total, own = sum(map(sum, ticks)), os.times()
    used = own.user + own.system + own.children_user + own.children_system
    return Usage((total - idle) / ticks_a_second(), total / ticks_a_second(), used, len(ticks))


def ticks_a_second() -> int:
    """Return the unit of the system's times."""
    return os.sysconf("SC_CLK_TCK")


def summarize_moments(moments: Sequence[Moment]) -> dict[str, Any]:
    """Return the conditions of a study from its moments.

    Returns
    -------
    dict
        "load" has the average at the "start" and at the "end". "others_share" is the share of the time of all "cores"
        that other processes used. "clock" has the "lowest", "median" and "highest" MHz. Each of these is None where
        the system does not tell. "noise_floor" is the share by which two measurements of one thing differ, "quiet" is
        True if there is nothing against the measurements, and "reasons" has a sentence for each thing that is.
    """
    first, last = moments[0], moments[-1]
    clocks = sorted(moment.clock for moment in moments if moment.clock is not None)
    clock = {"lowest": clocks[0], "median": median(clocks), "highest": clocks[-1]} if clocks else None
    load = None if first.load is None or last.load is None else {"start": first.load, "end": last.load}
    share = share_of_others(first.usage, last.usage)
    floor = find_floor([seconds for moment in moments for seconds in moment.seconds])
    reasons = list_reasons(load, share, clock, floor)
    return {
        "load": load,
        "cores": first.usage.cores if first.usage else count_cores(),
        "others_share": share,
        "clock": clock,
        "noise_floor": floor,
        "quiet": not reasons,
        "reasons": reasons,
    }


def share_of_others(first: Usage | None, last: Usage | None) -> float | None:
    """Return the share of all cores' time that other processes used between two moments; None if it is not known."""
    if first is None or last is None or last.total <= first.total:
        return None
    others = (last.busy - first.busy) - (last.own - first.own)
    return min(max(others / (last.total - first.total), 0.0), 1.0)


def find_floor(seconds: Sequence[float]) -> float:
    """Return the share by which two measurements of one thing differ at most, but for the widest pairs.

    Examples
    --------
    >>> from fastgd.bench.conditions import find_floor
    >>> round(find_floor([1.0, 1.1, 1.05]), 3)
    0.1
    """
    distances = [abs(log(one / other)) for one, other in combinations(seconds, 2)]
    widest = exp(float(np.quantile(distances, MOST_PAIRS, method="higher"))) - 1 if distances else 0.0
    return max(widest, LEAST_FLOOR)


def list_reasons(
    load: Mapping[str, float] | None, share: float | None, clock: Mapping[str, float] | None, floor: float
) -> list[str]:
    """Return a sentence for everything that speaks against the measurements."""
    reasons = []
    if share is not None and share > QUIET_SHARE:
        reasons.append(f"other processes used {format_percent(share)} of the processor")
    if share is None and load is not None and load["start"] > QUIET_LOAD:
        reasons.append(f"the load of the machine was {load['start']:.1f} before anything was measured")
    if clock is not None and clock["highest"] > QUIET_CLOCK * clock["lowest"]:
        reasons.append(f"the processor's clock went from {clock['lowest']:,.0f} to {clock['highest']:,.0f} MHz")
    if floor > QUIET_FLOOR and not reasons:  # else it is told already why
        reasons.append(f"the same work took up to {format_percent(floor)} longer at one time than at another")
    return reasons


def describe_conditions(conditions: Mapping[str, Any]) -> str:
    """Return the sentence of a study's badge: whether the machine was quiet, and which differences mean nothing.

    Examples
    --------
    >>> from fastgd.bench.conditions import describe_conditions
    >>> describe_conditions({"noise_floor": 0.02, "quiet": True, "reasons": []})
    'quiet; differences below 2 % mean nothing'
    """
    told = "quiet" if conditions["quiet"] else f"noisy: {', '.join(conditions['reasons'])}"
    return printable(f"{told}; differences below {format_percent(conditions['noise_floor'])} mean nothing", None)


def format_percent(share: float) -> str:
    """Return a share in per cent, with at most two digits where it is small.

    Examples
    --------
    >>> from fastgd.bench.conditions import format_percent
    >>> format_percent(0.0062), format_percent(0.176), format_percent(1.5)
    ('0.62 %', '18 %', '150 %')
    """
    return f"{100 * share:.0f} %" if share >= 0.1 else f"{100 * share:.2g} %"
