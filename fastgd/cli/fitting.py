"""The fit that `fastgd fit` makes: of files in parts, of a pipe, or of one CSV file read whole."""

import argparse
import os
from contextlib import suppress
from pathlib import Path
from stat import S_ISFIFO
from typing import Any

from fastgd.cli.data_arguments import check_text
from fastgd.cli.fit_arguments import COMPRESS
from fastgd.descent.fit import fit_rows
from fastgd.descent.options import DescentOptions
from fastgd.descent.result import DescentResult
from fastgd.files.csv import check_columns, read_csv
from fastgd.files.dialect import compression_of, suffix_of
from fastgd.files.opening import STANDARD_INPUT
from fastgd.inputs.arrays import Array
from fastgd.inputs.values import check_mean_square
from fastgd.inputs.words import printable, quote
from fastgd.problem.rows import DenseSource
from fastgd.streaming import csv_file, fit_files, parquet_file
from fastgd.streaming.choosing import check_column_names, choose_features
from fastgd.streaming.cluster import fit_on_cluster
from fastgd.streaming.finding import READERS, find_files, is_pattern
from fastgd.streaming.pipes import fit_pipe

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
Fit = tuple[DescentResult, dict[str, int]]  # the result, and the counts of rows


def needs_batches(options: argparse.Namespace) -> bool:
    """Return True if rows must be read in batches: unless the input is one CSV file that can be read whole.

    A large CSV file can: --compress no asks for that. So can a compressed one, whose size is not known.
    """
    path = Path(options.files[0])
    named = options.checkpoint or options.weight or options.scheduler or options.missing != "error" or options.one_hot
    if named or len(options.files) > 1 or path.is_dir() or is_pattern(options.files[0]):
        return True
    reader = READERS.get(suffix_of(options.files[0]))
    large = path.is_file() and (path.stat().st_size > LARGE_FILE or compression_of(options.files[0]) is not None)
    return reader is parquet_file or (reader is csv_file and large and options.compress != "no")


def is_pipe(path: str) -> bool:
    """Return True for standard input and for a named pipe, which can be read once."""
    return path == STANDARD_INPUT or (os.path.exists(path) and S_ISFIFO(os.stat(path).st_mode))


def read_columns(options: argparse.Namespace, stream: bool) -> list[str]:
    """Return the columns of the first file; none of a pipe, which is read once, or of a file that is refused later."""
    if is_pipe(options.files[0]):
        return []
    dialect = check_text(options)
    with suppress(OSError, ValueError, ImportError):
        path = find_files(options.files)[0] if stream else options.files[0]
        return list(READERS.get(suffix_of(path), csv_file).read_head(path, dialect).types)
    return []


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
    """Fit rows that are read in batches: of a pipe, of files, or of files that the workers of a cluster read."""
    names = ("features", "weight", "missing", "delimiter", "decimal", "encoding", "quiet")
    given = list_descent(options) | {name: getattr(options, name) for name in names}
    if is_pipe(options.files[0]):
        check_pipe(options)
        result = fit_pipe(options.files[0], options.target, **given)
    elif options.scheduler is None:
        more = {"checkpoint": options.checkpoint, "one_hot": options.one_hot}
        result = fit_files(options.files, options.target, **more, **given)
    elif options.one_hot is not None:
        raise ValueError("--scheduler goes without --one-hot: the workers do not know the levels of other files")
    elif options.checkpoint is not None:
        raise ValueError("--scheduler goes without --checkpoint: the cluster reads lost files again by itself")
    else:
        result = fit_on_cluster(options.files, options.target, scheduler=options.scheduler, **given)
    return result, {"n_samples": result.n_samples, "skipped": result.skipped}


def check_pipe(options: argparse.Namespace) -> None:
    """Refuse options that need files which can be read again, and other paths beside a pipe."""
    got = f"got the pipe {printable(options.files[0])}"
    for name in ("checkpoint", "scheduler", "one_hot"):
        if getattr(options, name) is not None:
            raise ValueError(f"--{name.replace('_', '-')} needs files that can be read again; {got}")
    if len(options.files) > 1:
        raise ValueError(f"FILE must be one pipe, or files; {got} and other paths")


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
    source = DenseSource(X, y, None, features, targets[0] if len(targets) == 1 else targets)
    descent = DescentOptions.checked(compress=COMPRESS[options.compress], **list_descent(options))
    return fit_rows(source, descent), {"n_samples": len(y)}


def check_scales(names: list[str], X: Array, fit_intercept: bool) -> None:
    """Refuse columns whose squares leave the range of float64; the error names the column.

    Beside an intercept, the coefficient of a constant column is 0, however small the constant is.
    """
    for name, column in zip(names, X.T, strict=True):
        small_constant = abs(column[0]) < 1 and bool((column == column[0]).all())
        if not (fit_intercept and small_constant):
            check_mean_square(f"column {quote(name)}", column)
