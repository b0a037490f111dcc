"""The steps from a Python loop to the kernel: those between NumPy and the kernel, and the table of all of them.

docs/study_report.py times them in the same rounds as the ladder of the study, so that both tell the same numbers. They
are written in Numba, or are other builds of the kernel, so that each differs from the one before by the step alone.
"""

import sys
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from fastgd.bench.conditions import describe_conditions, describe_threads_drift
from fastgd.bench.contestants import Contestant
from fastgd.bench.differences import differ
from fastgd.bench.problem import Timed, choose_rate
from fastgd.bench.text import base_of, format_ratio, format_shape, shape_of, threads_of
from fastgd.inputs.words import count

REORDER_SUMS = {"reassoc", "contract", "nsz", "arcp"}
# Each step's name in the table, and the overhead of the step before that it removes.
ROWS = {
    "arrays": ("loop over array scalars", ""),
    "python": ("loop over lists", "an object for every number read"),
    "numpy": ("NumPy", "the interpreter"),
    "two_products": ("two compiled products", "temporaries, calls"),
    "in_order": ("one fused loop, sums in order", "a pass over X, but SIMD sums as well"),
    "fused": ("one fused loop, SIMD sums", "waiting for each addition"),
    "four_rows": ("four rows at a time", "loads and stores of weights and gradient"),
    "baseline": ("the C kernel with the narrow vectors of any processor, no prefetching", "Numba"),
    "level": ("the same, {level}", "narrow vectors, few registers"),
    "cython": ("the kernel", "waiting for memory"),
    "threads": ("the kernel, {threads} threads", "an idle core"),
}


def two_products(X, y, w, rate, epochs):
    """Update by two compiled loops over all of X, as two matrix products would."""
    n, p = X.shape
    r = np.empty(n)
    for _ in range(epochs):
        for i in range(n):
            r[i] = w[0] - y[i]
            for j in range(p):
                r[i] += X[i, j] * w[j + 1]
        g = np.zeros(p + 1)
        for i in range(n):
            g[0] += r[i]
            for j in range(p):
                g[j + 1] += r[i] * X[i, j]
        w -= rate * g / n


def fused(X, y, w, rate, epochs):
    """Update by one loop: it forms a row's residual and at once adds its part of the gradient."""
    n, p = X.shape
    for _ in range(epochs):
        g = np.zeros(p + 1)
        for i in range(n):
            r = w[0] - y[i]
            for j in range(p):
                r += X[i, j] * w[j + 1]
            g[0] += r
            for j in range(p):
                g[j + 1] += r * X[i, j]
        w -= rate * g / n


def four_rows(X, y, w, rate, epochs):
    """Update by four rows at a time: each weight and each entry of the gradient is loaded once for all four."""
    n, p = X.shape
    for _ in range(epochs):
        g = np.zeros(p + 1)
        for i in range(0, n, 4):
            a, b, c, d = X[i], X[i + 1], X[i + 2], X[i + 3]
            r0, r1, r2, r3 = w[0] - y[i], w[0] - y[i + 1], w[0] - y[i + 2], w[0] - y[i + 3]
            for j in range(p):
                r0 += a[j] * w[j + 1]
                r1 += b[j] * w[j + 1]
                r2 += c[j] * w[j + 1]
                r3 += d[j] * w[j + 1]
            g[0] += r0 + r1 + r2 + r3
            for j in range(p):
                g[j + 1] += r0 * a[j] + r1 * b[j] + r2 * c[j] + r3 * d[j]
        w -= rate * g / n


def prepare_loop(problem, update):
    """Set up a compiled loop."""
    rate = choose_rate(problem.X)

    def run(epochs):
        w = np.zeros(problem.X.shape[1] + 1)
        update(problem.X, problem.y, w, rate, epochs)
        return w

    return Timed(run)


def prepare_kernel(problem, module, level):
    """Set up a build of the compiled kernel at a CPU level."""
    from fastgd.backends.threads import run_team

    def run_member(*arguments):
        return module.run_member(*arguments, level)

    def run(epochs):
        w, gradient = np.zeros(problem.X.shape[1] + 1), np.empty(problem.X.shape[1] + 1)
        rates, costs = np.full(epochs, choose_rate(problem.X)), np.empty(epochs)
        run_team(run_member, problem.X, problem.y, w, rates, costs, gradient, 1)
        return w

    return Timed(run)


def list_between():
    """Return the steps between NumPy and the kernel; the number of rows must be a multiple of four."""
    import numba

    plain, vectors = numba.njit(), numba.njit(fastmath=REORDER_SUMS)
    loops = {"two_products": vectors(two_products), "in_order": plain(fused), "fused": vectors(fused)}
    loops["four_rows"] = vectors(four_rows)
    unfetched = build_without_fetching()
    levels = {"baseline": 0, "level": len(unfetched.levels()) - 1}
    return [
        *(Contestant(name, partial(prepare_loop, update=loop)) for name, loop in loops.items()),
        *(Contestant(name, partial(prepare_kernel, module=unfetched, level=k)) for name, k in levels.items()),
    ]


def build_without_fetching():
    """Build the compiled kernel without prefetching, and return it."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
    from builds import build_kernel

    with TemporaryDirectory() as folder:
        return build_kernel(folder, FASTGD_NO_FETCH="1")


def make_part(data):
    """Return what the page shows of a study: its machine, the table, and which differences mean nothing."""
    machine = data["machine"]
    where = f"{machine['cpu']} ({count(machine['cores'], 'core')}, {machine['cpu_level'] or 'no compiled kernel'})"
    conditions = data["conditions"]
    told = f"Conditions: {describe_conditions(conditions)} (≈ 1). {describe_threads_drift(conditions)}".strip()
    return f"{where}, {data['date']}:\n\n{make_table(data)}\n\n{told}"


def make_table(data):
    """Return the steps of a study as a Markdown table: µs an epoch, and the ratio to the step before.

    Steps that the study did not time are left out.
    """
    entries = data["ladder"]["shapes"]
    times = [list_times(entry) for entry in entries]
    shapes = [format_shape(*shape_of(entry)) for entry in entries]
    lines = [
        "| step | removes | " + " | ".join(f"{shape}: µs | × before" for shape in shapes) + " |",
        "|---|---|" + "---:|---:|" * len(shapes),
    ]
    names = [name for name in ROWS if any(name in found for found in times)]
    counts = {threads_of(name) for entry in entries for name in entry["contestants"] if base_of(name) == "cython"}
    words = {"level": data["machine"]["cpu_level"], "threads": max(counts, default=1)}
    for k, name in enumerate(names):
        title, removes = ROWS[name]
        follows = k > 0 and list(ROWS).index(name) == list(ROWS).index(names[k - 1]) + 1
        cells = [cell for found in times for cell in list_cells(found, name, names[:k], data["conditions"])]
        lines.append(f"| {title.format(**words)} | {removes if follows else ''} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def list_times(entry):
    """Return the times of one shape by the names of the rows."""
    found = {name: one for name, one in {**entry["contestants"], **entry.get("others", {})}.items() if name in ROWS}
    several = [name for name in entry["contestants"] if base_of(name) == "cython" and threads_of(name) > 1]
    return found | ({"threads": entry["contestants"][several[-1]]} if several else {})


def list_cells(found, name, before, conditions):
    """Return the cells of a step at one shape: its time, and how many times as long the step before takes."""
    if name not in found:
        return ["–", "–"]
    seconds = found[name]["seconds"]
    time = f"{seconds * 1e6:,.{0 if seconds > 1e-4 else 2}f}"
    timed = [one for one in before if one in found]
    if not timed:
        return [time, ""]
    last = found[timed[-1]]
    if not differ(found[name], last, conditions):
        return [time, "≈ 1"]
    return [time, format_ratio(last["seconds"] / seconds) + (", slower here" if seconds > last["seconds"] else "")]
