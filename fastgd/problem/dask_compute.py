"""Compute delayed values; a cluster that fails raises one named error, and no task of a failed fit stays on it.

Functions import asyncio when they need it: it takes a tenth of the time that `import fastgd` takes.
"""

import sys
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import CancelledError
from time import monotonic
from typing import Any, NoReturn

from fastgd.inputs.words import printable

WORKERS_SECONDS = 60  # how long a cluster may have no workers, and its scheduler give no answer
POLL_SECONDS = 2  # between two looks at the workers
Job = Callable[[], Awaitable[Any]]


def compute(*lazy: Any) -> tuple[Any, ...]:
    """Return the computed values, as `dask.compute` does.

    Raises
    ------
    ConnectionError
        If a cluster computes, and its client is closed, its scheduler or all of its workers are lost, or workers die
        in one task again and again. Errors that a task raises stay as they are.
    """
    import dask

    client, futures = find_client(), []
    address = None if client is None else client.scheduler.address
    try:
        check_kept_data(lazy)
        if client is None:
            return tuple(dask.compute(*lazy))
        futures = client.compute(list(lazy))
        return tuple(client.sync(watch, client, [future.result for future in futures], patient=True))
    except Exception as error:  # whatever a task or the cluster raises
        failure = None if address is None else explain_failure(error)
        if failure is None:
            raise
        raise ConnectionError(f"the Dask cluster at {address} failed: {failure}") from error
    finally:
        for future in futures:
            future.release()


def find_client() -> Any:
    """Return the client that Dask would compute with; None if there is no cluster, and inside a task of one."""
    if sys.modules.get("distributed") is None:
        return None
    from dask.base import get_scheduler
    from distributed import Client, get_worker

    client = getattr(get_scheduler(), "__self__", None)
    if not isinstance(client, Client) or client.asynchronous or client.scheduler is None:
        return None
    try:
        get_worker()
    except ValueError:
        return client
    return None  # in a task, `dask.compute` lets the worker use the thread meanwhile


def check_kept_data(lazy: Sequence[Any]) -> None:
    """Refuse data that were kept on a cluster (by `persist`) and are lost, such as those of a closed client."""
    if sys.modules.get("distributed") is None:
        return
    from distributed import futures_of

    if any(future.cancelled() for future in futures_of(list(lazy))):
        raise ConnectionError(
            "X, y or sample_weight was kept on a Dask cluster, by persist, and is lost: its client was closed, or the "
            "cluster was restarted; make the collection again"
        )


def ignore(_: str) -> None:
    """Say nothing."""


async def watch(client: Any, jobs: Sequence[Job], *, patient: bool, say: Callable[[str], None] = ignore) -> list[Any]:
    """Return the results of all jobs, which wait for tasks of the client, in their order.

    Parameters
    ----------
    client : distributed.Client
        The client, whose event loop runs this.
    jobs : sequence of callable
        Each returns an awaitable. The first error of a job ends the others.
    patient : bool
        True to wait without a limit for the first worker, as Dask does.
    say : callable
        Takes a message once the cluster is found without workers.

    Raises
    ------
    ConnectionError
        If no worker is left for `WORKERS_SECONDS`, or the scheduler does not answer for so long.
    """
    import asyncio

    address = client.scheduler.address
    tasks = [asyncio.ensure_future(job()) for job in jobs]
    work: asyncio.Future[Any] = asyncio.gather(*tasks)
    guard: asyncio.Future[Any] = asyncio.ensure_future(guard_workers(client, address, patient, say))
    try:
        await asyncio.wait([work, guard], return_when=asyncio.FIRST_COMPLETED)
        return await (work if work.done() else guard)
    finally:
        # A job that goes on while the client closes leaves errors of Dask behind, which asyncio logs.
        for task in (work, *tasks, guard):
            await end(task)


async def end(task: Any) -> None:
    """Cancel a task until it has ended, and take its error, which asyncio would log otherwise.

    Once may not be enough: in Python 3.11, `asyncio.wait_for` ignores a cancellation that comes with its answer.
    """
    import asyncio

    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=POLL_SECONDS)
    if not task.cancelled():
        task.exception()


async def guard_workers(client: Any, address: str, patient: bool, say: Callable[[str], None]) -> NoReturn:
    """Raise an error once the cluster has had no worker for too long; see `watch`."""
    import asyncio

    seen, since = False, None if patient else monotonic()  # since when no worker is there
    while True:
        if await count_workers(client, address):
            seen, since = True, monotonic()
        elif since is not None:
            check_absence(address, monotonic() - since, seen)
            say(f"the Dask cluster at {address} has no worker: waiting up to {WORKERS_SECONDS:g} seconds for one")
            say = ignore
        await asyncio.sleep(POLL_SECONDS)


def check_absence(address: str, seconds: float, seen: bool) -> None:
    """Refuse a cluster that has had no worker for too long; `seen` tells that it had one before."""
    if seconds >= WORKERS_SECONDS:
        hint = "; workers end if they run out of memory, or cannot import what a task needs" if seen else ""
        raise ConnectionError(
            f"the Dask cluster at {address} failed: no worker was there for {WORKERS_SECONDS:g} seconds{hint}"
        )


async def count_workers(client: Any, address: str) -> int:
    """Return the number of workers; the scheduler must answer."""
    import asyncio

    scheduler = client.scheduler
    if scheduler is None:
        raise ConnectionError(f"the Dask cluster at {address} failed: its client was closed")
    try:
        return len(await asyncio.wait_for(scheduler.ncores(), WORKERS_SECONDS))
    except OSError as error:  # of which TimeoutError is one
        reason = printable(error) or f"no answer for {WORKERS_SECONDS:g} seconds"
        raise ConnectionError(f"the Dask cluster at {address} failed: its scheduler is lost; {reason}") from error


def explain_failure(error: BaseException) -> str | None:
    """Return how a cluster failed, from an error of Dask; None for an error that a task raised."""
    from distributed import client, scheduler
    from distributed.comm import CommClosedError

    if isinstance(error, scheduler.KilledWorker):
        last = printable(error.last_worker.address)
        times = error.allowed_failures + 1
        return f"workers died {times} times in the same task, the last one at {last}; their memory may be too small"
    if isinstance(error, (scheduler.NoWorkerError, scheduler.NoValidWorkerError)):  # Dask has a limit of its own
        return f"no worker can take a task; {printable(error)}"
    if isinstance(error, CancelledError):
        reason = getattr(error, "reason", "unknown")
        got = "" if reason == "unknown" else f" ({printable(reason)})"
        return f"its tasks were cancelled{got}: the scheduler was lost or restarted, or the client closed"
    if isinstance(error, CommClosedError):
        return f"a connection was lost; {printable(error)}"
    if isinstance(error, client.ClosedClientError):
        return "its client was closed"
    return None
