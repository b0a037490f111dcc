"""The command line: ``fastgd demo``, ``fit``, ``predict``, ``bench``, ``study`` and ``config``.

Exit codes: 0, done; 1, the fit diverged, or the reader of the output went away; 2, bad input, a file that could not be
written, or a study whose steps do not compute the same, with a message on standard error; 130, interrupted.
"""

import argparse
import io
import os
import sys
from collections.abc import Sequence

from fastgd import backends
from fastgd.cli import bench, demo, fit, predict, study
from fastgd.config import describe_installation, installed_version, show_config
from fastgd.files.model import encode_json
from fastgd.files.paths import check_output
from fastgd.plots.figures import check_picture

MISSING_HINT = "missing='skip'"  # the hint in the messages of the Python functions


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # print ? for a character that the terminal lacks
    options, unknown = make_parser().parse_known_args(arguments)
    if unknown:  # argparse itself would show the usage of fastgd, not of the command
        options.parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    try:
        code = int(options.command(options))
        print(end="", flush=True)  # raises a BrokenPipeError if the reader went away
        return code
    except BrokenPipeError:  # send the rest of the output nowhere, so that Python's flush at exit does not fail too
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        print("fastgd: interrupted", file=sys.stderr)
        return fit.INTERRUPTED
    except (ValueError, OSError, ImportError, MemoryError, ArithmeticError) as error:
        if isinstance(error, (ZeroDivisionError, OverflowError, FloatingPointError)):
            raise  # Python's own kinds of ArithmeticError are bugs of fastgd: the traceback helps to find them
        print(f"fastgd: {describe_error(error)}", file=sys.stderr)
        return 2


def describe_error(error: Exception) -> str:
    """Return the message of an error: file and reason of a system error; else the text, with options for arguments."""
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return str(error).replace(MISSING_HINT, "--missing skip")


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = argparse.ArgumentParser(prog="fastgd", description="Linear regression by gradient descent.")
    parser.add_argument("--version", action="version", version=f"fastgd {installed_version('fastgd')}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, (add_arguments, run, description) in COMMANDS.items():
        command = commands.add_parser(name, help=description)
        add_arguments(command)
        command.set_defaults(command=run, parser=command)
    return parser


def add_demo_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `fastgd demo`."""
    parser.add_argument(
        "--plot",
        metavar="FILE",
        default="fastgd-demo.png",
        help="a picture of the cost curves (fastgd-demo.png)",
    )
    names = ["auto", *backends.MODULES]
    parser.add_argument("--backend", choices=names, default="auto", help="the backend of the printed runs")


def show_demo(options: argparse.Namespace) -> int:
    """Run the demonstration, without its picture if matplotlib is missing."""
    check_output("--plot", options.plot)
    picture = None
    try:
        picture = check_picture(options.plot)
    except ImportError as error:
        print(f"No picture: {error}\n")
    demo.run_demo(picture, options.backend)
    return 0


def add_config_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `fastgd config`."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def run_config(options: argparse.Namespace) -> int:
    """Show what was built and installed."""
    if options.json:
        print(encode_json(describe_installation()))
    else:
        show_config()
    return 0


# The functions that add the arguments of each command and run it, and its line in `fastgd --help`.
COMMANDS = {
    "demo": (add_demo_arguments, show_demo, "fit the tutorial's problem and real data by all backends"),
    "fit": (fit.add_arguments, fit.run, "fit CSV or Parquet files: one column by all the others"),
    "predict": (predict.add_arguments, predict.run, "predict the rows of a CSV file by a saved model"),
    "bench": (bench.add_arguments, bench.run, "time an epoch of every backend on a ladder of sizes"),
    "study": (study.add_arguments, study.run, "measure what vectorization buys, and make a page of it"),
    "config": (add_config_arguments, run_config, "show what was built and installed"),
}
