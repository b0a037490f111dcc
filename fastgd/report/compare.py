"""Two studies side by side: two machines, or two versions on one."""

from collections.abc import Callable, Mapping, Sequence
from math import exp, fsum, inf, log
from typing import Any, NamedTuple

from fastgd.bench.conditions import describe_state, is_contended
from fastgd.bench.differences import bound_ratio, describe_bounds, margin_between
from fastgd.bench.text import format_measured, format_ratio, title
from fastgd.inputs.words import count, printable
from fastgd.report.drawings import ladder_pictures, map_pictures
from fastgd.report.filling import check_extras, fill_template
from fastgd.report.settings import SECTIONS
from fastgd.report.starts import WAIT
from fastgd.report.tables import Cell, Table, shape_cell


class Measured(NamedTuple):
    """A time, its spread as a table shows it, the ends of all its samples, and its number of threads."""

    seconds: float
    spread: Sequence[float]
    extremes: Sequence[float]
    threads: int = 1


Rows = dict[tuple[Cell, ...], Measured]  # by the first cells of a row


class Part(NamedTuple):
    """The comparison of a section: a table's caption, first columns, kind of spread, and a function for its rows."""

    caption: str
    columns: list[str]
    spread: str
    collect: Callable[[dict[str, Any]], Rows]


class Comparison(NamedTuple):
    """A section of two studies: the rows of both, the ratios that are reliable, and sentences about the other rows."""

    table: Table
    reliable: list[float]
    alone: list[str]


def compare_studies(
    first: dict[str, Any], second: dict[str, Any], first_name: str, second_name: str
) -> tuple[str, list[str]]:
    """Return a page about two studies, from their data and names, and sentences that summarize it."""
    check_extras()
    found = [compare_section(name, first, second) for name in PARTS if name in first and name in second]
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
    part, conditions = PARTS[name], (first["conditions"], second["conditions"])
    ours, theirs = part.collect(first[name]), part.collect(second[name])
    rows, reliable = [], []
    for key in (key for key in ours if key in theirs):
        bounds = bound(ours[key], theirs[key], *conditions)
        ratio = ours[key].seconds / theirs[key].seconds
        times = [Cell(format_measured(one.seconds, one.spread), one.seconds) for one in (ours[key], theirs[key])]
        rows.append([*key, *times, Cell(describe_bounds(bounds), ratio)])
        reliable += [] if bounds[0] <= 1 <= bounds[1] else [ratio]
    columns = [*part.columns, f"A ({part.spread})", f"B ({part.spread})", "A over B"]
    return Comparison(Table(f"compare-{name}", part.caption, columns, rows), reliable, list_unpaired(ours, theirs))


def bound(
    first: Measured, second: Measured, conditions: Mapping[str, Any], others: Mapping[str, Any]
) -> tuple[float, float]:
    """Return the least and the largest ratio of two times of two studies, from all samples and the drifts of both.

    Several threads wait for cores that other processes use: their times then mean nothing.
    """
    if max(first.threads, second.threads) > 1 and (is_contended(conditions) or is_contended(others)):
        return 0.0, inf
    return bound_ratio(first.extremes, second.extremes, margin_between(conditions, others))


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
        (shape_cell(entry), Cell(title(name))): Measured(
            one["seconds"], one["quartiles"], one["extremes"], one["threads"]
        )
        for entry in section["shapes"]
        for name, one in entry["contestants"].items()
    }


def find_waits(section: dict[str, Any]) -> Rows:
    """Return the times of processes without their epochs."""
    starts = section["starts"].items()
    return {
        (Cell(title(name)),): Measured(one["seconds"][WAIT], one["extremes"][WAIT], one["extremes"][WAIT])
        for name, one in starts
    }


def find_limits(section: dict[str, Any]) -> Rows:
    """Return those limits of the machine that have quartiles, as the times of a GB and of a billion operations."""
    found: Rows = {}
    for limit in section["limits"]:
        speeds, quartiles, threads = limit["bytes_per_second"], limit["quartiles"], limit["threads"]
        words = count(threads, "thread")
        for level in (level for level in speeds if level in quartiles["bytes"]):
            times = in_time(speeds[level], quartiles["bytes"][level], threads)
            found[Cell(f"read a GB from {printable(level)}, {words}"),] = times
        if limit["operations_per_second"] and quartiles["operations"]:
            times = in_time(limit["operations_per_second"], quartiles["operations"], threads)
            found[Cell(f"a billion operations, {words}"),] = times
    return found


def in_time(speed: float, quartiles: Sequence[float], threads: int) -> Measured:
    """Return the time of a billion bytes or operations: the best, and as its spread the range to the usual one."""
    best, usual = 1e9 / speed, 1e9 / min(quartiles)
    return Measured(best, [best, max(best, usual)], [best, max(best, usual)], threads)


def introduce(first: dict[str, Any], second: dict[str, Any]) -> list[str]:
    """Return a sentence about each study, and one about the sections that only one has."""
    sentences = [f"{name}: {describe_study(data)}" for name, data in (("A", first), ("B", second))]
    margin = margin_between(first["conditions"], second["conditions"])
    sentences.append(f"Between these two studies a time must differ by more than {format_ratio(margin)} to count.")
    for name, data, other in (("A", first, second), ("B", second, first)):
        alone = [section for section in SECTIONS if section in data and section not in other]
        if alone:
            sentences.append(f"Only {name} has: {', '.join(alone)}.")
    return sentences


def summarize_section(found: Comparison) -> str:
    """Return a sentence: the rows that differ reliably, by how much, and the rows of one study."""
    rows, reliable = found.table.rows, found.reliable
    if not rows:
        told = "nothing to compare"
    elif not reliable:
        told = f"no reliable difference in {count(len(rows), 'row')}"
    else:
        span = " to ".join(dict.fromkeys(format_ratio(end(reliable)) for end in (min, max)))
        told = f"A takes {span} the time of B in {len(reliable)} of {count(len(rows), 'row')}"
        rest = len(rows) - len(reliable)
        if rest:
            told += f", and there is no reliable difference in the other{f' {rest}' if rest > 1 else ''}"
        else:
            told += f" (geometric mean: {format_ratio(exp(fsum(map(log, reliable)) / len(reliable)))})"
    return f"{found.table.caption}: {'; '.join([told, *found.alone])}."


def describe_study(data: dict[str, Any]) -> str:
    """Return a line about the machine, the versions, the date and the conditions of a study."""
    machine, versions = data["machine"], data["versions"]
    parts = (
        machine["cpu"],
        count(machine["cores"], "core"),
        f"fastgd {versions['fastgd']}",
        f"NumPy {versions['numpy']}",
    )
    return ", ".join(map(printable, [*parts, data["date"], describe_state(data["conditions"])]))


def list_pictures(data: dict[str, Any], prefix: str) -> list[Any]:
    """Return a study's ladders and map, with names that begin with a prefix."""
    pictures = [*(ladder_pictures(data, prefix) if "ladder" in data else [])]
    return pictures + (map_pictures(data, prefix) if "map" in data else [])


SHAPED = ["shape", "contestant"]
PARTS = {
    "ladder": Part("The ladder: time per epoch", SHAPED, "quartiles", find_times),
    "map": Part("The map: time per epoch", SHAPED, "quartiles", find_times),
    "price": Part("The time of a fresh process without its epochs", ["backend"], "extremes", find_waits),
    "roofline": Part("The machines' limits", ["limit"], "best to usual", find_limits),
}
