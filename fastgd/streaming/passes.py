"""One pass over all batches, from wherever an earlier run left off, and a second one where the first lost digits."""

import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from threading import Lock
from typing import Any

from fastgd.problem.moments import LOST_DIGITS, Summary, finish
from fastgd.progress import Progress
from fastgd.streaming.checkpoint import Checkpoint
from fastgd.streaming.options import StreamOptions
from fastgd.streaming.source import Batch, BatchSource
from fastgd.streaming.sums import Part, State, sum_batch

VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class BlasLimit:
    """A limit of one thread that lasts as long as somebody needs it: BLAS knows only one limit for the process.

    Contexts of several Python threads overlap in any order. If each restored what it had found, the last one to end
    could restore the limit of another.
    """

    def __init__(self) -> None:
        self.lock, self.users, self.limit = Lock(), 0, None

    def enter(self, make_limit: Any) -> None:
        """Set the limit, unless it is set."""
        with self.lock:
            self.users += 1
            if self.users == 1:
                self.limit = make_limit(1, "blas")

    def leave(self) -> None:
        """Take the limit off if nobody else needs it."""
        with self.lock:
            self.users -= 1
            if self.users == 0 and self.limit is not None:
                self.limit.restore_original_limits()


LIMIT = BlasLimit()  # the one piece of state of this package, since the process has it too


@contextmanager
def one_blas_thread() -> Iterator[bool]:
    """Let products take one thread each, if threadpoolctl is installed, and tell whether they do."""
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:
        yield any(os.environ.get(name) == "1" for name in VARIABLES)
        return
    LIMIT.enter(threadpool_limits)
    try:
        yield True
    finally:
        LIMIT.leave()


def read(source: BatchSource, options: StreamOptions, checkpoint: Checkpoint) -> tuple[State, Summary]:
    """Return the sums over all batches, and what they say of J."""
    state = checkpoint.load() or State("gram" if options.method == "auto" and source.lasting else options.method)
    if state.method == "auto":
        state = State("qr")  # rows that are gone cannot be read again
    state = run_pass(source, state, options, checkpoint)
    summary = summarize(state)
    if summary is None and options.method == "auto":
        state = run_pass(source, State("qr"), options, checkpoint)
        summary = summarize(state)
    if summary is None:
        raise ValueError(LOST_DIGITS)
    return state, summary


def summarize(state: State) -> Summary | None:
    """Return what the sums say of J; None where digits were lost."""
    if state.moments is None:
        left_out = f"; {state.skipped:,} of {state.rows:,} rows were left out" if state.skipped else ""
        raise ValueError(f"expected rows of positive sample_weight; got none in {state.batches:,} batches{left_out}")
    return finish(state.moments, state.method)


def run_pass(source: BatchSource, state: State, options: StreamOptions, checkpoint: Checkpoint) -> State:
    """Return the state after all batches; whatever ends the pass early, the checkpoint knows how far it came."""
    title, rows = "reading" if state.method == "gram" else "reading for a QR", state.rows
    if rows and not options.quiet:
        print(f"fastgd: going on after {rows:,} rows, by the checkpoint", file=sys.stderr)
    with Progress(source.total, title=title, unit="rows", first=rows, quiet=options.quiet) as progress:
        try:
            for part in sum_batches(source, state, options):
                if state.moments is None and part.moments is not None:
                    options.descent.check_features(part.moments.n_features)
                state = state.after(part)
                checkpoint.look(state)
                rows += part.seen.rows
                progress.show(rows)
        finally:
            checkpoint.save(state)
    return state


def sum_batches(source: BatchSource, state: State, options: StreamOptions) -> Iterator[Part]:
    """Yield the sums of each batch, in the order of the batches."""
    batches = iter(source.batches(state.seen))
    work = partial(sum_batch, method=state.method, missing=options.missing)
    shift = None if state.moments is None else state.moments.shift
    while shift is None:  # the first rows that count decide about it
        batch = next(batches, None)
        if batch is None:
            return
        part = work(batch, None)
        shift = None if part.moments is None else part.moments.shift
        yield part
    work = partial(work, shift=shift)
    yield from map_ahead(work, batches, options.threads) if source.lasting else map(work, batches)


def map_ahead(work: Callable[[Batch], Part], batches: Iterable[Batch], threads: int) -> Iterator[Part]:
    """Yield the sums of each batch in order; the next batches are read, and summed up by threads, in the meantime.

    With one thread, that is one beside the reader. Where products may have several threads, more of ours would only be
    in their way.
    """
    waiting: deque[Future[Part]] = deque()
    with one_blas_thread() as alone, ThreadPoolExecutor(threads if alone else 1) as pool:
        for batch in batches:
            waiting.append(pool.submit(work, batch))
            if len(waiting) > threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
