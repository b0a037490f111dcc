"""How a CSV file is written: its delimiter, its decimal mark, its encoding and its compression."""

import codecs
import os
from dataclasses import dataclass
from typing import Any, Self

from fastgd.inputs.words import kind_of, quote

TAB = "\t"
COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}  # by the last suffix of a file
UTF_8 = "utf-8"


@dataclass(frozen=True, slots=True)
class Dialect:
    """How CSV files are written.

    Attributes
    ----------
    delimiter : str or None
        The character between two cells; None is a tab in files that end in ``.tsv``, and a comma in all others.
    decimal : {".", ","}
        The mark between the whole and the fractional digits of a number.
    encoding : str
        The encoding of the text, by Python's name.
    """

    delimiter: str | None = None
    decimal: str = "."
    encoding: str = UTF_8

    @classmethod
    def checked(cls, delimiter: Any = None, decimal: Any = ".", encoding: Any = UTF_8) -> Self:
        r"""Return a dialect; refuse values that no CSV file can have.

        ``\t`` in two characters, as a shell passes it, is a tab.

        Raises
        ------
        ValueError, TypeError
            If a value does not fit its description above.

        Examples
        --------
        >>> from fastgd.files.dialect import Dialect
        >>> Dialect.checked(delimiter=";", decimal=",")
        Dialect(delimiter=';', decimal=',', encoding='utf-8')
        """
        for name, value in {"delimiter": delimiter, "decimal": decimal, "encoding": encoding}.items():
            if not isinstance(value, str) and not (name == "delimiter" and value is None):
                raise TypeError(f"{name} must be text; got {quote(value)}, {kind_of(value)}")
        delimiter = TAB if delimiter == r"\t" else delimiter
        if delimiter is not None:
            check_delimiter(delimiter)
        if decimal not in (".", ","):
            raise ValueError(f"decimal must be '.' or ','; got {quote(decimal)}")
        if decimal == delimiter:
            raise ValueError(f"decimal must differ from the delimiter; got {quote(decimal)} for both")
        return cls(delimiter, decimal, find_encoding(encoding))

    def mark_cells(self, path: str) -> str:
        """Return the delimiter of a file."""
        if self.delimiter is not None:
            return self.delimiter
        if suffix_of(path) == ".tsv":
            return TAB
        return "," if self.decimal == "." else ";"


def check_delimiter(delimiter: str) -> None:
    """Refuse a delimiter that a number, a quoted cell or the end of a line may hold."""
    if len(delimiter) != 1 or not delimiter.isascii() or delimiter.isalnum() or delimiter in '"\r\n\0._+-':
        raise ValueError(
            f"delimiter must be one character of ASCII that no number and no quoted cell has; got {quote(delimiter)}"
        )


def find_encoding(encoding: str) -> str:
    """Return Python's name of an encoding of text."""
    try:
        name = codecs.lookup(encoding).name
        "".encode(name)  # refuses those that encode no text, such as base64
    except LookupError as error:
        raise ValueError(f"encoding must name an encoding that Python knows; got {quote(encoding)}") from error
    return UTF_8 if name in ("utf-8", "utf-8-sig", "ascii") else name


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


PLAIN = Dialect()
