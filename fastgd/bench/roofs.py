"""The limits above each contestant: the level of memory that its data are in, and the fastest that was seen there."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastgd.bench.limits import OUT_OF_CACHE, capacities
from fastgd.bench.text import ONCE


def raise_limits(limits: Sequence[dict[str, Any]], entries: Sequence[Mapping[str, Any]], machine: Any) -> None:
    """Raise limits to the best samples of contestants that read from the same level, or compute, faster.

    A limit is the fastest that anything was seen to run: no contestant stands above it.
    """
    of_threads = {limit["threads"]: limit for limit in limits}
    for entry in entries:
        for name, one in entry["contestants"].items():
            limit, least = of_threads.get(one["threads"]), one["extremes"][0]
            if limit is None or "bytes_per_epoch" not in one:
                continue
            if limit["operations_per_second"]:
                reached = one["operations_per_epoch"] / least
                limit["operations_per_second"] = max(limit["operations_per_second"], reached)
            held, speeds = held_bytes(entry, name), limit["bytes_per_second"]
            level = max(levels_of(machine, limit, held), key=lambda level: speeds.get(level, 0.0))
            first = capacities(machine["caches"], machine["cache_instances"], one["threads"]).get("L1", 0)
            if level in speeds and held > first:  # L1 has no limit
                speeds[level] = max(speeds[level], one["bytes_per_epoch"] / least)


def held_bytes(entry: Mapping[str, Any], name: str) -> int:
    """Return the bytes that a contestant reads in each epoch, again and again: X, its list, or a small problem."""
    return int(entry["contestants"][name]["bytes_per_epoch"] if name in ("python", *ONCE) else entry["bytes"])


def levels_of(machine: Mapping[str, Any], limit: Mapping[str, Any], held: int) -> list[str]:
    """Return the level of memory that holds this many bytes; two levels if the last cache holds a part of them."""
    caches = capacities(machine["caches"], machine["cache_instances"], limit["threads"])
    roofs = {level: size for level, size in caches.items() if level in limit["bytes_per_second"]}
    level = next((level for level, size in roofs.items() if held <= size), None)
    if level:
        return [level]
    last = max(roofs, key=roofs.__getitem__, default=None)
    return [last, "memory"] if last and held < OUT_OF_CACHE * roofs[last] else ["memory"]
