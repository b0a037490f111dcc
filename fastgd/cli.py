"""The command line: ``fastgd demo``, ``fit``, ``predict``, ``bench`` and ``config``.

Exit codes: 0, done; 1, the fit diverged; 2, bad input, with a message on standard error.
"""

import argparse
import csv
import json
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fastgd import backends, model, plots
from fastgd.arrays import Array
from fastgd.bench import command as bench
from fastgd.config import config, show_config
from fastgd.descent import DescentResult, DivergenceWarning, cost, gradient_descent
from fastgd.scaling import standardize, unscale
from fastgd.tables import read_csv


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    options = make_parser().parse_args(arguments)
    try:
        return int(options.command(options))
    except (ValueError, OSError, ImportError) as error:
        print(f"fastgd: {error}", file=sys.stderr)
        return 2


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = argparse.ArgumentParser(prog="fastgd", description="Linear regression by gradient descent.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    names = ["auto", *backends.MODULES]

    demo = commands.add_parser("demo", help="fit the tutorial's problem and real data by all backends")
    demo.add_argument("--plot", metavar="FILE", default="fastgd-demo.png", help="the picture of the cost curves")
    demo.add_argument("--backend", choices=names, default="auto", help="what computes the printed runs")
    demo.set_defaults(command=run_demo)

    fit = commands.add_parser("fit", help="fit a CSV file: one column by all the others")
    fit.add_argument("file", metavar="FILE.csv", help="comma-separated, column names in the first line")
    fit.add_argument("--target", metavar="COLUMN", required=True, help="the column to predict")
    fit.add_argument("--out", metavar="FILE", help="where to save the model, as JSON")
    fit.add_argument("--learning-rate", metavar="RATE", type=parse_rate, default="auto", help="a number, or auto")
    fit.add_argument("--epochs", metavar="N", type=int, default=1000, help="updates at most (default 1000)")
    fit.add_argument("--backend", choices=names, default="auto", help="what computes the updates")
    fit.add_argument("--standardize", action="store_true", help="descend on columns at mean 0 and deviation 1")
    fit.add_argument("--plot", metavar="FILE", help="where to save a picture of the cost curve")
    fit.add_argument("--json", action="store_true", help="print the model as JSON")
    fit.set_defaults(command=run_fit)

    predict = commands.add_parser("predict", help="predict the rows of a CSV file by a saved model")
    predict.add_argument("model", metavar="MODEL.json", help="what fit --out saved")
    predict.add_argument("file", metavar="FILE.csv", help="a file with the columns that the model was fitted on")
    predict.add_argument("--json", action="store_true", help="print JSON instead of CSV")
    predict.set_defaults(command=run_predict)

    timing = commands.add_parser("bench", help="time an epoch of every backend on a ladder of sizes")
    bench.add_arguments(timing)
    timing.set_defaults(command=bench.run)

    shown = commands.add_parser("config", help="show what was built and installed")
    shown.add_argument("--json", action="store_true", help="print JSON")
    shown.set_defaults(command=run_config)
    return parser


def parse_rate(text: str) -> float | str:
    """Return a learning rate: "auto" or a number."""
    if text == "auto":
        return text
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a number or auto; got {text!r}") from None


def run_demo(options: argparse.Namespace) -> int:
    """Run the demonstration."""
    from fastgd.demo import run_demo as demo

    demo(plots.check_picture(options.plot), options.backend)
    return 0


def run_fit(options: argparse.Namespace) -> int:
    """Fit one column of a file by the others; print, save and draw."""
    picture = plots.check_picture(options.plot) if options.plot else None
    if options.out and not Path(options.out).parent.is_dir():
        raise ValueError(f"--out must be in a folder that exists; got {options.out!r}")
    table = read_csv(options.file)
    if options.target not in table.names:
        known = ", ".join(map(repr, table.names))
        raise ValueError(f"{options.file}, line 1: no column {options.target!r} for --target; there are {known}")
    features = [name for name in table.names if name != options.target]
    if not features:
        raise ValueError(f"{options.file}, line 1: expected columns beside the target {options.target!r}")
    X, y = table.columns(features), table.columns([options.target])[:, 0]
    with warnings.catch_warnings():
        warnings.simplefilter("error", DivergenceWarning)
        try:
            result, weights = fit(X, y, options)
        except DivergenceWarning as diverged:
            print(f"fastgd: no model: {diverged}", file=sys.stderr)
            return 1
    document = model.to_json(
        model.Model(options.target, features, float(weights[0]), weights[1:].tolist()), describe(X, y, result, weights)
    )
    if options.out:
        Path(options.out).write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    if picture:
        figure = plots.new_figure()
        plots.cost_history(result, ax=figure.add_subplot()).legend()
        figure.savefig(picture)
    if options.json:
        print(json.dumps(document, indent=2))
    else:
        print_model(document)
    if not result.converged:
        hint = "" if options.standardize else ", or --standardize"
        print(f"fastgd: not converged after {result.epochs} epochs: try more --epochs{hint}", file=sys.stderr)
    return 0


def fit(X: Array, y: Array, options: argparse.Namespace) -> tuple[DescentResult, Array]:
    """Return the run, and its weights in the units of the data."""
    data, means, deviations = standardize(X) if options.standardize else (X, None, None)
    result = gradient_descent(
        data, y, learning_rate=options.learning_rate, epochs=options.epochs, backend=options.backend
    )
    if means is None or deviations is None:
        return result, result.weights
    return result, unscale(result.weights, means, deviations)


def describe(X: Array, y: Array, result: DescentResult, weights: Array) -> dict[str, Any]:
    """Return how a fit went, as plain values for JSON."""
    reached, variance = cost(X, y, weights), float(np.var(y))
    return {
        "n_samples": len(y),
        "backend": result.backend,
        "learning_rate": float(result.rates[0]),
        "epochs": result.epochs,
        "reason": result.reason,
        "converged": result.converged,
        "cost": reached,
        "r_squared": 1 - 2 * reached / variance if variance else None,
    }


def print_model(document: dict[str, Any]) -> None:
    """Print a fitted model for a person."""
    notes = document["fit"]
    state = "converged" if notes["converged"] else "not converged"
    r_squared = "undefined" if notes["r_squared"] is None else f"{notes['r_squared']:.6f}"
    print(f"{notes['n_samples']} rows, {len(document['features'])} features, target {document['target']!r}")
    print(f"backend {notes['backend']}, rate {notes['learning_rate']:.6g}, {notes['epochs']} epochs, {state}")
    print(f"cost {notes['cost']:.8g}, R² {r_squared}\n")
    names = ["intercept", *document["features"]]
    width = max(map(len, names))
    for name, value in zip(names, [document["intercept"], *document["coef"]], strict=True):
        print(f"{name:{width}}  {value:>16.8g}")


def run_predict(options: argparse.Namespace) -> int:
    """Print one prediction for each row of a file."""
    fitted = model.load(options.model)
    predictions = fitted.predict(read_csv(options.file, required=fitted.features).values).tolist()
    if options.json:
        print(json.dumps({"target": fitted.target, "predictions": predictions}))
        return 0
    lines = csv.writer(sys.stdout, lineterminator="\n")
    lines.writerow([fitted.target])
    lines.writerows([value] for value in predictions)
    return 0


def run_config(options: argparse.Namespace) -> int:
    """Show what was built."""
    if options.json:
        print(json.dumps(config(), indent=2))
    else:
        show_config()
    return 0
