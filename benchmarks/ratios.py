"""Compare the kernel's variants at the shapes of `fastgd bench`: orders, types, threads, backends, reading X once.

    python benchmarks/ratios.py                              all shapes
    python benchmarks/ratios.py --shapes 100x5,1000x10       two shapes

All variants of a shape take turns in one process. Ratios are of medians over interleaved rounds, with one BLAS thread.
"""

import os

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

import argparse
from functools import partial
from itertools import product
from statistics import median

from fastgd.backends.cores import count_cores
from fastgd.backends.threads import THREAD_ELEMENTS
from fastgd.bench import ROUNDS, SHAPES
from fastgd.bench.contestants import Contestant, list_readers, prepare_backend
from fastgd.bench.machine import THREAD_VARIABLES, describe_machine
from fastgd.bench.problem import make_problem
from fastgd.bench.text import format_shape
from fastgd.bench.timing import collect
from fastgd.cli.bench import parse_rounds, parse_shapes

LAYOUTS = {"C": ("C", "float64"), "F": ("F", "float64"), "C32": ("C", "float32"), "F32": ("F", "float32")}
# The ratio of two variants under each heading.
RATIOS = {
    "cython / reading X": ("cython C", "read"),
    "F / C": ("cython F", "cython C"),
    "float32 / float64": ("cython C32", "cython C"),
    "the same in F": ("cython F32", "cython F"),
    "numba / cython": ("numba C", "cython C"),
    "in F": ("numba F", "cython F"),
    "in float32": ("numba C32", "cython C32"),
    "in both": ("numba F32", "cython F32"),
    "1 thread / 2": ("cython C", "cython C, 2 threads"),
    "reading: 1 thread / 2": ("read", "read-2"),
    "numpy / cython": ("numpy C", "cython C"),
}


def list_variants(problems):
    """Return the contestants: each computes on the problem of its own layout instead of the one that it gets."""

    def prepare(_, layout, name, threads=1):
        return prepare_backend(problems[layout], name=name, threads=threads)

    found = [
        Contestant(f"{name} {layout}", partial(prepare, layout=layout, name=name))
        for name, layout in product(("cython", "numba"), LAYOUTS)
    ]
    found.append(Contestant("numpy C", partial(prepare, layout="C", name="numpy")))
    found += list_readers(1)
    if count_cores() > 1:
        found.append(Contestant("cython C, 2 threads", partial(prepare, layout="C", name="cython", threads=2), 2))
        found += list_readers(2)
    return found


def measure(n_samples, n_features, rounds):
    """Return the seconds per epoch of every variant; the fastest of several read loops counts."""
    problems = {key: make_problem(n_samples, n_features, *layout) for key, layout in LAYOUTS.items()}
    seconds = {}
    for contestant, _, samples in collect(list_variants(problems), problems["C"], rounds):
        seconds[contestant.name] = min(median(samples), seconds.get(contestant.name, float("inf")))
    return seconds


def main():
    """Print a Markdown table, with each row as soon as its shape is measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shapes", metavar="LIST", type=parse_shapes, default=SHAPES)
    parser.add_argument("--rounds", metavar="N", type=parse_rounds, default=ROUNDS)
    options = parser.parse_args()
    machine = describe_machine()
    print(", ".join(f"{name} {value}" for name, value in machine.items()))
    print("; ".join(f"{name}={os.environ[name]}" for name in THREAD_VARIABLES if name in os.environ))
    print(f"Two threads are the default from {2 * THREAD_ELEMENTS:,} elements of X on.\n")
    print("| samples × features | " + " | ".join(RATIOS) + " |")
    print("|---|" + "---:|" * len(RATIOS), flush=True)
    for n_samples, n_features in options.shapes:
        seconds = measure(n_samples, n_features, options.rounds)
        cells = [f"{seconds[a] / seconds[b]:.2f}" if {a, b} <= seconds.keys() else "–" for a, b in RATIOS.values()]
        print(f"| {format_shape(n_samples, n_features)} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
