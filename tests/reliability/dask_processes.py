"""Dask schedulers and workers in processes of their own, which tests may break in any way; and fits on them."""

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np

TIMEOUT = 120  # seconds after which a process hangs for certain
HEAD = """
import asyncio, faulthandler, os, signal, sys, time
faulthandler.dump_traceback_later(600, exit=True)
import dask
from distributed import Scheduler, Worker
dask.config.set({"distributed.scheduler.allowed-failures": 1, "distributed.scheduler.worker-ttl": "3s"})
"""
SCHEDULER = """
async def main():
    async with Scheduler(host="127.0.0.1", port=0, dashboard=False) as scheduler:
        print(scheduler.address, flush=True)
        await scheduler.finished()
asyncio.run(main())
"""
WORKER = """
async def main():
    async with Worker(sys.argv[1], nthreads=1, local_directory=sys.argv[2]) as worker:
        print(worker.address, flush=True)
        await worker.finished()
asyncio.run(main())
"""
# What a worker does when it reads a file.
DIES = "from fastgd.streaming import cluster; cluster.run_pass = lambda *_: os._exit(1)\n"
SLEEPS = """
from fastgd.streaming import cluster
read = cluster.run_pass
def run_pass(*arguments):
    open(f"{sys.argv[2]}/reading{time.time_ns()}", "w").close()
    time.sleep(float(sys.argv[3]) if len(sys.argv) > 3 else 60)
    return read(*arguments)
cluster.run_pass = run_pass
"""
LACKS = "sys.modules[{module!r}] = None\n"  # an import of the module fails
GIVES = "from fastgd.streaming import cluster; cluster.sum_file = lambda *_: {value}\n"
LAUNCH = """
import sys
from fastgd.problem import dask_compute
from fastgd.streaming import cluster
cluster.CONNECT_SECONDS, dask_compute.WORKERS_SECONDS, dask_compute.POLL_SECONDS = 4, 3, 0.2
from fastgd.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


@contextmanager
def starting(code, *arguments):
    """Start Python code; yield the process and the address that it prints; kill it in the end."""
    command = [sys.executable, "-c", HEAD + code, *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


def start_fit(folder, scheduler, *options, launch=LAUNCH):
    """Start `fastgd fit` of the Parquet files of a folder on a cluster, with short limits of time."""
    arguments = ["fit", f"{folder}/*.parquet", "--target", "y", "--json", "--scheduler", scheduler, *options]
    kinds = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, "-c", launch, *arguments], cwd=folder, env=dict(os.environ), **kinds)


def finish(process):
    """Return the exit code, the output and the lines of errors of a process; a hang is an error."""
    with process:
        try:
            output, errors = process.communicate(timeout=TIMEOUT)
        finally:
            process.kill()
    return process.returncode, output, errors.splitlines()


def write_files(folder, files=3, rows=40, change=None):
    """Write Parquet files with the columns a, b and y; `change(X, y)` may spoil them. Return X and y."""
    import pyarrow as pa
    from pyarrow import parquet

    rng = np.random.default_rng(0)
    X = rng.standard_normal((files * rows, 2))
    y = 1 + X @ [2.0, 3.0] + 0.1 * rng.standard_normal(len(X))
    if change is not None:
        change(X, y)
    for number in range(files):
        part = slice(number * rows, (number + 1) * rows)
        table = pa.table({"a": X[part, 0], "b": X[part, 1], "y": y[part]})
        parquet.write_table(table, Path(folder) / f"{number}.parquet")
    return X, y
