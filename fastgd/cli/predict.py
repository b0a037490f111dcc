"""`fastgd predict`: predict the rows of files by a saved model."""

import argparse
import sys
from typing import Any

import numpy as np

from fastgd.cli.data_arguments import add_missing, add_text, check_text
from fastgd.cli.predictions import open_output
from fastgd.files import model
from fastgd.files.dialect import compression_of, suffix_of
from fastgd.files.notes import is_done
from fastgd.files.paths import check_output
from fastgd.files.worker import work_ahead
from fastgd.inputs.arrays import Array
from fastgd.inputs.words import count, printable
from fastgd.streaming.columns import Columns
from fastgd.streaming.finding import READERS
from fastgd.streaming.levels import UNKNOWN
from fastgd.streaming.rows import Rows, list_files, read_rows


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
    fitted, dialect = load_model(options.model), check_text(options)
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
    columns = Columns(fitted.columns, [], None, fitted.levels, zeros=options.unknown == "zeros")
    with open_output(options.out, names, as_json=options.json) as output:

        def work(rows: Rows) -> tuple[Any, int]:
            return output.encode(predict(fitted, rows)), rows.skipped

        for text, left_out in work_ahead(read_rows(files, columns, options.missing, dialect), work):
            output.write(text)
            skipped += left_out
    if skipped:
        print(f"fastgd: {count(skipped, 'row')} without a value left out", file=sys.stderr)
    return 0


def load_model(path: str) -> model.Model:
    """Return the model in a file; the error of a file of rows says which of the two comes first."""
    try:
        return model.load(path)
    except model.ModelError as error:
        if suffix_of(path) in READERS:
            raise model.ModelError(f"{error}; the model comes first: fastgd predict MODEL.json FILE") from error
        raise


def warn_if_doubtful(fitted: model.Model, path: str) -> None:
    """Print a line on standard error if the fit of the model has not converged."""
    if not is_done(fitted.fit):
        doubt = "the fit of this model has not converged: other weights may predict far better"
        print(f"fastgd: {printable(path)}: {doubt}", file=sys.stderr)


def predict(fitted: model.Model, rows: Rows) -> Array:
    """Return the predictions, of shape (n_rows, n_targets); refuse those out of the range of float64."""
    with np.errstate(over="ignore", invalid="ignore"):
        predictions = fitted.predict(rows.X)
    if predictions.ndim == 1:
        predictions = predictions[:, np.newaxis]
    bad = np.flatnonzero(~np.isfinite(predictions).all(axis=1))
    if len(bad):
        raise ValueError(f"{rows.locate(int(bad[0]))}: the prediction is out of the range of float64")
    return predictions
