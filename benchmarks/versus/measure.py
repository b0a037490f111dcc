"""The measurements of one process, whose environment names its number of threads."""

import os
import warnings
from functools import cache
from statistics import quantiles
from typing import Any

import numpy as np
from versus.cells import list_cells
from versus.contestants import OURS, Contestant
from versus.reference import solve_reference
from versus.timing import PATIENCE, Entry, add_rounds, try_setting, try_settings

from fastgd.backends.cores import count_cores
from fastgd.bench.machine import describe_machine, describe_versions
from fastgd.config import installed_version
from fastgd.inputs.extras import explain_lack, is_installed

PEERS = ("scipy", "statsmodels", "scikit-learn-intelex", "himalaya", "polars", "polars-ols")
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS")
PACKAGES = {"sklearnex": "scikit-learn-intelex", "polars_ols": "polars-ols"}  # of modules with other names
SMALL = 1_000_000  # elements of X up to which there are more rounds


def set_threads(threads: int) -> None:
    """Set what this process's children read when they import NumPy, Polars and other libraries."""
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(threads)))


@cache
def start() -> None:
    """Make this process ready: warnings of peers are not printed, and oneDAL learns its number of threads."""
    warnings.simplefilter("ignore")  # of peers that have not converged: the tables have their errors
    if is_installed("daal4py"):
        import daal4py

        daal4py.daalinit(int(os.environ["OMP_NUM_THREADS"]))


def warm_up(kinds: list[str]) -> None:
    """Let every contestant fit small data once, so that no import and no compilation is timed."""
    for cell in list_cells(kinds, None, quick=True):
        data = cell.make()
        for contestant in filter(is_usable, cell.contestants):
            try_setting(contestant, data, contestant.settings[0], lambda answer: 0.0)


def count_threads() -> dict[str, int]:
    """Return the numbers of threads that the libraries of this process have, as they tell them."""
    found = {}
    if is_installed("threadpoolctl"):
        import threadpoolctl

        for pool in threadpoolctl.threadpool_info():
            found[pool["internal_api"]] = max(pool["num_threads"], found.get(pool["internal_api"], 0))
    if is_installed("daal4py"):
        import daal4py

        found["oneDAL"] = daal4py.num_threads()
    if is_installed("polars"):
        import polars

        found["Polars"] = polars.thread_pool_size()
    return found


def measure_cell(kinds: list[str], shapes: Any, quick: bool, place: int, rounds: int | None) -> dict[str, Any]:
    """Return the times and errors of all contestants in one of the cells that `list_cells` returns, as plain values."""
    start()
    cell = list_cells(kinds, shapes, quick)[place]
    data = cell.make()
    reference = solve_reference(data)
    patience, found, fits = PATIENCE[2], {}, {}
    for contestant in filter(is_usable, cell.contestants):  # fastgd comes first: others may take so many times as long
        name = contestant.name
        found[name], fits[name] = try_settings(contestant, data, reference.judge, cell.accuracy, patience)
        if name in OURS:
            found[name]["ours"] = True
            patience = min(max(PATIENCE[0] * found[name]["seconds"], PATIENCE[1]), PATIENCE[2])
        if contestant.bare:
            found[name]["bare"] = True
    size = data.X.size if isinstance(data.X, np.ndarray) else data.X.nnz
    threads = int(os.environ["OMP_NUM_THREADS"])
    rounds = rounds or (3 if quick else 11 if size <= SMALL else 7)
    add_rounds({name: entry for name, entry in found.items() if entry["error"] <= cell.accuracy}, fits, rounds, threads)
    return {
        "kind": cell.kind,
        "label": cell.label,
        "column": cell.column,
        "accuracy": cell.accuracy,
        "threads": threads,
        "correction": reference.correction,
        "found": {name: summarize(entry) for name, entry in found.items()},
    }


def summarize(entry: Entry) -> Entry:
    """Return an entry with the quartiles of its samples, None for what is not finite."""
    samples = entry.pop("samples")
    ends = quantiles(samples, n=4, method="inclusive")[::2] if len(samples) > 1 else [entry["seconds"]] * 2
    known = {
        key: None if isinstance(value, float) and not np.isfinite(value) else value for key, value in entry.items()
    }
    return known | {"rounds": len(samples), "quartiles": ends if samples else None}


def is_usable(contestant: Contestant) -> bool:
    """Return True if the module that a contestant needs is installed."""
    return contestant.needs is None or is_installed(contestant.needs)


def list_absent(kinds: list[str]) -> dict[str, str]:
    """Return the contestants that are not installed, and the command that installs each."""
    cells = list_cells(kinds, None, quick=True)
    missing = [one for cell in cells for one in cell.contestants if not is_usable(one)]
    return {one.name: explain_lack("not installed", PACKAGES.get(one.needs, one.needs)) for one in missing}


def describe(kinds: list[str]) -> dict[str, Any]:
    """Return the machine, the versions and the threads of this process, and the peers that are not installed."""
    start()
    warm_up(kinds)
    versions = describe_versions() | {name: installed_version(name) for name in PEERS}
    versions.pop("jax")  # takes no part
    counted = {os.environ["OMP_NUM_THREADS"]: {"cores": count_cores(), **count_threads()}}
    return {"machine": describe_machine(), "versions": versions, "absent": list_absent(kinds), "threads": counted}
