"""`fastgd fit`: fit one column of CSV or Parquet files by the others; print and save the model."""

import argparse
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from fastgd import backends, plots
from fastgd.descent.fit import gradient_descent
from fastgd.descent.options import PRECONDITIONS
from fastgd.descent.result import DescentResult
from fastgd.descent.warnings import ConditionWarning, DivergenceWarning
from fastgd.files import model
from fastgd.files.csv import CsvTable, TableError, quote, quote_names, read_csv
from fastgd.files.paths import check_different, check_output
from fastgd.inputs.arrays import Array
from fastgd.inputs.data import check_mean_square
from fastgd.plots.figures import check_picture
from fastgd.rates.schedules import SCHEDULES
from fastgd.streaming import fit_files
from fastgd.streaming.cluster import fit_on_cluster
from fastgd.streaming.columns import check_column_names
from fastgd.streaming.files import find_files, is_pattern
from fastgd.streaming.options import MISSING

LARGE_FILE = 1 << 26  # the bytes above which a CSV file is read in batches, which is also faster
DESCENT_ARGUMENTS = ("learning_rate", "epochs", "backend", "precondition", "alpha")
INTERRUPTED = 130  # the exit code of Ctrl-C in shells: 128 + SIGINT
Fit = tuple[DescentResult, list[str], dict[str, int]]  # the result, the names of the features, and the counts of rows


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `fastgd fit`."""
    add = parser.add_argument
    add(
        "files",
        metavar="FILE",
        nargs="+",
        help="a CSV file with column names in the first line; or Parquet files, several files, a folder of files or a "
        "pattern, which are read in batches",
    )
    add("--target", metavar="COLUMN", required=True, help="the column to predict")
    add("--features", metavar="COLUMN", nargs="+", help="the columns to predict from (all others)")
    add("--weight", metavar="COLUMN", help="a column of weights of the rows")
    add("--out", metavar="FILE", help="where to save the model, as JSON")
    rates = "a number, or auto, chebyshev, silver, …"
    add("--learning-rate", metavar="RATE", type=parse_rate, default="auto", help=rates)
    add("--alpha", metavar="A", type=float, default=0.0, help="ridge: A/2 times the coefficients' squares")
    add("--epochs", metavar="N", type=int, default=1000, help="updates at most (default 1000)")
    names = ["auto", *backends.MODULES]
    add("--backend", choices=names, default="auto", help="the backend that computes the updates")
    add("--precondition", choices=PRECONDITIONS, default="none", help="the coordinates of the descent (none)")
    add("--missing", choices=MISSING, default="error", help="refuse rows with an empty cell, or skip them")
    add("--checkpoint", metavar="FILE", help="where to keep the sums, so that the same command can resume from them")
    add("--scheduler", metavar="ADDRESS", help="a running Dask cluster, whose workers read the files")
    add("--quiet", action="store_true", help="show no progress")
    add("--plot", metavar="FILE", help="where to save a picture of the cost curve")
    add("--json", action="store_true", help="print the model as JSON")


def parse_rate(text: str) -> float | str:
    """Return a learning rate: the name of a schedule, or a number."""
    if text in SCHEDULES:
        return text
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a number, or one of {', '.join(SCHEDULES)}; got {text!r}") from None


def run(options: argparse.Namespace) -> int:
    """Fit one column by the others; print and save the model, and draw its cost curve."""
    stream = needs_batches(options)
    picture = check_outputs(options, find_files(options.files) if stream else options.files)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConditionWarning)
        warnings.simplefilter("error", DivergenceWarning)
        try:
            result, features, counts = fit_stream(options) if stream else fit_table(options)
        except DivergenceWarning as diverged:
            print(f"fastgd: no model: {diverged}", file=sys.stderr)
            return 1
    if result.reason == "interrupted":
        print(f"fastgd: no model: interrupted after {result.epochs} epochs", file=sys.stderr)
        return INTERRUPTED
    notes = make_notes(result, options.learning_rate, counts)
    fitted = model.Model(options.target, features, result.intercept, result.coef.tolist(), notes)
    write_outputs(options, fitted, result, picture)
    if result.reason == "epochs":
        hint = "" if options.precondition == "whiten" else ", or --precondition whiten"
        print(f"fastgd: not converged after {result.epochs} epochs: try more --epochs{hint}", file=sys.stderr)
    elif not result.converged:  # a ConditionWarning
        print(f"fastgd: {caught[0].message}".replace("precondition='whiten'", "--precondition whiten"), file=sys.stderr)
    return 0


def write_outputs(
    options: argparse.Namespace, fitted: model.Model, result: DescentResult, picture: Path | None
) -> None:
    """Save the model and the picture of its cost curve, and print the model."""
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


def needs_batches(options: argparse.Namespace) -> bool:
    """Return True if rows must be read in batches: unless the input is one CSV file that can be read whole."""
    path = Path(options.files[0])
    named = options.checkpoint or options.weight or options.scheduler or options.missing != "error"
    if named or len(options.files) > 1 or path.is_dir() or is_pattern(options.files[0]):
        return True
    suffix = path.suffix.lower()
    large = path.is_file() and path.stat().st_size > LARGE_FILE and backends.is_installed("pyarrow")
    return suffix == ".parquet" or (suffix == ".csv" and large)


def fit_stream(options: argparse.Namespace) -> Fit:
    """Fit files that need not fit into memory, in this process or on a cluster."""
    given = {name: getattr(options, name) for name in (*DESCENT_ARGUMENTS, "features", "weight", "missing")}
    if options.scheduler is None:
        result = fit_files(options.files, options.target, checkpoint=options.checkpoint, quiet=options.quiet, **given)
    elif options.checkpoint is not None:
        raise ValueError("--scheduler goes without --checkpoint: the cluster reads lost files again by itself")
    else:
        result = fit_on_cluster(options.files, options.target, scheduler=options.scheduler, **given)
    return result, result.features or [], {"n_samples": result.n_samples, "skipped": result.skipped}


def fit_table(options: argparse.Namespace) -> Fit:
    """Fit one CSV file, read whole."""
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
    check_scales([options.target], y[:, np.newaxis])
    if options.precondition != "none":
        check_scales(features, X)
    result = gradient_descent(X, y, **{name: getattr(options, name) for name in DESCENT_ARGUMENTS})
    return result, features, {"n_samples": len(y)}


def check_outputs(options: argparse.Namespace, sources: list[str]) -> Path | None:
    """Return the path of the picture, or None; refuse outputs that cannot be written, before any work is done."""
    outputs = {"--out": options.out, "--plot": options.plot, "--checkpoint": options.checkpoint}
    outputs = {option: path for option, path in outputs.items() if path is not None}
    for option, path in outputs.items():
        check_output(option, path, sources)
    check_different(outputs)
    return None if options.plot is None else check_picture("--plot", options.plot)


def choose_features(path: str, table: CsvTable, options: argparse.Namespace) -> list[str]:
    """Return the columns that --features names, or else all but the target."""
    where, target = f"{path}, line 1", options.target
    if target not in table.names:
        raise ValueError(f"{where}: no column {quote(target)} for --target; there are {quote_names(table.names)}")
    features = [name for name in table.names if name != target] if options.features is None else options.features
    if not features:
        raise ValueError(f"{where}: expected columns beside the target {quote(target)}")
    return features


def check_scales(names: list[str], X: Array) -> None:
    """Refuse columns whose squares leave the range of float64; the error names the column."""
    for name, column in zip(names, X.T, strict=True):
        check_mean_square(f"column {name!r}", column)


def make_notes(result: DescentResult, learning_rate: float | str, counts: dict[str, int]) -> dict[str, Any]:
    """Return the notes on a fit that are saved with its model, as plain values for JSON."""
    return {
        "n_samples": counts["n_samples"],
        "backend": result.backend,
        "learning_rate": learning_rate if is_schedule(learning_rate) else float(result.rates[0]),
        "epochs": result.epochs,
        "reason": result.reason,
        "converged": result.converged,
        **counts,
        "cost": result.cost,
        "r_squared": result.r_squared,
    }


def is_schedule(learning_rate: float | str) -> bool:
    """Return True if the rates differ from epoch to epoch: then the notes show the name, not the first rate."""
    return isinstance(learning_rate, str) and learning_rate not in ("auto", "constant")


def print_model(document: dict[str, Any]) -> None:
    """Print the model as text."""
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
