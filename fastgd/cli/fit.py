"""`fastgd fit`: fit columns of CSV or Parquet files by the others; print and save the model."""

import argparse
import os
import sys
import warnings
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from stat import S_ISFIFO
from typing import Any

import numpy as np

from fastgd import plots
from fastgd.cli.codes import CONVERGED, DIVERGED, INTERRUPTED, UNCONVERGED
from fastgd.cli.data_arguments import check_text, split_names, take_files
from fastgd.cli.fit_arguments import COMPRESS, DESCRIPTION, EPILOG, add_data, add_descent, add_output
from fastgd.cli.outcome import (
    explain_divergence,
    explain_text,
    explain_unconverged,
    is_done,
    make_notes,
    print_model,
    print_notes,
)
from fastgd.descent.fit import gradient_descent
from fastgd.descent.options import DescentOptions
from fastgd.descent.result import DescentResult, list_values
from fastgd.descent.warnings import DivergenceWarning
from fastgd.files import model
from fastgd.files.csv import NO_ROWS, check_columns, read_csv, read_parts
from fastgd.files.dialect import suffix_of
from fastgd.files.lines import TableError, TextError
from fastgd.files.opening import STANDARD_INPUT
from fastgd.files.paths import check_different, check_output
from fastgd.inputs.arrays import Array
from fastgd.inputs.data import check_mean_square
from fastgd.inputs.words import count, printable, quote
from fastgd.plots.figures import check_picture, save_figure
from fastgd.streaming import csv_file, fit_batches, fit_files, parquet_file
from fastgd.streaming.cluster import fit_on_cluster
from fastgd.streaming.columns import check_column_names, choose_features
from fastgd.streaming.finding import READERS, find_files, is_pattern

MOST_CURVES = 10  # of several targets
LARGE_FILE = 1 << 26  # the bytes above which a CSV file is read in batches, which takes less memory
DESCENT_ARGUMENTS = (
    "learning_rate",
    "epochs",
    "fit_intercept",
    "tol",
    "backend",
    "alpha",
    "precondition",
    "threads",
)
Fit = tuple[DescentResult, list[str], dict[str, int]]  # the result, the names of the features, and the counts of rows


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `fastgd fit`, in three groups."""
    parser.description, parser.epilog = DESCRIPTION, EPILOG
    add_data(parser.add_argument_group("the data").add_argument)
    add_descent(parser.add_argument_group("the descent").add_argument)
    add_output(parser.add_argument_group("the output").add_argument)


def run(options: argparse.Namespace) -> int:
    """Fit the targets by the other columns; print and save the model, and draw its cost curves."""
    options.files = take_files(options, options.features, options.target, options.one_hot)
    for name in ("target", "features", "one_hot"):
        texts = getattr(options, name)
        setattr(options, name, None if texts is None else split_names(texts))
    stream = needs_batches(options)
    check_descent(options, stream)
    again = stream and not is_pipe(options.files[0])
    picture = check_outputs(options, find_files(options.files) if again else options.files)
    with warnings.catch_warnings(record=True) as caught:
        for category in (UserWarning, RuntimeWarning):  # of files, checkpoints, convergence
            warnings.simplefilter("always", category)
        warnings.simplefilter("error", DivergenceWarning)
        try:
            result, features, counts = fit_stream(options) if stream else fit_table(options)
        except TextError as error:
            roles = {*options.target, options.weight}
            raise TextError(f"{error}{explain_text(str(error), feature=error.column not in roles)}") from error
        except DivergenceWarning as diverged:
            print(f"fastgd: {explain_divergence(diverged)}", file=sys.stderr)
            return DIVERGED
    print_notes(caught)
    if "interrupted" in result.reason:  # a text, or a list of the reasons of several targets
        print(f"fastgd: interrupted after {count(result.epochs, 'epoch')}; no model saved", file=sys.stderr)
        return INTERRUPTED
    notes = make_notes(result, options.learning_rate, options.tol, options.fit_intercept, counts)
    done = is_done(notes)
    if not done:  # before any other output
        print(f"fastgd: {explain_unconverged(caught)}", file=sys.stderr)
        if options.out and not options.keep_unconverged:
            hint = "--keep-unconverged saves the model all the same"
            print(f"fastgd: nothing was written to {printable(options.out)}; {hint}", file=sys.stderr)
    target = options.target if len(options.target) > 1 else options.target[0]
    weights = list_values(result.intercept), result.coef.tolist()
    fitted = model.Model(target, features, *weights, notes, result.levels)
    write_outputs(options, fitted, result, picture)
    return CONVERGED if done else UNCONVERGED


def write_outputs(
    options: argparse.Namespace, fitted: model.Model, result: DescentResult, picture: Path | None
) -> None:
    """Save the model, if it is to be kept, and the picture of its cost curve, and print the model."""
    document = model.make_document(fitted)
    if options.out and (is_done(fitted.fit) or options.keep_unconverged):
        model.save(fitted, options.out)
    if picture:
        save_figure(draw_costs(result, fitted.target), picture)
    if options.json:
        print(model.encode_json(document))
    else:
        print_model(document)


def draw_costs(result: DescentResult, target: Any) -> Any:
    """Return a figure of the cost curve; of several targets, of the first ones, with their names in the legend."""
    figure = plots.new_figure()
    axes = figure.add_subplot()
    if isinstance(target, str):
        plots.cost_history(result, ax=axes)
        return figure
    for k, name in enumerate(target[:MOST_CURVES]):
        plots.cost_history(result, ax=axes, target=k, label=name)
    axes.legend(title=f"the first {MOST_CURVES} of {len(target)} targets" if len(target) > MOST_CURVES else None)
    return figure


def needs_batches(options: argparse.Namespace) -> bool:
    """Return True if rows must be read in batches: unless the input is one CSV file that can be read whole.

    A large CSV file can: --compress no asks for that.
    """
    path = Path(options.files[0])
    named = options.checkpoint or options.weight or options.scheduler or options.missing != "error" or options.one_hot
    if named or len(options.files) > 1 or path.is_dir() or is_pattern(options.files[0]):
        return True
    reader = READERS.get(suffix_of(options.files[0]))
    large = path.is_file() and path.stat().st_size > LARGE_FILE and options.compress != "no"
    return reader is parquet_file or (reader is csv_file and large)


def list_descent(options: argparse.Namespace) -> dict[str, Any]:
    """Return the arguments of the descent that the options stand for."""
    return {name: getattr(options, name) for name in DESCENT_ARGUMENTS}


def check_descent(options: argparse.Namespace, stream: bool) -> None:
    """Refuse options that contradict each other, and a backend that is not installed, before any work is done."""
    if options.compress == "no" and options.precondition == "whiten":
        raise ValueError(
            "--compress must not be no with --precondition whiten: whitened coordinates come from the compressed rows"
        )
    if options.compress == "no" and stream:
        raise ValueError(
            "--compress must be auto or yes for rows that are read in batches: of Parquet files, of several files, a "
            "folder or a pattern, and with --weight, --one-hot, --missing skip, --checkpoint or --scheduler; got no"
        )
    DescentOptions.checked(**list_descent(options))


def fit_stream(options: argparse.Namespace) -> Fit:
    """Fit files that need not fit into memory, in this process or on a cluster."""
    if is_pipe(options.files[0]):
        return fit_pipe(options)
    names = ("features", "weight", "missing", "delimiter", "decimal", "encoding")
    given = list_descent(options) | {name: getattr(options, name) for name in names}
    if options.scheduler is None:
        more = {"checkpoint": options.checkpoint, "quiet": options.quiet, "one_hot": options.one_hot}
        result = fit_files(options.files, options.target, **more, **given)
    elif options.one_hot is not None:
        raise ValueError("--scheduler goes without --one-hot: the workers do not know the levels of other files")
    elif options.checkpoint is not None:
        raise ValueError("--scheduler goes without --checkpoint: the cluster reads lost files again by itself")
    else:
        cluster = {"scheduler": options.scheduler, "quiet": options.quiet}
        result = fit_on_cluster(options.files, options.target, **cluster, **given)
    return result, result.features or [], {"n_samples": result.n_samples, "skipped": result.skipped}


def is_pipe(path: str) -> bool:
    """Return True for standard input and for a named pipe, which can be read once."""
    return path == STANDARD_INPUT or (os.path.exists(path) and S_ISFIFO(os.stat(path).st_mode))


def fit_pipe(options: argparse.Namespace) -> Fit:
    """Fit CSV from a pipe, part by part, with weights or without rows that lack a value."""
    got = f"got the pipe {printable(options.files[0])}"
    for name in ("checkpoint", "scheduler", "one_hot"):
        if getattr(options, name) is not None:
            raise ValueError(f"--{name.replace('_', '-')} needs files that can be read again; {got}")
    if len(options.files) > 1:
        raise ValueError(f"FILE must be one pipe, or files; {got} and other paths")
    targets = check_column_names(options.target, options.features, options.weight)
    taken = [*targets, *([] if options.weight is None else [options.weight])]
    wanted = None if options.features is None else [*options.features, *taken]
    parts = read_parts(options.files[0], wanted, check_text(options), gaps=options.missing == "skip")
    first = next(parts)
    check_columns(options.files[0], first[0], taken)
    features = choose_features(options.files[0], first[0], targets, options.features, options.weight)
    if not len(first[1].lines):
        raise TableError(f"{printable(options.files[0])}: {NO_ROWS}")

    def cut() -> Iterator[tuple[Array, ...]]:
        for names, block in chain([first], parts):
            columns = dict(zip(names, block.arrays, strict=True))
            X, y = (np.column_stack([columns[name] for name in some]) for some in (features, targets))
            yield (X, y) if options.weight is None else (X, y, columns[options.weight])

    result = fit_batches(cut(), missing=options.missing, quiet=options.quiet, **list_descent(options))
    return result, features, {"n_samples": result.n_samples, "skipped": result.skipped}


def fit_table(options: argparse.Namespace) -> Fit:
    """Fit one CSV file, read whole."""
    path = options.files[0]
    targets = check_column_names(options.target, options.features, None)
    wanted = None if options.features is None else [*options.features, *targets]
    table = read_csv(path, required=wanted, dialect=check_text(options))
    check_columns(path, table.names, targets)
    features = choose_features(path, table.names, targets, options.features, None)
    X, y = table.columns(features), table.columns(targets)
    for name, column in zip(targets, y.T, strict=True):
        check_mean_square(f"column {quote(name)}", column)
    check_scales(features, X, options.fit_intercept)
    result = gradient_descent(X, y, compress=COMPRESS[options.compress], **list_descent(options))
    return result, features, {"n_samples": len(y)}


def check_outputs(options: argparse.Namespace, sources: list[str]) -> Path | None:
    """Return the path of the picture, or None; refuse outputs that cannot be written, before any work is done."""
    outputs = {"--out": options.out, "--plot": options.plot, "--checkpoint": options.checkpoint}
    outputs = {option: path for option, path in outputs.items() if path is not None}
    for option, path in outputs.items():
        check_output(option, path, sources)
    check_different(outputs)
    return None if options.plot is None else check_picture("--plot", options.plot)


def check_scales(names: list[str], X: Array, fit_intercept: bool) -> None:
    """Refuse columns whose squares leave the range of float64; the error names the column.

    Beside an intercept, the coefficient of a constant column is 0, however small the constant is.
    """
    for name, column in zip(names, X.T, strict=True):
        small_constant = abs(column[0]) < 1 and bool((column == column[0]).all())
        if not (fit_intercept and small_constant):
            check_mean_square(f"column {quote(name)}", column)
