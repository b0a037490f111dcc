"""The picture: the time of the best peer over fastgd's, one cell for each shape and kind of X.

An SVG is drawn in the style of the documentation: docs/notebooks.py makes it a part of a page, in the page's colours.
"""

from math import log2
from pathlib import Path
from typing import Any

from versus.cells import KINDS
from versus.judging import Record, find_best, find_ours, find_outcome, find_ratio
from versus.page import format_threads

from fastgd.bench.text import format_number
from fastgd.plots.figures import PALETTE, import_matplotlib, new_figure, save_figure, style, text_on

LARGEST = 8.0  # ratios from here on, and from its reciprocal down, have the strongest colours
WIDTH = 7.2  # inches
ROW, HEAD, BAR = 0.46, 0.85, 0.2  # heights in inches: of a row of cells, of what stands above the rows, and of the bar
SMALL, LARGE = 9, 12  # points
STYLE = Path(__file__).parents[2] / "docs" / "matplotlibrc"  # of an SVG
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


def fold(label: str) -> str:
    """Return the label of a row in two lines if it is long."""
    groups = " groups of "
    return label.replace(groups, groups.replace(" of", "\nof")) if groups in label else label.replace(", ", "\n", 1)


def draw_cell(ax: Any, place: tuple[int, int], cell: Record, colors: Any) -> None:
    """Draw one cell: its colour, the ratio, the best peer, and a thick frame where fastgd loses."""
    from matplotlib.patches import Rectangle

    ratio, outcome = find_ratio(cell, find_best(cell), find_ours(cell)), find_outcome(cell)
    face = GREY if ratio is None else colors(place_of(ratio))
    column, row = place
    ax.add_patch(Rectangle((column - 0.49, row - 0.48), 0.98, 0.96, facecolor=face))
    if outcome in ("loses", "fails"):
        frame = {"fill": False, "edgecolor": "black", "linewidth": 1.8, "zorder": 3}
        ax.add_patch(Rectangle((column - 0.46, row - 0.44), 0.92, 0.88, **frame))
    look = {"ha": "center", "va": "center", "color": text_on(face)}
    if ratio is None:
        ax.text(column, row, WORDS[outcome], fontsize=SMALL, **look)
        return
    ax.text(column, row - 0.17, format_number(ratio, digits=2), fontsize=LARGE, **look)
    ax.text(column, row + 0.23, shorten(find_best(cell)), fontsize=SMALL, **look)


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
    ax.set_xticks(range(len(columns)), heads, fontsize=SMALL)
    ax.xaxis.tick_top()
    ax.set_yticks(range(len(rows)), [fold(row) for row in rows], fontsize=SMALL)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.set_title(title, fontsize=LARGE, loc="left")
    for k in range(1, len(columns)):
        if columns[k][0] != columns[k - 1][0]:
            ax.vlines(k - 0.5, -0.5, len(rows) - 0.5, color=style("axes.edgecolor"), linewidth=1.5)


def draw_bar(ax: Any) -> None:
    """Draw the colours of the ratios, with the words for them."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    colors = ScalarMappable(Normalize(0, 1), make_colors())
    bar = ax.figure.colorbar(colors, cax=ax, orientation="horizontal")
    ticks = [1 / LARGEST, 1 / 4, 1 / 2, 1, 2, 4, LARGEST]
    bar.set_ticks(
        [place_of(tick) for tick in ticks], labels=["≤1/8", "1/4", "1/2", "1", "2", "4", "≥8"], fontsize=SMALL
    )
    text = "time of the best peer / time of fastgd\nblack frame: fastgd is slower, and the quartiles do not overlap"
    bar.set_label(text, fontsize=SMALL)


def list_bands(cells: list[Record]) -> list[list[tuple[str, list[Record]]]]:
    """Return the panels with their titles, in bands downwards; dense rows have one for each number of threads."""
    found = {kind: [cell for cell in cells if cell["kind"] == kind] for kind in KINDS}
    threads = dict.fromkeys(cell["threads"] for cell in found["dense"])
    bands = [[("dense", [cell for cell in found["dense"] if cell["threads"] == one])] for one in threads]
    bands += [[(kind, found[kind]) for kind in band] for band in (("targets",), ("sparse", "groups"))]
    bands = [[(KINDS[kind], panel) for kind, panel in band if panel] for band in bands]
    return [band for band in bands if band]


def draw(cells: list[Record], path: Path) -> None:
    """Save the picture: dense rows with one target above, everything else below."""
    with import_matplotlib().rc_context(fname=STYLE if path.suffix.lower() == ".svg" else None):
        bands = list_bands(cells)
        most = [max(len({cell["label"] for cell in panel}) for _, panel in band) for band in bands]
        heights = [*(HEAD + ROW * rows for rows in most), BAR]
        figure = new_figure(WIDTH, sum(heights) + 0.6)
        grid = figure.add_gridspec(len(heights), 1, height_ratios=heights)
        for k, (band, rows) in enumerate(zip(bands, most, strict=True)):
            widths = [len(list_columns(panel)) for _, panel in band]
            for (title, panel), place in zip(band, grid[k].subgridspec(1, len(band), width_ratios=widths), strict=True):
                draw_panel(figure.add_subplot(place), panel, title, rows)
        draw_bar(figure.add_subplot(grid[-1]))
        save_figure(figure, path, dpi=130, metadata={"Date": None} if path.suffix.lower() == ".svg" else None)
