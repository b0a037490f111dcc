"""Pictures of results: functions that take results and return matplotlib Axes."""

from math import exp, floor, fsum, log, log10
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastgd.result import DescentResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLORS = {
    "python": "#E69F00", "numpy": "#0072B2", "numba": "#009E73", "cython": "#D55E00", "read": "#404040",
    "jax": "#CC79A7", "sgd": "#56B4E9",
}  # fmt: skip
MARKERS = {"python": "P", "numpy": "s", "numba": "^", "cython": "o", "read": "", "jax": "D", "sgd": "v"}


def import_matplotlib() -> Any:
    """Return matplotlib, or say what to install."""
    try:
        import matplotlib
    except ImportError as error:
        raise ImportError("pictures need matplotlib: pip install 'fastgd[plot]'") from error
    return matplotlib


def cost_history(result: DescentResult, *, ax: "Axes | None" = None, label: str | None = None) -> "Axes":
    """Draw cost against epoch.

    Parameters
    ----------
    result : DescentResult
        What `fastgd.gradient_descent` returned.
    ax : matplotlib Axes or None
        Where to draw; None makes a new figure.
    label : str or None
        The curve's name in a legend; None is the backend and the reason why the run ended.

    Returns
    -------
    matplotlib Axes
        With epochs across and costs, on a logarithmic scale, upwards.

    Raises
    ------
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> import fastgd
    >>> from fastgd import plots
    >>> result = fastgd.gradient_descent([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0])
    >>> plots.cost_history(result).get_xlabel()
    'epoch'
    """
    if ax is None:
        ax = new_figure().add_subplot()
    ax.plot(range(result.epochs), result.cost_history, label=label or f"{result.backend}: {result.reason}")
    ax.set(xlabel="epoch", ylabel="cost J", yscale="log")
    ax.grid(alpha=0.3, which="both")
    return ax


def ladder(results: dict[str, Any], shape: tuple[int, int], *, ax: "Axes | None" = None) -> "Axes":
    """Draw the time of an epoch at one shape, a bar for each contestant, from the slowest down to the limit.

    Parameters
    ----------
    results : dict
        What `fastgd.bench.measure` returned, or its JSON.
    shape : (n_samples, n_features)
        One of the shapes in it.
    ax : matplotlib Axes or None
        Where to draw; None makes a new figure.

    Returns
    -------
    matplotlib Axes
        With µs per epoch across, on a logarithmic scale; lines are quartiles. Labels say how many times faster than the
        Python loop, or than the slowest where the loop was not timed.

    Raises
    ------
    ValueError
        If the results have no such shape.
    """
    entries = {(entry["n_samples"], entry["n_features"]): entry for entry in results["shapes"]}
    if shape not in entries:
        raise ValueError(f"shape must be one of {', '.join(map(str, entries))}; got {shape}")
    found = entries[shape]["contestants"]
    names = sorted(found, key=lambda name: -found[name]["seconds"])
    times = [found[name]["seconds"] * 1e6 for name in names]
    lower, upper = zip(*([1e6 * quartile for quartile in found[name]["quartiles"]] for name in names), strict=True)
    if ax is None:
        ax = new_figure(9, 5.5).add_subplot()
    ax.barh([title(name) for name in names], times, color=[color(name) for name in names], height=0.7)
    ax.hlines(range(len(names)), lower, upper, color="black", linewidth=1.5)
    reference = "python" if "python" in found else names[0]
    for row, name in enumerate(names):
        ratio = found[reference]["seconds"] / found[name]["seconds"]
        label = f"{times[row]:#.3g}".rstrip(".") if times[row] < 100 else f"{times[row]:,.0f}"
        label += " µs" if name == reference else f" µs   {ratio:,.{0 if ratio >= 10 else 1}f}×"
        ax.annotate(label, (max(times[row], upper[row]), row), (5, 0), textcoords="offset points", va="center")
    # The bars of a logarithmic axis begin anywhere: at a power of ten below them all. On the right, room for labels.
    ax.set(
        xscale="log",
        xlim=(10 ** floor(log10(min(times)) - 0.3), max(*times, *upper) * (max(times) / min(times)) ** 0.35),
    )
    ax.set(xlabel=f"µs per epoch (×: speed-up over {title(reference)})")
    ax.set_title(f"One epoch, {shape[0]:,} samples × {shape[1]:,} features ({describe_settings(results)})", fontsize=11)
    ax.invert_yaxis()
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def roofline(results: dict[str, Any], *, ax: "Axes | None" = None) -> "Axes":
    """Draw the time of an epoch against the size of X, a line for each contestant, and the limit below them.

    Parameters
    ----------
    results : dict
        What `fastgd.bench.measure` returned, or its JSON.
    ax : matplotlib Axes or None
        Where to draw; None makes a new figure.

    Returns
    -------
    matplotlib Axes
        With bytes of X across and µs per epoch upwards, both on logarithmic scales; cache sizes are vertical lines.
        Every shape is a point; the line passes several of one size at their geometric mean.
    """
    if ax is None:
        ax = new_figure(9, 5.5).add_subplot()
    entries = sorted(results["shapes"], key=lambda entry: (entry["bytes"], -entry["n_samples"]))
    names = list(dict.fromkeys(name for entry in entries for name in entry["contestants"]))
    last = {
        name: [e["contestants"][name]["seconds"] for e in entries if name in e["contestants"]][-1] for name in names
    }
    for name in sorted(names, key=lambda name: (name != "python", -last[name])):
        points = [(e["bytes"], e["contestants"][name]["seconds"] * 1e6) for e in entries if name in e["contestants"]]
        times = {size: [time for other, time in points if other == size] for size, _ in points}
        means = [exp(fsum(map(log, group)) / len(group)) for group in times.values()]
        style = {"color": color(name), **line_style(name)}
        ax.plot(list(times), means, label=title(name), markevery=[], **style)  # the legend shows the marker
        ax.plot(*zip(*points, strict=True), label=f"_{name}", **{**style, "linestyle": ""})
    ax.set(xscale="log", yscale="log", xlabel="bytes of X", ylabel="µs per epoch")
    ax.set_title(f"An epoch against the size of X ({describe_settings(results)})", fontsize=11)
    for level, size in results["machine"]["caches"].items():
        ax.axvline(size, color="grey", linestyle=":", linewidth=1)
        ax.annotate(
            level, (size, 1), (3, -12), xycoords=("data", "axes fraction"), textcoords="offset points", color="dimgrey"
        )
    ticks = {4**k * 1024: f"{4**k} KB" if k < 5 else f"{4 ** (k - 5)} MB" for k in range(10)}
    ax.set_xticks(list(ticks), list(ticks.values()))
    ax.minorticks_off()
    ax.grid(alpha=0.25)
    ax.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
    return ax


def title(name: str) -> str:
    """Return what a picture calls a contestant of `fastgd bench`."""
    base, _, threads = name.partition("-")
    words = {"python": "Python loop", "numpy": "NumPy", "numba": "Numba", "cython": "Cython", "read": "read X once"}
    words |= {"jax": "JAX", "sgd": "SGDRegressor"}
    return words.get(base, base) + (f", {threads} threads" if threads else "")


def color(name: str) -> str:
    """Return a contestant's colour, of the palette of Okabe and Ito, which colour-blind people can tell apart."""
    return COLORS.get(name.partition("-")[0], "#999999")


def line_style(name: str) -> dict[str, Any]:
    """Return how a contestant's line differs from others by more than its colour."""
    base, _, threads = name.partition("-")
    return {
        "linestyle": "--" if threads else "-",
        "marker": MARKERS.get(base, "o"),
        "markersize": 5,
        "markerfacecolor": "white" if threads else None,
        "linewidth": 2.5 if base == "read" else 1.3,
    }


def describe_settings(results: dict[str, Any]) -> str:
    """Return the processor and the data of measurements."""
    settings = results["settings"]
    return f"{results['machine']['cpu']}, {settings['dtype']}, {settings['order']} order"


def new_figure(width: float = 6.4, height: float = 4.0) -> "Figure":
    """Return an empty figure, `width` × `height` inches."""
    import_matplotlib()
    from matplotlib import pyplot

    return pyplot.figure(figsize=(width, height), layout="constrained")


def check_picture(path: str | Path) -> Path:
    """Return the path of a picture that matplotlib can save; refuse it before any work is done.

    Raises
    ------
    ValueError
        If the ending is none of a picture, or the folder does not exist.
    """
    import_matplotlib()
    from matplotlib.backend_bases import FigureCanvasBase

    endings = sorted(FigureCanvasBase.get_supported_filetypes())
    path = Path(path)
    if path.suffix[1:].lower() not in endings:
        raise ValueError(f"--plot must end in one of {', '.join(endings)}; got {str(path)!r}")
    if not path.parent.is_dir():
        raise ValueError(f"--plot must be in a folder that exists; got {str(path)!r}")
    return path
