"""Fit files on a running Dask cluster, whose workers read a file at a time: `fastgd fit --scheduler ADDRESS`.

A worker reads a file as `fastgd.streaming.fit_files` does, with the same checks and messages, and returns its sums.

On this side coroutines wait for the cluster, because each wait needs a limit of time: a scheduler may not answer, go
away or have no workers. The client lives in an event loop of its own, and leaves no task on the cluster.
"""

import logging
import os
import re
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from functools import partial, reduce
from threading import get_ident
from typing import Any

from fastgd.files.dialect import Dialect
from fastgd.inputs.extras import explain_import
from fastgd.inputs.words import kind_of, printable, quote
from fastgd.problem.dask_compute import explain_failure, ignore, watch
from fastgd.problem.moments import LOST_DIGITS, Summary, add_moments, summarize_moments
from fastgd.problem.rows import CompressedSource
from fastgd.streaming.checkpoint import Checkpoint
from fastgd.streaming.choosing import Request
from fastgd.streaming.files import FileBatchSource
from fastgd.streaming.finding import find_files
from fastgd.streaming.options import StreamOptions
from fastgd.streaming.passes import run_pass
from fastgd.streaming.result import StreamResult, solve_sums
from fastgd.streaming.source import name_weights
from fastgd.streaming.sums import State

CONNECT_SECONDS = 10  # the time that the scheduler has to answer
CLOSE_SECONDS = 5  # the time that it has to say goodbye
ADDRESS = re.compile(r"((tcp|tls|ws|wss)://)?[^\s/]+:(?P<port>[0-9]{1,5})|inproc://\S+")
MOST_PORTS = 65535
LOGGERS = ("distributed", "tornado", "asyncio")
SAME_PATHS = "all workers must find the files at the same paths"
SAME_VERSIONS = "scheduler and workers need the versions of fastgd, Python and all other packages that this process has"
Work = Callable[[str, str, int], State | Exception]  # takes the method, a file and its size


def fit_on_cluster(
    paths: Sequence[str],
    target: str | Sequence[str],
    *,
    scheduler: str,
    features: Sequence[str] | None = None,
    weight: str | None = None,
    alpha: float = 0.0,
    missing: str = "error",
    delimiter: str | None = None,
    decimal: str = ".",
    encoding: str = "utf-8",
    quiet: bool = True,
    **descent: Any,
) -> StreamResult:
    """Fit a linear regression to files that the workers of a cluster read, at the same paths; see `fit_files`.

    Parameters
    ----------
    paths, target, features, weight, alpha, missing, delimiter, decimal, encoding, **descent
        As in `fit_files`.
    scheduler : str
        The address of the scheduler, such as "tcp://10.0.0.1:8786".
    quiet : bool
        False says on standard error that the cluster has no worker yet.

    Raises
    ------
    ValueError
        If `scheduler` is no address, or as in `fit_files`.
    OSError
        If no scheduler answers at this address, if the cluster has no workers for a minute, loses its scheduler, or
        cannot run the tasks, or if a worker cannot read a file.
    """
    try:
        import dask.distributed  # noqa: F401
    except Exception as error:
        raise explain_import("a fit on a cluster needs Dask", error, "dask", "pyarrow") from error
    check_address(scheduler)
    descent = {"alpha": alpha, **descent}
    options = StreamOptions.checked(
        "fit_on_cluster", descent, method="auto", missing=missing, checkpoint=None, quiet=quiet
    )
    say = ignore if options.quiet else print_note
    files = [os.path.abspath(file) for file in find_files(paths)]  # workers may run in other folders
    dialect = Dialect.checked(delimiter, decimal, encoding)
    request = Request(target, features, weight, None, missing, dialect, partitioned=len(files) > 1)
    source = FileBatchSource(files, request)
    options.descent.check_start_shape(source.n_features, source.n_targets)
    request = replace(request, target=source.columns.targets, features=source.columns.features)
    work = partial(sum_file, request, options.descent.threads)
    states, summary = run_coroutine(sum_files(scheduler, source, work, say))
    sums = CompressedSource(summary, "the workers of a cluster read the files", source.features, source.target)
    counts = {"n_rows": sum(state.rows for state in states), "skipped": sum(state.skipped for state in states)}
    return solve_sums(sums, options.descent, **counts, method=states[0].method)


def check_address(scheduler: Any) -> None:
    """Refuse an address that no scheduler can have."""
    match = ADDRESS.fullmatch(scheduler) if isinstance(scheduler, str) else None
    if match is None or not 0 < int(match["port"] or 1) <= MOST_PORTS:
        raise ValueError(
            f"scheduler must be the address of a Dask scheduler, such as tcp://10.0.0.1:8786; got {quote(scheduler)}"
        )


def run_coroutine(work: Coroutine[Any, Any, Any]) -> Any:
    """Return the result of a coroutine; where an event loop runs already, as in a notebook, in another thread."""
    if is_loop_running():
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(run_silently, work).result()
    return run_silently(work)


def is_loop_running() -> bool:
    """Return True if an event loop runs in this thread."""
    import asyncio

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def run_silently(work: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine in an event loop of this thread, without the logs of Dask: one error says what happened."""
    import asyncio

    with silent_loggers():
        return asyncio.run(work)


@contextmanager
def silent_loggers() -> Iterator[None]:
    """Keep Dask's loggers silent in this thread; a filter, unlike a level, leaves the logs of other threads alone."""
    own = get_ident()

    def is_foreign(record: logging.LogRecord) -> bool:
        return record.thread != own

    names = [name for name in logging.root.manager.loggerDict if name.partition(".")[0] in LOGGERS]
    loggers = [logging.getLogger(name) for name in names]
    for logger in loggers:
        logger.addFilter(is_foreign)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(is_foreign)


async def sum_files(
    scheduler: str, source: FileBatchSource, work: Work, say: Callable[[str], None]
) -> tuple[list[State], Summary]:
    """Return the sums of each file, which the workers compute, and their summary."""
    files = [head.path for head in source.heads]
    async with connect(scheduler) as client:
        for method in ("gram", "qr"):
            futures = client.map(partial(work, method), files, list(map(find_size, files)), pure=False)
            jobs = [partial(take_state, *task, scheduler) for task in zip(futures, files, strict=True)]
            states: list[State] = await watch(client, jobs, patient=False, say=say)
            moments = [state.moments for state in states if state.moments is not None]
            if not moments:
                raise ValueError(f"{source.place}expected rows with {name_weights(source.weight)} above 0; got none")
            summary = summarize_moments(reduce(partial(add_moments, method=method), moments), method)
            if summary is not None:
                return states, summary
    raise ValueError(LOST_DIGITS)


@asynccontextmanager
async def connect(scheduler: str) -> AsyncIterator[Any]:
    """Yield a client of the scheduler; the client releases its tasks when it closes."""
    import asyncio

    from dask.distributed import Client

    client = None
    try:
        try:
            client = Client(scheduler, timeout=CONNECT_SECONDS, asynchronous=True, set_as_default=False)
            await asyncio.wait_for(client, CONNECT_SECONDS + 1)  # the handshake has no limit of its own
        except Exception as error:  # anything may answer at an address, or nothing
            reason = printable(find_root(error)) or f"no answer in {CONNECT_SECONDS:g} seconds"
            raise ConnectionError(f"no Dask scheduler answers at {printable(scheduler)}: {reason}") from error
        yield client
    finally:
        if client is not None:
            with suppress(Exception):  # the cluster may be gone: the fit, or its error, is known by now
                await asyncio.wait_for(client.close(), CLOSE_SECONDS)


def find_root(error: BaseException) -> BaseException:
    """Return the first error of a chain of causes, such as the refusal of a connection that was tried many times."""
    return error if error.__cause__ is None else find_root(error.__cause__)


async def take_state(future: Any, file: str, scheduler: str) -> State:
    """Return the sums of a file from the task of a worker; raise an error that names the file."""
    try:
        found = await future.result()
    except Exception as error:  # of the cluster: `sum_file` returns its own errors
        root = find_root(error)
        failure = explain_failure(error) or f"{type(root).__name__}: {printable(root)}; {SAME_VERSIONS}"
        raise ConnectionError(f"the Dask cluster at {scheduler} failed with {printable(file)}: {failure}") from error
    if isinstance(found, Exception):
        raise found
    if not isinstance(found, State):
        raise ConnectionError(
            f"the Dask cluster at {scheduler} gave {kind_of(found)} for {printable(file)}; {SAME_VERSIONS}"
        )
    return found


def print_note(message: str) -> None:
    """Print a message on standard error."""
    print(f"fastgd: {message}", file=sys.stderr, flush=True)


def sum_file(request: Request, threads: int | None, method: str, file: str, size: int) -> State | Exception:
    """Return the sums of one file, on a worker, or the error that names the fault of the file or of the worker.

    The errors that are returned are ours; Dask raises those of the cluster.
    """
    settings = {"method": method, "missing": request.missing, "checkpoint": None, "quiet": True}
    try:
        options = StreamOptions.checked("sum_file", {"threads": threads}, **settings)
        source = FileBatchSource([file], request)
        if find_size(file) != size:  # a folder of the worker's own, or a file that changes
            return OSError(f"the worker at {find_worker()} has another file at {printable(file)}; {SAME_PATHS}")
        return run_pass(source, State(method), options, Checkpoint(None, {}))
    except (TypeError, ValueError, MemoryError) as error:
        return error
    except OSError as error:
        reason = error.strerror or printable(error)
        return OSError(f"the worker at {find_worker()} cannot read {printable(file)}: {reason}; {SAME_PATHS}")
    except ImportError as error:
        return ImportError(f"on the worker at {find_worker()}: {printable(error)}")


def find_size(file: str) -> int:
    """Return the size of a file in bytes."""
    return os.path.getsize(file)


def find_worker() -> str:
    """Return the address of the worker that runs this task."""
    from dask.distributed import get_worker

    return str(get_worker().address)
