"""Draw the pictures of fit.md and mathematics.md: a run's costs, and the effect of rates on cost and error.

python docs/pictures.py            print the paths
python docs/pictures.py --write    write docs/cost.svg, docs/rates.svg and docs/polynomials.svg
"""

import argparse
import os
import warnings
from pathlib import Path

import matplotlib as mpl
import numpy as np

import fastgd
from fastgd import plots, rates

mpl.use("svg")
from matplotlib.figure import Figure

DOCS = Path(__file__).parent
# A descent on the data, at rates that belong to their units.
PLAIN = {"precondition": "none", "compress": False}
COLORS = {"constant": "#0072B2", "silver": "#CC79A7", "chebyshev": "#009E73", "eigenvalues": "#D55E00"}
STYLES = {"constant": "-", "silver": ":", "chebyshev": "-", "eigenvalues": "--"}


def draw_cost():
    """Return the picture of a constant rate on the guide's data."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((1000, 4)) * [1.0, 2.0, 3.0, 4.0]
    y = X @ [3.0, -1.0, 0.5, 0.1] + 7.0 + rng.standard_normal(1000)
    figure = Figure(figsize=(7.5, 3.5), layout="constrained")
    result = fastgd.gradient_descent(X, y, learning_rate="constant", **PLAIN)
    plots.cost_history(result, ax=figure.add_subplot())
    return figure


def draw_rates():
    """Return a picture of the costs of four schedules on the same data, until each run ends."""
    rng = np.random.default_rng(0)
    scales = np.geomspace(1, 1 / 10, 10)
    X = rng.standard_normal((2000, 10)) * scales
    y = X @ (1 / scales) + rng.standard_normal(2000)
    exact = np.linalg.lstsq(np.column_stack([np.ones(len(X)), X]), y, rcond=None)[0]
    least = fastgd.cost(X, y, exact)
    axes = new_axes("epoch", "cost − least cost")
    for name, color in COLORS.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", fastgd.ConvergenceWarning)  # the picture marks the runs that have converged
            result = fastgd.gradient_descent(X, y, learning_rate=name, epochs=200, tol=1e-12, **PLAIN)
        costs = np.append(result.cost_history, fastgd.cost(X, y, result.weights))
        above = np.maximum(costs - least, 1e-16)  # a difference of 0 has no logarithm
        axes.semilogy(above, STYLES[name], color=color, label=name)
        axes.plot(result.epochs, above[-1], "o" if result.converged else "", color=color)
    axes.plot([], [], "o", color="grey", label="converged")
    axes.legend(loc="lower left", bbox_to_anchor=(0.13, 0), frameon=False)
    return axes.figure


def draw_polynomials():
    """Return a picture of the factor by which epochs multiply the error along each eigenvector."""
    smoothness, convexity = 1.0, 0.04
    spectrum = np.array([1.0, 0.62, 0.31, 0.12, 0.04])
    chosen = {
        "constant": rates.constant(32, smoothness),
        "chebyshev": rates.chebyshev(32, smoothness, convexity),
        "eigenvalues": 1 / spectrum,
    }
    axes = new_axes("eigenvalue λ of the Hessian", "|p(λ)|")
    grid = np.sort(np.concatenate([np.linspace(convexity, smoothness, 2000), spectrum]))
    for name, alphas in chosen.items():
        factors = np.abs(np.prod(1 - np.outer(grid, alphas), axis=1))
        label = f"{name}, {len(alphas)} epochs"
        axes.semilogy(grid, np.maximum(factors, 1e-9), STYLES[name], color=COLORS[name], label=label)
    axes.plot(spectrum, np.full(len(spectrum), 2e-7), "|", color="black", markersize=12, label="the eigenvalues")
    axes.set_ylim(1e-7, 20)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, frameon=False)
    return axes.figure


def new_axes(x, y):
    """Return empty axes with labels for both directions."""
    axes = Figure(figsize=(7.5, 4), layout="constrained").add_subplot()
    axes.set(xlabel=x, ylabel=y)
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    return axes


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="write the files")
    options = parser.parse_args()
    os.environ["SOURCE_DATE_EPOCH"] = "0"  # the same picture is the same file
    mpl.rcParams["svg.hashsalt"] = "fastgd"
    for name, draw in (("cost", draw_cost), ("rates", draw_rates), ("polynomials", draw_polynomials)):
        path, figure = DOCS / f"{name}.svg", draw()
        if options.write:
            figure.savefig(path, metadata={"Date": None, "Creator": None})
        print(path.relative_to(DOCS.parent))
