"""`fastgd predict`: predict the rows of files by a saved model."""

import argparse
import csv
import io
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from fastgd.cli.data_arguments import add_missing, add_text, check_text
from fastgd.files import model
from fastgd.files.csv_blocks import find_pyarrow
from fastgd.files.dialect import compression_of, suffix_of
from fastgd.files.paths import check_output, name_output, replacing
from fastgd.inputs.arrays import Array
from fastgd.inputs.words import count, printable
from fastgd.streaming import parquet_file
from fastgd.streaming.columns import Columns, import_pyarrow
from fastgd.streaming.finding import READERS
from fastgd.streaming.levels import UNKNOWN
from fastgd.streaming.rows import list_files, read_rows

ROWS_AT_ONCE = 1 << 13  # written at once: so few that a reader which goes away is noticed soon
Write = Callable[[Array], None]  # takes the predictions of a part, of shape (n_rows, n_targets)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `fastgd predict`."""
    parser.description = (
        "Print one prediction for each row of files, which are read in parts. A line on standard error says so if the "
        "fit of the model has not converged; the exit code is 0 all the same."
    )
    parser.add_argument("model", metavar="MODEL.json", help="the file that fit --out saved")
    parser.add_argument(
        "files",
        metavar="FILE",
        nargs="+",
        help="files with the columns that the model was fitted on: what fit takes, or - for CSV from standard input",
    )
    add_missing(parser.add_argument)
    parser.add_argument(
        "--unknown",
        choices=UNKNOWN,
        default="error",
        help="refuse rows whose text was no level in the fit, or give them zeros (default: error)",
    )
    add_text(parser.add_argument)
    parser.add_argument(
        "--out", metavar="FILE", help="where to save the predictions: .parquet, or else CSV (default: print them)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of CSV")


def run(options: argparse.Namespace) -> int:
    """Print or save one prediction for each row of the files."""
    fitted, dialect = model.load(options.model), check_text(options)
    files = list_files(options.files)
    if options.out is not None:
        if options.json:
            raise ValueError("--json must not be given with --out, which saves CSV or Parquet")
        if compression_of(options.out) is not None:
            raise ValueError(f"--out must name a file without compression; got '{printable(options.out)}'")
        check_output("--out", options.out, [options.model, *files])
    warn_if_doubtful(fitted, options.model)
    skipped = 0
    names = fitted.target if isinstance(fitted.target, list) else [fitted.target]
    with open_output(options, names) as write:
        columns = Columns(fitted.columns, [], None, fitted.levels, zeros=options.unknown == "zeros")
        for rows in read_rows(files, columns, options.missing, dialect):
            write(predict(fitted, rows.X, rows.locate))
            skipped += rows.skipped
    if skipped:
        print(f"fastgd: {count(skipped, 'row')} without a value left out", file=sys.stderr)
    return 0


def warn_if_doubtful(fitted: model.Model, path: str) -> None:
    """Print a line on standard error if the fit of the model has not converged."""
    converged = fitted.fit.get("converged")
    missed = False in converged if isinstance(converged, list) else converged is False
    if missed and fitted.fit.get("tol") != 0:  # tol 0 asked for no more
        doubt = "the fit of this model has not converged: other weights may predict far better"
        print(f"fastgd: {printable(path)}: {doubt}", file=sys.stderr)


def predict(fitted: model.Model, X: Array, locate: Callable[[int], str]) -> Array:
    """Return the predictions, of shape (n_rows, n_targets); refuse those out of the range of float64."""
    with np.errstate(over="ignore", invalid="ignore"):
        predictions = fitted.predict(X)
    if predictions.ndim == 1:
        predictions = predictions[:, np.newaxis]
    bad = np.flatnonzero(~np.isfinite(predictions).all(axis=1))
    if len(bad):
        raise ValueError(f"{locate(int(bad[0]))}: the prediction is out of the range of float64")
    return predictions


@contextmanager
def open_output(options: argparse.Namespace, names: list[str]) -> Iterator[Write]:
    """Return the function that writes the predictions of a part; a file is complete only when the block has ended."""
    if options.json:
        with write_json(names) as write:
            yield write
    elif options.out is None:
        # Data are printed as they are, but a terminal would obey the control characters of a name.
        shown = [printable(name) if sys.stdout.isatty() else name for name in names]
        with write_csv(shown, sys.stdout.write) as write:
            yield write
    else:
        with name_output("--out", options.out), replacing(options.out) as file:
            parquet = READERS.get(suffix_of(options.out)) is parquet_file
            lines = write_csv(names, lambda text: file.write(text.encode()))
            with write_parquet(names, file) if parquet else lines as write:
                yield write


@contextmanager
def write_csv(names: list[str], put: Callable[[str], Any]) -> Iterator[Write]:
    """Return the function that writes a part as CSV, the first one below the names of the targets."""
    begin = io.StringIO()
    csv.writer(begin, lineterminator="\n").writerow(names)
    waiting = [begin.getvalue()]

    def write(predictions: Array) -> None:
        for start in range(0, len(predictions), ROWS_AT_ONCE):
            put("".join([*waiting, format_rows(predictions[start : start + ROWS_AT_ONCE])]))
            waiting.clear()

    yield write
    put("".join(waiting))  # the names alone, if no row was left


def format_rows(values: Array) -> str:
    """Return rows of numbers as lines of CSV, with the fewest digits that give each number back.

    pyarrow, where it is installed, takes a fifth of Python's time. It writes the same text for numbers of common sizes
    that are not whole.
    """
    sizes, pa = np.abs(values), find_pyarrow()
    if pa is not None and sizes.min() >= 1e-4 and sizes.max() < 1e15 and (np.rint(values) != values).all():
        table, text = pa.table(list(values.T), names=[str(j) for j in range(values.shape[1])]), io.BytesIO()
        pa.csv.write_csv(table, text, pa.csv.WriteOptions(include_header=False))
        return text.getvalue().decode()
    return "".join([",".join(map(repr, row)) + "\n" for row in values.tolist()])


@contextmanager
def write_json(names: list[str]) -> Iterator[Write]:
    """Return the function that prints a part of one JSON document."""
    several = len(names) > 1
    waiting = [json.dumps({"target": names if several else names[0]})[:-1] + ', "predictions": [']

    def write(predictions: Array) -> None:
        text = json.dumps(predictions.tolist() if several else predictions[:, 0].tolist())[1:-1]
        if text:
            print(waiting.pop() + text, end="")
            waiting.append(", ")

    yield write
    print(("" if waiting == [", "] else waiting[0]) + "]}")


@contextmanager
def write_parquet(names: list[str], file: Any) -> Iterator[Write]:
    """Return the function that writes a part to a Parquet file."""
    pa = import_pyarrow("parquet")
    schema = pa.schema([(name, pa.float64()) for name in names])
    with pa.parquet.ParquetWriter(file, schema) as writer:
        yield lambda predictions: writer.write_table(pa.table(list(predictions.T), schema=schema))
