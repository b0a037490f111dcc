"""The options of the command line in place of arguments, in the messages of the Python functions."""

import re

# Arguments at the beginning of a message, and hints that name an argument and its value.
ARGUMENTS = (
    "features", "target", "weight", "one_hot", "scheduler", "delimiter", "decimal", "encoding", "missing", "checkpoint",
)  # fmt: skip
ARGUMENT = re.compile(rf"^({'|'.join(ARGUMENTS)})(?= must | goes )")
HINTS = ("missing", "unknown", "delimiter", "decimal", "encoding", "learning_rate", "precondition", "compress")
HINT = re.compile(rf"\b({'|'.join(HINTS)})='([^']*)'")


def name_options(message: str) -> str:
    """Return a message of the Python functions that names the options of the command line in place of arguments.

    Examples
    --------
    >>> from fastgd.cli.option_names import name_options
    >>> name_options("expected numbers; got 'a;b'; delimiter=';' separates them")
    "expected numbers; got 'a;b'; --delimiter ';' separates them"
    >>> name_options("features must be different columns; got 'a' twice")
    "--features must be different columns; got 'a' twice"
    >>> name_options("all 5 epochs ran; try learning_rate='auto' and precondition='auto', or more epochs")
    'all 5 epochs ran; try --learning-rate auto and --precondition auto, or more --epochs'
    """
    message = HINT.sub(lambda hint: f"{write_option(hint[1])} {quote_word(hint[2])}", message)
    message = message.replace("paths must", "FILE must")
    message = ARGUMENT.sub(lambda name: write_option(name[1]), message)
    problem, begin, advice = message.partition("; try ")
    return problem + begin + re.sub(r"\b(epochs|tol)\b", r"--\1", advice)


def write_option(argument: str) -> str:
    """Return the option of an argument."""
    return "--" + argument.replace("_", "-")


def quote_word(text: str) -> str:
    """Return a word as it stands in a command: in quotes if it has special characters."""
    return text if re.fullmatch(r"[\w-]+", text) else f"'{text}'"
