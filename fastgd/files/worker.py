"""Work in one thread beside the main one, in order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import TypeVar

Part = TypeVar("Part")
Done = TypeVar("Done")


def start_worker(stack: ExitStack) -> ThreadPoolExecutor | None:
    """Return a thread, which the stack ends; None if the system starts no more threads."""
    worker = stack.enter_context(ThreadPoolExecutor(1))
    try:
        worker.submit(int)  # starts the thread
    except (RuntimeError, MemoryError):  # RuntimeError: can't start new thread
        return None
    return worker


def work_ahead(parts: Iterable[Part], work: Callable[[Part], Done]) -> Iterator[Done]:
    """Yield ``work(part)`` for each part: a thread works on a part while the next one is read.

    If a part cannot be read, the work on the parts before it is yielded first.

    Examples
    --------
    >>> from fastgd.files.worker import work_ahead
    >>> list(work_ahead(["a", "b", "c"], str.upper))
    ['A', 'B', 'C']
    """
    with ExitStack() as stack:
        worker = start_worker(stack)
        if worker is None:
            yield from map(work, parts)
            return
        waiting, left, fault = deque[Future[Done]](), iter(parts), None
        while True:
            try:
                part = next(left)
            except StopIteration:
                break
            except ValueError as error:
                fault = error
                break
            waiting.append(worker.submit(work, part))
            if len(waiting) > 1:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
        if fault is not None:
            raise fault
