"""Total times, of starting and of epochs."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from fastgd.plots.contestants import color, format_time, line_style, title
from fastgd.plots.figures import legend_below, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_EPOCHS = 1e6
STYLES = ("-", "--", "-.", ":")  # of the lines of one backend that started in several ways


def total_time(times: Mapping[str, tuple[float, float]], *, ax: "Axes | None" = None) -> "Axes":
    """Draw the time from the start to the last epoch against the number of epochs: who starts later may overtake.

    Parameters
    ----------
    times : mapping of str to pair of float
        The seconds from the start to the end of the first epoch, and those of each further one, by the backend's name,
        with or without a comma and how it was started.
    ax : matplotlib Axes or None
        Where to draw; None makes a new figure.

    Returns
    -------
    matplotlib Axes
        With epochs across and seconds upwards, both on logarithmic scales.

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
        backend = name.partition(",")[0]
        (line,) = ax.plot(epochs, first + (epochs - 1) * epoch, color=color(backend), label=title(name))
        line.set(
            linestyle=STYLES[drawn.count(backend) % len(STYLES)],
            marker=line_style(backend)["marker"],
            markevery=12,
            markersize=5,
        )
        line.set_gid(f"{line.get_label()}: first epoch done after {format_time(first)}, {format_time(epoch)} per epoch")
        drawn.append(backend)
    ax.set(xscale="log", yscale="log", xlabel="epochs", ylabel="seconds from the start")
    ax.grid(alpha=0.3)
    legend_below(ax)
    return ax
