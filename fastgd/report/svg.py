"""Pictures as SVG inside a page, in the page's own colours and fonts, with descriptions for screen readers.

matplotlib draws text and rules in colours that nothing else has. The page's variables then replace these, so that a
picture suits light and dark. A mark that `fastgd.plots` has given a gid shows that as a tooltip.
"""

import io
import re
import warnings
from collections.abc import Callable
from html import escape
from math import ceil
from typing import Any, NamedTuple

from fastgd import plots
from fastgd.plots.figures import import_matplotlib

INK, RULE = "#010203", "#040506"  # placeholders for the colours of text and lines, and of grids
LEGIBLE = 6.9  # the smallest font size in CSS pixels: its letters are 8 pixels high
COLORS = {INK: "var(--ink)", RULE: "var(--rule)", "#404040": "var(--muted)"}
STYLE: dict[str, Any] = {
    "svg.fonttype": "none",  # text stays text
    "font.family": "sans-serif",
    "legend.framealpha": 0.0,
    "grid.color": RULE,
    **dict.fromkeys(["font.size", "axes.labelsize", "axes.titlesize"], 11),
    **dict.fromkeys(["figure.facecolor", "axes.facecolor", "savefig.facecolor"], "none"),
    **dict.fromkeys(["text.color", "xtick.color", "ytick.color"], INK),
    **dict.fromkeys(["axes.labelcolor", "axes.edgecolor", "axes.titlecolor"], INK),
}


TAG = "<[^>]*>"  # matplotlib escapes < and > in text and attributes


class Picture(NamedTuple):
    """A picture of a page; its letters can be read from a width of `least` CSS pixels on."""

    name: str
    svg: str
    caption: str
    least: int


def draw(
    name: str, title: str, description: str, plot: Callable[[Any], object], width: float = 5.6, height: float = 3.9
) -> Picture:
    """Return a picture that a function draws on the matplotlib Axes that it gets.

    No other picture of the page may have the name. The title is the caption, also for screen readers; the description
    says the content of the picture in words. The size in inches is small, so that letters can be read on a phone.
    """
    matplotlib = import_matplotlib()
    with matplotlib.rc_context({**STYLE, "svg.hashsalt": name}), warnings.catch_warnings():
        # The text stays text, for which the browser has fonts of its own; a picture may be too full for a good layout.
        warnings.filterwarnings("ignore", "Glyph|constrained_layout", UserWarning)
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
    """Return the width in CSS pixels from which on the smallest letters can be read."""
    tags = "".join(re.findall(TAG, svg))
    smallest = min(map(float, re.findall(r"font(?:-size)?: ([\d.]+)px", tags)), default=LEGIBLE)
    return ceil(72 * width * LEGIBLE / smallest)


def name_marks(figure: Any) -> dict[str, str]:
    """Give every mark that has a gid a short id; return the old gids by id."""
    tips: dict[str, str] = {}
    for artist in figure.findobj(lambda one: bool(one.get_gid())):
        short = f"tip{len(tips)}"
        tips[short] = artist.get_gid()
        artist.set_gid(short)
    return tips


def clean(svg: str, name: str, title: str, description: str, tips: dict[str, str]) -> str:
    """Return matplotlib's SVG as a part of a page: with the page's colours, unique ids, descriptions and tooltips."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<!--.*?-->\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(TAG, lambda tag: clean_tag(tag[0], name, tips), svg)
    opening, rest = svg.split(">", 1)
    opening = re.sub(r'\b(width|height)="[^"]*"', "", opening)
    # A title element would be shown as a second tooltip beside the marks' own.
    words = f'role="img" aria-label="{escape(title)}" aria-describedby="{name}-desc"'
    return f'{opening} {words}><desc id="{name}-desc">{escape(description)}</desc>{rest}'


def clean_tag(tag: str, name: str, tips: dict[str, str]) -> str:
    """Return a tag of matplotlib's SVG with the page's colours, a unique id and its tooltip.

    Only tags are changed: the text between them may come from anywhere.
    """
    for color, variable in COLORS.items():
        tag = tag.replace(color, variable)
    tag = re.sub(r'\bid="(tip\d+)"', lambda m: f'id="{m[1]}" class="mark" data-tip="{escape(tips[m[1]])}"', tag)
    return re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", tag)
