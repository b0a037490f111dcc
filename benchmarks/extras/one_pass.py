"""Time the one pass of compression against reading X once, and against the product X.T @ X by BLAS.

    python benchmarks/extras/one_pass.py [--shapes 100000x5 100000x50] [--rounds 15] [--order C] [--threads 1]

One process, interleaved rounds, least times; "compress" is the whole call of `fastgd.compress`. "QR" is the pass that
keeps the digits which products lose, and "QR, NumPy" the same by LAPACK.
"""

# ruff: noqa: E402
import argparse
import os

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--shapes", nargs="+", default=["10000x20", *(f"100000x{p}" for p in (5, 10, 20, 50, 100, 200))])
parser.add_argument("--rounds", type=int, default=15)
parser.add_argument("--order", choices="CF", default="C")
parser.add_argument("--threads", type=int, default=1)
arguments = parser.parse_args()
os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), str(arguments.threads)))

from time import perf_counter

import numpy as np

import fastgd
from fastgd import backends
from fastgd.backends import cython
from fastgd.backends import numpy as vectorized
from fastgd.problem.moments import find_shift


def time_shape(n, p):
    """Return the least milliseconds of each pass over a problem of this shape."""
    rng = np.random.default_rng(0)
    X, y = np.asarray(rng.standard_normal((n, p)), order=arguments.order), rng.standard_normal(n)
    shift, threads = find_shift(X, y[:, np.newaxis], None), arguments.threads
    passes = {
        "read": lambda: cython._kernel.read(X, cython.LEVEL, 0),
        "X.T @ X": lambda: X.T @ X,
        "products": lambda: backends.gram(X, y[:, np.newaxis], None, shift, threads),
        "compress": lambda: fastgd.compress(X, y),
        "QR": lambda: backends.triangle(X, y[:, np.newaxis], None, shift, threads),
        "QR, NumPy": lambda: vectorized.triangle(X, y[:, np.newaxis], None, shift),
    }
    least = dict.fromkeys(passes, float("inf"))
    for _ in range(arguments.rounds):
        for name, run in passes.items():
            start = perf_counter()
            run()
            least[name] = min(least[name], 1e3 * (perf_counter() - start))
    return least


print(f"{arguments.threads} thread(s), {arguments.order} order, least of {arguments.rounds} interleaved rounds, ms")
for shape in arguments.shapes:
    n, p = map(int, shape.split("x"))
    found = time_shape(n, p)
    print(f"{n:,} × {p}: {', '.join(f'{name} {value:.3g}' for name, value in found.items())}")
    read, product = found["compress"] / found["read"], found["compress"] / found["X.T @ X"]
    faster = found["QR, NumPy"] / found["QR"]
    print(
        f"    compress: {read:.2f} × reading X, {product:.2f} × X.T @ X; QR: NumPy's takes {faster:.1f} times as long"
    )
