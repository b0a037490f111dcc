"""The sums of one batch, and of all batches so far. Rows with missing values are refused or left out."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from fastgd.inputs.arrays import Array
from fastgd.inputs.data import check_numbers, check_problem, check_sample_weight
from fastgd.problem.moments import Moments, add_moments, sum_blocks
from fastgd.streaming.bad_rows import check_bad_rows, find_bad_rows
from fastgd.streaming.source import Batch, SeenBatch, make_stamp, name_weights


@dataclass(frozen=True, slots=True)
class BatchSums:
    """The moments of a batch (None if no row has a positive weight), the number of rows left out, and its record."""

    moments: Moments | None
    skipped: int
    seen: SeenBatch


def sum_batch(batch: Batch, n_features: int | None, method: str, missing: str, stamped: bool) -> BatchSums:
    """Return the sums of a batch, which must have n_features columns if the number is known; errors name the batch.

    The record has a stamp if `stamped` is true: only a checkpoint needs it.
    """
    if count_rows(batch.X) == 0 and count_rows(batch.y) == 0:
        return BatchSums(None, 0, SeenBatch(batch.file, 0, 0))
    try:
        X, y = check_problem(batch.X, batch.y, finite=False, targets=True)
        # The code below checks that the weights are finite, because it knows their rows.
        weights = None if batch.weights is None else check_numbers("sample_weight", batch.weights)
        if weights is not None and weights.shape != (len(y),):
            check_sample_weight(weights, len(y))
        if n_features not in (None, X.shape[1]):
            raise ValueError(f"X must have {n_features} columns, as before; got {X.shape[1]}")
    except (TypeError, ValueError) as error:
        raise type(error)(batch.explain(error)) from error
    if weights is not None and (weights < 0).any():
        row = int(np.argmax(weights < 0))
        weight = name_weights(batch.weight)
        raise ValueError(f"{batch.locate(row)}: {weight} must not be negative; got {weights[row]}")
    bad = find_bad_rows(X, y, weights)
    left_out = check_bad_rows(batch, (X, y, weights), bad, missing) if len(bad) else bad
    stamp = make_stamp((X, flatten_single(y), weights), batch.whole) if stamped else 0
    seen = SeenBatch(batch.file, len(y), stamp)
    if len(left_out):
        keep = np.delete(np.arange(len(y)), left_out)
        X, y, weights = X[keep], y[keep], None if weights is None else weights[keep]
    try:
        return BatchSums(sum_rows(X, y, weights, method), len(left_out), seen)
    except ValueError as error:  # the weights, or the squares of the data, are out of range
        raise ValueError(batch.explain(error)) from error


def count_rows(values: object) -> int | None:
    """Return the number of rows; None if the values have none, such as a number."""
    shape = getattr(values, "shape", None)
    if isinstance(shape, tuple):
        return shape[0] if shape else None
    return len(values) if hasattr(values, "__len__") else None


def sum_rows(X: Array, y: Array, weights: Array | None, method: str) -> Moments | None:
    """Return the moments of finite rows; None if no row has a positive weight."""
    weights = check_sample_weight(weights, len(y), zero_sum=True)
    if not len(y) or (weights is not None and not weights.any()):
        return None
    return sum_blocks(X, y, weights, method, threads=1)  # batches have threads of their own


def flatten_single(y: Array) -> Array:
    """Return y (n_samples, n_targets) with one dimension if there is one target."""
    return y[:, 0] if y.shape[1] == 1 else y


@dataclass(frozen=True, slots=True)
class State:
    """The progress of a pass. A state never changes, so an interrupt always leaves a complete one.

    `moments` is None before the first row of positive weight; `skipped` counts the rows left out. `log` has the records
    of the batches summed; later states share it and append theirs.
    """

    method: str
    moments: Moments | None = None
    skipped: int = 0
    batches: int = 0
    log: list[SeenBatch] = field(default_factory=list)

    @property
    def seen(self) -> Sequence[SeenBatch]:
        """The records of the batches summed."""
        return self.log[: self.batches]

    @property
    def rows(self) -> int:
        """The number of rows read, those left out included."""
        return sum(batch.rows for batch in self.seen)

    def with_batch(self, sums: BatchSums) -> "State":
        """Return the state after one more batch."""
        moments = self.moments
        if sums.moments is not None:
            moments = sums.moments if moments is None else add_moments(moments, sums.moments, self.method)
        del self.log[self.batches :]
        self.log.append(sums.seen)
        return State(self.method, moments, self.skipped + sums.skipped, self.batches + 1, self.log)
