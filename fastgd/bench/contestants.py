"""The contestants: each has a set-up, which is never timed, and a callable, which is.

To add one, write a function that takes a `Problem` and returns a `Timed`, and add a line to `list_contestants`.
"""

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from threading import Thread
from typing import Any

import numpy as np

from fastgd import backends
from fastgd.backends.cores import count_cores
from fastgd.bench.problem import Problem, Timed, choose_rate
from fastgd.bench.text import base_of, with_threads
from fastgd.inputs.arrays import Array
from fastgd.inputs.extras import explain_lack, is_installed

# The Python loop is left out of larger problems: an epoch would take over 0.3 s and show nothing new.
LOOP_ELEMENTS = 2_000_000
# XLA reads its number of threads from the environment once, when jax is imported.
XLA_ONE_THREAD = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
# The distances in bytes at which the read loop fetches ahead. The best one depends on the machine and the size of X.
AHEAD = (0, 512, 2048)
# The least part of X for a thread: threads with less to read wait for each other at the interpreter's lock.
PART_ELEMENTS = 65_536


@dataclass(frozen=True)
class Contestant:
    """A way to compute epochs, to be timed.

    Attributes
    ----------
    name : str
        The key of its results. Contestants with one name are variants of one loop: the fastest counts.
    prepare : callable
        Takes a `Problem`, does all work that is not to be timed, and returns a `Timed`.
    threads : int
        The number of threads that it computes with.
    blas_threads : int
        The number of threads that BLAS may use while it runs; held only where threadpoolctl is installed.
    most_elements : int or None
        The size of X above which it is left out.
    variant : str
        The difference from other contestants of its name.
    """

    name: str
    prepare: Callable[[Problem], Timed]
    threads: int = 1
    blas_threads: int = 1
    most_elements: int | None = None
    variant: str = ""


def list_contestants(threads: int = 1) -> tuple[list[Contestant], dict[str, str]]:
    """Return the contestants of `fastgd bench`, and the reason for each one that cannot take part here, by name."""
    counts, absent = sorted({1, threads}), {}
    faults = {name: fault for name in backends.list_installed() if (fault := backends.find_fault(name))}
    usable = backends.list_loadable()
    if is_installed("threadpoolctl"):
        found = list_backends(counts, blas_counts=sorted({1, count_cores()}))
    else:
        found = list_backends(counts)
        lack = explain_lack("threadpoolctl is not installed", "threadpoolctl")
        absent["numpy with other numbers of BLAS threads"] = lack
    if "numba" not in usable:
        absent["numba"] = faults.get("numba") or explain_lack("not installed", "numba")
    if "cython" in usable:
        found += [contestant for count in counts for contestant in list_readers(count)]
    else:
        why = faults.get("cython", "the compiled extension was not built")
        absent["cython, and reading X once, the limit"] = why
    for name, module, prepare in (("jax", "jax", prepare_jax), ("sgd", "sklearn", prepare_sgd)):
        if is_installed(module):
            found.append(Contestant(name, prepare))
        else:
            absent[name] = explain_lack("not installed", module)
    return found, absent


def list_sparse_contestants(threads: int = 1) -> tuple[list[Contestant], dict[str, str]]:
    """Return the contestants of sparse rows, which are the backends, and the reasons why others take no part."""
    absent = {name: fault for name in backends.list_installed() if (fault := backends.find_fault(name))}
    dense = [name for name in backends.list_loadable() if not backends.takes_sparse(name)]
    absent |= dict.fromkeys(dense, "it takes dense X") | {"jax, sgd and reading X once": "they take dense X"}
    return [one for one in list_backends(sorted({1, threads})) if base_of(one.name) not in dense], absent


def list_backends(
    counts: Sequence[int] = (1,), *, blas_counts: Sequence[int] = (1,), loop_elements: int = LOOP_ELEMENTS
) -> list[Contestant]:
    """Return the backends that can be used here, the plainest first, with numbers of threads for each compiled one.

    Backends that somebody registered stand last.
    """
    threads, usable = {"python": (1,), "numpy": blas_counts}, backends.list_loadable()
    own = usable.index("python") + 1  # those of fastgd, from the fastest to the loop
    return [
        make_backend(name, count, loop_elements if name == "python" else None)
        for name in [*reversed(usable[:own]), *usable[own:]]
        for count in threads.get(name, counts)
    ]


def make_backend(name: str, threads: int = 1, most_elements: int | None = None) -> Contestant:
    """Return one of the package's own backends as a contestant; the threads of NumPy are those of BLAS."""
    prepare, blas_threads = partial(prepare_backend, name=name, threads=threads), threads if name == "numpy" else 1
    return Contestant(with_threads(name, threads), prepare, threads, blas_threads, most_elements)


def list_readers(threads: int) -> list[Contestant]:
    """Return the loop that reads X once, with every distance to fetch ahead."""
    name = with_threads("read", threads)
    return [
        Contestant(name, partial(prepare_reader, ahead=ahead, threads=threads), threads, variant=f"{ahead} bytes ahead")
        for ahead in AHEAD
    ]


def prepare_backend(
    problem: Problem, name: str, threads: int = 1, *, intercept: bool = True, rate: float | None = None
) -> Timed:
    """Set up one of the package's own backends; the shape of X decides the rate unless one is given."""
    X, y = problem.X, problem.y
    descend = backends.load(name).descend
    weights, gradient = np.empty(X.shape[1] + intercept), np.empty(X.shape[1] + intercept)

    @cache  # no call waits for new pages of memory
    def buffers(epochs: int) -> tuple[Array, Array]:
        return np.full(epochs, choose_rate(X) if rate is None else rate), np.empty(epochs)

    def run(epochs: int) -> Array:
        weights[:] = 0.0
        descend(X, y, weights, *buffers(epochs), gradient, threads)
        return weights

    # Each call of these two backends begins with a set-up (lists of floats, a copy of float32 data) that would take
    # most of a call of one epoch. A call of no epochs is timed as well and taken off.
    return Timed(run, (lambda epochs: run(0)) if name in ("python", "numpy") else None)


def prepare_jax(problem: Problem) -> Timed:
    """Set up the update as a jitted loop in float64: `jax.lax.scan` over the rates, with X as an argument."""
    if "jax" not in sys.modules:
        os.environ.setdefault("XLA_FLAGS", XLA_ONE_THREAD)
    import jax
    from jax import numpy as jnp

    jax.config.update("jax_enable_x64", True)
    X, y = jnp.asarray(problem.X, dtype="float64"), jnp.asarray(problem.y)
    n_samples, n_features = problem.X.shape
    start = jnp.zeros(n_features + 1)

    def update(X: Any, y: Any, weights: Any, rate: Any) -> tuple[Any, Any]:
        residual = X @ weights[1:] + (weights[0] - y)
        gradient = jnp.concatenate([residual.sum()[None], residual @ X]) / n_samples
        return weights - rate * gradient, residual @ residual / (2 * n_samples)

    loop = jax.jit(lambda X, y, weights, rates: jax.lax.scan(partial(update, X, y), weights, rates))
    rates = cache(lambda epochs: jnp.full(epochs, choose_rate(X)))

    def run(epochs: int) -> Array:
        weights, _ = jax.block_until_ready(loop(X, y, start, rates(epochs)))
        return np.asarray(weights)

    return Timed(run)


def prepare_sgd(problem: Problem) -> Timed:
    """Set up scikit-learn's SGDRegressor, another algorithm: one update for each row, in random order."""
    from sklearn import config_context
    from sklearn.linear_model import SGDRegressor

    X = np.ascontiguousarray(problem.X)  # other orders would be copied in each call
    step = 0.1 / (X.shape[1] + 1)  # it diverges above 2 / (the squared length of a row)

    def fit(rows: int, epochs: int) -> Array:
        # tol=None: no early stop.
        model = SGDRegressor(
            penalty=None, learning_rate="constant", eta0=step, max_iter=epochs, tol=None, random_state=0
        )
        with config_context(assume_finite=True):
            model.fit(X[:rows], problem.y[:rows])
        return np.concatenate([model.intercept_, model.coef_])

    # A fit spends a millisecond on checks of its parameters: the time of one epoch of one row is taken off.
    return Timed(partial(fit, len(X)), lambda epochs: fit(1, 1))


def prepare_reader(problem: Problem, ahead: int, threads: int = 1) -> Timed:
    """Set up the limit: an "epoch" reads all of X once, in one part for each thread.

    No epoch on data out of cache can be shorter. Reading is the extension's tuned loop.
    """
    from fastgd.backends.cython import LEVEL

    numbers = problem.X.ravel(order="K")  # a view: X is contiguous in one order or the other
    parts = np.array_split(numbers, max(1, min(threads, numbers.size // PART_ELEMENTS)))

    def run(epochs: int) -> Array:
        return read_parts(parts, epochs, LEVEL, ahead)

    # Reading 4 KB takes less than the call from Python. Kernels do not pay for a call in each epoch: it is taken off.
    return Timed(run, None if len(parts) > 1 else lambda epochs: read_parts([numbers[:0]], epochs, LEVEL, ahead))


def read_parts(parts: list[Array], times: int, level: int, ahead: int) -> Array:
    """Read every part repeatedly, each in a thread of its own, and return the sums of the parts."""
    sums = np.zeros(len(parts))

    def work(k: int) -> None:
        sums[k] = read_part(parts[k], times, level, ahead)

    others = [Thread(target=work, args=(k,)) for k in range(1, len(parts))]
    for thread in others:
        thread.start()
    work(0)
    for thread in others:
        thread.join()
    return sums


def read_part(part: Array, times: int, level: int, ahead: int) -> float:
    """Read one part repeatedly and return its sum; the extension lets other threads run meanwhile."""
    from fastgd.backends._kernel import read

    total = 0.0
    for _ in range(times):
        total = read(part, level, ahead)
    return total
