"""A process forks while its other threads fit: the child fits too. Fits wait for no other thread, nor for a new one."""

import importlib
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Thread

import pytest
from problems import random_problem
from processes import run_python

import fastgd
from fastgd import backends
from fastgd.backends import blas
from fastgd.problem import curvature
from fastgd.streaming import passes

try:
    import threadpoolctl
except ImportError:
    threadpoolctl = None

forks = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux forks processes with threads")
needs_threadpoolctl = pytest.mark.skipif(threadpoolctl is None, reason="without threadpoolctl, BLAS is left alone")
PATIENCE = 60  # seconds until a fit that waits for another thread counts as hanging
ROWS = {"learning_rate": "constant", "compress": False, "epochs": 20, "tol": 0}

# Functions for processes that fork. A child that hangs prints where, and ends.
FORKING = """
import faulthandler, os, signal, sys, threading, time, warnings
import numpy as np
from problems import random_problem
import fastgd
from fastgd.streaming import fit_array

warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)  # Python 3.12
X, y = random_problem(2001, 20)
ROWS = dict(learning_rate="constant", compress=False, epochs=20, tol=0)
faulthandler.register(signal.SIGALRM, chain=True)

def fit(backend):
    rows = fastgd.gradient_descent(X, y, backend=backend, threads=2, **ROWS)
    return [rows.weights.tobytes(), fastgd.gradient_descent(X, y, compress=True).weights.tobytes()]

def stream(backend):
    return [fit_array(X, y, threads=2).weights.tobytes()]

def fork(work):
    child = os.fork()
    if child == 0:
        signal.alarm(60)
        code = 1
        try:
            code = 0 if work() else 2
        finally:
            os._exit(code)
    return child

def wait(children):
    return sum(os.waitpid(child, 0)[1] != 0 for child in children)
"""
BESIDE_FITS = """
answer = {work}({backend!r})
over = threading.Event()

def go_on():
    while not over.is_set():
        assert {work}({backend!r}) == answer

threads = [threading.Thread(target=go_on) for _ in range(2)]
for thread in threads:
    thread.start()
failed = 0
for _ in range({forks} // 4):
    failed += wait([fork(lambda: {work}({backend!r}) == answer) for _ in range(4)])
over.set()
for thread in threads:
    thread.join()
print(failed)
"""


@forks
@pytest.mark.parametrize(
    ("work", "backend"),
    [*(("fit", name) for name in backends.available() if name not in ("python", "numba")), ("stream", "auto")],
)
@pytest.mark.parametrize("blas_threads", ["1", "2"])
def test_children_forked_beside_fitting_threads_fit(work, backend, blas_threads):
    code = FORKING + BESIDE_FITS.format(work=work, backend=backend, forks={"1": 24, "2": 8}[blas_threads])
    assert run_python(code, OPENBLAS_NUM_THREADS=blas_threads, OMP_NUM_THREADS=blas_threads) == "0"


@pytest.mark.slow
@forks
@pytest.mark.skipif("numba" not in backends.available(), reason="Numba is not installed")
def test_children_forked_beside_fits_by_numba_fit():
    assert run_python(FORKING + BESIDE_FITS.format(work="fit", backend="numba", forks=24)) == "0"


# A thread imports, or compiles, for the first time. The fork comes while it does: the module says when.
FIRST_IMPORT = """
sys.path.insert(0, {folder!r})
import started
fastgd.backends.MODULES["late"] = "late_backend"
thread = threading.Thread(target=fit, args=("late",))
thread.start()
assert started.event.wait(60)
print(wait([fork(lambda: fit("late") == fit("numpy"))]))
thread.join()
"""
LATE_BACKEND = """
import time, started
started.event.set()
time.sleep(0.3)
from fastgd.backends.numpy import descend
"""


@forks
def test_a_child_forked_while_a_thread_loads_a_backend_loads_it_too(tmp_path):
    (tmp_path / "started.py").write_text("from threading import Event\nevent = Event()\n")
    (tmp_path / "late_backend.py").write_text(LATE_BACKEND)
    assert run_python(FORKING + FIRST_IMPORT.format(folder=str(tmp_path))) == "0"


# OpenBLAS ends its own threads when a process forks, so a fork waits until no thread of Python uses them.
CALCULATION = """
from fastgd.forks import CALCULATING, FORKING, halt_for_forks, let_forks_pass

begun, forked = threading.Event(), threading.Event()
log = []

@halt_for_forks
def calculate():
    inner()
    log.append("end")

@halt_for_forks
def inner():
    begun.set()
    while not FORKING:  # the other thread is about to fork
        time.sleep(0.001)
    time.sleep(0.05)
    log.append("halt")
    {halt}

@halt_for_forks
def child():
    return log and CALCULATING == {{threading.get_ident()}} and not FORKING

def fork_beside():
    failed = wait([fork(child)])
    log.append("fork")
    forked.set()
    return failed

answers = []
thread = threading.Thread(target=lambda: answers.append(fork_beside()))
other = threading.Thread(target=calculate)
other.start()
begun.wait(60)
thread.start()
thread.join(60)
other.join(60)
print(*log, *answers, len(CALCULATING), len(FORKING))
"""


@forks
@pytest.mark.parametrize(
    ("halt", "log"), [("let_forks_pass(); forked.wait(60)", "halt fork end"), ("pass", "halt end fork")]
)
def test_a_fork_waits_for_calculations_in_other_threads(halt, log):
    assert run_python(FORKING + CALCULATION.format(halt=halt)) == f"{log} 0 0 0"


CALCULATING_AND_FORKING = """
from fastgd.forks import halt_for_forks

@halt_for_forks
def calculate():
    return wait([fork(lambda: len(fit("auto")) == 2)])

print(calculate(), fastgd.gradient_descent(X, y, callback=lambda *_: wait([fork(lambda: True)]) != 0).reason)
"""


@forks
def test_a_thread_may_fork_in_the_middle_of_its_own_fit():
    assert run_python(FORKING + CALCULATING_AND_FORKING) == "0 gradient"


BOTH_FORK = """
from fastgd import forks

forks.LONGEST_WAIT = 300.0  # longer than a test may take
both = threading.Barrier(2)
failed = []

@forks.halt_for_forks
def calculate():
    both.wait(60)
    failed.append(wait([fork(lambda: True)]))

threads = [threading.Thread(target=calculate) for _ in range(2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(*failed, len(forks.CALCULATING), len(forks.FORKING))
"""


@forks
def test_two_threads_that_fork_in_the_middle_of_their_fits_do_not_wait_for_each_other():
    assert run_python(FORKING + BOTH_FORK) == "0 0 0 0"


# Every import of a first fit that is not safe: another thread may fork in the middle of it.
IMPORTS = """
from fastgd.forks import IMPORTING

unsafe = []

def watch(event, arguments):
    if event == "import" and not IMPORTING._is_owned():
        unsafe.append(arguments[0])

def run_kinds():
    fastgd.gradient_descent(X.tolist(), y.tolist(), precondition="none", learning_rate="chebyshev", epochs=9, tol=0)
    fastgd.gradient_descent(X, y, batch_size=500, learning_rate="inverse_scaling", epochs=3, tol=0)
    fastgd.gradient_descent(X[:50], y[:50], alpha=0.1)
    fastgd.gradient_descent(X.astype("f4"), y, sample_weight=np.ones(len(y))).predict(X)
    fastgd.compress(X, y)

sys.addaudithook(watch)
for name in fastgd.backends.available():
    if name != "numba":  # its own lock is safe
        fastgd.gradient_descent(X[:50], y[:50], backend=name, threads=2, **ROWS)
run_kinds()
stream("auto")
print(sorted(unsafe))
"""


def test_a_fork_waits_for_every_import_of_a_first_fit():
    code = FORKING.replace("from fastgd.streaming import fit_array", "")
    code = code.replace("fit_array(", "fastgd.streaming.fit_array(")
    assert run_python(code + IMPORTS) == "[]"


FIRST_COMPILATION = """
from fastgd.backends.numba import compiling
compiles = threading.Event()
original = compiling.compile_loop

def announce(*arguments):
    compiles.set()
    return original(*arguments)

compiling.compile_loop = announce
thread = threading.Thread(target=fit, args=("numba",))
thread.start()
assert compiles.wait(60)
child = fork(lambda: len(fit("numba")) == 2)
failed = wait([child])
thread.join()
print(failed)
"""


@pytest.mark.slow
@forks
@pytest.mark.skipif("numba" not in backends.available(), reason="Numba is not installed")
def test_a_child_forked_while_numba_compiles_compiles_too(tmp_path):
    assert run_python(FORKING + FIRST_COMPILATION, NUMBA_CACHE_DIR=str(tmp_path)) == "0"


# The fork comes while another thread holds the limit of BLAS, or while the thread that forks does.
BLAS_LIMIT = """
import threadpoolctl
from fastgd.backends.blas import one_blas_thread, set_threads

def find_blas():
    return threadpoolctl.ThreadpoolController().select(user_api="blas").lib_controllers

def count():
    return [library.get_num_threads() for library in find_blas()]

for library in find_blas():
    set_threads(library, 2)
before = count()
inside, over = threading.Event(), threading.Event()

def hold():
    with one_blas_thread():
        inside.set()
        over.wait(60)

def child():
    free = count() == before
    with one_blas_thread():
        limited = set(count()) == {1}
    return free and limited and count() == before and len(stream("auto")) == 1

thread = threading.Thread(target=hold)
thread.start()
assert inside.wait(60)
assert set(count()) == {1}
failed = wait([fork(child)])
over.set()
thread.join()
assert count() == before
with one_blas_thread():
    failed += wait([fork(lambda: set(count()) == {1})])
print(failed, count() == before)
"""


@forks
@needs_threadpoolctl
def test_a_child_forked_under_the_limit_of_blas_is_free_of_it():
    assert run_python(FORKING + BLAS_LIMIT) == "0 True"


def find_blas():
    return threadpoolctl.ThreadpoolController().select(user_api="blas").lib_controllers


def count_blas_threads():
    return [library.get_num_threads() for library in find_blas()]


@pytest.fixture
def two_blas_threads():
    """Give each BLAS two threads, and check that it has two afterwards."""
    libraries, before = find_blas(), count_blas_threads()
    for library in libraries:
        blas.set_threads(library, 2)
    two = count_blas_threads()  # one where BLAS was built without threads
    yield two
    after = count_blas_threads()
    for library, threads in zip(libraries, before, strict=True):
        blas.set_threads(library, threads)
    assert after == two


@needs_threadpoolctl
@pytest.mark.parametrize("order", ["first in, first out", "last in, first out"])
def test_limits_of_blas_that_overlap_end_with_the_last_one(two_blas_threads, order):
    """Each limit is set and taken off by a thread of its own, and these threads live on."""
    with ThreadPoolExecutor(1) as first, ThreadPoolExecutor(1) as second:
        limits = {pool: blas.one_blas_thread() for pool in (first, second)}
        for pool, limit in limits.items():
            assert pool.submit(limit.__enter__).result(PATIENCE)
        assert set(count_blas_threads()) == {1}
        early, late = (first, second) if order == "first in, first out" else (second, first)
        early.submit(limits[early].__exit__, None, None, None).result(PATIENCE)
        assert set(count_blas_threads()) == {1}
        late.submit(limits[late].__exit__, None, None, None).result(PATIENCE)
        assert count_blas_threads() == two_blas_threads


@needs_threadpoolctl
def test_a_number_of_blas_threads_set_meanwhile_stays(two_blas_threads):
    for library in find_blas():
        blas.set_threads(library, 1)
    with blas.one_blas_thread():
        for library in find_blas():
            blas.set_threads(library, 2)
    assert count_blas_threads() == two_blas_threads


@needs_threadpoolctl
def test_a_sum_that_fails_takes_the_limit_of_blas_off(two_blas_threads):
    def fail(batch):
        assert set(count_blas_threads()) == {1}
        raise ValueError("no sums")

    with pytest.raises(ValueError, match="no sums"):
        list(passes.map_ahead(fail, range(5), 2))


@needs_threadpoolctl
def test_a_pass_that_is_left_early_takes_the_limit_of_blas_off(two_blas_threads):
    steps = passes.map_ahead(lambda batch: batch, range(5), 2)
    assert next(steps) == 0
    assert set(count_blas_threads()) == {1}
    steps.close()


# ---- no fit waits for another one


def wait_at(function, matches):
    """Return the function with a stop for the calls that match, and two events: it has come there, and may go on."""
    entered, leave = Event(), Event()

    def stop(*arguments):
        if matches(*arguments):
            entered.set()
            leave.wait(2 * PATIENCE)
        return function(*arguments)

    return stop, entered, leave


def run_beside(stopped, entered, leave, free):
    """Run a job to its end while another has stopped on its way; return the answers of both."""
    answers = {}
    jobs = {"stopped": stopped, "free": free}
    threads = {
        name: Thread(target=lambda name=name: answers.update({name: jobs[name]()}), daemon=True) for name in jobs
    }
    threads["stopped"].start()
    assert entered.wait(PATIENCE)
    threads["free"].start()
    threads["free"].join(PATIENCE)
    first = list(answers)
    leave.set()
    threads["stopped"].join(PATIENCE)
    assert first == ["free"]
    assert list(answers) == ["free", "stopped"]


LARGE_RATES = {"find_eigenvalues": "eigenvalues", "lanczos": "chebyshev", "power_iteration": "constant"}


@pytest.mark.parametrize("function", LARGE_RATES)
def test_a_small_fit_does_not_wait_for_the_spectrum_of_another(monkeypatch, function):
    small, wide = random_problem(30, 2), random_problem(300, 300)
    stop, entered, leave = wait_at(getattr(curvature, function), lambda X, *rest: X.shape[1] == 300)
    monkeypatch.setattr(curvature, function, stop)
    options = {"compress": False, "precondition": "none", "epochs": 3, "tol": 0}

    def fit_small():
        return [fastgd.gradient_descent(*small, learning_rate=rates, **options) for rates in LARGE_RATES.values()]

    def fit_large():
        return fastgd.gradient_descent(*wide, learning_rate=LARGE_RATES[function], **options)

    run_beside(fit_large, entered, leave, fit_small)


@pytest.mark.skipif("numba" not in backends.available(), reason="Numba is not installed")
def test_a_small_fit_by_numba_does_not_wait_while_another_compiles(monkeypatch):
    compiling = importlib.import_module("fastgd.backends.numba.compiling")
    small, other = random_problem(30, 2), random_problem(30, 3)

    def fit(problem):
        return fastgd.gradient_descent(*problem, backend="numba", **ROWS)

    fit(small)
    monkeypatch.setattr(compiling, "LOOPS", dict(compiling.LOOPS))
    for key in [key for key in compiling.LOOPS if key[1][:1] == (3,)]:
        del compiling.LOOPS[key]
    stop, entered, leave = wait_at(compiling.compile_loop, lambda *_: True)
    monkeypatch.setattr(compiling, "compile_loop", stop)
    run_beside(lambda: fit(other), entered, leave, lambda: fit(small))
