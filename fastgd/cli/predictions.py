"""Write predictions part by part: as CSV, JSON or Parquet, to standard output or to a file."""

import csv
import io
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from fastgd.files.arrow import find_pyarrow, make_column
from fastgd.files.dialect import suffix_of
from fastgd.files.writing import name_output, replacing
from fastgd.inputs.arrays import Array
from fastgd.inputs.words import printable
from fastgd.streaming import parquet_file
from fastgd.streaming.columns import import_pyarrow
from fastgd.streaming.finding import READERS

NUMBERS_AT_ONCE = 1 << 16  # formatted at once: their text takes far more memory than they do
LEAST, MOST = 1e-4, 1e10  # between these sizes, pyarrow writes a number that is not whole as Python does
FEW = 8  # pyarrow formats the rows if at most one in this many needs Python's way of writing numbers


class Output(NamedTuple):
    """Where the predictions of a part go.

    Attributes
    ----------
    encode : callable
        Takes predictions, of shape (n_rows, n_targets), and returns them as they are written; another thread may call
        it.
    write : callable
        Takes what `encode` returned, in the order of the parts.
    """

    encode: Callable[[Array], Any]
    write: Callable[[Any], Any]


@contextmanager
def open_output(path: str | None, names: list[str], *, as_json: bool) -> Iterator[Output]:
    """Open the output of `fastgd predict`; a file is complete only when the block has ended."""
    if as_json:
        with open_json(names) as output:
            yield output
    elif path is None:
        # Data are printed as they are, but a terminal would obey the control characters of a name.
        shown = [printable(name) if sys.stdout.isatty() else name for name in names]
        with open_csv(shown, lambda text: sys.stdout.write(text.decode())) as output:
            yield output
    else:
        with name_output("--out", path), replacing(path) as file:
            parquet = READERS.get(suffix_of(path)) is parquet_file
            with open_parquet(names, file) if parquet else open_csv(names, file.write) as output:
                yield output


@contextmanager
def open_csv(names: list[str], put: Callable[[bytes], Any]) -> Iterator[Output]:
    """Open CSV, with the names of the targets in the first line."""
    begin = io.StringIO()
    csv.writer(begin, lineterminator="\n").writerow(names)
    waiting = [begin.getvalue().encode()]

    def write(text: bytes) -> None:
        put(b"".join([*waiting, text]))
        waiting.clear()

    yield Output(encode_csv, write)
    put(b"".join(waiting))  # the names alone, if no row was left


def encode_csv(values: Array) -> bytes:
    """Return rows of numbers as lines of CSV, with the fewest digits that give each number back."""
    rows = max(NUMBERS_AT_ONCE // values.shape[1], 1)
    return b"".join([format_rows(values[start : start + rows]) for start in range(0, len(values), rows)])


def format_rows(values: Array) -> bytes:
    """Return a few rows of numbers as lines of CSV.

    pyarrow, where it is installed, takes a fifth of Python's time; the rows that it would write in another way are
    written by Python.
    """
    sizes, pa = np.abs(values), find_pyarrow()
    odd = np.flatnonzero(((sizes < LEAST) | (sizes >= MOST) | (np.rint(values) == values)).any(axis=1))
    if pa is None or len(odd) * FEW > len(values):
        return format_each(values)
    columns, buffer = [make_column(pa, column) for column in values.T], io.BytesIO()
    table = pa.Table.from_arrays(columns, names=[str(j) for j in range(len(columns))])
    pa.csv.write_csv(table, buffer, pa.csv.WriteOptions(include_header=False))
    text = buffer.getvalue()
    if not len(odd):
        return text
    begins = np.append(0, np.flatnonzero(np.frombuffer(text, np.uint8) == ord("\n")) + 1).tolist()
    pieces, done = [], 0
    for row in odd.tolist():
        pieces += [text[begins[done] : begins[row]], format_each(values[row : row + 1])]
        done = row + 1
    return b"".join([*pieces, text[begins[done] :]])


def format_each(values: Array) -> bytes:
    """Return rows of numbers as lines of CSV, as Python writes numbers."""
    return "".join([",".join(map(repr, row)) + "\n" for row in values.tolist()]).encode()


@contextmanager
def open_json(names: list[str]) -> Iterator[Output]:
    """Open one JSON document on standard output."""
    several = len(names) > 1
    waiting = [json.dumps({"target": names if several else names[0]})[:-1] + ', "predictions": [']

    def encode(values: Array) -> str:
        return json.dumps(values.tolist() if several else values[:, 0].tolist())[1:-1]

    def write(text: str) -> None:
        if text:
            print(waiting.pop() + text, end="")
            waiting.append(", ")

    yield Output(encode, write)
    print(("" if waiting == [", "] else waiting[0]) + "]}")


@contextmanager
def open_parquet(names: list[str], file: Any) -> Iterator[Output]:
    """Open a Parquet file with a column for each target."""
    pa = import_pyarrow("parquet")
    schema = pa.schema([(name, pa.float64()) for name in names])
    with pa.parquet.ParquetWriter(file, schema) as writer:

        def encode(values: Array) -> Any:
            return pa.Table.from_arrays([make_column(pa, column) for column in values.T], schema=schema)

        yield Output(encode, writer.write_table)
