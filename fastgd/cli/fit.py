"""`fastgd fit`: one column of files by all the others, what is printed, and what is saved."""

import argparse
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from fastgd import plots
from fastgd.backends import is_installed
from fastgd.descent.fit import gradient_descent
from fastgd.descent.result import DescentResult
from fastgd.descent.warnings import ConditionWarning, DivergenceWarning
from fastgd.files import model
from fastgd.files.csv import CsvTable, TableError, quote, quote_names, read_csv
from fastgd.files.paths import check_different, check_output
from fastgd.inputs.arrays import Array
from fastgd.inputs.data import check_mean_square
from fastgd.plots.figures import check_picture
from fastgd.streaming import fit_files
from fastgd.streaming.cluster import fit_on_cluster
from fastgd.streaming.columns import check_column_names
from fastgd.streaming.files import find_files, is_pattern

LARGE_FILE = 1 << 26  # bytes above which a CSV file is read in parts, which is faster too
INTERRUPTED = 130  # what shells make of Ctrl-C: 128 + SIGINT
Fit = tuple[DescentResult, list[str], dict[str, Any]]  # with the features, and what is known of the rows


def run(options: argparse.Namespace) -> int:
    """Fit one column by the others; print, save and draw."""
    stream = is_stream(options)
    picture = check_outputs(options, find_files(options.files) if stream else options.files)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConditionWarning)
        warnings.simplefilter("error", DivergenceWarning)
        try:
            result, features, facts = fit_stream(options) if stream else fit_table(options)
        except DivergenceWarning as diverged:
            print(f"fastgd: no model: {diverged}", file=sys.stderr)
            return 1
    if result.reason == "interrupted":
        print(f"fastgd: no model: interrupted after {result.epochs} epochs", file=sys.stderr)
        return INTERRUPTED
    notes = describe(result, options.learning_rate, facts)
    fitted = model.Model(options.target, features, result.intercept, result.coef.tolist(), notes)
    document = model.make_document(fitted)
    if options.out:
        model.save(fitted, options.out)
    if picture:
        figure = plots.new_figure()
        plots.cost_history(result, ax=figure.add_subplot()).legend()
        figure.savefig(picture)
    if options.json:
        print(model.encode_json(document))
    else:
        print_model(document)
    if result.reason == "epochs":
        hint = "" if options.standardize else ", or --standardize"
        print(f"fastgd: not converged after {result.epochs} epochs: try more --epochs{hint}", file=sys.stderr)
    elif not result.converged:  # a ConditionWarning
        print(f"fastgd: {caught[0].message}".replace("standardize=True", "--standardize"), file=sys.stderr)
    return 0


def is_stream(options: argparse.Namespace) -> bool:
    """Tell whether rows are read in parts. One CSV file is read whole, unless it is large or that cannot do."""
    path = Path(options.files[0])
    asked = options.checkpoint or options.weight or options.scheduler or options.missing != "error"
    if asked or len(options.files) > 1 or path.is_dir() or is_pattern(options.files[0]):
        return True
    suffix = path.suffix.lower()
    large = path.is_file() and path.stat().st_size > LARGE_FILE and is_installed("pyarrow")
    return suffix == ".parquet" or (suffix == ".csv" and large)


def fit_stream(options: argparse.Namespace) -> Fit:
    """Fit files that need not fit into memory, here or by the workers of a cluster."""
    settings = list_settings(options) | {"weight": options.weight, "missing": options.missing}
    settings["features"] = options.features
    if options.scheduler is None:
        result = fit_files(
            options.files, options.target, checkpoint=options.checkpoint, quiet=options.quiet, **settings
        )
    elif options.checkpoint is not None:
        raise ValueError("--scheduler goes without --checkpoint: a cluster reads again what it has lost")
    else:
        result = fit_on_cluster(options.files, options.target, scheduler=options.scheduler, **settings)
    facts = {name: getattr(result, name) for name in ("n_samples", "skipped", "cost", "r_squared")}
    return result, result.features or [], facts


def fit_table(options: argparse.Namespace) -> Fit:
    """Fit a CSV file that is read whole."""
    path = options.files[0]
    wanted = None if options.features is None else [*options.features, options.target]
    check_column_names(options.target, options.features, None)
    try:
        table = read_csv(path, required=wanted)
    except TableError as error:
        hint = "; --missing skip leaves out rows without a value" if str(error).endswith("an empty cell") else ""
        raise TableError(f"{error}{hint}") from error
    features = choose_features(path, table, options)
    X, y = table.columns(features), table.columns([options.target])[:, 0]
    check_columns([options.target], y[:, np.newaxis])
    if options.standardize:
        check_columns(features, X)
    result = gradient_descent(X, y, **list_settings(options))
    return result, features, {"n_samples": len(y), "cost": result.cost, "r_squared": result.r_squared}


def list_settings(options: argparse.Namespace) -> dict[str, Any]:
    """Return the options that say how to descend."""
    return {name: getattr(options, name) for name in ("learning_rate", "epochs", "backend", "standardize", "alpha")}


def check_outputs(options: argparse.Namespace, sources: list[str]) -> Path | None:
    """Refuse files that a fit cannot save, before any work is done; return that of the picture."""
    outputs = {"--out": options.out, "--plot": options.plot, "--checkpoint": options.checkpoint}
    outputs = {option: path for option, path in outputs.items() if path is not None}
    for option, path in outputs.items():
        check_output(option, path, sources)
    check_different(outputs)
    return None if options.plot is None else check_picture(options.plot)


def choose_features(path: str, table: CsvTable, options: argparse.Namespace) -> list[str]:
    """Return the columns that were asked for, or all but the target."""
    where, target = f"{path}, line 1", options.target
    if target not in table.names:
        raise ValueError(f"{where}: no column {quote(target)} for --target; there are {quote_names(table.names)}")
    features = [name for name in table.names if name != target] if options.features is None else options.features
    if not features:
        raise ValueError(f"{where}: expected columns beside the target {quote(target)}")
    return features


def check_columns(names: list[str], X: Array) -> None:
    """Refuse columns whose squares leave the range of float64, by name."""
    for name, column in zip(names, X.T, strict=True):
        check_mean_square(f"column {name!r}", column)


def describe(result: DescentResult, learning_rate: float | str, facts: dict[str, Any]) -> dict[str, Any]:
    """Return how a fit went, as plain values for JSON."""
    return {
        "n_samples": facts["n_samples"],
        "backend": result.backend,
        "learning_rate": learning_rate if is_schedule(learning_rate) else float(result.rates[0]),
        "epochs": result.epochs,
        "reason": result.reason,
        "converged": result.converged,
        **facts,
    }


def is_schedule(learning_rate: float | str) -> bool:
    """Tell whether rates differ from epoch to epoch, so that none of them says much."""
    return isinstance(learning_rate, str) and learning_rate not in ("auto", "constant")


def print_model(document: dict[str, Any]) -> None:
    """Print a fitted model for a person."""
    notes = document["fit"]
    state = f"converged ({notes['reason']})" if notes["converged"] else "not converged"
    r_squared = "undefined" if notes["r_squared"] is None else f"{notes['r_squared']:.6f}"
    left_out = f" ({notes['skipped']} more left out)" if notes.get("skipped") else ""
    features = len(document["features"])
    print(f"{notes['n_samples']} rows{left_out}, {features} features, target {document['target']!r}")
    rate = notes["learning_rate"]
    shown = rate if isinstance(rate, str) else f"{rate:.6g}"
    print(f"backend {notes['backend']}, rate {shown}, {notes['epochs']} epochs, {state}")
    print(f"cost {notes['cost']:.8g}, R² {r_squared}\n")
    names = ["intercept", *document["features"]]
    width = max(map(len, names))
    for name, value in zip(names, [document["intercept"], *document["coef"]], strict=True):
        print(f"{name:{width}}  {value:>16.8g}")
