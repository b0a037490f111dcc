"""Fit batches of rows from an iterable, each of which is read once."""

from __future__ import annotations  # help() shows plain names

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from fastgd.inputs import frames
from fastgd.inputs.data import check_numbers, check_problem
from fastgd.inputs.words import kind_of, quote
from fastgd.streaming.options import StreamOptions
from fastgd.streaming.result import StreamResult, fit_source
from fastgd.streaming.source import START_OVER, Batch, SeenBatch, list_names, make_stamp
from fastgd.streaming.sums import count_rows, flatten_single

ALL = (True, True, True)  # the stamp covers all rows of X, y and the weights


def fit_batches(
    batches: Iterable[Any],
    *,
    fit_intercept: bool = True,
    alpha: float = 0.0,
    method: str = "auto",
    missing: str = "error",
    checkpoint: str | os.PathLike[str] | None = None,
    quiet: bool = True,
    **descent: Any,
) -> StreamResult:
    """Fit a linear regression to rows that come in batches, each of which is read once.

    The fit is the one of `fastgd.gradient_descent` on all rows with ``compress=True``, in memory for one batch. The
    iterable may change or refill a batch as soon as the next one is requested.

    Parameters
    ----------
    batches : iterable of (X, y) or (X, y, sample_weight)
        X of shape (n_rows, n_features), y of shape (n_rows,) or (n_rows, n_targets), sample_weight of shape (n_rows,),
        as `fastgd.gradient_descent` takes them. All batches have the same features and targets; they may differ in
        n_rows.
    fit_intercept : bool
        True if the weights begin with an intercept.
    alpha : float
        Ridge: alpha·½‖coef‖² is added to J; the intercept is not penalised.
    method : {"auto", "gram", "qr"}
        "gram" is the fastest, and refuses data whose digits it would lose; "qr" takes up to seven times as long and
        loses none. "auto" is "qr" here, because the rows cannot be read again.
    missing : {"error", "skip"}
        "error" refuses a row that holds a NaN, and names batch and row; "skip" leaves the row out and counts it.
        Infinities are always refused.
    checkpoint : path or None
        A file that keeps the sums, saved every few seconds and when the iterable fails. A later call with the same
        arguments resumes from it, to the same bits: it iterates from the first batch again, and drops the batches
        already summed, which must have the same values, by a checksum of all of them. Options of the descent (alpha,
        fit_intercept, epochs, …) may change, since the sums do not depend on them; `method` and `missing` may not. The
        file is removed when the fit is done. A lock file beside it keeps other processes away. A checkpoint that cannot
        be saved, as on a full disk, is a warning; the fit goes on.
    quiet : bool
        False shows the rows read and the speed on standard error: a bar on a terminal, if rich is installed
        (the extra ``progress``), else a line every few seconds.
    **descent
        Arguments of `fastgd.gradient_descent`, with its defaults: learning_rate, epochs, weights, tol, check_every,
        backend, precondition, threads, random_state, callback, verbose, history, stop_on_divergence. By default, up to
        some thousands of features, one epoch in whitened coordinates is enough.

    Returns
    -------
    StreamResult
        A `fastgd.DescentResult` with n_samples, skipped and method.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described above, before the first batch is read. If a batch is not as described; the
        message names the batch, counted from 0, and row and column of a value that is not finite. If the checkpoint
        is damaged or belongs to another fit.

    Examples
    --------
    >>> import numpy as np
    >>> from fastgd.streaming import fit_batches
    >>> X = np.arange(20.0).reshape(10, 2) % 7
    >>> batches = ((X[i : i + 4], 1 + X[i : i + 4] @ [2.0, 3.0]) for i in (0, 4, 8))
    >>> result = fit_batches(batches)
    >>> result.weights.round(6), result.n_samples
    (array([1., 2., 3.]), 10)
    """
    descent |= {"fit_intercept": fit_intercept, "alpha": alpha}
    options = StreamOptions.checked(
        "fit_batches", descent, method=method, missing=missing, checkpoint=checkpoint, quiet=quiet
    )
    check_batches(batches)
    return fit_source(IterableBatchSource(batches), options)


def check_batches(batches: Any) -> None:
    """Refuse a value that is no iterable of batches: data in memory, and a path, have functions of their own."""
    expected = "batches must be an iterable of (X, y) or (X, y, sample_weight)"
    if frames.is_data_in_memory(batches):
        raise TypeError(f"{expected}; got {kind_of(batches)}: {frames.IN_MEMORY}")
    if isinstance(batches, str | os.PathLike):
        raise TypeError(f"{expected}; got {quote(batches)}, {kind_of(batches)}: fastgd.streaming.fit_files takes files")
    if isinstance(batches, bytes) or not hasattr(batches, "__iter__"):
        raise TypeError(f"{expected}; got {quote(batches)}")


class IterableBatchSource:
    """An iterable as a source of batches."""

    total = None
    n_features = None
    n_targets = 1
    rereadable = False
    bytes_read = None
    weight = None
    place = ""

    def __init__(self, batches: Iterable[Any]) -> None:
        self.iterable = batches
        self.identity: dict[str, Any] = {"source": "batches"}
        self.features: list[str] | None = None
        self.target: Any = None

    def batches_after(self, seen: Sequence[SeenBatch]) -> Iterator[Batch]:
        """Yield the batches after those seen."""
        number = -1
        for number, item in enumerate(self.iterable):
            batch = self.make_batch(item, number)
            if number < len(seen):
                check_same_batch(batch, seen[number])
            else:
                yield batch
        if number + 1 < len(seen):
            raise ValueError(
                f"batches must be those of the checkpoint, {len(seen)} or more; got {number + 1}; {START_OVER}"
            )

    def make_batch(self, item: Any, number: int) -> Batch:
        """Return the batch of an item of the iterable."""
        where = f"batch {number} (counted from 0)"
        if not isinstance(item, tuple | list) or len(item) not in (2, 3):
            size = f" of {len(item)}" if isinstance(item, tuple | list) else ""
            raise TypeError(f"{where}: expected (X, y) or (X, y, sample_weight); got {kind_of(item)}{size}")
        X, y, weights = item if len(item) == 3 else (*item, None)
        try:
            found = frames.data_names(X, y)
            if self.features is None and self.target is None:
                self.features, self.target = found
            frames.check_same_columns(X, self.features)
            frames.check_same_targets(y, self.target)
        except (TypeError, ValueError) as error:
            raise type(error)(f"{where}: {error}") from error
        names = list_names(self.features, self.target, X)
        return Batch(X, y, weights, 0, where, lambda row: f"batch {number}, row {row} (counted from 0)", names, ALL)


def check_same_batch(batch: Batch, seen: SeenBatch) -> None:
    """Refuse a batch that differs from the one that an earlier run read."""
    rows = count_rows(batch.X)
    if rows == seen.rows == 0:
        return
    expected = f"{batch.where}: expected the batch of the checkpoint, of {seen.rows} rows"
    if rows != seen.rows:
        raise ValueError(f"{expected}; got one of {rows} rows; {START_OVER}")
    try:
        X, y = check_problem(batch.X, batch.y, finite=False, targets=True)
        weights = None if batch.weights is None else check_numbers("sample_weight", batch.weights)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{batch.where}: {error}") from error
    if make_stamp((X, flatten_single(y), weights), batch.whole) != seen.stamp:
        raise ValueError(f"{expected}; got one of other values; {START_OVER}")
