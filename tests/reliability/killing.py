"""Fits of every kind of source, in small batches, in processes that are killed."""

import random
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from unittest.mock import patch

import numpy as np
from processes import start_python
from test_streaming import SETTINGS, cut, make_data

from fastgd.files import csv_blocks
from fastgd.streaming import array, checkpoint, columns, fit_array, fit_batches, fit_files

KINDS = ("batches", "array", "map", "parquet", "csv")
SMALL = [(array, "BLOCK_BYTES", 1), (array, "ROWS_PER_COLUMN", 4), (columns, "BATCH_BYTES", 400)]
SMALL += [(csv_blocks, "BLOCK_BYTES", 800)]
CODE = """
import sys
sys.path.insert(0, {here!r})
from killing import run_slowly
run_slowly({kind!r}, {folder!r}, {path!r})
"""
LONGEST = 0.15  # seconds between the start of a fit and its kill


@contextmanager
def small_batches():
    """Make blocks, batches and row groups small, so that little data have many."""
    with ExitStack() as stack:
        for module, name, value in SMALL:
            stack.enter_context(patch.object(module, name, value))
        yield


def prepare(kind, folder):
    """Write the data of a kind to files in the folder."""
    X, y = make_data()
    if kind == "map":
        np.save(folder / "X.npy", X)
    elif kind in ("parquet", "csv"):
        import pyarrow as pa
        from pyarrow import csv, parquet

        for number, part in enumerate((slice(0, 300), slice(300, 500))):
            table = pa.table({"a": X[part, 0], "b": X[part, 1], "c": X[part, 2], "y": y[part]})
            if kind == "csv":
                csv.write_csv(table, folder / f"{number}.csv")
            else:
                parquet.write_table(table, folder / f"{number}.parquet", row_group_size=70)


def run(kind, folder, path):
    """Return the result of a fit of the data, as text with all bits."""
    X, y = make_data()
    options = {"checkpoint": path, **SETTINGS}
    with small_batches():
        if kind == "batches":
            result = fit_batches(cut(X, y, rows=9), **options)
        elif kind == "array":
            result = fit_array(X, y, **options)
        elif kind == "map":
            result = fit_array(np.load(Path(folder) / "X.npy", mmap_mode="r"), y, **options)
        else:
            result = fit_files(folder, "y", **options)
    return f"{result.weights.tobytes().hex()} {result.cost_history.tobytes().hex()} {result.n_samples}"


def run_slowly(kind, folder, path):
    """Print a line, then fit, with a save and a wait after each batch: a kill may fall into reading, summing or saving.

    A fit before that imports everything, which takes longer than a fit: a kill shall not fall into that.
    """
    run(kind, folder, None)
    save_if_due = checkpoint.Checkpoint.save_if_due

    def save_slowly(self, state):
        save_if_due(self, state)
        time.sleep(0.005)  # a fit of 42 batches or more takes longer than `LONGEST` on any machine

    with (
        patch.object(checkpoint, "SAVE_SECONDS", 0),
        patch.object(checkpoint.Checkpoint, "save_if_due", save_slowly),
    ):
        print("ready", flush=True)
        print(run(kind, folder, path))


def kill_at(moment, kind, folder, path):
    """Start a fit in a process and kill it after so many seconds; return True if it had not ended by then."""
    here = str(Path(__file__).parent)
    with start_python(CODE.format(here=here, kind=kind, folder=str(folder), path=str(path))) as process:
        assert process.stdout.readline() == "ready\n"
        time.sleep(moment)
        process.kill()
        process.communicate()
    return process.returncode != 0


def draw_moment(chance: random.Random) -> float:
    """Return a random moment at which a fit is killed."""
    return chance.uniform(0, LONGEST)
