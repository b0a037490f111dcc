"""The cells of a CSV file, read by Python's csv module; every error names the file, the line and the column."""

import csv
from collections import Counter
from collections.abc import Iterator
from math import isfinite, isinf, nan
from typing import NoReturn

from fastgd.files.lines import BOM, READ_BYTES, Lines, TableError, TextError
from fastgd.files.odd_numbers import explain_cell
from fastgd.inputs.words import MOST_NAMES, printable, quote

Row = tuple[int, list[str]]  # the number of its last line, and its cells
MISSING = (  # the cells without a value, as in pandas and pyarrow
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "N/A", "NA", "NULL",
    "NaN", "n/a", "nan", "null",
)  # fmt: skip
TRUTH = {"True": 1.0, "true": 1.0, "TRUE": 1.0, "False": 0.0, "false": 0.0, "FALSE": 0.0}
FIRST_LINE = 2  # of the rows, unless a column name goes over several lines
OTHER_DELIMITERS = ";\t|,"  # between the columns of a file whose first line seems to have one column


def read_names(lines: Lines) -> list[str]:
    """Return the column names from the first line, or lines: a name in quotes may hold ends of lines."""
    block = lines.next_block(READ_BYTES).removeprefix(BOM)
    _, cells = next(split_rows(lines, block), (1, []))
    lines.stop()
    return check_header(lines, cells)


def read_rows(lines: Lines, block: bytes, n_columns: int) -> Iterator[Row]:
    """Yield the rows of a block, and those after it; refuse a row of the wrong length and a blank line before a row."""
    first_blank = 0
    for line, cells in split_rows(lines, block):
        if is_blank(cells):
            first_blank = first_blank or line
        elif first_blank:
            got = "expected a row; got an empty line; remove that line"
            raise TableError(f"{printable(lines.path)}, line {first_blank}: {got}")
        elif len(cells) != n_columns:
            expected = f"expected {n_columns} cell{'s'[: n_columns != 1]}, as in line 1"
            raise TableError(f"{printable(lines.path)}, line {line}: {expected}; got {len(cells)}")
        else:
            yield line, cells


def split_rows(lines: Lines, block: bytes) -> Iterator[Row]:
    """Yield the cells of each row of a block, and those after it, blank lines included."""
    try:
        for cells in csv.reader(lines.read_on(block), delimiter=lines.delimiter, strict=True):
            yield lines.number, cells
    except csv.Error as error:
        longest = f"expected cells of at most {csv.field_size_limit():,} characters; got a longer one"
        reason = longest if "field larger" in str(error) else error
        raise TableError(f"{printable(lines.path)}, line {lines.number}: {reason}") from error


def check_header(lines: Lines, cells: list[str]) -> list[str]:
    """Return the column names from the cells of the first line; only the first name may be empty, as of an index."""
    where = f"{printable(lines.path)}, line 1"
    if is_blank(cells):
        raise TableError(f"{where}: expected column names; got an empty line")
    names = [cell.strip() for cell in cells]
    if "" in names[1:] or names == [""]:
        place = len(names) - names[::-1].index("")
        raise TableError(f"{where}: expected a name for every column; got none for column {place}")
    if all(is_number(name, lines.decimal) for name in names if name):
        raise TableError(f"{where}: expected column names; got the numbers {printable(', '.join(names[:MOST_NAMES]))}")
    other = [mark for mark in OTHER_DELIMITERS if mark in names[0]] if len(names) == 1 else []
    if other:
        expected = f"expected columns separated by {'commas' if lines.delimiter == ',' else quote(lines.delimiter)}"
        hint = f"delimiter={quote(other[0])} separates them"
        raise TableError(f"{where}: {expected}; got the one column {quote(names[0])}; {hint}")
    repeated = sorted(name for name, count in Counter(names).items() if count > 1)
    if repeated:
        raise TableError(f"{where}: expected different column names; got {quote(repeated[0])} more than once")
    return names


def describe_unnamed(path: str) -> str:
    """Return the message that the first column is left out because it has no name."""
    return f"{printable(path)}: left out the first column, which has no name, as the index that pandas writes"


def is_blank(cells: list[str]) -> bool:
    """Return True if the cells come from a blank line; a line of just "" is not blank, it has one empty cell."""
    return not cells or (len(cells) == 1 and cells[0].isspace())


def read_cell(lines: Lines, line: int, name: str, cell: str, *, gaps: bool) -> float:
    """Return the number in a cell of column `name`; True is 1 and False is 0.

    If `gaps` is true, a cell without a value is NaN. An infinity is refused.
    """
    try:
        value = to_number(cell, lines.decimal)
    except ValueError:
        if cell.strip() not in MISSING:
            refuse_text(lines, line, name, cell)
        value = nan
    if isfinite(value):
        return value
    if isinf(value):
        raise TableError(f"{describe_cell(lines, line, name)}: expected a finite number; got {quote(cell)}")
    if not gaps:
        refuse_gap(lines, line, name, cell, "a number")
    return value


def read_label(lines: Lines, line: int, name: str, cell: str, *, gaps: bool) -> str:
    """Return the text in a cell of column `name`; refuse a cell without a value, unless `gaps` is true."""
    if not gaps and cell.strip() in MISSING:
        refuse_gap(lines, line, name, cell, "text")
    return cell


def refuse_gap(lines: Lines, line: int, name: str, cell: str, expected: str) -> NoReturn:
    """Raise the error of a cell without a value."""
    got = f"{quote(cell)}, a missing value" if cell.strip() else "an empty cell"
    hint = "missing='skip' leaves out rows without a value"
    raise TableError(f"{describe_cell(lines, line, name)}: expected {expected}; got {got}; {hint}")


def refuse_text(lines: Lines, line: int, name: str, cell: str) -> NoReturn:
    """Raise the error of a cell that is no number."""
    message = f"{describe_cell(lines, line, name)}: expected a number; got {quote(cell)}"
    doubt = explain_cell(cell, lines.decimal)
    if doubt:
        raise TableError(f"{message}; {doubt}")
    raise TextError(message, name, line > FIRST_LINE)


def describe_cell(lines: Lines, line: int, name: str) -> str:
    """Return the place of a cell in words."""
    return f"{printable(lines.path)}, line {line}, column {quote(name)}"


def to_number(text: str, decimal: str = ".") -> float:
    """Return the text as a float; True is 1 and False is 0.

    Refuse 1_000, which Python's float accepts, and a point if the decimal mark is a comma.
    """
    if text.strip() in TRUTH:
        return TRUTH[text.strip()]
    if "_" in text or (decimal != "." and "." in text):
        raise ValueError(text)
    return float(text if decimal == "." else text.replace(decimal, "."))


def is_number(text: str, decimal: str) -> bool:
    """Return True if the text is a number; a truth value may be the name of a column."""
    try:
        to_number(text, decimal)
    except ValueError:
        return False
    return text not in TRUTH
