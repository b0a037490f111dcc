"""The times of one shape."""

from collections.abc import Mapping
from math import floor, log10
from textwrap import fill
from typing import TYPE_CHECKING, Any

from fastgd.bench.table import format_number
from fastgd.plots.contestants import color, describe_settings, tell, title
from fastgd.plots.figures import LETTER, font_size, new_figure, set_title, size_in_points, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NAME_WIDTH, LABEL_WIDTH = 22, 20  # letters of a line of a bar's name, and of what is written beside it


def ladder(results: Mapping[str, Any], shape: tuple[int, int], *, ax: "Axes | None" = None) -> "Axes":
    """Draw the time of an epoch at one shape, a bar for each contestant, from the slowest down to the limit.

    Parameters
    ----------
    results : mapping
        What `fastgd.bench.measure` returned, or its JSON; an entry of a shape may have an "order" of its contestants,
        as a study's ladder has, which else are drawn from the slowest to the fastest.
    shape : (n_samples, n_features)
        One of the shapes in it.
    ax : matplotlib Axes or None
        Where to draw; None makes a new figure.

    Returns
    -------
    matplotlib Axes
        With µs per epoch across, on a logarithmic scale; lines are quartiles. Labels say how many times faster than the
        Python loop over lists, or than the slowest where that was not timed.

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
    ['1,000 µs', '10.0 µs   100×']
    """
    entries = {(entry["n_samples"], entry["n_features"]): entry for entry in results["shapes"]}
    if shape not in entries:
        raise ValueError(f"shape must be one of {', '.join(map(str, entries))}; got {shape}")
    found = entries[shape]["contestants"]
    names = entries[shape].get("order") or sorted(found, key=lambda name: -found[name]["seconds"])
    times = [found[name]["seconds"] * 1e6 for name in names]
    lower, upper = zip(*([1e6 * quartile for quartile in found[name]["quartiles"]] for name in names), strict=True)
    if ax is None:
        ax = new_figure(9, 5.5).add_subplot()
    rows = range(len(names))
    bars = ax.barh(
        rows, times, color=[color(name) for name in names], height=0.7, edgecolor=style("axes.edgecolor"), linewidth=0.6
    )
    for bar, name in zip(bars, names, strict=True):
        bar.set_gid(tell(name, found[name]))
    ax.set_yticks(rows, [fill(title(name), NAME_WIDTH) for name in names], fontsize="small")
    ax.hlines(rows, lower, upper, color=style("text.color"), linewidth=1.5)
    reference = "python" if "python" in found else names[0]
    for row, name in enumerate(names):
        ratio = found[reference]["seconds"] / found[name]["seconds"]
        label = f"{format_number(times[row])} µs"
        label += "" if name == reference else f"   {format_ratio(ratio)}×"
        end = max(times[row], upper[row])
        ax.annotate(label, (end, row), (5, 0), textcoords="offset points", va="center", fontsize="small")
    # The bars of a logarithmic axis begin anywhere: at a power of ten below them all. On the right, room for labels.
    begin, end = 10 ** floor(log10(min(times)) - 0.3), max(*times, *upper)
    room = LABEL_WIDTH * LETTER * font_size("small")
    ax.set(xscale="log", xlim=(begin, end * (end / begin) ** (room / (0.85 * size_in_points(ax)[0] - room))))
    ax.set_xlabel(f"µs per epoch\n(×: speed-up over {title(reference)})")
    set_title(ax, f"One epoch, {shape[0]:,} samples × {shape[1]:,} features", describe_settings(results))
    ax.invert_yaxis()
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def format_ratio(ratio: float) -> str:
    """Return a speed-up, with two digits or those before the decimal point."""
    return f"{ratio:,.0f}" if ratio >= 9.95 else f"{ratio:#.2g}"
