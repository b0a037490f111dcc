"""Many fits in one process: memory, threads and open files must not grow.

Each kind of fit runs until the process is warm, then `rounds` times in all kinds together, in ten parts. A fault is a
part after which there are more threads or files than before, or a process that has grown by more memory than the
pages that the allocator keeps for itself.
"""

import gc
import os
import tempfile
import threading
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from tally import Tally

import fastgd
from fastgd import backends
from fastgd.streaming import fit_array, fit_batches, fit_files

PARTS = 10
MOST_GROWTH = 4 << 20  # bytes from the first part to the last: a leak of an array of 50 numbers a fit exceeds it
STATUS = Path("/proc/self/statm")
ROWS = {"learning_rate": "constant", "compress": False, "epochs": 5, "tol": 0}


def attack(tally: Tally, rounds: int = 10_000, seed: int = 0) -> None:
    """Fit `rounds` times, in many ways."""
    warnings.simplefilter("ignore")
    generator = np.random.default_rng(seed)
    with tempfile.TemporaryDirectory() as folder:
        kinds = list_kinds(generator, Path(folder))
        for kind in kinds:
            for _ in range(100):
                kind()
        before = first = measure()
        for part in range(PARTS):
            for number in range(rounds // PARTS):
                kinds[number % len(kinds)]()
            after = measure()
            for name in ("threads", "files"):
                tally.check(after[name] <= before[name], f"part {part}: {after[name] - before[name]} more {name}")
            first = first if part else after  # the first part fills the allocator's caches
            before = after
        grown = after["bytes"] - first["bytes"]
        tally.check(grown <= MOST_GROWTH, f"{rounds:,} fits: {grown:,} more bytes, in {len(kinds)} kinds")
        print(f"growth: {rounds:,} fits in {len(kinds)} kinds: {grown:+,} bytes, {after['threads']} threads, "
              f"{after['files']} files")  # fmt: skip


def measure() -> dict[str, int]:
    """Return the bytes of memory in use, the threads and the open files of this process."""
    gc.collect()
    pages = int(STATUS.read_text().split()[1])
    return {
        "bytes": pages * os.sysconf("SC_PAGE_SIZE"),
        "threads": threading.active_count(),
        "files": len(os.listdir("/proc/self/fd")),
    }


def list_kinds(generator: np.random.Generator, folder: Path) -> list[Callable[[], object]]:
    """Return the kinds of fits: each front end and backend, and calls that fail or warn."""
    X, large = generator.standard_normal((60, 4)), generator.standard_normal((1500, 50))
    y, answers = X @ np.arange(4.0) + 1, large[:, 0]
    table = folder / "rows.csv"
    table.write_text("a,b,y\n" + "".join(f"{a},{b},{a + 2 * b}\n" for a, b, *_ in X))
    kinds = [partial(fastgd.gradient_descent, X, y, backend=name, **ROWS) for name in backends.available()]
    kinds += [
        partial(fastgd.gradient_descent, large, answers, backend=name, threads=3, **ROWS)
        for name in backends.available()
        if name != "python"
    ]
    return [
        *kinds,
        partial(fastgd.gradient_descent, X, y),
        partial(fastgd.gradient_descent, X, y, learning_rate="eigenvalues", precondition="standardize", alpha=0.1),
        partial(fastgd.gradient_descent, X, y, learning_rate="inverse_scaling", batch_size=9, epochs=3, tol=0),
        partial(fastgd.gradient_descent, X, y, learning_rate=1e3, epochs=50),  # diverges, and warns
        partial(fastgd.gradient_descent, X, y, epochs=3, callback=lambda epoch, weights, cost: epoch > 1),
        partial(refuse, fastgd.gradient_descent, X, y[1:]),
        partial(refuse, fit_batches, fail_midway(X, y)),
        partial(fit_array, X, y),
        partial(fit_array, np.tile(large, (4, 1)), np.tile(answers, 4), threads=2),
        partial(fit_files, table, "y"),
        partial(compress_and_merge, X, y),
        partial(save_and_load, X, y, folder / "model.json"),
    ]


def refuse(fit: Callable[..., object], *arguments: object) -> None:
    """Require that a fit refuses its arguments."""
    try:
        fit(*arguments)
    except ValueError:
        return
    raise AssertionError(f"{fit} accepted wrong arguments")


def fail_midway(X: np.ndarray, y: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return batches of which the second is wrong."""
    return [(X, y), (X, y[1:])]


def compress_and_merge(X: np.ndarray, y: np.ndarray) -> None:
    """Compress rows in two parts, merge them and fit."""
    parts = fastgd.Compressor(), fastgd.Compressor()
    for compressor in parts:
        compressor.add(X, y)
    parts[0].merge(parts[1])
    fastgd.gradient_descent(parts[0])


def save_and_load(X: np.ndarray, y: np.ndarray, path: Path) -> None:
    """Fit, save the model and load it again."""
    path.unlink(missing_ok=True)
    fastgd.gradient_descent(X, y).save(path)
    fastgd.DescentResult.load(path).predict(X)
