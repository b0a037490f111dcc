"""The times of one shape."""

from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from fastgd.bench.differences import differ
from fastgd.bench.text import (
    base_of,
    describe_price,
    describe_settings,
    describe_time,
    find_prices,
    format_ratio,
    format_time,
    shape_of,
    threads_of,
    title,
)
from fastgd.plots.figures import color_of, lines_of, new_figure, plain, point_style, set_title, style
from fastgd.plots.ladder_labels import draw_guides, label_of, name_step, write_labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes

OTHER_ALGORITHMS = ("sgd",)  # a row of their own, without a speed-up
LINE = 0.6  # rows for the name of a limit, above the first step
Pair = tuple[Mapping[str, Any], Mapping[str, Any]]
MARKER = 9  # the size of a marker in points


def ladder(results: Mapping[str, Any], shape: tuple[int, int], *, ax: "Axes | None" = None) -> "Axes":
    """Draw the time of an epoch at one shape, a step for each contestant, from the slowest down to the fastest.

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
        Axes with a row for each contestant, and the time per epoch across, on a logarithmic scale. Reading X once, the
        limit, is a line from top to bottom, and another algorithm stands below the steps. A point is the time, and a
        thin line its quartiles. A bar runs from the time of the row before to that of its own row: its
        length is the speed-up over that row. A label has the time, and the speed-up over the Python loop over lists, or
        over the first row where that loop was not timed. The compressed and the whitened problem have another label:
        the time of making the problem once, and how long 1,000 epochs take by NumPy and on this problem.

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
    found, conditions = entry["contestants"], results.get("conditions")
    prices = find_prices(entry)
    steps, others, limits = sort_contestants(entry)
    names, reference = [*steps, *others], "python" if "python" in found else steps[0]
    if ax is None:
        ax = new_figure(9, 5.5).add_subplot()
    ax.set(xscale="log", ylim=(len(names) - 0.4, -0.6 - LINE * len(limits)))
    ax.set_yticks(range(len(names)), [plain(name_step(name)) for name in names], fontsize="small")
    tips = {name: describe_price(name, prices[name]) if name in prices else "" for name in names}
    for row, name in enumerate(names):
        draw_time(ax, row, name, found[name], tips[name])
    for row, (before, name) in enumerate(pairwise(steps), 1):
        told = describe_gain((before, name), (found[before], found[name]), conditions)
        draw_step(ax, row, name, (found[before], found[name]), told + tips[name])
    labels = [label_of(entry, name, None if name in others else reference, conditions) for name in names]
    write_labels(ax, labels, [found[name] for name in names], [found[name]["seconds"] for name in limits])
    draw_guides(ax, [found[name]["seconds"] for name in names])
    for row, name in enumerate(limits, 1):
        draw_limit(ax, -0.6 - LINE * (row - 0.5), name, found[name])
    meanings = f"×: times as fast as {title(reference)};", "a bar's length: the gain over the step before"
    ax.set_xlabel(plain("\n".join(["time per epoch", *(line for text in meanings for line in lines_of(ax, text))])))
    set_title(ax, f"One epoch, {shape[0]:,} samples × {shape[1]:,} features", describe_settings(results))
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def sort_contestants(entry: Mapping[str, Any]) -> tuple[list[str], list[str], list[str]]:
    """Return the steps in their order, other algorithms, and the loops that only read X: the limits."""
    found = entry["contestants"]
    names = entry.get("order") or sorted(found, key=lambda name: -found[name]["seconds"])
    limits = [name for name in names if base_of(name) == "read"]
    others = [name for name in names if base_of(name) in OTHER_ALGORITHMS]
    steps = [name for name in names if name not in limits and name not in others]
    return (steps, others, limits) if steps else (names, [], [])


def draw_time(ax: "Axes", row: int, name: str, one: Mapping[str, Any], price: str) -> None:
    """Draw the time of one contestant, and its quartiles, which show where they are wider than the marker."""
    (mark,) = ax.plot([one["seconds"]], [row], zorder=3, **{**point_style(name), "markersize": MARKER})
    mark.set_gid(describe_time(name, one) + price)
    ax.hlines(row, *one["quartiles"], color=style("text.color"), linewidth=1.5, zorder=2.5)


def draw_limit(ax: "Axes", y: float, name: str, one: Mapping[str, Any]) -> None:
    """Draw the time of reading X once as a line from top to bottom, with its name at a height."""
    seconds, color = one["seconds"], color_of(name)
    dashes = "--" if threads_of(name) == 1 else ":"
    line = ax.axvline(seconds, color=color, linestyle=dashes, linewidth=1.2, zorder=1.8)
    line.set_gid(f"the limit: {describe_time(name, one)}")
    text = plain(f"the limit: {title(name)}, {format_time(seconds)}")
    ax.annotate(text, (seconds, y), (4, 0), textcoords="offset points", va="center", fontsize="small", color=color)


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
