"""Measure how the time of a fit on Dask grows with the rows, and write the table into scaling.md.

python docs/scaling.py            print the tables: some minutes on two cores
python docs/scaling.py --write    replace them in docs/scaling.md
"""

import os

# Before NumPy is imported, here and in the workers: each of them has one thread.
os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

from statistics import median
from time import perf_counter

import dask.array as da
import numpy as np
from dask.distributed import Client, LocalCluster
from pages import show_or_write

import fastgd
from fastgd.bench.machine import describe_machine

ROWS = [100_000, 1_000_000, 10_000_000, 100_000_000]
COLUMNS = 20
BLOCK = 500_000  # rows, 84 MB with y
WORKERS = 2
TINY_BLOCKS, TINY_ROWS = 400, 30  # so that next to all of the time is Dask's
FAR_ROWS, FAR_BLOCK, FAR_WORKERS = 1e12, 10_000_000, (2, 100, 1_000, 10_000)
READING = 200e6  # bytes a second and worker


def make_block(block_info=None):
    """Return rows [x y] that depend on the place of the block alone, by as little work as random numbers allow."""
    rows, columns = block_info[None]["chunk-shape"]
    generator = np.random.default_rng(block_info[None]["chunk-location"][0])
    block = generator.random((rows, columns))
    block[:, -1] += block[:, :-1].sum(axis=1)
    return block


def make_rows(rows, block):
    """Return [X y], made where it is needed and never all there at once."""
    chunks = da.core.normalize_chunks((block, COLUMNS + 1), (rows, COLUMNS + 1))
    return da.map_blocks(make_block, chunks=chunks, dtype=float)


def make_only(data):
    """Make the rows and look at one number of each block."""
    return data.map_blocks(lambda block: block[:1, :1], chunks=(1, 1)).sum().compute()


def fit(data):
    """Make the rows and fit."""
    return fastgd.gradient_descent(data[:, :-1], data[:, -1])


def seconds_of(function, data, rounds):
    """Return the median seconds of a call."""
    samples = []
    for _ in range(rounds):
        start = perf_counter()
        function(data)
        samples.append(perf_counter() - start)
    return median(samples)


def measure():
    """Return for each number of rows the seconds of making them, and of making and fitting them; and of one block."""
    settings = {"n_workers": WORKERS, "threads_per_worker": 1, "processes": True, "dashboard_address": ":0"}
    with LocalCluster(**settings) as cluster, Client(cluster):
        fit(make_rows(ROWS[0], ROWS[0] // WORKERS))  # imports, in all processes
        measured = []
        for rows in ROWS:
            rounds = 1 if rows > 5e7 else 3 if rows > 5e6 else 9
            data = make_rows(rows, min(BLOCK, rows // WORKERS))
            measured.append([seconds_of(function, data, rounds) for function in (make_only, fit)])
        tiny = seconds_of(fit, make_rows(TINY_BLOCKS * TINY_ROWS, TINY_ROWS), 3)
    return np.array(measured).T, tiny / TINY_BLOCKS


def fit_line(rows, seconds):
    """Return a and b of seconds = a + b·rows, by least squares of relative errors."""
    lines = np.column_stack([np.ones(len(rows)), rows]) / seconds[:, np.newaxis]
    return np.linalg.lstsq(lines, np.ones(len(rows)), rcond=None)[0]


def describe_time(seconds):
    """Return a time in words."""
    for limit, unit, name in ((60, 1, "s"), (3600, 60, "min"), (48 * 3600, 3600, "hours")):
        if seconds < limit:
            return f"{seconds / unit:.3g} {name}"
    return f"{seconds / 86400:.3g} days"


def make_table():
    """Return the tables in Markdown: what was measured, and what follows for more rows and workers."""
    (making, fitting), block = measure()
    rows = np.array(ROWS, dtype=float)
    fixed, slope = fit_line(rows, fitting)
    machine = describe_machine()
    lines = [
        f"{machine['cpu']}, {WORKERS} workers of one thread; {COLUMNS} columns, blocks of {BLOCK:,} rows at most.",
        "",
        "| rows | making them, s | making and fitting, s | a + b·rows, s | the fit alone, ns a row |",
        "|---:|---:|---:|---:|---:|",
    ]
    for n, made, fitted in zip(ROWS, making, fitting, strict=True):
        line, alone = fixed + slope * n, (fitted - made) / n * 1e9
        lines.append(f"| {n:,} | {made:.3g} | {fitted:.3g} | {line:.3g} | {alone:.3g} |")
    growth = np.diff(np.log(fitting)) / np.diff(np.log(rows))
    net = slope - fit_line(rows, making)[1]
    lines += [
        "",
        f"The line: a = {fixed:.2g} s, b = {slope * 1e9:.3g} ns a row, {net * 1e9:.3g} of which are the fit's. From "
        f"line to line, time grows like rows to the power {', '.join(f'{power:.2f}' for power in growth)}. "
        f"A block takes Dask c = {block * 1e3:.2g} ms, whatever is in it.",
        "",
        *extrapolate(slope, net, block),
    ]
    return "\n".join(lines)


def extrapolate(slope, net, block):
    """Return the lines of the table for many rows, from seconds a row, those of the fit alone, and seconds a block."""
    lines = [
        f"| workers | {FAR_ROWS:.0e} rows, computed as here | of which fitting | reading them at {READING / 1e6:.0f} "
        f"MB/s a worker | scheduling {FAR_ROWS / FAR_BLOCK:,.0f} blocks |",
        "|---:|---:|---:|---:|---:|",
    ]
    for workers in FAR_WORKERS:
        share = FAR_ROWS * WORKERS / workers
        reading = FAR_ROWS / workers * 8 * (COLUMNS + 1) / READING
        times = (slope * share, net * share, reading, block * FAR_ROWS / FAR_BLOCK)
        lines.append(f"| {workers:,} | " + " | ".join(map(describe_time, times)) + " |")
    return lines


if __name__ == "__main__":
    show_or_write(__doc__, make_table, "scaling.md", "scaling")
