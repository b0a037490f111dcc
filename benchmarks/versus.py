"""Time to fit a linear regression to the same accuracy: fastgd and other libraries.

    python benchmarks/versus.py                               all shapes, the race of epochs, and memory
    python benchmarks/versus.py --epochs-race --memory        only the race of epochs, and memory
    python benchmarks/versus.py --shapes 100x5,1000x10        only these shapes
    python benchmarks/versus.py --redraw RUN.json --write docs/versus.md --plot docs/versus.png     no measuring

One process, one thread, interleaved rounds in random order, medians. docs/versus.md describes the method.
"""

import os

# Before NumPy is imported, since BLAS, OpenMP and XLA read these once. Timings compare algorithms, not thread pools.
os.environ.update(
    dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    XLA_FLAGS="--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
)

import argparse
import json
import random
import sys
import tracemalloc
import warnings
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

import fastgd
from fastgd import plots
from fastgd.bench.machine import THREAD_VARIABLES, describe_machine, describe_versions
from fastgd.bench.markdown import check_markers, replace_between_markers
from fastgd.bench.text import format_ratio, format_shape, format_time
from fastgd.cli.bench import parse_rounds, parse_shapes
from fastgd.config import installed_version
from fastgd.inputs.extras import explain_lack, is_installed
from fastgd.plots.figures import check_picture
from fastgd.rates import chebyshev

SHAPES = ["100x5", "1000x10", "10000x20", "100000x10", "100000x50", "100000x200", "500000x100", "20000x1000"]
GROUPS = [(dtype, kappa) for dtype in ("float64", "float32") for kappa in (1e2, 1e4)]
ACCURACY = 1e-8  # the relative error of the weights that counts as solved
SECONDS_A_SAMPLE = 0.01  # shorter fits are repeated within a round, and their median is the sample
SECONDS_A_CONTESTANT = 2.0  # a contestant that would take longer in all rounds together has fewer, at least one
PATIENCE = 20, 0.05, 4.0  # the longest try of an iterative peer: a multiple of fastgd's time, within these seconds
LOOP_EPOCHS = 1_000


def make_data(n: int, p: int, kappa: float, dtype: str) -> tuple[Any, Any]:
    """Return rows with the spectrum 1 … 1/κ in random directions, columns off zero, and as much noise as signal."""
    generator = np.random.default_rng(0)
    left, right = (np.linalg.qr(generator.standard_normal((p, p)))[0] for _ in range(2))
    spread = (left * np.geomspace(1, 1 / kappa, p)) @ right
    X = generator.standard_normal((n, p)) @ spread + 3 * generator.standard_normal(p)
    signal = X @ generator.standard_normal(p)
    y = 1 + signal + signal.std() * generator.standard_normal(n)
    return X.astype(dtype), y.astype(dtype)


def solve_reference(X: Any, y: Any) -> tuple[Any, float]:
    """Return the weights by QR in blocks, refined in extended precision, and the size of the last correction."""
    n, p = X.shape
    rows = max(4 * p, 2**20 // p)
    blocks = [slice(start, start + rows) for start in range(0, n, rows)]
    means, R = X.mean(axis=0, dtype=np.float64), np.empty((0, p + 1))
    for block in blocks:
        R = np.linalg.qr(np.concatenate([R, add_ones(X[block] - means)]), mode="r")
    weights = np.zeros(p + 1, np.longdouble)
    for _ in range(4):
        gradient = np.zeros(p + 1, np.longdouble)
        for block in blocks:
            centred = X[block].astype(np.longdouble) - means
            residual = y[block] - weights[0] - centred @ weights[1:]
            gradient += np.concatenate([[residual.sum()], residual @ centred])
        correction = np.linalg.solve(R, np.linalg.solve(R.T, gradient.astype(np.float64)))
        weights += correction
    weights[0] -= weights[1:] @ means
    return weights, float(np.linalg.norm(correction) / np.linalg.norm(weights.astype(np.float64)))


# The functions of the contestants take X, y and a setting, such as a number of iterations, and return the weights.


def fit_fastgd(X, y, _):
    return fastgd.gradient_descent(X, y).weights


def add_ones(X):
    return np.column_stack([np.ones(len(X), X.dtype), X])


def fit_numpy(X, y, _, widen=False):
    X = X.astype(np.float64) if widen else X
    return np.linalg.lstsq(add_ones(X), y, rcond=None)[0]


def fit_scipy(X, y, _, driver):
    from scipy.linalg import lstsq

    return lstsq(add_ones(X), y, lapack_driver=driver)[0]


def fit_lsmr(X, y, epochs):
    from scipy.sparse.linalg import lsmr

    means, mean = X.mean(axis=0), y.mean()
    coef = lsmr(X - means, y - mean, atol=0, btol=0, conlim=0, maxiter=epochs)[0]
    return np.append(mean - means @ coef, coef)


def fit_sklearn(X, y, setting, name, widen=False, **options):
    from sklearn import linear_model

    options |= {} if setting is None else {"max_iter": setting}
    X = X.astype(np.float64) if widen else X
    model = getattr(linear_model, name)(**options).fit(X, y)
    return np.append(model.intercept_, model.coef_)


def fit_sgd(X, y, epochs):
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(X)
    options = {"penalty": None, "tol": None, "average": True, "random_state": 0}
    weights = fit_sklearn(scaler.transform(X), y, epochs, "SGDRegressor", **options)
    coef = weights[1:] / scaler.scale_
    return np.append(weights[0] - scaler.mean_ @ coef, coef)


def fit_statsmodels(X, y, _):
    from statsmodels.api import OLS, add_constant

    return OLS(y, add_constant(X)).fit().params


@cache
def compile_jax():
    """Return the set-up and the loop of the JAX contestant, jitted."""
    import jax
    from jax import numpy as jnp

    jax.config.update("jax_enable_x64", True)

    def prepare(X, y):
        X, mean = X.astype("float64"), y.mean(dtype="float64")
        means, scales = X.mean(axis=0), X.std(axis=0)
        X = (X - means) / scales
        return X, y - mean, means, mean, scales, jnp.linalg.eigvalsh(X.T @ X / len(X))

    def loop(X, y, rates):
        def update(coef, rate):
            residual = X @ coef - y
            return coef - rate * (residual @ X) / len(X), residual @ residual / (2 * len(X))

        return jax.lax.scan(update, jnp.zeros(X.shape[1]), rates)

    return jax.jit(prepare), jax.jit(loop)


def fit_jax(X, y, epochs):
    prepare, loop = compile_jax()
    X, y, means, mean, scales, eigenvalues = prepare(X, y)
    coef, _ = loop(X, y, chebyshev(epochs, float(eigenvalues[-1]), float(eigenvalues[0])))
    coef = np.asarray(coef / scales)
    return np.append(mean - means @ coef, coef)


def choose_rate(X):
    """Return 1/(an estimate of the smoothness) from the first rows, which takes little time."""
    return 1 / (1 + float(np.square(X[:1000], dtype=np.float64).sum(axis=1).mean()))


def fit_loop(X, y, epochs, rate=None):
    """Run the tutorial's loop, with an intercept instead of a column of ones, which would need a copy of X."""
    rate, n, costs = X.dtype.type(rate or choose_rate(X)), len(y), []
    intercept, coef = X.dtype.type(0), np.zeros(X.shape[1], X.dtype)
    for _ in range(epochs):
        residual = X @ coef + (intercept - y)
        costs.append(residual @ residual / (2 * n))
        intercept -= rate * residual.mean()
        coef -= rate * (residual @ X) / n
    return np.append(intercept, coef)


class Contestant(NamedTuple):
    """A name, a function, the module that it needs, and its settings for κ, tried until one reaches the accuracy."""

    name: str
    fit: Callable[[Any, Any, Any], Any]
    needs: str | None = None
    settings: Callable[[float], tuple] = lambda kappa: (None,)


def iterations(kappa):
    return tuple(2**k for k in range(3, 19))


WIDE = ", X as float64"  # for X in float32: the copy is timed
LOOP = Contestant("NumPy loop, 1,000 epochs", fit_loop, None, lambda kappa: (20, LOOP_EPOCHS))  # scaled up to 1,000
OLS, ridge = partial(fit_sklearn, name="LinearRegression"), partial(fit_sklearn, name="Ridge", alpha=0.0)
CONTESTANTS = [
    Contestant("fastgd", fit_fastgd),
    Contestant("NumPy lstsq", fit_numpy),
    Contestant(f"NumPy lstsq{WIDE}", partial(fit_numpy, widen=True)),
    Contestant("SciPy lstsq gelsd", partial(fit_scipy, driver="gelsd"), "scipy"),
    Contestant("SciPy lstsq gelsy", partial(fit_scipy, driver="gelsy"), "scipy"),
    Contestant("SciPy lsmr", fit_lsmr, "scipy", iterations),
    Contestant("LinearRegression", OLS, "sklearn"),
    Contestant(f"LinearRegression{WIDE}", partial(OLS, widen=True), "sklearn"),
    Contestant("Ridge cholesky", partial(ridge, solver="cholesky"), "sklearn"),
    Contestant(f"Ridge cholesky{WIDE}", partial(ridge, solver="cholesky", widen=True), "sklearn"),
    Contestant("Ridge lsqr", partial(ridge, solver="lsqr", tol=0.0), "sklearn", iterations),
    Contestant("Ridge svd", partial(ridge, solver="svd"), "sklearn"),
    Contestant("Ridge sag", partial(ridge, solver="sag", tol=0.0, random_state=0), "sklearn", iterations),
    Contestant("SGDRegressor", fit_sgd, "sklearn", iterations),
    Contestant("statsmodels OLS", fit_statsmodels, "statsmodels"),
    Contestant("JAX loop", fit_jax, "jax", iterations),
    LOOP,
]


def run_timed(function: Callable[[], Any]) -> tuple[float, Any]:
    """Return the seconds of one call, and its answer."""
    start = perf_counter()
    answer = function()
    return perf_counter() - start, answer


def measure_cell(shape: tuple[int, int], dtype: str, kappa: float, rounds: int | None, usable: list) -> dict[str, Any]:
    """Return the times and errors of all contestants with one set of data."""
    X, y = make_data(*shape, kappa, dtype)
    reference, correction = solve_reference(X, y)
    patience, found, fits = np.inf, {}, {}
    for contestant in usable:  # fastgd is the first: its time decides the longest try of the others
        if dtype == "float32" or not contestant.name.endswith(WIDE):
            name = contestant.name
            found[name], fits[name] = try_settings(contestant, X, y, kappa, reference, patience)
            patience = min(max(PATIENCE[0] * found["fastgd"]["seconds"], PATIENCE[1]), PATIENCE[2])
    rounds = rounds or (5 if X.size > 1_000_000 else 9)
    add_rounds({name: entry for name, entry in found.items() if entry["error"] <= ACCURACY}, fits, rounds)
    return {"shape": shape, "kappa": kappa, "dtype": dtype, "correction": correction, "rounds": rounds, "found": found}


def try_settings(contestant: Contestant, X, y, kappa, reference, patience) -> tuple[dict[str, Any], Callable[[], Any]]:
    """Return the first setting that reaches the accuracy within the time allowed, else the one with the least error.

    The time of this search does not count, which is an advantage for iterative methods.
    """
    settings, tried, size = contestant.settings(kappa), [], np.linalg.norm(reference.astype(np.float64))
    for k, setting in enumerate(settings):
        fit = partial(contestant.fit, X, y, setting)
        seconds, weights = run_timed(fit)
        if seconds < 1 or contestant.needs == "jax":  # the first call may also compile and touch new memory
            seconds = min(seconds, run_timed(fit)[0])
        scale = 1.0
        if contestant is LOOP:  # the loop's weights up to rounding, in less time
            scale = LOOP_EPOCHS / setting
            path = {"learning_rate": choose_rate(X), "precondition": "none", "epochs": LOOP_EPOCHS, "tol": 0}
            weights = fastgd.gradient_descent(X, y, compress=True, **path).weights
        error = float(np.nan_to_num(np.linalg.norm((weights - reference).astype(np.float64)) / size, nan=np.inf))
        times = {"seconds": seconds * scale, "samples": [seconds * scale]}
        tried.append(({"setting": setting, "scale": scale, "error": error, **times}, fit))
        more = max(1.5, settings[k + 1] / setting) if k + 1 < len(settings) else np.inf
        if error <= ACCURACY or seconds * more > patience:
            break
    return tried[-1] if contestant is LOOP else min(tried, key=lambda one: one[0]["error"])


def add_rounds(found: dict[str, Any], fits: dict[str, Callable[[], Any]], rounds: int) -> None:
    """Replace the first times with medians of interleaved rounds, each in another random order."""
    shuffler = random.Random(0)
    wanted = {name: min(rounds, int(SECONDS_A_CONTESTANT / found[name]["seconds"])) for name in found}
    samples: dict[str, list[float]] = {name: [] for name in wanted if wanted[name] > 1}  # else the first time counts
    for k in range(rounds):
        names = [name for name in samples if k < wanted[name]]
        for name in shuffler.sample(names, len(names)):
            calls = max(1, round(SECONDS_A_SAMPLE / found[name]["seconds"]))
            samples[name].append(median(run_timed(fits[name])[0] for _ in range(calls)))
    for name, times in samples.items():
        found[name] |= {"seconds": median(times), "samples": times}


def race_epochs(n: int, p: int, epochs: int, rounds: int = 3) -> str:
    """Return a line about the times of the same epochs, with all costs, in a plain loop and in fastgd."""
    X, y = make_data(n, p, 1e2, "float64")
    plain = {"learning_rate": "constant", "precondition": "none", "epochs": epochs, "tol": 0}  # the loop's path
    fit = partial(fastgd.gradient_descent, X, y, **plain)
    fits = {
        "NumPy": partial(fit_loop, X, y, epochs, fit().rates[0]),
        "fastgd": fit,
        "data": partial(fit, compress=False),
    }
    samples = [{name: run_timed(fit)[0] for name, fit in fits.items()} for _ in range(rounds)]
    found = {name: median(one[name] for one in samples) for name in fits}
    loop = found.pop("NumPy")
    fast, data = (f"{format_time(time)}, {format_ratio(loop / time)} faster" for time in found.values())
    return (
        f"{epochs:,} epochs with all costs, {n:,} × {p}: plain NumPy loop {format_time(loop)}; "
        f"fastgd {fast}; fastgd with compress=False {data}"
    )


def measure_memory(n: int, p: int, dtype: str) -> str:
    """Return a line about the peak memory of a fit beyond X."""
    X, y = make_data(n, p, 1e2, dtype)
    fit_fastgd(X[:1000], y[:1000], None)  # imports
    tracemalloc.start()
    fit_fastgd(X, y, None)
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    return f"peak memory of a fit beyond X, {n:,} × {p}, {dtype}: {peak:.3g} MB; X has {X.nbytes / 1e6:.0f} MB"


def format_cell(entry: dict[str, Any] | None, best: bool = False) -> str:
    """Return a time; in parentheses and with the error if the accuracy was not reached."""
    if entry is None:
        return "–"
    if not entry["error"] <= ACCURACY:
        return f"({format_time(entry['seconds'])}, {entry['error']:.0e})"
    text = format_time(entry["seconds"]) + (" (once)" if len(entry["samples"]) == 1 else "")
    return f"**{text}**" if best else text


def format_table(header: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table."""
    lines = [header, ["---"] + ["---:"] * (len(header) - 1), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def find_best(cell: dict[str, Any], among: Callable[[str], bool] = lambda name: True) -> str | None:
    """Return the fastest contestant that reached the accuracy."""
    reached = [name for name, entry in cell["found"].items() if entry["error"] <= ACCURACY and among(name)]
    return min(reached, key=lambda name: cell["found"][name]["seconds"], default=None)


def format_ratio_to_fastgd(cell: dict[str, Any], name: str | None) -> str:
    """Return the ratio of another contestant's time to fastgd's; a dash unless both reached the accuracy."""
    entries = [cell["found"].get(one) for one in (name, "fastgd")]
    reached = all(entry and entry["error"] <= ACCURACY for entry in entries)
    return format_ratio(entries[0]["seconds"] / entries[1]["seconds"]) if reached else "–"


def make_row(cell: dict[str, Any]) -> list[str]:
    """Return a row: fastgd, the best peer, and the ratios of its time and LinearRegression's to fastgd's."""
    found, best = cell["found"], find_best(cell, lambda name: name != "fastgd")
    linear = find_best(cell, lambda name: name.startswith("LinearRegression"))
    row = [format_shape(*cell["shape"]), cell["dtype"], f"{cell['kappa']:,.0f}", format_cell(found["fastgd"])]
    row += [f"{found['fastgd']['error']:.0e}", f"{best}: {format_time(found[best]['seconds'])}" if best else "none"]
    return row + [format_ratio_to_fastgd(cell, name) for name in (best, linear)]


def format_group(cells: list[dict[str, Any]]) -> str:
    """Return a table with a row for each contestant and a column for each shape."""
    names = [c.name for c in CONTESTANTS if any(c.name in cell["found"] for cell in cells)]
    rows = [[n, *(format_cell(cell["found"].get(n), n == find_best(cell)) for cell in cells)] for n in names]
    spreads = []
    for cell in cells:
        several = [entry for entry in cell["found"].values() if len(entry["samples"]) > 2]
        widths = [np.subtract(*np.percentile(e["samples"], [75, 25])) / e["seconds"] for e in several]
        spreads.append(f"{max(widths):.0%}" if widths else "–")
    return format_table(["", *(format_shape(*cell["shape"]) for cell in cells)], [*rows, ["*widest spread*", *spreads]])


def format_results(results: dict[str, Any]) -> str:
    """Return everything as Markdown, without dates and paths."""
    cells, machine = results["cells"], results["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in results["versions"].items() if version)
    parts = [f"{machine['cpu']} ({machine['cores']} cores, {machine['cpu_level']}); {versions}; one thread."]
    header = ["samples × features", "X", "κ", "fastgd", "its error", "best peer"]
    header += ["best peer / fastgd", "LinearRegression / fastgd"]
    parts += [format_table(header, [make_row(cell) for cell in cells])] if cells else []
    for dtype, kappa in GROUPS if cells else []:
        title = f"### {dtype}, κ = {kappa:,.0f}"
        parts += [title, format_group([cell for cell in cells if (cell["dtype"], cell["kappa"]) == (dtype, kappa)])]
    largest = max((cell["correction"] for cell in cells), default=0.0)
    parts += [f"The last corrections of the references were at most {largest:.0e} of the weights."] if cells else []
    parts += ["\n".join(f"- {line}" for line in results["lines"])] if results["lines"] else []
    return "\n\n".join(parts + [f"Left out: {name} ({why})." for name, why in results["absent"].items()])


def draw(cells: list[dict[str, Any]], path: Path) -> None:
    """Save a picture of times as multiples of fastgd's; hollow markers did not reach the accuracy."""
    figure = plots.new_figure(16, 11)
    axes = figure.subplots(2, 2, sharex=True, sharey=True)
    shapes = list(dict.fromkeys(format_shape(*cell["shape"]) for cell in cells))
    for ax, (dtype, kappa) in zip(axes.flat, GROUPS, strict=True):
        for k, contestant in enumerate(CONTESTANTS[1:]):
            color, marker = f"C{k % 10}", "os^DvP"[k % 6]
            ax.plot([], [], marker, color=color, label=contestant.name)
            for cell in cells:
                entry = cell["found"].get(contestant.name)
                if entry and (cell["dtype"], cell["kappa"]) == (dtype, kappa):
                    x = shapes.index(format_shape(*cell["shape"])) + (k - len(CONTESTANTS) / 2) * 0.045
                    face = color if entry["error"] <= ACCURACY else "none"
                    y = entry["seconds"] / cell["found"]["fastgd"]["seconds"]
                    ax.plot(x, y, marker, color=color, markerfacecolor=face, markersize=6)
        ax.axhline(1, color="black", linewidth=2)
        ax.vlines(np.arange(1, len(shapes)) - 0.5, 0, 1, "0.8", transform=ax.get_xaxis_transform())
        ax.set(yscale="log", title=f"{dtype}, κ = {kappa:,.0f}")
        ax.set_xticks(range(len(shapes)), shapes, rotation=25)
        ax.grid(axis="y", alpha=0.4)
    figure.supylabel("time, as a multiple of fastgd's (below the black line fastgd loses)")
    figure.supxlabel("hollow: a relative error of 1e-8 was not reached, neither a win nor a loss")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside right upper")
    figure.savefig(path, dpi=100)


def parse_options() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shapes", metavar="LIST", type=parse_shapes, help="samples x features, as in 100x5,1000x10")
    parser.add_argument(
        "--rounds", metavar="N", type=parse_rounds, help="for each median; 5 for large data, 9 for small"
    )
    parser.add_argument("--epochs-race", action="store_true", help="only epochs with history against a NumPy loop")
    parser.add_argument("--memory", action="store_true", help="only the peak memory of a large fit")
    parser.add_argument("--json", metavar="FILE", help="save everything as JSON")
    parser.add_argument("--redraw", metavar="FILE", help="measure nothing, read the JSON of an earlier run")
    parser.add_argument("--write", metavar="FILE.md", help="put the tables between the bench markers of a file")
    parser.add_argument("--plot", metavar="FILE.png", help="save a picture")
    return parser.parse_args()


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Return the measurements as plain values."""
    missing = [contestant for contestant in CONTESTANTS if contestant.needs and not is_installed(contestant.needs)]
    absent = {contestant.name: explain_lack("not installed", contestant.needs) for contestant in missing}
    usable = [contestant for contestant in CONTESTANTS if contestant.name not in absent]
    for contestant in usable:  # imports are not timed
        contestant.fit(*make_data(50, 2, 1e2, "float64"), contestant.settings(1e2)[0])
    results = {"machine": describe_machine(), "versions": describe_versions(), "cells": [], "lines": []}
    results["versions"] |= {name: installed_version(name) for name in ("scipy", "statsmodels")}
    results["absent"] = absent
    chosen = options.epochs_race or options.memory
    both = not chosen and not options.shapes
    if options.epochs_race or both:
        results["lines"] += [race_epochs(100_000, 50, 1_000), race_epochs(10_000, 1, 10_000)]
    if options.memory or both:
        results["lines"] += [measure_memory(500_000, 100, dtype) for dtype in ("float32", "float64")]
    for shape in [] if chosen and not options.shapes else options.shapes or parse_shapes(",".join(SHAPES)):
        for group in GROUPS:
            seconds, cell = run_timed(partial(measure_cell, shape, *group, options.rounds, usable))
            results["cells"].append(cell)
            times = "; ".join(f"{name} {format_cell(entry)}" for name, entry in cell["found"].items())
            print(f"{shape} {group}, {seconds:.0f} s in all: {times}", file=sys.stderr, flush=True)
            save(results, options.json)  # for a run that is interrupted
    return results


def save(results: dict[str, Any], path: str | None) -> None:
    """Write the JSON if a path is given."""
    if path:
        Path(path).write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def main() -> None:
    """Measure, or read an earlier run; then print and save the results."""
    options = parse_options()
    page = check_markers("--write", options.write) if options.write else None
    picture = check_picture("--plot", options.plot) if options.plot else None
    print("; ".join(f"{name}={os.environ[name]}" for name in THREAD_VARIABLES), file=sys.stderr)
    warnings.simplefilter("ignore")  # of peers that have not converged: the table has their errors
    results = json.loads(Path(options.redraw).read_text(encoding="utf-8")) if options.redraw else measure(options)
    save(results, options.json)
    text = format_results(results)
    print(text)
    if page:
        page.write_text(replace_between_markers(page.read_text(encoding="utf-8"), text, str(page)), encoding="utf-8")
    if picture:
        draw(results["cells"], picture)


if __name__ == "__main__":
    main()
