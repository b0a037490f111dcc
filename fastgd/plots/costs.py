"""Costs against epochs."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fastgd.bench.text import title
from fastgd.descent.result import DescentResult
from fastgd.inputs.arrays import EPSILON, Array
from fastgd.plots.figures import PALETTE, new_figure, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

GROWTH = 1e3  # of the first cost, above which a curve leaves the picture
ROUNDING = 8 * EPSILON  # of the least cost: a difference below that is none
STYLES = tuple(zip(("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1))), "osPDv", strict=True))
COLORS = list(PALETTE.values())[:-1]  # yellow is no colour for lines


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
    label = label or f"{result.backend}: {result.reason}"
    (line,) = ax.plot(range(result.epochs), result.cost_history, label=label)
    told = "no epochs"
    if result.epochs:
        told = f"{span(result.epochs)}: cost {result.cost_history[0]:.3g} to {result.cost_history[-1]:.3g}"
    line.set_gid(f"{title(result.backend)}, {told}")
    ax.set(xlabel="epoch", ylabel="cost J", yscale="log")
    ax.grid(alpha=0.3, which="both")
    return ax


def span(points: int) -> str:
    """Return the epochs after which a sequence has its points: the first one, the start, is that after none."""
    return f"epochs 0 to {points - 1:,}"


def learning_rates(
    costs: Mapping[str, Sequence[float]], *, least_cost: float = 0.0, ax: "Axes | None" = None
) -> "Axes":
    """Draw how far costs are above the least one, a curve for each learning rate.

    Parameters
    ----------
    costs : mapping of str to sequence of float
        The costs of each run, such as its `cost_history`, by what the legend is to call it, such as "0.1": the k-th
        of them, from 0 on, is J after k updates.
    least_cost : float
        What is taken off all costs.
    ax : matplotlib Axes or None
        Where to draw; None makes a new figure.

    Returns
    -------
    matplotlib Axes
        With epochs across and cost − least cost, on a logarithmic scale, upwards. Costs that are not finite, or not
        above the least one by more than rounding, are left out; a curve that grows leaves the picture at 1,000 times
        the largest of the first values, where it has a triangle.

    Raises
    ------
    ValueError
        If there are no costs.
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> import fastgd
    >>> from fastgd import plots
    >>> X, y = [[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0]
    >>> runs = {f"{rate}": fastgd.gradient_descent(X, y, learning_rate=rate) for rate in (0.1, 0.5)}
    >>> ax = plots.learning_rates({rate: run.cost_history for rate, run in runs.items()})
    >>> [line.get_label() for line in ax.lines]
    ['0.1', '0.5']
    """
    if not costs:
        raise ValueError("costs must have a sequence of costs for at least one learning rate; got an empty mapping")
    for label, sequence in costs.items():
        if np.ndim(sequence) != 1 or not len(sequence):
            raise ValueError(f"costs[{label!r}] must be a sequence of one cost or more; got shape {np.shape(sequence)}")
    if ax is None:
        ax = new_figure().add_subplot()
    ax.set(xlabel="epoch", ylabel="cost J − least cost" if least_cost else "cost J", yscale="log")
    curves = []
    for k, (label, sequence) in enumerate(costs.items()):
        excess = np.asarray(sequence, dtype=np.float64) - least_cost
        epochs = np.flatnonzero(np.isfinite(excess) & (excess > ROUNDING * abs(least_cost)))
        linestyle, marker = STYLES[k % len(STYLES)]
        (line,) = ax.plot(
            epochs,
            excess[epochs],
            label=label,
            color=COLORS[k % len(COLORS)],
            linestyle=linestyle,
            marker=marker,
            markersize=4,
            markevery=max(1, len(sequence) // 12),
        )
        first, last = (f"{max(excess[end], 0.0):.3g}" for end in (0, -1))
        line.set_gid(f"Learning rate {label}, {span(len(sequence))}: {first} to {last} above the least cost")
        curves.append((line, epochs, excess[epochs]))
    handles = [line for line, *_ in curves] + mark_leaving(ax, [curve for curve in curves if len(curve[1])])
    ax.grid(alpha=0.3)
    ax.legend(handles=handles, title="learning rate", fontsize="small", title_fontsize="small")
    return ax


def mark_leaving(ax: "Axes", curves: "Sequence[tuple[Line2D, Array, Array]]") -> "list[Line2D]":
    """Let curves that grow leave the picture, with a triangle where they do; return what a legend shows.

    Parameters
    ----------
    ax : matplotlib Axes
    curves : sequence of (line, epochs, costs)
        What was drawn, none of them empty.
    """
    from matplotlib.lines import Line2D

    top = GROWTH * max((excess[0] for _, _, excess in curves), default=0.0)
    leaving = [curve for curve in curves if curve[2].max() > top]
    if not leaving:
        return []
    bottom = min(excess.min() for _, _, excess in curves)
    ax.set_ylim(bottom * (bottom / top) ** 0.04, top)
    look: dict[str, Any] = {"marker": "^", "linestyle": "", "markersize": 8, "markeredgecolor": style("text.color")}
    for line, epochs, excess in leaving:
        after = int(np.argmax(excess > top))  # the first is below the top
        last = slice(after - 1, after + 1)
        x = np.interp(np.log(top), np.log(excess[last]), epochs[last])  # where the line crosses the edge
        (mark,) = ax.plot([x], [top], color=line.get_color(), clip_on=False, zorder=3, **look)
        told = f"leaves the picture at epoch {epochs[after]:,}; at most {excess.max():.3g} above the least cost"
        mark.set_gid(f"Learning rate {line.get_label()} {told}")
    return [Line2D([], [], color="none", label="leaves the picture", **look)]
