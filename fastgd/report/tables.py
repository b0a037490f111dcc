"""A study's tables: rows of cells that a page shows and sorts by, and the same numbers as CSV."""

import csv
import io
from typing import Any, NamedTuple

from fastgd.bench.table import format_number, format_ratio
from fastgd.plots import title
from fastgd.report.ladder import removed
from fastgd.report.price import epochs_to_pay, wait_of
from fastgd.report.words import format_epochs, format_seconds, format_shape, format_spread, shapes_of


class Cell(NamedTuple):
    """What a cell shows, and what a column is sorted by; None for words, which sort by themselves."""

    text: str
    value: float | None = None


class Table(NamedTuple):
    """A table of a page."""

    name: str
    caption: str
    columns: list[str]
    rows: list[list[Cell]]


def ladder_table(entry: dict[str, Any]) -> Table:
    """Return the steps of a ladder: what each takes, over the one before, and what it removed."""
    found, order = entry["contestants"], entry["order"]
    rows = []
    for k, name in enumerate(order):
        one = found[name]
        before = found[order[k - 1]]["seconds"] / one["seconds"] if k else None
        first = found[order[0]]["seconds"] / one["seconds"]
        rows.append(
            [
                Cell(title(name)),
                Cell(format_seconds(one["seconds"]), one["seconds"]),
                Cell(format_spread(one), one["quartiles"][1] - one["quartiles"][0]),
                Cell(format_ratio(before) if before else "", before or 0.0),
                Cell(format_ratio(first), first),
                Cell(removed(name, order[k - 1] if k else None)),
            ]
        )
    shape = format_shape(entry)
    columns = ["step", "time per epoch", "quartiles", "× the one before", "× the first", "what it removed"]
    return Table(f"ladder-{entry['n_samples']}x{entry['n_features']}", f"One epoch of {shape}", columns, rows)


def map_table(found: dict[str, Any]) -> Table:
    """Return the shapes of a map: the fastest, what "auto" chose, and its regret."""
    rows = []
    for entry in found["shapes"]:
        times = {name: one["seconds"] for name, one in entry["contestants"].items()}
        cells = [
            Cell(f"{entry['n_samples']:,}", entry["n_samples"]),
            Cell(f"{entry['n_features']:,}", entry["n_features"]),
            Cell(title(entry["best"])),
            Cell(format_seconds(times[entry["best"]]), times[entry["best"]]),
            Cell(title(entry["auto"])),
            Cell(format_ratio(entry["regret"]), entry["regret"]),
            Cell(format_seconds(times["numpy"]), times["numpy"]),
        ]
        loop = times.get("python")
        rows.append([*cells, Cell(format_seconds(loop), loop) if loop else Cell("not timed", 1e9)])
    columns = ["samples", "features", "fastest", "its epoch", "auto chooses", "regret", "NumPy", "loop over lists"]
    return Table("map", "The fastest backend at every shape", columns, rows)


def roofline_table(data: dict[str, Any]) -> Table:
    """Return what the steps of the ladder move and compute, and how near that is to a roof."""
    rows = []
    for entry in data["ladder"]["shapes"]:
        for name in entry["order"]:
            one = entry["contestants"][name]
            size, operations, seconds = one["bytes_per_epoch"], one["operations_per_epoch"], one["seconds"]
            level, share = share_of_roof(data, entry, name)
            rows.append(
                [
                    Cell(title(name)),
                    Cell(format_shape(entry), entry["n_samples"] * entry["n_features"]),
                    Cell(f"{size:,}", size),
                    Cell(f"{operations:,}", operations),
                    Cell(format_number(operations / size), operations / size),
                    Cell(format_number(size / seconds / 1e9), size / seconds),
                    Cell(format_number(operations / seconds / 1e9), operations / seconds),
                    Cell(f"{share:.0%} of {level}" if share else "not known", share or 0.0),
                ]
            )
    columns = ["step", "shape", "bytes", "operations", "operations per byte", "GB/s", "billion operations/s", "roof"]
    return Table("roofline", "What an epoch asks of the machine", columns, rows)


def share_of_roof(data: dict[str, Any], entry: dict[str, Any], name: str) -> tuple[str, float | None]:
    """Return the level that holds what a step reads, and what share of its roof the step reaches."""
    one = entry["contestants"][name]
    limits = {limit["threads"]: limit for limit in data["roofline"]["limits"]}
    limit = limits.get(one["threads"])
    if limit is None or not limit["bytes_per_second"] or not limit["operations_per_second"]:
        return "", None
    held = one["bytes_per_epoch"] if name in ("python", "compressed") else entry["bytes"]
    caches = {level: size for level, size in data["machine"]["caches"].items() if level in limit["bytes_per_second"]}
    level = next((level for level, size in caches.items() if held <= size), "memory")
    reading = one["bytes_per_epoch"] / limit["bytes_per_second"][level]
    return level, max(reading, one["operations_per_epoch"] / limit["operations_per_second"]) / one["seconds"]


def price_table(data: dict[str, Any]) -> Table:
    """Return what each backend's start takes, and the epochs that pay for it."""
    starts = data["price"]["starts"]
    shapes = shapes_of(data, "ladder")
    rows = []
    for name, one in starts.items():
        seconds, extremes = one["seconds"], one["extremes"]
        cells = [
            Cell(name),
            Cell(format_seconds(seconds["import_fastgd"]), seconds["import_fastgd"]),
            Cell(format_seconds(seconds["load"]), seconds["load"]),
            Cell(format_seconds(seconds["first_call"]), seconds["first_call"]),
            Cell(" to ".join(map(format_seconds, extremes["first_call"])), extremes["first_call"][1]),
        ]
        for entry in shapes:
            times = {other: found["seconds"] for other, found in entry["contestants"].items()}
            backend = name.partition(",")[0]
            for other in ("python", "numpy"):
                if other not in times or backend not in times or other == backend:
                    cells.append(Cell("", -1.0))
                    continue
                epochs = epochs_to_pay(wait_of(one), times[backend], wait_of(starts[other]), times[other])
                cells.append(Cell(format_epochs(epochs), float("inf") if epochs is None else epochs))
        rows.append(cells)
    columns = ["backend", "import fastgd", "load the backend", "first call", "first call, extremes"]
    words = {"python": "the loop", "numpy": "NumPy"}
    columns += [f"epochs to overtake {words[other]}, {format_shape(entry)}" for entry in shapes for other in words]
    return Table("price", "What a fresh process waits for, and when that has paid", columns, rows)


def rates_table(found: dict[str, Any]) -> Table:
    """Return the rates that were compared, and how far each came."""
    least, rows = found["rates"]["least_cost"], []
    for run in found["rates"]["runs"]:
        last = run["costs"][-1] - least
        multiple, rate = run["multiple"], run["rate"]
        rows.append(
            [
                Cell(f"{multiple:g}/smoothness", multiple),
                Cell(format_number(rate), rate),
                Cell(f"{run['costs'][0] - least:.3g}", run["costs"][0] - least),
                Cell(f"{last:.3g}", last),
                Cell(describe_rate(multiple)),
            ]
        )
    epochs = len(found["rates"]["runs"][0]["costs"]) - 1
    columns = ["rate", "as a number", "J − least J, first", f"J − least J, after {epochs}", "what happens"]
    return Table("rates", "Rates on one problem with two features", columns, rows)


def describe_rate(multiple: float) -> str:
    """Return what theory says of a constant rate."""
    if multiple > 2:
        return "beyond 2/smoothness: the error in the steepest direction grows in every epoch, and in the end the cost"
    if multiple > 1:
        return "jumps over the minimum of the steepest direction, and comes nearer all the same"
    return "safe: no direction is overshot" if multiple == 1 else "too small: safe, and slow"


def to_csv(data: dict[str, Any]) -> str:
    """Return every time of a study, one a line."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    columns = ["section", "n_samples", "n_features", "contestant", "threads", "seconds", "lower", "upper", "rounds"]
    lines.writerow(columns)
    for section in ("ladder", "map"):
        for entry in shapes_of(data, section):
            for name, one in entry["contestants"].items():
                shape = entry["n_samples"], entry["n_features"]
                lines.writerow(
                    [section, *shape, name, one["threads"], one["seconds"], *one["quartiles"], one["rounds"]]
                )
    price = data.get("price", {"starts": {}})
    for name, one in price["starts"].items():
        for stage, seconds in one["seconds"].items():
            stages = f"{name}: {stage}", 1, seconds, *one["extremes"][stage], price["rounds"]
            lines.writerow(["price", *price["shape"], *stages])
    return text.getvalue()
