"""Break Dask clusters and the blocks of their data: each fit is right, or one named error; no task stays behind.

Every fifth round starts a scheduler and two workers, and kills, stops or interrupts a process at a random moment. The
other rounds spoil a random block of a collection.
"""

import json
import random
import signal
import sys
import time
import warnings
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
import dask
import dask.array as da
import dask.dataframe as dd
import pandas as pd
from dask_processes import SCHEDULER, SLEEPS, WORKER, finish, start_fit, starting, write_files
from distributed import Client
from scipy import sparse

import fastgd
from fastgd.problem import dask_compute

SECONDS = 0.3  # the time that a worker takes for a file or a block
ROWS, BLOCKS = 15, 6  # of a block; of a collection
# Who is hit, and how; None stands for nobody.
HITS = [("worker", signal.SIGKILL), ("worker", signal.SIGSTOP), ("workers", signal.SIGKILL), (None, None)]
HITS += [("scheduler", signal.SIGKILL), ("scheduler", signal.SIGSTOP), ("fit", signal.SIGINT)]


def attack(tally, rounds=50, seed=0):
    chance = random.Random(seed)
    for number in range(rounds):
        if number % 5 == 0:
            attack_processes(tally, chance, f"round {number}")
        else:
            for case in range(5):
                attack_block(tally, chance, f"round {number}.{case}")


def attack_processes(tally, chance, case):
    """Hit a process at a random moment of a fit of files, or of a collection."""
    with TemporaryDirectory() as folder, ExitStack() as stack:
        scheduler, address = stack.enter_context(starting(SCHEDULER))
        workers = [stack.enter_context(starting(SLEEPS + WORKER, address, folder, SECONDS))[0] for _ in range(2)]
        target, how = chance.choice(HITS)
        processes = {"worker": workers[:1], "workers": workers, "scheduler": [scheduler], None: []}
        bad = chance.random() < 0.3
        case = f"{case}: {target} {how!r}, NaN {bad}"
        if target != "fit" and chance.random() < 0.4:
            with Client(address, timeout=10) as client:
                attack_collection(tally, chance, case, client, (processes[target], how, bad))
            return
        X, y = write_files(folder, files=6, change=spoil_values if bad else None)
        process = start_fit(folder, address)
        wait_for_reading(folder)
        time.sleep(chance.uniform(0, 4 * SECONDS))
        hit([process] if target == "fit" else processes[target], how)
        check_fit(tally, case, finish(process), (X, y, target, bad))
        if target != "scheduler":
            tally.check(count_tasks(address) == 0, f"{case}: the scheduler keeps tasks")


def spoil_values(X, y):
    """Put a NaN into the last file."""
    X[-1, 0] = np.nan


def wait_for_reading(folder):
    """Wait until a worker reads a file."""
    deadline = time.monotonic() + 30
    while not list(Path(folder).glob("reading*")) and time.monotonic() < deadline:
        time.sleep(0.01)


def hit(processes, how):
    for process in processes:
        process.send_signal(how)


def count_tasks(address):
    """Return the number of tasks that the scheduler keeps; it has some seconds to forget them."""
    deadline = time.monotonic() + 10
    with Client(address, timeout=10, set_as_default=False) as client:
        while True:
            left = client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.tasks))
            if not left or time.monotonic() > deadline:
                return left
            time.sleep(0.1)


def check_fit(tally, case, outcome, expected):
    """Check the exit code, the model and the messages of `fastgd fit`."""
    code, output, errors = outcome
    X, y, target, bad = expected
    tally.check(code in (0, 2, 130), f"{case}: exit code {code}, {errors[-3:]}")
    tally.check((code == 130) <= (target == "fit"), f"{case}: interrupted, but nobody did")
    tally.check(len(errors) <= 2 and all(line.startswith("fastgd: ") for line in errors), f"{case}: {errors[:9]}")
    if code == 0:
        model = json.loads(output)
        right = is_right([model["intercept"], *model["coef"]], X, y)
        tally.check(not bad and right, f"{case}: a wrong model, {output}")


def is_right(weights, X, y):
    """Return True for the weights of least squares."""
    return np.allclose(weights, np.linalg.lstsq(np.column_stack([np.ones(len(X)), X]), y)[0], rtol=1e-8)


def attack_collection(tally, chance, case, client, blow):
    """Hit a process while the cluster compresses a collection."""

    def nap(block):  # a function of this module would have to be imported by the workers
        time.sleep(SECONDS)
        return block

    processes, how, bad = blow
    rng = np.random.default_rng(chance.randrange(1000))
    X, y = rng.standard_normal((90, 2)), rng.standard_normal(90)
    given = X.copy()
    if bad:
        given[70, 1] = np.nan
    lazy = da.from_array(given, chunks=(15, 2)).map_blocks(nap, meta=np.empty((0, 0)))
    moment = signal.setitimer
    signal.signal(signal.SIGALRM, lambda *_: hit(processes, how))
    moment(signal.ITIMER_REAL, chance.uniform(0.05, 5 * SECONDS))
    try:
        with patch.multiple(dask_compute, WORKERS_SECONDS=3, POLL_SECONDS=0.2):
            outcome = fastgd.gradient_descent(lazy, da.from_array(y, chunks=15)).weights
        held = not bad and is_right(outcome, X, y)
    except ConnectionError as error:
        outcome, held = error, str(error).startswith("the Dask cluster at tcp://") and bool(processes)
    except ValueError as error:
        outcome, held = error, bad and str(error).startswith("in block 4 (counted from 0), X must be finite; got nan")
    finally:
        moment(signal.ITIMER_REAL, 0)
    tally.check(held, f"{case}, a collection: {outcome!r}")
    time.sleep(0.2)
    tally.check(not client.futures, f"{case}, a collection: futures left")


def shuffle(frame):
    return frame[frame.columns[::-1]]


# A change of one block of X, and the error that it deserves; None where the fit must be right.
CHANGES = {
    "nothing": (lambda f: f, None),
    "another order": (shuffle, None),
    "nullable": (lambda f: f.astype("Float64"), None),
    "an array": (lambda f: f.to_numpy(), None),
    "NaN": (lambda f: f.replace(f.iloc[3, 0], np.nan), "X must be finite; got nan at row 3, column 0"),
    "infinity": (lambda f: f.replace(f.iloc[2, 1], np.inf), "X must be finite; got inf at row 2, column 1"),
    "text": (lambda f: f.assign(b="1"), "X must hold real numbers; got '1'"),
    "dates": (lambda f: f.assign(a=pd.Timestamp(2020, 1, 1)), "X must hold real numbers; got datetime64"),
    "complex": (lambda f: f * 1j, "X must hold real numbers; got complex128"),
    "one column": (lambda f: f[["a"]], "X must have the columns that its collection declares; got no 'b'"),
    "three columns": (lambda f: f.assign(c=0.0), "X must have the columns that its collection declares; got 'c' too"),
    "other names": (lambda f: f.add_suffix("_"), "X must have the columns that its collection declares; got no 'a'"),
    "rows lost": (lambda f: f[:7], "X and y must have the same number of rows; got 7 in X and 15 in y"),
    "no rows": (lambda f: f[:0], "X and y must have the same number of rows; got 0 in X and 15 in y"),
    "sparse": (lambda f: sparse.csr_array(f.to_numpy()), "X must be dense; got a block of the type csr_array"),
    "masked": (lambda f: np.ma.masked_less(f.to_numpy(), 9), "X must not have masked values"),
    "a series": (lambda f: f["a"], "X must be two-dimensional, (n_samples, n_features); got shape (15,)"),
    "None": (lambda f: None, "X must have rows of numbers; got a block of the type NoneType"),
}


def attack_block(tally, chance, case):
    """Change one random block of a frame; compare the fit, the score and the predictions with those in memory."""
    rng = np.random.default_rng(chance.randrange(1 << 30))
    frame = pd.DataFrame(rng.standard_normal((ROWS * BLOCKS, 2)), columns=["a", "b"])
    y = pd.Series(frame.to_numpy() @ [1.0, 2.0] + rng.standard_normal(len(frame)), name="y")
    kind, at = chance.choice(list(CHANGES)), chance.randrange(BLOCKS)
    change, message = CHANGES[kind]

    def cut(values, number):
        block = values[number * ROWS : (number + 1) * ROWS]
        return change(block) if number == at and values is frame else block

    settings = {"enforce_metadata": False}
    lazy = dd.from_map(lambda k: cut(frame, k), range(BLOCKS), meta=frame[:0], **settings)
    target = dd.from_map(lambda k: cut(y, k), range(BLOCKS), meta=y[:0], **settings)
    model = fastgd.GradientDescentRegressor().fit(frame, y)
    calls = {
        "fit": (lambda: fastgd.gradient_descent(lazy, target).coef, model.coef_),
        "score": (lambda: model.score(lazy, target), model.score(frame, y)),
        "predict": (lambda: model.predict(lazy).compute(), model.predict(frame)),
    }
    if "number of rows" in (message or ""):
        del calls["predict"]  # it has no y
    with dask.config.set(scheduler=chance.choice(["synchronous", "threads"])), warnings.catch_warnings():
        warnings.simplefilter("error")
        for name, (call, expected) in calls.items():
            try:
                outcome = call()
                held = message is None and np.allclose(outcome, expected, rtol=1e-8)
            except (TypeError, ValueError) as error:
                outcome = str(error)
                held = message is not None and outcome.startswith(f"in block {at} (counted from 0), {message}")
            tally.check(held, f"{case}: {kind} in block {at}, {name}: {outcome}")
