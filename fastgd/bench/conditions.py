"""The conditions of measurements: the other work of the machine meanwhile, the noise floor, and the drift.

Two measurements of one thing show how far times differ that should be the same. At every shape one contestant has a
twin, which takes turns with all others: twins differ by the noise floor. Before and after every step of a study, a
moment is taken, which runs the same work each time, the probe: its times differ by the drift. A machine whose clock
changes drifts, and contestants that take turns still tell small differences. The gain of several threads drifts too:
a system or a host may put them on one core for seconds, which hits no contestant with one thread. Nothing is claimed
about smaller differences.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from math import exp, log
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np

from fastgd.backends.cores import count_cores, list_cores
from fastgd.bench.machine import read_clock
from fastgd.bench.probe import Probed
from fastgd.inputs.words import printable

USAGE = Path("/proc/stat")
TIMES = 8  # of a core in /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal; a guest's are in the first
IDLE = (3, 4)
MOST_PAIRS = 0.95  # the share of pairs whose differences the noise floor and the drift cover
LEAST_FLOOR = 0.02  # the order of two contestants that are closer may differ between two idle processes
# Above these, a study is called noisy.
QUIET_SHARE, QUIET_FLOOR, QUIET_CLOCK, QUIET_LOAD = 0.05, 0.1, 1.2, 0.5


class Usage(NamedTuple):
    """Seconds of the cores that this process may use: those of work, all, and those of this process itself."""

    busy: float
    total: float
    own: float
    cores: int


class Moment(NamedTuple):
    """The load, the usage and the clock at a moment, None where they cannot be read, and the results of the probe."""

    load: float | None
    usage: Usage | None
    clock: float | None
    probed: Probed


def take_moment(probe: Callable[[], Probed]) -> Moment:
    """Return the conditions now; the clock is read right after the probe has worked."""
    load, usage = read_load(), read_usage()
    probed = probe()
    return Moment(load, usage, read_clock(), probed)


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


def summarize_moments(moments: Sequence[Moment], twins: Sequence[tuple[float, float]] = ()) -> dict[str, Any]:
    """Return the conditions of a study from its moments and the times of its twins.

    Parameters
    ----------
    moments : sequence of Moment
        Those before and after each step.
    twins : sequence of (float, float)
        The seconds of a contestant and of its twin, for each shape.

    Returns
    -------
    dict
        "load" has the average at the "start" and at the "end". "others_share" is the share of the time of all "cores"
        that other processes used. "clock" has the "lowest", "median" and "highest" MHz. Each of these is None where
        the system does not tell. "noise_floor" is the share by which two measurements of one thing differ in the same
        rounds, "drift" that by which they differ at different times, and "threads_drift" that by which the gain of
        several threads differs, None where there is one core. "quiet" is True if there is nothing against the
        measurements, and "reasons" has a sentence for each thing that is.
    """
    first, last = moments[0], moments[-1]
    clocks = sorted(moment.clock for moment in moments if moment.clock is not None)
    clock = {"lowest": clocks[0], "median": median(clocks), "highest": clocks[-1]} if clocks else None
    load = None if first.load is None or last.load is None else {"start": first.load, "end": last.load}
    share = share_of_others(first.usage, last.usage)
    drift = find_drift([seconds for moment in moments for seconds in (moment.probed.short, moment.probed.long)])
    gains = [moment.probed.gain for moment in moments if moment.probed.gain is not None]
    floor = find_floor(twins) if twins else drift
    reasons = list_reasons(load, share, clock, floor, drift)
    if is_contended({"others_share": share, "quiet": not reasons}):
        floor = max(floor, drift)  # other processes interrupt long calls more often than those of twins
    return {
        "load": load,
        "cores": first.usage.cores if first.usage else count_cores(),
        "others_share": share,
        "clock": clock,
        "noise_floor": floor,
        "drift": drift,
        "threads_drift": find_drift(gains) if gains else None,
        "quiet": not reasons,
        "reasons": reasons,
    }


def share_of_others(first: Usage | None, last: Usage | None) -> float | None:
    """Return the share of all cores' time that other processes used between two moments; None if it is not known."""
    if first is None or last is None or last.total <= first.total:
        return None
    others = (last.busy - first.busy) - (last.own - first.own)
    return min(max(others / (last.total - first.total), 0.0), 1.0)


def find_floor(pairs: Sequence[tuple[float, float]]) -> float:
    """Return the share by which two measurements of one thing differ at most, but for the widest pairs.

    Examples
    --------
    >>> from fastgd.bench.conditions import find_floor
    >>> round(find_floor([(1.0, 1.1), (1.05, 1.0)]), 3)
    0.1
    """
    distances = [abs(log(one / other)) for one, other in pairs]
    widest = exp(float(np.quantile(distances, MOST_PAIRS, method="higher"))) - 1 if distances else 0.0
    return max(widest, LEAST_FLOOR)


def find_drift(measured: Sequence[float]) -> float:
    """Return the share by which measurements of one thing at different times differ, but for the widest pairs."""
    return find_floor(list(combinations(measured, 2)))


def is_contended(conditions: Mapping[str, Any]) -> bool:
    """Return True if other processes used the cores, or may have: several threads then wait for their cores.

    Examples
    --------
    >>> from fastgd.bench.conditions import is_contended
    >>> is_contended({"others_share": 0.01, "quiet": False}), is_contended({"others_share": None, "quiet": False})
    (False, True)
    """
    share = conditions["others_share"]
    return bool(not conditions["quiet"] if share is None else share > QUIET_SHARE)


def list_reasons(
    load: Mapping[str, float] | None,
    share: float | None,
    clock: Mapping[str, float] | None,
    floor: float,
    drift: float,
) -> list[str]:
    """Return a sentence for everything that speaks against the measurements."""
    reasons = []
    if share is not None and share > QUIET_SHARE:
        reasons.append(f"other processes used {format_percent(share)} of the processor")
    if share is None and load is not None and load["start"] > QUIET_LOAD:
        reasons.append(f"the load of the machine was {load['start']:.1f} before anything was measured")
    if clock is not None and clock["highest"] > QUIET_CLOCK * clock["lowest"]:
        reasons.append(f"the processor's clock went from {clock['lowest']:,.0f} to {clock['highest']:,.0f} MHz")
    if drift > QUIET_FLOOR and not reasons:  # else it is told already why
        reasons.append(f"times of the same work varied by up to {format_percent(drift)}")
    if floor > QUIET_FLOOR and not reasons:
        reasons.append(f"times of the same work varied by up to {format_percent(floor)} in the same rounds")
    return reasons


def describe_conditions(conditions: Mapping[str, Any]) -> str:
    """Return the sentence of a study's badge: whether the machine was quiet, and which differences mean nothing.

    Examples
    --------
    >>> from fastgd.bench.conditions import describe_conditions
    >>> describe_conditions({"noise_floor": 0.02, "quiet": True, "reasons": []})
    'quiet; differences below 2 % mean nothing'
    """
    floor = format_percent(conditions["noise_floor"])
    return printable(f"{describe_state(conditions)}; differences below {floor} mean nothing", None)


def describe_state(conditions: Mapping[str, Any]) -> str:
    """Return whether the machine was quiet, and why if it was not."""
    return printable("quiet" if conditions["quiet"] else f"noisy: {', '.join(conditions['reasons'])}", None)


def describe_threads_drift(conditions: Mapping[str, Any]) -> str:
    """Return a sentence about a gain of threads that came and went; "" if it was steady.

    Examples
    --------
    >>> from fastgd.bench.conditions import describe_threads_drift
    >>> describe_threads_drift({"threads_drift": 1.07})
    'The speed-up by more threads varied by 107 %, so numbers of threads are told apart only beyond that.'
    """
    drift = conditions["threads_drift"] or 0.0
    if drift <= QUIET_FLOOR:
        return ""
    return (
        f"The speed-up by more threads varied by {format_percent(drift)}, so numbers of threads are told apart only "
        "beyond that."
    )


def format_percent(share: float) -> str:
    """Return a share in per cent, with at most two digits where it is small.

    Examples
    --------
    >>> from fastgd.bench.conditions import format_percent
    >>> format_percent(0.0062), format_percent(0.176), format_percent(1.5)
    ('0.62 %', '18 %', '150 %')
    """
    return f"{100 * share:.0f} %" if share >= 0.1 else f"{100 * share:.2g} %"
