"""The tables of a study, which a page shows and sorts."""

from typing import Any, NamedTuple

from fastgd.bench.conditions import is_contended
from fastgd.bench.differences import differ, find_margin
from fastgd.bench.fits import fit_seconds
from fastgd.bench.roofs import held_bytes, levels_of
from fastgd.bench.text import (
    ONCE,
    base_of,
    describe_price,
    find_prices,
    format_epochs,
    format_measured,
    format_number,
    format_ratio,
    format_shape,
    format_share,
    format_time,
    shape_of,
    title,
)
from fastgd.report.ladder import describe_step
from fastgd.report.settings import shapes_of
from fastgd.report.starts import WAIT, epochs_to_pay

OVERTAKEN = ("python", "numpy")  # the backends that each start is compared with
PRICE_STAGES = {
    "import_fastgd": "import fastgd", "load": "load the backend", "first_call": "first call",
    "second_call": "second call", WAIT: "the wait"
}  # fmt: skip


class Cell(NamedTuple):
    """A cell: its text, and the number that its column is sorted by; None sorts by the text."""

    text: str
    value: float | None = None


class Table(NamedTuple):
    """A table of a page."""

    name: str
    caption: str
    columns: list[str]
    rows: list[list[Cell]]


def shape_cell(entry: dict[str, Any]) -> Cell:
    """Return the shape of an entry, sorted by the number of elements."""
    return Cell(format_shape(*shape_of(entry)), entry["n_samples"] * entry["n_features"])


def ladder_table(entry: dict[str, Any], conditions: dict[str, Any]) -> Table:
    """Return the steps of a ladder: their times, the speed-ups of whole fits, and the cost that each removes."""
    found, order, prices = entry["contestants"], entry["order"], find_prices(entry)
    loop = "python" if "python" in found else order[0]
    rows = []
    for k, name in enumerate(order):
        one = found[name]
        cost = describe_step(entry, name, conditions)
        if name in prices:
            cost += describe_once(entry, name, conditions)
        rows.append(
            [
                Cell(title(name)),
                Cell(format_time(one["seconds"]), one["seconds"]),
                Cell(" to ".join(map(format_time, one["quartiles"])), one["quartiles"][1] - one["quartiles"][0]),
                Cell(format_time(fit_seconds(entry, name)), fit_seconds(entry, name)),
                speed_up(entry, order[k - 1], name, conditions) if k else Cell("", 0.0),
                compare_with_loop(entry, loop, name, conditions),
                Cell(cost),
            ]
        )
    shape = format_shape(*shape_of(entry))
    reference = f"× {title(loop)}"
    columns = ["step", "time per epoch", "quartiles", "whole fit", "× the one before", reference, "cost removed"]
    return Table(f"ladder-{entry['n_samples']}x{entry['n_features']}", f"One epoch of {shape}", columns, rows)


def compare_with_loop(entry: dict[str, Any], loop: str, name: str, conditions: dict[str, Any]) -> Cell:
    """Return the speed-up over the loop; for a step with other work before its epochs, both times of a whole fit."""
    if name == loop:
        return Cell(format_ratio(1.0), 1.0)
    if name not in ONCE:
        return speed_up(entry, loop, name, conditions)
    slow, fast = fit_seconds(entry, loop), fit_seconds(entry, name)
    return Cell(f"{format_time(slow)} → {format_time(fast)}", slow / fast)


def speed_up(entry: dict[str, Any], other: str, name: str, conditions: dict[str, Any]) -> Cell:
    """Return how many times as long a whole fit of another step takes; a dash if the two cannot be told apart."""
    ratio = fit_seconds(entry, other) / fit_seconds(entry, name)
    first, second = entry["contestants"][other], entry["contestants"][name]
    if ONCE.keys().isdisjoint((other, name)):
        reliable = differ(first, second, conditions)
    else:  # a fit with other work before its epochs has no quartiles
        reliable = max(ratio, 1 / ratio) > 1 + find_margin(conditions, (first["threads"], second["threads"]))
    return Cell(format_ratio(ratio if reliable else None), ratio)


def describe_once(entry: dict[str, Any], name: str, conditions: dict[str, Any]) -> str:
    """Return the time of the work that a step needs once, and the number of epochs after which it has paid.

    If other processes used the cores meanwhile, no such number is told.
    """
    once, found = entry[ONCE[name]], {one: times["seconds"] for one, times in entry["contestants"].items()}
    kernel = min(seconds for one, seconds in found.items() if one not in ONCE)
    told = describe_price(name, once)
    if is_contended(conditions):
        return told
    if name == "whitened":
        whole = format_epochs((once["seconds"] + found[name]) / kernel)
        return f"{told}: the whole descent takes as long as {whole} epochs of the fastest kernel"
    epochs = epochs_to_pay(once["seconds"], found[name], 0.0, kernel)
    paid = "never pays" if epochs is None else f"pays after {format_epochs(epochs)} epochs of the fastest kernel"
    return f"{told}, which {paid}"


def map_table(found: dict[str, Any]) -> Table:
    """Return the shapes of a map: the fastest contestant, the choice of "auto", and its regret.

    Where the two cannot be told apart, the choice of "auto" counts as the fastest.
    """
    rows = []
    for entry in found["shapes"]:
        cells = [
            Cell(f"{entry['n_samples']:,}", entry["n_samples"]),
            Cell(f"{entry['n_features']:,}", entry["n_features"]),
            Cell(title(entry["best"])),
            measured(entry["contestants"][entry["best"]]),
            Cell(title(entry["auto"])),
            Cell(describe_regret(entry), entry["regret"]),
            measured(entry["contestants"]["numpy"]),
        ]
        loop = entry["contestants"].get("python")
        rows.append([*cells, measured(loop) if loop else Cell("not timed", 1e9)])
    columns = ["samples", "features", "fastest", "its epoch", "auto chooses", "regret", "NumPy", "loop over lists"]
    return Table("map", "The fastest backend at every shape", columns, rows)


def describe_regret(entry: dict[str, Any]) -> str:
    """Return a regret that is reliable, and its range between the near ends and the far ends of the quartiles."""
    if entry["auto"] == entry["fastest"]:
        return format_ratio(1.0)
    if entry["best"] == entry["auto"]:
        return "no reliable difference"
    (low, high), (least, most) = (entry["contestants"][entry[key]]["quartiles"] for key in ("auto", "fastest"))
    return f"{format_ratio(entry['regret'])} ({low / most:.2f} to {high / least:.2f})"


def measured(one: dict[str, Any]) -> Cell:
    """Return a contestant's time with its quartiles."""
    return Cell(format_measured(one["seconds"], one["quartiles"]), one["seconds"])


def roofline_table(data: dict[str, Any]) -> Table:
    """Return the bytes, operations and speeds of the steps of the ladder, and their shares of the roofs."""
    rows = []
    for entry in data["ladder"]["shapes"]:
        for name in entry["order"]:
            one = entry["contestants"][name]
            size, operations, seconds = one["bytes_per_epoch"], one["operations_per_epoch"], one["seconds"]
            rows.append(
                [
                    Cell(title(name)),
                    shape_cell(entry),
                    Cell(f"{size:,}", size),
                    Cell(f"{operations:,}", operations),
                    Cell(format_number(operations / size), operations / size),
                    Cell(format_number(size / seconds / 1e9), size / seconds),
                    Cell(format_number(operations / seconds / 1e9), operations / seconds),
                    describe_roof(data, entry, name),
                ]
            )
    columns = ["step", "shape", "bytes", "operations", "operations per byte", "GB/s", "billion operations/s", "roof"]
    return Table("roofline", "What an epoch asks of the machine", columns, rows)


def describe_roof(data: dict[str, Any], entry: dict[str, Any], name: str) -> Cell:
    """Return the roof above a step, and the share of it that the step reaches.

    An X that is a little larger than the last cache comes from cache in part: the cell then has the shares of both
    roofs.
    """
    one = entry["contestants"][name]
    limit = {limit["threads"]: limit for limit in data["roofline"]["limits"]}.get(one["threads"])
    if limit is None or "memory" not in limit["bytes_per_second"] or not limit["operations_per_second"]:
        return Cell("not known", 0.0)
    speed = one["bytes_per_epoch"] / one["seconds"]
    held = held_bytes(entry, name)
    shares = {level: speed / limit["bytes_per_second"][level] for level in levels_of(data["machine"], limit, held)}
    computing = one["operations_per_epoch"] / one["seconds"] / limit["operations_per_second"]
    if computing > max(shares.values()):
        shares = {"the peak": computing}
    return Cell(", ".join(f"{format_share(share)} of {roof}" for roof, share in shares.items()), max(shares.values()))


def price_table(data: dict[str, Any]) -> Table:
    """Return the times of the stages of each backend's start."""
    rows = []
    for name, one in data["price"]["starts"].items():
        seconds, extremes = one["seconds"], one["extremes"]
        times = [Cell(format_measured(seconds[stage], extremes[stage]), seconds[stage]) for stage in PRICE_STAGES]
        rows.append([Cell(title(name)), *times])
    return Table("price", "The times of a fresh process (and extremes)", ["backend", *PRICE_STAGES.values()], rows)


def paid_table(data: dict[str, Any]) -> Table:
    """Return the numbers of epochs after which the start of each backend has paid, at each shape of the ladder."""
    starts, rows = data["price"]["starts"], []
    for entry in shapes_of(data, "ladder"):
        times = {name: one["seconds"] for name, one in entry["contestants"].items()}
        for name in (name for name in starts if base_of(name) in times):
            epochs = [overtakes(starts, times, name, other, data["conditions"]["noise_floor"]) for other in OVERTAKEN]
            rows.append([Cell(title(name)), shape_cell(entry), *epochs])
    columns = ["backend", "shape", *(f"epochs to overtake {title(other)}" for other in OVERTAKEN)]
    caption = "After how many epochs a start has paid (and with the extremes of both starts and the noise of epochs)"
    return Table("paid", caption, columns, rows)


def overtakes(starts: dict[str, Any], times: dict[str, float], name: str, other: str, floor: float) -> Cell:
    """Return the number of epochs after which a backend has overtaken another, and its range over both waits.

    The range also has epochs that differ more, or less, by the noise floor.
    """
    backend = base_of(name)
    if backend == other or other not in times:
        return Cell("", -1.0)
    waits = [[starts[one]["seconds"][WAIT], *starts[one]["extremes"][WAIT]] for one in (name, other)]
    (middle, least, most), (other_middle, other_least, other_most) = waits
    cases = (middle, other_middle, 1.0), (least, other_most, 1.0 + floor), (most, other_least, 1.0 / (1.0 + floor))
    epochs = [
        epochs_to_pay(wait, times[backend], other_wait, factor * times[other]) for wait, other_wait, factor in cases
    ]
    shown, low, high = map(format_epochs, epochs)
    text = shown if low == high else f"{shown} ({low} to {high})"
    return Cell(text, float("inf") if epochs[0] is None else epochs[0])


def rates_table(found: dict[str, Any]) -> Table:
    """Return the rates that were compared, and the cost that each reached."""
    least, rows = found["rates"]["least_cost"], []
    for run in found["rates"]["runs"]:
        last = run["costs"][-1] - least
        multiple, rate = run["multiple"], run["rate"]
        rows.append(
            [
                Cell(f"{multiple:g}/L", multiple),
                Cell(format_number(rate), rate),
                Cell(f"{run['costs'][0] - least:.3g}", run["costs"][0] - least),
                Cell(f"{last:.3g}", last),
                Cell(describe_rate(multiple)),
            ]
        )
    epochs = len(found["rates"]["runs"][0]["costs"]) - 1
    columns = ["rate", "as a number", "J − least J, first", f"J − least J, after {epochs}", "effect"]
    return Table("rates", "Rates on one problem with two features", columns, rows)


def describe_rate(multiple: float) -> str:
    """Return the effect of a constant rate, by theory."""
    if multiple > 2:
        return "beyond 2/L: the error in the steepest direction grows in every epoch, and the cost in the end"
    if multiple > 1:
        return "jumps over the minimum in the steepest direction, but still comes nearer"
    return "safe: no direction is overshot" if multiple == 1 else "too small: safe, and slow"
