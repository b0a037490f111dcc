"""The command line: ``fastgd demo``, ``fit``, ``predict``, ``bench``, ``study`` and ``config``.

Exit codes: 0, done; 1, the fit diverged, or the reader of the output went away; 2, bad input, a file that could not be
written, or a study whose steps do not compute the same, with a message on standard error; 3, the fit has not converged;
130, interrupted.
"""

import argparse
import io
import os
import sys
from collections.abc import Sequence

from fastgd.cli import bench, config, demo, fit, predict, study
from fastgd.cli.outcome import INTERRUPTED
from fastgd.config import installed_version

EPILOG = "Exit codes: 0, done; 1, the fit diverged; 2, bad input; 3, the fit has not converged; 130, interrupted."
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
        return INTERRUPTED
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
    parser = argparse.ArgumentParser(prog="fastgd", description="Linear regression by gradient descent.", epilog=EPILOG)
    parser.add_argument("--version", action="version", version=f"fastgd {installed_version('fastgd')}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, (module, description) in COMMANDS.items():
        command = commands.add_parser(name, help=description)
        module.add_arguments(command)
        command.set_defaults(command=module.run, parser=command)
    return parser


# The module of each command, and its line in `fastgd --help`.
COMMANDS = {
    "demo": (demo, "fit the tutorial's problem and real data by all backends"),
    "fit": (fit, "fit CSV or Parquet files: one column by all the others"),
    "predict": (predict, "predict the rows of a CSV file by a saved model"),
    "bench": (bench, "time an epoch of every backend on a ladder of sizes"),
    "study": (study, "measure the gain of every step from a loop on, and save a page of it"),
    "config": (config, "show the versions and the build of this installation"),
}
