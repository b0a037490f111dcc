"""`fastgd fit`: one column of a file by all the others, what is printed, and what is saved."""

import argparse
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from fastgd import model, plots
from fastgd.arrays import Array
from fastgd.descent import gradient_descent
from fastgd.objective import cost
from fastgd.result import ConditionWarning, DescentResult, DivergenceWarning
from fastgd.tables import Table, list_names, quote, read_csv
from fastgd.validation import check_mean_square

INTERRUPTED = 130  # what shells make of Ctrl-C: 128 + SIGINT


def run(options: argparse.Namespace) -> int:
    """Fit one column of a file by the others; print, save and draw."""
    picture = check_outputs(options)
    table = read_csv(options.file)
    features = choose_features(table, options)
    X, y = table.columns(features), table.columns([options.target])[:, 0]
    check_columns([options.target], y[:, np.newaxis])
    if options.standardize:
        check_columns(features, X)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConditionWarning)
        warnings.simplefilter("error", DivergenceWarning)
        try:
            result = gradient_descent(
                X,
                y,
                learning_rate=options.learning_rate,
                epochs=options.epochs,
                backend=options.backend,
                standardize=options.standardize,
                alpha=options.alpha,
            )
        except DivergenceWarning as diverged:
            print(f"fastgd: no model: {diverged}", file=sys.stderr)
            return 1
    if result.reason == "interrupted":
        print(f"fastgd: no model: interrupted after {result.epochs} epochs", file=sys.stderr)
        return INTERRUPTED
    fitted = model.Model(options.target, features, result.intercept, result.coef.tolist())
    document = model.to_json(fitted, describe(X, y, result, options.learning_rate))
    if options.out:
        Path(options.out).write_text(model.format_json(document) + "\n", encoding="utf-8")
    if picture:
        figure = plots.new_figure()
        plots.cost_history(result, ax=figure.add_subplot()).legend()
        figure.savefig(picture)
    if options.json:
        print(model.format_json(document))
    else:
        print_model(document)
    if result.reason == "epochs":
        hint = "" if options.standardize else ", or --standardize"
        print(f"fastgd: not converged after {result.epochs} epochs: try more --epochs{hint}", file=sys.stderr)
    elif not result.converged:  # a ConditionWarning
        print(f"fastgd: {caught[0].message}".replace("standardize=True", "--standardize"), file=sys.stderr)
    return 0


def check_outputs(options: argparse.Namespace) -> Path | None:
    """Refuse files that a fit cannot save, before any work is done; return that of the picture."""
    if options.out is not None:
        check_output("--out", options.out, options.file)
    if options.plot is None:
        return None
    check_output("--plot", options.plot, options.file)
    if options.out is not None and Path(options.out).resolve() == Path(options.plot).resolve():
        raise ValueError(f"--out and --plot must be different files; got {options.plot!r} for both")
    return plots.check_picture(options.plot)


def check_output(option: str, path: str, source: str | None = None) -> None:
    """Refuse the path of a file that cannot be written, or that is the one to be read."""
    if not path:
        raise ValueError(f"{option} must name a file; got ''")
    if Path(path).is_dir():
        raise ValueError(f"{option} must be a file; got the folder {path!r}")
    if not Path(path).parent.is_dir():
        raise ValueError(f"{option} must be in a folder that exists; got {path!r}")
    if source is not None and Path(path).exists() and Path(path).samefile(source):
        raise ValueError(f"{option} must not be the file that is read; got {path!r}")


def choose_features(table: Table, options: argparse.Namespace) -> list[str]:
    """Return all columns but the target."""
    where = f"{options.file}, line 1"
    if options.target not in table.names:
        known = list_names(table.names)
        raise ValueError(f"{where}: no column {quote(options.target)} for --target; there are {known}")
    features = [name for name in table.names if name != options.target]
    if not features:
        raise ValueError(f"{where}: expected columns beside the target {quote(options.target)}")
    return features


def check_columns(names: list[str], X: Array) -> None:
    """Refuse columns whose squares leave the range of float64, by name."""
    for name, column in zip(names, X.T, strict=True):
        check_mean_square(f"column {name!r}", column)


def describe(X: Array, y: Array, result: DescentResult, learning_rate: float | str) -> dict[str, Any]:
    """Return how a fit went, as plain values for JSON."""
    reached = cost(X, y, result.weights)
    return {
        "n_samples": len(y),
        "backend": result.backend,
        "learning_rate": learning_rate if is_schedule(learning_rate) else float(result.rates[0]),
        "epochs": result.epochs,
        "reason": result.reason,
        "converged": result.converged,
        "cost": reached,
        "r_squared": 1 - 2 * reached / float(np.var(y)) if np.ptp(y) > 0 else None,
    }


def is_schedule(learning_rate: float | str) -> bool:
    """Tell whether rates differ from epoch to epoch, so that none of them says much."""
    return isinstance(learning_rate, str) and learning_rate not in ("auto", "constant")


def print_model(document: dict[str, Any]) -> None:
    """Print a fitted model for a person."""
    notes = document["fit"]
    state = f"converged ({notes['reason']})" if notes["converged"] else "not converged"
    r_squared = "undefined" if notes["r_squared"] is None else f"{notes['r_squared']:.6f}"
    print(f"{notes['n_samples']} rows, {len(document['features'])} features, target {document['target']!r}")
    rate = notes["learning_rate"]
    shown = rate if isinstance(rate, str) else f"{rate:.6g}"
    print(f"backend {notes['backend']}, rate {shown}, {notes['epochs']} epochs, {state}")
    print(f"cost {notes['cost']:.8g}, R² {r_squared}\n")
    names = ["intercept", *document["features"]]
    width = max(map(len, names))
    for name, value in zip(names, [document["intercept"], *document["coef"]], strict=True):
        print(f"{name:{width}}  {value:>16.8g}")
