"""Two studies side by side: two machines, or two versions on one."""

from math import exp, fsum, log
from typing import Any

from fastgd.bench.table import format_ratio
from fastgd.plots import title
from fastgd.report.drawings import ladder_pictures, map_pictures
from fastgd.report.page import fill
from fastgd.report.price import wait_of
from fastgd.report.tables import Cell, Table
from fastgd.report.words import format_seconds, format_shape

TIMED = {"ladder": "The ladder", "map": "The map"}


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
        If they have no section in common.
    """
    tables = list_tables(first, second)
    if not tables:
        raise ValueError(f"--compare: {first_name} and {second_name} have no shape and no section in common")
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
                rows.append([cell, Cell(title(name)), *pair(one["seconds"], other["seconds"])])
    columns = ["shape", "contestant", "A", "B", "A over B"]
    return Table(f"compare-{section}", f"{TIMED[section]}: time per epoch", columns, rows)


def price_table(first: dict[str, Any], second: dict[str, Any]) -> Table:
    """Return how long processes wait for their first epoch."""
    rows = []
    for name in first:
        if name in second:
            waits = [wait_of(one[name]) for one in (first, second)]
            rows.append([Cell(name), *pair(*waits)])
    columns = ["backend", "A", "B", "A over B"]
    return Table("compare-price", "Until the first epoch is done in a fresh process", columns, rows)


def limits_table(first: list[dict[str, Any]], second: list[dict[str, Any]]) -> Table:
    """Return the limits of both machines: the time for a GB, and for a billion operations."""
    rows = []
    others = {limit["threads"]: limit for limit in second}
    for limit in first:
        other = others.get(limit["threads"])
        if other is None:
            continue
        threads = f"{limit['threads']} thread" + "s" * (limit["threads"] > 1)
        for level, speed in limit["bytes_per_second"].items():
            if level in other["bytes_per_second"]:
                speeds = 1e9 / speed, 1e9 / other["bytes_per_second"][level]
                rows.append([Cell(f"read a GB from {level}, {threads}"), *pair(*speeds)])
        peaks = limit["operations_per_second"], other["operations_per_second"]
        if all(peaks):
            rows.append([Cell(f"a billion operations, {threads}"), *pair(1e9 / peaks[0], 1e9 / peaks[1])])
    return Table("compare-limits", "The machines' limits", ["limit", "A", "B", "A over B"], rows)


def pair(first: float, second: float) -> list[Cell]:
    """Return two times, and their ratio."""
    ratio = Cell(format_ratio(first / second), first / second)
    return [Cell(format_seconds(first), first), Cell(format_seconds(second), second), ratio]


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
    return f"{machine['cpu']}, {machine['cores']} cores, fastgd {versions['fastgd']}, {numpy}, {data['date']}"


def list_pictures(data: dict[str, Any], prefix: str) -> list[Any]:
    """Return a study's ladders and map, under names that the other study's do not have."""
    pictures = [*(ladder_pictures(data, prefix) if "ladder" in data else [])]
    return pictures + (map_pictures(data, prefix) if "map" in data else [])
