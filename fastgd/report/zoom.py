"""A picture of times as bars on linear scales, in panels: each panel magnifies the last bar of the one above it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from fastgd.bench.text import format_number, format_time
from fastgd.plots.figures import plain, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHORT = 1 / 12  # a bar below this share of the longest one of its panel is magnified
GAP = 1.0  # rows between two panels
ROOM = 1.25  # the width of bars and labels, in lengths of the longest bar
SEEN = 0.006  # the length of a bar that is too short to see
THICK = 0.62  # of a row


class Bar(NamedTuple):
    """A bar: its name, its seconds, those of them that are spent once before the epochs, its colour and tooltip."""

    name: str
    seconds: float
    once: float
    color: str
    tip: str


def split_panels(seconds: Sequence[float]) -> list[list[int]]:
    """Return the numbers of the bars of each panel; the last bar of a panel, too short to see, begins the next one.

    Examples
    --------
    >>> from fastgd.report.zoom import split_panels
    >>> split_panels([100.0, 20.0, 1.0, 0.5]), split_panels([3.0, 2.0]), split_panels([3.0, 0.1])
    ([[0, 1, 2], [2, 3]], [[0, 1]], [[0, 1]])
    """
    panels, begin = [], 0
    for k in range(1, len(seconds) - 1):  # the last bar needs no panel of its own
        if seconds[k] < SHORT * max(seconds[begin:k]):
            panels.append(list(range(begin, k + 1)))
            begin = k
    return [*panels, list(range(begin, len(seconds)))]


def count_rows(seconds: Sequence[float]) -> float:
    """Return the height of the picture in rows."""
    panels = split_panels(seconds)
    return sum(map(len, panels)) + GAP * (len(panels) - 1)


def draw_zoom(bars: Sequence[Bar], ax: "Axes") -> None:
    """Draw the bars from top to bottom, and between two panels how much longer the lower one draws the same bar."""
    seconds = [bar.seconds for bar in bars]
    rows: list[float] = []
    names, before = [], 0.0
    for panel in split_panels(seconds):
        scale = max(seconds[k] for k in panel)
        if rows:
            draw_lens(ax, rows[-1], seconds[panel[0]] / before, seconds[panel[0]] / scale)
        top = rows[-1] + 1 + GAP if rows else 0.0
        for row, k in enumerate(panel):
            draw_bar(ax, top + row, bars[k], scale)
            rows.append(top + row)
            names.append(plain(bars[k].name))
        before = scale
    ax.set(xlim=(0, ROOM), ylim=(rows[-1] + 0.5, -0.5), xticks=[])
    ax.set_yticks(rows, names)
    ax.tick_params(left=False)
    ax.spines[:].set_visible(False)


def draw_bar(ax: "Axes", row: float, bar: Bar, scale: float) -> None:
    """Draw a bar, lighter where its time is spent once, and its time to the right."""
    length, once = max(bar.seconds / scale, SEEN), bar.once / scale
    once *= length > SHORT  # a bar that is too short to see has one colour
    for left, width, alpha in ((0.0, once, 0.45), (once, length - once, 1.0)):
        if width:
            (drawn,) = ax.barh(row, width, left=left, height=THICK, color=bar.color, alpha=alpha)
            drawn.set_gid(bar.tip)
    ax.annotate(
        format_time(bar.seconds),
        (length, row),
        (5, 0),
        textcoords="offset points",
        va="center_baseline",
        fontweight="bold",
    )


def draw_lens(ax: "Axes", row: float, above: float, below: float) -> None:
    """Draw the rays from a bar to the same bar in the panel below it, from its length above to that below."""
    top, bottom = row + THICK / 2, row + 1 + GAP - THICK / 2
    ax.fill([0, above, below, 0], [top, top, bottom, bottom], color=style("grid.color"), alpha=0.35, linewidth=0)
    words = f"the same bar, drawn {format_number(below / above, digits=2)} times as long"
    ax.text(0.02, (top + bottom) / 2 + 0.06, words, va="center", fontsize="small", style="italic")
