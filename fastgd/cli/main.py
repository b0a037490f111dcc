"""The command line: ``fastgd demo``, ``fit``, ``predict``, ``bench``, ``study`` and ``config``.

Exit codes: 0, done; 1, the fit diverged, or the reader of the output went away; 2, bad input, a file that could not be
written, or a study whose steps do not compute the same, with a message on standard error; 130, interrupted.
"""

import argparse
import csv
import io
import os
import sys
from collections.abc import Sequence

import numpy as np

from fastgd import backends
from fastgd.cli import bench
from fastgd.cli import fit as fitting
from fastgd.cli import study as report
from fastgd.config import describe_installation, installed_version, show_config
from fastgd.files import model
from fastgd.files.csv import read_csv
from fastgd.files.paths import check_output
from fastgd.plots.figures import check_picture
from fastgd.rates.schedules import SCHEDULES
from fastgd.streaming.options import MISSING

MISSING_HINT = "missing='skip'"  # as the functions say it


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # ? for a character that the terminal lacks
    options, unknown = make_parser().parse_known_args(arguments)
    if unknown:  # argparse would show the usage of fastgd, not that of the command
        options.parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    try:
        code = int(options.command(options))
        print(end="", flush=True)  # a reader that went away shows here at the latest
        return code
    except BrokenPipeError:  # what is left goes nowhere, and Python's own flush at exit finds no pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        print("fastgd: interrupted", file=sys.stderr)
        return fitting.INTERRUPTED
    except (ValueError, OSError, ImportError, MemoryError, ArithmeticError) as error:
        if isinstance(error, (ZeroDivisionError, OverflowError, FloatingPointError)):
            raise  # Python's own kinds of ArithmeticError: a mistake in fastgd, which a traceback helps to find
        print(f"fastgd: {describe_error(error)}", file=sys.stderr)
        return 2


def describe_error(error: Exception) -> str:
    """Return what went wrong, as options are called; of the system's errors the file and the reason."""
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return str(error).replace(MISSING_HINT, "--missing skip")


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = argparse.ArgumentParser(prog="fastgd", description="Linear regression by gradient descent.")
    parser.add_argument("--version", action="version", version=f"fastgd {installed_version('fastgd')}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    names = ["auto", *backends.MODULES]

    demo = commands.add_parser("demo", help="fit the tutorial's problem and real data by all backends")
    demo.add_argument(
        "--plot",
        metavar="FILE",
        default="fastgd-demo.png",
        help="a picture of the cost curves (fastgd-demo.png)",
    )
    demo.add_argument("--backend", choices=names, default="auto", help="what computes the printed runs")
    demo.set_defaults(command=run_demo, parser=demo)

    fit = commands.add_parser("fit", help="fit CSV or Parquet files: one column by all the others")
    add_fit_arguments(fit, names)
    fit.set_defaults(command=fitting.run, parser=fit)

    predict = commands.add_parser("predict", help="predict the rows of a CSV file by a saved model")
    predict.add_argument("model", metavar="MODEL.json", help="what fit --out saved")
    predict.add_argument("file", metavar="FILE.csv", help="a file with the columns that the model was fitted on")
    predict.add_argument("--json", action="store_true", help="print JSON instead of CSV")
    predict.set_defaults(command=run_predict, parser=predict)

    timing = commands.add_parser("bench", help="time an epoch of every backend on a ladder of sizes")
    bench.add_arguments(timing)
    timing.set_defaults(command=bench.run, parser=timing)

    studied = commands.add_parser("study", help="measure what vectorization buys, and make a page of it")
    report.add_arguments(studied)
    studied.set_defaults(command=report.run, parser=studied)

    shown = commands.add_parser("config", help="show what was built and installed")
    shown.add_argument("--json", action="store_true", help="print JSON")
    shown.set_defaults(command=run_config, parser=shown)
    return parser


def add_fit_arguments(fit: argparse.ArgumentParser, backend_names: list[str]) -> None:
    """Add the arguments of ``fastgd fit``."""
    fit.add_argument(
        "files",
        metavar="FILE",
        nargs="+",
        help="a CSV file with column names in the first line; a Parquet file; several, a folder of them, or a pattern, "
        "which are read in parts",
    )
    fit.add_argument("--target", metavar="COLUMN", required=True, help="the column to predict")
    fit.add_argument("--features", metavar="COLUMN", nargs="+", help="the columns to predict from (all others)")
    fit.add_argument("--weight", metavar="COLUMN", help="a column of weights of the rows")
    fit.add_argument("--out", metavar="FILE", help="where to save the model, as JSON")
    fit.add_argument(
        "--learning-rate",
        metavar="RATE",
        type=parse_rate,
        default="auto",
        help="a number, or auto, chebyshev, silver, …",
    )
    fit.add_argument("--alpha", metavar="A", type=float, default=0.0, help="ridge: A/2 times the coefficients' squares")
    fit.add_argument("--epochs", metavar="N", type=int, default=1000, help="updates at most (default 1000)")
    fit.add_argument("--backend", choices=backend_names, default="auto", help="what computes the updates")
    fit.add_argument("--standardize", action="store_true", help="descend on columns at mean 0 and deviation 1")
    fit.add_argument("--missing", choices=MISSING, default="error", help="refuse rows with an empty cell, or skip them")
    fit.add_argument(
        "--checkpoint", metavar="FILE", help="where to keep what was read, so that the same command can go on after it"
    )
    fit.add_argument("--scheduler", metavar="ADDRESS", help="a running Dask cluster, whose workers read the files")
    fit.add_argument("--quiet", action="store_true", help="do not show how much was read")
    fit.add_argument("--plot", metavar="FILE", help="where to save a picture of the cost curve")
    fit.add_argument("--json", action="store_true", help="print the model as JSON")


def parse_rate(text: str) -> float | str:
    """Return a learning rate: the name of a schedule, or a number."""
    if text in SCHEDULES:
        return text
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a number, or one of {', '.join(SCHEDULES)}; got {text!r}") from None


def run_demo(options: argparse.Namespace) -> int:
    """Run the demonstration."""
    from fastgd.cli.demo import run_demo as demo

    check_output("--plot", options.plot)
    picture = None
    try:
        picture = check_picture(options.plot)
    except ImportError as error:
        print(f"No picture: {error}\n")
    demo(picture, options.backend)
    return 0


def run_predict(options: argparse.Namespace) -> int:
    """Print one prediction for each row of a file."""
    fitted = model.load(options.model)
    table = read_csv(options.file, required=fitted.features)
    with np.errstate(over="ignore", invalid="ignore"):
        predictions = fitted.predict(table.values)
    bad = np.flatnonzero(~np.isfinite(predictions))
    if len(bad):
        raise ValueError(
            f"{options.file}, row {bad[0] + 1} below the column names: the prediction is out of the range of float64"
        )
    if options.json:
        print(model.encode_json({"target": fitted.target, "predictions": predictions.tolist()}, indent=None))
        return 0
    lines = csv.writer(sys.stdout, lineterminator="\n")
    lines.writerow([fitted.target])
    lines.writerows([value] for value in predictions.tolist())
    return 0


def run_config(options: argparse.Namespace) -> int:
    """Show what was built."""
    if options.json:
        print(model.encode_json(describe_installation()))
    else:
        show_config()
    return 0
