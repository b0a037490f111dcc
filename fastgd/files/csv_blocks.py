"""The numbers of a CSV file, block by block.

pyarrow, where it is installed, reads a block if the block is plain, and Python's csv module reads it otherwise: pyarrow
accepts cells such as ``"1"2``, and refuses others such as ``+1``. A block that pyarrow refuses is read again. So a file
has the same rows and numbers, or is refused, however it is read.
"""

import csv
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import current_thread, main_thread
from typing import Any, NamedTuple

import numpy as np

from fastgd.files.arrow import find_pyarrow, join_numbers
from fastgd.files.cells import MISSING, TRUTH, read_cell, read_label, read_rows
from fastgd.files.lines import BOM, Lines
from fastgd.files.worker import start_worker
from fastgd.inputs.arrays import Array
from fastgd.inputs.words import printable

ReadPlain = Callable[[bytes], list[Array] | None]  # reads a plain block; None for odd rows
BLOCK_BYTES = 1 << 23  # the size of a block of text
PART_BYTES = 1 << 21  # of a block: pyarrow reads several parts at a time
PIECE_BYTES = 1 << 16  # of a block: intermediate results stay in the cache of a processor
SAMPLE_BYTES = 1 << 14  # of a block, to find the columns of truth values
QUOTE, LINE_FEED, RETURN = b'"\n\r'


class Block(NamedTuple):
    """The wanted columns of some rows, and the number of the line in which each row ends."""

    arrays: list[Array]
    lines: Sequence[int]


def read_blocks(
    lines: Lines, names: list[str], wanted: list[str], *, gaps: bool, text: Collection[str] = ()
) -> Iterator[Block]:
    """Yield the wanted columns of each block of rows below the column names.

    If `gaps` is true, cells without a value are NaN; else they are refused. Infinities always are. Columns of `text`
    are arrays of objects, which hold the cells as they are, or None.
    """
    places = number_names(names)
    cells, read_plain = [(name, places[name]) for name in wanted], make_reader(names, wanted, lines, text)
    with ExitStack() as stack:
        if read_plain is not None and current_thread() is main_thread():
            # There, pyarrow would take over the handler of SIGINT for each block, and lose a Ctrl-C at times.
            read_plain = read_elsewhere(read_plain, start_worker(stack))
        while block := lines.next_block(BLOCK_BYTES):
            arrays = read_plain(block) if read_plain is not None and is_plain(block, lines.delimiter) else None
            if arrays is not None and not all(is_good(values, gaps=gaps) for values in arrays):
                arrays = None  # the csv module finds the line of the cell
            if arrays is None:
                found = read_any(lines, block, cells, len(names), gaps=gaps, text=text)
            else:
                first = lines.number + 1
                lines.number += len(arrays[0])  # each row of a plain block is a line
                found = Block(arrays, range(first, lines.number + 1))
            if found.arrays and len(found.lines):
                yield found


def number_names(names: list[str]) -> dict[str, int]:
    """Return the place of each name in the list; a dict, because there may be millions of names."""
    return {name: k for k, name in enumerate(names)}


def is_good(values: Array, *, gaps: bool) -> bool:
    """Return True if a column has no infinity and, unless `gaps` is true, no missing value."""
    if values.dtype == object:
        return gaps or not any(label is None or label.strip() in MISSING for label in set(values.tolist()))
    return bool(np.isfinite(values).all()) or (gaps and not np.isinf(values).any())


def read_elsewhere(read_plain: ReadPlain, worker: ThreadPoolExecutor | None) -> ReadPlain:
    """Return the function that reads a block in another thread, if there is one."""
    return read_plain if worker is None else lambda block: worker.submit(read_plain, block).result()


def is_plain(block: bytes, delimiter: str) -> bool:
    """Return True if pyarrow splits the lines into the cells that `csv` splits them into, or refuses them."""
    quotes = b'"' in block
    if block.startswith(BOM) or (quotes and not has_plain_quotes(block, delimiter)):
        return False
    # `csv` refuses a cell beyond its limit, which would have no separator in a window of half that size.
    window = max(csv.field_size_limit() // 2, 1)
    separators = (b"\n", b"\r") if quotes else (delimiter.encode(), b"\n", b"\r")
    for start in range(0, len(block) - window + 1, window):
        if all(block.find(separator, start, start + window) < 0 for separator in separators):
            return False
    try:
        return block.isascii() or bool(block.decode("utf-8"))
    except UnicodeDecodeError:
        return False


def has_plain_quotes(block: bytes, delimiter: str) -> bool:
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
    beside = list(f'"{delimiter}\n\r'.encode())  # the bytes before an opening and after a closing quote
    return bool(np.isin(text[inside], beside).all())


def make_reader(names: list[str], wanted: list[str], lines: Lines, text: Collection[str] = ()) -> ReadPlain | None:
    """Return the function by which pyarrow reads the wanted columns of a plain block; None without pyarrow.

    The function returns None for odd rows. Whole columns of truth values are read as 1 and 0.
    """
    if not wanted:
        return None  # pyarrow would read all columns
    pa = find_pyarrow()
    if pa is None:
        return None
    parse = pa.csv.ParseOptions(delimiter=lines.delimiter)
    types: dict[str, Any] = {name: pa.string() if name in text else pa.float64() for name in wanted}
    words: dict[str, Any] = {
        "true_values": [word for word, value in TRUTH.items() if value],
        "false_values": [word for word, value in TRUTH.items() if not value],
        "null_values": MISSING,
        "decimal_point": lines.decimal,
        "strings_can_be_null": True,
    }

    def read(block: bytes, convert: Any) -> Any:
        part = max(PART_BYTES, 2 * block.find(b"\n"))  # a line must fit into a part
        options = pa.csv.ReadOptions(column_names=names, block_size=part)
        return pa.csv.read_csv(pa.BufferReader(copy_to_arrow(pa, block)), options, parse, convert)

    def find_truth(block: bytes) -> None:
        """Let the columns that hold truth values in the first lines of a block, and no others, be read as such."""
        sample = block[: block.rfind(b"\n", 0, SAMPLE_BYTES) + 1] or block
        found = read(sample, pa.csv.ConvertOptions(include_columns=wanted, **words)).schema
        for name in wanted:
            if name not in text:
                types[name] = pa.bool_() if found.field(name).type == pa.bool_() else pa.float64()

    def read_plain(block: bytes) -> list[Array] | None:
        for attempt in (False, True):
            try:
                if attempt:
                    find_truth(block)
                table = read(block, pa.csv.ConvertOptions(include_columns=wanted, column_types=types, **words))
                break
            except pa.ArrowInvalid:
                if attempt:
                    return None
        if table.num_rows != count_lines(block):  # pyarrow skips empty lines
            return None
        return take_columns(pa, table, text)

    return read_plain


def copy_to_arrow(pa: Any, block: bytes) -> Any:
    """Return a block in memory of Arrow's own.

    Arrow's threads may let go of a block after it has been read. If that were an object of Python, they would need the
    global lock, and end a process that is just about to exit: "terminate called without an active exception".
    """
    buffer = pa.allocate_buffer(len(block))
    np.frombuffer(buffer, np.uint8)[:] = np.frombuffer(block, np.uint8)
    return buffer


def take_columns(pa: Any, table: Any, text: Collection[str]) -> list[Array] | None:
    """Return the columns of a block that pyarrow has read; None if a cell is NaN but not missing, as nan(1) is."""
    arrays = []
    for name, column in zip(table.column_names, table.columns, strict=True):
        if name in text:
            arrays.append(column.to_numpy())
            continue
        arrays.append(join_numbers(column if column.type == pa.float64() else column.cast(pa.float64())))
        if column.null_count != np.count_nonzero(np.isnan(arrays[-1])):
            return None
    return arrays


def count_lines(block: bytes) -> int:
    r"""Return the number of lines of a block, which end in ``\n``, ``\r`` or both."""
    text, pieces = np.frombuffer(block, np.uint8), range(0, len(block), PIECE_BYTES)
    ends = sum(int(np.count_nonzero(text[start : start + PIECE_BYTES] == LINE_FEED)) for start in pieces)
    ends += not block.endswith((b"\n", b"\r"))
    if b"\r" in block:
        ends += block.count(b"\r") - block.count(b"\r\n")
    return ends


def read_any(
    lines: Lines,
    block: bytes,
    wanted: Sequence[tuple[str, int]],
    n_columns: int,
    *,
    gaps: bool,
    text: Collection[str] = (),
) -> Block:
    """Return the wanted columns, each a name and a place, of the rows that begin in a block."""
    last = lines.number + len(block.splitlines())
    columns: list[list[Any]] = [[] for _ in wanted]
    readers = [read_label if name in text else read_cell for name, _ in wanted]
    numbers = []
    for line, cells in read_rows(lines, block, n_columns):
        for column, read, (name, j) in zip(columns, readers, wanted, strict=True):
            column.append(read(lines, line, name, cells[j], gaps=gaps))
        numbers.append(line)
        if line >= last:
            break
    lines.stop()
    arrays = [
        np.array(column, dtype=object if name in text else np.float64)
        for column, (name, _) in zip(columns, wanted, strict=True)
    ]
    plain = numbers and numbers[-1] - numbers[0] + 1 == len(numbers)
    return Block(arrays, range(numbers[0], numbers[-1] + 1) if plain else numbers)


def describe_line(path: str, lines: Sequence[int], row: int) -> str:
    """Return the place of a row of a block in words, from the numbers of the lines of all its rows."""
    return f"{printable(path)}, line {lines[row]}"
