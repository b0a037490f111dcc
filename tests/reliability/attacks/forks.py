"""Forks beside threads that fit: every child must fit, with the same bits, before its time is up.

Each case is a process of its own, whose threads fit without a pause, or for the first time, while it forks: with each
backend, as a stream, by the estimator; with BLAS of one thread and of two.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tally import Tally

from fastgd import backends

TESTS = Path(__file__).parents[2]
FIRST_FITS = 20  # one in so many forks comes while threads fit for the first time, in a fresh process
LONGEST_FIRST_FIT = {"numba": 4.0, "estimator": 2.0}  # seconds: forks are spread over them
PATIENCE = 30  # seconds for a child; no fit here takes one

CODE = """
import os, random, signal, sys, threading, time, warnings
sys.path.insert(0, {tests!r})
import numpy as np
from problems import random_problem
import fastgd

warnings.simplefilter("ignore")
X, y = random_problem(2001, 30)
kind, forks, delay = {kind!r}, {forks}, {delay}

def fit():
    if kind == "stream":
        return fastgd.streaming.fit_array(X, y, threads=2).weights.tobytes()
    if kind == "estimator":
        return fastgd.GradientDescentRegressor().fit(X, y).coef_.tobytes()
    rows = {{"learning_rate": "constant", "compress": False, "epochs": 5 if kind == "python" else 50, "tol": 0}}
    small = slice(100 if kind == "python" else None)
    result = fastgd.gradient_descent(X[small], y[small], backend=kind, threads=2, **rows)
    return result.weights.tobytes() + fastgd.gradient_descent(X, y, compress=True).weights.tobytes()

def fork(answer):
    child = os.fork()
    if child == 0:
        signal.alarm({patience})
        code = 1
        try:
            found = fit()
            code = 0 if answer is None or found == answer else 2
        finally:
            os._exit(code)
    return child

answer = None if delay is not None else fit()
over = threading.Event()

def go_on():
    fit()
    while not over.is_set():
        fit()

threads = [threading.Thread(target=go_on) for _ in range(2)]
for thread in threads:
    thread.start()
time.sleep(delay or 0)
pick = random.Random({seed})
bad = []
for _ in range(forks):
    time.sleep(pick.random() * 0.005)
    status = os.waitpid(fork(answer), 0)[1]
    bad += [status] * (status != 0)
over.set()
for thread in threads:
    thread.join()
print(*bad)
"""


def attack(tally: Tally, rounds: int = 200, seed: int = 0) -> None:
    """Fork `rounds` times for each kind of fit and number of BLAS threads: beside old threads, and beside new ones."""
    kinds = [*backends.available(), "stream", "estimator"]
    for kind in kinds:
        for blas_threads in ("1", "2"):
            run(tally, kind, blas_threads, rounds // 2, None, seed)
        first_fits = rounds // FIRST_FITS
        for number in range(first_fits):
            delay = LONGEST_FIRST_FIT.get(kind, 0.05) * (number + 0.5) / first_fits
            run(tally, kind, "1", 1, delay, seed + number)


def run(tally: Tally, kind: str, blas_threads: str, forks: int, delay: float | None, seed: int) -> None:
    """Count the forks of one process, and the children that did not fit."""
    values = {"tests": str(TESTS), "kind": kind, "forks": forks, "delay": delay, "seed": seed, "patience": PATIENCE}
    with tempfile.TemporaryDirectory() as cache:
        fresh = {"NUMBA_CACHE_DIR": cache} if delay is not None else {}
        environment = os.environ | {"OPENBLAS_NUM_THREADS": blas_threads, "OMP_NUM_THREADS": blas_threads} | fresh
        name = f"{kind}, {blas_threads} threads of BLAS, " + ("after fits" if delay is None else f"{delay:.3f} s")
        try:
            done = subprocess.run(
                [sys.executable, "-c", CODE.format(**values)],
                check=False,
                env=environment,
                capture_output=True,
                text=True,
                timeout=4 * PATIENCE + 2 * forks,
            )
        except subprocess.TimeoutExpired:
            tally.check(False, f"{name}: the process that forks hangs")
            return
    bad = done.stdout.split()
    for number in range(forks):
        status = "" if done.returncode == 0 else done.stderr[-300:]
        tally.check(done.returncode == 0 and number >= len(bad), f"{name}: {bad[number:]} {status}")
