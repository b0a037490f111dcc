"""Passes over all batches: the first resumes from a checkpoint; a second follows if the first one loses digits."""

import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from itertools import cycle

from fastgd.backends.blas import one_blas_thread
from fastgd.files.csv import NO_ROWS
from fastgd.problem.moments import LOST_DIGITS, Summary, summarize_moments
from fastgd.problem.rows import choose_method_for
from fastgd.progress import Progress
from fastgd.streaming.checkpoint import Checkpoint
from fastgd.streaming.options import StreamOptions
from fastgd.streaming.source import Batch, BatchSource, name_weights
from fastgd.streaming.sums import BatchSums, State, sum_batch


def sum_source(source: BatchSource, options: StreamOptions, checkpoint: Checkpoint) -> tuple[State, Summary]:
    """Return the sums over all batches, and their summary."""
    state = checkpoint.load(source.n_features, source.n_targets)
    if state is None:
        method = "gram" if source.rereadable else "qr"  # rows that cannot be read again must lose no digits
        state = State(method if options.method == "auto" else options.method)
    state = run_pass(source, state, options, checkpoint)
    summary = summarize_state(state, source)
    # Of little data, a second pass keeps more digits for whitened coordinates.
    if (
        options.method == "auto"
        and state.method == "gram"
        and (summary is None or choose_method_for(options.descent, summary.shape, summary.n_targets) == "qr")
    ):
        state = run_pass(source, State("qr"), options, checkpoint)
        summary = summarize_state(state, source)
    if summary is None:
        raise ValueError(LOST_DIGITS)
    return state, summary


def summarize_state(state: State, source: BatchSource) -> Summary | None:
    """Return the summary of the rows; None if the sums lost digits. The errors begin with the place of the source."""
    place = source.place
    if not state.rows:
        raise ValueError(f"{place}{NO_ROWS}")
    if state.moments is None:
        if state.skipped == state.rows:
            raise ValueError(f"{place}expected rows without missing values; got none in {state.rows:,} rows")
        left_out = f"; {state.skipped:,} of {state.rows:,} rows were left out" if state.skipped else ""
        weight = name_weights(source.weight)
        raise ValueError(f"{place}expected rows with {weight} above 0; got none in {state.rows:,} rows{left_out}")
    return summarize_moments(state.moments, state.method)


def run_pass(source: BatchSource, state: State, options: StreamOptions, checkpoint: Checkpoint) -> State:
    """Return the state after all batches; if the pass ends early, the checkpoint keeps the state reached."""
    title, rows = "reading" if state.method == "gram" else "reading for a QR", state.rows
    if rows and not options.quiet:
        print(f"fastgd: going on after {rows:,} rows, by the checkpoint", file=sys.stderr)
    with Progress(source.total, title=title, unit="rows", first=rows, quiet=options.quiet) as progress:
        try:
            for sums in sum_batches(source, state, options):
                if state.moments is None and sums.moments is not None:
                    options.descent.check_start_shape(sums.moments.n_features, sums.moments.n_targets)
                state = state.with_batch(sums)
                checkpoint.save_if_due(state)
                rows += sums.seen.rows
                progress.show(rows, "", source.bytes_read)
        finally:
            checkpoint.save(state)
    return state


def sum_batches(source: BatchSource, state: State, options: StreamOptions) -> Iterator[BatchSums]:
    """Yield the sums of each batch, in the order of the batches.

    The sums of a batch depend on its rows alone, not on the batches before: so they have the same bits in every run.
    """
    batches = source.batches_after(state.seen)
    stamped = options.checkpoint is not None
    work = partial(sum_batch, method=state.method, missing=options.missing, stamped=stamped)
    if source.rereadable:
        yield from map_ahead(partial(work, n_features=source.n_features), batches, options.threads)
        return
    first = state.moments
    for batch in batches:
        sums = work(batch, None if first is None else first.n_features)
        first = first or sums.moments
        if first is not None and sums.moments is not None and sums.moments.n_targets != first.n_targets:
            expected, got = (f"{one.n_targets}" for one in (first, sums.moments))
            raise ValueError(f"{batch.where}: y must have {expected} columns, as before; got {got}")
        yield sums


def map_ahead(work: Callable[[Batch], BatchSums], batches: Iterable[Batch], threads: int) -> Iterator[BatchSums]:
    """Yield the sums of each batch in order, while the caller's thread reads ahead and other threads sum.

    If BLAS may use several threads, one thread sums: more would compete with those of BLAS. If no thread can be
    started, the caller's thread sums.
    """
    waiting: deque[Future[BatchSums]] = deque()
    with one_blas_thread() as alone, ExitStack() as stack:
        workers = start_workers(threads if alone else 1, stack)
        if not workers:
            yield from map(work, batches)
            return
        for batch, worker in zip(batches, cycle(workers), strict=False):  # the worker of the oldest batch is free next
            waiting.append(worker.submit(work, batch))
            if len(waiting) > len(workers):
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def start_workers(threads: int, stack: ExitStack) -> list[ThreadPoolExecutor]:
    """Start at most `threads` workers of one thread each; return those that the system can start."""
    workers: list[ThreadPoolExecutor] = []
    for _ in range(threads):
        worker = stack.enter_context(ThreadPoolExecutor(1))
        try:
            worker.submit(int)  # starts the thread
        except (RuntimeError, MemoryError):  # RuntimeError: can't start new thread
            break
        workers.append(worker)
    return workers
