"""The map of all shapes: the fastest contestant at each."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import inf, log, nan
from typing import TYPE_CHECKING, Any

import numpy as np

from fastgd.bench.differences import find_margin
from fastgd.bench.text import base_of, describe_time, format_shape, format_time, shape_of, threads_of, title
from fastgd.inputs.arrays import Array
from fastgd.plots.figures import (
    LETTER,
    color_of,
    legend_below,
    mix,
    new_figure,
    plain,
    set_title,
    size_in_points,
    text_on,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DASHES = ((0, (5, 1.5)), (0, (1.5, 1.2)), (0, (6, 1.5, 1.5, 1.5)))
SMALLEST, LARGEST = 5.5, 9.0  # letters in cells, in points
LINE, BESIDE, ABOVE = 1.2, 0.5, 0.2  # the height of a line in letters, and the room around a text in letters and lines
BACKING = 0.75  # opacity of the background of a cell's text
NEEDED = {"best", "auto", "regret"}
NUMPY, COMPILED = ("numpy", "in_place"), ("numba", "cython")

Contestants = Mapping[str, Mapping[str, Any]]
Segments = list[list[tuple[float, float]]]


class Grid:
    """The shapes of results as evenly spaced categories.

    Attributes
    ----------
    features, samples : list of int
        The numbers of features and of samples in ascending order: the columns and rows of the grid.
    cells : dict of (column, row) to entry
        The entries of results.
    """

    def __init__(self, entries: Sequence[Mapping[str, Any]]) -> None:
        self.features = sorted({entry["n_features"] for entry in entries})
        self.samples = sorted({entry["n_samples"] for entry in entries})
        self.cells = {
            (self.features.index(entry["n_features"]), self.samples.index(entry["n_samples"])): entry
            for entry in entries
        }

    def values(self, function: Callable[[Contestants], float]) -> Array:
        """Return a function's values for the contestants of each cell; NaN where nothing was measured."""
        values = np.full((len(self.samples), len(self.features)), nan)
        for (column, row), entry in self.cells.items():
            values[row, column] = function(entry["contestants"])
        return values

    def changes(self, key: str) -> Segments:
        """Return the edges between neighbouring cells whose entries differ in a key."""
        edges = []
        for (column, row), entry in sorted(self.cells.items(), key=lambda cell: cell[0]):
            left, right, low, high = column - 0.5, column + 0.5, row - 0.5, row + 0.5
            if self.cells.get((column + 1, row), entry)[key] != entry[key]:
                edges.append([(right, low), (right, high)])
            if self.cells.get((column, row + 1), entry)[key] != entry[key]:
                edges.append([(left, high), (right, high)])
        return edges


def crossover_map(results: Mapping[str, Any], *, ax: "Axes | None" = None) -> "Axes":
    """Draw the fastest contestant at each shape, lines of equal speed, and the choices of `backend="auto"`.

    Parameters
    ----------
    results : mapping
        The results of `fastgd.bench.measure`, whose "shapes" have three more keys. "auto" is the contestant that `auto`
        chooses. "regret" is its time over that of the fastest. "best" is the choice of `auto` if it cannot be told from
        the fastest, else the fastest. A shape may also have "fastest", the contestant of the least median.
    ax : matplotlib Axes or None
        The axes to draw on; None makes a new figure.

    Returns
    -------
    matplotlib Axes
        Axes with the numbers of features across and of samples upwards, evenly spaced. A cell has the colour of the
        "best" contestant (lighter for several threads) and its time per epoch. If `auto` chooses another one, the cell
        names it and its regret. If the "fastest" is another one, the tip names it. On dashed lines two contestants are
        equally fast (interpolated; they end at shapes where the two cannot be told apart under the "conditions" of a
        study); solid lines run between neighbours for which `auto` chooses differently.

    Raises
    ------
    ValueError
        If there are no shapes, or a shape lacks a key.
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> from fastgd import plots
    >>> times = {"numpy": 1e-5, "cython": 2e-6}
    >>> found = {name: {"seconds": time, "quartiles": [time, time]} for name, time in times.items()}
    >>> judged = {"contestants": found, "best": "cython", "auto": "cython", "regret": 1.0}
    >>> ax = plots.crossover_map({"shapes": [{"n_samples": 1000, "n_features": 10, **judged}]})
    >>> ax.patches[0].get_gid()
    'Cython, 1,000 × 10: 2.00 µs per epoch (2.00 to 2.00)'
    """
    entries = check_entries(results)
    grid = Grid(entries)
    columns, rows = len(grid.features), len(grid.samples)
    if ax is None:
        ax = new_figure(5.5, 4.5).add_subplot()
    ax.set(xlim=(-0.5, columns - 0.5), ylim=(-0.5, rows - 0.5), xlabel="features", ylabel="samples")
    ax.set_xticks(range(columns), [f"{count:,}" for count in grid.features], fontsize="small")
    ax.set_yticks(range(rows), [f"{count:,}" for count in grid.samples], fontsize="small")
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    width, height = size_in_points(ax)
    letters = fit_letters(map(list_lines, entries), (width / columns, height / rows))
    for place, entry in grid.cells.items():
        draw_cell(ax, place, entry, letters)
    handles = [*list_colors(entries), *draw_crossings(ax, grid, results.get("conditions")), *draw_choices(ax, grid)]
    set_title(ax, "The fastest (auto's choice where level), time per epoch")
    legend_below(ax, handles)
    return ax


def check_entries(results: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the shapes of results; each must have a best contestant, a choice and its regret."""
    entries: list[dict[str, Any]] = list(results["shapes"])
    if not entries:
        raise ValueError("results must have at least one shape; got none")
    for entry in entries:
        if not entry.keys() >= NEEDED:
            shape = format_shape(*shape_of(entry))
            missing = ", ".join(map(repr, sorted(NEEDED - entry.keys())))
            raise ValueError(
                f"results must have 'best', 'auto' and 'regret' of each shape; got {shape} without {missing}"
            )
    return entries


def cell_color(name: str) -> str:
    """Return the colour of the cells in which a contestant is the fastest."""
    return mix(color_of(name), "white", 0.5) if threads_of(name) > 1 else color_of(name)


def fit_letters(texts: Iterable[list[str]], cell: tuple[float, float]) -> float:
    """Return the size of letters with which the lines of each text fit into a cell."""
    sizes = [(max(map(len, lines)), len(lines)) for lines in texts]
    longest, most = map(max, zip(*sizes, strict=True))
    width, height = LETTER * (longest + BESIDE), LINE * (most + ABOVE)
    return min(LARGEST, max(SMALLEST, min(cell[0] / width, cell[1] / height)))


def draw_cell(ax: "Axes", place: tuple[int, int], entry: Mapping[str, Any], letters: float) -> None:
    """Draw one shape: the colour of the best contestant, its time, and the choice of `auto` if that is another."""
    from matplotlib.colors import to_rgba
    from matplotlib.patches import Rectangle

    column, row = place
    best, auto = entry["best"], entry["auto"]
    one, face = entry["contestants"][best], cell_color(best)
    gid = describe_time(best, one, shape_of(entry))
    if entry.get("fastest", best) != best:
        gid += f"; level with {title(entry['fastest'])}"
    if auto != best:
        gid += f"; auto: {title(auto)}, {entry['regret']:.2f}× as long"
    cell = ax.add_patch(Rectangle((column - 0.48, row - 0.48), 0.96, 0.96, facecolor=face, edgecolor="none"))
    cell.set_gid(gid)
    # A line that crosses a cell is faint under its text, so that both can be seen.
    behind = {"facecolor": to_rgba(face, BACKING), "edgecolor": "none", "pad": 0.5}
    look: dict[str, Any] = {"color": text_on(face), "fontsize": letters, "linespacing": 1.05, "bbox": behind}
    ax.text(column, row, plain("\n".join(list_lines(entry))), ha="center", va="center", zorder=4, **look)


def list_lines(entry: Mapping[str, Any]) -> list[str]:
    """Return the text of a cell: the best time, and regret and choice of `auto` if that is another contestant."""
    best, auto = entry["best"], entry["auto"]
    lines = [format_time(entry["contestants"][best]["seconds"], digits=2)]
    if auto == best:
        return lines
    name, _, threads = title(auto).partition(", ")
    same = base_of(auto) == base_of(best)  # the choices differ in the number of threads
    told = [name.partition(" ")[0], *filter(None, [threads or "1 thread" * same])]
    return [*lines, f"auto {entry['regret']:.2f}×", *told]


def list_colors(entries: list[dict[str, Any]]) -> list[Any]:
    """Return the legend's entries for the colours of cells."""
    from matplotlib.patches import Patch

    names = dict.fromkeys(entry["best"] for entry in entries)
    return [Patch(facecolor=cell_color(name), label=plain(title(name))) for name in names]


def draw_crossings(ax: "Axes", grid: Grid, conditions: Mapping[str, Any] | None) -> list[Any]:
    """Draw the lines on which two contestants are equally fast; return the legend's entries for these."""
    from matplotlib.lines import Line2D

    handles: list[Any] = []
    for (label, (columns, rows, values)), dashes in zip(find_crossings(grid, conditions).items(), DASHES, strict=False):
        look: dict[str, Any] = {"colors": ["black"], "linestyles": [dashes], "linewidths": [1.8]}
        lines = ax.contour(columns, rows, values, [0.0], zorder=3, **look)
        if not any(np.size(path.vertices) for path in lines.get_paths()):
            lines.remove()  # shapes that were not measured lie between those where each of the two is faster
            continue
        lines.set_path_effects(halo(1.8))
        lines.set_gid(f"{label} (interpolated)")
        handles.append(Line2D([], [], color="black", linestyle=dashes, linewidth=1.8, label=label))
        handles[-1].set_path_effects(halo(1.8))
    return handles


def draw_choices(ax: "Axes", grid: Grid) -> list[Any]:
    """Draw lines between shapes for which `auto` chooses differently; return the legend's entries for these."""
    from matplotlib.collections import LineCollection
    from matplotlib.lines import Line2D

    edges = grid.changes("auto")
    if not edges:
        return []
    lines = LineCollection(edges, colors="black", linewidths=1.2, capstyle="projecting", zorder=3.5)
    lines.set_path_effects(halo(1.2))
    ax.add_collection(lines)
    handle = Line2D([], [], color="black", linewidth=1.2, label="auto's choice changes")
    handle.set_path_effects(halo(1.2))
    return [handle]


def halo(width: float) -> list[Any]:
    """Return the effect that makes a black line visible on every colour: white on both sides."""
    from matplotlib.patheffects import withStroke

    return [withStroke(linewidth=width + 1.6, foreground="white")]


def find_crossings(grid: Grid, conditions: Mapping[str, Any] | None = None) -> dict[str, tuple[Array, Array, Array]]:
    """Return, for pairs of contestants, columns, rows, and the logarithm of the ratio of their times there.

    Pairs are left out if one of the two is the faster everywhere. The half cells at the rim have the values of their
    centres. The logarithm is NaN where one of the two was not measured, and where the two cannot be told apart: no line
    passes there.
    """
    names = {name for entry in grid.cells.values() for name in entry["contestants"]}
    counts = {threads_of(name) for name in names if base_of(name) == "cython"} - {1}
    # The numbers of threads may differ between shapes.
    several = f"1 = {counts.pop()} threads" if len(counts) == 1 else "1 thread = several"
    between_backends, between_threads = find_margin(conditions, (1,)), find_margin(conditions, (1, 2))
    pairs: dict[str, tuple[float, Callable[[Contestants], float]]] = {
        "Python loop = NumPy": (between_backends, lambda found: log_ratio(best(found, ["python"]), best(found, NUMPY))),
        "NumPy = compiled": (between_backends, lambda found: log_ratio(best(found, NUMPY), best(found, COMPILED))),
        f"Cython: {several}": (
            between_threads,
            lambda found: log_ratio(best(found, ["cython"], several=False), best(found, ["cython"], several=True)),
        ),
    }
    crossings = {}
    for label, (margin, function) in pairs.items():
        values = np.pad(grid.values(function), 1, mode="edge")
        values[np.abs(values) < log(1 + margin)] = nan
        if (values < 0).any() and (values > 0).any():
            columns, rows = (np.array([-0.5, *range(n), n - 0.5]) for n in (len(grid.features), len(grid.samples)))
            crossings[label] = columns, rows, values
    return crossings


def best(found: Contestants, bases: Sequence[str], several: bool | None = None) -> float:
    """Return the shortest time of contestants with these names: with several threads, with one, or with any number.

    Infinity if none of them was timed.
    """
    names = [name for name in found if base_of(name) in bases]
    names = [name for name in names if several in (None, threads_of(name) > 1)]
    return min((found[name]["seconds"] for name in names), default=inf)


def log_ratio(first: float, second: float) -> float:
    """Return the logarithm of the ratio of two times; NaN if one was not measured."""
    return log(first / second) if first < inf and second < inf else nan
