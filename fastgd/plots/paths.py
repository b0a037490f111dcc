"""The paths of weights, over the cost that they descend."""

from __future__ import annotations  # help() then shows ArrayLike by its name

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from fastgd.inputs.arrays import Array
from fastgd.inputs.data import check_numbers, check_problem
from fastgd.inputs.values import check_finite
from fastgd.inputs.words import printable, quote
from fastgd.plots.costs import COLORS, STYLES, span
from fastgd.plots.figures import new_figure, plain, size_in_points, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

REACH = 1.3  # times the start's distance from the minimum; a path may leave the picture beyond that
FAR = 1e4  # times that distance; a path ends there
MARGIN = 0.12  # around the paths, as a share of the picture
STRETCH = 3.0  # the largest factor by which a range is widened to draw both on the same scale
GRID = 201  # points of the grid in each direction
LEVELS, LEVEL_RATIO = 9, 2.5  # the number of contours, and the ratio of their heights above the least cost


class Bowl(NamedTuple):
    """The cost as a function of two weights: J(w) = least + ½ (w − minimum)ᵀ curvature (w − minimum)."""

    minimum: Array
    least: float
    curvature: Array

    def excess(self, weights: Array) -> Array:
        """Return J − least at weights of shape (..., 2)."""
        with np.errstate(over="ignore", invalid="ignore"):
            steps = weights - self.minimum
            return 0.5 * np.einsum("...i,ij,...j->...", steps, self.curvature, steps)


def contour_path(X: ArrayLike, y: ArrayLike, paths: Mapping[str, ArrayLike], *, ax: Axes | None = None) -> Axes:
    """Draw the paths of two weights over the contours of the cost.

    Parameters
    ----------
    X : array_like of shape (n_samples, 2) or (n_samples, 1)
        The features. Two are fitted without an intercept; with one, the weights are intercept and slope.
    y : array_like of shape (n_samples,)
        The target.
    paths : mapping of str to array_like of shape (n_points, 2)
        The weights of each run, from the start on, by its name in the legend: those of successive epochs, or of
        successive checks, such as the `path` of a result. ``check_every=1, history=True`` keeps each epoch. There is
        no picture for more than two weights; draw the costs instead, by `cost_history`.
    ax : matplotlib Axes or None
        The axes to draw on; None makes a new figure.

    Returns
    -------
    matplotlib Axes
        Axes with the first weight across and the second upwards, on the same scale unless one range is more than three
        times the other. Each contour is 2.5 times as far above the least cost as the next inner one. A star is the
        minimum (of several, the one nearest to the origin); markers are the points of a path. A path may leave the
        picture where it is more than 1.3 times as far from the minimum as its start.

    Raises
    ------
    ValueError, TypeError
        If an argument is not of the kind above.
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> from fastgd import plots
    >>> X, y = [[-1.0], [0.0], [1.0]], [1.0, 3.0, 5.0]
    >>> ax = plots.contour_path(X, y, {"by hand": [[0.0, 0.0], [2.4, 1.0], [2.9, 1.5]]})
    >>> np.round([line.get_xydata()[0] for line in ax.lines if line.get_label() == "minimum"], 9)
    array([[3., 2.]])
    """
    X, y = check_problem(X, y)
    if X.shape[1] > 2:
        raise ValueError(f"X must have shape (n_samples, 2), or (n_samples, 1) with an intercept; got shape {X.shape}")
    if not paths:
        raise ValueError("paths must have the weights of at least one run; got an empty mapping")
    names = ("θ₀", "θ₁") if X.shape[1] == 1 else ("θ₁", "θ₂")
    walks = {label: check_path(label, path) for label, path in paths.items()}
    bowl = make_bowl(X, y)
    if ax is None:
        ax = new_figure(5.5, 4.5).add_subplot()
    lower, upper, same_scale = widen(*find_limits(bowl.minimum, list(walks.values())), size_in_points(ax))
    if same_scale:
        ax.set_aspect("equal")  # steps along the gradient are then at right angles to contours
    draw_contours(ax, bowl, lower, upper)
    for k, (label, walk) in enumerate(walks.items()):
        draw_path(ax, k, label, walk, bowl)
    place = ", ".join(f"{name} = {weight:.4g}" for name, weight in zip(names, bowl.minimum, strict=True))
    look: dict[str, Any] = {"markersize": 13, "color": style("text.color"), "markeredgecolor": style("axes.facecolor")}
    (star,) = ax.plot(*bowl.minimum[:, None], "*", label="minimum", zorder=4, **look)
    star.set_gid(f"Least cost {bowl.least:.4g} at {place}")
    ax.set(xlim=(lower[0], upper[0]), ylim=(lower[1], upper[1]), xlabel=names[0], ylabel=names[1])
    ax.legend(fontsize="small")
    return ax


def check_path(label: str, path: ArrayLike) -> Array:
    """Return the weights of a run up to the first that are not finite."""
    walk = check_numbers(f"paths[{quote(label)}]", path).astype(np.float64)
    if walk.ndim != 2 or walk.shape[1] != 2 or not len(walk):
        expected = "(epochs + 1, 2), the weights of successive epochs"
        raise ValueError(f"paths[{quote(label)}] must have shape {expected}; got shape {walk.shape}")
    check_finite(f"the start of paths[{quote(label)}]", walk[:1])
    lost = np.flatnonzero(~np.isfinite(walk).all(axis=1))
    return walk[: lost[0]] if len(lost) else walk


def make_bowl(X: Array, y: Array) -> Bowl:
    """Return the cost of two weights."""
    A = np.column_stack([np.ones(len(X)), X])[:, -2:].astype(np.float64)
    minimum = np.linalg.lstsq(A, y, rcond=None)[0]
    residual = A @ minimum - y
    return Bowl(minimum, float(residual @ residual) / (2 * len(y)), A.T @ A / len(y))


def find_limits(minimum: Array, walks: list[Array]) -> tuple[Array, Array]:
    """Return the corners of the picture: around the minimum and the points of paths that are not far from it."""
    points = [minimum]
    for walk in walks:
        distances = np.hypot(*(walk - minimum).T)
        points.extend(walk[distances <= REACH * distances[0]])
    lower, upper = np.min(points, axis=0), np.max(points, axis=0)
    spans = upper - lower
    largest = spans.max() or max(1.0, *np.abs(minimum))
    spans[spans <= 1e-9 * np.abs(points).max(axis=0)] = largest  # nothing moves in that direction
    center, half = (lower + upper) / 2, spans * (0.5 + MARGIN)
    return center - half, center + half


def widen(lower: Array, upper: Array, size: tuple[float, float]) -> tuple[Array, Array, bool]:
    """Return corners, and whether one range could be widened to fill axes of this size with both on the same scale."""
    spans = upper - lower
    filling = np.array(size) * (spans / size).max()
    if (filling / spans).max() > STRETCH:
        return lower, upper, False
    center = (lower + upper) / 2
    return center - filling / 2, center + filling / 2, True


def draw_contours(ax: Axes, bowl: Bowl, lower: Array, upper: Array) -> None:
    """Draw contours of the cost, whose heights above the least cost are in constant ratios."""
    first, second = (np.linspace(*ends, GRID) for ends in zip(lower, upper, strict=True))
    excess = bowl.excess(np.stack(np.meshgrid(first, second), axis=-1))
    if excess.max() > 0:
        levels = excess.max() / LEVEL_RATIO ** np.arange(LEVELS, 0, -1)
        color = style("text.color")
        ax.contour(first, second, excess, levels, colors=[color], alpha=0.35, linewidths=0.8, zorder=1)


def draw_path(ax: Axes, k: int, label: str, walk: Array, bowl: Bowl) -> None:
    """Draw the k-th path up to the first point that is far out of the picture."""
    distances = np.hypot(*(walk - bowl.minimum).T)
    gone = np.flatnonzero(distances > FAR * distances[0])
    shown = walk[: gone[0] + 1] if len(gone) and distances[0] else walk
    linestyle, marker = STYLES[k % len(STYLES)]
    look: dict[str, Any] = {"color": COLORS[k % len(COLORS)], "linestyle": linestyle, "marker": marker}
    (line,) = ax.plot(*shown.T, label=plain(printable(label)), markersize=4, linewidth=1.3, zorder=2, **look)
    first, last = bowl.least + bowl.excess(walk[[0, -1]])
    line.set_gid(f"{printable(label)}, {span(len(walk))}: cost {first:.4g} to {last:.4g}")
