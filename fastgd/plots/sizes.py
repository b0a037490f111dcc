"""Times against the size of X, and against the number of epochs."""

from collections.abc import Mapping
from math import exp, fsum, log
from typing import TYPE_CHECKING, Any

import numpy as np

from fastgd.bench.text import base_of, describe_settings, describe_time, format_time, shape_of, title
from fastgd.inputs.words import printable
from fastgd.plots.figures import color_of, legend_below, line_style, new_figure, plain, set_title, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_EPOCHS = 1e6
STYLES = ("-", "--", "-.", ":")  # for the ways in which one backend was started


def epoch_times(results: Mapping[str, Any], *, ax: "Axes | None" = None) -> "Axes":
    """Draw the time of an epoch against the size of X, a line for each contestant and one for the limit.

    Parameters
    ----------
    results : mapping
        The results of `fastgd.bench.measure`, or their JSON.
    ax : matplotlib Axes or None
        The axes to draw on; None makes a new figure.

    Returns
    -------
    matplotlib Axes
        Axes with bytes of X across and µs per epoch upwards, both on logarithmic scales; cache sizes are vertical
        lines. A point is a shape; the line passes shapes of one size at the geometric mean of their times.

    Raises
    ------
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> from fastgd import plots
    >>> times = {"numpy": 1e-5, "cython": 2e-6}
    >>> found = {name: {"seconds": time, "quartiles": [0.9 * time, 1.1 * time]} for name, time in times.items()}
    >>> shape = {"n_samples": 1000, "n_features": 10, "bytes": 80_000, "contestants": found}
    >>> ax = plots.epoch_times({"machine": {"caches": {"L1": 32_768}}, "shapes": [shape]})
    >>> ax.lines[1].get_gid()
    'NumPy, 1,000 × 10: 10.0 µs per epoch (9.00 to 11.0)'
    """
    if ax is None:
        ax = new_figure(9, 5.5).add_subplot()
    ax.set(xscale="log", yscale="log", xlabel="bytes of X", ylabel="µs per epoch")
    entries = sorted(results["shapes"], key=lambda entry: (entry["bytes"], -entry["n_samples"]))
    last = {name: one["seconds"] for entry in entries for name, one in entry["contestants"].items()}
    for name in sorted(last, key=lambda name: (name != "python", -last[name])):
        draw_times(ax, name, [entry for entry in entries if name in entry["contestants"]])
    for level, size in results["machine"]["caches"].items():
        ax.axvline(size, color=style("axes.edgecolor"), alpha=0.7, linestyle=":", linewidth=1)
        place: dict[str, Any] = {"xycoords": ("data", "axes fraction"), "textcoords": "offset points"}
        ax.annotate(plain(printable(level)), (size, 1), (3, -12), fontsize="small", **place)
    ticks = {4**k * 1024: f"{4**k} KB" if k < 5 else f"{4 ** (k - 5)} MB" for k in range(10)}
    ax.set_xticks(list(ticks), list(ticks.values()), fontsize="small")
    ax.minorticks_off()
    ax.grid(alpha=0.25)
    set_title(ax, "An epoch against the size of X", describe_settings(results))
    legend_below(ax)
    return ax


def draw_times(ax: "Axes", name: str, entries: list[dict[str, Any]]) -> None:
    """Draw the line and the points of one contestant."""
    points = [(entry["bytes"], entry["contestants"][name]["seconds"] * 1e6) for entry in entries]
    times = {size: [time for other, time in points if other == size] for size, _ in points}
    means = [exp(fsum(map(log, group)) / len(group)) for group in times.values()]
    look = {"color": color_of(name), **line_style(name)}
    (line,) = ax.plot(list(times), means, label=plain(title(name)), markevery=[], **look)  # the legend shows the marker
    line.set_gid(f"{title(name)}: {len(points)} shapes")
    for entry, point in zip(entries, points, strict=True):
        (mark,) = ax.plot(*point, label=f"_{name}", **{**look, "linestyle": ""})
        mark.set_gid(describe_time(name, entry["contestants"][name], shape_of(entry)))


def total_time(times: Mapping[str, tuple[float, float]], *, ax: "Axes | None" = None) -> "Axes":
    """Draw the time from the start of a process to its last epoch, against the number of epochs.

    A backend that starts later may overtake others.

    Parameters
    ----------
    times : mapping of str to pair of float
        The seconds to the end of the first epoch, and the seconds of each further epoch, by the name of the backend.
        The way in which it was started may follow a comma.
    ax : matplotlib Axes or None
        The axes to draw on; None makes a new figure.

    Returns
    -------
    matplotlib Axes
        Axes with epochs across and seconds upwards, both on logarithmic scales.

    Raises
    ------
    ValueError
        If there are no times.
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> from fastgd import plots
    >>> ax = plots.total_time({"numpy": (0.001, 1e-5), "numba, nothing cached": (1.5, 1e-6)})
    >>> [line.get_label() for line in ax.lines]
    ['NumPy', 'Numba, nothing cached']
    """
    if not times:
        raise ValueError("times must have at least one backend; got an empty mapping")
    if ax is None:
        ax = new_figure().add_subplot()
    epochs = np.geomspace(1.0, MOST_EPOCHS, 61)
    drawn: list[str] = []
    for name, (first, epoch) in times.items():
        backend = base_of(name)
        (line,) = ax.plot(epochs, first + (epochs - 1) * epoch, color=color_of(backend), label=plain(title(name)))
        line.set(
            linestyle=STYLES[drawn.count(backend) % len(STYLES)],
            marker=line_style(backend)["marker"],
            markevery=12,
            markersize=5,
        )
        line.set_gid(f"{title(name)}: first epoch done after {format_time(first)}, {format_time(epoch)} per epoch")
        drawn.append(backend)
    ax.set(xscale="log", yscale="log", xlabel="epochs", ylabel="seconds from the start")
    ax.grid(alpha=0.3)
    legend_below(ax)
    return ax
