"""Numbers with their nouns, and user's text as it may reach a terminal: for messages.

Text from outside (a cell, a name, a path, a value in a file) may hold escape sequences that a terminal would carry out,
or be as long as the file. Every message and table passes it through `quote` or `printable`.
"""

import unicodedata
from collections.abc import Sequence
from reprlib import Repr
from typing import Any

LONGEST_QUOTE = 40  # characters of a text in quotes
LONGEST_TEXT = 200  # characters of a text without quotes, such as a path
LONGEST_MESSAGE = 2_000  # characters of a whole message
VOWELS = frozenset("aeio")  # a name with "u" begins like "you": a UserDict
MOST_NAMES = 20  # columns listed in a message


def count(number: int, noun: str) -> str:
    """Return a number with its noun, singular or plural.

    Examples
    --------
    >>> from fastgd.inputs.words import count
    >>> count(1, "core"), count(8, "core")
    ('1 core', '8 cores')
    """
    return f"{number} {noun}{'s' * (number != 1)}"


def kind_of(value: Any) -> str:
    """Return the name of a value's type with its article.

    Examples
    --------
    >>> from fastgd.inputs.words import kind_of
    >>> kind_of(1), kind_of("1"), kind_of(None)
    ('an int', 'a str', 'a NoneType')
    """
    name = type(value).__name__
    return f"{'an' if name[:1].lower() in VOWELS else 'a'} {name}"


def quote(value: Any) -> str:
    r"""Return a text in quotes, or another value as Python writes it: abbreviated, without control characters.

    Examples
    --------
    >>> from fastgd.inputs.words import quote
    >>> print(quote("price"), quote("\x1b[2J"), quote([1, 2]))
    'price' '\x1b[2J' [1, 2]
    """
    if isinstance(value, str):
        return repr(abbreviate(str.__str__(value), LONGEST_QUOTE))
    return printable(SHORT.repr(value))


def printable(text: Any, longest: int | None = LONGEST_TEXT) -> str:
    r"""Return a text without quotes, abbreviated, with each character that cannot be printed as an escape.

    These are the characters that a terminal obeys or hides instead of showing them: controls, line ends, marks of
    invisible width or of another direction of writing, and bytes of a file name that are no text.

    None as `longest` does not abbreviate.

    Examples
    --------
    >>> from fastgd.inputs.words import printable
    >>> print(printable("data/price.csv"), printable("a\x1b[2Jb"))
    data/price.csv a\x1b[2Jb
    """
    text = str(text)
    if not text.isprintable():
        shown = text if longest is None else text[: longest + 1]
        text = "".join(c if c.isprintable() else repr(c)[1:-1] for c in shown)
    return text if longest is None else abbreviate(text, longest)


def quote_names(names: Sequence[str]) -> str:
    """Return the first column names in quotes, and the number of the others.

    Examples
    --------
    >>> from fastgd.inputs.words import quote_names
    >>> quote_names(["a", "b"])
    "'a', 'b'"
    """
    more = f", … and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(map(quote, names[:MOST_NAMES])) + more


def describe_position(position: tuple[int, ...]) -> str:
    """Return a position in words: the row and, in two dimensions, the column."""
    return ", ".join(f"{axis} {i}" for axis, i in zip(("row", "column"), position, strict=False))


def pad(text: str, width: int) -> str:
    """Return a text with spaces behind it, up to a number of columns of a terminal.

    Examples
    --------
    >>> from fastgd.inputs.words import pad
    >>> pad("size", 6) + "|", pad("価格", 6) + "|"
    ('size  |', '価格  |')
    """
    return text + " " * max(0, width - width_of(text))


def width_of(text: str) -> int:
    """Return the columns of a terminal that a text takes: two for a wide letter, none for a combining mark."""
    if text.isascii():
        return len(text)
    marks = sum(unicodedata.category(c) in ("Mn", "Me") for c in text)
    return len(text) - marks + sum(unicodedata.east_asian_width(c) in ("W", "F") for c in text)


def abbreviate(text: str, longest: int) -> str:
    """Return the text; only its beginning and an ellipsis if it is long."""
    return text if len(text) <= longest else f"{text[:longest]}…"


class Short(Repr):
    """Abbreviates values of any type and size, which `repr` may refuse (integers of many digits) or print whole."""

    def repr1(self, x: Any, level: int) -> str:
        """Return a value of a type of Python's own part by part, another one as it writes itself.

        The base class goes by the name of the type alone.
        """
        return super().repr1(x, level) if type(x).__module__ == "builtins" else self.repr_instance(x, level)

    def repr_int(self, value: int, level: int) -> str:
        """Return an integer's digits, or about how many there are."""
        bits = value.bit_length()
        return repr(value) if bits < 400 else f"an integer of about {bits * 301 // 1000} digits"


SHORT = Short()
SHORT.maxstring = SHORT.maxother = LONGEST_QUOTE
