"""Shared by all pictures: figures, colours, the looks of contestants, titles and legends."""

from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from fastgd.bench.text import base_of, threads_of
from fastgd.files.paths import check_output
from fastgd.files.writing import replacing
from fastgd.inputs.extras import explain_import
from fastgd.inputs.words import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# The palette of Okabe and Ito, which colour-blind people can tell apart; without black, since backgrounds may be dark.
PALETTE = {
    "blue": "#0072B2", "vermillion": "#D55E00", "green": "#009E73", "orange": "#E69F00", "purple": "#CC79A7",
    "sky": "#56B4E9", "yellow": "#F0E442",
}  # fmt: skip
# Contestants outnumber colours: other libraries, and the last step of the study, share colours with other steps.
COLORS = {
    "arrays": "yellow", "python": "orange", "numpy": "blue", "in_place": "sky", "numba": "green",
    "cython": "vermillion", "compressed": "purple", "whitened": "purple", "jax": "purple", "sgd": "sky",
}  # fmt: skip
READING, OTHER = "#767676", "#999999"  # greys that show on light and on dark
MARKERS = {
    "arrays": "X", "python": "P", "numpy": "s", "in_place": "p", "numba": "^", "cython": "o", "compressed": "*",
    "whitened": "d", "read": ".", "jax": "D", "sgd": "v",
}  # fmt: skip
LETTER = 0.53  # the width of a letter, as a share of the size of letters
SHARE = 0.775  # the width of axes before any layout, as a share of the figure's width


def import_matplotlib() -> Any:
    """Return matplotlib, or raise an ImportError that says how to install it."""
    try:
        import matplotlib
    except Exception as error:
        raise explain_import("pictures need matplotlib", error, "matplotlib") from error
    return matplotlib


def new_figure(width: float = 6.4, height: float = 4.0) -> "Figure":
    """Return an empty figure that arranges its axes itself.

    Parameters
    ----------
    width, height : float
        The size in inches.

    Returns
    -------
    matplotlib Figure
        A figure of pyplot, so that a notebook shows it.

    Raises
    ------
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> from fastgd import plots
    >>> left, right = plots.new_figure(10, 4).subplots(1, 2)
    """
    import_matplotlib()
    from matplotlib import pyplot

    return pyplot.figure(figsize=(width, height), layout="constrained")


def check_picture(option: str, path: str | Path) -> Path:
    """Return the path of a picture that matplotlib can save; refuse other paths before any work is done."""
    import_matplotlib()
    from matplotlib.backend_bases import FigureCanvasBase

    endings = sorted(FigureCanvasBase.get_supported_filetypes())
    path = Path(path)
    if path.suffix[1:].lower() not in endings:
        raise ValueError(f"{option} must end in one of {', '.join(endings)}; got '{printable(path)}'")
    check_output(option, path)
    return path


def save_figure(figure: "Figure", path: str | Path, **options: Any) -> None:
    """Save a figure as a file of the kind that the path ends in; a picture of that name stays until it is complete."""
    with replacing(path) as file:
        figure.savefig(file, format=Path(path).suffix[1:].lower(), **options)


def style(name: str) -> Any:
    """Return one of matplotlib's rcParams: the caller's style for text, rules and backgrounds."""
    return import_matplotlib().rcParams[name]


def color_of(name: str) -> str:
    """Return a contestant's colour, of the palette of Okabe and Ito; grey for the read loop and for unknown names.

    Examples
    --------
    >>> from fastgd.plots.figures import color_of
    >>> color_of("cython") == color_of("cython-2") == "#D55E00"
    True
    """
    base = base_of(name)
    return PALETTE[COLORS[base]] if base in COLORS else READING if base == "read" else OTHER


def line_style(name: str) -> dict[str, Any]:
    """Return the properties that tell a contestant's line from others without its colour."""
    base, several = base_of(name), threads_of(name) > 1
    return {
        "linestyle": "--" if several else "-",
        "marker": MARKERS.get(base, "o"),
        "markersize": 5,
        "markerfacecolor": style("axes.facecolor") if several else None,
        "linewidth": 2.5 if base == "read" else 1.3,
    }


def point_style(name: str) -> dict[str, Any]:
    """Return the properties of a contestant's points; they have an edge, since light colours hardly show on white."""
    look = {**line_style(name), "linestyle": "", "color": color_of(name)}
    edge = {"markeredgecolor": style("axes.edgecolor"), "markeredgewidth": 0.5}
    return look if threads_of(name) > 1 else {**look, **edge}


def luminance(color: Any) -> float:
    """Return the relative luminance of a colour, as WCAG defines it: 0 for black, 1 for white."""
    from matplotlib.colors import to_rgb

    parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(color)]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def text_on(color: Any) -> str:
    """Return black or white, whichever has more contrast on a colour: at least 4.58:1."""
    return "black" if luminance(color) > 0.179 else "white"


def mix(color: Any, other: Any, share: float) -> str:
    """Return a colour with a share of another in it."""
    from matplotlib.colors import to_hex, to_rgb

    red, green, blue = ((1 - share) * a + share * b for a, b in zip(to_rgb(color), to_rgb(other), strict=True))
    return to_hex((red, green, blue))


def size_in_points(ax: "Axes") -> tuple[float, float]:
    """Return an estimate of the size of axes before their layout is known."""
    dots = ax.figure.dpi / 72
    return ax.bbox.width / dots, ax.bbox.height / dots


def set_title(ax: "Axes", text: str, details: str = "") -> None:
    """Set a title with details below it, in lines that are no wider than the axes."""
    ax.set_title(plain("\n".join([*lines_of(ax, text), *lines_of(ax, details)])), fontsize="medium")


def plain(text: str) -> str:
    r"""Return a text as matplotlib shows it letter by letter.

    Text between dollar signs would be a formula, or an error if it is none; a label that begins with _ would have no
    place in a legend.

    Examples
    --------
    >>> from fastgd.plots.figures import plain
    >>> print(plain("$x$"), plain("_x"), plain("x"))
    \$x\$  _x x
    """
    return f"{' ' * text.startswith('_')}{text}".replace("$", r"\$")


def lines_of(ax: "Axes", text: str) -> list[str]:
    """Return a text as lines that are no wider than the axes."""
    return wrap(text, int(0.85 * size_in_points(ax)[0] / (LETTER * font_size("medium"))))


def font_size(name: str) -> float:
    """Return the points of a relative size, such as "small"."""
    from matplotlib.font_manager import FontProperties

    return FontProperties(size=name).get_size_in_points()


def legend_below(ax: "Axes", handles: Sequence[Any] | None = None) -> None:
    """Put a legend under the label of the x axis, in as many columns as fit; no legend without entries."""
    from matplotlib.transforms import ScaledTranslation

    handles = ax.get_legend_handles_labels()[0] if handles is None else list(handles)
    if not handles:
        return
    longest = max(len(str(handle.get_label())) for handle in handles)
    column = font_size("small") * (LETTER * longest + 3.5)
    width = size_in_points(ax)[0]
    columns = max(1, min(len(handles), int(width / SHARE / column)))
    columns = -(-len(handles) // -(-len(handles) // columns))  # the fewest with the same number of rows
    below = 4 * font_size("medium")  # room for the numbers and the label of the axis
    right = columns * column > width  # a wide legend also needs the room under the labels of the y axis
    ax.legend(
        handles=handles,
        ncols=columns,
        loc="upper right" if right else "upper center",
        bbox_to_anchor=(1 if right else 0.5, 0),
        bbox_transform=ax.transAxes + ScaledTranslation(0, -below / 72, ax.figure.dpi_scale_trans),
        borderaxespad=0,
        borderpad=0,
        columnspacing=1.0,
        handletextpad=0.5,
        fontsize="small",
        frameon=False,
    )
