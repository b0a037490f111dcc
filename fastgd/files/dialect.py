"""How a CSV file is written: its delimiter, its decimal mark, its encoding and its compression."""

import codecs
import os
from dataclasses import dataclass
from typing import Any

from fastgd.inputs.words import quote

TAB = "\t"
COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}  # by the last suffix of a file
UTF_8 = "utf-8"


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a CSV file is written.

    Attributes
    ----------
    delimiter : str
        The character between two cells.
    decimal : {".", ","}
        The mark between the whole and the fractional digits of a number.
    encoding : str
        The encoding of the text, by Python's name.
    """

    delimiter: str = ","
    decimal: str = "."
    encoding: str = UTF_8


COMMAS = Dialect()


def check_dialect(path: str, delimiter: Any = None, decimal: Any = ".", encoding: Any = UTF_8) -> Dialect:
    r"""Return the dialect of a file; refuse values that no CSV file can have.

    Parameters
    ----------
    path : str
        The file: without a delimiter, a file that ends in ``.tsv`` has tabs, and any other one commas.
    delimiter : str or None
        One character; ``\t`` in two characters, as a shell passes it, is a tab.
    decimal : {".", ","}
        The decimal mark.
    encoding : str
        The name of an encoding that Python knows.

    Raises
    ------
    ValueError, TypeError
        If a value does not fit its description above.

    Examples
    --------
    >>> from fastgd.files.dialect import check_dialect
    >>> check_dialect("a.csv", delimiter=";", decimal=",")
    Dialect(delimiter=';', decimal=',', encoding='utf-8')
    """
    for name, value in {"delimiter": delimiter, "decimal": decimal, "encoding": encoding}.items():
        if not isinstance(value, str) and not (name == "delimiter" and value is None):
            raise TypeError(f"{name} must be text; got {quote(value)}, a {type(value).__name__}")
    if delimiter is None:
        delimiter = TAB if suffix_of(path) == ".tsv" else ","
    delimiter = TAB if delimiter == r"\t" else delimiter
    if len(delimiter) != 1 or not delimiter.isascii() or delimiter.isalnum() or delimiter in '"\r\n\0._+-':
        raise ValueError(
            f"delimiter must be one character of ASCII that no number and no quoted cell has; got {quote(delimiter)}"
        )
    if decimal not in (".", ","):
        raise ValueError(f"decimal must be '.' or ','; got {quote(decimal)}")
    if decimal == delimiter:
        raise ValueError(f"decimal must differ from the delimiter; got {quote(decimal)} for both")
    try:
        encoding = codecs.lookup(encoding).name
        "".encode(encoding)  # refuses those that encode no text, such as base64
    except LookupError as error:
        raise ValueError(
            f"encoding must be the name of an encoding that Python knows; got {quote(encoding)}"
        ) from error
    return Dialect(delimiter, decimal, UTF_8 if encoding in ("utf-8", "utf-8-sig", "ascii") else encoding)


def suffix_of(path: str) -> str:
    """Return the suffix of a file in lower case, without that of its compression.

    Examples
    --------
    >>> from fastgd.files.dialect import suffix_of
    >>> suffix_of("data/Sales.CSV"), suffix_of("sales.csv.gz")
    ('.csv', '.csv')
    """
    stem, suffix = os.path.splitext(path)
    return os.path.splitext(stem)[1].lower() if suffix.lower() in COMPRESSIONS else suffix.lower()


def compression_of(path: str) -> str | None:
    """Return the compression of a file by its name; None if it is not compressed."""
    return COMPRESSIONS.get(os.path.splitext(path)[1].lower())
