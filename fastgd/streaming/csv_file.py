"""CSV files, read block by block.

pyarrow reads a block if it is plain, and `fastgd.files.csv` reads it otherwise: pyarrow accepts cells such as ``"1"2``,
and refuses others such as ``+1``. A block that pyarrow refuses is read again. So a file has the same rows and numbers,
or is refused, whether it is read whole or in blocks.
"""

import csv
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from fastgd.files.csv import number_names, read_names, read_rows, refuse_cell, to_number
from fastgd.files.lines import BOM, Lines
from fastgd.files.opening import open_regular, open_unchanged, refuse_change, state_of
from fastgd.inputs.arrays import Array
from fastgd.inputs.words import printable
from fastgd.streaming.columns import Columns, Head, check_boundary, import_pyarrow
from fastgd.streaming.source import Batch

NUMBER = "number"  # the type of every column, before its cells are read
BLOCK_BYTES = 1 << 23  # the size of a block of text
PART_BYTES = 1 << 21  # of a block: pyarrow reads several parts at a time
QUOTE, LINE_FEED, RETURN = b'"\n\r'
BESIDE_QUOTES = np.isin(np.arange(256), list(b'",\n\r'))  # the bytes before an opening and after a closing quote
MISSING = (  # the cells without a value, as in pandas and pyarrow
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "N/A", "NA", "NULL",
    "NaN", "n/a", "nan", "null",
)  # fmt: skip


def read_head(path: str) -> Head:
    """Return the description of a file: its column names."""
    import_pyarrow("csv")
    with open_regular(path) as file:
        state = state_of(file)
        names = read_names(Lines(path, file))
    return Head(path, dict.fromkeys(names, NUMBER), frozenset(names), state)


def identify_reader(_: Columns) -> dict[str, Any]:
    """Return the settings that decide where batches end; a checkpoint must have been made with the same ones."""
    return {"bytes of a block of lines": BLOCK_BYTES}


def read_batches(head: Head, columns: Columns, file: int, seen: int) -> Iterator[Batch]:
    """Yield the batches after the first `seen` rows."""
    row = 0
    with open_unchanged(head.path, head.state) as opened:
        for arrays in read_blocks(Lines(head.path, opened), head, columns.names):
            rows = len(arrays[0])
            check_boundary(head.path, row, seen, rows)
            if row >= seen:
                where = f"{printable(head.path)}, rows {row + 1} to {row + rows} below the column names"
                yield columns.make_batch(arrays, file, where, partial(describe_file_row, head.path, row + 1))
            row += rows


def read_blocks(lines: Lines, head: Head, wanted: list[str]) -> Iterator[list[Array]]:
    """Yield the wanted columns of each block of rows."""
    names = read_names(lines)
    if names != list(head.types):
        refuse_change(head.path, "it has other column names")
    read_plain, places = make_reader(names, wanted), number_names(names)
    while block := lines.next_block(BLOCK_BYTES):
        arrays = read_plain(block) if is_plain(block) else None
        if arrays is None:
            arrays = read_any(lines, block, [(name, places[name]) for name in wanted], len(names))
        else:
            lines.number += len(arrays[0])  # each row of a plain block is a line
        if len(arrays[0]):
            yield arrays


def is_plain(block: bytes) -> bool:
    """Return True if pyarrow splits the lines into the cells that `csv` splits them into, or refuses them."""
    quotes = b'"' in block
    if block.startswith(BOM) or (quotes and not has_plain_quotes(block)):
        return False
    # `csv` refuses a cell beyond its limit, which would have no separator in a window of half that size.
    window = max(csv.field_size_limit() // 2, 1)
    separators = (b"\n", b"\r") if quotes else (b",", b"\n", b"\r")
    for start in range(0, len(block) - window + 1, window):
        if all(block.find(separator, start, start + window) < 0 for separator in separators):
            return False
    try:
        return block.isascii() or bool(block.decode("utf-8"))
    except UnicodeDecodeError:
        return False


def has_plain_quotes(block: bytes) -> bool:
    """Return True if all quotes of a block enclose a whole cell on one line, or stand for one quote in such a cell.

    The quotes are an opening and a closing one in turn. An opening one stands at the begin of a cell or, in a cell,
    behind the closing one with which it stands for one quote; and the other way round.
    """
    text = np.frombuffer(block, np.uint8)
    marks = text == QUOTE
    quotes = np.flatnonzero(marks)
    if len(quotes) % 2:
        return False
    marks |= text == LINE_FEED
    if b"\r" in block:
        marks |= text == RETURN
    order = np.flatnonzero(text[np.flatnonzero(marks)] == QUOTE)  # places of quotes among quotes and ends of lines
    if (order[1::2] - order[::2] > 1).any():
        return False
    before, after = quotes[::2] - 1, quotes[1::2] + 1
    inside = np.append(before[before >= 0], after[after < len(text)])
    return bool(BESIDE_QUOTES[text[inside]].all())


def make_reader(names: list[str], wanted: list[str]) -> Callable[[bytes], list[Array] | None]:
    """Return the function by which pyarrow reads the wanted columns of a plain block; it returns None for odd rows."""
    pa = import_pyarrow("csv")
    types = dict.fromkeys(wanted, pa.float64())
    convert = pa.csv.ConvertOptions(include_columns=wanted, column_types=types, null_values=MISSING)

    def read_plain(block: bytes) -> list[Array] | None:
        part = max(PART_BYTES, 2 * block.find(b"\n"))  # a line must fit into a part
        read = pa.csv.ReadOptions(column_names=names, block_size=part)
        try:
            table = pa.csv.read_csv(pa.BufferReader(block), read_options=read, convert_options=convert)
        except pa.ArrowInvalid:
            return None
        if table.num_rows != count_lines(block):  # pyarrow skips empty lines
            return None
        arrays = [column.to_numpy() for column in table.columns]
        nulls = [column.null_count for column in table.columns]
        return arrays if nulls == [np.isnan(values).sum() for values in arrays] else None  # nan(1) is NaN, not null

    return read_plain


def count_lines(block: bytes) -> int:
    r"""Return the number of lines of a block, which end in ``\n``, ``\r`` or both."""
    text = np.frombuffer(block, np.uint8)
    ends = np.count_nonzero(text == LINE_FEED) + (not block.endswith((b"\n", b"\r")))
    if b"\r" in block:
        ends += block.count(b"\r") - block.count(b"\r\n")
    return int(ends)


def read_any(lines: Lines, block: bytes, wanted: Sequence[tuple[str, int]], n_columns: int) -> list[Array]:
    """Return the wanted columns, each a name and a place, of the rows that begin in a block."""
    last = lines.number + len(block.splitlines())
    rows = []
    for line, cells in read_rows(lines, block, n_columns):
        rows.append([read_value(lines.path, line, name, cells[j]) for name, j in wanted])
        if line >= last:
            break
    lines.stop()
    return list(np.array(rows, dtype=np.float64).reshape(-1, len(wanted)).T)


def read_value(path: str, line: int, name: str, cell: str) -> float:
    """Return the number in a cell of column `name`; NaN if it has no value."""
    if cell.strip() in MISSING:
        return np.nan
    try:
        return to_number(cell)
    except ValueError:
        refuse_cell(path, line, name, cell, "a number")


def describe_file_row(path: str, start: int, row: int) -> str:
    """Return the place of a row of the batch that begins at row `start`, in words."""
    return f"{printable(path)}, row {start + row} below the column names"
