"""The picture: the time of the best peer over fastgd's, one cell for each shape and kind of X."""

from math import log2
from pathlib import Path
from typing import Any

from versus.cells import KINDS
from versus.judging import Record, find_best, find_ours, find_outcome, find_ratio
from versus.page import format_threads

from fastgd.bench.text import format_number
from fastgd.plots.figures import PALETTE, new_figure, save_figure, text_on

LARGEST = 8.0  # ratios from here on, and from its reciprocal down, have the strongest colours
BAR = 0.3  # the height of the bar of colours, in rows
GREY = "#D9D9D9"  # for cells without a ratio
WORDS = {"fails": "not\nreached", "alone": "alone"}


def make_colors() -> Any:
    """Return the colours: vermillion where fastgd is slower, white where both are level, blue where it is faster."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("ratios", [PALETTE["vermillion"], "white", PALETTE["blue"]])


def place_of(ratio: float) -> float:
    """Return where a ratio lies between the two ends of the colours: 0.5 for a ratio of 1."""
    bound = log2(LARGEST)
    return 0.5 + max(-bound, min(bound, log2(ratio))) / (2 * bound)


def shorten(name: str) -> str:
    """Return a contestant's name in lines that fit into a cell."""
    name = name.replace("LinearRegression", "OLS").replace(", X as float64", " 64")
    return name.replace("loop of OLS", "OLS loop").replace("statsmodels OLS", "statsmodels")


def draw_cell(ax: Any, place: tuple[int, int], cell: Record, colors: Any) -> None:
    """Draw one cell: its colour, the ratio, the best peer, and a thick frame where fastgd loses."""
    from matplotlib.patches import Rectangle

    ratio, outcome = find_ratio(cell, find_best(cell), find_ours(cell)), find_outcome(cell)
    face = GREY if ratio is None else colors(place_of(ratio))
    column, row = place
    ax.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, facecolor=face, edgecolor="white", linewidth=1))
    if outcome in ("loses", "fails"):
        frame = {"fill": False, "edgecolor": "black", "linewidth": 1.8, "zorder": 3}
        ax.add_patch(Rectangle((column - 0.46, row - 0.46), 0.92, 0.92, **frame))
    look = {"ha": "center", "color": text_on(face)}
    if ratio is None:
        ax.text(column, row, WORDS[outcome], va="center", fontsize=7, **look)
        return
    ax.text(column, row - 0.1, format_number(ratio, digits=2), va="center", fontsize=10, **look)
    ax.text(column, row + 0.28, shorten(find_best(cell)), va="center", fontsize=5, **look)


def list_columns(cells: list[Record]) -> list[tuple[int, str]]:
    """Return the numbers of threads and the kinds of X of cells, those of one number of threads side by side."""
    return sorted(dict.fromkeys((cell["threads"], cell["column"]) for cell in cells), key=lambda column: column[0])


def draw_panel(ax: Any, cells: list[Record], title: str, most_rows: int) -> None:
    """Draw the cells of one kind: labels downwards, kinds of X and numbers of threads across."""
    rows, columns = list(dict.fromkeys(cell["label"] for cell in cells)), list_columns(cells)
    colors = make_colors()
    for cell in cells:
        place = columns.index((cell["threads"], cell["column"])), rows.index(cell["label"])
        draw_cell(ax, place, cell, colors)
    ax.set(xlim=(-0.5, len(columns) - 0.5), ylim=(most_rows - 0.5, -0.5))
    heads = ["\n".join([format_threads(threads), *name.split(", ")]) for threads, name in columns]
    ax.set_xticks(range(len(columns)), heads, fontsize=7)
    ax.xaxis.tick_top()
    ax.set_yticks(range(len(rows)), ["\n".join(row.split(", ", 1)) for row in rows], fontsize=8)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.set_title(title, fontsize=10, loc="left")
    for k in range(1, len(columns)):
        if columns[k][0] != columns[k - 1][0]:
            ax.vlines(k - 0.5, -0.5, len(rows) - 0.5, color="black", linewidth=1.5)


def draw_bar(ax: Any) -> None:
    """Draw the colours of the ratios, with the words for them."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    colors = ScalarMappable(Normalize(0, 1), make_colors())
    bar = ax.figure.colorbar(colors, cax=ax, orientation="horizontal")
    ticks = [1 / LARGEST, 1 / 4, 1 / 2, 1, 2, 4, LARGEST]
    bar.set_ticks([place_of(tick) for tick in ticks], labels=["≤1/8", "1/4", "1/2", "1", "2", "4", "≥8"], fontsize=8)
    text = "time of the best peer / time of fastgd; a black frame: fastgd is slower, and the quartiles do not overlap"
    bar.set_label(text, fontsize=9)


def draw(cells: list[Record], path: Path) -> None:
    """Save the picture: dense rows with one target above, everything else below."""
    found = {kind: [cell for cell in cells if cell["kind"] == kind] for kind in KINDS}
    bands = [[kind for kind in found if found[kind] and (kind == "dense") is dense] for dense in (True, False)]
    bands = [band for band in bands if band]
    heights = [max(len({cell["label"] for cell in found[kind]}) for kind in band) for band in bands]
    figure = new_figure(10.5, 1.2 + 1.1 * len(bands) + 0.48 * sum(heights))
    grid = figure.add_gridspec(len(bands) + 1, 1, height_ratios=[*heights, BAR])
    for k, (band, most_rows) in enumerate(zip(bands, heights, strict=True)):
        widths = [len(list_columns(found[kind])) for kind in band]
        for kind, place in zip(band, grid[k].subgridspec(1, len(band), width_ratios=widths), strict=True):
            draw_panel(figure.add_subplot(place), found[kind], KINDS[kind], most_rows)
    draw_bar(figure.add_subplot(grid[-1]))
    save_figure(figure, path, dpi=130)
