"""The roofline: the speed of computations below the limits of the machine."""

from collections.abc import Mapping, Sequence
from math import hypot, inf, log, log10
from typing import TYPE_CHECKING, Any

from fastgd.bench.text import describe_settings, describe_time, format_number, format_rate, shape_of, title
from fastgd.inputs.words import count, printable, quote_names
from fastgd.plots.figures import (
    color_of,
    font_size,
    legend_below,
    new_figure,
    plain,
    point_style,
    set_title,
    size_in_points,
    style,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SMALLEST, LARGEST = 3.5, 7.5  # markers, by the size of X
LABELS = 0.25  # the room for labels on the roofs, as a share of the width
LINE = 1.4  # the height of a line of text, as a multiple of the size of letters
BELOW = 0.04  # of the lowest roof: slower computations are named at the lower edge, so that the others have room
CROWD = 1.15  # operations per byte in this ratio belong to marks above each other
EDGE, COLUMN = 0.05, 0.66  # the height of marks at the lower edge, and the place of names, as shares of the axes
APART = 4.0  # points between the middles of marks that would hide each other
CROWDED = 4  # names that are written beside their marks
WORK = {"operations_per_epoch", "bytes_per_epoch"}


def roofline(results: Mapping[str, Any], *, ax: "Axes | None" = None) -> "Axes":
    """Draw operations per second against operations per byte, below the roofs of the machine.

    The picture is that of Williams, Waterman and Patterson (2009): the speed of a computation is limited by the
    bandwidth of the level of memory that its data are in, times its operations per byte, or by the peak of the
    processor.

    Parameters
    ----------
    results : mapping
        The results of `fastgd.bench.measure`, or their JSON, with "limits"; a limit may have "quartiles".
    ax : matplotlib Axes or None
        The axes to draw on; None makes a new figure.

    Returns
    -------
    matplotlib Axes
        Axes with operations per byte across and operations per second upwards, both on logarithmic scales. Roofs are
        solid for one thread and dashed for more. A point is a contestant at a shape; its size grows with that of X.
        Where many have the same operations per byte, they stand a little apart, and lines lead to their names. Points
        far below the roofs are at the lower edge, with their speed.

    Raises
    ------
    ValueError
        If the results have no limits.
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> from fastgd import plots
    >>> limit = {"threads": 1, "operations_per_second": 5e10, "bytes_per_second": {"L1": 2e11, "memory": 1e10}}
    >>> work = {"operations_per_epoch": 40_000, "bytes_per_epoch": 80_000}
    >>> found = {"numpy": {"seconds": 1e-5, "quartiles": [0.9e-5, 1.1e-5], **work}}
    >>> shape = {"n_samples": 1000, "n_features": 10, "contestants": found}
    >>> ax = plots.roofline({"limits": [limit], "shapes": [shape]})
    >>> print(ax.lines[-1].get_gid())
    NumPy, 1,000 × 10: 10.0 µs per epoch (9.00 to 11.0), 4.00 Gop/s at 0.500 operations per byte
    """
    from matplotlib.lines import Line2D

    limits = results.get("limits")
    if not limits:
        had = quote_names([*results]) or "nothing"
        raise ValueError(f"results must have 'limits', the most that the machine can do; got only {had}")
    points = [
        (entry, name)
        for entry in sorted(results["shapes"], key=size_of, reverse=True)  # small markers lie on large ones
        for name, one in reversed(entry["contestants"].items())
        if one.keys() >= WORK
    ]
    if ax is None:
        ax = new_figure(9, 5.5).add_subplot()
    reached = [place_of(entry["contestants"][name]) for entry, name in points]
    low, high = find_range(limits, [intensity for intensity, _ in reached])
    heights = [speed for intensity, speed in reached if not is_below(limits, intensity, speed)]
    heights += [height for limit in limits for level in levels(limit) for height in roof(limit, level, [low, high])]
    ax.set(xscale="log", yscale="log", xlim=(low, high))
    if heights:
        ax.set_ylim(min(heights) / 2, 3 * max(heights))
    handles = [draw_roofs(ax, limit, low, high) for limit in limits if levels(limit)]
    label_peaks(ax, limits, high)
    sizes = {size_of(entry) for entry, _ in points}
    placed = [(*place, name) for (_, name), place in zip(points, reached, strict=True)]
    below = {name: (intensity, speed) for intensity, speed, name in reversed(placed) if speed < ax.get_ylim()[0]}
    crowd = find_crowd([one for one in placed if one[2] not in below])
    shifts = spread(ax, [name for *_, name in crowd])
    for entry, name in points:
        draw_point(ax, entry, name, marker_size(size_of(entry), sizes), shifts.get(name))
    label_below(ax, below)
    label_crowd(ax, crowd, shifts)
    drawn = {name for _, name in points} - {name for *_, name in crowd}
    names = [name for name in dict.fromkeys(n for e in results["shapes"] for n in e["contestants"]) if name in drawn]
    handles += [Line2D([], [], label=plain(title(name)), **point_style(name)) for name in names]
    ax.set(xlabel="operations per byte", ylabel="operations per second")
    ax.grid(alpha=0.25)
    set_title(ax, "Roofline" + (" (larger marker: larger X)" if len(sizes) > 1 else ""), describe_settings(results))
    legend_below(ax, handles)
    return ax


def size_of(entry: Mapping[str, Any]) -> int:
    """Return the number of elements of X."""
    return int(entry["n_samples"] * entry["n_features"])


def place_of(one: Mapping[str, Any]) -> tuple[float, float]:
    """Return a contestant's operations per byte and per second."""
    operations = one["operations_per_epoch"]
    return operations / one["bytes_per_epoch"], operations / one["seconds"]


def levels(limit: Mapping[str, Any]) -> list[str | None]:
    """Return the levels of memory with a roof. None stands for a processor's peak without any such level."""
    return [*limit["bytes_per_second"]] or [None] * bool(limit["operations_per_second"])


def roof(limit: Mapping[str, Any], level: str | None, intensities: list[float]) -> list[float]:
    """Return the heights of a level's roof at intensities, which are operations per byte."""
    peak, speed = limit["operations_per_second"] or inf, limit["bytes_per_second"].get(level, inf)
    return [min(peak, speed * intensity) for intensity in intensities]


def find_range(limits: list[dict[str, Any]], intensities: list[float]) -> tuple[float, float]:
    """Return the range of operations per byte, with all points and with the corners of roofs to their right."""
    corners = [
        limit["operations_per_second"] / speed
        for limit in limits
        for speed in limit["bytes_per_second"].values()
        if limit["operations_per_second"]
    ]
    shown = [*intensities, *corners] or [1.0]
    return min(intensities or shown) / 5, 8 * max(shown)  # with room for labels


def is_below(limits: Sequence[Mapping[str, Any]], intensity: float, speed: float) -> bool:
    """Return True if a computation is far slower than the lowest roof allows."""
    roofs = [roof(limit, level, [intensity])[0] for limit in limits for level in levels(limit)]
    return speed < BELOW * min(roofs, default=0.0)


def label_below(ax: "Axes", places: Mapping[str, tuple[float, float]]) -> None:
    """Write the speeds of the contestants whose marks are at the lower edge."""
    for intensity, speed in places.values():
        text = f"↓ {format_number(speed / 1e9, digits=2)} Gop/s"
        place: dict[str, Any] = {"xycoords": ax.get_xaxis_transform(), "textcoords": "offset points", "va": "center"}
        ax.annotate(text, (intensity, EDGE), (7, 0), fontsize="x-small", **place)


def find_crowd(points: Sequence[tuple[float, float, str]]) -> list[tuple[float, float, str]]:
    """Return the points of the contestants that all stand above each other; none where these are few.

    A point has its operations per byte, those per second, and a name.
    """
    crowds = [[one for one in points if 1 / CROWD < one[0] / middle < CROWD] for middle, *_ in points]
    crowd = max(crowds, key=len, default=[])
    names = {name for *_, name in crowd} - {one[2] for one in points if one not in crowd}
    return [one for one in crowd if one[2] in names] if len(names) >= CROWDED else []


def spread(ax: "Axes", names: Sequence[str]) -> dict[str, Any]:
    """Return transforms that move the marks of each name to the side a little, so that none hides another."""
    from matplotlib.transforms import ScaledTranslation

    distinct = list(dict.fromkeys(names))
    steps = {name: (k - (len(distinct) - 1) / 2) * APART / 72 for k, name in enumerate(distinct)}
    scale = ax.figure.dpi_scale_trans
    return {name: ax.transData + ScaledTranslation(step, 0, scale) for name, step in steps.items()}


def label_crowd(ax: "Axes", crowd: Sequence[tuple[float, float, str]], shifts: Mapping[str, Any]) -> None:
    """Write the names of points that stand above each other in a column below the roofs, with lines to the points."""
    line = 1.25 * font_size("x-small")
    for k, (intensity, speed, name) in enumerate(sorted(crowd, key=lambda one: one[1])):
        arrow = {"arrowstyle": "-", "color": color_of(name), "linewidth": 0.9, "relpos": (0, 0.5), "shrinkA": 1}
        place: dict[str, Any] = {"xycoords": shifts[name], "textcoords": ("axes fraction", "axes points")}
        column = (COLUMN, (k + 2) * line)
        look: dict[str, Any] = {"va": "center", "fontsize": "x-small", "arrowprops": arrow, **place}
        ax.annotate(plain(title(name)), (intensity, speed), column, **look)


def draw_roofs(ax: "Axes", limit: Mapping[str, Any], low: float, high: float) -> Any:
    """Draw a roof for each level of memory, thicker ones for slower levels; return the legend's entry for these."""
    from matplotlib.lines import Line2D

    threads, peak = limit["threads"], limit["operations_per_second"]
    words, quartiles = count(threads, "thread"), limit.get("quartiles", {})
    dashes = "-" if threads == 1 else (0, (5, 2))
    look: dict[str, Any] = {"color": style("text.color"), "linestyle": dashes, "zorder": 1}
    drawn = levels(limit)
    for k, level in enumerate(drawn):
        parts = [f"at most {format_rate(peak, 'Gop/s', quartiles.get('operations'))}"] if peak else []
        # Roofs of several threads begin to the right of the labels, which stand on those of one thread.
        begin, strength = low if threads == 1 else low * (high / low) ** LABELS, (k + 1) / len(drawn)
        ends = [begin, high]
        if level:
            speed = limit["bytes_per_second"][level]
            parts.insert(0, format_rate(speed, "GB/s", quartiles.get("bytes", {}).get(level)))
            ends[1:1] = [peak / speed] if peak and begin < peak / speed < high else []
        heights = roof(limit, level, ends)
        (line,) = ax.plot(ends, heights, alpha=0.35 + 0.5 * strength, linewidth=0.7 + 0.9 * strength, **look)
        line.set_gid(f"{printable(level or 'processor')}, {words}: {', '.join(parts)}")
    if threads == 1:
        label_slopes(ax, limit)
    return Line2D([], [], label=f"roofs, {words}", **look)


def label_slopes(ax: "Axes", limit: Mapping[str, Any]) -> None:
    """Write the names of levels on the left ends of the roofs of one thread.

    Where roofs are too close for text between them, all their names stand on the highest one, in their order.
    """
    # The distance in points of two lines of slope 1 is at least the logarithm of their ratio over `point`.
    (width, height), (low, high), (bottom, top) = size_in_points(ax), ax.get_xlim(), ax.get_ylim()
    point = hypot(log10(high / low) / (0.7 * width), log10(top / bottom) / (0.6 * height))
    line = LINE * font_size("x-small") * point
    groups: list[list[tuple[float, str]]] = []  # in ascending order, and so are the levels within each
    for speed, level in sorted((speed, level) for level, speed in limit["bytes_per_second"].items()):
        if groups and log10(speed / groups[-1][-1][0]) < line * len(groups[-1]):
            groups[-1].append((speed, level))
        else:
            groups.append([(speed, level)])
    for group in groups:
        x = low * (high / low) ** (0.02 * len(group) - 0.005)  # the upper ones of several lines begin further left
        (y,) = roof(limit, group[-1][1], [x])
        label_slope(
            ax, x, y, "\n".join(f"{printable(level)} {format_rate(speed, 'GB/s')}" for speed, level in reversed(group))
        )


def label_slope(ax: "Axes", x: float, y: float, text: str) -> None:
    """Write along a line of slope 1 from (x, y) on, at the angle that the axes give it."""
    from matplotlib.transforms import ScaledTranslation

    place: dict[str, Any] = {"rotation": 45, "rotation_mode": "anchor", "transform_rotates_text": True, "va": "bottom"}
    above = ScaledTranslation(0, 1.5 / 72, ax.figure.dpi_scale_trans)
    ax.text(
        log10(x),
        log10(y),
        plain(text),
        transform=ax.transLimits + ax.transAxes + above,
        fontsize="x-small",
        clip_on=True,
        **place,
    )


def label_peaks(ax: "Axes", limits: Sequence[Mapping[str, Any]], x: float) -> None:
    """Write the numbers of threads on the processor's roofs, up to x: below the lowest roof, above the others."""
    peaks = [(limit["operations_per_second"], limit["threads"]) for limit in limits if limit["operations_per_second"]]
    for k, (peak, threads) in enumerate(sorted(peaks)):
        place: dict[str, Any] = {"textcoords": "offset points", "ha": "right", "va": "bottom" if k else "top"}
        text = f"{count(threads, 'thread')}: {format_rate(peak, 'Gop/s')}"
        ax.annotate(text, (x, peak), (-3, 1 if k else -2), fontsize="x-small", **place)


def draw_point(ax: "Axes", entry: Mapping[str, Any], name: str, size: float, shift: Any) -> None:
    """Draw the speed of one contestant at one shape: moved by a transform or None, or at the lower edge."""
    one = entry["contestants"][name]
    intensity, speed = place_of(one)
    below = speed < ax.get_ylim()[0]
    look = {**point_style(name), "markersize": size, "transform": shift or ax.transData}
    if below:
        look["transform"] = ax.get_xaxis_transform()
    (mark,) = ax.plot([intensity], [EDGE if below else speed], zorder=3, alpha=0.9, **look)
    time = describe_time(name, one, shape_of(entry))
    mark.set_gid(f"{time}, {format_number(speed / 1e9)} Gop/s at {format_number(intensity)} operations per byte")


def marker_size(size: int, sizes: set[int]) -> float:
    """Return the size of a marker for a size of X among all sizes."""
    span = log(max(sizes) / min(sizes))
    return SMALLEST + (LARGEST - SMALLEST) * (log(size / min(sizes)) / span if span else 0.5)
