"""The time of fits of files, compared with that of reading them, and their peak memory.

    python benchmarks/extras/streaming.py                        1,000,000 × 100 in float32: 0.4 GB
    python benchmarks/extras/streaming.py --rows 10000000        4 GB

The fit of a memory map is compared with NumPy loops that multiply each block with itself, that of Parquet with pyarrow
alone. All take turns in one process; ratios are of medians over rounds, with one BLAS thread. The files stand in a
temporary folder. The peak memory is that of a process that does nothing else.
"""

import os

os.environ.update(dict.fromkeys(("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from fastgd.streaming import fit_array, fit_files

BLOCK = 40_000  # rows: 16 MB
FITS = {
    "the array": "fit_array(open_map(sys.argv[1], {columns}), np.load(sys.argv[2]))",
    "Parquet": "fit_files(sys.argv[3], 'y')",
    "no rows": "None",
}
MEMORY = """
import sys
from pathlib import Path
import numpy as np
import pyarrow.parquet
from fastgd.streaming import fit_array, fit_files
def open_map(path, columns):
    return np.memmap(path, "float32", "r").reshape(-1, columns)
{fit}
peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(int(peak.split()[1]) // 1024)
"""


def make_files(folder, rows, columns):
    """Write the same numbers as a memory map with its target, and as a Parquet file."""
    generator = np.random.default_rng(0)
    names = [f"x{j}" for j in range(columns)]
    schema = pa.schema([*((name, pa.float32()) for name in names), ("y", pa.float64())])
    paths, y = (folder / "X.f32", folder / "y.npy", folder / "data.parquet"), []
    with open(paths[0], "wb") as array, pq.ParquetWriter(paths[2], schema) as table:
        for start in range(0, rows, 100_000):
            X = generator.standard_normal((min(100_000, rows - start), columns), "float32")
            y.append(X.sum(axis=1, dtype=float) + generator.standard_normal(len(X)))
            X.tofile(array)
            table.write_table(pa.table([*np.ascontiguousarray(X.T), y[-1]], schema=schema))
    np.save(paths[1], np.concatenate(y))
    return paths


def multiply_blocks(path, columns, dtype):
    """Read each block and multiply it with itself: the least work of a fit by products."""
    X = np.memmap(path, "float32", "r").reshape(-1, columns)
    products = np.zeros((columns, columns), dtype)
    for start in range(0, len(X), BLOCK):
        block = X[start : start + BLOCK].astype(dtype, copy=False)
        products += block.T @ block


def read_parquet(path, threads):
    """Read all batches of all row groups."""
    with pq.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            for _ in file.iter_batches(BLOCK, row_groups=[group], use_threads=threads):
                pass


def time_contestants(contestants, rounds):
    """Return the median seconds of each contestant over interleaved rounds."""
    samples = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, run in contestants.items():
            start = perf_counter()
            run()
            samples[name].append(perf_counter() - start)
    return {name: median(seconds) for name, seconds in samples.items()}


def show(heading, seconds, references):
    """Print a table: each contestant with its seconds, and the ratios of these to the times of the references."""
    print(f"\n{heading:35}  seconds  " + "  ".join(f"/ {name}" for name in references))
    for name, value in seconds.items():
        ratios = "  ".join(f"{value / seconds[other]:{len(other) + 2}.2f}" for other in references)
        print(f"{name:35}  {value:7.3f}  {ratios}", flush=True)


def main():
    """Make the files, time the fits, and measure their memory."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--columns", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    columns = options.columns
    with tempfile.TemporaryDirectory() as folder:
        array, target, table = make_files(Path(folder), options.rows, columns)
        X, y = np.memmap(array, "float32", "r").reshape(-1, columns), np.load(target)
        maps = {
            "loop": lambda: multiply_blocks(array, columns, "float32"),
            "loop in float64": lambda: multiply_blocks(array, columns, "float64"),
            **{f"fit_array, threads={k}": lambda k=k: fit_array(X, y, threads=k) for k in (1, 2)},
        }
        show("memory map, float32", time_contestants(maps, options.rounds), ("loop", "loop in float64"))
        tables = {
            "pyarrow": lambda: read_parquet(table, True),
            "pyarrow, one thread": lambda: read_parquet(table, False),
            **{f"fit_files, threads={k}": lambda k=k: fit_files(table, "y", threads=k) for k in (1, 2)},
        }
        show("Parquet, float32", time_contestants(tables, options.rounds), ("pyarrow", "pyarrow, one thread"))
        print(f"\nThe most memory, with {array.stat().st_size / 1e9:.1f} GB of rows:")
        for name, fit in FITS.items():
            code = MEMORY.format(fit=fit.format(columns=columns))
            command = [sys.executable, "-c", code, *map(str, (array, target, table))]
            used = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
            print(f"{name:35}  {used:>5} MB", flush=True)


if __name__ == "__main__":
    main()
