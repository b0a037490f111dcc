"""Fit files on a running Dask cluster, whose workers read a file at a time: `fastgd fit --scheduler ADDRESS`.

A worker reads a file as `fastgd.streaming.fit_files` does, with the same checks and messages, and returns its sums.
"""

from collections.abc import Sequence
from functools import partial, reduce
from typing import Any

from fastgd.problem.moments import LOST_DIGITS, add_moments, summarize_moments
from fastgd.problem.rows import CompressedSource
from fastgd.streaming.checkpoint import Checkpoint
from fastgd.streaming.files import FileBatchSource, find_files
from fastgd.streaming.options import StreamOptions
from fastgd.streaming.passes import run_pass
from fastgd.streaming.result import StreamResult, solve_sums
from fastgd.streaming.sums import State

CONNECT_SECONDS = 10  # the time that the scheduler has to answer


def fit_on_cluster(
    paths: Sequence[str],
    target: str,
    *,
    scheduler: str,
    features: Sequence[str] | None = None,
    weight: str | None = None,
    alpha: float = 0.0,
    missing: str = "error",
    **descent: Any,
) -> StreamResult:
    """Fit a linear regression to files that the workers of a cluster read, at the same paths; see `fit_files`.

    The address of the scheduler is such as "tcp://10.0.0.1:8786"; it is an OSError if no scheduler answers there.
    """
    try:
        from dask.distributed import Client
    except ImportError as error:
        raise ImportError("a fit on a cluster needs Dask: pip install 'fastgd[dask,parquet]'") from error
    descent = {"alpha": alpha, **descent}
    options = StreamOptions.checked(
        "fit_on_cluster", descent, method="auto", missing=missing, checkpoint=None, quiet=True
    )
    files = find_files(paths)
    source = FileBatchSource(files, target, features, weight)
    with Client(scheduler, timeout=CONNECT_SECONDS) as client:
        for method in ("gram", "qr"):
            columns = (target, source.columns.features, weight)
            tasks = [client.submit(sum_file, file, columns, options, method, pure=False) for file in files]
            states: list[State] = client.gather(tasks)
            moments = [state.moments for state in states if state.moments is not None]
            if not moments:
                raise ValueError(f"expected rows of positive weight; got none in {len(files)} files")
            summary = summarize_moments(reduce(partial(add_moments, method=method), moments), method)
            if summary is not None:
                break
    if summary is None:
        raise ValueError(LOST_DIGITS)
    rows, skipped = sum(state.rows for state in states), sum(state.skipped for state in states)
    sums = CompressedSource(summary, "the workers of a cluster read the files", source.features, source.target)
    return solve_sums(sums, options.descent, n_rows=rows, skipped=skipped, method=method)


def sum_file(file: str, columns: tuple[str, list[str], str | None], options: StreamOptions, method: str) -> State:
    """Return the sums of one file, on a worker."""
    target, features, weight = columns
    source = FileBatchSource([file], target, features, weight)
    return run_pass(source, State(method), options, Checkpoint(None, {}))
