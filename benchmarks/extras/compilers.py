"""Compare builds of the kernel by several compilers: time of an epoch, and whether the weights have the same bits.

    python benchmarks/extras/compilers.py gcc clang-19                     build with each, compare with the first
    python benchmarks/extras/compilers.py gcc clang-19 --shapes 100x5 --level avx2
    python benchmarks/extras/compilers.py gcc plain                        the plain loops, built by gcc

Builds take turns in one process, on one thread. A cell has the medians' ratio to the first build; ≠ marks other bits.
The first build takes part twice: the column "itself" shows how much of a ratio is noise. A name may also be the path of
a built module, such as that of another commit.
"""

import os

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

import argparse
import sys
import tempfile
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))
from builds import build_kernel, load_kernel

from fastgd.backends.threads import run_team
from fastgd.bench import ROUNDS, SHAPES
from fastgd.bench.contestants import Contestant
from fastgd.bench.machine import describe_machine
from fastgd.bench.problem import Timed, choose_rate, make_problem
from fastgd.bench.text import format_shape
from fastgd.bench.timing import collect
from fastgd.cli.bench import parse_rounds, parse_shapes

LAYOUTS = {"C": ("C", "float64"), "F": ("F", "float64"), "C32": ("C", "float32"), "F32": ("F", "float32")}
EPOCHS_OF_BITS = 3


def find_kernel(name, folder):
    """Return the kernel of a name: that of a built module, or one that the compiler of this name builds in a folder."""
    if name.endswith((".so", ".pyd")):
        return load_kernel(name)
    switches = {"FASTGD_PLAIN": "1", "CC": "gcc"} if name == "plain" else {"CC": name}
    return build_kernel(Path(folder, name), **switches)


def prepare(_, kernel, level, problem):
    """Set up the epochs of one build on a problem of its own layout, instead of the one that all get."""
    X, y = problem
    weights, gradient = np.empty(X.shape[1] + 1), np.empty(X.shape[1] + 1)
    number = kernel.levels().index(level) if level in kernel.levels() else 0

    def run(epochs):
        weights[:] = 0.0
        rates = np.full(epochs, choose_rate(X))
        run_team(lambda *rest: kernel.run_member(*rest, number), X, y, weights, rates, np.empty(epochs), gradient, 1)
        return weights

    return Timed(run)


def compare(kernels, shape, layout, level, rounds):
    """Return each build's median seconds of an epoch, and the bits of its weights after some epochs."""
    problem = make_problem(*shape, *layout)
    contestants = [
        Contestant(name, partial(prepare, kernel=kernel, level=level, problem=problem))
        for name, kernel in kernels.items()
    ]
    bits = [contestant.prepare(problem).run(EPOCHS_OF_BITS).tobytes() for contestant in contestants]
    seconds = [median(samples) for _, _, samples in collect(contestants, problem, rounds)]
    return seconds, bits


def main():
    """Print a Markdown table, with each row as soon as it is measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("compilers", nargs="+", metavar="COMPILER")
    parser.add_argument("--shapes", metavar="LIST", type=parse_shapes, default=SHAPES)
    parser.add_argument("--rounds", metavar="N", type=parse_rounds, default=ROUNDS)
    parser.add_argument("--level", help="the CPU level; the highest if it is not given")
    parser.add_argument("--layouts", default=",".join(LAYOUTS), help="C, F, C32, F32 (order and type of X)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        kernels = {Path(name).name: find_kernel(name, folder) for name in options.compilers}
        kernels["itself"] = next(iter(kernels.values()))
    level = options.level or next(iter(kernels.values())).levels()[-1]
    print(", ".join(f"{name} {value}" for name, value in describe_machine().items()) + f", CPU level {level}, 1 thread")
    for name, kernel in list(kernels.items())[:-1]:
        print(f"{name}: {kernel.build_info()}")
    others = list(kernels)[1:]
    print("\n| samples × features | X | " + " | ".join(others) + " |\n|---|---|" + "---:|" * len(others), flush=True)
    for shape in options.shapes:
        for layout in options.layouts.split(","):
            seconds, bits = compare(kernels, shape, LAYOUTS[layout], level, options.rounds)
            cells = [
                f"{seconds[k] / seconds[0]:.2f}{'' if bits[k] == bits[0] else ' ≠'}" for k in range(1, len(kernels))
            ]
            print(f"| {format_shape(*shape)} | {layout} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
