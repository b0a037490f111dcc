"""Pictures as SVG inside a page: in the page's own colours and letters, with words for those who do not see them.

matplotlib draws with colours that nothing else has, which then become the page's variables, so that one picture suits
light and dark. Marks that `fastgd.plots` has named (their gid) carry that name, which the page shows when they are
pointed at.
"""

import io
import re
from collections.abc import Callable
from html import escape
from math import ceil
from typing import Any, NamedTuple

from fastgd import plots
from fastgd.plots.figures import import_matplotlib

INK, RULE = "#010203", "#040506"  # stand for text and lines, and for grids, until the page's colours do
LEGIBLE = 6.9  # CSS pixels of the smallest letters, with which they are 8 high
COLORS = {INK: "var(--ink)", RULE: "var(--rule)", "#404040": "var(--muted)"}
STYLE = {
    "svg.fonttype": "none",  # letters stay letters
    "font.family": "sans-serif",
    "font.size": 11,
    "axes.labelsize": 11,
    "axes.titlesize": 11,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "legend.framealpha": 0.0,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "axes.titlecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.color": RULE,
}


class Picture(NamedTuple):
    """A picture of a page; narrower than `least` CSS pixels its letters cannot be read."""

    name: str
    svg: str
    caption: str
    least: int


def draw(
    name: str, title: str, description: str, plot: Callable[[Any], object], width: float = 5.6, height: float = 3.9
) -> Picture:
    """Return what `plot` draws on the axes that it is given.

    Parameters
    ----------
    name : str
        A word that no other picture of the page has.
    title : str
        What the picture is, for its caption and for screen readers.
    description : str
        What it shows, in words.
    plot : callable
        Takes matplotlib Axes.
    width, height : float
        In inches; small, so that letters can be read on a phone.
    """
    matplotlib = import_matplotlib()
    with matplotlib.rc_context({**STYLE, "svg.hashsalt": name}):
        figure = plots.new_figure(width, height)
        try:
            plot(figure.add_subplot())
            tips = name_marks(figure)
            file = io.StringIO()
            figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
        finally:
            from matplotlib import pyplot

            pyplot.close(figure)
    svg = file.getvalue()
    return Picture(name, clean(svg, name, title, description, tips), title, least_width(svg, width))


def least_width(svg: str, width: float) -> int:
    """Return how many CSS pixels wide a picture of that many inches has to be for its smallest letters."""
    smallest = min(map(float, re.findall(r"font(?:-size)?: ([\d.]+)px", svg)), default=LEGIBLE)
    return ceil(72 * width * LEGIBLE / smallest)


def name_marks(figure: Any) -> dict[str, str]:
    """Give every named mark a short id; return their names by id."""
    tips: dict[str, str] = {}
    for artist in figure.findobj(lambda one: bool(one.get_gid())):
        short = f"tip{len(tips)}"
        tips[short] = artist.get_gid()
        artist.set_gid(short)
    return tips


def clean(svg: str, name: str, title: str, description: str, tips: dict[str, str]) -> str:
    """Return what matplotlib wrote as a part of a page: colours, ids of its own, words, and names of marks."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<!--.*?-->\s*", "", svg, flags=re.DOTALL)
    for color, variable in COLORS.items():
        svg = svg.replace(color, variable)
    svg = re.sub(r'\bid="(tip\d+)"', lambda m: f'id="{m[1]}" class="mark" data-tip="{escape(tips[m[1]])}"', svg)
    svg = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", svg)
    opening, rest = svg.split(">", 1)
    opening = re.sub(r'\b(width|height)="[^"]*"', "", opening)
    # A title element would be shown as a second tooltip beside the marks' own.
    words = f'role="img" aria-label="{escape(title)}" aria-describedby="{name}-desc"'
    return f'{opening} {words}><desc id="{name}-desc">{escape(description)}</desc>{rest}'
