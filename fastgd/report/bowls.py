"""Two pictures of the slides that need no measurement: J as a bowl, and a descent in three systems of coordinates."""

from typing import TYPE_CHECKING, Any

import numpy as np

from fastgd import plots
from fastgd.descent.fit import gradient_descent
from fastgd.inputs.arrays import Array
from fastgd.inputs.words import count
from fastgd.plots.figures import PALETTE, style
from fastgd.report.svg import Picture, draw

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HEIGHTS = np.arange(1, 8) ** 2 / 49  # of the rings of the bowl
FLAT = 0.28  # the height of a ring of radius 1, seen from the side and a little above
SPREAD = np.array([[1.0, 0.18], [0.0, 0.2]])  # of the two columns of a problem with long ellipses


def bowl_picture() -> Picture:
    """Return the picture of J over two weights."""
    return draw(
        "bowl",
        "The cost J over two weights: every ring has one height",
        "A bowl, seen from the side and a little above, made of rings. Its lowest point is marked.",
        draw_bowl,
        height=3.4,
    )


def draw_bowl(ax: "Axes") -> None:
    """Draw the rings of equal cost above each other, the outline of the bowl, and its lowest point."""
    angles, ink = np.linspace(0, 2 * np.pi, 73), style("text.color")
    for height in HEIGHTS:
        radius = np.sqrt(height)
        ring = radius * np.cos(angles), height + FLAT * radius * np.sin(angles)
        ax.plot(*ring, color=PALETTE["blue"], linewidth=1.3, alpha=0.35 + 0.65 * height)
    across = np.linspace(-1, 1, 41)
    ax.plot(across, across**2, color=PALETTE["blue"], linewidth=1.8)
    (lowest,) = ax.plot([0], [0], "*", color=PALETTE["vermillion"], markersize=13, zorder=3)
    lowest.set_gid("the lowest cost")
    ax.annotate(
        "the lowest cost:\none pair of weights",
        (0, 0),
        (0.35, -0.17),
        va="top",
        arrowprops={"arrowstyle": "-", "color": ink},
    )
    ax.annotate(
        "cost J", (-1.25, 1.2), (-1.25, -0.3), ha="center", va="top", arrowprops={"arrowstyle": "->", "color": ink}
    )
    ax.set(xlim=(-1.4, 1.3), ylim=(-0.6, 1.35))
    ax.axis("off")


def coordinates_picture() -> Picture:
    """Return the picture of one descent in the units of the data, on standardized columns, and whitened."""
    X, y = make_problem()
    runs = {name: descend(X @ T, y) for name, T in list_coordinates(X).items()}
    words = "; ".join(f"{name} {count(len(path) - 1, 'epoch')}" for name, path in runs.items())

    def plot(ax: "Axes") -> None:
        figure = ax.figure
        ax.remove()
        axes = figure.subplot_mosaic([[0, 0], [1, 2]])
        for k, (name, T) in enumerate(list_coordinates(X).items()):
            draw_descent(axes[k], X @ T, y, name, runs[name])

    return draw(
        "coordinates",
        "One problem in three systems of coordinates, each descent at the rate 1/L",
        f"Contours of J, and the path from 0 to the minimum: {words}. Long ellipses, shorter ones, and circles.",
        plot,
        height=4.8,
    )


def make_problem() -> tuple[Array, Array]:
    """Return two centred columns of different scales that depend on each other, and a centred target."""
    generator = np.random.default_rng(1)
    X = generator.standard_normal((400, 2)) @ SPREAD
    X -= X.mean(axis=0)
    y = X @ [1.0, 6.0] + 0.2 * generator.standard_normal(400)
    return X, y - y.mean()


def list_coordinates(X: Array) -> dict[str, Array]:
    """Return the matrices that X is multiplied by."""
    factor = np.linalg.cholesky(X.T @ X / len(X)).T
    return {
        "in the units of the data": np.eye(2),
        "standardized": np.diag(1 / X.std(axis=0)),
        "whitened": np.linalg.inv(factor),
    }


def descend(X: Array, y: Array) -> Array:
    """Return the weights of a descent at the rate 1/L until it has converged."""
    options: dict[str, Any] = {"fit_intercept": False, "learning_rate": "constant", "precondition": "none"}
    run = gradient_descent(X, y, epochs=2000, tol=1e-6, check_every=1, history=True, **options)
    return np.asarray(run.path)


def draw_descent(ax: "Axes", X: Array, y: Array, name: str, path: Array) -> None:
    """Draw a path over contours; the numbers of the axes do not matter here."""
    plots.contour_path(X, y, {"1/L": path}, ax=ax)
    if legend := ax.get_legend():  # the title has its words
        legend.remove()
    ax.set(xlabel="", ylabel="", xticks=[], yticks=[])
    ax.set_title(f"{name}:\n{count(len(path) - 1, 'epoch')}", fontsize="medium", color=style("text.color"))
