"""Read a file of JSON; the error says what the file holds instead."""

import json
from pathlib import Path
from typing import Any

from fastgd.files.opening import read_text
from fastgd.inputs.words import printable

BOM = "\ufeff"  # with which some programs begin a text
MARKS = ",;\t|"  # between the cells of a table


def read_json(path: str | Path, most_bytes: int) -> Any:
    """Return the data in a file of JSON; a ValueError says why it has none.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from fastgd.files.json_text import read_json
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "a.json")
    ...     _ = path.write_text("size,price")
    ...     try:
    ...         read_json(path, 100)
    ...     except ValueError as error:
    ...         print(error)
    got text that looks like CSV
    """
    try:
        text = read_text(path, most_bytes)
    except UnicodeDecodeError as error:
        raise ValueError("got a file that is no text in UTF-8") from error
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(describe_text(text, error)) from error
    except RecursionError as error:
        raise ValueError("its lists and objects are nested too deeply") from error
    except ValueError as error:  # Python reads at most some thousand digits
        raise ValueError("it holds a number of too many digits") from error


def describe_text(text: str, error: json.JSONDecodeError) -> str:
    """Return what a text that is no JSON seems to be."""
    if not text.strip():
        return "got an empty file"
    if text.startswith(BOM):
        return "it begins with a byte order mark (BOM): save it in UTF-8 without one"
    if text.lstrip()[0] in "{[":
        return f"it is damaged or cut off at line {error.lineno}, column {error.colno}"
    first = text.lstrip().split("\n", 1)[0]
    if any(mark in first for mark in MARKS):
        return "got text that looks like CSV"
    return f"got text that begins with '{printable(first, 20)}'"
