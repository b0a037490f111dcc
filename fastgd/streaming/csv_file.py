"""CSV files as a source of batches: one for each block of text."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from fastgd.files import csv_blocks
from fastgd.files.cells import read_names
from fastgd.files.csv import read_parts
from fastgd.files.csv_blocks import describe_line
from fastgd.files.decoding import open_lines
from fastgd.files.dialect import Dialect
from fastgd.files.opening import open_regular, open_unchanged, refuse_change, state_of
from fastgd.inputs.arrays import Array
from fastgd.inputs.words import printable
from fastgd.streaming.columns import Columns, Head, check_boundary
from fastgd.streaming.source import Batch

NUMBER = "number"  # the type of every column, before its cells are read


def read_head(path: str, dialect: Dialect) -> Head:
    """Return the description of a file: its column names."""
    with open_regular(path) as file:
        state = state_of(file)
        names = read_names(open_lines(path, file, dialect))
    return Head(
        path, dict.fromkeys(names, NUMBER), frozenset(names), state, dialect=dialect, index=frozenset({""} & {*names})
    )


def identify_reader(_: Columns) -> dict[str, Any]:
    """Return the settings that decide where batches end; a checkpoint must have been made with the same ones."""
    return {"bytes of a block of lines": csv_blocks.BLOCK_BYTES}


def read_batches(head: Head, columns: Columns, file: int, seen: int) -> Iterator[Batch]:
    """Yield the batches after the first `seen` rows."""
    row = 0
    with open_unchanged(head.path, head.state) as opened:
        lines = open_lines(head.path, opened, head.dialect)
        names = read_names(lines)
        if names != [name for name in head.types if head.types[name] == NUMBER]:
            refuse_change(head.path, "it has other column names")
        wanted = head.names_in_file(columns.names)
        for block in csv_blocks.read_blocks(lines, names, wanted, gaps=columns.gaps, text=columns.levels):
            rows = len(block.lines)
            arrays = head.fill(columns.names, block.arrays, rows)
            check_boundary(head.path, row, seen, rows)
            if row >= seen:
                where = f"{printable(head.path)}, lines {block.lines[0]} to {block.lines[-1]}"
                batch = columns.make_batch(arrays, file, where, partial(describe_line, head.path, block.lines))
                yield replace(batch, end=opened.tell())
            row += rows


def read_labels(head: Head, names: list[str]) -> Iterator[list[Array]]:
    """Yield columns of text, block by block."""
    wanted = head.names_in_file(names)
    if not wanted:
        yield head.fill(names, [], 1)
        return
    for _, block in read_parts(head.path, wanted, head.dialect, gaps=True, text=wanted):
        yield head.fill(names, block.arrays, len(block.lines))
