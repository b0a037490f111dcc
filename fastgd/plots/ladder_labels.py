"""The words of a ladder: names of the steps, labels beside their marks, and the ticks below."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import exp, inf, log
from textwrap import fill
from typing import TYPE_CHECKING, Any

from fastgd.bench.differences import differ
from fastgd.bench.fits import describe_fit, once_of
from fastgd.bench.text import format_ratio, format_time, title
from fastgd.plots.figures import LETTER, font_size, size_in_points, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NAME_WIDTH = 22  # letters in a line of a step's name
NOTES = {"whitened": "one epoch is enough"}  # below a step's name, for the gain that no time of an epoch shows
GAP = 9  # points from the middle of a marker to its label


def name_step(name: str) -> str:
    """Return the name of a step in short lines, with its note below."""
    title_lines = fill(title(name), NAME_WIDTH)
    return f"{title_lines}:\n{NOTES[name]}" if name in NOTES else title_lines


def label_of(
    entry: Mapping[str, Any], name: str, reference: str | None, conditions: Mapping[str, Any] | None = None
) -> str:
    """Return a time and its speed-up over the reference, or the time of a whole fit where it begins with other work.

    A speed-up that is not reliable is left out.
    """
    found, seconds = entry["contestants"], entry["contestants"][name]["seconds"]
    label, once = format_time(seconds), once_of(entry, name)
    if once and reference:  # an epoch alone says little about a fit that needs other work first
        usual = "numpy" if "numpy" in found else reference
        return f"{label} + {format_time(once)} once\n{describe_fit(entry, usual, name)}"
    if reference is None or not differ(found[reference], found[name], conditions):
        return label
    return f"{label}   {format_ratio(found[reference]['seconds'] / seconds, digits=2)}"


def write_labels(
    ax: "Axes", labels: Sequence[str], measured: Sequence[Mapping[str, Any]], others: Sequence[float]
) -> None:
    """Write the labels to the right of all marks of their rows, and make room for them and for other times."""
    width = 0.85 * size_in_points(ax)[0]
    begin = min(*others, *(min(one["seconds"], *one["quartiles"]) for one in measured), inf) / 1.6
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
