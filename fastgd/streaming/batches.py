"""Fit batches that come one after the other, each of which is seen once."""

from __future__ import annotations  # help() shows plain names

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from fastgd.inputs import frames
from fastgd.inputs.data import check_numbers, check_problem
from fastgd.streaming.options import check_options
from fastgd.streaming.result import StreamResult, fit_source
from fastgd.streaming.source import Batch, Seen, make_stamp

ADVICE = "delete the checkpoint to begin anew"


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
    """Fit a linear regression to rows that come in batches, each of which is seen once.

    The fit is that of `fastgd.gradient_descent` on all rows, compressed: memory for one batch is enough. A batch may
    be changed, or filled anew, as soon as the next one is asked for.

    Parameters
    ----------
    batches : iterable of (X, y) or (X, y, sample_weight)
        X of shape (n_rows, n_features), y of shape (n_rows,), sample_weight of shape (n_rows,), as
        `fastgd.gradient_descent` takes them; as many features in every batch, as many rows as there happen to be.
    fit_intercept : bool
        Whether weights begin with an intercept.
    alpha : float
        Ridge: alpha·½‖coef‖² is added to J; the intercept is not penalised.
    method : {"auto", "gram", "qr"}
        "gram" is the fastest, and refuses data whose digits it would lose; "qr" takes three to five times as long and
        loses none. "auto" is "qr" here: the rows cannot be read again.
    missing : {"error", "skip"}
        What to do with a row that holds a NaN: refuse it, with its batch and row, or leave it out and count it.
        Infinities are refused.
    checkpoint : path or None
        A file that keeps what was summed up, every few seconds and when the iterable fails. With the same arguments, a
        run that finds it goes on after it, and gives the same bits: the iterable is begun anew, and its first batches,
        which must be the same, are taken and dropped. It is removed when the fit is done. What has to do with the
        descent (alpha, fit_intercept, epochs, …) may be changed.
    quiet : bool
        False shows on standard error how many rows were read, and how fast: a bar on a terminal, if rich is installed
        (``pip install 'fastgd[progress]'``), else a line every few seconds.
    **descent
        Arguments of `fastgd.gradient_descent`, as they are there: learning_rate, epochs, weights, tol, check_every,
        backend, standardize, threads, random_state, callback, verbose.

    Returns
    -------
    StreamResult
        A `fastgd.DescentResult`, with n_samples, skipped, method, cost and r_squared.

    Raises
    ------
    TypeError, ValueError
        If an argument is not what is described above: before the first batch is taken. If a batch is not: its number,
        counted from 0, is in the message, with row and column of a value that is not finite. If the checkpoint is
        damaged, or one of another fit.

    Examples
    --------
    >>> import numpy as np
    >>> from fastgd.streaming import fit_batches
    >>> X = np.arange(20.0).reshape(10, 2) % 7
    >>> batches = ((X[i : i + 4], 1 + X[i : i + 4] @ [2.0, 3.0]) for i in (0, 4, 8))
    >>> result = fit_batches(batches, learning_rate="eigenvalues", standardize=True)
    >>> result.weights.round(6), result.n_samples
    (array([1., 2., 3.]), 10)
    """
    options = check_options(
        "fit_batches",
        descent,
        fit_intercept=fit_intercept,
        alpha=alpha,
        method=method,
        missing=missing,
        checkpoint=checkpoint,
        quiet=quiet,
    )
    if isinstance(batches, str | bytes) or not hasattr(batches, "__iter__"):
        raise TypeError(f"batches must be an iterable of (X, y) or (X, y, sample_weight); got {batches!r}")
    return fit_source(IterableSource(batches), options)


class IterableSource:
    """Batches of an iterable."""

    total = None
    n_features = None
    lasting = False

    def __init__(self, batches: Iterable[Any]) -> None:
        self.iterable = batches
        self.identity: dict[str, Any] = {"source": "batches"}
        self.features: list[str] | None = None
        self.target: str | None = None

    def batches(self, seen: Sequence[Seen]) -> Iterator[Batch]:
        """Yield the batches after those seen."""
        number = -1
        for number, item in enumerate(self.iterable):
            batch = self.open(item, number)
            if number < len(seen):
                check_again(batch, seen[number])
            else:
                yield batch
        if number + 1 < len(seen):
            raise ValueError(
                f"batches must be those of the checkpoint, {len(seen)} or more; got {number + 1}; {ADVICE}"
            )

    def open(self, item: Any, number: int) -> Batch:
        """Return what was yielded as a batch."""
        where = f"batch {number} (counted from 0)"
        if not isinstance(item, tuple | list) or len(item) not in (2, 3):
            size = f" of {len(item)}" if isinstance(item, tuple | list) else ""
            raise TypeError(f"{where}: expected (X, y) or (X, y, sample_weight); got a {type(item).__name__}{size}")
        X, y, weights = item if len(item) == 3 else (*item, None)
        if self.features is None and self.target is None:
            self.features, self.target = frames.column_names(X), frames.series_name(y)
        try:
            frames.check_same_columns(X, self.features)
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from error
        return Batch(X, y, weights, 0, where, lambda row: f"batch {number}, row {row} (counted from 0)", whole=True)


def check_again(batch: Batch, seen: Seen) -> None:
    """Refuse a batch that is not the one that an earlier run has seen in its place."""
    rows = len(batch.X)
    if rows == seen.rows == 0:
        return
    expected = f"{batch.where}: expected the batch of the checkpoint, of {seen.rows} rows"
    if rows != seen.rows:
        raise ValueError(f"{expected}; got one of {rows} rows; {ADVICE}")
    X, y = check_problem(batch.X, batch.y, finite=False)
    weights = None if batch.weights is None else check_numbers("sample_weight", batch.weights)
    if make_stamp(X, y, weights, batch.whole) != seen.stamp:
        raise ValueError(f"{expected}; got one of other values; {ADVICE}")
