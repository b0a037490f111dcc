"""The command line: ``fastgd demo``, ``fit``, ``predict``, ``info``, ``bench``, ``study`` and ``config``.

Exit codes: 0, done; 1, the fit diverged; 2, bad input, output that could not be written, or a study whose steps do not
compute the same, with a message on standard error; 3, the fit has not converged; 130, interrupted; 141, the reader of
the output went away, as after `| head`.
"""

import argparse
import errno
import io
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from contextlib import ExitStack, redirect_stderr, redirect_stdout, suppress
from functools import partial
from importlib import import_module
from typing import Any, NoReturn, TextIO

from fastgd._version import __version__
from fastgd.cli.codes import INTERRUPTED, READER_GONE, REFUSED
from fastgd.cli.option_names import name_options
from fastgd.inputs.words import LONGEST_MESSAGE, printable

EPILOG = (
    "Exit codes: 0, done; 1, the fit diverged; 2, bad input; 3, the fit has not converged; 130, interrupted; 141, the "
    "reader of the output went away."
)
WRITING = (errno.ENOSPC, errno.EFBIG, errno.EIO)  # errors of writing, which name no file


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    with ExitStack() as streams:
        streams.callback(setattr, warnings, "formatwarning", warnings.formatwarning)
        warnings.formatwarning = partial(format_warning, warnings.formatwarning)
        if sys.stderr is None:  # closed: print and argparse would write messages to standard output instead
            nowhere = streams.enter_context(open(os.devnull, "w", encoding="utf-8"))
            streams.enter_context(redirect_stderr(nowhere))
        if sys.stdout is None:
            complain("standard output is closed: redirect it to a file, or to the null device to print nothing")
            return REFUSED
        keep_whole(streams)
        return run(arguments)


def keep_whole(streams: ExitStack) -> None:
    """Put a buffer in front of standard output where ``python -u`` or PYTHONUNBUFFERED has taken it away.

    Without a buffer, a full disk may take a part of a text, and Python drops the rest without an error.
    """
    if isinstance(sys.stdout, io.TextIOWrapper) and isinstance(sys.stdout.buffer, io.RawIOBase):
        descriptor, encoding = sys.stdout.fileno(), sys.stdout.encoding
        lines = open(descriptor, "w", buffering=1, encoding=encoding, closefd=False)  # noqa: SIM115 - closed below
        streams.enter_context(lines)
        streams.enter_context(redirect_stdout(lines))


def format_warning(usual: Callable[..., str], *details: Any, **more: Any) -> str:
    """Return the text of a warning; one of another package may quote an environment variable as it is."""
    return "\n".join(printable(line, LONGEST_MESSAGE) for line in usual(*details, **more).split("\n"))


def run(arguments: Sequence[str] | None) -> int:
    """Run one command on open streams; bad input and lost output end in a message, not in a traceback."""
    try:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="replace")  # print ? for a character that the terminal lacks
        options = parse(arguments)
        code = int(options.command(options))
        sys.stdout.flush()  # raises an OSError if the reader went away, or the disk is full
        return code
    except BrokenPipeError:
        return READER_GONE
    except KeyboardInterrupt:
        complain("interrupted")
        return INTERRUPTED
    except (ValueError, OSError, ImportError, MemoryError, ArithmeticError) as error:
        if isinstance(error, (ZeroDivisionError, OverflowError, FloatingPointError)):
            raise  # Python's own kinds of ArithmeticError are bugs of fastgd: the traceback helps to find them
        complain(describe_error(error))
        return REFUSED
    finally:
        drop_lost(sys.stdout)
        drop_lost(sys.stderr)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return the options of one command."""
    words = sys.argv[1:] if arguments is None else arguments
    options, unknown = make_parser(find_command(words)).parse_known_args(words)
    if unknown:  # argparse itself would show the usage of fastgd, not of the command
        options.parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    return options


def complain(text: str) -> None:
    """Print a message on standard error; where that fails too, the exit code alone tells of the fault."""
    with suppress(OSError):
        print(f"fastgd: {text}", file=sys.stderr, flush=True)


def drop_lost(stream: TextIO) -> None:
    """Send the rest of an output that cannot be written nowhere, or else Python's flush at exit would fail too."""
    try:
        stream.flush()
    except (OSError, ValueError):  # a ValueError: the stream was closed
        with suppress(OSError, ValueError), open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), stream.fileno())


def describe_error(error: Exception) -> str:
    """Return the message of an error: file and reason of a system error; else the text, with options for arguments."""
    text = str(error) or type(error).__name__
    if isinstance(error, OSError) and error.strerror:
        if error.filename is not None:
            return f"{printable(os.fsdecode(error.filename))}: {printable(error.strerror)}"
        if error.errno in WRITING:
            text = f"standard output cannot be written: {error.strerror}"
    return printable(name_options(text), LONGEST_MESSAGE)


class Parser(argparse.ArgumentParser):
    """A parser whose messages show text from outside as escapes, and which tells if it cannot print."""

    def error(self, message: str) -> NoReturn:
        """Print the usage and the message, and exit."""
        super().error(printable(message, LONGEST_MESSAGE))

    def _print_message(self, message: str, file: Any = None) -> None:
        """Print help, usage or version; argparse itself hides the error of a full disk."""
        print(message, end="", file=file or sys.stderr, flush=True)


def find_command(words: Sequence[str]) -> str:
    """Return the word of a command line that names the command; "" if there is none."""
    return next((word for word in words if not word.startswith("-")), "")


def load_command(words: Sequence[str]) -> None:
    """Import the modules of the command that a command line names."""
    name = find_command(words)
    if name in COMMANDS:
        import_module(f"fastgd.cli.{name}")


def make_parser(only: str | None = None) -> Parser:
    """Return the parser of all commands; if one is named, the others have no arguments, and are not imported."""
    parser = Parser(prog="fastgd", description="Linear regression by gradient descent.", epilog=EPILOG)
    parser.add_argument("--version", action="version", version=f"fastgd {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, description in COMMANDS.items():
        command = commands.add_parser(name, help=description)
        if only is None or only == name:
            module = import_module(f"fastgd.cli.{name}")
            module.add_arguments(command)
            command.set_defaults(command=module.run, parser=command)
    return parser


# The commands, each a module of this folder, and their lines in `fastgd --help`. Only the command in use is imported:
# the imports of `fit` take longer than a short `predict`.
COMMANDS = {
    "demo": "fit the tutorial's problem and real data by all backends",
    "fit": "fit CSV or Parquet files: one or more columns by the others",
    "predict": "predict the rows of files by a saved model",
    "info": "show a saved model",
    "bench": "time an epoch of every backend on a ladder of sizes",
    "study": "measure the gain of every step from a loop on, and save a page of it",
    "config": "show the versions and the build of this installation",
}
