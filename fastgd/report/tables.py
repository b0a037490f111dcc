"""A study's tables: rows of cells that a page shows and sorts by, and the same numbers as CSV."""

import csv
import io
from typing import Any, NamedTuple

from fastgd.bench.limits import capacities
from fastgd.bench.table import format_number, format_ratio
from fastgd.plots import title
from fastgd.report.ladder import removed
from fastgd.report.price import WAIT, epochs_to_pay
from fastgd.report.words import format_epochs, format_measured, format_seconds, format_shape, format_spread, shapes_of

PRICE_STAGES = {
    "import_fastgd": "import fastgd", "load": "load the backend", "first_call": "first call",
    "second_call": "second call", WAIT: "the wait"
}  # fmt: skip
CSV_COLUMNS = (
    "section", "n_samples", "n_features", "contestant", "threads", "seconds", "lower", "upper", "spread", "rounds"
)  # fmt: skip


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
    loop = "python" if "python" in found else order[0]
    rows = []
    for k, name in enumerate(order):
        one = found[name]
        before = found[order[k - 1]]["seconds"] / one["seconds"] if k else None
        over_loop = found[loop]["seconds"] / one["seconds"]
        told = removed(name, order[k - 1] if k else None)
        if name == "compressed":
            told += tell_compressing(entry)
        rows.append(
            [
                Cell(title(name)),
                Cell(format_seconds(one["seconds"]), one["seconds"]),
                Cell(format_spread(one), one["quartiles"][1] - one["quartiles"][0]),
                Cell(format_ratio(before) if before else "", before or 0.0),
                Cell(format_ratio(over_loop), over_loop),
                Cell(told),
            ]
        )
    shape = format_shape(entry)
    reference = f"× {title(loop)}"
    columns = ["step", "time per epoch", "quartiles", "× the one before", reference, "what it removed"]
    return Table(f"ladder-{entry['n_samples']}x{entry['n_features']}", f"One epoch of {shape}", columns, rows)


def tell_compressing(entry: dict[str, Any]) -> str:
    """Return what compressing takes, and after how many epochs that is paid for."""
    once, found = entry["compress"], {name: one["seconds"] for name, one in entry["contestants"].items()}
    small = found.pop("compressed")
    kernel = min(found.values())
    epochs = epochs_to_pay(once["seconds"], small, 0.0, kernel)
    paid = "never pays" if epochs is None else f"pays after {format_epochs(epochs)} epochs of the fastest kernel"
    return f"; to compress takes {format_measured(once['seconds'], once['quartiles'])} once, which {paid}"


def map_table(found: dict[str, Any]) -> Table:
    """Return the shapes of a map: the fastest, what "auto" chose, and its regret."""
    rows = []
    for entry in found["shapes"]:
        cells = [
            Cell(f"{entry['n_samples']:,}", entry["n_samples"]),
            Cell(f"{entry['n_features']:,}", entry["n_features"]),
            Cell(title(entry["best"])),
            measured(entry["contestants"][entry["best"]]),
            Cell(title(entry["auto"])),
            Cell(format_ratio(entry["regret"]), entry["regret"]),
            measured(entry["contestants"]["numpy"]),
        ]
        loop = entry["contestants"].get("python")
        rows.append([*cells, measured(loop) if loop else Cell("not timed", 1e9)])
    columns = ["samples", "features", "fastest", "its epoch", "auto chooses", "regret", "NumPy", "loop over lists"]
    return Table("map", "The fastest backend at every shape", columns, rows)


def measured(one: dict[str, Any]) -> Cell:
    """Return a contestant's time with its quartiles."""
    return Cell(format_measured(one["seconds"], one["quartiles"]), one["seconds"])


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
    caches = capacities(data["machine"]["caches"], one["threads"])
    known = (level for level, size in caches.items() if level in limit["bytes_per_second"] and held <= size)
    level = next(known, "memory")
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
            *(Cell(format_measured(seconds[stage], extremes[stage]), seconds[stage]) for stage in PRICE_STAGES),
        ]
        for entry in shapes:
            times = {other: found["seconds"] for other, found in entry["contestants"].items()}
            backend = name.partition(",")[0]
            for other in ("python", "numpy"):
                if other not in times or backend not in times or other == backend:
                    cells.append(Cell("", -1.0))
                    continue
                epochs = epochs_to_pay(seconds[WAIT], times[backend], starts[other]["seconds"][WAIT], times[other])
                cells.append(Cell(format_epochs(epochs), float("inf") if epochs is None else epochs))
        rows.append(cells)
    columns = ["backend", *PRICE_STAGES.values()]
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
    """Return every time of a study, one a line; "spread" says what its lower and upper end are."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(CSV_COLUMNS)
    for section in ("ladder", "map"):
        for entry in shapes_of(data, section):
            once = {"compress": entry["compress"]} if "compress" in entry else {}
            for name, one in {**entry["contestants"], **once}.items():
                times = one["threads"], one["seconds"], *one["quartiles"], "quartiles", one["rounds"]
                lines.writerow([section, entry["n_samples"], entry["n_features"], name, *times])
    price = data.get("price", {"starts": {}})
    for name, one in price["starts"].items():
        for stage, seconds in one["seconds"].items():
            times = 1, seconds, *one["extremes"][stage], "extremes", price["rounds"]
            lines.writerow(["price", *price["shape"], f"{name}: {stage}", *times])
    return text.getvalue()
