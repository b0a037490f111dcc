"""`fastgd predict`: predict the rows of a CSV file by a saved model."""

import argparse
import csv
import sys

import numpy as np

from fastgd.files import model
from fastgd.files.csv import read_csv
from fastgd.inputs.words import printable


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `fastgd predict`."""
    parser.description = (
        "Print one prediction for each row of a CSV file. A line on standard error says so if the fit of the model has "
        "not converged; the exit code is 0 all the same."
    )
    parser.add_argument("model", metavar="MODEL.json", help="the file that fit --out saved")
    parser.add_argument("file", metavar="FILE.csv", help="a file with the columns that the model was fitted on")
    parser.add_argument("--json", action="store_true", help="print JSON instead of CSV")


def run(options: argparse.Namespace) -> int:
    """Print one prediction for each row of the file."""
    fitted = model.load(options.model)
    table = read_csv(options.file, required=fitted.features)
    with np.errstate(over="ignore", invalid="ignore"):
        predictions = fitted.predict(table.values)
    bad = np.flatnonzero(~np.isfinite(predictions.reshape(len(predictions), -1)).all(axis=1))
    if len(bad):
        place = f"{printable(options.file)}, row {bad[0] + 1} below the column names"
        raise ValueError(f"{place}: the prediction is out of the range of float64")
    converged = fitted.fit.get("converged")
    missed = False in converged if isinstance(converged, list) else converged is False
    if missed and fitted.fit.get("tol") != 0:  # tol 0 asked for no more
        doubt = "the fit of this model has not converged: other weights may predict far better"
        print(f"fastgd: {printable(options.model)}: {doubt}", file=sys.stderr)
    if options.json:
        print(model.encode_json({"target": fitted.target, "predictions": predictions.tolist()}, indent=None))
        return 0
    lines = csv.writer(sys.stdout, lineterminator="\n")
    # Data are printed as they are, but a terminal would obey the control characters of a name.
    names = fitted.target if isinstance(fitted.target, list) else [fitted.target]
    lines.writerow([printable(name) if sys.stdout.isatty() else name for name in names])
    lines.writerows(predictions.reshape(len(predictions), -1).tolist())
    return 0
