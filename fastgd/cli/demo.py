"""`fastgd demo`: the tutorial's problem with all backends, then real data compared with least squares."""

import argparse
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from fastgd import backends, bench, plots
from fastgd.descent.cost import cost
from fastgd.descent.fit import gradient_descent
from fastgd.descent.result import DescentResult
from fastgd.descent.warnings import ConvergenceWarning
from fastgd.files.paths import check_output
from fastgd.inputs.arrays import Array
from fastgd.inputs.extras import explain_import
from fastgd.inputs.words import printable
from fastgd.plots.figures import check_picture, save_figure

PICTURE = "fastgd-demo.png"
TUTORIAL_EPOCHS = 100
TUTORIAL_RATE = 0.1
REAL_EPOCHS = 20_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `fastgd demo`."""
    parser.add_argument(
        "--plot", metavar="FILE", help=f"where to save a picture of the cost curves (default: {PICTURE})"
    )
    names = ["auto", *backends.MODULES]
    parser.add_argument(
        "--backend",
        choices=names,
        default="auto",
        help="the backend of the printed runs (default: auto, the first of these that can be used)",
    )


def run(options: argparse.Namespace) -> int:
    """Run the demonstration, without its picture if matplotlib is missing, or no file can be written here."""
    picture = None
    try:
        path = PICTURE if options.plot is None else options.plot
        check_output("--plot", path)
        picture = check_picture("--plot", path)
    except (ImportError, ValueError) as error:
        if options.plot is not None and isinstance(error, ValueError):
            raise  # somebody asked for this file
        print(f"No picture: {printable(error)}\n")
    try:
        run_demo(picture, options.backend)
    except OSError as error:
        if options.plot is not None or error.filename != PICTURE:
            raise
        print(f"\nNo picture: {PICTURE}: {error.strerror}")
    return 0


def tutorial_problem() -> tuple[Array, Array]:
    """Return 100 points with 5 features, and a target that is linear in them, with noise."""
    generator = np.random.default_rng(42)
    X = generator.standard_normal((100, 5))
    return X, 4.0 + X @ np.array([3.0, -2.0, 1.0, 0.5, -1.0]) + 0.5 * generator.standard_normal(100)


def run_demo(picture: Path | None, backend: str) -> None:
    """Print both parts, and save a picture of their cost curves if a path is given."""
    tutorial = show_tutorial(backend)
    real, least_cost = show_real_data(backend)
    if picture:
        save_curves(tutorial, real, least_cost, picture)
        print(f"\nCost curves: {printable(picture)}")


def show_tutorial(backend: str) -> DescentResult:
    """Fit the tutorial's problem with one backend, printing costs, and compare all backends."""
    X, y = tutorial_problem()
    settings: dict[str, Any] = {"learning_rate": TUTORIAL_RATE, "epochs": TUTORIAL_EPOCHS, "tol": 0}
    settings |= {"weights": "random", "random_state": 0, "precondition": "none", "compress": False}
    print(f"1. The tutorial's problem: 100 points, 5 features, random start, rate {TUTORIAL_RATE}\n")
    result = gradient_descent(X, y, backend=backend, verbose=1, **settings)
    print(f"epoch {result.epochs}: cost {result.cost:.8g}  (backend {result.backend})\n")
    names = backends.list_loadable()[::-1]
    fits = {name: gradient_descent(X, y, backend=name, **settings).weights for name in names}
    seconds = bench.time_epochs(X, y, names)
    print("backend   time per epoch   speed-up   largest difference of a weight to the loop's")
    for name in names:
        difference = np.abs(fits[name] - fits["python"]).max()
        speedup = seconds["python"] / seconds[name]
        print(f"{name:8}{seconds[name] * 1e6:>13.2f} µs{speedup:>10.0f}×   {difference:.1e}")
    return result


def show_real_data(backend: str) -> tuple[dict[str, DescentResult], float]:
    """Fit the diabetes data of scikit-learn: raw columns, standardized ones, no options; return runs and least cost."""
    print("\n2. Real data: diabetes progression of 442 patients, 10 measurements in their own units\n")
    try:
        from sklearn.datasets import load_diabetes
    except Exception as fault:
        print(f"left out: {explain_import('the data come with scikit-learn', fault, 'sklearn')}")
        return {}, 0.0
    X, y = load_diabetes(return_X_y=True, scaled=False)
    exact = np.linalg.lstsq(np.column_stack([np.ones(len(X)), X]), y, rcond=None)[0]
    least = cost(X, y, exact)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the table says which runs have converged
        runs = fit_all(X, y, backend)
    print(f"{'':24}{'epochs':>7}   {'converged':9}{'cost':>12}{'R²':>9}   relative error of the weights")
    for name, run in runs.items():
        error = np.linalg.norm(run.weights - exact) / np.linalg.norm(exact)
        state = f"{run.epochs:>7,}   {'yes' if run.converged else 'no':9}"
        print(f"{name:24}{state}{run.cost:>12.5f}{run.r_squared:>9.5f}   {error:.0e}")
    print(f"{'least squares':43}{least:>12.5f}{1 - 2 * least / y.var():>9.5f}")
    print("\nThe first two runs have the rate 1/smoothness; only the scales of the columns differ. The call without")
    print("options chooses coordinates in which one epoch is enough.")
    return runs, least


def fit_all(X: Array, y: Array, backend: str) -> dict[str, DescentResult]:
    """Return the runs with raw columns, with standardized columns, and without options."""
    plain: dict[str, Any] = {"learning_rate": "constant", "compress": False, "epochs": REAL_EPOCHS, "tol": 1e-12}
    return {
        "columns as they are": gradient_descent(X, y, precondition="none", backend=backend, **plain),
        "columns standardized": gradient_descent(X, y, precondition="standardize", backend=backend, **plain),
        "gradient_descent(X, y)": gradient_descent(X, y, backend=backend),
    }


def save_curves(tutorial: DescentResult, real: dict[str, DescentResult], least_cost: float, picture: Path) -> None:
    """Save a panel for the tutorial's problem, and one for the real data if there are runs."""
    figure = plots.new_figure(width=10 if real else 5, height=4)
    axes = figure.subplots(1, 2 if real else 1, squeeze=False)[0]
    plots.cost_history(tutorial, ax=axes[0])
    axes[0].set_title(f"100 × 5, random start, rate {TUTORIAL_RATE}")
    for name, result in real.items():
        costs = [*result.cost_history, result.cost]  # one epoch has two costs: the one before and the one after
        axes[1].plot(costs, marker="o" if result.epochs == 1 else "", label=name)
    if real:
        axes[1].set(title="diabetes data", xlabel="epoch", ylabel="cost J", yscale="log")
        axes[1].set_xscale("symlog", linthresh=1)
        axes[1].set_xlim(left=-0.3)
        axes[1].grid(alpha=0.3, which="both")
        axes[1].axhline(least_cost, color="black", linestyle=":", label="least squares")
    for ax in axes:
        ax.legend()
    save_figure(figure, picture)
