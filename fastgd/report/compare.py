"""Two studies side by side: two machines, or two versions on one."""

from collections.abc import Sequence
from math import exp, fsum, log
from typing import Any

from fastgd.bench.table import format_ratio
from fastgd.plots import title
from fastgd.report.drawings import ladder_pictures, map_pictures
from fastgd.report.page import check_extras, fill
from fastgd.report.price import WAIT
from fastgd.report.tables import Cell, Table
from fastgd.report.words import count, format_measured, format_shape

TIMED = {"ladder": "The ladder", "map": "The map"}
MEASURED = ("A (quartiles)", "B (quartiles)", "A over B")

Measured = tuple[float, Sequence[float]]  # seconds, and their spread


def compare(first: dict[str, Any], second: dict[str, Any], first_name: str, second_name: str) -> tuple[str, list[str]]:
    """Return a page about two studies, and sentences that sum it up.

    Parameters
    ----------
    first, second : dict
        The data of two studies.
    first_name, second_name : str
        What to call them.

    Raises
    ------
    ValueError
        If nothing was timed in both.
    ImportError
        If matplotlib, Jinja2 or Pygments is not installed.
    """
    check_extras()
    tables = list_tables(first, second)
    if not tables:
        raise ValueError(f"--compare: nothing was timed in both {first_name} and {second_name}")
    sentences = sum_up(first, second, tables)
    page = fill(
        "compare.html",
        names=(first_name, second_name),
        studies=(first, second),
        tables=tables,
        sentences=sentences,
        pictures=[list_pictures(data, prefix) for data, prefix in ((first, "first"), (second, "second"))],
    )
    return page, sentences


def list_tables(first: dict[str, Any], second: dict[str, Any]) -> list[Table]:
    """Return a table for each section that both have something to compare in."""
    both = [section for section in first if section in second]
    tables = [timed_table(section, first[section], second[section]) for section in TIMED if section in both]
    if "price" in both:
        tables.append(price_table(first["price"]["starts"], second["price"]["starts"]))
    if "roofline" in both:
        tables.append(limits_table(first["roofline"]["limits"], second["roofline"]["limits"]))
    return [table for table in tables if table.rows]


def timed_table(section: str, first: dict[str, Any], second: dict[str, Any]) -> Table:
    """Return the times of all shapes and contestants that both have."""
    others = {(entry["n_samples"], entry["n_features"]): entry["contestants"] for entry in second["shapes"]}
    rows = []
    for entry in first["shapes"]:
        shape = entry["n_samples"], entry["n_features"]
        for name, one in entry["contestants"].items():
            other = others.get(shape, {}).get(name)
            if other:
                cell = Cell(format_shape(entry), shape[0] * shape[1])
                times = (one["seconds"], one["quartiles"]), (other["seconds"], other["quartiles"])
                rows.append([cell, Cell(title(name)), *pair(*times)])
    columns = ["shape", "contestant", *MEASURED]
    return Table(f"compare-{section}", f"{TIMED[section]}: time per epoch", columns, rows)


def price_table(first: dict[str, Any], second: dict[str, Any]) -> Table:
    """Return how long processes wait for their first epoch."""
    rows = []
    for name in first:
        if name in second:
            waits = [(one[name]["seconds"][WAIT], one[name]["extremes"][WAIT]) for one in (first, second)]
            rows.append([Cell(name), *pair(*waits)])
    columns = ["backend", "A (extremes)", "B (extremes)", "A over B"]
    return Table("compare-price", "What a fresh process waits for beside its epochs", columns, rows)


def limits_table(first: list[dict[str, Any]], second: list[dict[str, Any]]) -> Table:
    """Return the limits of both machines: the time for a GB, and for a billion operations."""
    rows = []
    others = {limit["threads"]: limit for limit in second}
    for limit in first:
        known = list_limits(limit)
        for name, other in list_limits(others.get(limit["threads"])).items():
            if name in known:
                rows.append([Cell(f"{name}, {count('thread', limit['threads'])}"), *pair(known[name], other)])
    return Table("compare-limits", "The machines' limits", ["limit", *MEASURED], rows)


def list_limits(limit: dict[str, Any] | None) -> dict[str, Measured]:
    """Return the limits of so many threads as times with their quartiles."""
    if limit is None:
        return {}
    speeds, quartiles = limit["bytes_per_second"], limit["quartiles"]
    found = {f"read a GB from {level}": in_time(speed, quartiles["bytes"][level]) for level, speed in speeds.items()}
    if limit["operations_per_second"]:
        found["a billion operations"] = in_time(limit["operations_per_second"], quartiles["operations"])
    return found


def in_time(speed: float, quartiles: Sequence[float]) -> Measured:
    """Return how long a billion takes."""
    lower, upper = quartiles
    return 1e9 / speed, [1e9 / upper, 1e9 / lower]


def pair(first: Measured, second: Measured) -> list[Cell]:
    """Return two times with their spread, and their ratio."""
    ratio = first[0] / second[0]
    return [*(Cell(format_measured(*one), one[0]) for one in (first, second)), Cell(format_ratio(ratio), ratio)]


def sum_up(first: dict[str, Any], second: dict[str, Any], tables: list[Table]) -> list[str]:
    """Return a sentence for each table: the geometric mean of its ratios."""
    machines = [f"{name}: {describe(data)}" for name, data in (("A", first), ("B", second))]
    sentences = []
    for table in tables:
        ratios = [row[-1].value or 1.0 for row in table.rows]
        mean = exp(fsum(map(log, ratios)) / len(ratios))
        span = f"from {format_ratio(min(ratios))} to {format_ratio(max(ratios))}"
        sentences.append(f"{table.caption}: A takes {format_ratio(mean)} the time of B (geometric mean; {span}).")
    return machines + sentences


def describe(data: dict[str, Any]) -> str:
    """Return machine, version and date of a study in a line."""
    machine, versions = data["machine"], data["versions"]
    numpy = f"NumPy {versions['numpy']}"
    return f"{machine['cpu']}, {count('core', machine['cores'])}, fastgd {versions['fastgd']}, {numpy}, {data['date']}"


def list_pictures(data: dict[str, Any], prefix: str) -> list[Any]:
    """Return a study's ladders and map, under names that the other study's do not have."""
    pictures = [*(ladder_pictures(data, prefix) if "ladder" in data else [])]
    return pictures + (map_pictures(data, prefix) if "map" in data else [])
