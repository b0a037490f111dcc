"""The arguments that say how files are written, and which columns to take: of `fastgd fit` and `fastgd predict`."""

import argparse
import csv
import os
from collections.abc import Callable, Container
from typing import Any

from fastgd.files.dialect import Dialect, suffix_of
from fastgd.files.opening import STANDARD_INPUT
from fastgd.inputs.words import quote
from fastgd.streaming.bad_rows import MISSING
from fastgd.streaming.finding import READERS, is_pattern


def add_text(add: Callable[..., Any]) -> None:
    """Add the arguments that say how CSV files are written."""
    add(
        "--delimiter",
        metavar="MARK",
        help=r"the character between two cells, such as ';' or '\t' (default: a tab in files that end in .tsv, a "
        "semicolon if the decimal mark is a comma, else a comma)",
    )
    add("--decimal", metavar="MARK", default=".", help="the decimal mark, a point or a comma (default: .)")
    add("--encoding", metavar="NAME", default="utf-8", help="the encoding, such as latin-1 or utf-16 (default: utf-8)")


def add_missing(add: Callable[..., Any]) -> None:
    """Add the argument that says what to do with rows that have an empty cell."""
    add("--missing", choices=MISSING, default="error", help="refuse rows with an empty cell, or skip (default: error)")


def check_text(options: argparse.Namespace) -> Dialect:
    """Return the dialect that the options stand for."""
    return Dialect.checked(options.delimiter, options.decimal, options.encoding)


def split_names(texts: list[str], columns: Container[str] = ()) -> list[str]:
    """Return names of columns, which commas separate; a text that is the name of a column is not split.

    A name with a comma may also stand in quotes, as in a CSV file.

    Examples
    --------
    >>> from fastgd.cli.data_arguments import split_names
    >>> split_names(["size,age", '"a,b"'])
    ['size', 'age', 'a,b']
    >>> split_names(["Price, kCHF"], ["Price, kCHF", "Town"])
    ['Price, kCHF']
    """
    names = []
    for text in texts:
        if text in columns:
            names.append(text)
            continue
        try:
            names += next(csv.reader([text], strict=True)) or [text]
        except csv.Error as error:
            raise ValueError(f"expected names of columns, separated by commas; got {quote(text)}: {error}") from error
    return names


def take_files(options: argparse.Namespace, *lists: list[str] | None) -> list[str]:
    """Return the input files; if none stands before the options, they are the last words of a list of columns.

    ``--features a b data.csv`` reads a and b: argparse gives all three words to the option.
    """
    files: list[str] = options.files
    for words in lists:
        if files or not words:
            continue
        first = len(words)
        while first > 1 and is_file_argument(words[first - 1]):
            first -= 1
        files, words[first:] = words[first:], []
    if not files:
        options.parser.error("the following arguments are required: FILE")
    return files


def is_file_argument(word: str) -> bool:
    """Return True for a word that names an input file rather than a column."""
    return word == STANDARD_INPUT or os.path.exists(word) or is_pattern(word) or suffix_of(word) in READERS
