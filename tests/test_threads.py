"""Threads of the compiled kernels in a process that forks, has other threads, or gets signals."""

import json
import os
import signal
import sys
import threading
import time

import pytest
from processes import run_python, start_python

from fastgd import backends
from fastgd.backends.threads import (
    BLOCK_ELEMENTS,
    BLOCK_SAMPLES,
    MOST_BLOCKS,
    THREAD_CALL_ELEMENTS,
    THREAD_ELEMENTS,
    choose_threads,
    rows_per_block,
)
from fastgd.forks import halt_for_forks

COMPILED = [name for name in ("cython", "numba") if name in backends.available()]
compiled = pytest.mark.parametrize("compiled", COMPILED)

# A problem of several blocks, and a function that descends on it.
DESCENT = """
import json, os, sys, threading, time
import numpy as np
from parity import descend
from problems import random_problem
from fastgd import backends
from fastgd.backends.threads import PER_LINE, SHARED, SUMS, empty_lines, rows_per_block

backend = {backend!r}
X, y = random_problem(4001, 50)
rates, weights = np.full(40, 0.01), np.zeros(51)

def answer(threads=2):
    return [part.tobytes() for part in descend(backend, X, y, weights, rates, threads)[1:]]

expected = answer(threads=1)
"""


def run_descents(backend, code):
    """Run `DESCENT`, then the code, and return its output, read as JSON."""
    return json.loads(run_python(DESCENT.format(backend=backend) + code))


LATE = """
def member(number, members, sync, arrays):
    X, y, w, costs, gradient, partials = arrays
    rows = rows_per_block(*X.shape)
    run_member = sys.modules[backends.load(backend).descend.__module__].run_member
    return run_member(X, y, w, rates, costs, gradient, 1, rows, partials, sync, number, members)

def arrays():
    blocks = -(-len(X) // rows_per_block(*X.shape))
    partials = empty_lines(blocks, SUMS + 2 + X.shape[1])
    return X, y, weights.copy(), np.empty(len(rates)), np.empty(51), partials

def bits(parts):
    return [part.tobytes() for part in parts[2:5]]

def answer_of_members(members, late=None):
    sync, own = np.zeros((SHARED + members) * PER_LINE, dtype=np.int64), arrays()
    others = [late] if late else []
    threads = [threading.Timer(0.01 * k, member, (k, members, sync, own)) for k in others]
    for thread in threads:
        thread.start()
    applied = [member(0, members, sync, own)]
    for thread in threads:
        thread.join()
    applied.append(member(members - 1, members, sync, own))  # after the end: no block is left
    return bits(own), applied

alone, _ = answer_of_members(1)
"""
NEVER = """
found = [answer_of_members(members) for members in (2, 3, 8)]
print(json.dumps([[answer == alone, applied] for answer, applied in found]))
"""
LATER = """
rates = np.full(1000, 0.01)
alone, _ = answer_of_members(1)
found = [answer_of_members(3, late) for late in (1, 2)]
print(json.dumps([[answer == alone, applied] for answer, applied in found]))
"""


@compiled
def test_members_that_never_come_are_not_waited_for(compiled):
    assert run_descents(compiled, LATE + NEVER) == [[True, [40, 40]]] * 3


@compiled
def test_members_that_come_late_change_no_bit(compiled):
    assert run_descents(compiled, LATE + LATER) == [[True, [1000, 1000]]] * 2


FORK = """
assert answer() == expected
children = []
for _ in range(3):
    child = os.fork()
    if child == 0:
        os._exit(0 if answer() == expected == answer(threads=4) else 1)
    children.append(child)
after = answer() == expected
print(json.dumps([after, [os.waitpid(child, 0)[1] for child in children]]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@compiled
def test_a_process_may_fork_after_threads_were_used(compiled):
    assert run_descents(compiled, FORK) == [True, [0, 0, 0]]


MULTIPROCESSING = """
import multiprocessing
assert answer() == expected
with multiprocessing.get_context("fork").Pool(2) as pool:
    print(json.dumps([part == expected for part in pool.map(answer, [1, 2, 3, 2])]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@compiled
def test_forked_workers_may_use_threads(compiled):
    assert run_descents(compiled, MULTIPROCESSING) == [True] * 4


CONCURRENT = """
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(4) as pool:
    answers = list(pool.map(answer, [2, 3, 2, 1] * 5))
print(json.dumps([len(answers), all(part == expected for part in answers), threading.active_count()]))
"""


@compiled
def test_descents_of_several_python_threads_do_not_meet(compiled):
    assert run_descents(compiled, CONCURRENT) == [20, True, 1]


# Count the steps of another thread in the middle of a call. If the kernel held the GIL, there would be none.
OTHER_THREAD = """
seen, over = [], threading.Event()

def look():
    while not over.is_set():
        seen.append(time.monotonic())
        time.sleep(0.001)

other = threading.Thread(target=look)
other.start()
rates = np.full(3000, 1e-6)
begin = time.monotonic()
answer({threads})
end = time.monotonic()
over.set()
other.join()
margin = (end - begin) / 10
print(json.dumps(sum(begin + margin < moment < end - margin for moment in seen)))
"""


@compiled
@pytest.mark.parametrize("threads", [1, 2])
def test_other_python_threads_go_on_during_a_call(compiled, threads):
    assert run_descents(compiled, OTHER_THREAD.format(threads=threads)) > 0


FAILED_START = """
class Reluctant(threading.Thread):
    started = 0

    def start(self):
        Reluctant.started += 1
        if Reluctant.started >= {fails}:
            raise {error}("can't start new thread")
        super().start()

import fastgd.backends.threads
fastgd.backends.threads.Thread = Reluctant
few = answer(threads=4) == expected
fastgd.backends.threads.Thread = threading.Thread
print(json.dumps([few, threading.active_count(), answer(threads=4) == expected]))
"""


@compiled
@pytest.mark.parametrize(("fails", "error"), [(1, "RuntimeError"), (2, "RuntimeError"), (3, "MemoryError")])
def test_a_team_works_with_the_threads_that_can_start(compiled, fails, error):
    assert run_descents(compiled, FAILED_START.format(fails=fails, error=error)) == [True, 1, True]


# Memory for one more stack, then for none: the system refuses threads, at first at the second one.
FEW_THREADS = """
import resource
from fastgd.streaming import fit_array

def fit():
    return fit_array(X, y, threads=4).weights.tobytes()

usual = fit()
threading.stack_size(64 << 20)
pages = int(open("/proc/self/statm").read().split()[0])
resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + ({stacks} * 64 + 24 << 20),) * 2)
found = [answer(threads=4) == expected, fit() == usual]
try:
    threads = [threading.Thread(target=time.sleep, args=(1,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    refused = False
except RuntimeError:
    refused = True
print(json.dumps([*found, refused]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds a process's memory by RLIMIT_AS")
@pytest.mark.parametrize("stacks", [0, 1, 2])
@pytest.mark.parametrize("compiled", [name for name in COMPILED if name == "cython"])
def test_a_process_that_may_start_no_thread_fits_with_the_same_bits(compiled, stacks):
    assert run_descents(compiled, FEW_THREADS.format(stacks=stacks)) == [True, True, True]


# Hours of work in one call of the kernel, between two checks. The first call prints that it has started.
LONG_RUN = """
import time
import numpy as np
from fastgd import backends, gradient_descent

module = backends.load({backend!r})
kernel = module.descend

calls = 0

def announced(*arguments):
    global calls
    calls += 1
    if calls == 1:
        print("started", flush=True)
    return kernel(*arguments)

X = np.random.default_rng(0).standard_normal((100_000, 50))
options = dict(learning_rate=1e-9, compress=False, check_every=10**6, tol=0, backend={backend!r}, threads={threads})
gradient_descent(X[:2000], X[:2000, 0], epochs=1, **options)  # Numba compiles
module.descend = announced
result = gradient_descent(X, X[:, 0], epochs=10**6, **options)
print(result.reason, np.isfinite(result.weights).all())
"""


@compiled
@pytest.mark.parametrize("threads", [1, 2])
def test_ctrl_c_ends_a_run_without_waiting_for_the_next_look(compiled, threads):
    with start_python(LONG_RUN.format(backend=compiled, threads=threads)) as process:
        assert process.stdout.readline() == "started\n", process.stderr.read()
        time.sleep(0.3)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        sent = time.monotonic()
        output, errors = process.communicate(timeout=120)
    assert output == "interrupted True\n", errors
    assert time.monotonic() - sent < 20  # within a second on an idle machine


DENORMALS = """
def smallest():
    tiny = np.array([5e-324, np.finfo(np.float64).tiny])
    return [(tiny * 1.0)[0] > 0, (tiny / 2)[1] > 0, float(tiny[0]) * 1.0 > 0, 2.5e-308 / 1e10 > 0]

def smallest_in_a_new_thread():
    found = []
    thread = threading.Thread(target=lambda: found.extend(smallest()))
    thread.start()
    thread.join()
    return found

answer()
print(json.dumps([bool(found) for found in smallest() + smallest_in_a_new_thread()]))
"""


@compiled
def test_denormals_of_every_thread_survive(compiled):
    assert run_descents(compiled, DENORMALS) == [True] * 8


@pytest.mark.parametrize(
    ("allowed", "threads"),
    [("1", 1), ("2", 2), ("3", 3), (" 2 ", 2), ("2,4", 2), ("", 4), ("0", 4), ("-1", 4), ("many", 4), ("1.5", 4)],
)
def test_the_number_of_threads_honours_the_environment(monkeypatch, allowed, threads):
    monkeypatch.setattr("fastgd.backends.threads.count_cores", lambda: 4)
    monkeypatch.setenv("OMP_NUM_THREADS", allowed)
    assert choose_threads(100_000, 50, 10) == threads


def test_small_problems_get_one_thread(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr("fastgd.backends.threads.count_cores", lambda: 4)
    worth_it = 2 * THREAD_ELEMENTS
    sizes = [(1, 1), (100, 5), (worth_it - 1, 1), (worth_it, 1), (1, worth_it), (100 * worth_it, 1)]
    assert [choose_threads(*size, 1000) for size in sizes] == [1, 1, 1, 2, 2, 4]
    monkeypatch.setattr("fastgd.backends.threads.count_cores", lambda: 1)
    assert choose_threads(100 * worth_it, 1, 1000) == 1


def test_short_calls_get_one_thread(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr("fastgd.backends.threads.count_cores", lambda: 4)
    n = 4 * THREAD_ELEMENTS
    enough = [-(-count * THREAD_CALL_ELEMENTS // n) for count in (1, 2, 3, 400)]  # epochs worth 1, 2, 3, 400 threads
    counts = [choose_threads(n, 1, epochs) for epochs in (1, enough[0], enough[1] - 1, *enough[1:])]
    assert counts == [1, 1, 1, 2, 3, 4]


def test_fits_at_the_same_time_share_the_processors(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr("fastgd.backends.threads.count_cores", lambda: 4)
    found, barrier = {}, threading.Barrier(3)

    @halt_for_forks
    def calculate(place):
        barrier.wait()
        found[place] = choose_threads(100_000, 50, 100)
        barrier.wait()  # all choose before one ends

    for count, expected in ((3, 1), (2, 2), (1, 4)):
        barrier = threading.Barrier(count)
        threads = [threading.Thread(target=calculate, args=(place,)) for place in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == dict.fromkeys(range(count), expected)
        found.clear()


@pytest.mark.parametrize("n_features", [1, 3, 8, 50, 1000])
def test_blocks_are_whole_eights_of_rows_and_few(n_features):
    for n_samples in [1, 7, 8, 255, 256, 257, 100_000, 1_000_001]:
        rows = rows_per_block(n_samples, n_features)
        blocks = -(-n_samples // rows)
        assert rows % 8 == 0
        assert 1 <= blocks <= MOST_BLOCKS
        assert blocks == 1 or rows * n_features >= BLOCK_ELEMENTS * 0.99
        assert blocks == 1 or rows >= BLOCK_SAMPLES
