"""Whether two times differ: by more than their spreads and the noise floor of the studies that they come from."""

from collections.abc import Mapping, Sequence
from math import inf
from typing import Any

from fastgd.bench.conditions import is_contended
from fastgd.bench.text import format_ratio, overlap

# Two processes lay out their data in other places, so that times of one thing differ between them even if all times of
# each process agree: by up to 20 % for data about as large as a cache.
BETWEEN_PROCESSES = 0.1
MOST_BUSY = 0.95  # of the processor: beyond it nothing can be told

Conditions = Mapping[str, Any]


def differ(
    one: Mapping[str, Any], other: Mapping[str, Any], conditions: Conditions | None = None, *, together: bool = True
) -> bool:
    """Return True if the times of two contestants of one study differ reliably.

    Their quartiles must not overlap, and lie further apart than the noise floor; if they were not timed together, in
    the same rounds, further apart than the drift; and if one has more threads, further apart than the drift of their
    gain. Several threads are told from nothing if other processes used the cores meanwhile: each kernel and BLAS waits
    for its threads in another way.

    Examples
    --------
    >>> from fastgd.bench.differences import differ
    >>> fast, slow = ({"seconds": time, "quartiles": [time, time], "threads": 1} for time in (1.0, 1.2))
    >>> conditions = {"noise_floor": 0.05, "drift": 0.25, "threads_drift": None, "others_share": 0.0, "quiet": False}
    >>> differ(fast, slow, conditions), differ(fast, slow, conditions, together=False)
    (True, False)
    """
    threads = () if conditions is None else (one["threads"], other["threads"])
    return not overlap(one["quartiles"], other["quartiles"], find_margin(conditions, threads, together=together))


def find_margin(conditions: Conditions | None, threads: Sequence[int], *, together: bool = True) -> float:
    """Return the share by which times must differ to tell anything.

    Parameters
    ----------
    conditions : dict or None
        Those of the study; None if they are not known, for a share of 0.
    threads : sequence of int
        The numbers of threads of the contestants. Infinity if one has several while other processes used the cores.
    together : bool
        True for times of the same rounds.
    """
    if conditions is None:
        return 0.0
    if is_contended(conditions) and max(threads) > 1:
        return inf
    shares = [conditions["noise_floor"]]
    if not together:
        shares.append(conditions["drift"])
    if len(set(threads)) > 1:
        shares.append(conditions["threads_drift"] or 0.0)
    return max(shares)


def margin_between(first: Conditions, second: Conditions) -> float:
    """Return the factor by which times of one thing may differ between two studies.

    Others that used a share of the processor throughout may have made everything slower, which no drift shows.

    Examples
    --------
    >>> from fastgd.bench.differences import margin_between
    >>> quiet = {"noise_floor": 0.02, "drift": 0.02, "quiet": True, "others_share": 0.01}
    >>> noisy = {"noise_floor": 0.02, "drift": 0.02, "quiet": False, "others_share": 0.5}
    >>> round(margin_between(quiet, quiet), 2), round(margin_between(quiet, noisy), 2)
    (1.21, 2.42)
    """
    margin = 1.0
    for conditions in (first, second):
        busy = 0.0 if conditions["quiet"] else conditions["others_share"] or 0.0
        floor = max(conditions["noise_floor"], conditions["drift"], BETWEEN_PROCESSES)
        margin *= (1 + floor) / (1 - min(busy, MOST_BUSY))
    return margin


def bound_ratio(first: Sequence[float], second: Sequence[float], margin: float) -> tuple[float, float]:
    """Return the least and the largest ratio of two times, from the spreads of both and the margin between them.

    Examples
    --------
    >>> from fastgd.bench.differences import bound_ratio
    >>> bound_ratio([3.0, 4.0], [1.0, 2.0], margin=1.5)
    (1.0, 6.0)
    """
    return first[0] / second[1] / margin, first[1] / second[0] * margin


def describe_bounds(bounds: tuple[float, float]) -> str:
    """Return the range of a ratio, or that there is no reliable difference.

    Examples
    --------
    >>> from fastgd.bench.differences import describe_bounds
    >>> describe_bounds((1.5, 3.0)), describe_bounds((0.9, 3.0))
    ('1.50× to 3.00×', 'no reliable difference')
    """
    low, high = bounds
    return "no reliable difference" if low <= 1 <= high else f"{format_ratio(low)} to {format_ratio(high)}"
