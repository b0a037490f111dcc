"""Costs against epochs."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fastgd.bench.text import title
from fastgd.descent.result import DescentResult
from fastgd.inputs.arrays import EPSILON, Array
from fastgd.inputs.options import check_position
from fastgd.inputs.words import printable, quote
from fastgd.plots.figures import PALETTE, new_figure, plain, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

GROWTH = 1e3  # times the first cost; a curve that grows beyond leaves the picture
ROUNDING = 8 * EPSILON  # times the least cost; a smaller difference is rounding
STYLES = tuple(zip(("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1))), "osPDv", strict=True))
COLORS = list(PALETTE.values())[:-1]  # yellow is no colour for lines


def cost_history(
    result: DescentResult, *, ax: "Axes | None" = None, label: str | None = None, target: int | None = None
) -> "Axes":
    """Draw cost against epoch.

    Parameters
    ----------
    result : DescentResult
        The result of `fastgd.gradient_descent`.
    ax : matplotlib Axes or None
        The axes to draw on; None makes a new figure.
    label : str or None
        The curve's name in the legend; by default how the run ended, such as "converged after 12 epochs".
    target : int or None
        The target to draw, counted from 0, if the result has several.

    Returns
    -------
    matplotlib Axes
        Axes with a legend, and costs on a logarithmic scale over epochs.

    Raises
    ------
    ValueError
        If the result has several targets, and none is named.
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
    history, reason, converged = result.cost_history, result.reason, result.converged
    if history.ndim == 2:
        if target is None:
            raise ValueError(f"target must be the number of one of the {history.shape[1]} targets; got None")
        target = check_position("target", target, history.shape[1])
        history, reason, converged = history[:, target], reason[target], converged[target]
    if ax is None:
        ax = new_figure().add_subplot()
    label = describe_ending(reason, bool(converged), result.epochs) if label is None else label
    marker = "o" if result.epochs == 1 else ""  # a line through one point would not show
    (line,) = ax.plot(range(result.epochs), history, marker=marker, label=plain(printable(label)))
    costs = "no epochs"
    if result.epochs:
        costs = f"{span(result.epochs)}: cost {history[0]:.3g} to {history[-1]:.3g}"
    line.set_gid(f"{title(result.backend)}, {costs}")
    ax.set(xlabel="epoch", ylabel="cost J", yscale="log")
    ax.grid(alpha=0.3, which="both")
    ax.legend()
    return ax


def describe_ending(reason: str, converged: bool, epochs: int) -> str:
    """Return how a run ended, in words."""
    verb = {"diverged": "diverged", "interrupted": "interrupted", "callback": "ended by the callback"}.get(reason)
    if verb is None:
        verb = "converged" if converged else "not converged"
    return f"{verb} after {epochs:,} epoch{'' if epochs == 1 else 's'}"


def span(points: int) -> str:
    """Return the range of epochs of a sequence of points, which begins with the start: epoch 0."""
    return f"epochs 0 to {points - 1:,}"


def learning_rates(
    costs: Mapping[str, Sequence[float]], *, least_cost: float = 0.0, ax: "Axes | None" = None
) -> "Axes":
    """Draw costs above the least cost, a curve for each learning rate.

    Parameters
    ----------
    costs : mapping of str to sequence of float
        The costs of each run by its name in the legend, such as "0.1". The costs, such as a run's `cost_history`,
        begin with that of the start: entry k is J after k updates.
    least_cost : float
        The cost that is subtracted from all others.
    ax : matplotlib Axes or None
        The axes to draw on; None makes a new figure.

    Returns
    -------
    matplotlib Axes
        Axes with cost − least cost on a logarithmic scale over epochs. Costs that are not finite are left out, and so
        are those that exceed the least cost by no more than rounding. A curve that grows leaves the picture, with a
        triangle, at 1,000 times the largest first value.

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
            raise ValueError(
                f"costs[{quote(label)}] must be a sequence of one cost or more; got shape {np.shape(sequence)}"
            )
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
            label=plain(printable(label)),
            color=COLORS[k % len(COLORS)],
            linestyle=linestyle,
            marker=marker,
            markersize=4,
            markevery=max(1, len(sequence) // 12),
        )
        first, last = (f"{max(excess[end], 0.0):.3g}" for end in (0, -1))
        line.set_gid(f"Learning rate {printable(label)}, {span(len(sequence))}: {first} to {last} above the least cost")
        curves.append((printable(label), line, epochs, excess[epochs]))
    handles = [line for _, line, *_ in curves] + mark_leaving(ax, [curve for curve in curves if len(curve[2])])
    ax.grid(alpha=0.3)
    ax.legend(handles=handles, title="learning rate", fontsize="small", title_fontsize="small")
    return ax


def mark_leaving(ax: "Axes", curves: "Sequence[tuple[str, Line2D, Array, Array]]") -> "list[Line2D]":
    """Let curves that grow leave the picture at a triangle; return the legend's entries for these.

    Parameters
    ----------
    ax : matplotlib Axes
        The axes with the curves.
    curves : sequence of (name, line, epochs, costs)
        The curves, of which none is empty.
    """
    from matplotlib.lines import Line2D

    top = GROWTH * max((excess[0] for *_, excess in curves), default=0.0)
    leaving = [curve for curve in curves if curve[-1].max() > top]
    if not leaving:
        return []
    bottom = min(excess.min() for *_, excess in curves)
    ax.set_ylim(bottom * (bottom / top) ** 0.04, top)
    look: dict[str, Any] = {"marker": "^", "linestyle": "", "markersize": 8, "markeredgecolor": style("text.color")}
    for name, line, epochs, excess in leaving:
        after = int(np.argmax(excess > top))  # the first is below the top
        last = slice(after - 1, after + 1)
        x = np.interp(np.log(top), np.log(excess[last]), epochs[last])  # where the line crosses the edge
        (mark,) = ax.plot([x], [top], color=line.get_color(), clip_on=False, zorder=3, **look)
        leaves = f"leaves the picture at epoch {epochs[after]:,}; at most {excess.max():.3g} above the least cost"
        mark.set_gid(f"Learning rate {name} {leaves}")
    return [Line2D([], [], color="none", label="leaves the picture", **look)]
