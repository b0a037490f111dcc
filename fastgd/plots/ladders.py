"""The times of one shape."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import exp, log
from textwrap import fill
from typing import TYPE_CHECKING, Any

from fastgd.bench.differences import differ
from fastgd.bench.fits import describe_fit, once_of
from fastgd.bench.text import (
    describe_price,
    describe_settings,
    describe_time,
    find_prices,
    format_ratio,
    format_time,
    shape_of,
    title,
)
from fastgd.plots.figures import (
    LETTER,
    color_of,
    font_size,
    lines_of,
    new_figure,
    plain,
    point_style,
    set_title,
    size_in_points,
    style,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NAME_WIDTH = 22  # letters in a line of a step's name
NOTES = {"whitened": "one epoch is enough"}  # below a step's name, for the gain that no time of an epoch shows
Pair = tuple[Mapping[str, Any], Mapping[str, Any]]
MARKER, GAP = 9, 9  # in points: the size of a marker, and the distance from its middle to its label


def ladder(results: Mapping[str, Any], shape: tuple[int, int], *, ax: "Axes | None" = None) -> "Axes":
    """Draw the time of an epoch at one shape, a step for each contestant, from the slowest down to the limit.

    Parameters
    ----------
    results : mapping
        The results of `fastgd.bench.measure`, or their JSON. As in a study's ladder, the entry of a shape may have an
        "order" of its contestants, by default from the slowest to the fastest, and "compress" and "whiten", the
        "seconds" and "quartiles" of compressing and of whitening the problem once. With the "conditions" of a study,
        no step is called faster by less than their noise floor.
    shape : (n_samples, n_features)
        One of the shapes in the results.
    ax : matplotlib Axes or None
        The axes to draw on; None makes a new figure.

    Returns
    -------
    matplotlib Axes
        Axes with a row for each contestant, and the time per epoch across, on a logarithmic scale. A point is the
        time, and a thin line its quartiles. A bar runs from the time of the row before to that of its own row: its
        length is the speed-up over that row. A label has the time, and the speed-up over the Python loop over lists, or
        over the first row where that loop was not timed. The labels of the compressed and of the whitened problem have
        the time of making them, and that of 1,000 epochs of NumPy and of their own instead.

    Raises
    ------
    ValueError
        If the results have no such shape.
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> from fastgd import plots
    >>> times = {"python": 1e-3, "numpy": 1e-5}
    >>> found = {name: {"seconds": time, "quartiles": [time, time]} for name, time in times.items()}
    >>> results = {"shapes": [{"n_samples": 1000, "n_features": 10, "contestants": found}]}
    >>> ax = plots.ladder(results, (1000, 10))
    >>> [text.get_text() for text in ax.texts]
    ['1.00 ms', '10.0 µs   100×']
    """
    entries = {shape_of(entry): entry for entry in results["shapes"]}
    if shape not in entries:
        raise ValueError(f"shape must be one of {', '.join(map(str, entries))}; got {shape}")
    entry = entries[shape]
    found = entry["contestants"]
    prices = find_prices(entry)
    names = entry.get("order") or sorted(found, key=lambda name: -found[name]["seconds"])
    reference = "python" if "python" in found else names[0]
    if ax is None:
        ax = new_figure(9, 5.5).add_subplot()
    ax.set(xscale="log", ylim=(len(names) - 0.4, -0.6))
    ax.set_yticks(range(len(names)), [plain(name_step(name)) for name in names], fontsize="small")
    tips = {name: describe_price(name, prices[name]) if name in prices else "" for name in names}
    for row, name in enumerate(names):
        draw_time(ax, row, name, found[name], tips[name])
    for row, (before, name) in enumerate(pairwise(names), 1):
        told = describe_gain((before, name), (found[before], found[name]), results.get("conditions"))
        draw_step(ax, row, name, (found[before], found[name]), told + tips[name])
    write_labels(ax, [label_of(entry, name, reference) for name in names], [found[name] for name in names])
    draw_guides(ax, [found[name]["seconds"] for name in names])
    meanings = f"(×: speed-up over {title(reference)};", "a bar's length: that over the step before)"
    ax.set_xlabel(plain("\n".join(["time per epoch", *(line for text in meanings for line in lines_of(ax, text))])))
    set_title(ax, f"One epoch, {shape[0]:,} samples × {shape[1]:,} features", describe_settings(results))
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def name_step(name: str) -> str:
    """Return the name of a step in short lines, with its note below."""
    title_lines = fill(title(name), NAME_WIDTH)
    return f"{title_lines}:\n{NOTES[name]}" if name in NOTES else title_lines


def draw_time(ax: "Axes", row: int, name: str, one: Mapping[str, Any], price: str) -> None:
    """Draw the time of one contestant, and its quartiles, which show where they are wider than the marker."""
    (mark,) = ax.plot([one["seconds"]], [row], zorder=3, **{**point_style(name), "markersize": MARKER})
    mark.set_gid(describe_time(name, one) + price)
    ax.hlines(row, *one["quartiles"], color=style("text.color"), linewidth=1.5, zorder=2.5)


def draw_step(ax: "Axes", row: int, name: str, measured: Pair, told: str) -> None:
    """Draw the step from the row before down to this row: a rule, and a bar as long as the speed-up, with its tip."""
    before, after = (one["seconds"] for one in measured)
    ax.vlines(before, row - 1, row, color=style("axes.edgecolor"), linewidth=0.8, alpha=0.5, zorder=1.5)
    (bar,) = ax.barh(row, after - before, left=before, height=0.4, color=color_of(name), alpha=0.45, zorder=2)
    bar.set_gid(told)


def describe_gain(names: tuple[str, str], measured: Pair, conditions: Mapping[str, Any] | None) -> str:
    """Return how much faster a step is than the one before, if it is so reliably."""
    before, after = (one["seconds"] for one in measured)
    if not differ(*measured, conditions):
        gain = "no reliable difference from"
    elif after > before:
        gain = f"slower here, {format_ratio(after / before)} the time of"
    else:
        gain = f"{format_ratio(before / after)} as fast as"
    return f"{title(names[1])}: {gain} {title(names[0])}"


def label_of(entry: Mapping[str, Any], name: str, reference: str) -> str:
    """Return a time and its speed-up over the reference, or the time of a whole fit where it begins with other work."""
    found, seconds = entry["contestants"], entry["contestants"][name]["seconds"]
    label, once = format_time(seconds), once_of(entry, name)
    if once:  # an epoch alone says little about a fit that needs other work first
        usual = "numpy" if "numpy" in found else reference
        return f"{label} + {format_time(once)} once\n{describe_fit(entry, usual, name)}"
    return label + ("" if name == reference else f"   {format_ratio(found[reference]['seconds'] / seconds, digits=2)}")


def write_labels(ax: "Axes", labels: Sequence[str], measured: Sequence[Mapping[str, Any]]) -> None:
    """Write the labels to the right of all marks of their rows, and make room for them."""
    width = 0.85 * size_in_points(ax)[0]
    begin = min(min(one["seconds"], *one["quartiles"]) for one in measured) / 1.6
    span = log(10)  # at least a power of ten, for ticks
    for row, (label, one) in enumerate(zip(labels, measured, strict=True)):
        right = max(one["seconds"], one["quartiles"][1], measured[max(row - 1, 0)]["seconds"])
        ax.annotate(label, (right, row), (GAP, 0), textcoords="offset points", va="center", fontsize="small")
        room = GAP + LETTER * font_size("small") * max(map(len, label.split("\n")))
        span = max(span, log(right / begin) / (1 - min(room / width, 0.7)))
    ax.set_xlim(begin, begin * exp(span))


def draw_guides(ax: "Axes", times: Sequence[float]) -> None:
    """Draw rules from names to points, and ticks for their times: at powers of ten, or closer where these are few."""
    from matplotlib.ticker import EngFormatter, LogLocator, NullFormatter

    begin, end = ax.get_xlim()
    most = int(size_in_points(ax)[0] / (8 * LETTER * font_size("medium")))
    ax.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if end < 100 * begin else (1.0,), numticks=most))
    ax.xaxis.set_major_formatter(EngFormatter(unit="s"))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.grid(axis="x", alpha=0.25)
    lefts = [times[0], *map(min, pairwise(times))]  # a whole grid would run through the labels
    ax.hlines(range(len(times)), begin, lefts, color=style("grid.color"), linewidth=0.8, alpha=0.25, zorder=1)
