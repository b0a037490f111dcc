"""Random CSV files, read whole and in blocks, must give the same numbers or be refused both; files that change."""

import csv
import os
import random
import sys
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import numpy as np
import pyarrow as pa
from pyarrow import parquet

sys.path.insert(0, str(Path(__file__).parents[1]))

from fastgd.files import csv as csv_files
from fastgd.files import csv_blocks
from fastgd.files.csv import read_csv
from fastgd.streaming import columns
from fastgd.streaming.choosing import Request
from fastgd.streaming.files import FileBatchSource

GOOD = [
    b"a,t,y\n1,x,2\n3,y,4\n-5,z,0.5\n", b'a,t,y\r\n1,"x",2\r\n"3","y, ""z""",4\r\n', b"y,a\n1,2\n2,3\n",
    b'"a","y"\n1,2\n',
]  # fmt: skip
CELLS = [
    "1", "-2.5", "+1", ".5", "5.", "1e5", "1E-3", "1e400", "-1e400", "1e-400", "1_000", "0x10", "0b1", "1,5",
    "1 2", "inf", "-inf", "Infinity", "nan", "NaN", "NA", "null", "N/A", "-nan", "+nan", "nan(1)", "True", "١٢",
    "１", "½", "−1", " 1", "1 ", "\t1\t", "\v1", "\f1", "\x1c1", "\x851", "\xa01", "\u20091", "\u200b1",
    "\ufeff1", "\x001", "1\x00", "", " ", "1j", '""', '" "', '"1"', '" 1"', '"1"2', '1"2', '"1""2"', '1""2',
    '"1', '1"', '""1', '"1" ', ' "1"', '"1\n"', '"1\r\n"', "1L", '"\n1"', "'1'", "1'", "1f", "1d", "1.2.3",
    "--1", "1-", "e5", ".", "-", "+", "-.5e-5", "00012", "-0", "1e", "1e+", "123456789012345678901234567890",
    "0.1" + "0" * 400 + "1", "9007199254740993", "2.2250738585072011e-308", "4.9e-324",
    "1.7976931348623158e308", "x" * 99, "x" * 100, "x" * 101, "1" + " " * 100, '"' + "x," * 99 + '"',
    '"' + "x" * 101 + '"', '"a,b"', '"a\nb"', '"a""b"', "é", "é" * 60, "\udcff", "\ud800",
]  # fmt: skip
PIECES = [
    b'"', b'""', b",", b"\n", b"\r", b"\r\n", b"\n\r", b"\n\n", b" ", b"\t", b"\x00", b"\xff", b"\xef\xbb\xbf",
    b"1", b"e", b"_", b"\\", b"#", b";", b"\x1a",
]  # fmt: skip
LONGEST_CELL = 100  # the limit of `csv` in these cases
BLOCKS = [1, 7, 16, 1 << 20]


def attack(tally, rounds=10_000, seed=0):
    chance = random.Random(seed)
    before = csv.field_size_limit(LONGEST_CELL)
    with TemporaryDirectory() as folder, patch.multiple(csv_blocks, BLOCK_BYTES=1, PART_BYTES=1):
        for _ in range(rounds):
            csv_blocks.BLOCK_BYTES, csv_blocks.PART_BYTES = chance.choice(BLOCKS), chance.choice(BLOCKS)
            compare(tally, str(Path(folder, "data.csv")), make_content(chance))
    csv.field_size_limit(before)
    for _ in range(rounds // 50):
        with TemporaryDirectory() as folder:
            change_file(tally, Path(folder), chance)


def make_content(chance):
    """Return a small table with a few odd cells, or a good one with a few changes of its bytes."""
    if chance.random() < 0.6:
        return make_table(chance)
    content = chance.choice(GOOD) if chance.random() < 0.5 else make_table(chance)
    for _ in range(chance.randint(1, 3)):
        place = chance.randint(0, len(content))
        content = content[:place] + chance.choice(PIECES) + content[place + chance.randint(0, 2) :]
    return content


def make_table(chance):
    """Return a table of three columns, most of whose cells are good numbers."""
    end = chance.choice(["\n", "\r\n", "\r"])
    names = ["a", "t", "y"] if chance.random() < 0.9 else ['"a"', '"t\nu"', "y "]
    rows = [",".join(names)]
    for _ in range(chance.randint(1, 6)):
        cells = [str(chance.randint(-9, 9)) for _ in names]
        if chance.random() < 0.4:
            cells[chance.randrange(3)] = chance.choice(CELLS)
        if chance.random() < 0.03:
            cells = cells[: chance.randint(0, 2)] if chance.random() < 0.5 else [*cells, "1"]
        rows.append(",".join(cells))
    text = end.join(rows) + chance.choice([end, "", end * 3, end + " " + end, end + "," + end])
    return text.encode("utf-8", "surrogatepass" if "\ud800" in text else "surrogateescape")


def compare(tally, path, content):
    """Check that all ways of reading agree on the columns a and y."""
    Path(path).write_bytes(content)
    case = f"blocks of {csv_blocks.BLOCK_BYTES} and parts of {csv_blocks.PART_BYTES} bytes of {content!r}"
    whole, parts = read_whole(path), read_blocks(path, missing="error")
    if isinstance(whole, str) or isinstance(parts, str):
        same = str(whole) == str(parts)
    else:
        same = whole.shape == parts.shape and whole.tobytes() == parts.tobytes()
    tally.check(same, f"{case}: whole {whole!r}, in blocks {parts!r}")
    quick, slow = read_blocks(path), read_blocks(path, is_plain=lambda *_: False)
    texts = isinstance(quick, str) or isinstance(slow, str)
    same = str(quick) == str(slow) if texts else np.array_equal(quick, slow, equal_nan=True)
    tally.check(same, f"{case}: by pyarrow {quick!r}, by csv {slow!r}")


def read_whole(path):
    """Return the columns a and y, or the error."""
    try:
        return read_csv(path, ["a", "y"]).values
    except ValueError as error:
        return str(error)


def read_blocks(path, is_plain=csv_blocks.is_plain, missing="skip"):
    """Return the columns a and y of all blocks, with NaN for no value if it is to be skipped, or the error."""
    try:
        with patch.object(csv_blocks, "is_plain", is_plain):
            source = FileBatchSource([path], Request("y", ["a"], missing=missing))
            rows = [np.column_stack([batch.X, batch.y]) for batch in source.batches_after([])]
    except ValueError as error:
        return str(error)
    return np.ascontiguousarray(np.concatenate(rows)) if rows else f"{path}: {csv_files.NO_ROWS}"


def replace(path, content, chance):
    """Move another file to the path."""
    other = path.with_name("other")
    other.write_bytes(content)
    os.replace(other, path)


def rewrite(path, content, chance):
    """Write other content of the same size into the file."""
    with path.open("r+b") as file:
        file.write(content[: path.stat().st_size].ljust(path.stat().st_size))


def append(path, content, chance):
    """Write more to the end of the file."""
    with path.open("ab") as file:
        file.write(content[-chance.randint(1, 100) :])


def truncate(path, content, chance):
    """Cut off the end of the file."""
    os.truncate(path, chance.randrange(path.stat().st_size))


def delete(path, content, chance):
    """Remove the file."""
    path.unlink()


def change_file(tally, folder, chance):
    """Change one of three files at a random moment of a fit: it must be named, or have been read as it was."""
    suffix, change = chance.choice([".csv", ".parquet"]), chance.choice([replace, rewrite, append, truncate, delete])
    paths = [folder / f"{name}{suffix}" for name in "abc"]
    for number, path in enumerate(paths):
        write_table(path, number, swapped=False)
    write_table(folder / f"other{suffix}", 9, swapped=True)
    content = (folder / f"other{suffix}").read_bytes()
    (folder / f"other{suffix}").unlink()
    for path in paths:
        os.utime(path, (1, 1))  # an edit within a tick of the clock after it cannot be seen
    moment, changed = chance.randint(0, 12), chance.choice(paths)
    rows, error = [], ""
    with patch.multiple(csv_blocks, BLOCK_BYTES=2000), patch.object(columns, "BATCH_BYTES", 2000):
        source = FileBatchSource([str(path) for path in paths], Request("y", ["a"]))
        try:
            for number, batch in enumerate(chain([None], source.batches_after([]))):
                if batch is not None:
                    rows.append(np.column_stack([batch.X, batch.y]))
                if number == moment:
                    change(changed, content, chance)
        except ValueError as caught:
            error = str(caught)
    case = f"{changed.name}, {change.__name__} after batch {moment}: {error or 'no error'}"
    expected = np.concatenate([make_rows(number) for number in range(3)])
    whole = not error and np.array_equal(np.concatenate(rows), expected)
    tally.check(whole or error.startswith(f"{changed}: the file changed while it was in use"), case)


def make_rows(number):
    """Return the rows of a file: the columns a and y."""
    return np.arange(1000.0 * number, 1000 * (number + 1)).reshape(500, 2)


def write_table(path, number, swapped):
    """Write the rows of a file."""
    rows, names = make_rows(number), ["y", "a"] if swapped else ["a", "y"]
    if path.suffix == ".csv":
        np.savetxt(path, rows, "%.17g", ",", header=",".join(names), comments="")
    else:
        parquet.write_table(pa.table(dict(zip(names, rows.T, strict=True))), path, row_group_size=100)
