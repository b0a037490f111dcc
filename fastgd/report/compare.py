"""Two studies side by side: two machines, or two versions on one."""

from collections.abc import Callable, Sequence
from math import exp, fsum, log
from typing import Any, NamedTuple

from fastgd.bench.text import format_measured, format_ratio, overlap, title
from fastgd.inputs.words import count, printable
from fastgd.report.drawings import ladder_pictures, map_pictures
from fastgd.report.page import check_extras, fill_template
from fastgd.report.settings import SECTIONS
from fastgd.report.starts import WAIT
from fastgd.report.tables import Cell, Table, shape_cell

Measured = tuple[float, Sequence[float]]  # seconds, and their spread
Rows = dict[tuple[Cell, ...], Measured]  # by the first cells of a row


class Part(NamedTuple):
    """The comparison of a section: a table's caption, first columns, kind of spread, and a function for its rows."""

    caption: str
    columns: list[str]
    spread: str
    collect: Callable[[dict[str, Any]], Rows]


class Comparison(NamedTuple):
    """A section of two studies: the rows of both, the number whose spreads overlap, and sentences about the others."""

    table: Table
    level: int
    alone: list[str]


def compare_studies(
    first: dict[str, Any], second: dict[str, Any], first_name: str, second_name: str
) -> tuple[str, list[str]]:
    """Return a page about two studies, from their data and names, and sentences that summarize it."""
    check_extras()
    found = [compare_section(name, first[name], second[name]) for name in PARTS if name in first and name in second]
    tables = [one.table for one in found if one.table.rows]
    if not tables:
        raise ValueError(f"nothing was timed in both {printable(first_name)} and {printable(second_name)}")
    sentences = [*introduce(first, second), *map(summarize_section, found)]
    page = fill_template(
        "compare.html",
        names=(first_name, second_name),
        studies=(first, second),
        tables=tables,
        sentences=sentences,
        pictures=[list_pictures(data, prefix) for data, prefix in ((first, "first"), (second, "second"))],
    )
    return page, sentences


def compare_section(name: str, first: dict[str, Any], second: dict[str, Any]) -> Comparison:
    """Return the comparison of a section of two studies."""
    part = PARTS[name]
    ours, theirs = part.collect(first), part.collect(second)
    rows, level = [], 0
    for key in (key for key in ours if key in theirs):
        same = overlap(ours[key][1], theirs[key][1])
        rows.append([*key, *pair(ours[key], theirs[key], same)])
        level += same
    columns = [*part.columns, f"A ({part.spread})", f"B ({part.spread})", "A over B"]
    return Comparison(Table(f"compare-{name}", part.caption, columns, rows), level, list_unpaired(ours, theirs))


def pair(first: Measured, second: Measured, level: bool) -> list[Cell]:
    """Return the cells of two times with their spreads, and of their ratio."""
    ratio = first[0] / second[0]
    text = f"{format_ratio(ratio)} (level)" if level else format_ratio(ratio)
    return [*(Cell(format_measured(*one), one[0]) for one in (first, second)), Cell(text, ratio)]


def list_unpaired(first: Rows, second: Rows) -> list[str]:
    """Return sentences about shapes that only one study has, and about rows that only one has at shapes of both."""
    shapes = [{key[0] for key in rows if len(key) > 1} for rows in (first, second)]
    apart = shapes[0] ^ shapes[1]
    rows = describe_difference("row", *({key for key in rows if key[0] not in apart} for rows in (first, second)))
    where = "at the shapes of both, " if any(shapes) else ""
    return [*describe_difference("shape", *shapes), *(where + text for text in rows)]


def describe_difference(noun: str, ours: set[Any], theirs: set[Any]) -> list[str]:
    """Return the numbers of things that only A has, and only B; nothing if both have the same."""
    if ours == theirs:
        return []
    return [f"{count(len(ours - theirs), noun)} of A and {len(theirs - ours)} of B are not in the other"]


def find_times(section: dict[str, Any]) -> Rows:
    """Return the times of all shapes and contestants."""
    return {
        (shape_cell(entry), Cell(title(name))): (one["seconds"], one["quartiles"])
        for entry in section["shapes"]
        for name, one in entry["contestants"].items()
    }


def find_waits(section: dict[str, Any]) -> Rows:
    """Return the times of processes without their epochs."""
    starts = section["starts"].items()
    return {(Cell(title(name)),): (one["seconds"][WAIT], one["extremes"][WAIT]) for name, one in starts}


def find_limits(section: dict[str, Any]) -> Rows:
    """Return those limits of the machine that have quartiles, as the times of a GB and of a billion operations."""
    found: Rows = {}
    for limit in section["limits"]:
        speeds, quartiles, threads = limit["bytes_per_second"], limit["quartiles"], count(limit["threads"], "thread")
        for level in (level for level in speeds if level in quartiles["bytes"]):
            found[Cell(f"read a GB from {printable(level)}, {threads}"),] = in_time(
                speeds[level], quartiles["bytes"][level]
            )
        if limit["operations_per_second"] and quartiles["operations"]:
            times = in_time(limit["operations_per_second"], quartiles["operations"])
            found[Cell(f"a billion operations, {threads}"),] = times
    return found


def in_time(speed: float, quartiles: Sequence[float]) -> Measured:
    """Return the time of a billion bytes or operations."""
    lower, upper = quartiles
    return 1e9 / speed, [1e9 / upper, 1e9 / lower]


def introduce(first: dict[str, Any], second: dict[str, Any]) -> list[str]:
    """Return a sentence about each study, and one about the sections that only one has."""
    sentences = [f"A: {describe_study(first)}", f"B: {describe_study(second)}"]
    for name, data, other in (("A", first, second), ("B", second, first)):
        alone = [section for section in SECTIONS if section in data and section not in other]
        if alone:
            sentences.append(f"Only {name} has: {', '.join(alone)}.")
    return sentences


def summarize_section(found: Comparison) -> str:
    """Return a sentence: the mean of the ratios, the number of those that may be noise, and the rows of one study."""
    ratios = [row[-1].value or 1.0 for row in found.table.rows]
    parts = ["nothing to compare"]
    if ratios:
        mean = exp(fsum(map(log, ratios)) / len(ratios))
        span = f"from {format_ratio(min(ratios))} to {format_ratio(max(ratios))}"
        parts = [f"A takes {format_ratio(mean)} the time of B (geometric mean; {span})"]
        noise = f"in {found.level} of {count(len(ratios), 'row')} the spreads overlap"
        parts.append(f"{noise}: no difference" if found.level else noise)
    return f"{found.table.caption}: {'; '.join(parts + found.alone)}."


def describe_study(data: dict[str, Any]) -> str:
    """Return a line about the machine, the versions and the date of a study."""
    machine, versions = data["machine"], data["versions"]
    parts = (
        machine["cpu"],
        count(machine["cores"], "core"),
        f"fastgd {versions['fastgd']}",
        f"NumPy {versions['numpy']}",
    )
    return ", ".join(map(printable, [*parts, data["date"]]))


def list_pictures(data: dict[str, Any], prefix: str) -> list[Any]:
    """Return a study's ladders and map, with names that begin with a prefix."""
    pictures = [*(ladder_pictures(data, prefix) if "ladder" in data else [])]
    return pictures + (map_pictures(data, prefix) if "map" in data else [])


SHAPED = ["shape", "contestant"]
PARTS = {
    "ladder": Part("The ladder: time per epoch", SHAPED, "quartiles", find_times),
    "map": Part("The map: time per epoch", SHAPED, "quartiles", find_times),
    "price": Part("The time of a fresh process without its epochs", ["backend"], "extremes", find_waits),
    "roofline": Part("The machines' limits", ["limit"], "quartiles", find_limits),
}
