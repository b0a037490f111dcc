"""Pictures of the slides that need no measurement: the residuals of a line, the slope of its cost, compressed rows."""

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from fastgd.inputs.arrays import Array
from fastgd.plots.figures import PALETTE, style
from fastgd.report.svg import Picture, draw

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SLOPE, NOISE = 1.5, 0.6  # of the targets
START, RATE = -0.5, 0.4  # of the steps down the cost


def make_points() -> tuple[Array, Array]:
    """Return twenty values of one feature, and their targets."""
    generator = np.random.default_rng(5)
    x = generator.uniform(-2.0, 2.0, 20)
    return x, SLOPE * x + NOISE * generator.standard_normal(20)


def residuals_picture() -> Picture:
    """Return the picture of targets, predictions and residuals."""
    return draw(
        "residuals",
        "Targets, the predictions of one weight, and their residuals",
        "Twenty points around a rising line. A vertical rule runs from each point to the line: its residual.",
        draw_residuals,
    )


def draw_residuals(ax: "Axes") -> None:
    """Draw points, the line of least squares through 0, and the residuals between them."""
    x, y = make_points()
    w = (x @ y) / (x @ x)
    ax.vlines(x, w * x, y, color=PALETTE["vermillion"], linewidth=1.5, label="residual r")
    ax.plot([-2.1, 2.1], [-2.1 * w, 2.1 * w], color=PALETTE["blue"], linewidth=2, label="prediction w·x")
    (points,) = ax.plot(x, y, "o", color=style("text.color"), markersize=5, label="target y")
    points.set_gid("the targets")
    finish(ax, "feature x", "target y")


def slope_picture() -> Picture:
    """Return the picture of the cost of one weight, with a tangent and the steps of a descent."""
    return draw(
        "slope",
        "The cost J of one weight, its slope at the start, and the epochs of a descent",
        "A parabola. At a point on its left arm the tangent falls to the right. The points of the following epochs "
        "come nearer to the lowest point of the parabola.",
        draw_slope,
    )


def draw_slope(ax: "Axes") -> None:
    """Draw J over one weight, the tangent at the start, and the weights of six epochs."""
    x, y = make_points()

    def cost(w: Array) -> Array:
        return np.mean((np.multiply.outer(w, x) - y) ** 2, axis=-1) / 2

    def slope(w: float) -> float:
        return float(np.mean((w * x - y) * x))

    path = [START]
    for _ in range(6):
        path.append(path[-1] - RATE * slope(path[-1]))
    grid, tangent = np.linspace(-1.0, 3.6, 100), np.array([-0.8, 0.3])
    ax.plot(grid, cost(grid), color=PALETTE["blue"], linewidth=2, label="cost J(w)")
    height = float(cost(np.array([START]))[0])
    ax.plot(tangent, height + slope(START) * (tangent - START), "--", color=PALETTE["vermillion"], label="slope ∇J(w)")
    (points,) = ax.plot(path, cost(np.array(path)), "o-", color=style("text.color"), markersize=5, label="epochs")
    points.set_gid("the weights after each epoch")
    finish(ax, "weight w", "cost J")


def compressed_picture(n_samples: int, n_features: int) -> Picture:
    """Return the picture of all rows and of the few that have the same cost; the features count without intercept."""
    rows = min(n_samples, n_features + 2)
    return draw(
        "rows",
        f"{n_samples:,} rows, and the {rows:,} rows of R that take their place",
        f"A tall block, the columns 1, X and y with {n_samples:,} rows; an arrow; a triangle with {rows:,} rows, R.",
        partial(draw_compressed, n_samples, rows),
        height=3.4,
    )


def draw_compressed(n_samples: int, rows: int, ax: "Axes") -> None:
    """Draw the block of all rows, which is cut since it would be far too tall, and the triangle R."""
    look: dict[str, Any] = {"facecolor": PALETTE["sky"], "edgecolor": style("text.color"), "linewidth": 1.2}
    for left, width, name in ((0.0, 0.12, "1"), (0.12, 0.76, "X"), (0.88, 0.12, "y")):
        ax.fill([left, left + width, left + width, left], [0, 0, 3, 3], **look, alpha=0.3 if name == "X" else 0.6)
        ax.text(left + width / 2, 3.08, name, ha="center", va="bottom")
    ax.fill([2.2, 3.2, 3.2], [2, 2, 1], **{**look, "facecolor": PALETTE["purple"]})
    ax.text(2.7, 2.08, "R", ha="center", va="bottom")
    ax.annotate(
        "", (2.1, 1.5), (1.1, 1.5), arrowprops={"arrowstyle": "->", "linewidth": 1.5, "color": style("text.color")}
    )
    ax.text(1.6, 1.58, "QR, once", ha="center", va="bottom")
    ax.text(0.5, -0.1, f"{n_samples:,} rows", ha="center", va="top")
    ax.text(2.7, 0.9, f"{rows:,} rows,\nthe same J", ha="center", va="top")
    ax.set(xlim=(-0.1, 3.4), ylim=(-0.45, 3.4))
    ax.axis("off")


def finish(ax: "Axes", across: str, up: str) -> None:
    """Name the axes, whose numbers do not matter here, and add the legend."""
    ax.set(xlabel=across, ylabel=up, xticks=[], yticks=[])
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, fontsize="small")
