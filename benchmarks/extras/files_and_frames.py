"""Data as people have it: odd CSV files, wide frames, the time and memory of reading files, and of predictions.

    python benchmarks/extras/files_and_frames.py [--rounds 5] [--rows 2000000]

1. Odd CSV files, each fitted by the command line: read whole and in parts, with pyarrow and without it. All must give
   the same answer, or the same error; the lines name the files for which they do not.
2. Fits of frames with 8,000 columns, of pandas, polars and pyarrow, in this process.
3. `fastgd fit` of a CSV file of 44 MB in a fresh process: time, and peak memory.
4. `fastgd predict` of the rows, five columns, in a fresh process, its imports included, as a ratio to `pandas.read_csv`
   of the same file: in a process that has imported pandas, and in a fresh one.

Times are medians over rounds; those of a ratio take turns. Other programs disturb the seconds of processors less than
those of the clock, which stand beside them.
"""

import argparse
import io
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from unittest.mock import patch

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa

import fastgd
from fastgd.cli.main import main as run_command
from fastgd.files import csv_blocks
from fastgd.files.model import Model, save

GOOD = "a,b,y\n1,2,3\n2,1,4.5\n3,3,5\n4,0,6.5\n5,2,8\n"


def add_column(name, cells):
    """Return the good rows with a column in front."""
    return "".join(f"{cell},{line}\n" for cell, line in zip([name, *cells], GOOD.split(), strict=True))


ODD = {  # a text, and the options that read it
    "plain": (GOOD,),
    "no end of the last line": (GOOD.rstrip("\n"),),
    "lines of Windows": (GOOD.replace("\n", "\r\n"),),
    "lines of old Macs": (GOOD.replace("\n", "\r"),),
    "empty lines at the end": (GOOD + "\n\n\n",),
    "an empty line in the middle": (GOOD + "\n6,1,9\n",),
    "a line of blanks": (GOOD + "   \n6,1,9\n",),
    "a byte order mark": ("\ufeff" + GOOD,),
    "a byte order mark in the middle": (GOOD + "\ufeff6,1,9\n",),
    "UTF-16": (GOOD.encode("utf-16"),),
    "UTF-16, named": (GOOD.encode("utf-16"), "--encoding", "utf-16"),
    "Latin-1": (GOOD.replace("a,b", "größe,b").encode("latin-1"),),
    "Latin-1, named": (GOOD.replace("a,b", "größe,b").encode("latin-1"), "--encoding", "latin-1"),
    "a null character": (GOOD + "6,\0,9\n",),
    "names in quotes": (GOOD.replace("a,b", '"a","b, too"'),),
    "a line break in a name": (GOOD.replace("a,b", '"a\nlong",b'),),
    "a quote in a name": (GOOD.replace("a,b", '"a ""x""",b'),),
    "numbers in quotes": (GOOD + '"6","1","9"\n',),
    "a line break in a number": (GOOD + '"6\n",1,9\n',),
    "text behind a quote": (GOOD + '"6"1,1,9\n',),
    "a quote that is not closed": (GOOD + '"6,1,9\n',),
    "a quote in a number": (GOOD + '6,1"2,9\n',),
    "blanks around cells": (GOOD + " 6 , 1,9 \n",),
    "signs and exponents": (GOOD + "+6,1e-1,.9E1\n",),
    "underscores": (GOOD + "1_000,1,9\n",),
    "hexadecimal digits": (GOOD + "0x10,1,9\n",),
    "digits of another script": (GOOD + "٣,1,9\n",),
    "thousands": (GOOD + '"1,000",1,9\n',),
    "truth values among numbers": (GOOD + "True,false,9\n",),
    "a column of truth values": ("a,b,y\nTrue,1,1\nFALSE,2,3\ntrue,3,2\nfalse,5,7\n",),
    "an empty cell": (GOOD + "6,,9\n",),
    "an empty cell, skipped": (GOOD + "6,,9\n7,1,1\n", "--missing", "skip"),
    "NA": (GOOD + "6,NA,9\n",),
    "NA, skipped": (GOOD + "6,NA,9\nnull,1,1\n7,#N/A,1\n", "--missing", "skip"),
    "a payload of NaN": (GOOD + "6,nan(1),9\n",),
    "infinity": (GOOD + "6,-inf,9\n",),
    "a number beyond float64": (GOOD + "6,1e400,9\n",),
    "a number below float64": (GOOD + "6,1e-400,9\n",),
    "many digits": (GOOD + "6.00000000000000000000000000000000000001,1,9\n",),
    "text": (GOOD + "6,x,9\n",),
    "dates": (GOOD + "2024-01-31,1,9\n",),
    "text in a column that is left out": (add_column("t", "xxzzz"), "--features", "a,b"),
    "levels": (add_column("t", "xxzzz"), "--one-hot", "t"),
    "a short row": (GOOD + "6,1\n",),
    "a long row": (GOOD + "6,1,9,9\n",),
    "a comma at the end of each line": (GOOD.replace("\n", ",\n"),),
    "no rows": ("a,b,y\n",),
    "an empty file": ("",),
    "no names": (GOOD.partition("\n")[2],),
    "a name twice": (GOOD.replace("a,b", "a,a"),),
    "a name that is missing": (GOOD.replace("a,b", "a,"),),
    "the index of pandas": (add_column("", "01234"),),
    "semicolons": (GOOD.replace(",", ";"),),
    "semicolons, named": (GOOD.replace(",", ";"), "--delimiter", ";"),
    "tabs, named": (GOOD.replace(",", "\t"), "--delimiter", r"\t"),
    "decimal commas": (GOOD.replace(",", ";").replace(".", ","), "--delimiter", ";"),
    "decimal commas, named": (GOOD.replace(",", ";").replace(".", ","), "--decimal", ","),
    "no target": (GOOD.replace("y", "z"),),
    "a target and nothing else": ("y\n1\n2\n",),
    "one row": ("a,b,y\n1,2,3\n",),
    "equal rows": ("a,b,y\n" + "1,2,3\n" * 5,),
}
READERS = {  # more options, and whether pyarrow takes part
    "whole": ((), True),
    "in parts": (("--checkpoint", "kept"), True),
    "whole, without pyarrow": ((), False),
    "in parts, without pyarrow": (("--checkpoint", "kept"), False),
}
# Of the fresh processes, which keep compiled modules, as those of users do.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
COLUMNS = 8_000
BYTES_OF_A_ROW = 98  # of five numbers with all digits
LARGE = 44_000_000  # bytes
RUN = """
import sys
from pathlib import Path
from time import process_time
from fastgd.__main__ import main
code = main()
sys.stdout.flush()
peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(process_time(), int(peak.split()[1]) * 1024 / 1e6, file=sys.stderr)
sys.exit(code)
"""
READ = """
import sys
from time import perf_counter, process_time
import pandas
begin, busy = perf_counter(), process_time()
pandas.read_csv(sys.argv[1])
print(perf_counter() - begin, process_time() - busy, process_time())
"""


def fit_odd(reader, text, options):
    """Return the answer of the command line to a text: the exit code, and its model or its message."""
    more, arrow = READERS[reader]
    Path("a.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    output, errors = io.StringIO(), io.StringIO()
    find = csv_blocks.find_pyarrow if arrow else lambda: None
    with patch.object(csv_blocks, "find_pyarrow", find), redirect_stdout(output), redirect_stderr(errors):
        code = run_command(["fit", "a.csv", "--target", "y", "--json", "--quiet", *options, *more])
    if code != 0:
        return code, errors.getvalue()
    document = json.loads(output.getvalue())
    numbers = [document["intercept"], *document["coef"], document["fit"]["n_samples"]]
    return code, (document["features"], [float(f"{number:.6g}") + 0.0 for number in numbers], errors.getvalue())


def compare_readers():
    """Print how many odd files have the same answer by all readers, and the files that have not."""
    same = fitted = 0
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        for name, (text, *options) in ODD.items():
            found = {reader: fit_odd(reader, text, options) for reader in READERS}
            if all(answer == found["whole"] for answer in found.values()):
                same += 1
                fitted += found["whole"][0] == 0
            else:
                print(f"  {name}:", *(f"\n    {reader}: {answer}" for reader, answer in found.items()))
    print(f"odd CSV files: {same} of {len(ODD)} the same by all of {len(READERS)} readers ({fitted} of them fits)")


def time_frames(rounds):
    """Print the time of a fit of wide frames of each library."""
    generator = np.random.default_rng(0)
    X, y = generator.standard_normal((100, COLUMNS)), generator.standard_normal(100)
    names = [f"x{j}" for j in range(COLUMNS)]
    frames = {
        "pandas": pd.DataFrame(X, columns=names),
        "polars": pl.DataFrame(X, schema=names),
        "pyarrow": pa.table(list(X.T), names=names),
    }
    for name, frame in {"an array": X, **frames}.items():
        taken = [time_call(lambda frame=frame: fastgd.gradient_descent(frame, y)) for _ in range(rounds)]
        seconds, busy = find_medians(taken)
        print(f"fit of {COLUMNS:,} columns, {name}: {seconds:.2f} s ({busy:.2f} s of processors)")


def time_call(function):
    """Return the seconds that a call takes, and those of processors."""
    begin, busy = perf_counter(), process_time()
    function()
    return perf_counter() - begin, process_time() - busy


def find_medians(taken):
    """Return the median of each number over rounds."""
    return [median(one) for one in zip(*taken, strict=True)]


def run_fastgd(*arguments):
    """Run a command in a fresh process; return its seconds, those of processors, and its peak memory in MB."""
    begin = perf_counter()
    command = [sys.executable, "-c", RUN, *map(str, arguments)]
    streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    done = subprocess.run(command, env=ENVIRONMENT, text=True, check=True, **streams)
    return perf_counter() - begin, *map(float, done.stderr.split()[-2:])


def write_rows(path, rows, digits=None):
    """Write a CSV file of normal numbers."""
    generator = np.random.default_rng(1)
    with open(path, "w", encoding="utf-8") as file:
        for start in range(0, rows, 100_000):
            frame = pd.DataFrame(generator.standard_normal((min(100_000, rows - start), 5)), columns=list("abcde"))
            (frame if digits is None else frame.round(digits)).to_csv(file, index=False, header=start == 0)


def warm_up(folder):
    """Let Python compile the modules that the commands need."""
    write_rows(folder / "small.csv", 10)
    run_fastgd("fit", folder / "small.csv", "--target", "e", "--out", folder / "small.json")
    run_fastgd("predict", folder / "small.json", folder / "small.csv")


def time_fit(folder, rounds):
    """Print the time and the memory of `fastgd fit` of a CSV file of some size."""
    path = folder / "large.csv"
    write_rows(path, LARGE // BYTES_OF_A_ROW)
    seconds, busy, memory = find_medians([run_fastgd("fit", path, "--target", "e") for _ in range(rounds)])
    size = f"{path.stat().st_size / 1e6:.0f} MB"
    print(f"fastgd fit, CSV of {size}: {seconds:.2f} s ({busy:.2f} s of processors), {memory:.0f} MB of memory")


def time_predict(folder, rows, rounds):
    """Print the time of `fastgd predict` as a ratio to pandas' reading."""
    save(Model("y", list("abcde"), 1.25, [0.5, -2.25, 3.0, 1.0 / 3.0, 0.7]), folder / "model.json")
    for digits in (3, None):
        path = folder / "rows.csv"
        write_rows(path, rows, digits)
        command = [sys.executable, "-c", READ, path]
        taken = []
        for _ in range(rounds):
            begin = perf_counter()
            done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=True)
            fresh = perf_counter() - begin
            peers = map(float, done.stdout.split())
            taken.append((*run_fastgd("predict", folder / "model.json", path)[:2], fresh, *peers))
        ours, busy, fresh, reading, busy_reading, busy_fresh = find_medians(taken)
        size = f"{rows:,} rows × 5 with {digits or 'all'} digits, {path.stat().st_size / 1e6:.0f} MB"
        print(f"fastgd predict, {size}: {ours:.2f} s ({busy:.2f} s of processors)")
        for ratio, one, other, words in (
            (ours / reading, reading, busy_reading, "pandas' reading alone"),
            (ours / fresh, fresh, busy_fresh, "a fresh process that reads by pandas"),
        ):
            print(f"  {ratio:.1f} times {words}: {one:.2f} s ({other:.2f} s of processors)")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print all."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=2_000_000, help="of the files to predict")
    options = parser.parse_args(arguments)
    print(f"{os.cpu_count()} processors; pandas {pd.__version__}, polars {pl.__version__}, pyarrow {pa.__version__}")
    compare_readers()
    time_frames(options.rounds)
    with tempfile.TemporaryDirectory() as folder:
        warm_up(Path(folder))
        time_fit(Path(folder), options.rounds)
        time_predict(Path(folder), options.rows, options.rounds)


if __name__ == "__main__":
    main()
