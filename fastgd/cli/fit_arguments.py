"""Names, values and defaults of the arguments of `fastgd fit`."""

import argparse
from collections.abc import Callable
from functools import partial
from typing import Any

from fastgd import backends
from fastgd.cli.data_arguments import add_missing, add_text
from fastgd.descent.options import DEFAULT_EPOCHS, PRECONDITIONS
from fastgd.inputs.options import LARGEST_ALPHA, MOST_EPOCHS, check_alpha, check_count, check_not_negative, check_rates
from fastgd.inputs.words import quote
from fastgd.rates.schedules import SCHEDULES

TOL = 1e-8
COMPRESS: dict[str, bool | str] = {"auto": "auto", "yes": True, "no": False}
DESCRIPTION = (
    "Fit one column, or several, by the others, by gradient descent, and print the model. The defaults give the "
    "least-squares fit, whatever the scales of the columns."
)
EPILOG = (
    "Exit codes: 0, the fit converged, or --tol is 0 and all epochs ran; 1, it diverged, and there is no model; 2, an "
    "option, a file or its data cannot be used; 3, the fit has not converged: the first line of the output says so, "
    "and without --keep-unconverged nothing is written to --out; 130, interrupted."
)


def add_data(add: Callable[..., Any]) -> None:
    """Add the arguments that say which rows and columns to read, and how."""
    add(
        "files",
        metavar="FILE",
        nargs="*",
        help="a CSV file with column names in the first line; or Parquet files, several files, a folder of files or a "
        "pattern, which are read in batches; name them before the options, which may take several columns",
    )
    add(
        "--target",
        metavar="COLUMN",
        nargs="+",
        action="extend",
        required=True,
        help="the column to predict, or several, of which each gets a fit of its own: words, or separated by commas; a "
        "name with a comma is taken whole if the files have such a column, or if it stands in quotes: '\"a,b\"'",
    )
    add(
        "--features",
        metavar="COLUMN",
        nargs="+",
        action="extend",
        help="the columns to predict from: words, or separated by commas, as of --target (default: all others)",
    )
    add(
        "--one-hot",
        metavar="COLUMN",
        nargs="+",
        action="extend",
        help="features that hold text: each level of the text becomes a feature of ones and zeros (default: none)",
    )
    add("--weight", metavar="COLUMN", help="a column of weights of the rows (default: every row counts once)")
    add_missing(add)
    add_text(add)
    add(
        "--checkpoint",
        metavar="FILE",
        help="where to keep the sums, so that the same command can resume from them (default: nowhere)",
    )
    add(
        "--scheduler",
        metavar="ADDRESS",
        help="a running Dask cluster, whose workers read the files (default: read them here)",
    )


def add_descent(add: Callable[..., Any]) -> None:
    """Add the arguments of the descent; their defaults are those of `fastgd.gradient_descent`."""
    add_problem(add)
    add_rates(add)
    add_machine(add)


def add_problem(add: Callable[..., Any]) -> None:
    """Add the arguments that say which cost is minimized."""
    add("--no-intercept", dest="fit_intercept", action="store_false", help="fit no constant term (default: fit one)")
    add(
        "--alpha",
        metavar="A",
        type=parse_alpha,
        default=0.0,
        help="ridge: add A/2 times the squares of the coefficients to the cost (default: 0)",
    )


def add_rates(add: Callable[..., Any]) -> None:
    """Add the arguments that say by which rates, in which coordinates and for how long to descend."""
    add(
        "--learning-rate",
        metavar="RATE",
        type=parse_rate,
        default="auto",
        help=f"a number, or one of {', '.join(SCHEDULES)} (default: auto, the rates that need the fewest epochs)",
    )
    add(
        "--precondition",
        choices=PRECONDITIONS,
        default="auto",
        help="the coordinates of the descent (default: auto, which is none if a learning rate is named; else whiten, "
        "in which one epoch reaches the least cost, or standardize if --compress is no or whitening takes too long)",
    )
    add("--epochs", metavar="N", type=parse_epochs, default=DEFAULT_EPOCHS, help="updates at most (default: 1000)")
    add(
        "--tol",
        metavar="T",
        type=parse_tol,
        default=TOL,
        help="how near the least cost a fit must be, relative to it, to count as converged; 0 runs all epochs "
        "and judges none (default: 1e-8)",
    )


def add_machine(add: Callable[..., Any]) -> None:
    """Add the arguments that say how the updates are computed."""
    add(
        "--compress",
        choices=COMPRESS,
        default="auto",
        help="descend on a few rows that have the same cost as all rows; no is only for one CSV file, read whole "
        "(default: auto, which is yes for whitened coordinates, and elsewhere if that saves time)",
    )
    names = ["auto", *backends.MODULES]
    add(
        "--backend",
        choices=names,
        default="auto",
        help="the backend that computes the updates (default: auto, the first of these that can be used)",
    )
    add(
        "--threads",
        metavar="N",
        type=parse_threads,
        help="threads for compiled backends, and for files read in batches (default: as many as pay off)",
    )


def add_output(add: Callable[..., Any]) -> None:
    """Add the arguments that say what to print and to save."""
    add("--out", metavar="FILE", help="where to save the model, as JSON (default: nowhere)")
    add("--keep-unconverged", action="store_true", help="write --out even if the fit has not converged")
    add("--plot", metavar="FILE", help="where to save a picture of the cost curve (default: nowhere)")
    add("--json", action="store_true", help="print the model as JSON, not as text")
    add("--quiet", action="store_true", help="show no progress while files are read in batches")


def parse_rate(text: str) -> float | str:
    """Return a learning rate: the name of a schedule, or a number.

    Examples
    --------
    >>> from fastgd.cli.fit_arguments import parse_rate
    >>> parse_rate("silver"), parse_rate("1e-3")
    ('silver', 0.001)
    """
    if text in SCHEDULES:
        return text
    expected = f"a finite number above 0, or one of {', '.join(SCHEDULES)}"
    return float(parse(lambda value: check_rates(value, 1)[0], float, expected, text))


def parse_alpha(text: str) -> float:
    """Return the penalty of the ridge."""
    return float(parse(check_alpha, float, f"a number from 0 to {LARGEST_ALPHA}", text))


def parse_epochs(text: str) -> int:
    """Return a number of epochs."""
    check = partial(check_count, "epochs", most=MOST_EPOCHS)
    return int(parse(check, int, f"a whole number from 1 to {MOST_EPOCHS:,}", text))


def parse_tol(text: str) -> float:
    """Return a relative tolerance."""
    return float(parse(partial(check_not_negative, "tol"), float, "a finite number of 0 or more", text))


def parse_threads(text: str) -> int:
    """Return a number of threads."""
    return int(parse(partial(check_count, "threads"), int, "a whole number of 1 or more", text))


def parse(check: Callable[[Any], Any], kind: type[Any], expected: str, text: str) -> Any:
    """Return the value of an option that passes the check; argparse puts the option's name in front of the error."""
    try:
        return check(kind(text))
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected {expected}; got {quote(text)}") from None
