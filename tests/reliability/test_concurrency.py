"""Fits in several threads, and in forked processes, give the same bits as a fit alone."""

import json
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier, active_count

import numpy as np
import pytest
from problems import PROBLEMS, random_problem
from processes import run_python

import fastgd
from fastgd import backends

THREADS = 8
LARGE = random_problem(4001, 50)  # several blocks of rows
RAISED = np.where(np.arange(100) % 9, 1.0, 3.0)


def bits(*parts):
    """Return the parts of a result in a form that compares bit by bit."""
    return [part.tobytes() if isinstance(part, np.ndarray) else part for part in parts]


def fit(X, y, **options):
    result = fastgd.gradient_descent(X, y, **options)
    return bits(result.weights, result.cost_history, result.rates, result.reason, result.compressed, result.predict(X))


def compress(X, y, method):
    return bits(*fastgd.compress(X, y, method=method))


def compress_parts(X, y, method):
    whole = fastgd.Compressor(method=method)
    for start in range(0, len(y), 700):
        part = fastgd.Compressor(method=method)
        part.add(X[start : start + 700], y[start : start + 700])
        whole.merge(part)
    result = fastgd.gradient_descent(whole)
    return bits(*whole.problem(), result.weights, result.cost_history)


def refuse(X, y):
    with pytest.raises(ValueError, match="X and y must have the same number of rows"):
        fastgd.gradient_descent(X, y[1:])
    return bits(fastgd.cost(X, y, np.ones(X.shape[1])), fastgd.gradient(X, y, np.ones(X.shape[1])))


TUTORIAL = PROBLEMS["tutorial"]()
ROWS = {"learning_rate": "constant", "compress": False, "tol": 0}  # the kernels run on the rows themselves
JOBS = [partial(fit, *TUTORIAL, backend=name, sample_weight=RAISED, **ROWS) for name in backends.available()]
COMPILED = [name for name in backends.available() if name != "python"]
JOBS += [partial(fit, *LARGE, backend=name, threads=2, epochs=20, **ROWS) for name in COMPILED]
JOBS += [
    partial(fit, *TUTORIAL),
    partial(fit, *LARGE, sample_weight=np.resize(RAISED, len(LARGE[1])), alpha=0.1),
    partial(fit, *TUTORIAL, learning_rate="chebyshev", compress=True),
    partial(fit, *TUTORIAL, learning_rate="silver", precondition="standardize", alpha=0.1),
    partial(fit, *TUTORIAL, learning_rate="inverse_scaling", batch_size=9, random_state=3, epochs=20, tol=0),
    partial(fit, *TUTORIAL, weights="random", random_state=5, learning_rate=1e-3, epochs=50, tol=0),
    partial(fit, *LARGE, learning_rate="eigenvalues"),
    partial(fit, *PROBLEMS["float32 fortran"]()),
    *(partial(function, *LARGE, method) for function in (compress, compress_parts) for method in ("gram", "qr")),
    partial(refuse, *TUTORIAL),
]


def run_at_once(jobs):
    """Run each job in a thread of its own, all at the same moment, and return their results."""
    barrier = Barrier(len(jobs))

    def run(job):
        barrier.wait(60)
        return job()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(run, jobs, timeout=120))


@pytest.fixture(scope="module")
def alone():
    return {job: job() for job in JOBS}


@pytest.fixture(autouse=True)
def switch_often():
    """Let threads switch far more often than usual."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(usual)


def test_eight_different_jobs_at_once_give_the_bits_of_each_alone(alone):
    before = active_count()
    for turn in range(12):
        jobs = [JOBS[(turn + k * (1 + turn % 3)) % len(JOBS)] for k in range(THREADS)]
        for job, answer in zip(jobs, run_at_once(jobs), strict=True):
            assert answer == alone[job], job
    assert active_count() == before


@pytest.mark.parametrize("job", JOBS, ids=lambda job: f"{job.func.__name__} {list(job.keywords.values())[:2]}")
def test_one_job_eight_times_at_once_gives_the_bits_of_one_alone(alone, job):
    assert run_at_once([job] * THREADS) == [alone[job]] * THREADS


def test_arrays_shared_by_all_threads_are_never_written_to(alone):
    before = [array.tobytes() for array in (*TUTORIAL, *LARGE, RAISED)]
    run_at_once(JOBS[:THREADS])
    assert [array.tobytes() for array in (*TUTORIAL, *LARGE, RAISED)] == before


def test_one_result_and_one_compressor_may_be_read_by_all_threads():
    compressor = fastgd.Compressor()
    compressor.add(*LARGE)
    result = fastgd.gradient_descent(compressor)
    alone = bits(*compressor.problem(), result.predict(LARGE[0]), fastgd.gradient_descent(compressor).weights)

    def read():
        return bits(*compressor.problem(), result.predict(LARGE[0]), fastgd.gradient_descent(compressor).weights)

    assert run_at_once([read] * THREADS) == [alone] * THREADS


# Eight threads of a fresh process use each backend for the first time: they import, compile and fill caches.
FIRST_USE = """
import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from problems import random_problem
import fastgd

X, y = random_problem(4001, 50)
barrier = Barrier(8)

def fit(name):
    barrier.wait(30)
    options = {"learning_rate": "constant", "compress": False, "epochs": 10, "tol": 0}
    return fastgd.gradient_descent(X, y, backend=name, threads=2, **options).weights.tobytes().hex()

names = [name for name in ("cython", "numba", "numpy") if name in fastgd.backends.available()]
with ThreadPoolExecutor(8) as pool:
    first = list(pool.map(fit, (names * 8)[:8]))
barrier = Barrier(1)
print(json.dumps([fit(name) for name in (names * 8)[:8]] == first))
"""


@pytest.mark.slow
def test_the_first_use_of_all_backends_by_eight_threads_gives_the_usual_bits():
    assert json.loads(run_python(FIRST_USE)) is True


GIL = """
import sys
import fastgd
print(fastgd.backends.load("cython").__name__, sys._is_gil_enabled())
"""


@pytest.mark.skipif(not sysconfig.get_config_var("Py_GIL_DISABLED"), reason="this Python always has a global lock")
@pytest.mark.skipif("cython" not in backends.available(), reason="the extension was not built")
def test_the_extension_leaves_the_global_lock_off():
    assert run_python("import warnings; warnings.simplefilter('error')" + GIL) == "fastgd.backends.cython False"


FORK = """
import json, multiprocessing
from concurrent.futures import ThreadPoolExecutor
from problems import random_problem
import fastgd

X, y = random_problem(4001, 50)

def fit(threads):
    rows = dict(learning_rate="constant", compress=False, epochs=20, tol=0)
    result = fastgd.gradient_descent(X, y, backend={backend!r}, threads=threads, **rows)
    compressed = fastgd.gradient_descent(X, y, compress=True, threads=threads)
    return [result.weights.tobytes().hex(), compressed.weights.tobytes().hex()]

if __name__ == "__main__":
    with ThreadPoolExecutor(2) as threads:  # the children of the fork lack these threads
        before = list(threads.map(fit, [2, 2]))
        with multiprocessing.get_context("fork").Pool(2) as pool:
            answers = pool.map_async(fit, [1, 2, 2, 3]).get(timeout=45)
    print(json.dumps([len(answers), all(answer == before[0] for answer in before + answers + [fit(2)])]))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux forks processes with threads")
@pytest.mark.parametrize("backend", [name for name in backends.available() if name not in ("python", "numba")])
def test_a_forked_process_fits_after_fits_with_threads(backend):
    assert json.loads(run_python(FORK.format(backend=backend))) == [4, True]


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux forks processes with threads")
@pytest.mark.skipif("numba" not in backends.available(), reason="Numba is not installed")
def test_a_forked_process_fits_after_fits_with_threads_by_numba():
    assert json.loads(run_python(FORK.format(backend="numba"))) == [4, True]
