"""The price of a compiler: the time that a fresh process needs before the epochs of a backend run at full speed."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from fastgd import backends
from fastgd.inputs.words import printable, quote
from fastgd.report.settings import Settings, Step

# The program prints the seconds of each of its stages. NumPy comes first: all backends need it.
PROGRAM = """
from time import perf_counter
times = [perf_counter()]
import numpy as np
times.append(perf_counter())
from importlib import import_module
import fastgd.backends
times.append(perf_counter())
backend = import_module({module!r})
times.append(perf_counter())
n, p = {shape}
X, y, weights, rates = np.ones((n, p)), np.ones(n), np.zeros(p + 1), np.full(1, 0.01)
costs, gradient = np.empty(1), np.empty(p + 1)
times.append(perf_counter())
for _ in range(2):
    backend.descend(X, y, weights, rates, costs, gradient)
    times.append(perf_counter())
import json
print(json.dumps(np.diff(times).tolist()))
"""
SHAPE = (1_000, 20)
STAGES = ("import_numpy", "import_fastgd", "load", "make_data", "first_call", "second_call")
WAIT = "wait"  # the loading of a backend, and the difference of its first two calls
SECONDS_A_ROUND = 3.5


def plan_starts(settings: Settings) -> list[Step]:
    """Return a step for each round, in which every backend starts once."""
    rounds = 3 if settings.quick else 5
    return [Step(f"starting processes, round {k + 1} of {rounds}", SECONDS_A_ROUND, start_all) for k in range(rounds)]


def summarize_starts(found: list[dict[str, dict[str, float]]]) -> dict[str, Any]:
    """Return the section "price" of a study: medians and extremes over the rounds."""
    starts = {}
    for name in found[0]:
        stages = {stage: [one[name][stage] for one in found] for stage in STAGES}
        stages[WAIT] = [wait(one[name]) for one in found]
        starts[name] = {
            "seconds": {stage: float(np.median(times)) for stage, times in stages.items()},
            "extremes": {stage: [min(times), max(times)] for stage, times in stages.items()},
        }
    return {"shape": list(SHAPE), "rounds": len(found), "starts": starts}


def start_all() -> dict[str, dict[str, float]]:
    """Return the stages of a process for each backend; Numba starts with an empty cache on disk and with a full one."""
    found = {}
    with TemporaryDirectory() as folder:
        for name in reversed(list(filter(is_found_anew, backends.list_loadable()))):
            if name == "numba":
                found["numba, nothing cached"] = start(name, folder)
                found["numba, from its cache"] = start(name, folder)
            else:
                found[name] = start(name, folder)
    return found


def is_found_anew(name: str) -> bool:
    """Return True if another process finds the module of a backend; a registered one may exist in this process only."""
    try:
        return find_spec(backends.MODULES[name]) is not None
    except ValueError:  # a module without a spec
        return False


def start(name: str, cache: str) -> dict[str, float]:
    """Return the seconds of each stage of one process."""
    # The new process searches for modules where this one does.
    path = os.pathsep.join(str(Path(part).absolute()) for part in sys.path)
    environment = {**os.environ, "NUMBA_CACHE_DIR": cache, "PYTHONPATH": path}
    program = PROGRAM.format(module=backends.MODULES[name], shape=SHAPE)
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
        raise OSError(f"a new process could not start backend {quote(name)}: {printable(reason[0])}")
    return dict(zip(STAGES, json.loads(done.stdout), strict=True))


def wait(stages: dict[str, float]) -> float:
    """Return the seconds of a start without its epochs, from the seconds of its stages."""
    return stages["load"] + max(stages["first_call"] - stages["second_call"], 0.0)


def epochs_to_pay(start: float, epoch: float, other_start: float, other_epoch: float) -> float | None:
    """Return the number of epochs after which a backend has overtaken another; None if it never does.

    The arguments are the seconds of each start without its epochs, and of an epoch of each.

    Examples
    --------
    >>> from fastgd.report.starts import epochs_to_pay
    >>> epochs_to_pay(2.0, 0.5, 0.0, 1.0)
    4.0
    """
    if start <= other_start and epoch <= other_epoch:
        return 0.0
    return (start - other_start) / (other_epoch - epoch) if epoch < other_epoch else None
