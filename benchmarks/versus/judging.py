"""Which contestant is the best in a cell, and whether fastgd wins, loses or is level there.

A cell is one of the records that `measure_cell` returns. All that pages and pictures say comes from these functions.
"""

from typing import Any

from versus.contestants import OURS

from fastgd.bench.text import overlap

Record = dict[str, Any]


def has_reached(cell: Record, name: str | None) -> bool:
    """Return True if a contestant took part in a cell and reached its accuracy."""
    error = cell["found"].get(name, {}).get("error")
    return error is not None and error <= cell["accuracy"]


def find_ours(cell: Record) -> str | None:
    """Return the first way to call fastgd that reached the accuracy: the function, if it did."""
    return next((name for name in OURS if has_reached(cell, name)), None)


def find_best(cell: Record, bare: bool = False) -> str | None:
    """Return the fastest peer, or the fastest bare solver, of those that reached the accuracy."""
    found = cell["found"].items()
    wanted = [name for name, entry in found if bool(entry.get("bare")) is bare and not entry.get("ours")]
    reached = [name for name in wanted if has_reached(cell, name)]
    return min(reached, key=lambda name: cell["found"][name]["seconds"], default=None)


def find_ratio(cell: Record, name: str | None, ours: str | None) -> float | None:
    """Return a contestant's time over fastgd's; None unless both reached the accuracy."""
    if not has_reached(cell, name) or not has_reached(cell, ours):
        return None
    return cell["found"][name]["seconds"] / cell["found"][ours]["seconds"]


def find_outcome(cell: Record) -> str:
    """Return fastgd's outcome in a cell.

    It is "wins", "level" if the quartiles overlap, "loses", "fails" if fastgd did not reach the accuracy, or "alone" if
    no peer did.
    """
    ours, best = find_ours(cell), find_best(cell)
    if ours is None:
        return "fails"
    if best is None:
        return "alone"
    one, other = cell["found"][ours], cell["found"][best]
    if overlap(one["quartiles"], other["quartiles"]):
        return "level"
    return "wins" if one["seconds"] < other["seconds"] else "loses"
